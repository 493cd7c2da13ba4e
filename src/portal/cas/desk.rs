//! The desk of the CAS server: tickets, joined with the sessions they hang on and the applications they are for.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use axum::http::HeaderMap;
use bytes::Bytes;
use hyper::Request;
use tokio::time::Instant;

use super::{
    application::{Application, Settings, UserWord},
    dialect::Described,
    pace::Pace,
    service_url::ServiceUrl,
};
use crate::{
    enforce::{dns::Resolver, web_client::WebClient},
    identity::{
        Identity, SessionView,
        tickets::{Login, RANDOM_BYTES, SessionKey, Tickets, Visit},
    },
    portal::{sign_in::token_of, visitor::Visitor},
};

/// How long a sign-in at the ENT, with the password asked for there, counts as the password just given.
const FRESH: Duration = Duration::from_secs(60);

/// The CAS server's state.
#[derive(Debug)]
pub(in crate::portal) struct Desk {
    settings: Settings,
    /// One for each application, in their order: each may have authorities of its own.
    clients: Vec<WebClient>,
    identity: Identity,
    tickets: Mutex<Tickets>,
    /// Sessions that began with the password given at the ENT, and when.
    passwords: Mutex<HashMap<SessionKey, Instant>>,
    pace: Mutex<Pace>,
}

impl Desk {
    /// A desk without tickets.
    ///
    /// # Errors
    /// When an application's authorities cannot be read.
    pub(in crate::portal) fn new(
        settings: Settings,
        identity: Identity,
        resolver: &Resolver,
    ) -> anyhow::Result<Self> {
        let client = |application: &Application| {
            WebClient::new(resolver.clone(), application.authorities_path.as_deref())
                .with_context(|| format!("cannot call the application `{}`", application.name))
        };
        let clients = settings.applications.iter().map(client).collect::<anyhow::Result<_>>()?;
        Ok(Self {
            settings,
            clients,
            identity,
            tickets: Mutex::default(),
            passwords: Mutex::default(),
            pace: Mutex::default(),
        })
    }

    /// The application whose service is at `text`, with that address taken apart.
    pub(super) fn service(&self, text: &str) -> Option<(ServiceUrl, &Application)> {
        let url = ServiceUrl::read(text)?;
        let (_, application) = self.settings.application(&url)?;
        Some((url, application))
    }

    /// The person before the portal: whoever is signed in on the machine, else whose session the browser proves.
    pub(super) fn session(&self, visitor: &Visitor, headers: &HeaderMap) -> Option<SessionView> {
        let on_machine = self.identity.session_of(visitor.source);
        on_machine.or_else(|| self.identity.session_by_token(&token_of(headers)?))
    }

    /// Notes that the person gave their password at the ENT for `session`, which has just begun.
    pub(in crate::portal) fn note_password(&self, session: &SessionView) {
        let now = Instant::now();
        let mut passwords = self.passwords.lock().unwrap_or_else(PoisonError::into_inner);
        // Bounded by the sessions that can begin within the time.
        passwords.retain(|_, given| now.saturating_duration_since(*given) < FRESH);
        passwords.insert(key_of(session), now);
    }

    /// Whether the password of `session` was given at the ENT a moment ago: the box cannot ask for a password that it does
    /// not have, so this is what `renew` can have. That the ENT knew the person is not enough.
    pub(super) fn has_given_password(&self, session: &SessionView) -> bool {
        let passwords = self.passwords.lock().unwrap_or_else(PoisonError::into_inner);
        passwords.get(&key_of(session)).is_some_and(|given| given.elapsed() < FRESH)
    }

    /// The session in force that `key` is about.
    pub(super) fn session_of(&self, key: &SessionKey) -> Option<SessionView> {
        self.identity.sessions_now().into_iter().find(|session| key_of(session) == *key)
    }

    /// A ticket for `service`. None where it cannot be made: no randomness, or far too many sessions.
    pub(super) fn grant(&self, session: &SessionView, service: &ServiceUrl, login: Login) -> Option<String> {
        let random = random()?;
        self.tickets().grant(&key_of(session), service.as_str(), login, Instant::now(), random)
    }

    /// Whether an application at `source` may ask at this moment.
    pub(super) fn allows(&self, source: IpAddr) -> bool {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).allows(source, Instant::now())
    }

    /// The tickets, for a moment.
    pub(super) fn tickets(&self) -> MutexGuard<'_, Tickets> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The word by which `application` knows the person; none where the box does not know it either.
    pub(super) fn user(&self, application: &Application, session: &SessionView) -> Option<String> {
        let id = &session.account.id;
        match application.user {
            UserWord::Id => Some(id.as_str().to_owned()),
            UserWord::Login => self.identity.person(id)?.login.clone(),
        }
    }

    /// The person in the words of dialects.
    pub(super) fn described(&self, session: &SessionView) -> Described {
        let account = &session.account;
        let person = self.identity.person(&account.id);
        // Accounts of the school's own file have a name to show and no parts of it.
        let parts = person.as_deref().filter(|person| !person.given_name.is_empty());
        let attachments = person.as_deref().map_or(&[][..], |person| &person.schools);
        let here = &self.settings.school;
        let of_here: Vec<_> = attachments.iter().filter(|attached| attached.school == *here).collect();
        let text = |names: &[crate::model::ClassName]| -> Vec<String> {
            names.iter().map(|name| name.as_str().to_owned()).collect()
        };
        let classes = if attachments.is_empty() {
            text(&account.classes)
        } else {
            of_here.iter().flat_map(|attached| text(&attached.classes)).collect()
        };
        Described {
            id: account.id.as_str().to_owned(),
            login: person.as_deref().and_then(|person| person.login.clone()),
            family_name: parts.map(|person| person.family_name.clone()),
            given_name: parts.map(|person| person.given_name.clone()),
            display_name: account.display_name.clone(),
            role: account.role,
            role_word: account.role.word().to_owned(),
            school: here.as_str().to_owned(),
            classes,
            groups: of_here.iter().flat_map(|attached| text(&attached.groups)).collect(),
        }
    }

    /// Kills the tickets of every session that is over, and says who is to be told.
    pub(super) fn end_others(&self) -> Vec<Visit> {
        if self.tickets().is_empty() {
            return Vec::new();
        }
        let in_force: HashSet<_> = self.identity.sessions_now().iter().map(key_of).collect();
        self.tickets().end_others(|key| in_force.contains(key))
    }

    /// Sends `request` to the application whose service `url` is, and says whether it answered with a success. What went
    /// wrong is the application's to find out: it knows that it was not told.
    pub(super) async fn call(&self, url: &ServiceUrl, request: Request<Bytes>) -> bool {
        let Some((index, application)) = self.settings.application(url) else { return false };
        let Some(client) = self.clients.get(index) else { return false };
        match client.send(request, application.at).await {
            Ok(answer) => answer.status().is_success(),
            Err(cause) => {
                tracing::debug!(%cause, "an application does not answer");
                false
            }
        }
    }

    /// Changes each time a session may have ended.
    pub(super) fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.identity.changes()
    }
}

/// Which session it is.
pub(super) fn key_of(session: &SessionView) -> SessionKey {
    SessionKey { account: session.account.id.clone(), machine: session.machine, since: session.since }
}

/// Fresh randomness for one ticket; none where the system has none.
pub(super) fn random() -> Option<[u8; RANDOM_BYTES]> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes)
}
