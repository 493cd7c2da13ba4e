//! What a person sees when a request goes no further: the portal's page, or one sentence of ours.

use std::sync::Arc;

use crate::{model::Zone, policy::Refusal};

/// A page to show in place of the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The HTTP status, such as 403, or 302 with a [`Page::location`].
    pub status: u16,
    /// Where the browser shall go instead.
    pub location: Option<String>,
    /// The page itself, at most 256 KiB.
    pub html: String,
}

/// A request that the gate refused.
#[derive(Clone, Copy, Debug)]
pub struct RefusedRequest<'a> {
    /// Why.
    pub refusal: &'a Refusal,
    /// The zone it came from.
    pub zone: &'a Zone,
    /// What was asked for, as the browser shows it: `http://`, host, path and query, in printable ASCII.
    pub url: &'a str,
}

/// Draws the page of a refused request; the portal, on a higher floor, gives it.
pub type RefusalPage = Arc<dyn Fn(&RefusedRequest<'_>) -> Page + Send + Sync>;
