//! Enrolment, renewal and revocation.

use std::{net::IpAddr, sync::PoisonError};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use preau::{
    model::{Moment, Uai},
    protocol::enrolment::{Enrol, Enrolled, Keys, Renew, Renewed},
};
use thiserror::Error;

use super::{
    Authority, By, KnownBox, Shown,
    certificate::{self, Issued},
    limits::{AWAY_MAX, CERTIFICATES_A_DAY_MAX, REPEAT_MAX},
    open::TOPIC,
    request::{Request, RequestError},
    token::digest_of,
    trail::{note, note_box},
    tunnel_keys::is_anothers,
};
use crate::database::{Row, Write};

const DAY_MILLISECONDS: i64 = 86_400_000;

/// The longest version a box may say it has, in bytes.
const VERSION_BYTES_MAX: usize = 64;

/// Why a box is not given what it asks for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EnrolRefusal {
    /// No such token was given, or it was withdrawn or followed by another.
    #[error("this token is not known: it was withdrawn, or another one was given since")]
    TokenUnknown,
    /// It was used.
    #[error("this token was used already; ask for another one")]
    TokenSpent,
    /// It is too old.
    #[error("this token has expired; ask for another one")]
    TokenExpired,
    /// The box is configured for another school than the token is for.
    #[error("this token is for another school than the box is configured for")]
    OtherSchool,
    /// The school has a box, and the token does not say that it is to be replaced.
    #[error("the school has a box already; ask for a token that replaces it")]
    BoxThere,
    /// Too many wrong tokens came from that address.
    #[error("too many wrong tokens came from this address; try again in a quarter of an hour")]
    TooManyTries,
    /// The request for a certificate cannot be taken.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The other keys are none.
    #[error("a key of the box has not the right form")]
    Keys,
    /// Too many certificates were given to the school today.
    #[error("this box asks for certificates too often; try again tomorrow")]
    TooOften,
    /// The box was revoked.
    #[error("this box was revoked; it needs a new token")]
    Revoked,
    /// The name is not one that was entered for the school.
    #[error("this name was not entered for the school's portal")]
    OtherName,
    /// The public authority has not answered yet.
    #[error("the order is under way; ask again with the same request in some minutes")]
    UnderWay,
    /// The public authority, or the program for records, did not do it.
    #[error("the certificate was not obtained: {0}")]
    NotObtained(String),
    /// Something sent is longer than it may be.
    #[error("what was sent is too long")]
    TooLong,
}

/// What was asked for, or why it is refused. Errors beside it are central's own.
pub type Outcome<T> = anyhow::Result<Result<T, EnrolRefusal>>;

/// What accounts are sealed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealingKey {
    /// The X25519 key.
    pub key: [u8; 32],
    /// BLAKE3 of it, in hexadecimal.
    pub fingerprint: String,
}

