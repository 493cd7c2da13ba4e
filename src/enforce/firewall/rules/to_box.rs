//! What may reach the box itself, and what may leave it.

use super::{
    super::{
        PROXY_MARK,
        ruleset::{Chain, Hook},
    },
    compile::{Parts, chain_of, proxied_ports},
};
use crate::model::{Quic, Zone};

/// An echo that the box answers to a zone, with its headers: one packet of Ethernet, as technicians send to try a path.
const ECHO_BYTES_MAX: u32 = 1500;

/// The chains of packets to and from the box.
pub(super) fn chains(parts: &Parts<'_>) -> Vec<Chain> {
    let mut chains: Vec<Chain> = parts.zones.iter().map(|zone| from_zone(zone, parts)).collect();
    chains.extend([from_line(), to_box(parts), from_box(parts)]);
    chains
}

fn to_box(parts: &Parts<'_>) -> Chain {
    let hook = Hook { kind: "filter", point: "input", priority: 0, policy: "drop" };
    let mut chain = Chain::hooked("to_box", hook);
    chain.rule("the box itself", "iifname \"lo\" accept");
    // The kernel itself leaves neighbour discovery untracked.
    chain.rule("a question to the box", "ct state untracked udp dport 53 counter accept");
    for zone in parts.zones {
        // Before `established`: that is what the second echo of a ping is, and a flood of them.
        for echo in ["icmp type echo-request", "icmpv6 type echo-request"] {
            chain.rule(
                format!("{}: {echo}", zone.name),
                format!("iifname \"{}\" {echo} goto {}", zone.interface, chain_of(zone)),
            );
        }
    }
    // Errors about connections of the box are `related`.
    chain.rule("of a connection", "ct state established,related accept");
    for zone in parts.zones {
        chain.rule(zone.name.to_string(), format!("iifname \"{}\" goto {}", zone.interface, chain_of(zone)));
    }
    chain.rule("line", format!("iifname \"{}\" goto from_line", parts.line));
    parts.tunnel.iter().for_each(|tunnel| tunnel.to_box(&mut chain));
    chain.rule("by no known interface", "counter drop");
    chain
}

/// What a zone may ask of the box, at its own address in that zone only: another zone's address is another zone.
fn from_zone(zone: &Zone, parts: &Parts<'_>) -> Chain {
    let (ipv4, ipv6) = (zone.ipv4.addr(), zone.ipv6.addr());
    let mut chain = Chain::new(chain_of(zone));
    chain.rule(
        "web to the proxy",
        format!("meta mark {PROXY_MARK:#x} tcp dport {} accept", proxied_ports(zone)),
    );
    if zone.quic == Quic::Filter {
        chain.rule("quic to its filter", format!("meta mark {PROXY_MARK:#x} udp dport 443 accept"));
    }
    chain.rule(
        "neighbours and routers",
        "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld-listener-report, \
         mld-listener-done, mld2-listener-report } limit rate 1000/second burst 1000 packets accept",
    );
    chain.rule("dhcp", format!("ip daddr {{ 255.255.255.255, {ipv4} }} udp sport 68 udp dport 67 accept"));
    chain.rule(
        "dhcpv6",
        format!("ip6 saddr fe80::/10 ip6 daddr {{ ff02::1:2, {ipv6} }} udp sport 546 udp dport 547 accept"),
    );
    chain.rule("announcements", "meta pkttype { broadcast, multicast } counter drop");
    chain.rule("not the address of the zone, IPv4", format!("ip daddr != {ipv4} counter goto refuse"));
    chain.rule(
        "not the address of the zone, IPv6",
        format!("ip6 daddr != {{ fe80::/10, {ipv6} }} counter goto refuse"),
    );
    chain.rule(
        "echo, IPv4",
        format!("icmp type echo-request meta length <= {ECHO_BYTES_MAX} limit rate 100/second burst 100 packets accept"),
    );
    chain.rule(
        "echo, IPv6",
        format!("icmpv6 type echo-request meta length <= {ECHO_BYTES_MAX} limit rate 100/second burst 100 packets accept"),
    );
    chain.rule("icmp above the limits", "meta l4proto { icmp, ipv6-icmp } counter drop");
    chain.rule("dns and portal", "tcp dport { 53, 80, 443 } counter accept");
    chain.rule("time", "udp dport 123 counter accept");
    chain.rule(
        "a question to another resolver",
        format!("ct status dnat udp dport {} counter accept", parts.redirected_dns_port),
    );
    chain.rule("closed port of the box", "counter goto refuse");
    chain
}

/// What the Internet may send unasked: as little as a host needs to have an address, and a few echoes for repair.
fn from_line() -> Chain {
    let mut chain = Chain::new("from_line");
    chain.rule(
        "neighbours and routers",
        "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, mld-listener-query } \
         limit rate 1000/second burst 1000 packets accept",
    );
    chain.rule("dhcp", "udp sport 67 udp dport 68 accept");
    chain.rule("dhcpv6", "ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept");
    chain.rule("echo, IPv4", "icmp type echo-request limit rate 10/second burst 20 packets accept");
    chain.rule("echo, IPv6", "icmpv6 type echo-request limit rate 10/second burst 20 packets accept");
    chain.rule("unasked", "counter drop");
    chain
}

/// The box's own packets are its programs' affair. Only the proxy's mark must not be on one: routing would send the
/// packet back to the box for ever.
fn from_box(parts: &Parts<'_>) -> Chain {
    let hook = Hook { kind: "filter", point: "output", priority: 0, policy: "accept" };
    let mut chain = Chain::hooked("from_box", hook);
    chain.rule("proxy mark on an own packet", format!("meta mark {PROXY_MARK:#x} counter drop"));
    parts.tunnel.iter().for_each(|tunnel| tunnel.out_of_box(&mut chain));
    chain
}
