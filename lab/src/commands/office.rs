//! `preau-lab office`: what a working day of the académie needs to be done beside central's database; started by it.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use preau_lab::fleet_day::office;

/// What, and where.
#[derive(Debug, Args)]
pub(crate) struct Office {
    /// Central's configuration.
    config: PathBuf,
    #[command(subcommand)]
    what: What,
}

/// What is done.
#[derive(Debug, Subcommand)]
enum What {
    /// Make two persons, and print the cookies of their browsers.
    Persons,
    /// Print the code of whoever holds the link with this secret.
    Code {
        /// The secret.
        secret: String,
    },
}

/// Does it.
pub(crate) fn office(Office { config, what }: Office) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    match what {
        What::Persons => {
            let [first, second] = runtime.block_on(office::persons(&config))?;
            println!("{first}\n{second}");
        }
        What::Code { secret } => println!("{}", runtime.block_on(office::code(&config, &secret))?),
    }
    Ok(ExitCode::SUCCESS)
}
