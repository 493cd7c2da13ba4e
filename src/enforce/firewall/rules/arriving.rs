//! What every arriving packet passes before it is routed: is its source true, does the proxy or the resolver take it. And
//! what the resolver's answers pass when they leave.

use std::net::{IpAddr, SocketAddr};

use super::{
    super::{
        PROXY_MARK,
        ruleset::{Chain, Hook},
    },
    compile::{Parts, braces, proxied_ports},
};
use crate::model::{Quic, Zone};

/// Drops packets whose source cannot be true, before the kernel remembers anything of them; of questions to the box it
/// shall remember nothing.
pub(super) fn check_source(parts: &Parts<'_>) -> Chain {
    let hook = Hook { kind: "filter", point: "prerouting", priority: -300, policy: "accept" };
    let mut chain = Chain::hooked("check_source", hook);
    chain.rule("the box itself", "iifname \"lo\" accept");
    chain.rule("spoofed: a source of the box", "fib saddr type local counter drop");
    for zone in parts.zones {
        let (name, interface) = (&zone.name, &zone.interface);
        let from = |expression: &str| format!("iifname \"{interface}\" {expression}");
        chain.rule(
            format!("{name}: no IPv4 address yet"),
            from("ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept"),
        );
        chain.rule(
            format!("{name}: spoofed IPv4 source"),
            from(&format!("ip saddr != {} counter drop", zone.ipv4.trunc())),
        );
        chain
            .rule(format!("{name}: no IPv6 address yet"), from("ip6 saddr :: meta l4proto ipv6-icmp accept"));
        chain.rule(
            format!("{name}: spoofed IPv6 source"),
            from(&format!("ip6 saddr != {{ fe80::/10, {} }} counter drop", zone.ipv6.trunc())),
        );
    }
    let Parts { line, networks4, networks6, .. } = parts;
    chain.rule("line: spoofed IPv4 source", format!("iifname \"{line}\" ip saddr {networks4} counter drop"));
    chain.rule("line: spoofed IPv6 source", format!("iifname \"{line}\" ip6 saddr {networks6} counter drop"));
    parts.tunnel.iter().for_each(|tunnel| tunnel.check_source(line, &mut chain));
    for (word, questions, _) in resolver_sets(parts) {
        chain.rule(
            format!("questions to the box, {word}"),
            format!("iifname . {word} daddr . udp dport {questions} notrack"),
        );
    }
    chain
}

/// What the box answers to questions that [`check_source`] leaves untracked is not tracked either: connection tracking
/// would cost at each answer, and a machine that asks much would fill its table.
pub(super) fn answers(parts: &Parts<'_>) -> Chain {
    let hook = Hook { kind: "filter", point: "output", priority: -300, policy: "accept" };
    let mut chain = Chain::hooked("answers", hook);
    for (word, _, answers) in resolver_sets(parts) {
        chain.rule(
            format!("to questions to the box, {word}"),
            format!("{word} saddr . udp sport {answers} notrack"),
        );
    }
    chain
}

/// For each family: its word, where questions to the box arrive (interface, address, port), and where answers leave from.
fn resolver_sets(parts: &Parts<'_>) -> [(&'static str, String, String); 2] {
    let of = |word, address: fn(&Zone) -> IpAddr| {
        let zones = || parts.zones.iter().map(move |zone| (&zone.interface, address(zone)));
        let questions = braces(zones().map(|(interface, own)| format!("\"{interface}\" . {own} . 53")));
        (word, questions, braces(zones().map(|(_, own)| format!("{own} . 53"))))
    };
    [of("ip", |zone| zone.ipv4.addr().into()), of("ip6", |zone| zone.ipv6.addr().into())]
}

/// Gives the web of the zones, and their services that speak TLS, to the proxy (decision D2). `tproxy` finds established sockets itself; a rule with
/// `socket transparent` would also match sockets in TIME_WAIT and lose the next connection's first packet.
pub(super) fn to_proxy(parts: &Parts<'_>) -> Chain {
    let hook = Hook { kind: "filter", point: "prerouting", priority: -150, policy: "accept" };
    let mut chain = Chain::hooked("to_proxy", hook);
    let Parts { interfaces, networks4, networks6, .. } = parts;
    chain.rule("of no connection", "iifname != \"lo\" ct state invalid counter drop");
    chain.rule("a question to the box", "ct state untracked udp dport 53 accept");
    chain.rule("not the web of a zone", format!("iifname != {interfaces} accept"));
    chain.rule("to the box itself", "fib daddr type local accept");
    chain.rule("to a zone, IPv4", format!("ip daddr {networks4} accept"));
    chain.rule("to a zone, IPv6", format!("ip6 daddr {networks6} accept"));
    parts.tunnel.iter().for_each(|tunnel| tunnel.pass_proxy(&mut chain));
    for (zone, port) in parts.zones.iter().zip(u32::from(parts.proxy_port_base)..) {
        for (family, word) in [("ipv4", "ip"), ("ipv6", "ip6")] {
            chain.rule(
                format!("{}: web to the proxy, {word}", zone.name),
                format!(
                    "iifname \"{}\" meta nfproto {family} tcp dport {} \
                     tproxy {word} to :{port} meta mark set {PROXY_MARK:#x} counter accept",
                    zone.interface,
                    proxied_ports(zone),
                ),
            );
        }
    }
    for (zone, port) in parts.zones.iter().zip(u32::from(parts.proxy_port_base)..) {
        // Without a listener these packets go on, and are refused as in a zone that rejects QUIC.
        for (family, word) in
            [("ipv4", "ip"), ("ipv6", "ip6")].into_iter().filter(|_| zone.quic == Quic::Filter)
        {
            chain.rule(
                format!("{}: quic to its filter, {word}", zone.name),
                format!(
                    "iifname \"{}\" meta nfproto {family} udp dport 443 \
                     tproxy {word} to :{port} meta mark set {PROXY_MARK:#x} counter accept",
                    zone.interface
                ),
            );
        }
    }
    // Closed, and silent: the daemon is starting or gone, and the client's second attempt may find it.
    chain.rule("web without a proxy", "tcp dport { 80, 443 } counter drop");
    chain
}

/// Brings every question for a name (decision D4) or for the time to the box's address in the zone, whoever it was for.
/// Datagrams for another resolver have a port of their own there, so that their answers are tracked and turned back.
pub(super) fn to_resolver(parts: &Parts<'_>) -> Chain {
    let hook = Hook { kind: "nat", point: "prerouting", priority: -100, policy: "accept" };
    let mut chain = Chain::hooked("to_resolver", hook);
    for zone in parts.zones {
        let addresses: [(_, IpAddr); 2] = [("ip", zone.ipv4.addr().into()), ("ip6", zone.ipv6.addr().into())];
        for (word, address) in addresses {
            chain.rule(
                format!("{}: dns and time to the box, {word}", zone.name),
                format!(
                    "iifname \"{}\" {word} daddr != {address} \
                     meta l4proto . th dport {{ tcp . 53, udp . 123 }} counter dnat {word} to {address}",
                    zone.interface
                ),
            );
            let with_port = SocketAddr::new(address, parts.redirected_dns_port);
            chain.rule(
                format!("{}: questions to the box, {word}", zone.name),
                format!(
                    "iifname \"{}\" {word} daddr != {address} udp dport 53 counter dnat {word} to {with_port}",
                    zone.interface
                ),
            );
        }
    }
    chain
}
