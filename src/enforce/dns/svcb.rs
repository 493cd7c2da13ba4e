//! Strips the `ech` parameter from SVCB and HTTPS records (decision D4), and only that.
//!
//! With `ech` a browser would hide the name it connects to. A record without the parameter is an ordinary record: the
//! browser keeps HTTP/2, HTTP/3 and the address hints, and sends its name readable (RFC 9460, RFC 9849).
//!
//! Off-spec: a signed record without the parameter no longer fits its signature. The signature over the changed
//! records is dropped and AD is cleared; an asker that validates for itself finds the records bogus and goes on without
//! them, which is what it would do if we refused them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use domain::{
    base::{
        Message, MessageBuilder, Name, ParsedName, ParsedRecord, Record, iana::Rtype,
        message_builder::TreeCompressor, rdata::UnknownRecordData, record::ComposeRecord, wire::Composer,
    },
    dep::octseq::Parser,
    rdata::AllRecordData,
};

use super::{
    answer::Unusable,
    name::Judged,
    outer::{self, OuterName},
    wire::{HEADER_BYTES, Place, put, u16_at},
};

/// Parameter keys (RFC 9460 section 14.3.2).
const MANDATORY: u16 = 0;
const IPV4_HINT: u16 = 4;
const ECH: u16 = 5;
const IPV6_HINT: u16 = 6;

/// A message that had `ech` parameters.
#[derive(Debug)]
pub(super) struct Stripped {
    /// The message without them.
    pub(super) message: Vec<u8>,
    /// What they said of names that hide others.
    pub(super) outer_names: Vec<OuterName>,
}

/// The message without any `ech` parameter; none where it has none, which is nearly always.
pub(super) fn without_ech(message: &[u8]) -> Result<Option<Stripped>, Unusable> {
    let Some(outer_names) = ech(message)? else { return Ok(None) };
    let message = rebuilt(message).ok_or(Unusable::Malformed)?;
    Ok(Some(Stripped { message, outer_names }))
}

/// The addresses that an SVCB or HTTPS record hints at.
pub(super) fn hints(place: &Place, message: &[u8]) -> Vec<IpAddr> {
    let mut hints = Vec::new();
    let parameters = is_service(place.rtype).then(|| parameters(place.data_in(message)));
    for (key, value) in parameters.into_iter().flatten().flatten() {
        match key {
            IPV4_HINT => {
                hints.extend(value.as_chunks().0.iter().map(|four| IpAddr::V4(Ipv4Addr::from(*four))))
            }
            IPV6_HINT => {
                hints.extend(value.as_chunks().0.iter().map(|bytes| IpAddr::V6(Ipv6Addr::from(*bytes))))
            }
            _ => {}
        }
    }
    hints
}

/// What the `ech` parameter of a record says, but for a key that its owner shows itself: that hides the name behind the
/// same name.
fn outer_names(place: &Place, message: &[u8]) -> Vec<OuterName> {
    let owner = place.owner_in(message).ok().and_then(|owner| Judged::read(owner.iter()));
    let parameters = is_service(place.rtype).then(|| parameters(place.data_in(message)));
    let values = parameters.into_iter().flatten().flatten().filter(|(key, _)| *key == ECH);
    values
        .flat_map(|(_, value)| outer::keys(value))
        .filter(|outer| owner.as_ref().is_none_or(|owner| owner.name != outer.name))
        .collect()
}

fn is_service(rtype: Rtype) -> bool {
    matches!(rtype, Rtype::SVCB | Rtype::HTTPS)
}

/// What the `ech` parameters of a message say; none where it has none.
fn ech(message: &[u8]) -> Result<Option<Vec<OuterName>>, Unusable> {
    let counts = Message::from_slice(message).map_err(|_| Unusable::Malformed)?.header_counts();
    let mut parser = Parser::from_ref(message);
    parser.advance(HEADER_BYTES).map_err(|_| Unusable::Malformed)?;
    for _ in 0..counts.qdcount() {
        ParsedName::parse_ref(&mut parser)?;
        parser.advance(4).map_err(|_| Unusable::Malformed)?;
    }
    let mut found: Option<Vec<_>> = None;
    let records = [counts.ancount(), counts.nscount(), counts.arcount()];
    for _ in 0..records.into_iter().map(u32::from).sum::<u32>() {
        let place = Place::parse(&mut parser)?;
        if is_service(place.rtype) {
            let parameters = parameters(place.data_in(message)).ok_or(Unusable::Malformed)?;
            if parameters.iter().any(|(key, _)| *key == ECH) {
                let outer_names = outer_names(&place, message);
                found.get_or_insert_default().extend(outer_names);
            }
        }
    }
    Ok(found)
}

