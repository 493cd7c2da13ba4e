//! Keys, backups, sticks, and what goes with time.

use std::time::Duration;

use bytes::Bytes;
use preau::{
    model::Uai,
    protocol::names::{self, Role},
};
use tokio_util::sync::CancellationToken;

use super::bench::{Bench, INDEX, named, open_channel, open_database, uai};
use crate::{
    channel::{Channel, Renewal, Severity, Whose, found, metadata},
    database::Database,
};

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
    let renewal = Renewal { keys_dir: &keys_dir, offline_dirs: &offline_dirs, clock: &bench.channel.clock };
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
    bench.pass(metadata::days(40));
    bench.channel.sweep().await.unwrap();
    assert_eq!(bench.reader(&school).view().await.1, named(&[(INDEX, "old")]), "the publisher was dead");
    bench.publish().await;
    bench.channel.sweep().await.unwrap();
    let reader = bench.reader(&school);
    assert_eq!(reader.view().await.1, named(&[(INDEX, "new")]));
    bench.pass(metadata::days(31));
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
    bench.pass(metadata::days(320));
    let codes = async || {
        let concerns = bench.channel.health().await.unwrap();
        concerns.into_iter().map(|concern| (concern.severity, concern.code)).collect::<Vec<_>>()
    };
    let warning = Severity::Warning;
    assert_eq!(codes().await, [(warning, "targets-end"), (warning, "system-ends")]);
    bench.pass(metadata::days(600));
    let wrong = Severity::Wrong;
    assert_eq!(codes().await, [(wrong, "targets-end"), (wrong, "system-ends"), (warning, "root-ends")]);
    std::fs::remove_file(bench.dir.path().join("keys/lists.pem")).unwrap();
    assert!(codes().await.contains(&(wrong, "keys-wrong")));
}
