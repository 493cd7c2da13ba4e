//! The hashes of names, chained label by label from the top, so that one pass gives every parent's hash.

use std::net::IpAddr;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::model::Domain;

/// Each parent of `name` from its top-level label down to the name itself, with its hash.
pub(super) fn suffix_hashes(name: &Domain, seed: u64) -> impl Iterator<Item = (&str, u64)> {
    let text = name.as_str();
    let mut start = text.len() + 1;
    let mut hash = seed;
    text.rsplit('.').map(move |label| {
        start -= label.len() + 1;
        hash = xxh3_64_with_seed(label.as_bytes(), hash);
        (text.get(start..).unwrap_or(text), hash)
    })
}

/// The hash of a whole name.
pub(super) fn name_hash(name: &Domain, seed: u64) -> u64 {
    name.as_str().rsplit('.').fold(seed, |parent, label| xxh3_64_with_seed(label.as_bytes(), parent))
}

/// The hash of an address's usual text, as one label.
pub(super) fn address_hash(address: IpAddr, seed: u64) -> u64 {
    xxh3_64_with_seed(address.to_canonical().to_string().as_bytes(), seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parent_comes_with_its_own_hash_from_the_top_down() {
        let name: Domain = "a.bc.example".parse().unwrap();
        let walked: Vec<_> = suffix_hashes(&name, 7).collect();
        assert_eq!(
            walked.iter().map(|(suffix, _)| *suffix).collect::<Vec<_>>(),
            ["example", "bc.example", "a.bc.example"]
        );
        for (suffix, hash) in walked {
            assert_eq!(hash, name_hash(&suffix.parse().unwrap(), 7), "{suffix}");
        }
    }
}
