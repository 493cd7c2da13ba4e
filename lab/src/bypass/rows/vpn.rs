//! Tunnels of their own protocols, on the ports a school might have open, and inside TLS.

use std::time::Duration;

use super::{
    super::{
        Expected::{self, Closed, Open, OutOfReach},
        Row, Scene, Seen,
        program::Program,
        scene::{FORBIDDEN, SECRET, shows, v4},
    },
    dns::datagrams,
};
use crate::process::wait_for;

/// How long a tunnel may take to carry its first page.
const TUNNEL_WAIT_MAX: Duration = Duration::from_secs(6);
/// A name of the far end that no list knows.
pub(super) const UNLISTED: &str = "un-ami.loin.example";
/// A name of the far end in the category of tunnels.
const LISTED: &str = "vpn.example";

const INSIDE_TLS: Expected = OutOfReach(
    "a tunnel inside TLS towards a name that no list holds looks like any site (D1: nothing is decrypted); it can be \
     closed once it is known",
);

/// A row whose tunnel is closed to everybody.
const fn closed(
    id: &'static str,
    tools: &'static [&'static str],
    attempt: &'static str,
    play: fn(&mut Scene<'_>) -> anyhow::Result<Seen>,
) -> Row {
    Row { id, lesson: 16, tools, attempt, pupil: Closed, teacher: Closed, play }
}

const OPENVPN: &[&str] = &["openvpn", "openssl"];
const WIREGUARD: &[&str] = &["wireguard-go", "wg"];
const SSH: &[&str] = &["ssh", "ssh-keygen", "/usr/sbin/sshd"];

pub(super) const ROWS: &[Row] = &[
    closed("openvpn-udp-1194", OPENVPN, "OpenVPN on its own port", |scene| openvpn(scene, "udp", 1194)),
    closed("openvpn-udp-53", OPENVPN, "OpenVPN over UDP 53", |scene| openvpn(scene, "udp", 53)),
    closed("openvpn-udp-443", OPENVPN, "OpenVPN over UDP 443", |scene| openvpn(scene, "udp", 443)),
    closed("openvpn-udp-123", OPENVPN, "OpenVPN over UDP 123", |scene| openvpn(scene, "udp", 123)),
    closed("openvpn-tcp-443", OPENVPN, "OpenVPN over TCP 443", |scene| openvpn(scene, "tcp", 443)),
    closed("openvpn-tcp-80", OPENVPN, "OpenVPN over TCP 80", |scene| openvpn(scene, "tcp", 80)),
    closed("openvpn-tcp-993", OPENVPN, "OpenVPN over TCP 993, which the zone opens for mail", |scene| {
        openvpn(scene, "tcp", 993)
    }),
    closed("wireguard-51820", WIREGUARD, "WireGuard on its own port", |scene| wireguard(scene, 51820)),
    closed("wireguard-53", WIREGUARD, "WireGuard over UDP 53", |scene| wireguard(scene, 53)),
    closed("wireguard-123", WIREGUARD, "WireGuard over UDP 123", |scene| wireguard(scene, 123)),
    closed("wireguard-443", WIREGUARD, "WireGuard over UDP 443", |scene| wireguard(scene, 443)),
    closed("ssh-22", SSH, "ssh -D on its own port", |scene| ssh(scene, 22)),
    closed("ssh-53", SSH, "ssh -D over TCP 53", |scene| ssh(scene, 53)),
    closed("ssh-80", SSH, "ssh -D over TCP 80", |scene| ssh(scene, 80)),
    closed("ssh-443", SSH, "ssh -D over TCP 443", |scene| ssh(scene, 443)),
    closed("ssh-993", SSH, "ssh -D over TCP 993, which the zone opens for mail", |scene| ssh(scene, 993)),
    closed("shadowsocks-443", &["ss-local", "ss-server"], "Shadowsocks over TCP 443", |scene| {
        shadowsocks(scene, 443)
    }),
    closed(
        "shadowsocks-993",
        &["ss-local", "ss-server"],
        "Shadowsocks over TCP 993, which the zone opens for mail",
        |scene| shadowsocks(scene, 993),
    ),
    closed("udp-500", &["socat"], "datagrams where IPsec begins (UDP 500)", |scene| datagrams(scene, 500)),
    closed("udp-4500", &["socat"], "datagrams where IPsec goes on (UDP 4500)", |scene| {
        datagrams(scene, 4500)
    }),
    Row {
        id: "stunnel-listed",
        lesson: 16,
        tools: &["stunnel4"],
        attempt: "a tunnel inside TLS towards a name that lists know",
        pupil: Closed,
        teacher: Open,
        play: |scene| stunnel(scene, LISTED, 443),
    },
    Row {
        id: "stunnel-listed-993",
        lesson: 16,
        tools: &["stunnel4"],
        attempt: "the same over TCP 993, which the zone opens for mail",
        pupil: Closed,
        teacher: Open,
        play: |scene| stunnel(scene, LISTED, 993),
    },
    Row {
        id: "stunnel-unlisted",
        lesson: 16,
        tools: &["stunnel4"],
        attempt: "a tunnel inside TLS towards a name that nobody knows",
        pupil: INSIDE_TLS,
        teacher: Open,
        play: |scene| stunnel(scene, UNLISTED, 443),
    },
];

