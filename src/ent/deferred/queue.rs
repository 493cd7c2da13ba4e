//! The writes on disk: SQLite in WAL mode with every commit on the disk, mode 0600. What is settled leaves its receipt behind,
//! and neither its body nor what the browser showed.

use std::{
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{Outcome, Receipt, Standing, Told, Write};
use crate::{model::Moment, system::migrations};

/// What brings a file of version n to n + 1. Times are milliseconds since 1970; `standing` is [`Standing::number`]; `fields` is
/// a list of pairs, each part with its length before it (4 bytes, big-endian).
const MIGRATIONS: [&str; 1] = ["CREATE TABLE write (
        number INTEGER PRIMARY KEY,
        receipt TEXT NOT NULL UNIQUE,
        person BLOB NOT NULL CHECK (length(person) = 32),
        origin TEXT NOT NULL,
        method TEXT NOT NULL,
        target TEXT NOT NULL,
        fields BLOB NOT NULL,
        body BLOB NOT NULL,
        taken_at INTEGER NOT NULL,
        standing INTEGER NOT NULL CHECK (standing BETWEEN 0 AND 4),
        settled_at INTEGER,
        status INTEGER,
        CHECK ((standing IN (0, 1)) = (settled_at IS NULL))
    ) STRICT;
    CREATE INDEX write_by_origin ON write (origin, standing, number);
    CREATE INDEX write_by_person ON write (person, number);"];

/// How long a commit waits for somebody who reads the file by hand.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(2);

/// What the queue takes at most.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one body: a scanned piece of homework fits.
    pub body_bytes_max: usize,
    /// Bytes of all bodies that wait: no person fills the disk.
    pub bytes_max: u64,
    /// Writes of one person that wait.
    pub of_person_max: u32,
    /// How long a write waits before it is given up.
    pub wait_max: Duration,
    /// How long a receipt is remembered once its write is settled.
    pub told_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 16 << 20,
            bytes_max: 1 << 30,
            of_person_max: 50,
            wait_max: Duration::from_secs(30 * 86_400),
            told_max: Duration::from_secs(30 * 86_400),
        }
    }
}

/// Why a write is not taken; nothing of it is then kept.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// Its body is longer than [`Limits::body_bytes_max`].
    #[error("the body is too large")]
    TooLarge,
    /// This person has too many that wait already.
    #[error("too many writes of one person wait")]
    TooMany,
    /// There is no room for more.
    #[error("no room for more writes")]
    Full,
    /// The disk or the system refused.
    #[error("cannot keep the write")]
    Failed(#[source] anyhow::Error),
}

/// A person, an origin, and the fields of a write that the origin did not know the person by.
pub type Missed = ([u8; 32], String, Vec<(String, Vec<u8>)>);

/// The writes that wait. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub struct Queue {
    connection: Arc<Mutex<Connection>>,
    limits: Arc<Limits>,
}

