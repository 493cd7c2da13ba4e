//! Writes that the ENT's operator declares replayable: handed on at once while the line is up, taken with a receipt while it is
//! not, and handed on then.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue, LOCATION},
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    asked::Asked,
    body::{Body, CutShort},
    cache::Cache,
    cache_status::Forward,
    deferred::{NotTaken, Outcome, Queue, Receipt, Told, Write},
    offers::refused,
    person::PersonKey,
    refusal::{Refusal, receipt_page},
    settings::{Origin, WriteRule},
    upstream::{Outgoing, Patience},
};
use crate::model::ClockTrust;

/// The key by which the ENT knows a request that comes twice (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How long a body may take to come in from the browser.
const BODY_WAIT_MAX: Duration = Duration::from_secs(60);

/// How often it is looked whether something can be handed on, at first and at most.
const LOOK_EVERY: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(120));

/// How often what waited too long is given up.
const TIDY_EVERY: Duration = Duration::from_secs(3600);

/// The fields that go along with a write: what its body is, and what its person is known by.
const FIELDS: [&str; 9] = [
    "accept",
    "accept-language",
    "authorization",
    "content-language",
    "content-type",
    "cookie",
    "idempotency-key",
    "origin",
    "x-csrf-token",
];

/// What the cache has of writes.
pub(super) struct Writes {
    queue: Queue,
    /// Who must come to which origin again, and a digest of what their browser showed there last.
    missed: Mutex<HashMap<(PersonKey, String), blake3::Hash>>,
}

impl Writes {
    pub(super) fn new(queue: Queue) -> Self {
        Self { queue, missed: Mutex::default() }
    }

    fn missed(&self) -> MutexGuard<'_, HashMap<(PersonKey, String), blake3::Hash>> {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up, after a start, who must come to which origin again.
    async fn remember(&self) -> anyhow::Result<()> {
        for (person, origin, fields) in self.queue.missed().await? {
            self.miss(person, origin, &fields);
        }
        Ok(())
    }

    /// Notes that `origin` did not know `person` by these fields.
    fn miss(&self, person: PersonKey, origin: String, fields: &[(String, Vec<u8>)]) {
        let shown: Vec<_> = fields.iter().filter(|(name, _)| is_shown(name)).cloned().collect();
        self.missed().insert((person, origin), digest(&shown));
    }

    /// Hears that `person` asks something of `origin`: writes that waited for this go on, with what the browser shows.
    pub(super) async fn hear(&self, person: PersonKey, origin: &Origin, fields: &HeaderMap) {
        let key = (person, origin.host.as_str().to_owned());
        let shown = shown(fields);
        let digest = digest(&shown);
        let is_news = self.missed().get(&key).is_some_and(|last| *last != digest);
        if !is_news || shown.is_empty() {
            return;
        }
        match self.queue.signed_in_again(person, &key.1, shown).await {
            Ok(_) => drop(self.missed().remove(&key)),
            Err(cause) => {
                warn!(cause = format!("{cause:#}"), "cannot hand on writes that waited for a sign-in")
            }
        }
    }
}

