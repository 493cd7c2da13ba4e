//! What the académie says of its tunnel: concentrators, the network that schools' addresses come from, names inside.

use std::net::{IpAddr, Ipv6Addr};

use anyhow::{Context as _, bail, ensure};
use preau::{model::Domain, vpn::ladder::Place};
use serde::Deserialize;

use super::enrolment::key_of;
use crate::database::Row;

/// Concentrators a fleet may have; prefixes, names, and resolvers as many.
const ROWS_MAX: usize = 16;

/// Networks behind one concentrator.
const NETWORKS_MAX: usize = 64;

/// The longest name of a concentrator, in bytes.
const NAME_BYTES_MAX: usize = 40;

/// The whole of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TunnelPlan {
    /// The networks that schools' addresses come from, in both families.
    pub prefixes: Vec<String>,
    /// The académie's names, with everything below them, that are resolved inside.
    #[serde(default)]
    pub names: Vec<String>,
    /// Who resolves them: addresses inside.
    #[serde(default)]
    pub resolvers: Vec<String>,
    /// The concentrators, the preferred one first.
    #[serde(rename = "concentrator")]
    pub concentrators: Vec<PlannedConcentrator>,
}

/// One concentrator.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedConcentrator {
    /// What technicians call it, and commands; small letters, digits and hyphens.
    pub name: String,
    /// Its public key, in base64.
    pub key: String,
    /// Where it listens: `name:port` or `address:port`.
    pub endpoint: String,
    /// The networks behind it.
    pub networks: Vec<String>,
    /// Its way through TCP, where it has one: `name:port`.
    #[serde(default)]
    pub tls: Option<String>,
}

impl TunnelPlan {
    /// Says what is not in order, if anything is.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let Self { prefixes, names, resolvers, concentrators } = self;
        let fit = [prefixes.len(), names.len(), resolvers.len(), concentrators.len()];
        ensure!(fit.into_iter().all(|count| count <= ROWS_MAX), "more than {ROWS_MAX} of a kind");
        for prefix in prefixes {
            Prefix::read(prefix)?;
        }
        for name in names {
            let _: Domain = name.parse().with_context(|| format!("`{name}` is no name"))?;
        }
        for resolver in resolvers {
            let _: IpAddr = resolver.parse().with_context(|| format!("`{resolver}` is no address"))?;
        }
        ensure!(
            names.is_empty() || !resolvers.is_empty(),
            "names without resolvers: say who resolves them inside"
        );
        for (index, concentrator) in concentrators.iter().enumerate() {
            concentrator.check().with_context(|| format!("concentrator `{}`", concentrator.name))?;
            let same = |other: &PlannedConcentrator| {
                other.name == concentrator.name || other.key == concentrator.key
            };
            let before = concentrators.get(..index).unwrap_or_default();
            ensure!(
                !before.iter().any(same),
                "concentrator `{}`: another one has its name or key",
                concentrator.name
            );
        }
        Ok(())
    }
}

impl PlannedConcentrator {
    fn check(&self) -> anyhow::Result<()> {
        let Self { name, key, endpoint, networks, tls } = self;
        ensure!(is_name(name), "its name is not 1 to {NAME_BYTES_MAX} small letters, digits and hyphens");
        ensure!(key_of(key).is_some(), "`{key}` is no WireGuard key");
        let (_, port) = endpoint.rsplit_once(':').with_context(|| format!("`{endpoint}` has no port"))?;
        ensure!(port.parse::<u16>().is_ok_and(|port| port != 0), "`{endpoint}` has no port");
        ensure!(networks.len() <= NETWORKS_MAX, "more than {NETWORKS_MAX} networks behind it");
        for network in networks {
            Prefix::read(network)?;
        }
        if let Some(tls) = tls {
            let _: Place = tls.parse()?;
        }
        Ok(())
    }

    /// The columns that [`Self::from_row`] reads, in its order.
    pub(super) const COLUMNS: &'static str = "name, tunnel_key, endpoint, networks, tls";

    pub(super) fn from_row(row: &Row) -> anyhow::Result<Self> {
        let endpoint = row.text(2)?;
        // One that was entered before concentrators had names is called after where it listens.
        let name = match row.text(0)? {
            "" => endpoint.split(['.', ':']).next().unwrap_or_default().to_ascii_lowercase(),
            name => name.to_owned(),
        };
        Ok(Self {
            name,
            key: row.text(1)?.to_owned(),
            endpoint: endpoint.to_owned(),
            networks: words(row.text(3)?),
            tls: row.text_or_nothing(4)?.map(str::to_owned),
        })
    }
}

/// Whether `text` may be a concentrator's name; files and interfaces are called after it.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('-')
}

