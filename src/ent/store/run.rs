//! Runs of bytes as files, named by their digest and never written to again.
//!
//! ```text
//! bodies/ab/cdef…      the run with the BLAKE3 digest abcdef… (64 hexadecimal digits, the first two are the directory)
//!   0         length   the bytes
//!   length    32 n     the chaining values of its n blocks of 64 KiB, where there is more than one (`blocks.rs`)
//! drafts/NUMBER        a run being written; what is found there at a start is removed
//! ```
//!
//! The length of the run follows from the file's. A file whose chaining values do not give its name is damaged, whatever
//! its length. A draft is brought to the disk (`fdatasync`) before it is renamed to its digest, and renamed before the index
//! names it. The directory is not asked to be on the disk: a name lost to a power cut is a page fetched again.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;

use super::{
    blocks::{BLOCK_BYTES, BlockHasher, ChainingValue, chaining_values, is_block, root},
    growing::{length_of, read_at},
    kept::{Digest, hex},
};

/// A page of a file system, in which files are counted.
const PAGE_BYTES: u64 = 4096;

/// Where the file of a run lies below the store's directory.
pub(super) fn run_path(dir: &Path, digest: Digest) -> PathBuf {
    let name = hex(&digest.0);
    let (first, rest) = name.split_at(2);
    dir.join("bodies").join(first).join(rest)
}

/// What the file of a run of `length` bytes takes on disk.
pub(super) const fn file_bytes(length: u64) -> u64 {
    length.saturating_add(chaining_values(length) * 32).div_ceil(PAGE_BYTES).saturating_mul(PAGE_BYTES)
}

/// A run being written. Dropped before it is placed, its file is removed.
#[derive(Debug)]
pub(super) struct RunDraft {
    path: PathBuf,
    file: Arc<File>,
    hasher: BlockHasher,
    length: u64,
}

impl RunDraft {
    pub(super) fn create(path: PathBuf) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        Ok(Self { path, file: Arc::new(file), hasher: BlockHasher::new(), length: 0 })
    }

    /// The file, for followers.
    pub(super) fn file(&self) -> &Arc<File> {
        &self.file
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        (&*self.file).write_all(bytes)?;
        self.hasher.update(bytes);
        self.length += length_of(bytes);
        Ok(())
    }

    /// Writes what goes behind the bytes and brings all of it to the disk.
    pub(super) fn finish(mut self) -> io::Result<FinishedRun> {
        let (digest, values) = std::mem::replace(&mut self.hasher, BlockHasher::new()).finish();
        (&*self.file).write_all(values.as_flattened())?;
        self.file.sync_data()?;
        Ok(FinishedRun { digest, length: self.length, draft: self })
    }
}

impl Drop for RunDraft {
    fn drop(&mut self) {
        // Once placed there is no draft to remove.
        let _ = fs::remove_file(&self.path);
    }
}

/// A run on the disk that has no name yet.
#[derive(Debug)]
pub(super) struct FinishedRun {
    pub(super) digest: Digest,
    pub(super) length: u64,
    draft: RunDraft,
}

impl FinishedRun {
    /// Its bytes in pieces, as they are copied into a longer run.
    pub(super) fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        read_at(&self.draft.file, range.start, range.end.saturating_sub(range.start))
    }

    /// Gives it its name below `dir`.
    pub(super) fn place(&self, dir: &Path) -> io::Result<()> {
        let path = run_path(dir, self.digest);
        match fs::rename(&self.draft.path, &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                path.parent().map_or(Ok(()), fs::create_dir_all)?;
                fs::rename(&self.draft.path, &path)
            }
            done => done,
        }
    }
}

/// The open file of a run. It can be read to its end whatever becomes of its name.
#[derive(Debug)]
pub(super) struct OpenRun {
    file: File,
    digest: Digest,
    length: u64,
    values: Vec<ChainingValue>,
}

impl OpenRun {
    /// Opens the run with that digest and checks its chaining values.
    ///
    /// # Errors
    /// When it is not there, or is damaged as far as this looks: `InvalidData`.
    pub(super) fn open(dir: &Path, digest: Digest) -> io::Result<Self> {
        let file = File::open(run_path(dir, digest))?;
        let bytes = file.metadata()?.len();
        // Each block but the last has its 64 KiB and one value; a run of one block has none.
        let blocks = if bytes > BLOCK_BYTES { bytes.div_ceil(BLOCK_BYTES + 32) } else { 0 };
        let length = bytes.saturating_sub(blocks * 32);
        if chaining_values(length) != blocks {
            return Err(damaged());
        }
        let values: Vec<ChainingValue> = read_at(&file, length, blocks * 32)?
            .chunks_exact(32)
            .filter_map(|value| value.try_into().ok())
            .collect();
        if !values.is_empty() && root(&values) != digest {
            return Err(damaged());
        }
        Ok(Self { file, digest, length, values })
    }

