//! What is kept of a response beside its body, and how it is written.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | the version, 1 |
//! | 1 | under what rule it was kept: 0 as told, 1 for everyone, 2 for one person, 3 as a file |
//! | 1 | bits: 1 its freshness was told, 2 it always asks, 4 it is never used stale, 8 it is immutable |
//! | 2 | the status |
//! | 8 | when it came, milliseconds since 1970 |
//! | 4 × 4 | seconds: its age then, its freshness, stale-while-revalidate, stale-if-error |
//! | 2 | how many nominated fields; each a name, then 0, or 1 and a value |
//! | 2 | how many fields; each a name and a value |
//!
//! Numbers have their high byte first. A name is one byte of length and itself, a value two bytes of length and itself.

use std::time::Duration;

use bytes::{BufMut as _, Bytes};
use hyper::{
    HeaderMap, StatusCode,
    header::{HeaderName, HeaderValue},
};

use super::{
    directives::SECONDS_MAX,
    freshness::{Arrival, Life},
    settings::{Keep, Rule},
    vary::{NOMINATED_MAX, Nominated},
};
use crate::model::Moment;

const VERSION: u8 = 1;

/// The longest head that is kept, in bytes as written: origins of pages send one or two thousand.
const BYTES_MAX: usize = 64 * 1024;

/// The most fields that are kept.
const FIELDS_MAX: usize = 256;

/// The head of a kept response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) fields: HeaderMap,
    pub(super) nominated: Nominated,
    pub(super) keep: Keep,
    pub(super) life: Life,
}

impl Head {
    /// The head of what came with `status` and `fields`.
    pub(super) fn of(
        status: StatusCode,
        fields: HeaderMap,
        nominated: Nominated,
        arrival: Arrival<'_>,
        rule: &Rule,
    ) -> Self {
        let life = Life::of(status, &fields, arrival, rule);
        Self { status, fields, nominated, keep: rule.keep, life }
    }

    /// Reads what [`Self::written`] wrote; none for anything else.
    pub(super) fn read(bytes: &Bytes) -> Option<Self> {
        let mut rest = bytes.clone();
        if bytes.len() > BYTES_MAX || byte(&mut rest)? != VERSION {
            return None;
        }
        let keeps = [Keep::AsTold, Keep::Everyone, Keep::Person, Keep::Files];
        let keep = keeps.into_iter().nth(usize::from(byte(&mut rest)?))?;
        let bits = byte(&mut rest).filter(|bits| *bits < 16)?;
        let status = StatusCode::from_u16(short(&mut rest)?).ok()?;
        let received = i64::from_be_bytes(taken(&mut rest, 8)?.as_ref().try_into().ok()?);
        let life = Life {
            received: Moment::from_unix_milliseconds(received),
            age: seconds(&mut rest)?,
            fresh: seconds(&mut rest)?,
            while_revalidating: seconds(&mut rest)?,
            if_error: seconds(&mut rest)?,
            is_told: bits & 1 != 0,
            always_asks: bits & 2 != 0,
            never_stale: bits & 4 != 0,
            is_immutable: bits & 8 != 0,
        };
        let count = usize::from(short(&mut rest)?);
        let mut nominated = Vec::with_capacity(count.min(NOMINATED_MAX));
        for _ in 0..count {
            let field = name(&mut rest)?;
            let value = match byte(&mut rest)? {
                0 => None,
                1 => Some(String::from_utf8(value(&mut rest)?.to_vec()).ok()?),
                _ => return None,
            };
            nominated.push((field, value));
        }
        let count = usize::from(short(&mut rest)?);
        let mut fields = HeaderMap::with_capacity(count.min(FIELDS_MAX));
        for _ in 0..count.min(FIELDS_MAX) {
            let field = name(&mut rest)?;
            fields.append(field, HeaderValue::from_maybe_shared(value(&mut rest)?).ok()?);
        }
        let nominated = (nominated.len() <= NOMINATED_MAX).then(|| Nominated::from_fields(nominated))?;
        rest.is_empty().then_some(Self { status, fields, nominated, keep, life })
    }

