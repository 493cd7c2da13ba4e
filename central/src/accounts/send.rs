//! A delivery: made of what changed, sealed to the school's box, and named by the school's view.

use anyhow::ensure;
use bytes::Bytes;
use preau::{
    model::Uai,
    protocol::{
        delivery::{self, Header},
        index, names, sealing,
    },
};

use super::{
    book::Lines,
    compare,
    give::Accounts,
    table::{self, Book, Named},
};
use crate::{
    authority::SealingKey,
    channel::{Channel, Stored, Whose},
    database::Write,
};

/// Changes after which all is sent again: a box that was away fetches no more of them.
const CHANGES_MAX: i64 = 30;

/// What is given to a school.
#[derive(Debug)]
pub(super) struct Giving<'a> {
    pub(super) school: &'a Uai,
    pub(super) origin: &'a str,
    /// The word of the format.
    pub(super) format: &'a str,
    /// The day the feed was made.
    pub(super) made: Option<String>,
    /// The first day it may take effect.
    pub(super) from: Option<String>,
    /// Whether somebody said that so many are meant to leave.
    pub(super) is_released: bool,
    /// What the school had.
    pub(super) before: Option<Book>,
    /// What it is to have.
    pub(super) lines: Lines,
}

/// What went to a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) sequence: u64,
    pub(super) is_complete: bool,
    pub(super) bytes: u64,
}

/// A target that was stored.
struct Target {
    name: String,
    stored: Stored,
}

impl Accounts {
    /// Gives a school what it is to have: sealed to its box, or only kept where it has none yet. True once the [`Write`] is
    /// committed.
    ///
    /// # Errors
    /// When the database or the repository refuses, or something else was given to the school meanwhile.
    pub(super) async fn deliver(&self, giving: Giving<'_>) -> anyhow::Result<(Write, Option<Sent>)> {
        let last = table::last_sequence(&self.database, giving.school).await?;
        let Some(key) = self.authority.sealing_key(giving.school).await? else {
            let mut write = self.database.write().await?;
            ensure_alone(&mut write, giving.school, last, last).await?;
            self.keep_book(&mut write, &giving, None, "").await?;
            return Ok((write, None));
        };
        let sequence = last + 1;
        let base = base(&giving, &key);
        let sealed = seal(&giving, sequence, base, &key)?;
        let bytes = u64::try_from(sealed.len())?;
        let name = names::accounts_delivery(giving.school, sequence);
        let delivery = Target { stored: self.channel.store(&name, Bytes::from(sealed)).await?, name };
        // A complete one takes the place of all before it of its origin; what another box was sealed nobody can open.
        let stays =
            |old: &Named| old.sealed_to == key.fingerprint && (base.is_some() || old.origin != giving.origin);
        let named = table::named(&self.database, giving.school).await?;
        let (mut kept, gone): (Vec<Named>, Vec<Named>) = named.into_iter().partition(stays);
        let new = Named {
            sequence,
            origin: giving.origin.to_owned(),
            is_complete: base.is_none(),
            from: giving.from.clone(),
            sealed_to: key.fingerprint.clone(),
        };
        kept.push(new);
        let index = self.store_index(giving.school, &kept).await?;
        let mut write = self.database.write().await?;
        ensure_alone(&mut write, giving.school, last, sequence).await?;
        let sent = Sent { sequence, is_complete: base.is_none(), bytes };
        self.keep_book(&mut write, &giving, Some(sent), &key.fingerprint).await?;
        for old in &gone {
            forget(&mut write, giving.school, old.sequence).await?;
        }
        if let Some(new) = kept.last() {
            keep_named(&mut write, giving.school, new).await?;
        }
        for Target { name, stored } in [&delivery, &index] {
            let whose = Whose::School(giving.school);
            Channel::place(&mut write, whose, names::Role::Accounts, name, stored).await?;
        }
        Ok((write, Some(sent)))
    }

    async fn store_index(&self, school: &Uai, kept: &[Named]) -> anyhow::Result<Target> {
        let deliveries = kept.iter().map(|named| index::Delivery {
            target: names::accounts_delivery(school, named.sequence),
            sequence: named.sequence,
            complete: named.is_complete,
            from: named.from.clone(),
            sealed_to: named.sealed_to.clone(),
        });
        let index = index::Accounts {
            version: index::VERSION,
            school: school.as_str().to_owned(),
            deliveries: deliveries.collect(),
        };
        let name = names::accounts_index(school);
        let stored = self.channel.store(&name, Bytes::from(serde_json::to_vec(&index)?)).await?;
        Ok(Target { name, stored })
    }

