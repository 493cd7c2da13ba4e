//! `preau-central keys`: a key is replaced, or what was signed off line is signed for another term.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use preau::system::clock::Clock;
use preau_central::{channel::Renewal, config::Config, service};

/// Replace keys, and sign again what is signed off line
#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Replace one key: root-1, root-2, root-3, targets, system-1, system-2, system-3, snapshot, timestamp, policy, lists,
    /// content or accounts
    Rotate(Work),
    /// Sign again for another term: root, targets or system
    Renew(Work),
}

#[derive(Debug, Args)]
struct Work {
    /// Which one
    name: String,
    /// A folder with off-line keys; may be given several times. What is made is put into the first
    #[arg(long, value_name = "DIR", required = true)]
    offline: Vec<PathBuf>,
}

pub(crate) async fn carry_out(keys: &Keys, config: &Config) -> anyhow::Result<()> {
    let clock = Clock::of_the_machine();
    let database = service::open_database(config).await?;
    let (Act::Rotate(work) | Act::Renew(work)) = &keys.act;
    let renewal = Renewal { keys_dir: &config.keys_dir, offline_dirs: &work.offline, clock: &clock };
    let renewed = match &keys.act {
        Act::Rotate(work) => renewal.rotate(&database, &work.name).await?,
        Act::Renew(work) => renewal.renew(&database, &work.name).await?,
    };
    println!("signed: {}; boxes take it up with their next view", renewed.files.join(", "));
    if let Act::Rotate(_) = keys.act {
        println!("the key before lies beside the one that replaced it, ending in `.old`: destroy it");
        println!("where several instances run, copy `{}` to each", config.keys_dir.display());
    }
    Ok(())
}
