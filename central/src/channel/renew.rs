//! What is done with the off-line keys after the ceremony: a key is replaced by another, or what was signed off line is
//! signed again before its term ends.
//!
//! A root N+1 is signed by enough keys of root N and by enough of its own (specification 6.1), so that a box that knows any
//! root of the chain finds its way to the last.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use preau::{model::Moment, system::clock::Clock};
use serde::de::DeserializeOwned;
use tough::schema::{
    RoleType, Root, Signed, Targets,
    decoded::{Decoded, Hex},
};

use super::{
    ceremony::{ROOT_KEYS, SYSTEM_KEYS, TARGETS_KEY, keep_signed},
    keys,
    metadata::{self, ROLE_LASTS, ROOT_LASTS, Signer, Written},
    targets::mark_all_due,
    views,
};
use crate::database::{Database, Write};

/// What was signed, by the names of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// The files; they lie in the off-line folder too.
    pub files: Vec<String>,
}

/// A work with the off-line keys.
#[derive(Debug)]
pub struct Renewal<'a> {
    /// The keys that are on line.
    pub keys_dir: &'a Path,
    /// Where off-line keys were brought back for this; new ones are made in the first.
    pub offline_dirs: &'a [PathBuf],
    /// The time.
    pub clock: &'a Clock,
}

/// What was signed off line, as it stands.
struct Standing {
    root: Signed<Root>,
    targets: Signed<Targets>,
    system: Signed<Targets>,
}

/// What of it is signed again.
#[derive(Default)]
struct Changed {
    root: bool,
    targets: bool,
    system: bool,
}

