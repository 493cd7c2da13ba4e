//! Taking the policy: the index and all it names, whole on disk, accepted by the judge, and only then in force.
//!
//! ```text
//! <state_dir>/central/policy/draft/   being written, or waiting for the judge to accept it
//!                            7/       whole and in force
//!                            6/       the one before
//!                            keys     the keys that spoke for the one in force
//! ```
//!
//! Every step ends in a rename. A box that is cut off between two of them finds what it had, and does the step again.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use rustix::fs::{CWD, RenameFlags};

use super::{
    downloads::Downloads,
    metadata::read_small,
    refusal::{Refusal, Why},
    service::Check,
    source::Source,
    targets::known_version,
    trust::remove_dir,
    view::{View, Wanted},
};
use crate::{
    model::{Moment, Uai},
    protocol::{
        index,
        names::{self, Role},
    },
    sync::in_force,
    system::files,
};

/// The longest index or rules file, in bytes: what the reader of rules takes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The longest calendar, in bytes: what the reader of calendars takes.
const CALENDAR_BYTES_MAX: u64 = 1 << 24;

/// A view's policy: its number, and whether it was not in force before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) number: u64,
    pub(super) newly: bool,
}

/// Whoever takes policies.
#[derive(Clone)]
pub(super) struct Taker {
    pub(super) state_dir: PathBuf,
    pub(super) school: Uai,
    pub(super) check: Check,
    pub(super) downloads: Downloads,
}

/// An index that was read, with the bytes that were signed.
pub(super) struct Index {
    pub(super) policy: index::Policy,
    bytes: Bytes,
}

impl Taker {
    /// The view's index of our policy; none where the school was not given a policy yet. A view with another school's in the
    /// place of ours is refused.
    pub(super) async fn index(
        &self,
        sources: &[Source],
        view: &View,
        now: Moment,
    ) -> Result<Option<Index>, Refusal> {
        let wanted = match view.wanted(Role::Policy, &names::policy_index(&self.school), now) {
            Err(refusal) if refusal.why == Why::NotForUs && self.awaits_first(view) => return Ok(None),
            wanted => wanted?,
        };
        let bytes = self.bytes(sources, &wanted, FILE_BYTES_MAX, &self.known()).await?;
        let policy: index::Policy = serde_json::from_slice(&bytes).map_err(|error| {
            Refusal::new(Why::Unreadable, format!("the index of the policy cannot be read: {error}"))
        })?;
        known_version(policy.version)?;
        if policy.school != self.school.as_str() {
            return Err(Refusal::new(Why::NotForUs, "the index of the policy is another school's"));
        }
        if policy.documents.len() > in_force::DOCUMENTS_MAX {
            let sentence = format!("the policy has more than {} documents", in_force::DOCUMENTS_MAX);
            return Err(Refusal::new(Why::TooLarge, sentence));
        }
        Ok(Some(Index { policy, bytes }))
    }

    /// Whether the school has never been given a policy, as far as this view and this box know.
    fn awaits_first(&self, view: &View) -> bool {
        self.number_in_force().is_none() && view.holds(Role::Policy) && !view.names_others_than(&self.school)
    }

    /// Takes what the index names, and puts it into force if the judge accepts it.
    pub(super) async fn take(
        &self,
        sources: &[Source],
        view: &View,
        index: &Index,
        now: Moment,
    ) -> Result<Taken, Refusal> {
        let number = index.policy.number;
        let before = self.number_in_force();
        self.check_number(view, index, before)?;
        let contents = self.contents(sources, view, index, now).await?;
        let dir = in_force::policy_dir(&self.state_dir, number);
        if before == Some(number) && is_on_disk(&dir, &contents) {
            self.keep_keys(view)?;
            return Ok(Taken { number, newly: false });
        }
        let draft = self.dir().join("draft");
        if !is_on_disk(&draft, &contents) {
            self.write(&draft, &contents)?;
        }
        self.judge(&draft, index).await?;
        self.place(&draft, &dir)?;
        in_force::set_policy(&self.state_dir, number)?;
        self.keep_keys(view)?;
        self.prune(&[Some(number), before])?;
        Ok(Taken { number, newly: true })
    }

    /// The number in force; also where what it names is damaged.
    pub(super) fn number_in_force(&self) -> Option<u64> {
        fs::read_to_string(in_force::policy_current_path(&self.state_dir)).ok()?.trim().parse().ok()
    }

    /// The same number with another content is taken: the versions of the role guard it against being an old one.
    ///
    /// A policy goes back only where other keys speak for it: whoever stole the old ones may have counted up to the end.
    fn check_number(&self, view: &View, index: &Index, before: Option<u64>) -> Result<(), Refusal> {
        let number = index.policy.number;
        let Some(before) = before else { return Ok(()) };
        let same_keys =
            fs::read_to_string(self.keys_path()).is_ok_and(|keys| keys == view.keys(Role::Policy));
        if number < before && same_keys {
            let sentence = format!("the policy shown is number {number}, that in force {before}");
            return Err(Refusal::new(Why::Rollback, sentence));
        }
        Ok(())
    }

