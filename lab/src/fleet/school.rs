//! One simulated box: it comes, waits, takes what it is told, and tells it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::ensure;
use hyper::StatusCode;
use preau::{
    protocol::line::{Answer, Done, Heard, InForce, LINE_PATH, Order, Report},
    system::clock::Clock,
};
use tokio::time::{Instant, sleep, timeout};

use super::{connection::Connection, membership::Membership, tally::Tally, view};

/// How long an answer may take: longer than central holds it.
const ANSWER_WAIT: Duration = Duration::from_secs(90);

/// How long a connection may take to stand.
const CONNECT_WAIT: Duration = Duration::from_secs(20);

/// The waits before trying again, as a real box has them.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The box.
#[derive(Debug)]
pub(super) struct School {
    membership: Membership,
    central: SocketAddr,
    number: u32,
    tally: Arc<Tally>,
    clock: Clock,
    report: Report,
}

impl School {
    pub(super) fn new(membership: Membership, central: SocketAddr, number: u32, tally: Arc<Tally>) -> Self {
        let mut start = [0; 8];
        // Without randomness one start is as the one before, and central hears nothing of it: that would be seen.
        let _ = getrandom::fill(&mut start);
        let report = Report {
            start: start.iter().map(|byte| format!("{byte:02x}")).collect(),
            version: "simulated".into(),
            open: true,
            ..Report::default()
        };
        Self { membership, central, number, tally, clock: Clock::of_the_machine(), report }
    }

    /// The same box, which says this of itself.
    pub(super) fn saying(mut self, said: Report) -> Self {
        self.report = Report { start: self.report.start, ..said };
        self
    }

    /// Comes after `apart` and stays.
    pub(super) async fn live(mut self, apart: Duration) {
        sleep(apart).await;
        let mut wait = SHORTEST_WAIT;
        let mut came = false;
        loop {
            match self.connect().await {
                Ok(mut connection) => {
                    let until_it_broke = self.stay(&mut connection, &mut came).await;
                    self.tally.error(&until_it_broke);
                    if came {
                        wait = SHORTEST_WAIT;
                    }
                }
                Err(error) => self.tally.error(&error),
            }
            wait = drawn(SHORTEST_WAIT, (wait * 3).min(LONGEST_WAIT));
            sleep(wait).await;
        }
    }

    async fn connect(&self) -> anyhow::Result<Connection> {
        let began = Instant::now();
        let connection = Connection::open(&self.membership, self.central, self.number);
        let connection = timeout(CONNECT_WAIT, connection).await??;
        self.tally.connected(began.elapsed());
        Ok(connection)
    }

    /// Reports and waits on one connection until something breaks.
    async fn stay(&mut self, connection: &mut Connection, came: &mut bool) -> anyhow::Error {
        loop {
            if let Err(error) = self.ask(connection, came).await {
                return error;
            }
        }
    }

    async fn ask(&mut self, connection: &mut Connection, came: &mut bool) -> anyhow::Result<()> {
        self.report.number += 1;
        self.report.at = self.clock.now().unix_seconds();
        self.report.up_seconds += 1;
        let body = serde_json::to_vec(&self.report)?;
        let answered = timeout(ANSWER_WAIT, connection.post(LINE_PATH, body)).await??;
        if answered.status == StatusCode::SERVICE_UNAVAILABLE {
            self.tally.turned_away();
            sleep(Duration::from_secs(answered.retry_after.unwrap_or(1))).await;
            return Ok(());
        }
        ensure!(answered.status == StatusCode::OK, "HTTP {}", answered.status.as_u16());
        let answer: Answer = serde_json::from_slice(&answered.body)?;
        self.tally.answered();
        if !*came {
            *came = true;
            self.tally.has_come();
        }
        self.take(connection, &answer).await?;
        sleep(Duration::from_secs(answer.wait_seconds)).await;
        Ok(())
    }

    /// Takes what is told. A real box tells what came of it by a request of its own; this one by the next that waits.
    async fn take(&mut self, connection: &mut Connection, answer: &Answer) -> anyhow::Result<()> {
        if answer.kept {
            self.report.done.clear();
            self.report.passed_on.clear();
        }
        let mut heard = Heard { view: answer.view, order: 0 };
        for order in answer.orders.iter().filter_map(|order| Order::read(order).ok()) {
            heard.order = heard.order.max(order.number);
            if order.number > self.report.heard.order {
                // An order's number is the millisecond at which it was given.
                let now = u64::try_from(self.clock.now().unix_milliseconds()).unwrap_or(0);
                self.tally.order(Duration::from_millis(now.saturating_sub(order.number)));
                self.report.done.push(Done { order: order.number, well: true, text: String::new() });
            }
        }
        let refuses = self.report.in_force.refused.is_some();
        if answer.view > self.report.in_force.view && !refuses {
            let began = Instant::now();
            let policy = view::policy(connection, &self.membership.school).await?;
            self.tally.took(began.elapsed());
            if policy > self.report.in_force.policy {
                self.tally.is_effective();
            }
            self.report.in_force =
                InForce { view: answer.view, policy, ..std::mem::take(&mut self.report.in_force) };
        }
        self.report.heard = heard;
        Ok(())
    }
}

fn drawn(shortest: Duration, longest: Duration) -> Duration {
    let span = u64::try_from(longest.saturating_sub(shortest).as_millis()).unwrap_or(0);
    shortest + Duration::from_millis(getrandom::u64().map_or(span, |number| number % (span + 1)))
}
