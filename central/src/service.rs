//! Assembly: everything opened and bound before anything is served; a part that must not fail takes the others with it.

use std::time::Duration;

use anyhow::Context as _;
use preau::{
    lists,
    system::{clock::Clock, metrics::Service as Figures, tasks::Tasks},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    accounts::{self, Accounts},
    audit,
    authority::{self, Acme, Authority},
    boxes::{
        self,
        line::{Line, Views},
    },
    bucket::Bucket,
    channel::{self, Channel},
    concentrator,
    config::{self, Config},
    console,
    content::{self, Content},
    database::{Database, Part},
    editions::{self, Editions},
    fleet::{
        observed, orders,
        policy::{self, Lists, Rollout},
        reports::Reports,
        requests, schools, statistics, tunnel,
    },
    metrics::{
        self, Watched,
        alarms::{self, Alarms},
    },
    people::{self, People},
};

/// How often it is looked whether there is another edition of the lists.
const LISTS_LOOK_EVERY: Duration = Duration::from_secs(10);

/// Every part of the database, in the order they come to be.
pub const PARTS: &[Part] = &[
    audit::PART,
    schools::PART,
    channel::PART,
    authority::PART,
    editions::PART,
    accounts::PART,
    content::PART,
    observed::PART,
    orders::PART,
    requests::PART,
    policy::PART,
    statistics::PART,
    people::PART,
    alarms::PART,
];

/// Everything that acts need, opened: for the service as for a command.
#[derive(Clone, Debug)]
pub struct House {
    /// The time.
    pub clock: Clock,
    /// Where everything is kept.
    pub database: Database,
    /// The repository's store.
    pub bucket: Bucket,
    /// The signed channel.
    pub channel: Channel,
    /// Certificates of boxes.
    pub authority: Authority,
    /// Editions of the lists.
    pub editions: Editions,
    /// Feeds of accounts.
    pub accounts: Accounts,
    /// Packages of the library.
    pub content: Content,
}

impl House {
    /// Opens everything that `config` names.
    ///
    /// # Errors
    /// When something cannot be opened, or `preau-central init` was not run.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let clock = Clock::of_the_machine();
        let database = open_database(config).await?;
        let bucket = Bucket::open(&config.repository)?;
        let channel =
            Channel::open(database.clone(), bucket.clone(), &config.keys_dir, clock.clone()).await?;
        let root = channel.first_root();
        let authority =
            Authority::open(database.clone(), &config.keys_dir, &config.boxes.url, root, clock.clone())
                .await?;
        let editions =
            Editions::new(database.clone(), channel.clone(), config.work_dir.clone(), clock.clone());
        let accounts = Accounts::new(
            database.clone(),
            channel.clone(),
            authority.clone(),
            clock.clone(),
            config.work_dir.join("feeds"),
        );
        let content = Content::new(
            database.clone(),
            bucket.clone(),
            channel.clone(),
            config.work_dir.clone(),
            clock.clone(),
        );
        Ok(Self { clock, database, bucket, channel, authority, editions, accounts, content })
    }
}

/// Opens the database in the form this program knows.
///
/// # Errors
/// When it cannot be reached, or is of a later version.
pub async fn open_database(config: &Config) -> anyhow::Result<Database> {
    Database::open(&config.database, PARTS).await
}

/// Opens the database as it is: for what only looks at it, while others of any version may be running.
///
/// # Errors
/// When it is not there or cannot be reached.
pub async fn open_database_as_it_is(config: &Config) -> anyhow::Result<Database> {
    Database::open_as_it_is(&config.database).await
}

