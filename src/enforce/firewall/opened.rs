//! stub
use crate::{model::Zone, policy::Permit};
use std::{net::IpAddr, sync::Arc, time::Duration};
/// x
#[derive(Clone, Debug)]
pub struct Opened {}
/// x
#[derive(Debug)]
pub struct Opener {}
impl Opened {
    /// x
    pub fn open(
        &self,
        _client: IpAddr,
        _zone: &Arc<Zone>,
        _permit: &Permit,
        _addresses: &[IpAddr],
        _lifetime: Duration,
    ) {
    }
}
