//! A feed comes in: each school is given what is its own.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::ensure;
use preau::{
    identity::{
        feed::{self, CsvDescription, Format, Head},
        register::Terms,
    },
    model::Uai,
    policy::SchoolCalendar,
    protocol::names::Role,
    system::clock::Clock,
};
use tokio::task::spawn_blocking;

use super::{
    book::{Lines, Lock},
    compare::{self, Counts, Why},
    send::{Giving, Sent},
    share::{self, FeedRefused, Records, Shares},
    table::{self, Came},
};
use crate::{
    audit::{self, Who},
    authority::{Authority, By},
    channel::Channel,
    database::{Database, Write},
    words::{Place, Right},
};

/// What the key of what is kept of persons is derived for.
const PURPOSE: &str = "preau-central 2026-11 accounts: what is kept of the persons of schools";

/// Feeds whose outcome stays to be looked at.
const FEEDS_KEPT: i64 = 500;

/// Gives feeds to schools. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Accounts {
    pub(super) database: Database,
    pub(super) channel: Channel,
    pub(super) authority: Authority,
    pub(super) clock: Clock,
    work_dir: PathBuf,
}

/// What a feed is brought for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Intent {
    /// To be given.
    #[default]
    Give,
    /// To be given once somebody who saw what it would do says so: until then it is held.
    Ask,
    /// Only to see what it would do; nothing of it is kept.
    Look,
}

/// The schools that a feed may touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Within {
    /// Every one.
    #[default]
    All,
    /// These.
    Only(BTreeSet<Uai>),
}

/// A feed, and what is to become of it.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// Its files or their folder.
    pub paths: Vec<PathBuf>,
    /// Its format, where it is not to be found out.
    pub format: Option<Format>,
    /// What the columns of a CSV mean.
    pub csv: Option<CsvDescription>,
    /// The school of those whose record names none.
    pub at: Option<Uai>,
    /// The schools it may touch.
    pub within: Within,
    /// Schools of which more may leave than the guard allows.
    pub accept: BTreeSet<Uai>,
    /// The first day it may take effect; at the word of each school's calendar where there is none.
    pub from: Option<jiff::civil::Date>,
    /// What for.
    pub intent: Intent,
}

/// What came of a feed.
#[derive(Debug)]
pub struct Given {
    /// Its number; none where it was only looked at.
    pub feed: Option<i64>,
    /// What it says of itself.
    pub head: Head,
    /// What came of it, school by school.
    pub schools: Vec<(Uai, Outcome)>,
    /// How many schools it names that have no place in the channel.
    pub strangers: u64,
    /// Records that could not be taken.
    pub refused: Vec<Records>,
}

/// What came of a feed for one school.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It goes to the box.
    Sent {
        /// Its number at the school.
        sequence: u64,
        /// Whether it is everybody.
        is_complete: bool,
        /// Its length, sealed.
        bytes: u64,
        /// What it does.
        counts: Counts,
    },
    /// It would go to the box, or be held.
    Would(Option<Why>, Counts),
    /// It says what was given already.
    Same,
    /// It waits for somebody's word.
    Held(Why, Counts),
    /// The school has no box yet; it goes to the one that comes.
    NoBox(Counts),
    /// A feed of a later day was given already; that day.
    Older(String),
    /// Whoever brought it may not give anything to this school.
    NotGranted,
}

/// A feed as each school's share is judged by.
struct Brought<'a> {
    number: Option<i64>,
    head: &'a Head,
    from: Option<String>,
    intent: Intent,
    accept: &'a BTreeSet<Uai>,
    unclear: &'a BTreeSet<String>,
    who: &'a Who,
}

/// Something given, as the trail tells it.
pub(super) struct Act<'a> {
    pub(super) feed: i64,
    pub(super) origin: &'a str,
    pub(super) school: &'a Uai,
    pub(super) counts: Counts,
    pub(super) who: &'a Who,
    pub(super) word: &'static str,
    pub(super) reason: &'a str,
}

impl Accounts {
    /// Gives feeds to the boxes that `authority` knows, by `channel`; files that come by a page lie below `work_dir` while
    /// they are read.
    #[must_use]
    pub fn new(
        database: Database,
        channel: Channel,
        authority: Authority,
        clock: Clock,
        work_dir: PathBuf,
    ) -> Self {
        Self { database, channel, authority, clock, work_dir }
    }

