//! A line of a table: what a look-up reads, in the 64 bytes that a processor fetches at once.

use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
    little_endian::{U16, U32, U64},
};

/// Entries that a line has room for.
const ROOM: usize = 8;

/// Entries for each line on average, at most: three of four lines then hold all of theirs, and the table is small.
const LOAD: usize = 7;

/// Bits of a key below the number of its line.
const REST_BITS: u32 = 40;

/// The bit beside the number of an entry's set that says that more is listed below.
const PARENT: u16 = 1 << 15;

/// The count of a table's lines, at least one: it says where a hash has its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lines(u32);

/// Where a hash has its place: a line, and the order in it. Keys have the order of the hashes, and are as good as equal
/// ones where they are: among five million entries one of some hundred thousand million names meets another's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u64);

impl Lines {
    /// More would leave a key no room for its line's number.
    const MAX: u32 = 1 << (u64::BITS - REST_BITS);

    /// The least that leave at most [`LOAD`] entries a line on average.
    pub(super) fn for_entries(entries: usize) -> Self {
        Self(u32::try_from(entries.div_ceil(LOAD)).unwrap_or(Self::MAX).clamp(1, Self::MAX))
    }

    /// So many, if a table can have so many.
    pub(super) fn new(count: u32) -> Option<Self> {
        (1..=Self::MAX).contains(&count).then_some(Self(count))
    }

    pub(super) fn get(self) -> u32 {
        self.0
    }

    /// The key of `hash`: the hash as a fraction of the lines.
    pub(super) fn key(self, hash: u64) -> Key {
        let scaled = (u128::from(hash) * u128::from(self.0)) >> (u64::BITS - REST_BITS);
        Key(u64::try_from(scaled).unwrap_or(u64::MAX))
    }
}

impl Key {
    /// The key of the entry with this rest in the line of this number.
    pub(super) fn new(line: usize, rest: u64) -> Self {
        Self(u64::try_from(line).unwrap_or(u64::MAX) << REST_BITS | rest)
    }

    /// The number of its line.
    pub(super) fn line(self) -> usize {
        usize::try_from(self.0 >> REST_BITS).unwrap_or(usize::MAX)
    }

    /// What tells the entries of one line apart.
    pub(super) fn rest(self) -> u64 {
        self.0 & ((1 << REST_BITS) - 1)
    }
}

/// The number of an entry's category set, and whether more is listed below the entry.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
)]
#[repr(transparent)]
pub(super) struct Mark(U16);

impl Mark {
    /// A set's number is less than this.
    pub(super) const SETS_MAX: u16 = PARENT;

    pub(super) fn new(set_number: u16, is_parent: bool) -> Self {
        Self(U16::new(if is_parent { set_number | PARENT } else { set_number }))
    }

    pub(super) fn set_number(self) -> u16 {
        self.0.get() & !PARENT
    }

    pub(super) fn is_parent(self) -> bool {
        self.0.get() & PARENT != 0
    }
}

/// An entry that its line has no room for: the rest of its key, and its mark below.
#[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(transparent)]
pub(super) struct Spilled(U64);

impl Spilled {
    pub(super) fn new(rest: u64, mark: Mark) -> Self {
        Self(U64::new(rest << u16::BITS | u64::from(mark.0.get())))
    }

    pub(super) fn rest(self) -> u64 {
        self.0.get() >> u16::BITS
    }

    pub(super) fn mark(self) -> Mark {
        let [low, high, ..] = self.0.to_bytes();
        Mark(U16::from_bytes([low, high]))
    }
}

/// A line as it is in the file.
#[derive(Clone, Copy, Debug, Default, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Line {
    /// How many entries there are in the lines before.
    first: U32,
    /// The signature of what has its place here, is not listed, and has something listed below.
    above: U16,
    /// How many entries have their place here.
    count: U16,
    /// The lower bits of the rests, in their order; where entries are spilled, the last is the index of the first that is.
    low: [U32; ROOM],
    /// The higher bits.
    high: [u8; ROOM],
    marks: [Mark; ROOM],
}

impl Line {
    /// Entries that are spilled where `count` have their place in one line.
    pub(super) fn spilled_count(count: usize) -> usize {
        if count <= ROOM { 0 } else { count + 1 - ROOM }
    }

    /// The line of these entries, in the order of their rests, and what it has no room for; `first` entries are in the lines
    /// before, and `spilled_before` of them spilled. None if they are more than can be counted.
    pub(super) fn of(
        first: u32,
        spilled_before: u32,
        row: &[(u64, Mark)],
        above: u16,
    ) -> Option<(Self, Vec<Spilled>)> {
        let mut line = Self {
            first: first.into(),
            above: above.into(),
            count: u16::try_from(row.len()).ok()?.into(),
            ..Self::default()
        };
        let (kept, spilled) = row.split_at(row.len() - Self::spilled_count(row.len()));
        for (place, (rest, mark)) in kept.iter().enumerate() {
            let (low, high) = split(*rest);
            (line.low[place], line.high[place], line.marks[place]) = (low.into(), high, *mark);
        }
        if let (false, [.., last]) = (spilled.is_empty(), &mut line.low) {
            *last = spilled_before.into();
        }
        Some((line, spilled.iter().map(|(rest, mark)| Spilled::new(*rest, *mark)).collect()))
    }

    /// The place of its first entry among all of the table.
    pub(super) fn first(&self) -> usize {
        usize::try_from(self.first.get()).unwrap_or(usize::MAX)
    }

    /// The place behind its last entry.
    pub(super) fn end(&self) -> usize {
        self.first().saturating_add(usize::from(self.count.get()))
    }

