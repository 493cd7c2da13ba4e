//! Names to addresses for the box itself (skeleton).

use std::net::IpAddr;

use crate::policy::Permit;

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Why a name has no address.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ResolveError {
    /// The name does not exist or has no address of that family.
    #[error("the name has no address")]
    NoAddress,
    /// No upstream resolver answered in time.
    #[error("no resolver answered")]
    NoAnswer,
}

/// Resolves through the same cache and upstreams as the DNS service. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Resolver {}

impl Resolver {
    /// The addresses of the permitted site, in the order to try them. A bare address is itself.
    ///
    /// # Errors
    /// See [`ResolveError`].
    #[expect(clippy::unused_async, reason = "skeleton")]
    pub async fn addresses(&self, _permit: &Permit, _family: Family) -> Result<Vec<IpAddr>, ResolveError> {
        unimplemented!()
    }
}
