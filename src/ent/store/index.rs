//! The index: one SQLite file, `index-N.sqlite`, in WAL mode.
//!
//! A row of `kept` is one response: key, head, the parts held of its body (`parts.rs`), and the body itself where it has
//! at most 16 KiB (as fast to read as a file, far faster to write: no file made, none synced). `checksum` is the first 16
//! bytes of the BLAKE3 digest of all of these, each led by its length: SQLite does not notice a bit that turned over on
//! the disk, this does, and such a row is dropped. `queue`, `place` and `uses` say when it makes room for others
//! (`eviction.rs`). A row of `run` is one file below `bodies/` and how many rows of `kept` name it.
//!
//! `synchronous` is NORMAL: a power cut can lose the last commits but never tears the file. What is lost so is a response
//! kept in the last seconds, which is fetched again. Forgetting is the exception and is committed with FULL: what a person
//! changed must not come back as it was.
//!
//! Nothing is read at a start but three sums over covering indexes. A file that SQLite finds damaged, whenever it does, is
//! removed and the next one begun, under the next number: whoever still has the old one open must not find the new one's
//! log under the name it knows. The bodies it named are swept away in time.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params};

use super::{
    failure::Failure,
    growing::length_of,
    kept::{BodyId, Digest, Held, Kept, Key},
    parts,
    run::file_bytes,
    seen::Seen,
};
use crate::system::migrations;

const STEPS: [&str; 1] = ["CREATE TABLE kept (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key BLOB NOT NULL CHECK (length(key) = 32),
        head BLOB NOT NULL,
        length INTEGER NOT NULL,
        parts BLOB NOT NULL,
        small BLOB,
        checksum BLOB NOT NULL,
        queue INTEGER NOT NULL CHECK (queue IN (0, 1)),
        place INTEGER NOT NULL,
        uses INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX kept_by_key ON kept (key);
    CREATE INDEX kept_by_place ON kept (queue, place, bytes);
    CREATE TABLE run (
        digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
        length INTEGER NOT NULL,
        holders INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX run_by_length ON run (length);"];

/// How long a statement waits for another connection.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(2);

/// Fingerprints of keys that made room lately: 1 MiB.
const SEEN_SLOTS: usize = 1 << 18;

/// Responses under one key; the oldest beyond make room. More variants of one page than this are a mistake or an attack.
pub(super) const VARIANTS_MAX: u32 = 16;

/// Pages after which what was committed is brought into the file itself, and what those and their shared memory may take
/// on disk. Charged always, so that the tide of it pushes nothing out.
const WAL_PAGES: i64 = 256;
pub(super) const WAL_BYTES: u64 = 1536 * 1024;

/// The sums the store lives by.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Rows of `kept`.
    pub(super) objects: u64,
    /// Bytes charged to the rows of each queue.
    pub(super) queued: [u64; 2],
    /// What the files of runs take.
    pub(super) files: u64,
}

/// The one connection that writes.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) connection: Connection,
    pub(super) tally: Tally,
    pub(super) place_next: i64,
    pub(super) seen: Seen,
}

/// A row as it is read.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: u64,
    pub(super) head: Bytes,
    pub(super) length: u64,
    pub(super) parts: Arc<[Held]>,
    pub(super) small: Option<Bytes>,
}

/// Where the index with that number lies below the store's directory.
pub(super) fn index_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("index-{number}.sqlite"))
}

/// The number of the latest index in the store's directory; 0 where there is none.
pub(super) fn latest(dir: &Path) -> u64 {
    let files = fs::read_dir(dir).into_iter().flatten().flatten();
    let number = |name: &str| name.strip_prefix("index-")?.strip_suffix(".sqlite")?.parse().ok();
    files.filter_map(|file| number(file.file_name().to_str()?)).max().unwrap_or(0)
}

