//! Farewell: when a session is over, every application it went to is told, so that nobody finds the next pupil's browser
//! signed in as the one before.
//!
//! Sent and forgotten, as the protocol has it: an application that does not answer keeps its own session, and nothing here
//! waits for it.

use std::sync::Arc;

use bytes::Bytes;
use hyper::{Method, Request, header};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    answer::escaped,
    desk::{Desk, random},
    service_url::ServiceUrl,
};
use crate::{identity::tickets::Visit, model::Moment, system::clock::Clock};

/// Applications that are told at once: an application that hangs holds a place for ten seconds.
const TELLING_MAX: usize = 32;

/// Farewells that may wait for a place: a whole school that leaves three applications at the day's end.
const WAITING_MAX: usize = 4096;

/// The one who says farewell.
#[derive(Debug)]
pub(in crate::portal) struct Farewell {
    desk: Arc<Desk>,
    clock: Clock,
}

impl Farewell {
    pub(in crate::portal) fn new(desk: Arc<Desk>, clock: Clock) -> Self {
        Self { desk, clock }
    }

    /// Watches sessions end until `stop`.
    pub(in crate::portal) async fn serve(self, stop: CancellationToken) {
        let mut changes = self.desk.changes();
        let mut waiting: Vec<Visit> = Vec::new();
        let mut telling = JoinSet::new();
        loop {
            while telling.len() < TELLING_MAX
                && let Some(visit) = waiting.pop()
            {
                telling.spawn(tell(self.desk.clone(), visit, self.clock.now()));
            }
            tokio::select! {
                () = stop.cancelled() => return,
                Some(_) = telling.join_next() => continue,
                Ok(()) = changes.changed() => {}
            }
            let mut over = self.desk.end_others();
            let room = WAITING_MAX.saturating_sub(waiting.len());
            if over.len() > room {
                warn!(untold = over.len() - room, "too many sessions of applications end at once");
                over.truncate(room);
            }
            waiting.append(&mut over);
        }
    }
}

async fn tell(desk: Arc<Desk>, visit: Visit, now: Moment) {
    let Some(url) = ServiceUrl::read(&visit.service) else { return };
    let Some(request) = random().and_then(|id| request(&url, &visit.ticket, now, &id)) else { return };
    desk.call(&url, request).await;
}

/// The request that ends the application's session of `ticket`: a form with one field, as clients expect it.
fn request(url: &ServiceUrl, ticket: &str, now: Moment, id: &[u8]) -> Option<Request<Bytes>> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("logoutRequest", &message(ticket, now, id))
        .finish();
    Request::builder()
        .method(Method::POST)
        .uri(url.as_str())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from(form))
        .ok()
}

/// The message of SAML 2.0 (CAS 3.0, appendix C). Whose session it is the ticket tells; the name is not told.
fn message(ticket: &str, now: Moment, id: &[u8]) -> String {
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"LR-{id}\" Version=\"2.0\" \
         IssueInstant=\"{now}\"><saml:NameID>@NOT_USED@</saml:NameID>\
         <samlp:SessionIndex>{}</samlp:SessionIndex></samlp:LogoutRequest>",
        escaped(ticket)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_is_told_by_the_ticket_it_looked_at() {
        let url = ServiceUrl::read("https://appli.exemple/cas?a=b").unwrap();
        let request = request(&url, "ST-abc", Moment::from_unix_seconds(1_800_000_000), &[1, 255]).unwrap();
        assert_eq!(request.uri(), "https://appli.exemple/cas?a=b");
        let form: Vec<_> = form_urlencoded::parse(request.body()).collect();
        let [(name, message)] = form.as_slice() else { panic!("{form:?}") };
        assert_eq!(name, "logoutRequest");
        for part in [
            "<samlp:SessionIndex>ST-abc</samlp:SessionIndex>",
            "ID=\"LR-01ff\"",
            "IssueInstant=\"2027-01-15T08:00:00.000Z\"",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }
}
