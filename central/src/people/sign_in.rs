//! Password, then code or certificate, then a session. What is between the two steps is a token of its own, so that a session's token is
//! drawn only for somebody who has proved both: nobody can have planted it before.

use std::{net::IpAddr, time::Duration};

use anyhow::Context as _;
use preau::model::Moment;

use super::{
    code::{CodeKey, recovery_digest},
    pace,
    persons::People,
    sessions,
    token::Token,
};
use crate::{audit, database::Write, words::PersonId};

/// How long there is between password and code.
const STAGE_LIFE: Duration = Duration::from_secs(5 * 60);

/// Codes that may be tried after one password.
const CODES_MAX: i64 = 5;

/// The longest login that is looked at, in bytes.
const LOGIN_BYTES_MAX: usize = 320;

/// Why somebody was not let in. What exactly was wrong is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInRefusal {
    /// Login, password or code is wrong.
    Wrong,
    /// There were too many wrong tries: later.
    TooOften,
    /// The time between password and code is over, or the codes that may be tried: from the beginning.
    Begin,
}

impl People {
    /// The first step: the token for the second one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sign_in(
        &self,
        login: &str,
        password: &str,
        from: IpAddr,
    ) -> anyhow::Result<Result<Token, SignInRefusal>> {
        let (login, address, now) = (login.trim().to_lowercase(), pace::counted(from), self.clock.now());
        if login.len() > LOGIN_BYTES_MAX {
            return Ok(Err(SignInRefusal::Wrong));
        }
        let sql = "SELECT id, password FROM people_person WHERE login = $1 AND gone IS NULL";
        let rows = self.database.read(sql, &[login.as_str().into()]).await?;
        let known = rows.first();
        let id = known.map(|row| row.integer(0).map(PersonId)).transpose()?;
        let who = format!("login/{login}");
        if !pace::try_now(&self.database, now, &who, &address, id).await? {
            return Ok(Err(SignInRefusal::TooOften));
        }
        let hash = known.map(|row| row.text_or_nothing(1)).transpose()?.flatten();
        let (true, Some(id)) = (self.passwords.verify(password, hash).await?, id) else {
            return Ok(Err(SignInRefusal::Wrong));
        };
        let token = Token::draw()?;
        let mut write = self.database.write().await?;
        forget_try(&mut write, &who, &address).await?;
        let old = "DELETE FROM people_stage WHERE expires < $1";
        write.execute(old, &[now.unix_milliseconds().into()]).await?;
        let sql = "INSERT INTO people_stage (digest, person, tries, expires) VALUES ($1, $2, 0, $3)";
        let expires = (now + STAGE_LIFE).unix_milliseconds();
        write.execute(sql, &[token.digest().into(), id.0.into(), expires.into()]).await?;
        write.commit().await?;
        Ok(Ok(token))
    }

    /// The second step: the token of a session. `code` is a one-time code or a recovery code, which is then spent.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn prove(
        &self,
        stage: &Token,
        code: &str,
        from: IpAddr,
        browser: &str,
    ) -> anyhow::Result<Result<Token, SignInRefusal>> {
        let (address, now) = (pace::counted(from), self.clock.now());
        let sql = "SELECT person, expires FROM people_stage WHERE digest = $1";
        let rows = self.database.read(sql, &[stage.digest().into()]).await?;
        let Some(row) = rows.first() else { return Ok(Err(SignInRefusal::Begin)) };
        let id = PersonId(row.integer(0)?);
        if row.integer(1)? <= now.unix_milliseconds() {
            return Ok(Err(SignInRefusal::Begin));
        }
        let who = format!("code/{}", id.0);
        if !pace::try_now(&self.database, now, &who, &address, Some(id)).await? {
            return Ok(Err(SignInRefusal::TooOften));
        }
        let mut write = self.database.write().await?;
        let tried = "UPDATE people_stage SET tries = tries + 1 WHERE digest = $1 AND tries < $2";
        if write.execute(tried, &[stage.digest().into(), CODES_MAX.into()]).await? == 0 {
            return Ok(Err(SignInRefusal::Begin));
        }
        let Some(name) = spend_code(&mut write, id, code, now).await? else {
            write.commit().await?;
            return Ok(Err(SignInRefusal::Wrong));
        };
        forget_try(&mut write, &who, &address).await?;
        let (who, token) = come_in(&mut write, stage, (id, name), now, (&address, browser)).await?;
        audit::note(&mut write, now, &who, "signed-in", None, "").await?;
        write.commit().await?;
        Ok(Ok(token))
    }

    /// The second step of somebody whose browser showed their certificate, which says that `login`: in place of a code.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn prove_by_certificate(
        &self,
        stage: &Token,
        login: &str,
        from: IpAddr,
        browser: &str,
    ) -> anyhow::Result<Result<Token, SignInRefusal>> {
        let (address, now) = (pace::counted(from), self.clock.now());
        let mut write = self.database.write().await?;
        let sql = "SELECT p.id, p.name, p.login, s.expires
            FROM people_stage s JOIN people_person p ON p.id = s.person
            WHERE s.digest = $1 AND p.gone IS NULL";
        let rows = write.read(sql, &[stage.digest().into()]).await?;
        let Some(row) =
            rows.first().filter(|row| row.integer(3).is_ok_and(|end| end > now.unix_milliseconds()))
        else {
            return Ok(Err(SignInRefusal::Begin));
        };
        if row.text(2)? != login {
            return Ok(Err(SignInRefusal::Wrong));
        }
        let person = (PersonId(row.integer(0)?), row.text(1)?.to_owned());
        let (who, token) = come_in(&mut write, stage, person, now, (&address, browser)).await?;
        audit::note(&mut write, now, &who, "signed-in", None, "by certificate").await?;
        write.commit().await?;
        Ok(Ok(token))
    }
}

