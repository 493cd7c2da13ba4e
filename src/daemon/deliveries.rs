//! Deliveries of the school's directory: what is due takes effect, and the persons in force are who may sign in.
//!
//! Looked at every second, for a word of SQLite says whether anybody wrote; worked upon when somebody did, and when a day
//! begins. A register that cannot be read changes nothing: the persons in force stay until it is mended.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use jiff::civil::Date;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::status::DirectoryStatus;
use crate::{
    admin::{self, CalendarEnd, DirectoryHealth},
    identity::{
        Directory, Identity,
        feed::{Extent, Format, Head, Item, PersonRecord, Totals},
        register::{
            Applied, FeedView, Handover, Intent, Register, Staged, Standing, Terms, Today, Version, When,
        },
    },
    model::{AccountId, Uai},
    policy::CalendarWarning,
    protocol::delivery::Line,
    sync,
    system::clock::Clock,
};

/// How often the register is looked at: whoever imports by the command line sees it take effect.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a register that could not be read or written is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// The service that looks after the register.
#[derive(Debug)]
pub(super) struct Deliveries {
    state_dir: PathBuf,
    here: Uai,
    identity: Identity,
    terms: watch::Receiver<Arc<Terms>>,
    clock: Clock,
    directory: watch::Sender<DirectoryStatus>,
    health: watch::Sender<DirectoryHealth>,
    /// Keeps what people decided and asked for: what it has of those who are deleted goes with them.
    store: admin::Store,
    register: Option<Register>,
    /// The register and the day for which everything is done.
    done: Option<(Version, Today)>,
    /// Which persons `identity` has.
    revision: Option<i64>,
}

impl Deliveries {
    /// Gives `identity` the persons in force before anybody asks for them. A register that cannot be read is told by the
    /// status: the accounts of the school's own file still sign in.
    pub(super) fn begin(
        state_dir: PathBuf,
        here: Uai,
        identity: Identity,
        terms: watch::Receiver<Arc<Terms>>,
        store: admin::Store,
        clock: Clock,
    ) -> Self {
        let mut deliveries = Self {
            state_dir,
            here,
            identity,
            terms,
            clock,
            directory: watch::Sender::default(),
            health: watch::Sender::default(),
            store,
            register: None,
            done: None,
            revision: None,
        };
        let opened = Register::open(&deliveries.state_dir).and_then(|register| {
            let news = News::of(&register, &deliveries.here, None, deliveries.today(), Applied::default())?;
            deliveries.register = Some(register);
            Ok(news)
        });
        match opened {
            Ok(news) => deliveries.take(news),
            Err(cause) => deliveries.fail(&cause),
        }
        deliveries
    }

    /// What `preau status` says of the directory.
    pub(super) fn status(&self) -> watch::Receiver<DirectoryStatus> {
        self.directory.subscribe()
    }

    /// What the referent's page says of the directory.
    pub(super) fn health(&self) -> watch::Receiver<DirectoryHealth> {
        self.health.subscribe()
    }

    /// Looks after the register until `stop`.
    pub(super) async fn serve(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut rest_until = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = ticks.tick() => {}
            }
            if Instant::now() < rest_until {
                continue;
            }
            if let Err(cause) = self.look().await.or_else(unless_busy) {
                self.fail(&cause);
                rest_until = Instant::now() + RETRY_AFTER;
            }
        }
    }

    /// Does what is due, where anything is another than when it was last done.
    async fn look(&mut self) -> anyhow::Result<()> {
        if self.terms.has_changed().unwrap_or(false) {
            self.terms.mark_unchanged();
            self.done = None;
        }
        let (today, now) = (self.today(), self.clock.now());
        let (register, state_dir) = (self.register.clone(), self.state_dir.clone());
        let (done, revision) = (self.done, self.revision);
        let (here, identity) = (self.here.clone(), self.identity.clone());
        let store = self.store.clone();
        let work = tokio::task::spawn_blocking(move || {
            let register = match register {
                Some(register) => register,
                None => Register::open(&state_dir)?,
            };
            // Before anything is done: what is written meanwhile, by this as well, is looked at once more.
            let version = register.version()?;
            if done == Some((version, today)) {
                return Ok(None);
            }
            let applied = register.apply_due(now, today, &|login| identity.is_local_login(login))?;
            // Of everybody who is gone, not of those who went just now: a power cut may have come in between.
            let is_known =
                |id: &AccountId| Ok(identity.account(id).is_some() || register.find(id.as_str())?.is_some());
            store.forget_unknown(now, is_known)?;
            let news = News::of(&register, &here, revision, today, applied)?;
            anyhow::Ok(Some((register, version, news)))
        });
        if let Some((register, version, news)) = work.await.context("the daemon is stopping")?? {
            self.register = Some(register);
            self.done = Some((version, today));
            self.take(news);
        }
        Ok(())
    }

    fn take(&mut self, news: News) {
        let News { revision, directory, standing, today, applied } = news;
        let Applied { feeds, held, deleted, ended } = applied;
        if !feeds.is_empty() || !deleted.is_empty() || ended > 0 {
            info!(feeds = feeds.len(), deleted = deleted.len(), ended, "the directory changed");
        }
        if !held.is_empty() {
            warn!(feeds = held.len(), "feeds are held; see `preau accounts feeds`");
        }
        if let Some(directory) = directory {
            self.identity.replace_register(directory);
            self.revision = Some(revision);
        }
        let warning = self.terms.borrow().warning(today);
        self.health.send_replace(health(&standing, warning.as_ref()));
        self.directory.send_replace(status(&standing, warning.map(|warning| warning.to_string())));
    }

    fn fail(&mut self, cause: &anyhow::Error) {
        warn!("the directory cannot be read or written; see `preau status`");
        self.done = None;
        self.health.send_modify(|health| health.is_unreadable = true);
        self.directory.send_modify(|status| status.trouble = Some(format!("{cause:#}")));
    }

    fn today(&self) -> Today {
        self.terms.borrow().today(self.clock.now(), self.clock.doubt().is_none())
    }
}

