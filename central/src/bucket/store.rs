//! The bucket: written once, replaced by whoever saw it last, read whole or as a stream.

use std::{
    fs::{self, File},
    path::{Path as FilePath, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::{
    ClientOptions, Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions,
    PutPayload, RetryConfig, UpdateVersion,
    aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut},
    local::LocalFileSystem,
    path::Path,
};
use rustix::fs::{Access, access};
use tokio::{runtime::Handle, task::spawn_blocking};

use super::{Location, name};

/// How often a request to S3 is tried again; with growing waits, some seconds in all.
const RETRIES_MAX: usize = 5;

/// How long all tries of one request take at most.
const RETRYING_MAX: Duration = Duration::from_secs(30);

/// How long S3 may say nothing, while connecting or in the middle of an answer.
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// The store of the repository. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// What is held while something in a folder is replaced; S3 compares by itself.
    lock_path: Option<PathBuf>,
}

/// What something was when it was read, so that it is replaced only as long as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag(String);

/// Whether something was replaced.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// It is what was asked for.
    Done,
    /// It is not what was read before: read it again. Where the answer of S3 to a first try was lost and a second was made,
    /// what is there may be what was to be written.
    Changed,
}

/// Something's bytes on their way.
pub struct Streamed {
    /// The length of the whole, in bytes, wherever the stream begins.
    pub length: u64,
    /// The bytes from the asked place on; nothing where that is the end or behind it.
    pub bytes: BoxStream<'static, anyhow::Result<Bytes>>,
}