impl Queue {
    /// The queue at `path`; made where it is missing.
    ///
    /// # Errors
    /// When the file cannot be made, is damaged, or is of a later version. It holds what people were given receipts for, and is
    /// not begun anew in silence.
    pub fn open(path: &Path, limits: Limits) -> anyhow::Result<Self> {
        let connection = prepared(path).with_context(|| format!("cannot use `{}`", path.display()))?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), limits: Arc::new(limits) })
    }

    /// Takes a write at `at` under `receipt`. It is on disk when this returns.
    ///
    /// # Errors
    /// See [`NotTaken`].
    pub async fn take(&self, receipt: &Receipt, write: Write, at: Moment) -> Result<(), NotTaken> {
        if write.body.len() > self.limits.body_bytes_max {
            return Err(NotTaken::TooLarge);
        }
        let (limits, receipt) = (Arc::clone(&self.limits), receipt.clone());
        let taken = self.with(move |connection| take(connection, &limits, &receipt, &write, at)).await;
        taken.map_err(NotTaken::Failed)?
    }

    /// Bytes that the body of a write may have.
    #[must_use]
    pub fn body_bytes_max(&self) -> usize {
        self.limits.body_bytes_max
    }

    /// The eldest write that may go to `origin`: none where an earlier one of the same person waits for that person.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn next(&self, origin: &str) -> anyhow::Result<Option<(Receipt, Write)>> {
        let origin = origin.to_owned();
        self.with(move |connection| {
            connection
                .query_row(
                    "SELECT receipt, person, origin, method, target, fields, body FROM write AS one
                        WHERE origin = ?1 AND standing = 0 AND NOT EXISTS (
                            SELECT 1 FROM write AS other WHERE other.person = one.person
                                AND other.origin = one.origin AND other.standing = 1 AND other.number < one.number)
                        ORDER BY number LIMIT 1",
                    [origin],
                    waiting,
                )
                .optional()
        })
        .await
    }

    /// Notes what the ENT made of a write.
    ///
    /// # Errors
    /// When the disk refuses: the write then goes once more, with the same key.
    pub async fn settle(&self, receipt: &Receipt, outcome: Outcome, at: Moment) -> anyhow::Result<()> {
        let receipt = receipt.as_str().to_owned();
        self.with(move |connection| {
            let (standing, status) = match outcome {
                Outcome::SignInNeeded => {
                    let to = Standing::SignInNeeded.number();
                    connection.execute(
                        "UPDATE write SET standing = ?2 WHERE receipt = ?1 AND standing = 0",
                        params![receipt, to],
                    )?;
                    return Ok(());
                }
                Outcome::Done(status) => (Standing::Done, status),
                Outcome::Refused(status) => (Standing::Refused, status),
            };
            connection.execute(
                "UPDATE write SET standing = ?2, status = ?3, settled_at = ?4, fields = x'', body = x''
                    WHERE receipt = ?1 AND standing IN (0, 1)",
                params![receipt, standing.number(), status, at.unix_milliseconds()],
            )?;
            // Else what the person wrote stays in the file beside until it is written over. A reader by hand may stop it: the next does it.
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        })
        .await
    }

    /// Gives the writes of `person` that wait for a sign-in at `origin` the `shown` fields in place of their own of the same
    /// names: what the browser showed with a request that the ENT has just answered. Says whether there were any.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn signed_in_again(
        &self,
        person: [u8; 32],
        origin: &str,
        shown: Vec<(String, Vec<u8>)>,
    ) -> anyhow::Result<bool> {
        let origin = origin.to_owned();
        self.with(move |connection| {
            let transaction = connection.transaction()?;
            let waiting: Vec<(i64, Vec<u8>)> = transaction
                .prepare(
                    "SELECT number, fields FROM write WHERE person = ?1 AND origin = ?2 AND standing = 1",
                )?
                .query_map(params![person, origin], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            for (number, fields) in &waiting {
                let mut fields = decoded(fields).unwrap_or_default();
                fields.retain(|(name, _)| !shown.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)));
                fields.extend(shown.iter().cloned());
                transaction.execute(
                    "UPDATE write SET standing = 0, fields = ?2 WHERE number = ?1",
                    params![number, encoded(&fields)],
                )?;
            }
            transaction.commit()?;
            Ok(!waiting.is_empty())
        })
        .await
    }

    /// What `person` is told, the youngest first.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn told(&self, person: [u8; 32]) -> anyhow::Result<Vec<Told>> {
        self.with(move |connection| {
            connection
                .prepare(
                    "SELECT receipt, origin, taken_at, standing, settled_at FROM write
                        WHERE person = ?1 ORDER BY number DESC LIMIT 100",
                )?
                .query_map([person], told)?
                .collect()
        })
        .await
    }

    /// Who must come to which origin again, with the fields that did not do there.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn missed(&self) -> anyhow::Result<Vec<Missed>> {
        self.with(|connection| {
            connection
                .prepare("SELECT person, origin, fields FROM write WHERE standing = 1 ORDER BY number")?
                .query_map([], |row| {
                    let fields: Vec<u8> = row.get(2)?;
                    Ok((row.get(0)?, row.get(1)?, decoded(&fields).unwrap_or_default()))
                })?
                .collect()
        })
        .await
    }

    /// Gives up what has waited too long at `at`, and forgets receipts that are old. Only to be called while the clock is
    /// believed: one boot in 2099 must not take anything away.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn forget_old(&self, at: Moment) -> anyhow::Result<()> {
        let limits = Arc::clone(&self.limits);
        self.with(move |connection| {
            connection.execute(
                "UPDATE write SET standing = 4, settled_at = ?1, fields = x'', body = x''
                    WHERE standing IN (0, 1) AND taken_at < ?2",
                params![at.unix_milliseconds(), (at - limits.wait_max).unix_milliseconds()],
            )?;
            connection.execute(
                "DELETE FROM write WHERE settled_at < ?1",
                [(at - limits.told_max).unix_milliseconds()],
            )?;
            Ok(())
        })
        .await
    }

    /// Works on the file, on a thread that may wait for the disk.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let connection = Arc::clone(&self.connection);
        let worked = tokio::task::spawn_blocking(move || {
            work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        Ok(worked.await.context("the daemon is stopping")??)
    }
}

