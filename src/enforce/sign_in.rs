//! The one road into a session: verified, written down, kept on disk, and only then in force.
//!
//! [`SignIn`] is what the portal calls. [`SignInService`] is the one writer of sessions: it begins and ends them one at a
//! time, and sees to it that no end is lost: what the journal did not take is offered to it again each second. A request
//! that the portal gives up half-way is finished all the same, so the journal never tells of a session that did not begin.

use std::{net::IpAddr, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    identity::{Ending, Identity, SessionToken, SessionView, SignInRefusal, Verified},
    journal::Journal,
    model::{AccountId, Mac, Presence, PresenceChange, Zone},
    system::clock::Clock,
};

/// Sign-ins and sign-outs that may wait for the writer; each takes milliseconds.
const WAITING_MAX: usize = 256;

/// How often ended sessions are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The way to sign in and out. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct SignIn {
    identity: Identity,
    requests: mpsc::Sender<Request>,
}

/// The writer of sessions, which must be served for anybody to sign in.
#[derive(Debug)]
pub struct SignInService {
    identity: Identity,
    journal: Journal,
    clock: Clock,
    requests: mpsc::Receiver<Request>,
}

/// A session that has begun, and the secret that its browser proves it by.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session.
    pub view: SessionView,
    /// For the browser that signed in, and for nobody else.
    pub token: SessionToken,
}

#[derive(Debug)]
enum Request {
    Begin { who: Who, place: Place, answer: oneshot::Sender<Result<SignedIn, SignInRefusal>> },
    End { whose: Whose, answer: oneshot::Sender<()> },
}

/// Who is to be signed in.
#[derive(Debug)]
enum Who {
    Verified(Verified),
    /// The person whose session, on another machine, this token proves.
    Resuming(SessionToken),
}

/// Where somebody signs in.
#[derive(Debug)]
struct Place {
    zone: Box<Zone>,
    machine: Mac,
    source: IpAddr,
}

/// Whose sessions end, and by whom.
#[derive(Debug)]
enum Whose {
    /// The one on the machine behind an address, by its person.
    OfSource(IpAddr),
    /// The one on a machine, by somebody who looks after the school.
    OfMachine(Mac),
    /// A person's on all their machines.
    OfAccount(AccountId),
}

impl SignIn {
    /// The way in, and the service behind it.
    #[must_use]
    pub fn new(identity: Identity, journal: Journal, clock: Clock) -> (Self, SignInService) {
        let (sender, requests) = mpsc::channel(WAITING_MAX);
        let service = SignInService { identity: identity.clone(), journal, clock, requests };
        (Self { identity, requests: sender }, service)
    }

    /// Signs somebody in by login and password on the machine behind `source` in `zone`. When this returns a session, it is
    /// in the journal, on disk and in force.
    ///
    /// # Errors
    /// A refusal; no session has then begun.
    pub async fn sign_in(
        &self,
        login: &str,
        password: &str,
        zone: &Zone,
        source: IpAddr,
    ) -> Result<SignedIn, SignInRefusal> {
        let place = self.place(zone, source)?;
        let verified = self.identity.verify(login, password, Some(place.machine), place.source).await?;
        self.begin(Who::Verified(verified), place).await
    }

    /// Signs a visitor in by the code of a voucher, as [`SignIn::sign_in`] does.
    ///
    /// # Errors
    /// A refusal; no session has then begun.
    pub async fn sign_in_with_voucher(
        &self,
        code: &str,
        zone: &Zone,
        source: IpAddr,
    ) -> Result<SignedIn, SignInRefusal> {
        let place = self.place(zone, source)?;
        let verified = self.identity.verify_voucher(code, Some(place.machine), place.source)?;
        self.begin(Who::Verified(verified), place).await
    }

    /// Signs somebody in whom the ENT has named, as [`SignIn::sign_in`] does.
    ///
    /// # Errors
    /// A refusal; no session has then begun.
    pub async fn sign_in_verified(
        &self,
        verified: Verified,
        zone: &Zone,
        source: IpAddr,
    ) -> Result<SignedIn, SignInRefusal> {
        let place = self.place(zone, source)?;
        self.begin(Who::Verified(verified), place).await
    }

