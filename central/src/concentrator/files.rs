//! The files of a WireGuard server that others run, for wg-quick and for systemd-networkd.
//!
//! They are whole: written again they are the same to the byte while nothing changed, and what did change is told by school.
//! The server's private key is not in them; they name the file beside which it lies.
//!
//! **A key that is being changed.** A file cannot move an address from one key to another at the moment the box does. So it has
//! the *next* key alone as soon as there is one: from the moment the file is taken up until the box tries that key, some
//! seconds, its tunnel to this server stands still.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use preau::system::files::replace_secret;

use crate::authority::{Concentrating, Peer};

/// Whose files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `INTERFACE.conf` for wg-quick(8).
    WgQuick,
    /// `INTERFACE.netdev` and `INTERFACE.network` for systemd-networkd(8).
    Networkd,
}

/// A file that was written, or was found as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where.
    pub path: PathBuf,
    /// What changed.
    pub change: Change,
}

/// What changed in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    New,
    /// Nothing.
    None,
    /// Something.
    Some {
        /// Whether it was outside the schools' parts.
        head: bool,
        /// Schools that were not in it.
        added: Vec<String>,
        /// Schools that are not in it any more.
        removed: Vec<String>,
        /// Schools whose keys or addresses are others.
        changed: Vec<String>,
    },
}

/// Writes the files of `concentrating` for `interface` into `out_dir`, each for its owner's eyes alone.
///
/// # Errors
/// When the name of the interface is none, or the folder is not there or refuses.
pub fn write(
    concentrating: &Concentrating,
    format: Format,
    interface: &str,
    out_dir: &Path,
) -> anyhow::Result<Vec<Written>> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    ensure!(
        (1..=15).contains(&interface.len()) && interface.bytes().all(plain),
        "`{interface}` is no name of an interface: 1 to 15 letters, digits, `-` and `_`"
    );
    ensure!(out_dir.is_dir(), "the folder `{}` is not there; make it first", out_dir.display());
    let files = match format {
        Format::WgQuick => vec![(format!("{interface}.conf"), wg_quick(concentrating)?)],
        Format::Networkd => vec![
            (format!("{interface}.netdev"), netdev(concentrating, interface)?),
            (format!("{interface}.network"), network(concentrating, interface)),
        ],
    };
    files.into_iter().map(|(name, text)| replace(out_dir.join(name), &text)).collect()
}

fn replace(path: PathBuf, text: &str) -> anyhow::Result<Written> {
    let shown = path.display();
    let before = match fs::read_to_string(&path) {
        Ok(before) => Some(before),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("cannot read `{shown}`")),
    };
    let change = before.as_deref().map_or(Change::New, |before| difference(before, text));
    if change == Change::None {
        let closed = fs::set_permissions(&path, fs::Permissions::from_mode(0o600));
        closed.with_context(|| format!("cannot close `{shown}` to others"))?;
    } else {
        replace_secret(&path, text.as_bytes()).with_context(|| format!("cannot write `{shown}`"))?;
    }
    Ok(Written { path, change })
}

/// What is said of each school stands behind a line with its code.
fn parts(text: &str) -> (String, BTreeMap<&str, String>) {
    let (mut head, mut schools, mut school) = (String::new(), BTreeMap::new(), None);
    for line in text.lines() {
        if let Some(code) = line.strip_prefix(SCHOOL) {
            school = Some(code);
        }
        match school {
            Some(code) => {
                let part: &mut String = schools.entry(code).or_default();
                part.push_str(line);
                part.push('\n');
            }
            None => {
                head.push_str(line);
                head.push('\n');
            }
        }
    }
    (head, schools)
}

fn difference(before: &str, after: &str) -> Change {
    if before == after {
        return Change::None;
    }
    let ((head_before, before), (head_after, after)) = (parts(before), parts(after));
    let codes = |of: &BTreeMap<&str, String>, other: &BTreeMap<&str, String>| -> Vec<String> {
        of.keys().filter(|code| !other.contains_key(*code)).map(|code| (*code).to_owned()).collect()
    };
    let is_other = |(code, part): (&&str, &String)| before.get(*code).is_some_and(|known| known != part);
    let changed = after.iter().filter(|entry| is_other((entry.0, entry.1)));
    Change::Some {
        head: head_before != head_after,
        added: codes(&after, &before),
        removed: codes(&before, &after),
        changed: changed.map(|(code, _)| (*code).to_owned()).collect(),
    }
}

/// What the line before a school's part begins with.
const SCHOOL: &str = "# school ";

const HEAD: &str = "# Written by `preau-central tunnel write`; what is changed here is lost the next time.\n";

fn port(concentrating: &Concentrating) -> anyhow::Result<&str> {
    let endpoint = &concentrating.concentrator.endpoint;
    endpoint.rsplit_once(':').map(|(_, port)| port).context("the concentrator's endpoint has no port")
}

/// Its own addresses, each with the length of its network: so that the whole network is routed to the interface.
fn addresses(concentrating: &Concentrating) -> Vec<String> {
    let Concentrating { addresses, prefixes, .. } = concentrating;
    let both = addresses.iter().zip(prefixes).filter_map(|(address, prefix)| {
        let ((address, _), (_, length)) = (address.split_once('/')?, prefix.split_once('/')?);
        Some(format!("{address}/{length}"))
    });
    both.collect()
}

