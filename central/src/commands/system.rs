//! `preau-central system`: images of the boxes' system, signed off line.

use std::path::PathBuf;

use anyhow::Context as _;
use bytes::Bytes;
use clap::{Args, Subcommand};
use preau_central::{config::Config, service};

/// Images of the boxes' system
#[derive(Debug, Args)]
pub(crate) struct System {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Sign a file into the channel, with two of the system's keys
    Add {
        /// The file; boxes know it by its name
        file: PathBuf,
        /// A folder with off-line keys; may be given several times
        #[arg(long, value_name = "DIR", required = true)]
        offline: Vec<PathBuf>,
    },
}

pub(crate) async fn carry_out(system: &System, config: &Config) -> anyhow::Result<()> {
    let Act::Add { file, offline } = &system.act;
    let name = file.file_name().and_then(|name| name.to_str()).context("the file has no plain name")?;
    let bytes = std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let channel = service::open_channel(config).await?;
    let name = format!("system/{name}");
    let stored = channel.add_to_system(&name, Bytes::from(bytes), offline).await?;
    println!("`{name}`, {} bytes, is signed; `run` publishes it", stored.length);
    Ok(())
}
