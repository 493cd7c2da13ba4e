//! How a box changes its key inside the tunnel, without a moment in which neither counts.
//!
//! 1. The box makes a key and sends its public half. It is kept *beside* the one it has, and concentrators accept both.
//! 2. The box tries it. An address can belong to one of the two only: a concentrator gives it to whichever key last shook
//!    hands, so it follows the box forth, and back where the box gives up.
//! 3. Somebody has seen the box by the new key: a concentrator of central's own, or the box says so ([`TunnelKey::stands`]).
//!    Then the old one is dropped.
//!
//! **A clock that was in 2099.** WireGuard refuses handshakes whose time lies before the last one it saw *of that key*. One
//! that was used in 2099 is therefore dead until then; another key has no past. So it is the same act, and the box asks for it
//! itself.

use anyhow::Context as _;
use preau::{
    model::{Moment, Uai},
    protocol::enrolment::{TunnelKey, TunnelNow},
};

use super::{
    Authority, EnrolRefusal,
    enrolment::{Outcome, key_of},
    limits::TUNNEL_KEYS_A_DAY_MAX,
    open::TOPIC,
    trail::note_box,
};
use crate::database::{Database, Write};

const DAY_MILLISECONDS: i64 = 86_400_000;

impl Authority {
    /// The tunnel of `school` as it is at the moment, for the key its box has.
    ///
    /// # Errors
    /// When the database refuses; refusals are in the value.
    pub async fn tunnel_now(&self, school: &Uai) -> Outcome<TunnelNow> {
        let mut write = self.0.database.write().await?;
        let Some(keys) = keys_of(&mut write, school).await? else { return Ok(Err(EnrolRefusal::Revoked)) };
        let now = self.now_for(&mut write, school, keys.0).await?;
        // The address may have been given just now.
        write.commit().await?;
        Ok(Ok(now))
    }

    /// Takes what the box of `school` says of its keys: another one to be accepted beside the one it has, or that it stands by
    /// the other one.
    ///
    /// # Errors
    /// When the database refuses; refusals are in the value.
    pub async fn change_tunnel_key(&self, school: &Uai, said: &TunnelKey) -> Outcome<TunnelNow> {
        let TunnelKey { key, stands } = said;
        if key_of(key).is_none() {
            return Ok(Err(EnrolRefusal::Keys));
        }
        let mut write = self.0.database.write().await?;
        let Some((own, next)) = keys_of(&mut write, school).await? else {
            return Ok(Err(EnrolRefusal::Revoked));
        };
        let is_known = next.as_deref() == Some(key);
        match (own == *key, *stands) {
            // Said again, because the answer was lost.
            (true, _) => {}
            (false, true) if is_known => self.stands_by(&mut write, school, key).await?,
            // It was followed by another one since.
            (false, true) => return Ok(Err(EnrolRefusal::Keys)),
            (false, false) if is_known => {}
            (false, false) => {
                if let Err(refusal) = self.accept(&mut write, school, key).await? {
                    return Ok(Err(refusal));
                }
            }
        }
        let now = self.now_for(&mut write, school, key.clone()).await?;
        write.commit().await?;
        Ok(Ok(now))
    }

