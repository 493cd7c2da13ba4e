//! The tunnel as it is since the enrolment: parameters that central changed, and the box's keys inside.
//!
//! `<state_dir>/central/tunnel.json` is a JSON object: `of`, the fingerprint of the enrolment it belongs to; `told`, the version
//! of the parameters; `own`, a key with the tunnel's parameters for it; `next`, the same for the key the box is about to change
//! to. Both keys are on disk before anybody is told of them, so no power cut leaves central with a key that the box has
//! not.
//!
//! **How a key is changed.** Another key is made and kept as `next`; central accepts it beside the first and says what it shares
//! with each concentrator ([`TunnelInForce::next`]). Whoever holds the tunnel tries it, goes back to the first where it is not
//! answered, and says so where it is ([`Change::stands`]); then central drops the first, and `next` becomes `own`. A box that
//! finds neither answered goes on trying both: one of them counts, whatever was lost on the way.
//!
//! **When.** On central's order, or when the tunnel's own clock was wrong ([`Change::another`]): concentrators refuse what
//! lies before the last time they heard from a key, and after a start in 2099 that is all there is.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    client::{CallError, Client},
    enrol::{public_half, x25519},
    keeping::{self, Kept},
    returns::between,
};
use crate::protocol::enrolment::{TUNNEL_KEY_PATH, TUNNEL_PATH, Tunnel, TunnelKey, TunnelNow};

/// How long central may take to answer.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);

/// Over how long the boxes of a fleet ask for parameters that changed for all of them.
const SPREAD: Duration = Duration::from_secs(20);

/// The wait after a request that failed, at first and at most; each is twice the one before.
const RETRY_MIN: Duration = Duration::from_secs(5);
const RETRY_MAX: Duration = Duration::from_secs(300);

/// A key of the box, and the tunnel's parameters for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyed {
    /// The private key, in base64. Secret.
    pub key: String,
    /// The tunnel; none where the académie has none.
    pub tunnel: Option<Tunnel>,
}

/// The tunnel as the box is to hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TunnelInForce {
    /// By the key it has.
    pub own: Keyed,
    /// By the key it is about to change to, once central accepts it.
    pub next: Option<Keyed>,
}

/// Without the key.
impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyed")
    }
}

/// `tunnel.json`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    of: String,
    told: u64,
    own: Keyed,
    next: Option<Next>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Next {
    /// Whether central has accepted it.
    accepted: bool,
    keyed: Keyed,
}

/// What is wished of the keys; numbers count wishes.
#[derive(Clone, Debug, Default)]
struct Wishes {
    another: u64,
    stands: Option<String>,
}

/// Says what is to become of the box's keys. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Change(watch::Sender<Wishes>);

impl Change {
    /// Has another key made and accepted.
    pub fn another(&self) {
        self.0.send_modify(|wishes| wishes.another += 1);
    }

    /// Says that a concentrator has answered to the private key `key`, which was the next one.
    pub fn stands(&self, key: &str) {
        self.0.send_modify(|wishes| wishes.stands = Some(key.to_owned()));
    }
}

/// Keeps the tunnel's keys and parameters as central has them.
#[derive(Debug)]
pub struct Tunnels {
    state_dir: PathBuf,
    of: String,
    client: Client,
    wishes: watch::Sender<Wishes>,
    in_force: watch::Sender<Arc<TunnelInForce>>,
    done: watch::Sender<u64>,
}

/// The tunnel as the box of `kept` last had it.
///
/// # Errors
/// When the file is there but cannot be read.
pub fn read(state_dir: &std::path::Path, kept: &Kept) -> anyhow::Result<TunnelInForce> {
    Ok(in_force(&written(state_dir, kept)?))
}

fn written(state_dir: &std::path::Path, kept: &Kept) -> anyhow::Result<Written> {
    let of = blake3::hash(kept.sealing_key().as_bytes()).to_hex().to_string();
    let read: Option<Written> = keeping::read_file(&keeping::tunnel_path(state_dir))?;
    // What another enrolment left is for keys that are gone.
    Ok(read.filter(|read| read.of == of).unwrap_or_else(|| {
        let own = Keyed { key: kept.tunnel_key().to_owned(), tunnel: kept.tunnel.clone() };
        Written { of, told: 0, own, next: None }
    }))
}

