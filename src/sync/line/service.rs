//! The service that keeps the line.

use std::{
    fmt, mem,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    asking::{NoAnswer, ask},
    back_off::BackOff,
    orders::Orders,
};
use crate::{
    model::{ClockTrust, Moment},
    protocol::line::{Answer, Done, HOLD_MAX, Heard, LINE_PATH, Order, PassedOn, REPORT_PATH, Report},
    sync::{
        client::Client,
        in_force,
        returns::{Returns, between},
    },
    system::clock::Clock,
};

/// How long an answer that is held may take: central's time, and that of a bad line.
const HOLD_WAIT: Duration = HOLD_MAX.saturating_add(Duration::from_secs(30));

/// How long an answer that is not held may take.
const REPORT_WAIT: Duration = Duration::from_secs(30);

/// The least time between two requests, whatever central answers.
const PACE: Duration = Duration::from_secs(1);

/// How long changes are gathered before they are told.
const GATHER: Duration = Duration::from_secs(1);

/// How often a box whose central is not there knocks at its door, and how long it waits there: a connection and not a byte more.
const KNOCK_EVERY: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(4)];
const KNOCK_WAIT: Duration = Duration::from_secs(2);

/// Over how long boxes that saw the door open come in.
const SPREAD: Duration = Duration::from_secs(3);

/// The longest that central may have a box wait between two requests.
const WAIT_MAX: Duration = Duration::from_secs(600);

type Ask = dyn Fn() -> BoxFuture<'static, Report> + Send + Sync;
type Keep = dyn Fn(&[PassedOn]) + Send + Sync;
type CarryOut = dyn Fn(Order) -> BoxFuture<'static, Done> + Send + Sync;

/// What the line needs of the rest of the box.
#[derive(Clone)]
pub struct Hands {
    /// Says how the box is. What the line knows itself it fills in: start, number, time, what was heard and done.
    pub report: Arc<Ask>,
    /// Changes when there is something that central is to know before the next heartbeat.
    pub changed: watch::Receiver<u64>,
    /// Told which requests central has kept: they need not be reported again.
    pub kept: Arc<Keep>,
    /// Carries out an order and says what became of it.
    pub carry_out: Arc<CarryOut>,
}

/// The line.
#[derive(Debug)]
pub struct Line {
    client: Client,
    hands: Hands,
    clock: Clock,
    returns: Returns,
    start: String,
    known: Mutex<Known>,
    to_do: Notify,
    to_tell: Notify,
    view: watch::Sender<u64>,
    tunnel: watch::Sender<u64>,
    told_time: watch::Sender<Option<ToldTime>>,
    state: watch::Sender<LineState>,
}

/// The time that central told, and when that was heard.
#[derive(Clone, Copy, Debug)]
pub struct ToldTime {
    at: Moment,
    heard: Instant,
}

impl ToldTime {
    /// What central's clock shows now, by the time the machine has run since.
    #[must_use]
    pub fn now(self) -> Moment {
        self.at + self.heard.elapsed()
    }
}

/// Whether central is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineState {
    /// Whether the last request was answered.
    pub reached: bool,
    /// Since when it is so; none before the first try has ended.
    pub since: Option<Moment>,
    /// The last answer.
    pub answered: Option<Moment>,
    /// Why the last request was not answered, for the technician; empty where it was.
    pub trouble: String,
}

#[derive(Debug)]
struct Known {
    number: u64,
    heard: Heard,
    orders: Orders,
}

impl fmt::Debug for Hands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hands")
    }
}

