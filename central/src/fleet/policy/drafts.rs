//! Drafts: documents that are being written, kept until they are published or thrown away.
//!
//! A draft is begun on a version. Everybody who may write at the place works on the same drafts; each act names the revision
//! that was looked at, so that nobody writes over what they have not seen.

use preau::model::Moment;

use super::{
    document::Document,
    edit::Edit,
    refused::{Refused, prove},
    tables,
    versions::{self, integer},
};
use crate::{
    audit::{self, Who},
    database::{Database, Row, Write},
    words::{Granted, PersonId, Place, Right},
};

/// Drafts a place may have: each is somebody's unfinished work, which somebody should look after.
const PER_PLACE_MAX: usize = 20;

/// A draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Its number, never given twice.
    pub id: i64,
    /// The place whose document it is to be.
    pub place: Place,
    /// The latest version when it was begun or last compared; 0 for none.
    pub base: u64,
    /// Counts up with each act.
    pub revision: u64,
    /// What it says.
    pub document: Document,
    /// Who changed it last.
    pub author: String,
    /// When.
    pub at: Moment,
    /// Who wants to publish it as it is, where a second person has to approve.
    pub proposal: Option<Proposal>,
}

/// Somebody wants to publish a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Who.
    pub by: PersonId,
    /// Their name.
    pub name: String,
    /// Why.
    pub reason: String,
}

const COLUMNS: &str = "id, place, base, revision, text, author_name, at, proposer, proposer_name, reason";

/// Begins a draft at `place`: as version `from` says, or as the latest does, or as an empty document called `name`.
///
/// # Errors
/// When the proof is not for writing there, the version is not there, or there are too many drafts.
pub async fn begin(
    write: &mut Write,
    granted: &Granted,
    place: &Place,
    from: Option<u64>,
    name: &str,
    at: Moment,
) -> Result<Draft, Refused> {
    prove(granted, Right::Write, place)?;
    let latest = versions::latest_in(write, place).await?;
    let text = match (from, &latest) {
        (Some(from), _) => Some(versions::find_in(write, place, from).await?.ok_or(Refused::Gone)?.text),
        (None, Some(latest)) => Some(latest.text.clone()),
        (None, None) => None,
    };
    let document = match text {
        Some(text) => Document::read(&text, place)?,
        None => Document::empty(name),
    };
    document.check(place)?;
    let count = "SELECT COUNT(*) FROM policy_draft WHERE place = $1";
    let rows = write.read(count, &[place.to_string().into()]).await?;
    let count = rows.first().map_or(Ok(0), |row| tables::number(row, 0))?;
    if count >= u64::try_from(PER_PLACE_MAX).unwrap_or(u64::MAX) {
        return Err(Refused::TooMany("drafts at this place; publish some or throw them away"));
    }
    let id = tables::next(write, "draft").await?;
    let actor = granted.actor();
    let base = latest.map_or(0, |latest| latest.number);
    let sql = "INSERT INTO policy_draft (id, place, base, revision, text, author, author_name, at)
        VALUES ($1, $2, $3, 1, $4, $5, $6, $7)";
    let values = [
        id.into(),
        place.to_string().into(),
        integer(base),
        document.text(place, "").into(),
        actor.id.0.into(),
        actor.name.as_str().into(),
        at.unix_milliseconds().into(),
    ];
    write.execute(sql, &values).await?;
    note(write, granted, place, at, "begin-draft", &format!("draft {id} on version {base}")).await?;
    let author = actor.name.clone();
    Ok(Draft { id, place: place.clone(), base, revision: 1, document, author, at, proposal: None })
}

/// Does one act on a draft, as it was at `revision`. A proposal to publish it is off then.
///
/// # Errors
/// When the proof is not for writing there, the draft is gone or was changed, or the document would be none that boxes take.
pub async fn edit(
    write: &mut Write,
    granted: &Granted,
    id: i64,
    revision: u64,
    edit: &Edit,
    at: Moment,
) -> Result<Draft, Refused> {
    let draft = as_looked_at(write, granted, Right::Write, id, revision).await?;
    let document = draft.document.edited(edit, &draft.place)?;
    let draft = Draft { document, ..draft };
    keep(write, granted, draft, at, &edit.words()).await
}

/// Bases a draft on the latest version, once its author has looked at what that one says otherwise: publishing it then puts
/// the draft's words in the place of the version's.
///
/// # Errors
/// As [`edit()`].
pub async fn look_again(
    write: &mut Write,
    granted: &Granted,
    id: i64,
    revision: u64,
    latest_seen: u64,
    at: Moment,
) -> Result<Draft, Refused> {
    let draft = as_looked_at(write, granted, Right::Write, id, revision).await?;
    let latest = versions::latest_in(write, &draft.place).await?;
    if let Some(latest) = latest.filter(|latest| latest.number != latest_seen) {
        return Err(Refused::Newer { number: latest.number, by: latest.author });
    }
    let draft = Draft { base: latest_seen, ..draft };
    keep(write, granted, draft, at, &format!("looked at version {latest_seen}")).await
}