impl Renewal<'_> {
    /// Replaces the key of that name: `root-1`, `root-2`, `root-3`, `targets`, `system-1`, `system-2`, `system-3`, or a role
    /// whose key is on line. The old key lies beside the new one, its name ending in `.old`.
    ///
    /// # Errors
    /// When too few off-line keys were brought, or something cannot be written: then the old key stands.
    pub async fn rotate(&self, database: &Database, name: &str) -> anyhow::Result<Renewed> {
        let mut write = database.write().await?;
        let mut standing = Standing::read(&mut write).await?;
        let path = self.path(name)?;
        let next_path = path.with_extension("pem.next");
        let old = if path.exists() { Some(keys::read(&path)?) } else { None };
        // Before anything is written: whoever can still sign with the old keys.
        let old_root = self.bring(&ROOT_KEYS)?;
        let new = keys::make(&next_path)?;
        let signed = self.replace(&mut standing, name, old.as_ref(), &new).and_then(|changed| {
            fs_swap(&path, &next_path)?;
            Ok(changed)
        });
        let changed = signed.inspect_err(|_| drop(std::fs::remove_file(&next_path)))?;
        let done = match self.sign(&mut write, standing, &changed, old_root).await {
            Ok(files) => write.commit().await.map(|()| files),
            Err(error) => Err(error),
        };
        match done {
            Ok(files) => self.hand_out(&files),
            Err(error) => {
                fs_swap_back(&path)?;
                Err(error)
            }
        }
    }

    /// Signs `root`, `targets` or `system` again, for another term.
    ///
    /// # Errors
    /// When too few off-line keys were brought.
    pub async fn renew(&self, database: &Database, role: &str) -> anyhow::Result<Renewed> {
        let mut write = database.write().await?;
        let standing = Standing::read(&mut write).await?;
        let changed = match role {
            "root" => Changed { root: true, ..Changed::default() },
            "targets" => Changed { targets: true, ..Changed::default() },
            "system" => Changed { system: true, ..Changed::default() },
            _ => bail!("`{role}` is not signed off line; write `root`, `targets` or `system`"),
        };
        let files = self.sign(&mut write, standing, &changed, self.bring(&ROOT_KEYS)?).await?;
        write.commit().await?;
        self.hand_out(&files)
    }

    /// Puts the public half of `new` where that of `old` was.
    fn replace(
        &self,
        standing: &mut Standing,
        name: &str,
        old: Option<&Signer>,
        new: &Signer,
    ) -> anyhow::Result<Changed> {
        let top = match name {
            "snapshot" => Some(RoleType::Snapshot),
            "timestamp" => Some(RoleType::Timestamp),
            TARGETS_KEY => Some(RoleType::Targets),
            name if ROOT_KEYS.contains(&name) => Some(RoleType::Root),
            _ => None,
        };
        if let Some(role) = top {
            let root = &mut standing.root.signed;
            let keyids = &mut root.roles.get_mut(&role).context("the root lacks a role")?.keyids;
            let others = if role == RoleType::Root { self.bring(&ROOT_KEYS)? } else { Vec::new() };
            let gone = exchange(keyids, old, new, &others)?;
            root.keys.remove(&gone);
            root.keys.insert(new.id().clone(), new.key().clone());
            return Ok(Changed { root: true, targets: role == RoleType::Targets, system: false });
        }
        let is_system = SYSTEM_KEYS.contains(&name);
        let role = if is_system { "system" } else { name };
        let delegations = standing.targets.signed.delegations.as_mut().context("no delegations")?;
        let delegated = delegations.roles.iter_mut().find(|delegated| delegated.name == role);
        let delegated = delegated.with_context(|| format!("there is no key `{name}`"))?;
        let others = if is_system { self.bring(&SYSTEM_KEYS)? } else { Vec::new() };
        let gone = exchange(&mut delegated.keyids, old, new, &others)?;
        delegations.keys.remove(&gone);
        delegations.keys.insert(new.id().clone(), new.key().clone());
        Ok(Changed { root: false, targets: true, system: is_system })
    }

    /// Signs what changed, each with its next version, and keeps it.
    async fn sign(
        &self,
        write: &mut Write,
        standing: Standing,
        changed: &Changed,
        old_root: Vec<Signer>,
    ) -> anyhow::Result<Vec<Written>> {
        let now = self.clock.now();
        let mut written = Vec::new();
        if changed.root {
            let root = self.sign_root(standing.root, old_root, now)?;
            let sql = "INSERT INTO channel_root (version, signed) VALUES ($1, $2)";
            write.execute(sql, &[root.version.into(), root.bytes.as_slice().into()]).await?;
            written.push(root);
        }
        let roles =
            [(changed.targets, "targets", standing.targets), (changed.system, "system", standing.system)];
        for (_, role, mut signed) in roles.into_iter().filter(|(changed, ..)| *changed) {
            let names = if role == "targets" { &[TARGETS_KEY][..] } else { &SYSTEM_KEYS };
            let number = i64::try_from(signed.signed.version.get())? + 1;
            signed.signed.version = metadata::version(number)?;
            signed.signed.expires = metadata::expiry(now, ROLE_LASTS)?;
            let signers = self.bring(names)?;
            let bytes = metadata::sign(&signed.signed, &signers.iter().collect::<Vec<_>>())?;
            let file = Written { role: role.to_owned(), version: number, bytes };
            keep_signed(write, &file, now).await?;
            written.push(file);
        }
        verify(write).await?;
        mark_all_due(write).await?;
        Ok(written)
    }

    /// Lays what was signed beside the keys, for the drawer. It is in force by then.
    fn hand_out(&self, files: &[Written]) -> anyhow::Result<Renewed> {
        for file in files {
            keys::write_new(&self.first_dir()?.join(file.name()), &file.bytes, 0o644)?;
        }
        Ok(Renewed { files: files.iter().map(Written::name).collect() })
    }

    /// Where the key of that name is, or would be.
    fn path(&self, name: &str) -> anyhow::Result<PathBuf> {
        if keys::ON_LINE.contains(&name) {
            return Ok(keys::path(self.keys_dir, name));
        }
        let there = self.offline_dirs.iter().map(|dir| keys::path(dir, name)).find(|path| path.exists());
        there.map_or_else(|| self.first_dir().map(|dir| keys::path(dir, name)), Ok)
    }

    fn sign_root(&self, root: Signed<Root>, old: Vec<Signer>, now: Moment) -> anyhow::Result<Written> {
        let mut next = root.signed;
        let number = i64::try_from(next.version.get())? + 1;
        next.version = metadata::version(number)?;
        next.expires = metadata::expiry(now, ROOT_LASTS)?;
        let mut signers = self.bring(&ROOT_KEYS)?;
        for signer in old {
            if !signers.iter().any(|known| known.id() == signer.id()) {
                signers.push(signer);
            }
        }
        let bytes = metadata::sign(&next, &signers.iter().collect::<Vec<_>>())?;
        Ok(Written { role: "root".to_owned(), version: number, bytes })
    }

    /// Those of the off-line keys that were brought.
    fn bring(&self, names: &[&str]) -> anyhow::Result<Vec<Signer>> {
        keys::brought(self.offline_dirs, names)
    }

    fn first_dir(&self) -> anyhow::Result<&Path> {
        self.offline_dirs.first().map(PathBuf::as_path).context("no folder of off-line keys was given")
    }
}

