//! How often sign-in may be tried: slow for whoever guesses, never a locked door for whoever did not.
//!
//! Every try of a login takes from three allowances, every code from two; each fills up again by itself:
//!
//! | allowance | at once | then one each | stops |
//! |---|---|---|---|
//! | one login on one machine | 5 | 30 s | guessing a neighbour's password |
//! | one machine, all logins | 40 | 5 s | trying one password on every login |
//! | one login, all machines | 60 | 10 s | guessing from many machines or under changing hardware addresses |
//! | one machine, codes of vouchers | 10 | 30 s | guessing codes |
//! | all machines, codes of vouchers | 1,000 | 100 ms | guessing codes under changing hardware addresses |
//!
//! A try that succeeds gives back what it took, and makes the machine *familiar* to the login: the third allowance is not
//! asked of it. So a pupil who guesses at another's login stops themselves, on their own machine; the other signs in
//! where they sit. Only tries under dozens of hardware addresses can slow a person down, and only on machines they never
//! used.
//!
//! Codes of vouchers have allowances of their own: who types wrong codes keeps nobody from signing in with a password,
//! and keeps other visitors out only by more than ten codes a second, under a hundred hardware addresses a minute.
//!
//! The allowance is taken before the password is verified, so that many tries at once are no way around it. Times come in
//! from outside; a clock that is set back never makes a wait longer than its allowance takes to fill.

use std::{collections::HashMap, hash::Hash, net::IpAddr, time::Duration};

use crate::model::{Mac, Moment};

/// Entries per table: about the tries of two thousand people; those nearest to full are dropped for others.
const ENTRIES_MAX: usize = 8192;

/// What fills up again: `burst` tries at once, then one each `interval`.
#[derive(Clone, Copy)]
struct Allowance {
    burst: u32,
    interval: Duration,
}

const LOGIN_ON_MACHINE: Allowance = Allowance { burst: 5, interval: Duration::from_secs(30) };
const MACHINE: Allowance = Allowance { burst: 40, interval: Duration::from_secs(5) };
const LOGIN: Allowance = Allowance { burst: 60, interval: Duration::from_secs(10) };
const CODES_OF_MACHINE: Allowance = Allowance { burst: 10, interval: Duration::from_secs(30) };
const CODES: Allowance = Allowance { burst: 1000, interval: Duration::from_millis(100) };

/// Where a try comes from: the machine, or its address where the machine is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Machine(Mac),
    Address(IpAddr),
}

/// What is remembered of tries. Nothing of it is kept across a restart.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    by_login_and_place: HashMap<(String, Place), Meter>,
    by_place: HashMap<Place, Meter>,
    by_login: HashMap<String, Meter>,
    codes_by_place: HashMap<Place, Meter>,
    /// Of all machines together; one entry.
    codes: HashMap<(), Meter>,
    /// Sign-ins that were refused, one by one.
    pub(super) refused: u64,
}

/// How much of an allowance is used up, as the moment when it is full again.
#[derive(Clone, Copy, Debug)]
struct Meter {
    full_at: Moment,
    /// Whether a try of this login succeeded on this machine.
    familiar: bool,
}

impl Attempts {
    /// Takes one try of `login` at `place` from the allowances, or says how long to wait.
    pub(super) fn take(&mut self, login: &str, place: Place, now: Moment) -> Result<(), Duration> {
        let key = (login.to_owned(), place);
        let familiar = self.by_login_and_place.get(&key).is_some_and(|meter| meter.familiar);
        let mut wait = LOGIN_ON_MACHINE.wait(self.by_login_and_place.get_mut(&key), now);
        wait = wait.max(MACHINE.wait(self.by_place.get_mut(&place), now));
        if !familiar {
            wait = wait.max(LOGIN.wait(self.by_login.get_mut(login), now));
        }
        if wait > Duration::ZERO {
            return Err(wait);
        }
        LOGIN_ON_MACHINE.take(&mut self.by_login_and_place, key, now);
        MACHINE.take(&mut self.by_place, place, now);
        if !familiar {
            LOGIN.take(&mut self.by_login, login.to_owned(), now);
        }
        Ok(())
    }

