//! The académie's networks, behind the tunnel (Somme convention, article 6): offices reach what they were allowed of them,
//! the box speaks from its address inside, and nobody else gets there, by any way, in any state.
//!
//! Nothing here asks whether the tunnel is up. Packets for the académie leave by its interface or not at all: when the
//! interface is away, the line is no way round, whatever the routes say.

use std::sync::Arc;

use super::{
    super::{group::Group, ruleset::Chain},
    compile::{Parts, Tunnel, braces},
    through_box::errors_of_a_connection,
};
use crate::model::{TunnelAccess, Zone};

/// What IP and TCP put in front of a segment, in bytes.
const HEADERS4_BYTES: u16 = 40;
const HEADERS6_BYTES: u16 = 60;

/// The tunnel in the words of nft. A family without networks, or without an address, has none.
pub(super) struct Words<'a> {
    interface: &'a str,
    mark: u32,
    mtu: u16,
    /// The box's address inside that stands for the school, and all of them.
    source: [Option<String>; 2],
    own: [Option<String>; 2],
    networks: [Option<String>; 2],
}

/// A family's word in rules, and its name in comments.
const FAMILIES: [(&str, &str); 2] = [("ip", "IPv4"), ("ip6", "IPv6")];

impl<'a> Words<'a> {
    pub(super) fn of(tunnel: &'a Tunnel) -> Self {
        let Tunnel { interface, mark, own4, own6, mtu, networks4, networks6 } = tunnel;
        Self {
            interface,
            mark: *mark,
            mtu: *mtu,
            source: [own4.first().map(ToString::to_string), own6.first().map(ToString::to_string)],
            own: [set(own4), set(own6)],
            networks: [set(networks4), set(networks6)],
        }
    }

    /// Each family's word, name and networks.
    fn networks(&self) -> impl Iterator<Item = (&'static str, &'static str, &str)> {
        let named = FAMILIES.into_iter().zip(&self.networks);
        named.filter_map(|((word, name), networks)| Some((word, name, networks.as_deref()?)))
    }

    fn has_source(&self, family: &str) -> bool {
        FAMILIES.iter().zip(&self.source).any(|((word, _), source)| *word == family && source.is_some())
    }

    /// What claims to come from the académie comes through the tunnel, and nothing else does.
    pub(super) fn check_source(&self, line: &str, chain: &mut Chain) {
        let Self { interface, .. } = self;
        for (word, name, networks) in self.networks() {
            chain.rule(
                format!("line: the académie as source, {name}"),
                format!("iifname \"{line}\" {word} saddr {networks} counter drop"),
            );
            chain.rule(
                format!("tunnel: not from the académie, {name}"),
                format!("iifname \"{interface}\" {word} saddr != {networks} counter drop"),
            );
        }
    }

    /// The académie's web is not the proxy's: the proxy speaks by the line.
    pub(super) fn pass_proxy(&self, chain: &mut Chain) {
        for (word, name, networks) in self.networks() {
            chain.rule(format!("to the académie, {name}"), format!("{word} daddr {networks} accept"));
        }
    }

    pub(super) fn to_box(&self, chain: &mut Chain) {
        chain.rule("tunnel", format!("iifname \"{}\" goto from_tunnel", self.interface));
    }

    /// The box itself: to the académie through the tunnel alone, and into the tunnel from its address inside alone. So the
    /// proxy, which speaks for others, has no way there.
    pub(super) fn out_of_box(&self, chain: &mut Chain) {
        let Self { interface, mark, .. } = self;
        for ((word, name), own) in FAMILIES.into_iter().zip(&self.own) {
            let expression = match own {
                Some(own) => format!("oifname \"{interface}\" {word} saddr != {own} counter drop"),
                None => {
                    let family = if word == "ip" { "ipv4" } else { "ipv6" };
                    format!("oifname \"{interface}\" meta nfproto {family} counter drop")
                }
            };
            chain.rule(format!("into the tunnel from elsewhere, {name}"), expression);
        }
        for (word, name, networks) in self.networks() {
            chain.rule(
                format!("to the académie by another way, {name}"),
                format!(
                    "oifname != {{ \"lo\", \"{interface}\" }} meta mark != {mark:#x} {word} daddr {networks} \
                     counter goto refuse"
                ),
            );
        }
    }

