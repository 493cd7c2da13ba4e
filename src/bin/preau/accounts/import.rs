//! `preau accounts import`: feeds are read, shown, and left to wait for their day.

use std::{
    collections::HashMap,
    fmt::Write as _,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use preau::{
    identity::{
        feed::{self, CsvDescription, Format, Item},
        register::{Counts, Handover, Intent, Move, Movement, Preview, Staged, When},
    },
    model::{ClassName, Uai},
};

use super::register::{Office, quarantined};
use crate::{Configured, output::print};

/// A description of a CSV is a page; a larger file is another one, in bytes.
const DESCRIPTION_BYTES_MAX: u64 = 1 << 16;

/// Notes that are shown unless all are asked for.
const NOTES_SHOWN: usize = 10;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The files of a feed, or their folder; several feeds in one folder are taken in the order they were made
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Shows what would change, and changes nothing
    #[arg(long)]
    preview: bool,
    /// Names everybody to whom something happens, and shows every note
    #[arg(long)]
    verbose: bool,
    /// The format, where it is not to be found out: aaf, aaf-1d, gpei, onde, csv
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// What the columns of a CSV mean, as TOML
    #[arg(long, value_name = "FILE")]
    described_by: Option<PathBuf>,
    /// When it takes effect: now, calendar, or a day such as 2026-12-19
    #[arg(long, value_name = "WHEN", default_value = "calendar")]
    effective: When,
    #[command(flatten)]
    configured: Configured,
}

pub(super) fn import(arguments: &Arguments) -> anyhow::Result<()> {
    let description = arguments.described_by.as_deref().map(description).transpose()?;
    // What is wrong with the files is said before what is wrong with the box.
    let mut deliveries = feed::deliveries(&arguments.paths, description.as_ref())?;
    if deliveries.len() < 2 {
        // As they were given: what is passed over is then told.
        deliveries = vec![arguments.paths.clone()];
    }
    ensure!(
        !arguments.preview || deliveries.len() == 1,
        "these are {} feeds, and each is previewed upon the one before; give the files of one",
        deliveries.len()
    );
    let office = Office::open(&arguments.configured)?;
    // Of all formats, and before the first one: the box may put it into force while the next is read.
    let begun: HashMap<Format, bool> = Format::ALL
        .into_iter()
        .map(|format| Ok((format, office.register.has_begun(format)?)))
        .collect::<anyhow::Result<_>>()?;
    let has_begun = |format| begun.get(&format).copied().unwrap_or(false);
    deliveries.iter().try_for_each(|paths| one(&office, paths, description.as_ref(), &has_begun, arguments))
}

fn description(path: &Path) -> anyhow::Result<CsvDescription> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(DESCRIPTION_BYTES_MAX).read_to_string(&mut text))
        .with_context(|| format!("cannot read the description `{}`", path.display()))?;
    CsvDescription::parse(&text).with_context(|| format!("in `{}`", path.display()))
}

