//! `preau-central init`: what is made once, before the first `run`.

use std::path::PathBuf;

use clap::Args;
use preau::system::clock::Clock;
use preau_central::{
    audit::{self, Who},
    authority, channel,
    config::Config,
    database::Database,
    service,
    words::Place,
};

/// Make the keys, the root of trust and the authority, once
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder for the keys that are then carried away and kept off line
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
}

/// Each step looks whether it was taken before: one that failed is taken again by the next `init`, and nothing that is
/// there is made anew.
pub(crate) async fn carry_out(init: &Init, config: &Config) -> anyhow::Result<()> {
    let clock = Clock::of_the_machine();
    let database = service::open_database(config).await?;
    make_channel(init, config, &database, &clock).await?;
    if authority::is_made(&config.keys_dir) {
        println!("the authority of the boxes is there");
    } else {
        authority::make(&config.keys_dir, clock.now())?;
        println!("the authority of the boxes is made, in `{}`", config.keys_dir.display());
    }
    println!("the first person comes in by `preau-central people add --first LOGIN NAME`");
    Ok(())
}

async fn make_channel(
    init: &Init,
    config: &Config,
    database: &Database,
    clock: &Clock,
) -> anyhow::Result<()> {
    if channel::is_founded(database).await? {
        println!("the root of trust is there");
        return Ok(());
    }
    let founded = channel::found(database, &config.keys_dir, &init.folder, clock).await?;
    let mut write = database.write().await?;
    let text = format!("root of trust {}", founded.root_digest);
    audit::note(&mut write, clock.now(), &Who::Central, "init", Some(&Place::Academie), &text).await?;
    write.commit().await?;
    println!("the root of trust is made; its digest is");
    println!("    {}", founded.root_digest);
    println!("the keys that are on line are in `{}`", config.keys_dir.display());
    println!("carry away `{}` as `LISEZ-MOI.txt` in it says", init.folder.display());
    Ok(())
}