    /// Keeps what the school has from this on.
    async fn keep_book(
        &self,
        write: &mut Write,
        giving: &Giving<'_>,
        sent: Option<Sent>,
        sealed_to: &str,
    ) -> anyhow::Result<()> {
        let changes = match (sent, &giving.before) {
            (Some(sent), Some(before)) if !sent.is_complete => before.changes + 1,
            _ => 0,
        };
        let content = self.lock()?.close(giving.school, giving.origin, &giving.lines)?;
        let sql = "INSERT INTO account_book
                (school, origin, sequence, changes, sealed_to, at, format, made, persons, content)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (school, origin) DO UPDATE SET
                sequence = excluded.sequence, changes = excluded.changes, sealed_to = excluded.sealed_to,
                at = excluded.at, format = excluded.format, made = excluded.made,
                persons = excluded.persons, content = excluded.content";
        let values = [
            giving.school.as_str().into(),
            giving.origin.into(),
            i64::try_from(sent.map_or(0, |sent| sent.sequence))?.into(),
            changes.into(),
            sealed_to.into(),
            self.clock.now().unix_milliseconds().into(),
            giving.format.into(),
            giving.made.as_deref().into(),
            i64::try_from(giving.lines.len())?.into(),
            content.as_slice().into(),
        ];
        write.execute(sql, &values).await?;
        write.signal(format!("school/{}", giving.school.as_str()));
        Ok(())
    }
}

/// The delivery that a change can be told upon; none where all has to be sent.
fn base(giving: &Giving<'_>, key: &SealingKey) -> Option<u64> {
    let before = giving.before.as_ref()?;
    let is_known = before.lines.is_some() && before.sequence > 0 && before.sealed_to == key.fingerprint;
    (is_known && before.changes < CHANGES_MAX).then_some(before.sequence)
}

fn seal(giving: &Giving<'_>, sequence: u64, base: Option<u64>, key: &SealingKey) -> anyhow::Result<Vec<u8>> {
    let Giving { school, origin: _, format, made, from, is_released, before, lines } = giving;
    let known = before.as_ref().filter(|_| base.is_some()).and_then(|before| before.lines.as_ref());
    let told = match known {
        Some(known) => compare::changes(known, lines)?,
        None => lines.values().map(|told| told.line.clone()).collect(),
    };
    let header = Header {
        version: delivery::VERSION,
        school: school.as_str().to_owned(),
        sequence,
        base,
        format: (*format).to_owned(),
        made: made.clone(),
        from: from.clone(),
        released: *is_released,
    };
    let text = delivery::write(&header, told.iter().map(String::as_str))?;
    Ok(sealing::seal(&text, school, sequence, &key.key)?)
}

async fn ensure_alone(write: &mut Write, school: &Uai, last: u64, next: u64) -> anyhow::Result<()> {
    let is_alone = table::take_sequence(write, school, last, next).await?;
    ensure!(is_alone, "another feed was given for {} meanwhile; give this one again", school.as_str());
    Ok(())
}

async fn forget(write: &mut Write, school: &Uai, sequence: u64) -> anyhow::Result<()> {
    let sql = "DELETE FROM account_delivery WHERE school = $1 AND sequence = $2";
    write.execute(sql, &[school.as_str().into(), i64::try_from(sequence)?.into()]).await?;
    let name = names::accounts_delivery(school, sequence);
    Channel::remove(write, Whose::School(school), names::Role::Accounts, &name).await
}

async fn keep_named(write: &mut Write, school: &Uai, named: &Named) -> anyhow::Result<()> {
    let sql = "INSERT INTO account_delivery (school, sequence, origin, complete, from_day, sealed_to)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let values = [
        school.as_str().into(),
        i64::try_from(named.sequence)?.into(),
        named.origin.as_str().into(),
        i64::from(named.is_complete).into(),
        named.from.as_deref().into(),
        named.sealed_to.as_str().into(),
    ];
    write.execute(sql, &values).await.map(drop)
}