fn wg_quick(concentrating: &Concentrating) -> anyhow::Result<String> {
    let mut text = format!(
        "{HEAD}# Concentrator {}. Its private key lies in /etc/wireguard/INTERFACE.key, mode 0600.\n\n\
        [Interface]\nListenPort = {}\nAddress = {}\nTable = off\n\
        PostUp = wg set %i private-key /etc/wireguard/%i.key\n",
        concentrating.concentrator.name,
        port(concentrating)?,
        addresses(concentrating).join(", ")
    );
    for peer in &concentrating.peers {
        part(&mut text, "[Peer]", peer);
    }
    Ok(text)
}

fn netdev(concentrating: &Concentrating, interface: &str) -> anyhow::Result<String> {
    let mut text = format!(
        "{HEAD}# Concentrator {}.\n\n[NetDev]\nName={interface}\nKind=wireguard\n\n[WireGuard]\nListenPort={}\n\
        PrivateKeyFile=/etc/systemd/network/{interface}.key\n",
        concentrating.concentrator.name,
        port(concentrating)?
    );
    for peer in &concentrating.peers {
        part(&mut text, "[WireGuardPeer]", peer);
    }
    Ok(text)
}

fn network(concentrating: &Concentrating, interface: &str) -> String {
    let mut text = format!("{HEAD}\n[Match]\nName={interface}\n\n[Network]\n");
    for address in addresses(concentrating) {
        let _ = writeln!(text, "Address={address}");
    }
    text
}

/// Writing to a `String` cannot fail.
fn part(text: &mut String, section: &str, peer: &Peer) {
    let key = peer.next.as_ref().unwrap_or(&peer.key);
    let _ = write!(text, "\n{SCHOOL}{}\n{section}\nPublicKey = {}\n", peer.school.as_str(), key.public);
    if let Some(preshared) = &key.preshared {
        let _ = writeln!(text, "PresharedKey = {preshared}");
    }
    // A line without a network is refused by both.
    if !peer.addresses.is_empty() {
        let _ = writeln!(text, "AllowedIPs = {}", peer.addresses.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use preau::model::Uai;

    use super::*;
    use crate::authority::{PeerKey, PlannedConcentrator};

    fn peer(school: &str, public: &str) -> Peer {
        let key = PeerKey { public: public.into(), preshared: Some("c2hhcmVk".into()) };
        let addresses = vec!["10.128.0.2/32".into(), "fd00:80::2/128".into()];
        Peer { school: Uai::new(school).unwrap(), addresses, key, next: None }
    }

    fn concentrating(peers: Vec<Peer>) -> Concentrating {
        let concentrator = PlannedConcentrator {
            name: "amiens".into(),
            key: "key".into(),
            endpoint: "tunnel.ac-exemple.example:51820".into(),
            networks: vec!["172.16.0.0/12".into()],
            tls: None,
        };
        Concentrating {
            concentrator,
            prefixes: vec!["10.128.0.0/14".into(), "fd00:80::/48".into()],
            addresses: vec!["10.128.0.1/32".into(), "fd00:80::1/128".into()],
            peers,
        }
    }

    #[test]
    fn files_are_for_their_owner_and_the_same_again_while_nothing_changed() {
        let dir = tempfile::tempdir().unwrap();
        let two = concentrating(vec![peer("0800001A", "one"), peer("0809999Z", "two")]);
        for format in [Format::WgQuick, Format::Networkd] {
            for expected in [Change::New, Change::None] {
                let written = write(&two, format, "preau0", dir.path()).unwrap();
                for file in written {
                    assert_eq!(file.change, expected, "{}", file.path.display());
                    assert_eq!(fs::metadata(&file.path).unwrap().permissions().mode() & 0o777, 0o600);
                }
            }
        }
        let conf = fs::read_to_string(dir.path().join("preau0.conf")).unwrap();
        assert!(conf.contains("ListenPort = 51820\nAddress = 10.128.0.1/14, fd00:80::1/48\n"), "{conf}");
        assert!(conf.contains(
            "# school 0809999Z\n[Peer]\nPublicKey = two\nPresharedKey = c2hhcmVk\n\
            AllowedIPs = 10.128.0.2/32, fd00:80::2/128\n"
        ));
        assert!(!conf.contains("PrivateKey ="), "{conf}");
    }

    #[test]
    fn what_changed_is_told_by_school() {
        let dir = tempfile::tempdir().unwrap();
        let (gone, stays, other) = (peer("0800001A", "a"), peer("0800002B", "b"), peer("0800003C", "c"));
        write(
            &concentrating(vec![gone, stays.clone(), other.clone()]),
            Format::WgQuick,
            "preau0",
            dir.path(),
        )
        .unwrap();
        let next = PeerKey { public: "next".into(), preshared: None };
        let after = vec![stays, Peer { next: Some(next), ..other }, peer("0800004D", "d")];
        let written = write(&concentrating(after), Format::WgQuick, "preau0", dir.path()).unwrap();
        let change = Change::Some {
            head: false,
            added: vec!["0800004D".into()],
            removed: vec!["0800001A".into()],
            changed: vec!["0800003C".into()],
        };
        assert_eq!(written[0].change, change);
        let conf = fs::read_to_string(&written[0].path).unwrap();
        assert!(conf.contains("PublicKey = next\nAllowedIPs") && !conf.contains("PublicKey = c\n"), "{conf}");
    }

    #[test]
    fn a_folder_that_is_not_there_and_a_name_that_is_none_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let said = |interface: &str, dir: &Path| {
            let written = write(&concentrating(Vec::new()), Format::WgQuick, interface, dir);
            format!("{:#}", written.unwrap_err())
        };
        assert!(said("preau0", &dir.path().join("nowhere")).contains("make it first"));
        for wrong in ["", "../preau", "a-name-that-is-too-long"] {
            assert!(said(wrong, dir.path()).contains("no name of an interface"), "{wrong}");
        }
    }
}
