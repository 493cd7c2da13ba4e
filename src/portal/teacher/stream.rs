//! `/enseignant/flux`: server-sent events (WHATWG HTML 9.2) that say that something changed, and nothing of what: the
//! page then asks for itself again. A stream ends within a minute, as every connection does; browsers open it anew.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{
        IntoResponse as _, Response,
        sse::{Event, Sse},
    },
};
use futures_util::stream;
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::overview::not_yours;
use crate::{
    admin::{Act, Running},
    portal::{asked::Asked, secure::Secure, visitor::Visitor},
};

/// How long a stream lasts.
const LIFE: Duration = Duration::from_secs(50);

/// What changes within this is told once: at eight o'clock sessions begin by the dozen a second.
const PAUSE: Duration = Duration::from_millis(500);

/// One page that listens.
struct Listening {
    running: watch::Receiver<Arc<Vec<Running>>>,
    people: watch::Receiver<u64>,
    requests: watch::Receiver<u64>,
    ending: CancellationToken,
    until: Instant,
    is_first: bool,
    _place: OwnedSemaphorePermit,
}

pub(super) async fn follow(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
) -> Response {
    if let Err(page) = secure.granted(&visitor, &asked, Act::SeeClasses, not_yours(asked.language)) {
        return *page;
    }
    let Ok(place) = Arc::clone(&secure.listening).try_acquire_owned() else {
        // The page works without; its script tries again by itself.
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let listening = Listening {
        running: secure.acts.openings.running(),
        people: secure.identity.changes(),
        requests: secure.acts.requests.changes(),
        ending: secure.ending.clone(),
        until: Instant::now() + LIFE,
        is_first: true,
        _place: place,
    };
    Sse::new(stream::unfold(listening, next)).into_response()
}

/// The next event, and who listens for the one after it.
async fn next(mut listening: Listening) -> Option<(Result<Event, Infallible>, Listening)> {
    if listening.is_first {
        // Something at once: the browser then knows that the stream stands.
        listening.is_first = false;
        return Some((Ok(Event::default().retry(Duration::from_secs(2)).comment("bonjour")), listening));
    }
    tokio::select! {
        () = listening.ending.cancelled() => return None,
        () = tokio::time::sleep_until(listening.until) => return None,
        changed = listening.running.changed() => changed.ok()?,
        changed = listening.people.changed() => changed.ok()?,
        changed = listening.requests.changed() => changed.ok()?,
    }
    tokio::select! {
        () = listening.ending.cancelled() => return None,
        () = tokio::time::sleep(PAUSE) => {}
    }
    listening.running.mark_unchanged();
    listening.people.mark_unchanged();
    listening.requests.mark_unchanged();
    Some((Ok(Event::default().event("change").data("1")), listening))
}
