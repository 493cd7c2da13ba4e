//! Assembly: everything opened and bound before anything is served; a part that must not fail takes the others with it.

use anyhow::Context as _;
use preau::system::{clock::Clock, tasks::Tasks};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    audit,
    config::Config,
    database::{Database, Part},
    fleet::schools,
};

/// Every part of the database, in the order they come to be.
const PARTS: &[Part] = &[audit::PART, schools::PART];

/// Opens the database in the form this program knows.
///
/// # Errors
/// When it cannot be reached, or is of a later version.
pub async fn open_database(config: &Config) -> anyhow::Result<Database> {
    Database::open(&config.database, PARTS).await
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// When something cannot be opened or bound, or a vital part fails.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let _clock = Clock::of_the_machine();
    let _database = open_database(&config).await?;
    let stop = CancellationToken::new();
    let mut tasks = Tasks::new(stop);
    tasks.start("signals", stop_on_signal);
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
