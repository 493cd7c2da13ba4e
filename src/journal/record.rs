//! The bytes of one record, version 2. They are final: a later version adds kinds and changes none. Version 1 had no
//! ruled decisions: it wrote them as decisions, without the lock.
//!
//! A segment (see `segment.rs`) is a header and then frames, one a record. All integers are little-endian.
//!
//! ```text
//! frame    0  2  length of the payload in bytes, 7 to 65,535
//!          2  4  low 32 bits of XXH3-64 over the two length bytes and the payload
//!          6  …  payload
//!
//! payload  0  1  kind: 1 decision, 2 presence, 3 clock stepped, 4 ruled decision; a reader passes over any other
//!          1  6  milliseconds since 1970-01-01T00:00:00 UTC
//!          7  …  fields of the kind, to the end of the payload
//!
//! decision 7  8  pseudonym
//!         15  1  low half: channel (0 DNS, 1 TLS, 2 HTTP, 3 QUIC); high half: site (0 name, 1 IPv4, 2 IPv6 address)
//!         16  1  low half: answer (0 allowed, 1 refused, 2 sign-in needed, 3 not recorded);
//!                high half: ground (0 none, 1 rule, 2 opening, 3 zone's default, 4 way round the filter); none exactly
//!                for answers 2 and 3
//!         17  1  low half: the rule's level (0 no rule, 1 académie, 2 département, 3 établissement, 4 groupe, 5 opening);
//!                high half: match (0 no rule, 1 site, 2 address, 3 category, 4 everything), or with ground 4 the way (1 DNS
//!                tunnel, 2 hidden name, 3 relay)
//!         18  …  zone (text); for a rule its id (text); for a category its name and its list's date (two texts);
//!                then the site to the end: the name's bytes, or the address's 4 or 16
//!
//! ruled    7  …  as a decision whose ground is 1, but for byte 17:
//!         17  1  low half: the rule's level (1 to 5), 8 more where it is locked;
//!                high half: match (1 site, 2 address, 3 category, 4 everything, 5 page, 6 category by a listed page,
//!                7 category by an expression); name and list's date also for 6 and 7
//!
//! presence 7  6  hardware address
//!         13  1  low half: change (1 signed in, 2 address used, 3 signed out, 4 expired, 5 replaced);
//!                high half: address (0 none, 1 IPv4, 2 IPv6); none exactly for changes 3 to 5
//!         14  …  address, 0, 4 or 16; zone (text); then the account's identifier to the end, UTF-8
//!
//! clock    7  8  how far the clock stepped in milliseconds, signed; the record's own time is after the step
//!
//! text     one length byte, then as many bytes of UTF-8
//! ```
//!
//! A typical decision by a zone's default takes 36 bytes besides the site, one by a rule about 42. There is one way to
//! write each record: what decodes encodes to the same bytes again.

use std::{net::IpAddr, str::FromStr, sync::Arc};

use super::{Channel, DecisionRecord, Ground, Matching, Outcome, Pseudonym};
use crate::{
    model::{AccountId, Domain, Mac, Moment, Presence, PresenceChange, Site, ZoneName},
    policy::{Evasion, Level, ListedBy, Lock},
};

/// Length and checksum before each payload, in bytes.
pub(super) const FRAME_HEAD_BYTES: usize = 6;

/// The shortest payload: kind and time.
pub(super) const PAYLOAD_BYTES_MIN: usize = 7;

/// The longest account identifier a presence can hold, in bytes; the directory's bound lies below it.
const ACCOUNT_BYTES_MAX: usize = 4096;

/// The latest time that fits six bytes, in the year 10889.
const TIME_MAX: i64 = (1 << 48) - 1;

const KIND_DECISION: u8 = 1;
const KIND_PRESENCE: u8 = 2;
const KIND_CLOCK_STEPPED: u8 = 3;
const KIND_RULED_DECISION: u8 = 4;

/// Stands beside the level of a locked rule in a ruled decision.
const LOCKED: u8 = 8;

/// One record read back from a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A decision of the gate.
    Decision(DecisionRecord),
    /// A change of a person's presence.
    Presence(Presence),
    /// The clock was set while the box ran: times before and after this record do not compare.
    ClockStepped {
        /// The time after the step.
        at: Moment,
        /// How far the clock stepped in milliseconds; negative when it was set back.
        milliseconds: i64,
    },
    /// A kind that a later version writes.
    Unknown {
        /// Its number.
        kind: u8,
        /// When it was written.
        at: Moment,
    },
}

