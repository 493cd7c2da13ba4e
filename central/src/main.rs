//! `preau-central`: the académie's side, from the command line.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use preau::system::clock::Clock;
use preau_central::{
    config::Config,
    fleet::policy,
    service,
    words::{Actor, Grant, Granted, PersonId, Place, Right},
};
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
    /// Serve console and boxes until told to stop
    Run,
    /// Read the configuration and say what it comes to, changing nothing
    Check,
    /// The rules of all places as a folder of files
    #[command(subcommand)]
    Policy(Policy),
}

#[derive(Debug, Subcommand)]
enum Policy {
    /// Write the latest version of every document into a folder
    Export {
        /// The folder
        dir: PathBuf,
    },
    /// Make drafts of what a folder says otherwise; nothing is published
    Import {
        /// The folder
        dir: PathBuf,
        /// Why, for the audit trail
        #[arg(long)]
        reason: String,
    },
    /// Read a folder as boxes would, changing nothing
    Check {
        /// The folder
        dir: PathBuf,
    },
}

fn main() -> ExitCode {
    let line = Line::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")))
        .with_writer(std::io::stderr)
        .init();
    let done = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(carry_out(&line)),
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

async fn carry_out(line: &Line) -> anyhow::Result<()> {
    let config = Config::load(&line.config)?;
    match line.command {
        Command::Run => service::run(config).await,
        Command::Check => {
            println!("the configuration of {} is in order", config.academie);
            Ok(())
        }
        Command::Policy(ref act) => policy_files(&config, act).await,
    }
}

async fn policy_files(config: &Config, act: &Policy) -> anyhow::Result<()> {
    match act {
        Policy::Check { dir } => {
            let documents = policy::read_folder(dir)?;
            policy::check(&documents, &policy::Lists::none())?;
            println!("{} documents are in order; names of categories were not checked", documents.len());
        }
        Policy::Export { dir } => {
            let written = policy::export(&service::open_database(config).await?, dir).await?;
            println!("{written} documents written");
        }
        Policy::Import { dir, reason } => {
            let documents = policy::read_folder(dir)?;
            let mut write = service::open_database(config).await?.write().await?;
            let at = Clock::of_the_machine().now();
            let places = policy::import(&mut write, &documents, of_the_command_line, reason, at).await?;
            write.commit().await?;
            for place in &places {
                println!("draft for {place}");
            }
            println!("{} drafts made; look at them and publish them in the console", places.len());
        }
    }
    Ok(())
}

/// Whoever may run this program where the database is may write drafts anywhere; the audit trail says that it was here.
fn of_the_command_line(place: &Place) -> anyhow::Result<Granted> {
    let grants = vec![Grant { right: Right::Write, place: Place::Academie }];
    let actor = Actor { id: PersonId(0), name: "command line".to_owned(), grants };
    Ok(actor.may(Right::Write, place, &[Place::Academie])?)
}
