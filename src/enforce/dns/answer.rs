//! An upstream's answer, read once and kept as it came.
//!
//! The bytes stay the upstream's own, so that records of unknown types, their order and their compression survive
//! untouched. Beside them stands what every later asker needs: where the TTLs are, and which names the answer leads
//! through. The OPT record is taken off: EDNS is between neighbours (RFC 6891 section 6.1.1).

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use domain::{
    base::{
        Message,
        iana::{Class, Rcode, Rtype},
        wire::ParseError,
    },
    dep::octseq::Parser,
};
use thiserror::Error;

use super::{
    limits::{CHAIN_NAMES_MAX, NEGATIVE_TTL_SECONDS_MAX, PASSED_EXPLANATIONS_BYTES_MAX, TTL_SECONDS_MAX},
    name::Judged,
    outer::OuterName,
    private::Inside,
    svcb,
    wire::{HEADER_BYTES, Place, put, u16_at, u32_at},
};
use crate::model::Domain;

/// The option code of an extended DNS error (RFC 8914 section 2).
pub(super) const EDE_OPTION: u16 = 15;

/// An answer as it is kept: one piece of memory for what all have, another for what few have. A hundred thousand of them
/// are in the cache, and each piece of memory that one is in is waited for.
#[derive(Debug)]
pub(super) struct Answer {
    /// The message; behind it where its TTLs stand, in order, two bytes each.
    bytes: Box<[u8]>,
    message_bytes: usize,
    seldom: Option<Box<Seldom>>,
    lifetime_seconds: u32,
    asked: Rtype,
    /// The error code.
    pub(super) rcode: Rcode,
    /// Whether it gives an address that means something inside the school only (DNS rebinding).
    pub(super) points_inside: bool,
}

/// What few answers have.
#[derive(Debug, Default)]
struct Seldom {
    explanations: Box<[u8]>,
    chain: Box<[Domain]>,
    outer_names: Box<[OuterName]>,
}

/// Why bytes from upstream are no usable answer.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Broken, or not an answer to this question.
    #[error("malformed answer")]
    Malformed,
    /// A CNAME chain longer than anybody follows, or one through a name that cannot be judged.
    #[error("answer leads through too many names, or through one that is no name")]
    Chain,
}

impl From<ParseError> for Unusable {
    fn from(_: ParseError) -> Self {
        Self::Malformed
    }
}

impl Answer {
    /// Reads `upstream`, the answer to `question` (name in lower case, type, class).
    pub(super) fn read(upstream: &[u8], question: &[u8], inside: &Inside) -> Result<Self, Unusable> {
        let stripped = svcb::without_ech(upstream)?;
        let message = stripped.as_ref().map_or(upstream, |stripped| &stripped.message);
        let header = Message::from_slice(message).map_err(|_| Unusable::Malformed)?.header();
        let asked = message.get(HEADER_BYTES..HEADER_BYTES + question.len());
        if !header.qr() || !asked.is_some_and(|asked| asked.eq_ignore_ascii_case(question)) {
            return Err(Unusable::Malformed);
        }
        let mut reading = Reading::new(message, question, inside);
        let end = reading.walk(HEADER_BYTES + question.len())?;
        let mut kept = Vec::with_capacity(end + 2 * reading.ttls.len());
        kept.extend_from_slice(message.get(..end).unwrap_or_default());
        let additional = u16::try_from(reading.additional_kept).unwrap_or_default();
        put(&mut kept, 10, &additional.to_be_bytes());
        for (place, seconds) in &reading.ttls {
            put(&mut kept, usize::from(*place), &seconds.to_be_bytes());
        }
        kept.extend(reading.ttls.iter().flat_map(|(place, _)| place.to_be_bytes()));
        let lifetime_seconds = reading.lifetime_seconds(header.rcode());
        let Reading { asked, explanations, chain, points_inside, .. } = reading;
        let outer_names = stripped.map(|stripped| stripped.outer_names).unwrap_or_default();
        let has_seldom = !(explanations.is_empty() && chain.is_empty() && outer_names.is_empty());
        let seldom = || Seldom {
            explanations: explanations.into(),
            chain: chain.into(),
            outer_names: outer_names.into(),
        };
        Ok(Self {
            bytes: kept.into(),
            message_bytes: end,
            seldom: has_seldom.then(seldom).map(Box::new),
            lifetime_seconds,
            asked,
            rcode: header.rcode(),
            points_inside,
        })
    }

    /// The message without its OPT record and whatever followed that. Its id means nothing.
    pub(super) fn message(&self) -> &[u8] {
        self.bytes.get(..self.message_bytes).unwrap_or_default()
    }

