//! A signed repository in a folder, made by a signer of its own, so that it can also sign what it should not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::protocol::names::Role;

/// The school of the tests.
pub(super) const SCHOOL: &str = "0809999Z";

/// Monday 23 November 2026, 08:00 in Paris: the time of the tests, in seconds.
pub(super) const NOW: i64 = 1_795_417_200;

/// The signatures' end, a year later.
const END: &str = "2027-11-23T00:00:00Z";

/// A rules file of the school.
pub(super) const RULES: &str = "version = 1\nlevel = \"etablissement\"\nname = \"Collège d'Exemple\"\n";

/// The repository, and whoever signs it.
pub(super) struct Repository {
    dir: TempDir,
    pub(super) school: String,
    /// Each role's keys; all of them sign.
    pub(super) keys: BTreeMap<String, Vec<Ed25519KeyPair>>,
    /// How many of them must sign, where it is not one.
    pub(super) thresholds: BTreeMap<String, usize>,
    /// Versions of what is published.
    pub(super) versions: BTreeMap<String, u64>,
    /// Ends of signatures, where they are not [`END`].
    pub(super) ends: BTreeMap<String, String>,
    /// What each delegated role names.
    pub(super) targets: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    /// Roles whose metadata is to be signed anew.
    dirty: BTreeSet<String>,
    /// Roles that do not stand in the snapshot.
    pub(super) left_out: BTreeSet<String>,
    /// Whether the roots that lie there were signed as they should be.
    pub(super) honest_root: bool,
}

/// A key of its own.
pub(super) fn key() -> Ed25519KeyPair {
    Ed25519KeyPair::generate().unwrap()
}

