//! The concentrator's ruleset: from a school to the académie's networks behind this concentrator and back, and nowhere else.
//!
//! WireGuard itself lets nothing in that does not come from the peer's own address. What it would forward from one school to
//! another is dropped here, whatever routes say; so is what schools send to the machine itself, but for an echo, by which a box
//! sees that the tunnel carries. The rest of the machine's traffic is none of this table's business.

/// The ruleset for `interface`, as one transaction of nft that replaces the one before.
pub(super) fn ruleset(interface: &str, prefixes: &[String], networks: &[String]) -> String {
    let of = |list: &[String], is_v4: bool| {
        let chosen: Vec<&str> =
            list.iter().map(String::as_str).filter(|network| network.contains('.') == is_v4).collect();
        chosen.join(", ")
    };
    let mut pairs = String::new();
    for (family, is_v4) in [("ip", true), ("ip6", false)] {
        let (schools, inside) = (of(prefixes, is_v4), of(networks, is_v4));
        if schools.is_empty() || inside.is_empty() {
            continue;
        }
        pairs.push_str(&format!(
            "        iifname \"{interface}\" {family} saddr {{ {schools} }} {family} daddr {{ {inside} }} accept\n        \
            oifname \"{interface}\" {family} saddr {{ {inside} }} {family} daddr {{ {schools} }} accept\n"
        ));
    }
    format!(
        "table inet preau_concentrator {{}}\n\
        delete table inet preau_concentrator\n\
        table inet preau_concentrator {{\n    \
            chain forward {{\n        \
                type filter hook forward priority filter; policy accept;\n        \
                iifname \"{interface}\" oifname \"{interface}\" counter drop\n        \
                iifname \"{interface}\" tcp flags syn tcp option maxseg size set rt mtu\n        \
                oifname \"{interface}\" tcp flags syn tcp option maxseg size set rt mtu\n\
        {pairs}        \
                iifname \"{interface}\" counter drop\n        \
                oifname \"{interface}\" counter drop\n    \
            }}\n    \
            chain input {{\n        \
                type filter hook input priority filter; policy accept;\n        \
                iifname \"{interface}\" icmp type echo-request accept\n        \
                iifname \"{interface}\" icmpv6 type echo-request accept\n        \
                iifname \"{interface}\" ct state established,related accept\n        \
                iifname \"{interface}\" counter drop\n    \
            }}\n\
        }}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schools_reach_the_networks_of_their_family_and_each_other_never() {
        let text = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let said = ruleset(
            "preau0",
            &text(&["10.128.0.0/14", "fd00:80::/48"]),
            &text(&["172.16.0.0/12", "192.0.2.0/24", "2001:db8::/32"]),
        );
        let of_four =
            "iifname \"preau0\" ip saddr { 10.128.0.0/14 } ip daddr { 172.16.0.0/12, 192.0.2.0/24 } accept";
        assert!(said.contains(of_four), "{said}");
        assert!(
            said.contains("oifname \"preau0\" ip6 saddr { 2001:db8::/32 } ip6 daddr { fd00:80::/48 } accept")
        );
        let apart = said.find("iifname \"preau0\" oifname \"preau0\" counter drop").unwrap();
        assert!(apart < said.find("accept\n        oifname").unwrap(), "before anything is let through");
        let narrow = ruleset("preau0", &text(&["10.128.0.0/14"]), &text(&["2001:db8::/32"]));
        assert!(!narrow.contains("saddr"), "no family has both: nothing is forwarded");
    }
}
