//! python-tuf, the client of the specification's authors, reads what central publishes. `.ci/install` puts it into
//! `target/clients/tuf`.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use bytes::Bytes;
use preau::{
    model::Uai,
    protocol::names::{self, Role},
    system::clock::Clock,
};
use preau_central::{
    bucket::{Bucket, Location},
    channel::{self, Channel, Renewal, Whose},
    database::{self, Database},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const INDEX: &str = "schools/0809999Z/policy.json";
const RULES: &str = "policy/academie-1.toml";

struct Central {
    dir: TempDir,
    database: Database,
    channel: Channel,
}

impl Central {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let location = database::Location::Sqlite(dir.path().join("central.sqlite"));
        let database = Database::open(&location, &[channel::PART]).await.unwrap();
        let (keys_dir, clock) = (dir.path().join("keys"), Clock::of_the_machine());
        channel::found(&database, &keys_dir, &dir.path().join("offline"), &clock).await.unwrap();
        let bucket = Bucket::open(&Location::Folder(dir.path().join("repository"))).unwrap();
        let channel = Channel::open(database.clone(), bucket, &keys_dir, clock).await.unwrap();
        fs::write(dir.path().join("1.root.json"), channel.first_root()).unwrap();
        Self { dir, database, channel }
    }

    async fn place(&self, whose: Whose<'_>, role: Role, name: &str, bytes: &str) {
        let stored = self.channel.store(name, Bytes::copy_from_slice(bytes.as_bytes())).await.unwrap();
        let mut write = self.database.write().await.unwrap();
        Channel::place(&mut write, whose, role, name, &stored).await.unwrap();
        write.commit().await.unwrap();
    }

    /// Serves until the view of the school is published.
    async fn publish(&self) {
        let stop = CancellationToken::new();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(self.channel.clone().serve(stop.clone()));
        while self.channel.standing(&school()).await.unwrap().unwrap().due {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.cancel();
        tasks.join_next().await.unwrap().unwrap().unwrap();
    }

    fn repository(&self) -> PathBuf {
        self.dir.path().join("repository")
    }

    /// What python-tuf says, which remembers in `state` what it has seen.
    fn ask(&self, state: &Path, names: &[&str]) -> Value {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
        let output = Command::new(target.join("clients/tuf/bin/python"))
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tuf/client.py"))
            .arg(self.repository())
            .arg(school().as_str())
            .arg(self.dir.path().join("1.root.json"))
            .arg(state)
            .args(names)
            .output()
            .expect("python-tuf is not installed: run .ci/install's install_for_tests");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn school() -> Uai {
    Uai::new("0809999Z").unwrap()
}

#[tokio::test]
async fn python_tuf_takes_a_view_follows_the_keys_and_refuses_what_was_tampered_with() {
    let central = Central::new().await;
    let school = school();
    central.place(Whose::School(&school), Role::Policy, INDEX, "index 1").await;
    central.place(Whose::School(&school), Role::Policy, RULES, "rules").await;
    central.place(Whose::Everyone, Role::Lists, names::LISTS_INDEX, "lists").await;
    let accounts = names::accounts_delivery(&school, 1);
    central.place(Whose::School(&school), Role::Accounts, &accounts, "sealed").await;
    central.publish().await;
    let state = central.dir.path().join("state");
    let wanted = [INDEX, RULES, names::LISTS_INDEX, &accounts, "schools/0801234A/policy.json"];
    let said = central.ask(&state, &wanted);
    let found = json!({ INDEX: "index 1", RULES: "rules", names::LISTS_INDEX: "lists", accounts: "sealed" });
    assert_eq!(said, json!({ "root": 1, "timestamp": 1, "snapshot": 1, "found": found }));

    // Root 2 with another timestamp key, root 3 with another root key; the client still begins at root 1.
    let (keys_dir, offline_dirs) = (central.dir.path().join("keys"), [central.dir.path().join("offline")]);
    let clock = Clock::of_the_machine();
    let renewal = Renewal { keys_dir: &keys_dir, offline_dirs: &offline_dirs, clock: &clock };
    for name in ["timestamp", "root-3", "policy"] {
        renewal.rotate(&central.database, name).await.unwrap();
    }
    central.place(Whose::School(&school), Role::Policy, INDEX, "index 2").await;
    central.publish().await;
    for state in [&state, &central.dir.path().join("a new one")] {
        let said = central.ask(state, &[INDEX]);
        let found = json!({ INDEX: "index 2" });
        assert_eq!(said, json!({ "root": 3, "timestamp": 2, "snapshot": 2, "found": found }));
    }
    refuses(&central, &state);
}

/// A byte changed in any file of the view, or the file of another version in its place.
fn refuses(central: &Central, state: &Path) {
    let dir = central.repository().join(names::metadata_dir(&school()));
    let fresh = |n: usize| central.dir.path().join(format!("fresh-{n}"));
    let timestamp = fs::read(dir.join("timestamp.json")).unwrap();
    for (n, name) in ["timestamp.json", "2.snapshot.json", "2.targets.json", "2.policy.json", "2.root.json"]
        .into_iter()
        .enumerate()
    {
        let whole = fs::read(dir.join(name)).unwrap();
        let text = String::from_utf8(whole.clone()).unwrap();
        let tampered = text.replacen("\"expires\":\"2", "\"expires\":\"3", 1);
        assert_ne!(tampered, text);
        fs::write(dir.join(name), tampered).unwrap();
        let said = central.ask(&fresh(n), &[INDEX]);
        let refused = ["UnsignedMetadataError", "RepositoryError", "LengthOrHashMismatchError"];
        assert!(said["error"].as_str().is_some_and(|error| refused.contains(&error)), "{name}: {said}");
        fs::write(dir.join(name), whole).unwrap();
    }
    assert_eq!(fs::read(dir.join("timestamp.json")).unwrap(), timestamp);
    assert_eq!(central.ask(state, &[INDEX])["timestamp"], 2);
}
