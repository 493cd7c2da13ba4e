//! How somebody comes to have a password and codes: a link, good once and for three days, under which they choose the one
//! and see the secret of the others. The first person of all is invited from the command line of the machine.

use std::time::Duration;

use anyhow::Context as _;
use preau::model::Moment;

use super::{
    code::{CodeKey, draw_recovery, recovery_digest},
    grants,
    password::{PasswordRefusal, acceptable},
    persons::{People, Person, is_over_people, person, standing},
    token::Token,
};
use crate::{
    audit,
    database::{Database, Write},
    words::{Grant, Granted, PersonId, Place, Right},
};

/// How long a link is good: over a weekend.
const LIFE: Duration = Duration::from_secs(3 * 86_400);

/// The longest login or name, in characters.
const NAME_CHARACTERS_MAX: usize = 80;

/// An invited person, and the secret of their link.
#[derive(Clone, Debug)]
pub struct Invited {
    /// Who.
    pub id: PersonId,
    /// The secret, shown once.
    pub token: Token,
    /// Until when it is good.
    pub expires: Moment,
}

/// Why somebody was not invited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteRefusal {
    /// What was granted to whoever asks is not the right over persons of the académie.
    NotGranted,
    /// The login has other characters than letters, digits, `.`, `-`, `_`, `@`, or the name is empty or too long.
    Malformed,
    /// The login is somebody's, or was.
    LoginTaken,
    /// There is no such person, or they left.
    NoSuchPerson,
    /// There is somebody already who may give rights over the académie.
    NotTheFirst,
    /// Nobody resets themselves: they would need no second person to hold their rights.
    Oneself,
}

/// What stands behind a link.
#[derive(Clone, Debug)]
pub struct Link {
    /// Whose it is.
    pub person: Person,
    /// The secret of the codes that they will have.
    pub key: CodeKey,
}

/// What a person chose under their link.
#[derive(Clone, Copy)]
pub struct Choice<'a> {
    /// The password.
    pub password: &'a str,
    /// The same again.
    pub again: &'a str,
    /// The code that their telephone shows.
    pub code: &'a str,
}

/// Why a choice was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptRefusal {
    /// The link is spent, too old, or never was.
    NoSuchLink,
    /// The password will not do.
    Password(PasswordRefusal),
    /// The code is not that of the secret shown.
    Code,
}

/// What follows from a choice that was taken.
#[derive(Debug)]
pub struct Accepted {
    /// Who.
    pub person: Person,
    /// The recovery codes, shown once.
    pub recovery: Vec<String>,
}

/// Invites the first person, with every right over the académie.
///
/// # Errors
/// When the database refuses.
pub async fn first(
    database: &Database,
    at: Moment,
    login: &str,
    name: &str,
) -> anyhow::Result<Result<Invited, InviteRefusal>> {
    let mut write = database.write().await?;
    let keeper = "SELECT 1 + 0 * p.id FROM people_grant g JOIN people_person p ON p.id = g.person
        WHERE g.what = 'people' AND g.place = 'academie' AND p.gone IS NULL AND p.password IS NOT NULL";
    if !write.read(keeper, &[]).await?.is_empty() {
        return Ok(Err(InviteRefusal::NotTheFirst));
    }
    let invited = match enter(&mut write, at, login, name).await? {
        Ok(invited) => invited,
        // Whoever lost the link before using it asks again in the same words.
        Err(InviteRefusal::LoginTaken) => match invited_only(&mut write, login).await? {
            Some(id) => link(&mut write, at, id).await?,
            None => return Ok(Err(InviteRefusal::LoginTaken)),
        },
        Err(refusal) => return Ok(Err(refusal)),
    };
    for right in Right::ALL {
        grants::insert(&mut write, invited.id, &Grant { right, place: Place::Academie }).await?;
    }
    let text = format!("{name} ({login})");
    audit::note(&mut write, at, &audit::Who::Central, "first-person", Some(&Place::Academie), &text).await?;
    write.commit().await?;
    Ok(Ok(invited))
}

/// Invites somebody. Needs [`Right::People`] over the académie; the person has no right until some are given.
///
/// # Errors
/// When the database refuses.
pub async fn invite(
    write: &mut Write,
    at: Moment,
    granted: &Granted,
    login: &str,
    name: &str,
) -> anyhow::Result<Result<Invited, InviteRefusal>> {
    if !is_over_people(granted) {
        return Ok(Err(InviteRefusal::NotGranted));
    }
    let invited = match enter(write, at, login, name).await? {
        Ok(invited) => invited,
        Err(refusal) => return Ok(Err(refusal)),
    };
    note(write, at, granted, "person-invited", &format!("{name} ({login})")).await?;
    Ok(Ok(invited))
}

/// Gives somebody a new link: their password and codes end at once, and so do their sessions. Rights stay. Needs
/// [`Right::People`] over the académie.
///
/// # Errors
/// When the database refuses.
pub async fn reset(
    write: &mut Write,
    at: Moment,
    granted: &Granted,
    id: PersonId,
) -> anyhow::Result<Result<Invited, InviteRefusal>> {
    if !is_over_people(granted) {
        return Ok(Err(InviteRefusal::NotGranted));
    }
    if granted.actor().id == id {
        return Ok(Err(InviteRefusal::Oneself));
    }
    let Some(person) = standing(write, id).await? else { return Ok(Err(InviteRefusal::NoSuchPerson)) };
    let closed = "UPDATE people_person SET password = NULL, code_key = NULL WHERE id = $1";
    write.execute(closed, &[id.0.into()]).await?;
    for table in ["session", "stage", "recovery"] {
        write.execute(&format!("DELETE FROM people_{table} WHERE person = $1"), &[id.0.into()]).await?;
    }
    let invited = link(write, at, id).await?;
    note(write, at, granted, "person-reset", &format!("{} ({})", person.name, person.login)).await?;
    Ok(Ok(invited))
}

