//! What of a feed is each school's: read once, one line of the delivery a person.
//!
//! The shares of a whole académie are held in memory while they are sealed, some 300 bytes a person: a hundred and fifty
//! megabytes for half a million persons. Persons of schools that are not ours are counted by their schools and not held.

use std::collections::{BTreeMap, BTreeSet};

use preau::{
    identity::feed::{Extent, Feed, FeedError, Head, Item, Reason},
    model::Uai,
    protocol::delivery::Line,
};
use thiserror::Error;

use super::book::{Lines, Told};

/// Places of refused records that are told one by one, of each kind.
const PLACES_MAX: usize = 5;

/// Kinds of refused records that are told; each column of a strange CSV could make one.
const KINDS_MAX: usize = 100;

/// Why a feed as a whole is not taken.
#[derive(Debug, Error)]
pub enum FeedRefused {
    /// It cannot be opened.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// It names changes only.
    #[error(
        "the feed names changes only; give the complete one, of which only the changes are sent to the boxes"
    )]
    Delta,
    /// It breaks off, or cannot be read to its end.
    #[error("the feed breaks off or cannot be read to its end; nothing of it is taken")]
    Cut,
}

/// Refused records of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// The word of the kind.
    pub kind: String,
    /// The attribute or column it is about; empty for none.
    pub field: String,
    /// How many.
    pub count: u64,
    /// The first of them, each as file and line. What is written there is not repeated.
    pub places: Vec<String>,
}

/// A feed that was read.
#[derive(Debug)]
pub(super) struct Shares {
    /// What it says of itself.
    pub(super) head: Head,
    /// Those of our schools that it names persons of.
    pub(super) schools: BTreeMap<Uai, Lines>,
    /// The other schools it names persons of.
    pub(super) strangers: BTreeSet<Uai>,
    /// The identifiers in records that could not be taken.
    pub(super) unclear: BTreeSet<String>,
    /// Records that could not be taken.
    pub(super) refused: Vec<Records>,
}

/// Reads all of `feed`; `ours` are the schools that have a place in the channel.
///
/// # Errors
/// [`FeedRefused`] when it names changes only or breaks off, others when it cannot be read: nothing may come of it then.
pub(super) fn read(feed: Feed, ours: &BTreeSet<Uai>) -> anyhow::Result<Shares> {
    let head = feed.head().clone();
    if head.extent != Extent::Complete {
        return Err(FeedRefused::Delta.into());
    }
    let mut shares = Shares {
        head,
        schools: BTreeMap::new(),
        strangers: BTreeSet::new(),
        unclear: BTreeSet::new(),
        refused: Vec::new(),
    };
    let totals = feed.read(&mut |item| shares.take(item, ours))?;
    if totals.cut { Err(FeedRefused::Cut.into()) } else { Ok(shares) }
}

impl Shares {
    fn take(&mut self, item: Item, ours: &BTreeSet<Uai>) -> anyhow::Result<()> {
        match item {
            Item::Person(record) => {
                let (id, role) = (record.person.id.as_str(), record.person.role.word());
                for at in &record.person.schools {
                    if !ours.contains(&at.school) {
                        self.strangers.insert(at.school.clone());
                        continue;
                    }
                    let Some(told) = record.told_to(&at.school) else { continue };
                    let told = Told { role: role.to_owned(), line: Line::Person(Box::new(told)).text()? };
                    let share = self.schools.entry(at.school.clone()).or_default();
                    // Of two different records the first counts; the readers say so themselves where they can.
                    share.entry(id.to_owned()).or_insert(told);
                }
            }
            Item::Refused(refused) => {
                self.unclear.extend(refused.id.as_ref().map(|id| id.as_str().to_owned()));
                self.note(&refused.reason, format!("{}:{}", refused.file, refused.line));
            }
            Item::School(_) | Item::Change(_) | Item::Leaves(_) | Item::Note(_) => {}
        }
        Ok(())
    }

    fn note(&mut self, reason: &Reason, place: String) {
        let (mut kind, mut field) = (reason.word(), reason.field().unwrap_or(""));
        let is = |records: &Records, kind: &str, field: &str| records.kind == kind && records.field == field;
        if self.refused.len() >= KINDS_MAX && !self.refused.iter().any(|records| is(records, kind, field)) {
            (kind, field) = ("more", "");
        }
        if !self.refused.iter().any(|records| is(records, kind, field)) {
            let (kind, field) = (kind.to_owned(), field.to_owned());
            self.refused.push(Records { kind, field, count: 0, places: Vec::new() });
        }
        for records in self.refused.iter_mut().filter(|records| is(records, kind, field)) {
            records.count += 1;
            if records.places.len() < PLACES_MAX {
                records.places.push(place.clone());
            }
        }
    }
}
