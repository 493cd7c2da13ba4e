//! Acts that need two persons: one proposes, another one with the same right at the same place approves, and only then the
//! act is done, in the same [`Write`] as the approval. What is to be done is a word and a text that the act's own module
//! reads; here it is only kept.

use std::time::Duration;

use anyhow::Context as _;
use preau::model::Moment;

use crate::{
    audit,
    database::{Database, Row, Write},
    words::{Granted, PersonId, Place, Right},
};

/// How long a proposal waits for somebody: two weeks, holidays between.
const LIFE: Duration = Duration::from_secs(14 * 86_400);

const COLUMNS: &str = "p.id, p.act, p.what, p.place, p.payload, p.told, p.proposed_by, w.name, p.proposed";

/// Something proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Its number.
    pub id: i64,
    /// The act's word, such as `box-revoke`.
    pub act: String,
    /// The right it needs.
    pub right: Right,
    /// Where.
    pub place: Place,
    /// What the act's own module needs to do it.
    pub payload: String,
    /// The reason given, in the words of whoever proposes.
    pub told: String,
    /// Who proposes it.
    pub by: PersonId,
    /// Their name.
    pub by_name: String,
    /// When.
    pub at: Moment,
}

/// Why a proposal was not approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalRefusal {
    /// It was decided already, is too old, or never was.
    NotWaiting,
    /// Whoever proposes does not approve.
    Oneself,
    /// What was granted is not what the act needs.
    NotGranted,
}

/// Proposes `act`: what `granted` allows once another one approves. Gives its number.
///
/// # Errors
/// When the database refuses.
pub async fn propose(
    write: &mut Write,
    at: Moment,
    granted: &Granted,
    act: &str,
    payload: &str,
    told: &str,
) -> anyhow::Result<i64> {
    let rows = write.read("SELECT COALESCE(MAX(id), 0) + 1 FROM people_proposal", &[]).await?;
    let id = rows.first().context("no next number")?.integer(0)?;
    let sql = "INSERT INTO people_proposal (id, act, what, place, payload, told, proposed_by, proposed)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = [
        id.into(),
        act.into(),
        granted.right().word().into(),
        granted.place().to_string().into(),
        payload.into(),
        told.into(),
        granted.actor().id.0.into(),
        at.unix_milliseconds().into(),
    ];
    write.execute(sql, &values).await?;
    note(write, at, granted, "proposed", &format!("{act} · {told}")).await?;
    Ok(id)
}

/// Approves a proposal; the caller does the act in the same `write`.
///
/// # Errors
/// When the database refuses.
pub async fn approve(
    write: &mut Write,
    at: Moment,
    granted: &Granted,
    id: i64,
) -> anyhow::Result<Result<Proposal, ProposalRefusal>> {
    let Some(proposal) = still_waiting(write, at, id).await? else {
        return Ok(Err(ProposalRefusal::NotWaiting));
    };
    if granted.right() != proposal.right || *granted.place() != proposal.place {
        return Ok(Err(ProposalRefusal::NotGranted));
    }
    if granted.actor().id == proposal.by {
        return Ok(Err(ProposalRefusal::Oneself));
    }
    decide(write, at, granted, &proposal, "approved").await?;
    Ok(Ok(proposal))
}

/// Takes a proposal back, or refuses it: anybody who may do the act may also leave it undone.
///
/// # Errors
/// When the database refuses.
pub async fn withdraw(
    write: &mut Write,
    at: Moment,
    granted: &Granted,
    id: i64,
) -> anyhow::Result<Result<Proposal, ProposalRefusal>> {
    let Some(proposal) = still_waiting(write, at, id).await? else {
        return Ok(Err(ProposalRefusal::NotWaiting));
    };
    if granted.right() != proposal.right || *granted.place() != proposal.place {
        return Ok(Err(ProposalRefusal::NotGranted));
    }
    decide(write, at, granted, &proposal, "withdrawn").await?;
    Ok(Ok(proposal))
}

/// What waits at `now`, the oldest first.
///
/// # Errors
/// When the database refuses.
pub async fn waiting(database: &Database, now: Moment) -> anyhow::Result<Vec<Proposal>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM people_proposal p JOIN people_person w ON w.id = p.proposed_by
         WHERE p.decided IS NULL AND p.proposed > $1 ORDER BY p.id"
    );
    let rows = database.read(&sql, &[(now - LIFE).unix_milliseconds().into()]).await?;
    Ok(rows.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// The proposal of that number, where it still waits.
///
/// # Errors
/// When the database refuses.
pub async fn proposal(database: &Database, now: Moment, id: i64) -> anyhow::Result<Option<Proposal>> {
    Ok(waiting(database, now).await?.into_iter().find(|proposal| proposal.id == id))
}

async fn still_waiting(write: &mut Write, now: Moment, id: i64) -> anyhow::Result<Option<Proposal>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM people_proposal p JOIN people_person w ON w.id = p.proposed_by
         WHERE p.decided IS NULL AND p.proposed > $1 AND p.id = $2"
    );
    let rows = write.read(&sql, &[(now - LIFE).unix_milliseconds().into(), id.into()]).await?;
    Ok(rows.first().map(read).transpose()?.flatten())
}

async fn decide(
    write: &mut Write,
    at: Moment,
    granted: &Granted,
    proposal: &Proposal,
    outcome: &str,
) -> anyhow::Result<()> {
    let sql = "UPDATE people_proposal SET decided_by = $1, decided = $2, outcome = $3 WHERE id = $4";
    let values =
        [granted.actor().id.0.into(), at.unix_milliseconds().into(), outcome.into(), proposal.id.into()];
    write.execute(sql, &values).await?;
    note(write, at, granted, outcome, &format!("{} · {}", proposal.act, proposal.told)).await
}

async fn note(write: &mut Write, at: Moment, granted: &Granted, act: &str, text: &str) -> anyhow::Result<()> {
    let by = granted.actor();
    let who = audit::Who::Person(by.id, by.name.clone());
    audit::note(write, at, &who, act, Some(granted.place()), text).await?;
    write.signal("people");
    Ok(())
}

/// None where a later program wrote what this one does not know.
fn read(row: &Row) -> anyhow::Result<Option<Proposal>> {
    let (Some(right), Some(place)) = (Right::read(row.text(2)?), Place::read(row.text(3)?)) else {
        return Ok(None);
    };
    Ok(Some(Proposal {
        id: row.integer(0)?,
        act: row.text(1)?.to_owned(),
        right,
        place,
        payload: row.text(4)?.to_owned(),
        told: row.text(5)?.to_owned(),
        by: PersonId(row.integer(6)?),
        by_name: row.text(7)?.to_owned(),
        at: Moment::from_unix_milliseconds(row.integer(8)?),
    }))
}
