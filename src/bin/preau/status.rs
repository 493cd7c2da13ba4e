//! `preau status`: what the running box says of itself.

use std::path::PathBuf;

use clap::Args;
use preau::{config, daemon};

use super::{Configured, output::print};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    configured: Configured,
    /// Where the box keeps its state, if its configuration cannot be read
    #[arg(long, value_name = "DIR", conflicts_with = "path")]
    state_dir: Option<PathBuf>,
    /// Prints JSON for programs
    #[arg(long)]
    json: bool,
}

/// Asks the running box and prints its answer. The rest of the configuration may be wrong: the answer says so.
pub(super) async fn status(arguments: &Arguments) -> anyhow::Result<()> {
    let state_dir = match &arguments.state_dir {
        Some(dir) => dir.clone(),
        None => config::state_dir_of(&arguments.configured.path)?,
    };
    let status = daemon::ask_status(&daemon::control_path(&state_dir)).await?;
    if arguments.json { print(serde_json::to_string_pretty(&status)?) } else { print(status) }
}