impl Bucket {
    /// Opens the folder, which is made where it is not there, or the bucket, with what the environment says of S3 (`AWS_…`).
    ///
    /// # Errors
    /// When the folder cannot be made, or the environment says something that cannot be. Nothing is asked of S3 yet.
    pub fn open(location: &Location) -> anyhow::Result<Self> {
        Self::open_in(
            location,
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// Says whether what is at `location` can be read and, as far as asking changes nothing, written to: a folder that takes
    /// files, or whose parent would take it; a bucket of S3 that answers.
    ///
    /// # Errors
    /// With what is in the way.
    pub async fn look(location: &Location) -> anyhow::Result<()> {
        match location {
            Location::Folder(dir) => {
                let there = dir.ancestors().find(|dir| dir.exists()).unwrap_or(FilePath::new("."));
                let taken = access(there, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK);
                taken.with_context(|| format!("cannot write to `{}`", there.display()))
            }
            Location::Bucket { .. } => {
                // Nothing has this name; that it is not there is told only by a bucket that is.
                Self::open(location)?.list("metadata/none").await.map(drop)
            }
        }
    }

    /// Opens as [`Bucket::open`] does, with this environment: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, and
    /// `AWS_ENDPOINT_URL` for another S3 than Amazon's, which is then asked with the bucket in the path.
    ///
    /// # Errors
    /// As [`Bucket::open`].
    pub fn open_in(
        location: &Location,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> anyhow::Result<Self> {
        match location {
            Location::Folder(dir) => folder(dir),
            Location::Bucket { bucket, prefix } => {
                let store =
                    s3(bucket, environment).with_context(|| format!("cannot open the bucket `{bucket}`"))?;
                let prefix =
                    if prefix.is_empty() { Path::default() } else { name::place(&Path::default(), prefix)? };
                Ok(Self { store, prefix, lock_path: None })
            }
        }
    }

    /// Writes what never changes again. The same content under the same name is no error.
    ///
    /// # Errors
    /// When there is another content under this name, which stays, or the store refuses.
    pub async fn put_new(&self, name: &str, bytes: Bytes) -> anyhow::Result<()> {
        let place = self.place(name)?;
        match self.put(&place, bytes.clone(), PutMode::Create).await {
            Ok(()) => Ok(()),
            Err(Error::AlreadyExists { .. }) => match self.read(name).await? {
                Some((there, _)) if there == bytes => Ok(()),
                Some(_) => bail!("`{name}` is in the repository with another content"),
                None => bail!("`{name}` was in the repository and is there no more"),
            },
            Err(error) => Err(error).with_context(|| format!("cannot write `{name}` to the repository")),
        }
    }

    /// Replaces what was read with the tag `before`, or writes what was not there.
    ///
    /// # Errors
    /// When the store refuses; what was there stays.
    pub async fn replace(&self, name: &str, bytes: Bytes, before: Option<&Tag>) -> anyhow::Result<Replaced> {
        let place = self.place(name)?;
        let replaced = match &self.lock_path {
            Some(lock_path) => self.replace_in_folder(lock_path, place, bytes, before).await,
            None => self.replace_in_s3(&place, bytes, before).await,
        };
        replaced.with_context(|| format!("cannot replace `{name}` in the repository"))
    }

    /// Reads the whole, with the tag that replaces it.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn read(&self, name: &str) -> anyhow::Result<Option<(Bytes, Tag)>> {
        let place = self.place(name)?;
        let read = match self.store.get(&place).await {
            Ok(found) => {
                let tag = found.meta.e_tag.clone();
                found.bytes().await.map(|bytes| Some((bytes, tag)))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        let Some((bytes, tag)) = read.with_context(|| format!("cannot read `{name}` from the repository"))?
        else {
            return Ok(None);
        };
        let tag = match (&self.lock_path, tag) {
            (Some(_), _) => tag_of(&bytes),
            (None, Some(tag)) => Tag(tag),
            (None, None) => bail!("the store gives no ETag of `{name}`, so it could not be replaced safely"),
        };
        Ok(Some((bytes, tag)))
    }

    /// Reads piece by piece, from byte `from` on.
    ///
    /// # Errors
    /// When the store refuses; later, the stream itself ends with an error where it is cut.
    pub async fn stream(&self, name: &str, from: u64) -> anyhow::Result<Option<Streamed>> {
        let place = self.place(name)?;
        let context = format!("cannot read `{name}` from the repository");
        let options =
            GetOptions { range: (from > 0).then_some(GetRange::Offset(from)), ..GetOptions::default() };
        let refused = match self.store.get_opts(&place, options).await {
            Ok(found) => {
                let length = found.meta.size;
                let bytes = found.into_stream().map(move |piece| piece.context(context.clone())).boxed();
                return Ok(Some(Streamed { length, bytes }));
            }
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => error,
        };
        // A place behind the end is refused in as many words as there are stores; the length tells it.
        match self.store.head(&place).await {
            Ok(there) if from > 0 && from >= there.size => {
                Ok(Some(Streamed { length: there.size, bytes: futures_util::stream::empty().boxed() }))
            }
            _ => Err(refused).context(context),
        }
    }

    /// The names that begin with the steps `prefix` (all where it is empty), in order.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn list(&self, prefix: &str) -> anyhow::Result<Vec<String>> {
        let below =
            if prefix.is_empty() { self.prefix.clone() } else { self.place(prefix.trim_end_matches('/'))? };
        let context = || format!("cannot list `{prefix}` of the repository");
        let found: Vec<_> = self.store.list(Some(&below)).try_collect().await.with_context(context)?;
        let named = |place: &Path| {
            let steps: Vec<_> =
                place.prefix_match(&self.prefix)?.map(|step| step.as_ref().to_owned()).collect();
            steps.iter().all(|step| name::is_step(step)).then(|| steps.join("/"))
        };
        let mut names: Vec<String> = found.iter().filter_map(|there| named(&there.location)).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Removes it; what is not there is no error.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn remove(&self, name: &str) -> anyhow::Result<()> {
        match self.store.delete(&self.place(name)?).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot remove `{name}` from the repository")),
        }
    }

    fn place(&self, name: &str) -> anyhow::Result<Path> {
        name::place(&self.prefix, name)
    }

    async fn put(&self, place: &Path, bytes: Bytes, mode: PutMode) -> Result<(), Error> {
        let options = PutOptions { mode, ..PutOptions::default() };
        self.store.put_opts(place, PutPayload::from_bytes(bytes), options).await.map(drop)
    }

    /// The store answers after comparing (`If-Match`, `If-None-Match`).
    async fn replace_in_s3(
        &self,
        place: &Path,
        bytes: Bytes,
        before: Option<&Tag>,
    ) -> anyhow::Result<Replaced> {
        let mode = before.map_or(PutMode::Create, |Tag(tag)| {
            PutMode::Update(UpdateVersion { e_tag: Some(tag.clone()), version: None })
        });
        match self.put(place, bytes, mode).await {
            Ok(()) => Ok(Replaced::Done),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotFound { .. }) => {
                Ok(Replaced::Changed)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A folder does not compare; whoever replaces something in it, in this process or another, waits for the lock. The work
    /// goes on to its end even where nobody waits for it any more, so that the lock is held as long as it lasts.
    async fn replace_in_folder(
        &self,
        lock_path: &FilePath,
        place: Path,
        bytes: Bytes,
        before: Option<&Tag>,
    ) -> anyhow::Result<Replaced> {
        let (bucket, lock_path, before) = (self.clone(), lock_path.to_owned(), before.cloned());
        let runtime = Handle::current();
        spawn_blocking(move || {
            let lock = File::options().create(true).truncate(false).write(true).open(&lock_path)?;
            lock.lock()?;
            runtime.block_on(async {
                let there = match bucket.store.get(&place).await {
                    Ok(found) => Some(tag_of(&found.bytes().await?)),
                    Err(Error::NotFound { .. }) => None,
                    Err(error) => return Err(error.into()),
                };
                if there != before {
                    return Ok(Replaced::Changed);
                }
                bucket.put(&place, bytes, PutMode::Overwrite).await?;
                Ok(Replaced::Done)
            })
        })
        .await?
    }
}

/// In a folder the content is its own tag: times of files are too coarse to tell two versions of the same moment apart.
fn tag_of(bytes: &[u8]) -> Tag {
    Tag(blake3::hash(bytes).to_hex().to_string())
}

fn folder(dir: &FilePath) -> anyhow::Result<Bucket> {
    let context = || format!("cannot open the repository's folder `{}`", dir.display());
    fs::create_dir_all(dir).with_context(context)?;
    let store = LocalFileSystem::new_with_prefix(dir).with_context(context)?.with_fsync(true);
    Ok(Bucket { store: Arc::new(store), prefix: Path::default(), lock_path: Some(dir.join(".lock")) })
}

fn s3(
    bucket: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> anyhow::Result<Arc<dyn ObjectStore>> {
    let mut builder = AmazonS3Builder::new();
    let mut plain = false;
    for (name, value) in environment.into_iter().filter(|(name, _)| name.starts_with("AWS_")) {
        // Other programs have variables of this family as well.
        let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() else { continue };
        plain |= key == AmazonS3ConfigKey::Endpoint && value.starts_with("http://");
        builder = builder.with_config(key, value);
    }
    let options = ClientOptions::new()
        .with_timeout_disabled()
        .with_connect_timeout(SILENCE_MAX)
        .with_read_timeout(SILENCE_MAX)
        .with_allow_http(plain);
    let retries =
        RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRYING_MAX, ..RetryConfig::default() };
    let store = builder
        .with_bucket_name(bucket)
        .with_client_options(options)
        .with_retry(retries)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .build()?;
    Ok(Arc::new(store))
}
