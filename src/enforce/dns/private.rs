//! Addresses that mean nothing outside the school: no public name may point at them, and no reverse question about
//! them leaves the box.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::model::{Domain, Zone};

/// Networks that are nobody's on the Internet: private use (RFC 1918, RFC 4193), shared by carriers (RFC 6598),
/// loopback, link-local, unspecified, multicast and reserved (RFC 6890). Documentation networks are left out: they
/// hurt nobody, and the lab lives in them.
const NOWHERE: [IpNet; 14] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
    v6(0, 127),
    v6(0xfc00 << 112, 7),
    v6(0xfe80 << 112, 10),
    v6(0xfec0 << 112, 10),
    v6(0xff00 << 112, 8),
];

/// Prefixes that carry an IPv4 address in their last four bytes: mapped, and translated by NAT64 (RFC 6052).
const CARRIERS_OF_IPV4: [IpNet; 2] = [v6(0xffff << 32, 96), v6(0x64_ff9b << 96, 96)];

const fn v4(network: [u8; 4], prefix: u8) -> IpNet {
    let [a, b, c, d] = network;
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
}

const fn v6(network: u128, prefix: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::from_bits(network), prefix))
}

/// The addresses that stay inside: [`NOWHERE`] and the school's own networks, which may have public addresses.
#[derive(Clone, Debug)]
pub(super) struct Inside {
    networks: Vec<IpNet>,
    /// What lies in them and is reached all the same.
    but: Vec<IpNet>,
}

impl Inside {
    /// With the networks of `zones`.
    pub(super) fn of(zones: &[Arc<Zone>]) -> Self {
        let own = zones.iter().flat_map(|zone| zone.networks());
        Self { networks: NOWHERE.into_iter().chain(own).collect(), but: Vec::new() }
    }

    /// The same without `networks`.
    pub(super) fn but(mut self, networks: &[IpNet]) -> Self {
        self.but.extend(networks);
        self
    }

    /// The same with `networks`.
    pub(super) fn and(mut self, networks: &[IpNet]) -> Self {
        self.networks.extend(networks);
        self
    }

    /// Whether `address` means something inside only.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let carried = match address {
            IpAddr::V6(v6) if CARRIERS_OF_IPV4.iter().any(|carrier| carrier.contains(&address)) => {
                let [.., a, b, c, d] = v6.octets();
                IpAddr::from([a, b, c, d])
            }
            _ => address,
        };
        let of = |networks: &[IpNet]| networks.iter().any(|network| network.contains(&carried));
        of(&self.networks) && !of(&self.but)
    }

    /// Whether `name` asks backwards about an address inside, or about a part of such a network.
    pub(super) fn holds_reverse(&self, name: &Domain) -> bool {
        reverse_network(name.as_str())
            .is_some_and(|asked| self.networks.iter().any(|network| network.contains(&asked)))
    }
}

/// The network that a name below `in-addr.arpa` or `ip6.arpa` stands for (RFC 1035 section 3.5, RFC 3596 section 2.5).
/// Labels in front that are no number are passed over: `_dns-sd._udp.1.0.168.192.in-addr.arpa` stands for its network.
fn reverse_network(name: &str) -> Option<IpNet> {
    if let Some(labels) = name.strip_suffix(".in-addr.arpa") {
        let mut bytes = [0; 4];
        let mut bits = 0;
        for (byte, label) in bytes.iter_mut().zip(labels.rsplit('.')) {
            let Ok(value) = label.parse() else { break };
            *byte = value;
            bits += 8;
        }
        return Ipv4Net::new(Ipv4Addr::from(bytes), bits).ok().filter(|_| bits > 0).map(IpNet::V4);
    }
    let labels = name.strip_suffix(".ip6.arpa")?;
    let mut value = 0;
    let mut bits = 0;
    for label in labels.rsplit('.').take(32) {
        let Some(nibble) =
            label.parse().ok().filter(|_| label.len() == 1).and_then(|digit: char| digit.to_digit(16))
        else {
            break;
        };
        bits += 4;
        value |= u128::from(nibble) << (128 - u32::from(bits));
    }
    Ipv6Net::new(Ipv6Addr::from_bits(value), bits).ok().filter(|_| bits > 0).map(IpNet::V6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside() -> Inside {
        Inside::of(&[]).and(&["2001:db8:5::/64".parse().unwrap()])
    }

    #[test]
    fn an_address_of_the_school_or_of_nobody_is_inside() {
        for text in [
            "10.10.0.1",
            "127.0.0.1",
            "0.0.0.0",
            "100.64.1.1",
            "169.254.169.254",
            "172.31.0.1",
            "192.168.1.1",
            "::",
            "::1",
            "fd00:10::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "64:ff9b::192.168.0.1",
            "2001:db8:5::7",
        ] {
            assert!(inside().contains(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_public_address_is_not_inside() {
        for text in [
            "192.0.2.1",
            "198.51.100.7",
            "172.32.0.1",
            "9.9.9.9",
            "2001:db8:4::7",
            "::ffff:192.0.2.1",
            "2620::1",
        ] {
            assert!(!inside().contains(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn reverse_questions_about_inside_addresses_are_known() {
        for (name, held) in [
            ("1.0.10.10.in-addr.arpa", true),
            ("10.in-addr.arpa", true),
            ("168.192.in-addr.arpa", true),
            ("_dns-sd._udp.1.168.192.in-addr.arpa", true),
            ("172.in-addr.arpa", false),
            ("20.172.in-addr.arpa", true),
            ("1.2.0.192.in-addr.arpa", false),
            ("in-addr.arpa", false),
            ("d.f.ip6.arpa", true),
            ("f.ip6.arpa", false),
            ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", true),
            ("5.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", false),
            ("0.0.0.0.5.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", true),
            ("exemple.fr", false),
        ] {
            assert_eq!(inside().holds_reverse(&name.parse().unwrap()), held, "{name}");
        }
    }
}
