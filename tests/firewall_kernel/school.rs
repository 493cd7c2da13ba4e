//! A small school in namespaces: a pupil, an office, the box with its ruleset, and an Internet of one machine.
//!
//! ```text
//! pupil 10.10.0.2, fd00:10::2 ── ped0 ┐
//!                                      box ── wan0 198.51.100.2, 2001:db8:1::2 ── internet 203.0.113.10, 2001:db8:2::10
//! office 10.20.0.2, fd00:20::2 ─ adm0 ┘                                                    and .11, ::11
//! ```

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::Arc,
    thread,
    time::Duration,
};

use preau::{
    enforce::firewall::{Heartbeat, Settings, ruleset},
    model::{DefaultVerdict, Quic, Service, SignIn, Speech, Zone, ZoneKind},
    system::netlink::{Element, SetWriter},
};

use crate::namespace::Namespace;

/// The port of the TCP service that the pupils' zone opens, and of the UDP one.
pub(crate) const TCP_SERVICE: u16 = 993;
pub(crate) const UDP_SERVICE: u16 = 4000;
/// Where the box has questions that were meant for another resolver.
pub(crate) const REDIRECTED_DNS_PORT: u16 = 8053;

/// The mark of the group that both belong to.
pub(crate) const ANY_SITE: u32 = 0x100;

/// Long enough for an answer on this machine, short enough to wait for its absence.
const PATIENCE: Duration = Duration::from_millis(400);

/// The addresses of one family.
pub(crate) struct Family {
    pub(crate) pupil: IpAddr,
    pub(crate) office: IpAddr,
    pub(crate) box_at_pupils: IpAddr,
    pub(crate) box_at_office: IpAddr,
    pub(crate) box_at_line: IpAddr,
    pub(crate) server: IpAddr,
    pub(crate) other_server: IpAddr,
    pub(crate) opened: &'static str,
    pub(crate) held: &'static str,
}

/// Both families; whatever a test says holds in each.
pub(crate) fn families() -> [Family; 2] {
    let address = |text: &str| text.parse().unwrap();
    [
        Family {
            pupil: address("10.10.0.2"),
            office: address("10.20.0.2"),
            box_at_pupils: address("10.10.0.1"),
            box_at_office: address("10.20.0.1"),
            box_at_line: address("198.51.100.2"),
            server: address("203.0.113.10"),
            other_server: address("203.0.113.11"),
            opened: "opened4",
            held: "held4",
        },
        Family {
            pupil: address("fd00:10::2"),
            office: address("fd00:20::2"),
            box_at_pupils: address("fd00:10::1"),
            box_at_office: address("fd00:20::1"),
            box_at_line: address("2001:db8:1::2"),
            server: address("2001:db8:2::10"),
            other_server: address("2001:db8:2::11"),
            opened: "opened6",
            held: "held6",
        },
    ]
}

pub(crate) struct School {
    pub(crate) pupil: Namespace,
    pub(crate) office: Namespace,
    pub(crate) gateway: Namespace,
    pub(crate) internet: Namespace,
}

impl School {
    /// A school whose box has the closed ruleset and nothing that listens. The Internet's services are there.
    pub(crate) fn new() -> Self {
        Self::with(&settings())
    }

    /// As [`School::new`], by other settings.
    pub(crate) fn with(settings: &Settings) -> Self {
        let school = Self {
            pupil: Namespace::new(),
            office: Namespace::new(),
            gateway: Namespace::new(),
            internet: Namespace::new(),
        };
        school.lay_cables();
        school.gateway.run_async(async || ruleset(settings).load_closed().await.unwrap());
        for family in families() {
            for port in [TCP_SERVICE, 994, 80, 443, 853] {
                school.internet.echo_tcp(SocketAddr::new(family.server, port));
            }
            for port in [UDP_SERVICE, 124, 443, 853, 53] {
                school.internet.echo_udp(SocketAddr::new(family.server, port));
            }
            school.internet.echo_udp(SocketAddr::new(family.other_server, UDP_SERVICE));
        }
        school
    }

