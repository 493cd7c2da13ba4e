//! Fetching targets: small ones into memory, others into `parts/`, resumed after any cut.
//!
//! ```text
//! parts/<sha256>.part     what came so far: its length says where to go on
//! parts/<sha256>          the whole of it, its digest proved
//! ```
//!
//! Length and digest are known from the view before the first byte comes: nothing beyond the length is read, and a part
//! that comes to another digest is thrown away. A part may be as old as it likes, and come from another source than the
//! rest.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::digest::{Context, SHA256, digest};
use bytes::{Bytes, BytesMut};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::{Mutex, watch},
};

use super::{
    allowance::{Allowance, Waits},
    piece::{Errand, Piece},
    refusal::{Refusal, Why},
    source::Source,
    trust::remove_file,
    view::{View, Wanted, hex},
};
use crate::{
    protocol::{chunks::Chunk, content::chunk_path},
    sync::settings::LARGE_BYTES,
    system::disk,
};

/// What large things leave free on the disk, in bytes: the journal's room for weeks.
const FREE_BYTES_MIN: u64 = 256 << 20;

/// What small things leave free.
const FREE_BYTES_MIN_SMALL: u64 = 8 << 20;

/// How often the room is looked at, in bytes written.
const LOOK_EVERY_BYTES: u64 = 1 << 20;

/// What a source that cuts must have given to be asked again at once.
const PROGRESS_BYTES_MIN: u64 = 64 << 10;

/// How much of a file is hashed at once, in bytes.
const PIECE_BYTES: usize = 256 << 10;

/// Whoever fetches targets. Cloning is cheap; all clones share allowance and turns.
#[derive(Clone)]
pub(super) struct Downloads {
    dir: PathBuf,
    allowance: Arc<Allowance>,
    free_bytes_min: u64,
    /// One large thing at a time, and beside it one small one.
    large: Arc<Mutex<()>>,
    small: Arc<Mutex<()>>,
}

impl Downloads {
    pub(super) fn new(dir: PathBuf, allowance: Allowance) -> Self {
        Self {
            dir,
            allowance: Arc::new(allowance),
            free_bytes_min: FREE_BYTES_MIN,
            large: Arc::default(),
            small: Arc::default(),
        }
    }

    /// What waits for its turn; none where nothing large does.
    pub(super) fn waits(&self) -> watch::Receiver<Option<Waits>> {
        self.allowance.waits()
    }

    /// Leaves so much of the disk free.
    #[cfg(test)]
    pub(super) fn leave_free(&mut self, free_bytes_min: u64) {
        self.free_bytes_min = free_bytes_min;
    }

    /// A small target in memory, at once; at most `bytes_max` long.
    pub(super) async fn read(
        &self,
        sources: &[Source],
        wanted: &Wanted,
        bytes_max: u64,
    ) -> Result<Bytes, Refusal> {
        if wanted.length > bytes_max {
            let sentence = format!("a file of {} bytes is longer than any of its kind", wanted.length);
            return Err(Refusal::new(Why::TooLarge, sentence));
        }
        let _first = self.allowance.first();
        let mut refused = nowhere();
        for source in sources {
            match source.read(&wanted.path(), wanted.length).await {
                Ok(bytes) if digest(&SHA256, &bytes).as_ref() == wanted.sha256 => {
                    if source.is_line() {
                        self.allowance.count(wanted.length);
                    }
                    return Ok(bytes);
                }
                Ok(_) => refused = another(),
                Err(fault) => refused = worse(refused, Refusal::from(fault)),
            }
        }
        Err(refused)
    }

    /// A target as a file, however long it is. Waits for window and budget where it is large. Dropping the future keeps
    /// what came; the next call goes on from there.
    pub(super) async fn fetch(&self, sources: &[Source], wanted: &Wanted) -> Result<PathBuf, Refusal> {
        let large = wanted.length > LARGE_BYTES;
        let _turn = if large { self.large.lock().await } else { self.small.lock().await };
        let _first = (!large).then(|| self.allowance.first());
        let (whole_path, part_path) =
            (self.dir.join(wanted.hex()), self.dir.join(format!("{}.part", wanted.hex())));
        fs::create_dir_all(&self.dir)?;
        if whole_path.exists() {
            if is_whole(&whole_path, wanted).await? {
                return Ok(whole_path);
            }
            remove_file(&whole_path)?;
        }
        let mut refused = nowhere();
        // What costs nothing first.
        let (line, near): (Vec<&Source>, Vec<&Source>) = sources.iter().partition(|source| source.is_line());
        for source in near.into_iter().chain(line) {
            match self.fetch_from(source, wanted, &part_path, &whole_path).await {
                Ok(()) => return Ok(whole_path),
                Err(refusal) if matches!(refusal.why, Why::NoRoom | Why::Disk) => return Err(refusal),
                Err(refusal) => refused = worse(refused, refusal),
            }
        }
        Err(refused)
    }

    /// A piece of a package in memory, when something large may go on; from what costs nothing first.
    pub(super) async fn chunk(&self, sources: &[Source], chunk: &Chunk) -> Result<Bytes, Refusal> {
        let (path, length) = (chunk_path(&chunk.sent), u64::from(chunk.sent_length));
        let mut refused = nowhere();
        let (line, near): (Vec<&Source>, Vec<&Source>) = sources.iter().partition(|source| source.is_line());
        for source in near.into_iter().chain(line) {
            match self.gather(source, &path, length).await {
                Ok(bytes) if blake3::hash(&bytes) == chunk.sent => return Ok(bytes),
                Ok(_) => refused = another(),
                Err(refusal) => refused = worse(refused, refusal),
            }
        }
        Err(refused)
    }

