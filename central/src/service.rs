//! Assembly: everything opened and bound before anything is served; a part that must not fail takes the others with it.

use anyhow::Context as _;
use preau::system::{clock::Clock, tasks::Tasks};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    audit,
    authority::{self, Authority},
    boxes::{
        self,
        line::{Line, Views},
    },
    bucket::Bucket,
    channel::{self, Channel},
    config::Config,
    console,
    database::{Database, Part},
    editions::{self, Editions},
    fleet::{observed, orders, policy, reports::Reports, requests, schools},
    people::{self, People},
};

/// Every part of the database, in the order they come to be.
pub const PARTS: &[Part] = &[
    audit::PART,
    people::PART,
    schools::PART,
    channel::PART,
    authority::PART,
    editions::PART,
    observed::PART,
    orders::PART,
    requests::PART,
    policy::PART,
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
        Ok(Self { clock, database, bucket, channel, authority, editions })
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
    let House { clock, database, bucket, channel, authority, editions: _ } = House::open(&config).await?;
    let (reports, keeper) = Reports::new(database.clone(), clock.clone());
    let console = console::Parts {
        database: database.clone(),
        people: People::new(database.clone(), clock.clone()),
        authority: authority.clone(),
        channel: channel.clone(),
        clock: clock.clone(),
    };
    let console = console::Service::bind(console_settings(&config), console)?;
    let line = Line::new(database.clone(), reports, views(&channel), clock);
    let routes = boxes::line::routes(line.clone());
    let parts = boxes::Parts { authority: authority.clone(), bucket, database, routes };
    let boxes = boxes::Service::bind(&boxes::Settings { listen: config.boxes.listen }, parts).await?;
    let mut tasks = Tasks::new(CancellationToken::new());
    tasks.start("signals", stop_on_signal);
    tasks.start("authority", |stop| authority.serve(stop));
    tasks.start("publisher", |stop| channel.serve(stop));
    tasks.start_foundation("reports", |stop| keeper.serve(stop));
    tasks.start("line", |stop| line.serve(stop));
    tasks.start("boxes", |stop| boxes.serve(stop));
    tasks.start("console", |stop| console.serve(stop));
    tasks.run().await
}

fn console_settings(config: &Config) -> console::Settings {
    console::Settings {
        academie: config.academie.clone(),
        listen: config.console.listen,
        name: config.console.name.clone(),
        certificate_path: config.console.certificate_path.clone(),
        key_path: config.console.key_path.clone(),
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
