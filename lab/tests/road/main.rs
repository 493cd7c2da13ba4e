//! The road through the real box, with real programs in namespaces: what people get, what they do not, and what the box
//! does when it is killed, fed nonsense, or told something new.
//!
//! Each module is one story; those that disturb the box have a school of their own. Needs root or user namespaces, and
//! `cargo build --workspace` first; without either, every test here fails and says what to do.

#![expect(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

mod asking;
mod bad_input;
mod before_sign_in;
mod cache;
mod cage;
mod captive;
mod cas;
mod central;
mod clock;
mod clones;
mod concentrator;
mod death;
mod dns_tunnel;
mod ent;
mod journal;
mod library;
mod line_share;
mod live;
mod offline_day;
mod page_security;
mod pages;
mod quic;
mod referent;
mod reload;
mod repair;
mod replacement;
mod requests;
mod rules;
mod search;
mod services;
mod sessions;
mod sites;
mod teacher;
mod tunnel;
mod updates;
mod zones;