fn prepared(path: &Path) -> anyhow::Result<Connection> {
    // SQLite gives its companion files the same mode.
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_WAIT_MAX)?;
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    ensure!(check == "ok", "the file is damaged");
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What a person wrote does not stay in pages that are free again.
    connection.pragma_update(None, "secure_delete", "ON")?;
    migrations::migrate(&mut connection, &MIGRATIONS)?;
    Ok(connection)
}

fn take(
    connection: &mut Connection,
    limits: &Limits,
    receipt: &Receipt,
    write: &Write,
    at: Moment,
) -> rusqlite::Result<Result<(), NotTaken>> {
    let transaction = connection.transaction()?;
    let of_person: u32 = transaction.query_row(
        "SELECT count(*) FROM write WHERE person = ?1 AND standing IN (0, 1)",
        [write.person],
        |row| row.get(0),
    )?;
    if of_person >= limits.of_person_max {
        return Ok(Err(NotTaken::TooMany));
    }
    let held: i64 = transaction.query_row(
        "SELECT coalesce(sum(length(body)), 0) FROM write WHERE standing IN (0, 1)",
        [],
        |row| row.get(0),
    )?;
    let held = u64::try_from(held).unwrap_or(u64::MAX);
    let more = u64::try_from(write.body.len()).unwrap_or(u64::MAX);
    if held.saturating_add(more) > limits.bytes_max {
        return Ok(Err(NotTaken::Full));
    }
    let Write { person, origin, method, target, fields, body } = write;
    transaction.execute(
        "INSERT INTO write (receipt, person, origin, method, target, fields, body, taken_at, standing)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
        params![
            receipt.as_str(),
            person,
            origin,
            method,
            target,
            encoded(fields),
            &body[..],
            at.unix_milliseconds()
        ],
    )?;
    transaction.commit()?;
    Ok(Ok(()))
}

fn waiting(row: &Row<'_>) -> rusqlite::Result<(Receipt, Write)> {
    let fields: Vec<u8> = row.get(5)?;
    let write = Write {
        person: row.get(1)?,
        origin: row.get(2)?,
        method: row.get(3)?,
        target: row.get(4)?,
        fields: decoded(&fields).unwrap_or_default(),
        body: Bytes::from(row.get::<_, Vec<u8>>(6)?),
    };
    Ok((Receipt::kept(row.get(0)?), write))
}

