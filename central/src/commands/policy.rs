//! `preau-central policy`: the rules of all places as a folder of files.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use preau::{lists, system::clock::Clock};
use preau_central::{
    config::Config,
    fleet::policy,
    service::{self, House},
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
    /// Publish every draft and bring it to all schools at once
    Publish {
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
        Policy::Publish { reason } => publish(config, reason).await?,
        Policy::Export { dir } => {
            let written = policy::export(&service::open_database(config).await?, dir).await?;
            println!("{written} documents written");
        }
        Policy::Import { dir, reason } => {
            let documents = policy::read_folder(dir)?;
            let mut write = service::open_database(config).await?.write().await?;
            let at = Clock::of_the_machine().now();
            let granted = |place: &Place| of_the_command_line(place, Right::Write);
            let places = policy::import(&mut write, &documents, granted, reason, at).await?;
            write.commit().await?;
            for place in &places {
                println!("draft for {place}");
            }
            println!("{} drafts made; look at them and publish them in the console", places.len());
        }
    }
    Ok(())
}

/// Publishes every draft, whoever began it, and starts a release of them all without stages.
async fn publish(config: &Config, reason: &str) -> anyhow::Result<()> {
    let House { clock, database, editions, .. } = House::open(config).await?;
    let lists = match editions.table_path() {
        Some(path) => policy::Lists::of(lists::open(&path)?),
        None => policy::Lists::none(),
    };
    let mut versions = Vec::new();
    let mut granted = Vec::new();
    let at = clock.now();
    let drafts = policy::all_drafts(&database).await?;
    let mut write = database.write().await?;
    for draft in drafts {
        let proof = of_the_command_line(&draft.place, Right::Publish)?;
        // Who may run this where the database is could change it at will: a second person would be a pretence.
        let by = (&policy::TwoPersons::default(), &lists);
        let published = policy::publish(&mut write, &proof, (draft.id, draft.revision), reason, by, at).await;
        match published.with_context(|| format!("{}", draft.place))? {
            policy::Published::Version(version) => versions.push((draft.place.clone(), version.number)),
            policy::Published::Proposed => println!("{}: waits for a second person", draft.place),
        }
        granted.push(proof);
    }
    anyhow::ensure!(!versions.is_empty(), "there is no draft to publish");
    let release =
        policy::start(&mut write, &granted, &versions, &policy::Plan::at_once(), reason, at).await?;
    write.commit().await?;
    for (place, number) in versions {
        println!("{place}: version {number}");
    }
    println!("release {} brings it to the schools", release.id);
    Ok(())
}

/// Whoever may run this program where the database is may do so anywhere; the audit trail says that it was here.
fn of_the_command_line(place: &Place, right: Right) -> anyhow::Result<Granted> {
    let grants = vec![Grant { right, place: Place::Academie }];
    let actor = Actor { id: PersonId(0), name: "command line".to_owned(), grants };
    Ok(actor.may(right, place, &[Place::Academie])?)
}
