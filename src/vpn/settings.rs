//! What the enrolment says of the tunnel, checked before anything of it reaches the kernel.

use std::{fmt, net::IpAddr, path::Path, path::PathBuf, sync::Arc};

use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use ipnet::IpNet;

use crate::{
    model::{Domain, TunnelAccess, Zone},
    protocol::enrolment,
};

/// Of each list, what no académie needs: each element is a rule or a route.
const ADDRESSES_MAX: usize = 8;
const CONCENTRATORS_MAX: usize = 16;
const NETWORKS_MAX: usize = 256;
const NAMES_MAX: usize = 64;
const RESOLVERS_MAX: usize = 8;

/// The shortest prefix of a network of the académie: it is as narrow as can be, and never the Internet.
const PREFIX_MIN: [u8; 2] = [8, 16];

/// The tunnel of a box.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// The box's addresses inside, each a network of one; at least one.
    pub addresses: Vec<IpNet>,
    /// The concentrators, the preferred one first; at least one.
    pub concentrators: Vec<Concentrator>,
    /// The académie's names, each with everything below it.
    pub names: Vec<Domain>,
    /// Its DNS servers, inside.
    pub resolvers: Vec<IpAddr>,
    /// The networks of the zones that lead in.
    pub offices: Vec<IpNet>,
    /// The interface towards the Internet.
    pub line_interface: Arc<str>,
    /// What is remembered of the tunnel lies here.
    pub dir: PathBuf,
    /// The box's own key, in base64. Secret.
    pub(super) key: String,
}

/// One end of the tunnel at the académie.
#[derive(Clone, PartialEq, Eq)]
pub struct Concentrator {
    /// Its key, in base64.
    pub key: String,
    /// Where it listens.
    pub endpoint: Endpoint,
    /// The networks behind it; at least one, none in another.
    pub networks: Vec<IpNet>,
    /// Where it takes the tunnel's packets over TLS: `name:port`.
    pub tls: Option<String>,
    /// The key that the box and it share besides, in base64. Secret.
    pub(super) preshared: Option<String>,
}

/// A port of a machine that is known by its name or its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The machine.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Settings {
    /// Checks what the enrolment says: `key` is the box's own, and what is remembered lies below `state_dir`.
    ///
    /// # Errors
    /// At the first thing that cannot be; the tunnel is then not raised, and everything else goes on.
    pub fn of(
        tunnel: &enrolment::Tunnel,
        key: &str,
        zones: &[Arc<Zone>],
        line_interface: Arc<str>,
        state_dir: &Path,
    ) -> anyhow::Result<Self> {
        let enrolment::Tunnel { addresses, concentrators, names, resolvers } = tunnel;
        ensure!((1..=ADDRESSES_MAX).contains(&addresses.len()), "1 to {ADDRESSES_MAX} addresses inside");
        ensure!(
            (1..=CONCENTRATORS_MAX).contains(&concentrators.len()),
            "1 to {CONCENTRATORS_MAX} concentrators"
        );
        ensure!(names.len() <= NAMES_MAX && resolvers.len() <= RESOLVERS_MAX, "too many names or resolvers");
        let concentrators: Vec<_> = concentrators
            .iter()
            .map(|one| {
                Concentrator::of(one, zones).with_context(|| format!("concentrator `{}`", one.endpoint))
            })
            .collect::<Result<_, _>>()?;
        for (place, one) in concentrators.iter().enumerate() {
            ensure!(
                concentrators.iter().take(place).all(|other| other.key != one.key),
                "two concentrators share a key"
            );
        }
        let offices = zones.iter().filter(|zone| zone.tunnel == TunnelAccess::Academie);
        Ok(Self {
            addresses: addresses.iter().map(|text| own_address(text, zones)).collect::<Result<_, _>>()?,
            concentrators,
            names: names
                .iter()
                .map(|name| name.parse().with_context(|| format!("`{name}` is no name")))
                .collect::<Result<_, _>>()?,
            resolvers: resolvers
                .iter()
                .map(|text| text.parse().with_context(|| format!("`{text}` is no address of a resolver")))
                .collect::<Result<_, _>>()?,
            offices: offices.flat_map(|zone| zone.networks()).collect(),
            line_interface,
            dir: state_dir.join("tunnel"),
            key: key_of(key).context("the box's own key")?,
        })
    }

    /// The académie's networks, those of all concentrators, none in another.
    #[must_use]
    pub fn networks(&self) -> Vec<IpNet> {
        let all: Vec<_> = self.concentrators.iter().flat_map(|one| one.networks.iter().copied()).collect();
        IpNet::aggregate(&all)
    }

    /// The box's own addresses inside.
    #[must_use]
    pub fn own(&self) -> Vec<IpAddr> {
        self.addresses.iter().map(IpNet::addr).collect()
    }
}

