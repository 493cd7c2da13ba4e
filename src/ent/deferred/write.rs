//! What is handed in, and how it stands.

use std::fmt;

use bytes::Bytes;

use super::Receipt;
use crate::model::Moment;

/// A request that waits for the line. It prints nothing of what a person wrote.
#[derive(Clone, PartialEq, Eq)]
pub struct Write {
    /// Whose it is: the key of the person in the cache.
    pub person: [u8; 32],
    /// The ENT's name that it goes to.
    pub origin: String,
    /// Its method, such as `POST`.
    pub method: String,
    /// Its path and query.
    pub target: String,
    /// The header fields that go along: what the body is, and what the browser shows to be known by.
    pub fields: Vec<(String, Vec<u8>)>,
    /// Its body.
    pub body: Bytes,
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Write").field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// What the ENT made of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It took it, with this status (2xx or 3xx).
    Done(u16),
    /// It refused it for good, with this status.
    Refused(u16),
    /// It does not know the person any more (401, 403, or a way to its sign-in).
    SignInNeeded,
}

/// How a write stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It waits for the line.
    Waiting,
    /// It waits for its person to sign in at the ENT again.
    SignInNeeded,
    /// The ENT took it.
    Done,
    /// The ENT refused it.
    Refused,
    /// It waited too long and was not handed on.
    Expired,
}

impl Standing {
    const ALL: [Self; 5] = [Self::Waiting, Self::SignInNeeded, Self::Done, Self::Refused, Self::Expired];

    /// As the table writes it.
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Waiting => 0,
            Self::SignInNeeded => 1,
            Self::Done => 2,
            Self::Refused => 3,
            Self::Expired => 4,
        }
    }

    pub(super) fn of_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.number() == number)
    }
}

/// What its person is told of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its receipt.
    pub receipt: Receipt,
    /// The ENT's name that it goes to.
    pub origin: String,
    /// When it was taken.
    pub taken: Moment,
    /// How it stands.
    pub standing: Standing,
    /// When it was settled, where it is.
    pub settled: Option<Moment>,
}
