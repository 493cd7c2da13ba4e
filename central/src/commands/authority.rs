//! `preau-central authority`: the authority that signs for boxes.

use clap::Subcommand;
use preau::system::clock::Clock;
use preau_central::{authority, config::Config};

#[derive(Debug, Subcommand)]
pub(crate) enum Act {
    /// Adds the authority that follows the one that signs; boxes hear of it with their next certificates
    ///
    /// It signs nothing before every box that can come back by itself has heard of it, 400 days later. Copy the keys'
    /// folder to every other instance.
    Rotate,
}

pub(crate) fn act(config: &Config, act: Act) -> anyhow::Result<()> {
    match act {
        Act::Rotate => {
            let signs = authority::rotate(&config.keys_dir, Clock::of_the_machine().now())?;
            println!("the next authority is in `{}`; it signs from {signs} on", config.keys_dir.display());
            Ok(())
        }
    }
}
