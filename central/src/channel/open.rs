//! The channel as other modules know it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use preau::{model::Uai, protocol::names::Role, system::clock::Clock};

use super::{
    ViewStanding,
    keys::{self, OnLine},
    metadata,
    objects::{Objects, target_object},
    targets::{self, Stored, Whose},
    views,
};
use crate::{
    bucket::Bucket,
    database::{Database, Write},
};

/// Objects that are put into the bucket at the same time.
const PUT_AT_ONCE: usize = 16;

/// The channel. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Channel {
    pub(super) database: Database,
    pub(super) objects: Objects,
    pub(super) keys_dir: PathBuf,
    pub(super) clock: Clock,
    first_root: Bytes,
}

impl Channel {
    /// Opens the channel that was [`found`](super::found)ed.
    ///
    /// # Errors
    /// When it was not, or when the keys in `keys_dir` are not those its root names.
    pub async fn open(
        database: Database,
        bucket: Bucket,
        keys_dir: &Path,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let roots = views::roots(&mut database.write().await?).await?;
        let first = roots.first().context("there is no root of trust; run `preau-central init` first")?;
        let first_root = Bytes::from(first.bytes.clone());
        let keys_dir = keys_dir.to_owned();
        views::check_keys(&mut database.write().await?, &OnLine::read(&keys_dir)?).await?;
        Ok(Self { database, objects: Objects::new(bucket), keys_dir, clock, first_root })
    }

    /// The first root, `1.root.json`: what a box is given when it is enrolled.
    #[must_use]
    pub fn first_root(&self) -> Bytes {
        self.first_root.clone()
    }

    /// A secret for `purpose` that only whoever has the folder of keys can make: the same on every instance, and another one
    /// once the key of `role` was replaced.
    ///
    /// # Errors
    /// When the key is not on line or cannot be read.
    pub fn secret(&self, role: Role, purpose: &str) -> anyhow::Result<[u8; 32]> {
        keys::derived(&self.keys_dir, role.word(), purpose)
    }

    /// Puts a target's bytes into the repository, before anything names them. They stay for thirty days at least, and for
    /// as long as they are placed.
    ///
    /// # Errors
    /// When the bucket or the database cannot take them.
    pub async fn store(&self, name: &str, bytes: Bytes) -> anyhow::Result<Stored> {
        let stored = self.store_all(vec![(name.to_owned(), bytes)]).await?;
        stored.into_iter().next().context("a target was not stored")
    }

    /// The same for many targets, in one writing: what was stored of each, in their order.
    ///
    /// # Errors
    /// When the bucket or the database cannot take them; some may then be stored, and are removed if nothing names them.
    pub async fn store_all(&self, targets: Vec<(String, Bytes)>) -> anyhow::Result<Vec<Stored>> {
        let now = self.clock.now().unix_milliseconds();
        let mut stored = Vec::with_capacity(targets.len());
        // First entered, then put: whoever removes what is not needed holds the database while it does.
        let mut write = self.database.write().await?;
        for (name, bytes) in &targets {
            let digest = metadata::sha256(bytes);
            let sha256: [u8; 32] = digest.as_slice().try_into().context("a digest of another length")?;
            let length = i64::try_from(bytes.len())?;
            let sql = "INSERT INTO channel_stored (name, sha256, length, unneeded) VALUES ($1, $2, $3, $4)
                ON CONFLICT (name, sha256) DO UPDATE SET unneeded =
                    CASE WHEN channel_stored.unneeded IS NULL THEN NULL ELSE excluded.unneeded END";
            let values = [name.as_str().into(), sha256.as_slice().into(), length.into(), now.into()];
            write.execute(sql, &values).await?;
            stored.push(Stored { sha256, length: u64::try_from(length)? });
        }
        write.commit().await?;
        let mut objects = Vec::with_capacity(stored.len());
        for ((name, bytes), stored) in targets.into_iter().zip(&stored) {
            let (objects_of_bucket, object) = (self.objects.clone(), target_object(&name, &stored.sha256));
            objects.push(async move { objects_of_bucket.put_new(&object, bytes).await });
        }
        stream::iter(objects).buffer_unordered(PUT_AT_ONCE).try_collect::<()>().await?;
        Ok(stored)
    }

    /// The bytes of a target, as they were stored.
    ///
    /// # Errors
    /// When the bucket cannot be read, or has other bytes.
    pub async fn read(&self, name: &str, stored: &Stored) -> anyhow::Result<Bytes> {
        let read = self.objects.read(&target_object(name, &stored.sha256)).await?;
        let (bytes, _) = read.with_context(|| format!("the repository has no `{name}`"))?;
        anyhow::ensure!(
            metadata::sha256(&bytes).as_slice() == stored.sha256,
            "`{name}` is damaged in the repository"
        );
        Ok(bytes)
    }

    /// Has the views name `stored` as `name`; what they named so before is replaced. True once `write` is committed.
    ///
    /// A school that has no view gets one.
    ///
    /// # Errors
    /// When the role is not trusted for that name, when the target was not stored, or when the database refuses.
    pub async fn place(
        write: &mut Write,
        whose: Whose<'_>,
        role: Role,
        name: &str,
        stored: &Stored,
    ) -> anyhow::Result<()> {
        targets::place(write, whose, role, name, stored).await
    }

    /// Has the views name `name` no more; one that they do not name is no error.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove(write: &mut Write, whose: Whose<'_>, role: Role, name: &str) -> anyhow::Result<()> {
        targets::remove(write, whose, role, name).await
    }

    /// Gives `school` a view, with what everyone has; one that has a view keeps it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn add_school(write: &mut Write, school: &Uai) -> anyhow::Result<()> {
        targets::add_school(write, school).await
    }

    /// How the view of `school` stands; none where it has none.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn standing(&self, school: &Uai) -> anyhow::Result<Option<ViewStanding>> {
        views::standing(&self.database, school).await
    }

    /// The version of the view that is published: of `school`, or of every school that has one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn published(&self, school: Option<&Uai>) -> anyhow::Result<Vec<(Uai, u64)>> {
        views::published(&self.database, school).await
    }
}