/// What a browser is known by.
fn shown(fields: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let known_by = [COOKIE, AUTHORIZATION];
    let shown = known_by.iter().flat_map(|name| fields.get_all(name).iter().map(move |value| (name, value)));
    shown.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

fn digest(shown: &[(String, Vec<u8>)]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for part in shown.iter().flat_map(|(name, value)| [name.as_bytes(), value]) {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize()
}

impl Cache {
    /// Hands a write on, or takes it where the origin does not answer. It goes with the number of its receipt from the first
    /// time on: where the line breaks under it, nobody knows whether the origin has it, and it may come again.
    pub(super) async fn hand_in(
        &self,
        mut asked: Asked,
        person: PersonKey,
        body: Option<Outgoing>,
        writes: &Writes,
    ) -> Response<Body> {
        let body = match body {
            Some(body) => match whole(body, writes.queue.body_bytes_max()).await {
                Ok(body) => body,
                Err(refusal) => return refused(&asked, refusal),
            },
            None => Bytes::new(),
        };
        let Ok(receipt) = Receipt::random() else { return Refusal::NotSent.response() };
        let key = HeaderValue::from_str(&format!("\"{receipt}\""))
            .expect("a receipt is letters, digits and hyphens");
        asked.fields.entry(IDEMPOTENCY_KEY).or_insert(key);
        let seems_down = self.0.client.seems_down(&asked.origin);
        if !seems_down
            && let Ok(answer) =
                self.try_pass(&asked, Some(outgoing(body.clone())), Forward::Method, Patience::HasCopy).await
        {
            return answer;
        }
        let write = Write {
            person,
            origin: asked.origin.host.as_str().to_owned(),
            method: asked.method.as_str().to_owned(),
            target: asked.path.clone(),
            fields: kept_fields(&asked.fields),
            body,
        };
        match writes.queue.take(&receipt, write, self.0.clock.now()).await {
            Ok(()) => receipt_page(&receipt, &asked.fields, self.0.elsewhere.as_ref()),
            Err(NotTaken::TooLarge) => refused(&asked, Refusal::TooLargeBody),
            Err(NotTaken::TooMany | NotTaken::Full) => refused(&asked, Refusal::NotSent),
            Err(NotTaken::Failed(cause)) => {
                warn!(cause = format!("{cause:#}"), "cannot keep a write for the ENT");
                refused(&asked, Refusal::NotSent)
            }
        }
    }

    /// What became of what `person` sent while the line was down, the youngest first.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn receipts(&self, person: PersonKey) -> anyhow::Result<Vec<Told>> {
        match &self.0.writes {
            Some(writes) => writes.queue.told(person).await,
            None => Ok(Vec::new()),
        }
    }

    /// Hands on what waits, until `stop`.
    pub(super) async fn hand_on(&self, writes: &Writes, stop: CancellationToken) {
        if let Err(cause) = writes.remember().await {
            warn!(cause = format!("{cause:#}"), "cannot read whose writes wait for a sign-in");
        }
        let (mut pause, mut tidied) = (LOOK_EVERY.0, None);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(pause) => {}
            }
            // One start in 2099 must not take anything away.
            let is_due = tidied.is_none_or(|at: Instant| at.elapsed() > TIDY_EVERY);
            if is_due && self.0.clock.trust() == ClockTrust::Trusted {
                tidied = Some(Instant::now());
                if let Err(cause) = writes.queue.forget_old(self.0.clock.now()).await {
                    warn!(cause = format!("{cause:#}"), "cannot give up writes that waited too long");
                }
            }
            let mut has_failed = false;
            for origin in self.0.origins.all() {
                if origin.writes.is_empty() || self.0.client.seems_down(origin) {
                    continue;
                }
                tokio::select! {
                    () = stop.cancelled() => return,
                    handed = self.hand_on_to(origin, writes) => has_failed |= !handed,
                }
            }
            pause = if has_failed { (pause * 2).min(LOOK_EVERY.1) } else { LOOK_EVERY.0 };
        }
    }

    /// Hands on what waits for `origin`, in order. False where it stopped in the middle and is to be tried later.
    async fn hand_on_to(&self, origin: &Origin, writes: &Writes) -> bool {
        loop {
            let (receipt, write) = match writes.queue.next(origin.host.as_str()).await {
                Ok(Some(next)) => next,
                Ok(None) => return true,
                Err(cause) => {
                    warn!(cause = format!("{cause:#}"), "cannot read the writes that wait");
                    return false;
                }
            };
            let Some(outcome) = self.hand_one_on(origin, &write).await else { return false };
            if outcome == Outcome::SignInNeeded {
                writes.miss(write.person, write.origin.clone(), &write.fields);
            }
            if let Err(cause) = writes.queue.settle(&receipt, outcome, self.0.clock.now()).await {
                warn!(cause = format!("{cause:#}"), "cannot note what became of a write; it goes once more");
                return false;
            }
            debug!(?outcome, "a write was handed on");
        }
    }

    /// What the origin makes of `write`; none where it does not say.
    async fn hand_one_on(&self, origin: &Origin, write: &Write) -> Option<Outcome> {
        let mut request = Request::builder().method(write.method.as_str()).uri(&write.target);
        for (name, value) in &write.fields {
            request = request.header(name, value.as_slice());
        }
        // What was once read as a request can be written as one; else it would wait for ever.
        let Ok(request) = request.body(()) else { return Some(Outcome::Refused(400)) };
        let (mut head, ()) = request.into_parts();
        Asked::address(&mut head.headers, origin);
        let answer = self
            .0
            .client
            .send(origin, head, Some(outgoing(write.body.clone())), Patience::Full)
            .await
            .ok()?;
        let rule = origin.write_rule(&write.method, &write.target);
        outcome(answer.status(), answer.headers(), origin, rule)
    }
}

