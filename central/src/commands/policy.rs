//! `preau-central policy`: the rules of all places as a folder of files.

use std::path::PathBuf;

use clap::Subcommand;
use preau::system::clock::Clock;
use preau_central::{
    config::Config,
    fleet::policy,
    service,
    words::{Actor, Grant, Granted, PersonId, Place, Right},
};

/// The rules of all places as a folder of files
#[derive(Debug, Subcommand)]
pub(super) enum Policy {
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

pub(super) async fn carry_out(act: &Policy, config: &Config) -> anyhow::Result<()> {
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