    /// The try succeeded: gives back what it took, and remembers the machine as familiar.
    pub(super) fn succeeded(&mut self, login: &str, place: Place, now: Moment) {
        let key = (login.to_owned(), place);
        if let Some(meter) = self.by_login_and_place.get_mut(&key) {
            if !meter.familiar {
                LOGIN.give_back(self.by_login.get_mut(login));
            }
            *meter = Meter { full_at: now, familiar: true };
        }
        MACHINE.give_back(self.by_place.get_mut(&place));
    }

    /// Takes one try of a voucher's code at `place`, or says how long to wait.
    pub(super) fn take_code(&mut self, place: Place, now: Moment) -> Result<(), Duration> {
        let wait = CODES_OF_MACHINE.wait(self.codes_by_place.get_mut(&place), now);
        let wait = wait.max(CODES.wait(self.codes.get_mut(&()), now));
        if wait > Duration::ZERO {
            return Err(wait);
        }
        CODES_OF_MACHINE.take(&mut self.codes_by_place, place, now);
        CODES.take(&mut self.codes, (), now);
        Ok(())
    }

    /// The code was right: gives back what it took.
    pub(super) fn code_was_right(&mut self, place: Place) {
        CODES_OF_MACHINE.give_back(self.codes_by_place.get_mut(&place));
        CODES.give_back(self.codes.get_mut(&()));
    }

    /// Takes one try of whatever needs no login, such as taking a session along, or says how long to wait.
    pub(super) fn take_place(&mut self, place: Place, now: Moment) -> Result<(), Duration> {
        let wait = MACHINE.wait(self.by_place.get_mut(&place), now);
        if wait > Duration::ZERO {
            return Err(wait);
        }
        MACHINE.take(&mut self.by_place, place, now);
        Ok(())
    }

    /// The try was not carried out: gives back what it took.
    pub(super) fn not_made(&mut self, login: &str, place: Place) {
        let meter = self.by_login_and_place.get_mut(&(login.to_owned(), place));
        if !meter.as_ref().is_some_and(|meter| meter.familiar) {
            LOGIN.give_back(self.by_login.get_mut(login));
        }
        LOGIN_ON_MACHINE.give_back(meter);
        MACHINE.give_back(self.by_place.get_mut(&place));
    }
}

impl Allowance {
    /// How long until one more try fits.
    fn wait(self, meter: Option<&mut Meter>, now: Moment) -> Duration {
        let Some(meter) = meter else { return Duration::ZERO };
        let empty = now + self.interval * self.burst;
        // Later than an empty allowance takes to fill: the clock was set back since (decision D18: no lasting lock).
        meter.full_at = meter.full_at.min(empty);
        (meter.full_at + self.interval).since(empty)
    }

    fn take<K: Eq + Hash>(self, meters: &mut HashMap<K, Meter>, key: K, now: Moment) {
        if !meters.contains_key(&key) && meters.len() >= ENTRIES_MAX {
            make_room(meters, now);
        }
        let meter = meters.entry(key).or_insert(Meter { full_at: now, familiar: false });
        meter.full_at = meter.full_at.max(now) + self.interval;
    }

    fn give_back(self, meter: Option<&mut Meter>) {
        if let Some(meter) = meter {
            meter.full_at = meter.full_at - self.interval;
        }
    }
}