/// Opens the signed channel alone.
///
/// # Errors
/// When database or repository cannot be opened, or `preau-central init` was not run.
pub async fn open_channel(config: &Config) -> anyhow::Result<Channel> {
    let database = open_database(config).await?;
    let bucket = Bucket::open(&config.repository)?;
    Channel::open(database, bucket, &config.keys_dir, Clock::of_the_machine()).await
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// When something cannot be opened or bound, or a vital part fails.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let House { clock, database, bucket, channel, authority, editions, accounts, content } =
        House::open(&config).await?;
    let (reports, keeper) = Reports::new(database.clone(), clock.clone());
    let line = Line::new(database.clone(), reports, views(&channel), clock.clone())
        .with_tunnel(authority.tunnel_version());
    let routes =
        boxes::line::routes(line.clone()).merge(boxes::counts::routes(database.clone(), clock.clone()));
    let acme = config.acme.clone().map(|settings| Acme::new(settings, authority.clone()));
    let parts =
        boxes::Parts { acme, authority: authority.clone(), bucket, database: database.clone(), routes };
    let boxes = boxes::Service::bind(&boxes::Settings { listen: config.boxes.listen }, parts).await?;
    let people = People::new(database.clone(), clock.clone());
    let (lists_sender, lists) = watch::channel(known_lists(&editions));
    let parts = console::Parts {
        database: database.clone(),
        clock: clock.clone(),
        people,
        authority: authority.clone(),
        channel: channel.clone(),
        accounts: accounts.clone(),
        content,
        lists: lists.clone(),
        two_persons: config.two_persons.clone(),
    };
    let console = console::Service::bind(console_settings(&config), parts)?;
    let watched = Watched {
        clock: clock.clone(),
        database: database.clone(),
        channel: channel.clone(),
        authority: authority.clone(),
        traffic: line.traffic(),
        console_certificate_path: config.console.certificate_path.clone(),
        due_since: metrics::DueSince::default(),
    };
    let figures = config.metrics.map(Figures::bind).transpose()?;
    let alarms =
        config.alarms.map(|settings| Alarms::new(watched.clone(), settings, config.academie.clone()));
    let alarms = alarms.transpose()?;
    let rollout = Rollout::new(database.clone(), channel.clone(), lists, clock.clone());
    let mut tasks = Tasks::new(CancellationToken::new());
    if let Some(alarms) = alarms {
        tasks.start("alarms", |stop| alarms.serve(stop));
    }
    if let Some(figures) = figures {
        tasks.start("metrics", |stop| tell_figures(figures, watched, stop));
    }
    tasks.start("signals", stop_on_signal);
    let keys = tunnel::Rotation::new(database.clone(), authority.clone(), clock.clone());
    tasks.start("tunnel keys", |stop| keys.serve(stop));
    let counted = database.clone();
    tasks.start("statistics", |stop| statistics::serve(counted, clock, stop));
    let heard = database.clone();
    tasks.start("database", |stop| heard.hear_others(stop));
    tasks.start("authority", |stop| authority.serve(stop));
    tasks.start("publisher", |stop| channel.serve(stop));
    tasks.start("lists", |stop| follow_lists(database, editions, lists_sender, stop));
    tasks.start("rollout", |stop| rollout.serve(stop));
    tasks.start("accounts", |stop| accounts.serve(stop));
    tasks.start_foundation("reports", |stop| keeper.serve(stop));
    tasks.start("line", |stop| line.serve(stop));
    tasks.start("boxes", |stop| boxes.serve(stop));
    tasks.start("console", |stop| console.serve(stop));
    tasks.run().await
}

/// Runs the concentrator that `config` describes until SIGTERM or SIGINT.
///
/// # Errors
/// When the configuration describes none, something of it is not there, or a vital part fails.
pub async fn run_concentrator(config: &Config) -> anyhow::Result<()> {
    let settings = config.concentrator.clone();
    let settings = settings.context("the configuration has no `[concentrator]`; see docs/concentrator.md")?;
    let House { clock, database, authority, .. } = House::open(config).await?;
    let concentrator =
        concentrator::Service::bind(settings, database.clone(), authority.clone(), &config.keys_dir, clock)
            .await?;
    let mut tasks = Tasks::new(CancellationToken::new());
    tasks.start("signals", stop_on_signal);
    tasks.start("database", |stop| database.hear_others(stop));
    tasks.start("authority", |stop| authority.serve(stop));
    tasks.start("concentrator", |stop| concentrator.serve(stop));
    tasks.run().await
}

/// Tells whoever asks how central and its fleet stand.
async fn tell_figures(figures: Figures, watched: Watched, stop: CancellationToken) -> anyhow::Result<()> {
    let look = move || {
        let watched = watched.clone();
        async move { metrics::figures(&watched.look().await) }
    };
    figures.serve(look, stop).await
}

fn console_settings(config: &Config) -> console::Settings {
    let config::Console { listen, name, certificate_path, key_path, clients } = config.console.clone();
    console::Settings { academie: config.academie.clone(), listen, name, certificate_path, key_path, clients }
}

/// The lists that drafts are judged by: those of the edition in force, where this instance has its table.
fn known_lists(editions: &Editions) -> Lists {
    let table = editions.table_path().map(|path| lists::open(&path));
    match table {
        Some(Ok(table)) => Lists::of(table),
        Some(Err(cause)) => {
            warn!(cause = format!("{cause:#}"), "the table of the lists cannot be read");
            Lists::none()
        }
        None => Lists::none(),
    }
}

/// Takes up each edition of the lists, whichever instance or command added it.
async fn follow_lists(
    database: Database,
    editions: Editions,
    known: watch::Sender<Lists>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut number = None;
    loop {
        let latest = editions::latest(&database, 1).await;
        let latest = latest.ok().and_then(|latest| latest.first().map(|known| known.number));
        if latest.is_some() && number.replace(latest).flatten() != latest {
            known.send_replace(known_lists(&editions));
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = sleep(LISTS_LOOK_EVERY) => {}
        }
    }
}

/// What is published, as the line asks for it.
fn views(channel: &Channel) -> Views {
    let channel = channel.clone();
    Views::from_fn(move |school| {
        let channel = channel.clone();
        Box::pin(async move { channel.published(school.as_ref()).await })
    })
}

async fn stop_on_signal(stop: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = stop.cancelled() => {}
    }
    stop.cancel();
    Ok(())
}
