//! Composes what goes back to the asker: the upstream's bytes made the asker's own, or a short answer of our own.
//!
//! Every reply begins with the asker's id and its question, letter for letter. AD is given only to those who ask for it
//! with AD or DO (RFC 6840 section 5.7); CD and RD come back as they were sent; AA is never set on what upstream said.
//! An explanation (EDE, RFC 8914) goes to those who speak EDNS.

use std::net::IpAddr;

use domain::base::{
    Message,
    iana::{Class, ExtendedErrorCode, OptRcode, Rcode, Rtype},
};

use super::{
    answer::{Answer, EDE_OPTION},
    limits::{EXPLANATION_BYTES_MAX, STALE_TTL_SECONDS, UDP_ANSWER_BYTES_MAX},
    query::{Carrier, Query, Unfit},
    wire::{put, u32_at, wire_name},
};
use crate::model::Domain;

/// Why an answer is what it is: a registered code and a sentence for the person.
#[derive(Clone, Copy, Debug)]
pub(super) struct Explanation<'a> {
    /// The registered code.
    pub(super) code: ExtendedErrorCode,
    /// The sentence; cut to [`EXPLANATION_BYTES_MAX`].
    pub(super) text: &'a str,
}

/// How old a kept answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// Within its lifetime, this many seconds after it came.
    Fresh(u32),
    /// Past its lifetime, given because upstream does not answer (RFC 8767).
    Stale,
}

/// What an answer says that gives a site under another name (RFC 8914 section 4.5).
pub(super) const FORGED: Explanation<'_> =
    Explanation { code: ExtendedErrorCode::FORGED_ANSWER, text: "recherche protégée" };

/// Addresses that stand behind an alias at most: so it fits every asker, whatever its question.
const ALIAS_ADDRESSES_MAX: usize = 4;

/// Flags in the header's third and fourth byte.
const QR: u8 = 0x80;
const TC: u8 = 0x02;
const RD: u8 = 0x01;
const RA: u8 = 0x80;
const AD: u8 = 0x20;
const CD: u8 = 0x10;

/// A pointer to the name of the question, which stands right behind the header.
const QUESTION_NAME: [u8; 2] = [0xc0, 0x0c];

/// Answers `query` with what upstream said, no larger than the asker takes over `carrier`.
pub(super) fn forwarded(out: &mut Vec<u8>, query: &Query<'_>, carrier: Carrier, answer: &Answer, age: Age) {
    out.clear();
    out.extend_from_slice(answer.message());
    let verified = Message::from_slice(out).is_ok_and(|message| message.header().ad());
    let wants_ad = query.authentic_data || query.dnssec_ok();
    let vouched = verified && wants_ad && age != Age::Stale && !answer.is_failure();
    put_header(out, query, answer.rcode, vouched);
    put(out, 12, query.question());
    for place in answer.ttl_places() {
        let seconds = match age {
            Age::Fresh(age) => u32_at(out, place).unwrap_or_default().saturating_sub(age),
            Age::Stale => STALE_TTL_SECONDS,
        };
        put(out, place, &seconds.to_be_bytes());
    }
    let code = match (age, answer.rcode) {
        (Age::Fresh(_), _) => None,
        (Age::Stale, Rcode::NXDOMAIN) => Some(ExtendedErrorCode::STALE_NXDOMAIN_ANSWER),
        (Age::Stale, _) => Some(ExtendedErrorCode::STALE_ANSWER),
    };
    let explanation = code.map(|code| Explanation { code, text: "" });
    push_opt(out, query, OptRcode::from_rcode(answer.rcode), answer.explanations(), explanation);
    if out.len() > query.answer_bytes_max(carrier) {
        // All or nothing: a cut RRset would pass for a whole one in careless programs (RFC 2181 section 9).
        begin(out, query, OptRcode::from_rcode(answer.rcode));
        if let Some(flags) = out.get_mut(2) {
            *flags |= TC;
        }
        push_opt(out, query, OptRcode::from_rcode(answer.rcode), &[], explanation);
    }
}

/// Answers an address question with `address`. Fits every asker.
pub(super) fn address(
    out: &mut Vec<u8>,
    query: &Query<'_>,
    address: IpAddr,
    ttl_seconds: u32,
    explanation: Option<Explanation<'_>>,
) {
    begin(out, query, OptRcode::NOERROR);
    match address {
        IpAddr::V4(v4) => push_record(out, QUESTION_NAME, Rtype::A, ttl_seconds, &v4.octets()),
        IpAddr::V6(v6) => push_record(out, QUESTION_NAME, Rtype::AAAA, ttl_seconds, &v6.octets()),
    }
    put(out, 6, &[0, 1]);
    push_opt(out, query, OptRcode::NOERROR, &[], explanation);
}

/// Answers with a CNAME to `target` and those of its `addresses` that there is room for; with none, the absence of
/// addresses may be kept as long. Fits every asker.
pub(super) fn alias(
    out: &mut Vec<u8>,
    query: &Query<'_>,
    target: &Domain,
    addresses: &[IpAddr],
    ttl_seconds: u32,
) {
    begin(out, query, OptRcode::NOERROR);
    let target = wire_name(target);
    push_record(out, QUESTION_NAME, Rtype::CNAME, ttl_seconds, &target);
    let target_at = u16::try_from(out.len() - target.len()).unwrap_or_default();
    let pointer = (0xc000 | target_at).to_be_bytes();
    let mut answers: u8 = 1;
    for address in addresses.iter().take(ALIAS_ADDRESSES_MAX) {
        answers += 1;
        match address {
            IpAddr::V4(v4) => push_record(out, pointer, Rtype::A, ttl_seconds, &v4.octets()),
            IpAddr::V6(v6) => push_record(out, pointer, Rtype::AAAA, ttl_seconds, &v6.octets()),
        }
    }
    put(out, 6, &[0, answers]);
    if addresses.is_empty() && query.rtype != Rtype::CNAME {
        push_soa(out, pointer, ttl_seconds);
    }
    push_opt(out, query, OptRcode::NOERROR, &[], Some(FORGED));
}

