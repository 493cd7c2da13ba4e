//! Which addresses each client may reach outside the web (decision D3) (skeleton).

use std::{net::IpAddr, sync::Arc, time::Duration};

use crate::{model::Zone, policy::Permit};

/// The addresses our resolver gave to each client, kept in the kernel for as long as the answer lives plus a grace.
/// Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Opened {}

impl Opened {
    /// Opens `addresses` of the permitted site to `client`, where the zone opens any service. Never waits.
    pub fn open(
        &self,
        _client: IpAddr,
        _zone: &Arc<Zone>,
        _permit: &Permit,
        _addresses: &[IpAddr],
        _lifetime: Duration,
    ) {
        unimplemented!()
    }
}
