//! Persons in force, all of them for the daemon or one for the technician at the machine.

use std::sync::OnceLock;

use jiff::{ToSpan as _, civil::Date};
use rusqlite::{Connection, OptionalExtension as _};

use super::{
    Register, login,
    row::{self, FIELDS},
};
use crate::{
    identity::{Directory, password::Verifier},
    model::{Person, Uai},
};

/// What the register knows of one person. Never the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Who they are; the login is the one they sign in by.
    pub person: Person,
    /// Where they come from: `annuaire`, `onde` or `csv`.
    pub source: String,
    /// Whether the box gave them the login.
    pub is_login_of_the_box: bool,
    /// Whether a password was delivered for them.
    pub has_password: bool,
    /// The last day the source knows for them.
    pub ends_on: Option<Date>,
    /// The day they left, where they are in the trash.
    pub left_on: Option<Date>,
}

impl Found {
    /// The day somebody in the trash is deleted.
    #[must_use]
    pub fn deleted_on(&self) -> Option<Date> {
        self.left_on.map(|left_on| left_on.saturating_add(super::apply::TRASH_MONTHS.months()))
    }
}

impl Register {
    /// The person with this login or identifier, in force or in the trash.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn find(&self, login_or_id: &str) -> anyhow::Result<Option<Found>> {
        self.look(|transaction| {
            let query = format!(
                "SELECT id, {FIELDS}, login, source, login_base IS NOT NULL, left_on FROM person
                    WHERE id = ?1 OR login = ?2 ORDER BY id <> ?1 LIMIT 1"
            );
            let found =
                transaction.query_row(&query, [login_or_id.trim(), &login::compared(login_or_id)], |row| {
                    let record = row::record(row)?;
                    Ok(Found {
                        person: Person { login: row.get(9)?, ..record.person },
                        source: row.get(10)?,
                        is_login_of_the_box: row.get(11)?,
                        has_password: record.password.is_some(),
                        ends_on: record.has_left,
                        left_on: row::parsed(row, 12)?,
                    })
                });
            Ok(found.optional()?)
        })
    }
}

/// Everybody in force who belongs to the school `here`.
pub(super) fn directory(connection: &Connection, here: &Uai) -> anyhow::Result<Directory> {
    let mut query = connection.prepare_cached(&format!(
        "SELECT id, {FIELDS}, login FROM person WHERE left_on IS NULL AND EXISTS
            (SELECT 1 FROM json_each(person.schools) AS school WHERE school.value ->> 0 = ?1)"
    ))?;
    let rows = query.query_map([here.as_str()], |row| {
        let record = row::record(row)?;
        let password = record.password.filter(|password| Verifier::parse(password).is_ok());
        Ok((Person { login: row.get(9)?, ..record.person }, password))
    })?;
    let failure = OnceLock::new();
    let persons = rows.map_while(|row| row.map_err(|error| failure.set(error)).ok());
    let directory = Directory::of_persons(persons, here).map_err(anyhow::Error::msg)?;
    match failure.into_inner() {
        Some(error) => Err(error.into()),
        None => Ok(directory),
    }
}