    /// A concentrator of central's own has seen the box of `school` by `key`, which it was about to change to.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn tunnel_key_seen(&self, school: &Uai, key: &str) -> anyhow::Result<()> {
        let mut write = self.0.database.write().await?;
        if keys_of(&mut write, school).await?.is_some_and(|(_, next)| next.as_deref() == Some(key)) {
            self.stands_by(&mut write, school, key).await?;
            write.commit().await?;
        }
        Ok(())
    }

    /// The schools whose box has had its key in the tunnel since before `since`, by code.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn tunnel_keys_older(&self, since: Moment) -> anyhow::Result<Vec<Uai>> {
        let database: &Database = &self.0.database;
        let sql = "SELECT school FROM authority_box
            WHERE revoked IS NULL AND COALESCE(tunnel_since, enrolled) < $1 ORDER BY school";
        let rows = database.read(sql, &[since.unix_milliseconds().into()]).await?;
        rows.iter().map(|row| Uai::new(row.text(0)?).context("a school's code is malformed")).collect()
    }

    /// Keeps `key` beside the one that the box has.
    async fn accept(&self, write: &mut Write, school: &Uai, key: &str) -> Outcome<()> {
        if is_anothers(write, school, key).await? {
            return Ok(Err(EnrolRefusal::Keys));
        }
        let (uai, now) = (school.as_str(), self.now());
        let since = now.unix_milliseconds().saturating_sub(DAY_MILLISECONDS);
        write.execute("DELETE FROM authority_tunnel_key WHERE at <= $1", &[since.into()]).await?;
        let sql = "SELECT COUNT(*) FROM authority_tunnel_key WHERE school = $1";
        let rows = write.read(sql, &[uai.into()]).await?;
        if rows.first().map_or(Ok(0), |row| row.integer(0))? >= TUNNEL_KEYS_A_DAY_MAX {
            return Ok(Err(EnrolRefusal::TooOften));
        }
        let sql = "INSERT INTO authority_tunnel_key (school, at) VALUES ($1, $2)";
        write.execute(sql, &[uai.into(), now.unix_milliseconds().into()]).await?;
        let sql = "UPDATE authority_box SET tunnel_next = $2 WHERE school = $1";
        write.execute(sql, &[uai.into(), key.into()]).await?;
        note_box(write, now, school, "tunnel-key", "accepted beside the one before").await?;
        write.signal(TOPIC);
        Ok(Ok(()))
    }

    /// Drops the key before `key`.
    async fn stands_by(&self, write: &mut Write, school: &Uai, key: &str) -> anyhow::Result<()> {
        let now = self.now();
        let sql =
            "UPDATE authority_box SET tunnel = $2, tunnel_next = NULL, tunnel_since = $3 WHERE school = $1";
        let values = [school.as_str().into(), key.into(), now.unix_milliseconds().into()];
        write.execute(sql, &values).await?;
        note_box(write, now, school, "tunnel-key", "the one before is dropped").await?;
        write.signal(TOPIC);
        Ok(())
    }

    async fn now_for(&self, write: &mut Write, school: &Uai, key: String) -> anyhow::Result<TunnelNow> {
        let tunnel = self.tunnel_of(write, school, &key).await?;
        let sql = "SELECT value FROM authority_tunnel WHERE word = 'version'";
        let rows = write.read(sql, &[]).await?;
        let version = rows.first().map_or(Ok(0), |row| anyhow::Ok(row.text(0)?.parse()?))?;
        Ok(TunnelNow { version, key, tunnel })
    }
}

/// The key of the school's box, and the one it is about to change to; none where it has no box.
async fn keys_of(write: &mut Write, school: &Uai) -> anyhow::Result<Option<(String, Option<String>)>> {
    let sql = "SELECT tunnel, tunnel_next FROM authority_box WHERE school = $1 AND revoked IS NULL";
    let rows = write.read(sql, &[school.as_str().into()]).await?;
    let keys = |row: &crate::database::Row| {
        anyhow::Ok((row.text(0)?.to_owned(), row.text_or_nothing(1)?.map(str::to_owned)))
    };
    rows.first().map(keys).transpose()
}

/// Whether another school's box, or a concentrator, has `key`: two peers of one key would be one, and take the other's address.
pub(super) async fn is_anothers(write: &mut Write, school: &Uai, key: &str) -> anyhow::Result<bool> {
    let sql = "SELECT 1 FROM authority_box
        WHERE school <> $1 AND revoked IS NULL AND (tunnel = $2 OR tunnel_next = $2)";
    let held = !write.read(sql, &[school.as_str().into(), key.into()]).await?.is_empty();
    let sql = "SELECT 1 FROM authority_concentrator WHERE tunnel_key = $1";
    Ok(held || !write.read(sql, &[key.into()]).await?.is_empty())
}
