//! The lists of sites that the channel brings: by the shortest way from the edition that is here, into the table that the
//! judge asks.
//!
//! ```text
//! <state_dir>/central/lists/edition-<number>/    the edition that the table was made of
//!                           categories.table     the table, and its names file beside it
//!                           in-force             the number of that edition, as text
//! ```
//!
//! A new edition is made beside the old one and checked against the digest that was signed; the table replaces the one
//! before in one step, and only then the number. Whoever is killed in between makes the same again.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tokio::{sync::watch, task::spawn_blocking, time};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    channel::{Refusal, Targets, Why},
    in_force,
};
use crate::{
    lists::{
        self, OnProtected, Options,
        edition::{Manifest, apply_difference, read_whole},
    },
    protocol::{
        index::{self, Difference},
        line::Refused,
        names::Role,
    },
    system::{files, priority},
};

/// When what failed is tried again.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(15 * 60);

/// Differences that are taken one after the other at most; beyond that the whole is the shorter way.
const STEPS_MAX: usize = 40;

/// What of the lists is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListsInForce {
    /// The number of the edition; 0 before the first.
    pub number: u64,
    /// Why a newer one was not taken, if so.
    pub refused: Option<Refused>,
}

/// Looks after the lists.
#[derive(Debug)]
pub struct Lists {
    state_dir: PathBuf,
    in_force: watch::Sender<ListsInForce>,
}

/// How an edition comes to be.
enum Way {
    /// From the one that is here, by these.
    Differences(PathBuf, Vec<Difference>),
    /// All of it.
    Whole,
}

impl Lists {
    /// What was in force before the restart still is.
    #[must_use]
    pub fn open(state_dir: &Path) -> Self {
        let number = read_number(state_dir).unwrap_or(0);
        let in_force = watch::Sender::new(ListsInForce { number, refused: None });
        Self { state_dir: state_dir.to_owned(), in_force }
    }

    /// What is in force; told once the table has been replaced.
    #[must_use]
    pub fn in_force(&self) -> watch::Receiver<ListsInForce> {
        self.in_force.subscribe()
    }

    /// Takes each edition that the view names, until the stop signal.
    ///
    /// # Errors
    /// Never: what cannot be taken is told, and tried again.
    pub async fn serve(
        self,
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
            let failed = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                // A newer view may name another edition; what was fetched so far is kept.
                changed = targets.changed() => match changed {
                    Ok(()) => continue,
                    // The channel has ended, and this ends with it.
                    Err(_) => {
                        stop.cancelled().await;
                        return Ok(());
                    }
                },
                taken = taking => taken.is_err(),
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = targets.changed() => {}
                () = time::sleep(RETRY_AFTER), if failed => {}
            }
        }
    }

    /// Takes the edition that the view names, and tells what came of it.
    async fn take(&self, view: &Targets) -> Result<(), Refusal> {
        let index = match view.lists().await {
            Ok(index) => index,
            // The académie has published none yet.
            Err(refusal) if refusal.why == Why::NotForUs => return Ok(()),
            Err(refusal) => return self.tell(0, Err(refusal)),
        };
        let number = index.edition.number;
        let known = self.in_force.borrow().number;
        if number == known {
            return self.tell(number, Ok(()));
        }
        if number < known {
            let sentence = format!("edition {number} of the lists is older than {known}, which is in force");
            return self.tell(number, Err(Refusal { why: Why::Rollback, sentence }));
        }
        let taken = self.bring(view, &index).await;
        self.tell(number, taken)
    }

    fn tell(&self, number: u64, taken: Result<(), Refusal>) -> Result<(), Refusal> {
        let refused = taken.as_ref().err().map(|refusal| Refused {
            what: "lists".to_owned(),
            number,
            why: refusal.why.word().to_owned(),
            sentence: refusal.sentence.clone(),
        });
        match &refused {
            Some(refused) => warn!(number, why = refused.why, "an edition of the lists was not taken"),
            None => info!(number, "the edition of the lists is in force"),
        }
        self.in_force.send_if_modified(|in_force| {
            let number = if refused.is_none() { number } else { in_force.number };
            let told = ListsInForce { number, refused };
            let is_new = *in_force != told;
            *in_force = told;
            is_new
        });
        taken
    }

    /// Fetches the edition, checks it, and makes the table of it.
    async fn bring(&self, view: &Targets, index: &index::Lists) -> Result<(), Refusal> {
        let edition = &index.edition;
        if let Way::Differences(before, steps) = self.way(view, index)? {
            match self.by_differences(view, before, &steps).await {
                Ok(()) => return self.put_into_force(edition.number).await,
                // The room is the same for the whole; anything else may be the differences' own fault.
                Err(refusal) if refusal.why == Why::NoRoom => return Err(refusal),
                Err(refusal) => warn!(%refusal, "the differences lead nowhere, the whole edition is fetched"),
            }
        }
        let path = view.fetch(Role::Lists, &edition.target).await?;
        let (digest, dir) = (edition.digest.clone(), self.dir(edition.number));
        make(dir, move |dir| read_whole(fs::File::open(&path)?, &digest, dir)).await?;
        self.put_into_force(edition.number).await
    }

    /// The shortest way to the edition.
    fn way(&self, view: &Targets, index: &index::Lists) -> Result<Way, Refusal> {
        let known = self.in_force.borrow().number;
        let before = self.dir(known);
        if known == 0 || !matches!(Manifest::of(&before), Ok(Some(_))) {
            return Ok(Way::Whole);
        }
        let (mut steps, mut at, mut bytes) = (Vec::new(), known, 0_u64);
        while at != index.edition.number {
            let next = index.differences.iter().find(|way| way.from == at && way.to > at);
            let Some(next) = next.filter(|_| steps.len() < STEPS_MAX) else { return Ok(Way::Whole) };
            bytes = bytes.saturating_add(view.length(Role::Lists, &next.target)?);
            at = next.to;
            steps.push(next.clone());
        }
        let is_shorter = bytes < view.length(Role::Lists, &index.edition.target)?;
        Ok(if is_shorter { Way::Differences(before, steps) } else { Way::Whole })
    }

    async fn by_differences(
        &self,
        view: &Targets,
        mut before: PathBuf,
        steps: &[Difference],
    ) -> Result<(), Refusal> {
        for step in steps {
            let path = view.fetch(Role::Lists, &step.target).await?;
            let (digest, dir, from) = (step.digest.clone(), self.dir(step.to), before);
            make(dir.clone(), move |dir| apply_difference(&from, fs::File::open(&path)?, &digest, dir))
                .await?;
            before = dir;
        }
        Ok(())
    }

    /// Makes the table of an edition that is here, and forgets the others.
    async fn put_into_force(&self, number: u64) -> Result<(), Refusal> {
        let (state_dir, dir) = (self.state_dir.clone(), self.dir(number));
        let made = spawn_blocking(move || -> anyhow::Result<()> {
            priority::lower_this_thread();
            build(&state_dir, &dir)?;
            files::replace(&number_path(&state_dir), format!("{number}\n").as_bytes())?;
            forget_others(&state_dir, &dir);
            Ok(())
        });
        made.await.map_err(anyhow::Error::from).and_then(|made| made).map_err(of_making)
    }

    fn dir(&self, number: u64) -> PathBuf {
        lists_dir(&self.state_dir).join(format!("edition-{number}"))
    }
}

