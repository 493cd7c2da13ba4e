//! `preau-central authority`: the authority that signs for boxes.

use clap::{Args, Subcommand};
use preau::system::clock::Clock;
use preau_central::{authority, config::Config};

/// Look after the authority that signs for boxes
#[derive(Debug, Args)]
pub(crate) struct Authority {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Adds the authority that follows the one that signs; boxes hear of it with their next certificates
    ///
    /// It signs nothing before every box that can come back by itself has heard of it, 400 days later. Copy the keys'
    /// folder to every other instance.
    Rotate,
}

pub(crate) fn carry_out(asked: &Authority, config: &Config) -> anyhow::Result<()> {
    match asked.act {
        Act::Rotate => {
            let signs = authority::rotate(&config.keys_dir, Clock::of_the_machine().now())?;
            println!("the next authority is in `{}`; it signs from {signs} on", config.keys_dir.display());
            Ok(())
        }
    }
}