/// A record that has no bytes: an account identifier longer than any directory gives.
#[derive(Debug)]
pub(super) struct TooLong;

/// Appends the frame of a decision to `out`.
pub(super) fn put_decision(out: &mut Vec<u8>, decision: &DecisionRecord) {
    let DecisionRecord { at, zone, who, channel, site, outcome } = decision;
    let (answer, ground) = match outcome {
        Outcome::Allowed(ground) => (0, Some(ground)),
        Outcome::Refused(ground) => (1, Some(ground)),
        Outcome::SignInNeeded => (2, None),
        Outcome::NotRecorded => (3, None),
    };
    let (ground_number, rule) = match ground {
        None => (0, None),
        Some(Ground::Rule { id, level, lock, matching }) => (1, Some((id, (*level, *lock), matching))),
        Some(Ground::Opening) => (2, None),
        Some(Ground::ZoneDefault) => (3, None),
        Some(Ground::Evasion(_)) => (4, None),
        Some(Ground::Welcome) => (5, None),
    };
    let is_ruled = rule.is_some_and(|(_, (_, lock), _)| lock.is_some());
    let start = open_frame(out, if is_ruled { KIND_RULED_DECISION } else { KIND_DECISION }, *at);
    out.extend_from_slice(&who.0);
    let channel = match channel {
        Channel::Dns => 0,
        Channel::Tls => 1,
        Channel::Http => 2,
        Channel::Quic => 3,
    };
    let form = match site {
        Site::Name(_) => 0,
        Site::Address(address) => address_form(*address),
    };
    out.push(channel | form << 4);
    out.push(answer | ground_number << 4);
    out.push(match (ground, rule) {
        (Some(Ground::Evasion(evasion)), _) => evasion_number(*evasion) << 4,
        (_, rule) => {
            rule.map_or(0, |(_, level, matching)| rule_number(level) | matching_number(matching) << 4)
        }
    });
    put_text(out, zone.as_str());
    if let Some((id, _, matching)) = rule {
        put_text(out, id);
        if let Matching::Category { category, list_date, by: _ } = matching {
            put_text(out, category);
            put_text(out, list_date);
        }
    }
    match site {
        Site::Name(name) => out.extend_from_slice(name.as_str().as_bytes()),
        Site::Address(address) => put_address(out, *address),
    }
    close_frame(out, start);
}

/// Appends the frame of a presence to `out`; on an error `out` is as it was.
pub(super) fn put_presence(out: &mut Vec<u8>, presence: &Presence) -> Result<(), TooLong> {
    let Presence { at, account, zone, machine, change } = presence;
    if account.as_str().len() > ACCOUNT_BYTES_MAX {
        return Err(TooLong);
    }
    let start = open_frame(out, KIND_PRESENCE, *at);
    out.extend_from_slice(&machine.bytes());
    let (number, address) = match change {
        PresenceChange::SignedIn(address) => (1, Some(*address)),
        PresenceChange::AddressUsed(address) => (2, Some(*address)),
        PresenceChange::SignedOut => (3, None),
        PresenceChange::Expired => (4, None),
        PresenceChange::Replaced => (5, None),
    };
    out.push(number | address.map_or(0, address_form) << 4);
    if let Some(address) = address {
        put_address(out, address);
    }
    put_text(out, zone.as_str());
    out.extend_from_slice(account.as_str().as_bytes());
    close_frame(out, start);
    Ok(())
}

/// Appends the frame that marks a step of the clock to `out`.
pub(super) fn put_clock_stepped(out: &mut Vec<u8>, at: Moment, milliseconds: i64) {
    let start = open_frame(out, KIND_CLOCK_STEPPED, at);
    out.extend_from_slice(&milliseconds.to_le_bytes());
    close_frame(out, start);
}

/// The checksum of a payload with its length bytes.
pub(super) fn checksum(length: [u8; 2], payload: &[u8]) -> [u8; 4] {
    let mut hasher = xxhash_rust::xxh3::Xxh3Default::new();
    hasher.update(&length);
    hasher.update(payload);
    low_half(hasher.digest())
}

