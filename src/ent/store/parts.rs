//! Which bytes of a body are held, by which runs: ranges joined, pure.
//!
//! A response asked for by ranges is held as parts, each a piece of a run on disk. Where a later range overlaps an
//! earlier one, its bytes count and the earlier part is shortened; nothing is copied. So that a film fetched megabyte by
//! megabyte does not end as a thousand parts, a part takes in the neighbours it meets when they are no longer than twice
//! itself: as with the digits of a binary counter, each byte is copied a few times in all, and few parts stay.

use std::ops::Range;

use super::kept::{Digest, Held};

/// Parts of one body; more than a player's jumps through a film make. The shortest is let go.
pub(super) const PARTS_MAX: usize = 64;

/// Bytes of a part in the index: from, length, run, from within the run; integers little-endian.
const PART_BYTES: usize = 8 + 8 + 32 + 8;

/// `old`, in order and without overlaps, with `new` laid over it.
pub(super) fn lay_over(old: &[Held], new: Held) -> Vec<Held> {
    let mut parts = Vec::with_capacity(old.len() + 2);
    for part in old {
        if part.from < new.from {
            parts.push(Held { length: part.length.min(new.from - part.from), ..*part });
        }
        if part.end() > new.end() {
            let skip = new.end().saturating_sub(part.from);
            parts.push(Held {
                from: part.from + skip,
                length: part.length - skip,
                run: part.run,
                run_from: part.run_from + skip,
            });
        }
    }
    parts.push(new);
    parts.sort_by_key(|part| part.from);
    parts
}

/// Which of `parts` shall become one with the part at `index`: those that meet it and are no longer than twice what is
/// joined so far.
pub(super) fn to_join(parts: &[Held], index: usize) -> Range<usize> {
    let mut joined = index..index + 1;
    let mut length = parts.get(index).map_or(0, |part| part.length);
    loop {
        let before = joined.start.checked_sub(1).and_then(|at| parts.get(at).zip(parts.get(joined.start)));
        let after = parts.get(joined.end - 1).zip(parts.get(joined.end));
        if let Some((part, first)) = before
            && part.end() == first.from
            && part.length <= length.saturating_mul(2)
        {
            length += part.length;
            joined.start -= 1;
        } else if let Some((last, part)) = after
            && last.end() == part.from
            && part.length <= length.saturating_mul(2)
        {
            length += part.length;
            joined.end += 1;
        } else {
            return joined;
        }
    }
}

/// Lets go of the shortest parts, but not of the one that begins at `spared`, until [`PARTS_MAX`] stay.
pub(super) fn bound(parts: &mut Vec<Held>, spared: u64) {
    while parts.len() > PARTS_MAX {
        let others = parts.iter().enumerate().filter(|(_, part)| part.from != spared);
        let Some((shortest, _)) = others.min_by_key(|(_, part)| part.length) else { return };
        parts.remove(shortest);
    }
}

/// The parts as the index has them.
pub(super) fn encode(parts: &[Held]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.len() * PART_BYTES);
    for part in parts {
        bytes.extend_from_slice(&part.from.to_le_bytes());
        bytes.extend_from_slice(&part.length.to_le_bytes());
        bytes.extend_from_slice(&part.run.0);
        bytes.extend_from_slice(&part.run_from.to_le_bytes());
    }
    bytes
}

/// The parts the index has; none where they are not in order or not below `length`.
pub(super) fn decode(bytes: &[u8], length: u64) -> Option<Vec<Held>> {
    if !bytes.len().is_multiple_of(PART_BYTES) || bytes.len() / PART_BYTES > PARTS_MAX {
        return None;
    }
    let number = |bytes: &[u8]| Some(u64::from_le_bytes(bytes.try_into().ok()?));
    let mut reached = 0;
    let mut parts = Vec::new();
    for part in bytes.chunks_exact(PART_BYTES) {
        let part = Held {
            from: number(part.get(..8)?)?,
            length: number(part.get(8..16)?)?,
            run: Digest(part.get(16..48)?.try_into().ok()?),
            run_from: number(part.get(48..)?)?,
        };
        let end = part.from.checked_add(part.length)?;
        part.run_from.checked_add(part.length)?;
        if part.from < reached || part.length == 0 || end > length {
            return None;
        }
        reached = end;
        parts.push(part);
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(from: u64, length: u64, run: u8) -> Held {
        Held { from, length, run: Digest([run; 32]), run_from: 100 }
    }

    /// Which byte of which run stands at each offset.
    fn map(parts: &[Held]) -> Vec<(u64, Digest, u64)> {
        let bytes =
            |part: Held| (0..part.length).map(move |at| (part.from + at, part.run, part.run_from + at));
        parts.iter().copied().flat_map(bytes).collect()
    }

    proptest! {
        #[test]
        fn what_is_laid_over_counts_and_the_rest_stays(ranges in prop::collection::vec((0_u64..200, 1_u64..60), 1..20)) {
            let mut parts = Vec::new();
            let mut model = std::collections::BTreeMap::new();
            for (number, (from, length)) in ranges.into_iter().enumerate() {
                let new = part(from, length, u8::try_from(number).unwrap());
                parts = lay_over(&parts, new);
                model.extend(map(&[new]).into_iter().map(|(at, run, run_from)| (at, (run, run_from))));
                let known: Vec<_> = model.iter().map(|(at, (run, run_from))| (*at, *run, *run_from)).collect();
                prop_assert_eq!(map(&parts), known);
                prop_assert_eq!(decode(&encode(&parts), 300), Some(parts.clone()));
            }
        }

        #[test]
        fn any_bytes_are_parts_in_order_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200), length in any::<u64>()) {
            if let Some(parts) = decode(&bytes, length) {
                prop_assert!(parts.is_sorted_by_key(|part| part.from));
                prop_assert_eq!(encode(&parts), bytes);
            }
        }
    }

    #[test]
    fn a_film_fetched_piece_by_piece_stays_few_parts_and_is_copied_few_times() {
        let mut parts: Vec<Held> = Vec::new();
        let mut copied = 0;
        for number in 0..1000_u64 {
            parts = lay_over(&parts, part(number * 10, 10, 1));
            let joined = to_join(&parts, parts.len() - 1);
            let length = parts[joined.clone()].iter().map(|part| part.length).sum();
            copied += if joined.len() > 1 { length } else { 0 };
            let from = parts[joined.start].from;
            parts.splice(joined, [part(from, length, 2)]);
            assert!(parts.len() < 12, "{} parts", parts.len());
        }
        assert!(copied < 10_000 * 12, "{copied} bytes copied");
    }

    #[test]
    fn parts_that_do_not_meet_are_not_joined() {
        let parts = [part(0, 10, 1), part(11, 10, 2), part(21, 100, 3)];
        assert_eq!(to_join(&parts, 1), 1..2);
        assert_eq!(to_join(&parts, 2), 1..3);
    }

    #[test]
    fn beyond_the_bound_the_shortest_part_goes_but_not_the_latest() {
        let mut parts: Vec<Held> = (0..65).map(|number| part(number * 10, 1 + number % 5, 1)).collect();
        bound(&mut parts, 0);
        assert_eq!(parts.len(), PARTS_MAX);
        assert!(parts.iter().any(|part| part.from == 0) && parts.iter().all(|part| part.from != 50));
    }
}
