//! How the line is shared with those it is for: what is large comes in pieces, and makes way between two of them.
//!
//! A line's queue is before the line, at the provider: what was asked for of it stands there, and whoever clicks waits
//! behind it. So only as much is asked for at once as comes in a twentieth of a second, the line is then left for twice as
//! long, and nothing more is asked for while others take of it. What came beside our own bytes is told by the interface's
//! counter. Where nobody was seen for a while, at night, pieces are longer: whoever comes first waits once for one.

use std::time::Duration;

use tokio::time::Instant;

/// How long a piece may keep the line.
const PIECE_TIME: Duration = Duration::from_millis(50);

/// How long the line is left after a piece.
const GAP: Duration = Duration::from_millis(100);

/// How many pieces are asked for at once while nobody else is there.
const PIECES_ALONE: u64 = 8;

/// After how long without others nobody is there.
const ALONE: Duration = Duration::from_secs(20);

/// The shortest piece, in bytes: a fifteenth of a second of a line of 512 kbit/s.
const PIECE_BYTES_MIN: u64 = 4 << 10;

/// The longest piece, in bytes: beyond it nothing is gained.
const PIECE_BYTES_MAX: u64 = 4 << 20;

/// A line that brings longer pieces in their time, 20 Mbit/s, is left by its queue soon enough.
const GAP_BYTES_MAX: u64 = 128 << 10;

/// What may come between two looks without anybody waiting for it, in bytes: the answers with which resolvers and
/// concentrators show every few seconds that they are there, time, a neighbour's address. The shortest page is more.
const OTHERS_BYTES_MAX: u64 = 600;

/// What comes with a piece beside its packets' heads, in bytes: the answer's head, records, acknowledgements.
const ANSWER_BYTES: u64 = 600;

/// How long the line must be left by others before a piece is asked for.
const QUIET: Duration = Duration::from_secs(5);

/// After how long a piece is asked for even so: what is large arrives some day, and takes an eightieth of the line.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known of the line and of those who use it.
#[derive(Debug)]
pub(super) struct Sharing {
    piece_bytes: u64,
    /// When counting began.
    since: Instant,
    /// What had come over the line when it was looked at last, and how much of it has been ours since, with its heads.
    looked: Option<u64>,
    own: u64,
    /// Of the pieces of late: their bytes, and their time in microseconds.
    timed: (u64, u64),
    others_at: Option<Instant>,
    piece_at: Option<Instant>,
}

