//! Which services one element of the sets opens.

use crate::model::{Service, Site, Speech, Zone};

/// The mark of the first group. Marks below are for routing.
const MARK_BASE: u32 = 0x100;

/// The services of a zone that are open at the same sites, by the first of them. Packets carry its mark through the
/// rules, and every element of the sets names it: an address given for the name of a service with sites of its own
/// opens that service alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Group(u32);

impl Group {
    /// What is the académie's, reached through the tunnel.
    pub(super) const ACADEMIE: Self = Self(0xac);

    #[cfg(test)]
    pub(super) const FIRST: Self = Self(MARK_BASE);

    /// The group that `service` of `zone` belongs to.
    pub(super) fn of(zone: &Zone, service: &Service) -> Self {
        let place = zone.services.iter().position(|other| other.sites == service.sites);
        Self(MARK_BASE.saturating_add(place.and_then(|place| u32::try_from(place).ok()).unwrap_or(u32::MAX)))
    }

    /// The groups of `zone` that are open at `site`, leaving out those of which the proxy has every port.
    pub(super) fn open_at(zone: &Zone, site: &Site) -> Vec<Self> {
        let mut groups = Vec::new();
        for service in zone.services.iter().filter(|service| is_forwarded(service)) {
            let group = Self::of(zone, service);
            if !groups.contains(&group) && service.is_open_at(site) {
                groups.push(group);
            }
        }
        groups
    }

    /// The mark of its packets.
    pub(super) const fn mark(self) -> u32 {
        self.0
    }
}

/// Whether packets of the service pass through the box. What speaks TLS ends at the proxy instead.
fn is_forwarded(service: &Service) -> bool {
    service.ports.iter().any(|ports| ports.speaks != Some(Speech::Tls))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{DefaultVerdict, SignIn, ZoneKind};

    fn service(ports: &str, sites: &[&str], speaks: Option<Speech>) -> Service {
        let mut service = Service::of_ports(ports.parse().unwrap());
        service.sites = sites.iter().map(|site| site.parse().unwrap()).collect();
        service.ports[0].speaks = speaks;
        service
    }

    #[test]
    fn services_of_the_same_sites_are_opened_together_and_others_apart() {
        let zone = Zone {
            name: "pedagogique".parse().unwrap(),
            kind: ZoneKind::Pedagogique,
            interface: Arc::from("ped0"),
            ipv4: "10.10.0.1/22".parse().unwrap(),
            ipv6: "fd00:10::1/64".parse().unwrap(),
            sign_in: SignIn::NotAsked,
            default: DefaultVerdict::Block,
            quic: crate::model::Quic::Reject,
            tunnel: crate::model::TunnelAccess::None,
            services: vec![
                service("tcp/993", &["poste.exemple.fr"], Some(Speech::Tls)),
                service("tcp/5222", &[], None),
                service("tcp/22", &["forge.exemple.fr"], Some(Speech::Ssh)),
                service("udp/3478", &[], Some(Speech::Stun)),
            ],
        };
        let marks = |site: &str| -> Vec<u32> {
            Group::open_at(&zone, &site.parse().unwrap()).into_iter().map(Group::mark).collect()
        };
        assert_eq!(Group::of(&zone, &zone.services[1]), Group::of(&zone, &zone.services[3]));
        assert_eq!(marks("exemple.fr"), [0x101]);
        assert_eq!(marks("depot.forge.exemple.fr"), [0x101, 0x102]);
        assert_eq!(marks("poste.exemple.fr"), [0x101], "the proxy has the ports of this one");
    }
}