/// Lays what the académie delivers before the register, to take effect on the calendar's day unless the delivery names one.
/// The daemon's own look at the register finds it.
pub(super) fn stage(
    state_dir: &Path,
    here: &Uai,
    terms: watch::Receiver<Arc<Terms>>,
    clock: &Clock,
) -> sync::Stage {
    let (state_dir, here, clock) = (state_dir.to_owned(), here.clone(), clock.clone());
    Arc::new(move |delivery| {
        let header = &delivery.header;
        let register = Register::open(&state_dir)?;
        let today = terms.borrow().today(clock.now(), clock.doubt().is_none());
        let format: Format = header.format.parse().map_err(anyhow::Error::msg)?;
        let day = |text: &Option<String>| -> anyhow::Result<Option<Date>> {
            text.as_deref().map(str::parse).transpose().context("a day of the delivery is malformed")
        };
        let when = day(&header.from)?.map_or(When::Calendar, When::On);
        let due = terms.borrow().due(when, today, register.has_begun(format)?)?;
        let head = Head {
            format,
            extent: if header.base.is_none() { Extent::Complete } else { Extent::Delta },
            date: day(&header.made)?,
            source: format!("central {}", header.sequence),
        };
        let (now, intent, sequence) = (clock.now(), Intent::Keep, Some(header.sequence));
        let handover = Handover { head: &head, here: &here, now, today, due, intent, sequence };
        let read = |take: &mut dyn FnMut(Item) -> anyhow::Result<()>| {
            for line in &delivery.lines {
                take(match line {
                    Line::Leaves(id) => Item::Leaves(AccountId::new(id)),
                    Line::Person(told) => {
                        Item::Person(Box::new(PersonRecord::of_told((**told).clone(), &here)?))
                    }
                })?;
            }
            Ok(Totals::default())
        };
        match register.stage(handover, read, None)? {
            // Whoever was killed before the release comes by here once more.
            Staged::Waiting { number, .. } | Staged::Known(number) => {
                if header.released {
                    register.release(number)?;
                }
                Ok(())
            }
            Staged::Refused(refusal) => anyhow::bail!("{refusal}"),
        }
    })
}

/// While an import is written, the register is left alone until the next look.
fn unless_busy(cause: anyhow::Error) -> anyhow::Result<()> {
    if Register::is_busy(&cause) { Ok(()) } else { Err(cause) }
}

/// What the register says after it was worked upon.
struct News {
    revision: i64,
    /// The persons in force, where they are others than before.
    directory: Option<Directory>,
    standing: Standing,
    today: Today,
    applied: Applied,
}

impl News {
    fn of(
        register: &Register,
        here: &Uai,
        before: Option<i64>,
        today: Today,
        applied: Applied,
    ) -> anyhow::Result<Self> {
        // Before the persons are read: what is written in between is found by the next look.
        let revision = register.revision()?;
        let directory = (before != Some(revision)).then(|| register.snapshot(here)).transpose()?;
        let standing = register.standing(today)?;
        Ok(Self { revision, directory, standing, today, applied })
    }
}

