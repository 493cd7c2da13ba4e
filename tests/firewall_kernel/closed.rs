//! What is neither TCP nor UDP: nothing of it passes, whatever is open.

use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr},
    process::Command,
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};

use crate::{
    namespace::{Namespace, with_rights},
    school::{Family, School, UDP_SERVICE, families, talk_udp},
};

/// A school with the server open to the pupil, and a count of what reaches the Internet.
fn open_school() -> School {
    let school = School::new();
    for rule in [
        "add table inet seen",
        "add chain inet seen arriving { type filter hook prerouting priority -400; }",
        "add rule inet seen arriving iifname eth0 icmpv6 type { 133, 134, 135, 136, 143 } accept",
        "add rule inet seen arriving iifname eth0 counter",
    ] {
        let output = school.internet.run(|| Command::new("nft").arg(rule).output().unwrap());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for family in families() {
        school.open_pair(&family, family.pupil, family.server);
        school.beat();
        let opened = school.pupil.udp(family.pupil, SocketAddr::new(family.server, UDP_SERVICE));
        assert_eq!(talk_udp(&opened), Ok(()));
    }
    school
}

/// Packets that have reached the Internet.
fn seen(school: &School) -> u64 {
    let listing = school.internet.command("nft list chain inet seen arriving");
    let (_, count) = listing.split_once("counter packets ").unwrap();
    count.split(' ').next().unwrap().parse().unwrap()
}

/// A socket for packets of `protocol` that the test writes itself.
fn raw(machine: &Namespace, family: &Family, protocol: i32) -> Socket {
    let socket = machine.run(|| {
        let domain = if family.pupil.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
        Socket::new(domain, Type::RAW, Some(Protocol::from(protocol))).unwrap()
    });
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    socket
}

fn send(socket: &Socket, bytes: &[u8], to: IpAddr) -> Result<(), ErrorKind> {
    socket.send_to(bytes, &SocketAddr::new(to, 0).into()).map(|_| ()).map_err(|error| error.kind())
}

/// An echo request with `length` bytes of data. The kernel fills in the checksum of IPv6.
fn echo_request(family: &Family, sequence: u16, length: usize) -> Vec<u8> {
    let kind = if family.pupil.is_ipv4() { 8 } else { 128 };
    let [high, low] = sequence.to_be_bytes();
    let mut packet = vec![kind, 0, 0, 0, 0x50, 0x52, high, low];
    packet.resize(8 + length, b'x');
    if family.pupil.is_ipv4() {
        let mut sum: u32 = packet
            .chunks(2)
            .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low)))
            .sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        packet[2..4].copy_from_slice(&u16::try_from(!sum & 0xffff).unwrap().to_be_bytes());
    }
    packet
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// The protocol number of the family's ICMP.
const fn icmp(family: &Family) -> i32 {
    if family.pupil.is_ipv4() { 1 } else { 58 }
}

#[test]
fn a_ping_tunnel_reaches_nobody_though_its_server_is_open() {
    with_rights("closed::a_ping_tunnel_reaches_nobody_though_its_server_is_open", || {
        let school = open_school();
        for family in families() {
            let before = seen(&school);
            let socket = raw(&school.pupil, &family, icmp(&family));
            for sequence in 0..200 {
                // Big and often, as ptunnel, icmptunnel and hans send them; and answers that nobody asked for.
                let mut packet = echo_request(&family, sequence, 1024);
                let _ = send(&socket, &packet, family.server);
                packet[0] = if family.pupil.is_ipv4() { 0 } else { 129 };
                let _ = send(&socket, &packet, family.server);
            }
            assert_eq!(seen(&school), before);
        }
    });
}

#[test]
fn the_box_answers_few_echoes_of_one_packet_each_however_they_are_counted() {
    with_rights("closed::the_box_answers_few_echoes_of_one_packet_each_however_they_are_counted", || {
        let school = School::new();
        for family in families() {
            let socket = raw(&school.pupil, &family, icmp(&family));
            let answered = |length, count: u16| {
                for sequence in 0..count {
                    send(&socket, &echo_request(&family, sequence, length), family.box_at_pupils).unwrap();
                }
                let reply = if family.pupil.is_ipv4() { 0 } else { 129 };
                let offset = if family.pupil.is_ipv4() { 20 } else { 0 };
                let mut packet = [0; 8192];
                let mut answers = 0;
                while let Ok(length) = std::io::Read::read(&mut &socket, &mut packet) {
                    answers += u32::from(packet[..length].get(offset) == Some(&reply));
                }
                answers
            };
            assert_eq!(answered(4000, 3), 0, "an echo of several packets");
            assert_eq!(answered(1400, 3), 3);
            let flood = answered(56, 1000);
            assert!((50..=400).contains(&flood), "{flood} of 1000 answered");
        }
    });
}

#[test]
fn tunnels_without_ports_are_closed() {
    with_rights("closed::tunnels_without_ports_are_closed", || {
        let school = open_school();
        for family in families() {
            let before = seen(&school);
            // IPv4 and IPv6 within IP, GRE, ESP, AH, SCTP, and one that nobody has.
            for protocol in [4, 41, 47, 50, 51, 132, 253] {
                let socket = raw(&school.pupil, &family, protocol);
                let _ = send(&socket, &[0x45; 64], family.server);
                let _ = send(&socket, &[0x45; 64], family.box_at_pupils);
            }
            assert_eq!(seen(&school), before);
        }
    });
}

#[test]
fn extension_headers_hide_no_port() {
    with_rights("closed::extension_headers_hide_no_port", || {
        let school = open_school();
        let [_, family] = families();
        let before = seen(&school);
        for header in [0, 60, 43, 135] {
            // Eight bytes of header: UDP is next, padding or no segments left; then UDP to a port that is not open.
            let padding: &[u8] =
                if header == 43 { &[17, 0, 0, 0, 0, 0, 0, 0] } else { &[17, 0, 1, 4, 0, 0, 0, 0] };
            let udp = [&4001_u16.to_be_bytes()[..], &124_u16.to_be_bytes(), &[0, 12, 0, 0], b"data"].concat();
            // Protocol 255 lets the test write the header of IPv6 itself.
            let socket = raw(&school.pupil, &family, 255);
            let length = u8::try_from(padding.len() + udp.len()).unwrap();
            let ip =
                [&[0x60, 0, 0, 0, 0, length, header, 64][..], &octets(family.pupil), &octets(family.server)];
            let _ = send(&socket, &[&ip.concat(), padding, &udp].concat(), family.server);
        }
        assert_eq!(seen(&school), before);
    });
}

#[test]
fn a_packet_in_fragments_is_judged_whole() {
    with_rights("closed::a_packet_in_fragments_is_judged_whole", || {
        let school = open_school();
        for family in families() {
            let ask = |port| {
                let socket = school.pupil.udp(family.pupil, SocketAddr::new(family.server, port));
                socket.send(&[b'x'; 3000]).unwrap();
                socket.recv(&mut [0; 4096]).map_err(|error| error.kind())
            };
            assert_eq!(ask(UDP_SERVICE), Ok(3000));
            let before = seen(&school);
            assert!(ask(124).is_err());
            assert_eq!(seen(&school), before);
        }
    });
}
