//! What a delivery would do, person by person: computed once, shown by the preview, weighed by the guards and carried out.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{
    Today,
    preview::Move,
    row::{self, FIELDS, Fields},
};
use crate::{
    identity::feed::{PersonChange, PersonRecord},
    model::{AccountId, Uai},
};

/// What of a waiting delivery its plan depends on.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) number: i64,
    pub(super) source: String,
    pub(super) is_complete: bool,
    pub(super) is_cut: bool,
    pub(super) is_released: bool,
    pub(super) here: Uai,
}

/// Writes the plan of `delivery` into the table `plan`. What its changes come to is written into its records on the way,
/// so that the transaction must be carried out or rolled back.
pub(super) fn make(transaction: &Transaction<'_>, delivery: &Delivery, today: Today) -> anyhow::Result<()> {
    transaction.execute("DELETE FROM plan", [])?;
    if !delivery.is_complete {
        resolve_changes(transaction, delivery)?;
    }
    let date = today.date.to_string();
    compare(transaction, delivery, &date)?;
    if delivery.is_complete && !delivery.is_cut {
        miss(transaction, delivery)?;
    }
    Ok(())
}

/// Compares every whole person of the delivery with who is in force. Somebody of another source is taken over only
/// under the same family name: two sources may use one number for two people.
fn compare(transaction: &Transaction<'_>, delivery: &Delivery, date: &str) -> rusqlite::Result<()> {
    let of = |table: &str| {
        let columns: Vec<_> = FIELDS.split(", ").map(|column| format!("{table}.{column}")).collect();
        columns.join(", ")
    };
    let statement = format!(
        "INSERT INTO plan (id, act)
            SELECT record.id, CASE
                WHEN person.id IS NULL THEN {added}
                WHEN person.source <> ?2 AND person.family_name <> record.family_name COLLATE NOCASE THEN {clash}
                WHEN record.ends_on <= ?3 THEN {leaving}
                WHEN person.left_on IS NOT NULL THEN {returning}
                WHEN person.source = ?2 AND ({theirs}) IS ({ours}) THEN {unchanged}
                ELSE {changed} END
            FROM record LEFT JOIN person ON person.id = record.id
            WHERE record.feed = ?1 AND record.kind = 0
            AND NOT (record.ends_on IS NOT NULL AND record.ends_on <= ?3
                AND (person.id IS NULL OR person.left_on IS NOT NULL))
        UNION ALL
            SELECT person.id, {leaving} FROM record JOIN person ON person.id = record.id
            WHERE record.feed = ?1 AND record.kind = 2 AND person.left_on IS NULL AND person.source = ?2",
        added = Move::Added.number(),
        clash = Move::Clash.number(),
        leaving = Move::Leaving.number(),
        returning = Move::Returning.number(),
        unchanged = Move::Unchanged.number(),
        changed = Move::Changed.number(),
        theirs = of("record"),
        ours = of("person"),
    );
    transaction.execute(&statement, params![delivery.number, delivery.source, date]).map(drop)
}

/// Whoever of the delivery's source and schools it does not name leaves. A record that was refused names its owner all
/// the same: one broken record takes nobody's account away.
fn miss(transaction: &Transaction<'_>, delivery: &Delivery) -> rusqlite::Result<()> {
    transaction
        .execute(
            &format!(
                "INSERT INTO plan (id, act)
                    SELECT person.id, {} FROM person
                    WHERE {IN_SCOPE}
                    AND NOT EXISTS (SELECT 1 FROM record WHERE record.feed = ?1 AND record.id = person.id)
                    AND NOT EXISTS (SELECT 1 FROM refused WHERE refused.feed = ?1 AND refused.id = person.id)",
                Move::Leaving.number()
            ),
            params![delivery.number, delivery.source],
        )
        .map(drop)
}

/// The persons in force that delivery `?1` of source `?2` speaks for.
pub(super) const IN_SCOPE: &str = "person.source = ?2 AND person.left_on IS NULL AND EXISTS (
    SELECT 1 FROM json_each(person.schools) AS school
        JOIN feed_school ON feed_school.feed = ?1 AND feed_school.uai = school.value ->> 0)";

/// Turns each change of the delivery into the person it makes, or into a leaving. One that cannot be is left as it is
/// and does nothing: it is about somebody of another school.
fn resolve_changes(transaction: &Transaction<'_>, delivery: &Delivery) -> anyhow::Result<()> {
    let mut after = String::new();
    while let Some((id, text)) = next_change(transaction, delivery.number, &after)? {
        let change = row::change(AccountId::new(&id), &text)?;
        let known = known(transaction, delivery, &id)?;
        after.clone_from(&id);
        let Some((mut record, is_in_trash)) = known else { continue };
        if is_in_trash && !brings_back(&change, &delivery.here) {
            continue;
        }
        change.apply(&mut record.person);
        record.has_left = change.has_left.unwrap_or(record.has_left);
        let is_here = record.person.schools.iter().any(|at| at.school == delivery.here);
        if is_here {
            become_whole(transaction, delivery, &record)?
        } else {
            become_leaving(transaction, delivery, &id)?
        }
    }
    Ok(())
}

fn next_change(
    transaction: &Transaction<'_>,
    feed: i64,
    after: &str,
) -> rusqlite::Result<Option<(String, String)>> {
    let mut query = transaction.prepare_cached(
        "SELECT id, change FROM record WHERE feed = ?1 AND id > ?2 AND kind = 1 ORDER BY id LIMIT 1",
    )?;
    query.query_row(params![feed, after], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

/// The person of the delivery's source with this identifier, and whether they are in the trash.
fn known(
    transaction: &Transaction<'_>,
    delivery: &Delivery,
    id: &str,
) -> rusqlite::Result<Option<(PersonRecord, bool)>> {
    let mut query = transaction.prepare_cached(&format!(
        "SELECT id, {FIELDS}, left_on IS NOT NULL FROM person WHERE id = ?1 AND source = ?2"
    ))?;
    query.query_row(params![id, delivery.source], |row| Ok((row::record(row)?, row.get(9)?))).optional()
}

/// Whether a change says that somebody who left is at the school `here` again.
fn brings_back(change: &PersonChange, here: &Uai) -> bool {
    let named = |names: &Option<Vec<(Uai, _)>>| names.iter().flatten().any(|(at, _)| at == here);
    change.main_school.as_ref() == Some(here)
        || change.posts.iter().flatten().any(|at| at == here)
        || named(&change.classes)
        || named(&change.groups)
        || change.has_left == Some(None)
}

fn become_whole(
    transaction: &Transaction<'_>,
    delivery: &Delivery,
    record: &PersonRecord,
) -> anyhow::Result<()> {
    let Fields { source_login, family_name, given_name, birth_date, role, schools, password, ends_on } =
        Fields::of(record)?;
    let mut update = transaction.prepare_cached(
        "UPDATE record SET kind = 0, source_login = ?3, family_name = ?4, given_name = ?5, birth_date = ?6,
            role = ?7, schools = ?8, password = ?9, ends_on = ?10 WHERE feed = ?1 AND id = ?2",
    )?;
    update.execute(params![
        delivery.number,
        record.person.id.as_str(),
        source_login,
        family_name,
        given_name,
        birth_date,
        role,
        schools,
        password,
        ends_on
    ])?;
    Ok(())
}

fn become_leaving(transaction: &Transaction<'_>, delivery: &Delivery, id: &str) -> anyhow::Result<()> {
    let mut update = transaction.prepare_cached("UPDATE record SET kind = 2 WHERE feed = ?1 AND id = ?2")?;
    update.execute(params![delivery.number, id])?;
    Ok(())
}
