//! `preau-central`: the académie's side, from the command line.

mod commands;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use preau_central::{config::Config, service};
use tracing_subscriber::EnvFilter;

use commands::{authority, boxes, token, tunnel};

/// The académie's side of Préau.
#[derive(Debug, Parser)]
#[command(name = "preau-central", version, arg_required_else_help = true)]
struct Line {
    /// The configuration file
    #[arg(long, global = true, default_value = "/etc/preau-central/central.toml")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve console and boxes until told to stop
    Run,
    /// Read the configuration and say what it comes to, changing nothing
    Check,
    /// Give and withdraw the tokens that boxes are enrolled with
    Token {
        #[command(subcommand)]
        act: token::Act,
    },
    /// See and revoke boxes
    Box {
        #[command(subcommand)]
        act: boxes::Act,
    },
    /// Look after the authority that signs for boxes
    Authority {
        #[command(subcommand)]
        act: authority::Act,
    },
    /// Say where boxes find the académie's network
    Tunnel {
        #[command(subcommand)]
        act: tunnel::Act,
    },
}

fn main() -> ExitCode {
    let line = Line::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")))
        .with_writer(std::io::stderr)
        .init();
    let done = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(carry_out(line)),
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("preau-central: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn carry_out(line: Line) -> anyhow::Result<()> {
    let config = Config::load(&line.config)?;
    match line.command {
        Command::Run => service::run(config).await,
        Command::Check => {
            println!("the configuration of {} is in order", config.academie);
            Ok(())
        }
        Command::Token { act } => token::act(&config, act).await,
        Command::Box { act } => boxes::act(&config, act).await,
        Command::Authority { act } => authority::act(&config, act),
        Command::Tunnel { act } => tunnel::act(&config, act).await,
    }
}