    /// Where files that come by a page lie while they are read; what an interrupted process left there is removed.
    #[must_use]
    pub fn work_dir(&self) -> &Path {
        &self.work_dir
    }

    /// Reads a feed and gives each school what is its own.
    ///
    /// # Errors
    /// [`FeedRefused`] in the chain when the feed as a whole cannot be taken: nothing is then given. When the database or the
    /// repository refuses, the schools before it have theirs, and the same feed given again goes on.
    pub async fn import(&self, import: Import, by: By<'_>) -> anyhow::Result<Given> {
        let who = who(by)?;
        let Import { paths, format, csv, at, within, accept, from, intent } = import;
        let ours = self.channel.published(None).await?.into_iter().map(|(school, _)| school).collect();
        let shares = spawn_blocking(move || {
            let mut feed = feed::open(&paths, format, csv.as_ref())
                .map_err(|error| anyhow::Error::new(FeedRefused::from(error)))?;
            if let Some(at) = at {
                feed = feed.at(at);
            }
            share::read(feed, &ours)
        })
        .await??;
        let from = from.map(|from| from.to_string());
        let number = match intent {
            Intent::Look => None,
            Intent::Give | Intent::Ask => Some(self.keep_feed(&shares, from.as_deref(), &who).await?),
        };
        let Shares { head, schools, strangers, unclear, refused } = shares;
        let brought =
            Brought { number, head: &head, from, intent, accept: &accept, unclear: &unclear, who: &who };
        let mut outcomes = Vec::new();
        for (school, share) in schools {
            let outcome = match &within {
                Within::Only(within) if !within.contains(&school) => Outcome::NotGranted,
                _ => self.consider(&brought, &school, share).await?,
            };
            outcomes.push((school, outcome));
        }
        let same = outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Same).count();
        if let Some(number) = number {
            let mut write = self.database.write().await?;
            let sql = "UPDATE account_feed SET same = $2 WHERE number = $1";
            write.execute(sql, &[number.into(), i64::try_from(same)?.into()]).await?;
            write.commit().await?;
        }
        let strangers = u64::try_from(strangers.len())?;
        Ok(Given { feed: number, head, schools: outcomes, strangers, refused })
    }

    /// What closes and opens what is kept of persons.
    pub(super) fn lock(&self) -> anyhow::Result<Lock> {
        Lock::new(&self.channel.secret(Role::Accounts, PURPOSE)?)
    }

    /// Gives or holds what of a feed is the school's.
    async fn consider(&self, brought: &Brought<'_>, school: &Uai, share: Lines) -> anyhow::Result<Outcome> {
        let Brought { number, head, from, intent, accept, unclear, who } = brought;
        let origin = head.format.origin();
        let before = table::book(&self.database, &self.lock()?, school, origin).await?;
        let made = head.date.map(|date| date.to_string());
        if let Some(later) = before.as_ref().and_then(|before| before.made.clone())
            && made.as_ref().is_some_and(|made| *made < later)
        {
            if let Some(feed) = *number {
                let counts = Counts::default();
                let why = String::new();
                let came = Came { feed, school, state: "older", why, counts, sequence: 0, content: None };
                let mut write = self.database.write().await?;
                table::keep_share(&mut write, "", came).await?;
                write.commit().await?;
            }
            return Ok(Outcome::Older(later));
        }
        let nobody = Lines::new();
        let had = before.as_ref().and_then(|before| before.lines.as_ref()).unwrap_or(&nobody);
        let lines = compare::with_unclear(share, had, unclear);
        let counts = compare::counts(had, &lines);
        let guard = compare::guard(had, &lines, self.is_summer()).filter(|_| !accept.contains(school));
        let Some(feed) = *number else {
            return Ok(if counts.is_nothing() { Outcome::Same } else { Outcome::Would(guard, counts) });
        };
        if counts.is_nothing() && before.is_some() {
            let mut write = self.database.write().await?;
            table::overtake(&mut write, school, origin, feed).await?;
            write.commit().await?;
            return Ok(Outcome::Same);
        }
        let asked = (*intent == Intent::Ask).then_some(Why::Asked);
        if let Some(why) = guard.or(asked) {
            let content = Some(self.lock()?.close(school, origin, &lines)?);
            let mut write = self.database.write().await?;
            let why_word = why.word();
            let came = Came { feed, school, state: "held", why: why_word, counts, sequence: 0, content };
            table::keep_share(&mut write, origin, came).await?;
            write.commit().await?;
            return Ok(Outcome::Held(why, counts));
        }
        let giving = Giving {
            school,
            origin,
            format: head.format.word(),
            made,
            from: from.clone(),
            is_released: accept.contains(school),
            before,
            lines,
        };
        let (write, sent) = self.deliver(giving).await?;
        let act = Act { feed, origin, school, counts, who, word: "accounts", reason: "" };
        self.note(write, act, sent).await
    }

    /// Notes what was given, and commits it.
    pub(super) async fn note(
        &self,
        mut write: Write,
        act: Act<'_>,
        sent: Option<Sent>,
    ) -> anyhow::Result<Outcome> {
        let Act { feed, origin, school, counts, who, word, reason } = act;
        let state = if sent.is_some() { "sent" } else { "no-box" };
        let sequence = sent.map_or(0, |sent| sent.sequence);
        let came = Came { feed, school, state, why: String::new(), counts, sequence, content: None };
        table::keep_share(&mut write, origin, came).await?;
        let Counts { added, changed, leaving, .. } = counts;
        let said =
            format!("feed {feed}, delivery {sequence}: {added} added, {changed} changed, {leaving} leaving");
        let said = if reason.is_empty() { said } else { format!("{said}; {reason}") };
        let place = Place::School(school.clone());
        audit::note(&mut write, self.clock.now(), who, word, Some(&place), &said).await?;
        write.commit().await?;
        Ok(match sent {
            Some(Sent { sequence, is_complete, bytes }) => {
                Outcome::Sent { sequence, is_complete, bytes, counts }
            }
            None => Outcome::NoBox(counts),
        })
    }

    /// Keeps what a feed says of itself, and drops the oldest.
    async fn keep_feed(&self, shares: &Shares, from: Option<&str>, who: &Who) -> anyhow::Result<i64> {
        let mut write = self.database.write().await?;
        let rows = write.read("SELECT COALESCE(MAX(number), 0) FROM account_feed", &[]).await?;
        let number = rows.first().map_or(Ok(0), |row| row.integer(0))? + 1;
        let giver = match who {
            Who::Person(_, name) => name.as_str(),
            Who::School(_) | Who::Central => "",
        };
        let head = &shares.head;
        let made = head.date.map(|date| date.to_string());
        let sql = "INSERT INTO account_feed
                (number, at, giver, source, origin, format, made, from_day, strangers, same)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)";
        let values = [
            number.into(),
            self.clock.now().unix_milliseconds().into(),
            giver.into(),
            head.source.as_str().into(),
            head.format.origin().into(),
            head.format.word().into(),
            made.as_deref().into(),
            from.into(),
            i64::try_from(shares.strangers.len())?.into(),
        ];
        write.execute(sql, &values).await?;
        for Records { kind, field, count, places } in &shares.refused {
            let sql =
                "INSERT INTO account_record (feed, kind, field, number, places) VALUES ($1, $2, $3, $4, $5)";
            let places = places.join("\n");
            let values = [
                number.into(),
                kind.as_str().into(),
                field.as_str().into(),
                i64::try_from(*count)?.into(),
                places.as_str().into(),
            ];
            write.execute(sql, &values).await?;
        }
        for table in ["account_share WHERE feed", "account_record WHERE feed", "account_feed WHERE number"] {
            write.execute(&format!("DELETE FROM {table} <= $1"), &[(number - FEEDS_KEPT).into()]).await?;
        }
        write.commit().await?;
        Ok(number)
    }

    /// Whether it is the time of year in which a third of a school leaves.
    pub(super) fn is_summer(&self) -> bool {
        let terms = Terms { calendar: SchoolCalendar::shipped().clone(), zone: None };
        terms.today(self.clock.now(), self.clock.doubt().is_none()).is_summer
    }
}

/// Who acts, where they may.
pub(super) fn who(by: By<'_>) -> anyhow::Result<Who> {
    Ok(match by {
        By::Central => Who::Central,
        By::Person(granted) => {
            ensure!(
                granted.right() == Right::Accounts,
                "the right given is for something else than accounts"
            );
            let actor = granted.actor();
            Who::Person(actor.id, actor.name.clone())
        }
    })
}
