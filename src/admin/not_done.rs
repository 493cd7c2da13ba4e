//! Why an act did not happen, as far as the person at the page must be told.

use thiserror::Error;

use crate::{model::Domain, policy::Level};

/// Why an act did not happen. Nothing has then changed.
#[derive(Debug, Error)]
pub enum NotDone {
    /// The person may not do this for these people.
    #[error("the act is beyond what this person may decide")]
    NotYours,
    /// There is no such pupil, class, room, opening or request (any more).
    #[error("what the act is about does not exist")]
    Unknown,
    /// It must end, and within its bounds; or no lesson runs that it could last.
    #[error("the time the act would last is out of bounds")]
    Lasting,
    /// No site, or too many.
    #[error("too few or too many sites")]
    Sites,
    /// Too much runs or waits already.
    #[error("too many of them at once")]
    TooMany,
    /// A text is empty or too long.
    #[error("a text is empty or too long")]
    Text,
    /// The site stays closed whatever a teacher decides.
    #[error("the site is closed by what no teacher opens")]
    Locked {
        /// The site.
        site: Domain,
        /// Who may open it; nobody where the box itself closes it.
        by: Option<Level>,
    },
    /// The disk refused.
    #[error("cannot keep the act")]
    Disk(#[from] anyhow::Error),
}