impl Concentrator {
    fn of(written: &enrolment::Concentrator, zones: &[Arc<Zone>]) -> anyhow::Result<Self> {
        let enrolment::Concentrator { key, endpoint, networks, preshared, tls } = written;
        ensure!((1..=NETWORKS_MAX).contains(&networks.len()), "1 to {NETWORKS_MAX} networks");
        let networks: Vec<_> = networks.iter().map(|text| network(text, zones)).collect::<Result<_, _>>()?;
        let endpoint = Endpoint::of(endpoint)?;
        // Its packets come by the line, where nothing may come from the académie's networks.
        if let Ok(address) = endpoint.host.parse::<IpAddr>() {
            ensure!(!networks.iter().any(|network| network.contains(&address)), "it lies behind itself");
        }
        Ok(Self {
            key: key_of(key)?,
            endpoint,
            networks: IpNet::aggregate(&networks),
            tls: tls.clone(),
            preshared: preshared.as_deref().map(key_of).transpose()?,
        })
    }
}

impl Endpoint {
    fn of(text: &str) -> anyhow::Result<Self> {
        let (host, port) = text.rsplit_once(':').context("an endpoint without a port")?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port: u16 = port.parse().context("an endpoint's port is a number")?;
        ensure!(
            port > 0 && (host.parse::<IpAddr>().is_ok() || host.parse::<Domain>().is_ok()),
            "no endpoint"
        );
        Ok(Self { host: host.to_owned(), port })
    }
}

/// `ADDRESS`, with or without a length: the box has this one address.
fn own_address(text: &str, zones: &[Arc<Zone>]) -> anyhow::Result<IpNet> {
    let address = text.split('/').next().unwrap_or_default();
    let address: IpAddr = address.parse().with_context(|| format!("`{text}` is no address inside"))?;
    ensure!(is_of_a_machine(address), "`{text}` is the address of no machine");
    ensure!(!zones.iter().any(|zone| zone.contains(address)), "`{text}` lies in a zone of the school");
    Ok(IpNet::from(address))
}

fn network(text: &str, zones: &[Arc<Zone>]) -> anyhow::Result<IpNet> {
    let network: IpNet = text.parse().with_context(|| format!("`{text}` is no network"))?;
    let [least4, least6] = PREFIX_MIN;
    let least = if network.addr().is_ipv4() { least4 } else { least6 };
    if network.prefix_len() < least || !is_of_a_machine(network.addr()) {
        bail!("`{text}` cannot be a network of the académie");
    }
    let overlaps = |own: &IpNet| own.contains(&network) || network.contains(own);
    if let Some(zone) = zones.iter().find(|zone| zone.networks().iter().any(overlaps)) {
        bail!("`{text}` overlaps zone `{}`", zone.name);
    }
    Ok(network.trunc())
}

fn is_of_a_machine(address: IpAddr) -> bool {
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !address.is_loopback() && !address.is_unspecified() && !address.is_multicast() && !is_link_local
}

/// A key of 32 bytes, in the one form that WireGuard reads.
fn key_of(text: &str) -> anyhow::Result<String> {
    let bytes = BASE64_STANDARD.decode(text.trim()).ok().filter(|bytes| bytes.len() == 32);
    Ok(BASE64_STANDARD.encode(bytes.context("no key of WireGuard's")?))
}

/// Without the keys.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("concentrators", &self.concentrators.len()).finish_non_exhaustive()
    }
}

