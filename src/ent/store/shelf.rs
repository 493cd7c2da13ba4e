//! The store as its owners use it.

use std::{
    fs::{self, File},
    ops::Range,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};

use anyhow::Context as _;
use bytes::Bytes;

use super::{
    combining,
    draft::{Draft, Part, Settled, Whole},
    edit::Entering,
    figures::Figures,
    growing::length_of,
    inside::Inside,
    kept::{BodyId, Held, Kept, Key},
    reading::{Reading, Stream},
};

/// Where a store lies and how much it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Its directory, of its own.
    pub dir: PathBuf,
    /// Bytes it may take on disk, the index included; from 16 MiB on. One response may take a quarter of it. Bodies that are
    /// being written come on top.
    pub quota_bytes: u64,
    /// Bytes of hot responses it may hold in memory; the index and bodies on their way take some MiB more.
    pub memory_bytes: usize,
}

/// A store of responses. Cloning is cheap; all clones are one store.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) inside: Arc<Inside>,
}

impl Store {
    /// The store in the directory of `settings`, with what it held. A damaged index is set aside and begun anew; where the
    /// disk fails the store is plain, and [`Self::serve`] tries it again.
    ///
    /// # Errors
    /// When another process has the store open.
    pub fn open(settings: &Settings) -> anyhow::Result<Self> {
        let Settings { dir, quota_bytes, memory_bytes } = settings;
        let lock_path = dir.join("lock");
        let lock = fs::create_dir_all(dir).and_then(|()| File::create(&lock_path)).ok();
        match lock.as_ref().map(File::try_lock) {
            Some(Err(fs::TryLockError::WouldBlock)) => {
                anyhow::bail!("another process uses the cache in `{}`", dir.display());
            }
            Some(Err(fs::TryLockError::Error(error))) => {
                return Err(error).with_context(|| format!("cannot lock `{}`", lock_path.display()));
            }
            Some(Ok(())) | None => {}
        }
        let inside = Inside::new(dir.clone(), *quota_bytes, *memory_bytes, lock);
        // What a kill left half written.
        let _ = fs::remove_dir_all(dir.join("drafts"));
        if let Err(failure) = inside.mend() {
            inside.disk_failed(&failure);
        }
        Ok(Self { inside: Arc::new(inside) })
    }

    /// What is kept under `key`, newest first, where memory knows it; none says nothing, ask [`Self::find`].
    #[must_use]
    pub fn at_hand(&self, key: &Key) -> Option<Arc<[Kept]>> {
        self.inside.entries.get(key)
    }

    /// What is kept under `key`, newest first; empty where nothing is.
    pub async fn find(&self, key: &Key) -> Arc<[Kept]> {
        if let Some(entry) = self.at_hand(key) {
            return entry;
        }
        let key = *key;
        self.apart(move |inside| inside.find(&key)).await.unwrap_or_default()
    }

    /// A body that is about to be written.
    #[must_use]
    pub fn begin(&self) -> Draft {
        Draft::new(&self.inside)
    }

    /// Keeps a response, in the place of `instead_of` where that is still there: it then has its rank as well. Its body is
    /// on the disk before the index names it. None where it is not kept: the disk fails or the response is too large.
    pub async fn keep(&self, key: &Key, whole: Whole, head: Bytes, instead_of: Option<u64>) -> Option<Kept> {
        let key = *key;
        let keep = move |inside: &Arc<Inside>| {
            let length = whole.0.length();
            let settled = inside.settle_body(whole.0, true)?;
            let (small, run) = match settled {
                Settled::Small(bytes) => (Some(bytes), None),
                Settled::Run(run, at_hand) => (None, Some((*run, at_hand))),
            };
            let (run, at_hand) = run.unzip();
            let parts = run.as_ref().map(|run| Held { from: 0, length, run: run.digest, run_from: 0 });
            let parts: Vec<Held> = parts.into_iter().collect();
            let named = run.as_ref().map(|run| (run.digest, run.length));
            let entering = Entering { key, head, length, parts, small, run: named };
            inside.enter(&entering, run.as_ref(), instead_of, at_hand.flatten())
        };
        self.apart(keep).await.flatten()
    }

    /// Keeps a range of a body. `onto` names the response, with the same strong validator, whose parts it joins: that one
    /// is replaced by one that holds both. Where ranges overlap, the later one's bytes count. None where it is not kept.
    pub async fn keep_part(&self, key: &Key, part: Part, head: Bytes, onto: Option<u64>) -> Option<Kept> {
        let key = *key;
        self.apart(move |inside| combining::keep_part(inside, key, part, head, onto)).await.flatten()
    }

    /// Replaces the head of a response; its body stays.
    pub async fn renew(&self, key: &Key, id: u64, head: Bytes) {
        let key = *key;
        self.apart(move |inside| inside.renew(&key, id, &head)).await;
    }

    /// Forgets one response under `key`, or all of them; a power cut does not bring it back. Whoever reads it goes on.
    pub async fn forget(&self, key: &Key, id: Option<u64>) {
        let key = *key;
        self.apart(move |inside| inside.forget(&key, id)).await;
    }

    /// The bytes `range` of a body, which must be held ([`BodyId::holds`]); what lies beyond its end is left out. To be
    /// called on the runtime.
    #[must_use]
    pub fn read(&self, body: &BodyId, range: Range<u64>) -> Reading {
        let Some(bytes) = &body.at_hand else {
            return Reading::Pieces(Stream::new(&self.inside, body, range));
        };
        let end = range.end.min(length_of(bytes));
        let [from, end] = [range.start.min(end), end].map(|at| usize::try_from(at).unwrap_or(bytes.len()));
        Reading::AtOnce(bytes.slice(from..end))
    }

    /// What it says of itself.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let counts = &self.inside.counts;
        Figures {
            objects: counts.objects.load(Ordering::Relaxed),
            bytes: counts.bytes.load(Ordering::Relaxed),
            evicted: counts.evicted.load(Ordering::Relaxed),
            damaged: counts.damaged.load(Ordering::Relaxed),
            refused: counts.refused.load(Ordering::Relaxed),
            is_plain: self.inside.is_plain(),
        }
    }

    /// Does `act` on a thread that may wait for the disk; it is done to its end even where nobody waits for it any more.
    async fn apart<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Arc<Inside>) -> T + Send + 'static,
    ) -> Option<T> {
        let inside = Arc::clone(&self.inside);
        tokio::task::spawn_blocking(move || act(&inside)).await.ok()
    }
}
