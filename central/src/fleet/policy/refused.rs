//! Why an act on rules is not done.

use thiserror::Error;

use super::{edit::EditError, fault::Fault};
use crate::words::{Granted, NotGranted, Place, Right};

/// Why an act is not done. Nothing has changed then.
#[derive(Debug, Error)]
pub enum Refused {
    /// The proof is for another right or another place.
    #[error(transparent)]
    NotGranted(#[from] NotGranted),
    /// The draft or release is not there: somebody has published or thrown it away.
    #[error("it is not there any more")]
    Gone,
    /// Somebody has changed it since it was looked at.
    #[error("{by} has changed it meanwhile; look at it again")]
    Changed {
        /// Who.
        by: String,
    },
    /// Another version was published since the draft was begun.
    #[error(
        "version {number} was published by {by} since this draft was begun; look at the difference, then publish"
    )]
    Newer {
        /// The latest version.
        number: u64,
        /// Who published it.
        by: String,
    },
    /// The document would not be one that boxes take.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The same, found when it was put together with those above it.
    #[error("{0}")]
    Unfit(String),
    /// An act that needs a reason has none, or one that is too long.
    #[error("say why, in {0} characters at most")]
    NoReason(usize),
    /// The rule's id is used by another document of the same level, which some school may have as well.
    #[error(
        "the rule id `{id}` is used by {place} already, whose documents are of the same level; choose another"
    )]
    TakenId {
        /// The id.
        id: String,
        /// Where it is used.
        place: Place,
    },
    /// The second person must be another one.
    #[error("a second person must approve; this is the one who proposed it")]
    SamePerson,
    /// There is too much of something.
    #[error("there are too many: {0}")]
    TooMany(&'static str),
    /// The act does not fit the state that the thing is in.
    #[error("{0}")]
    NotNow(String),
    /// Central could not do it.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Edit(EditError::Fault(fault))
    }
}

/// Whether `granted` is the right `right` at `place`.
///
/// # Errors
/// When it was given for something else.
pub(super) fn prove(granted: &Granted, right: Right, place: &Place) -> Result<(), NotGranted> {
    if granted.right() == right && granted.place() == place { Ok(()) } else { Err(NotGranted) }
}

/// The longest reason, in characters.
pub const REASON_CHARS_MAX: usize = 500;

/// The reason without white space around it.
///
/// # Errors
/// When there is none, or it is too long.
pub(super) fn reason(text: &str) -> Result<&str, Refused> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= REASON_CHARS_MAX;
    if fits { Ok(text) } else { Err(Refused::NoReason(REASON_CHARS_MAX)) }
}
