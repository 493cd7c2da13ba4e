//! What is asked on the line, and answered.

use std::time::Duration;

use axum::{
    Extension, Router,
    extract::{Request, State},
    http::header,
    response::{IntoResponse, Response},
    routing::post,
};
use preau::{
    model::Uai,
    protocol::line::{Answer, HOLD_MAX, LINE_PATH, REPORT_PATH, Report},
    system::clock::Clock,
};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    admission::{Admission, by_chance},
    wanted::{School, Views, Wanted},
};
use crate::{
    boxes::Caller,
    database::Database,
    fleet::{
        reports::{Reports, Taken},
        traffic::Traffic,
    },
};

/// By how much an answer that is held comes earlier than it must, in milliseconds at most.
const EARLIER_MS_MAX: u64 = 10_000;

/// The live line of all boxes. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Line {
    reports: Reports,
    wanted: Wanted,
    admission: Admission,
    clock: Clock,
    closing: CancellationToken,
    traffic: Traffic,
    tunnel: watch::Receiver<u64>,
}

impl Line {
    /// The line, told by `views` what is published. It is to be served beside its [`routes`].
    #[must_use]
    pub fn new(database: Database, reports: Reports, views: Views, clock: Clock) -> Self {
        let wanted = Wanted::new(database, views, clock.clone());
        let closing = CancellationToken::new();
        let traffic = Traffic::default();
        let tunnel = watch::channel(0).1;
        Self { reports, wanted, admission: Admission::default(), clock, closing, traffic, tunnel }
    }

    /// The same, telling boxes the version of the tunnel's parameters as `tunnel` has it.
    #[must_use]
    pub fn with_tunnel(self, tunnel: watch::Receiver<u64>) -> Self {
        Self { tunnel, ..self }
    }

    /// What passes here.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.traffic.clone()
    }

    /// Follows what boxes are to be told until the stop signal; then answers all that wait.
    ///
    /// # Errors
    /// Never; a database that refuses is asked again.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        self.wanted.follow(&stop).await;
        self.closing.cancel();
        Ok(())
    }

    async fn hold(&self, caller: &Uai, report: Report) -> Answer {
        let until = Instant::now() + HOLD_MAX - Duration::from_millis(by_chance(EARLIER_MS_MAX));
        let heard = report.heard;
        let told_something = !report.done.is_empty() || !report.passed_on.is_empty();
        let taken = self.reports.take(caller, report).await;
        let school = self.wanted.school(caller);
        let mut tunnel = self.tunnel.clone();
        tunnel.mark_unchanged();
        // Who told something that must not be lost is answered at once when it is kept. Where it could not be kept, an
        // answer at once would bring all of them back at once.
        if !(told_something && taken.kept) {
            let _held = self.traffic.hold();
            tokio::select! {
                () = school.wait(heard, &self.clock, until) => {}
                () = self.closing.cancelled() => {}
                Ok(()) = tunnel.changed() => {}
            }
        }
        self.answer(&school, taken)
    }

    fn answer(&self, school: &School, taken: Taken) -> Answer {
        self.traffic.answer();
        let now = self.clock.now();
        let telling = school.telling(now);
        let orders = telling.orders.iter().filter_map(|order| serde_json::to_value(order).ok()).collect();
        Answer {
            at: now.unix_seconds(),
            view: telling.view,
            orders,
            kept: taken.kept,
            wait_seconds: self.admission.wait_seconds(),
            tunnel: *self.tunnel.borrow(),
        }
    }
}

/// The routes of the line, for requests that have a [`Caller`].
pub fn routes(line: Line) -> Router {
    Router::new().route(LINE_PATH, post(wait)).route(REPORT_PATH, post(tell)).with_state(line)
}

async fn wait(State(line): State<Line>, Extension(caller): Extension<Caller>, request: Request) -> Response {
    match line.admission.admit(request, line.clock.now()).await {
        Ok(report) => json(&line.hold(&caller.school, report).await),
        Err(refused) => refused,
    }
}

async fn tell(State(line): State<Line>, Extension(caller): Extension<Caller>, request: Request) -> Response {
    match line.admission.admit(request, line.clock.now()).await {
        Ok(report) => {
            let taken = line.reports.take(&caller.school, report).await;
            json(&line.answer(&line.wanted.school(&caller.school), taken))
        }
        Err(refused) => refused,
    }
}

fn json(answer: &Answer) -> Response {
    match serde_json::to_string(answer) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(_) => axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
