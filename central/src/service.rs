//! Assembly: everything opened and bound before anything is served; a part that must not fail takes the others with it.

use anyhow::Context as _;
use axum::Router;
use preau::system::{clock::Clock, tasks::Tasks};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    audit, authority,
    authority::Authority,
    boxes,
    bucket::Bucket,
    channel,
    channel::Channel,
    config::Config,
    database::{Database, Part},
    editions,
    fleet::{observed, orders, requests, schools},
};

/// Every part of the database, in the order they come to be.
const PARTS: &[Part] = &[
    audit::PART,
    schools::PART,
    channel::PART,
    authority::PART,
    editions::PART,
    observed::PART,
    orders::PART,
    requests::PART,
];

/// Opens the database in the form this program knows.
///
/// # Errors
/// When it cannot be reached, or is of a later version.
pub async fn open_database(config: &Config) -> anyhow::Result<Database> {
    Database::open(&config.database, PARTS).await
}

/// Opens the channel, which `preau-central init` founded.
///
/// # Errors
/// When it was not, or its keys or the repository cannot be opened.
pub async fn open_channel(config: &Config, database: &Database, clock: &Clock) -> anyhow::Result<Channel> {
    let bucket = Bucket::open(&config.repository)?;
    Channel::open(database.clone(), bucket, &config.keys_dir, clock.clone()).await
}

/// Opens the authority.
///
/// # Errors
/// When it was not made, or its keys cannot be opened.
pub async fn open_authority(
    config: &Config,
    database: &Database,
    channel: &Channel,
    clock: &Clock,
) -> anyhow::Result<Authority> {
    let root = channel.first_root();
    Authority::open(database.clone(), &config.keys_dir, &config.boxes.url, root, clock.clone()).await
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// When something cannot be opened or bound, or a vital part fails.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let clock = Clock::of_the_machine();
    let database = open_database(&config).await?;
    let channel = open_channel(&config, &database, &clock).await?;
    let authority = open_authority(&config, &database, &channel, &clock).await?;
    let parts = boxes::Parts {
        authority: authority.clone(),
        bucket: Bucket::open(&config.repository)?,
        database: database.clone(),
        routes: Router::new(),
    };
    let boxes = boxes::Service::bind(&boxes::Settings { listen: config.boxes.listen }, parts).await?;
    let stop = CancellationToken::new();
    let mut tasks = Tasks::new(stop);
    tasks.start("signals", stop_on_signal);
    tasks.start("authority", |stop| authority.serve(stop));
    tasks.start("channel", |stop| channel.serve(stop));
    tasks.start("boxes", |stop| boxes.serve(stop));
    tasks.run().await
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