/// Whether the forbidden page comes by `arguments` of curl while `near`, the tunnel's near end, tries; else what it says.
pub(super) fn carries(scene: &Scene<'_>, near: &mut Program, arguments: &[&str]) -> Seen {
    carries_within(scene, near, arguments, TUNNEL_WAIT_MAX)
}

/// As [`carries`], with a limit of its own.
pub(super) fn carries_within(
    scene: &Scene<'_>,
    near: &mut Program,
    arguments: &[&str],
    wait_max: Duration,
) -> Seen {
    let brief = ["curl", "--silent", "--show-error", "--connect-timeout", "1", "--max-time", "4"];
    let host = format!("Host: {FORBIDDEN}");
    let curl = [&brief, ["--header", host.as_str()].as_slice(), arguments].concat();
    let mut seen = Seen::Stopped("nothing came".to_owned());
    wait_for(wait_max, || {
        if let Ok(output) = scene.run(&curl) {
            seen = shows(&output, SECRET);
        }
        (matches!(seen, Seen::Reached(_)) || !near.is_running()).then_some(())
    });
    match (&seen, near.log().lines().last()) {
        (Seen::Stopped(what), Some(said)) => Seen::Stopped(format!("{what}; {}", said.trim())),
        _ => seen,
    }
}

/// The forbidden page by a SOCKS proxy on the machine's own port 1080.
fn carries_by_socks(scene: &Scene<'_>, near: &mut Program) -> Seen {
    let url = format!("http://{}/", v4(FORBIDDEN));
    carries(scene, near, &["--socks5", "127.0.0.1:1080", &url])
}

const FINGERPRINT: &str = "openssl x509 -in \"$0\" -noout -fingerprint -sha256 | cut -d= -f2";

fn openvpn(scene: &mut Scene<'_>, protocol: &str, port: u16) -> anyhow::Result<Seen> {
    scene.certify_far()?;
    let certify = "test -e near.pem || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
                   -days 30 -subj /CN=near -keyout near.key -out near.pem";
    scene.script(certify, &[])?.checked()?;
    let far_print = scene.script_far(FINGERPRINT, &["far.pem"])?.checked()?;
    let near_print = scene.script(FINGERPRINT, &["near.pem"])?.checked()?;
    let port = port.to_string();
    let (server, client) = match protocol {
        "tcp" => ("tcp4-server", "tcp4-client"),
        _ => ("udp4", "udp4"),
    };
    // The kernel forgets the device of the row before in its own time.
    let device = format!("tun{protocol}{port}");
    let usual = ["openvpn", "--dev", &device, "--verb", "3", "--connect-retry", "1", "--proto"];
    let far = [
        server,
        "--lport",
        &port,
        "--tls-server",
        "--dh",
        "none",
        "--cert",
        "far.pem",
        "--key",
        "far.key",
        "--ifconfig",
        "10.99.0.1",
        "10.99.0.2",
        "--peer-fingerprint",
        near_print.trim(),
    ];
    let near = [
        client,
        "--remote",
        UNLISTED,
        &port,
        "--nobind",
        "--tls-client",
        "--cert",
        "near.pem",
        "--key",
        "near.key",
        "--ifconfig",
        "10.99.0.2",
        "10.99.0.1",
        "--peer-fingerprint",
        far_print.trim(),
    ];
    // Inside, a port that no row uses outside.
    let _page = scene.serve_far_page(8000)?;
    let _far = scene.start_far("far-openvpn", &[&usual, far.as_slice()].concat())?;
    let mut near = scene.start("openvpn", &[&usual, near.as_slice()].concat())?;
    Ok(carries(scene, &mut near, &["http://10.99.0.1:8000/"]))
}