/// Drops what is full again and familiar to nobody; where that is nothing, the quarter that is nearest to it.
fn make_room<K: Eq + Hash>(meters: &mut HashMap<K, Meter>, now: Moment) {
    meters.retain(|_, meter| meter.full_at > now || meter.familiar);
    if meters.len() < ENTRIES_MAX {
        return;
    }
    let mut moments: Vec<_> = meters.values().map(|meter| meter.full_at).collect();
    let (_, quarter, _) = moments.select_nth_unstable(ENTRIES_MAX / 4);
    let mut too_many = ENTRIES_MAX / 4;
    meters.retain(|_, meter| {
        let goes = meter.full_at <= *quarter && too_many > 0;
        too_many -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment::from_unix_seconds(1_800_000_000);

    fn machine(number: u32) -> Place {
        let [a, b, c, d] = number.to_be_bytes();
        Place::Machine(Mac::new([2, 0, a, b, c, d]))
    }

    fn after(seconds: u64) -> Moment {
        START + Duration::from_secs(seconds)
    }

    /// Whether each try of `(second, login, machine)`, all with a wrong password, was let through to the verifier.
    fn play(attempts: &mut Attempts, tries: &[(u64, &str, u32)]) -> Vec<bool> {
        tries
            .iter()
            .map(|(at, login, from)| attempts.take(login, machine(*from), after(*at)).is_ok())
            .collect()
    }

    #[test]
    fn the_sixth_wrong_try_waits_and_each_half_minute_gives_one_back() {
        let mut attempts = Attempts::default();
        for _ in 0..5 {
            assert_eq!(attempts.take("camille", machine(1), START), Ok(()));
        }
        assert_eq!(attempts.take("camille", machine(1), START), Err(Duration::from_secs(30)));
        assert_eq!(attempts.take("camille", machine(1), after(20)), Err(Duration::from_secs(10)));
        assert_eq!(attempts.take("camille", machine(1), after(30)), Ok(()));
        assert!(attempts.take("camille", machine(1), after(31)).is_err());
    }

    #[test]
    fn a_pupil_who_guesses_stops_themselves_and_nobody_on_another_machine() {
        let mut attempts = Attempts::default();
        let guesses: Vec<_> = (0..500).map(|second| (second, "camille", 1)).collect();
        let let_through = play(&mut attempts, &guesses).into_iter().filter(|through| *through).count();
        assert_eq!(let_through, 5 + 499 / 30);
        assert_eq!(play(&mut attempts, &[(500, "camille", 2), (500, "alix", 1)]), [true, true]);
    }

    #[test]
    fn guesses_from_many_machines_are_slowed_but_not_where_the_person_is_known() {
        let mut attempts = Attempts::default();
        attempts.take("camille", machine(1), START).unwrap();
        attempts.succeeded("camille", machine(1), START);
        let guesses: Vec<_> = (0..400)
            .map(|number| (number / 10, "camille", 100 + u32::try_from(number).unwrap() / 4))
            .collect();
        let let_through = play(&mut attempts, &guesses).into_iter().filter(|through| *through).count();
        assert!((60..=65).contains(&let_through), "{let_through}");
        assert_eq!(
            play(&mut attempts, &[(39, "camille", 1), (39, "camille", 2), (39, "alix", 2)]),
            [true, false, true]
        );
    }

    #[test]
    fn one_machine_cannot_try_one_password_on_every_login() {
        let mut attempts = Attempts::default();
        let logins: Vec<_> = (0..100).map(|number| format!("eleve{number}")).collect();
        let tries: Vec<_> = logins.iter().map(|login| (0, login.as_str(), 1)).collect();
        assert_eq!(play(&mut attempts, &tries).into_iter().filter(|through| *through).count(), 40);
        assert_eq!(play(&mut attempts, &[(0, "eleve99", 2), (5, "eleve99", 1)]), [true, true]);
    }

    #[test]
    fn thirty_pupils_who_each_mistype_once_on_one_machine_never_wait() {
        let mut attempts = Attempts::default();
        for number in 0..30 {
            let login = format!("eleve{number}");
            attempts.take(&login, machine(1), START).unwrap();
            attempts.take(&login, machine(1), START).unwrap();
            attempts.succeeded(&login, machine(1), START);
        }
    }

    #[test]
    fn a_try_that_was_not_made_does_not_count() {
        let mut attempts = Attempts::default();
        for _ in 0..100 {
            attempts.take("camille", machine(1), START).unwrap();
            attempts.not_made("camille", machine(1));
        }
        assert_eq!(attempts.take("camille", machine(1), START), Ok(()));
    }

    #[test]
    fn a_clock_that_ran_ahead_locks_nobody_out() {
        let mut attempts = Attempts::default();
        let in_2099 = Moment::from_unix_seconds(4_070_908_800);
        for _ in 0..5 {
            attempts.take("camille", machine(1), in_2099).unwrap();
        }
        assert_eq!(attempts.take("camille", machine(1), START), Err(Duration::from_secs(30)));
        assert_eq!(attempts.take("camille", machine(1), after(30)), Ok(()));
    }

    #[test]
    fn the_tables_are_bounded() {
        let mut attempts = Attempts::default();
        for number in 0..20_000_u32 {
            let _ = attempts.take(&format!("nobody{number}"), machine(number), START);
        }
        assert!(attempts.by_login_and_place.len() <= ENTRIES_MAX);
        assert!(attempts.by_place.len() <= ENTRIES_MAX);
        assert!(attempts.by_login.len() <= ENTRIES_MAX);
    }
}
