//! What somebody between the académie and the box, or with a stolen key, may put into the repository: each fault by its
//! name. Whatever it is, what was in force stays, the line is told why, and an honest publication afterwards is taken.

use std::{fs, path::Path};

use serde_json::json;

use super::{
    machine::{Machine, told, why},
    repository::{RULES, Repository, copy, key, signed_by},
};
use crate::{protocol::names::Role, sync::channel::Refreshed};

/// The name of a fault; what makes it, out of the honest repository and its first state; what is refused, and why.
type Fault = (&'static str, fn(&mut Repository, &Path), &'static str, &'static str);

/// The rules that no fault may bring into force.
const EVIL: &str = "version = 1\nlevel = \"etablissement\"\nname = \"Autre\"\n";

const GOING_BACK: &[Fault] = &[
    ("the-whole-view-of-last-month", |it, first| copy(first, it.dir()), "view", "rollback"),
    ("an-old-snapshot-under-a-new-timestamp", old_snapshot, "view", "rollback"),
    ("an-old-role-in-a-new-snapshot", old_role, "view", "rollback"),
    ("a-role-left-out-of-the-snapshot", |it, _| leave_out(it, "lists"), "view", "rollback"),
    ("a-policy-with-a-lower-number", |it, _| publish(it, |it| it.policy(1, EVIL)), "policy", "rollback"),
];

const OTHER_KEYS: &[Fault] = &[
    ("a-timestamp-by-another-key", |it, _| by_another_key(it, "timestamp"), "view", "signature"),
    ("a-snapshot-by-another-key", |it, _| by_another_key(it, "snapshot"), "view", "signature"),
    ("targets-by-another-key", |it, _| by_another_key(it, "targets"), "view", "signature"),
    ("a-policy-by-another-key", |it, _| by_another_key(it, "policy"), "view", "signature"),
    ("a-policy-by-the-key-of-the-lists", |it, _| by_the_key_of(it, "policy", "lists"), "view", "signature"),
    ("a-root-by-other-keys", |it, _| root_by_other_keys(it), "view", "signature"),
    ("a-root-by-one-key-of-two", |it, _| root_by_fewer(it, 1), "view", "signature"),
    ("a-root-by-one-key-twice", |it, _| root_by_fewer(it, 2), "view", "signature"),
    ("a-system-image-by-one-key-of-two", |it, _| system_by_one(it), "view", "signature"),
    ("an-unsigned-timestamp", |it, _| strip_signatures(it), "view", "signature"),
];

const ROOTS_OUT_OF_ORDER: &[Fault] = &[
    ("a-root-that-leaves-one-out", |it, _| root_after_next(it), "view", "signature"),
    ("a-root-with-a-wrong-version", |it, _| root_with_a_wrong_version(it), "view", "rollback"),
    ("a-snapshot-of-another-state", |it, _| snapshot_of_another_state(it), "view", "mixed"),
    ("a-role-of-another-state", |it, _| role_of_another_state(it), "view", "mixed"),
];

const ENDLESS: &[Fault] = &[
    ("an-endless-timestamp", |it, _| lengthen(it, "timestamp.json"), "view", "too-large"),
    ("an-endless-root", |it, _| lengthen(it, "2.root.json"), "view", "too-large"),
    ("an-endless-snapshot", |it, _| lengthen_newest(it, "snapshot"), "view", "too-large"),
    ("an-endless-role", |it, _| lengthen_newest(it, "policy"), "view", "too-large"),
    ("an-endless-document", |it, _| document(it, |bytes| bytes.resize(1 << 21, b'#')), "policy", "too-large"),
    ("an-index-longer-than-any", |it, _| publish(it, long_index), "view", "too-large"),
    ("more-documents-than-any-school-has", |it, _| publish(it, many_documents), "view", "too-large"),
];

const OTHER_BYTES: &[Fault] = &[
    ("a-document-with-another-byte", |it, _| document(it, |bytes| bytes[0] ^= 1), "policy", "digest"),
    ("a-document-cut-short", |it, _| document(it, |bytes| bytes.truncate(9)), "policy", "digest"),
    ("a-document-that-is-not-there", |it, _| without_document(it), "policy", "missing"),
    ("a-snapshot-that-is-not-there", |it, _| without_newest(it, "snapshot"), "view", "missing"),
    (
        "a-timestamp-that-is-not-json",
        |it, _| spoil(it, "timestamp.json", b"{\"signed\": nothing"),
        "view",
        "unreadable",
    ),
    ("a-timestamp-of-binary", |it, _| spoil(it, "timestamp.json", &[0, 255, 7]), "view", "unreadable"),
    (
        "a-timestamp-nested-without-end",
        |it, _| spoil(it, "timestamp.json", &[b'['; 9000]),
        "view",
        "unreadable",
    ),
    ("an-empty-timestamp", |it, _| spoil(it, "timestamp.json", b""), "view", "unreadable"),
];

const BEYOND_OR_NOT_OURS: &[Fault] = &[
    ("a-policy-by-the-role-of-the-accounts", |it, _| accounts_name_a_policy(it), "view", "out-of-role"),
    ("a-policy-index-by-the-role-of-the-lists", |it, _| lists_name_our_index(it), "view", "out-of-role"),
    ("the-view-of-another-school", |it, _| another_school(it), "view", "not-for-us"),
    (
        "an-index-of-another-school",
        |it, _| publish(it, |it| index(it, "school", json!("0801234A"))),
        "view",
        "not-for-us",
    ),
    ("no-view-at-all", |it, _| fs::remove_dir_all(it.metadata("")).unwrap(), "view", "not-for-us"),
    (
        "an-index-of-another-version",
        |it, _| publish(it, |it| index(it, "version", json!(2))),
        "view",
        "unreadable",
    ),
    (
        "an-index-with-an-unknown-word",
        |it, _| publish(it, |it| index(it, "unlocked", json!(true))),
        "view",
        "unreadable",
    ),
    (
        "an-index-with-a-negative-number",
        |it, _| publish(it, |it| index(it, "number", json!(-3))),
        "view",
        "unreadable",
    ),
    (
        "an-index-that-names-what-is-not-in-the-view",
        |it, _| publish(it, unnamed_document),
        "policy",
        "not-for-us",
    ),
    (
        "an-index-that-names-a-file-of-the-box",
        |it, _| publish(it, |it| index_naming(it, "../../../etc/passwd")),
        "policy",
        "out-of-role",
    ),
];

const EXPIRED: &[Fault] = &[
    ("an-expired-timestamp", |it, _| expired(it, "timestamp"), "view", "expired"),
    ("an-expired-snapshot", |it, _| expired(it, "snapshot"), "view", "expired"),
    ("expired-targets", |it, _| expired(it, "targets"), "view", "expired"),
    ("an-expired-policy", |it, _| expired(it, "policy"), "view", "expired"),
    ("an-expired-root", |it, _| expired_root(it), "view", "expired"),
];

#[tokio::test]
async fn nothing_goes_back() {
    check(GOING_BACK).await;
}

#[tokio::test]
async fn no_other_key_opens_anything() {
    check(OTHER_KEYS).await;
}

#[tokio::test]
async fn roots_follow_each_other_and_states_are_not_mixed() {
    check(ROOTS_OUT_OF_ORDER).await;
}

#[tokio::test]
async fn endless_data_ends_at_what_was_signed_for() {
    check(ENDLESS).await;
}

#[tokio::test]
async fn other_bytes_are_not_believed() {
    check(OTHER_BYTES).await;
}

#[tokio::test]
async fn a_role_speaks_for_its_own_and_a_view_for_its_school() {
    check(BEYOND_OR_NOT_OURS).await;
}

#[tokio::test]
async fn what_has_expired_is_not_taken() {
    check(EXPIRED).await;
}

/// No fault comes into force, and none locks the box out.
async fn check(faults: &[Fault]) {
    let mut failures = Vec::new();
    for fault in faults {
        failures
            .extend(failures_of(fault).await.into_iter().map(|failure| format!("{}: {failure}", fault.0)));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What is not as it should be when this fault is met.
async fn failures_of((_, make, what, cause): &Fault) -> Vec<String> {
    let mut repository = Repository::with_policy();
    let first = tempfile::tempdir().unwrap();
    copy(repository.dir(), first.path());
    let machine = Machine::enrolled(&repository);
    let mut channel = machine.start();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);
    repository.policy(2, RULES);
    repository.publish();
    assert_eq!(channel.refresh(None).await, Refreshed::Taken);

    let mut failures = Vec::new();
    make(&mut repository, first.path());
    for start in ["running", "started anew"] {
        let refreshed = channel.refresh(None).await;
        if why(&refreshed) != *cause {
            failures.push(format!("{start}: {refreshed:?}"));
        }
        let in_force = channel.in_force().borrow().clone();
        let refused = told(&in_force).map(|(what, _, why)| (what, why));
        if refused != Some(((*what).to_owned(), (*cause).to_owned())) {
            failures.push(format!("{start}: told {refused:?}"));
        }
        let left = (machine.number(), in_force.policy, machine.rules());
        if left != (Some(2), 2, RULES.to_owned()) {
            failures.push(format!("{start}: left with {left:?}"));
        }
        channel = machine.start();
    }

    repository.mend();
    let refreshed = channel.refresh(None).await;
    let left = (machine.number(), told(&channel.in_force().borrow()));
    if refreshed != Refreshed::Taken || left != (Some(9), None) {
        failures.push(format!("mended: {refreshed:?}, left with {left:?}"));
    }
    failures
}

impl Repository {
    /// What an honest académie publishes once it is in order again: everything signed anew by the keys it always had.
    fn mend(&mut self) {
        if self.ends.remove("root").is_some() {
            self.sign_root(&[]);
        }
        self.ends.clear();
        self.left_out.clear();
        for role in ["targets", "policy", "lists", "content", "accounts", "system"] {
            self.renew(role);
        }
        let name = format!("schools/{}/policy.json", self.school);
        self.targets.get_mut("policy").unwrap().remove(&name);
        self.targets.get_mut("accounts").unwrap().clear();
        self.targets.get_mut("lists").unwrap().clear();
        self.remove_spoiled_roots();
        self.policy(9, "version = 1\nlevel = \"etablissement\"\nname = \"Après\"\n");
        self.publish();
    }

    /// Takes away roots that were never signed as they should have been.
    fn remove_spoiled_roots(&mut self) {
        if !self.honest_root {
            for version in 2..9 {
                let _ = fs::remove_file(self.metadata(&format!("{version}.root.json")));
            }
            self.versions.insert("root".to_owned(), 1);
            self.honest_root = true;
        }
    }
}

fn publish(it: &mut Repository, change: fn(&mut Repository)) {
    change(it);
    it.publish();
}

fn old_snapshot(it: &mut Repository, first: &Path) {
    copy(first, it.dir());
    let newest = it.versions.insert("snapshot".to_owned(), 1).unwrap();
    it.publish_timestamp();
    it.versions.insert("snapshot".to_owned(), newest);
}

fn old_role(it: &mut Repository, first: &Path) {
    copy(first, it.dir());
    let newest = it.versions.insert("policy".to_owned(), 1).unwrap();
    it.publish();
    it.versions.insert("policy".to_owned(), newest);
}

fn leave_out(it: &mut Repository, role: &str) {
    it.left_out.insert(role.to_owned());
    it.publish();
}

fn by_another_key(it: &mut Repository, role: &str) {
    let true_keys = it.keys.insert(role.to_owned(), vec![key()]).unwrap();
    sign_with_what_there_is(it, role);
    it.keys.insert(role.to_owned(), true_keys);
}

/// The role signed by the keys there are; the trust in the keys before stays.
fn sign_with_what_there_is(it: &mut Repository, role: &str) {
    it.policy(3, EVIL);
    if role == "targets" {
        let version = it.versions["targets"] + 1;
        let body = it.role("targets", version);
        it.write(&format!("{version}.targets.json"), &it.signed(&body, role));
        it.versions.insert("targets".to_owned(), version);
    }
    it.publish();
}

fn by_the_key_of(it: &mut Repository, role: &str, other: &str) {
    it.policy(3, EVIL);
    it.publish();
    let version = it.versions[role];
    let body = it.role(role, version);
    it.write(&format!("{version}.{role}.json"), &it.signed(&body, other));
    it.publish();
}

fn root_by_other_keys(it: &mut Repository) {
    let body = root_body(it, 2);
    let keys = [key(), key(), key()];
    it.write("2.root.json", &signed_by(&body, &keys.iter().collect::<Vec<_>>()));
    it.honest_root = false;
}

fn root_by_fewer(it: &mut Repository, signatures: usize) {
    let body = root_body(it, 2);
    let signed = signed_by(&body, &vec![&it.keys["root"][0]; signatures]);
    it.write("2.root.json", &signed);
    it.honest_root = false;
}

fn root_after_next(it: &mut Repository) {
    let before = it.keys.insert("timestamp".to_owned(), vec![key()]).unwrap();
    it.versions.insert("root".to_owned(), 2);
    it.sign_root(&[]);
    it.policy(3, EVIL);
    it.publish();
    it.keys.insert("timestamp".to_owned(), before);
    it.honest_root = false;
}

fn root_with_a_wrong_version(it: &mut Repository) {
    let body = root_body(it, 7);
    it.write("2.root.json", &it.signed(&body, "root"));
    it.honest_root = false;
}

/// The root that is published, but for its version.
fn root_body(it: &Repository, version: u64) -> serde_json::Value {
    let root: serde_json::Value =
        serde_json::from_slice(&fs::read(it.metadata("1.root.json")).unwrap()).unwrap();
    let mut body = root["signed"].clone();
    body["version"] = json!(version);
    body
}

fn system_by_one(it: &mut Repository) {
    let second = it.keys.get_mut("system").unwrap().pop().unwrap();
    it.place(Role::System, "system/image.raw", b"image");
    it.publish();
    it.keys.get_mut("system").unwrap().push(second);
}

fn strip_signatures(it: &mut Repository) {
    it.publish();
    let path = it.metadata("timestamp.json");
    let mut timestamp: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    timestamp["signatures"] = json!([]);
    fs::write(path, timestamp.to_string()).unwrap();
}

fn snapshot_of_another_state(it: &mut Repository) {
    it.policy(3, EVIL);
    it.publish();
    let newest = it.versions["snapshot"];
    let text = fs::read_to_string(it.metadata(&format!("{}.snapshot.json", newest - 1))).unwrap();
    let body: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut body = body["signed"].clone();
    body["version"] = json!(newest);
    it.write(&format!("{newest}.snapshot.json"), &it.signed(&body, "snapshot"));
}

fn role_of_another_state(it: &mut Repository) {
    it.policy(3, EVIL);
    it.publish();
    let newest = it.versions["policy"];
    let mut body = it.role("policy", newest);
    body["targets"] = json!({});
    it.write(&format!("{newest}.policy.json"), &it.signed(&body, "policy"));
}

fn lengthen(it: &mut Repository, name: &str) {
    it.policy(3, EVIL);
    it.publish();
    let path = it.metadata(name);
    let mut bytes = fs::read(&path).unwrap_or_default();
    bytes.resize(3 << 20, b' ');
    fs::write(path, bytes).unwrap();
    it.honest_root = name != "2.root.json";
}

fn lengthen_newest(it: &mut Repository, role: &str) {
    it.policy(3, EVIL);
    it.publish();
    let path = it.metadata(&format!("{}.{role}.json", it.versions[role]));
    let mut bytes = fs::read(&path).unwrap();
    bytes.push(b' ');
    fs::write(path, bytes).unwrap();
}

fn without_newest(it: &mut Repository, role: &str) {
    it.publish();
    fs::remove_file(it.metadata(&format!("{}.{role}.json", it.versions[role]))).unwrap();
}

fn spoil(it: &mut Repository, name: &str, bytes: &[u8]) {
    fs::write(it.metadata(name), bytes).unwrap();
}

fn document(it: &mut Repository, change: fn(&mut Vec<u8>)) {
    it.policy(3, EVIL);
    it.publish();
    let mut bytes = EVIL.as_bytes().to_vec();
    change(&mut bytes);
    fs::write(it.target_path("policy/etablissement.toml", EVIL.as_bytes()), bytes).unwrap();
}

fn without_document(it: &mut Repository) {
    it.policy(3, EVIL);
    it.publish();
    fs::remove_file(it.target_path("policy/etablissement.toml", EVIL.as_bytes())).unwrap();
}

fn long_index(it: &mut Repository) {
    let place = "a".repeat(2 << 20);
    it.index(&json!({"version": 1, "school": it.school, "number": 3,
        "documents": [{"target": "policy/etablissement.toml", "place": place, "version": 1}]}));
}

fn many_documents(it: &mut Repository) {
    let document = json!({"target": "policy/etablissement.toml", "place": "etablissement", "version": 1});
    it.index(&json!({"version": 1, "school": it.school, "number": 3, "documents": vec![document; 33]}));
}

fn index(it: &mut Repository, word: &str, value: serde_json::Value) {
    let mut index = json!({"version": 1, "school": it.school, "number": 3, "documents": []});
    index[word] = value;
    it.index(&index);
}

fn index_naming(it: &mut Repository, target: &str) {
    it.index(&json!({"version": 1, "school": it.school, "number": 3,
        "documents": [{"target": target, "place": "etablissement", "version": 1}]}));
}

fn unnamed_document(it: &mut Repository) {
    index_naming(it, "policy/autre.toml");
}

fn accounts_name_a_policy(it: &mut Repository) {
    it.place(Role::Accounts, "policy/autre.toml", EVIL.as_bytes());
    it.publish();
}

fn lists_name_our_index(it: &mut Repository) {
    let name = format!("schools/{}/policy.json", it.school);
    let index = it.targets.get_mut("policy").unwrap().remove(&name).unwrap();
    it.place(Role::Lists, &name, &index);
    it.renew("policy");
    it.publish();
}

/// The metadata of a view that holds another school's index, where ours should be.
fn another_school(it: &mut Repository) {
    let name = format!("schools/{}/policy.json", it.school);
    it.targets.get_mut("policy").unwrap().remove(&name);
    it.place(Role::Policy, "schools/0801234A/policy.json", b"{}");
    it.publish();
}

fn expired(it: &mut Repository, role: &str) {
    it.ends.insert(role.to_owned(), "2026-11-20T00:00:00Z".to_owned());
    it.renew(role);
    it.policy(3, EVIL);
    it.publish();
}

fn expired_root(it: &mut Repository) {
    it.ends.insert("root".to_owned(), "2026-11-20T00:00:00Z".to_owned());
    it.sign_root(&[]);
}
