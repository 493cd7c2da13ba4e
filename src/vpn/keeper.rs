//! Which concentrator the tunnel goes to, by which way, and when another is tried. Pure: what is seen comes in, with how long
//! the machine has run, and one step comes out.
//!
//! Every concentrator is kept in session by its own handshakes over UDP; one of them has the académie's networks. It is left when
//! nothing comes from it any more: for one that shook hands since, else for the next in turn, first all of them over UDP,
//! then those that take the tunnel over TLS, and round again for ever. While nothing answers it is knocked at each second,
//! later each five seconds. A preferred concentrator is gone back to when it has shaken hands again, and the less readily
//! the oftener it was lost.

use std::time::Duration;

use super::wg::Seen;

/// How packets travel to a concentrator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// As WireGuard's own datagrams.
    #[default]
    Udp,
    /// Inside TLS over TCP, where a line lets nothing else through.
    Tls,
}

/// One concentrator by one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    /// Its place in the order of preference.
    pub(super) concentrator: usize,
    pub(super) way: Way,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Stay,
    /// Have a handshake sent at once.
    Knock,
    /// Give the networks to this one.
    Move(Target),
}

/// How long a concentrator that answered each probe may be silent, and one that did not: WireGuard itself answers what it
/// is sent within ten seconds.
const SILENCE_MAX: Duration = Duration::from_secs(6);
const SILENCE_OF_SLOW_MAX: Duration = Duration::from_secs(25);

/// How long one that has not answered yet is given, by way.
const PATIENCE: Duration = Duration::from_secs(7);
const PATIENCE_TLS: Duration = Duration::from_secs(15);

/// How long one that was just given the networks is waited for though another has shaken hands: at a start both are asked at once,
/// and it is not for the quicker one to win.
const HEAD_START: Duration = Duration::from_secs(3);

/// A handshake is good for three minutes, and renewed after two.
const HANDSHAKE_KEPT: Duration = Duration::from_secs(150);

/// How often a silent one is knocked at: at first, after a minute, after ten.
const KNOCK_EVERY: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(5)];
const QUICK_KNOCKS: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(600)];

/// How long a preferred concentrator must be missed at least before it is gone back to; doubled when it is lost within
/// [`LOST_AGAIN`], up to [`STAY_MAX`].
const STAY_MIN: Duration = Duration::from_secs(10);
const STAY_MAX: Duration = Duration::from_secs(600);
const LOST_AGAIN: Duration = Duration::from_secs(120);

/// How often UDP is tried again while TLS carries.
const UDP_AGAIN: Duration = Duration::from_secs(600);

/// What is known of one concentrator.
#[derive(Clone, Debug, Default)]
struct Known {
    has_tls: bool,
    last: Seen,
    /// When anything last came from it, and when it last shook hands.
    heard: Option<Duration>,
    shaken: Option<Duration>,
    /// When it was last given up.
    lost: Option<Duration>,
    /// Times in a row that something came within [`SILENCE_MAX`] of what came before.
    quick: u8,
    /// How long it must be missed before it is gone back to.
    stay: Duration,
}

/// Keeps the tunnel up.
#[derive(Clone, Debug)]
pub(super) struct Keeper {
    known: Vec<Known>,
    at: Target,
    since: Duration,
    down_since: Option<Duration>,
    knocked: Duration,
    /// A UDP trial that TLS is gone back from.
    trial: bool,
    tried: u32,
    random: u32,
}

impl Keeper {
    /// For as many concentrators as `has_tls` says of, from `now` on; `random` spreads the fleet.
    pub(super) fn new(has_tls: &[bool], now: Duration, random: u32) -> Self {
        let known = |has_tls: &bool| Known { has_tls: *has_tls, stay: STAY_MIN, ..Known::default() };
        Self {
            known: has_tls.iter().map(known).collect(),
            at: Target::default(),
            since: now,
            down_since: Some(now),
            knocked: now,
            trial: false,
            tried: 0,
            random: random | 1,
        }
    }

    /// The concentrator that has the networks.
    pub(super) fn at(&self) -> Target {
        self.at
    }

    /// Whether it answers.
    pub(super) fn is_up(&self) -> bool {
        self.down_since.is_none()
    }

    /// How often something was tried since it last did.
    pub(super) fn tried(&self) -> u32 {
        self.tried
    }

    /// The interface was made anew: what it says begins at zero.
    pub(super) fn begin_anew(&mut self, now: Duration) {
        for known in &mut self.known {
            known.last = Seen::default();
            (known.heard, known.shaken, known.quick) = (None, None, 0);
        }
        self.since = now;
        self.down_since = self.down_since.or(Some(now));
    }

