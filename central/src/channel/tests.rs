//! The channel from both ends: what was placed, and what a box's client (`tough`) finds.

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
use proptest::prelude::*;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tough::{Repository, RepositoryLoader};
use url::Url;

use super::{Channel, PART, Whose, found, objects::target_object};
use crate::{
    bucket::{Bucket, Location},
    database::{self, Database},
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
    repository: PathBuf,
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
        let stored = self.channel.store(name, Bytes::copy_from_slice(bytes.as_bytes())).await.unwrap();
        let mut write = self.database.write().await.unwrap();
        Channel::place(&mut write, whose, role, name, &stored).await.unwrap();
        write.commit().await.unwrap();
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
    Database::open(&database::Location::Sqlite(path.to_owned()), &[PART]).await.unwrap()
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
            assert_eq!(super::metadata::sha256(&bytes), *target.hashes.sha256);
            assert_eq!(u64::try_from(bytes.len()).unwrap(), target.length);
            (name.raw().to_owned(), String::from_utf8(bytes).unwrap())
        });
        (repository.timestamp().signed.version.get(), targets.collect())
    }
}

fn named(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, bytes)| ((*name).to_owned(), (*bytes).to_owned())).collect()
}

const INDEX: &str = "schools/0809999Z/policy.json";

#[tokio::test]
async fn a_view_names_what_is_everyones_and_its_own_and_nothing_of_another_school() {
    let bench = Bench::new().await;
    let (one, other) = (uai("0809999Z"), uai("0801234A"));
    bench.add(&one).await;
    bench.add(&other).await;
    bench.publish().await;
    let reader = bench.reader(&one);
    assert_eq!(reader.view().await, (1, named(&[])));
    bench.place(Whose::Everyone, Role::Lists, names::LISTS_INDEX, "lists").await;
    bench.place(Whose::Everyone, Role::Policy, "policy/academie-1.toml", "rules").await;
    bench.place(Whose::School(&one), Role::Policy, INDEX, "index").await;
    bench.place(Whose::School(&one), Role::Accounts, &names::accounts_index(&one), "accounts").await;
    let standing = bench.channel.standing(&one).await.unwrap().unwrap();
    assert!(standing.due && standing.version == 1);
    bench.publish().await;
    let wanted = named(&[
        (names::LISTS_INDEX, "lists"),
        ("policy/academie-1.toml", "rules"),
        (INDEX, "index"),
        ("schools/0809999Z/accounts.json", "accounts"),
    ]);
    assert_eq!(reader.view().await, (2, wanted));
    let of_other = named(&[(names::LISTS_INDEX, "lists"), ("policy/academie-1.toml", "rules")]);
    assert_eq!(bench.reader(&other).view().await, (2, of_other));
    let standing = bench.channel.standing(&one).await.unwrap().unwrap();
    assert!(!standing.due && standing.version == 2 && standing.behind.is_none());
    assert_eq!(bench.channel.standing(&uai("0807777X")).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_placed_already_makes_no_view_due() {
    let bench = Bench::new().await;
    let school = uai("0809999Z");
    bench.place(Whose::School(&school), Role::Policy, INDEX, "index").await;
    bench.publish().await;
    bench.place(Whose::School(&school), Role::Policy, INDEX, "index").await;
    assert!(!bench.channel.standing(&school).await.unwrap().unwrap().due);
    bench.remove(Whose::School(&school), Role::Policy, "policy/never.toml").await;
    assert!(!bench.channel.standing(&school).await.unwrap().unwrap().due);
}

#[tokio::test]
async fn what_was_not_stored_is_not_placed() {
    let bench = Bench::new().await;
    let stored = super::Stored { sha256: [1; 32], length: 1 };
    let mut write = bench.database.write().await.unwrap();
    let placed = Channel::place(&mut write, Whose::Everyone, Role::Lists, "lists/a", &stored).await;
    assert!(placed.unwrap_err().to_string().contains("was not stored"));
}

#[tokio::test]
async fn a_publisher_killed_after_any_write_leaves_a_whole_view_and_the_next_one_a_newer() {
    let bench = Bench::new().await;
    let (school, second) = (uai("0809999Z"), uai("0801234A"));
    bench.add(&second).await;
    bench.place(Whose::School(&school), Role::Policy, INDEX, "0").await;
    bench.publish().await;
    let reader = bench.reader(&school);
    let (mut version, _) = reader.view().await;
    for writes in 0.. {
        let (before, now) = (writes.to_string(), (writes + 1).to_string());
        bench.place(Whose::School(&school), Role::Policy, INDEX, &now).await;
        bench.place(Whose::Everyone, Role::Lists, "lists/index.json", &now).await;
        let lived = bench.publish_and_die_after(writes).await;
        let (seen, targets) = reader.view().await;
        assert!(seen >= version);
        let index = targets.get(INDEX).unwrap();
        assert!(*index == now || *index == before, "a view between two");
        assert_eq!(*index == now, targets.get("lists/index.json").unwrap_or(&before) == &now);
        bench.pass(Duration::from_secs(61));
        bench.publish().await;
        let (after, targets) = reader.view().await;
        assert!(after > version);
        assert_eq!(targets, named(&[(INDEX, &now), ("lists/index.json", &now)]));
        version = after;
        if lived {
            assert!(writes >= 7, "each view is several writes");
            break;
        }
    }
}

#[tokio::test]
async fn of_two_publishers_the_slower_never_takes_a_view_back() {
    let bench = Bench::new().await;
    let school = uai("0809999Z");
    bench.place(Whose::School(&school), Role::Policy, INDEX, "old").await;
    let keys = super::keys::OnLine::read(&bench.dir.path().join("keys")).unwrap();
    let mut write = bench.database.write().await.unwrap();
    let now = bench.channel.clock.now();
    let slow = super::views::claim(&mut write, &keys, now, 8).await.unwrap().remove(0);
    write.commit().await.unwrap();
    bench.place(Whose::School(&school), Role::Policy, INDEX, "new").await;
    bench.publish().await;
    let outcome = super::publish::publish(&bench.channel.objects, &keys, &slow).await.unwrap();
    assert_eq!(outcome, super::views::Outcome::Overtaken(2));
    let mut write = bench.database.write().await.unwrap();
    super::views::mark(&mut write, &slow, &outcome).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(bench.reader(&school).view().await, (2, named(&[(INDEX, "new")])));
    let standing = bench.channel.standing(&school).await.unwrap().unwrap();
    assert!(!standing.due && standing.version == 2 && standing.behind.is_none());
}

#[tokio::test]
async fn a_view_that_does_not_change_is_signed_again_before_thirty_days() {
    let bench = Bench::new().await;
    let school = uai("0809999Z");
    bench.add(&school).await;
    bench.publish().await;
    bench.pass(super::metadata::days(24));
    bench.publish().await;
    assert_eq!(bench.reader(&school).view().await.0, 1);
    bench.pass(super::metadata::days(6));
    bench.publish().await;
    assert_eq!(bench.reader(&school).view().await.0, 2);
}

#[tokio::test]
async fn the_service_publishes_on_the_signal_and_ends_with_stop() {
    let bench = Bench::new().await;
    let school = uai("0809999Z");
    let stop = CancellationToken::new();
    let mut tasks = tokio::task::JoinSet::new();
    let mut signals = bench.database.signals().listen();
    tasks.spawn(bench.channel.clone().serve(stop.clone()));
    bench.place(Whose::School(&school), Role::Policy, INDEX, "index").await;
    let heard = async { while signals.recv().await.unwrap() != "published/0809999Z" {} };
    tokio::time::timeout(Duration::from_secs(10), heard).await.unwrap();
    assert_eq!(bench.reader(&school).view().await.1, named(&[(INDEX, "index")]));
    stop.cancel();
    tasks.join_next().await.unwrap().unwrap().unwrap();
}

/// What may happen to a channel.
#[derive(Clone, Debug)]
enum Step {
    Place(u8, u8),
    PlaceForAll(u8, u8),
    Remove(u8),
    Publish,
    DieAfter(u8),
    Minute,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..3_u8, 0..4_u8).prop_map(|(name, bytes)| Step::Place(name, bytes)),
        (0..3_u8, 0..4_u8).prop_map(|(name, bytes)| Step::PlaceForAll(name, bytes)),
        (0..3_u8).prop_map(Step::Remove),
        Just(Step::Publish),
        (0..12_u8).prop_map(Step::DieAfter),
        Just(Step::Minute),
    ];
    prop::collection::vec(step, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_happens_the_view_comes_to_name_exactly_what_is_wanted(steps in steps()) {
        tokio::runtime::Runtime::new().unwrap().block_on(follow(steps));
    }
}

async fn follow(steps: Vec<Step>) {
    let bench = Bench::new().await;
    let school = uai("0809999Z");
    let own = Whose::School(&school);
    bench.add(&school).await;
    bench.publish().await;
    let reader = bench.reader(&school);
    let (mut wanted, mut version) = (BTreeMap::new(), 1);
    for step in steps {
        match step {
            Step::Place(name, bytes) => {
                let (name, bytes) = (format!("policy/{name}.toml"), bytes.to_string());
                bench.place(own, Role::Policy, &name, &bytes).await;
                wanted.insert(name, bytes);
            }
            Step::PlaceForAll(name, bytes) => {
                let (name, bytes) = (format!("content/{name}"), bytes.to_string());
                bench.place(Whose::Everyone, Role::Content, &name, &bytes).await;
                wanted.insert(name, bytes);
            }
            Step::Remove(name) => {
                let name = format!("policy/{name}.toml");
                bench.remove(own, Role::Policy, &name).await;
                wanted.remove(&name);
            }
            Step::Publish => bench.publish().await,
            Step::DieAfter(writes) => {
                bench.publish_and_die_after(i64::from(writes)).await;
            }
            Step::Minute => bench.pass(Duration::from_secs(61)),
        }
        let (seen, _) = reader.view().await;
        assert!(seen >= version);
        version = seen;
    }
    bench.pass(Duration::from_secs(61));
    bench.publish().await;
    let (seen, targets) = reader.view().await;
    assert!(seen >= version);
    assert_eq!(targets, wanted);
}

#[tokio::test]
async fn every_on_line_key_is_for_the_owner_alone_and_nothing_is_founded_twice() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new().await;
    let (keys_dir, offline_dir) = (bench.dir.path().join("keys"), bench.dir.path().join("offline"));
    let modes = [&keys_dir, &offline_dir].into_iter().flat_map(|dir| std::fs::read_dir(dir).unwrap());
    let keys = modes.map(|entry| entry.unwrap()).filter(|entry| entry.path().extension().unwrap() == "pem");
    let modes = keys.map(|entry| entry.metadata().unwrap().permissions().mode() & 0o777);
    assert_eq!(modes.collect::<Vec<_>>(), [0o600; 13]);
    let again = found(&bench.database, &keys_dir, &offline_dir, &bench.channel.clock).await;
    assert!(again.unwrap_err().to_string().contains("made once"));
    let other = open_database(&bench.dir.path().join("other.sqlite")).await;
    let again = found(&other, &keys_dir, &offline_dir, &bench.channel.clock).await;
    assert!(again.unwrap_err().to_string().contains("never overwritten"));
}

