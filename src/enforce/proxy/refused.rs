//! The page shown in place of a refused plain-HTTP site. The portal writes it; the proxy sends it.

use std::sync::Arc;

use crate::{model::Zone, policy::Refusal};

/// A whole answer to one refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// Where to go instead, for a redirect.
    pub location: Option<String>,
    /// The page, UTF-8 HTML.
    pub html: String,
}

/// A request that was refused.
#[derive(Clone, Copy, Debug)]
pub struct RefusedRequest<'a> {
    /// Why.
    pub refusal: &'a Refusal,
    /// The zone it came from.
    pub zone: &'a Zone,
    /// The address asked for, such as `http://exemple.fr/page`.
    pub url: &'a str,
}

/// Writes the page for a refused request. Never waits.
pub type RefusalPage = Arc<dyn Fn(&RefusedRequest<'_>) -> Page + Send + Sync>;
