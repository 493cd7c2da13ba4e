//! What a technician does with packages: adds, approves, removes.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use preau::{
    protocol::{
        chunks,
        content::{Approval, CATALOGUE, Kind, Package, chunk_list},
        names::Role,
    },
    system::clock::Clock,
};
use tokio::task::spawn_blocking;

use super::{
    archive,
    cut::cut,
    known::{Known, all, all_in, catalogue_of},
};
use crate::{
    audit::{self, Who},
    bucket::Bucket,
    channel::{Channel, Whose},
    database::{Database, Value, Write},
};

/// The longest catalogue, in bytes: what a box reads of an index.
const CATALOGUE_BYTES_MAX: usize = 1 << 20;

/// What an archive of openZIM begins with.
const ZIM_MAGIC: &[u8; 4] = b"ZIM\x04";

/// The packages. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Content {
    database: Database,
    bucket: Bucket,
    channel: Channel,
    work_dir: PathBuf,
    clock: Clock,
}

/// What a technician says of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What it is called in addresses.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// What is in it.
    pub description: String,
    /// School subjects.
    pub subjects: Vec<String>,
    /// Cycles of schooling, 1 to 4.
    pub cycles: Vec<u8>,
    /// What it is; a site is given as an archive, `.tar.zst`.
    pub kind: Kind,
    /// Under what terms it may be read.
    pub licence: String,
}

impl Content {
    /// Packages that are made in `work_dir`.
    #[must_use]
    pub fn new(
        database: Database,
        bucket: Bucket,
        channel: Channel,
        work_dir: PathBuf,
        clock: Clock,
    ) -> Self {
        Self { database, bucket, channel, work_dir, clock }
    }

    /// Takes the file at `path` as the next version of a package. It is offered to no school before it is approved.
    ///
    /// # Errors
    /// When it is not what the draft says, or something cannot be read or written: then nothing is entered.
    pub async fn add(&self, path: &Path, draft: Draft, who: &Who) -> anyhow::Result<Known> {
        let known = all(&self.database).await?;
        let before = known.iter().rev().find(|known| known.package.id == draft.id);
        let version = before.map_or(1, |before| before.package.version + 1);
        let kind = draft.kind.clone();
        let mut package = draft.package(version);
        if let Some(fault) = package.fault() {
            anyhow::bail!("the package `{}` cannot be offered: {fault}", package.id);
        }
        let made = self.made_of(path, &kind).await?;
        let cut = cut(made.as_deref().unwrap_or(path), &self.bucket).await;
        if let Some(made) = made {
            // It only takes room, and the next one takes its name.
            let _ = fs::remove_file(made);
        }
        let cut = cut?;
        ensure!(cut.bytes > 0, "`{}` is empty", path.display());
        (package.bytes, package.digest) = (cut.bytes, cut.digest.to_hex().to_string());
        let list = Bytes::from(chunks::write(&cut.chunks));
        let stored = self.channel.store(&package.chunks, list).await?;
        let known = Known { package, at: self.clock.now(), chunks: stored, removed: None };
        let mut write = self.database.write().await?;
        enter(&mut write, &known).await?;
        let Known { package, at, chunks, .. } = &known;
        Channel::place(&mut write, Whose::Everyone, Role::Content, &package.chunks, chunks).await?;
        let text = format!("package {} version {}, {} bytes", package.id, package.version, package.bytes);
        audit::note(&mut write, *at, who, "content", None, &text).await?;
        write.commit().await?;
        Ok(known)
    }

    /// Offers the latest version of a package to every school: the committee found it fit. Where `seen` is the version that
    /// was looked at, none that came after it is approved in its place.
    ///
    /// # Errors
    /// When there is no such package, or something cannot be written.
    pub async fn approve(
        &self,
        id: &str,
        seen: Option<u64>,
        approval: Approval,
        who: &Who,
    ) -> anyhow::Result<Known> {
        ensure!(!approval.by.trim().is_empty(), "an approval names who gave it");
        let _day: jiff::civil::Date = approval
            .date
            .parse()
            .with_context(|| format!("`{}` is no day such as `2026-11-20`", approval.date))?;
        let text = format!("package {id} approved by {} on {}", approval.by, approval.date);
        let latest = self.change(who, &text, |known| {
            let latest =
                known.iter_mut().rev().find(|known| known.package.id == id && known.removed.is_none());
            let latest = latest.with_context(|| format!("there is no package `{id}`"))?;
            let version = latest.package.version;
            ensure!(
                seen.is_none_or(|seen| seen == version),
                "package {id} is at version {version} meanwhile"
            );
            latest.package.approved = Some(approval);
            Ok(vec![latest.clone()])
        });
        latest.await?.pop().context("one was approved")
    }

