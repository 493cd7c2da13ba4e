//! The académie's network, behind an interface that may be there or not: offices reach what was opened to them through it, and
//! the line never sees a packet for it, though it would carry it.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use preau::{
    enforce::firewall::{Settings, Tunnel},
    model::{TunnelAccess, Zone, ZoneKind},
};

use crate::{
    namespace::{Namespace, with_rights},
    school::{Family, School, UDP_SERVICE, families, settings, talk_udp},
};

/// The mark of the académie's group.
const ACADEMIE: u32 = 0xac;

/// The académie's application, in each family; a careless Internet has machines of these addresses, too.
const APPLICATION: [&str; 2] = ["10.200.0.10", "fd00:200::10"];

/// A school whose office leads into the tunnel, and the académie at the other end of its interface.
fn school() -> (School, Namespace) {
    let usual = settings();
    let lead_in = |zone: &Arc<Zone>| match zone.kind {
        ZoneKind::Administration => Arc::new(Zone { tunnel: TunnelAccess::Academie, ..Zone::clone(zone) }),
        ZoneKind::Pedagogique | ZoneKind::Invites | ZoneKind::Equipements => Arc::clone(zone),
    };
    let tunnel = Tunnel {
        interface: Arc::from("academie0"),
        mark: 0x2,
        own4: vec!["10.128.0.2".parse().unwrap()],
        own6: vec!["fd00:80::2".parse().unwrap()],
        mtu: 1280,
        networks4: vec!["10.200.0.0/16".parse().unwrap()],
        networks6: vec!["fd00:200::/48".parse().unwrap()],
    };
    let zones = usual.zones.iter().map(lead_in).collect();
    let school = School::with(&Settings { zones, tunnel: Some(tunnel), ..usual });
    let academie = Namespace::new();
    // As in a tunnel, nobody asks here who has an address: both ends have the one hardware address.
    let mac = "address 02:00:5e:00:09:01";
    let ends = format!("ip link add academie0 {mac} type veth peer name eth0 {mac} netns {}", academie.id());
    school.gateway.command(&ends);
    for (machine, name, own) in [
        (&school.gateway, "academie0", ["10.128.0.2/24", "fd00:80::2/64"]),
        (&academie, "eth0", ["10.128.0.1/24", "fd00:80::1/64"]),
    ] {
        machine.sysctl(&format!("net/ipv6/conf/{name}/accept_dad"), "0");
        machine.command(&format!("ip link set {name} arp off up"));
        own.iter().for_each(|own| drop(machine.command(&format!("ip address add {own} dev {name}"))));
    }
    for machine in [&academie, &school.internet] {
        machine.command("ip address add 10.200.0.10/32 dev lo");
        machine.command("ip address add fd00:200::10/128 dev lo nodad");
        for application in APPLICATION {
            machine.echo_udp(SocketAddr::new(application.parse().unwrap(), UDP_SERVICE));
        }
    }
    school.gateway.command("ip route add 10.200.0.0/16 via 10.128.0.1");
    school.gateway.command("ip -6 route add fd00:200::/48 via fd00:80::1");
    school.beat();
    (school, academie)
}

/// Both families, each with the application's address.
fn both() -> impl Iterator<Item = (Family, IpAddr)> {
    families()
        .into_iter()
        .zip(APPLICATION)
        .map(|(family, application)| (family, application.parse().unwrap()))
}

/// Whether the application, or whoever says it is, answers the machine at `from`.
fn answers(machine: &Namespace, from: IpAddr, application: IpAddr) -> bool {
    talk_udp(&machine.udp(from, SocketAddr::new(application, UDP_SERVICE))).is_ok()
}

#[test]
fn an_office_reaches_what_was_opened_through_the_tunnel_and_a_pupil_does_not() {
    with_rights(
        "academie::an_office_reaches_what_was_opened_through_the_tunnel_and_a_pupil_does_not",
        || {
            let (school, _academie) = school();
            for (family, application) in both() {
                assert!(!answers(&school.office, family.office, application), "not opened");
                for client in [family.office, family.pupil] {
                    school.open_to_group(&family, client, application, ACADEMIE);
                    school.open_pair(&family, client, application);
                }
                assert!(answers(&school.office, family.office, application), "opened");
                assert!(!answers(&school.pupil, family.pupil, application), "a pupil");
            }
        },
    );
}

#[test]
fn without_the_tunnels_interface_the_line_is_no_way_to_the_academie() {
    with_rights("academie::without_the_tunnels_interface_the_line_is_no_way_to_the_academie", || {
        let (school, _academie) = school();
        for (family, application) in both() {
            for client in [family.office, family.pupil] {
                school.open_to_group(&family, client, application, ACADEMIE);
                school.open_pair(&family, client, application);
            }
            assert!(answers(&school.office, family.office, application), "while it is there");
        }
        school.gateway.command("ip link del academie0");
        for (family, application) in both() {
            assert!(!answers(&school.office, family.office, application), "an office, by the line");
            assert!(!answers(&school.pupil, family.pupil, application), "a pupil, by the line");
            assert!(!answers(&school.gateway, family.box_at_line, application), "the box, by the line");
            let other = answers(&school.gateway, family.box_at_line, family.server);
            assert!(other, "the line must carry, or this shows nothing");
        }
    });
}

#[test]
fn the_box_speaks_with_the_academie_from_its_address_inside_alone() {
    with_rights("academie::the_box_speaks_with_the_academie_from_its_address_inside_alone", || {
        let (school, _academie) = school();
        for ((family, application), own) in both().zip(["10.128.0.2", "fd00:80::2"]) {
            assert!(answers(&school.gateway, own.parse().unwrap(), application), "from inside");
            assert!(!answers(&school.gateway, family.box_at_line, application), "as the proxy would");
        }
    });
}