/// Where the parameters begin in the data: behind the priority (2 bytes) and the target name. A target name is never
/// compressed (RFC 9460 section 2.2); one that is makes the record malformed, for we could not move it.
fn parameters_at(data: &[u8]) -> Option<usize> {
    let mut parser = Parser::from_ref(data);
    parser.advance(2).ok()?;
    Name::<&[u8]>::parse(&mut parser).ok()?;
    Some(parser.pos())
}

/// The parameters: key (2 bytes), length (2), value. None if they do not fill the data exactly.
fn parameters(data: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let mut rest = data.get(parameters_at(data)?..)?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (key, length) = (u16_at(rest, 0)?, u16_at(rest, 2)?);
        let (parameter, behind) = rest.split_at_checked(4 + usize::from(length))?;
        found.push((key, parameter.get(4..)?));
        rest = behind;
    }
    Some(found)
}

/// The data of a service record without `ech`, and without naming it as mandatory.
fn stripped_data(data: &[u8]) -> Option<Vec<u8>> {
    let mut stripped = data.get(..parameters_at(data)?)?.to_vec();
    for (key, value) in parameters(data)? {
        let mandatory: Vec<u8>;
        let value = match key {
            ECH => continue,
            MANDATORY => {
                mandatory = value
                    .as_chunks()
                    .0
                    .iter()
                    .filter(|key| **key != ECH.to_be_bytes())
                    .flatten()
                    .copied()
                    .collect();
                if mandatory.is_empty() {
                    continue;
                }
                &*mandatory
            }
            _ => value,
        };
        stripped.extend(key.to_be_bytes());
        stripped.extend(u16::try_from(value.len()).ok()?.to_be_bytes());
        stripped.extend_from_slice(value);
    }
    Some(stripped)
}

/// Composes the message anew: cutting the bytes out in place would break the pointers of later names.
fn rebuilt(message: &[u8]) -> Option<Vec<u8>> {
    let parsed = Message::from_slice(message).ok()?;
    let (mut question, answer, authority, additional) = parsed.sections().ok()?;
    let mut builder = MessageBuilder::from_target(TreeCompressor::new(Vec::new())).ok()?.question();
    builder.push(question.next()?.ok()?).ok()?;
    let mut builder = builder.answer();
    for record in answer {
        if let Some(part) = Part::of(record.ok()?)? {
            builder.push(part).ok()?;
        }
    }
    let mut builder = builder.authority();
    for record in authority {
        if let Some(part) = Part::of(record.ok()?)? {
            builder.push(part).ok()?;
        }
    }
    let mut builder = builder.additional();
    for record in additional {
        if let Some(part) = Part::of(record.ok()?)? {
            builder.push(part).ok()?;
        }
    }
    let mut rebuilt = builder.finish().into_target();
    put(&mut rebuilt, 0, message.get(..4)?);
    // AD says that the data is as signed; it is not any more.
    if let Some(flags) = rebuilt.get_mut(3) {
        *flags &= !0x20;
    }
    Some(rebuilt)
}

/// One record of the message composed anew.
enum Part<'a> {
    Copied(Record<Owner<'a>, AllRecordData<&'a [u8], Owner<'a>>>),
    Stripped(Record<Owner<'a>, UnknownRecordData<Vec<u8>>>),
}

type Owner<'a> = ParsedName<&'a [u8]>;

impl<'a> Part<'a> {
    /// What becomes of `record`: `Some(None)` drops it, `None` means it is broken.
    fn of(record: ParsedRecord<'a, [u8]>) -> Option<Option<Self>> {
        let plain: Record<_, UnknownRecordData<&[u8]>> = record.to_record().ok()??;
        let data: &[u8] = plain.data().data();
        if record.rtype() == Rtype::RRSIG && u16_at(data, 0).map(Rtype::from_int).is_none_or(is_service) {
            return Some(None);
        }
        Some(Some(if is_service(record.rtype()) {
            let data = UnknownRecordData::from_octets(record.rtype(), stripped_data(data)?).ok()?;
            Self::Stripped(Record::new(record.owner(), record.class(), record.ttl(), data))
        } else {
            Self::Copied(record.into_any_record().ok()?)
        }))
    }
}

impl ComposeRecord for Part<'_> {
    fn compose_record<Target: Composer + ?Sized>(
        &self,
        target: &mut Target,
    ) -> Result<(), Target::AppendError> {
        match self {
            Self::Copied(record) => record.compose_record(target),
            Self::Stripped(record) => record.compose_record(target),
        }
    }
}
