//! Doubles: one hardware address that two machines use at once, behind two ports of the school's bridges.
//!
//! A bridge sends a machine's frames to the port its last frame came from. When two machines have one address, the bridge
//! believes it to run to and fro between them. So does an honest machine now and then, and the figures tell them apart:
//!
//! | what happens | what the bridge sees | a crossing? |
//! |---|---|---|
//! | a cable goes into another port, a machine into another room | one move | no: it does not come back |
//! | it comes back later | a second move, after a stay | no: the stay was long |
//! | a link goes down and up, a lease is renewed | the same port | no |
//! | a machine roams between two access points | a move each time, seconds or minutes apart | no: the stay was long |
//! | frames of before arrive by the old access point | to and fro within the moment of the roaming | one at most |
//! | two machines speak | to and fro for each frame of the quieter one | one a second |
//!
//! A *crossing* is a stay of less than a second that ends where it began; at most one counts each second. A station takes
//! seconds to leave its access point and come back, so one that roams without rest makes none, and where old frames
//! linger one for each roaming. Four in a minute are a double: a machine that roams four times in a minute and leaves
//! frames behind each time is not honest, or signs in again. Of two machines at work, four to eight seconds are enough; where
//! one sleeps with its link up and speaks each ten seconds, forty.
//!
//! What stays unseen: two machines behind the same port, on a switch or an access point of the school's own, and a machine
//! that takes the place of one that is silent. And a loop in the cables looks like doubles of everybody, as it should: what
//! answers for whom cannot be told then.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use crate::model::Mac;

/// What is remembered at most, and what each bound stops.
struct Limits;

impl Limits {
    /// Machines followed: one that sends under address after address cannot fill the memory.
    const MACHINES: usize = 16_384;
}

/// A stay at a port that is no stay: shorter than any station needs to go elsewhere and come back.
const STAY_MIN: Duration = Duration::from_secs(1);

/// Crossings nearer to each other than this are one event, such as the frames that linger after a roaming.
const APART_MIN: Duration = Duration::from_secs(1);

/// How many crossings within [`WINDOW`] make a double.
const CROSSINGS: usize = 4;

/// How long a crossing counts. Also how long a double stays one after its last crossing: until then each further crossing
/// is the same double.
const WINDOW: Duration = Duration::from_secs(60);

/// How long a double is counted after its last crossing, for the technician who looks after the lesson.
const SHOWN: Duration = Duration::from_secs(3600);

/// Where machines were seen, and which of them are at two places.
#[derive(Debug, Default)]
pub(super) struct Doubles(HashMap<Mac, Trace>);

/// What is known of one machine's places.
#[derive(Debug)]
struct Trace {
    /// The port it is behind.
    port: u32,
    /// Since when.
    since: Instant,
    /// The port it was behind before that.
    before: Option<u32>,
    /// The crossings that count, the oldest first; at most [`CROSSINGS`].
    crossings: VecDeque<Instant>,
    /// Whether it was a double at the last of them.
    is_double: bool,
}

/// What seeing a machine at a port shows.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// One machine, as far as can be told.
    Once,
    /// Two machines with one address, found just now.
    Double,
    /// Two machines with one address, as found before.
    StillDouble,
}

impl Doubles {
    /// Notes that a frame of `machine` came by `port` at `now`. Moves matter; that it is where it was need not be told.
    pub(super) fn see(&mut self, machine: Mac, port: u32, now: Instant) -> Seen {
        if !self.0.contains_key(&machine) {
            self.make_room(now);
        }
        self.0.entry(machine).or_insert_with(|| Trace::begin(port, now)).see(port, now)
    }

    /// How many machines were doubles within the last hour.
    pub(super) fn count(&self, now: Instant) -> usize {
        self.0.values().filter(|trace| trace.is_shown(now)).count()
    }

    /// Forgets the machines that only stand where they stand; whichever of them is a double comes again with its next
    /// frames. Where that makes no room, somebody makes doubles by the thousand, and all begin anew.
    fn make_room(&mut self, now: Instant) {
        if self.0.len() >= Limits::MACHINES {
            self.0.retain(|_, trace| trace.is_shown(now) || trace.crossed_within(WINDOW, now));
        }
        if self.0.len() >= Limits::MACHINES {
            self.0.clear();
        }
    }
}

