//! Sessions: which person uses which machine, from when to when. One to a machine; it goes with the machine from zone to
//! zone and from address to address.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use super::token::TokenDigest;
use crate::model::{
    Account, AccountId, Assurance, Mac, Moment, Presence, PresenceChange, ZoneKind, ZoneName,
};

/// Addresses a session remembers of each family. Privacy extensions change IPv6 addresses daily and keep the last week's.
const IPV4_ADDRESSES_MAX: usize = 4;
const IPV6_ADDRESSES_MAX: usize = 16;

/// A session that seems to begin this much later than it is was begun under a clock that ran ahead, and is over.
const CLOCK_SLACK: Duration = Duration::from_secs(600);

/// One person at one machine.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) account_id: AccountId,
    /// The account as the directory has it; none when it vanished from there.
    pub(super) account: Option<Arc<Account>>,
    /// How the person showed who they are.
    pub(super) assurance: Assurance,
    /// What the browser proves it by; none in sessions begun before there were tokens.
    pub(super) proof: Option<Proof>,
    /// The zone it began in.
    pub(super) zone: ZoneName,
    pub(super) since: Moment,
    pub(super) until: Moment,
    /// When and how it ended, until it is forgotten.
    pub(super) over: Option<Over>,
    /// Whether it was used in another zone than it began in. Not kept across a restart.
    pub(super) has_travelled: bool,
    /// Addresses the journal holds for it, the oldest first. Not kept across a restart: they are recorded again.
    pub(super) addresses: Vec<IpAddr>,
}

/// What a browser proves a session by, and where it may take it along to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Proof {
    pub(super) digest: TokenDigest,
    /// The kind of zone it began in.
    pub(super) zone_kind: ZoneKind,
}

/// How a session is to begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start<'a> {
    pub(super) account: &'a Arc<Account>,
    pub(super) assurance: Assurance,
    pub(super) proof: Proof,
    pub(super) zone: &'a ZoneName,
    pub(super) machine: Mac,
    pub(super) from: IpAddr,
    pub(super) now: Moment,
    pub(super) until: Moment,
    /// Machines the person may be signed in on at once.
    pub(super) machines_max: u8,
    /// The machine whose session this one carries on.
    pub(super) moved_from: Option<Mac>,
}

/// The end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Over {
    pub(super) at: Moment,
    pub(super) change: PresenceChange,
    /// Whether the journal holds it; what is left is to remove the session from disk.
    pub(super) is_written: bool,
}

/// A session in force, as pages show it to its own person and to those who look after the school.
#[derive(Clone, Debug)]
pub struct SessionView {
    /// The person.
    pub account: Arc<Account>,
    /// The machine.
    pub machine: Mac,
    /// The zone it began in.
    pub zone: ZoneName,
    /// How the person showed who they are.
    pub assurance: Assurance,
    /// When it began.
    pub since: Moment,
    /// When it will end by itself.
    pub until: Moment,
    /// The addresses the machine used in it, the oldest first.
    pub addresses: Vec<IpAddr>,
}

/// A session that is ready to begin: its presences must be in the journal before it is put into force.
#[must_use]
#[derive(Clone, Debug)]
pub struct Beginning {
    pub(super) machine: Mac,
    pub(super) session: Session,
    /// Other machines of the same person whose sessions give way.
    pub(super) giving_way: Vec<Mac>,
    pub(super) presences: Vec<Presence>,
}

impl Beginning {
    /// What the journal must hold first: the ends of the sessions that give way, then the sign-in.
    #[must_use]
    pub fn presences(&self) -> &[Presence] {
        &self.presences
    }
}

/// The end of a session, in force already, that the journal must hold before it may be forgotten.
#[derive(Clone, Debug)]
pub struct Ending {
    pub(super) machine: Mac,
    pub(super) since: Moment,
    pub(super) presence: Presence,
    pub(super) is_written: bool,
}

impl Ending {
    /// What the journal must hold; none where it does already.
    #[must_use]
    pub fn presence(&self) -> Option<&Presence> {
        (!self.is_written).then_some(&self.presence)
    }
}

