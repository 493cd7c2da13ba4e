//! One package on its way: the pieces in their order, each taken from the version before where it is the same, and fetched
//! where it is not.
//!
//! The pieces are written one after the other, so the length of what came says where to go on after a cut. A power cut can
//! leave a tail that was never written: what lies there is therefore read again and held to its digests, and the first piece
//! that is not right ends it.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    os::unix::fs::FileExt as _,
    path::Path,
    sync::Arc,
};

use anyhow::{Context as _, ensure};
use blake3::{Hash, Hasher};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::{sync::watch, task::spawn_blocking};

use super::{
    shelf::{self, Held},
    supply::Supply,
};
use crate::{
    protocol::{
        chunks::{self, Chunk, LIST_BYTES_MAX},
        content::Package,
    },
    system::{disk, files},
};

/// Pieces that are asked for at once: on a line with a long way, one at a time would leave it idle.
const AT_ONCE: usize = 4;

/// What packages leave free on the disk, in bytes: the journal's room for weeks.
pub(super) const FREE_BYTES_MIN: u64 = 256 << 20;

/// How often the room is looked at, in bytes written.
const LOOK_EVERY_BYTES: u64 = 8 << 20;

/// What a transfer took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Brought {
    /// Bytes that were fetched, as they were sent.
    pub(super) fetched_bytes: u64,
    /// Bytes of the package that were here already, in the version before.
    pub(super) reused_bytes: u64,
}

/// Brings `package` below `dir`, so that it can be put on the shelf; `before` is the version that is here. Tells `progress`
/// how many bytes of it are here. Dropping the future keeps what came.
pub(super) async fn bring(
    dir: &Path,
    package: &Package,
    before: Option<Arc<Held>>,
    supply: &Supply,
    progress: &watch::Sender<u64>,
) -> anyhow::Result<Brought> {
    let list_path = (supply.fetch_list)(package.chunks.clone()).await?;
    let (room, wanted) = (shelf::arriving_dir(dir).join(shelf::dir_of(package)), package.clone());
    let begun = spawn_blocking(move || Begun::at(&room, &wanted, &list_path)).await??;
    let Begun { file, list, have, mut hasher } = begun;
    let here = match before {
        Some(before) => spawn_blocking(move || Known::of(&before)).await?.ok().map(Arc::new),
        None => None,
    };
    let file = Arc::new(file);
    let mut length: u64 = list.iter().take(have).map(|chunk| u64::from(chunk.length)).sum();
    progress.send_replace(length);
    let mut brought = Brought::default();
    let wanted: Vec<Chunk> = list.iter().skip(have).copied().collect();
    let pieces = wanted.into_iter().map(|chunk| {
        let (here, fetch) = (here.clone(), Arc::clone(&supply.fetch_chunk));
        async move { piece(chunk, here, &*fetch).await }
    });
    let mut pieces = stream::iter(pieces).buffered(AT_ONCE);
    let mut look_at = length;
    while let Some(taken) = pieces.next().await {
        let Piece { bytes, sent } = taken?;
        if length >= look_at {
            check_room(dir, package.bytes.saturating_sub(length))?;
            look_at = length + LOOK_EVERY_BYTES;
        }
        hasher.update(&bytes);
        let grown = u64::try_from(bytes.len())?;
        match sent {
            Some(sent) => brought.fetched_bytes += sent,
            None => brought.reused_bytes += grown,
        }
        let (file, at) = (Arc::clone(&file), length);
        spawn_blocking(move || file.write_all_at(&bytes, at)).await??;
        length += grown;
        progress.send_replace(length);
    }
    ensure!(
        hasher.finalize().to_hex().as_str() == package.digest,
        "the pieces do not come to the package that was signed for"
    );
    spawn_blocking(move || file.sync_all()).await??;
    Ok(brought)
}

/// Whether `rest` more bytes leave enough free on the disk that holds `dir`.
///
/// # Errors
/// When they do not.
pub(super) fn check_room(dir: &Path, rest: u64) -> anyhow::Result<()> {
    let free = disk::room(dir)?.free_bytes;
    ensure!(
        free >= FREE_BYTES_MIN.saturating_add(rest),
        "{rest} bytes would leave less than {FREE_BYTES_MIN} bytes free on the disk, which has {free}"
    );
    Ok(())
}

/// A transfer that begins or goes on.
struct Begun {
    file: File,
    list: Vec<Chunk>,
    /// How many pieces are here and right.
    have: usize,
    /// Of these pieces.
    hasher: Hasher,
}