    /// Where the TTLs stand in the message, in order.
    pub(super) fn ttl_places(&self) -> impl Iterator<Item = usize> {
        let places = self.bytes.get(self.message_bytes..).unwrap_or_default().as_chunks().0;
        places.iter().map(|place| usize::from(u16::from_be_bytes(*place)))
    }

    /// How long it may be kept; zero: not at all.
    pub(super) fn lifetime(&self) -> Duration {
        Duration::from_secs(u64::from(self.lifetime_seconds))
    }

    /// The upstream's explanations (EDE), as whole options.
    pub(super) fn explanations(&self) -> &[u8] {
        self.seldom.as_ref().map_or(&[], |seldom| &seldom.explanations)
    }

    /// Each name the answer leads to by CNAME; the asker must be allowed all of them.
    pub(super) fn chain(&self) -> &[Domain] {
        self.seldom.as_ref().map_or(&[], |seldom| &seldom.chain)
    }

    /// What the `ech` parameters said that were stripped of it.
    pub(super) fn outer_names(&self) -> &[OuterName] {
        self.seldom.as_ref().map_or(&[], |seldom| &seldom.outer_names)
    }

    /// The addresses given in answer to the question, in order.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let message = self.message();
        // The records of the answer stand first, and each has its TTL.
        let answers = usize::from(u16_at(message, 6).unwrap_or_default());
        let records = self.ttl_places().take(answers).filter_map(|ttl_at| record_at(message, ttl_at));
        let of_asked = records.filter(|(rtype, ..)| *rtype == self.asked);
        of_asked.filter_map(|(rtype, class, data)| address(rtype, class, data)).collect()
    }

    /// Whether the upstream could not or would not resolve the name: neither an answer nor a firm no.
    pub(super) fn is_failure(&self) -> bool {
        !matches!(self.rcode, Rcode::NOERROR | Rcode::NXDOMAIN)
    }

    /// About how many bytes of memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let names = self.chain().iter().chain(self.outer_names().iter().map(|outer| &outer.name));
        let seldom = self.explanations().len() + names.map(|name| name.as_str().len() + 64).sum::<usize>();
        size_of::<Self>()
            + self.bytes.len()
            + seldom
            + self.seldom.as_ref().map_or(0, |_| size_of::<Seldom>())
    }
}

/// The state of one walk over the records.
struct Reading<'a> {
    message: &'a [u8],
    inside: &'a Inside,
    asked: Rtype,
    ttls: Vec<(u16, u32)>,
    answer_ttl: Option<u32>,
    negative_ttl: Option<u32>,
    answered: bool,
    additional_kept: usize,
    explanations: Vec<u8>,
    chain: Vec<Domain>,
    points_inside: bool,
}

impl<'a> Reading<'a> {
    fn new(message: &'a [u8], question: &[u8], inside: &'a Inside) -> Self {
        let asked = question.len().checked_sub(4).and_then(|at| u16_at(question, at));
        Self {
            message,
            inside,
            asked: Rtype::from_int(asked.unwrap_or_default()),
            ttls: Vec::new(),
            answer_ttl: None,
            negative_ttl: None,
            answered: false,
            additional_kept: 0,
            explanations: Vec::new(),
            chain: Vec::new(),
            points_inside: false,
        }
    }

    /// Reads all records from `begin` on and says where the last one to keep ends.
    fn walk(&mut self, begin: usize) -> Result<usize, Unusable> {
        let header_counts =
            Message::from_slice(self.message).map_err(|_| Unusable::Malformed)?.header_counts();
        if header_counts.qdcount() != 1 {
            return Err(Unusable::Malformed);
        }
        let mut parser = Parser::from_ref(self.message);
        parser.seek(begin).map_err(|_| Unusable::Malformed)?;
        for _ in 0..header_counts.ancount() {
            let place = Place::parse(&mut parser)?;
            self.answer_record(&place)?;
        }
        for _ in 0..header_counts.nscount() {
            let place = Place::parse(&mut parser)?;
            self.keep(&place)?;
            if place.rtype == Rtype::SOA {
                self.negative_ttl = Some(self.soa_ttl(&place)?);
            }
        }
        for _ in 0..header_counts.arcount() {
            let end = parser.pos();
            let place = Place::parse(&mut parser)?;
            if place.rtype == Rtype::OPT {
                // Records behind OPT go with it: taking it out from between would break their pointers, and nothing
                // that an asker needs stands there.
                self.opt(&place)?;
                return Ok(end);
            }
            self.keep(&place)?;
            self.additional_kept += 1;
        }
        Ok(parser.pos())
    }