impl Session {
    /// The person, where the session is in force at `now`.
    pub(super) fn person(&self, now: Moment) -> Option<&Arc<Account>> {
        let runs = self.over.is_none() && now < self.until && self.since <= now + CLOCK_SLACK;
        self.account.as_ref().filter(|_| runs)
    }

    /// The session, where it is in force at `now`; `machine` is the one it is on.
    pub(super) fn view(&self, machine: Mac, now: Moment) -> Option<SessionView> {
        self.person(now).map(|account| SessionView {
            account: account.clone(),
            machine,
            zone: self.zone.clone(),
            assurance: self.assurance,
            since: self.since,
            until: self.until,
            addresses: self.addresses.clone(),
        })
    }

    /// Remembers that the journal holds `address`; the oldest of its family makes room.
    fn see(&mut self, address: IpAddr) {
        if self.addresses.contains(&address) {
            return;
        }
        let most = if address.is_ipv4() { IPV4_ADDRESSES_MAX } else { IPV6_ADDRESSES_MAX };
        let is_of_family = |known: &IpAddr| known.is_ipv4() == address.is_ipv4();
        if self.addresses.iter().filter(|known| is_of_family(known)).count() >= most
            && let Some(oldest) = self.addresses.iter().position(is_of_family)
        {
            self.addresses.remove(oldest);
        }
        self.addresses.push(address);
    }

    /// How the session ended, or ends at `now` with `change`. One past its time ended then, whoever comes after.
    fn end(&self, now: Moment, change: PresenceChange) -> Over {
        self.over.unwrap_or(if now < self.until {
            Over { at: now, change, is_written: false }
        } else {
            Over { at: self.until, change: PresenceChange::Expired, is_written: false }
        })
    }

    /// The end of the session on `machine` as the journal writes it.
    fn presence(&self, machine: Mac, over: Over) -> Presence {
        let (account, zone) = (self.account_id.clone(), self.zone.clone());
        Presence { at: over.at, account, zone, machine, change: over.change }
    }
}

/// All sessions, those in force and those whose end is not in the journal yet.
#[derive(Debug, Default)]
pub(super) struct Sessions(HashMap<Mac, Session>);

impl Sessions {
    pub(super) fn of(&self, machine: Mac) -> Option<&Session> {
        self.0.get(&machine)
    }

    pub(super) fn count(&self, now: Moment) -> usize {
        self.0.values().filter(|session| session.person(now).is_some()).count()
    }

    /// Those in force at `now`.
    pub(super) fn views(&self, now: Moment) -> Vec<SessionView> {
        self.0.iter().filter_map(|(machine, session)| session.view(*machine, now)).collect()
    }

    /// The machine of the session that the token with this digest proves.
    pub(super) fn by_proof(&self, digest: TokenDigest) -> Option<Mac> {
        let proves = |session: &Session| session.proof.is_some_and(|proof| proof.digest == digest);
        self.0.iter().find(|(_, session)| proves(session)).map(|(machine, _)| *machine)
    }

    pub(super) fn restore(&mut self, machine: Mac, session: Session) {
        self.0.insert(machine, session);
    }

    /// Gives every session its account anew from `find`.
    pub(super) fn attach(&mut self, find: impl Fn(&AccountId) -> Option<Arc<Account>>) {
        for session in self.0.values_mut() {
            session.account = find(&session.account_id);
        }
    }

    /// The session that begins by `start`, and what must be written before it does.
    pub(super) fn prepare(&self, start: Start<'_>) -> Beginning {
        let Start {
            account,
            assurance,
            proof,
            zone,
            machine,
            from,
            now,
            until,
            machines_max: _,
            moved_from: _,
        } = start;
        let giving_way = self.giving_way(start);
        let mut presences = Vec::new();
        for ended in std::iter::once(machine).chain(giving_way.iter().copied()) {
            let Some(session) = self.0.get(&ended) else { continue };
            let again = ended == machine && session.account_id == account.id;
            let change = if again { PresenceChange::SignedOut } else { PresenceChange::Replaced };
            let over = session.end(now, change);
            if !over.is_written {
                presences.push(session.presence(ended, over));
            }
        }
        presences.push(Presence {
            at: now,
            account: account.id.clone(),
            zone: zone.clone(),
            machine,
            change: PresenceChange::SignedIn(from),
        });
        let session = Session {
            account_id: account.id.clone(),
            account: Some(account.clone()),
            assurance,
            proof: Some(proof),
            zone: zone.clone(),
            since: now,
            until,
            over: None,
            has_travelled: false,
            addresses: vec![from],
        };
        Beginning { machine, session, giving_way, presences }
    }

