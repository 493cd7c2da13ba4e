//! `preau-central channel`: the signed channel, by hand.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use preau::model::Uai;
use preau_central::{
    config::Config,
    fleet::observed,
    service::{self, House},
};

/// Work on the signed channel
#[derive(Debug, Args)]
pub(crate) struct Channel {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// After the database was restored from a backup: set the counters above what boxes and repository know
    Mend,
    /// Write a school's view with all it names into a folder, such as a stick's
    Export {
        /// The school's code
        #[arg(long, value_name = "UAI")]
        school: String,
        /// The folder; the view comes to lie below `preau` in it
        dir: PathBuf,
    },
}

pub(crate) async fn carry_out(channel: &Channel, config: &Config) -> anyhow::Result<()> {
    let open = service::open_channel(config).await?;
    match &channel.act {
        Act::Mend => {
            match open.mend().await? {
                0 => println!("nothing is known that this central has not given; nothing was changed"),
                views => println!("{views} views were set above what was seen, and are published by `run`"),
            }
            mend_accounts(config).await?;
        }
        Act::Export { school, dir } => {
            let school = Uai::new(school).with_context(|| format!("`{school}` is no school's code"))?;
            let exported = open.export(&school, dir).await?;
            println!(
                "version {} with {} targets, {} bytes, is in `{}`",
                exported.version,
                exported.targets,
                exported.bytes,
                dir.join("preau").display()
            );
        }
    }
    Ok(())
}

/// Accounts as well: what boxes have received is in their reports.
async fn mend_accounts(config: &Config) -> anyhow::Result<()> {
    let House { database, accounts, .. } = House::open(config).await?;
    let seen = observed::all(&database).await?;
    let received = seen.into_iter().map(|seen| (seen.school, seen.report.in_force.accounts));
    match accounts.mend(&received.collect::<Vec<_>>()).await? {
        0 => {}
        schools => println!("{schools} schools are given all their accounts again"),
    }
    Ok(())
}
