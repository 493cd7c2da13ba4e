//! Tickets of the box's CAS server: what a browser carries from the portal to an application, so that the application may
//! ask the box who came.
//!
//! | ticket | whose | good for |
//! |---|---|---|
//! | `ST-…` service ticket | the browser's | one look, within a minute, by the one service it was made for |
//! | `PGT-…` proxy-granting ticket | an application's | making `PT-…` in the person's name until their session ends |
//! | `PGTIOU-…` | the same application's | recognising the `PGT-…` that was sent to it apart |
//! | `PT-…` proxy ticket | an application's | as `ST-…`, at another application |
//!
//! Every ticket hangs on a session and dies with it. A look kills a ticket, whatever it finds. All of it is in memory: after
//! a restart of the box tickets are void, and applications send the browser for another one, which takes no word from the
//! person. The table decides nothing about who may go where and reads neither clock nor randomness.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use crate::model::{AccountId, Mac, Moment};

/// How long a ticket waits for its one look. The specification asks for five minutes at most; a redirection takes seconds.
const LIFE: Duration = Duration::from_secs(60);

/// Random bytes of one ticket: each gives a character out of 32, 130 bits in all.
pub const RANDOM_BYTES: usize = 26;

/// The characters of tickets: those that the specification allows, without `0`, `1`, `8` and `9` to make 32.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// What is kept at most, and what each bound stops.
struct Limits;

impl Limits {
    /// Sessions with tickets: more than a school has machines.
    const SESSIONS: usize = 8192;
    /// Tickets of one session that wait for their look: a page that reloads itself for ever pushes its own tickets out.
    const WAITING: usize = 16;
    /// Proxy-granting tickets of one session: an application that asks for one with each page.
    const PROXYING: usize = 16;
    /// Visits of one session that will be told of its end: the oldest is told nothing.
    const VISITS: usize = 32;
    /// Applications that may stand between a person and the last one.
    const CHAIN: usize = 4;
}

/// The session a ticket speaks for: who, where, since when. Another sign-in on the same machine is another session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionKey {
    /// The person.
    pub account: AccountId,
    /// The machine.
    pub machine: Mac,
    /// When the session began.
    pub since: Moment,
}

/// How the person stood when a ticket was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// They had just given their password.
    Fresh,
    /// They were signed in already.
    Kept,
}

/// What whoever looks at a ticket demands of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Whether the password must have been given for this very ticket (`renew`).
    pub fresh: bool,
    /// Whether a ticket that another application brings will do.
    pub proxied: bool,
}

/// Why a ticket is not accepted. It is dead in each case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such ticket: never made, looked at before, too old, or of a session that is over.
    Unknown,
    /// It was made for another service.
    OtherService,
    /// It was made without the password being given.
    NotFresh,
    /// Another application brings it, which was not asked for.
    Proxied,
}

/// What an accepted ticket says.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The session it was made in.
    pub session: SessionKey,
    /// How the person stood then.
    pub login: Login,
    /// The applications it came through, the last one first.
    pub proxies: Vec<Arc<str>>,
}

/// What an application gets that may act in the person's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxying {
    /// The ticket itself, sent to the application's callback.
    pub ticket: String,
    /// The word in the answer by which the application finds the ticket again.
    pub iou: String,
}

/// An application that looked at a ticket of a session, to be told when the session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The service as the ticket named it.
    pub service: String,
    /// The ticket, by which the application knows its own session.
    pub ticket: String,
}

/// All tickets.
#[derive(Debug, Default)]
pub struct Tickets {
    waiting: HashMap<String, Waiting>,
    proxying: HashMap<String, Granting>,
    sessions: HashMap<SessionKey, Trail>,
}

/// A ticket that waits for its one look.
#[derive(Debug)]
struct Waiting {
    session: SessionKey,
    service: String,
    login: Login,
    proxies: Vec<Arc<str>>,
    until: Instant,
}

/// A proxy-granting ticket.
#[derive(Debug)]
struct Granting {
    session: SessionKey,
    proxies: Vec<Arc<str>>,
}

