//! Services held to their sites and to what is spoken on their ports.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    thread,
    time::Duration,
};

use preau::{
    model::Speech,
    system::netlink::{Element, SetWriter},
};

use crate::{
    namespace::with_rights,
    school::{ANY_SITE, Family, School, families, key, service, settings_with, talk_tcp, talk_udp},
};

/// A STUN binding request.
const BINDING: &[u8] = b"\x00\x01\x00\x00\x21\x12\xa4\x42dozen bytes.";

/// What tunnels begin with over UDP: WireGuard, OpenVPN bare and with tls-auth, IKEv2 on either port, QUIC.
fn tunnels_over_udp() -> Vec<(&'static str, Vec<u8>)> {
    let padded = |start: &[u8], length: usize| {
        let mut bytes = start.to_vec();
        bytes.resize(length, 7);
        bytes
    };
    let ike = [&[9; 8][..], &[0; 8], &[33, 0x20, 34, 8], &[7; 40]].concat();
    vec![
        ("wireguard", padded(&[1, 0, 0, 0], 148)),
        ("openvpn", padded(&[0x38], 14)),
        ("openvpn with tls-auth", padded(&[0x38], 42)),
        ("ike behind a marker", [&[0; 4][..], &ike].concat()),
        ("ike", ike),
        ("quic", padded(&[0xc3, 0, 0, 0, 1, 8], 1200)),
    ]
}

/// Sends `bytes` and waits for their echo.
fn echoes(socket: &UdpSocket, bytes: &[u8]) -> Result<(), ErrorKind> {
    let mut echo = [0; 4096];
    socket.send(bytes).map_err(|error| error.kind())?;
    let length = socket.recv(&mut echo).map_err(|error| error.kind())?;
    assert_eq!(&echo[..length], bytes);
    Ok(())
}

/// Writes `bytes` on a connection and reads as many.
fn echoed(stream: &mut TcpStream, bytes: &[u8]) -> Result<(), ErrorKind> {
    let mut echo = vec![0; bytes.len()];
    stream.write_all(bytes).map_err(|error| error.kind())?;
    stream.read_exact(&mut echo).map_err(|error| error.kind())?;
    assert_eq!(echo, bytes);
    Ok(())
}

impl School {
    /// A school whose pupils may use one service, with its address and the heart beating.
    fn speaking(ports: &str, speaks: Option<Speech>) -> Self {
        let school = Self::with(&settings_with(vec![service(ports, &[], speaks)]));
        for family in families() {
            school.open_pair(&family, family.pupil, family.server);
        }
        school.beat();
        school
    }

    /// A socket of the pupil towards `port` of the server.
    fn towards(&self, family: &Family, port: u16) -> UdpSocket {
        self.pupil.udp(family.pupil, SocketAddr::new(family.server, port))
    }

    /// A server that says `greeting` to whoever connects, then sends back what it gets.
    fn greeter(&self, at: (IpAddr, u16), greeting: &'static [u8]) {
        let listener = self.internet.run(|| TcpListener::bind(at).unwrap());
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                thread::spawn(move || {
                    let mut bytes = [0; 512];
                    let _ = stream.write_all(greeting);
                    while let Ok(length @ 1..) = stream.read(&mut bytes) {
                        let _ = stream.write_all(&bytes[..length]);
                    }
                });
            }
        });
    }
}

#[test]
fn an_address_given_for_one_service_opens_no_other() {
    with_rights("services::an_address_given_for_one_service_opens_no_other", || {
        let school = School::with(&settings_with(vec![
            service("udp/4100", &["un.exemple.fr"], None),
            service("udp/4101", &["deux.exemple.fr"], None),
            service("udp/4102", &[], None),
        ]));
        school.beat();
        for family in families() {
            for port in 4100..=4102 {
                school.internet.echo_udp(SocketAddr::new(family.server, port));
            }
            let open = || [4100, 4101, 4102].map(|port| talk_udp(&school.towards(&family, port)).is_ok());
            assert_eq!(open(), [false; 3]);
            school.open_to_group(&family, family.pupil, family.server, 0x101);
            assert_eq!(open(), [false, true, false]);
            school.open_to_group(&family, family.pupil, family.server, 0x100);
            assert_eq!(open(), [true, true, false]);
            school.open_to_group(&family, family.pupil, family.server, 0x102);
            assert_eq!(open(), [true; 3]);
        }
    });
}