const WIREGUARD_KEYS: &str = "umask 077; test -e wg.key || wg genkey > wg.key; wg pubkey < wg.key";
/// `$0` interface, `$1` own address, `$2` peer's key, `$3` the port to listen on; or `$4`, the peer's name, and `$5`, its
/// port.
const WIREGUARD_SET: &str = "for i in $(seq 100); do wg show \"$0\" > /dev/null 2>&1 && break; sleep 0.1; done
place=$(getent ahostsv4 \"$4\" | cut -d' ' -f1 | head -n 1)
wg set \"$0\" private-key wg.key ${3:+listen-port $3} peer \"$2\" allowed-ips 10.98.0.0/24 ${place:+endpoint $place:$5}
ip addr add \"$1/24\" dev \"$0\"
ip link set \"$0\" up";

fn wireguard(scene: &mut Scene<'_>, port: u16) -> anyhow::Result<Seen> {
    let far_key = scene.script_far(WIREGUARD_KEYS, &[])?.checked()?;
    let near_key = scene.script(WIREGUARD_KEYS, &[])?.checked()?;
    let _page = scene.serve_far_page(8000)?;
    let port = port.to_string();
    let (far, near) = (format!("loin{port}"), format!("pres{port}"));
    let _far = scene.start_far("far-wireguard", &["wireguard-go", "--foreground", &far])?;
    let set = [far.as_str(), "10.98.0.1", near_key.trim(), &port];
    scene.script_far(WIREGUARD_SET, &set)?.checked()?;
    let mut running = scene.start("wireguard", &["wireguard-go", "--foreground", &near])?;
    // The pupil's system asks for the name, so that our resolver has given the address.
    let set = [near.as_str(), "10.98.0.2", far_key.trim(), "", UNLISTED, &port];
    scene.script(WIREGUARD_SET, &set)?.checked()?;
    Ok(carries(scene, &mut running, &["http://10.98.0.1:8000/"]))
}

fn ssh(scene: &mut Scene<'_>, port: u16) -> anyhow::Result<Seen> {
    let key =
        "mkdir -p /run/sshd; test -e \"$0\" || ssh-keygen -q -t ed25519 -N '' -f \"$0\"; cat \"$0.pub\"";
    scene.script_far(key, &["host"])?.checked()?;
    let own = scene.script(key, &["near"])?.checked()?;
    scene.write(crate::plan::FAR, "authorized", &own)?;
    let number = port.to_string();
    let home = format!("{}/{}", crate::enclosure::LAB_DIR, crate::plan::FAR);
    let (host, authorized) = (format!("{home}/host"), format!("AuthorizedKeysFile={home}/authorized"));
    let sshd = [
        "/usr/sbin/sshd",
        "-D",
        "-e",
        "-4",
        "-f",
        "/dev/null",
        "-p",
        &number,
        "-h",
        &host,
        "-o",
        &authorized,
        "-o",
        "StrictModes=no",
        "-o",
        "UsePAM=no",
        "-o",
        "PermitRootLogin=yes",
    ];
    let _far = scene.serve_far("far-sshd", &sshd, "tcp", port)?;
    let place = format!("root@{UNLISTED}");
    let ssh = [
        "ssh",
        "-4",
        "-N",
        "-D",
        "1080",
        "-p",
        &number,
        "-i",
        "near",
        "-F",
        "/dev/null",
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "ConnectTimeout=5",
        &place,
    ];
    let mut near = scene.start("ssh", &ssh)?;
    Ok(carries_by_socks(scene, &mut near))
}

fn shadowsocks(scene: &mut Scene<'_>, port: u16) -> anyhow::Result<Seen> {
    let number = port.to_string();
    let secret = ["-k", "secret-partage", "-m", "chacha20-ietf-poly1305"];
    let far = [&["ss-server", "-s", "0.0.0.0", "-p", &number], secret.as_slice()].concat();
    let _far = scene.serve_far("far-shadowsocks", &far, "tcp", port)?;
    let near = [&["ss-local", "-s", UNLISTED, "-p", &number, "-l", "1080"], secret.as_slice()].concat();
    let mut near = scene.start_listening("shadowsocks", &near, "tcp", 1080)?;
    Ok(carries_by_socks(scene, &mut near))
}

fn stunnel(scene: &mut Scene<'_>, name: &str, port: u16) -> anyhow::Result<Seen> {
    scene.certify_far()?;
    let usual = "foreground = yes\npid =\nsyslog = no\n";
    let place = v4(FORBIDDEN);
    let far =
        format!("{usual}[tunnel]\naccept = {port}\nconnect = {place}:80\ncert = far.pem\nkey = far.key\n");
    scene.write(crate::plan::FAR, "stunnel.conf", &far)?;
    let near = format!(
        "{usual}[tunnel]\nclient = yes\naccept = 127.0.0.1:8000\nconnect = {name}:{port}\nsni = {name}\ndelay = yes\n"
    );
    scene.write(scene.subject.machine(), "stunnel.conf", &near)?;
    let _far = scene.serve_far("far-stunnel", &["stunnel4", "stunnel.conf"], "tcp", port)?;
    let mut near = scene.start_listening("stunnel", &["stunnel4", "stunnel.conf"], "tcp", 8000)?;
    Ok(carries(scene, &mut near, &["http://127.0.0.1:8000/"]))
}
