//! The acts of administration that the pages offer.

use crate::admin::{Openings, Requests};

/// The acts of administration that the pages offer. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Acts {
    /// What teachers decide for some minutes.
    pub openings: Openings,
    /// What people ask to be opened.
    pub requests: Requests,
}