    /// Looks at what is `seen` of each concentrator; `line_is_back` where the line has just come back.
    pub(super) fn look(&mut self, now: Duration, seen: &[Seen], line_is_back: bool) -> Step {
        self.learn(now, seen);
        let is_up = self.hears(now);
        if is_up {
            self.down_since = None;
            self.tried = 0;
            self.trial = false;
            return self.better(now).map_or(Step::Stay, |target| self.move_to(target, now));
        }
        if self.down_since.is_none() {
            if now.saturating_sub(self.since) < self.patience() {
                // It was moved to while another one stood.
                return Step::Stay;
            }
            self.lose(now);
        }
        if line_is_back {
            self.down_since = Some(now);
            return self.knock(now);
        }
        if self.trial && now.saturating_sub(self.since) >= PATIENCE {
            // TLS carried a moment ago.
            let back = Target { way: Way::Tls, ..self.at };
            return self.move_to(back, now);
        }
        match self.next(now) {
            Some(target) => self.move_to(target, now),
            None if now.saturating_sub(self.knocked) >= self.knock_every(now) => self.knock(now),
            None => Step::Stay,
        }
    }

    /// Takes in what came. A number that went back is that of a session made anew.
    fn learn(&mut self, now: Duration, seen: &[Seen]) {
        for (known, seen) in self.known.iter_mut().zip(seen) {
            if seen.received != known.last.received && seen.received > 0 {
                // A question that was lost now and then does not make it a slow one.
                let is_quick = known.heard.is_some_and(|heard| now.saturating_sub(heard) <= SILENCE_MAX);
                known.quick = if is_quick { known.quick.saturating_add(1) } else { 0 };
                known.heard = Some(now);
            }
            if seen.handshake != known.last.handshake && seen.handshake > 0 {
                known.shaken = Some(now);
            }
            known.last = *seen;
        }
    }

    /// Whether the active one answers.
    fn hears(&self, now: Duration) -> bool {
        let Some(known) = self.known.get(self.at.concentrator) else { return false };
        let silence_max = if known.quick >= 3 { SILENCE_MAX } else { SILENCE_OF_SLOW_MAX };
        let is_heard =
            known.heard.is_some_and(|heard| heard >= self.since && now.saturating_sub(heard) <= silence_max);
        is_heard
            && known.shaken.is_some_and(|shaken| now.saturating_sub(shaken) <= HANDSHAKE_KEPT + PATIENCE * 5)
    }

    /// The active one has just fallen silent.
    fn lose(&mut self, now: Duration) {
        self.down_since = Some(now);
        self.knocked = Duration::ZERO;
        let stood = now.saturating_sub(self.since);
        if let Some(known) = self.known.get_mut(self.at.concentrator) {
            known.lost = Some(now);
            // What came before was not the sign of life that is waited for.
            (known.heard, known.quick) = (None, 0);
            known.stay = if stood < LOST_AGAIN { (known.stay * 2).min(STAY_MAX) } else { STAY_MIN };
        }
    }

    /// Whether `place` shook hands over UDP since it was lost, and not long ago.
    fn is_fresh(&self, place: usize, now: Duration) -> bool {
        let Some(Known { shaken: Some(shaken), lost, .. }) = self.known.get(place) else { return false };
        now.saturating_sub(*shaken) <= HANDSHAKE_KEPT && lost.is_none_or(|lost| lost < *shaken)
    }

    /// One that is preferred to what stands.
    fn better(&mut self, now: Duration) -> Option<Target> {
        let stood = now.saturating_sub(self.since);
        let until = match self.at.way {
            Way::Udp => self.at.concentrator,
            Way::Tls => self.known.len(),
        };
        let mut others = (0..until).filter(|place| *place != self.at.concentrator);
        let fresh = others.find(|place| {
            let stay = self.known.get(*place).map_or(STAY_MAX, |known| known.stay);
            stood >= stay && self.is_fresh(*place, now)
        });
        if let Some(concentrator) = fresh {
            return Some(Target { concentrator, way: Way::Udp });
        }
        let is_due = self.at.way == Way::Tls && stood >= self.spread(UDP_AGAIN);
        self.trial = is_due;
        is_due.then_some(Target { way: Way::Udp, ..self.at })
    }

    /// What to try while nothing answers: whoever shook hands meanwhile, or the next in turn once this one's time is over.
    fn next(&self, now: Duration) -> Option<Target> {
        let fresh =
            (0..self.known.len()).find(|place| *place != self.at.concentrator && self.is_fresh(*place, now));
        if let Some(concentrator) = fresh
            && now.saturating_sub(self.since) >= HEAD_START
        {
            return Some(Target { concentrator, way: Way::Udp });
        }
        if now.saturating_sub(self.since.max(self.down_since?)) < self.patience() {
            return None;
        }
        let turns = self.turns();
        let here = turns.iter().position(|target| *target == self.at).unwrap_or(0);
        let next = *turns.get((here + 1).checked_rem(turns.len())?)?;
        (next != self.at).then_some(next)
    }

