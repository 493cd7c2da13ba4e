//! Which identifiers a delivery has used, so that one person is not told twice in two ways.
//!
//! Of each person sixteen bytes are kept, a digest of the identifier and one of the record; nothing else is.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher as _, Hash, RandomState},
};

/// The most persons of one delivery: more than any académie has.
const PERSONS_MAX: usize = 3_000_000;

/// The identifiers met so far.
#[derive(Default)]
pub(super) struct Seen {
    digests: RandomState,
    records: HashMap<u64, u64>,
}

/// Whether an identifier was met before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    First,
    /// With the very same record.
    Again,
    /// With another record.
    Other,
}

impl Seen {
    /// Takes note of `id` with `record`.
    ///
    /// # Errors
    /// When the delivery holds more persons than any does.
    pub(super) fn take(&mut self, id: &str, record: impl Hash) -> anyhow::Result<Sight> {
        let count = self.records.len();
        let digest = self.digests.hash_one(record);
        match self.records.entry(self.digests.hash_one(id)) {
            Entry::Occupied(known) if *known.get() == digest => Ok(Sight::Again),
            Entry::Occupied(_) => Ok(Sight::Other),
            Entry::Vacant(_) if count >= PERSONS_MAX => {
                Err(anyhow::anyhow!("more than {PERSONS_MAX} persons in one delivery"))
            }
            Entry::Vacant(free) => {
                free.insert(digest);
                Ok(Sight::First)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_record_twice_is_told_from_another_one_under_its_identifier() {
        let mut seen = Seen::default();
        assert_eq!(seen.take("1", "a").unwrap(), Sight::First);
        assert_eq!(seen.take("2", "a").unwrap(), Sight::First);
        assert_eq!(seen.take("1", "a").unwrap(), Sight::Again);
        assert_eq!(seen.take("1", "b").unwrap(), Sight::Other);
    }
}