    /// Takes a package away from every school, all its versions.
    ///
    /// # Errors
    /// When there is no such package, or something cannot be written.
    pub async fn remove(&self, id: &str, who: &Who) -> anyhow::Result<()> {
        let now = self.clock.now();
        let text = format!("package {id} removed");
        let removed = self.change(who, &text, |known| {
            let versions = known.iter_mut().filter(|known| known.package.id == id && known.removed.is_none());
            let versions: Vec<_> = versions
                .map(|known| {
                    known.removed = Some(now);
                    known.clone()
                })
                .collect();
            ensure!(!versions.is_empty(), "there is no package `{id}`");
            Ok(versions)
        });
        removed.await.map(drop)
    }

    /// Changes what is known and publishes the catalogue that comes of it; what `change` returns is what it changed.
    async fn change(
        &self,
        who: &Who,
        text: &str,
        change: impl FnOnce(&mut Vec<Known>) -> anyhow::Result<Vec<Known>>,
    ) -> anyhow::Result<Vec<Known>> {
        let before = all(&self.database).await?;
        let mut known = before.clone();
        let changed = change(&mut known)?;
        let catalogue = serde_json::to_vec(&catalogue_of(&known))?;
        ensure!(
            catalogue.len() <= CATALOGUE_BYTES_MAX,
            "the catalogue would be too long for boxes; remove some packages"
        );
        let catalogue = self.channel.store(CATALOGUE, Bytes::from(catalogue)).await?;
        let mut write = self.database.write().await?;
        ensure!(
            all_in(&mut write).await? == before,
            "somebody else changed the packages meanwhile; try again"
        );
        for known in &changed {
            let sql = "UPDATE content_package SET package = $1, removed = $2 WHERE id = $3 AND version = $4";
            let values: [Value; 4] = [
                serde_json::to_string(&known.package)?.as_str().into(),
                known.removed.map(|at| at.unix_milliseconds()).into(),
                known.package.id.as_str().into(),
                i64::try_from(known.package.version)?.into(),
            ];
            write.execute(sql, &values).await?;
            if known.removed.is_some() {
                Channel::remove(&mut write, Whose::Everyone, Role::Content, &known.package.chunks).await?;
            }
        }
        Channel::place(&mut write, Whose::Everyone, Role::Content, CATALOGUE, &catalogue).await?;
        audit::note(&mut write, self.clock.now(), who, "content", None, text).await?;
        write.commit().await?;
        Ok(changed)
    }

    /// Holds the file to its kind; a site is made into a package, whose path comes back.
    async fn made_of(&self, path: &Path, kind: &Kind) -> anyhow::Result<Option<PathBuf>> {
        match kind {
            Kind::File { .. } => Ok(None),
            Kind::Zim => {
                let mut magic = [0; 4];
                let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
                read.with_context(|| format!("cannot read `{}`", path.display()))?;
                ensure!(&magic == ZIM_MAGIC, "`{}` is no archive of openZIM", path.display());
                Ok(None)
            }
            Kind::Web => {
                fs::create_dir_all(&self.work_dir)
                    .with_context(|| format!("cannot make `{}`", self.work_dir.display()))?;
                let (archive, made) = (path.to_owned(), self.work_dir.join("site.package"));
                let packed = made.clone();
                spawn_blocking(move || archive::pack(&archive, &packed)).await??;
                Ok(Some(made))
            }
        }
    }
}

impl Draft {
    /// The package of this draft, before anybody knows how long it is.
    fn package(self, version: u64) -> Package {
        let Self { id, title, description, subjects, cycles, kind, licence } = self;
        let (bytes, digest) = (1, blake3::Hash::from_bytes([0; 32]).to_hex().to_string());
        let chunks = chunk_list(&id, version);
        let approved = None;
        Package {
            id,
            version,
            title,
            description,
            subjects,
            cycles,
            kind,
            licence,
            bytes,
            digest,
            chunks,
            approved,
        }
    }
}

async fn enter(write: &mut Write, known: &Known) -> anyhow::Result<()> {
    let sql = "INSERT INTO content_package (id, version, at, package, chunks_sha256, chunks_length, removed)
        VALUES ($1, $2, $3, $4, $5, $6, NULL)";
    let values: [Value; 6] = [
        known.package.id.as_str().into(),
        i64::try_from(known.package.version)?.into(),
        known.at.unix_milliseconds().into(),
        serde_json::to_string(&known.package)?.as_str().into(),
        known.chunks.sha256.as_slice().into(),
        i64::try_from(known.chunks.length)?.into(),
    ];
    write
        .execute(sql, &values)
        .await
        .context("cannot enter the package; was another one added meanwhile?")?;
    Ok(())
}
