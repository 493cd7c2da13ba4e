//! How the box is set up: taken over from the school's box before this one, then told to central at each change, so that the
//! next one can do the same.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use tokio::{fs, sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::reading::Reading;
use crate::{
    admin::Devices,
    config::Config,
    protocol::enrolment::Setup,
    sync::{self, Telling, client::Client, keeping},
};

/// How long after a disk refused what is to be taken over it is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// What the box is set up with.
#[derive(Clone, Debug)]
pub(super) struct SetUp {
    /// The configuration file.
    path: PathBuf,
    state_dir: PathBuf,
    /// The machines that pages register.
    devices: Devices,
    /// Changes with each reading of the configuration.
    reading: watch::Receiver<Reading>,
}

impl SetUp {
    /// What `config`, read from `path` and again with each `reading`, and the registered machines come to.
    pub(super) fn new(
        path: &Path,
        config: &Config,
        devices: Devices,
        reading: watch::Receiver<Reading>,
    ) -> Self {
        Self { path: path.to_owned(), state_dir: config.state_dir.clone(), devices, reading }
    }

    /// Takes over what is to be taken over, and only then tells: central must not lose what the box before had to a box that
    /// has not got it yet.
    pub(super) async fn serve(self, client: Client, stop: CancellationToken) -> anyhow::Result<()> {
        stop.run_until_cancelled(async {
            while let Err(cause) = self.take_over().await {
                warn!(
                    cause = format!("{cause:#}"),
                    "cannot take over the setup of the box before; it is tried again"
                );
                sleep(RETRY_AFTER).await;
            }
            let (setup, told) = watch::channel(self.now().await);
            tokio::select! {
                served = Telling { client, setup: told }.serve(stop.clone()) => served,
                () = self.follow(&setup) => Ok(()),
            }
        })
        .await
        .unwrap_or(Ok(()))
    }

    /// Registers the machines of the box before. Its configuration went to its place when this box was enrolled.
    async fn take_over(&self) -> anyhow::Result<()> {
        let Some(before) = keeping::setup(&self.state_dir)? else { return Ok(()) };
        let machines = self.devices.take_over(sync::devices(&before)).await?;
        keeping::forget_setup(&self.state_dir).context("cannot forget the setup that was taken over")?;
        info!(machines, "the registered machines of the school's box before this one are taken over");
        Ok(())
    }

    /// Says again how the box is set up at each change, for as long as there are any.
    async fn follow(&self, setup: &watch::Sender<Setup>) {
        let (mut reading, mut devices) = (self.reading.clone(), self.devices.kept());
        loop {
            let ended = tokio::select! {
                changed = reading.changed() => changed.is_err(),
                changed = devices.changed() => changed.is_err(),
            };
            if ended {
                return std::future::pending().await;
            }
            let is_refused = reading.borrow_and_update().refused.is_some();
            devices.mark_unchanged();
            let before = is_refused.then(|| setup.borrow().configuration.clone());
            let now = self.now().await;
            // What was refused is not what the box is set up with.
            setup.send_replace(Setup { configuration: before.unwrap_or(now.configuration), ..now });
        }
    }

    async fn now(&self) -> Setup {
        let configuration = text(&self.path).await;
        let devices = self.devices.kept();
        sync::setup(&configuration, devices.borrow().iter())
    }
}

/// The configuration file, which was read whole a moment ago; empty where it went meanwhile.
async fn text(path: &Path) -> String {
    fs::read_to_string(path).await.unwrap_or_default()
}
