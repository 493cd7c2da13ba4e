//! What is told to WireGuard's interface, and what it says of itself, by the program `wg`, which speaks with the kernel and
//! with this program's child alike.
//!
//! Keys go to it by its standard input, never as an argument that others could see. Each call has a limit of time: a
//! program that hangs must not hang the daemon.

use std::{net::SocketAddr, time::Duration};

use anyhow::ensure;

use super::{
    device::INTERFACE,
    settings::{Concentrator, Settings},
};
use crate::system::program::Program;

/// The mark of the packets that carry the tunnel, which the packet filter knows them by.
pub const MARK: u32 = 0x2;

const WG: Program = Program {
    name: "wg",
    package: "wireguard-tools",
    wait_max: Duration::from_secs(3),
    complaint_bytes_max: 500,
};

/// The longest account of a concentrator's state that is read, in bytes.
const DUMP_BYTES_MAX: usize = 64 * 1024;

/// How often an idle session says that it is there: less than any address translation forgets.
const KEEPALIVE_SECONDS: u32 = 20;

/// What the interface says of one concentrator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// When the last handshake was, in seconds of Unix time; 0 for never.
    pub(super) handshake: u64,
    /// Bytes received from it since it was made known.
    pub(super) received: u64,
}

/// Makes the concentrators known, in place of whatever was; `active` has the networks. Where an endpoint is not known the
/// concentrator waits for it.
pub(super) async fn configure(
    settings: &Settings,
    active: usize,
    endpoints: &[Option<SocketAddr>],
) -> anyhow::Result<()> {
    let text = configuration(settings, active, endpoints);
    wg(&["syncconf", INTERFACE, "/dev/stdin"], &text).await.map(drop)
}

/// Forgets every concentrator: from here on no handshake is sent.
pub(super) async fn forget(settings: &Settings) -> anyhow::Result<()> {
    let mut arguments = vec!["set", INTERFACE];
    for one in &settings.concentrators {
        arguments.extend(["peer", one.key.as_str(), "remove"]);
    }
    wg(&arguments, "").await.map(drop)
}

/// Gives the networks of the académie to `one`, at `endpoint`, and takes them from the others.
pub(super) async fn activate(
    settings: &Settings,
    one: &Concentrator,
    endpoint: Option<SocketAddr>,
) -> anyhow::Result<()> {
    let (endpoint, networks) = (endpoint.map(|endpoint| endpoint.to_string()), networks(one));
    let mut arguments = vec!["set", INTERFACE];
    for other in settings.concentrators.iter().filter(|other| other.key != one.key) {
        arguments.extend(["peer", other.key.as_str(), "allowed-ips", ""]);
    }
    arguments.extend(["peer", one.key.as_str(), "allowed-ips", &networks]);
    arguments.extend(endpoint.iter().flat_map(|endpoint| ["endpoint", endpoint.as_str()]));
    wg(&arguments, "").await.map(drop)
}

/// Has what is sent to `one` go to `endpoint`.
pub(super) async fn point(one: &Concentrator, endpoint: SocketAddr) -> anyhow::Result<()> {
    wg(&["set", INTERFACE, "peer", &one.key, "endpoint", &endpoint.to_string()], "").await.map(drop)
}

/// Has a handshake sent to `one` at once: WireGuard itself waits for five seconds between two. It is forgotten and made
/// known again, which loses nothing where there is no session.
pub(super) async fn knock(one: &Concentrator, endpoint: SocketAddr) -> anyhow::Result<()> {
    wg(&["set", INTERFACE, "peer", &one.key, "remove"], "").await?;
    let (endpoint, networks, keepalive) =
        (endpoint.to_string(), networks(one), KEEPALIVE_SECONDS.to_string());
    let mut arguments = vec!["set", INTERFACE, "peer", &one.key];
    if one.preshared.is_some() {
        arguments.extend(["preshared-key", "/dev/stdin"]);
    }
    arguments.extend(["endpoint", &endpoint, "allowed-ips", &networks, "persistent-keepalive", &keepalive]);
    wg(&arguments, one.preshared.as_deref().unwrap_or_default()).await.map(drop)
}

