//! The key ceremony: every key is made once, on the day the académie's central is, and the ones that matter most go into
//! drawers.

use std::{collections::HashMap, path::Path};

use anyhow::{Context as _, ensure};
use preau::{model::Moment, protocol::names::Role, system::clock::Clock};
use tough::schema::{
    DelegatedRole, Delegations, PathPattern, PathSet, RoleType, Root, Targets,
    decoded::{Encode as _, Hex},
};

use super::{
    keys::{self, OnLine},
    metadata::{self, ROLE_LASTS, ROOT_LASTS, SPEC_VERSION, Signer, Written},
    targets::{EVERYONE, SHARED, add_role},
};
use crate::database::{Database, Write};

/// Keys of the root, two of which must sign.
pub(super) const ROOT_KEYS: [&str; 3] = ["root-1", "root-2", "root-3"];
pub(super) const ROOT_THRESHOLD: u64 = 2;

/// The key of the delegations.
pub(super) const TARGETS_KEY: &str = "targets";

/// Keys of the box's system, two of which must sign.
pub(super) const SYSTEM_KEYS: [&str; 3] = ["system-1", "system-2", "system-3"];
pub(super) const SYSTEM_THRESHOLD: u64 = 2;

/// What the ceremony came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Founded {
    /// SHA-256 of the first root, in hexadecimal: what is compared where a root is carried by hand.
    pub root_digest: String,
}

/// Whether the database has a root of trust.
///
/// # Errors
/// When it cannot be reached.
pub async fn is_founded(database: &Database) -> anyhow::Result<bool> {
    Ok(!database.read("SELECT version FROM channel_root LIMIT 1", &[]).await?.is_empty())
}

/// Makes every key, those on line in `keys_dir` and the others in `offline_dir`, and signs the first root and delegations.
///
/// # Errors
/// When the database has a root, when a key is there, or when something cannot be written. Nothing is overwritten.
pub async fn found(
    database: &Database,
    keys_dir: &Path,
    offline_dir: &Path,
    clock: &Clock,
) -> anyhow::Result<Founded> {
    let now = clock.now();
    let mut write = database.write().await?;
    let there = write.read("SELECT version FROM channel_root LIMIT 1", &[]).await?;
    ensure!(there.is_empty(), "the database has a root of trust; it is made once");
    keys::make_dir(keys_dir)?;
    keys::make_dir(offline_dir)?;
    let names = ROOT_KEYS.iter().chain(&SYSTEM_KEYS).chain([&TARGETS_KEY]).map(|name| (offline_dir, *name));
    for (dir, name) in names.chain(keys::ON_LINE.map(|name| (keys_dir, name))) {
        let path = keys::path(dir, name);
        ensure!(!path.exists(), "`{}` is there; keys are never overwritten", path.display());
    }
    for role in keys::ON_LINE {
        keys::make(&keys::path(keys_dir, role))?;
    }
    let on_line = OnLine::read(keys_dir)?;
    let make = |name: &&str| keys::make(&keys::path(offline_dir, name));
    let root_signers = ROOT_KEYS.iter().map(make).collect::<anyhow::Result<Vec<_>>>()?;
    let system_signers = SYSTEM_KEYS.iter().map(make).collect::<anyhow::Result<Vec<_>>>()?;
    let targets_signer = make(&TARGETS_KEY)?;

    let root = first_root(now, &on_line, &root_signers, &targets_signer)?;
    let root = metadata::sign(&root, &root_signers.iter().collect::<Vec<_>>())?;
    let targets = first_targets(now, &on_line, &system_signers)?;
    let targets = Written {
        role: "targets".to_owned(),
        version: 1,
        bytes: metadata::sign(&targets, &[&targets_signer])?,
    };
    let system = metadata::delegated("system", 1, now, [], &system_signers.iter().collect::<Vec<_>>())?;
    keys::write_new(&offline_dir.join("1.root.json"), &root, 0o644)?;
    for file in [&targets, &system] {
        keys::write_new(&offline_dir.join(file.name()), &file.bytes, 0o644)?;
    }
    keys::write_new(&offline_dir.join("LISEZ-MOI.txt"), README.as_bytes(), 0o644)?;

    let sql = "INSERT INTO channel_root (version, signed) VALUES (1, $1)";
    write.execute(sql, &[root.as_slice().into()]).await?;
    for file in [&targets, &system] {
        keep_signed(&mut write, file, now).await?;
    }
    for role in SHARED {
        add_role(&mut write, EVERYONE, role).await?;
    }
    write.commit().await.context("cannot keep the root of trust")?;
    Ok(Founded { root_digest: Hex::encode(&metadata::sha256(&root)) })
}

