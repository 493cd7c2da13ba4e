//! Questions that are asked of the box itself, and their answers: the kernel keeps no connection of them.
//!
//! They are most of the packets that begin something, each with a port of its own. Remembering them would cost as much as
//! filtering them, and a flood of them would fill the table of connections for everybody.
//!
//! A question to another resolver is brought to the box by address translation (see `to_resolver`), which needs a
//! connection. So whoever asks elsewhere is remembered for a while, address and port: what that socket asks of the box
//! itself is then tracked as well, for the answers could not be told apart. With the set full, questions asked elsewhere
//! go without an answer: the failing side is the closed one.

use super::{
    super::ruleset::{Chain, Hook},
    compile::Parts,
};

/// The chains that questions and answers pass before connections are looked for (priority -200), questions when their
/// source is checked.
pub(super) fn chains(parts: &Parts<'_>) -> [Chain; 2] {
    let hook = |point, priority| Hook { kind: "filter", point, priority, policy: "accept" };
    let mut asked = Chain::hooked("asked", hook("prerouting", -290));
    let mut answered = Chain::hooked("answered", hook("output", -300));
    asked.rule("no question", "meta l4proto . th dport != { udp . 53 } accept");
    answered.rule("no answer", "meta l4proto . th sport != { udp . 53 } accept");
    for zone in parts.zones {
        let addresses = [
            ("ip", "@redirected4", zone.ipv4.addr().to_string()),
            ("ip6", "@redirected6", zone.ipv6.addr().to_string()),
        ];
        for (word, redirected, address) in addresses {
            let from = format!("iifname \"{}\" {word}", zone.interface);
            asked.rule(
                format!("{}: asked elsewhere, {word}", zone.name),
                format!(
                    "{from} daddr != {address} update {redirected} {{ {word} saddr . udp sport }} accept"
                ),
            );
            asked.rule(
                format!("{}: asked of the box, {word}", zone.name),
                format!("{from} daddr {address} {word} saddr . udp sport != {redirected} notrack"),
            );
            answered.rule(
                format!("{}: answered by the box, {word}", zone.name),
                format!("{word} saddr {address} {word} daddr . udp dport != {redirected} notrack"),
            );
        }
    }
    [asked, answered]
}