/// The low 32 bits of `hash`, little-endian.
pub(super) fn low_half(hash: u64) -> [u8; 4] {
    let [a, b, c, d, ..] = hash.to_le_bytes();
    [a, b, c, d]
}

/// Begins a frame; the length and the checksum are filled in by [`close_frame`].
fn open_frame(out: &mut Vec<u8>, kind: u8, at: Moment) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; FRAME_HEAD_BYTES]);
    out.push(kind);
    let [time @ .., _, _] = at.unix_milliseconds().clamp(0, TIME_MAX).to_le_bytes();
    out.extend_from_slice(&time);
    start
}

fn close_frame(out: &mut [u8], start: usize) {
    let (head, payload) = out[start..].split_at_mut(FRAME_HEAD_BYTES);
    let length = u16::try_from(payload.len())
        .expect("the longest payload is an account of 4,096 bytes and some 60 more")
        .to_le_bytes();
    head[..2].copy_from_slice(&length);
    head[2..].copy_from_slice(&checksum(length, payload));
}

/// Appends the first 255 bytes of `text`, cut between characters.
fn put_text(out: &mut Vec<u8>, text: &str) {
    let end = text.floor_char_boundary(usize::from(u8::MAX));
    out.push(u8::try_from(end).unwrap_or(u8::MAX));
    out.extend_from_slice(&text.as_bytes()[..end]);
}

fn put_address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => out.extend_from_slice(&address.octets()),
        IpAddr::V6(address) => out.extend_from_slice(&address.octets()),
    }
}

const fn address_form(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 1,
        IpAddr::V6(_) => 2,
    }
}

/// A rule's level, with its lock where that is known.
fn rule_number((level, lock): (Level, Option<Lock>)) -> u8 {
    level_number(level) | if lock == Some(Lock::Locked) { LOCKED } else { 0 }
}

const fn level_number(level: Level) -> u8 {
    match level {
        Level::Academie => 1,
        Level::Departement => 2,
        Level::Etablissement => 3,
        Level::Groupe => 4,
        Level::Opening => 5,
    }
}

/// Numbers above 4 stand in ruled decisions only: what has no lock was written before there were pages.
const fn matching_number(matching: &Matching) -> u8 {
    match matching {
        Matching::Site => 1,
        Matching::Address => 2,
        Matching::Category { by: ListedBy::Site, .. } => 3,
        Matching::Everything => 4,
        Matching::Url => 5,
        Matching::Category { by: ListedBy::Url, .. } => 6,
        Matching::Category { by: ListedBy::Expression, .. } => 7,
    }
}

const fn evasion_number(evasion: Evasion) -> u8 {
    match evasion {
        Evasion::DnsTunnel => 1,
        Evasion::HiddenName => 2,
        Evasion::Relay => 3,
    }
}

impl Record {
    /// Reads the payload of one frame, its checksum already verified. Nothing where the bytes are no version 1 record.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let mut rest = Bytes(payload);
        let [kind] = rest.array()?;
        let time: [u8; 6] = rest.array()?;
        let [a, b, c, d, e, f] = time;
        let at = Moment::from_unix_milliseconds(i64::from_le_bytes([a, b, c, d, e, f, 0, 0]));
        match kind {
            KIND_DECISION | KIND_RULED_DECISION => {
                decode_decision(at, rest, kind == KIND_RULED_DECISION).map(Self::Decision)
            }
            KIND_PRESENCE => decode_presence(at, rest).map(Self::Presence),
            KIND_CLOCK_STEPPED => {
                let milliseconds = i64::from_le_bytes(rest.array()?);
                rest.0.is_empty().then_some(Self::ClockStepped { at, milliseconds })
            }
            _ => Some(Self::Unknown { kind, at }),
        }
    }
}

