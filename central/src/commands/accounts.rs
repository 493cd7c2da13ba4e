//! `preau-central accounts`: feeds of persons, given to the schools.

use std::{collections::BTreeSet, fs::File, io::Read as _, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use jiff::civil::Date;
use preau::{
    identity::feed::{CsvDescription, Format},
    model::Uai,
};
use preau_central::{
    accounts::{self, Answer, Answered, Counts, Given, Import, Intent, Outcome, Records, State, Why, Within},
    authority::By,
    config::Config,
    service::House,
};

use super::school::uai;

/// A description of a CSV is a page; a larger file is another one, in bytes.
const DESCRIPTION_BYTES_MAX: u64 = 1 << 16;

/// Give feeds of persons to the schools
#[derive(Debug, Subcommand)]
pub(super) enum Accounts {
    /// Reads a complete feed of the académie or of a school, and seals to each box what is its school's
    Import(Box<Arguments>),
    /// Shows what is held, and which feeds have to be given again
    Held,
    /// Gives what of a feed is held for a school
    Release(Held),
    /// Drops what of a feed is held for a school
    Refuse(Held),
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The files of the feed, or their folder
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Shows what would be sent, and sends nothing
    #[arg(long)]
    preview: bool,
    /// The format, where it is not to be found out: aaf, aaf-1d, gpei, onde, csv
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// What the columns of a CSV mean, as TOML
    #[arg(long, value_name = "FILE")]
    described_by: Option<PathBuf>,
    /// The school of a feed that does not say it: ONDE, and a CSV without such a column
    #[arg(long, value_name = "UAI", value_parser = uai)]
    school: Option<Uai>,
    /// Sends to this school although more leave it than is usual
    #[arg(long, value_name = "UAI", value_parser = uai)]
    accept: Vec<Uai>,
    /// The first day it takes effect, such as 2026-12-19, in place of the next holidays
    #[arg(long, value_name = "DAY")]
    from: Option<Date>,
}

#[derive(Debug, Args)]
pub(super) struct Held {
    /// The number of the feed
    feed: i64,
    /// The school
    #[arg(value_name = "UAI", value_parser = uai)]
    school: Uai,
    /// Why, for the audit trail
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(super) async fn carry_out(act: Accounts, config: &Config) -> anyhow::Result<()> {
    let accounts = House::open(config).await?.accounts;
    match act {
        Accounts::Import(arguments) => {
            show(&accounts.import(import(*arguments)?, By::Central).await?);
            Ok(())
        }
        Accounts::Held => show_held(&accounts).await,
        Accounts::Release(held) => answer(&accounts, &held, Answer::Give).await,
        Accounts::Refuse(held) => answer(&accounts, &held, Answer::Refuse).await,
    }
}

fn import(arguments: Arguments) -> anyhow::Result<Import> {
    let Arguments { paths, preview, format, described_by, school, accept, from } = arguments;
    Ok(Import {
        paths,
        format,
        csv: described_by.map(description).transpose()?,
        at: school,
        within: Within::All,
        accept: accept.into_iter().collect::<BTreeSet<_>>(),
        from,
        intent: if preview { Intent::Look } else { Intent::Give },
    })
}

fn description(path: PathBuf) -> anyhow::Result<CsvDescription> {
    let mut text = String::new();
    File::open(&path)
        .and_then(|file| file.take(DESCRIPTION_BYTES_MAX).read_to_string(&mut text))
        .with_context(|| format!("cannot read the description `{}`", path.display()))?;
    CsvDescription::parse(&text).with_context(|| format!("in `{}`", path.display()))
}

fn show(given: &Given) {
    let Given { feed, head, schools, strangers, refused } = given;
    let number = feed.map_or_else(|| "preview".to_owned(), |number| format!("feed {number}"));
    let made = head.date.map_or_else(|| "no day".to_owned(), |date| date.to_string());
    println!("{number}: {}, of {made}", head.format);
    for (school, outcome) in schools {
        println!("{} {}", school.as_str(), told(outcome));
    }
    if *strangers > 0 {
        println!("{strangers} schools that are not ours are passed over");
    }
    for Records { kind, field, count, places } in refused {
        println!("{count} records not taken: {kind} {field} ({})", places.join(", "));
    }
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Sent { sequence, is_complete, bytes, counts } => {
            let extent = if *is_complete { "everybody" } else { "what changed" };
            format!("delivery {sequence}, {extent}, {bytes} bytes: {}", line(*counts))
        }
        Outcome::Would(None, counts) => format!("would be sent: {}", line(*counts)),
        Outcome::Would(Some(why), counts) => format!("would be HELD, {}: {}", because(why), line(*counts)),
        Outcome::Same => "as it was sent already".to_owned(),
        Outcome::Held(why, counts) => format!("HELD, {}: {}", because(why), line(*counts)),
        Outcome::NoBox(counts) => format!("no box yet; the one that comes gets it: {}", line(*counts)),
        Outcome::Older(later) => format!("nothing sent: a feed of {later} was given already"),
        Outcome::NotGranted => "not yours to give to".to_owned(),
    }
}

async fn show_held(accounts: &accounts::Accounts) -> anyhow::Result<()> {
    for feed in accounts.feeds_held().await? {
        for share in accounts.shares(feed.number).await? {
            if let State::Held(why) = &share.state {
                let (number, school) = (feed.number, share.school.as_str());
                println!("feed {number} {school} {}: {}", because(why), line(share.counts));
            }
        }
    }
    for waiting in accounts.waiting().await? {
        println!(
            "{} {}: give the feed again; the key of accounts was replaced",
            waiting.school.as_str(),
            waiting.origin
        );
    }
    Ok(())
}

async fn answer(accounts: &accounts::Accounts, held: &Held, answer: Answer) -> anyhow::Result<()> {
    match accounts.answer(By::Central, (held.feed, &held.school), answer, &held.reason).await? {
        Answered::Given(outcome) => println!("{} {}", held.school.as_str(), told(&outcome)),
        Answered::Refused => println!("{} nothing of feed {} is sent", held.school.as_str(), held.feed),
        Answered::NotHeld => bail!("nothing of feed {} is held for {}", held.feed, held.school.as_str()),
        Answered::NoReason => bail!("the reason is missing, or longer than a few sentences"),
        Answered::Closed => bail!("the key of accounts was replaced since; give the feed again"),
    }
    Ok(())
}

fn because(why: &Why) -> String {
    match why {
        Why::Asked => "until somebody says yes".to_owned(),
        Why::Leaving => "more would leave than is usual".to_owned(),
        Why::Role(role) => format!("more than half of role {role} would leave"),
    }
}

fn line(Counts { added, changed, leaving, unchanged }: Counts) -> String {
    format!("{added} added, {changed} changed, {leaving} leaving, {unchanged} unchanged")
}
