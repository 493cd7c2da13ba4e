//! What may pass through the box between a zone and the line: nothing but the services a zone opens (decision D3).

use super::{
    super::ruleset::{Chain, Hook},
    compile::{Parts, braces},
};
use crate::model::{Service, Transport};

/// The chains of packets that pass through the box.
pub(super) fn chains(parts: &Parts<'_>) -> [Chain; 4] {
    [opened_service(), from_line_to_zone(), through_box(parts), hide_source(parts)]
}

fn through_box(parts: &Parts<'_>) -> Chain {
    let Parts { line, zones, interfaces, .. } = parts;
    let hook = Hook { kind: "filter", point: "forward", priority: 0, policy: "drop" };
    let mut chain = Chain::hooked("through_box", hook);
    chain.rule(
        "segment size fits the line",
        "tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu",
    );
    chain.rule("line to a zone", format!("iifname \"{line}\" goto from_line_to_zone"));
    chain.rule("by no known interface", format!("iifname != {interfaces} counter drop"));
    chain.rule("zone to zone", format!("oifname {interfaces} counter goto refuse"));
    // Refused aloud, so that programs fall back to plain DNS and to TCP at once (decisions D4, D5).
    chain.rule("dns over tls", "tcp dport 853 counter reject with tcp reset");
    chain.rule("dns over quic, quic", "udp dport { 443, 853 } counter reject with icmpx port-unreachable");
    chain.rule("errors of a connection", "ct state related meta l4proto { icmp, ipv6-icmp } accept");
    for zone in zones.iter().filter(|zone| !zone.services.is_empty()) {
        chain.rule(
            format!("{}: services", zone.name),
            format!(
                "iifname \"{}\" oifname \"{line}\" meta l4proto . th dport {} jump opened_service",
                zone.interface,
                braces(zone.services.iter().map(transport_and_port)),
            ),
        );
    }
    chain.rule("not opened", "counter goto refuse");
    chain
}

/// From a zone to a service it opens: what runs goes on while its pair is held, what is opened may begin.
fn opened_service() -> Chain {
    let mut chain = Chain::new("opened_service");
    for (word, family) in [("ip", '4'), ("ip6", '6')] {
        let pair = format!("{word} saddr . {word} daddr");
        chain.rule(
            format!("held, {word}"),
            format!("ct state established {pair} @held{family} update @held{family} {{ {pair} }} accept"),
        );
        // No condition on the state: what connection tracking remembers of a pair that was cut and opened again is
        // `established` and in no set.
        chain.rule(
            format!("opened, {word}"),
            format!(
                "meta nfproto @alive {pair} @opened{family} update @held{family} {{ {pair} }} counter accept"
            ),
        );
    }
    chain
}

/// From the line only answers pass, and only while the pair they belong to is held.
fn from_line_to_zone() -> Chain {
    let mut chain = Chain::new("from_line_to_zone");
    for (word, family) in [("ip", '4'), ("ip6", '6')] {
        chain.rule(
            format!("answers, {word}"),
            format!("ct state established {word} daddr . {word} saddr @held{family} accept"),
        );
    }
    chain.rule("errors of a connection", "ct state related meta l4proto { icmp, ipv6-icmp } accept");
    chain.rule("unasked", "counter drop");
    chain
}

/// Gives what leaves by the line the box's address there. In IPv6 too: zones have unique local addresses (RFC 4193),
/// which nobody outside can answer.
fn hide_source(parts: &Parts<'_>) -> Chain {
    let Parts { line, networks4, networks6, .. } = parts;
    let hook = Hook { kind: "nat", point: "postrouting", priority: 100, policy: "accept" };
    let mut chain = Chain::hooked("hide_source", hook);
    chain.rule("IPv4", format!("oifname \"{line}\" ip saddr {networks4} masquerade"));
    chain.rule("IPv6", format!("oifname \"{line}\" ip6 saddr {networks6} masquerade"));
    chain
}

fn transport_and_port(service: &Service) -> String {
    let transport = match service.transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    };
    format!("{transport} . {}", service.port)
}
