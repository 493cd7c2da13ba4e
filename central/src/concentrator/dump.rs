//! What WireGuard has at the moment, as `wg show INTERFACE dump` says it.
//!
//! One line of the interface (private key, public key, port, mark), then one a peer (public key, shared key, endpoint, networks,
//! last handshake in Unix seconds, bytes received, bytes sent, keepalive), each in fields parted by tabs. `(none)` is none.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use anyhow::Context as _;

/// A network that is allowed to a peer.
pub(super) type Network = (IpAddr, u8);

/// What WireGuard has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dump {
    /// The interface's own public key; none before it was given one.
    pub(super) public: Option<String>,
    /// The port it listens at.
    pub(super) port: u16,
    /// The peers by their public keys.
    pub(super) peers: BTreeMap<String, Seen>,
}

/// A peer as WireGuard has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) preshared: Option<String>,
    pub(super) networks: BTreeSet<Network>,
    /// When it last shook hands, in seconds of Unix time; 0 for never.
    pub(super) shook_hands: u64,
}

impl Dump {
    pub(super) fn read(text: &str) -> anyhow::Result<Self> {
        let mut lines = text.lines();
        let own = lines.next().context("`wg` said nothing")?;
        let mut fields = own.split('\t').skip(1);
        let public = some(fields.next().context("`wg` did not say the key")?);
        let port = fields.next().and_then(|port| port.parse().ok()).context("`wg` did not say the port")?;
        let peers = lines.map(|line| peer(line).with_context(|| "`wg` said what is no peer"));
        Ok(Self { public, port, peers: peers.collect::<anyhow::Result<_>>()? })
    }
}

fn peer(line: &str) -> Option<(String, Seen)> {
    let fields: Vec<&str> = line.split('\t').collect();
    let &[public, preshared, _endpoint, networks, shook_hands, ..] = fields.as_slice() else { return None };
    let networks = match networks {
        "(none)" => BTreeSet::new(),
        listed => listed.split(',').map(network).collect::<Option<_>>()?,
    };
    let seen = Seen { preshared: some(preshared), networks, shook_hands: shook_hands.parse().ok()? };
    Some((public.to_owned(), seen))
}

/// A network such as `10.128.0.2/32`.
pub(super) fn network(text: &str) -> Option<Network> {
    let (address, length) = text.split_once('/')?;
    Some((address.parse().ok()?, length.parse().ok()?))
}

fn some(field: &str) -> Option<String> {
    (field != "(none)").then(|| field.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wg_says_is_read() {
        let text = "cHJpdmF0ZQ==\tcHVibGlj\t51820\toff\n\
            a2V5\tc2hhcmVk\t192.0.2.1:4711\t10.128.0.2/32,fd00:80::2/128\t1795132800\t12\t34\t25\n\
            b3RoZXI=\t(none)\t(none)\t(none)\t0\t0\t0\toff\n";
        let dump = Dump::read(text).unwrap();
        assert_eq!((dump.public.as_deref(), dump.port), (Some("cHVibGlj"), 51820));
        let seen = &dump.peers["a2V5"];
        assert_eq!((seen.preshared.as_deref(), seen.shook_hands), (Some("c2hhcmVk"), 1_795_132_800));
        assert!(seen.networks.contains(&network("fd00:80::2/128").unwrap()));
        let never = Seen { preshared: None, networks: BTreeSet::new(), shook_hands: 0 };
        assert_eq!(dump.peers["b3RoZXI="], never);
        let fresh = Dump::read("(none)\t(none)\t0\toff\n").unwrap();
        assert_eq!((fresh.public, fresh.peers.len()), (None, 0));
        for wrong in ["", "x", "a\tb\tc\td\n", "a\tb\t1\toff\nshort\tline\n"] {
            assert!(Dump::read(wrong).is_err(), "{wrong:?}");
        }
    }
}
