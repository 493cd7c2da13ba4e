//! What makes room for what, when the quota is reached: S3-FIFO (Yang and others, SOSP 2023), counted in bytes.
//!
//! What is kept enters the *small* queue, a tenth of the bytes. At its head what was used meanwhile goes on to the *main*
//! queue; what was not makes room and its key is remembered for a while: kept again within that time, it goes to the main
//! queue at once. At the main queue's head what was used goes back to its end with one use less, of three that count at
//! most; what was not makes room. A pupil who opens a thousand pages once, a robot, a scan: all of it passes through the
//! small queue alone, and the lesson that the class used stays.
//!
//! Size is counted where it costs: queues are measured in bytes, and what takes more than a hundredth of the quota must
//! have been used twice before it may take that much from the main queue. It is not counted against a response otherwise:
//! what a miss costs on a slow line grows with the size as well.

use rusqlite::params;

use super::{
    edit::{MAIN, Removed, SMALL},
    failure::Failure,
    index::Index,
};

/// Rows looked at in one transaction.
const ROWS: u32 = 32;

/// A row at the head of a queue.
struct Candidate {
    id: u64,
    uses: u32,
    bytes: u64,
}

impl Index {
    /// Makes room for `need` bytes below `limit`, as far as there is something to remove.
    pub(super) fn make_room(&mut self, limit: u64, need: u64) -> Result<Removed, Failure> {
        let mut all = Removed::default();
        loop {
            let over = self.used()?.saturating_add(need).saturating_sub(limit);
            let [small, main] = self.tally.queued;
            if over == 0 || (self.tally.objects == 0 && self.tally.files == 0) {
                return Ok(all);
            }
            let queue = if main == 0 || small > small.saturating_add(main) / 10 { SMALL } else { MAIN };
            let removed = self.pass(queue, over, limit)?;
            for (key, _) in &removed.rows {
                self.seen.note(&key.0);
            }
            all.rows.extend(removed.rows);
            all.runs.extend(removed.runs);
        }
    }

    /// Judges the rows at the head of a queue until `over` bytes are free. Sums that promise rows where there are none, and
    /// rows that cannot be moved, are damage: nothing could be kept any more.
    fn pass(&mut self, queue: u8, over: u64, limit: u64) -> Result<Removed, Failure> {
        let candidates = self.candidates(queue)?;
        let mut place = self.place_next;
        let mut edit = self.edit()?;
        let mut freed = 0_u64;
        let mut moved = false;
        for Candidate { id, uses, bytes } in candidates {
            let uses_needed = if queue == SMALL && bytes > limit / 100 { 2 } else { 1 };
            if uses >= uses_needed {
                let left = if queue == SMALL { 0 } else { uses - 1 };
                moved |= edit.requeue(id, (queue, bytes), (place, left))?;
                place += 1;
            } else if edit.remove(id)? {
                moved = true;
                freed = freed.saturating_add(bytes);
                if freed >= over {
                    break;
                }
            }
        }
        if !moved {
            return Err(Failure::Damaged(anyhow::anyhow!("what is kept and its sums disagree")));
        }
        let removed = edit.commit()?;
        self.place_next = place;
        Ok(removed)
    }

    fn candidates(&self, queue: u8) -> Result<Vec<Candidate>, Failure> {
        let mut query = self
            .connection
            .prepare_cached("SELECT id, uses, bytes FROM kept WHERE queue = ?1 ORDER BY place LIMIT ?2")?;
        let rows = query.query_map(params![queue, ROWS], |row| {
            Ok(Candidate { id: row.get(0)?, uses: row.get(1)?, bytes: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
