//! Who is on the way to the ENT: what the box must know again when somebody comes back.
//!
//! Each departure has a random key that only the leaving browser's cookie holds. A return without it, from another machine,
//! too late or for a second time is nobody's: so a link that brings somebody else's ticket signs nobody in.

use std::collections::HashMap;

use tokio::time::Instant;

use super::limits::{DEPARTURE_LIFETIME, DEPARTURES_MAX, DEPARTURES_OF_MACHINE_MAX};
use crate::model::Mac;

/// Those who are on the way, by the key of their cookie.
#[derive(Debug, Default)]
pub(super) struct Departures {
    by_key: HashMap<String, Departure>,
}

/// Somebody who left for the ENT.
#[derive(Debug)]
pub(super) struct Departure {
    /// The machine they left from.
    pub(super) machine: Mac,
    /// When.
    pub(super) at: Instant,
    /// Whether the ENT was told to ask for the password again.
    pub(super) is_renewed: bool,
    /// The page they were on the way to, as the portal wrote it down.
    pub(super) wanted: Option<String>,
    /// What OpenID Connect needs at the return.
    pub(super) secrets: Secrets,
}

/// Random words of one sign-in by OpenID Connect; CAS uses none of them. They print nothing of themselves.
pub(super) struct Secrets {
    /// Comes back with the browser (RFC 6749 section 10.12).
    pub(super) state: String,
    /// Comes back in the id token (OpenID Connect Core 3.1.2.1).
    pub(super) nonce: String,
    /// Shows the token endpoint that it is us (RFC 7636 section 4.1).
    pub(super) verifier: String,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Departures {
    /// Notes that somebody left. The oldest of the machine, or of all, makes room.
    pub(super) fn note(&mut self, key: String, departure: Departure) {
        let machine = departure.machine;
        self.by_key.retain(|_, known| !known.is_over(departure.at));
        let of_machine = self.by_key.values().filter(|known| known.machine == machine).count();
        if of_machine >= DEPARTURES_OF_MACHINE_MAX {
            self.drop_oldest(|known| known.machine == machine);
        } else if self.by_key.len() >= DEPARTURES_MAX {
            self.drop_oldest(|_| true);
        }
        self.by_key.insert(key, departure);
    }

    /// The departure with this key, if it is from `machine` and not too old. It is gone afterwards, whatever the answer.
    pub(super) fn take(&mut self, key: &str, machine: Mac, now: Instant) -> Option<Departure> {
        let departure = self.by_key.remove(key)?;
        (departure.machine == machine && !departure.is_over(now)).then_some(departure)
    }

    fn drop_oldest(&mut self, fits: impl Fn(&Departure) -> bool) {
        let fitting = self.by_key.iter().filter(|(_, known)| fits(known));
        let oldest = fitting.min_by_key(|(_, known)| known.at).map(|(key, _)| key.clone());
        if let Some(key) = oldest {
            self.by_key.remove(&key);
        }
    }
}

impl Departure {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) >= DEPARTURE_LIFETIME
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HERE: Mac = Mac::new([2, 0, 0, 0, 0, 1]);
    const THERE: Mac = Mac::new([2, 0, 0, 0, 0, 2]);

    fn leave(departures: &mut Departures, key: &str, machine: Mac, at: Instant) {
        let secrets = Secrets { state: String::new(), nonce: String::new(), verifier: String::new() };
        departures.note(key.to_owned(), Departure { machine, at, is_renewed: false, wanted: None, secrets });
    }

    #[test]
    fn one_comes_back_once_in_time_and_to_the_machine_one_left() {
        let (mut departures, now) = (Departures::default(), Instant::now());
        for key in ["a", "b", "c"] {
            leave(&mut departures, key, HERE, now);
        }
        assert!(departures.take("x", HERE, now).is_none());
        assert!(departures.take("a", HERE, now).is_some());
        assert!(departures.take("a", HERE, now).is_none(), "twice");
        assert!(departures.take("b", THERE, now).is_none(), "another machine");
        assert!(departures.take("b", HERE, now).is_none(), "and the key is spent");
        assert!(departures.take("c", HERE, now + DEPARTURE_LIFETIME).is_none(), "too late");
    }

    #[test]
    fn one_machine_cannot_push_out_the_others() {
        let (mut departures, now) = (Departures::default(), Instant::now());
        leave(&mut departures, "victim", THERE, now);
        for number in 0..DEPARTURES_MAX * 2 {
            leave(&mut departures, &number.to_string(), HERE, now + Duration::from_millis(1));
        }
        assert!(departures.by_key.len() <= DEPARTURES_OF_MACHINE_MAX + 1);
        assert!(departures.take("victim", THERE, now).is_some());
    }

    #[test]
    fn those_who_do_not_come_back_are_forgotten() {
        let (mut departures, now) = (Departures::default(), Instant::now());
        leave(&mut departures, "a", HERE, now);
        leave(&mut departures, "b", THERE, now + DEPARTURE_LIFETIME);
        assert_eq!(departures.by_key.len(), 1);
    }
}
