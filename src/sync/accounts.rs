//! The deliveries of accounts that the channel brings: opened with the box's own key, and laid before the register, each
//! once and in order.
//!
//! `<state_dir>/central/accounts.json` says which were received. A delivery counts as received once the register has it
//! whole; whoever is killed in between lays the same before it again, and the register knows it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::spawn_blocking, time};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    channel::{Refusal, Targets, Why},
    in_force,
    keeping::Kept,
};
use crate::{
    identity::feed::Format,
    model::Uai,
    protocol::{
        delivery::{self, Delivery},
        index,
        line::Refused,
        names::Role,
        sealing,
    },
    system::files,
};

/// When what failed is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

/// Lays a delivery before the register, whole or not at all; the error is for central's technicians and names nobody.
pub type Stage = Arc<dyn Fn(&Delivery) -> anyhow::Result<()> + Send + Sync>;

/// What of the accounts was received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountsInForce {
    /// The sequence of the last delivery that the register has; 0 before the first.
    pub number: u64,
    /// Why a later one was not taken, if so.
    pub refused: Option<Refused>,
}

/// What was received, as it lies on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Received {
    sequence: u64,
    /// The last one of each origin: what a change must be a change to.
    origins: BTreeMap<String, u64>,
}

/// Looks after the accounts.
pub struct Accounts {
    path: PathBuf,
    school: Uai,
    key: [u8; 32],
    stage: Stage,
    received: Received,
    told: watch::Sender<AccountsInForce>,
}

impl Accounts {
    /// What was received before the restart still is.
    ///
    /// # Errors
    /// When the box's key is none, or the disk refuses.
    pub fn open(state_dir: &Path, kept: &Kept, school: &Uai, stage: Stage) -> anyhow::Result<Self> {
        let key = STANDARD.decode(kept.sealing_key()).ok().and_then(|key| <[u8; 32]>::try_from(key).ok());
        Self::with_key(state_dir, school, key.context("the key that accounts are sealed to is none")?, stage)
    }

    fn with_key(state_dir: &Path, school: &Uai, key: [u8; 32], stage: Stage) -> anyhow::Result<Self> {
        let path = in_force::central_dir(state_dir).join("accounts.json");
        let received: Received = match fs::read(&path) {
            // Then everything that the view names is laid before the register once more, in order.
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|_| {
                warn!("what was received of the accounts cannot be read; it is taken again");
                Received::default()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Received::default(),
            Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        };
        let told = watch::Sender::new(AccountsInForce { number: received.sequence, refused: None });
        Ok(Self { path, school: school.clone(), key, stage, received, told })
    }

    /// What was received; told once the register has it.
    #[must_use]
    pub fn in_force(&self) -> watch::Receiver<AccountsInForce> {
        self.told.subscribe()
    }

    /// Takes each delivery that the view names, until the stop signal.
    ///
    /// # Errors
    /// Never: what cannot be taken is told, and tried again.
    pub async fn serve(
        mut self,
        mut targets: watch::Receiver<Option<Targets>>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        loop {
            let view = targets.borrow_and_update().clone();
            let taking = async {
                match view {
                    Some(view) => self.take(&view).await,
                    None => Ok(()),
                }
            };
            // What is laid before the register is not left half way: the next view waits for it.
            let failed = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                taken = taking => taken.is_err(),
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = targets.changed() => if changed.is_err() {
                    stop.cancelled().await;
                    return Ok(());
                },
                () = time::sleep(RETRY_AFTER), if failed => {}
            }
        }
    }

    /// Takes what the view names beyond what was received, and tells what came of it.
    async fn take(&mut self, view: &Targets) -> Result<(), Refusal> {
        let index = match view.accounts().await {
            Ok(index) => index,
            // The académie has delivered none yet.
            Err(refusal) if refusal.why == Why::NotForUs => return Ok(()),
            Err(refusal) => return self.tell(0, Err(refusal)),
        };
        if let Err(refusal) = self.in_order(&index) {
            return self.tell(index.deliveries.last().map_or(0, |last| last.sequence), Err(refusal));
        }
        for named in index.deliveries {
            if named.sequence <= self.received.sequence {
                continue;
            }
            let taken = self.bring(view, &named).await;
            self.tell(named.sequence, taken)?;
        }
        // What was refused and is not named any more is no trouble any more.
        let number = self.received.sequence;
        self.tell(number, Ok(()))
    }

