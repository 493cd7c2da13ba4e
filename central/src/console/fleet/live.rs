//! `/live`: server-sent events (WHATWG HTML 9.2) that say that something changed, and nothing of what: the page then asks
//! for itself again, with the rights of whoever looks at it.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{
        IntoResponse as _,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream;
use tokio::{
    sync::{OwnedSemaphorePermit, broadcast},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::console::{refusal::Answer, road::Console, visit::Visit};

/// How long a stream lasts; browsers open it anew, and the session is looked at again.
const LIFE: Duration = Duration::from_secs(5 * 60);

/// What changes within this is told once: of a thousand schools, some say something each second.
const PAUSE: Duration = Duration::from_secs(2);

/// One page that listens.
struct Listening {
    signals: broadcast::Receiver<String>,
    ending: CancellationToken,
    until: Instant,
    is_first: bool,
    _place: OwnedSemaphorePermit,
}

pub(super) async fn follow(
    State(console): State<Arc<Console>>,
    Extension(_visit): Extension<Visit>,
) -> Answer {
    let Ok(place) = Arc::clone(&console.listening).try_acquire_owned() else {
        // The page works without; its script tries again by itself.
        return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response());
    };
    let listening = Listening {
        signals: console.parts.database.signals().listen(),
        ending: console.ending.clone(),
        until: Instant::now() + LIFE,
        is_first: true,
        _place: place,
    };
    let events = Sse::new(stream::unfold(listening, next));
    Ok(events.keep_alive(KeepAlive::new().interval(Duration::from_secs(25))).into_response())
}

/// The next event, and who listens for the one after it.
async fn next(mut listening: Listening) -> Option<(Result<Event, Infallible>, Listening)> {
    if listening.is_first {
        // Something at once: the browser then knows that the stream stands.
        listening.is_first = false;
        return Some((Ok(Event::default().retry(Duration::from_secs(3)).comment("bonjour")), listening));
    }
    loop {
        let heard = tokio::select! {
            () = listening.ending.cancelled() => return None,
            () = tokio::time::sleep_until(listening.until) => return None,
            heard = listening.signals.recv() => heard,
        };
        match heard {
            Ok(topic) if is_shown(&topic) => break,
            Ok(_) => {}
            // What was missed may have been anything.
            Err(broadcast::error::RecvError::Lagged(_)) => break,
            Err(broadcast::error::RecvError::Closed) => return None,
        }
    }
    tokio::select! {
        () = listening.ending.cancelled() => return None,
        () = tokio::time::sleep(PAUSE) => {}
    }
    listening.signals = listening.signals.resubscribe();
    Some((Ok(Event::default().event("change").data("1")), listening))
}

/// Whether a page shows what `topic` is about.
fn is_shown(topic: &str) -> bool {
    let kind = topic.split('/').next().unwrap_or("");
    ["school", "seen", "published", "order", "policy", "request"].contains(&kind)
}
