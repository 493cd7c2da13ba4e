//! The channel as a service: looks at its sources, takes what is newer, and tells what is in force.

use std::{collections::BTreeSet, fs, path::PathBuf, sync::Arc, time::Duration};

use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use url::Url;

use super::{
    allowance::{Allowance, LineBytes, Waits},
    downloads::{Downloads, worse},
    policy::{Taken, Taker},
    refusal::{Refusal, Why},
    source::Source,
    targets::Targets,
    trust::Trust,
    view::View,
};
use crate::{
    model::{Moment, Uai},
    protocol::line::InForce,
    sync::{Returns, Settings, in_force},
    system::{
        clock::Clock,
        files,
        ratchet::{Doubt, Ratchet},
    },
};

/// How often the repository is looked at where nobody wakes the box.
const LOOK_EVERY: Duration = Duration::from_secs(15 * 60);

/// How often the box looks for a stick.
const STICK_EVERY: Duration = Duration::from_secs(2);

/// When it looks again after it could not take what it knows to be there; then at [`LOOK_EVERY`].
const AGAIN_AFTER: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(20),
    Duration::from_secs(60),
    Duration::from_secs(300),
];

/// What the daemon thinks of a policy before it may be in force: a sentence for the technician where it refuses it.
pub type Check = Arc<dyn Fn(&in_force::Policy) -> Result<(), String> + Send + Sync>;

/// What the channel is to know.
#[derive(Clone, Debug)]
pub struct ChannelSettings {
    /// Where the daemon keeps its state. `central/root.json` below it is the root of trust.
    pub state_dir: PathBuf,
    /// The school whose view it is.
    pub school: Uai,
    /// Top directories of the repository, tried in this order: `https:`, or `file:` for a folder of this machine.
    pub repositories: Vec<Url>,
    /// How much of the line it may take.
    pub settings: Settings,
}

/// What came of a look at the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Refreshed {
    /// A policy was put into force, or a newer view taken with the same one.
    Taken,
    /// There is nothing newer.
    Unchanged,
    /// Something newer was not taken; what was in force stays.
    Refused(Refusal),
}

