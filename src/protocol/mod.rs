//! The words that a box and the académie's central exchange: what lies in the signed channel, what is said on the live
//! line, and how a box is taken into the fleet. Types and their forms only; no I/O, no clock.
//!
//! Down, everything is a target of the school's view of one TUF repository ([`names`], [`index`]): it can be carried by
//! anything, and counts for its signatures alone. Up and live, it is JSON over HTTPS with certificates on both sides
//! ([`mod@line`], [`enrolment`], [`counts`]).
//!
//! **Versions.** The first part of every path is the version, `/v1/`. Central is always brought up to date first: it reads
//! what older boxes say, so what is added to a [`Report`](line::Report) has a default; a box passes over an order it does not know
//! and says so.

pub mod chunks;
pub mod content;
pub mod counts;
pub mod delivery;
pub mod enrolment;
pub mod index;
pub mod line;
pub mod names;
pub mod relay;
pub mod repair;
pub mod sealing;
mod token;

pub use token::{Token, TokenError};