    fn lay_cables(&self) {
        for (port, peer, [box4, peer4], [box6, peer6]) in [
            ("ped0", &self.pupil, ["10.10.0.1/22", "10.10.0.2/22"], ["fd00:10::1/64", "fd00:10::2/64"]),
            ("adm0", &self.office, ["10.20.0.1/22", "10.20.0.2/22"], ["fd00:20::1/64", "fd00:20::2/64"]),
            (
                "wan0",
                &self.internet,
                ["198.51.100.2/24", "198.51.100.1/24"],
                ["2001:db8:1::2/64", "2001:db8:1::1/64"],
            ),
        ] {
            self.gateway.command(&format!("ip link add {port} type veth peer name eth0 netns {}", peer.id()));
            for (machine, name, addresses) in
                [(&self.gateway, port, [box4, box6]), (peer, "eth0", [peer4, peer6])]
            {
                machine.sysctl(&format!("net/ipv6/conf/{name}/accept_dad"), "0");
                machine.command(&format!("ip link set {name} up"));
                for address in addresses {
                    machine.command(&format!("ip address add {address} dev {name}"));
                }
            }
        }
        for (machine, via4, via6) in [
            (&self.pupil, "10.10.0.1", "fd00:10::1"),
            (&self.office, "10.20.0.1", "fd00:20::1"),
            (&self.gateway, "198.51.100.1", "2001:db8:1::1"),
            // As a careless Internet would: answers to the school's inner addresses find their way.
            (&self.internet, "198.51.100.2", "2001:db8:1::2"),
        ] {
            machine.command(&format!("ip route add default via {via4}"));
            machine.command(&format!("ip -6 route add default via {via6}"));
        }
        for server in ["203.0.113.10/32", "203.0.113.11/32", "2001:db8:2::10/128", "2001:db8:2::11/128"] {
            self.internet.command(&format!("ip address add {server} dev lo"));
        }
        self.gateway.sysctl("net/ipv4/ip_forward", "1");
        self.gateway.sysctl("net/ipv6/conf/all/forwarding", "1");
    }

    /// Lets flows begin for 3 seconds.
    pub(crate) fn beat(&self) {
        self.gateway.run_async(async || Heartbeat::open().unwrap().beat().await.unwrap());
    }

    /// Opens `destination` to `client` for a minute.
    pub(crate) fn open_pair(&self, family: &Family, client: IpAddr, destination: IpAddr) {
        self.open_to_group(family, client, destination, ANY_SITE);
    }

    /// Opens `destination` to `client` for a minute, for one group of services.
    pub(crate) fn open_to_group(&self, family: &Family, client: IpAddr, destination: IpAddr, group: u32) {
        let element = Element { key: key(client, destination, group), timeout: Duration::from_secs(60) };
        self.gateway.run(|| SetWriter::open("preau").unwrap().put(family.opened, &[element]).unwrap());
    }

    /// Cuts `destination` off from `client`.
    pub(crate) fn cut_pair(&self, family: &Family, client: IpAddr, destination: IpAddr) {
        self.gateway.run(|| {
            let mut kernel = SetWriter::open("preau").unwrap();
            for set in [family.opened, family.held] {
                kernel.remove(set, &[key(client, destination, ANY_SITE)]).unwrap();
            }
        });
    }

    /// How many packets met the rule of this name.
    pub(crate) fn counted(&self, chain: &str, comment: &str) -> u64 {
        let listing = self.gateway.command(&format!("nft list chain inet preau {chain}"));
        let rule = listing.lines().find(|line| line.ends_with(&format!("comment \"{comment}\""))).unwrap();
        let (_, count) = rule.split_once("counter packets ").unwrap();
        count.split(' ').next().unwrap().parse().unwrap()
    }
}

/// The box's settings: pupils may use two services, the office none.
pub(crate) fn settings() -> Settings {
    let services = [format!("tcp/{TCP_SERVICE}"), format!("udp/{UDP_SERVICE}")];
    settings_with(services.iter().map(|ports| service(ports, &[], None)).collect())
}