    /// Takes the session that `token` proves along to the machine behind `source`; on its machine of before it ends. It
    /// lasts no longer than it would have, and has another token from then on.
    ///
    /// # Errors
    /// A refusal; the session then goes on where it is.
    pub async fn resume(
        &self,
        token: &SessionToken,
        zone: &Zone,
        source: IpAddr,
    ) -> Result<SignedIn, SignInRefusal> {
        let place = self.place(zone, source)?;
        self.begin(Who::Resuming(token.clone()), place).await
    }

    /// Ends the session on the machine behind `source`, where there is one.
    pub async fn sign_out(&self, source: IpAddr) {
        self.finish(Whose::OfSource(source)).await;
    }

    /// Ends the session on `machine`, whoever's it is, where there is one.
    pub async fn end(&self, machine: Mac) {
        self.finish(Whose::OfMachine(machine)).await;
    }

    /// Ends the sessions of the person of `account` on all their machines.
    pub async fn sign_out_everywhere(&self, account: &AccountId) {
        self.finish(Whose::OfAccount(account.clone())).await;
    }

    fn place(&self, zone: &Zone, source: IpAddr) -> Result<Place, SignInRefusal> {
        let source = source.to_canonical();
        // The person's presence is worth nothing without a machine to bind it to.
        let machine = self.identity.machine_of(source).filter(|_| zone.contains(source));
        let machine = machine.ok_or(SignInRefusal::MachineUnknown)?;
        Ok(Place { zone: Box::new(zone.clone()), machine, source })
    }

    async fn begin(&self, who: Who, place: Place) -> Result<SignedIn, SignInRefusal> {
        let (answer, answered) = oneshot::channel();
        let request = Request::Begin { who, place, answer };
        // Closed: a writer that is gone or overrun signs nobody in.
        self.requests.try_send(request).map_err(|_| SignInRefusal::Busy)?;
        answered.await.unwrap_or(Err(SignInRefusal::Busy))
    }

    async fn finish(&self, whose: Whose) {
        let (answer, answered) = oneshot::channel();
        if self.requests.send(Request::End { whose, answer }).await.is_ok() {
            // A writer that stops while it is asked has ended the session or will find it in force.
            let _ = answered.await;
        }
    }
}

