//! What a school asked for on one day: `POST /v1/counts`, a few at a time.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router, body,
    extract::{DefaultBodyLimit, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use preau::{
    protocol::counts::{BYTES_MAX, COUNTS_PATH, DayCounts},
    system::clock::Clock,
};
use tokio::{sync::Semaphore, time::timeout};

use super::{Caller, Refused};
use crate::{
    database::Database,
    fleet::{
        schools,
        statistics::{self, Taken},
    },
};

/// Days read at once: with the largest, 32 MiB. Boxes that find no turn come again within half an hour.
const TURNS: usize = 16;

/// How long a box waits for its turn.
const TURN_WAIT: Duration = Duration::from_secs(20);

#[derive(Clone, Debug)]
struct Taking {
    database: Database,
    clock: Clock,
    turns: Arc<Semaphore>,
}

/// The route, for requests that have a [`Caller`].
pub fn routes(database: Database, clock: Clock) -> Router {
    let taking = Taking { database, clock, turns: Arc::new(Semaphore::new(TURNS)) };
    Router::new().route(COUNTS_PATH, post(take)).layer(DefaultBodyLimit::max(BYTES_MAX)).with_state(taking)
}

async fn take(
    State(taking): State<Taking>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Refused> {
    let Taking { database, clock, turns } = taking;
    let Ok(Ok(_turn)) = timeout(TURN_WAIT, turns.acquire()).await else {
        let sentence = "too many boxes tell their counts at once";
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "pressed", sentence));
    };
    let bytes = body::to_bytes(request.into_body(), BYTES_MAX).await.map_err(|_| {
        let sentence = "the counts are longer than they may be, or were cut";
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", sentence)
    })?;
    let counts = DayCounts::read(&bytes).map_err(|fault| Refused::unreadable(fault.to_string()))?;
    let failed = |error: anyhow::Error| Refused::failed(&error);
    let school = schools::find(&database, &caller.school).await.map_err(failed)?;
    // Whoever holds a certificate is in the register, but for one that was just taken out of it.
    let school = school.ok_or_else(Refused::not_found)?;
    let mut write = database.write().await.map_err(failed)?;
    match statistics::keep(&mut write, &school, &counts, clock.now()).await.map_err(failed)? {
        Taken::Kept => write.commit().await.map_err(failed)?,
        Taken::NotOfNow => return Err(Refused::unreadable("the day is none of these weeks")),
    }
    Ok(([(header::CONTENT_TYPE, "application/json")], "null").into_response())
}
