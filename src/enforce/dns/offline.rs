//! Names of connectivity probes while the line is down: those that serve for nothing else lead to the box, which answers
//! the probe as its system expects. Phones then stay on the school's network, where portal and local services go on.
//!
//! While the line is up no such name is touched; what is given here lives for seconds.

use std::net::IpAddr;

use domain::base::iana::{Rcode, Rtype};

use super::{query::Query, refusal::towards_box, reply, resolver::Resolver};
use crate::{
    enforce::probes::{is_for_probes_alone, known_addresses},
    model::{Site, Zone},
    policy::Permit,
};

/// Seconds an answer may be kept: when the line is back, probes find their own servers again.
const TTL_SECONDS: u32 = 3;

/// Answers an allowed question for the name of a probe while the line is down. Says whether it was one.
pub(super) fn answer(
    query: &Query<'_>,
    permit: &Permit,
    zone: &Zone,
    resolver: &Resolver,
    out: &mut Vec<u8>,
) -> bool {
    let Site::Name(name) = permit.site() else { return false };
    if !resolver.line().is_down() {
        return false;
    }
    if is_for_probes_alone(name.as_str()) {
        towards_box(out, query, zone, TTL_SECONDS, None);
        return true;
    }
    let Some([v4, v6]) = known_addresses(name.as_str()) else { return false };
    match query.rtype {
        Rtype::A => known(out, query, v4),
        Rtype::AAAA => known(out, query, v6),
        _ => reply::nothing(out, query, Rcode::NOERROR, TTL_SECONDS, None),
    }
    true
}

fn known(out: &mut Vec<u8>, query: &Query<'_>, address: IpAddr) {
    reply::address(out, query, address, TTL_SECONDS, None);
}
