//! Joins the library with the channel: what the académie offers, and how its pieces are fetched.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::{
    sync::watch,
    time::{Duration, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    library::{self, Library, Supply},
    protocol::{content::Catalogue, names::Role},
    sync::channel::{Targets, Why},
    system::{clock::Clock, tasks::Tasks},
};

/// When a catalogue that could not be had is asked for again.
const RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

/// Opens the library, where the school has one, and starts what looks after it.
pub(super) fn open(
    settings: Option<library::Settings>,
    clock: &Clock,
    tasks: &mut Tasks,
) -> anyhow::Result<Option<Library>> {
    let Some(settings) = settings else { return Ok(None) };
    let (library, service) = Library::open(settings, clock.clone())?;
    tasks.start("library", |stop| service.serve(stop));
    Ok(Some(library))
}

/// Where the channel tells what there is; without a library, nobody listens.
pub(super) fn supply_to(library: Option<&Library>) -> watch::Sender<Option<Supply>> {
    library.map_or_else(watch::Sender::default, Library::supply)
}

/// Tells the library of each catalogue that the channel brings, until the stop signal. The library goes on with what it was
/// doing while the catalogue is the same: a look at the channel that brings nothing costs it nothing. A stick that is put in
/// is told, for what failed may be on it.
pub(super) async fn follow(
    mut targets: watch::Receiver<Option<Targets>>,
    supply: &watch::Sender<Option<Supply>>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut told = None;
    loop {
        let view = targets.borrow_and_update().clone();
        let looking = async {
            let Some(view) = view else { return std::future::pending().await };
            match catalogue(&view).await {
                // The académie has published none yet: nothing is withdrawn by that.
                Ok(None) => std::future::pending().await,
                Ok(Some(catalogue)) => {
                    let now = Some((catalogue, view.near()));
                    if told != now {
                        supply
                            .send_replace(now.as_ref().map(|(catalogue, _)| supply_of(catalogue, &targets)));
                        told = now;
                    }
                    std::future::pending().await
                }
                Err(cause) => {
                    warn!(cause = format!("{cause:#}"), "the catalogue of the library cannot be had");
                    sleep(RETRY_AFTER).await;
                }
            }
        };
        let mut changes = targets.clone();
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            changed = changes.changed() => if changed.is_err() {
                // The channel has ended, and this ends with it.
                stop.cancelled().await;
                return Ok(());
            },
            () = looking => {}
        }
    }
}

/// What the view offers; none where the académie has published no catalogue yet.
async fn catalogue(view: &Targets) -> anyhow::Result<Option<Arc<Catalogue>>> {
    match view.content().await {
        Ok(catalogue) => Ok(Some(Arc::new(catalogue))),
        Err(refusal) if refusal.why == Why::NotForUs => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

/// The catalogue, and the ways to fetch by whatever view is the newest then.
fn supply_of(catalogue: &Arc<Catalogue>, targets: &watch::Receiver<Option<Targets>>) -> Supply {
    let (lists, pieces) = (targets.clone(), targets.clone());
    let newest =
        |targets: &watch::Receiver<Option<Targets>>| targets.borrow().clone().context("there is no view");
    Supply {
        catalogue: Arc::clone(catalogue),
        fetch_list: Arc::new(move |name| {
            let view = newest(&lists);
            Box::pin(async move { Ok(view?.fetch(Role::Content, &name).await?) })
        }),
        fetch_chunk: Arc::new(move |chunk| {
            let view = newest(&pieces);
            Box::pin(async move { Ok(view?.chunk(&chunk).await?) })
        }),
    }
}