#[test]
fn an_opening_that_runs_out_lets_none_begin_and_keeps_what_runs() {
    with_rights("services::an_opening_that_runs_out_lets_none_begin_and_keeps_what_runs", || {
        let school = School::with(&settings_with(vec![service("udp/4100", &[], None)]));
        school.beat();
        for family in families() {
            school.internet.echo_udp(SocketAddr::new(family.server, 4100));
            let element = Element {
                key: key(family.pupil, family.server, ANY_SITE),
                timeout: Duration::from_millis(700),
            };
            school.gateway.run(|| SetWriter::open("preau").unwrap().put(family.opened, &[element]).unwrap());
            let running = school.towards(&family, 4100);
            assert_eq!(talk_udp(&running), Ok(()));
            thread::sleep(Duration::from_millis(900));
            school.beat();
            assert_eq!(talk_udp(&running), Ok(()), "what runs goes on");
            // Another flow of the same client, of which the kernel knows nothing yet.
            assert!(talk_udp(&school.towards(&family, 4100)).is_err(), "nothing begins");
        }
    });
}

#[test]
fn a_service_of_many_ports_is_open_on_each_and_on_no_neighbour() {
    with_rights("services::a_service_of_many_ports_is_open_on_each_and_on_no_neighbour", || {
        let school = School::speaking("udp/4100-4102", None);
        for family in families() {
            for port in 4099..=4103 {
                school.internet.echo_udp(SocketAddr::new(family.server, port));
            }
            let open: Vec<u16> =
                (4099..=4103).filter(|port| talk_udp(&school.towards(&family, *port)).is_ok()).collect();
            assert_eq!(open, [4100, 4101, 4102]);
        }
    });
}

#[test]
fn known_tunnels_are_refused_where_nothing_is_known_of_what_is_spoken() {
    with_rights("services::known_tunnels_are_refused_where_nothing_is_known_of_what_is_spoken", || {
        let school = School::speaking("udp/4100", None);
        for family in families() {
            school.internet.echo_udp(SocketAddr::new(family.server, 4100));
            for (name, bytes) in tunnels_over_udp() {
                let fresh = school.towards(&family, 4100);
                assert!(echoes(&fresh, &bytes).is_err(), "{name}");
            }
            let socket = school.towards(&family, 4100);
            assert_eq!(echoes(&socket, &[3; 1200]), Ok(()));
            for (name, bytes) in tunnels_over_udp().into_iter().filter(|(name, _)| !name.contains("openvpn"))
            {
                assert!(echoes(&socket, &bytes).is_err(), "{name}, behind others");
                assert_eq!(echoes(&socket, b"and the flow goes on"), Ok(()));
            }
        }
        let school = School::speaking("tcp/4100", None);
        for family in families() {
            let at = SocketAddr::new(family.server, 4100);
            school.internet.echo_tcp(at);
            for tunnel in [b"\x00\x0e\x38 eight b,\x00\x00\x00\x00\x00", &b"SSH-2.0-OpenSSH_9.2\r\n"[..]] {
                let mut stream = school.pupil.connect(at).unwrap();
                assert_eq!(echoed(&mut stream, tunnel), Err(ErrorKind::ConnectionReset));
            }
            let mut stream = school.pupil.connect(at).unwrap();
            assert_eq!(talk_tcp(&mut stream), Ok(()));
            assert_eq!(echoed(&mut stream, b"\x00\x0e\x38 in the middle"), Ok(()), "looks like anything");
        }
    });
}

