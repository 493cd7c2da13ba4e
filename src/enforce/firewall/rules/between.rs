//! What machines of one zone send each other across a bridge of the box: anything, but for pretending to be the box.
//!
//! A zone has one router, one DHCP server and one owner of the box's addresses, and what they say does not come from
//! one port and leave by another. So whatever here looks like them is false, on every bridge, and the switches beyond a
//! port must do the same for machines that share it (RA guard of RFC 6105, DHCP snooping).

use super::{
    super::{
        BRIDGE_TABLE,
        ruleset::{Chain, Hook, Set, Table},
    },
    compile::{Parts, braces},
};

/// The link-local addresses of the box, as its own router advertisements show them: at least every ten minutes.
const ROUTERS: Set =
    Set { name: "routers", definition: "type ipv6_addr; size 256; flags dynamic,timeout; timeout 1h;" };

/// Where switches speak to each other in frames of IEEE 802.2: spanning trees, which must see a loop through the box.
const SWITCHES: &str = "{ 01:80:c2:00:00:00, 01:00:0c:cc:cc:cc, 01:00:0c:cc:cc:cd }";

/// The table of frames between two ports of a bridge.
pub(super) fn table(parts: &Parts<'_>) -> Table {
    Table { name: BRIDGE_TABLE, sets: vec![ROUTERS], chains: vec![from_box(), between_machines(parts)] }
}

/// Learns how the box is called as a router.
fn from_box() -> Chain {
    let hook = Hook { kind: "filter", point: "output", priority: 0, policy: "accept" };
    let mut chain = Chain::hooked("box_to_machines", hook);
    chain.rule(
        "the box as router",
        "meta protocol ip6 icmpv6 type nd-router-advert update @routers { ip6 saddr }",
    );
    chain
}

/// Drops what only the box says. `meta protocol` is the one within a VLAN tag, which some systems do not heed.
fn between_machines(parts: &Parts<'_>) -> Chain {
    let hook = Hook { kind: "filter", point: "forward", priority: 0, policy: "accept" };
    let mut chain = Chain::hooked("between_machines", hook);
    let Parts { own4, own6, .. } = parts;
    // Frames that some systems open and no rule below would (CVE-2021-27853): IP in IEEE 802.2, tags within tags.
    chain.rule(
        "an old frame",
        format!("meta protocol {{ 0x0001, 0x0004 }} ether daddr != {SWITCHES} counter drop"),
    );
    chain.rule("a tag within a tag", "meta protocol { 8021q, 8021ad } counter drop");
    chain
        .rule("false router", "meta protocol ip6 icmpv6 type { nd-router-advert, nd-redirect } counter drop");
    // RFC 6980: nobody needs to send these in pieces but who wants to hide what they are.
    chain.rule(
        "neighbours and routers in pieces",
        "meta protocol ip6 ip6 hoplimit 255 meta l4proto ipv6-icmp exthdr frag exists counter drop",
    );
    // The port of clients: they heed no other, and do not ask which one an answer came from.
    chain.rule("false dhcp server", "meta protocol ip udp dport 68 counter drop");
    chain.rule("false dhcpv6 server", "meta protocol ip6 udp dport 546 counter drop");
    chain.rule("false owner, arp", format!("meta protocol arp arp saddr ip {own4} counter drop"));
    chain.rule("false source, IPv4", format!("meta protocol ip ip saddr {own4} counter drop"));
    chain.rule("false source, IPv6", format!("meta protocol ip6 ip6 saddr {own6} counter drop"));
    chain.rule("false source, link", "meta protocol ip6 ip6 saddr @routers counter drop");
    // An advertisement's flags and target follow its type, code and checksum (RFC 4861 section 4.4).
    let targets = parts.zones.iter().map(|zone| format!("{:#034x}", zone.ipv6.addr().to_bits()));
    chain.rule(
        "false owner, IPv6",
        format!(
            "meta protocol ip6 icmpv6 type nd-neighbor-advert @th,64,128 {} counter drop",
            braces(targets)
        ),
    );
    chain.rule(
        "false router among neighbours",
        "meta protocol ip6 icmpv6 type nd-neighbor-advert @th,32,1 1 counter drop",
    );
    chain
}
