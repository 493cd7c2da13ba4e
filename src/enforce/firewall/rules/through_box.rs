//! What may pass through the box between a zone and the line: nothing but the services a zone opens (decision D3).

use super::{
    super::ruleset::{Chain, Hook},
    compile::Parts,
    services::{chain_to_services, check_answers, has_any},
};

/// The longest error that passes, with its headers (RFC 4443 section 2.4: no error is longer than IPv6's smallest MTU;
/// RFC 1812 section 4.3.2.3 wants 576 for IPv4).
const ERROR_BYTES_MAX: u32 = 1280;

/// The chains of packets that pass through the box.
pub(super) fn chains(parts: &Parts<'_>) -> [Chain; 4] {
    [opened_service(), from_line_to_zone(parts), through_box(parts), hide_source(parts)]
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
    parts.tunnel.iter().for_each(|tunnel| tunnel.to_zone(&mut chain));
    chain.rule("by no known interface", format!("iifname != {interfaces} counter drop"));
    chain.rule("zone to zone", format!("oifname {interfaces} counter goto refuse"));
    parts.tunnel.iter().for_each(|tunnel| tunnel.out_of_zones(zones, &mut chain));
    // Refused aloud, so that programs fall back to plain DNS and to TCP at once (decisions D4, D5).
    chain.rule("dns over tls", "tcp dport 853 counter reject with tcp reset");
    chain.rule("dns over quic, quic", "udp dport { 443, 853 } counter reject with icmpx port-unreachable");
    errors_of_a_connection(&mut chain);
    for zone in zones.iter().filter(|zone| has_any(zone)) {
        chain.rule(
            format!("{}: services", zone.name),
            format!("iifname \"{}\" oifname \"{line}\" jump {}", zone.interface, chain_to_services(zone),),
        );
    }
    chain.rule("not opened", "counter goto refuse");
    chain
}

/// From a zone to a service it opens, whose group the packet's mark names: what runs goes on while it is held, what is
/// opened may begin.
fn opened_service() -> Chain {
    let mut chain = Chain::new("opened_service");
    for (word, family) in [("ip", '4'), ("ip6", '6')] {
        let key = format!("{word} saddr . {word} daddr . meta mark");
        chain.rule(
            format!("held, {word}"),
            format!("ct state established {key} @held{family} update @held{family} {{ {key} }} accept"),
        );
        // No condition on the state: what connection tracking remembers of what was cut and opened again is
        // `established` and in no set.
        chain.rule(
            format!("opened, {word}"),
            format!(
                "meta nfproto @alive {key} @opened{family} update @held{family} {{ {key} }} counter accept"
            ),
        );
    }
    chain
}

/// From the line only answers pass, and only while what they belong to is held.
fn from_line_to_zone(parts: &Parts<'_>) -> Chain {
    let mut chain = Chain::new("from_line_to_zone");
    check_answers(&mut chain, parts);
    for (word, family) in [("ip", '4'), ("ip6", '6')] {
        chain.rule(
            format!("answers, {word}"),
            format!("ct state established {word} daddr . {word} saddr . meta mark @held{family} accept"),
        );
    }
    errors_of_a_connection(&mut chain);
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
    parts.tunnel.iter().for_each(|tunnel| tunnel.hide_source(parts, &mut chain));
    chain
}

/// Errors about a flow that passes, which a program cannot do without; nothing else of ICMP passes through the box. Their
/// number and length are bounded, for what an error repeats of a packet could be anything.
pub(super) fn errors_of_a_connection(chain: &mut Chain) {
    for (word, types) in [
        ("icmp", "destination-unreachable, time-exceeded, parameter-problem"),
        ("icmpv6", "destination-unreachable, packet-too-big, time-exceeded, parameter-problem"),
    ] {
        chain.rule(
            format!("errors of a connection, {word}"),
            format!(
                "ct state related {word} type {{ {types} }} meta length <= {ERROR_BYTES_MAX} \
                 limit rate 100/second burst 100 packets accept"
            ),
        );
    }
}