    pub(super) fn to_zone(&self, chain: &mut Chain) {
        chain.rule("tunnel to a zone", format!("iifname \"{}\" goto from_tunnel_to_zone", self.interface));
    }

    /// From zones: what offices were allowed, as a service that is open at the académie's names (see [`Group::ACADEMIE`]).
    pub(super) fn out_of_zones(&self, zones: &[Arc<Zone>], chain: &mut Chain) {
        let Self { interface, .. } = self;
        for zone in zones.iter().filter(|zone| zone.tunnel == TunnelAccess::Academie) {
            // Without an address of the box's own in a family, nobody is led in by it.
            for (word, name, networks) in self.networks().filter(|(word, ..)| self.has_source(word)) {
                chain.rule(
                    format!("{}: the académie, {name}", zone.name),
                    format!(
                        "iifname \"{}\" oifname \"{interface}\" {word} daddr {networks} meta mark set {:#x} goto \
                         opened_service",
                        zone.interface,
                        Group::ACADEMIE.mark(),
                    ),
                );
            }
        }
        for (word, name, networks) in self.networks() {
            chain.rule(
                format!("the académie by another way, {name}"),
                format!("{word} daddr {networks} counter goto refuse"),
            );
        }
        chain.rule("into the tunnel", format!("oifname \"{interface}\" counter goto refuse"));
    }

    /// The académie sees one address of the school. It is named: what is masqueraded is forgotten with the interface, and
    /// connections would not outlive a program that is started again.
    pub(super) fn hide_source(&self, parts: &Parts<'_>, chain: &mut Chain) {
        let Self { interface, source, .. } = self;
        let named = FAMILIES.into_iter().zip([&parts.networks4, &parts.networks6]).zip(source);
        for (((word, name), networks), source) in named {
            let Some(source) = source else { continue };
            chain.rule(
                format!("tunnel, {name}"),
                format!("oifname \"{interface}\" {word} saddr {networks} snat {word} to {source}"),
            );
        }
    }
}

/// The chains that the rules above lead to.
pub(super) fn chains(words: &Words<'_>) -> [Chain; 2] {
    [from_tunnel(), from_tunnel_to_zone(words.mtu)]
}

/// What the académie may ask of the box: whether it is there. Answers to the box's own questions came before.
fn from_tunnel() -> Chain {
    let mut chain = Chain::new("from_tunnel");
    for echo in ["icmp type echo-request", "icmpv6 type echo-request"] {
        chain.rule(echo, format!("{echo} limit rate 100/second burst 100 packets accept"));
    }
    chain.rule("unasked", "counter drop");
    chain
}

/// From the académie only answers pass into a zone, and only while what they belong to is held.
fn from_tunnel_to_zone(mtu: u16) -> Chain {
    let mut chain = Chain::new("from_tunnel_to_zone");
    // The kernel never sets a larger size than there is.
    for (family, headers) in [("ipv4", HEADERS4_BYTES), ("ipv6", HEADERS6_BYTES)] {
        let segment = mtu.saturating_sub(headers);
        chain.rule(
            format!("segment size fits the tunnel, {family}"),
            format!(
                "meta nfproto {family} tcp flags & (syn | rst) == syn tcp option maxseg size set {segment}"
            ),
        );
    }
    for (word, family) in [("ip", '4'), ("ip6", '6')] {
        chain.rule(
            format!("answers, {word}"),
            format!(
                "ct state established meta mark set {:#x} {word} daddr . {word} saddr . meta mark @held{family} accept",
                Group::ACADEMIE.mark()
            ),
        );
    }
    errors_of_a_connection(&mut chain);
    chain.rule("unasked", "counter drop");
    chain
}

/// An nft set with these elements; none where there are none.
fn set<T: ToString>(elements: &[T]) -> Option<String> {
    (!elements.is_empty()).then(|| braces(elements.iter().map(T::to_string)))
}
