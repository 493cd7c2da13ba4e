//! Opens the box once it has shown that it works, keeps it open while it does, and tells the service manager.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::self_test;
use crate::{
    enforce::firewall::Heartbeat,
    journal::Journal,
    model::{Domain, Zone},
    system::service_manager,
};

/// Whatever the service manager asks for, it is not pinged more often.
const INTERVAL_MIN: Duration = Duration::from_millis(100);

/// Tests the resolver, then beats while the journal takes records. Says ready when the gate is open, not before.
pub(super) async fn serve(
    heartbeat: Heartbeat,
    first_zone: Option<Arc<Zone>>,
    portal_name: Domain,
    journal: Journal,
    open: watch::Sender<bool>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let zone = first_zone.context("there is no zone to serve")?;
    tokio::select! {
        () = stop.cancelled() => return Ok(()),
        tested = self_test::resolver_answers(zone.ipv4.addr().into(), &portal_name) => tested?,
    }
    open.send_replace(true);
    service_manager::ready();
    info!("the gate is open");
    let beating = heartbeat.serve(move || journal.is_writing(), stop.clone());
    let outcome = tokio::select! {
        outcome = beating => outcome,
        () = ping_watchdog() => Ok(()),
    };
    open.send_replace(false);
    service_manager::stopping();
    outcome
}

/// Pings the service manager's watchdog as often as it wants; never returns.
async fn ping_watchdog() {
    let Some(interval) = service_manager::watchdog_interval() else {
        return std::future::pending().await;
    };
    let mut ticks = tokio::time::interval(interval.max(INTERVAL_MIN));
    loop {
        ticks.tick().await;
        service_manager::ping();
    }
}