/// A service of these ports.
pub(crate) fn service(ports: &str, sites: &[&str], speaks: Option<Speech>) -> Service {
    let mut service = Service::of_ports(ports.parse().unwrap());
    service.ports[0].speaks = speaks;
    service.sites = sites.iter().map(|site| site.parse().unwrap()).collect();
    service
}

/// The box's settings where pupils may use these services, the office none.
pub(crate) fn settings_with(services: Vec<Service>) -> Settings {
    let zones = vec![
        zone(ZoneKind::Pedagogique, "ped0", 10, services),
        zone(ZoneKind::Administration, "adm0", 20, Vec::new()),
    ];
    Settings {
        line_interface: Arc::from("wan0"),
        zones,
        proxy_port_base: 8440,
        redirected_dns_port: REDIRECTED_DNS_PORT,
        tunnel: None,
    }
}

fn zone(kind: ZoneKind, interface: &str, number: u8, services: Vec<Service>) -> Arc<Zone> {
    Arc::new(Zone {
        name: kind.word().parse().unwrap(),
        kind,
        interface: Arc::from(interface),
        ipv4: format!("10.{number}.0.1/22").parse().unwrap(),
        ipv6: format!("fd00:{number}::1/64").parse().unwrap(),
        sign_in: SignIn::Required,
        default: DefaultVerdict::Block,
        quic: Quic::Reject,
        tunnel: preau::model::TunnelAccess::None,
        services,
    })
}

/// A pair as the sets have it, with the mark of the services' group.
pub(crate) fn key(client: IpAddr, destination: IpAddr, group: u32) -> Vec<u8> {
    let bytes = |address| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    [bytes(client), bytes(destination), group.to_ne_bytes().to_vec()].concat()
}

impl Namespace {
    /// Sends every connection's bytes back.
    pub(crate) fn echo_tcp(&self, at: SocketAddr) {
        let listener = self.run(|| TcpListener::bind(at).unwrap());
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                thread::spawn(move || {
                    let mut bytes = [0; 512];
                    while let Ok(length @ 1..) = stream.read(&mut bytes) {
                        let _ = stream.write_all(&bytes[..length]);
                    }
                });
            }
        });
    }

    /// Sends every datagram back.
    pub(crate) fn echo_udp(&self, at: SocketAddr) {
        let socket = self.run(|| UdpSocket::bind(at).unwrap());
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut bytes) {
                let _ = socket.send_to(&bytes[..length], from);
            }
        });
    }

    /// Connects, from the address of this machine where one is given.
    pub(crate) fn connect(&self, to: SocketAddr) -> Result<TcpStream, ErrorKind> {
        let stream = self.run(|| TcpStream::connect_timeout(&to, PATIENCE)).map_err(|error| error.kind())?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Ok(stream)
    }

    /// A UDP socket that only hears `to`, bound to `from`.
    pub(crate) fn udp(&self, from: IpAddr, to: SocketAddr) -> UdpSocket {
        let socket = self.run(|| UdpSocket::bind((from, 0)).unwrap());
        socket.connect(to).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    }
}

/// Says something on a connection and waits for its echo.
pub(crate) fn talk_tcp(stream: &mut TcpStream) -> Result<(), ErrorKind> {
    let mut echo = [0; 5];
    stream.write_all(b"hello").map_err(|error| error.kind())?;
    stream.read_exact(&mut echo).map_err(|error| error.kind())?;
    assert_eq!(&echo, b"hello");
    Ok(())
}

/// Says something on a socket and waits for its echo.
pub(crate) fn talk_udp(socket: &UdpSocket) -> Result<(), ErrorKind> {
    let mut echo = [0; 16];
    socket.send(b"hello").map_err(|error| error.kind())?;
    let length = socket.recv(&mut echo).map_err(|error| error.kind())?;
    assert_eq!(&echo[..length], b"hello");
    Ok(())
}
