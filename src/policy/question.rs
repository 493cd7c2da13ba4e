//! What is asked of the judge.

use crate::model::{ClockTrust, Mac, Moment, Site, Subject, UrlPath, Zone};

/// May this one, in this zone, reach this site at this moment?
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who asks.
    pub subject: &'a Subject,
    /// The machine the question comes from, where it is known.
    pub machine: Option<Mac>,
    /// The zone the question comes from.
    pub zone: &'a Zone,
    /// What is asked for.
    pub site: &'a Site,
    /// The path and query asked for, where the box can see them: in plain HTTP.
    pub path: Option<&'a UrlPath>,
    /// When it is asked.
    pub at: Moment,
    /// Whether that moment is to be believed.
    pub clock: ClockTrust,
}
