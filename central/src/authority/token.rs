//! Tokens: given for one school, good once, and only one at a time.

use anyhow::ensure;
use aws_lc_rs::digest::{SHA256, digest};
use preau::{
    model::{Moment, Uai},
    protocol::Token,
};

use super::{Authority, By, certificate::hexadecimal, limits::TOKEN_LIFE, trail::note};
use crate::database::{Database, Write};

/// Whether the box that comes with a token takes the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacing {
    /// The school has no box yet.
    Nobody,
    /// It takes the place of the school's box, which can do nothing any more from then on.
    TheBox,
}

/// A token that was given and can still be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LivingToken {
    /// The school it is for.
    pub school: Uai,
    /// Whom its box replaces.
    pub replacing: Replacing,
    /// Until when it is good.
    pub expires: Moment,
}

impl Authority {
    /// Gives a token for the first box of `school`. The one given before, if any, is good no more.
    ///
    /// # Errors
    /// When the school has a box (see [`Authority::give_replacing_token`]), the right is another one, or the database
    /// refuses.
    pub async fn give_token(
        &self,
        write: &mut Write,
        by: impl Into<By<'_>>,
        school: &Uai,
    ) -> anyhow::Result<Token> {
        let sql = "SELECT 1 FROM authority_box WHERE school = $1 AND revoked IS NULL";
        let is_there = !write.read(sql, &[school.as_str().into()]).await?.is_empty();
        ensure!(
            !is_there,
            "{} has a box; say that the token replaces it, or revoke it first",
            school.as_str()
        );
        self.give(write, by.into(), school, Replacing::Nobody).await
    }

    /// Gives a token for a box that takes the place of the one `school` has, if it has one. Until it is used, the old one
    /// goes on.
    ///
    /// # Errors
    /// When the right is another one, or the database refuses.
    pub async fn give_replacing_token(
        &self,
        write: &mut Write,
        by: impl Into<By<'_>>,
        school: &Uai,
    ) -> anyhow::Result<Token> {
        self.give(write, by.into(), school, Replacing::TheBox).await
    }

    /// Takes back the token of `school`, if one is living; says whether there was one.
    ///
    /// # Errors
    /// When the right is another one, or the database refuses.
    pub async fn withdraw_token(
        &self,
        write: &mut Write,
        by: impl Into<By<'_>>,
        school: &Uai,
    ) -> anyhow::Result<bool> {
        let sql = "DELETE FROM authority_token WHERE school = $1 AND spent IS NULL";
        let was_there = write.execute(sql, &[school.as_str().into()]).await? > 0;
        if was_there {
            note(write, self.now(), by.into(), school, "token-withdrawn", "").await?;
        }
        Ok(was_there)
    }

    /// The token of `school` that can still be used, if there is one. Its secret is not kept anywhere.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn living_token(&self, school: &Uai) -> anyhow::Result<Option<LivingToken>> {
        let database: &Database = &self.0.database;
        let sql = "SELECT replaces, expires FROM authority_token WHERE school = $1 AND spent IS NULL AND expires > $2";
        let values = [school.as_str().into(), self.now().unix_milliseconds().into()];
        let rows = database.read(sql, &values).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let replacing = if row.integer(0)? == 0 { Replacing::Nobody } else { Replacing::TheBox };
        let expires = Moment::from_unix_milliseconds(row.integer(1)?);
        Ok(Some(LivingToken { school: school.clone(), replacing, expires }))
    }

    async fn give(
        &self,
        write: &mut Write,
        by: By<'_>,
        school: &Uai,
        replacing: Replacing,
    ) -> anyhow::Result<Token> {
        let now = self.now();
        let mut secret = [0; 16];
        getrandom::fill(&mut secret)?;
        let secret = hexadecimal(&secret);
        let expires = now + TOKEN_LIFE;
        let sql = "INSERT INTO authority_token (digest, school, replaces, expires) VALUES ($1, $2, $3, $4)
            ON CONFLICT (school) DO UPDATE SET digest = excluded.digest, replaces = excluded.replaces,
                expires = excluded.expires, spent = NULL, spent_by = NULL";
        let values = [
            digest_of(&secret).into(),
            school.as_str().into(),
            i64::from(replacing == Replacing::TheBox).into(),
            expires.unix_milliseconds().into(),
        ];
        write.execute(sql, &values).await?;
        let text = match replacing {
            Replacing::Nobody => format!("good until {expires}"),
            Replacing::TheBox => format!("good until {expires}, replaces the box"),
        };
        note(write, now, by, school, "token-given", &text).await?;
        let standing = self.standing();
        Ok(Token {
            central: self.0.central.as_str().trim_end_matches('/').to_owned(),
            school: school.as_str().to_owned(),
            secret,
            authority: hexadecimal(digest(&SHA256, &standing.signing(now)?.certificate).as_ref()),
            root: hexadecimal(digest(&SHA256, &self.0.root).as_ref()),
        })
    }
}

/// What is kept of a secret.
pub(super) fn digest_of(secret: &str) -> String {
    blake3::hash(secret.as_bytes()).to_hex().to_string()
}