/// What the interface says of each concentrator, in their order.
pub(super) async fn look(settings: &Settings) -> anyhow::Result<Vec<Seen>> {
    let dump = wg(&["show", INTERFACE, "dump"], "").await?;
    let seen = |one: &Concentrator| read(&dump, &one.key).unwrap_or_default();
    Ok(settings.concentrators.iter().map(seen).collect())
}

/// What `dump` says of the peer `key`: tab-separated public key, preshared key, endpoint, networks, latest handshake, bytes
/// received, bytes sent, keepalive. The first line is about the interface and is shorter.
fn read(dump: &str, key: &str) -> Option<Seen> {
    let mut fields = dump.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    let of_peer = fields.find(|fields| fields.first() == Some(&key))?;
    let number = |place: usize| of_peer.get(place)?.parse().ok();
    Some(Seen { handshake: number(4)?, received: number(5)? })
}

fn configuration(settings: &Settings, active: usize, endpoints: &[Option<SocketAddr>]) -> String {
    let mut text = format!("[Interface]\nPrivateKey = {}\nFwMark = {MARK:#x}\n", settings.key);
    for (place, one) in settings.concentrators.iter().enumerate() {
        text += &format!("[Peer]\nPublicKey = {}\nPersistentKeepalive = {KEEPALIVE_SECONDS}\n", one.key);
        if let Some(preshared) = &one.preshared {
            text += &format!("PresharedKey = {preshared}\n");
        }
        if let Some(endpoint) = endpoints.get(place).copied().flatten() {
            text += &format!("Endpoint = {endpoint}\n");
        }
        if place == active {
            text += &format!("AllowedIPs = {}\n", networks(one));
        }
    }
    text
}

fn networks(one: &Concentrator) -> String {
    one.networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Runs `wg` with `input` on its standard input and returns what it says.
async fn wg(arguments: &[&str], input: &str) -> anyhow::Result<String> {
    let said = WG.run(arguments, input).await?;
    ensure!(said.len() <= DUMP_BYTES_MAX, "wg says too much");
    Ok(String::from_utf8_lossy(&said).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{
        super::settings::tests::{key, settings},
        *,
    };

    #[test]
    fn only_the_active_concentrator_has_the_networks() {
        let endpoint = Some("198.51.100.82:51820".parse().unwrap());
        let text = configuration(&settings().unwrap(), 1, &[endpoint, None]);
        let expected = format!(
            "[Interface]\nPrivateKey = {}\nFwMark = 0x2\n\
             [Peer]\nPublicKey = {}\nPersistentKeepalive = 20\nPresharedKey = {shared}\nEndpoint = 198.51.100.82:51820\n\
             [Peer]\nPublicKey = {}\nPersistentKeepalive = 20\nPresharedKey = {shared}\nAllowedIPs = 10.200.0.0/16\n",
            key(7),
            key(1),
            key(2),
            shared = key(99),
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn what_wg_shows_is_read_by_key_and_nonsense_is_nothing() {
        let peer = key(1);
        let dump = format!(
            "private\tpublic\t40000\t0x2\n{}\t(none)\t(none)\t(none)\t0\t0\t148\t20\n\
             {peer}\t(none)\t198.51.100.82:51820\t10.200.0.0/16\t1795417200\t4096\t148\t20\n",
            key(2)
        );
        assert_eq!(read(&dump, &peer), Some(Seen { handshake: 1_795_417_200, received: 4096 }));
        assert_eq!(read(&dump, &key(2)), Some(Seen::default()));
        assert_eq!(read(&dump, &key(3)), None);
        for end in (0..dump.len()).filter(|end| dump.is_char_boundary(*end)) {
            let _ = read(&dump[..end], &peer);
        }
        assert_eq!(read(&format!("x\n{peer}\tnonsense"), &peer), None);
    }
}
