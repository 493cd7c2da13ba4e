//! What teachers decide for some minutes: begun, undone, ended by itself, and kept across a restart.
//!
//! [`Openings`] is the one writer. Each act is on disk before it counts; what runs is then read back from the disk and
//! published, so that pages, judge and disk say the same. The daemon joins what is published with the rules.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    Act, Granted, Lasts, NotDone, Store, Whom,
    opening_table::{self, Running},
};
use crate::{
    identity::Identity,
    model::{Account, AccountId, ClockTrust, Domain, Mac, Moment, Role, Site, Subject, Zone},
    policy::{Cause, Level, MayOpen, Mode, Opening, Policy, Question, Refusal, Scope, Verdict},
    system::clock::Clock,
};

/// Decisions that may run at once: each costs the judge a look at every question.
const RUNNING_MAX: u32 = 200;

/// Sites of one exam: what fits on a page, and is read by people.
const SITES_MAX: usize = 30;

/// The clock is looked at this often at least, so that a clock that jumps leaves nothing running or forgotten.
const LOOK_MAX: Duration = Duration::from_secs(15);

/// What a teacher decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Opens the web.
    Open,
    /// Closes the web.
    Close,
    /// Opens one site.
    OpenSite(Domain),
    /// Leaves these sites and nothing else.
    Exam(Vec<Domain>),
}

/// Teachers' timed decisions. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub struct Openings {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    identity: Identity,
    /// The rules without openings.
    rules: watch::Receiver<Arc<Policy>>,
    zones: Vec<Arc<Zone>>,
    running: watch::Sender<Arc<Vec<Running>>>,
    openings: watch::Sender<Arc<Vec<Opening>>>,
}

