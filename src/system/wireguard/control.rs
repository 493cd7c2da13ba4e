//! The socket by which wg(8) asks and tells: WireGuard's cross-platform interface (wireguard.com/xplatform).
//!
//! The library reads and writes that language too, but where it is told of a change of a peer it makes the peer anew, and the
//! session is lost. Here it is kept.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    str::FromStr as _,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use gotatun::{
    device::{
        self, Peer,
        uapi::{
            UapiClient,
            command::{Request, Response, Set, SetPeer, SetUnset},
        },
    },
    x25519::{PublicKey, StaticSecret},
};
use nix::errno::Errno;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
    time::timeout,
};
use tracing::warn;

use super::WireGuard;

/// Where wg(8) looks for it.
const DIR: &str = "/var/run/wireguard";

/// The most that one connection may say, in bytes: some ten thousand peers.
const ASKED_BYTES_MAX: u64 = 4 << 20;

/// How long one connection may last.
const CONNECTION_MAX: Duration = Duration::from_secs(10);

/// The socket; its file goes with it.
pub(super) struct Control {
    path: PathBuf,
    changes: mpsc::Receiver<Change>,
    /// Held so that there is always somebody who may ask.
    _sender: mpsc::Sender<Change>,
}

/// Something that wg(8) wants otherwise.
pub(super) struct Change {
    wanted: Set,
    /// Takes the number of the error, 0 for none.
    done: oneshot::Sender<i32>,
}

impl Control {
    /// Answers for the interface of this name. What it has is asked of `asked`.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub(super) fn open(name: &str, asked: UapiClient) -> anyhow::Result<Self> {
        let path = Path::new(DIR).join(format!("{name}.sock"));
        let listener = listen(&path).with_context(|| format!("cannot make `{}`", path.display()))?;
        let (sender, changes) = mpsc::channel(1);
        let told = sender.clone();
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let answered = answer(stream, asked.clone(), told.clone());
                tokio::spawn(timeout(CONNECTION_MAX, answered));
            }
        });
        Ok(Self { path, changes, _sender: sender })
    }

    /// What is wanted otherwise next.
    pub(super) async fn next(&mut self) -> Change {
        match self.changes.recv().await {
            Some(change) => change,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(DIR)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    UnixListener::bind(path)
}

/// Answers what one connection asks: requests that end with an empty line.
async fn answer(stream: UnixStream, asked: UapiClient, told: mpsc::Sender<Change>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader.take(ASKED_BYTES_MAX)).lines();
    let mut request = String::new();
    while let Some(line) = lines.next_line().await? {
        if !line.is_empty() {
            request.push_str(&line);
            request.push('\n');
            continue;
        }
        let said = match Request::from_str(&std::mem::take(&mut request)) {
            Ok(Request::Get(get)) => match asked.send(get).await {
                Ok(Response::Get(has)) => has.to_string(),
                Ok(Response::Set(_)) | Err(_) => errno(Errno::EIO as i32),
            },
            Ok(Request::Set(wanted)) => {
                let (done, is_done) = oneshot::channel();
                // Whoever cannot be told any more is gone, and answers nothing either.
                let _ = told.send(Change { wanted, done }).await;
                errno(is_done.await.unwrap_or(Errno::EIO as i32))
            }
            Err(_) => errno(Errno::EINVAL as i32),
        };
        writer.write_all(format!("{said}\n").as_bytes()).await?;
    }
    Ok(())
}

fn errno(number: i32) -> String {
    format!("errno={number}\n")
}

impl Change {
    /// Makes it so, as far as nothing fails, and says how it went to whoever wanted it.
    pub(super) async fn carry_out(self, wireguard: &WireGuard) {
        let number = match apply(wireguard, self.wanted).await {
            Ok(()) => 0,
            Err(error) => {
                warn!(error = format!("{error:#}"), "WireGuard does not take what it is told");
                number_of(&error)
            }
        };
        let _ = self.done.send(number);
    }
}

