//! Brings releases to the schools: finds the next step of each, carries it out, and gives schools what they are to have.
//!
//! Two things are done over and over, each from the database alone, so that whoever dies between any two of them has lost
//! nothing: steps of releases say what a school is to have ([`stride`](super::stride)); whatever differs from what it was
//! last given is composed, judged by the box's own judge, and placed in the channel. Any number of instances may run it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use bytes::Bytes;
use preau::{
    model::Uai,
    protocol::names::{self, Role},
    system::clock::Clock,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    calendar::{self, CALENDAR_TARGET},
    composed::{Composed, Layer},
    fleet::Fleet,
    given::{self, Content},
    lists::Lists,
    releases::{self, Release},
    stride::carry_out,
    versions::{self, target},
    waves::{Baseline, State, Step},
};
use crate::{
    channel::{Channel, Stored, Whose},
    database::{Database, EVERYTHING, Write},
    words::Place,
};

/// How long nothing is looked at without a signal while a release is under way: pauses end to this.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long while none is; a signal that was missed is made good by it.
const LOOK_EVERY_IDLE: Duration = Duration::from_secs(30);

/// How long after an act others are waited for.
const GATHER: Duration = Duration::from_millis(50);

/// How long after a report others are waited for: a thousand reports are one look.
const GATHER_REPORTS: Duration = Duration::from_millis(500);

/// How long after an error everything is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Schools that are given something in one writing.
const GIVEN_AT_ONCE: usize = 250;

/// Layers and compositions kept in memory.
const CACHED_MAX: usize = 20_000;

/// The service. One at least runs in each central; more on one database do no harm.
#[derive(Debug)]
pub struct Rollout {
    database: Database,
    channel: Channel,
    lists: watch::Receiver<Lists>,
    clock: Clock,
    stored: HashMap<String, Stored>,
    layers: HashMap<(Place, u64), Layer>,
    sound: HashSet<Vec<(Place, u64)>>,
    is_begun: bool,
    /// Whether a release is under way: only then do reports matter.
    is_open: bool,
}

impl Rollout {
    /// The service over these.
    #[must_use]
    pub fn new(database: Database, channel: Channel, lists: watch::Receiver<Lists>, clock: Clock) -> Self {
        let (stored, layers, sound) = (HashMap::new(), HashMap::new(), HashSet::new());
        Self { database, channel, lists, clock, stored, layers, sound, is_begun: false, is_open: false }
    }

