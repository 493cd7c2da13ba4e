//! Leaving for the ENT, coming back, and signing out there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use hyper::Request;
use thiserror::Error;
use tokio::{
    sync::{Notify, Semaphore, watch},
    time::{Instant, timeout},
};
use tracing::warn;

use super::{
    Protocol, Service, Settings, cas,
    cas_answer::read_logout,
    departures::{Departure, Departures, Secrets},
    ended::EntSessions,
    limits::{DISCOVERY_KEPT, LOOK_TIME_MAX, QUESTION_WAIT_MAX, QUESTIONS_MAX},
    oidc::Provider,
    oidc_client::{self, Registration},
    outlook::Outlook,
};
use crate::{
    enforce::{
        dns::Resolver,
        web_client::{CertificateFault, WebClient, WebError},
    },
    identity::{EntMatch, EntStanding, Identity},
    model::{AccountId, Mac},
    system::clock::Clock,
};

/// The school's ENT. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub struct Ent {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    client: WebClient,
    clock: Clock,
    departures: Mutex<Departures>,
    sessions: Mutex<EntSessions>,
    /// The provider of OpenID Connect as it described itself, and when.
    provider: Mutex<Option<(Arc<Provider>, Instant)>>,
    /// Places for those whose ticket is being asked about.
    questions: Semaphore,
    outlook: watch::Sender<Outlook>,
    look: Notify,
}

/// Why somebody who left for the ENT is not signed in. None of them is the person's fault but [`Self::Declined`].
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum EntRefusal {
    /// The ENT does not answer, or says that it is broken.
    #[error("the ENT is away")]
    Away,
    /// Its certificate does not hold; with [`CertificateFault::Dates`] it may be the box's clock.
    #[error("the ENT's certificate does not hold: {0}")]
    Certificate(CertificateFault),
    /// Nobody left from this machine with this cookie, or too long ago, or they are back already.
    #[error("a return without a departure")]
    Strange,
    /// The ENT says no: the ticket is not good, or the person gave up.
    #[error("the ENT declines")]
    Declined,
    /// What it says is not of the protocol.
    #[error("the ENT's answer cannot be read")]
    Unreadable,
    /// It says yes, without the attribute or claim that the configuration names, or with two of them.
    #[error("the ENT's answer lacks the identifier")]
    NoId,
    /// Too many people come back at once.
    #[error("too many return at once")]
    Busy,
}

impl From<WebError> for EntRefusal {
    fn from(error: WebError) -> Self {
        match error {
            WebError::Certificate(fault) => Self::Certificate(fault),
            WebError::Size | WebError::Url => Self::Unreadable,
            WebError::Name(_) | WebError::Connection(_) | WebError::Protocol | WebError::Time => Self::Away,
        }
    }
}

/// Whether the ENT shall take somebody who is signed in there as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// It may.
    AnySession,
    /// It shall ask for the password again: another person sits there now.
    PasswordAgain,
}

/// Somebody leaves for the ENT.
#[derive(Clone, Debug)]
pub struct Left {
    /// Where the browser is sent.
    pub url: String,
    /// What its cookie must hold at the return: 43 letters, digits, `-` and `_`.
    pub key: String,
}

/// What a browser brings back from the ENT.
#[derive(Clone, Debug, Default)]
pub struct Returned {
    /// The ticket of CAS.
    pub ticket: Option<String>,
    /// The code of OpenID Connect.
    pub code: Option<String>,
    /// The state of OpenID Connect.
    pub state: Option<String>,
}

/// Somebody is back, and the ENT says who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// What the ENT calls them: see [`Ent::matches`].
    pub claimed: String,
    /// The page they were on the way to, as [`Ent::depart`] was told it.
    pub wanted: Option<String>,
    /// Whether the ENT has asked for the password, and did not take them as signed in there.
    pub gave_password: bool,
}

/// The ENT's own word for a person.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Claimed(pub(super) String);

impl Ent {
    /// The ENT of `settings`, and the service that looks at it for `identity`.
    ///
    /// # Errors
    /// When the certificate authorities cannot be read.
    pub fn open(
        settings: Settings,
        resolver: Resolver,
        identity: Identity,
        clock: Clock,
    ) -> anyhow::Result<(Self, Service)> {
        let client = WebClient::new(resolver, settings.authorities_path.as_deref())?;
        // Until the first look what people have here works.
        identity.set_ent(Outlook::UNKNOWN.standing());
        let shared = Shared {
            settings,
            client,
            clock,
            departures: Mutex::default(),
            sessions: Mutex::default(),
            provider: Mutex::default(),
            questions: Semaphore::new(QUESTIONS_MAX),
            outlook: watch::Sender::new(Outlook::UNKNOWN),
            look: Notify::new(),
        };
        let ent = Self { shared: Arc::new(shared) };
        Ok((ent.clone(), Service { ent, identity }))
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.settings.name
    }

