//! `preau-central run`.

use clap::Args;
use preau_central::{config::Config, service};

/// Serve console and boxes until told to stop
#[derive(Debug, Args)]
pub(super) struct Arguments {}

pub(super) async fn carry_out(Arguments {}: Arguments, config: Config) -> anyhow::Result<()> {
    service::run(config).await
}
