//! Doubles: one hardware address that two machines use at once, behind two ports of a bridge or in two zones.
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
//! A *crossing* is a brief stay that ends where it began; at most one counts each second. Four are a double.
//!
//! Between **ports** a stay is brief under a second, and crossings count for a minute. A station takes seconds to leave its
//! access point and come back, so one that roams without rest makes none, and where old frames linger one for each roaming:
//! a machine that roams four times in a minute and leaves frames behind each time is not honest, or signs in again. Of two
//! machines at work, four to eight seconds are enough; where one sleeps with its link up and speaks each ten seconds, forty.
//!
//! Between **zones** questions are seen in place of frames, which come seldom: a stay is brief under ten seconds, and
//! crossings count for five minutes. To change zones a machine joins another network and asks for an address there, and to
//! be a double it would have to do so eight times in five minutes and leave again within ten seconds each time.
//!
//! What stays unseen: two machines behind the same port, on a switch or an access point of the school's own, and a machine
//! that takes the place of one that is silent. Two addresses or two DHCP identities of one machine say nothing of it: a
//! virtual machine on Wi-Fi has its host's hardware address, and a computer that starts from the network has two identities
//! each morning. And a loop in the cables looks like doubles of everybody, as it should: what answers for whom cannot be
//! told then.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    mem,
    time::Duration,
};

use tokio::time::Instant;

use crate::model::{Mac, ZoneName};

/// What is remembered at most, and what each bound stops.
struct Limits;

impl Limits {
    /// Machines followed: one that sends under address after address cannot fill the memory.
    const MACHINES: usize = 16_384;
}

/// The figures of one kind of place.
#[derive(Clone, Copy, Debug)]
struct Figures {
    /// A shorter stay is brief: no honest machine goes elsewhere and comes back in that time.
    stay_min: Duration,
    /// How long a crossing counts. Also how long a double stays one after its last crossing: until then each further
    /// crossing is the same double.
    window: Duration,
}

const PORTS: Figures = Figures { stay_min: Duration::from_secs(1), window: Duration::from_secs(60) };
const ZONES: Figures = Figures { stay_min: Duration::from_secs(10), window: Duration::from_secs(300) };

/// Crossings nearer to each other than this are one event, such as the frames that linger after a roaming.
const APART_MIN: Duration = Duration::from_secs(1);

/// How many crossings that count make a double.
const CROSSINGS: usize = 4;

/// How long a double is counted after its last crossing, for the technician who looks after the lesson.
const SHOWN: Duration = Duration::from_secs(3600);

/// Where machines were seen, and which of them are at two places.
#[derive(Debug)]
pub(super) struct Doubles<Place> {
    traces: HashMap<Mac, Trace<Place>>,
    figures: Figures,
}

/// What is known of one machine's places.
#[derive(Debug)]
struct Trace<Place> {
    /// Where it is.
    place: Place,
    /// Since when.
    since: Instant,
    /// Where it was before that.
    before: Option<Place>,
    /// The crossings that count, the oldest first; at most [`CROSSINGS`].
    crossings: VecDeque<Instant>,
    /// Whether it was a double at the last of them.
    is_double: bool,
}

/// What seeing a machine at a place shows.
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

impl Doubles<u32> {
    /// Of ports, by the kernel's numbers.
    pub(super) fn between_ports() -> Self {
        Self { traces: HashMap::new(), figures: PORTS }
    }
}

impl Doubles<ZoneName> {
    /// Of zones.
    pub(super) fn between_zones() -> Self {
        Self { traces: HashMap::new(), figures: ZONES }
    }
}

impl<Place: PartialEq> Doubles<Place> {
    /// Notes that `machine` sent from `place` at `now`. Moves matter; that it is where it was need not be told.
    pub(super) fn see(&mut self, machine: Mac, place: Place, now: Instant) -> Seen {
        if !self.traces.contains_key(&machine) {
            self.make_room(now);
        }
        match self.traces.entry(machine) {
            Entry::Occupied(trace) => trace.into_mut().see(place, now, self.figures),
            Entry::Vacant(room) => {
                room.insert(Trace::begin(place, now));
                Seen::Once
            }
        }
    }

    /// The machines that were doubles within the last hour.
    pub(super) fn of_the_hour(&self, now: Instant) -> impl Iterator<Item = Mac> {
        self.traces.iter().filter(move |(_, trace)| trace.is_shown(now)).map(|(machine, _)| *machine)
    }

    /// Forgets the machines that only stand where they stand; whichever of them is a double comes again with its next
    /// frames. Where that makes no room, somebody makes doubles by the thousand, and all begin anew.
    fn make_room(&mut self, now: Instant) {
        let window = self.figures.window;
        if self.traces.len() >= Limits::MACHINES {
            self.traces.retain(|_, trace| trace.is_shown(now) || trace.crossed_within(window, now));
        }
        if self.traces.len() >= Limits::MACHINES {
            self.traces.clear();
        }
    }
}