    /// How long the active one is given to be heard.
    fn patience(&self) -> Duration {
        match self.at.way {
            Way::Udp => PATIENCE,
            Way::Tls => PATIENCE_TLS,
        }
    }

    /// Every target: all over UDP, then those that take TLS.
    fn turns(&self) -> Vec<Target> {
        let udp = (0..self.known.len()).map(|concentrator| Target { concentrator, way: Way::Udp });
        let with_tls = self.known.iter().enumerate().filter(|(_, known)| known.has_tls);
        udp.chain(with_tls.map(|(concentrator, _)| Target { concentrator, way: Way::Tls })).collect()
    }

    fn move_to(&mut self, target: Target, now: Duration) -> Step {
        // What did not answer is gone back to once it shakes hands anew; how it shook hands over TLS says nothing of UDP.
        let counts_no_more = self.down_since.is_some() || self.at.way == Way::Tls;
        if counts_no_more
            && target.concentrator != self.at.concentrator
            && let Some(left) = self.known.get_mut(self.at.concentrator)
        {
            left.lost = Some(now);
        }
        self.at = target;
        (self.since, self.knocked) = (now, now);
        self.tried = self.tried.saturating_add(1);
        Step::Move(target)
    }

    fn knock(&mut self, now: Duration) -> Step {
        self.knocked = now;
        self.tried = self.tried.saturating_add(1);
        Step::Knock
    }

    fn knock_every(&mut self, now: Duration) -> Duration {
        let down = now.saturating_sub(self.down_since.unwrap_or(now));
        let [quick, slower] = QUICK_KNOCKS;
        let [at_first, later, at_last] = KNOCK_EVERY;
        let every = if down < quick {
            at_first
        } else if down < slower {
            later
        } else {
            at_last
        };
        self.spread(every)
    }