impl Line {
    /// The line to the central of `client`. What is kept of orders lies below `state_dir`.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn new(
        client: Client,
        hands: Hands,
        clock: Clock,
        state_dir: &Path,
    ) -> Result<Self, getrandom::Error> {
        let mut start = [0; 16];
        getrandom::fill(&mut start)?;
        let orders = Orders::open(in_force::central_dir(state_dir).join("orders"));
        Ok(Self {
            client,
            hands,
            clock,
            returns: Returns::never(),
            start: start.iter().map(|byte| format!("{byte:02x}")).collect(),
            known: Mutex::new(Known { number: 0, heard: Heard::default(), orders }),
            to_do: Notify::new(),
            to_tell: Notify::new(),
            view: watch::Sender::new(0),
            tunnel: watch::Sender::new(0),
            told_time: watch::Sender::new(None),
            state: watch::Sender::default(),
        })
    }

    /// The same, told when the line to the Internet is back.
    #[must_use]
    pub fn with_returns(self, returns: Returns) -> Self {
        Self { returns, ..self }
    }

    /// The version of the view that central last said is published; 0 before it said anything.
    #[must_use]
    pub fn view(&self) -> watch::Receiver<u64> {
        self.view.subscribe()
    }

    /// The version of the tunnel's parameters that central last told; 0 before it said anything, or where there is no tunnel.
    #[must_use]
    pub fn tunnel(&self) -> watch::Receiver<u64> {
        self.tunnel.subscribe()
    }

    /// The time that central last told; none before it said anything. It changes before the view does.
    #[must_use]
    pub fn told_time(&self) -> watch::Receiver<Option<ToldTime>> {
        self.told_time.subscribe()
    }

    /// Whether central is reached.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<LineState> {
        self.state.subscribe()
    }

    /// Keeps the line until the stop signal.
    ///
    /// # Errors
    /// Never; whatever goes wrong is tried again.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.hold() => {}
            () = self.tell() => {}
            () = self.work() => {}
        }
        Ok(())
    }

    /// The request that waits, once central is reached.
    async fn hold(&self) {
        let (mut back_off, mut returns) = (BackOff::new(), self.returns.clone());
        loop {
            let report = self.report().await;
            let asked = Instant::now();
            // The first request is answered at once: one that is held would leave the box unheard of for a minute more.
            let (path, wait_max) = match self.state.borrow().reached {
                true => (LINE_PATH, HOLD_WAIT),
                false => (REPORT_PATH, REPORT_WAIT),
            };
            let answer = tokio::select! {
                answer = ask(&self.client, path, &report, wait_max) => answer,
                // What was sent on the line before comes late or never: the other end tries again ever more rarely.
                () = returns.next() => continue,
            };
            let wait = match answer {
                Ok(answer) => {
                    back_off.reset();
                    self.take(&report, &answer);
                    let pace = PACE.saturating_sub(asked.elapsed());
                    pace.max(Duration::from_secs(answer.wait_seconds).min(WAIT_MAX))
                }
                Err(trouble) => {
                    let wait = back_off.next(match trouble {
                        NoAnswer::Later(asked) => asked,
                        _ => None,
                    });
                    self.has_trouble(&trouble);
                    if matches!(trouble, NoAnswer::Unreachable(_)) {
                        tokio::select! {
                            () = sleep(wait) => {}
                            () = self.door_opens() => back_off.reset(),
                            () = returns.next() => back_off.reset(),
                        }
                        continue;
                    }
                    wait
                }
            };
            sleep(wait).await;
        }
    }

    /// Waits until the door of central, which was closed, opens, and a moment of this box's own beyond. A door that never
    /// was closed, as that of a machine in front of central, says nothing.
    async fn door_opens(&self) {
        let mut was_closed = false;
        loop {
            let is_open = self.client.is_anybody_there(KNOCK_WAIT).await;
            if is_open && was_closed {
                return sleep(between(Duration::ZERO, SPREAD)).await;
            }
            was_closed = !is_open;
            sleep(between(KNOCK_EVERY[0], KNOCK_EVERY[1])).await;
        }
    }

    /// Tells what changed. What cannot be told goes with the next request that waits.
    async fn tell(&self) {
        let mut changed = self.hands.changed.clone();
        loop {
            tokio::select! {
                // With nobody left to say that something changed, only orders do.
                () = async { if changed.changed().await.is_err() { std::future::pending().await } } => {}
                () = self.to_tell.notified() => {}
            }
            sleep(GATHER).await;
            changed.mark_unchanged();
            let report = self.report().await;
            if let Ok(answer) = ask(&self.client, REPORT_PATH, &report, REPORT_WAIT).await {
                self.take(&report, &answer);
            }
        }
    }

    /// Carries out orders, one after the other.
    async fn work(&self) {
        loop {
            let order = self.known().orders.begin();
            if self.known().orders.has_untold() {
                self.to_tell.notify_one();
            }
            let Some(order) = order else {
                self.to_do.notified().await;
                continue;
            };
            let number = order.number;
            let done = (self.hands.carry_out)(order).await;
            self.known().orders.finish(Done { order: number, ..done });
        }
    }

    /// What is said now.
    async fn report(&self) -> Report {
        let report = (self.hands.report)().await;
        let mut known = self.known();
        known.number += 1;
        Report {
            start: self.start.clone(),
            number: known.number,
            heard: known.heard,
            at: self.clock.now().unix_seconds(),
            clock_trusted: self.clock.trust() == ClockTrust::Trusted,
            done: known.orders.untold(),
            ..report
        }
    }

    /// Takes what central answered to `report`.
    fn take(&self, report: &Report, answer: &Answer) {
        let highest = answer.orders.iter().filter_map(|order| order.get("number")?.as_u64()).max();
        {
            let mut known = self.known();
            known.heard = Heard { view: answer.view, order: highest.unwrap_or(0) };
            known.orders.take(answer, Instant::now());
            if answer.kept {
                known.orders.are_kept(&report.done);
            }
        }
        if answer.kept && !report.passed_on.is_empty() {
            (self.hands.kept)(&report.passed_on);
        }
        self.to_do.notify_one();
        let told = ToldTime { at: Moment::from_unix_seconds(answer.at), heard: Instant::now() };
        self.told_time.send_replace(Some(told));
        self.view.send_if_modified(|view| mem::replace(view, answer.view) != answer.view);
        self.tunnel.send_if_modified(|known| mem::replace(known, answer.tunnel) != answer.tunnel);
        let now = self.clock.now();
        self.state.send_modify(|state| {
            if !state.reached {
                info!("central answers");
                state.since = Some(now);
            }
            *state =
                LineState { reached: true, since: state.since, answered: Some(now), trouble: String::new() };
        });
    }

    fn has_trouble(&self, trouble: &NoAnswer) {
        let now = self.clock.now();
        self.state.send_modify(|state| {
            if state.reached || state.since.is_none() {
                warn!(cause = trouble.word(), "central does not answer; it is tried again");
                state.since = Some(now);
            }
            state.reached = false;
            state.trouble = trouble.to_string();
        });
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_told_time_goes_on_as_the_machine_runs_whatever_its_clock_says() {
        let (at, gone) = (Moment::from_unix_seconds(1_795_132_800), Duration::from_secs(10));
        let told = ToldTime { at, heard: Instant::now().checked_sub(gone).unwrap() };
        assert!((at + gone..at + gone * 2).contains(&told.now()));
    }
}