impl Trace {
    fn begin(port: u32, now: Instant) -> Self {
        Self { port, since: now, before: None, crossings: VecDeque::new(), is_double: false }
    }

    fn see(&mut self, port: u32, now: Instant) -> Seen {
        if port == self.port {
            return Seen::Once;
        }
        let came_back = self.before == Some(port);
        let stayed = now.saturating_duration_since(self.since);
        self.before = Some(self.port);
        (self.port, self.since) = (port, now);
        if came_back && stayed < STAY_MIN && !self.crossed_within(APART_MIN, now) {
            self.cross(now)
        } else {
            Seen::Once
        }
    }

    fn cross(&mut self, now: Instant) -> Seen {
        self.is_double &= self.crossed_within(WINDOW, now);
        self.crossings.retain(|crossing| now.saturating_duration_since(*crossing) < WINDOW);
        if self.crossings.len() >= CROSSINGS {
            self.crossings.pop_front();
        }
        self.crossings.push_back(now);
        if self.is_double {
            return Seen::StillDouble;
        }
        self.is_double = self.crossings.len() >= CROSSINGS;
        if self.is_double { Seen::Double } else { Seen::Once }
    }

    fn is_shown(&self, now: Instant) -> bool {
        self.is_double && self.crossed_within(SHOWN, now)
    }

