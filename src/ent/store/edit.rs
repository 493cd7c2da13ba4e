//! Changes to the index: each is one transaction, and the sums follow when it is committed.

use bytes::Bytes;
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{
    failure::Failure,
    growing::length_of,
    index::{self, Index, VARIANTS_MAX},
    kept::{Digest, Held, Key},
    parts,
    run::file_bytes,
};

/// What a row costs beside its fields: its place in three trees.
const ROW_BYTES: u64 = 160;

/// The queues of `eviction.rs`.
pub(super) const SMALL: u8 = 0;
pub(super) const MAIN: u8 = 1;

/// A response about to be entered.
#[derive(Debug)]
pub(super) struct Entering {
    pub(super) key: Key,
    pub(super) head: Bytes,
    /// The length of the complete body.
    pub(super) length: u64,
    pub(super) parts: Vec<Held>,
    /// All of a body of few bytes; there are no parts then.
    pub(super) small: Option<Bytes>,
    /// The run that was written for it, with its length.
    pub(super) run: Option<(Digest, u64)>,
}

impl Entering {
    /// What it is charged with.
    pub(super) fn bytes(&self) -> u64 {
        let small = self.small.as_deref().map_or(0, length_of);
        let parts: u64 = self.parts.iter().map(|part| file_bytes(part.length)).sum();
        let fields = length_of(&self.head).saturating_add(small).saturating_add(parts);
        fields.saturating_add(ROW_BYTES).saturating_add(length_of(&parts::encode(&self.parts)))
    }
}

/// What is no longer in the index.
#[derive(Debug, Default)]
pub(super) struct Removed {
    /// The responses.
    pub(super) rows: Vec<(Key, u64)>,
    /// The runs that nothing names any more; their files can go.
    pub(super) runs: Vec<Digest>,
}

/// A transaction and what it will change of the sums.
pub(super) struct Edit<'index> {
    transaction: Transaction<'index>,
    tally: &'index mut index::Tally,
    changed: index::Tally,
    removed: Removed,
}

/// What eviction and inheritance know of a row.
#[derive(Clone, Copy, Debug)]
struct Standing {
    queue: u8,
    place: i64,
    uses: u32,
}

impl Index {
    pub(super) fn edit(&mut self) -> Result<Edit<'_>, Failure> {
        let changed = self.tally;
        let transaction = self.connection.transaction()?;
        Ok(Edit { transaction, tally: &mut self.tally, changed, removed: Removed::default() })
    }

    /// Enters a response, in the place of `instead_of` where that is there. Gives its id and what had to go.
    pub(super) fn enter(
        &mut self,
        entering: &Entering,
        instead_of: Option<u64>,
    ) -> Result<(u64, Removed), Failure> {
        let queue = if self.seen.take(&entering.key.0) { MAIN } else { SMALL };
        let first = Standing { queue, place: self.place_next, uses: 0 };
        self.place_next += 1;
        let mut edit = self.edit()?;
        let inherited = instead_of.map(|id| edit.standing(&entering.key, id)).transpose()?.flatten();
        let id = edit.insert(entering, inherited.unwrap_or(first))?;
        if let (Some(old), Some(_)) = (instead_of, inherited) {
            edit.remove(old)?;
        }
        edit.bound_variants(&entering.key)?;
        Ok((id, edit.commit()?))
    }

    /// Removes one response under `key`, or all of them; on the disk when this returns.
    pub(super) fn remove(&mut self, key: &Key, id: Option<u64>) -> Result<Removed, Failure> {
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let removed = self.remove_rows(key, id);
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        removed
    }

    fn remove_rows(&mut self, key: &Key, id: Option<u64>) -> Result<Removed, Failure> {
        let mut edit = self.edit()?;
        for row in
            index::ids(&edit.transaction, key, 0)?.into_iter().filter(|row| id.is_none_or(|id| id == *row))
        {
            edit.remove(row)?;
        }
        edit.commit()
    }

    /// Gives a response another head. Says whether it is there.
    pub(super) fn renew(&mut self, key: &Key, id: u64, head: &Bytes) -> Result<bool, Failure> {
        let Some(found) = index::find_one(&self.connection, key, id)? else { return Ok(false) };
        let encoded = parts::encode(&found.parts);
        let checksum = index::checksum(key, head, found.length, &encoded, found.small.as_deref());
        self.connection
            .prepare_cached("UPDATE kept SET head = ?2, checksum = ?3 WHERE id = ?1")?
            .execute(params![id, &head[..], checksum])?;
        Ok(true)
    }

    /// Adds to the uses of what is kept under each key.
    pub(super) fn count_uses(&mut self, uses: &[(Key, u8)]) -> Result<(), Failure> {
        if uses.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        {
            let mut count = transaction
                .prepare_cached("UPDATE kept SET uses = min(3, uses + ?2) WHERE key = ?1 AND uses < 3")?;
            for (key, uses) in uses {
                count.execute(params![key.0, uses])?;
            }
        }
        Ok(transaction.commit()?)
    }
}