/// Takes one feed and shows what it does.
fn one(
    office: &Office,
    paths: &[PathBuf],
    description: Option<&CsvDescription>,
    has_begun: &dyn Fn(Format) -> bool,
    arguments: &Arguments,
) -> anyhow::Result<()> {
    let Office { config, register, clock, today } = office;
    let feed = feed::open(paths, arguments.format, description)?;
    let head = feed.head().clone();
    let due = config.terms.due(arguments.effective, *today, has_begun(head.format))?;
    let here = &config.school.uai;
    let feed = feed.knowing(register.schools(head.format)?).at(here.clone());
    let intent = if arguments.preview { Intent::Show } else { Intent::Keep };
    let handover =
        Handover { head: &head, here, now: clock.now(), today: *today, due, intent, sequence: None };
    let mut names = String::new();
    let mut name =
        |movement: Movement| writeln!(names, "  {}", named(&movement, here)).context("cannot list everybody");
    let list: Option<&mut dyn FnMut(Movement) -> anyhow::Result<()>> =
        if arguments.verbose { Some(&mut name) } else { None };
    let mut first = String::new();
    let read = |take: &mut dyn FnMut(Item) -> anyhow::Result<()>| {
        feed.read(&mut |item| {
            if let Item::Refused(refused) = &item
                && first.is_empty()
            {
                // Where nobody is left, this is the likeliest cause.
                first = format!(" ({}:{} : {})", refused.file, refused.line, refused.reason);
            }
            take(item)
        })
    };
    let (number, preview) = match register.stage(handover, read, list)? {
        Staged::Waiting { number, preview } => (number, preview),
        Staged::Known(number) => {
            return print(format_args!(
                "this is feed {number}, word for word; nothing is changed (see `preau accounts feeds`)"
            ));
        }
        Staged::Refused(refusal) => bail!("{refusal}{first}; nothing is changed"),
    };
    print(format_args!("{}{names}", shown(&preview, arguments.verbose)?))?;
    if arguments.preview {
        return print("nothing is changed; without `--preview` the feed is taken");
    }
    let feeds = register.feeds(*today)?;
    let view = feeds.into_iter().find(|view| view.number == number);
    print(view.map_or(format!("feed {number} took effect"), |view| view.to_string()))
}

fn shown(preview: &Preview, is_verbose: bool) -> anyhow::Result<String> {
    let Preview { counts, roles, classes, refused, refusals, elsewhere, notes, held, is_released: _ } =
        preview;
    let mut text = format!("{:<24}{}\n", "everybody", line(*counts));
    for role in roles {
        writeln!(text, "{:<24}{}", format!("  {}", role.role), line(role.counts))?;
    }
    for class in classes {
        // Where nothing happens is no news.
        let is_quiet = class.counts == Counts { unchanged: class.counts.unchanged, ..Counts::default() };
        if is_verbose || !is_quiet {
            writeln!(text, "{:<24}{}", format!("  {}", class.class.as_str()), line(class.counts))?;
        }
    }
    if *elsewhere > 0 {
        writeln!(text, "{:<24}{elsewhere} persons of other schools, who are not kept", "elsewhere")?;
    }
    if *refused > 0 {
        writeln!(text, "{:<24}{refused} records, among them:", "not taken")?;
        refusals.iter().try_for_each(|record| writeln!(text, "  {}", quarantined(record)))?;
    }
    let notes_shown = if is_verbose { notes.len() } else { NOTES_SHOWN };
    notes.iter().take(notes_shown).try_for_each(|note| writeln!(text, "{:<24}{note}", "note"))?;
    if notes.len() > notes_shown {
        writeln!(text, "{:<24}{} more, with `--verbose`", "note", notes.len() - notes_shown)?;
    }
    held.iter().try_for_each(|why| writeln!(text, "{:<24}{why}", "HELD"))?;
    Ok(text)
}

fn line(counts: Counts) -> String {
    let Counts { added, returning, changed, unchanged, leaving, clashing } = counts;
    let mut said = format!("{added} added, {changed} changed, {leaving} leaving, {unchanged} unchanged");
    if returning > 0 {
        said.push_str(&format!(", {returning} back"));
    }
    if clashing > 0 {
        said.push_str(&format!(", {clashing} with the identifier of somebody else"));
    }
    said
}

/// One person to whom something happens.
fn named(Movement { what, person }: &Movement, here: &Uai) -> String {
    let sign = match what {
        Move::Added => "+",
        Move::Returning => "+ (back)",
        Move::Changed => "~",
        Move::Unchanged => "=",
        Move::Leaving => "-",
        Move::Clash => "! (identifier of somebody else)",
    };
    let account = person.account(here);
    let classes: Vec<_> = account.classes.iter().map(ClassName::as_str).collect();
    let (id, name, role) = (person.id.as_str(), account.display_name, person.role);
    format!("{sign} {id} {name} {role} {}", classes.join(", ")).trim_end().to_owned()
}
