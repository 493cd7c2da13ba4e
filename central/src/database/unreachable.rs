//! The one kind of failure that callers treat apart: the database does not do its work just now.

use std::time::Duration;

/// How long an act waits for its turn before it fails: acts are short, so whatever holds the database longer hangs.
pub(super) const TURN_WAIT_MAX: Duration = Duration::from_secs(30);

/// The database cannot be reached, or does not do its work just now: nothing is wrong with the act, and later it may
/// succeed. Boxes are told to come again, people that it cannot be done at the moment.
///
/// It stands in the chain of the error: `error.is::<Unreachable>()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(&'static str);

impl Unreachable {
    pub(super) const BUSY: Self = Self(
        "the database was busy for 30 seconds with others; try again, and see what holds it if this goes on",
    );
    pub(super) const DISK: Self =
        Self("the database cannot write to its disk; see that the disk is whole and mounted");
    pub(super) const FULL: Self = Self("the disk of the database is full; make room on it");
    pub(super) const GONE: Self =
        Self("cannot reach PostgreSQL; see that it runs and that `database` in the configuration names it");
    pub(super) const LOST: Self = Self("the connection to PostgreSQL was lost; nothing was written");
    pub(super) const READ_ONLY: Self = Self(
        "the database takes no writes; see that `database` in the configuration names the primary server",
    );
    pub(super) const SLOW: Self =
        Self("PostgreSQL did not answer in time; see what holds it, or whether its disk is slow");
    pub(super) const UNDECIDED: Self = Self(
        "the connection to PostgreSQL was lost at the end of an act; look whether it was done before doing it again",
    );
}
