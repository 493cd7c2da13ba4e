//! The académie's names: answered by its own servers, through the tunnel, to the zones that lead there and to no other.
//!
//! Such a name exists inside alone. A zone without the tunnel is told that it does not exist; the line's servers are never
//! asked for it. The other way round no name of the world may lead to an address of the académie, and none of the
//! académie's to an address of the school.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use ipnet::IpNet;

use super::{key::Key, private::Inside, upstream::Upstreams, wire::wire_name};
use crate::model::{Domain, Zone};

/// The port of the académie's servers.
const DNS_PORT: u16 = 53;

/// What is the académie's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Academie {
    /// Its names, each with everything below it.
    pub names: Vec<Domain>,
    /// Its servers, inside.
    pub resolvers: Vec<IpAddr>,
    /// Its networks.
    pub networks: Vec<IpNet>,
    /// The box's own addresses inside, which it asks from: of each family one at most counts.
    pub own: Vec<IpAddr>,
}

/// The same, ready to be asked.
pub(super) struct Inner {
    names: Vec<(Domain, Vec<u8>)>,
    pub(super) upstreams: Upstreams,
    /// What no name of the académie may lead to.
    pub(super) inside: Inside,
    /// What no other name may lead to.
    pub(super) inside_for_others: Inside,
}

impl Inner {
    pub(super) fn new(academie: &Academie, zones: &[Arc<Zone>]) -> Self {
        let Academie { names, resolvers, networks, own } = academie;
        let servers = resolvers.iter().filter_map(|server| {
            let from = own.iter().find(|own| own.is_ipv4() == server.is_ipv4())?;
            Some((SocketAddr::new(*server, DNS_PORT), Some(*from)))
        });
        Self {
            names: names.iter().map(|name| (name.clone(), wire_name(name))).collect(),
            upstreams: Upstreams::from(servers),
            inside: Inside::of(zones).but(networks),
            inside_for_others: Inside::of(zones).and(networks),
        }
    }

    /// Whether `name` is one of the académie's.
    pub(super) fn holds(&self, name: &Domain) -> bool {
        self.names.iter().any(|(own, _)| name.ancestry().any(|parent| parent == own.as_str()))
    }

    /// Whether `key` asks for one of them.
    pub(super) fn holds_key(&self, key: &Key) -> bool {
        self.names.iter().any(|(_, wire)| key.is_below(wire))
    }
}

/// Without the names.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inner")
    }
}

#[cfg(test)]
mod tests {
    use domain::base::iana::Rtype;

    use super::*;

    fn inner() -> Inner {
        let academie = Academie {
            names: vec!["intra.ac-exemple.fr".parse().unwrap()],
            resolvers: vec!["10.200.0.53".parse().unwrap()],
            networks: vec!["10.200.0.0/16".parse().unwrap(), "192.0.2.0/24".parse().unwrap()],
            own: vec!["10.128.0.2".parse().unwrap()],
        };
        Inner::new(&academie, &[])
    }

    #[test]
    fn a_name_and_all_below_it_are_the_academies_and_its_neighbours_are_not() {
        for (name, expected) in [
            ("intra.ac-exemple.fr", true),
            ("appli.intra.ac-exemple.fr", true),
            ("ac-exemple.fr", false),
            ("www.ac-exemple.fr", false),
            ("fauxintra.ac-exemple.fr", false),
            ("intra.ac-exemple.fr.example", false),
        ] {
            let name: Domain = name.parse().unwrap();
            assert_eq!(inner().holds(&name), expected, "{name:?}");
            assert_eq!(inner().holds_key(&Key::of_domain(&name, Rtype::A)), expected, "{name:?}");
        }
    }

    #[test]
    fn only_its_own_names_lead_into_its_networks_and_they_lead_into_no_other() {
        let (own, others) = (inner().inside, inner().inside_for_others);
        for (address, of_its_own, of_others) in [
            ("10.200.0.10", true, false),
            ("192.0.2.7", true, false),
            ("10.10.0.1", false, false),
            ("198.51.100.7", true, true),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(!own.contains(address), of_its_own, "{address}");
            assert_eq!(!others.contains(address), of_others, "{address}");
        }
    }
}
