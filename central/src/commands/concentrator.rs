//! `preau-central concentrator`: this machine as the académie's end of the tunnel.

use clap::{Args, Subcommand};
use preau_central::{concentrator, config::Config, service};

/// Be the académie's end of the tunnel
#[derive(Debug, Args)]
pub(crate) struct Concentrator {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Makes the key of a concentrator where there is none, and shows its public half for the file of `tunnel set`
    Key {
        /// The concentrator's name
        name: String,
    },
    /// Runs the concentrator that `[concentrator]` of the configuration describes, until told to stop
    Run,
}

pub(crate) async fn carry_out(concentrator: &Concentrator, config: &Config) -> anyhow::Result<()> {
    match &concentrator.act {
        Act::Key { name } => {
            println!("{}", concentrator::make_key(&config.keys_dir, name)?);
            Ok(())
        }
        Act::Run => service::run_concentrator(config).await,
    }
}
