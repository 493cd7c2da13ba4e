//! The zones of the file, checked one by one and against each other: a network belongs to one zone only.

use std::{collections::HashMap, net::IpAddr, str::FromStr, sync::Arc};

use ipnet::{Ipv4Net, Ipv6Net};
use toml::Spanned;

use super::{file, problem::Collector};
use crate::{
    lan::Bridge,
    model::{DefaultVerdict, Device, DeviceKind, Mac, Service, SignIn, Transport, Zone, ZoneKind, ZoneName},
};

/// Zones a box can have: each costs two listeners of every service.
const ZONES_MAX: usize = 16;

/// The longest name the kernel gives an interface (IFNAMSIZ less its final zero).
const INTERFACE_NAME_BYTES_MAX: usize = 15;

/// Ports a service cannot have: DNS and the web go through resolver and proxy, and DNS over TLS stays closed.
const PORTS_KEPT: [u16; 4] = [53, 80, 443, 853];

/// Checks every zone; what is wrong goes to `problems`, the good ones come back with their bridges.
pub(super) fn zones(
    written: &[Spanned<file::Zone>],
    line_interface: &str,
    problems: &mut Collector<'_>,
) -> (Vec<Arc<Zone>>, Vec<Bridge>) {
    let mut zones: Vec<Arc<Zone>> = Vec::new();
    let mut bridges = Vec::new();
    let mut owners: HashMap<String, String> = HashMap::from([(line_interface.to_owned(), "the line".to_owned())]);
    for entry in written {
        let zone = entry.get_ref();
        for interface in std::iter::once(&zone.interface).chain(&zone.bridge) {
            let owner = format!("zone `{}`", zone.name.get_ref());
            if let Some(other) = owners.insert(interface.get_ref().clone(), owner) {
                let name = interface.get_ref();
                problems.at(&interface.span(), format!("zone: interface `{name}` already belongs to {other}; give each its own"));
            }
        }
        let Some(checked) = one_zone(zone, problems) else { continue };
        for other in &zones {
            no_overlap(entry, &checked, other, problems);
        }
        if !zone.bridge.is_empty() {
            let ports = zone.bridge.iter().filter_map(|port| interface(port, problems)).collect();
            bridges.push(Bridge { name: Arc::clone(&checked.interface), ports });
        }
        zones.push(Arc::new(checked));
    }
    if let Some(extra) = written.get(ZONES_MAX) {
        problems.at(&extra.span(), format!("zone: a box has at most {ZONES_MAX} zones; join some of them"));
    }
    (zones, bridges)
}

fn one_zone(zone: &file::Zone, problems: &mut Collector<'_>) -> Option<Zone> {
    let name = parsed::<ZoneName>("zone.name", &zone.name, problems);
    let kind = parsed::<ZoneKind>("zone.kind", &zone.kind, problems);
    let interface = interface(&zone.interface, problems);
    let ipv4 = box_ipv4(&zone.ipv4, problems);
    let ipv6 = box_ipv6(&zone.ipv6, problems);
    let sign_in = word("zone.sign_in", &zone.sign_in, &[("required", SignIn::Required), ("not-asked", SignIn::NotAsked)], problems);
    let default =
        word("zone.default", &zone.default, &[("allow", DefaultVerdict::Allow), ("block", DefaultVerdict::Block)], problems);
    let services = zone.services.iter().filter_map(|text| service(text, problems)).collect();
    Some(Zone {
        name: name?,
        kind: kind?,
        interface: interface?,
        ipv4: ipv4?,
        ipv6: ipv6?,
        sign_in: sign_in?,
        default: default?,
        services,
    })
}

fn no_overlap(entry: &Spanned<file::Zone>, zone: &Zone, other: &Zone, problems: &mut Collector<'_>) {
    if zone.name == other.name {
        problems.at(&entry.get_ref().name.span(), format!("zone.name: two zones are called `{}`", zone.name));
    }
    let fields = [("zone.ipv4", entry.get_ref().ipv4.span()), ("zone.ipv6", entry.get_ref().ipv6.span())];
    for ((field, span), (mine, theirs)) in
        fields.into_iter().zip(zone.networks().into_iter().zip(other.networks()))
    {
        if mine.contains(&theirs) || theirs.contains(&mine) {
            let what = format!(
                "{field}: network {mine} overlaps {theirs} of zone `{}`; give each zone its own addresses",
                other.name
            );
            problems.at(&span, what);
        }
    }
}