/// What an answer means for a write; none where it is to go again later.
fn outcome(
    status: StatusCode,
    fields: &HeaderMap,
    origin: &Origin,
    rule: Option<&WriteRule>,
) -> Option<Outcome> {
    let leads_to_sign_in = || {
        let target = fields.get(LOCATION).and_then(|target| target.to_str().ok()).unwrap_or_default();
        let own = format!("https://{}", origin.host);
        match target.strip_prefix(&own).or_else(|| target.starts_with('/').then_some(target)) {
            Some(path) => rule.is_some_and(|rule| rule.signs_in_at(path)),
            // Elsewhere: where ENTs sign people in.
            None => true,
        }
    };
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(Outcome::SignInNeeded),
        _ if status.is_redirection() && leads_to_sign_in() => Some(Outcome::SignInNeeded),
        _ if status.is_success() || status.is_redirection() => Some(Outcome::Done(status.as_u16())),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => None,
        // The request with this key is being done at this moment, by the draft's section 2.6.
        StatusCode::CONFLICT => None,
        _ if status.is_client_error() => Some(Outcome::Refused(status.as_u16())),
        _ => None,
    }
}

fn is_shown(name: &str) -> bool {
    [COOKIE, AUTHORIZATION].iter().any(|shown| shown.as_str().eq_ignore_ascii_case(name))
}

fn kept_fields(fields: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let kept = fields.iter().filter(|(name, _)| FIELDS.contains(&name.as_str()));
    kept.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

/// All of a body that a browser sends.
async fn whole(body: Outgoing, bytes_max: usize) -> Result<Bytes, Refusal> {
    match timeout(BODY_WAIT_MAX, Limited::new(body, bytes_max).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::TooLargeBody),
        Ok(Err(_)) | Err(_) => Err(Refusal::Bad),
    }
}

fn outgoing(body: Bytes) -> Outgoing {
    Full::new(body).map_err(|never| -> CutShort { match never {} }).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, location: Option<&str>, expected: Option<Outcome>) {
        let rule = WriteRule {
            method: hyper::Method::POST,
            paths: vec!["/devoirs/".parse().unwrap()],
            sign_in: vec!["/connexion/".parse().unwrap()],
        };
        let origin = Origin {
            host: "ent.exemple".parse().unwrap(),
            upstream: super::super::Upstream { address: "192.0.2.1".into(), port: 443, is_secure: true },
            rules: Vec::new(),
            writes: vec![rule.clone()],
        };
        let mut fields = HeaderMap::new();
        if let Some(location) = location {
            fields.insert(LOCATION, HeaderValue::from_str(location).unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(outcome(status, &fields, &origin, Some(&rule)), expected, "{status} {location:?}");
    }

    #[test]
    fn a_write_is_done_refused_waits_for_its_person_or_goes_again() {
        check(201, None, Some(Outcome::Done(201)));
        check(303, Some("/devoirs/12"), Some(Outcome::Done(303)));
        check(303, Some("https://ent.exemple/devoirs/12"), Some(Outcome::Done(303)));
        check(302, Some("/connexion/cas?service=x"), Some(Outcome::SignInNeeded));
        check(302, Some("https://guichet.exemple/login"), Some(Outcome::SignInNeeded));
        check(401, None, Some(Outcome::SignInNeeded));
        check(403, None, Some(Outcome::SignInNeeded));
        check(404, None, Some(Outcome::Refused(404)));
        check(422, None, Some(Outcome::Refused(422)));
        for status in [408, 409, 425, 429, 500, 502, 503, 504] {
            check(status, None, None);
        }
    }
}
