//! What is remembered: decisions (where, never who) and presences (who, never where) (skeleton).

use crate::{
    model::{Mac, Moment, Presence, Site, Subject, ZoneName},
    policy::Verdict,
};

/// How a question reached the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A DNS question.
    Dns,
    /// A TLS connection, by its server name.
    Tls,
    /// An HTTP request, by its host.
    Http,
}

/// A person's or machine's name in the decision record: the same within a day, unlinkable without that day's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pseudonym(pub [u8; 8]);

/// What was decided, as the record keeps it.
#[derive(Clone, Debug)]
pub struct Outcome {}

impl From<&Verdict> for Outcome {
    fn from(_verdict: &Verdict) -> Self {
        unimplemented!()
    }
}

/// One decision.
#[derive(Clone, Debug)]
pub struct DecisionRecord {
    /// When.
    pub at: Moment,
    /// In which zone.
    pub zone: ZoneName,
    /// For whom.
    pub who: Pseudonym,
    /// By which way.
    pub channel: Channel,
    /// What was asked for.
    pub site: Site,
    /// What was answered.
    pub outcome: Outcome,
}

/// The journal does not take records any more.
#[derive(Debug, thiserror::Error)]
#[error("the journal is closed")]
pub struct JournalClosed;

/// The way into the journal. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Journal {}

impl Journal {
    /// The pseudonym of `subject`, or of the machine where nobody is known, on the day of `at`.
    #[must_use]
    pub fn pseudonym(&self, _subject: &Subject, _machine: Option<Mac>, _at: Moment) -> Pseudonym {
        unimplemented!()
    }

    /// Waits until `presences` and `decisions` are handed to the kernel, each to its own record, in order.
    ///
    /// # Errors
    /// When the journal cannot be written: nothing may then be acted on.
    #[expect(clippy::unused_async, reason = "skeleton")]
    pub async fn record(
        &self,
        _presences: Vec<Presence>,
        _decisions: Vec<DecisionRecord>,
    ) -> Result<(), JournalClosed> {
        unimplemented!()
    }
}
