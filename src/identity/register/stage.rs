//! Staging: a delivery is written beside what is in force, whole or not at all, in one transaction of bounded memory.

use std::collections::BTreeSet;

use anyhow::Context as _;
use jiff::{ToSpan as _, civil::Date};
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{
    Movement, Preview, Register, Today, feeds, preview,
    quarantine::{self, Place},
    row::{self, FIELDS, Fields, Source},
    store::End,
};
use crate::{
    identity::{
        feed::{Extent, Format, Head, Item, PersonChange, PersonRecord, Reason, Totals},
        password::Verifier,
    },
    model::{AccountId, Moment, Uai},
};

/// Refused records of a delivery: with more it is another kind of file, and nobody would read the list.
const REFUSED_MAX: u64 = 20_000;

/// Notes of a delivery that are kept.
const NOTES_MAX: u64 = 1000;

/// What became of a delivery that was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Staged {
    /// It waits, or would wait if it were kept.
    Waiting {
        /// Names it, where it is kept.
        number: i64,
        /// What it would do if it took effect on the day it was handed over.
        preview: Box<Preview>,
    },
    /// The same one waits already, or is the last that took effect; its number.
    Known(i64),
    /// It is not taken, and nothing of it is kept.
    Refused(Refusal),
}

/// Why a delivery as a whole is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It speaks of other schools only: up to three of them, and ours.
    NotOurs {
        /// The schools it names.
        named: Vec<Uai>,
        /// The box's school.
        here: Uai,
    },
    /// A later one is in force already.
    Older {
        /// The day it was made.
        made: Date,
        /// The day of the one in force.
        in_force: Date,
    },
    /// It was made on a day that has not come.
    Future(Date),
    /// It holds nobody of ours.
    Nobody,
    /// More of its records are refused than anybody could look at.
    TooManyRefused,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotOurs { named, here } => {
                let named: Vec<_> = named.iter().map(Uai::as_str).collect();
                write!(
                    f,
                    "the feed is of school {}, this box is of {}; take the export of {}, or mend `school.uai`",
                    named.join(", "),
                    here.as_str(),
                    here.as_str()
                )
            }
            Self::Older { made, in_force } => write!(
                f,
                "the feed is of {made}, and one of {in_force} is in force already; take the latest export"
            ),
            Self::Future(made) => {
                write!(f, "the feed is of {made}, which has not come yet; is the clock right")
            }
            Self::Nobody => f.write_str("the feed holds nobody of this school; is it the whole delivery"),
            Self::TooManyRefused => {
                write!(f, "more than {REFUSED_MAX} records are refused; is it the right kind of file")
            }
        }
    }
}

/// What a delivery is handed over for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// It is to take effect.
    Keep,
    /// Only to see what it would do: nothing of it is ever visible to anybody else.
    Show,
}

/// A delivery that is handed over.
#[derive(Clone, Copy, Debug)]
pub struct Handover<'a> {
    /// What it says of itself.
    pub head: &'a Head,
    /// The school of the box.
    pub here: &'a Uai,
    /// The present moment.
    pub now: Moment,
    /// The present day.
    pub today: Today,
    /// The day it takes effect; at once without one.
    pub due: Option<Date>,
    /// What for.
    pub intent: Intent,
    /// Its number at the académie, which tells it from an earlier one of the same words.
    pub sequence: Option<u64>,
}

impl Register {
    /// Takes the delivery that `read` reads: it is handed what takes each item, as `Feed::read` wants it. Each one to whom
    /// something would happen is given to `names`, where there is somebody to take them.
    ///
    /// Persons of other schools are counted and not kept. A delta that comes behind an earlier delivery of its source
    /// waits at least as long as that one.
    ///
    /// # Errors
    /// When reading fails or the disk refuses: nothing of it is then kept.
    pub fn stage(
        &self,
        handover: Handover<'_>,
        read: impl FnOnce(&mut dyn FnMut(Item) -> anyhow::Result<()>) -> anyhow::Result<Totals>,
        names: Option<&mut dyn FnMut(Movement) -> anyhow::Result<()>>,
    ) -> anyhow::Result<Staged> {
        self.write_or_undo(|transaction| {
            let number = match staged(transaction, handover, read)? {
                Taken::Waiting(number) => number,
                Taken::Known(number) => return Ok(End::Undo(Staged::Known(number))),
                Taken::Refused(refusal) => return Ok(End::Undo(Staged::Refused(refusal))),
            };
            let preview = Box::new(preview::of(transaction, number, handover.today, names)?);
            let staged = Staged::Waiting { number, preview };
            Ok(if handover.intent == Intent::Keep { End::Keep(staged) } else { End::Undo(staged) })
        })
    }