#[tokio::test]
async fn a_central_restored_from_yesterday_publishes_nothing_a_box_refuses_and_is_mended() {
    let bench = Bench::new().await;
    let school = uai("0809999Z");
    bench.place(Whose::School(&school), Role::Policy, INDEX, "1").await;
    bench.publish().await;
    let backup = bench.dir.path().join("backup.sqlite");
    rusqlite::Connection::open(bench.dir.path().join("central.sqlite"))
        .unwrap()
        .execute("VACUUM INTO ?1", [backup.to_str().unwrap()])
        .unwrap();
    let repository_backup = bench.dir.path().join("repository-backup");
    copy(&bench.repository(), &repository_backup);
    let reader = bench.reader(&school);
    for n in 2..6 {
        bench.place(Whose::School(&school), Role::Policy, INDEX, &n.to_string()).await;
        bench.place(Whose::Everyone, Role::Lists, names::LISTS_INDEX, &n.to_string()).await;
        bench.publish().await;
        assert_eq!(reader.view().await.0, n);
    }
    for repository_too in [false, true] {
        if repository_too {
            std::fs::remove_dir_all(bench.repository()).unwrap();
            copy(&repository_backup, &bench.repository());
        }
        let copy_path = bench.dir.path().join(format!("restored-{repository_too}.sqlite"));
        std::fs::copy(&backup, &copy_path).unwrap();
        let database = open_database(&copy_path).await;
        bench.pass(Duration::from_secs(1));
        let channel = open_channel(&bench.dir, database.clone(), bench.channel.clock.clone()).await;
        let restored = Restored { channel, database };
        restored.place(&school, "yesterday and more").await;
        let stop = CancellationToken::new();
        restored.channel.publish_due(&stop).await.unwrap();
        let known = if repository_too {
            assert!(reader.load().await.is_err(), "the box refuses to go back");
            restored.channel.behind(&[(school.clone(), 6)]).await.unwrap()
        } else {
            assert_eq!(reader.view().await.0, 5, "nothing was put over what is later");
            restored.channel.behind(&[(school.clone(), 5)]).await.unwrap()
        };
        assert_eq!(known.len(), 1);
        let standing = restored.channel.standing(&school).await.unwrap().unwrap();
        assert!(standing.behind.is_some());
        let concerns = restored.channel.health().await.unwrap();
        assert!(concerns.iter().any(|concern| concern.code == "restored"), "{concerns:?}");
        assert_eq!(restored.channel.mend().await.unwrap(), 1);
        restored.channel.publish_due(&stop).await.unwrap();
        let (version, targets) = reader.view().await;
        assert_eq!(version, if repository_too { 7 } else { 6 });
        assert_eq!(targets.get(INDEX).unwrap(), "yesterday and more");
        assert_eq!(restored.channel.mend().await.unwrap(), 0);
        assert_eq!(restored.channel.health().await.unwrap(), []);
    }
}

