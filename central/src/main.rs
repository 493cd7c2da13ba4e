//! `preau-central`: the académie's side, from the command line.

mod commands;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use preau_central::{config::Config, service};
use tracing_subscriber::EnvFilter;

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
    Init(commands::init::Init),
    /// Serve console and boxes until told to stop
    Run,
    /// Read the configuration and say what it comes to, changing nothing
    Check,
    Keys(commands::keys::Keys),
    Channel(commands::channel::Channel),
    System(commands::system::System),
    Token(commands::token::Token),
    Box(commands::boxes::Boxes),
    Authority(commands::authority::Authority),
    Tunnel(commands::tunnel::Tunnel),
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
    match &line.command {
        Command::Init(init) => commands::init::carry_out(init, &config).await,
        Command::Keys(keys) => commands::keys::carry_out(keys, &config).await,
        Command::Channel(channel) => commands::channel::carry_out(channel, &config).await,
        Command::System(system) => commands::system::carry_out(system, &config).await,
        Command::Run => service::run(config).await,
        Command::Check => {
            println!("the configuration of {} is in order", config.academie);
            for concern in service::open_channel(&config).await?.health().await? {
                println!("{:?}: {}", concern.severity, concern.sentence);
            }
            Ok(())
        }
        Command::Token(token) => commands::token::carry_out(token, &config).await,
        Command::Box(boxes) => commands::boxes::carry_out(boxes, &config).await,
        Command::Authority(authority) => commands::authority::carry_out(authority, &config),
        Command::Tunnel(tunnel) => commands::tunnel::carry_out(tunnel, &config).await,
    }
}