    /// Its name.
    pub(super) const fn digest(&self) -> Digest {
        self.digest
    }

    /// Its length in bytes.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// The bytes of `range`, checked block by block.
    ///
    /// # Errors
    /// When the disk fails, or a block it touches is not what was written: `InvalidData`.
    pub(super) fn read(&self, range: &Range<u64>) -> io::Result<Bytes> {
        let end = range.end.min(self.length);
        if range.start >= end {
            return Ok(Bytes::new());
        }
        let first = range.start / BLOCK_BYTES;
        let from = first * BLOCK_BYTES;
        let to = end.div_ceil(BLOCK_BYTES).saturating_mul(BLOCK_BYTES).min(self.length);
        let bytes = read_at(&self.file, from, to - from)?;
        let block_bytes = usize::try_from(BLOCK_BYTES).map_err(io::Error::other)?;
        let first = usize::try_from(first).map_err(io::Error::other)?;
        for (index, block) in bytes.chunks(block_bytes).enumerate() {
            if !is_block(block, first + index, self.digest, &self.values) {
                return Err(damaged());
            }
        }
        let [skip, end] = [range.start - from, end - from].map(usize::try_from);
        Ok(bytes.slice(skip.map_err(io::Error::other)?..end.map_err(io::Error::other)?))
    }

    /// All of it, for short ones.
    pub(super) fn read_all(&self) -> io::Result<Bytes> {
        if self.length == 0 {
            let is_it = is_block(&[], 0, self.digest, &[]);
            return if is_it { Ok(Bytes::new()) } else { Err(damaged()) };
        }
        self.read(&(0..self.length))
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a kept body is damaged")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places a run of `length` bytes and gives its bytes, its digest and its path.
    fn placed(dir: &Path, length: usize) -> (Vec<u8>, Digest, PathBuf) {
        let bytes: Vec<u8> = (0..length).map(|at| u8::try_from(1 + at * 13 % 253).unwrap()).collect();
        let mut draft = RunDraft::create(dir.join("draft")).unwrap();
        bytes.chunks(9000).for_each(|piece| draft.write(piece).unwrap());
        let run = draft.finish().unwrap();
        run.place(dir).unwrap();
        (bytes, run.digest, run_path(dir, run.digest))
    }

    #[test]
    fn a_file_changed_or_cut_anywhere_is_never_read_as_what_it_was_not() {
        let dir = tempfile::tempdir().unwrap();
        for length in [1, 3000, 65_536, 65_537, 140_000] {
            let (bytes, digest, path) = placed(dir.path(), length);
            let read = || OpenRun::open(dir.path(), digest)?.read_all();
            assert_eq!(read().unwrap(), bytes);
            let file = fs::read(&path).unwrap();
            // Every byte of what stands behind the bytes, and one here and there before.
            let places = (0..length).step_by(1 + length / 100).chain(length..file.len());
            for at in places {
                let mut changed = file.clone();
                changed[at] ^= 0x10;
                fs::write(&path, &changed).unwrap();
                assert!(read().is_err(), "byte {at} of {length} changed");
                fs::write(&path, &file[..at]).unwrap();
                assert!(read().is_err(), "{length} cut to {at}");
            }
            fs::write(&path, [&file[..], &[0]].concat()).unwrap();
            assert!(read().is_err(), "{length} with a byte more");
            fs::write(&path, vec![0; file.len()]).unwrap();
            assert!(read().is_err(), "{length} all zero");
        }
    }

    #[test]
    fn a_run_that_is_there_already_is_replaced_and_a_dropped_draft_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (bytes, digest, path) = placed(dir.path(), 100_000);
        fs::write(&path, b"damaged").unwrap();
        placed(dir.path(), 100_000);
        assert_eq!(OpenRun::open(dir.path(), digest).unwrap().read_all().unwrap(), bytes);
        drop(RunDraft::create(dir.path().join("draft")).unwrap());
        assert!(!dir.path().join("draft").exists());
    }
}