/// What a session has left behind, the oldest first.
#[derive(Debug, Default)]
struct Trail {
    waiting: VecDeque<String>,
    proxying: VecDeque<String>,
    visits: VecDeque<Visit>,
}

impl Tickets {
    /// Makes a ticket of `session` for `service`. None where more sessions have tickets than a school has machines.
    pub fn grant(
        &mut self,
        session: &SessionKey,
        service: &str,
        login: Login,
        now: Instant,
        random: [u8; RANDOM_BYTES],
    ) -> Option<String> {
        if !self.sessions.contains_key(session) && self.sessions.len() >= Limits::SESSIONS {
            return None;
        }
        let waiting = Waiting {
            session: session.clone(),
            service: service.to_owned(),
            login,
            proxies: Vec::new(),
            until: now + LIFE,
        };
        Some(self.put("ST-", waiting, random))
    }

    /// Looks at `ticket` for `service`. It is dead afterwards, whatever this finds.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub fn redeem(
        &mut self,
        ticket: &str,
        service: &str,
        demand: Demand,
        now: Instant,
    ) -> Result<Accepted, Refused> {
        let found = self.waiting.remove(ticket).ok_or(Refused::Unknown)?;
        let Waiting { session, service: made_for, login, proxies, until } = found;
        let trail = self.sessions.get_mut(&session).ok_or(Refused::Unknown)?;
        trail.waiting.retain(|waiting| waiting != ticket);
        if now >= until {
            return Err(Refused::Unknown);
        }
        if made_for != service {
            return Err(Refused::OtherService);
        }
        if !demand.proxied && ticket.starts_with("PT-") {
            return Err(Refused::Proxied);
        }
        if demand.fresh && login == Login::Kept {
            return Err(Refused::NotFresh);
        }
        let visit = Visit { service: made_for, ticket: ticket.to_owned() };
        push(&mut trail.visits, visit, Limits::VISITS);
        Ok(Accepted { session, login, proxies })
    }

    /// Lets the application at `callback`, which an accepted ticket was for, act in the person's name. None where the
    /// session has ended since, or too many applications stand in between.
    pub fn allow_proxying(
        &mut self,
        accepted: &Accepted,
        callback: &str,
        random: [[u8; RANDOM_BYTES]; 2],
    ) -> Option<Proxying> {
        let trail = self.sessions.get_mut(&accepted.session)?;
        if accepted.proxies.len() >= Limits::CHAIN {
            return None;
        }
        let proxies = std::iter::once(Arc::from(callback)).chain(accepted.proxies.iter().cloned()).collect();
        let [ticket, iou] = random;
        let proxying = Proxying { ticket: spelt("PGT-", ticket), iou: spelt("PGTIOU-", iou) };
        let granting = Granting { session: accepted.session.clone(), proxies };
        self.proxying.insert(proxying.ticket.clone(), granting);
        if let Some(oldest) = push(&mut trail.proxying, proxying.ticket.clone(), Limits::PROXYING) {
            self.proxying.remove(&oldest);
        }
        Some(proxying)
    }

    /// Takes a proxy-granting ticket back that its application did not get.
    pub fn revoke_proxying(&mut self, ticket: &str) {
        let trail = self.proxying.remove(ticket).and_then(|found| self.sessions.get_mut(&found.session));
        if let Some(trail) = trail {
            trail.proxying.retain(|kept| kept != ticket);
        }
    }

    /// Makes a ticket for `service` in the name of whoever the proxy-granting `ticket` speaks for. None where there is no
    /// such ticket. Such a ticket is never fresh.
    pub fn proxy(
        &mut self,
        ticket: &str,
        service: &str,
        now: Instant,
        random: [u8; RANDOM_BYTES],
    ) -> Option<String> {
        let Granting { session, proxies } = self.proxying.get(ticket)?;
        let waiting = Waiting {
            session: session.clone(),
            service: service.to_owned(),
            login: Login::Kept,
            proxies: proxies.clone(),
            until: now + LIFE,
        };
        Some(self.put("PT-", waiting, random))
    }

    /// The session that the proxy-granting `ticket` hangs on.
    #[must_use]
    pub fn proxying_session(&self, ticket: &str) -> Option<&SessionKey> {
        self.proxying.get(ticket).map(|found| &found.session)
    }

    /// Whether any session has tickets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Kills every ticket of the sessions that `in_force` does not hold, and says which applications are to be told.
    pub fn end_others(&mut self, in_force: impl Fn(&SessionKey) -> bool) -> Vec<Visit> {
        let over: Vec<_> = self.sessions.keys().filter(|key| !in_force(key)).cloned().collect();
        let trails: Vec<_> = over.iter().filter_map(|key| self.sessions.remove(key)).collect();
        let mut visits = Vec::new();
        for Trail { waiting, proxying, visits: visited } in trails {
            waiting.iter().for_each(|ticket| drop(self.waiting.remove(ticket)));
            proxying.iter().for_each(|ticket| drop(self.proxying.remove(ticket)));
            visits.extend(visited);
        }
        visits
    }

    fn put(&mut self, prefix: &str, waiting: Waiting, random: [u8; RANDOM_BYTES]) -> String {
        let ticket = spelt(prefix, random);
        let trail = self.sessions.entry(waiting.session.clone()).or_default();
        if let Some(oldest) = push(&mut trail.waiting, ticket.clone(), Limits::WAITING) {
            self.waiting.remove(&oldest);
        }
        self.waiting.insert(ticket.clone(), waiting);
        ticket
    }
}

