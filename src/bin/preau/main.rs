//! The `preau` command: runs the box, and answers questions about its configuration.
//!
//! Exit codes: 0 done, 1 it failed or the configuration is wrong, 2 the command line is wrong.

mod accounts;
mod check;
mod explain;
mod lists;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use preau::{config, daemon};
use tracing_subscriber::EnvFilter;

/// The server a French school plugs in: network, filter, portal, records.
#[derive(Debug, Parser)]
#[command(name = "preau", version)]
struct Command {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Runs the box until it is told to stop
    Run {
        /// The configuration file
        #[arg(long, value_name = "FILE", default_value = "/etc/preau/preau.toml")]
        config: PathBuf,
    },
    /// Checks the configuration and everything it names, and shows what it comes to
    Check {
        /// The configuration file
        #[arg(long, value_name = "FILE", default_value = "/etc/preau/preau.toml")]
        config: PathBuf,
    },
    /// Shows the state of the running box
    Status {
        /// The configuration file of the running box
        #[arg(long, value_name = "FILE", default_value = "/etc/preau/preau.toml")]
        config: PathBuf,
        /// Prints JSON for programs
        #[arg(long)]
        json: bool,
    },
    /// Answers: may this one reach that site, by which rule, and what would change it
    Explain(explain::Arguments),
    /// Works on published lists of categories
    Lists {
        #[command(subcommand)]
        act: lists::Act,
    },
    /// Works on accounts
    Accounts {
        #[command(subcommand)]
        act: accounts::Act,
    },
}

fn main() -> ExitCode {
    let command = Command::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_env("PREAU_LOG").unwrap_or_else(|_| EnvFilter::new("info")))
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
    match act(command.act) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("preau: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn act(act: Act) -> anyhow::Result<()> {
    match act {
        Act::Run { config } => runtime()?.block_on(daemon::run(&config)),
        Act::Check { config } => check::check(&config),
        Act::Status { config, json } => runtime()?.block_on(status(&config, json)),
        Act::Explain(arguments) => explain::explain(&arguments),
        Act::Lists { act } => lists::act(&act),
        Act::Accounts { act } => accounts::act(&act),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

async fn status(config_path: &Path, json: bool) -> anyhow::Result<()> {
    // Not the whole configuration: a box that refused its files must be able to say why.
    let state_dir = config::state_dir(config_path)?;
    let status = daemon::ask_status(&daemon::control_path(&state_dir)).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&status)?);
    } else {
        print!("{status}");
    }
    Ok(())
}
