//! Rights over places, given and taken. Nobody changes their own; and of those who may give rights over the académie, one
//! always stays who can come in.

use preau::model::Moment;

use super::persons::standing;
use crate::{
    audit,
    database::{Database, Row, Write},
    words::{Grant, Granted, PersonId, Place, Right},
};

/// Why rights were not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantRefusal {
    /// What was granted to whoever asks is not the right over persons there.
    NotGranted,
    /// There is no such person, or they left.
    NoSuchPerson,
    /// Nobody changes their own rights or removes themselves.
    Oneself,
    /// Nobody would be left who may give rights over the académie.
    LastKeeper,
}

/// The rights of a person.
///
/// # Errors
/// When the database refuses.
pub async fn grants_of(database: &Database, id: PersonId) -> anyhow::Result<Vec<Grant>> {
    let sql = "SELECT what, place FROM people_grant WHERE person = $1 ORDER BY place, what";
    let rows = database.read(sql, &[id.0.into()]).await?;
    Ok(rows
        .iter()
        .map(|row| grant(row, 0))
        .collect::<anyhow::Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect())
}

/// The rights of everybody.
///
/// # Errors
/// When the database refuses.
pub async fn all_grants(database: &Database) -> anyhow::Result<Vec<(PersonId, Grant)>> {
    let sql = "SELECT person, what, place FROM people_grant ORDER BY person, place, what";
    let mut grants = Vec::new();
    for row in database.read(sql, &[]).await? {
        if let Some(grant) = grant(&row, 1)? {
            grants.push((PersonId(row.integer(0)?), grant));
        }
    }
    Ok(grants)
}

/// Gives `right` at the place of `granted`, which is the right over persons there.
///
/// # Errors
/// When the database refuses.
pub async fn give(
    write: &mut Write,
    at: Moment,
    granted: &Granted,
    id: PersonId,
    right: Right,
) -> anyhow::Result<Result<(), GrantRefusal>> {
    if let Err(refusal) = may_change(write, granted, id).await? {
        return Ok(Err(refusal));
    }
    let place = granted.place().clone();
    insert(write, id, &Grant { right, place }).await?;
    note(write, at, granted, id, right, "right-given").await?;
    Ok(Ok(()))
}

/// Takes `right` at the place of `granted`, which is the right over persons there.
///
/// # Errors
/// When the database refuses.
pub async fn take(
    write: &mut Write,
    at: Moment,
    granted: &Granted,
    id: PersonId,
    right: Right,
) -> anyhow::Result<Result<(), GrantRefusal>> {
    if let Err(refusal) = may_change(write, granted, id).await? {
        return Ok(Err(refusal));
    }
    let keeps = right == Right::People && *granted.place() == Place::Academie;
    if keeps && is_last_keeper(write, id).await? {
        return Ok(Err(GrantRefusal::LastKeeper));
    }
    let sql = "DELETE FROM people_grant WHERE person = $1 AND what = $2 AND place = $3";
    let place = granted.place().to_string();
    write.execute(sql, &[id.0.into(), right.word().into(), place.into()]).await?;
    note(write, at, granted, id, right, "right-taken").await?;
    Ok(Ok(()))
}

/// Whether `id` is the last active person who may give rights over the académie.
pub(super) async fn is_last_keeper(write: &mut Write, id: PersonId) -> anyhow::Result<bool> {
    let sql = "SELECT p.id FROM people_grant g JOIN people_person p ON p.id = g.person
        WHERE g.what = 'people' AND g.place = 'academie' AND p.gone IS NULL AND p.password IS NOT NULL";
    let rows = write.read(sql, &[]).await?;
    let keepers: Vec<i64> = rows.iter().map(|row| row.integer(0)).collect::<anyhow::Result<_>>()?;
    Ok(keepers == [id.0])
}

pub(super) async fn insert(write: &mut Write, id: PersonId, grant: &Grant) -> anyhow::Result<()> {
    let sql = "INSERT INTO people_grant (person, what, place) VALUES ($1, $2, $3)
        ON CONFLICT (person, what, place) DO NOTHING";
    let place = grant.place.to_string();
    write.execute(sql, &[id.0.into(), grant.right.word().into(), place.into()]).await.map(drop)
}

async fn may_change(
    write: &mut Write,
    granted: &Granted,
    id: PersonId,
) -> anyhow::Result<Result<(), GrantRefusal>> {
    if granted.right() != Right::People {
        return Ok(Err(GrantRefusal::NotGranted));
    }
    if granted.actor().id == id {
        return Ok(Err(GrantRefusal::Oneself));
    }
    let known = standing(write, id).await?.is_some();
    Ok(if known { Ok(()) } else { Err(GrantRefusal::NoSuchPerson) })
}

async fn note(
    write: &mut Write,
    at: Moment,
    granted: &Granted,
    id: PersonId,
    right: Right,
    act: &str,
) -> anyhow::Result<()> {
    let name = standing(write, id).await?.map_or_else(String::new, |person| person.name);
    let by = granted.actor();
    let who = audit::Who::Person(by.id, by.name.clone());
    audit::note(write, at, &who, act, Some(granted.place()), &format!("{} · {name}", right.word())).await?;
    write.signal("people");
    Ok(())
}

/// The grant in two columns from `first` on; none where a later program wrote a right that this one does not know.
fn grant(row: &Row, first: usize) -> anyhow::Result<Option<Grant>> {
    let (right, place) = (Right::read(row.text(first)?), Place::read(row.text(first + 1)?));
    Ok(right.zip(place).map(|(right, place)| Grant { right, place }))
}