/// Throws a draft away.
///
/// # Errors
/// When the proof is not for writing there, or the draft is gone.
pub async fn discard(write: &mut Write, granted: &Granted, id: i64, at: Moment) -> Result<(), Refused> {
    let draft = find_in(write, id).await?.ok_or(Refused::Gone)?;
    prove(granted, Right::Write, &draft.place)?;
    remove(write, id).await?;
    note(write, granted, &draft.place, at, "discard-draft", &format!("draft {id}")).await?;
    Ok(())
}

/// The draft of that number.
///
/// # Errors
/// When the database refuses.
pub async fn find(database: &Database, id: i64) -> anyhow::Result<Option<Draft>> {
    let sql = format!("SELECT {COLUMNS} FROM policy_draft WHERE id = $1");
    database.read(&sql, &[id.into()]).await?.first().map(draft).transpose()
}

/// All drafts, by place, the oldest first.
///
/// # Errors
/// When the database refuses.
pub async fn all(database: &Database) -> anyhow::Result<Vec<Draft>> {
    let sql = format!("SELECT {COLUMNS} FROM policy_draft ORDER BY place, id");
    database.read(&sql, &[]).await?.iter().map(draft).collect()
}

pub(super) async fn find_in(write: &mut Write, id: i64) -> anyhow::Result<Option<Draft>> {
    let sql = format!("SELECT {COLUMNS} FROM policy_draft WHERE id = $1");
    write.read(&sql, &[id.into()]).await?.first().map(draft).transpose()
}

/// The draft, where the proof is for `right` at its place and it still is as it was looked at.
pub(super) async fn as_looked_at(
    write: &mut Write,
    granted: &Granted,
    right: Right,
    id: i64,
    revision: u64,
) -> Result<Draft, Refused> {
    let draft = find_in(write, id).await?.ok_or(Refused::Gone)?;
    prove(granted, right, &draft.place)?;
    if draft.revision == revision { Ok(draft) } else { Err(Refused::Changed { by: draft.author }) }
}

pub(super) async fn remove(write: &mut Write, id: i64) -> anyhow::Result<()> {
    write.execute("DELETE FROM policy_draft WHERE id = $1", &[id.into()]).await?;
    write.signal("policy");
    Ok(())
}

/// Notes that `granted`'s actor wants to publish the draft as it is.
pub(super) async fn propose(
    write: &mut Write,
    granted: &Granted,
    draft: &Draft,
    reason: &str,
) -> anyhow::Result<()> {
    let sql = "UPDATE policy_draft SET proposer = $2, proposer_name = $3, reason = $4 WHERE id = $1";
    let actor = granted.actor();
    let values = [draft.id.into(), actor.id.0.into(), actor.name.as_str().into(), reason.into()];
    write.execute(sql, &values).await?;
    write.signal("policy");
    Ok(())
}

/// Writes a line about a draft or version into the audit trail.
pub(super) async fn note(
    write: &mut Write,
    granted: &Granted,
    place: &Place,
    at: Moment,
    act: &str,
    text: &str,
) -> anyhow::Result<()> {
    let actor = granted.actor();
    write.signal("policy");
    audit::note(write, at, &Who::Person(actor.id, actor.name.clone()), act, Some(place), text).await
}

async fn keep(
    write: &mut Write,
    granted: &Granted,
    draft: Draft,
    at: Moment,
    words: &str,
) -> Result<Draft, Refused> {
    let actor = granted.actor();
    let draft =
        Draft { revision: draft.revision + 1, author: actor.name.clone(), at, proposal: None, ..draft };
    let sql =
        "UPDATE policy_draft SET base = $2, revision = $3, text = $4, author = $5, author_name = $6, at = $7,
            proposer = NULL, proposer_name = NULL, reason = NULL WHERE id = $1";
    let values = [
        draft.id.into(),
        integer(draft.base),
        integer(draft.revision),
        draft.document.text(&draft.place, "").into(),
        actor.id.0.into(),
        actor.name.as_str().into(),
        at.unix_milliseconds().into(),
    ];
    write.execute(sql, &values).await?;
    note(write, granted, &draft.place, at, "edit-draft", &format!("draft {}: {words}", draft.id)).await?;
    Ok(draft)
}

fn draft(row: &Row) -> anyhow::Result<Draft> {
    let place = tables::place(row, 1)?;
    let proposal = match (row.integer_or_nothing(7)?, row.text_or_nothing(8)?, row.text_or_nothing(9)?) {
        (Some(by), Some(name), Some(reason)) => {
            Some(Proposal { by: PersonId(by), name: name.to_owned(), reason: reason.to_owned() })
        }
        _ => None,
    };
    Ok(Draft {
        id: row.integer(0)?,
        base: tables::number(row, 2)?,
        revision: tables::number(row, 3)?,
        document: Document::read(row.text(4)?, &place)?,
        author: row.text(5)?.to_owned(),
        at: Moment::from_unix_milliseconds(row.integer(6)?),
        place,
        proposal,
    })
}
