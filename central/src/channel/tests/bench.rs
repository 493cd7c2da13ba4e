//! A central on a bench, and a box's client (`tough`) that reads what it publishes.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use preau::{
    model::{Moment, Uai},
    protocol::names::{self, Role},
    system::clock::Clock,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tough::{Repository, RepositoryLoader};
use url::Url;

use crate::{
    audit,
    bucket::{Bucket, Location},
    channel::{Channel, PART, Stored, Whose, found, metadata, objects::target_object},
    database::{Database, trial},
};

/// A central with a clock that is moved by hand, from today on: `tough` asks the machine's.
pub(super) struct Bench {
    pub(super) dir: TempDir,
    pub(super) database: Database,
    pub(super) channel: Channel,
    pub(super) ahead_seconds: Arc<AtomicI64>,
}

/// A box's client, which remembers what it has seen.
pub(super) struct Reader {
    pub(super) repository: PathBuf,
    datastore: TempDir,
    root: Bytes,
    school: Uai,
}

pub(super) fn uai(text: &str) -> Uai {
    Uai::new(text).unwrap()
}

impl Bench {
    pub(super) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ahead_seconds = Arc::new(AtomicI64::new(0));
        let clock = clock(&ahead_seconds);
        let database = open_database(&dir.path().join("central.sqlite")).await;
        found(&database, &dir.path().join("keys"), &dir.path().join("offline"), &clock).await.unwrap();
        let channel = open_channel(&dir, database.clone(), clock).await;
        Self { dir, database, channel, ahead_seconds }
    }

    pub(super) fn repository(&self) -> PathBuf {
        self.dir.path().join("repository")
    }

    pub(super) fn reader(&self, school: &Uai) -> Reader {
        Reader {
            repository: self.repository(),
            datastore: tempfile::tempdir().unwrap(),
            root: self.channel.first_root(),
            school: school.clone(),
        }
    }

    pub(super) async fn add(&self, school: &Uai) {
        let mut write = self.database.write().await.unwrap();
        Channel::add_school(&mut write, school).await.unwrap();
        write.commit().await.unwrap();
    }

    pub(super) async fn place(&self, whose: Whose<'_>, role: Role, name: &str, bytes: &str) {
        let stored = self.store(name, bytes).await;
        let mut write = self.database.write().await.unwrap();
        Channel::place(&mut write, whose, role, name, &stored).await.unwrap();
        write.commit().await.unwrap();
    }

    pub(super) async fn store(&self, name: &str, bytes: &str) -> Stored {
        self.channel.store(name, Bytes::copy_from_slice(bytes.as_bytes())).await.unwrap()
    }

    pub(super) async fn remove(&self, whose: Whose<'_>, role: Role, name: &str) {
        let mut write = self.database.write().await.unwrap();
        Channel::remove(&mut write, whose, role, name).await.unwrap();
        write.commit().await.unwrap();
    }

    pub(super) async fn publish(&self) {
        self.channel.publish_due(&CancellationToken::new()).await.unwrap();
    }

    /// Publishes until the publisher is dead after so many writes. Whether it lived.
    pub(super) async fn publish_and_die_after(&self, writes: i64) -> bool {
        let mut dying = self.channel.clone();
        let left = Arc::new(AtomicI64::new(writes));
        dying.objects.writes_left = Some(Arc::clone(&left));
        // What became of it is said by the count alone.
        let _ = dying.publish_due(&CancellationToken::new()).await;
        left.load(Ordering::SeqCst) >= 0
    }

    pub(super) fn pass(&self, time: Duration) {
        self.ahead_seconds.fetch_add(i64::try_from(time.as_secs()).unwrap(), Ordering::SeqCst);
    }
}

pub(super) fn clock(ahead_seconds: &Arc<AtomicI64>) -> Clock {
    let (machine, ahead) = (Clock::of_the_machine(), Arc::clone(ahead_seconds));
    Clock::from_fn(move || {
        let now = machine.now().unix_milliseconds() + 1000 * ahead.load(Ordering::SeqCst);
        Moment::from_unix_milliseconds(now)
    })
}

pub(super) async fn open_database(path: &std::path::Path) -> Database {
    Database::open(&trial::location(path).await, &[audit::PART, PART]).await.unwrap()
}

pub(super) async fn open_channel(dir: &TempDir, database: Database, clock: Clock) -> Channel {
    let bucket = Bucket::open(&Location::Folder(dir.path().join("repository"))).unwrap();
    Channel::open(database, bucket, &dir.path().join("keys"), clock).await.unwrap()
}

impl Reader {
    pub(super) async fn load(&self) -> tough::error::Result<Repository> {
        let url = |name: &str| Url::from_directory_path(self.repository.join(name)).unwrap();
        let metadata = url(&names::metadata_dir(&self.school));
        RepositoryLoader::new(&self.root, metadata, url(names::TARGETS_DIR))
            .datastore(self.datastore.path())
            .load()
            .await
    }

    /// The view's version, and what it names with the bytes that lie there.
    pub(super) async fn view(&self) -> (u64, BTreeMap<String, String>) {
        let repository = self.load().await.unwrap();
        let targets = repository.all_targets().map(|(name, target)| {
            let object = target_object(name.raw(), &target.hashes.sha256);
            let bytes = std::fs::read(self.repository.join(object)).unwrap();
            assert_eq!(metadata::sha256(&bytes), *target.hashes.sha256);
            assert_eq!(u64::try_from(bytes.len()).unwrap(), target.length);
            (name.raw().to_owned(), String::from_utf8(bytes).unwrap())
        });
        (repository.timestamp().signed.version.get(), targets.collect())
    }
}

/// What a view names, with the contents.
pub(super) fn named(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, bytes)| ((*name).to_owned(), (*bytes).to_owned())).collect()
}

/// The index of the school on the bench.
pub(super) const INDEX: &str = "schools/0809999Z/policy.json";
