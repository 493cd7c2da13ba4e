//! `preau status`: what the running box says of itself.

use clap::Args;
use preau::{config, daemon};

use super::{Configured, output::print};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    configured: Configured,
    /// Prints JSON for programs
    #[arg(long)]
    json: bool,
}

/// Asks the running box and prints its answer. The rest of the configuration may be wrong: the answer says so.
pub(super) async fn status(arguments: &Arguments) -> anyhow::Result<()> {
    let state_dir = config::state_dir(&arguments.configured.path)?;
    let status = daemon::ask_status(&daemon::control_path(&state_dir)).await?;
    if arguments.json { print(serde_json::to_string_pretty(&status)?) } else { print(status) }
}