    /// The oldest machines of the person that must give way for one more, or the one that the session moves from.
    fn giving_way(&self, start: Start<'_>) -> Vec<Mac> {
        if let Some(from) = start.moved_from {
            return vec![from];
        }
        let mut others: Vec<_> = self
            .0
            .iter()
            .filter(|(other, session)| {
                **other != start.machine
                    && session.account_id == start.account.id
                    && session.person(start.now).is_some()
            })
            .map(|(other, session)| (session.since, *other))
            .collect();
        others.sort_unstable();
        let too_many = (others.len() + 1).saturating_sub(usize::from(start.machines_max));
        others.into_iter().take(too_many).map(|(_, other)| other).collect()
    }

    /// Puts a written session into force.
    pub(super) fn commit(&mut self, beginning: Beginning) {
        for machine in beginning.giving_way {
            self.0.remove(&machine);
        }
        self.0.insert(beginning.machine, beginning.session);
    }

    /// Ends, as the journal says already, what was to give way to a session that could not begin.
    pub(super) fn abandon(&mut self, beginning: &Beginning, now: Moment) {
        for machine in beginning.giving_way.iter().chain([&beginning.machine]) {
            if let Some(session) = self.0.get_mut(machine) {
                session.over = Some(Over { is_written: true, ..session.end(now, PresenceChange::Replaced) });
            }
        }
    }

    /// Ends the session on `machine` by `change`, where one is in force.
    pub(super) fn end(&mut self, machine: Mac, now: Moment, change: PresenceChange) -> Option<Over> {
        let session = self.0.get_mut(&machine).filter(|session| session.person(now).is_some())?;
        let over = session.end(now, change);
        session.over = Some(over);
        Some(over)
    }

    /// Remembers that the session on `machine` was used in another zone than it began in.
    pub(super) fn travel(&mut self, machine: Mac) {
        if let Some(session) = self.0.get_mut(&machine) {
            session.has_travelled = true;
        }
    }

    /// Ends what is past its time, without an account, or begun in the future; says whether there was any.
    pub(super) fn end_due(&mut self, now: Moment) -> bool {
        let mut any = false;
        for session in self.0.values_mut() {
            if session.over.is_none() && session.person(now).is_none() {
                session.over = Some(session.end(now, PresenceChange::Expired));
                any = true;
            }
        }
        any
    }

    /// The ends of sessions that are not forgotten yet.
    pub(super) fn endings(&self) -> Vec<Ending> {
        let over = self.0.iter().filter_map(|(machine, session)| Some((*machine, session, session.over?)));
        over.map(|(machine, session, over)| Ending {
            machine,
            since: session.since,
            presence: session.presence(machine, over),
            is_written: over.is_written,
        })
        .collect()
    }

    /// Remembers that the journal holds an end.
    pub(super) fn written(&mut self, ending: &Ending) {
        if let Some(session) = self.0.get_mut(&ending.machine)
            && session.since == ending.since
            && let Some(over) = &mut session.over
        {
            over.is_written = true;
        }
    }

    /// Forgets a session whose end is written, unless another took its place.
    pub(super) fn forget(&mut self, ending: &Ending) {
        if self
            .0
            .get(&ending.machine)
            .is_some_and(|session| session.over.is_some() && session.since == ending.since)
        {
            self.0.remove(&ending.machine);
        }
    }