impl Begun {
    fn at(room: &Path, package: &Package, list_path: &Path) -> anyhow::Result<Self> {
        let list = read_list(list_path)?;
        let bytes: u64 = list.iter().map(|chunk| u64::from(chunk.length)).sum();
        ensure!(
            bytes == package.bytes,
            "the list of pieces is another package's: {bytes} bytes, not {}",
            package.bytes
        );
        fs::create_dir_all(room).with_context(|| format!("cannot make `{}`", room.display()))?;
        files::replace(&room.join("package.json"), &serde_json::to_vec(package)?)?;
        files::replace(&room.join("chunks"), &chunks::write(&list))?;
        let path = room.join(shelf::content_name(package));
        let context = || format!("cannot write `{}`", path.display());
        let mut file = File::options()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .with_context(context)?;
        let (mut hasher, mut have, mut length) = (Hasher::new(), 0, 0);
        let mut piece = Vec::new();
        for chunk in &list {
            piece.clear();
            (&mut file).take(u64::from(chunk.length)).read_to_end(&mut piece).with_context(context)?;
            if blake3::hash(&piece) != chunk.plain {
                break;
            }
            hasher.update(&piece);
            have += 1;
            length += u64::from(chunk.length);
        }
        file.set_len(length).with_context(context)?;
        file.flush().with_context(context)?;
        Ok(Self { file, list, have, hasher })
    }
}

/// Reads the list of pieces at `path`.
fn read_list(path: &Path) -> anyhow::Result<Vec<Chunk>> {
    let context = || format!("cannot read `{}`", path.display());
    let length = fs::metadata(path).with_context(context)?.len();
    ensure!(
        usize::try_from(length).is_ok_and(|length| length <= LIST_BYTES_MAX),
        "the list of pieces is too long"
    );
    chunks::read(&fs::read(path).with_context(context)?).with_context(context)
}

/// What of a version that is here can be used again: where each of its pieces lies.
struct Known {
    content: File,
    places: HashMap<Hash, u64>,
}

impl Known {
    fn of(held: &Held) -> anyhow::Result<Self> {
        let (mut places, mut at) = (HashMap::new(), 0);
        for chunk in read_list(&held.chunks_path)? {
            places.insert(chunk.plain, at);
            at += u64::from(chunk.length);
        }
        Ok(Self { content: File::open(&held.content_path)?, places })
    }

    /// The piece, where it is here and as it should be.
    fn piece(&self, chunk: &Chunk) -> Option<Bytes> {
        let at = self.places.get(&chunk.plain)?;
        let mut bytes = vec![0; usize::try_from(chunk.length).ok()?];
        self.content.read_exact_at(&mut bytes, *at).ok()?;
        (blake3::hash(&bytes) == chunk.plain).then(|| Bytes::from(bytes))
    }
}

/// A piece that is here.
struct Piece {
    bytes: Bytes,
    /// How many bytes were fetched for it; none where it was here.
    sent: Option<u64>,
}

async fn piece(
    chunk: Chunk,
    here: Option<Arc<Known>>,
    fetch: &(dyn Fn(Chunk) -> futures_util::future::BoxFuture<'static, anyhow::Result<Bytes>> + Send + Sync),
) -> anyhow::Result<Piece> {
    if let Some(here) = here
        && let Some(bytes) = spawn_blocking(move || here.piece(&chunk)).await?
    {
        return Ok(Piece { bytes, sent: None });
    }
    let sent = fetch(chunk).await?;
    let length = u64::try_from(sent.len())?;
    let bytes = spawn_blocking(move || unpack(&chunk, &sent)).await??;
    Ok(Piece { bytes, sent: Some(length) })
}

/// The piece that was sent: proved before it is unpacked, no longer than it was signed for, and proved again.
fn unpack(chunk: &Chunk, sent: &[u8]) -> anyhow::Result<Bytes> {
    ensure!(blake3::hash(sent) == chunk.sent, "a piece is not the one that was signed for");
    let length = usize::try_from(chunk.length)?;
    let bytes = zstd::bulk::decompress(sent, length)
        .map_err(io::Error::other)
        .context("a piece cannot be unpacked")?;
    ensure!(
        bytes.len() == length && blake3::hash(&bytes) == chunk.plain,
        "a piece is not the one that was signed for"
    );
    Ok(Bytes::from(bytes))
}

/// Where a package that is coming lies, for tests that cut it.
#[cfg(test)]
pub(super) fn part_path(dir: &Path, package: &Package) -> std::path::PathBuf {
    shelf::arriving_dir(dir).join(shelf::dir_of(package)).join(shelf::content_name(package))
}
