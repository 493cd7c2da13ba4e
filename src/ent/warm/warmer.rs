//! The service that works through the lists at night.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    address::{Address, Outcome, Stopped},
    list::List,
    night::{Night, name_of},
    told::{Told, Why},
};
use crate::{ent::Cache, model::Domain};

/// How often somebody who waits looks whether he may go on.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a site that could not be reached is let be.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// How long nobody must have asked the cache for anything: the line is theirs.
const PEOPLE_QUIET: Duration = Duration::from_secs(10);

/// Between two addresses: whoever comes meanwhile comes first.
const PAUSE: Duration = Duration::from_millis(50);

/// What is warmed of one site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The site.
    pub host: Domain,
    /// The path of its list.
    pub from: String,
    /// The most that comes over the line in a night, in bytes.
    pub budget_bytes: u64,
}

/// Why nothing is fetched just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// It is not the hour, or the clock is doubted.
    Window,
    /// The line, or the site, cannot be reached.
    Line,
    /// People ask for something.
    People,
}

/// Says what hinders, as far as the box knows.
pub type Hinders = Arc<dyn Fn() -> Option<Hindrance> + Send + Sync>;

/// Fetches ahead what lists name.
pub struct Warmer {
    cache: Cache,
    settings: Vec<Settings>,
    hinders: Hinders,
    state_path: PathBuf,
    told: watch::Sender<Told>,
}

/// The night is over, or another one begun.
struct Over;

impl Warmer {
    /// Warms `cache` by `settings` while nothing `hinders`; what is done is remembered in the file at `state_path`.
    #[must_use]
    pub fn new(cache: Cache, settings: Vec<Settings>, hinders: Hinders, state_path: PathBuf) -> Self {
        Self { cache, settings, hinders, state_path, told: watch::Sender::default() }
    }

    /// What is told of the last night.
    #[must_use]
    pub fn told(&self) -> watch::Receiver<Told> {
        self.told.subscribe()
    }

    /// Works until `stop`.
    ///
    /// # Errors
    /// Never: what cannot be fetched tonight is tried tomorrow.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut night = Night::open(self.state_path.clone());
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.work(&mut night) => {}
        }
        if !night.name().is_empty() {
            night.write();
        }
        Ok(())
    }

    async fn work(&self, night: &mut Night) {
        loop {
            self.wait().await;
            let Some(name) = name_of(self.cache.0.clock.now()) else {
                sleep(TRY_AGAIN).await;
                continue;
            };
            night.turn_to(&name);
            self.told.send_if_modified(|told| {
                let is_new = told.night != name;
                if is_new {
                    *told = Told::of_night(name.clone());
                }
                is_new
            });
            let mut is_through = true;
            for settings in &self.settings {
                if self.round(settings, night).await.is_err() {
                    is_through = false;
                    break;
                }
            }
            night.write();
            while is_through && self.is_night(night) {
                sleep(LOOK_EVERY).await;
            }
        }
    }

    fn is_night(&self, night: &Night) -> bool {
        name_of(self.cache.0.clock.now()).is_some_and(|name| name == night.name())
    }

    /// What hinders just now.
    fn hindered(&self) -> Option<Hindrance> {
        (self.hinders)().or_else(|| {
            let is_asked = self.cache.quiet_for().is_some_and(|quiet| quiet < PEOPLE_QUIET);
            is_asked.then_some(Hindrance::People)
        })
    }

    /// Waits until nothing hinders.
    async fn wait(&self) {
        while let Some(by) = self.hindered() {
            self.tell_waits(Some(by));
            sleep(LOOK_EVERY).await;
        }
        self.tell_waits(None);
    }

    fn tell_waits(&self, waits: Option<Hindrance>) {
        self.told.send_if_modified(|told| std::mem::replace(&mut told.waits, waits) != waits);
    }

    /// Waits for a turn in this night.
    async fn turn(&self, night: &Night) -> Result<(), Over> {
        self.wait().await;
        if self.is_night(night) { Ok(()) } else { Err(Over) }
    }

    /// What to do once something came in between.
    async fn pause(&self, stopped: Stopped) {
        if stopped.by == Hindrance::Line {
            self.tell_waits(Some(Hindrance::Line));
            sleep(TRY_AGAIN).await;
        }
    }

    /// Works through what the list of one site names.
    async fn round(&self, settings: &Settings, night: &mut Night) -> Result<(), Over> {
        let Settings { host, budget_bytes, .. } = settings;
        let Some(list) = self.list(settings, night).await? else { return Ok(()) };
        for path in list.pages.iter().chain(&list.media) {
            if night.has(host, path) {
                continue;
            }
            let outcome = loop {
                self.turn(night).await?;
                let left = budget_bytes.saturating_sub(night.spent(host));
                if left == 0 {
                    break Outcome::Spent;
                }
                let address = Address { cache: &self.cache, host, path };
                match address.warm(left, &|| self.hindered()).await {
                    Ok((outcome, bytes)) => {
                        self.count(night, host, bytes);
                        break outcome;
                    }
                    Err(stopped) => {
                        self.count(night, host, stopped.bytes);
                        self.pause(stopped).await;
                    }
                }
            };
            match outcome {
                Outcome::Kept => self.told.send_modify(|told| told.kept += 1),
                Outcome::Refused(why) => self.told.send_modify(|told| told.refuse(why, 1)),
                Outcome::Spent => {
                    self.told.send_modify(|told| told.is_spent = true);
                    return Ok(());
                }
            }
            night.note(host, path);
            sleep(PAUSE).await;
        }
        Ok(())
    }

    fn count(&self, night: &mut Night, host: &Domain, bytes: u64) {
        night.spend(host, bytes);
        self.told.send_modify(|told| told.bytes += bytes);
    }

    /// The site's list with the lists it names; none where it cannot be read.
    async fn list(&self, settings: &Settings, night: &mut Night) -> Result<Option<List>, Over> {
        let Some(mut list) = self.one_list(settings, &settings.from, night).await? else { return Ok(None) };
        for path in std::mem::take(&mut list.lists) {
            if let Some(named) = self.one_list(settings, &path, night).await? {
                list.take_in(named);
            }
        }
        self.told.send_modify(|told| {
            told.refuse(Why::Elsewhere, list.elsewhere);
            told.refuse(Why::LeftOut, list.left_out);
        });
        Ok(Some(list))
    }

    async fn one_list(
        &self,
        settings: &Settings,
        path: &str,
        night: &mut Night,
    ) -> Result<Option<List>, Over> {
        let address = Address { cache: &self.cache, host: &settings.host, path };
        let bytes = loop {
            self.turn(night).await?;
            match address.list().await {
                Ok(bytes) => break bytes,
                Err(stopped) => self.pause(stopped).await,
            }
        };
        let length = bytes.as_ref().map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.count(night, &settings.host, length);
        let list = bytes.and_then(|bytes| List::read(&bytes, &settings.host).ok());
        if list.is_none() {
            self.told.send_modify(|told| told.lists_unread += 1);
        }
        Ok(list)
    }
}
