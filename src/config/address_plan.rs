//! The zones of the file, checked one by one and against each other: a network belongs to one zone only.

use std::{collections::HashMap, net::Ipv6Addr, sync::Arc};

use ipnet::{Ipv4Net, Ipv6Net};
use toml::Spanned;

use super::{
    fields::{interface, parsed, word},
    file,
    problem::Collector,
    services::Catalogue,
};
use crate::{
    lan::Bridge,
    model::{DefaultVerdict, Quic, SignIn, TunnelAccess, Zone, ZoneKind, ZoneName},
};

/// Zones a box can have: each costs two listeners of every service.
const ZONES_MAX: usize = 16;

/// Ports of one bridge: switches have no more.
const PORTS_MAX: usize = 64;

/// Global unicast addresses (RFC 4291, section 2.4; IANA has given out only this eighth).
const GLOBAL_IPV6: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Checks every zone; what is wrong goes to `problems`, the good ones come back with their bridges.
pub(super) fn zones(
    written: &[Spanned<file::Zone>],
    line_interface: &str,
    catalogue: &Catalogue,
    problems: &mut Collector<'_>,
) -> (Vec<Arc<Zone>>, Vec<Bridge>) {
    let mut zones: Vec<Arc<Zone>> = Vec::new();
    let mut bridges = Vec::new();
    if written.is_empty() {
        problems.at(
            &(0..0),
            "zone: none; a box has at least one, write it as a table that begins with `[[zone]]`",
        );
    }
    if let Some(extra) = written.get(ZONES_MAX) {
        problems.at(&extra.span(), format!("zone: a box has at most {ZONES_MAX} zones; join some of them"));
    }
    one_owner_each(written, line_interface, problems);
    for entry in written.iter().take(ZONES_MAX) {
        let written = entry.get_ref();
        let Some(zone) = one_zone(written, catalogue, problems) else { continue };
        for other in &zones {
            nothing_shared(written, &zone, other, problems);
        }
        let ports: Vec<_> =
            written.bridge.iter().filter_map(|port| interface("zone.bridge", port, problems)).collect();
        if !ports.is_empty() {
            bridges.push(Bridge { name: Arc::clone(&zone.interface), ports });
        }
        zones.push(Arc::new(zone));
    }
    (zones, bridges)
}

/// Every interface and bridge port belongs to one zone or to the line.
fn one_owner_each(written: &[Spanned<file::Zone>], line_interface: &str, problems: &mut Collector<'_>) {
    let mut owners = HashMap::from([(line_interface, "the line".to_owned())]);
    for zone in written.iter().map(Spanned::get_ref) {
        if let Some(extra) = zone.bridge.get(PORTS_MAX) {
            problems.at(&extra.span(), format!("zone.bridge: a bridge has at most {PORTS_MAX} ports"));
        }
        let ports = zone.bridge.iter().take(PORTS_MAX).map(|port| ("zone.bridge", port));
        for (field, interface) in std::iter::once(("zone.interface", &zone.interface)).chain(ports) {
            let owner = format!("zone `{}`", zone.name.get_ref());
            let name = interface.get_ref();
            if let Some(other) = owners.insert(name, owner) {
                let what = format!("{field}: `{name}` already belongs to {other}; give each zone its own");
                problems.at(&interface.span(), what);
            }
        }
    }
}

fn one_zone(zone: &file::Zone, catalogue: &Catalogue, problems: &mut Collector<'_>) -> Option<Zone> {
    let name = parsed::<ZoneName>("zone.name", &zone.name, problems);
    let kind = parsed::<ZoneKind>("zone.kind", &zone.kind, problems);
    let interface = interface("zone.interface", &zone.interface, problems);
    let ipv4 = box_ipv4(&zone.ipv4, problems);
    let ipv6 = box_ipv6(&zone.ipv6, problems);
    let sign_in = word(
        "zone.sign_in",
        &zone.sign_in,
        &[("required", SignIn::Required), ("not-asked", SignIn::NotAsked)],
        problems,
    );
    let default = word(
        "zone.default",
        &zone.default,
        &[("allow", DefaultVerdict::Allow), ("block", DefaultVerdict::Block)],
        problems,
    );
    let quic = word("zone.quic", &zone.quic, &[("reject", Quic::Reject), ("filter", Quic::Filter)], problems);
    let tunnel = tunnel(&zone.tunnel, kind, problems);
    let services = catalogue.opened(&zone.services, problems);
    Some(Zone {
        name: name?,
        kind: kind?,
        interface: interface?,
        ipv4: ipv4?,
        ipv6: ipv6?,
        sign_in: sign_in?,
        default: default?,
        quic: quic?,
        tunnel: tunnel?,
        services,
    })
}