/// Adds `item`; gives back the oldest, where there are more than `most`.
fn push<T>(queue: &mut VecDeque<T>, item: T, most: usize) -> Option<T> {
    queue.push_back(item);
    if queue.len() > most { queue.pop_front() } else { None }
}

/// A ticket in characters, at most 33: every application takes 64, and service tickets stay within the 32 of old ones.
fn spelt(prefix: &str, random: [u8; RANDOM_BYTES]) -> String {
    let characters = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    prefix.chars().chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SERVICE: &str = "https://appli.exemple/";
    const OTHER: &str = "https://autre.exemple/";
    const ANY: Demand = Demand { fresh: false, proxied: true };
    const OWN: Demand = Demand { fresh: false, proxied: false };

    fn session(number: u8) -> SessionKey {
        SessionKey {
            account: AccountId::new("e-0001"),
            machine: Mac::new([2, 0, 0, 0, 0, number]),
            since: Moment::from_unix_seconds(1_800_000_000),
        }
    }

    /// Tickets that differ: each call gives the next number as its randomness.
    #[derive(Default)]
    struct Desk {
        tickets: Tickets,
        made: u32,
    }

    impl Desk {
        fn random(&mut self) -> [u8; RANDOM_BYTES] {
            self.made += 1;
            let mut bytes = [0; RANDOM_BYTES];
            for (place, byte) in bytes.iter_mut().enumerate().take(6) {
                *byte = u8::try_from((self.made >> (5 * place)) % 32).unwrap();
            }
            bytes
        }

        fn grant(&mut self, number: u8, service: &str, login: Login, now: Instant) -> String {
            let random = self.random();
            self.tickets.grant(&session(number), service, login, now, random).unwrap()
        }

        fn redeem(&mut self, ticket: &str, demand: Demand, now: Instant) -> Result<Accepted, Refused> {
            self.tickets.redeem(ticket, SERVICE, demand, now)
        }

        fn proxying(&mut self, accepted: &Accepted, callback: &str) -> Option<Proxying> {
            let random = [self.random(), self.random()];
            self.tickets.allow_proxying(accepted, callback, random)
        }

        fn proxy(&mut self, ticket: &str, service: &str, now: Instant) -> Option<String> {
            let random = self.random();
            self.tickets.proxy(ticket, service, now, random)
        }
    }

    #[test]
    fn a_ticket_is_accepted_once() {
        let (mut desk, now) = (Desk::default(), Instant::now());
        let ticket = desk.grant(1, SERVICE, Login::Kept, now);
        assert_eq!(desk.redeem(&ticket, ANY, now).unwrap().session, session(1));
        assert_eq!(desk.redeem(&ticket, ANY, now), Err(Refused::Unknown));
    }

    #[test]
    fn a_look_that_fails_kills_the_ticket() {
        let now = Instant::now();
        for (service, demand, refused) in
            [(OTHER, ANY, Refused::OtherService), (SERVICE, Demand { fresh: true, ..ANY }, Refused::NotFresh)]
        {
            let mut desk = Desk::default();
            let ticket = desk.grant(1, SERVICE, Login::Kept, now);
            assert_eq!(desk.tickets.redeem(&ticket, service, demand, now), Err(refused));
            assert_eq!(desk.redeem(&ticket, ANY, now), Err(Refused::Unknown));
        }
    }

    #[test]
    fn a_ticket_waits_a_minute() {
        let (mut desk, now) = (Desk::default(), Instant::now());
        let (one, other) =
            (desk.grant(1, SERVICE, Login::Kept, now), desk.grant(1, SERVICE, Login::Kept, now));
        assert!(desk.redeem(&one, ANY, now + Duration::from_millis(59_999)).is_ok());
        assert_eq!(desk.redeem(&other, ANY, now + LIFE), Err(Refused::Unknown));
    }

    #[test]
    fn whoever_demands_the_password_gets_only_tickets_of_a_password() {
        let (mut desk, now) = (Desk::default(), Instant::now());
        let ticket = desk.grant(1, SERVICE, Login::Fresh, now);
        let accepted = desk.redeem(&ticket, Demand { fresh: true, proxied: false }, now).unwrap();
        assert_eq!(accepted.login, Login::Fresh);
    }

    #[test]
    fn a_chain_of_applications_is_told_the_last_one_first_and_has_an_end() {
        let (mut desk, now) = (Desk::default(), Instant::now());
        let ticket = desk.grant(1, SERVICE, Login::Kept, now);
        let mut accepted = desk.redeem(&ticket, OWN, now).unwrap();
        for number in 0..Limits::CHAIN {
            let proxying = desk.proxying(&accepted, &format!("https://{number}.exemple/")).unwrap();
            assert!(proxying.iou.starts_with("PGTIOU-") && proxying.ticket.starts_with("PGT-"));
            let ticket = desk.proxy(&proxying.ticket, SERVICE, now).unwrap();
            accepted = desk.redeem(&ticket, ANY, now).unwrap();
        }
        let told: Vec<_> = accepted.proxies.iter().map(|proxy| &**proxy).collect();
        assert_eq!(
            told,
            ["https://3.exemple/", "https://2.exemple/", "https://1.exemple/", "https://0.exemple/"]
        );
        assert!(desk.proxying(&accepted, "https://4.exemple/").is_none());
    }

    #[test]
    fn a_proxy_ticket_is_no_service_ticket_and_never_fresh() {
        let (mut desk, now) = (Desk::default(), Instant::now());
        for (demand, refused) in
            [(OWN, Refused::Proxied), (Demand { fresh: true, proxied: true }, Refused::NotFresh)]
        {
            let ticket = desk.grant(1, SERVICE, Login::Fresh, now);
            let accepted = desk.redeem(&ticket, OWN, now).unwrap();
            let proxying = desk.proxying(&accepted, OTHER).unwrap();
            let proxied = desk.proxy(&proxying.ticket, SERVICE, now).unwrap();
            assert!(proxied.starts_with("PT-"));
            assert_eq!(desk.redeem(&proxied, demand, now), Err(refused));
            assert_eq!(desk.redeem(&proxied, ANY, now), Err(Refused::Unknown));
        }
    }

    #[test]
    fn the_end_of_a_session_kills_its_tickets_and_nobody_elses_and_names_the_visits() {
        let (mut desk, now) = (Desk::default(), Instant::now());
        let visited = desk.grant(1, SERVICE, Login::Kept, now);
        let accepted = desk.redeem(&visited, OWN, now).unwrap();
        let proxying = desk.proxying(&accepted, OTHER).unwrap();
        let waiting = desk.grant(1, SERVICE, Login::Kept, now);
        let proxied = desk.proxy(&proxying.ticket, SERVICE, now).unwrap();
        let of_another = desk.grant(2, SERVICE, Login::Kept, now);
        let visits = desk.tickets.end_others(|key| *key == session(2));
        assert_eq!(visits, [Visit { service: SERVICE.to_owned(), ticket: visited }]);
        for ticket in [waiting, proxied] {
            assert_eq!(desk.redeem(&ticket, ANY, now), Err(Refused::Unknown));
        }
        assert_eq!(desk.proxy(&proxying.ticket, SERVICE, now), None);
        assert!(desk.proxying(&accepted, OTHER).is_none());
        assert!(desk.redeem(&of_another, ANY, now).is_ok());
        assert!(desk.tickets.end_others(|key| *key == session(2)).is_empty());
    }

    #[test]
    fn a_session_that_asks_without_end_pushes_out_its_own_tickets() {
        let (mut desk, now) = (Desk::default(), Instant::now());
        let of_another = desk.grant(2, SERVICE, Login::Kept, now);
        let first = desk.grant(1, SERVICE, Login::Kept, now);
        for _ in 0..1000 {
            desk.grant(1, SERVICE, Login::Kept, now);
        }
        assert_eq!(desk.tickets.waiting.len(), Limits::WAITING + 1);
        assert_eq!(desk.redeem(&first, ANY, now), Err(Refused::Unknown));
        assert!(desk.redeem(&of_another, ANY, now).is_ok());
    }

    #[test]
    fn a_proxy_granting_ticket_that_did_not_arrive_makes_nothing() {
        let (mut desk, now) = (Desk::default(), Instant::now());
        let ticket = desk.grant(1, SERVICE, Login::Kept, now);
        let accepted = desk.redeem(&ticket, OWN, now).unwrap();
        let proxying = desk.proxying(&accepted, OTHER).unwrap();
        assert_eq!(desk.tickets.proxying_session(&proxying.ticket), Some(&session(1)));
        desk.tickets.revoke_proxying(&proxying.ticket);
        assert_eq!(desk.proxy(&proxying.ticket, SERVICE, now), None);
    }

    #[test]
    fn a_service_ticket_is_short_enough_for_the_oldest_applications() {
        assert!(spelt("ST-", [255; RANDOM_BYTES]).len() <= 32);
        assert!(spelt("PGTIOU-", [0; RANDOM_BYTES]).len() <= 64);
    }

    proptest! {
        #[test]
        fn no_ticket_is_accepted_twice_and_none_for_another_service(
            acts in prop::collection::vec((0_usize..8, any::<bool>(), any::<bool>(), 0_u64..90), 1..60)
        ) {
            let (mut desk, mut now) = (Desk::default(), Instant::now());
            let mut made: Vec<(String, &str, Instant)> = Vec::new();
            let mut accepted: Vec<String> = Vec::new();
            for (place, makes, at_home, seconds) in acts {
                if makes || made.is_empty() {
                    let service = if at_home { SERVICE } else { OTHER };
                    let number = u8::try_from(place % 3).unwrap();
                    made.push((desk.grant(number, service, Login::Kept, now), service, now));
                    continue;
                }
                now += Duration::from_secs(seconds / 10);
                let (ticket, service, since) = made[place % made.len()].clone();
                let asked_for = if at_home { SERVICE } else { OTHER };
                if desk.tickets.redeem(&ticket, asked_for, OWN, now).is_ok() {
                    prop_assert_eq!(service, asked_for);
                    prop_assert!(now < since + LIFE);
                    prop_assert!(!accepted.contains(&ticket));
                    accepted.push(ticket);
                }
            }
        }
    }
}
