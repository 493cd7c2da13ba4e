//! Questions for the time and their answers: the 48 bytes that every packet of NTP begins with (RFC 5905 section 7.3).
//!
//! ```text
//!  0  leap (2 bits), version (3), mode (3)     12  reference identifier        32  receive timestamp
//!  1  stratum                                  16  reference timestamp         40  transmit timestamp
//!  2  poll, as a power of two seconds          24  origin timestamp                what follows: extensions, MAC
//!  3  precision, likewise
//!  4  root delay     seconds, 16 bits before   timestamps: seconds since 1900 in 32 bits, whose overflow is an era,
//!  8  root dispersion        and 16 behind     and 32 bits behind the point
//! ```

use std::time::Duration;

use crate::{
    model::Moment,
    system::synchronisation::{Leap, Synchronisation},
};

/// The length of every answer, and the least of a question: nobody gets more than was sent.
const BYTES: usize = 48;

/// The modes of a packet: asked by a client, answered by a server. All others, above all the control messages 6 and 7
/// that reveal and amplify, are no business of the zones.
const MODE_CLIENT: u8 = 3;
const MODE_SERVER: u8 = 4;

/// The versions whose header is this one.
const VERSIONS: std::ops::RangeInclusive<u8> = 1..=4;

/// How far the box says to be from a reference clock. Whoever sets its clock knows better than the kernel; a number
/// that is not below the truth keeps machines from taking the box for better than their own source.
const STRATUM: u8 = 8;

/// The box's clock is read in milliseconds: 2^-10 s.
const PRECISION: i8 = -10;

/// Seconds from 1900 to 1970.
const ERA_SECONDS: i64 = 2_208_988_800;

/// The answer to the packet `question` that came at `received`, leaving now; none where it is no client's question.
#[must_use]
pub fn reply(
    question: &[u8],
    received: Moment,
    now: Moment,
    synchronisation: Synchronisation,
) -> Option<[u8; BYTES]> {
    let question: &[u8; BYTES] = question.first_chunk()?;
    let [first, _, poll, ..] = *question;
    let (version, mode) = (first >> 3 & 0b111, first & 0b111);
    if mode != MODE_CLIENT || !VERSIONS.contains(&version) {
        return None;
    }
    let (leap, stratum, dispersion, identifier) = match synchronisation {
        // RFC 5905 section 7.3: leap 3 and stratum 0 are an unsynchronised clock; section 7.4: why it is.
        Synchronisation::Unsynchronised => (3, 0, Duration::ZERO, *b"INIT"),
        Synchronisation::Synchronised { error_max, leap } => {
            let leap = match leap {
                Leap::None => 0,
                Leap::Inserted => 1,
                Leap::Deleted => 2,
            };
            // The local clock, as its driver names it: which one it is held to stays the box's affair.
            (leap, STRATUM, error_max, [127, 127, 1, 0])
        }
    };
    let mut answer = [0; BYTES];
    let mut put = |at: usize, bytes: &[u8]| answer[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &[leap << 6 | version << 3 | MODE_SERVER, stratum, poll]);
    put(3, &PRECISION.to_be_bytes());
    put(8, &short(dispersion).to_be_bytes());
    put(12, &identifier);
    // Of a clock that nobody set there is no last time that it was.
    put(16, &if stratum == 0 { [0; 8] } else { timestamp(received) });
    put(24, &question[40..48]);
    put(32, &timestamp(received));
    put(40, &timestamp(now));
    Some(answer)
}

/// A time as 16 bits of seconds and 16 behind the point.
fn short(time: Duration) -> u32 {
    u32::try_from((time.as_millis() << 16) / 1000).unwrap_or(u32::MAX)
}