impl Repository {
    /// A repository with the first policy, the number 1.
    pub(super) fn with_policy() -> Self {
        let mut keys: BTreeMap<String, Vec<Ed25519KeyPair>> = BTreeMap::new();
        for (role, count) in [("root", 3), ("timestamp", 1), ("snapshot", 1), ("targets", 1)] {
            keys.insert(role.to_owned(), (0..count).map(|_| key()).collect());
        }
        for role in Role::ALL {
            let count = if role == Role::System { 2 } else { 1 };
            keys.insert(role.word().to_owned(), (0..count).map(|_| key()).collect());
        }
        let mut repository = Self {
            dir: tempfile::tempdir().unwrap(),
            school: SCHOOL.to_owned(),
            keys,
            thresholds: BTreeMap::from([("root".to_owned(), 2), ("system".to_owned(), 2)]),
            versions: BTreeMap::new(),
            ends: BTreeMap::new(),
            targets: Role::ALL.map(|role| (role.word().to_owned(), BTreeMap::new())).into(),
            dirty: Role::ALL
                .iter()
                .map(|role| role.word().to_owned())
                .chain(["targets".to_owned()])
                .collect(),
            left_out: BTreeSet::new(),
            honest_root: true,
        };
        repository.sign_root(&[]);
        repository.policy(1, RULES);
        repository.publish();
        repository
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn metadata(&self, name: &str) -> PathBuf {
        self.dir().join("metadata").join(&self.school).join(name)
    }

    /// The file of a target.
    pub(super) fn target_path(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let (dir, file) = name.rsplit_once('/').unwrap();
        self.dir().join("targets").join(dir).join(format!("{}.{file}", hex_digest(bytes)))
    }

    /// Names a policy of one document, and what it holds.
    pub(super) fn policy(&mut self, number: u64, rules: &str) {
        let index = json!({"version": 1, "school": self.school, "number": number, "documents": [
            {"target": "policy/etablissement.toml", "place": "etablissement", "version": number}]});
        self.place(Role::Policy, "policy/etablissement.toml", rules.as_bytes());
        self.index(&index);
    }

    /// Names an index of the policy, whatever is in it.
    pub(super) fn index(&mut self, index: &Value) {
        let name = format!("schools/{}/policy.json", self.school);
        self.place(Role::Policy, &name, index.to_string().as_bytes());
    }

    /// Puts a target there and names it.
    pub(super) fn place(&mut self, role: Role, name: &str, bytes: &[u8]) {
        let path = self.target_path(name, bytes);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self.targets.get_mut(role.word()).unwrap().insert(name.to_owned(), bytes.to_vec());
        self.dirty.insert(role.word().to_owned());
    }

    /// Signs a role anew at the next publication, though nothing in it changed.
    pub(super) fn renew(&mut self, role: &str) {
        self.dirty.insert(role.to_owned());
    }

    /// Signs all that changed, with a new snapshot and timestamp. Gives the version of the view.
    pub(super) fn publish(&mut self) -> u64 {
        let mut meta = serde_json::Map::new();
        for role in Role::ALL.map(Role::word).into_iter().chain(["targets"]) {
            if self.dirty.remove(role) {
                let version = self.next(role);
                let body = self.role(role, version);
                self.write(&format!("{version}.{role}.json"), &self.signed(&body, role));
            }
            if !self.left_out.contains(role) {
                let name = format!("{}.{role}.json", self.versions[role]);
                meta.insert(format!("{role}.json"), self.meta(self.versions[role], &name));
            }
        }
        let version = self.next("snapshot");
        let body = self.body("snapshot", version, &[("meta", Value::Object(meta))]);
        self.write(&format!("{version}.snapshot.json"), &self.signed(&body, "snapshot"));
        self.publish_timestamp()
    }

    /// Signs another timestamp of the snapshot there is.
    pub(super) fn publish_timestamp(&mut self) -> u64 {
        let snapshot = self.versions["snapshot"];
        let meta = json!({"snapshot.json": self.meta(snapshot, &format!("{snapshot}.snapshot.json"))});
        let version = self.next("timestamp");
        let body = self.body("timestamp", version, &[("meta", meta)]);
        self.write("timestamp.json", &self.signed(&body, "timestamp"));
        version
    }

    /// Gives roles other keys by another root, signed by those of the root before and its own.
    pub(super) fn rotate(&mut self, roles: &[&str]) {
        let mut old_root = Vec::new();
        for role in roles {
            let count = self.keys[*role].len();
            let old = self.keys.insert((*role).to_owned(), (0..count).map(|_| key()).collect()).unwrap();
            if *role == "root" {
                old_root = old;
            }
            if Role::ALL.iter().any(|one| one.word() == *role) {
                self.renew(role);
                self.renew("targets");
            } else if *role == "targets" {
                self.renew("targets");
            }
        }
        self.sign_root(&old_root);
    }

    /// Signs another root, also by keys that went.
    pub(super) fn sign_root(&mut self, gone: &[Ed25519KeyPair]) {
        let version = self.next("root");
        let roles = ["root", "timestamp", "snapshot", "targets"];
        let named: serde_json::Map<String, Value> =
            roles.iter().map(|role| ((*role).to_owned(), self.trusted(role))).collect();
        let keys = roles.iter().flat_map(|role| &self.keys[*role]);
        let parts =
            [("consistent_snapshot", json!(true)), ("keys", table(keys)), ("roles", Value::Object(named))];
        let body = self.body("root", version, &parts);
        let signers: Vec<&Ed25519KeyPair> = self.keys["root"].iter().chain(gone).collect();
        self.write(&format!("{version}.root.json"), &signed_by(&body, &signers));
    }

    /// The body of a role that names targets.
    pub(super) fn role(&self, role: &str, version: u64) -> Value {
        if role != "targets" {
            let targets = self.targets[role].iter().map(|(name, bytes)| {
                (name.clone(), json!({"length": bytes.len(), "hashes": {"sha256": hex_digest(bytes)}}))
            });
            let mut body = self.body("targets", version, &[("targets", Value::Object(targets.collect()))]);
            body["expires"] = json!(self.end(role));
            return body;
        }
        let roles: Vec<Value> = Role::ALL
            .iter()
            .map(|role| {
                let mut trusted = self.trusted(role.word());
                trusted["name"] = json!(role.word());
                trusted["paths"] = json!(role.patterns());
                trusted["terminating"] = json!(true);
                trusted
            })
            .collect();
        let keys = Role::ALL.iter().flat_map(|role| &self.keys[role.word()]);
        let delegations = json!({"keys": table(keys), "roles": roles});
        self.body("targets", version, &[("targets", json!({})), ("delegations", delegations)])
    }

    /// The body signed by all the role's keys.
    pub(super) fn signed(&self, body: &Value, role: &str) -> Value {
        signed_by(body, &self.keys[role].iter().collect::<Vec<_>>())
    }

    pub(super) fn write(&self, name: &str, value: &Value) {
        let path = self.metadata(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value.to_string()).unwrap();
    }

    pub(super) fn body(&self, role: &str, version: u64, parts: &[(&str, Value)]) -> Value {
        let mut body =
            json!({"_type": role, "spec_version": "1.0.31", "version": version, "expires": self.end(role)});
        for (name, part) in parts {
            body[*name] = part.clone();
        }
        body
    }

    fn end(&self, role: &str) -> String {
        self.ends.get(role).cloned().unwrap_or_else(|| END.to_owned())
    }

    fn next(&mut self, role: &str) -> u64 {
        let version = self.versions.entry(role.to_owned()).or_default();
        *version += 1;
        *version
    }

    fn meta(&self, version: u64, name: &str) -> Value {
        let bytes = fs::read(self.metadata(name)).unwrap();
        json!({"version": version, "length": bytes.len(), "hashes": {"sha256": hex_digest(&bytes)}})
    }

    fn trusted(&self, role: &str) -> Value {
        let keyids: Vec<String> = self.keys[role].iter().map(key_id).collect();
        json!({"keyids": keyids, "threshold": self.thresholds.get(role).copied().unwrap_or(1)})
    }
}

/// The body with signatures of these keys.
pub(super) fn signed_by(body: &Value, keys: &[&Ed25519KeyPair]) -> Value {
    // serde_json keeps the keys of objects in order and writes no space: for plain text this is the canonical form.
    let bytes = body.to_string();
    let signatures: Vec<Value> = keys
        .iter()
        .map(|key| json!({"keyid": key_id(key), "sig": hex(key.sign(bytes.as_bytes()).as_ref())}))
        .collect();
    json!({"signed": body, "signatures": signatures})
}

pub(super) fn hex_digest(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

fn table<'a>(keys: impl Iterator<Item = &'a Ed25519KeyPair>) -> Value {
    Value::Object(keys.map(|key| (key_id(key), key_form(key))).collect())
}

fn key_form(key: &Ed25519KeyPair) -> Value {
    json!({"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": hex(key.public_key().as_ref())}})
}

fn key_id(key: &Ed25519KeyPair) -> String {
    hex_digest(key_form(key).to_string().as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Copies a folder with all that is in it.
pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