fn in_force(written: &Written) -> TunnelInForce {
    let next = written.next.as_ref().filter(|next| next.accepted).map(|next| next.keyed.clone());
    TunnelInForce { own: written.own.clone(), next }
}

impl Tunnels {
    /// Those of the box of `kept`.
    ///
    /// # Errors
    /// When what is on disk cannot be read.
    pub fn open(state_dir: PathBuf, kept: &Kept, client: Client) -> anyhow::Result<Self> {
        let written = written(&state_dir, kept)?;
        let in_force = watch::Sender::new(Arc::new(in_force(&written)));
        let (wishes, done) = (watch::Sender::default(), watch::Sender::default());
        Ok(Self { state_dir, of: written.of, client, wishes, in_force, done })
    }

    /// The tunnel as the box is to hold it.
    #[must_use]
    pub fn in_force(&self) -> watch::Receiver<Arc<TunnelInForce>> {
        self.in_force.subscribe()
    }

    /// What says that a key is to be changed, or was.
    #[must_use]
    pub fn change(&self) -> Change {
        Change(self.wishes.clone())
    }

    /// Carries out central's order to make another key: whether it was accepted within `wait_max`.
    pub fn on_order(&self) -> impl Fn(Duration) -> BoxFuture<'static, bool> + Send + Sync + use<> {
        let (change, done) = (self.change(), self.done.subscribe());
        move |wait_max| {
            let (change, mut done) = (change.clone(), done.clone());
            Box::pin(async move {
                done.mark_unchanged();
                change.another();
                matches!(timeout(wait_max, done.changed()).await, Ok(Ok(())))
            })
        }
    }

    /// Keeps them for as long as the box runs; the live line tells by `told` which parameters there are. Whatever fails is tried
    /// again.
    ///
    /// # Errors
    /// None; it ends with `stop`.
    pub async fn serve(self, told: watch::Receiver<u64>, stop: CancellationToken) -> anyhow::Result<()> {
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            () = self.go_on(told) => Ok(()),
        }
    }

    async fn go_on(&self, mut told: watch::Receiver<u64>) {
        let mut wishes = self.wishes.subscribe();
        let (mut made, mut retry) = (0, RETRY_MIN);
        loop {
            let (version, wished) = (*told.borrow_and_update(), wishes.borrow_and_update().clone());
            let wait = match self.work(version, &wished, &mut made).await {
                Ok(()) => {
                    retry = RETRY_MIN;
                    None
                }
                Err(cause) => {
                    warn!(
                        cause = format!("{cause:#}"),
                        "the tunnel's parameters are not those of central yet"
                    );
                    let wait = between(retry / 2, retry);
                    retry = (retry * 2).min(RETRY_MAX);
                    Some(wait)
                }
            };
            tokio::select! {
                () = async { match wait { Some(wait) => sleep(wait).await, None => std::future::pending().await } } => {}
                Ok(()) = told.changed(), if wait.is_none() => sleep(between(Duration::ZERO, SPREAD)).await,
                // The sender lives in `self`.
                Ok(()) = wishes.changed() => retry = RETRY_MIN,
            }
        }
    }

    /// Does what is due: a key that stands is told, another one made, parameters asked for.
    async fn work(&self, version: u64, wished: &Wishes, made: &mut u64) -> anyhow::Result<()> {
        let mut written = self.read_again()?;
        let stands = written.next.clone().filter(|next| wished.stands.as_ref() == Some(&next.keyed.key));
        if let Some(next) = stands {
            let now = self.say(&next.keyed.key, true).await?;
            written = Written { told: now.version, own: keyed(next.keyed, now), next: None, ..written };
            self.keep(&written)?;
            info!("the tunnel goes on with its next key");
        }
        if *made != wished.another {
            let key = x25519()?;
            written.next = Some(Next { accepted: false, keyed: Keyed { key, tunnel: None } });
            self.keep(&written)?;
            *made = wished.another;
        }
        if version != 0 && version != written.told {
            self.ask(&mut written).await?;
        }
        if let Some(next) = written.next.clone().filter(|next| !next.accepted) {
            match self.say(&next.keyed.key, false).await {
                Ok(now) => {
                    written.next = Some(Next { accepted: true, keyed: keyed(next.keyed, now) });
                    self.keep(&written)?;
                    self.done.send_modify(|count| *count += 1);
                    info!("central accepts the tunnel's next key");
                }
                // What central does not take for good is not asked for again and again.
                Err(CallError::Refused { refusal, .. })
                    if refusal.code == "too-often" || refusal.code == "keys" =>
                {
                    warn!(code = refusal.code, "central does not accept another key for the tunnel");
                    written.next = None;
                    self.keep(&written)?;
                }
                Err(cause) => return Err(cause.into()),
            }
        }
        Ok(())
    }

    /// Asks for the parameters, for whichever key central has.
    async fn ask(&self, written: &mut Written) -> anyhow::Result<()> {
        let now: TunnelNow = self.client.get(TUNNEL_PATH, ANSWER_WAIT_MAX).await?;
        let is = |keyed: &Keyed| public_half(&keyed.key).is_ok_and(|public| public == now.key);
        if let Some(next) = written.next.clone().filter(|next| is(&next.keyed)) {
            // It was seen by the next key, and the answer that said so was lost.
            written.told = now.version;
            written.own = keyed(next.keyed, now);
            written.next = None;
        } else {
            anyhow::ensure!(is(&written.own), "central knows this box by a key that it never had");
            written.told = now.version;
            written.own = keyed(written.own.clone(), now);
            // Its parameters are asked for anew with it.
            if let Some(next) = &mut written.next {
                next.accepted = false;
            }
        }
        self.keep(written)?;
        info!("the tunnel's parameters are others");
        Ok(())
    }

    async fn say(&self, key: &str, stands: bool) -> Result<TunnelNow, CallError> {
        let unreadable = |error: anyhow::Error| CallError::Unreadable(error.to_string());
        let said = TunnelKey { key: public_half(key).map_err(unreadable)?, stands };
        let now: TunnelNow = self.client.post(TUNNEL_KEY_PATH, &said, ANSWER_WAIT_MAX).await?;
        if now.key == said.key { Ok(now) } else { Err(CallError::Unreadable("it is for another key".into())) }
    }

    /// What is on disk; this service alone writes it.
    fn read_again(&self) -> anyhow::Result<Written> {
        let read: Option<Written> = keeping::read_file(&keeping::tunnel_path(&self.state_dir))?;
        let TunnelInForce { own, .. } = (**self.in_force.borrow()).clone();
        Ok(read.filter(|read| read.of == self.of).unwrap_or_else(|| Written {
            of: self.of.clone(),
            told: 0,
            own,
            next: None,
        }))
    }

    /// Keeps it, and has the box hold it so.
    fn keep(&self, written: &Written) -> anyhow::Result<()> {
        keeping::write(&keeping::tunnel_path(&self.state_dir), written).context("cannot keep the tunnel")?;
        let now = in_force(written);
        self.in_force.send_if_modified(|known| {
            let is_other = **known != now;
            *known = Arc::new(now);
            is_other
        });
        Ok(())
    }
}

fn keyed(before: Keyed, now: TunnelNow) -> Keyed {
    Keyed { key: before.key, tunnel: now.tunnel }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_enrolment_left_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let first = keeping::enrolled("one", "key of one");
        let tunnel = read(dir.path(), &first).unwrap();
        assert_eq!((tunnel.own.key.as_str(), tunnel.next), ("key of one", None));
        let mut kept = written(dir.path(), &first).unwrap();
        kept.own.key = "another".into();
        let keyed = Keyed { key: "next".into(), tunnel: None };
        kept.next = Some(Next { accepted: false, keyed });
        keeping::write(&keeping::tunnel_path(dir.path()), &kept).unwrap();
        let tunnel = read(dir.path(), &first).unwrap();
        assert_eq!(tunnel.own.key, "another");
        assert_eq!(tunnel.next, None, "nobody is to try what central has not accepted");
        let other = keeping::enrolled("two", "key of two");
        assert_eq!(read(dir.path(), &other).unwrap().own.key, "key of two");
    }
}