    /// Writes it; none where it is too large to be kept.
    pub(super) fn written(&self) -> Option<Bytes> {
        let Self { status, fields, nominated, keep, life } = self;
        let mut out = Vec::with_capacity(512);
        out.put_u8(VERSION);
        out.put_u8(match keep {
            Keep::AsTold => 0,
            Keep::Everyone => 1,
            Keep::Person => 2,
            Keep::Files => 3,
            Keep::Never => return None,
        });
        let bits = [life.is_told, life.always_asks, life.never_stale, life.is_immutable];
        out.put_u8(bits.iter().rev().fold(0, |all, bit| all << 1 | u8::from(*bit)));
        out.put_u16(status.as_u16());
        out.put_i64(life.received.unix_milliseconds());
        for time in [life.age, life.fresh, life.while_revalidating, life.if_error] {
            out.put_u32(u32::try_from(time.as_secs().min(SECONDS_MAX)).ok()?);
        }
        out.put_u16(u16::try_from(nominated.fields().len()).ok()?);
        for (field, value) in nominated.fields() {
            put_name(&mut out, field)?;
            out.put_u8(u8::from(value.is_some()));
            if let Some(value) = value {
                put_value(&mut out, value.as_bytes())?;
            }
        }
        out.put_u16(u16::try_from(fields.len()).ok()?);
        for (field, value) in fields {
            put_name(&mut out, field)?;
            put_value(&mut out, value.as_bytes())?;
        }
        (out.len() <= BYTES_MAX && fields.len() <= FIELDS_MAX).then(|| Bytes::from(out))
    }
}

fn put_name(out: &mut Vec<u8>, name: &HeaderName) -> Option<()> {
    out.put_u8(u8::try_from(name.as_str().len()).ok()?);
    out.put_slice(name.as_str().as_bytes());
    Some(())
}

fn put_value(out: &mut Vec<u8>, value: &[u8]) -> Option<()> {
    out.put_u16(u16::try_from(value.len()).ok()?);
    out.put_slice(value);
    Some(())
}

/// Takes `length` bytes off the front; shares them with what is read.
fn taken(rest: &mut Bytes, length: usize) -> Option<Bytes> {
    (length <= rest.len()).then(|| rest.split_to(length))
}

fn byte(rest: &mut Bytes) -> Option<u8> {
    taken(rest, 1)?.first().copied()
}

fn short(rest: &mut Bytes) -> Option<u16> {
    Some(u16::from_be_bytes(taken(rest, 2)?.as_ref().try_into().ok()?))
}

fn seconds(rest: &mut Bytes) -> Option<Duration> {
    let seconds = u64::from(u32::from_be_bytes(taken(rest, 4)?.as_ref().try_into().ok()?));
    (seconds <= SECONDS_MAX).then(|| Duration::from_secs(seconds))
}

fn name(rest: &mut Bytes) -> Option<HeaderName> {
    let length = usize::from(byte(rest)?);
    HeaderName::from_bytes(&taken(rest, length)?).ok()
}

fn value(rest: &mut Bytes) -> Option<Bytes> {
    let length = usize::from(short(rest)?);
    taken(rest, length)
}

/// Reads `bytes` as a head and, where they are one, writes it again; for fuzzing.
///
/// # Panics
/// Where what was read is not what is written and read again.
pub fn exercise(bytes: &[u8]) {
    if let Some(head) = Head::read(&Bytes::copy_from_slice(bytes)) {
        let written = head.written().expect("what was read is within the bounds");
        assert_eq!(Head::read(&written), Some(head), "a head changes by being written");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(fields: &[(String, Vec<u8>)]) -> Head {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            let Ok(value) = HeaderValue::from_bytes(value) else { continue };
            map.append(name.parse::<HeaderName>().unwrap(), value);
        }
        map.insert("vary", "foo, bar".parse().unwrap());
        let request: HeaderMap = [("foo".parse().unwrap(), "1".parse().unwrap())].into_iter().collect();
        let nominated = Nominated::of(&map, &request, Keep::AsTold).unwrap();
        let at = Moment::from_unix_milliseconds(1_234_567);
        let arrival = Arrival { request: &request, asked: at, received: at };
        Head::of(StatusCode::OK, map, nominated, arrival, &Rule { keep: Keep::Everyone, ..Rule::as_told() })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_no_prefix_of_it_is(
            fields in prop::collection::vec(("[a-z][a-z0-9-]{0,20}", prop::collection::vec(any::<u8>(), 0..40)), 0..20)
        ) {
            let fields: Vec<_> = fields.into_iter().filter(|(name, _)| name != "vary").collect();
            let head = head(&fields);
            let written = head.written().unwrap();
            prop_assert_eq!(Head::read(&written), Some(head));
            for end in 0..written.len() {
                prop_assert_eq!(Head::read(&written.slice(..end)), None);
            }
        }
    }

    #[test]
    fn a_head_that_is_too_large_is_not_written() {
        assert!(head(&[("a".into(), vec![b'x'; 40_000])]).written().is_some());
        assert!(
            head(&[("a".into(), vec![b'x'; 40_000]), ("b".into(), vec![b'x'; 40_000])]).written().is_none()
        );
        let many: Vec<_> = (0..300).map(|index| (format!("a{index}"), b"x".to_vec())).collect();
        assert!(head(&many).written().is_none());
    }
}
