//! Ranges kept as parts of one body, and parts that meet made one.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    draft::{Part, Settled},
    edit::Entering,
    failure::Failure,
    index,
    inside::Inside,
    kept::{Held, Kept, Key},
    parts::{bound, lay_over, to_join},
    pieces::PIECE_BYTES,
    run::{FinishedRun, OpenRun, RunDraft},
};

/// Keeps `part`, joined to what `onto` holds. None where it is not kept.
pub(super) fn keep_part(
    inside: &Arc<Inside>,
    key: Key,
    part: Part,
    head: Bytes,
    onto: Option<u64>,
) -> Option<Kept> {
    let Part { written, first, total } = part;
    let length = written.length();
    if length == 0 || first.checked_add(length).is_none_or(|end| end > total) {
        return None;
    }
    let Settled::Run(run, _) = inside.settle_body(written, false)? else { return None };
    let run = *run;
    let new = Held { from: first, length, run: run.digest, run_from: 0 };
    let known = onto.and_then(|id| inside.with_reader(|reader| index::find_one(reader, &key, id)).flatten());
    let known = known.filter(|known| known.length == total);
    let onto = known.as_ref().map(|known| known.id);
    let mut parts = lay_over(known.as_ref().map_or(&[], |known| &known.parts[..]), new);
    let (run, spared) = match join(inside, &mut parts, new, &run) {
        Ok(Some((joined, from))) => (joined, from),
        // What was there cannot be read: what is new stands alone.
        Err(Failure::Damaged(_)) => {
            parts = vec![new];
            (run, first)
        }
        Ok(None) => (run, first),
        Err(failure) => {
            inside.disk_failed(&failure);
            return None;
        }
    };
    bound(&mut parts, spared);
    let entering =
        Entering { key, head, length: total, parts, small: None, run: Some((run.digest, run.length)) };
    inside.enter(&entering, Some(&run), onto, None)
}

/// Copies the part `new` and the neighbours it takes in into one run and puts that in their place in `parts`. None where it
/// takes in none. Says where the joined part begins.
fn join(
    inside: &Inside,
    parts: &mut Vec<Held>,
    new: Held,
    run: &FinishedRun,
) -> Result<Option<(FinishedRun, u64)>, Failure> {
    let index = parts.iter().position(|part| *part == new).unwrap_or(0);
    let joined = to_join(parts, index);
    if joined.len() < 2 {
        return Ok(None);
    }
    let mut copy = RunDraft::create(inside.draft_path())?;
    for part in &parts[joined.clone()] {
        let old = if *part == new { None } else { Some(open(inside, part)?) };
        let mut at = part.run_from;
        let end = part.run_from.saturating_add(part.length);
        while at < end {
            let next = at.saturating_add(PIECE_BYTES).min(end);
            let bytes = match &old {
                Some(old) => old.read(&(at..next)).map_err(unreadable)?,
                None => run.read(at..next)?,
            };
            if bytes.is_empty() {
                return Err(unreadable(std::io::ErrorKind::UnexpectedEof.into()));
            }
            copy.write(&bytes)?;
            at = next;
        }
    }
    let copy = copy.finish()?;
    let from = parts[joined.start].from;
    parts.splice(joined, [Held { from, length: copy.length, run: copy.digest, run_from: 0 }]);
    Ok(Some((copy, from)))
}

fn open(inside: &Inside, part: &Held) -> Result<Arc<OpenRun>, Failure> {
    if let Some(open) = inside.pieces.open_run(part.run) {
        return Ok(open);
    }
    Ok(Arc::new(OpenRun::open(&inside.dir, part.run).map_err(unreadable)?))
}

fn unreadable(error: std::io::Error) -> Failure {
    Failure::Damaged(error.into())
}