    /// Whether the index counts up, and not to less than was received.
    fn in_order(&self, index: &index::Accounts) -> Result<(), Refusal> {
        if !index.deliveries.is_sorted_by(|one, next| one.sequence < next.sequence) {
            return Err(refusal(Why::Unreadable, "the deliveries of accounts are not in order"));
        }
        let Some(last) = index.deliveries.last() else { return Ok(()) };
        let known = self.received.sequence;
        if last.sequence < known {
            let sentence =
                format!("delivery {} of accounts is older than {known}, which was received", last.sequence);
            return Err(refusal(Why::Rollback, sentence));
        }
        Ok(())
    }

    /// Fetches one delivery, opens it, and lays it before the register.
    async fn bring(&mut self, view: &Targets, named: &index::Delivery) -> Result<(), Refusal> {
        if named.sealed_to != self.fingerprint()? {
            let sentence =
                "the delivery is sealed to the box before this one; give the feed once more at central";
            return Err(refusal(Why::NotForUs, sentence));
        }
        if view.length(Role::Accounts, &named.target)? > sealing::SEALED_BYTES_MAX {
            return Err(refusal(Why::TooLarge, "the delivery is longer than any school's"));
        }
        let path = view.fetch(Role::Accounts, &named.target).await?;
        let sealed = fs::read(path)?;
        self.lay(sealed, named).await
    }

    /// Opens what was fetched, and lays it before the register.
    async fn lay(&mut self, sealed: Vec<u8>, named: &index::Delivery) -> Result<(), Refusal> {
        let (school, key, sequence) = (self.school.clone(), self.key, named.sequence);
        let (stage, received, is_complete) = (Arc::clone(&self.stage), self.received.clone(), named.complete);
        let work = spawn_blocking(move || -> Result<&'static str, Refusal> {
            let opened = sealing::open(&sealed, &school, sequence, &key)
                .and_then(|text| delivery::read(&text))
                .map_err(|error| refusal(Why::Unreadable, error.to_string()))?;
            let origin = checked(&opened, &school, sequence, is_complete, &received)?;
            stage(&opened).map_err(|error| refusal(Why::Rules, format!("{error:#}")))?;
            Ok(origin)
        });
        let origin = work.await.map_err(|_| refusal(Why::Disk, "the daemon is stopping"))??;
        self.received.sequence = sequence;
        self.received.origins.insert(origin.to_owned(), sequence);
        let text = serde_json::to_vec(&self.received).map_err(io::Error::from)?;
        files::replace(&self.path, &text)?;
        Ok(())
    }

    fn fingerprint(&self) -> Result<String, Refusal> {
        sealing::fingerprint(&self.key).map_err(|error| refusal(Why::Unreadable, error.to_string()))
    }

    fn tell(&self, number: u64, taken: Result<(), Refusal>) -> Result<(), Refusal> {
        let refused = taken.as_ref().err().map(|refusal| Refused {
            what: "accounts".to_owned(),
            number,
            why: refusal.why.word().to_owned(),
            sentence: refusal.sentence.clone(),
        });
        let told = AccountsInForce { number: self.received.sequence, refused };
        self.told.send_if_modified(|before| {
            let is_new = *before != told;
            if is_new {
                match &told.refused {
                    Some(refused) => warn!(number, why = refused.why, "a delivery of accounts was not taken"),
                    None => info!(number, "a delivery of accounts was received"),
                }
                *before = told;
            }
            is_new
        });
        taken
    }
}

/// The origin of the delivery, where it is what the index says and follows upon what was received.
fn checked(
    delivery: &Delivery,
    school: &Uai,
    sequence: u64,
    is_complete: bool,
    received: &Received,
) -> Result<&'static str, Refusal> {
    let header = &delivery.header;
    if header.school != school.as_str() {
        return Err(refusal(Why::NotForUs, "the delivery is another school's"));
    }
    if header.sequence != sequence || header.base.is_none() != is_complete {
        return Err(refusal(Why::Mixed, "the delivery is another one than its index says"));
    }
    let origin = header.format.parse::<Format>().map_err(|error| refusal(Why::Unreadable, error))?.origin();
    let known = received.origins.get(origin).copied();
    if let Some(base) = header.base
        && known != Some(base)
    {
        let known = known.map_or("none".to_owned(), |known| known.to_string());
        let sentence = format!(
            "delivery {sequence} is a change to {base}, and this box has {known}; it needs a complete one"
        );
        return Err(refusal(Why::Missing, sentence));
    }
    Ok(origin)
}

fn refusal(why: Why, sentence: impl Into<String>) -> Refusal {
    Refusal { why, sentence: sentence.into() }
}

#[cfg(test)]
mod tests;
