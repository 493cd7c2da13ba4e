//! What wg(8) changes, with the sessions kept.
//!
//! The library reads the same requests, but makes every peer anew that it is told of, and its session is lost.

use std::collections::{HashMap, HashSet};

use gotatun::{
    device::{
        self, Device, DeviceTransports, Peer,
        configure::{DeviceWrite, PeerMut},
        uapi::command::{Set, SetPeer, SetUnset},
    },
    x25519::{PublicKey, StaticSecret},
};
use rustix::io::Errno;

/// Why a change was not made.
#[derive(Debug)]
pub(super) enum Refused {
    /// It makes no sense, and nothing was changed.
    Nonsense(&'static str),
    /// The socket could not be opened anew, as when its port is taken; the one before is closed.
    Socket(device::Error),
}

impl Refused {
    /// The number of the error, the kernel's own where it is the kernel that refused.
    pub(super) fn number(&self) -> i32 {
        let kernels = match self {
            Self::Socket(device::Error::Bind(cause, _) | device::Error::IoError(cause)) => {
                cause.raw_os_error()
            }
            Self::Socket(_) | Self::Nonsense(_) => None,
        };
        kernels.unwrap_or(Errno::INVAL.raw_os_error())
    }
}

impl From<device::Error> for Refused {
    fn from(error: device::Error) -> Self {
        Self::Socket(error)
    }
}

/// Makes it so.
///
/// # Errors
/// See [`Refused`].
pub(super) async fn apply<T: DeviceTransports>(wireguard: &Device<T>, wanted: Set) -> Result<(), Refused> {
    let Set { private_key, listen_port, fwmark, replace_peers, protocol_version, peers, .. } = wanted;
    if protocol_version.is_some_and(|version| version != "1") {
        return Err(Refused::Nonsense("it speaks another version"));
    }
    let mut keys = HashSet::new();
    if !peers.iter().all(|one| keys.insert(one.peer.public_key.0)) {
        return Err(Refused::Nonsense("a peer is named twice"));
    }
    let has_key =
        private_key.is_some() || wireguard.read(async |device| device.private_key().is_some()).await;
    // The library opens its socket for any of these, and does not survive it without a key.
    if !has_key && (listen_port.is_some() || replace_peers || !peers.is_empty()) {
        return Err(Refused::Nonsense("a private key is needed first"));
    }
    let own = async |device: &mut DeviceWrite<'_, T>| {
        if let Some(mark) = fwmark {
            device.set_fwmark(if let SetUnset::Set(mark) = mark { mark.get() } else { 0 })?;
        }
        if let Some(port) = listen_port {
            device.set_listen_port(port);
        }
        if let Some(key) = private_key {
            device.set_private_key(StaticSecret::from(key.0)).await;
        }
        Ok::<_, device::Error>(())
    };
    // The library uses the key once it has let go of the device, and peers need it.
    wireguard.write(own).await??;
    let theirs = async |device: &mut DeviceWrite<'_, T>| {
        if replace_peers {
            device.clear_peers();
        }
        set_peers(device, peers).await;
    };
    wireguard.write(theirs).await?;
    Ok(())
}

async fn set_peers<T: DeviceTransports>(device: &mut DeviceWrite<'_, T>, wanted: Vec<SetPeer>) {
    let before = device.peers().await;
    let mut known: HashSet<_> = before.iter().map(|one| one.peer.public_key).collect();
    let mut owners = HashMap::new();
    for one in &before {
        owners.extend(one.peer.allowed_ips.iter().map(|network| (*network, one.peer.public_key)));
    }
    for one in wanted {
        let key = PublicKey::from(one.peer.public_key.0);
        if one.remove {
            device.remove_peer(&key).await;
            known.remove(&key);
        }
        if one.remove || one.replace_allowed_ips {
            owners.retain(|_, owner| *owner != key);
        }
        if one.remove || (one.update_only && !known.contains(&key)) {
            continue;
        }
        // A network has one owner: whoever had it before loses it.
        let owned_before = one.peer.allowed_ip.iter().filter_map(|network| owners.insert(*network, key));
        let robbed: HashSet<_> = owned_before.filter(|owner| *owner != key).collect();
        for other in robbed {
            let left = owners.iter().filter(|(_, owner)| **owner == other).map(|(network, _)| *network);
            let keep = |peer: &mut PeerMut| {
                peer.clear_allowed_ips();
                peer.add_allowed_ips(left);
            };
            device.modify_peer(&other, keep).await;
        }
        if known.insert(key) {
            device.add_peer(Peer::new(key));
        }
        device.modify_peer(&key, |peer| set_peer(peer, one)).await;
    }
}