/// Makes an edition in `dir`, from nothing.
async fn make(
    dir: PathBuf,
    act: impl FnOnce(&Path) -> anyhow::Result<Manifest> + Send + 'static,
) -> Result<(), Refusal> {
    let made = spawn_blocking(move || -> anyhow::Result<()> {
        priority::lower_this_thread();
        clear(&dir)?;
        fs::create_dir_all(&dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
        let made = act(&dir);
        if made.is_err() {
            clear(&dir)?;
        }
        made.map(drop)
    });
    made.await.map_err(anyhow::Error::from).and_then(|made| made).map_err(of_making)
}

/// The table of the edition in `dir`. What shrank or grew was judged at the académie; a name that must stay open is left out
/// here once more, whoever listed it.
fn build(state_dir: &Path, dir: &Path) -> anyhow::Result<()> {
    let manifest = Manifest::of(dir)?.context("the edition is gone")?;
    let accept: BTreeSet<String> = manifest.categories.into_keys().collect();
    let options = Options { accept, on_protected: OnProtected::LeaveOut, ..Options::default() };
    let report = lists::build(dir, &in_force::categories_path(state_dir), &options)?;
    let refused: Vec<String> = report.refusals.iter().map(ToString::to_string).collect();
    anyhow::ensure!(refused.is_empty(), "{}", refused.join("; "));
    Ok(())
}

fn forget_others(state_dir: &Path, kept: &Path) {
    let entries = fs::read_dir(lists_dir(state_dir)).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()).filter(|path| path != kept && path.is_dir()) {
        // It only takes room, and is tried again with the next edition.
        let _ = clear(&path);
    }
}

fn of_making(error: anyhow::Error) -> Refusal {
    let full = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(|cause| {
        matches!(cause.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
    });
    Refusal { why: if full { Why::NoRoom } else { Why::Unreadable }, sentence: format!("{error:#}") }
}

fn lists_dir(state_dir: &Path) -> PathBuf {
    in_force::central_dir(state_dir).join("lists")
}

fn number_path(state_dir: &Path) -> PathBuf {
    lists_dir(state_dir).join("in-force")
}

/// The edition in force; none where there is no table of it.
fn read_number(state_dir: &Path) -> Option<u64> {
    let text = fs::read_to_string(number_path(state_dir)).ok()?;
    text.trim().parse().ok().filter(|_| in_force::categories_path(state_dir).is_file())
}

fn clear(dir: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot clear `{}`", dir.display()))
        }
        _ => Ok(()),
    }
}
