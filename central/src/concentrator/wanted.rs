//! What WireGuard is to have: pure, from the schools and from who shook hands last.
//!
//! An address belongs to one key at a time. While a box changes its key both are peers, and the address follows whichever of
//! them shook hands last: forth when the box has changed, and back where it gave up. Until the next one did, it stays.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use preau::model::Uai;

use super::dump::{Dump, Network, network};
use crate::authority::{Peer, PeerKey};

/// What WireGuard is to have.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    peers: BTreeMap<String, Allowed>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Allowed {
    preshared: Option<String>,
    networks: BTreeSet<Network>,
}

impl Wanted {
    /// What `peers` are to have, when WireGuard has `dump`.
    pub(super) fn of(peers: &[Peer], dump: &Dump) -> Self {
        let mut wanted = BTreeMap::new();
        for peer in peers {
            let networks: BTreeSet<Network> =
                peer.addresses.iter().filter_map(|text| network(text)).collect();
            let changed = has_changed(peer, dump);
            let mut enter = |key: &PeerKey, has_them: bool| {
                let networks = if has_them { networks.clone() } else { BTreeSet::new() };
                wanted.insert(key.public.clone(), Allowed { preshared: key.preshared.clone(), networks });
            };
            enter(&peer.key, !changed);
            if let Some(next) = &peer.next {
                enter(next, changed);
            }
        }
        Self { peers: wanted }
    }

    /// Whether WireGuard has just this.
    pub(super) fn is_held(&self, dump: &Dump) -> bool {
        self.peers.len() == dump.peers.len()
            && self.peers.iter().all(|(public, allowed)| {
                let seen = dump.peers.get(public);
                seen.is_some_and(|seen| {
                    seen.networks == allowed.networks && seen.preshared == allowed.preshared
                })
            })
    }

    /// The same for `wg syncconf`, which leaves alone what stays as it is.
    pub(super) fn text(&self, private: &str, port: u16) -> String {
        let mut text = format!("[Interface]\nPrivateKey = {private}\nListenPort = {port}\n");
        for (public, Allowed { preshared, networks }) in &self.peers {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "[Peer]\nPublicKey = {public}\n");
            if let Some(preshared) = preshared {
                let _ = writeln!(text, "PresharedKey = {preshared}");
            }
            // `wg` takes no line without a network, and takes away what it had where there is no line.
            if !networks.is_empty() {
                let listed: Vec<String> =
                    networks.iter().map(|(address, length)| format!("{address}/{length}")).collect();
                let _ = writeln!(text, "AllowedIPs = {}", listed.join(", "));
            }
        }
        text
    }
}

/// The schools that were seen by the key they were about to change to, with that key.
pub(super) fn seen_by_next<'a>(peers: &'a [Peer], dump: &Dump) -> Vec<(&'a Uai, &'a str)> {
    let changed = peers.iter().filter(|peer| has_changed(peer, dump));
    changed.filter_map(|peer| Some((&peer.school, peer.next.as_ref()?.public.as_str()))).collect()
}

/// Whether the box of `peer` last shook hands by its next key. In one second, it is the next one: it is tried after the other.
fn has_changed(peer: &Peer, dump: &Dump) -> bool {
    let shook_hands = |key: &PeerKey| dump.peers.get(&key.public).map_or(0, |seen| seen.shook_hands);
    let next = peer.next.as_ref().map_or(0, shook_hands);
    next != 0 && next >= shook_hands(&peer.key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(public: &str) -> PeerKey {
        PeerKey { public: public.into(), preshared: Some(format!("shared-{public}")) }
    }

    fn peer(next: Option<&str>) -> Peer {
        let school = Uai::new("0809999Z").unwrap();
        let addresses = vec!["10.128.0.2/32".into(), "fd00:80::2/128".into()];
        Peer { school, addresses, key: key("own"), next: next.map(key) }
    }

    /// What WireGuard has when the two keys shook hands at these times.
    fn dump(own: u64, next: u64) -> Dump {
        let line = |public: &str, at: u64| format!("{public}\t(none)\t(none)\t(none)\t{at}\t0\t0\toff\n");
        Dump::read(&format!("x\ty\t1\toff\n{}{}", line("own", own), line("next", next))).unwrap()
    }

    #[test]
    fn an_address_follows_the_key_that_shook_hands_last() {
        for (own, next, expected) in [
            (0, 0, "own"),
            (100, 0, "own"),
            (100, 99, "own"),
            (100, 100, "next"),
            (100, 130, "next"),
            (0, 5, "next"),
        ] {
            let (peers, dump) = ([peer(Some("next"))], dump(own, next));
            let wanted = Wanted::of(&peers, &dump);
            for (public, allowed) in &wanted.peers {
                assert_eq!(!allowed.networks.is_empty(), public == expected, "{own} {next} {public}");
            }
            let seen: Vec<_> = seen_by_next(&peers, &dump);
            assert_eq!(seen.len(), usize::from(expected == "next"), "{own} {next}");
        }
    }

    #[test]
    fn a_school_without_another_key_is_one_peer_with_its_own_addresses() {
        let wanted = Wanted::of(&[peer(None)], &dump(1, 2));
        assert_eq!(
            wanted.text("private", 51820),
            "[Interface]\nPrivateKey = private\nListenPort = 51820\n[Peer]\nPublicKey = own\n\
            PresharedKey = shared-own\nAllowedIPs = 10.128.0.2/32, fd00:80::2/128\n"
        );
        assert!(seen_by_next(&[peer(None)], &dump(1, 2)).is_empty());
        let both = Wanted::of(&[peer(Some("next"))], &dump(1, 0)).text("private", 51820);
        assert!(
            both.contains("PublicKey = next\nPresharedKey = shared-next\n[Peer]\nPublicKey = own"),
            "{both}"
        );
    }

    #[test]
    fn what_is_held_is_left_alone() {
        let wanted = Wanted::of(&[peer(None)], &dump(0, 0));
        let held = |networks: &str, preshared: &str| {
            let text = format!("x\ty\t1\toff\nown\t{preshared}\t(none)\t{networks}\t0\t0\t0\toff\n");
            wanted.is_held(&Dump::read(&text).unwrap())
        };
        assert!(held("fd00:80::2/128,10.128.0.2/32", "shared-own"));
        assert!(!held("10.128.0.2/32", "shared-own"));
        assert!(!held("fd00:80::2/128,10.128.0.2/32", "(none)"));
        assert!(!wanted.is_held(&dump(0, 0)), "one too many");
    }
}