/// Checks the registered machines.
pub(super) fn devices(written: &[file::Device], problems: &mut Collector<'_>) -> Vec<Device> {
    let mut devices: Vec<Device> = Vec::new();
    for device in written {
        let mac = parsed::<Mac>("device.mac", &device.mac, problems);
        let kind = parsed::<DeviceKind>("device.kind", &device.kind, problems);
        let (Some(mac), Some(kind)) = (mac, kind) else { continue };
        if let Some(other) = devices.iter().find(|other| other.mac == mac) {
            let what = format!("device.mac: `{mac}` is already registered as `{}`", other.name);
            problems.at(&device.mac.span(), what);
        }
        devices.push(Device { mac, name: device.name.get_ref().trim().to_owned(), kind });
    }
    devices
}

/// Reads a value by its own parser, whose error says what the value should look like.
pub(super) fn parsed<T>(field: &str, text: &Spanned<String>, problems: &mut Collector<'_>) -> Option<T>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.get_ref()
        .parse()
        .map_err(|error: T::Err| problems.at(&text.span(), format!("{field}: {error}")))
        .ok()
}

/// Reads one word out of a few.
fn word<T: Copy>(
    field: &str,
    text: &Spanned<String>,
    choices: &[(&str, T)],
    problems: &mut Collector<'_>,
) -> Option<T> {
    let found = choices.iter().find(|(word, _)| word == text.get_ref());
    if found.is_none() {
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("`{word}`")).collect();
        problems.at(&text.span(), format!("{field}: `{}` is not one of {}", text.get_ref(), words.join(", ")));
    }
    found.map(|(_, value)| *value)
}

/// Reads the name of a network interface.
pub(super) fn interface(text: &Spanned<String>, problems: &mut Collector<'_>) -> Option<Arc<str>> {
    let name = text.get_ref();
    let fits = (1..=INTERFACE_NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !fits {
        let what = format!("interface: `{name}` cannot name one; use 1 to {INTERFACE_NAME_BYTES_MAX} letters, digits, `-`, `_`, `.`");
        problems.at(&text.span(), what);
    }
    fits.then(|| Arc::from(name.as_str()))
}

fn box_ipv4(text: &Spanned<String>, problems: &mut Collector<'_>) -> Option<Ipv4Net> {
    let Ok(net) = text.get_ref().parse::<Ipv4Net>() else {
        let what = format!("zone.ipv4: `{}` is not the box's address with its prefix length, such as `10.10.0.1/22`", text.get_ref());
        problems.at(&text.span(), what);
        return None;
    };
    let host = net.addr() != net.network() && net.addr() != net.broadcast();
    let what = if !(8..=28).contains(&net.prefix_len()) {
        format!("zone.ipv4: a prefix length of {} does not suit a zone; use 8 to 28", net.prefix_len())
    } else if !host {
        format!("zone.ipv4: {} is the network itself; write the box's address in it, such as its first", net.addr())
    } else if !net.addr().is_private() {
        format!("zone.ipv4: {} is not a private address (RFC 1918)", net.addr())
    } else {
        return Some(net);
    };
    problems.at(&text.span(), what);
    None
}

fn box_ipv6(text: &Spanned<String>, problems: &mut Collector<'_>) -> Option<Ipv6Net> {
    let Ok(net) = text.get_ref().parse::<Ipv6Net>() else {
        let what = format!("zone.ipv6: `{}` is not the box's address with its prefix length, such as `fd00:10::1/64`", text.get_ref());
        problems.at(&text.span(), what);
        return None;
    };
    let what = if net.prefix_len() != 64 {
        format!("zone.ipv6: the prefix length is {}; machines make their own addresses only in a /64", net.prefix_len())
    } else if net.addr() == net.network() {
        format!("zone.ipv6: {} is the network itself; write the box's address in it, such as its first", net.addr())
    } else if net.addr().is_unicast_link_local() || IpAddr::V6(net.addr()).is_multicast() {
        format!("zone.ipv6: {} cannot be a zone's address; use a unique local one (RFC 4193)", net.addr())
    } else {
        return Some(net);
    };
    problems.at(&text.span(), what);
    None
}

fn service(text: &Spanned<String>, problems: &mut Collector<'_>) -> Option<Service> {
    let service = text.get_ref().split_once('/').and_then(|(transport, port)| {
        let transport = match transport {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            _ => return None,
        };
        Some(Service { transport, port: port.parse().ok().filter(|port| *port != 0)? })
    });
    match service {
        None => problems.at(
            &text.span(),
            format!("zone.services: `{}` is not a transport and a port, such as `tcp/993`", text.get_ref()),
        ),
        Some(service) if PORTS_KEPT.contains(&service.port) => problems.at(
            &text.span(),
            format!("zone.services: port {} cannot be opened; DNS and the web go through the filter", service.port),
        ),
        Some(_) => return service,
    }
    None
}