/// Changes what is named of a peer, and leaves the rest.
fn set_peer(peer: &mut PeerMut, SetPeer { peer: wanted, replace_allowed_ips, .. }: SetPeer) {
    if let Some(shared) = wanted.preshared_key {
        peer.set_preshared_key(if let SetUnset::Set(key) = shared { Some(key.0) } else { None });
    }
    if let Some(endpoint) = wanted.endpoint {
        peer.set_endpoint(Some(endpoint));
    }
    if let Some(seconds) = wanted.persistent_keepalive_interval {
        peer.set_keepalive(Some(seconds).filter(|seconds| *seconds > 0));
    }
    if replace_allowed_ips {
        peer.clear_allowed_ips();
    }
    peer.add_allowed_ips(wanted.allowed_ip);
}

#[cfg(test)]
mod tests {
    use std::{
        net::{Ipv4Addr, Ipv6Addr},
        str::FromStr as _,
    };

    use gotatun::{device::uapi::command::Request, tun::MtuWatcher, udp::channel::new_udp_tun_channel};

    use super::*;

    const A: &str = "0101010101010101010101010101010101010101010101010101010101010101";
    const B: &str = "0202020202020202020202020202020202020202020202020202020202020202";

    /// Tells a device without a network one request after the other, and says what it has of each peer then, one a line: key,
    /// endpoint, keepalive, whether it has a preshared key, networks.
    async fn after(requests: &[String]) -> anyhow::Result<String> {
        let (inside, outside, sockets) =
            new_udp_tun_channel(1, Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST, MtuWatcher::new(1420));
        let wireguard = device::build().with_udp(sockets).with_ip_pair(inside, outside).build().await?;
        for text in requests {
            match Request::from_str(text).map_err(|error| anyhow::anyhow!("{error}"))? {
                Request::Set(wanted) => {
                    apply(&wireguard, wanted).await.map_err(|why| anyhow::anyhow!("{why:?}"))?
                }
                Request::Get(_) => unreachable!("tests tell, and do not ask"),
            }
        }
        super::super::service::meet_again(&wireguard).await?;
        let told = |one: device::configure::PeerStats| {
            let Peer { public_key, endpoint, keepalive, preshared_key, mut allowed_ips, .. } = one.peer;
            let name = if public_key.as_bytes()[0] == 1 { "A" } else { "B" };
            allowed_ips.sort();
            let networks: Vec<_> = allowed_ips.iter().map(ToString::to_string).collect();
            format!("{name} {endpoint:?} {keepalive:?} {} {}", preshared_key.is_some(), networks.join(","))
        };
        let mut lines: Vec<_> = wireguard.peers().await.into_iter().map(told).collect();
        lines.sort();
        Ok(lines.join("\n"))
    }

    fn keyed(rest: &str) -> String {
        format!("set=1\nprivate_key={}\n{rest}", "07".repeat(32))
    }

