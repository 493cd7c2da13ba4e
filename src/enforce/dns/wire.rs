//! Where the parts of a record lie in a message, without copying any of them.

use std::ops::Range;

use domain::{
    base::{iana::Rtype, name::ParsedName, wire::ParseError},
    dep::octseq::Parser,
};

use crate::model::Domain;

/// Length of a message's header, in bytes.
pub(super) const HEADER_BYTES: usize = 12;

/// The parts of one record, as places in its message.
///
/// On the wire: owner name, type (2 bytes), class (2), TTL (4), length (2), data.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Where the owner name begins.
    pub(super) owner_at: usize,
    /// The type.
    pub(super) rtype: Rtype,
    /// The class; for OPT, the sender's payload size.
    pub(super) class: u16,
    /// Where the TTL begins.
    pub(super) ttl_at: usize,
    /// The TTL in seconds; for OPT, flags.
    pub(super) ttl: u32,
    /// Where the data lies.
    pub(super) data: Range<usize>,
}

impl Place {
    /// Reads the record at the parser's position and moves behind it. The owner name is checked.
    pub(super) fn parse(parser: &mut Parser<'_, [u8]>) -> Result<Self, ParseError> {
        let owner_at = parser.pos();
        parse_name(parser)?;
        let rtype = Rtype::from_int(parser.parse_u16_be()?);
        let class = parser.parse_u16_be()?;
        let ttl_at = parser.pos();
        let ttl = parser.parse_u32_be()?;
        let length = usize::from(parser.parse_u16_be()?);
        let begin = parser.pos();
        parser.advance(length)?;
        Ok(Self { owner_at, rtype, class, ttl_at, ttl, data: begin..begin + length })
    }

    /// The record's data.
    pub(super) fn data_in<'a>(&self, message: &'a [u8]) -> &'a [u8] {
        message.get(self.data.clone()).unwrap_or_default()
    }

    /// Reads the owner's name.
    pub(super) fn owner_in<'a>(&self, message: &'a [u8]) -> Result<ParsedName<&'a [u8]>, ParseError> {
        let mut parser = Parser::from_ref(message);
        parser.seek(self.owner_at)?;
        parse_name(&mut parser)
    }

    /// Reads the name that `skip` bytes of data precede, and which may be compressed.
    pub(super) fn name_in<'a>(
        &self,
        message: &'a [u8],
        skip: usize,
    ) -> Result<ParsedName<&'a [u8]>, ParseError> {
        let mut parser = Parser::from_ref(message);
        parser.seek(self.data.start + skip)?;
        parse_name(&mut parser)
    }
}

/// Reads the name at the parser's position. One that points into the header is refused: the header is written anew for
/// each asker, and the name would change with it.
fn parse_name<'a>(parser: &mut Parser<'a, [u8]>) -> Result<ParsedName<&'a [u8]>, ParseError> {
    let mut at = parser.pos();
    let name = ParsedName::parse_ref(parser)?;
    let message = parser.octets_ref();
    // Ends, because the name has just been read: its pointers go backwards only.
    while let Some(first) = message.get(at).filter(|first| **first != 0) {
        if *first < 0xc0 {
            at += 1 + usize::from(*first);
            continue;
        }
        at = usize::from(u16_at(message, at).unwrap_or_default() & 0x3fff);
        if at < HEADER_BYTES {
            return Err(ParseError::form_error("name points into the header"));
        }
    }
    Ok(name)
}

/// The two-byte number at `at`.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2).and_then(|two| <[u8; 2]>::try_from(two).ok()).map(u16::from_be_bytes)
}

/// The four-byte number at `at`.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).and_then(|four| <[u8; 4]>::try_from(four).ok()).map(u32::from_be_bytes)
}

/// Writes `value` at `at`, where there is room.
pub(super) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(room) = bytes.get_mut(at..at + value.len()) {
        room.copy_from_slice(value);
    }
}

/// The name in wire form: each label behind its length, then the root's (RFC 1035 section 3.1).
pub(super) fn wire_name(name: &Domain) -> Vec<u8> {
    let mut wire = Vec::with_capacity(name.as_str().len() + 2);
    for label in name.as_str().split('.') {
        wire.extend(u8::try_from(label.len()));
        wire.extend_from_slice(label.as_bytes());
    }
    wire.push(0);
    wire
}