    /// By what [`Arrived::claimed`] names a person.
    #[must_use]
    pub fn matches(&self) -> EntMatch {
        self.shared.settings.matches
    }

    /// Whether it was there when the box last looked. Where that is some seconds ago it looks again, for the next to ask.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        let outlook = self.outlook();
        if !outlook.is_fresh(Instant::now()) {
            self.shared.look.notify_one();
        }
        outlook.standing() == EntStanding::Reachable
    }

    /// Somebody leaves `machine` for the ENT, on the way to the page `wanted`. Nobody is sent where nothing answers: an old
    /// look is taken again first.
    ///
    /// # Errors
    /// [`EntRefusal::Away`], and what OpenID Connect's description can have wrong with it.
    pub async fn depart(
        &self,
        machine: Mac,
        wanted: Option<String>,
        demand: Demand,
    ) -> Result<Left, EntRefusal> {
        self.be_sure_of_it().await?;
        let is_renewed = demand == Demand::PasswordAgain;
        let [key, state, nonce, verifier] = [random()?, random()?, random()?, random()?];
        let secrets = Secrets { state, nonce, verifier };
        let settings = &self.shared.settings;
        let url = match &settings.protocol {
            Protocol::Cas => cas::login_url(settings, is_renewed),
            Protocol::Oidc { client_id, client_secret } => {
                let provider = self.provider().await?;
                let registration = Registration { client_id, client_secret };
                oidc_client::authorization_url(settings, &provider, registration, &secrets, is_renewed)
            }
        };
        let departure = Departure { machine, at: Instant::now(), is_renewed, wanted, secrets };
        self.departures().note(key.clone(), departure);
        Ok(Left { url, key })
    }

    /// Somebody comes back to `machine` with `key` in the cookie. The ENT is asked who they are; each departure is good for
    /// one return.
    ///
    /// # Errors
    /// See [`EntRefusal`]; nobody is then signed in.
    pub async fn arrive(&self, key: &str, machine: Mac, returned: &Returned) -> Result<Arrived, EntRefusal> {
        let departure = self.departures().take(key, machine, Instant::now()).ok_or(EntRefusal::Strange)?;
        let place = timeout(QUESTION_WAIT_MAX, self.shared.questions.acquire()).await;
        let _place = place.ok().and_then(Result::ok).ok_or(EntRefusal::Busy)?;
        let confirmed = self.confirm(&departure, returned).await;
        match &confirmed {
            // The next one to come shall not be sent there in vain.
            Err(EntRefusal::Away | EntRefusal::Certificate(_)) => self.shared.look.notify_one(),
            Err(cause @ (EntRefusal::Unreadable | EntRefusal::NoId)) => {
                warn!(%cause, "somebody is back from the ENT and cannot be signed in");
            }
            _ => {}
        }
        Ok(Arrived { claimed: confirmed?.0, wanted: departure.wanted, gave_password: departure.is_renewed })
    }

    /// Where the browser ends its session at the ENT, and comes back to the portal from.
    #[must_use]
    pub fn sign_out_url(&self) -> Option<String> {
        let settings = &self.shared.settings;
        match &settings.protocol {
            Protocol::Cas => Some(cas::logout_url(settings)),
            Protocol::Oidc { client_id, client_secret } => {
                let (provider, _) = self.known_provider()?;
                let registration = Registration { client_id, client_secret };
                oidc_client::end_session_url(settings, &provider, registration)
            }
        }
    }

    /// Notes that the session of `account` on `machine` began with `ticket`.
    pub fn note_session(&self, ticket: &str, machine: Mac, account: AccountId) {
        self.sessions().note(ticket, machine, account);
    }

    /// Notes that the session of `account` was taken along from one machine to another: what the ENT ends is then there.
    pub fn note_moved(&self, account: &AccountId, from: Mac, to: Mac) {
        self.sessions().moved(account, from, to);
    }

    /// The session that the ENT says is over, in what it posts as `logoutRequest`. Only the ENT and the browser that brought
    /// it know a ticket, so whoever names one may end what it began.
    #[must_use]
    pub fn ended_by_ent(&self, logout_request: &str) -> Option<(Mac, AccountId)> {
        let ticket = read_logout(logout_request).ok()?;
        self.sessions().take(&ticket)
    }

    /// Looks whether the ENT is there.
    pub(super) async fn look(&self) -> Result<(), WebError> {
        let settings = &self.shared.settings;
        let request = match &settings.protocol {
            Protocol::Cas => cas::look(settings),
            Protocol::Oidc { .. } => oidc_client::discovery(settings),
        };
        let answer = self.shared.client.send(request.map_err(|_| WebError::Url)?, None).await?;
        // A server that knows no HEAD is there all the same; one behind a proxy that says 502 to 504 is not.
        if answer.status().is_server_error() && answer.status() != hyper::StatusCode::NOT_IMPLEMENTED {
            return Err(WebError::Protocol);
        }
        match &settings.protocol {
            Protocol::Cas => Ok(()),
            Protocol::Oidc { .. } => {
                self.keep_provider(answer.body()).map(drop).map_err(|_| WebError::Protocol)
            }
        }
    }

    /// Ends when somebody wants to know whether the ENT is there.
    pub(super) async fn look_is_wanted(&self) {
        self.shared.look.notified().await;
    }

    /// Asks for a look, whatever the age of the last.
    #[cfg(test)]
    pub(super) fn shared_look_for_tests(&self) {
        self.shared.look.notify_one();
    }

    /// As if the box had looked and found it there, or not.
    #[cfg(test)]
    pub(crate) fn seen_for_tests(&self, identity: &Identity, is_there: bool) {
        let (now, seen) = (Instant::now(), Outlook::UNKNOWN);
        self.set_outlook(seen.after(is_there, now));
        identity.set_ent(self.outlook().standing());
    }

    pub(super) fn outlook(&self) -> Outlook {
        *self.shared.outlook.borrow()
    }

    pub(super) fn set_outlook(&self, outlook: Outlook) {
        self.shared.outlook.send_replace(outlook);
    }

    /// Waits for a fresh look where the last is old.
    async fn be_sure_of_it(&self) -> Result<(), EntRefusal> {
        let mut outlooks = self.shared.outlook.subscribe();
        if !outlooks.borrow().is_fresh(Instant::now()) {
            self.shared.look.notify_one();
            let fresh = outlooks.wait_for(|outlook| outlook.is_fresh(Instant::now()));
            // Two looks that fail, one after the other; whoever waits longer is told what is known.
            drop(timeout(LOOK_TIME_MAX * 3, fresh).await);
        }
        match self.outlook().standing() {
            EntStanding::Reachable => Ok(()),
            EntStanding::Away | EntStanding::None => Err(EntRefusal::Away),
        }
    }

    async fn confirm(&self, departure: &Departure, returned: &Returned) -> Result<Claimed, EntRefusal> {
        let Shared { settings, client, clock, .. } = &*self.shared;
        match &settings.protocol {
            Protocol::Cas => {
                let ticket = returned.ticket.as_deref().ok_or(EntRefusal::Declined)?;
                cas::confirm(settings, client, ticket, departure.is_renewed).await
            }
            Protocol::Oidc { client_id, client_secret } => {
                // The cookie says already which departure it is; a provider that changes the state is not of this sign-in.
                if returned.state.as_deref() != Some(departure.secrets.state.as_str()) {
                    return Err(EntRefusal::Strange);
                }
                let code = returned.code.as_deref().ok_or(EntRefusal::Declined)?;
                let provider = self.provider().await?;
                let registration = Registration { client_id, client_secret };
                let sign_in = (code, &departure.secrets);
                oidc_client::confirm(settings, client, &provider, registration, sign_in, clock.now()).await
            }
        }
    }

    /// The provider's description, asked for where it is not known or old.
    async fn provider(&self) -> Result<Arc<Provider>, EntRefusal> {
        if let Some((provider, at)) = self.known_provider()
            && at.elapsed() < DISCOVERY_KEPT
        {
            return Ok(provider);
        }
        let answer = self.shared.client.send(oidc_client::discovery(&self.shared.settings)?, None).await?;
        if answer.status().is_server_error() {
            return Err(EntRefusal::Away);
        }
        self.keep_provider(answer.body())
    }

    fn keep_provider(&self, body: &[u8]) -> Result<Arc<Provider>, EntRefusal> {
        let issuer = self.shared.settings.url.as_str();
        let provider = Arc::new(Provider::read(body, issuer).map_err(|_| EntRefusal::Unreadable)?);
        let mut known = self.shared.provider.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((Arc::clone(&provider), Instant::now()));
        Ok(provider)
    }

    fn known_provider(&self) -> Option<(Arc<Provider>, Instant)> {
        self.shared.provider.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn departures(&self) -> MutexGuard<'_, Departures> {
        self.shared.departures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions(&self) -> MutexGuard<'_, EntSessions> {
        self.shared.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request for `url`.
pub(super) fn get(url: &str) -> Result<Request<Bytes>, EntRefusal> {
    Request::get(url).body(Bytes::new()).map_err(|_| EntRefusal::Unreadable)
}

/// 32 random bytes as 43 letters, digits, `-` and `_`.
fn random() -> Result<String, EntRefusal> {
    let mut bytes = [0; 32];
    // Closed: without randomness nobody leaves.
    getrandom::fill(&mut bytes).map_err(|_| EntRefusal::Busy)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