impl<Place: PartialEq> Trace<Place> {
    fn begin(place: Place, now: Instant) -> Self {
        Self { place, since: now, before: None, crossings: VecDeque::new(), is_double: false }
    }

    fn see(&mut self, place: Place, now: Instant, figures: Figures) -> Seen {
        if place == self.place {
            return Seen::Once;
        }
        let came_back = self.before.as_ref() == Some(&place);
        let stayed = now.saturating_duration_since(self.since);
        self.before = Some(mem::replace(&mut self.place, place));
        self.since = now;
        if came_back && stayed < figures.stay_min && !self.crossed_within(APART_MIN, now) {
            self.cross(now, figures.window)
        } else {
            Seen::Once
        }
    }

    fn cross(&mut self, now: Instant, window: Duration) -> Seen {
        self.is_double &= self.crossed_within(window, now);
        self.crossings.retain(|crossing| now.saturating_duration_since(*crossing) < window);
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
        let (mut doubles, start) = (Doubles::between_ports(), Instant::now());
        let mut last = start;
        let mut seen = Vec::new();
        for (milliseconds, port) in frames {
            last = start + Duration::from_millis(milliseconds);
            seen.push(doubles.see(TEACHERS, port, last));
        }
        (seen, doubles.of_the_hour(last).count())
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
        let (mut doubles, start) = (Doubles::between_ports(), Instant::now());
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        for (milliseconds, port) in two([100, 100]).into_iter().take_while(|(at, _)| *at < 10_000) {
            let _ = doubles.see(TEACHERS, port, at(milliseconds));
        }
        assert_eq!(doubles.of_the_hour(at(100_000)).count(), 1);
        for (milliseconds, port) in [(100_000, 1), (100_100, 2), (100_200, 1)] {
            assert_eq!(doubles.see(TEACHERS, port, at(milliseconds)), Seen::Once);
        }
        let (mut doubles, start) = (Doubles::between_ports(), Instant::now());
        for (milliseconds, port) in two([100, 100]) {
            let _ = doubles.see(TEACHERS, port, start + Duration::from_millis(milliseconds));
        }
        assert_eq!(doubles.of_the_hour(start + Duration::from_secs(3700)).count(), 1);
        assert_eq!(doubles.of_the_hour(start + Duration::from_secs(3800)).count(), 0);
    }

    #[test]
    fn somebody_who_sends_under_every_address_hides_no_double_and_fills_no_memory() {
        let (mut doubles, start) = (Doubles::between_ports(), Instant::now());
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
        assert!(doubles.traces.len() <= Limits::MACHINES);
    }

    #[test]
    fn thousands_of_doubles_begin_anew_and_are_found_again() {
        let (mut doubles, start) = (Doubles::between_ports(), Instant::now());
        for second in 0..10_u64 {
            for port in [1, 2, 1] {
                let now = start + Duration::from_millis(second * 1100 + u64::from(port));
                for number in 0..20_000_u16 {
                    let [high, low] = number.to_be_bytes();
                    let _ = doubles.see(Mac::new([2, 1, 0, 0, high, low]), port, now);
                }
            }
        }
        assert!(doubles.traces.len() <= Limits::MACHINES);
    }

    /// When a double between two zones is found, in seconds; each question as (second, zone).
    fn found_between_zones(questions: impl IntoIterator<Item = (u64, &'static str)>) -> Option<u64> {
        let (mut doubles, start) = (Doubles::between_zones(), Instant::now());
        questions.into_iter().find_map(|(second, zone)| {
            let seen = doubles.see(TEACHERS, zone.parse().unwrap(), start + Duration::from_secs(second));
            (seen == Seen::Double).then_some(second)
        })
    }

    #[test]
    fn a_machine_that_goes_from_zone_to_zone_is_one() {
        let walks = (0..60).map(|n| (n * 10, if n % 2 == 0 { "cdi" } else { "invites" }));
        assert_eq!(found_between_zones(walks), None);
        let tries = (0..60).zip(["cdi", "invites", "administration"].into_iter().cycle());
        assert_eq!(found_between_zones(tries), None);
        let thrice =
            [(0, "cdi"), (5, "invites"), (9, "cdi"), (14, "invites"), (200, "cdi"), (400, "invites")];
        assert_eq!(found_between_zones(thrice), None);
    }

    #[test]
    fn two_machines_that_ask_in_two_zones_are_found_within_minutes() {
        let questions = |every| {
            (0..300).flat_map(move |second| {
                let at_home = (second % every == 0).then_some((second, "administration"));
                at_home.into_iter().chain((second % 4 == 1).then_some((second, "cdi")))
            })
        };
        for (every, most) in [(2, 12), (15, 70), (60, 250)] {
            let found = found_between_zones(questions(every)).expect("the double is found");
            assert!(found <= most, "each {every} s: {found} s");
        }
    }
}
