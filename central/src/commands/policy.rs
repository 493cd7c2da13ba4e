//! `preau-central policy`: the rules of all places as a folder of files.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use preau::system::clock::Clock;
use preau_central::{
    config::Config,
    fleet::policy::{self, Lists},
    service,
    words::{Actor, Grant, Granted, PersonId, Place, Right},
};

/// The rules of all places as a folder of files
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write the latest version of every document into a folder
    Export(Folder),
    Import(Import),
    /// Read a folder as boxes would, changing nothing
    Check(Folder),
}

#[derive(Debug, Args)]
pub(super) struct Folder {
    /// The folder
    dir: PathBuf,
}

/// Make drafts of what a folder says otherwise
///
/// Nothing is published: people look at the drafts in the console.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The folder
    dir: PathBuf,
    /// Why, for the audit trail
    #[arg(long)]
    reason: String,
}

pub(super) async fn carry_out(command: Command, config: &Config) -> anyhow::Result<()> {
    match command {
        Command::Check(Folder { dir }) => {
            let documents = policy::read_folder(&dir)?;
            policy::check(&documents, &Lists::none())?;
            let count = documents.len();
            println!("{count} documents are in order; whether their categories exist was not looked at");
        }
        Command::Export(Folder { dir }) => {
            let written = policy::export(&service::open_database(config).await?, &dir).await?;
            println!("{written} documents written");
        }
        Command::Import(Import { dir, reason }) => {
            let documents = policy::read_folder(&dir)?;
            let mut write = service::open_database(config).await?.write().await?;
            let at = Clock::of_the_machine().now();
            let places = policy::import(&mut write, &documents, of_the_command_line, &reason, at).await?;
            write.commit().await?;
            for place in &places {
                println!("draft for {place}");
            }
            println!("{} drafts made; publish them in the console", places.len());
        }
    }
    Ok(())
}

/// Whoever may run this where the database is may write drafts anywhere; the audit trail says that it was done here.
fn of_the_command_line(place: &Place) -> anyhow::Result<Granted> {
    let grants = vec![Grant { right: Right::Write, place: Place::Academie }];
    let actor = Actor { id: PersonId(0), name: "command line".to_owned(), grants };
    Ok(actor.may(Right::Write, place, &[Place::Academie])?)
}
