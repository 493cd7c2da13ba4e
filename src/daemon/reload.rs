//! Reload: the whole new configuration takes effect, or nothing of it does.
//!
//! On SIGHUP, or when one of its files changes, the configuration is read again. If anything in it is wrong, the one
//! before stays in force and the reason is shown by `preau status`. Rules, lists, accounts and registered machines change
//! while the box runs; the rest (zones, line, portal, state) is what sockets and kernel were set up with, and a change
//! there is refused with the word to restart.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context as _, bail};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    config::Config,
    identity::Identity,
    model::Moment,
    policy::Policy,
    system::{clock::Clock, service_manager, watch::file_changes},
};

/// What the last reading of the configuration came to.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The rules in force: path, level, count.
    pub(super) rules: Vec<(PathBuf, &'static str, usize)>,
    /// When they were read.
    pub(super) at: Moment,
    /// Why the reading after that was refused, if it was.
    pub(super) refused: Option<String>,
}

impl Reading {
    pub(super) fn of(config: &Config, at: Moment) -> Self {
        let rules = config
            .rule_files
            .iter()
            .map(|(path, file)| (path.clone(), file.level.word(), file.rules.len()))
            .collect();
        Self { rules, at, refused: None }
    }
}

/// The one writer of settings.
#[derive(Debug)]
pub(super) struct Reload {
    pub(super) path: PathBuf,
    pub(super) in_force: Standing,
    pub(super) files: Vec<PathBuf>,
    pub(super) policy: watch::Sender<Arc<Policy>>,
    pub(super) identity: Identity,
    pub(super) reading: watch::Sender<Reading>,
    pub(super) clock: Clock,
}

/// The part of the configuration that only a restart changes, in the form `preau check` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing(Vec<String>);

impl Standing {
    pub(super) fn of(config: &Config) -> Self {
        Self(vec![
            format!("{:?}", config.school),
            format!("{:?}", config.dns),
            format!("{:?}", config.proxy),
            format!("{:?}", config.lan),
            format!("{:?}", config.portal),
            format!("{:?}", config.line_interface),
            format!("{:?}", config.identity.session_lifetime),
        ])
    }
}

impl Reload {
    /// Reloads on SIGHUP and on file changes until the stop signal.
    pub(super) async fn serve(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut hangup = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
        let mut changes = file_changes(self.files.clone())?;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Some(()) = hangup.recv() => {}
                () = changes.next() => {}
            }
            service_manager::reloading();
            match self.reload().await {
                Ok(()) => info!("configuration reloaded"),
                Err(error) => {
                    warn!("configuration refused, the one before it stays in force; see `preau status`");
                    self.reading.send_modify(|reading| reading.refused = Some(format!("{error:#}")));
                }
            }
            service_manager::ready();
            // The configuration in force may name other files than the one before.
            changes = file_changes(self.files.clone())?;
        }
    }

    async fn reload(&mut self) -> anyhow::Result<()> {
        let path = self.path.clone();
        let config = tokio::task::spawn_blocking(move || Config::load(&path))
            .await
            .context("reading was cut short")??;
        if Standing::of(&config) != self.in_force {
            bail!(
                "zones, line, portal or state changed: these take effect at a restart (`systemctl restart preau`)"
            );
        }
        self.reading.send_replace(Reading::of(&config, self.clock.now()));
        self.files = config.files;
        self.identity.replace_devices(config.identity.devices);
        self.identity.replace_directory(config.directory);
        self.policy.send_replace(Arc::new(config.policy));
        Ok(())
    }
}
