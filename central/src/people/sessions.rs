//! Sessions: twelve hours at most, half an hour without a request; shown to their person, who can end each.

use std::time::Duration;

use preau::model::Moment;

use super::{
    grants::grants_of,
    invitation::{AcceptRefusal, renew_recovery},
    password::acceptable,
    persons::People,
    sign_in::spend_code,
    token::Token,
};
use crate::{
    audit,
    database::Write,
    words::{Actor, PersonId},
};

/// How long a session lasts at most: a working day.
const LIFE: Duration = Duration::from_secs(12 * 3600);

/// How long it lasts without a request.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// How exactly the last request is kept: not every one is worth a write.
const SEEN_EXACT: Duration = Duration::from_secs(60);

/// What of the browser's name for itself is kept, in characters.
const BROWSER_CHARACTERS_MAX: usize = 200;

/// Somebody who came in.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who, and what they may do.
    pub actor: Actor,
    /// What they type to sign in.
    pub login: String,
    /// What stands for the session in forms.
    pub handle: String,
    /// When it ends at the latest.
    pub until: Moment,
}

/// A session as its person sees it among their others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSeen {
    /// What stands for it in forms.
    pub handle: String,
    /// When it began.
    pub began: Moment,
    /// When its last request came, give or take a minute.
    pub seen: Moment,
    /// From which address it began.
    pub address: String,
    /// What the browser called itself.
    pub browser: String,
}

impl People {
    /// Whose session `token` is, where it has not ended.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn session(&self, token: &Token) -> anyhow::Result<Option<Session>> {
        let sql = "SELECT p.id, p.login, p.name, s.began, s.seen FROM people_session s
            JOIN people_person p ON p.id = s.person WHERE s.digest = $1 AND p.gone IS NULL";
        let rows = self.database.read(sql, &[token.digest().into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let [began, seen] = [row.integer(3)?, row.integer(4)?].map(Moment::from_unix_milliseconds);
        let now = self.clock.now();
        if now >= began + LIFE || now >= seen + IDLE {
            return Ok(None);
        }
        if now >= seen + SEEN_EXACT {
            let mut write = self.database.write().await?;
            let sql = "UPDATE people_session SET seen = $1 WHERE digest = $2";
            write.execute(sql, &[now.unix_milliseconds().into(), token.digest().into()]).await?;
            write.commit().await?;
        }
        let id = PersonId(row.integer(0)?);
        let grants = grants_of(&self.database, id).await?;
        Ok(Some(Session {
            actor: Actor { id, name: row.text(2)?.to_owned(), grants },
            login: row.text(1)?.to_owned(),
            handle: handle(&token.digest()),
            until: began + LIFE,
        }))
    }

    /// The sessions of a person that have not ended, the latest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sessions(&self, id: PersonId) -> anyhow::Result<Vec<SessionSeen>> {
        let now = self.clock.now();
        let sql = "SELECT digest, began, seen, address, browser FROM people_session
            WHERE person = $1 AND began > $2 AND seen > $3 ORDER BY began DESC";
        let [began, seen] = [now - LIFE, now - IDLE].map(Moment::unix_milliseconds);
        let rows = self.database.read(sql, &[id.0.into(), began.into(), seen.into()]).await?;
        rows.iter()
            .map(|row| {
                Ok(SessionSeen {
                    handle: handle(row.bytes(0)?),
                    began: Moment::from_unix_milliseconds(row.integer(1)?),
                    seen: Moment::from_unix_milliseconds(row.integer(2)?),
                    address: row.text(3)?.to_owned(),
                    browser: row.text(4)?.to_owned(),
                })
            })
            .collect()
    }

