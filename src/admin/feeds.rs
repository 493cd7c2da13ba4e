//! The deliveries of the directory as the referent keeps them: seen before they take effect, released, put off or dropped;
//! and the records that could not be taken.
//!
//! The directory is a file of its own, `people.sqlite`, which other processes write as well. An act is written into the
//! trail before it is done: a trace of something that a power cut kept from happening harms less than an act without one.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context as _;
use tokio::sync::watch;

use super::{Act, Granted, Store};
use crate::{
    identity::{
        Identity,
        register::{
            FeedState, FeedView, Movement, NoZone, Preview, Quarantined, Register, Standing, Terms, Today,
            When,
        },
    },
    model::AccountId,
    system::clock::Clock,
};

/// The deliveries of the directory. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub struct Feeds {
    store: Store,
    state_dir: Arc<Path>,
    terms: watch::Receiver<Arc<Terms>>,
    clock: Clock,
    register: Arc<Mutex<Option<Register>>>,
}

/// Why a delivery does not get another day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedRefusal {
    /// No such delivery waits.
    Unknown,
    /// It should wait for holidays, and nobody said in which zone the school lies.
    NoZone,
}

impl Feeds {
    /// The deliveries of the school whose people `identity` knows, by the holidays of `terms`. What is done to them is
    /// written into the trail of `store`.
    #[must_use]
    pub fn new(store: Store, identity: &Identity, terms: watch::Receiver<Arc<Terms>>, clock: Clock) -> Self {
        Self { store, state_dir: Arc::from(identity.state_dir()), terms, clock, register: Arc::default() }
    }

    /// The school's holidays.
    #[must_use]
    pub fn terms(&self) -> Arc<Terms> {
        self.terms.borrow().clone()
    }

    /// The day it is at the school.
    #[must_use]
    pub fn today(&self) -> Today {
        self.terms.borrow().today(self.clock.now(), self.clock.doubt().is_none())
    }

    /// What is in force, and what waits.
    ///
    /// # Errors
    /// When the directory cannot be read, or something else was granted.
    pub async fn standing(&self, granted: &Granted) -> anyhow::Result<Standing> {
        granted.is_for(Act::KeepDirectory)?;
        let today = self.today();
        self.with_register(move |register| register.standing(today)).await
    }

    /// The delivery `number` and what it would do today; none where no such one waits.
    ///
    /// # Errors
    /// As [`Feeds::standing`].
    pub async fn preview(
        &self,
        granted: &Granted,
        number: i64,
    ) -> anyhow::Result<Option<(FeedView, Preview)>> {
        granted.is_for(Act::KeepDirectory)?;
        let today = self.today();
        self.with_register(move |register| {
            let feed = waiting(register, number, today)?;
            Ok(feed.zip(register.preview(number, today)?))
        })
        .await
    }

    /// Those to whom the delivery `number` does something, `count_max` at most behind the identifier `after`.
    ///
    /// # Errors
    /// As [`Feeds::standing`].
    pub async fn movements(
        &self,
        granted: &Granted,
        number: i64,
        after: Option<AccountId>,
        count_max: u32,
    ) -> anyhow::Result<Vec<Movement>> {
        granted.is_for(Act::KeepDirectory)?;
        let today = self.today();
        self.with_register(move |register| register.movements(number, today, after.as_ref(), count_max)).await
    }

    /// The first thousand records that could not be taken and that nobody dismissed.
    ///
    /// # Errors
    /// As [`Feeds::standing`].
    pub async fn quarantine(&self, granted: &Granted) -> anyhow::Result<Vec<Quarantined>> {
        granted.is_for(Act::KeepDirectory)?;
        self.with_register(Register::quarantine).await
    }