impl People {
    /// What stands behind a link, where it is still good.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn look(&self, token: &Token) -> anyhow::Result<Option<Link>> {
        let sql = "SELECT p.id, p.login, p.name, p.password, p.gone, i.code_key, i.expires
            FROM people_invitation i JOIN people_person p ON p.id = i.person
            WHERE i.digest = $1 AND p.gone IS NULL";
        let rows = self.database.read(sql, &[token.digest().into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        if row.integer(6)? <= self.clock.now().unix_milliseconds() {
            return Ok(None);
        }
        Ok(Some(Link { person: person(row)?, key: CodeKey::from_bytes(row.bytes(5)?)? }))
    }

    /// Takes what a person chose under their link, which is then spent.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn accept(
        &self,
        token: &Token,
        choice: Choice<'_>,
    ) -> anyhow::Result<Result<Accepted, AcceptRefusal>> {
        let Some(Link { person, key }) = self.look(token).await? else {
            return Ok(Err(AcceptRefusal::NoSuchLink));
        };
        let Choice { password, again, code } = choice;
        if let Err(refusal) = acceptable(password, again, &person.login, &person.name) {
            return Ok(Err(AcceptRefusal::Password(refusal)));
        }
        let now = self.clock.now();
        let Some(step) = key.step(code, now, 0) else { return Ok(Err(AcceptRefusal::Code)) };
        let hash = self.passwords.hash(password).await?;
        let mut write = self.database.write().await?;
        // Two browsers with one link: only the first one finds it.
        let spent = "DELETE FROM people_invitation WHERE digest = $1";
        if write.execute(spent, &[token.digest().into()]).await? == 0 {
            return Ok(Err(AcceptRefusal::NoSuchLink));
        }
        let taken = "UPDATE people_person SET password = $1, code_key = $2, last_step = $3 WHERE id = $4 AND gone IS NULL";
        let values = [hash.into(), key.bytes().into(), step.into(), person.id.0.into()];
        write.execute(taken, &values).await?;
        let recovery = renew_recovery(&mut write, person.id).await?;
        let who = audit::Who::Person(person.id, person.name.clone());
        audit::note(&mut write, now, &who, "person-entered", None, "").await?;
        write.signal("people");
        write.commit().await?;
        Ok(Ok(Accepted { person, recovery }))
    }
}

/// Draws a person's recovery codes anew; those before count no more.
pub(super) async fn renew_recovery(write: &mut Write, id: PersonId) -> anyhow::Result<Vec<String>> {
    write.execute("DELETE FROM people_recovery WHERE person = $1", &[id.0.into()]).await?;
    let codes = draw_recovery()?;
    for code in &codes {
        let digest = recovery_digest(code).context("a drawn code is one")?;
        let sql = "INSERT INTO people_recovery (person, digest) VALUES ($1, $2)";
        write.execute(sql, &[id.0.into(), digest.into()]).await?;
    }
    Ok(codes)
}

async fn enter(
    write: &mut Write,
    at: Moment,
    login: &str,
    name: &str,
) -> anyhow::Result<Result<Invited, InviteRefusal>> {
    let (login, name) = (login.trim(), name.trim());
    let plain =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-._@".contains(letter);
    let fits = |text: &str| !text.is_empty() && text.chars().count() <= NAME_CHARACTERS_MAX;
    if !fits(login) || !fits(name) || !login.chars().all(plain) || name.chars().any(char::is_control) {
        return Ok(Err(InviteRefusal::Malformed));
    }
    let known = "SELECT id FROM people_person WHERE login = $1";
    if !write.read(known, &[login.into()]).await?.is_empty() {
        return Ok(Err(InviteRefusal::LoginTaken));
    }
    let rows = write.read("SELECT COALESCE(MAX(id), 0) + 1 FROM people_person", &[]).await?;
    let id = PersonId(rows.first().context("no next number")?.integer(0)?);
    let sql = "INSERT INTO people_person (id, login, name, last_step) VALUES ($1, $2, $3, 0)";
    write.execute(sql, &[id.0.into(), login.into(), name.into()]).await?;
    write.signal("people");
    Ok(Ok(link(write, at, id).await?))
}

/// A link for `id`; those before count no more.
async fn link(write: &mut Write, at: Moment, id: PersonId) -> anyhow::Result<Invited> {
    let (token, key, expires) = (Token::draw()?, CodeKey::draw()?, at + LIFE);
    write.execute("DELETE FROM people_invitation WHERE person = $1", &[id.0.into()]).await?;
    let sql = "INSERT INTO people_invitation (digest, person, code_key, expires) VALUES ($1, $2, $3, $4)";
    let values = [token.digest().into(), id.0.into(), key.bytes().into(), expires.unix_milliseconds().into()];
    write.execute(sql, &values).await?;
    Ok(Invited { id, token, expires })
}

/// The person with `login` who never came in.
async fn invited_only(write: &mut Write, login: &str) -> anyhow::Result<Option<PersonId>> {
    let sql = "SELECT id FROM people_person WHERE login = $1 AND gone IS NULL AND password IS NULL";
    let rows = write.read(sql, &[login.trim().into()]).await?;
    rows.first().map(|row| row.integer(0).map(PersonId)).transpose()
}

async fn note(write: &mut Write, at: Moment, granted: &Granted, act: &str, text: &str) -> anyhow::Result<()> {
    let by = granted.actor();
    let who = audit::Who::Person(by.id, by.name.clone());
    audit::note(write, at, &who, act, Some(&Place::Academie), text).await
}