fn decode_decision(at: Moment, mut rest: Bytes<'_>, is_ruled: bool) -> Option<DecisionRecord> {
    let who = Pseudonym(rest.array()?);
    let (channel, form) = rest.halves()?;
    let channel = match channel {
        0 => Channel::Dns,
        1 => Channel::Tls,
        2 => Channel::Http,
        3 => Channel::Quic,
        _ => return None,
    };
    let (answer, ground) = rest.halves()?;
    let (level, matching) = rest.halves()?;
    let zone = ZoneName::from_str(rest.text()?).ok()?;
    let ground = match (ground, level, matching) {
        (1, level, matching) => Some(decode_rule(level, matching, is_ruled, &mut rest)?),
        (0, 0, 0) if !is_ruled => None,
        (2, 0, 0) if !is_ruled => Some(Ground::Opening),
        (3, 0, 0) if !is_ruled => Some(Ground::ZoneDefault),
        (4, 0, evasion) if !is_ruled => Some(Ground::Evasion(decode_evasion(evasion)?)),
        (5, 0, 0) if !is_ruled => Some(Ground::Welcome),
        _ => return None,
    };
    let outcome = match (answer, ground) {
        (0, Some(ground)) => Outcome::Allowed(ground),
        (1, Some(ground)) => Outcome::Refused(ground),
        (2, None) => Outcome::SignInNeeded,
        (3, None) => Outcome::NotRecorded,
        _ => return None,
    };
    let site = match form {
        0 => {
            let text = rest.rest_as_text()?;
            Site::Name(Domain::from_str(text).ok().filter(|name| name.as_str() == text)?)
        }
        form => Site::Address(rest.address(form)?),
    };
    rest.0.is_empty().then_some(DecisionRecord { at, zone, who, channel, site, outcome })
}

fn decode_evasion(number: u8) -> Option<Evasion> {
    match number {
        1 => Some(Evasion::DnsTunnel),
        2 => Some(Evasion::HiddenName),
        3 => Some(Evasion::Relay),
        _ => None,
    }
}

fn decode_rule(level: u8, matching: u8, is_ruled: bool, rest: &mut Bytes<'_>) -> Option<Ground> {
    let lock = is_ruled.then_some(if level & LOCKED == 0 { Lock::Open } else { Lock::Locked });
    let level = if is_ruled { level & !LOCKED } else { level };
    let level = match level {
        1 => Level::Academie,
        2 => Level::Departement,
        3 => Level::Etablissement,
        4 => Level::Groupe,
        5 => Level::Opening,
        _ => return None,
    };
    let id = Arc::from(rest.text()?);
    let mut category = |by| -> Option<Matching> {
        Some(Matching::Category { category: Arc::from(rest.text()?), list_date: Arc::from(rest.text()?), by })
    };
    let matching = match matching {
        1 => Matching::Site,
        2 => Matching::Address,
        3 => category(ListedBy::Site)?,
        4 => Matching::Everything,
        5 if is_ruled => Matching::Url,
        6 if is_ruled => category(ListedBy::Url)?,
        7 if is_ruled => category(ListedBy::Expression)?,
        _ => return None,
    };
    Some(Ground::Rule { id, level, lock, matching })
}

fn decode_presence(at: Moment, mut rest: Bytes<'_>) -> Option<Presence> {
    let machine = Mac::new(rest.array()?);
    let (number, form) = rest.halves()?;
    let change = match (number, form) {
        (1, form) => PresenceChange::SignedIn(rest.address(form)?),
        (2, form) => PresenceChange::AddressUsed(rest.address(form)?),
        (3, 0) => PresenceChange::SignedOut,
        (4, 0) => PresenceChange::Expired,
        (5, 0) => PresenceChange::Replaced,
        _ => return None,
    };
    let zone = ZoneName::from_str(rest.text()?).ok()?;
    let account = rest.rest_as_text().filter(|id| id.len() <= ACCOUNT_BYTES_MAX).map(AccountId::new)?;
    Some(Presence { at, account, zone, machine, change })
}