/// Answers a question for every type at once with a record that says nobody answers such questions (RFC 8482
/// section 4.2). It reaches nothing and tells nothing, so no gate is asked.
pub(super) fn minimal(out: &mut Vec<u8>, query: &Query<'_>, ttl_seconds: u32) {
    begin(out, query, OptRcode::NOERROR);
    push_record(out, QUESTION_NAME, Rtype::HINFO, ttl_seconds, b"\x07RFC8482\0");
    put(out, 6, &[0, 1]);
    push_opt(out, query, OptRcode::NOERROR, &[], None);
}

/// Answers that the name does not exist, or has nothing of the type, for `ttl_seconds` (RFC 2308 section 2: the SOA
/// record says how long). Fits every asker.
pub(super) fn nothing(
    out: &mut Vec<u8>,
    query: &Query<'_>,
    rcode: Rcode,
    ttl_seconds: u32,
    explanation: Option<Explanation<'_>>,
) {
    let rcode = OptRcode::from_rcode(rcode);
    begin(out, query, rcode);
    push_soa(out, QUESTION_NAME, ttl_seconds);
    push_opt(out, query, rcode, &[], explanation);
}

/// The SOA of RFC 6303 section 3, as if a zone of our own began at `owner`, in the authority section.
fn push_soa(out: &mut Vec<u8>, owner: [u8; 2], ttl_seconds: u32) {
    let mut soa = Vec::with_capacity(38);
    soa.extend(owner);
    soa.extend(b"\x06nobody\x07invalid\0");
    for number in [1, 3600, 1200, 604_800, ttl_seconds] {
        soa.extend(number.to_be_bytes());
    }
    push_record(out, owner, Rtype::SOA, ttl_seconds, &soa);
    put(out, 8, &[0, 1]);
}

/// Answers with an error. Fits every asker.
pub(super) fn error(
    out: &mut Vec<u8>,
    query: &Query<'_>,
    rcode: OptRcode,
    explanation: Option<Explanation<'_>>,
) {
    begin(out, query, rcode);
    push_opt(out, query, rcode, &[], explanation);
}

/// Answers bytes that are no question. Says whether there is anything to send.
pub(super) fn unfit(out: &mut Vec<u8>, unfit: Unfit) -> bool {
    out.clear();
    let Unfit::Error { id, opcode, rcode } = unfit else {
        return false;
    };
    out.extend(id.to_be_bytes());
    out.push(QR | opcode.to_int() << 3);
    out.push(rcode.to_int());
    out.extend([0; 8]);
    true
}

/// A header and the question, with no records yet.
fn begin(out: &mut Vec<u8>, query: &Query<'_>, rcode: OptRcode) {
    out.clear();
    out.extend([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    put_header(out, query, rcode.rcode(), false);
    out.extend_from_slice(query.question());
}

fn put_header(out: &mut [u8], query: &Query<'_>, rcode: Rcode, verified: bool) {
    let bit = |set: bool, flag: u8| if set { flag } else { 0 };
    put(out, 0, &query.id.to_be_bytes());
    put(
        out,
        2,
        &[
            QR | bit(query.recursion_desired, RD),
            RA | bit(verified, AD) | bit(query.checking_disabled, CD) | rcode.to_int(),
        ],
    );
}

/// A record of the name that the pointer `owner` leads to.
fn push_record(out: &mut Vec<u8>, owner: [u8; 2], rtype: Rtype, ttl_seconds: u32, data: &[u8]) {
    out.extend(owner);
    out.extend(rtype.to_int().to_be_bytes());
    out.extend(Class::IN.to_int().to_be_bytes());
    out.extend(ttl_seconds.to_be_bytes());
    out.extend(u16::try_from(data.len()).unwrap_or_default().to_be_bytes());
    out.extend_from_slice(data);
}

/// Our own OPT record, for askers that sent one: root name, type, payload size, extended rcode, version 0, DO as sent,
/// then explanations.
fn push_opt(
    out: &mut Vec<u8>,
    query: &Query<'_>,
    rcode: OptRcode,
    passed: &[u8],
    explanation: Option<Explanation<'_>>,
) {
    let Some(edns) = query.edns else {
        return;
    };
    out.push(0);
    out.extend(Rtype::OPT.to_int().to_be_bytes());
    out.extend(UDP_ANSWER_BYTES_MAX.to_be_bytes());
    out.extend([rcode.ext(), 0, if edns.dnssec_ok { 0x80 } else { 0 }, 0]);
    let length_at = out.len();
    out.extend([0, 0]);
    out.extend_from_slice(passed);
    if let Some(Explanation { code, text }) = explanation {
        let text = text.get(..text.floor_char_boundary(EXPLANATION_BYTES_MAX)).unwrap_or_default();
        out.extend(EDE_OPTION.to_be_bytes());
        out.extend(u16::try_from(2 + text.len()).unwrap_or_default().to_be_bytes());
        out.extend(code.to_int().to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    let length = u16::try_from(out.len() - length_at - 2).unwrap_or_default();
    put(out, length_at, &length.to_be_bytes());
    if let Some([high, low]) = out.get(10..12).and_then(|count| <[u8; 2]>::try_from(count).ok()) {
        let additional = u16::from_be_bytes([high, low]).saturating_add(1);
        put(out, 10, &additional.to_be_bytes());
    }
}
