//! The hashes of names and URLs, chained part by part, so that one pass gives every parent's hash.

use std::net::IpAddr;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::model::{Domain, Site};

/// Segments of a path that are looked at: a listed URL has at most these, and behind them nothing can be listed.
pub(super) const SEGMENTS_MAX: usize = 32;

/// The segment that stands for a whole host in the list of URLs: what `exemple.fr/` lists.
const ROOT: &str = "/";

/// Each parent of `name` from its top-level label down to the name itself, with its hash.
pub(super) fn suffix_hashes(name: &Domain, seed: u64) -> impl Iterator<Item = (&str, u64)> {
    let text = name.as_str();
    let mut start = text.len() + 1;
    let mut hash = seed;
    labels_backwards(text).map(move |label| {
        start -= label.len() + 1;
        hash = xxh3_64_with_seed(label, hash);
        (text.get(start..).unwrap_or(text), hash)
    })
}

/// The hash of a whole name.
pub(super) fn name_hash(name: &str, seed: u64) -> u64 {
    labels_backwards(name).fold(seed, |parent, label| xxh3_64_with_seed(label, parent))
}

/// The labels of `name` from the last on. They are short: looking at each byte is faster than searching.
fn labels_backwards(name: &str) -> impl Iterator<Item = &[u8]> {
    name.as_bytes().rsplit(|byte| *byte == b'.')
}

/// The hash of an address's usual text, as one label.
pub(super) fn address_hash(address: IpAddr, seed: u64) -> u64 {
    xxh3_64_with_seed(address.to_canonical().to_string().as_bytes(), seed)
}

/// The hash of the host of URLs, which goes by the same name with and without `www.` in front.
pub(super) fn host_hash(host: &Site, seed: u64) -> u64 {
    match host {
        Site::Name(name) => name_hash(without_www(name), seed),
        Site::Address(address) => address_hash(*address, seed),
    }
}

/// The hash of the whole host of this hash as a listed URL, and the beginning of the path that it lists.
pub(super) fn root_hash(host: u64) -> (&'static str, u64) {
    (ROOT, xxh3_64_with_seed(ROOT.as_bytes(), host))
}

/// Each beginning of `path` that can be listed at the host of this hash, the shortest first, with its hash: one for each
/// of the first [`SEGMENTS_MAX`] segments.
pub(super) fn prefix_hashes(path: &str, host: u64) -> impl Iterator<Item = (&str, u64)> {
    let mut hash = host;
    segments(path).take(SEGMENTS_MAX).map(move |(end, segment)| {
        hash = xxh3_64_with_seed(segment.as_bytes(), hash);
        (path.get(..end).unwrap_or(path), hash)
    })
}

/// The hash of the URL prefix that ends with `path`; none if it has more than [`SEGMENTS_MAX`] segments.
pub(super) fn url_hash(path: &str, host: u64) -> Option<u64> {
    if segments(path).nth(SEGMENTS_MAX).is_some() {
        return None;
    }
    let (_, hash) = prefix_hashes(path, host).last().unwrap_or_else(|| root_hash(host));
    Some(hash)
}

/// The hash of an entry of the names file: a name, an address, or one of them with a path behind it.
pub(super) fn text_hash(text: &str, seed: u64) -> Option<u64> {
    let (host, path) = text.split_at(text.find('/').unwrap_or(text.len()));
    let host = host.parse().map_or_else(|_| name_hash(host, seed), |address| address_hash(address, seed));
    if path.is_empty() { Some(host) } else { url_hash(path, host) }
}

/// The name without `www.` in front, unless only a top-level label would be left.
pub(super) fn without_www(name: &Domain) -> &str {
    let bare = name.as_str().strip_prefix("www.").filter(|rest| rest.contains('.'));
    bare.unwrap_or(name.as_str())
}

/// The segments of a path and where each ends. `/`, `?` and `&` begin one; one that is nothing else says nothing.
fn segments(path: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = path.get(start..).filter(|rest| !rest.is_empty())?;
        let length = rest.bytes().skip(1).position(|byte| matches!(byte, b'/' | b'?' | b'&'));
        let length = length.map_or(rest.len(), |after_first| after_first + 1);
        start += length;
        Some((start, rest.get(..length)?))
    })
    .filter(|(_, segment)| segment.len() > 1)
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
            assert_eq!(hash, name_hash(suffix, 7), "{suffix}");
        }
    }

    #[test]
    fn every_beginning_of_a_path_comes_with_its_own_hash() {
        let path = "/a//b/?x=1&y=/z";
        let walked: Vec<_> = prefix_hashes(path, 7).collect();
        assert_eq!(
            walked.iter().map(|(prefix, _)| *prefix).collect::<Vec<_>>(),
            ["/a", "/a//b", "/a//b/?x=1", "/a//b/?x=1&y=", path]
        );
        for (prefix, hash) in walked {
            assert_eq!(url_hash(prefix, 7), Some(hash), "{prefix}");
        }
        assert_eq!(url_hash("/a/b?x=1", 7), url_hash("/a//b/?x=1&", 7));
        assert_eq!(url_hash("/", 7), Some(root_hash(7).1));
        assert_ne!(url_hash("/", 7), Some(7), "a whole host in the list of URLs is no name");
    }

    #[test]
    fn a_url_of_too_many_segments_has_no_hash() {
        assert!(url_hash(&"/a".repeat(SEGMENTS_MAX), 7).is_some());
        assert!(url_hash(&"/a".repeat(SEGMENTS_MAX + 1), 7).is_none());
    }

    #[test]
    fn the_text_of_an_entry_has_the_hash_of_its_site() {
        let site = |text: &str| text.parse::<Site>().unwrap();
        assert_eq!(text_hash("exemple.fr", 7), Some(name_hash("exemple.fr", 7)));
        assert_eq!(text_hash("2001:db8::7", 7), Some(host_hash(&site("2001:db8::7"), 7)));
        assert_eq!(text_hash("exemple.fr/a", 7), url_hash("/a", host_hash(&site("www.exemple.fr"), 7)));
    }
}