    /// Ends the session of `token`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn leave(&self, token: &Token) -> anyhow::Result<()> {
        let mut write = self.database.write().await?;
        write.execute("DELETE FROM people_session WHERE digest = $1", &[token.digest().into()]).await?;
        write.commit().await
    }

    /// Ends one of a person's own sessions.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn end(&self, id: PersonId, ended: &str) -> anyhow::Result<()> {
        let mut write = self.database.write().await?;
        let rows = write.read("SELECT digest FROM people_session WHERE person = $1", &[id.0.into()]).await?;
        for row in rows {
            if handle(row.bytes(0)?) == ended {
                write
                    .execute("DELETE FROM people_session WHERE digest = $1", &[row.bytes(0)?.into()])
                    .await?;
            }
        }
        write.commit().await
    }

    /// Changes a person's own password, for which they prove the old one and a code. All their other sessions end.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn change_password(
        &self,
        session: &Session,
        old: &str,
        code: &str,
        [password, again]: [&str; 2],
    ) -> anyhow::Result<Result<(), AcceptRefusal>> {
        let id = session.actor.id;
        if let Err(refusal) = acceptable(password, again, &session.login, &session.actor.name) {
            return Ok(Err(AcceptRefusal::Password(refusal)));
        }
        let sql = "SELECT password FROM people_person WHERE id = $1 AND gone IS NULL";
        let rows = self.database.read(sql, &[id.0.into()]).await?;
        let hash = rows.first().map(|row| row.text_or_nothing(0)).transpose()?.flatten();
        let hashed = self.passwords.hash(password).await?;
        let is_right = self.passwords.verify(old, hash).await?;
        let now = self.clock.now();
        let mut write = self.database.write().await?;
        if !is_right || spend_code(&mut write, id, code, now).await?.is_none() {
            return Ok(Err(AcceptRefusal::Code));
        }
        let sql = "UPDATE people_person SET password = $1 WHERE id = $2";
        write.execute(sql, &[hashed.into(), id.0.into()]).await?;
        let rows = write.read("SELECT digest FROM people_session WHERE person = $1", &[id.0.into()]).await?;
        for row in rows {
            if handle(row.bytes(0)?) != session.handle {
                write
                    .execute("DELETE FROM people_session WHERE digest = $1", &[row.bytes(0)?.into()])
                    .await?;
            }
        }
        let who = audit::Who::Person(id, session.actor.name.clone());
        audit::note(&mut write, now, &who, "password-changed", None, "").await?;
        write.commit().await?;
        Ok(Ok(()))
    }

    /// Draws a person's recovery codes anew, for which they prove a code; none where it was wrong.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn renew_recovery(&self, session: &Session, code: &str) -> anyhow::Result<Option<Vec<String>>> {
        let (id, now) = (session.actor.id, self.clock.now());
        let mut write = self.database.write().await?;
        if spend_code(&mut write, id, code, now).await?.is_none() {
            return Ok(None);
        }
        let codes = renew_recovery(&mut write, id).await?;
        let who = audit::Who::Person(id, session.actor.name.clone());
        audit::note(&mut write, now, &who, "recovery-renewed", None, "").await?;
        write.commit().await?;
        Ok(Some(codes))
    }

    /// How many recovery codes a person has left.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn recovery_left(&self, id: PersonId) -> anyhow::Result<i64> {
        let sql = "SELECT COUNT(*) FROM people_recovery WHERE person = $1";
        self.database.read(sql, &[id.0.into()]).await?.first().map_or(Ok(0), |row| row.integer(0))
    }
}

pub(super) async fn begin(
    write: &mut Write,
    id: PersonId,
    now: Moment,
    address: &str,
    browser: &str,
) -> anyhow::Result<Token> {
    let token = Token::draw()?;
    let old = "DELETE FROM people_session WHERE began < $1 OR seen < $2";
    let [began, seen] = [now - LIFE, now - IDLE].map(Moment::unix_milliseconds);
    write.execute(old, &[began.into(), seen.into()]).await?;
    let browser: String =
        browser.chars().filter(|letter| !letter.is_control()).take(BROWSER_CHARACTERS_MAX).collect();
    let sql = "INSERT INTO people_session (digest, person, began, seen, address, browser)
        VALUES ($1, $2, $3, $3, $4, $5)";
    let began = now.unix_milliseconds();
    write
        .execute(sql, &[token.digest().into(), id.0.into(), began.into(), address.into(), browser.into()])
        .await?;
    Ok(token)
}

/// What stands for the session with that digest in forms: nobody can come in by it.
fn handle(digest: &[u8]) -> String {
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