/// The words of a list as it is kept.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// A network that addresses come from: the first address is the concentrators', the second the first school's.
#[derive(Debug)]
pub(super) struct Prefix {
    pub(super) text: String,
    network: IpAddr,
    length: u32,
}

impl Prefix {
    pub(super) fn read(text: &str) -> anyhow::Result<Self> {
        let wrong = || format!("`{text}` is no network; write such as `10.128.0.0/14` or `fd00:80::/48`");
        let (network, length) = text.split_once('/').with_context(wrong)?;
        let network: IpAddr = network.parse().with_context(wrong)?;
        let length: u32 = length.parse().with_context(wrong)?;
        let bits = if network.is_ipv4() { 32 } else { 128 };
        ensure!(length <= bits, "{}", wrong());
        let prefix = Self { text: text.to_owned(), network, length };
        ensure!(length == bits || prefix.host_bits() == 0, "`{text}` has bits set behind its length");
        Ok(prefix)
    }

    fn host_bits(&self) -> u128 {
        let (value, width) = self.value();
        value & self.room(width)
    }

    fn value(&self) -> (u128, u32) {
        match self.network {
            IpAddr::V4(address) => (address.to_bits().into(), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        }
    }

    /// The largest number behind the length.
    fn room(&self, width: u32) -> u128 {
        1_u128.checked_shl(width - self.length).map_or(u128::MAX, |beyond| beyond - 1)
    }

    /// Address `number` of the network, with the length of a single address.
    pub(super) fn address(&self, number: u128) -> anyhow::Result<String> {
        let (value, width) = self.value();
        // The last address of an IPv4 network is everybody's.
        if number >= self.room(width) {
            bail!("the tunnel's network `{}` has no address left; add another one", self.text);
        }
        let address = match u32::try_from(value | number) {
            Ok(bits) if width == 32 => IpAddr::V4(bits.into()),
            _ => IpAddr::V6(Ipv6Addr::from_bits(value | number)),
        };
        Ok(format!("{address}/{width}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> TunnelPlan {
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned();
        let concentrator = PlannedConcentrator {
            name: "amiens".into(),
            key,
            endpoint: "tunnel.ac-exemple.example:51820".into(),
            networks: vec!["172.16.0.0/12".into()],
            tls: Some("tunnel.ac-exemple.example:443".into()),
        };
        TunnelPlan {
            prefixes: vec!["10.128.0.0/14".into()],
            names: vec!["ac-exemple.example".into()],
            resolvers: vec!["172.16.0.53".into()],
            concentrators: vec![concentrator],
        }
    }

    #[test]
    fn what_is_wrong_in_a_plan_is_named() {
        plan().check().unwrap();
        let check = |change: &dyn Fn(&mut TunnelPlan), sentence: &str| {
            let mut plan = plan();
            change(&mut plan);
            let said = format!("{:#}", plan.check().unwrap_err());
            assert!(said.contains(sentence), "{said}");
        };
        check(&|plan| plan.prefixes = vec!["10.128.0.1/14".into()], "bits set behind its length");
        check(&|plan| plan.names = vec!["a b".into()], "`a b` is no name");
        check(&|plan| plan.resolvers = vec!["dns".into()], "`dns` is no address");
        check(&|plan| plan.resolvers.clear(), "names without resolvers");
        check(&|plan| plan.concentrators[0].name = "Amiens 1".into(), "small letters");
        check(&|plan| plan.concentrators[0].key = "x".into(), "no WireGuard key");
        check(&|plan| plan.concentrators[0].endpoint = "tunnel.example".into(), "has no port");
        check(&|plan| plan.concentrators[0].tls = Some("192.0.2.1:443".into()), "no name with a port");
        check(&|plan| plan.concentrators.push(plan.concentrators[0].clone()), "another one has its name");
        check(&|plan| plan.prefixes = vec!["10.128.0.0/14".into(); 17], "more than 16 of a kind");
    }

    #[test]
    fn addresses_come_from_the_network_until_it_is_full() {
        let prefix = Prefix::read("10.128.0.0/29").unwrap();
        assert_eq!(prefix.address(2).unwrap(), "10.128.0.2/32");
        assert_eq!(prefix.address(6).unwrap(), "10.128.0.6/32");
        assert!(prefix.address(7).is_err());
        assert_eq!(Prefix::read("fd00:80::/48").unwrap().address(0x1234).unwrap(), "fd00:80::1234/128");
        for wrong in ["10.128.0.0", "10.128.0.1/24", "10.0.0.0/33", "fd00::1/64", "a/8"] {
            assert!(Prefix::read(wrong).is_err(), "{wrong}");
        }
    }
}