impl SignInService {
    /// Begins and ends sessions until `stop`.
    ///
    /// # Errors
    /// None at present: a disk or a journal that refuses is met by refusing.
    pub async fn serve(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut changes = self.identity.changes();
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Some(request) = self.requests.recv() => self.answer(request).await,
                Ok(()) = changes.changed() => self.write_endings().await,
                _ = look.tick() => self.write_endings().await,
            }
        }
    }

    async fn answer(&self, request: Request) {
        match request {
            Request::Begin { who, place, answer } => {
                // Whoever gave up waiting is signed in all the same.
                let _ = answer.send(self.begin(who, place).await);
            }
            Request::End { whose, answer } => {
                let (machines, change) = match whose {
                    Whose::OfSource(source) => {
                        (Vec::from_iter(self.identity.machine_of(source)), PresenceChange::SignedOut)
                    }
                    // For the record it ended by itself: its person did nothing. Who ended it is in the trail of acts.
                    Whose::OfMachine(machine) => (vec![machine], PresenceChange::Expired),
                    Whose::OfAccount(account) => {
                        (self.identity.machines_of_account(&account), PresenceChange::SignedOut)
                    }
                };
                if self.identity.end(machines, change).await {
                    self.write_endings().await;
                }
                let _ = answer.send(());
            }
        }
    }

    async fn begin(&self, who: Who, place: Place) -> Result<SignedIn, SignInRefusal> {
        // Without randomness nobody signs in: a token that can be foreseen would be somebody else's as well.
        let token = SessionToken::random().map_err(|_| SignInRefusal::NotWritten)?;
        let Place { zone, machine, source } = place;
        let beginning = match who {
            Who::Verified(verified) => self.identity.prepare(&verified, &token, &zone, machine, source),
            Who::Resuming(old) => self.identity.prepare_resumed((&old, &token), &zone, machine, source)?,
        };
        let presences = beginning.presences().to_vec();
        let sign_in = presences.last().cloned();
        if self.journal.record(presences, Vec::new()).await.is_err() {
            // Closed: who cannot be written down is not signed in.
            return Err(SignInRefusal::NotWritten);
        }
        match self.identity.commit(beginning).await {
            Ok(view) => Ok(SignedIn { view, token }),
            Err(cause) => {
                warn!(cause = format!("{cause:#}"), "cannot begin a session");
                self.take_back(sign_in).await;
                Err(SignInRefusal::NotWritten)
            }
        }
    }

    /// Writes that a session which was announced did not begin.
    async fn take_back(&self, sign_in: Option<Presence>) {
        let end = sign_in.map(|presence| Presence {
            at: self.clock.now(),
            change: PresenceChange::SignedOut,
            ..presence
        });
        if self.journal.record(Vec::from_iter(end), Vec::new()).await.is_err() {
            warn!("cannot write that a session did not begin");
        }
    }

    /// Brings the ends of sessions, in force already, into the journal. What it does not take stays for the next time.
    async fn write_endings(&self) {
        if let Err(cause) = self.identity.forget_learned().await {
            warn!(cause = format!("{cause:#}"), "passwords of persons who are gone stay on disk");
        }
        let endings = self.identity.endings();
        if endings.is_empty() {
            return;
        }
        let presences = endings.iter().filter_map(Ending::presence).cloned().collect();
        if self.journal.record(presences, Vec::new()).await.is_ok()
            && let Err(cause) = self.identity.forget(endings).await
        {
            warn!(cause = format!("{cause:#}"), "ended sessions stay on disk");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        identity::test_school::{School, address, machine, zone},
        journal::{Record, Segment, Settings},
        model::Subject,
    };

    /// A school with its journal and the service of sign-ins running.
    struct Running {
        school: School,
        identity: Identity,
        sign_in: SignIn,
        stop: CancellationToken,
        stop_journal: CancellationToken,
        services: tokio::task::JoinSet<anyhow::Result<()>>,
    }

    impl Running {
        fn start(school: School) -> Self {
            let identity = school.open();
            let settings = Settings { dir: school.dir.path().join("journal") };
            let (journal, writer) = Journal::open(&settings, school.clock.clone()).unwrap();
            let (sign_in, service) = SignIn::new(identity.clone(), journal, school.clock.clone());
            let (stop, stop_journal) = (CancellationToken::new(), CancellationToken::new());
            let mut services = tokio::task::JoinSet::new();
            services.spawn(service.serve(stop.clone()));
            services.spawn(writer.serve(stop_journal.clone()));
            Self { school, identity, sign_in, stop, stop_journal, services }
        }

        async fn sign_in(&self, login: &str, password: &str, number: u8) -> Result<SignedIn, SignInRefusal> {
            self.sign_in.sign_in(login, password, &zone("cdi", 10), address(number)).await
        }

        async fn stop(mut self) -> School {
            self.stop.cancel();
            self.stop_journal.cancel();
            while let Some(ended) = self.services.join_next().await {
                ended.unwrap().unwrap();
            }
            self.school
        }

        async fn stop_the_journal(&mut self) {
            self.stop_journal.cancel();
            self.services.join_next().await.unwrap().unwrap().unwrap();
        }

        async fn until(&self, fact: impl Fn() -> bool) {
            for _ in 0..500 {
                if fact() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            panic!("it did not come to be within five seconds");
        }
    }

    /// The presences in the journal: account and change, in the order of writing.
    fn presences(dir: &Path) -> Vec<(String, PresenceChange)> {
        let mut paths: Vec<_> = std::fs::read_dir(dir.join("journal"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("presences-"))
            .collect();
        paths.sort();
        let mut all = Vec::new();
        for path in paths {
            for record in Segment::read(&std::fs::read(path).unwrap()).unwrap().records() {
                if let Record::Presence(presence) = record.unwrap() {
                    all.push((presence.account.as_str().to_owned(), presence.change));
                }
            }
        }
        all
    }

    fn told(account: &str, change: PresenceChange) -> (String, PresenceChange) {
        (account.to_owned(), change)
    }

    #[tokio::test]
    async fn a_session_is_in_the_journal_when_it_is_in_force() {
        let running = Running::start(School::new());
        let session = running.sign_in("camille", "cerise", 1).await.unwrap();
        assert_eq!(session.view.account.id.as_str(), "E1");
        assert!(matches!(running.identity.who(&zone("cdi", 10), address(1)).subject, Subject::Person(_)));
        let dir = running.school.dir.path().to_owned();
        assert_eq!(presences(&dir), [told("E1", PresenceChange::SignedIn(address(1)))]);
        running.sign_in("alix", "prune", 1).await.unwrap();
        running.sign_in.sign_out(address(1)).await;
        running.sign_in.sign_out(address(1)).await;
        assert_eq!(
            presences(&dir)[1..],
            [
                told("E1", PresenceChange::Replaced),
                told("E2", PresenceChange::SignedIn(address(1))),
                told("E2", PresenceChange::SignedOut),
            ]
        );
        running.stop().await;
    }

    #[tokio::test]
    async fn who_cannot_be_written_down_is_not_signed_in() {
        let mut running = Running::start(School::new());
        running.stop_the_journal().await;
        assert_eq!(running.sign_in("camille", "cerise", 1).await.unwrap_err(), SignInRefusal::NotWritten);
        assert!(running.identity.session_of(address(1)).is_none());
        running.stop().await;
    }

    #[tokio::test]
    async fn a_machine_that_is_not_known_cannot_sign_in() {
        let running = Running::start(School::new());
        for source in [IpAddr::from([10, 10, 0, 77]), IpAddr::from([10, 99, 0, 1])] {
            running.identity.learn_neighbour(IpAddr::from([10, 99, 0, 1]), Some(machine(1)));
            let refused =
                running.sign_in.sign_in("camille", "cerise", &zone("cdi", 10), source).await.unwrap_err();
            assert_eq!(refused, SignInRefusal::MachineUnknown);
        }
        running.stop().await;
    }

    #[tokio::test]
    async fn the_end_of_a_sessions_time_is_written_and_forgotten() {
        let running = Running::start(School::new());
        running.sign_in("camille", "cerise", 1).await.unwrap();
        let mut changes = running.identity.changes();
        changes.mark_unchanged();
        running.school.wait(Duration::from_secs(3601));
        assert!(running.identity.session_of(address(1)).is_none());
        changes.changed().await.unwrap();
        let dir = running.school.dir.path().to_owned();
        running.until(|| presences(&dir).len() == 2).await;
        assert_eq!(presences(&dir)[1], told("E1", PresenceChange::Expired));
        running.until(|| running.identity.endings().is_empty()).await;
        running.stop().await;
    }

    #[tokio::test]
    async fn an_end_that_the_journal_did_not_take_is_written_after_a_restart() {
        let mut running = Running::start(School::new());
        running.sign_in("camille", "cerise", 1).await.unwrap();
        running.stop_the_journal().await;
        running.sign_in.sign_out(address(1)).await;
        assert!(running.identity.session_of(address(1)).is_none());
        let school = running.stop().await;
        let dir = school.dir.path().to_owned();
        assert_eq!(presences(&dir).len(), 1);
        let again = Running::start(school);
        again.until(|| presences(&dir).len() == 2).await;
        assert_eq!(presences(&dir)[1], told("E1", PresenceChange::SignedOut));
        again.stop().await;
    }

    #[tokio::test]
    async fn people_who_sign_in_at_once_on_one_machine_leave_one_session_and_a_whole_record() {
        let running = Running::start(School::new());
        let (one, other) =
            tokio::join!(running.sign_in("camille", "cerise", 1), running.sign_in("alix", "prune", 1));
        one.unwrap();
        other.unwrap();
        assert_eq!(running.identity.count(), 1);
        let told = presences(running.school.dir.path());
        assert_eq!(told.len(), 3);
        assert_eq!(told[1], (told[0].0.clone(), PresenceChange::Replaced));
        running.stop().await;
    }

    #[tokio::test]
    async fn a_sign_in_given_up_half_way_is_finished() {
        let running = Running::start(School::new());
        let verified = running.identity.verify("camille", "cerise", None, address(1)).await.unwrap();
        let (answer, answered) = oneshot::channel();
        let place = Place { zone: Box::new(zone("cdi", 10)), machine: machine(1), source: address(1) };
        let request = Request::Begin { who: Who::Verified(verified), place, answer };
        running.sign_in.requests.try_send(request).unwrap();
        drop(answered);
        running.until(|| running.identity.session_of(address(1)).is_some()).await;
        assert_eq!(presences(running.school.dir.path()), [told("E1", PresenceChange::SignedIn(address(1)))]);
        running.stop().await;
    }
}