impl Edit<'_> {
    fn standing(&self, key: &Key, id: u64) -> Result<Option<Standing>, Failure> {
        let mut query = self
            .transaction
            .prepare_cached("SELECT queue, place, uses FROM kept WHERE id = ?1 AND key = ?2")?;
        let standing = query.query_row(params![id, key.0], |row| {
            Ok(Standing { queue: row.get(0)?, place: row.get(1)?, uses: row.get(2)? })
        });
        Ok(standing.optional()?)
    }

    fn bound_variants(&mut self, key: &Key) -> Result<(), Failure> {
        let max = usize::try_from(VARIANTS_MAX).unwrap_or(usize::MAX);
        for id in index::ids(&self.transaction, key, 0)?.into_iter().skip(max) {
            self.remove(id)?;
        }
        Ok(())
    }

    fn insert(&mut self, entering: &Entering, standing: Standing) -> Result<u64, Failure> {
        let encoded = parts::encode(&entering.parts);
        let small = entering.small.as_deref();
        let checksum = index::checksum(&entering.key, &entering.head, entering.length, &encoded, small);
        self.transaction
            .prepare_cached(
                "INSERT INTO kept (key, head, length, parts, small, checksum, queue, place, uses, bytes)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                entering.key.0,
                &entering.head[..],
                entering.length,
                encoded,
                small,
                checksum,
                standing.queue,
                standing.place,
                standing.uses,
                entering.bytes(),
            ])?;
        let id = u64::try_from(self.transaction.last_insert_rowid()).unwrap_or(0);
        for run in runs_of(&entering.parts) {
            let length = entering.run.filter(|(digest, _)| *digest == run).map(|(_, length)| length);
            self.hold(run, length)?;
        }
        self.changed.objects += 1;
        self.charge(standing.queue, entering.bytes());
        Ok(id)
    }

    /// One more row names `run`; its length is given where it was just written.
    fn hold(&mut self, run: Digest, length: Option<u64>) -> Result<(), Failure> {
        let held = self
            .transaction
            .prepare_cached("UPDATE run SET holders = holders + 1 WHERE digest = ?1")?
            .execute([run.0])?;
        if let (0, Some(length)) = (held, length) {
            self.transaction
                .prepare_cached("INSERT INTO run (digest, length, holders) VALUES (?1, ?2, 1)")?
                .execute(params![run.0, length])?;
            self.changed.files = self.changed.files.saturating_add(file_bytes(length));
        }
        Ok(())
    }

    /// One row less names `run`.
    fn let_go(&mut self, run: Digest) -> Result<(), Failure> {
        let mut query =
            self.transaction.prepare_cached("SELECT holders, length FROM run WHERE digest = ?1")?;
        let row = query.query_row([run.0], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, u64>(1)?)));
        let Some((holders, length)) = row.optional()? else { return Ok(()) };
        if holders > 1 {
            self.transaction
                .prepare_cached("UPDATE run SET holders = holders - 1 WHERE digest = ?1")?
                .execute([run.0])?;
        } else {
            self.transaction.prepare_cached("DELETE FROM run WHERE digest = ?1")?.execute([run.0])?;
            self.changed.files = self.changed.files.saturating_sub(file_bytes(length));
            self.removed.runs.push(run);
        }
        Ok(())
    }

    /// Removes the row `id`. Says whether it was there.
    pub(super) fn remove(&mut self, id: u64) -> Result<bool, Failure> {
        let mut query = self
            .transaction
            .prepare_cached("SELECT key, queue, bytes, length, parts FROM kept WHERE id = ?1")?;
        let row = query.query_row([id], |row| {
            let key: [u8; 32] = row.get(0)?;
            let parts = parts::decode(&row.get::<_, Vec<u8>>(4)?, row.get(3)?);
            Ok((Key(key), row.get::<_, u8>(1)?, row.get::<_, u64>(2)?, parts.unwrap_or_default()))
        });
        let Some((key, queue, bytes, parts)) = row.optional()? else { return Ok(false) };
        drop(query);
        self.transaction.prepare_cached("DELETE FROM kept WHERE id = ?1")?.execute([id])?;
        for run in runs_of(&parts) {
            self.let_go(run)?;
        }
        self.changed.objects = self.changed.objects.saturating_sub(1);
        if let Some(queued) = self.changed.queued.get_mut(usize::from(queue)) {
            *queued = queued.saturating_sub(bytes);
        }
        self.removed.rows.push((key, id));
        Ok(true)
    }

    /// Puts the row `id`, charged with `bytes`, at the end of the main queue. Says whether it is there.
    pub(super) fn requeue(
        &mut self,
        id: u64,
        (from, bytes): (u8, u64),
        (place, uses): (i64, u32),
    ) -> Result<bool, Failure> {
        let moved = self
            .transaction
            .prepare_cached("UPDATE kept SET queue = ?2, place = ?3, uses = ?4 WHERE id = ?1")?
            .execute(params![id, MAIN, place, uses])?;
        if moved == 0 {
            return Ok(false);
        }
        if let Some(queued) = self.changed.queued.get_mut(usize::from(from)) {
            *queued = queued.saturating_sub(bytes);
        }
        self.charge(MAIN, bytes);
        Ok(true)
    }

    fn charge(&mut self, queue: u8, bytes: u64) {
        if let Some(queued) = self.changed.queued.get_mut(usize::from(queue)) {
            *queued = queued.saturating_add(bytes);
        }
    }

    /// Brings it into force.
    pub(super) fn commit(self) -> Result<Removed, Failure> {
        self.transaction.commit()?;
        *self.tally = self.changed;
        Ok(self.removed)
    }
}

/// The runs that `parts` are pieces of, each once.
fn runs_of(parts: &[Held]) -> Vec<Digest> {
    let mut runs: Vec<Digest> = parts.iter().map(|part| part.run).collect();
    runs.sort_unstable();
    runs.dedup();
    runs
}