#[test]
fn a_media_port_begins_with_stun_and_carries_media() {
    with_rights("services::a_media_port_begins_with_stun_and_carries_media", || {
        let school = School::speaking("udp/4100", Some(Speech::Stun));
        let rtp = [&[0x80, 0x60][..], &[0; 30]].concat();
        for family in families() {
            school.internet.echo_udp(SocketAddr::new(family.server, 4100));
            for (name, bytes) in tunnels_over_udp().into_iter().chain([
                ("rtp", rtp.clone()),
                ("stun of old, without a cookie", [&BINDING[..4], &[7; 16]].concat()),
                ("a cut request", BINDING[..7].to_vec()),
                ("a byte", vec![0]),
                ("nothing", Vec::new()),
            ]) {
                let fresh = school.towards(&family, 4100);
                assert!(echoes(&fresh, &bytes).is_err(), "{name}, at first");
            }
            let socket = school.towards(&family, 4100);
            assert_eq!(echoes(&socket, BINDING), Ok(()));
            assert_eq!(echoes(&socket, &rtp), Ok(()));
            assert_eq!(echoes(&socket, b"\x16\xfe\xfd a hello of DTLS"), Ok(()));
            assert_eq!(echoes(&socket, b"\x40\x00\x00\x04turn"), Ok(()));
            for (name, bytes) in [
                ("wireguard", vec![1, 0, 0, 0, 9, 9, 9, 9, 9]),
                ("data of wireguard", [&[4, 0, 0, 0][..], &[9; 60]].concat()),
                ("quic", tunnels_over_udp().pop().unwrap().1),
            ] {
                assert!(echoes(&socket, &bytes).is_err(), "{name}, behind stun");
            }
            assert_eq!(echoes(&socket, &rtp), Ok(()), "the flow goes on");
        }
    });
}

#[test]
fn an_ssh_port_carries_ssh_and_nothing_else() {
    with_rights("services::an_ssh_port_carries_ssh_and_nothing_else", || {
        let school = School::speaking("tcp/4100", Some(Speech::Ssh));
        for family in families() {
            let at = SocketAddr::new(family.server, 4100);
            school.internet.echo_tcp(at);
            let begin = |bytes: &[u8]| echoed(&mut school.pupil.connect(at).unwrap(), bytes);
            assert_eq!(begin(b"SSH-2.0-OpenSSH_9.2\r\n"), Ok(()));
            for other in
                [&b"SSH-1.5-old one\r\n"[..], b"\x16\x03\x01\x02\x00\x01", b"S", b"GET / HTTP/1.1\r\n\r\n"]
            {
                assert_eq!(begin(other), Err(ErrorKind::ConnectionReset), "{other:?}");
            }
            let mut stream = school.pupil.connect(at).unwrap();
            assert_eq!(echoed(&mut stream, b"SSH-2.0-OpenSSH_9.2\r\n"), Ok(()));
            assert_eq!(echoed(&mut stream, &[0; 300]), Ok(()), "what follows is sealed");
        }
    });
}

#[test]
fn where_the_server_greets_first_the_client_waits_for_a_true_greeting() {
    with_rights("services::where_the_server_greets_first_the_client_waits_for_a_true_greeting", || {
        for (speech, greeting) in [
            (Speech::Smtp, &b"220 courrier.exemple.fr ESMTP\r\n"[..]),
            (Speech::Imap, b"* OK IMAP4rev2\r\n"),
            (Speech::Pop, b"+OK\r\n"),
        ] {
            let school = School::speaking("tcp/4100-4102", Some(speech));
            for family in families() {
                school.greeter((family.server, 4100), greeting);
                school.greeter((family.server, 4101), b"HTTP/1.1 200 Connection established\r\n\r\n");
                school.internet.echo_tcp(SocketAddr::new(family.server, 4102));
                let connect = |port| school.pupil.connect(SocketAddr::new(family.server, port)).unwrap();

                let mut mail = connect(4100);
                let mut heard = vec![0; greeting.len()];
                mail.read_exact(&mut heard).unwrap();
                assert_eq!(heard, greeting);
                assert_eq!(echoed(&mut mail, b"EHLO poste.exemple.fr\r\n"), Ok(()));

                assert!(connect(4101).read(&mut [0; 4]).is_err(), "another greeting does not come in");
                let first = echoed(&mut connect(4102), b"\x05\x01\x00");
                assert_eq!(first, Err(ErrorKind::ConnectionReset), "a client that speaks first");
            }
        }
    });
}

#[test]
fn the_proxy_has_the_ports_that_speak_tls() {
    with_rights("services::the_proxy_has_the_ports_that_speak_tls", || {
        let school = School::speaking("tcp/993", Some(Speech::Tls));
        for family in families() {
            // There is no proxy in this school, so nothing takes them; and nothing passes.
            let refused = school.pupil.connect(SocketAddr::new(family.server, 993)).unwrap_err();
            assert_eq!(refused, ErrorKind::ConnectionRefused);
            school.open_to_group(&family, family.pupil, family.server, ANY_SITE);
            assert!(school.pupil.connect(SocketAddr::new(family.server, 993)).is_err());
        }
    });
}
