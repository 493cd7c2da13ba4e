//! The whole ruleset of a school, put together from its stages.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use ipnet::{Ipv4Net, Ipv6Net};

use super::{
    super::{
        TABLE,
        ruleset::{Chain, Hook, Rule, Ruleset, Set, Table},
    },
    academie, arriving, between, services, through_box, to_box,
};
use crate::model::{Ports, Speech, Zone};

/// What the packet filter must know of the school.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The kernel's name of the interface towards the Internet, at most 15 bytes.
    pub line_interface: Arc<str>,
    /// The zones, in the order of the configuration; at least one, with networks that do not overlap.
    pub zones: Vec<Arc<Zone>>,
    /// The proxy listens for zone number `i` on this port plus `i`; all of them are below 65536.
    pub proxy_port_base: u16,
    /// Where the resolver has the datagrams that were meant for another one.
    pub redirected_dns_port: u16,
    /// The tunnel to the académie, where the box has one.
    pub tunnel: Option<Tunnel>,
}

/// The tunnel to the académie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// The kernel's name of its interface, at most 15 bytes, whether it is there or not.
    pub interface: Arc<str>,
    /// The mark of the packets that carry it: they alone go out to the académie by the line.
    pub mark: u32,
    /// The box's own addresses inside.
    pub own4: Vec<Ipv4Addr>,
    /// As [`Self::own4`], in IPv6.
    pub own6: Vec<Ipv6Addr>,
    /// The longest packet that it carries whole, in bytes.
    pub mtu: u16,
    /// The académie's networks, none of them in another.
    pub networks4: Vec<Ipv4Net>,
    /// As [`Self::networks4`], in IPv6.
    pub networks6: Vec<Ipv6Net>,
}

/// The sets. A key is the client's address, the destination's, and the mark of a group of services; sizes bound the
/// kernel's memory to about 8 MB each, and a full set refuses new flows.
const SETS: [Set; 5] = [
    // The dead man's switch: the address families in which flows may begin.
    Set { name: "alive", definition: "type nf_proto; size 16; flags timeout;" },
    Set { name: "opened4", definition: "type ipv4_addr . ipv4_addr . mark; size 65536; flags timeout;" },
    Set { name: "opened6", definition: "type ipv6_addr . ipv6_addr . mark; size 65536; flags timeout;" },
    // Ten minutes more than the 2 hours that RFC 5382 (REQ-5) grants a silent TCP connection.
    Set {
        name: "held4",
        definition: "type ipv4_addr . ipv4_addr . mark; size 65536; flags dynamic,timeout; timeout 130m;",
    },
    Set {
        name: "held6",
        definition: "type ipv6_addr . ipv6_addr . mark; size 65536; flags dynamic,timeout; timeout 130m;",
    },
];

/// The packet filter of a school with these settings.
#[must_use]
pub fn ruleset(settings: &Settings) -> Ruleset {
    let parts = Parts::new(settings);
    let mut chains = vec![
        arriving::check_source(&parts),
        arriving::to_proxy(&parts),
        arriving::to_resolver(&parts),
        arriving::answers(&parts),
        refuse(),
    ];
    chains.extend(to_box::chains(&parts));
    chains.extend(services::chains(&parts));
    chains.extend(through_box::chains(&parts));
    chains.extend(parts.tunnel.iter().flat_map(academie::chains));
    Ruleset(vec![Table { name: TABLE, sets: SETS.to_vec(), chains }, between::table(&parts)])
}

/// The settings, with the words that several stages use.
pub(super) struct Parts<'a> {
    pub(super) line: &'a str,
    pub(super) zones: &'a [Arc<Zone>],
    pub(super) proxy_port_base: u16,
    pub(super) redirected_dns_port: u16,
    /// Every zone's interface, as an nft set.
    pub(super) interfaces: String,
    /// The box's IPv4 address in every zone, as an nft set.
    pub(super) own4: String,
    /// The box's IPv6 address in every zone, as an nft set.
    pub(super) own6: String,
    /// Every zone's IPv4 network, as an nft set.
    pub(super) networks4: String,
    /// Every zone's IPv6 network, as an nft set.
    pub(super) networks6: String,
    pub(super) tunnel: Option<academie::Words<'a>>,
}

impl<'a> Parts<'a> {
    fn new(settings: &'a Settings) -> Self {
        let Settings { line_interface, zones, proxy_port_base, redirected_dns_port, tunnel } = settings;
        Self {
            line: line_interface,
            zones,
            proxy_port_base: *proxy_port_base,
            redirected_dns_port: *redirected_dns_port,
            interfaces: braces(zones.iter().map(|zone| format!("\"{}\"", zone.interface))),
            own4: braces(zones.iter().map(|zone| zone.ipv4.addr().to_string())),
            own6: braces(zones.iter().map(|zone| zone.ipv6.addr().to_string())),
            networks4: braces(zones.iter().map(|zone| zone.ipv4.trunc().to_string())),
            networks6: braces(zones.iter().map(|zone| zone.ipv6.trunc().to_string())),
            tunnel: tunnel.as_ref().map(academie::Words::of),
        }
    }
}

/// An nft set with these elements.
pub(super) fn braces(elements: impl Iterator<Item = String>) -> String {
    format!("{{ {} }}", elements.collect::<Vec<_>>().join(", "))
}

/// The TCP ports of a zone that the proxy has, as an nft set: the web, and services that speak TLS.
pub(super) fn proxied_ports(zone: &Zone) -> String {
    let services = zone.services.iter().flat_map(|service| &service.ports);
    let with_tls = services.filter(|ports| ports.speaks == Some(Speech::Tls));
    let range = |ports: &Ports| match (ports.first, ports.last) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    };
    braces(["80".to_owned(), "443".to_owned()].into_iter().chain(with_tls.map(range)))
}

/// The name of the chain with the zone's way to the box. The prefix keeps it apart from nft's keywords.
pub(super) fn chain_of(zone: &Zone) -> String {
    format!("from_{}", zone.name)
}

impl Chain {
    /// A chain without rules that others jump to.
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), hook: None, rules: Vec::new() }
    }

    /// A chain without rules that the kernel enters at `hook`.
    pub(super) fn hooked(name: &str, hook: Hook) -> Self {
        Self { name: name.to_owned(), hook: Some(hook), rules: Vec::new() }
    }

    /// Adds a rule that is found again by its comment.
    pub(super) fn rule(&mut self, comment: impl Into<String>, expression: impl Into<String>) {
        self.rules.push(Rule { expression: expression.into(), comment: comment.into() });
    }
}

/// How people in school are refused: at once and aloud, so that programs fall back instead of waiting.
fn refuse() -> Chain {
    let mut chain = Chain::new("refuse");
    chain.rule("tcp refused", "meta l4proto tcp counter reject with tcp reset");
    chain.rule("refused", "counter reject with icmpx admin-prohibited");
    chain
}
