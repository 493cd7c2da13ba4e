//! The public names behind which real encrypted hellos go (ECH, RFC 9849), as far as the box has seen them.
//!
//! Browsers send a meaningless encrypted hello to every site that has no key for a real one, so that the two cannot be
//! told apart on the wire (section 6.2). The resolver can: it takes the keys out of the answers, and each comes with
//! the *public name* that a hello using it shows and with a number of one byte that it repeats. Whoever shows both has
//! the key from elsewhere, and hides another name. The number of a meaningless hello is random: a site whose own name
//! is at the same time the public name of others loses one connection in 64 by it at worst.
//!
//! A key, as in the `ech` parameter (section 4):
//!
//! ```text
//! list length (2) | version 0xfe0d (2) | length (2) | number (1) | KEM (2) | public key (2+n) | suites (2+n)
//!                 | maximum name length (1) | public name (1+n) | extensions (2+n), and so on
//! ```

use std::collections::HashMap;

use tokio::time::Instant;

use super::{
    limits::{OUTER_KEYS_MAX, OUTER_NAME_KEPT, OUTER_NAMES_MAX},
    wire::u16_at,
};
use crate::model::Domain;

/// The version of the keys that clients use (RFC 9849 section 4).
const VERSION: u16 = 0xfe0d;

/// A key that was taken out of an answer, as far as hellos show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OuterName {
    /// The name in the readable hello.
    pub(super) name: Domain,
    /// The key's number.
    pub(super) number: u8,
}

/// The keys in the value of an `ech` parameter, up to the first that is broken. Versions that no client uses are left
/// out.
pub(super) fn keys(value: &[u8]) -> Vec<OuterName> {
    let mut found = Vec::new();
    let mut rest = value.get(2..).unwrap_or_default();
    while let (Some(version), Some(length)) = (u16_at(rest, 0), u16_at(rest, 2)) {
        let Some((key, behind)) = rest.split_at_checked(4 + usize::from(length)) else { break };
        if version == VERSION && found.len() < OUTER_KEYS_MAX {
            found.extend(key.get(4..).and_then(outer_name));
        }
        rest = behind;
    }
    found
}

fn outer_name(key: &[u8]) -> Option<OuterName> {
    let number = *key.first()?;
    let suites_at = 5 + usize::from(u16_at(key, 3)?);
    let name_at = suites_at + 2 + usize::from(u16_at(key, suites_at)?) + 1;
    let length = usize::from(*key.get(name_at)?);
    let name = std::str::from_utf8(key.get(name_at + 1..name_at + 1 + length)?).ok()?;
    Some(OuterName { name: name.parse().ok()?, number })
}

/// The public names seen lately.
#[derive(Debug, Default)]
pub(super) struct OuterNames {
    names: HashMap<Domain, Numbers>,
}

#[derive(Debug)]
struct Numbers {
    /// The newest at the end.
    numbers: Vec<u8>,
    seen: Instant,
}

impl OuterNames {
    /// Remembers a key.
    pub(super) fn learn(&mut self, outer: &OuterName, now: Instant) {
        if self.names.len() >= OUTER_NAMES_MAX && !self.names.contains_key(&outer.name) {
            let oldest = self.names.iter().min_by_key(|(_, numbers)| numbers.seen);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                self.names.remove(&oldest);
            }
        }
        let empty = || Numbers { numbers: Vec::new(), seen: now };
        let numbers = self.names.entry(outer.name.clone()).or_insert_with(empty);
        numbers.seen = now;
        numbers.numbers.retain(|number| *number != outer.number);
        if numbers.numbers.len() >= OUTER_KEYS_MAX {
            numbers.numbers.remove(0);
        }
        numbers.numbers.push(outer.number);
    }

    /// Whether a hello that shows `name` and repeats `number` hides another name.
    pub(super) fn hide(&self, name: &Domain, number: u8, now: Instant) -> bool {
        self.names.get(name).is_some_and(|numbers| {
            now.saturating_duration_since(numbers.seen) < OUTER_NAME_KEPT && numbers.numbers.contains(&number)
        })
    }
}

#[cfg(test)]
pub(in crate::enforce) mod tests {
    use std::time::Duration;

    use super::*;

    /// The `ech` parameter of a site at Cloudflare in form, with a key of our own: number 0x87 behind
    /// `cloudflare-ech.com`.
    pub(in crate::enforce) const CLOUDFLARE: &[u8] = b"\x00\x45\xfe\x0d\x00\x41\x87\x00\x20\x00\x20\
        01234567890123456789012345678901\x00\x04\x00\x01\x00\x01\x00\x12cloudflare-ech.com\x00\x00";

    fn outer(name: &str, number: u8) -> OuterName {
        OuterName { name: name.parse().unwrap(), number }
    }

    #[test]
    fn the_public_name_and_the_number_of_a_key_are_read() {
        assert_eq!(keys(CLOUDFLARE), [outer("cloudflare-ech.com", 0x87)]);
    }

    #[test]
    fn several_keys_are_read_and_unknown_versions_passed_over() {
        let one = &CLOUDFLARE[2..];
        let mut other = one.to_vec();
        other[1] = 0x0a;
        let mut second = one.to_vec();
        second[4] = 0x11;
        let list = [&[0, 0], one, &other, &second].concat();
        assert_eq!(keys(&list), [outer("cloudflare-ech.com", 0x87), outer("cloudflare-ech.com", 0x11)]);
    }

    #[test]
    fn no_prefix_of_a_key_does_harm() {
        for length in 0..CLOUDFLARE.len() {
            assert_eq!(keys(&CLOUDFLARE[..length]), [], "{length}");
        }
        let mut far = CLOUDFLARE.to_vec();
        far[9] = 0xff;
        assert_eq!(keys(&far), [], "a public key beyond the end");
    }

    #[test]
    fn who_shows_both_name_and_number_hides_another_name() {
        let (mut names, now) = (OuterNames::default(), Instant::now());
        names.learn(&outer("cover.example", 7), now);
        let hide = |name: &str, number, now| names.hide(&name.parse().unwrap(), number, now);
        assert!(hide("cover.example", 7, now));
        assert!(!hide("cover.example", 8, now), "a meaningless hello");
        assert!(!hide("other.example", 7, now));
        assert!(!hide("cover.example", 7, now + OUTER_NAME_KEPT + Duration::from_secs(1)), "forgotten");
    }

    #[test]
    fn names_and_numbers_are_bounded_and_the_newest_stay() {
        let (mut names, now) = (OuterNames::default(), Instant::now());
        for number in 0..u8::try_from(OUTER_KEYS_MAX).unwrap() + 1 {
            names.learn(&outer("cover.example", number), now);
        }
        assert!(!names.hide(&"cover.example".parse().unwrap(), 0, now));
        assert!(names.hide(&"cover.example".parse().unwrap(), 1, now));
        for number in 0..OUTER_NAMES_MAX {
            names.learn(&outer(&format!("cover{number}.example"), 1), now + Duration::from_millis(1));
        }
        assert_eq!(names.names.len(), OUTER_NAMES_MAX);
        assert!(!names.hide(&"cover.example".parse().unwrap(), 1, now));
    }
}