/// What is left to read of a payload.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    /// The low half and the high half of one byte.
    fn halves(&mut self) -> Option<(u8, u8)> {
        self.array().map(|[byte]| (byte & 0x0f, byte >> 4))
    }

    fn text(&mut self) -> Option<&'a str> {
        let [length] = self.array()?;
        let (text, rest) = self.0.split_at_checked(usize::from(length))?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn rest_as_text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(std::mem::take(&mut self.0)).ok()
    }

    fn address(&mut self, form: u8) -> Option<IpAddr> {
        match form {
            1 => self.array::<4>().map(IpAddr::from),
            2 => self.array::<16>().map(IpAddr::from),
            _ => None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moments() -> impl Strategy<Value = Moment> {
        (0..=TIME_MAX).prop_map(Moment::from_unix_milliseconds)
    }

    fn zones() -> impl Strategy<Value = ZoneName> {
        "[a-z0-9-]{1,32}".prop_map(|name| name.parse().unwrap())
    }

    fn addresses() -> impl Strategy<Value = IpAddr> {
        prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)]
    }

    fn sites() -> impl Strategy<Value = Site> {
        prop_oneof![
            "([a-z0-9_-]{1,63}[.]){0,3}[a-z]{1,20}".prop_map(|name| Site::Name(name.parse().unwrap())),
            addresses().prop_map(Site::Address),
        ]
    }

    fn texts() -> impl Strategy<Value = Arc<str>> {
        ".{0,60}".prop_map(Arc::from)
    }

    fn grounds() -> impl Strategy<Value = Ground> {
        let levels = prop::sample::select(vec![
            Level::Academie,
            Level::Departement,
            Level::Etablissement,
            Level::Groupe,
            Level::Opening,
        ]);
        let matchings = prop_oneof![
            Just(Matching::Site),
            Just(Matching::Address),
            Just(Matching::Everything),
            (texts(), texts()).prop_map(|(category, list_date)| Matching::Category {
                category,
                list_date,
                by: ListedBy::Site
            }),
        ];
        let locks = prop::option::of(prop::sample::select(vec![Lock::Locked, Lock::Open]));
        prop_oneof![
            Just(Ground::Opening),
            Just(Ground::ZoneDefault),
            Just(Ground::Welcome),
            prop::sample::select(vec![Evasion::DnsTunnel, Evasion::HiddenName, Evasion::Relay])
                .prop_map(Ground::Evasion),
            (texts(), levels.clone(), locks, matchings)
                .prop_map(|(id, level, lock, matching)| { Ground::Rule { id, level, lock, matching } }),
            (texts(), levels, pages()).prop_map(|(id, level, matching)| {
                Ground::Rule { id, level, lock: Some(Lock::Locked), matching }
            }),
        ]
    }

    /// What matches by a path; only records with a lock tell of it.
    fn pages() -> impl Strategy<Value = Matching> {
        let by = prop::sample::select(vec![ListedBy::Url, ListedBy::Expression]);
        prop_oneof![
            Just(Matching::Url),
            (texts(), texts(), by).prop_map(|(category, list_date, by)| Matching::Category {
                category,
                list_date,
                by
            }),
        ]
    }

    fn outcomes() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            Just(Outcome::SignInNeeded),
            Just(Outcome::NotRecorded),
            grounds().prop_map(Outcome::Allowed),
            grounds().prop_map(Outcome::Refused),
        ]
    }

    pub(in crate::journal) fn decisions() -> impl Strategy<Value = DecisionRecord> {
        let channels = prop::sample::select(vec![Channel::Dns, Channel::Tls, Channel::Http, Channel::Quic]);
        (moments(), zones(), any::<[u8; 8]>(), channels, sites(), outcomes()).prop_map(
            |(at, zone, who, channel, site, outcome)| DecisionRecord {
                at,
                zone,
                who: Pseudonym(who),
                channel,
                site,
                outcome,
            },
        )
    }

    pub(in crate::journal) fn presences() -> impl Strategy<Value = Presence> {
        let changes = prop_oneof![
            addresses().prop_map(PresenceChange::SignedIn),
            addresses().prop_map(PresenceChange::AddressUsed),
            Just(PresenceChange::SignedOut),
            Just(PresenceChange::Expired),
            Just(PresenceChange::Replaced),
        ];
        (moments(), ".{0,200}", zones(), any::<[u8; 6]>(), changes).prop_map(
            |(at, account, zone, machine, change)| Presence {
                at,
                account: AccountId::new(&account),
                zone,
                machine: Mac::new(machine),
                change,
            },
        )
    }

    proptest! {
        #[test]
        fn a_decision_reads_back_as_it_was_written(decision in decisions()) {
            let mut frame = Vec::new();
            put_decision(&mut frame, &decision);
            prop_assert_eq!(
                Record::decode(&frame[FRAME_HEAD_BYTES..]),
                Some(Record::Decision(decision))
            );
        }

        #[test]
        fn a_presence_reads_back_as_it_was_written(presence in presences()) {
            let mut frame = Vec::new();
            put_presence(&mut frame, &presence).unwrap();
            prop_assert_eq!(
                Record::decode(&frame[FRAME_HEAD_BYTES..]),
                Some(Record::Presence(presence))
            );
        }

        #[test]
        fn what_decodes_encodes_to_the_same_bytes(payload in prop::collection::vec(0_u8..6, 7..60)) {
            let mut frame = Vec::new();
            match Record::decode(&payload) {
                Some(Record::Decision(decision)) => put_decision(&mut frame, &decision),
                Some(Record::Presence(presence)) => put_presence(&mut frame, &presence).unwrap(),
                Some(Record::ClockStepped { at, milliseconds }) => {
                    put_clock_stepped(&mut frame, at, milliseconds);
                }
                Some(Record::Unknown { .. }) | None => return Ok(()),
            }
            prop_assert_eq!(&frame[FRAME_HEAD_BYTES..], &payload);
        }
    }

    fn decision(outcome: Outcome) -> DecisionRecord {
        DecisionRecord {
            at: Moment::from_unix_seconds(1_800_000_000),
            zone: "pedagogique".parse().unwrap(),
            who: Pseudonym([1, 2, 3, 4, 5, 6, 7, 8]),
            channel: Channel::Tls,
            site: "a.fr".parse().unwrap(),
            outcome,
        }
    }

    #[track_caller]
    fn check_bytes(lock: Option<Lock>, by: ListedBy, kind: u8, level_and_match: u8) {
        let mut frame = Vec::new();
        let ground = Ground::Rule {
            id: Arc::from("jeux"),
            level: Level::Academie,
            lock,
            matching: Matching::Category { category: Arc::from("games"), list_date: Arc::from("2026"), by },
        };
        put_decision(&mut frame, &decision(Outcome::Refused(ground)));
        let expected = [
            [kind].as_slice(),
            b"\x00\x50\x5c\x18\xa3\x01",
            &[1, 2, 3, 4, 5, 6, 7, 8],
            &[0x01, 0x11, level_and_match],
            b"\x0bpedagogique\x04jeux\x05games\x042026a.fr",
        ]
        .concat();
        assert_eq!(frame[..2], [u8::try_from(expected.len()).unwrap(), 0]);
        assert_eq!(frame[FRAME_HEAD_BYTES..], expected);
    }

    #[test]
    fn the_bytes_of_a_decision_are_those_of_its_version() {
        check_bytes(None, ListedBy::Site, 1, 0x31);
        check_bytes(Some(Lock::Open), ListedBy::Site, 4, 0x31);
        check_bytes(Some(Lock::Locked), ListedBy::Site, 4, 0x39);
        check_bytes(Some(Lock::Locked), ListedBy::Expression, 4, 0x79);
    }

    #[test]
    fn a_typical_decision_takes_at_most_48_bytes_besides_its_site() {
        let rule = Ground::Rule {
            id: Arc::from("reseaux"),
            level: Level::Academie,
            lock: Some(Lock::Open),
            matching: Matching::Site,
        };
        for ground in [Ground::ZoneDefault, Ground::Opening, rule] {
            let mut frame = Vec::new();
            put_decision(&mut frame, &decision(Outcome::Allowed(ground)));
            assert!(frame.len() - "a.fr".len() <= 48, "{} bytes", frame.len());
        }
        let mut frame = Vec::new();
        put_decision(&mut frame, &decision(Outcome::Allowed(Ground::ZoneDefault)));
        assert_eq!(frame.len() - "a.fr".len(), 36);
    }

    #[test]
    fn a_kind_of_a_later_version_is_passed_over() {
        assert_eq!(
            Record::decode(&[200, 1, 0, 0, 0, 0, 0, 9, 9]),
            Some(Record::Unknown { kind: 200, at: Moment::from_unix_milliseconds(1) })
        );
    }

    #[test]
    fn an_account_too_long_for_the_record_is_refused_not_cut() {
        let presence = Presence {
            at: Moment::from_unix_seconds(0),
            account: AccountId::new(&"é".repeat(2049)),
            zone: "invites".parse().unwrap(),
            machine: Mac::new([2; 6]),
            change: PresenceChange::SignedOut,
        };
        let mut frames = b"before".to_vec();
        assert!(put_presence(&mut frames, &presence).is_err());
        assert_eq!(frames, b"before");
    }
}