impl Sharing {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            piece_bytes: PIECE_BYTES_MIN,
            since: now,
            looked: None,
            own: 0,
            timed: (0, 0),
            others_at: None,
            piece_at: None,
        }
    }

    /// How many bytes to ask for at once.
    pub(super) fn piece_bytes(&self, now: Instant) -> u64 {
        let quiet = now.saturating_duration_since(self.others_at.unwrap_or(self.since));
        if quiet < ALONE { self.piece_bytes } else { (self.piece_bytes * PIECES_ALONE).min(PIECE_BYTES_MAX) }
    }

    /// Something of ours is asked for: its answer comes with a head.
    pub(super) const fn asked(&mut self) {
        self.own += ANSWER_BYTES;
    }

    /// So many bytes of ours came.
    pub(super) const fn took(&mut self, bytes: u64) {
        self.own += bytes + bytes / 16;
    }

    /// A piece came: `bytes` of it in the time `taken`.
    pub(super) fn came(&mut self, bytes: u64, taken: Duration) {
        // Lines bring packets in bunches: one piece alone tells little.
        let fade = |sum: u64| sum - sum / 4;
        let taken = u64::try_from(taken.as_micros()).unwrap_or(u64::MAX);
        self.timed = (fade(self.timed.0) + bytes, fade(self.timed.1).saturating_add(taken));
        let (bytes, taken) = (u128::from(self.timed.0), u128::from(self.timed.1).max(1));
        let fitting = u64::try_from(bytes * PIECE_TIME.as_micros() / taken).unwrap_or(u64::MAX);
        let most = self.piece_bytes.saturating_mul(2).min(PIECE_BYTES_MAX);
        self.piece_bytes = fitting.clamp(PIECE_BYTES_MIN, most);
    }

    /// From now on nothing is asked for; how long to leave it so. `line_bytes` came over the line so far.
    pub(super) fn begin_gap(&mut self, now: Instant, line_bytes: u64) -> Duration {
        self.look(now, line_bytes);
        if self.piece_bytes < GAP_BYTES_MAX { GAP } else { Duration::ZERO }
    }

    /// Whether the next piece may be asked for, where nothing was asked for since the gap began; it is then taken for
    /// asked.
    pub(super) fn is_free(&mut self, now: Instant, line_bytes: u64) -> bool {
        self.look(now, line_bytes);
        let passed = |since: Option<Instant>, span| {
            since.is_none_or(|since| now.saturating_duration_since(since) >= span)
        };
        let free = passed(self.others_at, QUIET) || passed(self.piece_at, PATIENCE);
        if free {
            self.piece_at = Some(now);
        }
        free
    }

    /// Sees whether more came since the last look than what was ours.
    fn look(&mut self, now: Instant, line_bytes: u64) {
        let own = std::mem::take(&mut self.own);
        let came = self.looked.replace(line_bytes).map_or(0, |had| line_bytes.saturating_sub(had));
        if came > own + OTHERS_BYTES_MAX {
            self.others_at = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_what_comes_in_a_twentieth_of_a_second() {
        let begin = Instant::now();
        let mut sharing = Sharing::new(begin);
        for _ in 0..20 {
            let bytes = sharing.piece_bytes(begin);
            sharing.came(bytes, Duration::from_micros(bytes)); // 1 MB a second
        }
        assert_eq!(sharing.piece_bytes(begin), 50_000);
        assert_eq!(sharing.begin_gap(begin, 0), GAP);
        sharing.came(50_000, Duration::from_secs(4));
        assert_eq!(sharing.piece_bytes(begin), PIECE_BYTES_MIN);
        for _ in 0..100 {
            let bytes = sharing.piece_bytes(begin);
            sharing.came(bytes, Duration::ZERO);
        }
        assert_eq!(sharing.piece_bytes(begin), PIECE_BYTES_MAX);
        assert_eq!(sharing.begin_gap(begin, 0), Duration::ZERO);
    }

    #[test]
    fn pieces_are_longer_while_nobody_else_is_there() {
        let begin = Instant::now();
        let mut sharing = Sharing::new(begin);
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(sharing.piece_bytes(at(19)), PIECE_BYTES_MIN);
        assert_eq!(sharing.piece_bytes(at(20)), PIECE_BYTES_MIN * PIECES_ALONE);
        assert!(sharing.is_free(at(100), 0));
        assert!(!sharing.is_free(at(101), 1_100));
        assert_eq!(sharing.piece_bytes(at(120)), PIECE_BYTES_MIN);
        assert_eq!(sharing.piece_bytes(at(121)), PIECE_BYTES_MIN * PIECES_ALONE);
    }

    #[test]
    fn a_piece_waits_until_others_have_left_the_line() {
        let begin = Instant::now();
        let mut sharing = Sharing::new(begin);
        let at = |tenths: u64| begin + Duration::from_millis(tenths * 100);
        sharing.begin_gap(at(0), 0);
        assert!(sharing.is_free(at(1), 0));
        // Our own piece does not count, with what carries it; somebody's page does.
        sharing.asked();
        sharing.took(8_192);
        sharing.begin_gap(at(2), 8_900);
        assert!(!sharing.is_free(at(3), 9_600));
        assert!(!sharing.is_free(at(8), 60_000));
        assert!(!sharing.is_free(at(57), 60_500));
        assert!(sharing.is_free(at(58), 60_700));
    }

    #[test]
    fn an_answer_that_came_within_a_piece_is_seen() {
        let begin = Instant::now();
        let mut sharing = Sharing::new(begin);
        sharing.begin_gap(begin, 0);
        sharing.asked();
        sharing.took(4_096);
        sharing.begin_gap(begin, 4_096 + 800);
        assert!(sharing.is_free(begin, 4_096 + 800));
        sharing.asked();
        sharing.took(4_096);
        sharing.begin_gap(begin, 2 * 4_096 + 800 + 2_000);
        assert!(!sharing.is_free(begin, 2 * 4_096 + 800 + 2_000));
    }

    #[test]
    fn a_line_that_is_never_left_gives_a_piece_now_and_then() {
        let begin = Instant::now();
        let mut sharing = Sharing::new(begin);
        sharing.begin_gap(begin, 0);
        let free = (1..=120_u64)
            .filter(|halves| sharing.is_free(begin + Duration::from_millis(halves * 500), halves * 30_000))
            .count();
        assert_eq!(free, 6, "in a minute");
    }
}