    fn answer_record(&mut self, place: &Place) -> Result<(), Unusable> {
        let seconds = self.keep(place)?;
        self.answer_ttl = Some(self.answer_ttl.map_or(seconds, |least| least.min(seconds)));
        self.answered |= place.rtype == self.asked || self.asked == Rtype::ANY;
        if place.rtype == Rtype::CNAME {
            let target = Judged::read(place.name_in(self.message, 0)?.iter()).ok_or(Unusable::Chain)?.name;
            if !self.chain.contains(&target) {
                self.chain.push(target);
            }
            if self.chain.len() > CHAIN_NAMES_MAX {
                return Err(Unusable::Chain);
            }
        }
        Ok(())
    }

    /// Notes the TTL of a record, and whether it points inside.
    fn keep(&mut self, place: &Place) -> Result<u32, Unusable> {
        // RFC 2181 section 8: a TTL with its highest bit set is zero.
        let seconds = if place.ttl > u32::MAX >> 1 { 0 } else { place.ttl.min(TTL_SECONDS_MAX) };
        self.ttls.push((u16::try_from(place.ttl_at).map_err(|_| Unusable::Malformed)?, seconds));
        let address = address(place.rtype, place.class, place.data_in(self.message));
        for address in address.into_iter().chain(svcb::hints(place, self.message)) {
            self.points_inside |= self.inside.contains(address);
        }
        Ok(seconds)
    }

    /// RFC 2308 section 5: a negative answer lives as long as the lesser of the SOA's TTL and its MINIMUM.
    fn soa_ttl(&self, place: &Place) -> Result<u32, Unusable> {
        let mut parser = Parser::from_ref(self.message);
        parser.seek(place.data.start).map_err(|_| Unusable::Malformed)?;
        domain::base::ParsedName::skip(&mut parser)?;
        domain::base::ParsedName::skip(&mut parser)?;
        let minimum = u32_at(self.message, parser.pos() + 16)
            .filter(|_| parser.pos() + 20 == place.data.end)
            .ok_or(Unusable::Malformed)?;
        Ok(place.ttl.min(minimum).min(NEGATIVE_TTL_SECONDS_MAX))
    }

    /// Keeps the upstream's explanations. An extended error code means that EDNS itself failed.
    fn opt(&mut self, place: &Place) -> Result<(), Unusable> {
        let [extended_rcode, ..] = place.ttl.to_be_bytes();
        if extended_rcode != 0 {
            return Err(Unusable::Malformed);
        }
        let mut options = place.data_in(self.message);
        while let (Some(code), Some(length)) = (u16_at(options, 0), u16_at(options, 2)) {
            let (option, rest) =
                options.split_at_checked(4 + usize::from(length)).ok_or(Unusable::Malformed)?;
            if code == EDE_OPTION && self.explanations.len() + option.len() <= PASSED_EXPLANATIONS_BYTES_MAX {
                self.explanations.extend_from_slice(option);
            }
            options = rest;
        }
        Ok(())
    }

    fn lifetime_seconds(&self, rcode: Rcode) -> u32 {
        let negative = !self.answered || rcode == Rcode::NXDOMAIN;
        // RFC 2308 section 5: a negative answer without SOA is not kept.
        match (negative, self.answer_ttl, self.negative_ttl) {
            (false, Some(positive), _) => positive,
            (true, Some(alias), Some(soa)) => alias.min(soa),
            (true, None, Some(soa)) => soa,
            (true, _, None) | (false, None, _) => 0,
        }
    }
}

/// Type, class and data of the record whose TTL stands at `ttl_at`.
fn record_at(message: &[u8], ttl_at: usize) -> Option<(Rtype, u16, &[u8])> {
    let begin = ttl_at + 6;
    let rtype = Rtype::from_int(u16_at(message, ttl_at.checked_sub(4)?)?);
    let data = message.get(begin..begin + usize::from(u16_at(message, ttl_at + 4)?))?;
    Some((rtype, u16_at(message, ttl_at - 2)?, data))
}

/// The address that an A or AAAA record gives.
fn address(rtype: Rtype, class: u16, data: &[u8]) -> Option<IpAddr> {
    match rtype {
        _ if class != Class::IN.to_int() => None,
        Rtype::A => <[u8; 4]>::try_from(data).ok().map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes))),
        Rtype::AAAA => <[u8; 16]>::try_from(data).ok().map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes))),
        _ => None,
    }
}