/// Without the keys.
impl fmt::Debug for Concentrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Concentrator").field("networks", &self.networks).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{DefaultVerdict, Quic, SignIn, ZoneKind};

    /// A key whose bytes are all `byte`.
    pub(in crate::vpn) fn key(byte: u8) -> String {
        BASE64_STANDARD.encode([byte; 32])
    }

    fn office() -> Arc<Zone> {
        Arc::new(Zone {
            name: "administration".parse().unwrap(),
            kind: ZoneKind::Administration,
            interface: Arc::from("adm0"),
            ipv4: "10.20.0.1/22".parse().unwrap(),
            ipv6: "fd00:20::1/64".parse().unwrap(),
            sign_in: SignIn::Required,
            default: DefaultVerdict::Block,
            quic: Quic::Reject,
            tunnel: TunnelAccess::Academie,
            services: Vec::new(),
        })
    }

    fn concentrator(number: u8, networks: &[&str]) -> enrolment::Concentrator {
        enrolment::Concentrator {
            key: key(number),
            endpoint: format!("vpn{number}.ac-exemple.fr:51820"),
            networks: networks.iter().map(|text| (*text).to_owned()).collect(),
            preshared: Some(key(99)),
            tls: None,
        }
    }

    /// What the enrolment of a box with two concentrators says.
    pub(in crate::vpn) fn written() -> enrolment::Tunnel {
        enrolment::Tunnel {
            addresses: vec!["10.128.0.2/32".into(), "fd00:80::2/128".into()],
            concentrators: vec![
                concentrator(1, &["10.200.0.0/17", "10.200.128.0/17", "fd00:200::/48"]),
                concentrator(2, &["10.200.0.0/16"]),
            ],
            names: vec!["intra.ac-exemple.fr".into()],
            resolvers: vec!["10.200.0.53".into()],
        }
    }

    /// The same, checked.
    pub(in crate::vpn) fn settings() -> anyhow::Result<Settings> {
        of(&written())
    }

    fn of(written: &enrolment::Tunnel) -> anyhow::Result<Settings> {
        Settings::of(written, &key(7), &[office()], Arc::from("wan0"), Path::new("/var/lib/preau"))
    }

    #[test]
    fn networks_are_joined_and_the_box_has_single_addresses() {
        let settings = settings().unwrap();
        let networks: Vec<_> = settings.networks().iter().map(ToString::to_string).collect();
        assert_eq!(networks, ["10.200.0.0/16", "fd00:200::/48"]);
        assert_eq!(settings.addresses[0].to_string(), "10.128.0.2/32");
        assert_eq!(settings.offices.len(), 2);
        assert!(!format!("{settings:?}").contains(&key(7)));
    }

    #[test]
    fn what_would_swallow_the_internet_or_the_school_is_refused() {
        for (network, why) in [
            ("0.0.0.0/0", "cannot be a network"),
            ("::/0", "cannot be a network"),
            ("10.20.1.0/24", "overlaps zone"),
            ("10.0.0.0/8", "overlaps zone"),
            ("fd00:20::/32", "overlaps zone"),
            ("127.0.0.0/8", "cannot be a network"),
            ("fe80::/64", "cannot be a network"),
            ("10.200.0.0/33", "is no network"),
            ("", "is no network"),
        ] {
            let tunnel = enrolment::Tunnel { concentrators: vec![concentrator(1, &[network])], ..written() };
            let refused = format!("{:#}", of(&tunnel).unwrap_err());
            assert!(refused.contains(why), "{network}: {refused}");
        }
    }

    #[test]
    fn keys_endpoints_and_addresses_that_cannot_be_are_refused() {
        type Change = fn(&mut enrolment::Tunnel);
        let with = |change: Change| {
            let mut tunnel = written();
            change(&mut tunnel);
            of(&tunnel).map_err(|error| format!("{error:#}"))
        };
        let changes: [(Change, &str); 11] = [
            (|tunnel| tunnel.concentrators[0].key = "AAAA".into(), "no key of WireGuard's"),
            (|tunnel| tunnel.concentrators[0].preshared = Some(String::new()), "no key of WireGuard's"),
            (|tunnel| tunnel.concentrators[1].key = key(1), "share a key"),
            (|tunnel| tunnel.concentrators[0].endpoint = "vpn1".into(), "without a port"),
            (|tunnel| tunnel.concentrators[0].endpoint = "vpn1:0".into(), "no endpoint"),
            (|tunnel| tunnel.concentrators[0].endpoint = "10.200.0.1:51820".into(), "behind itself"),
            (|tunnel| tunnel.addresses.clear(), "addresses inside"),
            (|tunnel| tunnel.addresses[0] = "10.20.0.9/32".into(), "zone of the school"),
            (|tunnel| tunnel.concentrators.clear(), "concentrators"),
            (|tunnel| tunnel.resolvers[0] = "ns".into(), "no address of a resolver"),
            (|tunnel| tunnel.names[0] = "a b".into(), "is no name"),
        ];
        for (change, why) in changes {
            let refused = with(change).unwrap_err();
            assert!(refused.contains(why), "{why}: {refused}");
        }
    }
}