/// Removes the index with that number.
///
/// # Errors
/// When the disk refuses.
pub(super) fn remove(dir: &Path, number: u64) -> io::Result<()> {
    for companion in ["", "-wal", "-shm"] {
        let mut path = index_path(dir, number).into_os_string();
        path.push(companion);
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

impl Index {
    pub(super) fn open(dir: &Path, number: u64) -> Result<Self, Failure> {
        let mut connection = connect(&index_path(dir, number), OpenFlags::SQLITE_OPEN_CREATE, 4096)?;
        // Only has a meaning before the first table: free pages can then be given back.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES)?;
        connection.pragma_update(None, "journal_size_limit", WAL_BYTES)?;
        migrations::migrate(&mut connection, &STEPS)?;
        let tally = tally(&connection)?;
        let place: Option<i64> = connection.query_row(
            "SELECT max((SELECT coalesce(max(place), 0) FROM kept WHERE queue = 0),
                (SELECT coalesce(max(place), 0) FROM kept WHERE queue = 1))",
            [],
            |row| row.get(0),
        )?;
        Ok(Self {
            connection,
            tally,
            place_next: place.unwrap_or(0).saturating_add(1),
            seen: Seen::new(SEEN_SLOTS),
        })
    }

    /// What the store takes on disk.
    pub(super) fn used(&self) -> Result<u64, Failure> {
        let pragma = |name| self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let pages = pragma("page_count")?.saturating_sub(pragma("freelist_count")?);
        let index = u64::try_from(pages.saturating_mul(pragma("page_size")?)).unwrap_or(0);
        Ok(self.tally.files.saturating_add(index).saturating_add(WAL_BYTES))
    }

    /// Gives back free pages of the file where they are more than an eighth of it.
    pub(super) fn shrink(&self) -> Result<(), Failure> {
        let pragma = |name| self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        if pragma("freelist_count")?.saturating_mul(8) > pragma("page_count")? {
            // At most 4 MiB at a time, so that nobody waits long behind it.
            let mut vacuum = self.connection.prepare_cached("PRAGMA incremental_vacuum(1024)")?;
            let mut rows = vacuum.query([])?;
            while rows.next()?.is_some() {}
        }
        Ok(())
    }

    /// Whether a file of that name belongs here.
    pub(super) fn names(&self, run: Digest) -> Result<bool, Failure> {
        let mut known = self.connection.prepare_cached("SELECT 1 FROM run WHERE digest = ?1")?;
        Ok(known.exists([run.0])?)
    }
}

/// A connection that reads beside the one that writes.
pub(super) fn reader(dir: &Path, number: u64) -> rusqlite::Result<Connection> {
    let connection = connect(&index_path(dir, number), OpenFlags::empty(), 512)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Opens the file with so many KiB of its pages in memory at most.
fn connect(path: &Path, flags: OpenFlags, cache_kibibytes: i64) -> rusqlite::Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_WAIT_MAX)?;
    connection.pragma_update(None, "cache_size", -cache_kibibytes)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

fn tally(connection: &Connection) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    let mut sums = connection.prepare("SELECT queue, count(*), sum(bytes) FROM kept GROUP BY queue")?;
    let mut rows = sums.query([])?;
    while let Some(row) = rows.next()? {
        let queue: usize = row.get(0)?;
        tally.objects = tally.objects.saturating_add(row.get(1)?);
        if let Some(queued) = tally.queued.get_mut(queue) {
            *queued = row.get(2)?;
        }
    }
    let mut files = connection.prepare("SELECT length, count(*) FROM run GROUP BY length")?;
    let mut rows = files.query([])?;
    while let Some(row) = rows.next()? {
        let (length, count): (u64, u64) = (row.get(0)?, row.get(1)?);
        tally.files = tally.files.saturating_add(file_bytes(length).saturating_mul(count));
    }
    Ok(tally)
}

/// The rows under `key`, newest first, and the ids of those found damaged.
pub(super) fn find(connection: &Connection, key: &Key) -> Result<(Vec<Found>, Vec<u64>), Failure> {
    let mut query = connection.prepare_cached(
        "SELECT id, key, head, length, parts, small, checksum FROM kept WHERE key = ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let mut rows = query.query(params![key.0, VARIANTS_MAX])?;
    let (mut found, mut damaged) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        match read_row(row, key)? {
            Some(one) => found.push(one),
            None => damaged.push(row.get(0)?),
        }
    }
    Ok((found, damaged))
}

/// The row `id` under `key`, if it is there and whole.
pub(super) fn find_one(connection: &Connection, key: &Key, id: u64) -> Result<Option<Found>, Failure> {
    let mut query = connection.prepare_cached(
        "SELECT id, key, head, length, parts, small, checksum FROM kept WHERE id = ?1 AND key = ?2",
    )?;
    Ok(query.query_row(params![id, key.0], |row| read_row(row, key)).optional()?.flatten())
}

/// The ids under `key` but `except`, newest first.
pub(super) fn ids(connection: &Connection, key: &Key, except: u64) -> Result<Vec<u64>, Failure> {
    let mut query =
        connection.prepare_cached("SELECT id FROM kept WHERE key = ?1 AND id <> ?2 ORDER BY id DESC")?;
    let ids = query.query_map(params![key.0, except], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// None where the row is not what was written.
fn read_row(row: &Row<'_>, key: &Key) -> rusqlite::Result<Option<Found>> {
    let found_key: Vec<u8> = row.get(1)?;
    let head: Vec<u8> = row.get(2)?;
    let Ok(length) = row.get(3) else { return Ok(None) };
    let encoded: Vec<u8> = row.get(4)?;
    let small: Option<Vec<u8>> = row.get(5)?;
    let checksum: Vec<u8> = row.get(6)?;
    if found_key != key.0 || checksum != self::checksum(key, &head, length, &encoded, small.as_deref()) {
        return Ok(None);
    }
    let Some(parts) = parts::decode(&encoded, length) else { return Ok(None) };
    let small = small.map(Bytes::from);
    Ok(Some(Found { id: row.get(0)?, head: Bytes::from(head), length, parts: parts.into(), small }))
}

/// What tells a row from a damaged one.
pub(super) fn checksum(key: &Key, head: &[u8], length: u64, parts: &[u8], small: Option<&[u8]>) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&key.0).update(&length.to_le_bytes());
    for field in [head, parts, small.unwrap_or_default()] {
        hasher.update(&length_of(field).to_le_bytes()).update(field);
    }
    hasher.update(&[u8::from(small.is_some())]);
    let mut first = [0; 16];
    hasher.finalize_xof().fill(&mut first);
    first
}

impl Found {
    /// The response, with all of its body where that is at hand.
    pub(super) fn kept(self, key: &Key, at_hand: Option<Bytes>) -> Kept {
        let Self { id, head, length, parts, small } = self;
        let at_hand = small.or(at_hand);
        let parts = match &at_hand {
            Some(bytes) if parts.is_empty() && !bytes.is_empty() => {
                Arc::from([Held { from: 0, length, run: Digest([0; 32]), run_from: 0 }])
            }
            _ => parts,
        };
        Kept::new(id, head, BodyId { key: *key, id, length, parts, at_hand })
    }
}