    /// `length` bytes at `path` in memory, as something large.
    async fn gather(&self, source: &Source, path: &str, length: u64) -> Result<Bytes, Refusal> {
        let mut whole = BytesMut::new();
        loop {
            let have = u64::try_from(whole.len()).unwrap_or(u64::MAX);
            if have >= length {
                return Ok(whole.freeze());
            }
            let errand = Errand { path, length, large: true };
            let mut piece = Piece::ask(&self.allowance, source, errand, have).await?;
            if piece.began() != have {
                whole.clear();
            }
            while let Some(bytes) = piece.next().await? {
                whole.extend_from_slice(&bytes);
            }
        }
    }

    /// Forgets what the view names no more.
    pub(super) fn prune(&self, view: &View) -> io::Result<()> {
        if !self.dir.exists() {
            return Ok(());
        }
        let named: HashSet<String> = view.digests().map(|sha256| hex(sha256)).collect();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            let wanted = name.to_str().is_some_and(|name| named.contains(name.trim_end_matches(".part")));
            if !wanted {
                remove_file(&self.dir.join(name))?;
            }
        }
        Ok(())
    }

    async fn fetch_from(
        &self,
        source: &Source,
        wanted: &Wanted,
        part_path: &Path,
        whole_path: &Path,
    ) -> Result<(), Refusal> {
        loop {
            let mut file = open_part(part_path).await?;
            let had = file.metadata().await?.len();
            let filled = self.fill(source, wanted, &mut file).await;
            self.allowance.note();
            filled?;
            file.sync_all().await?;
            drop(file);
            if is_whole(part_path, wanted).await? {
                fs::rename(part_path, whole_path)?;
                return Ok(fs::File::open(&self.dir)?.sync_all()?);
            }
            remove_file(part_path)?;
            if had == 0 {
                return Err(another());
            }
            // Perhaps what lay there was damaged, not what came.
        }
    }

    /// Brings the part to its length.
    async fn fill(&self, source: &Source, wanted: &Wanted, file: &mut File) -> Result<(), Refusal> {
        let mut have = file.metadata().await?.len();
        if have > wanted.length {
            file.set_len(0).await?;
            have = 0;
        }
        let (path, mut began) = (wanted.path(), have);
        let errand = Errand { path: &path, length: wanted.length, large: wanted.length > LARGE_BYTES };
        while have < wanted.length {
            self.check_room(wanted, have)?;
            let mut piece = Piece::ask(&self.allowance, source, errand, have).await?;
            if piece.began() != have {
                file.set_len(0).await?;
                (have, began) = (0, 0);
            }
            let poured = self.pour(wanted, file, &mut piece, &mut have).await;
            file.flush().await?;
            match poured {
                Err(refusal) if refusal.why == Why::Unreachable && have >= began + PROGRESS_BYTES_MIN => {
                    began = have;
                }
                poured => poured?,
            }
        }
        Ok(())
    }

    async fn pour(
        &self,
        wanted: &Wanted,
        file: &mut File,
        piece: &mut Piece<'_>,
        have: &mut u64,
    ) -> Result<(), Refusal> {
        let mut look_at = *have + LOOK_EVERY_BYTES;
        while let Some(bytes) = piece.next().await? {
            file.write_all(&bytes).await?;
            *have += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            if *have >= look_at {
                look_at = *have + LOOK_EVERY_BYTES;
                self.check_room(wanted, *have)?;
            }
        }
        Ok(())
    }

    /// Whether the rest fits without taking what must stay free.
    fn check_room(&self, wanted: &Wanted, have: u64) -> Result<(), Refusal> {
        let small = wanted.length <= LARGE_BYTES;
        let floor = if small { self.free_bytes_min.min(FREE_BYTES_MIN_SMALL) } else { self.free_bytes_min };
        let (rest, free) = (wanted.length.saturating_sub(have), disk::room(&self.dir)?.free_bytes);
        if free < floor.saturating_add(rest) {
            let sentence = format!(
                "{rest} bytes would leave less than {floor} bytes free on the disk, which has {free}"
            );
            return Err(Refusal::new(Why::NoRoom, sentence));
        }
        Ok(())
    }
}

/// Opens a part to go on with it. A fetch that was broken off may have given its last piece to the disk a moment ago: the
/// lock waits until that is written.
async fn open_part(path: &Path) -> io::Result<File> {
    let path = path.to_owned();
    let opened = tokio::task::spawn_blocking(move || {
        let file = fs::File::options().create(true).append(true).open(path)?;
        file.lock()?;
        Ok(file)
    });
    opened.await.map_err(io::Error::other)?.map(File::from_std)
}

/// Whether the file has the length and the digest that were signed for.
async fn is_whole(path: &Path, wanted: &Wanted) -> io::Result<bool> {
    let mut file = File::open(path).await?;
    if file.metadata().await?.len() != wanted.length {
        return Ok(false);
    }
    let (mut context, mut piece) = (Context::new(&SHA256), vec![0; PIECE_BYTES]);
    loop {
        let length = file.read(&mut piece).await?;
        if length == 0 {
            return Ok(context.finish().as_ref() == wanted.sha256);
        }
        context.update(piece.get(..length).unwrap_or_default());
    }
}

fn nowhere() -> Refusal {
    Refusal::new(Why::Unreachable, "there is no source to fetch a file from")
}

fn another() -> Refusal {
    Refusal::new(Why::Digest, "a file of the repository is not the one that was signed for")
}

/// Of two refusals the one that says more: anything rather than that a source was not reached.
pub(super) fn worse(one: Refusal, other: Refusal) -> Refusal {
    if one.why == Why::Unreachable { other } else { one }
}
