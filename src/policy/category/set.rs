//! Sets of categories, small enough to be copied.

use std::ops::{BitAnd, BitOr, BitOrAssign};

/// A category's number in one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CategoryId(pub(super) u8);

impl CategoryId {
    /// How many categories a table can have.
    pub const COUNT_MAX: usize = 256;

    /// The number as an index.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A set of categories of one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CategorySet([u64; 4]);

impl CategorySet {
    /// Bytes of a set in the table file.
    pub(super) const BYTES: usize = 32;

    /// No category.
    pub const EMPTY: Self = Self([0; 4]);

    /// Adds a category; whether it was missing.
    pub fn insert(&mut self, id: CategoryId) -> bool {
        let [word, bit] = Self::place(id);
        let is_missing = !self.contains(id);
        self.0[usize::from(word)] |= 1 << bit;
        is_missing
    }

    /// Whether the category is in the set.
    #[must_use]
    pub fn contains(self, id: CategoryId) -> bool {
        let [word, bit] = Self::place(id);
        self.0[usize::from(word)] >> bit & 1 == 1
    }

    /// Whether no category is in the set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    /// The categories in the set, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = CategoryId> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (word, bits) = (0u8..).zip(&mut rest).find(|(_, bits)| **bits != 0)?;
            let bit = bits.trailing_zeros();
            *bits &= *bits - 1;
            Some(CategoryId(word * 64 + u8::try_from(bit).ok()?))
        })
    }

    /// The set as the table file writes it.
    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        for (place, word) in bytes.chunks_exact_mut(8).zip(self.0) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// The set that [`Self::to_bytes`] wrote.
    pub(super) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let mut words = [0; 4];
        for (word, place) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_le_bytes(*place);
        }
        Self(words)
    }

    /// Index of the word and of the bit in it; below 4 and 64.
    fn place(id: CategoryId) -> [u8; 2] {
        [id.0 / 64, id.0 % 64]
    }
}

impl BitAnd for CategorySet {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a & e, b & f, c & g, d & h])
    }
}

impl BitOr for CategorySet {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a | e, b | f, c | g, d | h])
    }
}

impl BitOrAssign for CategorySet {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_gives_back_what_was_put_in_in_order_and_as_bytes() {
        let mut set = CategorySet::EMPTY;
        for id in [255, 0, 63, 64, 130] {
            assert!(set.insert(CategoryId(id)));
            assert!(!set.insert(CategoryId(id)));
        }
        assert_eq!(set.iter().map(|id| id.0).collect::<Vec<_>>(), [0, 63, 64, 130, 255]);
        assert_eq!(CategorySet::from_bytes(&set.to_bytes()), set);
        assert!(!set.contains(CategoryId(1)));
    }
}