impl Openings {
    /// What the last run left in `store`. `rules` are asked before a site is promised, as the zones of `zones` have them.
    ///
    /// # Errors
    /// When the disk refuses, or holds what nobody of us wrote.
    pub fn open(
        store: Store,
        identity: Identity,
        rules: watch::Receiver<Arc<Policy>>,
        zones: Vec<Arc<Zone>>,
        now: Moment,
    ) -> anyhow::Result<Self> {
        let running = store.read_at_start(|on| opening_table::running(on, now))?;
        let openings = running.iter().map(|one| judged(one, &identity)).collect();
        let shared = Shared {
            store,
            identity,
            rules,
            zones,
            running: watch::Sender::new(Arc::new(running)),
            openings: watch::Sender::new(Arc::new(openings)),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What runs, for the judge; changes with each act and each end.
    #[must_use]
    pub fn openings(&self) -> watch::Receiver<Arc<Vec<Opening>>> {
        self.shared.openings.subscribe()
    }

    /// What runs, for pages, in the order it was decided; changes with each act and each end.
    #[must_use]
    pub fn running(&self) -> watch::Receiver<Arc<Vec<Running>>> {
        self.shared.running.subscribe()
    }

    /// The end of the lesson that runs at `now`, where the rules know lessons.
    #[must_use]
    pub fn lesson_end(&self, now: Moment) -> Option<Moment> {
        self.shared.rules.borrow().lesson_end(now)
    }

    /// Decides for `whom` from `now` on. It counts when this returns.
    ///
    /// # Errors
    /// A refusal; nothing has then changed.
    pub async fn begin(
        &self,
        granted: &Granted,
        whom: Whom,
        decision: Decision,
        lasts: Lasts,
        now: Moment,
    ) -> Result<Running, NotDone> {
        check_act(granted, Act::OpenForPupils)?;
        whom.may_be_decided_by(granted.account(), &self.shared.identity)?;
        let mode = match decision {
            Decision::Open => Mode::Open(None),
            Decision::Close => Mode::Close(None),
            Decision::OpenSite(site) => Mode::Open(Some(vec![site])),
            Decision::Exam(sites) if sites.len() <= SITES_MAX => Mode::Exam(sites),
            Decision::Exam(_) => return Err(NotDone::Sites),
        };
        let running = self.prepared(granted.account(), whom, mode, lasts, now)?;
        let (kept, what) = (running.clone(), told(&running));
        let change = move |on: &rusqlite::Transaction<'_>| keep(on, &kept, now);
        let number = self.shared.store.act_unless(granted, what, now, change).await??;
        self.publish(now).await?;
        Ok(Running { number, ..running })
    }

    /// Ends what runs under `number`: by whoever decided it, or whoever might have.
    ///
    /// # Errors
    /// A refusal; nothing has then changed.
    pub async fn undo(&self, granted: &Granted, number: i64, now: Moment) -> Result<Running, NotDone> {
        check_act(granted, Act::OpenForPupils)?;
        let running = self.find(number).ok_or(NotDone::Unknown)?;
        if running.by != granted.account().id {
            match running.whom.may_be_decided_by(granted.account(), &self.shared.identity) {
                // What is decided for somebody who has left may be undone all the same.
                Ok(()) | Err(NotDone::Unknown) => {}
                Err(refused) => return Err(refused),
            }
        }
        let what = format!("annule : {}", told(&running));
        let change = move |on: &rusqlite::Transaction<'_>| {
            let ran = opening_table::end(on, number, now)?;
            Ok(if ran { Ok(()) } else { Err(NotDone::Unknown) })
        };
        self.shared.store.act_unless(granted, what, now, change).await??;
        self.publish(now).await?;
        Ok(running)
    }

    /// What runs under `number`.
    #[must_use]
    pub fn find(&self, number: i64) -> Option<Running> {
        self.shared.running.borrow().iter().find(|running| running.number == number).cloned()
    }

    /// A decision ready to be kept; its number is not given yet. No site is promised that stays closed.
    pub(super) fn prepared(
        &self,
        by: &Account,
        whom: Whom,
        mode: Mode,
        lasts: Lasts,
        now: Moment,
    ) -> Result<Running, NotDone> {
        let is_of_one_site = matches!(&mode, Mode::Open(Some(sites)) if sites.len() == 1);
        if lasts == Lasts::Evening && !is_of_one_site {
            return Err(NotDone::Lasting);
        }
        let until = lasts.until(now, self.lesson_end(now)).ok_or(NotDone::Lasting)?;
        let label = whom.label(&self.shared.identity);
        let running = Running { number: 0, whom, label, mode, from: now, until, by: by.id.clone() };
        if let Mode::Open(Some(sites)) | Mode::Exam(sites) = &running.mode {
            for site in sites {
                if let Some(by) = self.closed_whatever_comes(&running, site, now) {
                    return Err(NotDone::Locked { site: site.clone(), by });
                }
            }
        }
        Ok(running)
    }

    /// Reads what runs from the disk and publishes it.
    pub(super) async fn publish(&self, now: Moment) -> anyhow::Result<()> {
        let shared = Arc::clone(&self.shared);
        let read = move |on: &rusqlite::Connection| {
            // Under the store's lock: what is published last is what was read last.
            shared.put_into_force(opening_table::running(on, now)?);
            Ok(())
        };
        self.shared.store.read(read).await
    }

    /// Publishes each end, and what changes of rooms and people, until the stop signal.
    ///
    /// # Errors
    /// Never: where the disk refuses, what runs ends by the judge's own clock.
    pub async fn serve(self, clock: Clock, stop: CancellationToken) -> anyhow::Result<()> {
        let (mut people, mut doubts) = (self.shared.identity.changes(), clock.doubts());
        loop {
            let now = clock.now();
            let next_end = self.shared.running.borrow().iter().map(|running| running.until).min();
            let wait = next_end.map_or(LOOK_MAX, |end| end.since(now).min(LOOK_MAX));
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                Ok(()) = people.changed() => {
                    // Rooms are their machines by now; what is for people is for the same ones as before.
                    if !self.shared.is_about_a_room() {
                        continue;
                    }
                }
                Ok(()) = doubts.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
            if let Err(cause) = self.look(&clock).await {
                warn!(cause = format!("{cause:#}"), "cannot read what teachers decided");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }

    async fn look(&self, clock: &Clock) -> anyhow::Result<()> {
        let now = clock.now();
        // A clock in doubt ends nothing for good: an exam outlives a boot in 1970.
        if clock.trust() == ClockTrust::Trusted {
            self.shared.store.read(move |on| opening_table::end_of_a_clock_ahead(on, now)).await?;
        }
        self.publish(now).await
    }

    /// Who keeps `site` closed even with `running` in force: [`MayOpen::Nobody`] is none inside. None outside where it
    /// opens in some zone with people.
    fn closed_whatever_comes(&self, running: &Running, site: &Domain, now: Moment) -> Option<Option<Level>> {
        let Shared { identity, rules, zones, .. } = &*self.shared;
        let trial = rules.borrow().with_openings(vec![judged(running, identity)]);
        let (subject, machine) = example(running, identity);
        let site = Site::Name(site.clone());
        let mut closed = None;
        for zone in zones {
            let question = Question {
                subject: &subject,
                machine,
                zone,
                site: &site,
                path: None,
                at: now,
                clock: ClockTrust::Trusted,
            };
            closed = match trial.judge(&question) {
                Verdict::Allow(_) => return None,
                Verdict::Refuse(refusal) => Some(locked_by(&refusal)?),
            };
        }
        closed
    }
}

impl Shared {
    fn is_about_a_room(&self) -> bool {
        self.running.borrow().iter().any(|one| matches!(one.whom, Whom::Room(_)))
    }

    /// Publishes `running`, where it is not what is published.
    fn put_into_force(&self, running: Vec<Running>) {
        // A change wakes the judge's readers and every live connection.
        replace(&self.openings, running.iter().map(|one| judged(one, &self.identity)).collect());
        replace(&self.running, running);
    }
}

fn replace<T: PartialEq>(published: &watch::Sender<Arc<Vec<T>>>, list: Vec<T>) {
    published.send_if_modified(|known| {
        let differs = **known != list;
        if differs {
            *known = Arc::new(list);
        }
        differs
    });
}

/// Whether `granted` is the proof of `act`, not of another.
pub(super) fn check_act(granted: &Granted, act: Act) -> Result<(), NotDone> {
    if granted.act() == act { Ok(()) } else { Err(NotDone::NotYours) }
}

/// Keeps a decision where there is room for one more.
pub(super) fn keep(
    on: &rusqlite::Connection,
    running: &Running,
    now: Moment,
) -> rusqlite::Result<Result<i64, NotDone>> {
    if opening_table::count(on, now)? >= RUNNING_MAX {
        return Ok(Err(NotDone::TooMany));
    }
    opening_table::insert(on, running).map(Ok)
}

/// The decision as the judge knows it.
fn judged(running: &Running, identity: &Identity) -> Opening {
    let Running { number: _, whom, label, mode, from, until, by: _ } = running;
    let scope = whom.scope(identity);
    Opening { scope, mode: mode.clone(), from: *from, until: *until, label: Arc::clone(label) }
}

/// Somebody whom the decision is for.
fn example(running: &Running, identity: &Identity) -> (Subject, Option<Mac>) {
    let pupil =
        |classes| Account { id: AccountId::new(""), display_name: String::new(), role: Role::Eleve, classes };
    match &running.whom {
        Whom::Pupil(id) => {
            let account = identity.account(id).unwrap_or_else(|| Arc::new(pupil(Vec::new())));
            (Subject::Person(account), None)
        }
        Whom::Class(class) => (Subject::Person(Arc::new(pupil(vec![class.clone()]))), None),
        Whom::Room(_) => {
            let machine = match running.whom.scope(identity) {
                Scope::Machines(machines) => machines.first().copied(),
                Scope::Person(_) | Scope::Class(_) | Scope::Zone(_) => None,
            };
            (Subject::Person(Arc::new(pupil(Vec::new()))), machine)
        }
    }
}

/// The level that keeps it closed, where no teacher can open it. None outside where one can.
fn locked_by(refusal: &Refusal) -> Option<Option<Level>> {
    match (&refusal.cause, refusal.may_open()) {
        (Cause::Policy(_), MayOpen::Locked(level)) => Some(Some(level)),
        (Cause::Policy(_), MayOpen::Nobody) => Some(None),
        _ => None,
    }
}

/// The decision in the trail's words.
fn told(running: &Running) -> String {
    let list = |sites: &[Domain]| sites.iter().map(Domain::as_str).collect::<Vec<_>>().join(", ");
    let what = match &running.mode {
        Mode::Open(None) => String::from("ouvre le web"),
        Mode::Close(None) => String::from("ferme le web"),
        Mode::Open(Some(sites)) => format!("ouvre {}", list(sites)),
        Mode::Close(Some(sites)) => format!("ferme {}", list(sites)),
        Mode::Exam(sites) if sites.is_empty() => String::from("lance un examen sans site"),
        Mode::Exam(sites) => format!("lance un examen avec {}", list(sites)),
    };
    let minutes = running.until.since(running.from).as_secs().div_ceil(60);
    format!("{what}, {}, {minutes} min", running.label)
}