/// The kernel's number where it refused, such as that of a port that is taken.
fn number_of(error: &anyhow::Error) -> i32 {
    let cause = match error.downcast_ref() {
        Some(device::Error::Bind(cause, _) | device::Error::IoError(cause)) => cause.raw_os_error(),
        Some(_) | None => None,
    };
    cause.unwrap_or(Errno::EINVAL as i32)
}

async fn apply(wireguard: &WireGuard, wanted: Set) -> anyhow::Result<()> {
    let Set { private_key, listen_port, fwmark, replace_peers, protocol_version, peers, .. } = wanted;
    ensure!(protocol_version.is_none_or(|version| version == "1"), "another version of the language");
    let mut keys = HashSet::new();
    ensure!(peers.iter().all(|one| keys.insert(one.peer.public_key.0)), "a peer is named twice");
    // The key and the socket are there once this one is dropped, and peers need them.
    wireguard
        .write(async |device| {
            if let Some(mark) = fwmark {
                let mark = if let SetUnset::Set(mark) = mark { mark.get() } else { 0 };
                device.set_fwmark(mark)?;
            }
            if let Some(port) = listen_port {
                device.set_listen_port(port);
            }
            if let Some(key) = private_key {
                device.set_private_key(StaticSecret::from(key.0)).await;
            }
            Ok::<_, device::Error>(())
        })
        .await??;
    wireguard
        .write(async |device| {
            ensure!(peers.is_empty() || device.private_key().is_some(), "peers need a private key first");
            if replace_peers {
                device.clear_peers();
            }
            let known = device.peers().await;
            let mut owners = HashMap::new();
            for one in &known {
                owners.extend(one.peer.allowed_ips.iter().map(|network| (*network, one.peer.public_key)));
            }
            let mut known: HashSet<_> = known.iter().map(|one| one.peer.public_key).collect();
            for one in peers {
                let key = PublicKey::from(one.peer.public_key.0);
                if one.remove {
                    device.remove_peer(&key).await;
                    known.remove(&key);
                    owners.retain(|_, owner| *owner != key);
                    continue;
                }
                if one.update_only && !known.contains(&key) {
                    continue;
                }
                if one.replace_allowed_ips {
                    owners.retain(|_, owner| *owner != key);
                }
                // A network has one owner: whoever had it before loses it.
                let taken = one.peer.allowed_ip.iter().filter_map(|network| owners.insert(*network, key));
                let robbed: HashSet<_> = taken.filter(|owner| *owner != key).collect();
                for other in robbed {
                    let left: Vec<_> = owners
                        .iter()
                        .filter(|(_, owner)| **owner == other)
                        .map(|(network, _)| *network)
                        .collect();
                    device
                        .modify_peer(&other, |peer| {
                            peer.clear_allowed_ips();
                            peer.add_allowed_ips(left);
                        })
                        .await;
                }
                if known.insert(key) {
                    device.add_peer(Peer::new(key));
                }
                device.modify_peer(&key, |peer| change(peer, one)).await;
            }
            Ok(())
        })
        .await?
}

/// Changes what is named of a peer, and leaves the rest.
fn change(peer: &mut device::configure::PeerMut, wanted: SetPeer) {
    let replaces = wanted.replace_allowed_ips;
    let wanted = wanted.peer;
    if let Some(shared) = wanted.preshared_key {
        peer.set_preshared_key(if let SetUnset::Set(key) = shared { Some(key.0) } else { None });
    }
    if let Some(endpoint) = wanted.endpoint {
        peer.set_endpoint(Some(endpoint));
    }
    if let Some(seconds) = wanted.persistent_keepalive_interval {
        peer.set_keepalive(Some(seconds).filter(|seconds| *seconds > 0));
    }
    if replaces {
        peer.clear_allowed_ips();
    }
    peer.add_allowed_ips(wanted.allowed_ip);
}
