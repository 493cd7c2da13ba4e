//! A school's view in a folder, with every target it names: carried on a stick, it is the same repository.
//!
//! ```text
//! DIR/preau/metadata/<UAI>/timestamp.json …
//! DIR/preau/targets/…
//! DIR/preau/content-chunks/…            the pieces that the lists of the role `content` name
//! ```

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use futures_util::StreamExt as _;
use preau::{
    model::Uai,
    protocol::{chunks, content::chunk_path, names::metadata_dir},
    system::files::Draft,
};
use tough::schema::{Metafile, Role as _, Signed, Snapshot, Targets, Timestamp};

use super::{Channel, metadata, objects::target_object};

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The version of the view.
    pub version: u64,
    /// How many targets it names.
    pub targets: usize,
    /// How many bytes all files have.
    pub bytes: u64,
}

impl Channel {
    /// Writes the view of `school`, as it is published, and every target it names below `dir/preau`. What lies there already,
    /// of this view or another school's, stays and is not written twice; the timestamp is written last.
    ///
    /// # Errors
    /// When the school has no published view, when something it names is missing or damaged in the repository, or when the
    /// folder cannot be written.
    pub async fn export(&self, school: &Uai, dir: &Path) -> anyhow::Result<Exported> {
        let export = Export { channel: self, metadata: metadata_dir(school), base: dir.join("preau") };
        let timestamp_bytes = export.read("timestamp.json").await?;
        let timestamp: Signed<Timestamp> = parse(&timestamp_bytes)?;
        let described =
            timestamp.signed.meta.get("snapshot.json").context("the timestamp names no snapshot")?;
        let snapshot_name = format!("{}.snapshot.json", described.version);
        let mut bytes = export.copy_described(&snapshot_name, described).await?;
        let snapshot: Signed<Snapshot> = parse(&export.read(&snapshot_name).await?)?;
        let mut targets = 0;
        for (name, described) in &snapshot.signed.meta {
            let name = format!("{}.{name}", described.version);
            bytes += export.copy_described(&name, described).await?;
            let role: Signed<Targets> = parse(&export.read(&name).await?)?;
            for (name, target) in &role.signed.targets {
                let object = target_object(name.raw(), &target.hashes.sha256);
                bytes += export.copy_target(&object, &target.hashes.sha256, target.length).await?;
                targets += 1;
                if name.raw().ends_with(".chunks") {
                    bytes += export.copy_chunks(&object).await?;
                }
            }
        }
        for version in 1.. {
            let name = format!("{version}.root.json");
            let Some(root) = export.read_if_there(&name).await? else { break };
            bytes += export.write(&export.in_view(&name), &root)?;
        }
        bytes += export.write(&export.in_view("timestamp.json"), &timestamp_bytes)?;
        Ok(Exported { version: timestamp.signed.version().get(), targets, bytes })
    }
}

/// Where from and where to.
struct Export<'a> {
    channel: &'a Channel,
    metadata: String,
    base: PathBuf,
}

impl Export<'_> {
    fn in_view(&self, name: &str) -> String {
        format!("{}/{name}", self.metadata)
    }

    async fn read_if_there(&self, name: &str) -> anyhow::Result<Option<Bytes>> {
        let read = self.channel.objects.read(&self.in_view(name)).await?;
        Ok(read.map(|(bytes, _)| bytes))
    }

    async fn read(&self, name: &str) -> anyhow::Result<Bytes> {
        let read = self.read_if_there(name).await?;
        read.with_context(|| format!("the school has no published view, or `{name}` is missing in it"))
    }

    async fn copy_described(&self, name: &str, described: &Metafile) -> anyhow::Result<u64> {
        let bytes = self.read(name).await?;
        let whole = described.hashes.as_ref().is_some_and(|h| *h.sha256 == metadata::sha256(&bytes));
        ensure!(whole, "`{name}` is damaged in the repository");
        self.write(&self.in_view(name), &bytes)
    }

    /// Targets may be large: they are copied as a stream and checked while they are.
    async fn copy_target(&self, object: &str, sha256: &[u8], length: u64) -> anyhow::Result<u64> {
        let path = self.base.join(object);
        if fs::metadata(&path).is_ok_and(|there| there.len() == length) {
            return Ok(length);
        }
        let streamed = self.channel.objects.stream(object).await?;
        let mut streamed = streamed.with_context(|| format!("`{object}` is missing in the repository"))?;
        let mut draft = self.draft(&path)?;
        let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        while let Some(piece) = streamed.bytes.next().await {
            let piece = piece?;
            digest.update(&piece);
            draft.write_all(&piece).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        ensure!(digest.finish().as_ref() == sha256, "`{object}` is damaged in the repository");
        draft.publish().with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(length)
    }

    /// The pieces of a package, whose list was copied as `object`. What lies there already is not written twice.
    async fn copy_chunks(&self, object: &str) -> anyhow::Result<u64> {
        let path = self.base.join(object);
        let list = fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let mut bytes = 0;
        for chunk in
            chunks::read(&list).with_context(|| format!("`{object}` is damaged in the repository"))?
        {
            let name = chunk_path(&chunk.sent);
            bytes += u64::from(chunk.sent_length);
            if fs::metadata(self.base.join(&name))
                .is_ok_and(|there| there.len() == u64::from(chunk.sent_length))
            {
                continue;
            }
            let read = self.channel.objects.read(&name).await?;
            let (piece, _) = read.with_context(|| format!("`{name}` is missing in the repository"))?;
            ensure!(blake3::hash(&piece) == chunk.sent, "`{name}` is damaged in the repository");
            self.write(&name, &piece)?;
        }
        Ok(bytes)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<u64> {
        let path = self.base.join(name);
        let mut draft = self.draft(&path)?;
        let written = draft.write_all(bytes).and_then(|()| draft.publish());
        written.with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(u64::try_from(bytes.len())?)
    }

    fn draft(&self, path: &Path) -> anyhow::Result<Draft> {
        let context = || format!("cannot write `{}`", path.display());
        fs::create_dir_all(path.parent().unwrap_or(&self.base)).with_context(context)?;
        Draft::create(path).with_context(context)
    }
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> anyhow::Result<T> {
    serde_json::from_slice(bytes).context("the repository has metadata that cannot be read")
}