fn health(standing: &Standing, warning: Option<&CalendarWarning>) -> DirectoryHealth {
    DirectoryHealth {
        is_unreadable: false,
        held: standing.waiting.iter().filter(|feed| feed.held.is_some()).count(),
        quarantined: standing.quarantined,
        calendar: warning.map(|warning| match warning.ends_on {
            Some(day) if warning.days_left >= 0 => CalendarEnd::On(day),
            Some(_) | None => CalendarEnd::Behind,
        }),
    }
}

fn status(standing: &Standing, calendar: Option<String>) -> DirectoryStatus {
    let Standing { persons, in_trash, quarantined, last, waiting } = standing;
    DirectoryStatus {
        persons: *persons,
        in_trash: *in_trash,
        quarantined: *quarantined,
        last: last.as_ref().map(FeedView::to_string),
        waiting: waiting.iter().map(FeedView::to_string).collect(),
        calendar,
        trouble: None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicI64, Ordering},
    };

    use jiff::civil::date;

    use super::*;
    use crate::{
        admin::{Act, Actor, Openings, Requests, Wish, may},
        identity::{
            EntMatch, EntStanding, MachinesMax, Settings,
            test_school::{address, begin_verified, machine},
        },
        model::{AccountId, Attachment, Moment, Person, Role},
        policy::{Policy, SchoolCalendar, SchoolZone},
        protocol::delivery::{self, Delivery, Header},
    };

    /// 2026-11-23T08:00:00Z, a Monday between holidays.
    const MONDAY_SECONDS: i64 = 1_795_420_800;

    const DAY_SECONDS: i64 = 24 * 3600;

    /// A school whose directory lies in a directory of its own, and whose clock is moved by hand.
    struct School {
        dir: tempfile::TempDir,
        identity: Identity,
        clock: Clock,
        seconds: Arc<AtomicI64>,
        terms: watch::Sender<Arc<Terms>>,
    }

    impl School {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let seconds = Arc::new(AtomicI64::new(MONDAY_SECONDS));
            let read = seconds.clone();
            let clock = Clock::from_fn(move || Moment::from_unix_seconds(read.load(Ordering::Relaxed)));
            let settings = Settings {
                devices: Vec::new(),
                state_dir: dir.path().to_owned(),
                session_lifetime: Duration::from_secs(3600),
                shared_session_lifetime: Duration::from_secs(3600),
                machines_max: MachinesMax::default(),
                remember: Duration::from_secs(3600),
            };
            let identity = Identity::open(&settings, Directory::default(), clock.clone()).unwrap();
            let calendar = SchoolCalendar::shipped().clone();
            let terms = watch::Sender::new(Arc::new(Terms { calendar, zone: Some(SchoolZone::B) }));
            Self { dir, identity, clock, seconds, terms }
        }

        fn begin(&self) -> Deliveries {
            let here = Uai::new("0809999Z").unwrap();
            let (state_dir, clock) = (self.dir.path().to_owned(), self.clock.clone());
            let store = admin::Store::open(&state_dir, clock.clone()).unwrap();
            Deliveries::begin(state_dir, here, self.identity.clone(), self.terms.subscribe(), store, clock)
        }

        /// Hands over a delivery as another process does.
        fn stage(&self, ids: &[&str], due: Option<jiff::civil::Date>) {
            let register = Register::open(self.dir.path()).unwrap();
            let today = self.terms.borrow().today(self.clock.now(), true);
            let here = Uai::new("0809999Z").unwrap();
            let head = Head {
                format: Format::Csv,
                extent: Extent::Complete,
                date: Some(today.date),
                source: "eleves.csv".to_owned(),
            };
            let now = self.clock.now();
            let handover =
                Handover { head: &head, here: &here, now, today, due, intent: Intent::Keep, sequence: None };
            let read = |take: &mut dyn FnMut(Item) -> anyhow::Result<()>| {
                ids.iter().map(|id| Item::Person(Box::new(pupil(id)))).try_for_each(take)?;
                Ok(Totals::default())
            };
            register.stage(handover, read, None).unwrap();
        }

        fn knows(&self, id: &str) -> bool {
            self.identity.account(&AccountId::new(id)).is_some()
        }
    }

    fn pupil(id: &str) -> PersonRecord {
        let here = Uai::new("0809999Z").unwrap();
        let person = Person {
            id: AccountId::new(id),
            login: None,
            family_name: "EXEMPLE".to_owned(),
            given_name: id.to_owned(),
            birth_date: None,
            role: Role::Eleve,
            schools: vec![Attachment { school: here, classes: Vec::new(), groups: Vec::new() }],
        };
        PersonRecord { person, password: None, has_left: None }
    }

    #[tokio::test]
    async fn what_another_process_delivers_takes_effect_by_itself() {
        let school = School::new();
        let deliveries = school.begin();
        let stop = CancellationToken::new();
        let served = tokio::join!(deliveries.serve(stop.clone()), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            school.stage(&["P1"], None);
            let begun = Instant::now();
            while !school.knows("P1") && begun.elapsed() < Duration::from_secs(10) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            stop.cancel();
        });
        served.0.unwrap();
        assert!(school.knows("P1"));
    }

    /// A delivery of the académie, of these pupils or of changes to the one before.
    fn delivered(sequence: u64, base: Option<u64>, from: Option<&str>, lines: Vec<Line>) -> Delivery {
        let header = Header {
            version: delivery::VERSION,
            school: "0809999Z".to_owned(),
            sequence,
            base,
            format: "aaf".to_owned(),
            made: Some("2026-11-20".to_owned()),
            from: from.map(str::to_owned),
            released: false,
        };
        Delivery { header, lines }
    }

    fn told(id: &str) -> Line {
        Line::Person(Box::new(pupil(id).told_to(&Uai::new("0809999Z").unwrap()).unwrap()))
    }

    #[tokio::test]
    async fn what_the_academie_delivers_takes_effect_at_first_at_once_and_then_on_the_calendars_day() {
        let school = School::new();
        let mut deliveries = school.begin();
        let here = Uai::new("0809999Z").unwrap();
        let stage = stage(school.dir.path(), &here, school.terms.subscribe(), &school.clock);
        stage(&delivered(1, None, None, vec![told("P1"), told("P2")])).unwrap();
        deliveries.look().await.unwrap();
        assert!(school.knows("P1") && school.knows("P2"));
        stage(&delivered(2, Some(1), Some("2026-11-23"), vec![told("P3")])).unwrap();
        deliveries.look().await.unwrap();
        assert!(school.knows("P1") && school.knows("P3"), "it names its day, and that is today");
        let change = delivered(3, Some(2), None, vec![Line::Leaves("P2".to_owned()), told("P4")]);
        stage(&change).unwrap();
        stage(&change).unwrap();
        deliveries.look().await.unwrap();
        assert!(school.knows("P2") && !school.knows("P4"));
        assert_eq!(deliveries.status().borrow().waiting.len(), 1, "the holidays begin on 19 December");
        let wrong = delivered(4, Some(3), Some("in spring"), vec![told("P5")]);
        assert!(stage(&wrong).is_err());
    }

    #[tokio::test]
    async fn a_delivery_that_many_would_leave_by_is_held_unless_central_released_it() {
        for is_released in [false, true] {
            let school = School::new();
            let mut deliveries = school.begin();
            let here = Uai::new("0809999Z").unwrap();
            let stage = stage(school.dir.path(), &here, school.terms.subscribe(), &school.clock);
            let ids: Vec<String> = (1..=20).map(|number| format!("P{number}")).collect();
            stage(&delivered(1, None, None, ids.iter().map(|id| told(id)).collect())).unwrap();
            deliveries.look().await.unwrap();
            // Half of the school would leave in November.
            let gone = ids[..10].iter().map(|id| Line::Leaves(id.clone())).collect();
            let mut second = delivered(2, Some(1), Some("2026-11-23"), gone);
            second.header.released = is_released;
            stage(&second).unwrap();
            deliveries.look().await.unwrap();
            assert_eq!(school.knows("P1"), !is_released);
            assert_eq!(deliveries.health().borrow().held, usize::from(!is_released));
            assert!(school.knows("P20"));
        }
    }

    #[tokio::test]
    async fn a_delivery_takes_effect_when_its_day_begins_and_not_while_the_clock_is_in_doubt() {
        let school = School::new();
        let mut deliveries = school.begin();
        school.stage(&["P1"], Some(date(2026, 11, 25)));
        deliveries.look().await.unwrap();
        assert!(!school.knows("P1"));
        assert_eq!(deliveries.status().borrow().waiting.len(), 1);
        school.seconds.fetch_add(2 * DAY_SECONDS, Ordering::Relaxed);
        school.clock.set_doubt(Some(crate::system::ratchet::Doubt::BeforeProgram));
        deliveries.look().await.unwrap();
        assert!(!school.knows("P1"));
        school.clock.set_doubt(None);
        deliveries.look().await.unwrap();
        assert!(school.knows("P1"));
        assert_eq!(deliveries.status().borrow().persons, 1);
    }

    #[tokio::test]
    async fn a_restart_knows_everybody_before_anything_is_served() {
        let school = School::new();
        let mut deliveries = school.begin();
        school.stage(&["P1"], None);
        deliveries.look().await.unwrap();
        let again = School { identity: School::new().identity, ..school };
        assert!(!again.knows("P1"));
        let _deliveries = again.begin();
        assert!(again.knows("P1"));
    }

    #[tokio::test]
    async fn a_register_that_cannot_be_read_is_told_and_the_persons_in_force_stay() {
        let school = School::new();
        let mut deliveries = school.begin();
        school.stage(&["P1"], None);
        deliveries.look().await.unwrap();
        deliveries.register = None;
        std::fs::write(Register::path(school.dir.path()), [b'x'; 8192]).unwrap();
        let cause = deliveries.look().await.unwrap_err();
        deliveries.fail(&cause);
        assert!(deliveries.status().borrow().trouble.as_ref().unwrap().contains("people.sqlite"));
        assert!(school.knows("P1"));
        assert!(deliveries.health().borrow().is_unreadable);
        let begun = school.begin();
        assert!(begun.status().borrow().trouble.is_some() && begun.health().borrow().is_unreadable);
    }

    #[tokio::test]
    async fn what_other_modules_keep_of_somebody_goes_when_the_directory_deletes_them() {
        let school = School::new();
        let mut deliveries = school.begin();
        school.stage(&["P1", "P2"], None);
        deliveries.look().await.unwrap();
        let (identity, store) = (&school.identity, deliveries.store.clone());
        identity.set_ent(EntStanding::Reachable);
        identity.learn_neighbour(address(1), Some(machine(1)));
        let verified = identity.verified_by_ent("P1", EntMatch::Id).unwrap();
        let session = begin_verified(identity, &verified, 1).await.0;
        identity.learn(&session, "un mot de passe").await.unwrap();
        ask(identity, &store, "P1").await;
        ask(identity, &store, "P2").await;
        school.seconds.fetch_add(DAY_SECONDS, Ordering::Relaxed);
        school.stage(&["P2"], None);
        deliveries.look().await.unwrap();
        assert!(identity.session_of(address(1)).is_none(), "who has left is signed out");
        assert!(!identity.has_offline_password(&AccountId::new("P1")));
        assert_eq!(asked(&store), ["P1", "P2"], "until then they may come back");
        school.seconds.fetch_add(93 * DAY_SECONDS, Ordering::Relaxed);
        deliveries.look().await.unwrap();
        assert_eq!(asked(&store), ["P2"]);
        identity.forget_learned().await.unwrap();
        for file in ["school.sqlite", "sessions.sqlite", "people.sqlite"] {
            let file = rusqlite::Connection::open(school.dir.path().join(file)).unwrap();
            for (table, column) in [
                ("asker", "account"),
                ("opening", "whom"),
                ("learned", "account"),
                ("person", "id"),
                ("record", "id"),
            ] {
                let query = format!("SELECT count(*) FROM {table} WHERE {column} = 'P1'");
                // Each table is in one of the files.
                let left: i64 = file.query_row(&query, [], |row| row.get(0)).unwrap_or(0);
                assert_eq!(left, 0, "{table}");
            }
        }
    }

    async fn ask(identity: &Identity, store: &admin::Store, id: &str) {
        let rules = watch::channel(Arc::new(Policy::new(Vec::new(), None).unwrap())).1;
        let now = Moment::from_unix_seconds(MONDAY_SECONDS);
        let openings = Openings::open(store.clone(), identity.clone(), rules, Vec::new(), now).unwrap();
        let account = identity.account(&AccountId::new(id)).unwrap();
        let granted = may(&Actor(account), Act::AskToOpen).unwrap();
        let site = format!("{}.example", id.to_lowercase()).parse().unwrap();
        Requests::new(store.clone(), openings)
            .ask(&granted, site, Wish::Open, None, "un exposé", now)
            .await
            .unwrap();
    }

    /// Whose requests are kept.
    fn asked(store: &admin::Store) -> Vec<String> {
        let seen = Mutex::new(Vec::new());
        let see = |id: &AccountId| {
            seen.lock().unwrap().push(id.as_str().to_owned());
            Ok(true)
        };
        store.forget_unknown(Moment::from_unix_seconds(0), see).unwrap();
        seen.into_inner().unwrap()
    }

    #[tokio::test]
    async fn nothing_is_done_twice() {
        let school = School::new();
        let mut deliveries = school.begin();
        school.stage(&["P1"], None);
        deliveries.look().await.unwrap();
        let changes = Mutex::new(school.identity.changes());
        changes.lock().unwrap().mark_unchanged();
        deliveries.look().await.unwrap();
        deliveries.look().await.unwrap();
        assert!(!changes.lock().unwrap().has_changed().unwrap());
    }
}
