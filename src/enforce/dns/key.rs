//! What a question is known by in the cache and upstream: its name in lower case, its type, and the two bits that
//! change the answer.

use std::fmt;

use domain::base::iana::{Class, Rtype};

use super::wire::wire_name;
use crate::model::Domain;

/// A question without its asker.
///
/// Bytes: the name in wire form and lower case (1 to 255), type (2), then bit 0 for DO and bit 1 for CD (1).
#[derive(Clone)]
pub(super) struct Key {
    bytes: [u8; Self::BYTES_MAX],
    length: usize,
}

impl Key {
    const BYTES_MAX: usize = 255 + 3;

    /// The key of a name in wire form.
    pub(super) fn new(name: &[u8], rtype: Rtype, dnssec_ok: bool, checking_disabled: bool) -> Self {
        let mut key = Self { bytes: [0; Self::BYTES_MAX], length: 0 };
        key.push(name);
        // Length bytes are at most 63 and so no letters: the whole name can be lowered at once.
        key.bytes.make_ascii_lowercase();
        key.push(&rtype.to_int().to_be_bytes());
        key.push(&[u8::from(dnssec_ok) | u8::from(checking_disabled) << 1]);
        key
    }

    /// The key of the box's own question for `name`, without signatures.
    pub(super) fn of_domain(name: &Domain, rtype: Rtype) -> Self {
        Self::new(&wire_name(name), rtype, false, false)
    }

    /// All of it, to look up by.
    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Name, type and class as they are asked upstream.
    pub(super) fn question(&self) -> Vec<u8> {
        let name_and_type = self.as_slice().split_last().map_or(&[][..], |(_, rest)| rest);
        let mut question = name_and_type.to_vec();
        question.extend(Class::IN.to_int().to_be_bytes());
        question
    }

    /// Whether the name is the one of `wire`, lower-case and in wire form, or lies below it.
    pub(super) fn is_below(&self, wire: &[u8]) -> bool {
        let name = self.as_slice();
        let mut name = name.get(..name.len().saturating_sub(3)).unwrap_or_default();
        loop {
            if name == wire {
                return true;
            }
            let Some((label, rest)) = name.split_first() else { return false };
            match rest.get(usize::from(*label)..) {
                Some(parent) if *label > 0 => name = parent,
                Some(_) | None => return false,
            }
        }
    }

    /// Whether signatures are asked for.
    pub(super) fn dnssec_ok(&self) -> bool {
        self.bits() & 1 != 0
    }

    /// Whether the upstream shall not hold back what fails its validation.
    pub(super) fn checking_disabled(&self) -> bool {
        self.bits() & 2 != 0
    }

    fn bits(&self) -> u8 {
        self.as_slice().last().copied().unwrap_or_default()
    }

    fn push(&mut self, part: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.length..self.length + part.len()) {
            room.copy_from_slice(part);
            self.length += part.len();
        }
    }
}

/// Without the name: it may end in a log.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}
