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
    identity::{Beginning, Ending, Identity, SessionView, SignInRefusal, Verified},
    journal::Journal,
    model::{Mac, Presence, PresenceChange, Zone},
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

/// A session that has begun.
pub type SignedIn = SessionView;

#[derive(Debug)]
enum Request {
    Begin {
        verified: Verified,
        zone: Box<Zone>,
        machine: Mac,
        source: IpAddr,
        answer: oneshot::Sender<Result<SignedIn, SignInRefusal>>,
    },
    End {
        source: IpAddr,
        answer: oneshot::Sender<()>,
    },
}

impl SignIn {
    /// The way in, and the service behind it.
    #[must_use]
    pub fn new(identity: Identity, journal: Journal, clock: Clock) -> (Self, SignInService) {
        let (sender, requests) = mpsc::channel(WAITING_MAX);
        let service = SignInService { identity: identity.clone(), journal, clock, requests };
        (Self { identity, requests: sender }, service)
    }

    /// Signs somebody in on the machine behind `source` in `zone`. When this returns a session, it is in the journal, on
    /// disk and in force.
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
        let source = source.to_canonical();
        // The person's presence is worth nothing without a machine to bind it to.
        let machine = self.identity.machine_of(source).filter(|_| zone.contains(source));
        let machine = machine.ok_or(SignInRefusal::MachineUnknown)?;
        let verified = self.identity.verify(login, password, Some(machine), source).await?;
        let (answer, answered) = oneshot::channel();
        let request = Request::Begin { verified, zone: Box::new(zone.clone()), machine, source, answer };
        // Closed: a writer that is gone or overrun signs nobody in.
        self.requests.try_send(request).map_err(|_| SignInRefusal::Busy)?;
        answered.await.unwrap_or(Err(SignInRefusal::Busy))
    }

    /// Ends the session on the machine behind `source`, where there is one.
    pub async fn sign_out(&self, source: IpAddr) {
        let (answer, answered) = oneshot::channel();
        if self.requests.send(Request::End { source, answer }).await.is_ok() {
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
            Request::Begin { verified, zone, machine, source, answer } => {
                let beginning = self.identity.prepare(&verified, &zone, machine, source);
                // Whoever gave up waiting is signed in all the same.
                let _ = answer.send(self.begin(beginning).await);
            }
            Request::End { source, answer } => {
                if self.identity.sign_out(source).await {
                    self.write_endings().await;
                }
                let _ = answer.send(());
            }
        }
    }

    async fn begin(&self, beginning: Beginning) -> Result<SignedIn, SignInRefusal> {
        let presences = beginning.presences().to_vec();
        let sign_in = presences.last().cloned();
        if self.journal.record(presences, Vec::new()).await.is_err() {
            // Closed: who cannot be written down is not signed in.
            return Err(SignInRefusal::NotWritten);
        }
        match self.identity.commit(beginning).await {
            Ok(view) => Ok(view),
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