/// A moment as seconds since 1900, the era left out, and 32 bits behind the point.
fn timestamp(moment: Moment) -> [u8; 8] {
    let milliseconds = moment.unix_milliseconds();
    let seconds = (milliseconds.div_euclid(1000) + ERA_SECONDS).rem_euclid(1 << 32);
    let fraction = (milliseconds.rem_euclid(1000) << 32) / 1000;
    let half = |bits: i64| u32::try_from(bits).expect("both halves were made to be below 2^32").to_be_bytes();
    let ([a, b, c, d], [e, f, g, h]) = (half(seconds), half(fraction));
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T13:05:00.250Z.
    fn now() -> Moment {
        Moment::from_unix_milliseconds(1_795_439_100_250)
    }

    const HELD: Synchronisation =
        Synchronisation::Synchronised { error_max: Duration::from_millis(500), leap: Leap::None };

    /// A question as ntpdig sends it, with its transmit timestamp.
    fn question(first: u8) -> Vec<u8> {
        let mut bytes = vec![0; 48];
        bytes[0] = first;
        bytes[2] = 6;
        bytes[40..].copy_from_slice(&[0xed, 1, 2, 3, 4, 5, 6, 7]);
        bytes
    }

    #[test]
    fn a_client_is_told_the_time_in_its_own_version_with_its_own_timestamp() {
        for (asked, answered) in [(0x23, 0x24), (0x1b, 0x1c), (0xe3, 0x24)] {
            let answer = reply(&question(asked), now(), now() + Duration::from_millis(1), HELD).unwrap();
            assert_eq!(answer[..4], [answered, 8, 6, 0xf6]);
            assert_eq!(answer[4..12], [0, 0, 0, 0, 0, 0, 0x80, 0], "half a second of dispersion");
            assert_eq!(answer[24..32], question(asked)[40..]);
            // 1 795 439 100 + 2 208 988 800 s and a quarter.
            assert_eq!(answer[32..40], [0xee, 0xae, 0xb8, 0x7c, 0x40, 0, 0, 0]);
            assert_eq!(answer[40..45], [0xee, 0xae, 0xb8, 0x7c, 0x40]);
        }
    }

    #[test]
    fn a_clock_that_nobody_holds_says_so() {
        let answer = reply(&question(0x23), now(), now(), Synchronisation::Unsynchronised).unwrap();
        assert_eq!((answer[0], answer[1], &answer[12..16]), (0xe4, 0, &b"INIT"[..]));
    }

    #[test]
    fn a_leap_second_is_announced() {
        for (leap, bits) in [(Leap::Inserted, 0x64), (Leap::Deleted, 0xa4)] {
            let state = Synchronisation::Synchronised { error_max: Duration::MAX, leap };
            let answer = reply(&question(0x23), now(), now(), state).unwrap();
            assert_eq!((answer[0], &answer[8..12]), (bits, &[0xff; 4][..]));
        }
    }

    #[test]
    fn only_a_whole_question_of_a_client_is_answered() {
        for end in 0..48 {
            assert_eq!(reply(&question(0x23)[..end], now(), now(), HELD), None, "{end} bytes");
        }
        for first in 0..=u8::MAX {
            let expected = first & 0b111 == 3 && (1..=4).contains(&(first >> 3 & 0b111));
            assert_eq!(reply(&question(first), now(), now(), HELD).is_some(), expected, "{first:#x}");
        }
    }

    #[test]
    fn extensions_are_ignored_and_nothing_of_them_comes_back() {
        let mut long = question(0x23);
        long.extend([0xaa; 400]);
        assert_eq!(reply(&long, now(), now(), HELD), reply(&question(0x23), now(), now(), HELD));
    }

    #[test]
    fn seconds_go_on_in_the_next_era() {
        let check = |unix_milliseconds, expected| {
            assert_eq!(timestamp(Moment::from_unix_milliseconds(unix_milliseconds)), expected);
        };
        check(-ERA_SECONDS * 1000, [0; 8]);
        check(((1 << 32) - ERA_SECONDS) * 1000 - 1, [255, 255, 255, 255, 255, 190, 118, 200]);
        check(((1 << 32) - ERA_SECONDS) * 1000, [0; 8]);
    }
}
