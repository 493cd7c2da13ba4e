//! The order in which the daemon comes up and goes down.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{
    RuleFileStatus, Status, control_path,
    control::Control,
    epoch,
    reload::{Reading, Reload, Standing},
    self_test,
};
use crate::{
    config::Config,
    enforce::{
        dns, firewall,
        gate::Gate,
        proxy,
        sign_in::SignIn,
    },
    identity::Identity,
    journal::Journal,
    lan,
    model::Moment,
    policy::Policy,
    portal,
    system::{clock::Clock, neighbours, service_manager, tasks::Tasks},
};

/// Runs the box with the configuration at `path` until SIGTERM or SIGINT.
///
/// # Errors
/// When the configuration is wrong, the kernel or a port is refused, or a task fails. Traffic is then closed.
pub async fn run(path: &Path) -> anyhow::Result<()> {
    let clock = Clock::of_the_machine();
    let config = Config::load(path)?;

    // Closed before anything listens: without the heartbeat and the proxy's listeners the ruleset lets nothing through.
    firewall::ruleset(&config.firewall).apply().await?;
    firewall::route_to_proxy().await?;
    lan::raise(&config.lan).await?;

    let (box_, tasks) = assemble(path, config, clock)?;
    let stop = CancellationToken::new();
    Ok(())
}