    /// The files of the policy, by the names they get on disk.
    async fn contents(
        &self,
        sources: &[Source],
        view: &View,
        index: &Index,
        now: Moment,
    ) -> Result<Vec<(String, Bytes)>, Refusal> {
        let known = self.known();
        let mut contents = vec![("policy.json".to_owned(), index.bytes.clone())];
        for (place, document) in index.policy.documents.iter().enumerate() {
            let wanted = view.wanted(Role::Policy, &document.target, now)?;
            let bytes = self.bytes(sources, &wanted, FILE_BYTES_MAX, &known).await?;
            contents.push((format!("{place:02}.toml"), bytes));
        }
        if let Some(calendar) = &index.policy.calendar {
            let wanted = view.wanted(Role::Policy, calendar, now)?;
            let bytes = self.bytes(sources, &wanted, CALENDAR_BYTES_MAX, &known).await?;
            contents.push(("calendrier.csv".to_owned(), bytes));
        }
        Ok(contents)
    }

    /// A target: from the disk where it lies there already, else from a source.
    async fn bytes(
        &self,
        sources: &[Source],
        wanted: &Wanted,
        bytes_max: u64,
        known: &HashMap<[u8; 32], Bytes>,
    ) -> Result<Bytes, Refusal> {
        match known.get(&wanted.sha256) {
            Some(bytes) => Ok(bytes.clone()),
            None => self.downloads.read(sources, wanted, bytes_max).await,
        }
    }

    /// What lies in the policies on disk, by digest.
    fn known(&self) -> HashMap<[u8; 32], Bytes> {
        let files = |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
        files(&self.dir())
            .filter(|path| path.is_dir())
            .flat_map(|dir| files(&dir).collect::<Vec<_>>())
            .filter_map(|path| read_small(&path, CALENDAR_BYTES_MAX).ok().flatten())
            .filter_map(|bytes| {
                Some((<[u8; 32]>::try_from(digest(&SHA256, &bytes).as_ref()).ok()?, Bytes::from(bytes)))
            })
            .collect()
    }

    fn write(&self, draft: &Path, contents: &[(String, Bytes)]) -> io::Result<()> {
        remove_dir(draft)?;
        fs::create_dir_all(draft)?;
        for (name, bytes) in contents {
            let mut file = File::create(draft.join(name))?;
            file.write_all(bytes)?;
            file.sync_all()?;
        }
        File::open(draft)?.sync_all()
    }

    /// Asks the judge about the draft.
    async fn judge(&self, draft: &Path, index: &Index) -> Result<(), Refusal> {
        let index = index.policy.clone();
        let policy = in_force::Policy {
            documents: (0..index.documents.len())
                .map(|place| draft.join(format!("{place:02}.toml")))
                .collect(),
            calendar: index.calendar.as_ref().map(|_| draft.join("calendrier.csv")),
            index,
        };
        let check = Arc::clone(&self.check);
        let judged = tokio::task::spawn_blocking(move || check(&policy)).await.map_err(io::Error::other)?;
        judged.map_err(|sentence| Refusal::new(Why::Rules, sentence))
    }

    /// Puts the draft where it belongs. What lies there under the same number (damaged, or another) goes in the same step:
    /// `current` may name it.
    fn place(&self, draft: &Path, dir: &Path) -> io::Result<()> {
        if dir.exists() {
            rustix::fs::renameat_with(CWD, draft, CWD, dir, RenameFlags::EXCHANGE)?;
            remove_dir(draft)?;
        } else {
            fs::rename(draft, dir)?;
        }
        File::open(self.dir())?.sync_all()
    }

    fn keep_keys(&self, view: &View) -> io::Result<()> {
        let keys = view.keys(Role::Policy);
        if fs::read_to_string(self.keys_path()).is_ok_and(|known| known == keys) {
            return Ok(());
        }
        files::replace(&self.keys_path(), keys.as_bytes())
    }

    /// Removes what is neither in force nor was before.
    fn prune(&self, kept: &[Option<u64>]) -> io::Result<()> {
        for entry in fs::read_dir(self.dir())? {
            let path = entry?.path();
            let number = path.file_name().and_then(|name| name.to_str()?.parse::<u64>().ok());
            if path.is_dir() && !kept.contains(&number) {
                remove_dir(&path)?;
            }
        }
        Ok(())
    }

    fn dir(&self) -> PathBuf {
        in_force::central_dir(&self.state_dir).join("policy")
    }

    fn keys_path(&self) -> PathBuf {
        self.dir().join("keys")
    }
}

/// Whether the directory holds exactly these files.
fn is_on_disk(dir: &Path, contents: &[(String, Bytes)]) -> bool {
    contents.iter().all(|(name, bytes)| fs::read(dir.join(name)).is_ok_and(|known| known == *bytes))
}