    /// Whether something may be listed below an unlisted part of this hash: surely if there is.
    pub(super) fn is_above(&self, hash: u64) -> bool {
        let wanted = signature(hash);
        self.above.get() & wanted == wanted
    }

    /// The entry with this rest, and how many of the line's stand before it.
    pub(super) fn find(&self, rest: u64, spilled: &[Spilled]) -> Option<(usize, Mark)> {
        let kept = self.kept_count();
        let (low, high) = split(rest);
        // All are compared, without a branch among them: which of them it is nobody can foresee.
        let equal =
            |place: usize| u32::from(self.low[place].get() == low && self.high[place] == high) << place;
        let found = (0..ROOM).fold(0, |found, place| found | equal(place));
        let place = usize::try_from(found.trailing_zeros()).ok()?;
        if place < kept {
            return Some((place, *self.marks.get(place)?));
        }
        let spilled = self.spilled(spilled);
        // The spilled ones are the last in order: most of what is not listed is known without them.
        if kept.checked_sub(1).is_none_or(|last| rest <= self.rest(last)) {
            return None;
        }
        let index = spilled.binary_search_by_key(&rest, |entry| entry.rest()).ok()?;
        Some((kept + index, spilled.get(index)?.mark()))
    }

    /// The rests and marks of its entries, in their order.
    pub(super) fn entries<'a>(
        &'a self,
        spilled: &'a [Spilled],
    ) -> impl Iterator<Item = (u64, Mark)> + use<'a> {
        let kept = self
            .marks
            .iter()
            .enumerate()
            .map(|(place, mark)| (self.rest(place), *mark))
            .take(self.kept_count());
        kept.chain(self.spilled(spilled).iter().map(|entry| (entry.rest(), entry.mark())))
    }

    fn rest(&self, place: usize) -> u64 {
        u64::from(self.high[place]) << u32::BITS | u64::from(self.low[place].get())
    }

    fn kept_count(&self) -> usize {
        let count = usize::from(self.count.get());
        count - Self::spilled_count(count)
    }

    /// Its part of what is spilled.
    fn spilled<'a>(&self, all: &'a [Spilled]) -> &'a [Spilled] {
        let [.., index] = self.low;
        let count = Self::spilled_count(usize::from(self.count.get()));
        let rest = usize::try_from(index.get()).ok().and_then(|index| all.get(index..));
        rest.filter(|_| count > 0).and_then(|rest| rest.get(..count)).unwrap_or_default()
    }
}

/// The lower and the higher bits of a rest.
fn split(rest: u64) -> (u32, u8) {
    let [a, b, c, d, high, ..] = rest.to_le_bytes();
    (u32::from_le_bytes([a, b, c, d]), high)
}

/// The bits that a hash sets in the signature of its line; the key says least about these lower bits.
pub(super) fn signature(hash: u64) -> u16 {
    let bit = |shift: u32| 1 << (hash >> shift & 15);
    bit(0) | bit(4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_what_a_processor_fetches_at_once() {
        assert_eq!(size_of::<Line>(), 64);
    }

    #[test]
    fn lines_have_room_for_the_entries_there_are_on_average() {
        for (entries, lines) in [(0, 1), (7, 1), (8, 2), (5_200_000, 742_858), (usize::MAX, 1 << 24)] {
            assert_eq!(Lines::for_entries(entries), Lines(lines), "{entries}");
        }
        assert_eq!([Lines::new(0), Lines::new((1 << 24) + 1)], [None; 2]);
    }

    #[test]
    fn a_key_is_the_hash_as_a_fraction_of_the_lines() {
        for count in [1, 7, 742_858, 1 << 24] {
            let lines = Lines::new(count).unwrap();
            assert_eq!(lines.key(0), Key::new(0, 0));
            assert_eq!(lines.key(u64::MAX).line() + 1, usize::try_from(count).unwrap());
            assert_eq!(
                lines.key(1 << 63),
                Key::new(usize::try_from(count / 2).unwrap(), u64::from(count % 2) << 39)
            );
        }
    }

    proptest! {
        #[test]
        fn keys_have_the_order_of_their_hashes(hashes: [u64; 2], count in 1..=Lines::MAX) {
            let lines = Lines::new(count).unwrap();
            let keys = hashes.map(|hash| lines.key(hash));
            prop_assert!(hashes[0].cmp(&hashes[1]) == keys[0].cmp(&keys[1]) || keys[0] == keys[1]);
            prop_assert_eq!(Key::new(keys[0].line(), keys[0].rest()), keys[0]);
        }

        #[test]
        fn a_line_finds_its_entries_and_no_other(
            rests in prop::collection::btree_set(0..1u64 << REST_BITS, 0..30),
            others in prop::collection::vec(0..1u64 << REST_BITS, 10),
        ) {
            let row: Vec<_> = rests.iter().zip(0..).map(|(rest, number)| (*rest, Mark::new(number, number % 3 == 0))).collect();
            let (line, spilled) = Line::of(70, 2, &row, 0).unwrap();
            let before = [Spilled::new(0, Mark::new(0, false)); 2];
            let spilled = [&before, spilled.as_slice(), &before].concat();
            prop_assert_eq!(line.entries(&spilled).collect::<Vec<_>>(), row.clone());
            for (place, (rest, mark)) in row.iter().enumerate() {
                prop_assert_eq!(line.find(*rest, &spilled), Some((place, *mark)));
            }
            for other in others.iter().filter(|other| !rests.contains(other)).chain(rests.is_empty().then_some(&0)) {
                prop_assert_eq!(line.find(*other, &spilled), None);
            }
        }
    }
}