impl Authority {
    /// Makes the sender of `enrol` the box of its school. `school_name` is what the register calls the school.
    ///
    /// The token is spent in the same transaction as the certificate is noted. The same box, by its keys, may ask again
    /// within an hour: its answer may have been lost.
    ///
    /// # Errors
    /// When the database or the keys fail; refusals are in the value.
    pub async fn enrol(&self, enrol: &Enrol, from: IpAddr, school_name: &str) -> Outcome<Enrolled> {
        let now = self.now();
        let Enrol { secret, school, version, keys } = enrol;
        let may_try = self.0.attempts.lock().unwrap_or_else(PoisonError::into_inner).may(from, now);
        if !may_try {
            return Ok(Err(EnrolRefusal::TooManyTries));
        }
        let Some(school) = Uai::new(school) else { return Ok(Err(EnrolRefusal::OtherSchool)) };
        if version.len() > VERSION_BYTES_MAX {
            return Ok(Err(EnrolRefusal::TooLong));
        }
        let request = match checked(keys) {
            Ok(request) => request,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // Looked for before the turn to write is taken: strangers keep nobody from writing.
        let sql = "SELECT 1 FROM authority_token WHERE digest = $1";
        if self.0.database.read(sql, &[digest_of(secret).into()]).await?.is_empty() {
            self.0.attempts.lock().unwrap_or_else(PoisonError::into_inner).note_wrong(from, now);
            return Ok(Err(EnrolRefusal::TokenUnknown));
        }
        let mut write = self.0.database.write().await?;
        let keys_digest = digest_of(&format!("{} {} {}", request.fingerprint(), keys.sealing, keys.tunnel));
        let sql = "SELECT school, replaces, expires, spent, spent_by FROM authority_token WHERE digest = $1";
        let rows = write.read(sql, &[digest_of(secret).into()]).await?;
        let Some(row) = rows.first() else { return Ok(Err(EnrolRefusal::TokenUnknown)) };
        if let Err(refusal) = spendable(&mut write, row, &school, &keys_digest, now).await? {
            return Ok(Err(refusal));
        }
        if is_anothers(&mut write, &school, &keys.tunnel).await? {
            return Ok(Err(EnrolRefusal::Keys));
        }
        enter(&mut write, &school, enrol, &keys_digest, now).await?;
        let uai = school.as_str();
        let issued = self.issue(&mut write, &request, &school, now).await?;
        let setup = self.setup_in(&mut write, &school).await?;
        let tunnel = self.tunnel_of(&mut write, &school, &keys.tunnel).await?;
        note_box(
            &mut write,
            now,
            &school,
            "box-enrolled",
            &format!("certificate {}", issued.serial.as_str()),
        )
        .await?;
        write.signal(format!("school/{uai}"));
        write.signal(TOPIC);
        write.commit().await?;
        self.look().await?;
        Ok(Ok(Enrolled {
            school: uai.to_owned(),
            school_name: school_name.to_owned(),
            certificate: issued.chain,
            authority: self.trusted(),
            root: String::from_utf8(self.0.root.to_vec())?,
            repositories: self.repositories(),
            central: self.0.central.to_string(),
            tunnel,
            setup,
        }))
    }

    /// The next certificate for whoever showed `shown`, which may have ended but was not revoked.
    ///
    /// # Errors
    /// When the database or the keys fail; refusals are in the value.
    pub async fn renew(&self, shown: &Shown, renew: &Renew) -> Outcome<Renewed> {
        let now = self.now();
        let request = match Request::read(&renew.request) {
            Ok(request) => request,
            Err(error) => return Ok(Err(error.into())),
        };
        let mut write = self.0.database.write().await?;
        let uai = shown.school.as_str();
        // Asked of the database, not of what this instance last read: it may not have heard yet.
        let sql = "SELECT 1 FROM authority_certificate WHERE serial = $1 AND revoked IS NOT NULL";
        let revoked = !write.read(sql, &[shown.serial.as_str().into()]).await?.is_empty();
        let sql = "SELECT 1 FROM authority_box WHERE school = $1 AND revoked IS NOT NULL";
        if revoked || !write.read(sql, &[uai.into()]).await?.is_empty() {
            return Ok(Err(EnrolRefusal::Revoked));
        }
        let sql = "SELECT COUNT(*) FROM authority_certificate WHERE school = $1 AND issued > $2";
        let since = now.unix_milliseconds().saturating_sub(DAY_MILLISECONDS);
        let rows = write.read(sql, &[uai.into(), since.into()]).await?;
        if rows.first().map_or(Ok(0), |row| row.integer(0))? >= CERTIFICATES_A_DAY_MAX {
            return Ok(Err(EnrolRefusal::TooOften));
        }
        let issued = self.issue(&mut write, &request, &shown.school, now).await?;
        write.commit().await?;
        Ok(Ok(Renewed { certificate: issued.chain, authority: self.trusted() }))
    }

    /// Revokes the box of `school`: from the commit on it can do nothing.
    ///
    /// # Errors
    /// When the right is another one, or the database refuses.
    pub async fn revoke(
        &self,
        write: &mut Write,
        by: impl Into<By<'_>>,
        school: &Uai,
    ) -> anyhow::Result<bool> {
        let now = self.now();
        let sql = "UPDATE authority_box SET revoked = $2 WHERE school = $1 AND revoked IS NULL";
        let was_there =
            write.execute(sql, &[school.as_str().into(), now.unix_milliseconds().into()]).await? > 0;
        revoke_certificates(write, school, now).await?;
        if was_there {
            note(write, now, by.into(), school, "box-revoked", "").await?;
        }
        write.signal(format!("school/{}", school.as_str()));
        write.signal(TOPIC);
        Ok(was_there)
    }

    /// The key that accounts of `school` are sealed to; none where it has no box.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sealing_key(&self, school: &Uai) -> anyhow::Result<Option<SealingKey>> {
        let sql = "SELECT sealing FROM authority_box WHERE school = $1 AND revoked IS NULL";
        let rows = self.0.database.read(sql, &[school.as_str().into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let Some(key) = key_of(row.text(0)?) else { return Ok(None) };
        Ok(Some(SealingKey { key, fingerprint: blake3::hash(&key).to_hex().to_string() }))
    }

    /// Every box that was enrolled, by its school; one that was replaced is not among them any more.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn boxes(&self) -> anyhow::Result<Vec<KnownBox>> {
        let sql = "SELECT b.school, b.version, b.enrolled, b.revoked,
                (SELECT MAX(c.ends) FROM authority_certificate c WHERE c.school = b.school AND c.revoked IS NULL)
            FROM authority_box b ORDER BY b.school";
        self.0.database.read(sql, &[]).await?.iter().map(known).collect()
    }

    async fn issue(
        &self,
        write: &mut Write,
        request: &Request,
        school: &Uai,
        now: Moment,
    ) -> anyhow::Result<Issued> {
        let standing = self.standing();
        let issued = certificate::for_box(standing.signing(now)?, request, school, now)?;
        let forgotten = (now - AWAY_MAX).unix_milliseconds();
        write.execute("DELETE FROM authority_certificate WHERE ends < $1", &[forgotten.into()]).await?;
        let sql = "INSERT INTO authority_certificate (serial, school, request_key, issued, ends)
            VALUES ($1, $2, $3, $4, $5)";
        let values = [
            issued.serial.as_str().into(),
            school.as_str().into(),
            request.fingerprint().into(),
            now.unix_milliseconds().into(),
            issued.ends.unix_milliseconds().into(),
        ];
        write.execute(sql, &values).await?;
        Ok(issued)
    }
}

/// Whether the token of `row` can be spent by these keys for that school.
async fn spendable(
    write: &mut Write,
    row: &Row,
    school: &Uai,
    keys_digest: &str,
    now: Moment,
) -> Outcome<()> {
    if row.text(0)? != school.as_str() {
        return Ok(Err(EnrolRefusal::OtherSchool));
    }
    let (replaces, expires) = (row.integer(1)? != 0, Moment::from_unix_milliseconds(row.integer(2)?));
    let sql = "SELECT revoked FROM authority_box WHERE school = $1";
    let rows = write.read(sql, &[school.as_str().into()]).await?;
    let revoked = rows.first().map(|row| row.integer_or_nothing(0)).transpose()?;
    let has_box = revoked == Some(None);
    if let Some(spent) = row.integer_or_nothing(3)? {
        let spent = Moment::from_unix_milliseconds(spent);
        let is_repeat = row.text_or_nothing(4)? == Some(keys_digest) && now < spent + REPEAT_MAX && has_box;
        return Ok(if is_repeat { Ok(()) } else { Err(EnrolRefusal::TokenSpent) });
    }
    Ok(if expires <= now {
        Err(EnrolRefusal::TokenExpired)
    } else if has_box && !replaces {
        Err(EnrolRefusal::BoxThere)
    } else {
        Ok(())
    })
}

/// Enters the box in place of the one before, whose certificates are good for nothing any more, and spends its token.
async fn enter(
    write: &mut Write,
    school: &Uai,
    enrol: &Enrol,
    keys_digest: &str,
    now: Moment,
) -> anyhow::Result<()> {
    let Enrol { secret, version, keys, .. } = enrol;
    revoke_certificates(write, school, now).await?;
    let sql =
        "INSERT INTO authority_box (school, sealing, tunnel, version, enrolled) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (school) DO UPDATE SET sealing = excluded.sealing, tunnel = excluded.tunnel,
            version = excluded.version, enrolled = excluded.enrolled, revoked = NULL,
            tunnel_next = NULL, tunnel_since = NULL";
    let at = now.unix_milliseconds();
    let values = [
        school.as_str().into(),
        keys.sealing.as_str().into(),
        keys.tunnel.as_str().into(),
        version.as_str().into(),
        at.into(),
    ];
    write.execute(sql, &values).await?;
    let spend = "UPDATE authority_token SET spent = COALESCE(spent, $2), spent_by = $3 WHERE digest = $1";
    write.execute(spend, &[digest_of(secret).into(), at.into(), keys_digest.into()]).await?;
    Ok(())
}

async fn revoke_certificates(write: &mut Write, school: &Uai, now: Moment) -> anyhow::Result<()> {
    let sql = "UPDATE authority_certificate SET revoked = $2 WHERE school = $1 AND revoked IS NULL";
    write.execute(sql, &[school.as_str().into(), now.unix_milliseconds().into()]).await?;
    Ok(())
}

fn checked(keys: &Keys) -> Result<Request, EnrolRefusal> {
    let Keys { request, sealing, tunnel } = keys;
    if key_of(sealing).is_none() || key_of(tunnel).is_none() {
        return Err(EnrolRefusal::Keys);
    }
    Ok(Request::read(request)?)
}

/// The 32 bytes of a key in base64.
pub(super) fn key_of(text: &str) -> Option<[u8; 32]> {
    (text.len() == 44).then(|| STANDARD.decode(text).ok()).flatten()?.try_into().ok()
}

fn known(row: &Row) -> anyhow::Result<KnownBox> {
    let moment =
        |place| Ok::<_, anyhow::Error>(row.integer_or_nothing(place)?.map(Moment::from_unix_milliseconds));
    let school = Uai::new(row.text(0)?).ok_or_else(|| anyhow::anyhow!("a school's code is malformed"))?;
    Ok(KnownBox {
        school,
        version: row.text(1)?.to_owned(),
        enrolled: Moment::from_unix_milliseconds(row.integer(2)?),
        revoked: moment(3)?,
        certificate_ends: moment(4)?,
    })
}