/// Whether the zone leads into the académie's network: an office does where it is asked for, nothing else ever.
fn tunnel(
    written: &Spanned<String>,
    kind: Option<ZoneKind>,
    problems: &mut Collector<'_>,
) -> Option<TunnelAccess> {
    let words = [("none", TunnelAccess::None), ("academie", TunnelAccess::Academie)];
    let access = word("zone.tunnel", written, &words, problems)?;
    if let (TunnelAccess::Academie, Some(kind)) =
        (access, kind.filter(|kind| *kind != ZoneKind::Administration))
    {
        let what = format!(
            "zone.tunnel: a zone of kind `{}` must not reach the académie; leave it out, or give the offices a zone \
             of kind `administration`",
            kind.word()
        );
        problems.at(&written.span(), what);
    }
    Some(access)
}

/// Two zones share neither name nor network.
fn nothing_shared(written: &file::Zone, zone: &Zone, other: &Zone, problems: &mut Collector<'_>) {
    if zone.name == other.name {
        let what = format!("zone.name: two zones are called `{}`; give each its own name", zone.name);
        problems.at(&written.name.span(), what);
    }
    let fields = [("zone.ipv4", written.ipv4.span()), ("zone.ipv6", written.ipv6.span())];
    let networks = zone.networks().into_iter().zip(other.networks());
    for ((field, span), (mine, theirs)) in fields.into_iter().zip(networks) {
        if mine.contains(&theirs) || theirs.contains(&mine) {
            let what = format!(
                "{field}: network {mine} overlaps {theirs} of zone `{}`; give each zone its own addresses",
                other.name
            );
            problems.at(&span, what);
        }
    }
}

fn box_ipv4(text: &Spanned<String>, problems: &mut Collector<'_>) -> Option<Ipv4Net> {
    let Ok(net) = text.get_ref().parse::<Ipv4Net>() else {
        let what = format!(
            "zone.ipv4: `{}` is not the box's address with its prefix length, such as `10.10.0.1/22`",
            text.get_ref()
        );
        problems.at(&text.span(), what);
        return None;
    };
    let host = net.addr() != net.network() && net.addr() != net.broadcast();
    let private = net.network().is_private() && net.broadcast().is_private();
    let what = if !(8..=28).contains(&net.prefix_len()) {
        format!("zone.ipv4: a prefix length of {} does not suit a zone; use 8 to 28", net.prefix_len())
    } else if !host {
        format!(
            "zone.ipv4: {} is the network's own or its broadcast address; write one of a machine, such as the first",
            net.addr()
        )
    } else if !private {
        format!(
            "zone.ipv4: {} is not private (RFC 1918); use 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
            net.trunc()
        )
    } else {
        return Some(net);
    };
    problems.at(&text.span(), what);
    None
}

fn box_ipv6(text: &Spanned<String>, problems: &mut Collector<'_>) -> Option<Ipv6Net> {
    let Ok(net) = text.get_ref().parse::<Ipv6Net>() else {
        let what = format!(
            "zone.ipv6: `{}` is not the box's address with its prefix length, such as `fd00:10::1/64`",
            text.get_ref()
        );
        problems.at(&text.span(), what);
        return None;
    };
    let what = if net.prefix_len() != 64 {
        format!(
            "zone.ipv6: a prefix length of {}; write 64, machines make their own addresses in no other",
            net.prefix_len()
        )
    } else if net.addr() == net.network() {
        format!(
            "zone.ipv6: {} is the network itself; write the box's address in it, such as its first",
            net.addr()
        )
    } else if !net.addr().is_unique_local() && !GLOBAL_IPV6.contains(&net.addr()) {
        format!(
            "zone.ipv6: {} cannot be a zone's address; use a unique local one such as `fd00:10::1/64` (RFC 4193)",
            net.addr()
        )
    } else {
        return Some(net);
    };
    problems.at(&text.span(), what);
    None
}
