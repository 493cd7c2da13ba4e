//! From a permit to a connection: the only place where the proxy dials, and it takes a [`Permit`].
//!
//! The box chooses the destination (decision D2): the client's address counts only where our own resolver gives it for
//! the permitted site.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use ipnet::IpNet;
use thiserror::Error;
use tokio::{net::TcpStream, time::timeout};

use super::limits::Limits;
use crate::{
    enforce::{
        dns::{Family, ResolveError, Resolver, Whereabouts},
        places::Client,
    },
    model::Zone,
    policy::{Permit, Refusal},
};

/// Why there is no connection to a permitted site.
#[derive(Debug, Error)]
pub(in crate::enforce) enum ConnectError {
    /// The name has no address, or only such as lie inside the school.
    #[error("the site has no address outside the school")]
    NoAddress,
    /// No resolver answered.
    #[error("no resolver answered")]
    NoAnswer,
    /// The site leads by CNAME to one that this client is refused.
    #[error("the site leads to one that is refused")]
    LeadsToRefused(Refusal),
    /// The last address tried refused.
    #[error("the site refuses connections")]
    Refused,
    /// The last address tried could not be reached, or not in time.
    #[error("the site does not answer")]
    Silent,
}

/// The networks of the school itself, where the proxy never connects: it stands inside the packet filter, and a name
/// that somebody points at a machine of another zone must not become a door to it. Cloning is cheap.
#[derive(Clone, Debug)]
pub(in crate::enforce) struct OwnNetworks(Arc<[IpNet]>);

impl OwnNetworks {
    pub(in crate::enforce) fn of(zones: &[Arc<Zone>]) -> Self {
        Self(zones.iter().flat_map(|zone| zone.networks()).collect())
    }

    /// Whether `address` may be a site's: neither in the school, nor the box itself, nor a link's, nor a group's.
    fn lie_apart_from(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let special = match address {
            IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast() || v4.octets()[0] == 0,
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        let special = special || address.is_loopback() || address.is_unspecified() || address.is_multicast();
        !special && !self.0.iter().any(|network| network.contains(&address))
    }
}

/// Where the permitted site is, in the family of the destination the client `asked` for where there is a choice.
/// `asker` is who waits for the answer.
///
/// # Errors
/// `NoAddress` or `NoAnswer`.
pub(super) async fn find(
    permit: &Permit,
    asked: SocketAddr,
    resolver: &Resolver,
    asker: Client,
) -> Result<Whereabouts, ConnectError> {
    let (family, other) = match asked {
        SocketAddr::V4(_) => (Family::V4, Family::V6),
        SocketAddr::V6(_) => (Family::V6, Family::V4),
    };
    let answer = match resolver.addresses(permit, family, asker).await {
        Err(ResolveError::NoAddress) => resolver.addresses(permit, other, asker).await,
        answer => answer,
    };
    answer.map_err(|error| match error {
        ResolveError::NoAddress => ConnectError::NoAddress,
        ResolveError::NoAnswer => ConnectError::NoAnswer,
    })
}

/// Those of a site's `addresses` that lie outside the school, in the order in which they are tried.
pub(super) fn candidates(addresses: Vec<IpAddr>, asked: IpAddr, own: &OwnNetworks) -> Vec<IpAddr> {
    in_order(addresses.into_iter().filter(|address| own.lie_apart_from(*address)).collect(), asked)
}

/// The client's own choice first, where it is one of ours; the rest as the resolver ordered them.
fn in_order(mut addresses: Vec<IpAddr>, asked: IpAddr) -> Vec<IpAddr> {
    if let Some(place) = addresses.iter().position(|address| *address == asked) {
        addresses[..=place].rotate_right(1);
    }
    addresses
}

/// Connects to the first of `addresses` that accepts, trying no more than a few.
///
/// # Errors
/// What went wrong with the last address tried.
pub(super) async fn to_one_of(
    _permit: &Permit,
    addresses: Vec<IpAddr>,
    port: u16,
    limits: &Limits,
) -> Result<TcpStream, ConnectError> {
    let mut failure = ConnectError::NoAddress;
    for address in addresses.into_iter().take(limits.attempts_max) {
        failure = match timeout(limits.attempt_wait_max, TcpStream::connect((address, port))).await {
            Ok(Ok(server)) => {
                // Bytes are passed on as they come; where the kernel refuses, they come a little later.
                let _ = server.set_nodelay(true);
                return Ok(server);
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => ConnectError::Refused,
            Ok(Err(_)) | Err(_) => ConnectError::Silent,
        };
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_clients_address_goes_first_where_it_is_one_of_ours_and_is_dropped_otherwise() {
        let ours = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
        let order = |asked: &str| in_order(addresses(&ours), asked.parse().unwrap());
        assert_eq!(order("192.0.2.3"), addresses(&["192.0.2.3", "192.0.2.1", "192.0.2.2"]));
        assert_eq!(order("203.0.113.66"), addresses(&ours));
    }

    #[test]
    fn a_name_cannot_lead_back_into_the_school() {
        let own = OwnNetworks(Arc::from(["10.10.0.0/22".parse().unwrap(), "fd00:10::/64".parse().unwrap()]));
        for inside in [
            "10.10.3.7",
            "fd00:10::1",
            "::ffff:10.10.0.1",
            "127.0.0.1",
            "::1",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "169.254.169.254",
            "fe80::1",
            "224.0.0.251",
            "ff02::1",
            "255.255.255.255",
        ] {
            assert!(!own.lie_apart_from(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["192.0.2.1", "10.20.0.1", "2001:db8::1"] {
            assert!(own.lie_apart_from(outside.parse().unwrap()), "{outside}");
        }
    }

    #[tokio::test]
    async fn without_an_address_there_is_no_connection() {
        let permit = Permit::for_tests("exemple.fr".parse().unwrap());
        let failure = to_one_of(&permit, Vec::new(), 443, &Limits::SCHOOL).await.unwrap_err();
        assert!(matches!(failure, ConnectError::NoAddress));
    }

    #[tokio::test]
    async fn the_next_address_is_tried_when_one_refuses_but_no_third() {
        let listener = tokio::net::TcpListener::bind("127.0.0.3:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let permit = Permit::for_tests("exemple.fr".parse().unwrap());
        let reach = |texts: &'static [&str]| {
            let permit = permit.clone();
            async move { to_one_of(&permit, addresses(texts), port, &Limits::SCHOOL).await }
        };
        assert!(reach(&["127.0.0.2", "127.0.0.3"]).await.is_ok());
        let failure = reach(&["127.0.0.2", "127.0.0.2", "127.0.0.3"]).await.unwrap_err();
        assert!(matches!(failure, ConnectError::Refused));
    }
}