/// Keeps a file that was signed off line, in place of the one before.
pub(super) async fn keep_signed(write: &mut Write, file: &Written, now: Moment) -> anyhow::Result<()> {
    let sql = "INSERT INTO channel_role (whose, role, wish, done, version, key, signed_at, signed)
        VALUES ($1, $2, 0, 0, $3, '', $4, $5)
        ON CONFLICT (whose, role) DO UPDATE SET version = excluded.version, signed_at = excluded.signed_at,
            signed = excluded.signed";
    let values = [
        EVERYONE.into(),
        file.role.as_str().into(),
        file.version.into(),
        now.unix_milliseconds().into(),
        file.bytes.as_slice().into(),
    ];
    write.execute(sql, &values).await?;
    Ok(())
}

fn first_root(
    now: Moment,
    on_line: &OnLine,
    root_signers: &[Signer],
    targets_signer: &Signer,
) -> anyhow::Result<Root> {
    let root = root_signers.iter().collect::<Vec<_>>();
    let (snapshot, timestamp) = (on_line.of("snapshot")?, on_line.of("timestamp")?);
    let all = root.iter().copied().chain([targets_signer, snapshot, timestamp]);
    Ok(Root {
        spec_version: SPEC_VERSION.to_owned(),
        consistent_snapshot: true,
        version: metadata::version(1)?,
        expires: metadata::expiry(now, ROOT_LASTS)?,
        keys: all.map(|signer| (signer.id().clone(), signer.key().clone())).collect(),
        roles: HashMap::from([
            (RoleType::Root, metadata::role_keys(&root, ROOT_THRESHOLD)?),
            (RoleType::Targets, metadata::role_keys(&[targets_signer], 1)?),
            (RoleType::Snapshot, metadata::role_keys(&[snapshot], 1)?),
            (RoleType::Timestamp, metadata::role_keys(&[timestamp], 1)?),
        ]),
        _extra: HashMap::new(),
    })
}

fn first_targets(now: Moment, on_line: &OnLine, system_signers: &[Signer]) -> anyhow::Result<Targets> {
    let mut delegations = Delegations::new();
    for role in Role::ALL {
        let (signers, threshold) = match role {
            Role::System => (system_signers.iter().collect::<Vec<_>>(), SYSTEM_THRESHOLD),
            Role::Policy | Role::Lists | Role::Content | Role::Accounts => {
                (vec![on_line.of(role.word())?], 1)
            }
        };
        let patterns = role.patterns().iter().map(|pattern| PathPattern::new(*pattern));
        delegations.keys.extend(signers.iter().map(|signer| (signer.id().clone(), signer.key().clone())));
        let keys = metadata::role_keys(&signers, threshold)?;
        delegations.roles.push(DelegatedRole {
            name: role.word().to_owned(),
            keyids: keys.keyids,
            threshold: keys.threshold,
            paths: PathSet::Paths(patterns.collect::<Result<_, _>>()?),
            terminating: true,
            targets: None,
        });
    }
    let mut targets =
        Targets::new(SPEC_VERSION.to_owned(), metadata::version(1)?, metadata::expiry(now, ROLE_LASTS)?);
    targets.delegations = Some(delegations);
    Ok(targets)
}

/// Goes into the folder that is carried away.
const README: &str = "\
Les clés hors ligne de Préau
============================

Ce dossier ne doit pas rester sur le serveur. Copiez chaque fichier là où il est dit, vérifiez la copie,
puis détruisez ce dossier (shred -u).

root-1.pem, root-2.pem, root-3.pem
    La racine de confiance. Deux clés sur trois suffisent à changer toutes les autres : chacune va sur un support
    à part (clé USB neuve), dans un coffre à part, chez une personne différente. Perdre une clé n'est pas grave :
    il en reste deux ; remplacez-la alors sans attendre. En perdre deux oblige à enrôler de nouveau toutes les boîtes.

targets.pem
    Dit quelles clés signent les règles, les listes, les contenus et les comptes. Un coffre, une copie.

system-1.pem, system-2.pem, system-3.pem
    Signent les images du système des boîtes, deux sur trois. Chez ceux qui font ces images, jamais ensemble.

1.root.json, 1.targets.json, 1.system.json
    Ne sont pas secrets. Gardez-les avec les clés de la racine.

Ces clés servent à nouveau : chaque année pour targets et system (preau-central check avertit), tous les trois ans
pour la racine, et le jour où une clé du serveur est perdue ou volée : preau-central keys rotate.


The off-line keys of Préau
==========================

This folder must not stay on the server. Copy each file to where it belongs, check the copy, then destroy this
folder (shred -u).

root-1.pem, root-2.pem, root-3.pem
    The root of trust. Any two of the three can change every other key: each goes on a medium of its own, into a safe
    of its own, with another person. Losing one is no harm: two are left; replace it soon. Losing two means enrolling
    every box again.

targets.pem
    Says which keys sign rules, lists, contents and accounts. One safe, one copy.

system-1.pem, system-2.pem, system-3.pem
    Sign the images of the boxes' system, two of three. With those who make the images, never together.

1.root.json, 1.targets.json, 1.system.json
    Are no secret. Keep them with the root's keys.
";