    /// Remembers an address that the journal holds.
    pub(super) fn seen(&mut self, presence: &Presence) {
        if let PresenceChange::AddressUsed(address) = presence.change
            && let Some(session) = self.0.get_mut(&presence.machine)
            && session.account_id == presence.account
        {
            session.see(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{identity::MachinesMax, model::Role};

    const START: Moment = Moment::from_unix_seconds(1_800_000_000);
    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 10, 0, 5));

    fn account(id: &str, role: Role) -> Arc<Account> {
        Arc::new(Account { id: AccountId::new(id), display_name: id.to_owned(), role, classes: Vec::new() })
    }

    fn machine(number: u8) -> Mac {
        Mac::new([2, 0, 0, 0, 0, number])
    }

    fn after(seconds: u64) -> Moment {
        START + Duration::from_secs(seconds)
    }

    /// The sign-in of `account` for an hour on machine `number`, with the token of that number.
    fn prepare(sessions: &Sessions, account: &Arc<Account>, number: u8, at: Moment) -> Beginning {
        let start = Start {
            account,
            assurance: Assurance::Local,
            proof: Proof { digest: TokenDigest([number; 32]), zone_kind: ZoneKind::Pedagogique },
            zone: &"cdi".parse().unwrap(),
            machine: machine(number),
            from: ADDRESS,
            now: at,
            until: at + Duration::from_secs(3600),
            machines_max: MachinesMax::default().of(account.role),
            moved_from: None,
        };
        sessions.prepare(start)
    }

    /// Signs `account` in for an hour, and tells which presences were written.
    fn sign_in(sessions: &mut Sessions, account: &Arc<Account>, number: u8, at: Moment) -> Vec<String> {
        let beginning = prepare(sessions, account, number, at);
        let told = beginning.presences().iter().map(tell).collect();
        sessions.commit(beginning);
        told
    }

    /// A presence in short: account, machine, change, seconds since the start.
    fn tell(presence: &Presence) -> String {
        let change = match presence.change {
            PresenceChange::SignedIn(_) => "in",
            PresenceChange::AddressUsed(_) => "address",
            PresenceChange::SignedOut => "out",
            PresenceChange::Expired => "expired",
            PresenceChange::Replaced => "replaced",
        };
        let [.., number] = presence.machine.bytes();
        format!("{} {number} {change} {}", presence.account.as_str(), presence.at.since(START).as_secs())
    }

    #[test]
    fn a_second_person_on_a_machine_replaces_the_first() {
        let mut sessions = Sessions::default();
        let (camille, alix) = (account("camille", Role::Eleve), account("alix", Role::Eleve));
        assert_eq!(sign_in(&mut sessions, &camille, 1, START), ["camille 1 in 0"]);
        assert_eq!(sign_in(&mut sessions, &alix, 1, after(60)), ["camille 1 replaced 60", "alix 1 in 60"]);
        assert_eq!(sessions.of(machine(1)).unwrap().person(after(60)), Some(&alix));
        assert_eq!(sign_in(&mut sessions, &alix, 1, after(90)), ["alix 1 out 90", "alix 1 in 90"]);
        assert_eq!(
            sign_in(&mut sessions, &camille, 1, after(9000)),
            ["alix 1 expired 3690", "camille 1 in 9000"]
        );
    }

    #[test]
    fn a_pupil_has_three_machines_and_anybody_else_five() {
        for (role, most) in [(Role::Eleve, 3), (Role::Enseignant, 5), (Role::Invite, 5)] {
            let mut sessions = Sessions::default();
            let person = account("p", role);
            for number in 1..=most {
                assert_eq!(sign_in(&mut sessions, &person, number, after(number.into())).len(), 1);
            }
            let told = sign_in(&mut sessions, &person, 9, after(100));
            assert_eq!(told, ["p 1 replaced 100", "p 9 in 100"], "{role}");
            assert_eq!(sessions.count(after(100)), usize::from(most));
            assert!(sessions.of(machine(1)).is_none());
        }
    }

    #[test]
    fn a_session_is_over_at_its_end_and_under_a_clock_set_back() {
        let mut sessions = Sessions::default();
        let camille = account("camille", Role::Eleve);
        sign_in(&mut sessions, &camille, 1, START);
        let session = sessions.of(machine(1)).unwrap();
        for (at, runs) in [
            (START, true),
            (START - Duration::from_secs(600), true),
            (START - Duration::from_secs(601), false),
            (after(3599), true),
            (after(3600), false),
        ] {
            assert_eq!(session.person(at).is_some(), runs, "{at}");
        }
    }

    #[test]
    fn an_end_is_told_until_it_is_forgotten_and_at_the_time_it_happened() {
        let mut sessions = Sessions::default();
        let camille = account("camille", Role::Eleve);
        sign_in(&mut sessions, &camille, 1, START);
        assert!(!sessions.end_due(after(3599)));
        assert!(sessions.endings().is_empty());
        assert!(sessions.end_due(after(4000)));
        assert!(!sessions.end_due(after(4001)));
        let endings = sessions.endings();
        assert_eq!(tell(endings[0].presence().unwrap()), "camille 1 expired 3600");
        sessions.written(&endings[0]);
        assert!(sessions.endings()[0].presence().is_none());
        sessions.forget(&endings[0]);
        assert!(sessions.endings().is_empty());
    }

    #[test]
    fn an_end_that_is_not_written_yet_is_written_with_the_next_sign_in_on_the_machine() {
        let mut sessions = Sessions::default();
        let (camille, alix) = (account("camille", Role::Eleve), account("alix", Role::Eleve));
        sign_in(&mut sessions, &camille, 1, START);
        sessions.end(machine(1), after(5), PresenceChange::SignedOut).unwrap();
        let late = sessions.endings();
        assert_eq!(sign_in(&mut sessions, &alix, 1, after(9)), ["camille 1 out 5", "alix 1 in 9"]);
        sessions.forget(&late[0]);
        assert_eq!(sessions.of(machine(1)).unwrap().person(after(9)), Some(&alix));
    }

    #[test]
    fn who_vanished_from_the_directory_is_out_at_once() {
        let mut sessions = Sessions::default();
        let camille = account("camille", Role::Eleve);
        sign_in(&mut sessions, &camille, 1, START);
        sessions.attach(|_| None);
        assert_eq!(sessions.of(machine(1)).unwrap().person(START), None);
        assert!(sessions.end_due(after(7)));
        assert_eq!(tell(sessions.endings()[0].presence().unwrap()), "camille 1 expired 7");
    }

    #[test]
    fn what_the_journal_says_is_over_is_over_though_the_disk_did_not_take_the_next_session() {
        let mut sessions = Sessions::default();
        let (camille, alix) = (account("camille", Role::Eleve), account("alix", Role::Eleve));
        sign_in(&mut sessions, &camille, 1, START);
        let beginning = prepare(&sessions, &alix, 1, after(5));
        sessions.abandon(&beginning, after(5));
        assert_eq!(sessions.of(machine(1)).unwrap().person(after(5)), None);
        assert!(sessions.endings()[0].presence().is_none());
    }

    #[test]
    fn a_session_remembers_sixteen_ipv6_addresses_and_four_of_ipv4() {
        let mut sessions = Sessions::default();
        let camille = account("camille", Role::Eleve);
        sign_in(&mut sessions, &camille, 1, START);
        let zone: ZoneName = "cdi".parse().unwrap();
        for number in 0..40_u16 {
            for address in [
                IpAddr::from([0xfd00, 0x10, 0, 0, 0, 0, 0, number]),
                IpAddr::from([10, 10, 1, u8::try_from(number).unwrap()]),
            ] {
                sessions.seen(&Presence {
                    at: START,
                    account: camille.id.clone(),
                    zone: zone.clone(),
                    machine: machine(1),
                    change: PresenceChange::AddressUsed(address),
                });
            }
        }
        let addresses = &sessions.of(machine(1)).unwrap().addresses;
        assert_eq!(addresses.iter().filter(|address| address.is_ipv6()).count(), 16);
        assert_eq!(addresses.iter().filter(|address| address.is_ipv4()).count(), 4);
        assert!(addresses.contains(&IpAddr::from([0xfd00, 0x10, 0, 0, 0, 0, 0, 39])));
        assert!(!addresses.contains(&ADDRESS));
    }
}
