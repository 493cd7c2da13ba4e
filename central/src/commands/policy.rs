//! `preau-central policy`: the rules of all places as a folder of files, and a draft tried on the week that was.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use preau::{
    lists,
    model::{DefaultVerdict, Uai, ZoneKind},
    system::clock::Clock,
};
use preau_central::{
    config::Config,
    editions::Editions,
    fleet::{
        policy::{self, WeekAsked},
        statistics,
    },
    service::{self, House},
    words::{Actor, Grant, Granted, PersonId, Place, Right},
};

use super::school::uai;

/// The rules of all places as a folder of files, and drafts tried on the week that was
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
    /// Try a draft on what schools asked for in the last week, changing nothing
    Rehearse {
        /// The draft's number
        draft: i64,
        /// The schools, with commas between; without it the first twenty at the draft's place that told names
        #[arg(long, value_name = "UAI", value_parser = uai, value_delimiter = ',')]
        schools: Vec<Uai>,
        /// The kind of zone that all of it is taken to have been asked from
        #[arg(long, default_value = "pedagogique")]
        zone: ZoneKind,
        /// Take what no rule speaks of to be closed there
        #[arg(long)]
        closed: bool,
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
        Policy::Rehearse { draft, schools, zone, closed } => {
            let default = if *closed { DefaultVerdict::Block } else { DefaultVerdict::Allow };
            rehearse(config, *draft, schools.clone(), (*zone, default)).await?;
        }
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
    let lists = known_lists(&editions)?;
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

/// Tells what a draft would have changed, as if all of the week had been asked at this moment.
async fn rehearse(
    config: &Config,
    draft: i64,
    mut schools: Vec<Uai>,
    (zone, default): (ZoneKind, DefaultVerdict),
) -> anyhow::Result<()> {
    let House { clock, database, editions, .. } = House::open(config).await?;
    let (lists, at) = (known_lists(&editions)?, clock.now());
    let draft = policy::find_draft(&database, draft).await?.context("there is no such draft")?;
    if schools.is_empty() {
        let (from, most) = (WeekAsked::first_day(at), policy::SCHOOLS_REHEARSED_MAX);
        schools = statistics::schools_with_names(&database, &draft.place, from, most).await?;
    }
    let asked = WeekAsked { schools, zone, default, at };
    let of = (&draft.place, &draft.document);
    let rehearsed = policy::rehearse_week(&database, &lists, of, &asked, at).await?;
    println!(
        "{} schools, {} questions: {} would be refused that were allowed, {} allowed that were refused",
        asked.schools.len(),
        rehearsed.questions,
        rehearsed.closed,
        rehearsed.opened
    );
    let name = |rule: &Option<(Place, String)>| match rule {
        Some((place, id)) => format!("{id} of {place}"),
        None => "no rule".to_owned(),
    };
    for rule in &rehearsed.by_rule {
        println!("{} (before: {}): -{} +{}", name(&rule.rule), name(&rule.before), rule.closed, rule.opened);
        for (site, count) in &rule.names {
            println!("    {count}\t{site}");
        }
    }
    Ok(())
}

/// The lists that drafts are judged by.
fn known_lists(editions: &Editions) -> anyhow::Result<policy::Lists> {
    Ok(match editions.table_path() {
        Some(path) => policy::Lists::of(lists::open(&path)?),
        None => policy::Lists::none(),
    })
}

/// Whoever may run this program where the database is may do so anywhere; the audit trail says that it was here.
fn of_the_command_line(place: &Place, right: Right) -> anyhow::Result<Granted> {
    let grants = vec![Grant { right, place: Place::Academie }];
    let actor = Actor { id: PersonId(0), name: "command line".to_owned(), grants };
    Ok(actor.may(right, place, &[Place::Academie])?)
}