    fn crossed_within(&self, time: Duration, now: Instant) -> bool {
        self.crossings.back().is_some_and(|last| now.saturating_duration_since(*last) < time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEACHERS: Mac = Mac::new([2, 0, 0, 0, 0, 1]);

    /// Each frame as (milliseconds, port); what the last one shows, and how many machines are doubles then.
    fn told(frames: impl IntoIterator<Item = (u64, u32)>) -> (Vec<Seen>, usize) {
        let (mut doubles, start) = (Doubles::default(), Instant::now());
        let mut last = start;
        let mut seen = Vec::new();
        for (milliseconds, port) in frames {
            last = start + Duration::from_millis(milliseconds);
            seen.push(doubles.see(TEACHERS, port, last));
        }
        (seen, doubles.count(last))
    }

    #[track_caller]
    fn is_one(frames: impl IntoIterator<Item = (u64, u32)>) {
        let (seen, count) = told(frames);
        assert!(seen.iter().all(|seen| *seen == Seen::Once), "{seen:?}");
        assert_eq!(count, 0);
    }

    /// When a double is found, in milliseconds.
    #[track_caller]
    fn found_at(frames: impl IntoIterator<Item = (u64, u32)>) -> u64 {
        let frames: Vec<_> = frames.into_iter().collect();
        let (seen, _) = told(frames.iter().copied());
        let found = seen.iter().position(|seen| *seen == Seen::Double).expect("the double is found");
        frames[found].0
    }

    /// Frames of two machines that each speak at an own pace, from port 1 and from port 2, for two minutes.
    fn two(pace: [u64; 2]) -> Vec<(u64, u32)> {
        let of = |every: u64, first: u64, port| (0..120_000 / every).map(move |n| (first + n * every, port));
        let mut frames: Vec<_> = of(pace[0], 0, 1).chain(of(pace[1], 13, 2)).collect();
        frames.sort_unstable();
        frames
    }

    #[test]
    fn a_machine_that_stands_still_moves_once_or_comes_back_later_is_one() {
        is_one((0..600).map(|second| (second * 1000, 1)));
        is_one([(0, 1), (5000, 2), (9000, 2)]);
        is_one([(0, 1), (5000, 2), (65_000, 1), (70_000, 3), (80_000, 1)]);
    }

    #[test]
    fn a_cable_tried_in_one_port_after_the_other_is_one_machine() {
        is_one((0..24).map(|n| (u64::from(n) * 1500, n % 4)));
        is_one((0..200).map(|n| (u64::from(n) * 100, n % 5)));
    }

    #[test]
    fn a_machine_that_roams_without_rest_is_one() {
        is_one((0..60).map(|n| (u64::from(n) * 2000, n % 2)));
        is_one((0..60).map(|n| (u64::from(n) * 1000, n % 2)));
    }

    #[test]
    fn frames_that_linger_at_three_roamings_in_a_minute_are_not_a_double() {
        let roaming =
            |at, from, to| [(at, to), (at + 20, from), (at + 30, to), (at + 90, from), (at + 95, to)];
        let frames = [(0, 1)].into_iter().chain(roaming(10_000, 1, 2)).chain(roaming(30_000, 2, 1));
        is_one(frames.chain(roaming(50_000, 1, 2)));
    }

    #[test]
    fn two_machines_at_work_are_found_within_eight_seconds() {
        for pace in [[10, 10], [100, 7], [1000, 1000], [1, 900], [900, 1]] {
            let found = found_at(two(pace));
            assert!((3000..8000).contains(&found), "{pace:?}: {found} ms");
        }
    }

    #[test]
    fn a_machine_at_work_beside_one_that_hardly_speaks_is_found_within_a_minute() {
        for pace in [[200, 10_000], [10_000, 200]] {
            assert!(found_at(two(pace)) < 60_000, "{pace:?}");
        }
    }

    #[test]
    fn a_double_is_told_once_and_then_each_second_while_it_lasts() {
        let (seen, count) = told(two([10, 10]));
        assert_eq!(seen.iter().filter(|seen| **seen == Seen::Double).count(), 1);
        let still = seen.iter().filter(|seen| **seen == Seen::StillDouble).count();
        assert!((110..120).contains(&still), "{still}");
        assert_eq!(count, 1);
    }

    #[test]
    fn after_a_quiet_minute_a_double_must_be_found_anew_and_an_hour_later_it_is_not_counted() {
        let (mut doubles, start) = (Doubles::default(), Instant::now());
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        for (milliseconds, port) in two([100, 100]).into_iter().take_while(|(at, _)| *at < 10_000) {
            let _ = doubles.see(TEACHERS, port, at(milliseconds));
        }
        assert_eq!(doubles.count(at(100_000)), 1);
        for (milliseconds, port) in [(100_000, 1), (100_100, 2), (100_200, 1)] {
            assert_eq!(doubles.see(TEACHERS, port, at(milliseconds)), Seen::Once);
        }
        let (mut doubles, start) = (Doubles::default(), Instant::now());
        for (milliseconds, port) in two([100, 100]) {
            let _ = doubles.see(TEACHERS, port, start + Duration::from_millis(milliseconds));
        }
        assert_eq!(doubles.count(start + Duration::from_secs(3700)), 1);
        assert_eq!(doubles.count(start + Duration::from_secs(3800)), 0);
    }

    #[test]
    fn somebody_who_sends_under_every_address_hides_no_double_and_fills_no_memory() {
        let (mut doubles, start) = (Doubles::default(), Instant::now());
        let mut found = false;
        for number in 0..100_000_u32 {
            let now = start + Duration::from_micros(u64::from(number) * 60);
            let [a, b, c, d] = number.to_be_bytes();
            let _ = doubles.see(Mac::new([2, 1, a, b, c, d]), 3, now);
            if number % 100 == 0 {
                found |= doubles.see(TEACHERS, 1 + number / 100 % 2, now) == Seen::Double;
            }
        }
        assert!(found);
        assert!(doubles.0.len() <= Limits::MACHINES);
    }

    #[test]
    fn thousands_of_doubles_begin_anew_and_are_found_again() {
        let (mut doubles, start) = (Doubles::default(), Instant::now());
        for second in 0..10_u64 {
            for port in [1, 2, 1] {
                let now = start + Duration::from_millis(second * 1100 + u64::from(port));
                for number in 0..20_000_u16 {
                    let [high, low] = number.to_be_bytes();
                    let _ = doubles.see(Mac::new([2, 1, 0, 0, high, low]), port, now);
                }
            }
        }
        assert!(doubles.0.len() <= Limits::MACHINES);
    }
}
