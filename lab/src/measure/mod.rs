//! What the box costs, measured in a school of its own: every figure of `docs/performance.md` comes from here.
//!
//! The machine that measures is never quiet, so each figure is taken several times, in turn with its floor in the same
//! run, and what counts is processor time for each unit of work, not the rate.
//!
//! | file | what it is |
//! |---|---|
//! | `course` | the order in which everything is measured |
//! | `crowd` | 500 machines that sign in |
//! | `sites` | web sites that do no TLS, so that only the box costs |
//! | [`load`] | what runs on the pupil's machine, and the floors to compare with |
//! | `gauge` | the kernel's account of a process |
//! | [`report`] | the figures, as a table |
//! | `statistics` | medians and percentiles |

mod course;
mod crowd;
mod gauge;
pub mod load;
pub mod report;
mod sites;
mod statistics;

pub use course::{Length, measure};