struct Restored {
    channel: Channel,
    database: Database,
}

impl Restored {
    async fn place(&self, school: &Uai, bytes: &'static str) {
        let stored = self.channel.store(INDEX, Bytes::from_static(bytes.as_bytes())).await.unwrap();
        let mut write = self.database.write().await.unwrap();
        Channel::place(&mut write, Whose::School(school), Role::Policy, INDEX, &stored).await.unwrap();
        write.commit().await.unwrap();
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test]
async fn every_key_can_be_replaced_and_a_box_that_knows_the_first_root_follows() {
    let bench = Bench::new().await;
    let school = uai("0809999Z");
    bench.place(Whose::School(&school), Role::Policy, INDEX, "0").await;
    bench.publish().await;
    let (keys_dir, offline_dir) = (bench.dir.path().join("keys"), bench.dir.path().join("offline"));
    let offline_dirs = [offline_dir.clone()];
    let renewal =
        super::Renewal { keys_dir: &keys_dir, offline_dirs: &offline_dirs, clock: &bench.channel.clock };
    let old = bench.reader(&school);
    old.view().await;
    let names = [
        "root-1",
        "root-2",
        "root-3",
        "targets",
        "system-2",
        "snapshot",
        "timestamp",
        "policy",
        "lists",
        "content",
        "accounts",
    ];
    for (n, name) in (1..).zip(names) {
        renewal.rotate(&bench.database, name).await.unwrap();
        assert_eq!(super::keys::read(&keys_dir.join("policy.pem")).is_ok(), true);
        bench.place(Whose::School(&school), Role::Policy, INDEX, &n.to_string()).await;
        bench.publish().await;
        for reader in [&old, &bench.reader(&school)] {
            assert_eq!(reader.view().await.1, named(&[(INDEX, &n.to_string())]), "{name}");
        }
    }
    for role in ["root", "targets", "system"] {
        renewal.renew(&bench.database, role).await.unwrap();
    }
    bench.publish().await;
    old.view().await;
    assert_eq!(old.load().await.unwrap().root().signed.version.get(), 8);
    assert!(renewal.rotate(&bench.database, "nothing").await.is_err());
    // A key that was lost, while the others are here; then too few.
    std::fs::remove_file(offline_dir.join("root-2.pem")).unwrap();
    renewal.rotate(&bench.database, "root-2").await.unwrap();
    std::fs::remove_file(offline_dir.join("root-1.pem")).unwrap();
    std::fs::remove_file(offline_dir.join("root-2.pem")).unwrap();
    let refused = renewal.rotate(&bench.database, "snapshot").await.unwrap_err();
    assert!(format!("{refused:#}").contains("too few"), "{refused:#}");
    bench.place(Whose::School(&school), Role::Policy, INDEX, "last").await;
    bench.publish().await;
    assert_eq!(old.view().await.1, named(&[(INDEX, "last")]), "the old key stands");
}

#[tokio::test]
async fn an_image_needs_two_of_the_systems_keys() {
    let bench = Bench::new().await;
    let school = uai("0809999Z");
    bench.add(&school).await;
    let offline_dir = bench.dir.path().join("offline");
    let image = || Bytes::from_static(b"image");
    let dirs = [offline_dir.clone()];
    bench.channel.add_to_system("system/preau-1.img", image(), &dirs).await.unwrap();
    assert!(bench.channel.add_to_system("policy/a.toml", image(), &dirs).await.is_err());
    bench.publish().await;
    assert_eq!(bench.reader(&school).view().await.1, named(&[("system/preau-1.img", "image")]));
    std::fs::remove_file(offline_dir.join("system-1.pem")).unwrap();
    std::fs::remove_file(offline_dir.join("system-3.pem")).unwrap();
    let refused = bench.channel.add_to_system("system/preau-2.img", image(), &dirs).await.unwrap_err();
    assert!(format!("{refused:#}").contains("too few"));
}

#[tokio::test]
async fn a_stick_holds_the_view_and_all_it_names() {
    let bench = Bench::new().await;
    let school = uai("0809999Z");
    bench.place(Whose::School(&school), Role::Policy, INDEX, "index").await;
    bench.place(Whose::Everyone, Role::Lists, names::LISTS_INDEX, "lists").await;
    let stick = bench.dir.path().join("stick");
    assert!(bench.channel.export(&school, &stick).await.is_err(), "nothing is published");
    bench.publish().await;
    let exported = bench.channel.export(&school, &stick).await.unwrap();
    assert_eq!((exported.version, exported.targets), (1, 2));
    let mut reader = bench.reader(&school);
    reader.repository = stick.join("preau");
    assert_eq!(reader.view().await.1, named(&[(INDEX, "index"), (names::LISTS_INDEX, "lists")]));
    bench.place(Whose::School(&school), Role::Policy, INDEX, "other").await;
    bench.publish().await;
    bench.channel.export(&school, &stick).await.unwrap();
    assert_eq!(reader.view().await.1, named(&[(INDEX, "other"), (names::LISTS_INDEX, "lists")]));
}

#[tokio::test]
async fn what_nothing_names_goes_after_thirty_days_and_what_a_view_names_never() {
    let bench = Bench::new().await;
    let school = uai("0809999Z");
    bench.place(Whose::School(&school), Role::Policy, INDEX, "old").await;
    bench.publish().await;
    bench.publish_and_die_after(0).await;
    bench.place(Whose::School(&school), Role::Policy, INDEX, "new").await;
    bench.publish_and_die_after(1).await;
    bench.pass(super::metadata::days(40));
    bench.channel.sweep().await.unwrap();
    assert_eq!(bench.reader(&school).view().await.1, named(&[(INDEX, "old")]), "the publisher was dead");
    bench.publish().await;
    bench.channel.sweep().await.unwrap();
    let reader = bench.reader(&school);
    assert_eq!(reader.view().await.1, named(&[(INDEX, "new")]));
    bench.pass(super::metadata::days(31));
    assert!(bench.channel.sweep().await.unwrap() >= 4);
    assert_eq!(reader.view().await.1, named(&[(INDEX, "new")]));
    let files = |dir: &str| std::fs::read_dir(bench.repository().join(dir)).unwrap().count();
    assert_eq!(files("targets/schools/0809999Z"), 1);
    // A root, five roles, the delegations, a snapshot, a timestamp.
    assert_eq!(files("metadata/0809999Z"), 9);
}

#[tokio::test]
async fn what_ends_is_told_in_time() {
    let bench = Bench::new().await;
    assert_eq!(bench.channel.health().await.unwrap(), []);
    bench.pass(super::metadata::days(320));
    let codes = async || {
        let concerns = bench.channel.health().await.unwrap();
        concerns.into_iter().map(|concern| (concern.severity, concern.code)).collect::<Vec<_>>()
    };
    let warning = super::Severity::Warning;
    assert_eq!(codes().await, [(warning, "targets-end"), (warning, "system-ends")]);
    bench.pass(super::metadata::days(600));
    let wrong = super::Severity::Wrong;
    assert_eq!(codes().await, [(wrong, "targets-end"), (wrong, "system-ends"), (warning, "root-ends")]);
    std::fs::remove_file(bench.dir.path().join("keys/lists.pem")).unwrap();
    assert!(codes().await.contains(&(wrong, "keys-wrong")));
}
