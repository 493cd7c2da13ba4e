//! What each school is to be told, in memory: the version of its view, and its orders.

use std::{
    collections::{HashMap, HashSet},
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use preau::{
    model::{Moment, Uai},
    protocol::line::{Heard, Order},
    system::clock::Clock,
};
use tokio::{
    sync::{Notify, broadcast},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{database::Database, fleet::orders};

/// How often everything is looked at, for what a signal did not say.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// How soon everything is looked at again where the database refused.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// How long signals are gathered before the database is asked.
const GATHER: Duration = Duration::from_millis(5);

/// Schools that are looked at one by one; of more, all are.
const SINGLE_MAX: usize = 32;

/// Tells the version of the view that is published: of one school, or of all that have one.
#[derive(Clone)]
pub struct Views(Arc<Ask>);

type Ask = dyn Fn(Option<Uai>) -> BoxFuture<'static, anyhow::Result<Vec<(Uai, u64)>>> + Send + Sync;

impl Views {
    /// Told by `ask`.
    pub fn from_fn(
        ask: impl Fn(Option<Uai>) -> BoxFuture<'static, anyhow::Result<Vec<(Uai, u64)>>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(ask))
    }
}

impl fmt::Debug for Views {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Views")
    }
}

/// What all schools are to be told. Cloning is cheap.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    database: Database,
    views: Views,
    clock: Clock,
    schools: Arc<Mutex<HashMap<Uai, Arc<School>>>>,
}

/// What one school is to be told, and the request that waits for it.
#[derive(Debug, Default)]
pub(super) struct School {
    told: Mutex<ToTell>,
    changed: Notify,
}

#[derive(Clone, Debug, Default)]
struct ToTell {
    /// Counts the requests that waited; only the last one goes on waiting.
    turn: u64,
    view: u64,
    orders: Arc<[Order]>,
}

/// What a box is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Telling {
    pub(super) view: u64,
    pub(super) orders: Vec<Order>,
}

impl Wanted {
    pub(super) fn new(database: Database, views: Views, clock: Clock) -> Self {
        Self { database, views, clock, schools: Arc::default() }
    }

    /// The school's place, made where it has none.
    pub(super) fn school(&self, school: &Uai) -> Arc<School> {
        Arc::clone(self.schools().entry(school.clone()).or_default())
    }

    /// Follows the database until the stop signal.
    pub(super) async fn follow(&self, stop: &CancellationToken) {
        let mut signals = self.database.signals().listen();
        let mut next_look = Instant::now();
        let mut well = true;
        loop {
            let mut due = HashSet::new();
            let mut all = false;
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(next_look) => all = true,
                signal = signals.recv() => {
                    all |= gather(signal, &mut due);
                    // What comes together is asked for together.
                    let _ = timeout(GATHER, async {
                        loop {
                            all |= gather(signals.recv().await, &mut due);
                        }
                    })
                    .await;
                }
            }
            if !all && due.is_empty() {
                continue;
            }
            let looked = if all || due.len() > SINGLE_MAX {
                next_look = Instant::now() + LOOK_EVERY;
                self.look_at_all().await
            } else {
                self.look_at(due).await
            };
            match looked {
                Ok(()) if well => {}
                Ok(()) => {
                    info!("the line knows again what boxes are to be told");
                    well = true;
                }
                Err(error) => {
                    if mem::replace(&mut well, false) {
                        warn!(cause = format!("{error:#}"), "the line goes on with what it knows");
                    }
                    next_look = Instant::now() + LOOK_AGAIN;
                }
            }
        }
    }

    async fn look_at(&self, schools: HashSet<Uai>) -> anyhow::Result<()> {
        for school in schools {
            let orders = orders::waiting(&self.database, Some(&school), self.clock.now()).await?;
            let view = (self.views.0)(Some(school.clone())).await?.first().map_or(0, |(_, view)| *view);
            self.school(&school).set(view, orders.into_iter().map(|(_, order)| order).collect());
        }
        Ok(())
    }

    async fn look_at_all(&self) -> anyhow::Result<()> {
        let mut wanted: HashMap<Uai, (u64, Vec<Order>)> = HashMap::new();
        for (school, view) in (self.views.0)(None).await? {
            wanted.entry(school).or_default().0 = view;
        }
        for (school, order) in orders::waiting(&self.database, None, self.clock.now()).await? {
            wanted.entry(school).or_default().1.push(order);
        }
        let known: Vec<_> = self.schools().keys().cloned().collect();
        for school in known {
            wanted.entry(school).or_default();
        }
        for (school, (view, orders)) in wanted {
            self.school(&school).set(view, orders);
        }
        Ok(())
    }

    fn schools(&self) -> MutexGuard<'_, HashMap<Uai, Arc<School>>> {
        self.schools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl School {
    /// Waits until there is something that is not among what was `heard`, until `until`, or until another request of the
    /// school begins to wait.
    pub(super) async fn wait(&self, heard: Heard, clock: &Clock, until: Instant) {
        let turn = {
            let mut told = self.told();
            told.turn += 1;
            told.turn
        };
        self.changed.notify_waiters();
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.ends_waiting(turn, heard, clock.now()) {
                return;
            }
            tokio::select! {
                () = changed => {}
                () = sleep_until(until) => return,
            }
        }
    }

    /// What the box is told at `now`.
    pub(super) fn telling(&self, now: Moment) -> Telling {
        let ToTell { turn: _, view, orders } = self.told().clone();
        let live = |order: &&Order| order.expires > now.unix_seconds();
        Telling { view, orders: orders.iter().filter(live).cloned().collect() }
    }

    fn ends_waiting(&self, turn: u64, heard: Heard, now: Moment) -> bool {
        let told = self.told();
        let order = |order: &Order| order.number > heard.order && order.expires > now.unix_seconds();
        told.turn != turn || told.view > heard.view || told.orders.iter().any(order)
    }

    fn set(&self, view: u64, orders: Vec<Order>) {
        {
            let mut told = self.told();
            if told.view == view && *told.orders == *orders {
                return;
            }
            told.view = view;
            told.orders = Arc::from(orders);
        }
        self.changed.notify_waiters();
    }

    fn told(&self) -> MutexGuard<'_, ToTell> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes the school that a signal names; whether everything is to be looked at.
fn gather(signal: Result<String, broadcast::error::RecvError>, due: &mut HashSet<Uai>) -> bool {
    let Ok(topic) = signal else { return true };
    match topic.split_once('/') {
        Some(("order" | "published", "*")) => true,
        Some(("order" | "published", school)) => {
            due.extend(Uai::new(school));
            false
        }
        _ => topic == "*",
    }
}