impl Standing {
    async fn read(write: &mut Write) -> anyhow::Result<Self> {
        let roots = views::roots(write).await?;
        let root = roots.last().context("there is no root of trust; run `preau-central init` first")?;
        let targets = views::signed_off_line(write, "targets").await?;
        let system = views::signed_off_line(write, "system").await?;
        Ok(Self { root: read(root)?, targets: read(&targets)?, system: read(&system)? })
    }
}

/// Sees to it that the last root, the delegations and the system's targets are what a box accepts.
pub(super) async fn verify(write: &mut Write) -> anyhow::Result<()> {
    let few = "too few of the off-line keys were brought";
    let roots = views::roots(write).await?;
    for pair in roots.windows(2) {
        let [before, after] = pair else { continue };
        let (before, after): (Signed<Root>, Signed<Root>) = (read(before)?, read(after)?);
        before.signed.verify_role(&after).context(few)?;
        after.signed.verify_role(&after).context(few)?;
    }
    let Standing { root, targets, system } = Standing::read(write).await?;
    root.signed.verify_role(&targets).context(few)?;
    let delegations = targets.signed.delegations.as_ref().context("no delegations")?;
    delegations.verify_role(&system, "system").context(few)
}

/// Puts the new key's name in place of the old one's, and says which went.
fn exchange(
    keyids: &mut [Decoded<Hex>],
    old: Option<&Signer>,
    new: &Signer,
    others: &[Signer],
) -> anyhow::Result<Decoded<Hex>> {
    let is_gone = |id: &Decoded<Hex>| match old {
        Some(old) => id == old.id(),
        // The key is lost: it is the one that nobody else has.
        None => !others.iter().any(|other| other.id() == id),
    };
    let gone = keyids.iter().enumerate().filter(|(_, id)| is_gone(id)).map(|(place, _)| place);
    let gone = gone.collect::<Vec<_>>();
    ensure!(gone.len() == 1, "it cannot be told which key is replaced: bring all others of its role");
    match gone.first().and_then(|place| keyids.get_mut(*place)) {
        Some(id) => Ok(std::mem::replace(id, new.id().clone())),
        None => bail!("the role has no such key"),
    }
}

pub(super) fn read<T: DeserializeOwned>(file: &Written) -> anyhow::Result<Signed<T>> {
    serde_json::from_slice(&file.bytes).with_context(|| format!("cannot read `{}`", file.name()))
}

fn fs_swap(path: &Path, next_path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        std::fs::rename(path, path.with_extension("pem.old")).context("cannot put the old key aside")?;
    }
    std::fs::rename(next_path, path).context("cannot put the new key into place")
}

fn fs_swap_back(path: &Path) -> anyhow::Result<()> {
    let old_path = path.with_extension("pem.old");
    if old_path.exists() {
        return std::fs::rename(old_path, path).context("cannot put the old key back");
    }
    std::fs::remove_file(path).context("cannot take the new key away")
}