    #[tokio::test]
    async fn what_is_not_named_of_a_peer_stays() {
        let begin = keyed(&format!(
            "public_key={A}\npreshared_key={B}\nendpoint=198.51.100.1:51820\npersistent_keepalive_interval=20\n\
             allowed_ip=10.200.0.0/16\nallowed_ip=fd00:200::/64\n"
        ));
        let whole = "A Some(198.51.100.1:51820) Some(20) true 10.200.0.0/16,fd00:200::/64";
        assert_eq!(after(std::slice::from_ref(&begin)).await.unwrap(), whole);
        let moved = format!("set=1\npublic_key={A}\nupdate_only=true\nendpoint=[2001:db8::1]:443\n");
        let elsewhere = whole.replace("198.51.100.1:51820", "[2001:db8::1]:443");
        assert_eq!(after(&[begin.clone(), moved]).await.unwrap(), elsewhere);
        let poorer = format!(
            "set=1\npublic_key={A}\npreshared_key={}\npersistent_keepalive_interval=0\nreplace_allowed_ips=true\n",
            "00".repeat(32)
        );
        assert_eq!(after(&[begin, poorer]).await.unwrap(), "A Some(198.51.100.1:51820) None false ");
    }

    #[tokio::test]
    async fn a_network_belongs_to_the_last_peer_that_it_was_given_to() {
        let begin = keyed(&format!(
            "public_key={A}\nallowed_ip=10.200.0.0/16\nallowed_ip=10.201.0.0/16\npublic_key={B}\n"
        ));
        let given = format!("set=1\npublic_key={B}\nallowed_ip=10.200.0.0/16\n");
        assert_eq!(
            after(&[begin.clone(), given.clone()]).await.unwrap(),
            "A None None false 10.201.0.0/16\nB None None false 10.200.0.0/16"
        );
        // What it lost, or let go, does not come back when another network of its is taken.
        let let_go = format!(
            "set=1\npublic_key={A}\nreplace_allowed_ips=true\nallowed_ip=10.202.0.0/16\nallowed_ip=10.203.0.0/16\n"
        );
        let taken = format!("set=1\npublic_key={B}\nallowed_ip=10.203.0.0/16\n");
        let all = "A None None false 10.202.0.0/16\nB None None false 10.200.0.0/16,10.203.0.0/16";
        assert_eq!(after(&[begin.clone(), given.clone(), let_go, taken]).await.unwrap(), all);
        // What the first has no more does not come back when it is told of something else.
        let other = format!("set=1\npublic_key={A}\npersistent_keepalive_interval=5\n");
        let both = "A None Some(5) false 10.201.0.0/16\nB None None false 10.200.0.0/16";
        assert_eq!(after(&[begin, given, other]).await.unwrap(), both);
    }

    #[tokio::test]
    async fn peers_are_removed_replaced_and_only_changed_where_they_are() {
        let begin = keyed(&format!("public_key={A}\npublic_key={B}\n"));
        let gone = format!("set=1\npublic_key={A}\nremove=true\n");
        assert_eq!(after(&[begin.clone(), gone.clone()]).await.unwrap(), "B None None false ");
        let unknown = format!("set=1\npublic_key={A}\nupdate_only=true\nallowed_ip=10.0.0.0/8\n");
        assert_eq!(after(&[begin.clone(), gone, unknown]).await.unwrap(), "B None None false ");
        let others = format!("set=1\nreplace_peers=true\npublic_key={A}\n");
        assert_eq!(after(&[begin, others]).await.unwrap(), "A None None false ");
    }

    #[tokio::test]
    async fn nonsense_is_refused() {
        let twice = keyed(&format!("public_key={A}\npublic_key={A}\n"));
        let keyless = format!("set=1\npublic_key={A}\n");
        for nonsense in [
            twice,
            keyless,
            keyed("protocol_version=2\n"),
            keyed("port=1\n"),
            "set=1\nlisten_port=x\n".into(),
            "set=1\nlisten_port=51820\n".into(),
            "set=1\nreplace_peers=true\n".into(),
        ] {
            assert!(after(std::slice::from_ref(&nonsense)).await.is_err(), "{nonsense}");
        }
    }
}