fn told(row: &Row<'_>) -> rusqlite::Result<Told> {
    let number: i64 = row.get(3)?;
    Ok(Told {
        receipt: Receipt::kept(row.get(0)?),
        origin: row.get(1)?,
        taken: row.get(2).map(Moment::from_unix_milliseconds)?,
        standing: Standing::of_number(number).ok_or(rusqlite::Error::IntegralValueOutOfRange(3, number))?,
        settled: row.get::<_, Option<i64>>(4)?.map(Moment::from_unix_milliseconds),
    })
}

fn encoded(fields: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in fields.iter().flat_map(|(name, value)| [name.as_bytes(), value]) {
        // A field of four gigabytes is refused long before, by the bound on a request's head.
        bytes.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(part);
    }
    bytes
}

fn decoded(mut bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut part = || -> Option<Option<Vec<u8>>> {
        let Some((length, rest)) = bytes.split_first_chunk() else {
            return bytes.is_empty().then_some(None);
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (part, rest) = rest.split_at_checked(length)?;
        bytes = rest;
        Some(Some(part.to_vec()))
    };
    let mut fields = Vec::new();
    while let Some(name) = part()? {
        fields.push((String::from_utf8(name).ok()?, part()??));
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Moment = Moment::from_unix_seconds(1_795_417_500);

    struct Scene {
        dir: tempfile::TempDir,
        queue: Queue,
    }

    fn scene(limits: Limits) -> Scene {
        let dir = tempfile::tempdir().unwrap();
        let queue = Queue::open(&dir.path().join("writes.sqlite"), limits).unwrap();
        Scene { dir, queue }
    }

    impl Scene {
        async fn take(&self, person: u8, body: &str) -> Result<Receipt, NotTaken> {
            let receipt = Receipt::random().unwrap();
            self.queue.take(&receipt, write(person, body), AT).await.map(|()| receipt)
        }

        fn again(self) -> Self {
            let Self { dir, queue } = self;
            drop(queue);
            let queue = Queue::open(&dir.path().join("writes.sqlite"), Limits::default()).unwrap();
            Self { dir, queue }
        }
    }

    fn write(person: u8, body: &str) -> Write {
        Write {
            person: [person; 32],
            origin: String::from("ent.exemple"),
            method: String::from("POST"),
            target: String::from("/devoirs/12?remis=1"),
            fields: vec![
                (String::from("cookie"), b"s=1".to_vec()),
                (String::from("content-type"), b"text/plain".to_vec()),
            ],
            body: Bytes::from(body.to_owned()),
        }
    }

    async fn next_body(queue: &Queue) -> Option<String> {
        let (_, write) = queue.next("ent.exemple").await.unwrap()?;
        Some(String::from_utf8(write.body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn what_was_taken_is_there_after_a_restart_whole_and_in_its_order() {
        let scene = scene(Limits::default());
        let first = scene.take(1, "un").await.unwrap();
        scene.take(1, "deux").await.unwrap();
        let scene = scene.again();
        let (receipt, kept) = scene.queue.next("ent.exemple").await.unwrap().unwrap();
        assert_eq!((receipt, kept), (first.clone(), write(1, "un")));
        scene.queue.settle(&first, Outcome::Done(201), AT).await.unwrap();
        assert_eq!(next_body(&scene.queue).await.as_deref(), Some("deux"));
    }

    #[tokio::test]
    async fn a_settled_write_never_goes_again_and_leaves_its_receipt_alone() {
        let scene = scene(Limits::default());
        let receipt = scene.take(1, "secret").await.unwrap();
        scene.queue.settle(&receipt, Outcome::Refused(409), AT).await.unwrap();
        scene.queue.settle(&receipt, Outcome::SignInNeeded, AT).await.unwrap();
        let scene = scene.again();
        assert_eq!(next_body(&scene.queue).await, None);
        let told = scene.queue.told([1; 32]).await.unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].standing, told[0].settled), (Standing::Refused, Some(AT)));
        let Scene { dir, queue } = scene;
        drop(queue);
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(6).any(|window| window == b"secret"));
        }
    }

    #[tokio::test]
    async fn whoever_the_ent_no_longer_knows_holds_up_nobody_else_and_keeps_the_order() {
        let scene = scene(Limits::default());
        let first = scene.take(1, "un").await.unwrap();
        scene.take(1, "deux").await.unwrap();
        scene.take(2, "autre").await.unwrap();
        scene.queue.settle(&first, Outcome::SignInNeeded, AT).await.unwrap();
        assert_eq!(next_body(&scene.queue).await.as_deref(), Some("autre"));
        let scene = scene.again();
        let missed = scene.queue.missed().await.unwrap();
        assert_eq!(missed, [([1; 32], String::from("ent.exemple"), write(1, "un").fields)]);
        let shown = vec![(String::from("Cookie"), b"s=2".to_vec())];
        assert!(!scene.queue.signed_in_again([2; 32], "ent.exemple", shown.clone()).await.unwrap());
        assert!(scene.queue.signed_in_again([1; 32], "ent.exemple", shown).await.unwrap());
        assert_eq!(scene.queue.missed().await.unwrap(), []);
        let (receipt, kept) = scene.queue.next("ent.exemple").await.unwrap().unwrap();
        assert_eq!(receipt, first);
        assert_eq!(
            kept.fields,
            [
                (String::from("content-type"), b"text/plain".to_vec()),
                (String::from("Cookie"), b"s=2".to_vec())
            ]
        );
    }

    #[tokio::test]
    async fn one_person_cannot_fill_it_and_all_cannot_fill_the_disk() {
        let limits = Limits { body_bytes_max: 10, bytes_max: 25, of_person_max: 2, ..Limits::default() };
        let scene = scene(limits);
        let take = |person, body: &'static str| scene.take(person, body);
        assert!(matches!(take(1, "12345678901").await, Err(NotTaken::TooLarge)));
        take(1, "1234567890").await.unwrap();
        take(1, "").await.unwrap();
        assert!(matches!(take(1, "").await, Err(NotTaken::TooMany)));
        take(2, "1234567890").await.unwrap();
        assert!(matches!(take(3, "123456").await, Err(NotTaken::Full)));
        take(3, "12345").await.unwrap();
    }

    #[tokio::test]
    async fn what_waits_too_long_is_given_up_and_told() {
        let scene = scene(Limits::default());
        scene.take(1, "un").await.unwrap();
        let day = Duration::from_secs(86_400);
        scene.queue.forget_old(AT + 29 * day).await.unwrap();
        assert_eq!(next_body(&scene.queue).await.as_deref(), Some("un"));
        scene.queue.forget_old(AT + 31 * day).await.unwrap();
        assert_eq!(next_body(&scene.queue).await, None);
        assert_eq!(scene.queue.told([1; 32]).await.unwrap()[0].standing, Standing::Expired);
        scene.queue.forget_old(AT + 62 * day).await.unwrap();
        assert!(scene.queue.told([1; 32]).await.unwrap().is_empty());
    }

    #[test]
    fn fields_come_back_as_they_were_and_cut_ones_are_none() {
        let fields = vec![(String::from("a"), vec![0, 255]), (String::new(), Vec::new())];
        let bytes = encoded(&fields);
        assert_eq!(decoded(&bytes), Some(fields));
        assert!((1..bytes.len()).all(|end| end == 11 || decoded(&bytes[..end]).is_none()));
    }

    #[test]
    fn a_damaged_file_is_said_and_not_begun_anew() {
        let scene = scene(Limits::default());
        let path = scene.dir.path().join("writes.sqlite");
        drop(scene.queue);
        std::fs::write(&path, b"not a database, and long enough to be read as a header of one").unwrap();
        let told = format!("{:#}", Queue::open(&path, Limits::default()).unwrap_err());
        assert!(told.contains("writes.sqlite"), "{told}");
    }
}