    /// `duration` and up to a quarter more, so that a fleet does not come in step (xorshift).
    fn spread(&mut self, duration: Duration) -> Duration {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        duration + duration * (self.random % 256) / 1024
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Concentrators that answer or not, looked at each second.
    struct World {
        keeper: Keeper,
        now: u64,
        seen: Vec<Seen>,
        /// Whether each answers over UDP, and whether all do over TLS.
        udp: Vec<bool>,
        tls: bool,
        steps: Vec<(u64, Step)>,
    }

    impl World {
        fn of(concentrators: usize, has_tls: bool) -> Self {
            Self {
                keeper: Keeper::new(&vec![has_tls; concentrators], Duration::ZERO, 7),
                now: 0,
                seen: vec![Seen::default(); concentrators],
                udp: vec![true; concentrators],
                tls: true,
                steps: Vec::new(),
            }
        }

        /// Lets so many seconds pass; returns the targets moved to meanwhile.
        fn pass(&mut self, seconds: u64) -> Vec<Target> {
            let begin = self.steps.len();
            for _ in 0..seconds {
                self.now += 1;
                let at = self.keeper.at();
                for (place, seen) in self.seen.iter_mut().enumerate() {
                    let is_active = place == at.concentrator;
                    let answers = match at.way {
                        Way::Tls if is_active => self.tls,
                        Way::Udp | Way::Tls => self.udp[place],
                    };
                    if answers && (self.now - seen.handshake.min(self.now) >= 120 || seen.handshake == 0) {
                        seen.handshake = self.now;
                        seen.received += 92;
                    }
                    if answers && is_active {
                        seen.received += 60;
                    }
                }
                let step = self.keeper.look(Duration::from_secs(self.now), &self.seen, false);
                if step != Step::Stay {
                    self.steps.push((self.now, step));
                }
            }
            let moved = |(_, step): &(u64, Step)| match step {
                Step::Move(target) => Some(*target),
                Step::Stay | Step::Knock => None,
            };
            self.steps[begin..].iter().filter_map(moved).collect()
        }
    }

    const fn udp(concentrator: usize) -> Target {
        Target { concentrator, way: Way::Udp }
    }

    const fn tls(concentrator: usize) -> Target {
        Target { concentrator, way: Way::Tls }
    }

    #[test]
    fn a_tunnel_that_answers_is_left_alone() {
        let mut world = World::of(2, true);
        assert_eq!(world.pass(3600), []);
        assert!(world.keeper.is_up());
        assert_eq!(world.steps, []);
    }

    #[test]
    fn a_concentrator_that_falls_silent_is_left_within_ten_seconds_for_one_that_stands_by() {
        let mut world = World::of(3, false);
        world.pass(60);
        world.udp[0] = false;
        assert_eq!(world.pass(10), [udp(1)]);
        assert_eq!(world.pass(60), []);
        assert!(world.keeper.is_up());
    }

    #[test]
    fn a_question_that_was_lost_does_not_delay_the_change() {
        let mut world = World::of(2, false);
        world.pass(60);
        world.udp[0] = false;
        world.pass(4);
        world.udp[0] = true;
        assert_eq!(world.pass(1), []);
        world.udp[0] = false;
        assert_eq!(world.pass(10), [udp(1)]);
    }

    #[test]
    fn at_a_start_the_preferred_one_is_waited_for_though_another_is_quicker() {
        let mut world = World::of(2, false);
        world.udp[0] = false;
        assert_eq!(world.pass(2), []);
        world.udp[0] = true;
        assert_eq!(world.pass(60), []);
        assert!(world.keeper.is_up());
        let mut world = World::of(2, false);
        world.udp[0] = false;
        assert_eq!(world.pass(5), [udp(1)]);
    }

    #[test]
    fn one_that_stood_by_and_does_not_answer_is_not_gone_back_to_before_it_shakes_hands_anew() {
        let mut world = World::of(2, true);
        world.pass(60);
        // The line carries no UDP from one moment to the next.
        world.udp = vec![false; 2];
        assert_eq!(world.pass(40), [udp(1), tls(0)]);
        assert!(world.keeper.is_up());
    }

    #[test]
    fn what_shook_hands_over_tls_is_not_gone_back_to_over_udp_for_that() {
        let mut world = World::of(2, true);
        world.udp = vec![false; 2];
        assert_eq!(world.pass(40), [udp(1), tls(0)]);
        assert!(world.keeper.is_up());
        world.udp[1] = true;
        assert_eq!(world.pass(60), [udp(1)]);
        assert_eq!(world.pass(600), []);
        assert!(world.keeper.is_up());
    }

    #[test]
    fn a_silent_concentrator_is_down_until_it_answers_again() {
        let mut world = World::of(1, false);
        world.pass(60);
        world.udp[0] = false;
        world.pass(7);
        for _ in 0..600 {
            assert!(!world.keeper.is_up(), "after {} s", world.now);
            world.pass(1);
        }
        world.udp[0] = true;
        world.pass(1);
        assert!(world.keeper.is_up());
    }

    #[test]
    fn the_preferred_one_is_gone_back_to_once_it_shakes_hands_again() {
        let mut world = World::of(2, false);
        world.pass(60);
        world.udp[0] = false;
        world.pass(60);
        assert_eq!(world.keeper.at(), udp(1));
        world.udp[0] = true;
        assert_eq!(world.pass(150), [udp(0)]);
        assert!(world.keeper.is_up());
    }

    #[test]
    fn a_concentrator_that_comes_and_goes_is_gone_back_to_less_and_less() {
        let mut world = World::of(2, false);
        world.pass(60);
        let mut moves = 0;
        for _ in 0..120 {
            world.udp[0] = false;
            moves += world.pass(15).len();
            world.udp[0] = true;
            world.seen[0].handshake = 0;
            moves += world.pass(15).len();
        }
        assert!(moves < 40, "{moves} moves in an hour");
    }

    #[test]
    fn where_nothing_answers_it_is_tried_for_ever_and_by_every_way() {
        let mut world = World::of(2, true);
        world.udp = vec![false; 2];
        world.tls = false;
        let tried = world.pass(100);
        assert!(tried.starts_with(&[udp(1), tls(0), tls(1), udp(0), udp(1)]), "{tried:?}");
        let knocks = |world: &World| world.steps.iter().filter(|(_, step)| *step == Step::Knock).count();
        world.pass(3 * 24 * 3600);
        let before = knocks(&world);
        world.pass(60);
        assert!((3..15).contains(&(knocks(&world) - before)), "{}", knocks(&world) - before);
        world.udp[1] = true;
        world.pass(60);
        assert!(world.keeper.is_up());
    }

    #[test]
    fn a_line_that_is_back_is_knocked_at_in_that_moment() {
        let mut world = World::of(1, false);
        world.pass(60);
        world.udp[0] = false;
        world.pass(3600);
        let now = Duration::from_secs(world.now) + Duration::from_millis(100);
        assert_eq!(world.keeper.look(now, &world.seen, true), Step::Knock);
        assert_eq!(world.keeper.at(), udp(0));
    }

    #[test]
    fn tls_carries_where_udp_does_not_and_is_left_when_udp_is_back() {
        let mut world = World::of(1, true);
        world.udp[0] = false;
        assert_eq!(world.pass(30), [tls(0)]);
        assert!(world.keeper.is_up());
        let trials = world.pass(3600);
        assert!(trials.len() >= 6 && trials.iter().any(|target| *target == udp(0)), "{trials:?}");
        world.udp[0] = true;
        world.pass(1000);
        assert_eq!(world.keeper.at(), udp(0));
        assert!(world.keeper.is_up());
    }
}