    /// The schools that the latest complete delivery of the source of `format` explained, by what its persons name them: a
    /// delta seldom explains them again.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn schools(&self, format: Format) -> anyhow::Result<Vec<(String, Uai)>> {
        self.look(|transaction| {
            let mut query = transaction.prepare(
                "SELECT key, uai FROM feed_school WHERE key IS NOT NULL AND feed = (SELECT max(number) FROM feed
                    WHERE source = ?1 AND is_complete AND state <> 2)",
            )?;
            let rows = query.query_map([Source::of(format).word()], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })?;
            let mut schools = Vec::new();
            for row in rows {
                let (key, uai) = row?;
                schools.extend(Uai::new(&uai).map(|uai| (key, uai)));
            }
            Ok(schools)
        })
    }

    /// Whether a complete delivery of the source that `format` comes from ever took effect: the first one need not wait
    /// for holidays.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn has_begun(&self, format: Format) -> anyhow::Result<bool> {
        self.look(|transaction| {
            let query = "SELECT EXISTS (SELECT 1 FROM feed WHERE source = ?1 AND is_complete AND state = 1)";
            Ok(transaction.query_row(query, [Source::of(format).word()], |row| row.get(0))?)
        })
    }
}

/// What became of a delivery before anybody asks what it does.
enum Taken {
    Waiting(i64),
    Known(i64),
    Refused(Refusal),
}

fn staged(
    transaction: &Transaction<'_>,
    handover: Handover<'_>,
    read: impl FnOnce(&mut dyn FnMut(Item) -> anyhow::Result<()>) -> anyhow::Result<Totals>,
) -> anyhow::Result<Taken> {
    if let Some(refusal) = refusal_of(transaction, handover.head, handover.today)? {
        return Ok(Taken::Refused(refusal));
    }
    let mut stage = Stage::begin(transaction, handover)?;
    let totals = read(&mut |item| stage.take(item))?;
    stage.end(totals)
}

/// What speaks against a delivery before it is read.
fn refusal_of(transaction: &Transaction<'_>, head: &Head, today: Today) -> anyhow::Result<Option<Refusal>> {
    let Some(made) = head.date else { return Ok(None) };
    if today.is_sure && made > today.date.saturating_add(1.day()) {
        return Ok(Some(Refusal::Future(made)));
    }
    let latest = feeds::latest_day(transaction, Source::of(head.format))?;
    Ok(latest.filter(|in_force| made < *in_force).map(|in_force| Refusal::Older { made, in_force }))
}

/// A delivery as it is written.
struct Stage<'a> {
    transaction: &'a Transaction<'a>,
    number: i64,
    source: Source,
    extent: Extent,
    here: &'a Uai,
    content: blake3::Hasher,
    named: BTreeSet<Uai>,
    kept: u64,
    elsewhere: u64,
    refused: u64,
    notes: u64,
}

