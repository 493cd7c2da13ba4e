//! `/journal`: what was done, filtered, by pages, and as a table for elsewhere.

mod show;

pub(super) use show::router;