/// Ends the stage of somebody who has proved both steps, and begins their session.
async fn come_in(
    write: &mut Write,
    stage: &Token,
    (id, name): (PersonId, String),
    now: Moment,
    (address, browser): (&str, &str),
) -> anyhow::Result<(audit::Who, Token)> {
    write.execute("DELETE FROM people_stage WHERE digest = $1", &[stage.digest().into()]).await?;
    let known = "INSERT INTO people_known (person, address, seen) VALUES ($1, $2, $3)
        ON CONFLICT (person, address) DO UPDATE SET seen = excluded.seen";
    write.execute(known, &[id.0.into(), address.into(), now.unix_milliseconds().into()]).await?;
    let token = sessions::begin(write, id, now, address, browser).await?;
    Ok((audit::Who::Person(id, name), token))
}

/// The name of the person whose `code` was right; it is good no more.
pub(super) async fn spend_code(
    write: &mut Write,
    id: PersonId,
    code: &str,
    now: Moment,
) -> anyhow::Result<Option<String>> {
    let sql = "SELECT name, code_key, last_step FROM people_person
        WHERE id = $1 AND gone IS NULL AND code_key IS NOT NULL";
    let rows = write.read(sql, &[id.0.into()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let name = row.text(0)?.to_owned();
    let key = CodeKey::from_bytes(row.bytes(1)?).context("cannot verify a code")?;
    if let Some(step) = key.step(code, now, row.integer(2)?) {
        let sql = "UPDATE people_person SET last_step = $1 WHERE id = $2";
        write.execute(sql, &[step.into(), id.0.into()]).await?;
        return Ok(Some(name));
    }
    let Some(digest) = recovery_digest(code) else { return Ok(None) };
    let sql = "DELETE FROM people_recovery WHERE person = $1 AND digest = $2";
    let spent = write.execute(sql, &[id.0.into(), digest.into()]).await?;
    Ok((spent > 0).then_some(name))
}

/// A try that was right does not count.
async fn forget_try(write: &mut Write, who: &str, address: &str) -> anyhow::Result<()> {
    let sql = "DELETE FROM people_try WHERE who = $1 AND address = $2";
    write.execute(sql, &[who.into(), address.into()]).await.map(drop)
}