impl<'a> Stage<'a> {
    fn begin(transaction: &'a Transaction<'a>, handover: Handover<'a>) -> anyhow::Result<Self> {
        let Handover { head, here, now, today, due, intent: _, sequence } = handover;
        let Head { format, extent, date, source: files } = head;
        let source = Source::of(*format);
        let day = date.unwrap_or(today.date);
        let due = feeds::no_earlier_than_its_base(transaction, source, *extent, day, due)?;
        transaction.execute(
            "INSERT INTO feed (source, format, is_complete, is_cut, made, day, files, here, content, elsewhere,
                staged_at, due, is_released, state) VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7, x'', 0, ?8, ?9, 0, 0)",
            params![
                source.word(),
                format.word(),
                *extent == Extent::Complete,
                date.map(|date| date.to_string()),
                day.to_string(),
                files,
                here.as_str(),
                now.unix_milliseconds(),
                due.map(|due| due.to_string())
            ],
        )?;
        let mut content = blake3::Hasher::new();
        content.update(format!("{} {} {date:?}\n", source.word(), extent.word()).as_bytes());
        if let Some(sequence) = sequence {
            content.update(format!("central {sequence}\n").as_bytes());
        }
        Ok(Self {
            transaction,
            number: transaction.last_insert_rowid(),
            source,
            extent: *extent,
            here,
            content,
            named: BTreeSet::new(),
            kept: 0,
            elsewhere: 0,
            refused: 0,
            notes: 0,
        })
    }

    fn take(&mut self, item: Item) -> anyhow::Result<()> {
        match item {
            Item::School(school) => self.name_school(school.uai, &school.key),
            Item::Person(record) => self.person(&record),
            Item::Change(change) => self.change(*change),
            Item::Leaves(id) => self.leaves(&id),
            Item::Refused(refused) => {
                let place = Place { file: &refused.file, line: refused.line };
                self.refuse(&place, refused.id.as_ref(), &refused.reason.to_string())
            }
            Item::Note(note) => {
                self.notes += 1;
                if self.notes > NOTES_MAX {
                    return Ok(());
                }
                let text = format!("{}:{} : {} ({} fois)", note.file, note.line, note.kind, note.count);
                let mut insert =
                    self.transaction.prepare_cached("INSERT INTO note (feed, text) VALUES (?1, ?2)")?;
                insert.execute(params![self.number, text])?;
                Ok(())
            }
        }
    }

    fn name_school(&mut self, uai: Uai, key: &str) -> anyhow::Result<()> {
        let mut insert = self
            .transaction
            .prepare_cached("INSERT OR IGNORE INTO feed_school (feed, uai, key) VALUES (?1, ?2, ?3)")?;
        insert.execute(params![self.number, uai.as_str(), key])?;
        // Only what a refusal shows of them is remembered.
        if uai == *self.here || self.named.len() < 3 {
            self.named.insert(uai);
        }
        Ok(())
    }

    fn person(&mut self, record: &PersonRecord) -> anyhow::Result<()> {
        let id = &record.person.id;
        if !record.person.schools.iter().any(|at| at.school == *self.here) {
            self.elsewhere += 1;
            if self.extent == Extent::Complete {
                return Ok(());
            }
            if let Some(at) = record.person.schools.first() {
                self.note_named(&at.school);
            }
            return self.row(id, 2, None, None);
        }
        self.note_named(self.here);
        if let Some(Err(what)) = record.password.as_deref().map(Verifier::parse) {
            let reason = format!("l'empreinte du mot de passe livrée n'est pas utilisable ({what})");
            return self.refuse(&Place::NOWHERE, Some(id), &reason);
        }
        let fields = Fields::of(record)?;
        if self.extent == Extent::Complete
            && let Some(known) = self.written(id)?
        {
            // Word for word the same is one person; of two different ones the first counts, and somebody has to look.
            if Fields::of(&known)? == fields {
                return Ok(());
            }
            return self.refuse(&Place::NOWHERE, Some(id), &Reason::SeenBefore.to_string());
        }
        self.row(id, 0, None, Some(&fields))
    }

    /// A change upon what the same delivery said before becomes one with it.
    fn change(&mut self, change: PersonChange) -> anyhow::Result<()> {
        if let Some(mut known) = self.written(&change.id)? {
            change.apply(&mut known.person);
            known.has_left = change.has_left.unwrap_or(known.has_left);
            return self.person(&known);
        }
        let earlier = self.written_change(&change.id)?;
        let change = earlier.map_or_else(|| change.clone(), |earlier| joined(earlier, change.clone()));
        self.row(&change.id, 1, Some(&row::change_text(&change)?), None)
    }

    fn leaves(&mut self, id: &AccountId) -> anyhow::Result<()> {
        self.row(id, 2, None, None)
    }

    fn row(
        &mut self,
        id: &AccountId,
        kind: u8,
        change: Option<&str>,
        fields: Option<&Fields>,
    ) -> anyhow::Result<()> {
        for part in [id.as_str(), &format!("{kind}"), change.unwrap_or("")] {
            self.content.update(part.as_bytes()).update(b"\n");
        }
        if let Some(fields) = fields {
            self.content.update(format!("{fields:?}\n").as_bytes());
        }
        self.kept += 1;
        let mut insert = self.transaction.prepare_cached(&format!(
            "REPLACE INTO record (feed, id, kind, change, {FIELDS})
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        ))?;
        insert.execute(params![
            self.number,
            id.as_str(),
            kind,
            change,
            fields.map(|fields| &fields.source_login),
            fields.map(|fields| &fields.family_name),
            fields.map(|fields| &fields.given_name),
            fields.map(|fields| &fields.birth_date),
            fields.map(|fields| fields.role),
            fields.map(|fields| &fields.schools),
            fields.map(|fields| &fields.password),
            fields.map(|fields| &fields.ends_on),
        ])?;
        Ok(())
    }

    /// The whole person that this delivery gave under `id`, if it did.
    fn written(&self, id: &AccountId) -> anyhow::Result<Option<PersonRecord>> {
        let mut query = self.transaction.prepare_cached(&format!(
            "SELECT id, {FIELDS} FROM record WHERE feed = ?1 AND id = ?2 AND kind = 0"
        ))?;
        Ok(query.query_row(params![self.number, id.as_str()], row::record).optional()?)
    }

    fn written_change(&self, id: &AccountId) -> anyhow::Result<Option<PersonChange>> {
        let mut query = self
            .transaction
            .prepare_cached("SELECT change FROM record WHERE feed = ?1 AND id = ?2 AND kind = 1")?;
        let text: Option<String> =
            query.query_row(params![self.number, id.as_str()], |row| row.get(0)).optional()?;
        text.map(|text| row::change(id.clone(), &text)).transpose()
    }

    fn note_named(&mut self, uai: &Uai) {
        if (*uai == *self.here || self.named.len() < 3) && !self.named.contains(uai) {
            self.named.insert(uai.clone());
        }
    }

    fn refuse(&mut self, place: &Place<'_>, id: Option<&AccountId>, reason: &str) -> anyhow::Result<()> {
        self.refused += 1;
        self.content.update(b"refused\n");
        if self.refused > REFUSED_MAX {
            return Ok(());
        }
        quarantine::keep(self.transaction, self.number, place, id.map(AccountId::as_str), reason)
    }

    fn end(self, totals: Totals) -> anyhow::Result<Taken> {
        let Self { transaction, number, source, here, kept, elsewhere, refused, .. } = self;
        let content = self.content.finalize();
        if !self.named.is_empty() && !self.named.contains(here) {
            let named = self.named.into_iter().take(3).collect();
            return Ok(Taken::Refused(Refusal::NotOurs { named, here: here.clone() }));
        }
        if refused > REFUSED_MAX {
            return Ok(Taken::Refused(Refusal::TooManyRefused));
        }
        if kept == 0 && (self.extent == Extent::Complete || refused == 0) {
            return Ok(Taken::Refused(Refusal::Nobody));
        }
        if let Some(known) = feeds::known(transaction, source, content.as_bytes())? {
            return Ok(Taken::Known(known));
        }
        // Whatever names a school of its own in a format without a list of schools speaks of ours.
        transaction.execute(
            "INSERT OR IGNORE INTO feed_school (feed, uai) VALUES (?1, ?2)",
            params![number, here.as_str()],
        )?;
        transaction
            .execute(
                "UPDATE feed SET content = ?2, elsewhere = ?3, is_cut = ?4 WHERE number = ?1",
                params![number, content.as_bytes(), i64::try_from(elsewhere)?, totals.cut],
            )
            .context("cannot keep the feed")?;
        Ok(Taken::Waiting(number))
    }
}

/// Two changes of one person, one after the other.
fn joined(earlier: PersonChange, later: PersonChange) -> PersonChange {
    PersonChange {
        id: later.id,
        family_name: later.family_name.or(earlier.family_name),
        given_name: later.given_name.or(earlier.given_name),
        birth_date: later.birth_date.or(earlier.birth_date),
        role: later.role.or(earlier.role),
        main_school: later.main_school.or(earlier.main_school),
        posts: later.posts.or(earlier.posts),
        classes: later.classes.or(earlier.classes),
        groups: later.groups.or(earlier.groups),
        has_left: later.has_left.or(earlier.has_left),
    }
}
