//! `preau journal`: the records of decisions and of presences, as lines.
//!
//! The fields of a line stand apart by tabs. A decision: time in UTC, zone, pseudonym, channel, site, answer, and
//! where it was refused who may open it. A presence: time in UTC, zone, account, machine, what happened.

use std::{
    fmt,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use clap::Subcommand;
use preau::{
    journal::{Channel, DecisionRecord, Ground, Matching, Outcome, Record, Segment},
    model::{Presence, PresenceChange},
    policy::{ListedBy, Lock},
};

use super::output::print_lines;

/// The daemon begins another segment long before this, in bytes.
const SEGMENT_BYTES_MAX: u64 = 256 << 20;

#[derive(Debug, Subcommand)]
pub(super) enum Act {
    /// Prints the records of one segment, a file of `journal/` in the state directory
    Show {
        /// The segment
        file: PathBuf,
    },
}

pub(super) fn act(act: &Act) -> anyhow::Result<()> {
    match act {
        Act::Show { file } => show(file),
    }
}

fn show(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    let bytes = read(path).with_context(|| format!("cannot read `{shown}`"))?;
    let segment =
        Segment::read(&bytes).with_context(|| format!("`{shown}` is no segment that can be read"))?;
    let mut damage = None;
    let mut count = 0_usize;
    let records = segment.records().map_while(|record| match record {
        Ok(record) => {
            count += 1;
            Some(Line(record).to_string())
        }
        Err(found) => {
            damage = Some(found);
            None
        }
    });
    let head = format!("# {} of segment {}, begun {}", segment.series, segment.number, segment.begun_at);
    print_lines(std::iter::once(head).chain(records))?;
    match damage {
        None => Ok(()),
        Some(damage) => Err(damage).with_context(|| {
            format!("`{shown}` is damaged; {count} records before it are whole, the rest is unread")
        }),
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    ensure!(path.metadata()?.is_file(), "not a file; name one segment");
    let mut bytes = Vec::new();
    File::open(path)?.take(SEGMENT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= SEGMENT_BYTES_MAX);
    ensure!(fits, "more than {SEGMENT_BYTES_MAX} bytes are no segment of a journal");
    Ok(bytes)
}

/// A record as a line.
struct Line(Record);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Record::Decision(decision) => write_decision(decision, f),
            Record::Presence(presence) => write_presence(presence, f),
            Record::ClockStepped { at, milliseconds } => {
                write!(f, "{at}\tthe clock stepped by {milliseconds} ms")
            }
            Record::Unknown { kind, at } => write!(f, "{at}\ta record of kind {kind}, of a later version"),
        }
    }
}

fn write_decision(decision: &DecisionRecord, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let DecisionRecord { at, zone, who, channel, site, outcome } = decision;
    let channel = match channel {
        Channel::Dns => "dns",
        Channel::Tls => "tls",
        Channel::Http => "http",
        Channel::Quic => "quic",
    };
    write!(f, "{at}\t{zone}\t{:016x}\t{channel}\t{site}\t", u64::from_be_bytes(who.0))?;
    match outcome {
        Outcome::Allowed(ground) => write_ground("allowed", ground, f),
        Outcome::Refused(ground) => write_ground("refused", ground, f),
        Outcome::SignInNeeded => f.write_str("refused, nobody had signed in"),
        Outcome::NotRecorded => f.write_str("refused, an earlier step could not be recorded"),
    }?;
    decision.may_open().map_or(Ok(()), |who| write!(f, "\tmay open: {who}"))
}

fn write_ground(answer: &str, ground: &Ground, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match ground {
        Ground::Opening => write!(f, "{answer} by a teacher's timed decision"),
        Ground::ZoneDefault => write!(f, "{answer} by the zone's default"),
        Ground::Welcome => write!(f, "{answer} because signing in needs it"),
        Ground::Evasion(evasion) => write!(f, "{answer} by the box itself: {evasion}"),
        Ground::Rule { id, level, lock, matching } => {
            let lock = if *lock == Some(Lock::Locked) { ", locked" } else { "" };
            write!(f, "{answer} by rule `{}` of {level}{lock}, ", id.escape_debug())?;
            match matching {
                Matching::Site => f.write_str("by the site"),
                Matching::Address => f.write_str("by the address"),
                Matching::Url => f.write_str("by a page"),
                Matching::Category { category, list_date, by } => {
                    let (category, date) = (category.escape_debug(), list_date.escape_debug());
                    let by = match by {
                        ListedBy::Site => "",
                        ListedBy::Url => ", by a page",
                        ListedBy::Expression => ", by an expression",
                    };
                    write!(f, "by category {category} (list of {date}{by})")
                }
                Matching::Everything => f.write_str("every site"),
            }
        }
    }
}

fn write_presence(presence: &Presence, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Presence { at, account, zone, machine, change } = presence;
    // An account identifier is any text of the accounts file; a line of it must not look like two.
    write!(f, "{at}\t{zone}\t{}\t{machine}\t", account.as_str().escape_debug())?;
    match change {
        PresenceChange::SignedIn(address) => write!(f, "signed in from {address}"),
        PresenceChange::AddressUsed(address) => write!(f, "used the address {address}"),
        PresenceChange::SignedOut => f.write_str("signed out"),
        PresenceChange::Expired => f.write_str("the session ended by itself"),
        PresenceChange::Replaced => f.write_str("the session was replaced"),
    }
}
