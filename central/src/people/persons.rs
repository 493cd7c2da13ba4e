//! The register of persons. Nobody is ever taken out of it: the audit trail names them for years, and no number or login
//! is given a second time. Who has left is marked as gone, and can do nothing.

use preau::{model::Moment, system::clock::Clock};

use super::{grants, password::Passwords};
use crate::{
    audit,
    database::{Database, Part, Row, Write},
    words::{Granted, PersonId, Place, Right},
};

/// The tables.
pub const PART: Part = Part {
    name: "people",
    steps: &["
        CREATE TABLE people_person (
            id BIGINT PRIMARY KEY,
            login TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            password TEXT,
            code_key BLOB,
            last_step BIGINT NOT NULL,
            gone BIGINT
        );
        CREATE TABLE people_recovery (
            person BIGINT NOT NULL,
            digest BLOB NOT NULL,
            PRIMARY KEY (person, digest)
        );
        CREATE TABLE people_invitation (
            digest BLOB PRIMARY KEY,
            person BIGINT NOT NULL,
            code_key BLOB NOT NULL,
            expires BIGINT NOT NULL
        );
        CREATE TABLE people_stage (
            digest BLOB PRIMARY KEY,
            person BIGINT NOT NULL,
            tries BIGINT NOT NULL,
            expires BIGINT NOT NULL
        );
        CREATE TABLE people_session (
            digest BLOB PRIMARY KEY,
            person BIGINT NOT NULL,
            began BIGINT NOT NULL,
            seen BIGINT NOT NULL,
            address TEXT NOT NULL,
            browser TEXT NOT NULL
        );
        CREATE INDEX people_session_person ON people_session (person);
        CREATE TABLE people_try (
            who TEXT NOT NULL,
            address TEXT NOT NULL,
            tried BIGINT NOT NULL
        );
        CREATE INDEX people_try_who ON people_try (who);
        CREATE INDEX people_try_address ON people_try (address);
        CREATE TABLE people_known (
            person BIGINT NOT NULL,
            address TEXT NOT NULL,
            seen BIGINT NOT NULL,
            PRIMARY KEY (person, address)
        );
        CREATE TABLE people_grant (
            person BIGINT NOT NULL,
            what TEXT NOT NULL,
            place TEXT NOT NULL,
            PRIMARY KEY (person, what, place)
        );
        CREATE TABLE people_proposal (
            id BIGINT PRIMARY KEY,
            act TEXT NOT NULL,
            what TEXT NOT NULL,
            place TEXT NOT NULL,
            payload TEXT NOT NULL,
            told TEXT NOT NULL,
            proposed_by BIGINT NOT NULL,
            proposed BIGINT NOT NULL,
            decided_by BIGINT,
            decided BIGINT,
            outcome TEXT
        );"],
};

/// Persons, their sign-ins and sessions. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct People {
    pub(super) database: Database,
    pub(super) clock: Clock,
    pub(super) passwords: Passwords,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their number.
    pub id: PersonId,
    /// What they type to sign in.
    pub login: String,
    /// Their name.
    pub name: String,
    /// Whether they have chosen a password and taken their codes; else they are only invited.
    pub is_active: bool,
    /// When they left, if they did.
    pub gone: Option<Moment>,
}

const COLUMNS: &str = "id, login, name, password, gone";

impl People {
    /// Persons kept in `database`.
    #[must_use]
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock, passwords: Passwords::default() }
    }
}

/// All persons who have not left, by their names.
///
/// # Errors
/// When the database refuses.
pub async fn all(database: &Database) -> anyhow::Result<Vec<Person>> {
    let sql = format!("SELECT {COLUMNS} FROM people_person WHERE gone IS NULL ORDER BY name, id");
    database.read(&sql, &[]).await?.iter().map(person).collect()
}

/// The person of that number, also after they left.
///
/// # Errors
/// When the database refuses.
pub async fn find(database: &Database, id: PersonId) -> anyhow::Result<Option<Person>> {
    let sql = format!("SELECT {COLUMNS} FROM people_person WHERE id = $1");
    database.read(&sql, &[id.0.into()]).await?.first().map(person).transpose()
}

/// The person of that number as the writing transaction sees them, unless they left.
///
/// # Errors
/// When the database refuses.
pub async fn standing(write: &mut Write, id: PersonId) -> anyhow::Result<Option<Person>> {
    let sql = format!("SELECT {COLUMNS} FROM people_person WHERE id = $1 AND gone IS NULL");
    write.read(&sql, &[id.0.into()]).await?.first().map(person).transpose()
}

/// Ends a person's access: sessions, rights, links. Needs [`Right::People`] over the académie.
///
/// # Errors
/// When the database refuses; the inner refusal when nobody would be left who can give rights.
pub async fn remove(
    write: &mut Write,
    at: Moment,
    granted: &Granted,
    id: PersonId,
) -> anyhow::Result<Result<(), grants::GrantRefusal>> {
    if !is_over_people(granted) {
        return Ok(Err(grants::GrantRefusal::NotGranted));
    }
    let Some(person) = standing(write, id).await? else { return Ok(Err(grants::GrantRefusal::NoSuchPerson)) };
    if granted.actor().id == id {
        return Ok(Err(grants::GrantRefusal::Oneself));
    }
    if grants::is_last_keeper(write, id).await? {
        return Ok(Err(grants::GrantRefusal::LastKeeper));
    }
    let gone = "UPDATE people_person SET gone = $1, password = NULL, code_key = NULL WHERE id = $2";
    write.execute(gone, &[at.unix_milliseconds().into(), id.0.into()]).await?;
    for table in ["session", "stage", "invitation", "grant", "recovery", "known"] {
        let sql = format!("DELETE FROM people_{table} WHERE person = $1");
        write.execute(&sql, &[id.0.into()]).await?;
    }
    let by = granted.actor();
    let who = audit::Who::Person(by.id, by.name.clone());
    let text = format!("{} ({})", person.name, person.login);
    audit::note(write, at, &who, "person-removed", Some(&Place::Academie), &text).await?;
    write.signal("people");
    Ok(Ok(()))
}

/// Whether `granted` is what acts on persons take: the right over the whole académie, since whoever may reset somebody can
/// become them.
pub(super) fn is_over_people(granted: &Granted) -> bool {
    granted.right() == Right::People && *granted.place() == Place::Academie
}

pub(super) fn person(row: &Row) -> anyhow::Result<Person> {
    Ok(Person {
        id: PersonId(row.integer(0)?),
        login: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        is_active: row.text_or_nothing(3)?.is_some(),
        gone: row.integer_or_nothing(4)?.map(Moment::from_unix_milliseconds),
    })
}
