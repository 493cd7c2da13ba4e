//! Two machines of one zone, each at a port of the box's bridge: they reach each other, and neither can be the box.

use std::{
    io::{ErrorKind, Read as _},
    net::{IpAddr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use preau::enforce::firewall::ruleset;
use socket2::{Domain, Protocol, Socket, Type};

use crate::{
    namespace::{Namespace, with_rights},
    school::{settings, talk_udp},
};

/// How long an answer may take whose absence is waited for.
const PATIENCE: Duration = Duration::from_millis(400);

/// Types of ICMPv6 (RFC 4861 section 4).
const ROUTER_ADVERTISEMENT: u8 = 134;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
const REDIRECT: u8 = 137;

/// The box with the bridge `ped0` (10.10.0.1, fd00:10::1, fe80::b0), and two machines, .2 and .3, behind it.
struct Room {
    gateway: Namespace,
    pupil: Namespace,
    other: Namespace,
}

impl Room {
    fn new() -> Self {
        let room = Self { gateway: Namespace::new(), pupil: Namespace::new(), other: Namespace::new() };
        let gateway = &room.gateway;
        gateway.command("ip link add ped0 type bridge");
        // As on the box: what crosses the bridge is not judged as if it crossed the box.
        gateway.run(|| {
            for family in ["iptables", "ip6tables", "arptables"] {
                let _ = std::fs::write(format!("/proc/sys/net/bridge/bridge-nf-call-{family}"), "0");
            }
        });
        gateway.sysctl("net/ipv6/conf/ped0/accept_dad", "0");
        gateway.sysctl("net/ipv6/conf/ped0/addr_gen_mode", "1");
        gateway.run_async(async || ruleset(&settings()).load_closed().await.unwrap());
        for (port, machine, number) in [("port1", &room.pupil, 2), ("port2", &room.other, 3)] {
            gateway.command(&format!("ip link add {port} type veth peer name eth0 netns {}", machine.id()));
            gateway.command(&format!("ip link set {port} master ped0 up"));
            machine.sysctl("net/ipv6/conf/eth0/accept_dad", "0");
            machine.sysctl("net/ipv6/conf/eth0/accept_ra", "0");
            machine.command("ip link set eth0 up");
            machine.command(&format!("ip address add 10.10.0.{number}/22 dev eth0"));
            machine.command(&format!("ip address add fd00:10::{number}/64 dev eth0 nodad"));
        }
        gateway.command("ip link set ped0 up");
        for address in ["10.10.0.1/22", "fd00:10::1/64", "fe80::b0/64"] {
            gateway.command(&format!("ip address add {address} dev ped0 nodad"));
        }
        room.other.command("ip address add fe80::3/64 dev eth0 nodad");
        // A cable takes a moment to carry.
        for other in ["10.10.0.3", "fd00:10::3"] {
            room.pupil.command(&format!("ping -c 1 -i 0.2 -w 5 {other}"));
        }
        room
    }

    /// How many frames met the rule of this name.
    fn counted(&self, comment: &str) -> u64 {
        let listing = self.gateway.command("nft list chain bridge preau between_machines");
        let rule = listing.lines().find(|line| line.ends_with(&format!("comment \"{comment}\""))).unwrap();
        let (_, count) = rule.split_once("counter packets ").unwrap();
        count.split(' ').next().unwrap().parse().unwrap()
    }

    /// Whether the other machine believes that `address` is the pupil's, whose packets from it reach it.
    fn takes_the_pupil_for(&self, address: &str) -> bool {
        let (to, length) = match address.split_once(':') {
            None => ("10.10.0.3", 32),
            Some(("fe80", _)) => ("fe80::3%eth0", 64),
            Some(_) => ("fd00:10::3", 128),
        };
        self.pupil.command(&format!("ip address add {address}/{length} dev eth0 nodad"));
        // To find a neighbour is to say who one is.
        self.pupil.command("ip neigh flush dev eth0");
        self.pupil.run(|| {
            let from =
                if address.starts_with("fe80") { format!("{address}%eth0") } else { address.to_owned() };
            let ping = ["-c", "2", "-i", "0.2", "-W", "0.3", "-I", &from, to];
            std::process::Command::new("ping").args(ping).output().unwrap()
        });
        self.pupil.command(&format!("ip address del {address}/{length} dev eth0"));
        let link = self.pupil.command("ip -o link show eth0");
        let (_, card) = link.split_once("link/ether ").unwrap();
        self.other.command(&format!("ip neigh show {address}")).contains(&card[..17])
    }
}

/// A socket for ICMPv6 as a router sends it.
fn icmp(machine: &Namespace) -> Socket {
    let socket = machine.run(|| Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6)).unwrap());
    socket.set_multicast_hops_v6(255).unwrap();
    socket.set_unicast_hops_v6(255).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// A message of neighbours with these flags about `target`. The kernel fills in the checksum.
fn message(kind: u8, flags: u8, target: &str) -> Vec<u8> {
    let target: Ipv6Addr = target.parse().unwrap();
    [&[kind, 0, 0, 0, flags, 0, 0, 0][..], &target.octets()].concat()
}

/// Whether a message of the pupil comes to the other machine.
fn comes(room: &Room, message: &[u8]) -> bool {
    let (near, far) = (icmp(&room.pupil), icmp(&room.other));
    near.send_to(message, &SocketAddr::new("fd00:10::3".parse().unwrap(), 0).into()).unwrap();
    let mut bytes = [0; 256];
    while let Ok(length) = (&far).read(&mut bytes) {
        if bytes[..length].starts_with(&[message[0], 0]) && bytes[4..length] == message[4..] {
            return true;
        }
    }
    false
}

#[test]
fn neighbours_reach_each_other_and_say_who_they_are() {
    with_rights("between::neighbours_reach_each_other_and_say_who_they_are", || {
        let room = Room::new();
        for (pupil, other) in [("10.10.0.2", "10.10.0.3"), ("fd00:10::2", "fd00:10::3")] {
            let other: IpAddr = other.parse().unwrap();
            room.other.echo_udp(SocketAddr::new(other, 5353));
            let udp = room.pupil.udp(pupil.parse().unwrap(), SocketAddr::new(other, 5353));
            assert_eq!(talk_udp(&udp), Ok(()));
        }
        for address in ["10.10.0.9", "fd00:10::9", "fe80::9"] {
            assert!(room.takes_the_pupil_for(address), "{address}");
        }
        assert!(comes(&room, &message(NEIGHBOUR_ADVERTISEMENT, 0x60, "fd00:10::2")));
    });
}

#[test]
fn a_machine_that_plays_router_or_dhcp_server_is_not_heard_by_its_neighbours() {
    with_rights("between::a_machine_that_plays_router_or_dhcp_server_is_not_heard_by_its_neighbours", || {
        let room = Room::new();
        assert!(!comes(&room, &message(ROUTER_ADVERTISEMENT, 0, "::")));
        assert!(!comes(&room, &message(REDIRECT, 0, "fe80::b0")));
        assert_eq!(room.counted("false router"), 2);
        for (pupil, other, port) in [("10.10.0.2", "10.10.0.3", 68), ("fd00:10::2", "fd00:10::3", 546)] {
            let other = SocketAddr::new(other.parse().unwrap(), port);
            room.other.echo_udp(other);
            let udp = room.pupil.udp(pupil.parse().unwrap(), other);
            assert_eq!(talk_udp(&udp), Err(ErrorKind::WouldBlock), "{other}");
        }
        assert_eq!((room.counted("false dhcp server"), room.counted("false dhcpv6 server")), (1, 1));
    });
}

#[test]
fn a_machine_that_takes_the_address_of_the_box_is_not_believed_by_its_neighbours() {
    with_rights(
        "between::a_machine_that_takes_the_address_of_the_box_is_not_believed_by_its_neighbours",
        || {
            let room = Room::new();
            // The box is known as a router from the first advertisement on.
            let advertisement = message(ROUTER_ADVERTISEMENT, 0, "::");
            let socket = icmp(&room.gateway);
            let link = room.gateway.command("ip -o link show ped0");
            let interface = link.split_once(':').unwrap().0.parse().unwrap();
            let everybody = std::net::SocketAddrV6::new("ff02::1".parse().unwrap(), 0, 0, interface);
            socket.send_to(&advertisement, &everybody.into()).unwrap();
            for address in ["10.10.0.1", "fd00:10::1", "fe80::b0"] {
                assert!(!room.takes_the_pupil_for(address), "{address}");
            }
            assert!(!comes(&room, &message(NEIGHBOUR_ADVERTISEMENT, 0x60, "fd00:10::1")));
            assert!(
                !comes(&room, &message(NEIGHBOUR_ADVERTISEMENT, 0xa0, "fe80::b0")),
                "a router among neighbours"
            );
            for rule in ["false owner, arp", "false source, IPv6", "false source, link", "false owner, IPv6"]
            {
                assert!(room.counted(rule) > 0, "{rule}");
            }
        },
    );
}