/// What came of one look: whether anything was taken, or what was not, its number or version, and why.
type Outcome = Result<bool, (&'static str, u64, Refusal)>;

/// The signed channel of one box.
pub struct Channel {
    trust: Trust,
    taker: Taker,
    repositories: Vec<Url>,
    media_dir: PathBuf,
    clients: watch::Sender<Option<reqwest::Client>>,
    clock: Clock,
    told_time: Box<dyn Fn() -> Option<Moment> + Send + Sync>,
    returns: Returns,
    in_force: watch::Sender<InForce>,
    targets: watch::Sender<Option<Targets>>,
}

impl Channel {
    /// The channel of a box that is enrolled. Without a client only folders and sticks are read. What is large makes way
    /// for whoever else `line_bytes` shows to use the line.
    ///
    /// # Errors
    /// When there is no root of trust, or the directory refuses.
    pub fn open(
        settings: ChannelSettings,
        client: Option<reqwest::Client>,
        check: Check,
        clock: Clock,
        line_bytes: LineBytes,
    ) -> anyhow::Result<Self> {
        let ChannelSettings { state_dir, school, repositories, settings } = settings;
        let dir = in_force::central_dir(&state_dir);
        let root_path = dir.join("root.json");
        anyhow::ensure!(
            root_path.exists() || dir.join("trust/root.json").exists(),
            "there is no root of trust at `{}`; enrol the box",
            root_path.display()
        );
        let media_dir = settings.media_dir.clone();
        let allowance = Allowance::new(settings, clock.clone(), line_bytes, dir.join("budget"));
        let downloads = Downloads::new(dir.join("parts"), allowance);
        let trust = Trust::in_dir(&dir, &school);
        let taker = Taker { state_dir, school, check, downloads };
        let view = fs::read_to_string(dir.join("view")).ok().and_then(|text| text.trim().parse().ok());
        let in_force = InForce {
            view: view.unwrap_or(0),
            policy: taker.number_in_force().unwrap_or(0),
            ..InForce::default()
        };
        Ok(Self {
            trust,
            taker,
            repositories,
            media_dir,
            clients: watch::Sender::new(client),
            clock,
            told_time: Box::new(|| None),
            returns: Returns::never(),
            in_force: watch::Sender::new(in_force),
            targets: watch::Sender::new(None),
        })
    }

    /// The same, which asks `told_time` for the time that central last told, where the clock is doubted.
    #[must_use]
    pub fn with_told_time(mut self, told_time: impl Fn() -> Option<Moment> + Send + Sync + 'static) -> Self {
        self.told_time = Box::new(told_time);
        self
    }

    /// The same, told when the line to the Internet is back.
    #[must_use]
    pub fn with_returns(self, returns: Returns) -> Self {
        Self { returns, ..self }
    }

    /// Where another client is put in when the box's certificate was renewed.
    #[must_use]
    pub fn clients(&self) -> watch::Sender<Option<reqwest::Client>> {
        self.clients.clone()
    }

    /// What of the channel is in force. `lists` and `accounts` stay 0 here: whoever takes them says so.
    #[must_use]
    pub fn in_force(&self) -> watch::Receiver<InForce> {
        self.in_force.subscribe()
    }

    /// What the newest view that was proved names, for whoever takes lists, accounts and packages; none before the first.
    #[must_use]
    pub fn targets(&self) -> watch::Receiver<Option<Targets>> {
        self.targets.subscribe()
    }

    /// What is large and waits for its turn; none where nothing does.
    #[must_use]
    pub fn waits(&self) -> watch::Receiver<Option<Waits>> {
        self.taker.downloads.waits()
    }

    /// Leaves so much of the disk free, from the next look on.
    #[cfg(test)]
    pub(super) fn leave_free(&mut self, bytes: u64) {
        self.taker.downloads.leave_free(bytes);
    }

    /// Looks at the sources and takes what is newer. Central has told of the view `at_least`, if it has told of any: where
    /// no source shows it, that is a freeze.
    pub async fn refresh(&mut self, at_least: Option<u64>) -> Refreshed {
        let sources = self.sources();
        let outcome = self.look(at_least.unwrap_or(0), &sources).await;
        self.told(outcome)
    }

    /// Looks at what is put in alone, which is not to wait until the line is given up on, address by address. What is wrong
    /// with it is told by the look that follows, which asks the line as well.
    async fn look_at_sticks(&mut self) {
        // Each by itself: one that shows an older view is not to hide the next.
        for dir in self.sticks() {
            if let outcome @ Ok(_) = self.look(0, &[Source::Folder { dir }]).await {
                let _ = self.told(outcome);
            }
        }
    }

    /// Tells what came of a look.
    fn told(&self, outcome: Outcome) -> Refreshed {
        let refreshed = match &outcome {
            Ok(false) => Refreshed::Unchanged,
            Ok(true) => Refreshed::Taken,
            Err((_, _, refusal)) => Refreshed::Refused(refusal.clone()),
        };
        let refused = match &outcome {
            Ok(_) => None,
            // A line that is down is no reason to call back what was refused, nor is it one by itself.
            Err((_, _, refusal)) if refusal.why == Why::Unreachable => self.in_force.borrow().refused.clone(),
            Err((what, number, refusal)) => Some(refusal.told(what, *number)),
        };
        self.in_force.send_if_modified(|known| {
            let changed = known.refused != refused;
            known.refused = refused;
            changed
        });
        match &outcome {
            Ok(false) => debug!("nothing newer in the channel"),
            Ok(true) => info!(view = self.in_force.borrow().view, "a newer view of the channel is in force"),
            Err((what, _, refusal)) if refusal.why == Why::Unreachable => debug!(what, %refusal, "no source"),
            Err((what, _, refusal)) => warn!(what, %refusal, "something of the channel was not taken"),
        }
        refreshed
    }

    /// Looks from time to time, when `wake` tells of a newer view, and when a stick is put in, until `stop`.
    ///
    /// # Errors
    /// None that is known: whatever fails is tried again.
    pub async fn serve(
        mut self,
        mut wake: watch::Receiver<u64>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let (media_dir, mut returns) = (self.media_dir.clone(), self.returns.clone());
        let mut sticks = self.sticks();
        let mut failures = 0;
        loop {
            let told = *wake.borrow_and_update();
            let looked = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                refreshed = self.refresh((told > 0).then_some(told)) => Some(refreshed),
                () = another_stick(&media_dir, &mut sticks) => None,
                () = returns.next() => continue,
            };
            let Some(refreshed) = looked else {
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = self.look_at_sticks() => continue,
                }
            };
            failures = if matches!(refreshed, Refreshed::Refused(_)) { failures + 1 } else { 0 };
            let wait = match failures {
                0 => jittered(LOOK_EVERY),
                _ => {
                    AGAIN_AFTER.get(failures - 1).map_or_else(|| jittered(LOOK_EVERY), |wait| jittered(*wait))
                }
            };
            let has_stick = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = sleep(wait) => continue,
                () = newer(&mut wake, told) => false,
                () = another_stick(&media_dir, &mut sticks) => true,
                () = returns.next() => false,
            };
            failures = 0;
            if has_stick {
                // Before the line is asked, which may be silent for half a minute.
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = self.look_at_sticks() => {}
                }
            }
        }
    }

    /// One look at `sources`, in their order.
    async fn look(&mut self, at_least: u64, sources: &[Source]) -> Outcome {
        let Some(now) = self.now() else {
            let sentence = "the box doubts its clock, and nobody has told it a time it could go by";
            return Err(("view", at_least, Refusal::new(Why::Clock, sentence)));
        };
        let mut refused = Refusal::new(Why::Unreachable, "there is no source of the channel");
        let mut behind = None;
        for source in sources {
            match self.trust.load(source, now).await {
                Ok(view) if view.version() >= at_least => return self.take(view, sources, now).await,
                Ok(view) if behind.as_ref().is_some_and(|known: &View| known.version() >= view.version()) => {
                }
                Ok(view) => behind = Some(view),
                Err(refusal) => refused = worse(refused, refusal),
            }
        }
        let Some(view) = behind else { return Err(("view", at_least, refused)) };
        let shown = view.version();
        self.take(view, sources, now).await?;
        let sentence = format!("central tells of view {at_least}, the repository shows {shown}");
        Err(("view", at_least, Refusal::new(Why::Frozen, sentence)))
    }

    /// Takes what the view brings.
    async fn take(&mut self, view: View, sources: &[Source], now: Moment) -> Outcome {
        let (version, view) = (view.version(), Arc::new(view));
        let index =
            self.taker.index(sources, &view, now).await.map_err(|refusal| ("view", version, refusal))?;
        let downloads = self.taker.downloads.clone();
        let targets =
            Targets::new(Arc::clone(&view), sources.to_vec(), downloads, self.taker.school.clone(), now);
        self.targets.send_replace(Some(targets));
        let number = index.as_ref().map_or(0, |index| index.policy.number);
        let failed = |refusal| ("policy", number, refusal);
        let taken = match &index {
            Some(index) => self.taker.take(sources, &view, index, now).await.map_err(failed)?,
            None => Taken { number, newly: false },
        };
        let path = in_force::central_dir(&self.taker.state_dir).join("view");
        let known = self.in_force.borrow().view;
        if known != version {
            files::replace(&path, format!("{version}\n").as_bytes())
                .map_err(|error| failed(Refusal::from(error)))?;
        }
        self.in_force.send_if_modified(|in_force| {
            let changed = (in_force.view, in_force.policy) != (version, taken.number);
            (in_force.view, in_force.policy) = (version, taken.number);
            changed
        });
        self.taker.downloads.prune(&view).map_err(|error| failed(Refusal::from(error)))?;
        Ok(taken.newly || known != version)
    }

    /// The time to go by: the clock's, or what central told where the clock is doubted and the ratchet has nothing against
    /// that.
    fn now(&self) -> Option<Moment> {
        let Some(doubt) = self.clock.doubt() else { return Some(self.clock.now()) };
        let seen = match doubt {
            Doubt::Behind(seen) | Doubt::FarAhead(seen) => Some(seen),
            Doubt::BeforeProgram | Doubt::LongAfterProgram => None,
        };
        let told = (self.told_time)()?;
        Ratchet::new(seen).look(told, Duration::ZERO).is_none().then_some(told)
    }

    /// All sources there are just now: the repositories of the enrolment, then what is put in.
    fn sources(&self) -> Vec<Source> {
        let client = self.clients.borrow().clone();
        let repositories = self.repositories.iter().filter_map(|url| Source::at(url, client.as_ref()));
        repositories.chain(self.sticks().into_iter().map(|dir| Source::Folder { dir })).collect()
    }

    fn sticks(&self) -> BTreeSet<PathBuf> {
        Source::sticks(&self.media_dir).into_iter().collect()
    }
}

/// Waits for word of a view that is newer than `known`.
async fn newer(wake: &mut watch::Receiver<u64>, known: u64) {
    if wake.wait_for(|told| *told > known).await.is_err() {
        std::future::pending().await
    }
}

/// Waits until a stick is put in that was not there.
async fn another_stick(media_dir: &std::path::Path, known: &mut BTreeSet<PathBuf>) {
    loop {
        sleep(STICK_EVERY).await;
        let found: BTreeSet<PathBuf> = Source::sticks(media_dir).into_iter().collect();
        let is_new = !found.is_subset(known);
        *known = found;
        if is_new {
            return;
        }
    }
}

/// The duration, a quarter more or less: boxes that were woken together do not come together.
fn jittered(duration: Duration) -> Duration {
    let drawn = getrandom::u32().map_or(0.5, |drawn| f64::from(drawn) / f64::from(u32::MAX));
    duration.mul_f64(0.75 + drawn / 2.0)
}