    /// Serves until told to stop. A database or bucket that is away is waited for.
    ///
    /// # Errors
    /// Never; the signature is that of every service.
    pub async fn serve(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut signals = self.database.signals().listen();
        while !stop.is_cancelled() {
            let wait = match self.turn().await {
                Ok(true) => continue,
                Ok(false) if self.is_open => LOOK_EVERY,
                Ok(false) => LOOK_EVERY_IDLE,
                Err(error) => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "cannot bring rules to the schools; trying again"
                    );
                    // What nobody named for long may be gone from the repository.
                    self.stored.clear();
                    RETRY_AFTER
                }
            };
            let is_open = self.is_open;
            let mut heard = async || {
                let mut gather = GATHER;
                while let Ok(topic) = signals.recv().await {
                    if topic == "policy" || topic == EVERYTHING || topic.starts_with("school/") {
                        break;
                    }
                    if is_open && topic.starts_with("seen/") {
                        gather = GATHER_REPORTS;
                        break;
                    }
                }
                tokio::time::sleep(gather).await;
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
                () = heard() => {}
            }
        }
        Ok(())
    }

    /// Does what there is to do once; says whether there may be more at once.
    ///
    /// # Errors
    /// When the database or the bucket refuses: then some of it may be done, and the rest is found again.
    pub async fn turn(&mut self) -> anyhow::Result<bool> {
        if !self.is_begun || self.lists.has_changed().unwrap_or(false) {
            // Other lists, or another program: what did not go together may do so.
            self.lists.mark_unchanged();
            self.sound.clear();
            given::forget_troubles(&self.database).await?;
            self.is_begun = true;
        }
        let fleet = Fleet::read(&self.database).await?;
        self.channel.behind(&fleet.views_in_force()).await?;
        let stepped = self.step(&fleet).await?;
        let given = if stepped { false } else { self.give(&fleet).await? };
        Ok(stepped || given)
    }

    /// The next step of every open release.
    async fn step(&mut self, fleet: &Fleet) -> anyhow::Result<bool> {
        let mut stepped = false;
        let open = releases::open(&self.database).await?;
        let is_moving =
            |release: &Release| matches!(release.state, State::Going | State::Watching | State::Waiting);
        self.is_open = open.iter().any(is_moving);
        for release in open {
            let course = fleet.course(&self.database, release).await?;
            let now = self.clock.now();
            let step = course.scene(&fleet.known, now).step();
            if step == Step::Rest {
                continue;
            }
            let baseline = |school: &Uai| {
                let report = fleet.known.get(school).and_then(|known| known.report.as_ref());
                Baseline::of(report.map(|(_, _, report)| report))
            };
            let mut write = self.database.write().await?;
            stepped |= carry_out(&mut write, &course.release, &step, &fleet.register, baseline, now).await?;
            write.commit().await?;
        }
        Ok(stepped)
    }

    /// Gives schools what they are to have, some at once.
    async fn give(&mut self, fleet: &Fleet) -> anyhow::Result<bool> {
        let is_known_unfit = |school: &Uai, content: &Content| {
            fleet.troubles.get(school).is_some_and(|(of, ..)| of == content)
        };
        let due: Vec<_> = fleet
            .due(self.clock.now())
            .filter(|(school, content)| !is_known_unfit(school, content))
            .take(GIVEN_AT_ONCE)
            .map(|(school, content)| (school.clone(), content))
            .collect();
        if due.is_empty() {
            return Ok(false);
        }
        let (mut sound, mut unfit) = (Vec::new(), Vec::new());
        for (school, content) in due {
            match self.check(&content).await? {
                Ok(()) => sound.push((school, content)),
                Err(text) => unfit.push((school, content, text)),
            }
        }
        for (_, content) in &sound {
            self.store_content(content).await?;
        }
        let ready = self.store_indexes(fleet, sound).await?;
        let mut write = self.database.write().await?;
        for ready in &ready {
            self.place(&mut write, fleet, ready).await?;
        }
        for (school, content, text) in &unfit {
            given::trouble(&mut write, school, content, text, self.clock.now()).await?;
        }
        write.commit().await?;
        Ok(true)
    }

    /// Whether boxes would take these documents together; the reason where not.
    async fn check(&mut self, content: &Content) -> anyhow::Result<Result<(), String>> {
        if self.sound.contains(&content.stack) {
            return Ok(Ok(()));
        }
        if self.layers.len() > CACHED_MAX || self.sound.len() > CACHED_MAX {
            self.layers.clear();
            self.sound.clear();
        }
        let mut layers = Vec::with_capacity(content.stack.len());
        for (place, version) in &content.stack {
            layers.push(self.layer(place, *version).await?);
        }
        let lists = self.lists.borrow().clone();
        match Composed::of(layers, &lists) {
            Ok(_) => {
                self.sound.insert(content.stack.clone());
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(format!("{error:#}"))),
        }
    }

    async fn layer(&mut self, place: &Place, version: u64) -> anyhow::Result<Layer> {
        let key = (place.clone(), version);
        if let Some(layer) = self.layers.get(&key) {
            return Ok(layer.clone());
        }
        let found = versions::find(&self.database, place, version).await?;
        let found = found.with_context(|| format!("version {version} of {place} is missing"))?;
        let layer = Layer::published(place, version, &found.text)?;
        self.layers.insert(key, layer.clone());
        Ok(layer)
    }

    /// Puts documents and calendar into the repository, where they were not put before.
    async fn store_content(&mut self, content: &Content) -> anyhow::Result<()> {
        for (place, version) in &content.stack {
            let name = target(place, *version);
            if !self.stored.contains_key(&name) {
                let text = Arc::clone(&self.layer(place, *version).await?.text);
                let stored = self.channel.store(&name, Bytes::copy_from_slice(text.as_bytes())).await?;
                self.stored.insert(name, stored);
            }
        }
        let key = calendar_key(content.calendar);
        if content.calendar > 0 && !self.stored.contains_key(&key) {
            let calendar = calendar::calendar(&self.database).await?;
            let calendar = calendar.filter(|calendar| calendar.number == content.calendar);
            let text = calendar.context("the calendar was changed meanwhile")?.text;
            let stored = self.channel.store(CALENDAR_TARGET, Bytes::from(text)).await?;
            self.stored.insert(key, stored);
        }
        Ok(())
    }

    async fn store_indexes(&self, fleet: &Fleet, due: Vec<(Uai, Content)>) -> anyhow::Result<Vec<Ready>> {
        let (mut ready, mut targets) = (Vec::with_capacity(due.len()), Vec::with_capacity(due.len()));
        for (school, content) in due {
            let number = fleet.next_number(&school);
            let bytes = serde_json::to_vec(&content.index(&school, number))?;
            targets.push((names::policy_index(&school), Bytes::from(bytes)));
            ready.push((school, content, number));
        }
        let stored = self.channel.store_all(targets).await?.into_iter();
        let ready = ready.into_iter().zip(stored);
        Ok(ready.map(|((school, content, number), index)| Ready { school, content, number, index }).collect())
    }

    /// Places a school's index and what it names, and takes away what only the one before named.
    async fn place(&self, write: &mut Write, fleet: &Fleet, ready: &Ready) -> anyhow::Result<()> {
        let Ready { school, content, number, index } = ready;
        // Another instance was quicker.
        if given::number_in(write, school).await? >= *number {
            return Ok(());
        }
        let whose = Whose::School(school);
        let mut named = HashSet::new();
        for (place, version) in &content.stack {
            let name = target(place, *version);
            let stored = self.stored.get(&name).context("a document was not stored before it was placed")?;
            Channel::place(write, whose, Role::Policy, &name, stored).await?;
            named.insert(name);
        }
        if let Some(stored) = self.stored.get(&calendar_key(content.calendar)) {
            Channel::place(write, whose, Role::Policy, CALENDAR_TARGET, stored).await?;
        } else {
            Channel::remove(write, whose, Role::Policy, CALENDAR_TARGET).await?;
        }
        Channel::place(write, whose, Role::Policy, &names::policy_index(school), index).await?;
        if let Some(before) = fleet.given.get(school) {
            for (place, version) in &before.content.stack {
                let name = target(place, *version);
                if !named.contains(&name) {
                    Channel::remove(write, whose, Role::Policy, &name).await?;
                }
            }
        }
        given::keep(write, school, (*number, content), self.clock.now()).await
    }
}

/// A school's index, stored and ready to be placed.
struct Ready {
    school: Uai,
    content: Content,
    number: u64,
    index: Stored,
}

/// Under which name the calendar of that number is remembered; all have one name in the channel.
fn calendar_key(number: u64) -> String {
    format!("{CALENDAR_TARGET}#{number}")
}