    /// Lets the delivery `number` take effect on its day, whatever holds it. Says whether it waits.
    ///
    /// # Errors
    /// As [`Feeds::standing`]; also when the disk refuses. Nothing has then happened but a line in the trail.
    pub async fn release(&self, granted: &Granted, number: i64) -> anyhow::Result<bool> {
        let Some(feed) = self.waiting(granted, number).await? else { return Ok(false) };
        let held = feed.held.map(|why| format!(" ({})", why.in_french())).unwrap_or_default();
        self.announce(granted, format!("accepte la livraison {number}{held}")).await?;
        self.with_register(move |register| register.release(number)).await
    }

    /// Gives the delivery `number` another day. It stays held where it is.
    ///
    /// # Errors
    /// As [`Feeds::release`].
    pub async fn postpone(
        &self,
        granted: &Granted,
        number: i64,
        when: When,
    ) -> anyhow::Result<Result<(), FeedRefusal>> {
        if self.waiting(granted, number).await?.is_none() {
            return Ok(Err(FeedRefusal::Unknown));
        }
        let due = match self.terms.borrow().due(when, self.today(), true) {
            Ok(due) => due,
            Err(NoZone) => return Ok(Err(FeedRefusal::NoZone)),
        };
        let day = due.map_or_else(|| "aussitôt".to_owned(), |due| due.strftime("le %d/%m/%Y").to_string());
        self.announce(granted, format!("fixe la prise d’effet de la livraison {number} : {day}")).await?;
        let is_done = self.with_register(move |register| register.postpone(number, due)).await?;
        Ok(is_done.then_some(()).ok_or(FeedRefusal::Unknown))
    }

    /// Removes the delivery `number` with all it holds. Says whether it waited.
    ///
    /// # Errors
    /// As [`Feeds::release`].
    pub async fn drop_feed(&self, granted: &Granted, number: i64) -> anyhow::Result<bool> {
        let Some(feed) = self.waiting(granted, number).await? else { return Ok(false) };
        let made = feed.made.map(|made| made.strftime(" du %d/%m/%Y").to_string()).unwrap_or_default();
        self.announce(granted, format!("abandonne la livraison {number}{made}")).await?;
        self.with_register(move |register| register.drop_feed(number)).await
    }

    /// Shows the refused record `number` no more. Says whether it was shown.
    ///
    /// # Errors
    /// As [`Feeds::release`].
    pub async fn dismiss(&self, granted: &Granted, number: i64) -> anyhow::Result<bool> {
        let shown = self.quarantine(granted).await?;
        let Some(record) = shown.into_iter().find(|record| record.number == number) else { return Ok(false) };
        let place = record.file.map(|file| format!(", {file} ligne {}", record.line)).unwrap_or_default();
        self.announce(granted, format!("classe un refus de la livraison {}{place}", record.feed)).await?;
        self.with_register(move |register| register.dismiss(number)).await
    }

    async fn waiting(&self, granted: &Granted, number: i64) -> anyhow::Result<Option<FeedView>> {
        granted.is_for(Act::KeepDirectory)?;
        let today = self.today();
        self.with_register(move |register| waiting(register, number, today)).await
    }

    async fn announce(&self, granted: &Granted, what: String) -> anyhow::Result<()> {
        self.store.act(granted, what, self.clock.now(), |_| Ok(())).await
    }

    /// Asks the directory on a thread that may wait for the disk. It is opened with the first question: where it cannot be,
    /// each question tries again.
    async fn with_register<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Register) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (known, state_dir) = (self.register.clone(), PathBuf::from(&*self.state_dir));
        let asked = tokio::task::spawn_blocking(move || {
            let register = opened(&known, &state_dir)?;
            ask(&register)
        });
        asked.await.context("the daemon is stopping")?
    }
}

fn opened(known: &Mutex<Option<Register>>, state_dir: &Path) -> anyhow::Result<Register> {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(register) = &*known {
        return Ok(register.clone());
    }
    let register = Register::open(state_dir)?;
    Ok(known.insert(register).clone())
}

fn waiting(register: &Register, number: i64, today: Today) -> anyhow::Result<Option<FeedView>> {
    let feeds = register.feeds(today)?;
    Ok(feeds.into_iter().find(|feed| feed.number == number && feed.state == FeedState::Waiting))
}
