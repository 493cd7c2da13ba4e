//! Somebody says yes or no to what is held.

use preau::model::Uai;

use super::{
    compare::{self, Counts, Why},
    give::{Accounts, Act, Outcome, who},
    send::Giving,
    table,
};
use crate::{audit, authority::By, words::Place};

/// The longest reason, in characters.
const REASON_CHARS_MAX: usize = 500;

/// What somebody says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is meant: it goes to the box, which asks nobody again.
    Give,
    /// It is not: nothing of it goes anywhere.
    Refuse,
}

/// What came of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It is given.
    Given(Outcome),
    /// It is refused.
    Refused,
    /// Nothing of that feed is held for that school any more.
    NotHeld,
    /// What the guard holds wants a reason, and it is a sentence at most.
    NoReason,
    /// What is held cannot be opened, since the key of accounts was replaced: the feed has to be given again.
    Closed,
}

/// What is held for a school.
struct Held {
    origin: String,
    format: String,
    made: Option<String>,
    from: Option<String>,
    why: Why,
    counts: Counts,
    content: Vec<u8>,
}

impl Accounts {
    /// Answers what of `feed` is held for `school`. Needs the right to accounts over that school.
    ///
    /// # Errors
    /// When the proof is for something else, or the database or the repository refuses.
    pub async fn answer(
        &self,
        by: By<'_>,
        (feed, school): (i64, &Uai),
        answer: Answer,
        reason: &str,
    ) -> anyhow::Result<Answered> {
        let who = who(by)?;
        let Some(held) = self.held(feed, school).await? else { return Ok(Answered::NotHeld) };
        let reason = reason.trim();
        if (held.why.is_guard() && reason.is_empty()) || reason.chars().count() > REASON_CHARS_MAX {
            return Ok(Answered::NoReason);
        }
        if answer == Answer::Refuse {
            let mut write = self.database.write().await?;
            let sql = "UPDATE account_share SET state = 'refused', content = NULL
                WHERE feed = $1 AND school = $2 AND state = 'held'";
            if write.execute(sql, &[feed.into(), school.as_str().into()]).await? == 0 {
                return Ok(Answered::NotHeld);
            }
            let Counts { added, changed, leaving, .. } = held.counts;
            let said = format!("feed {feed}: {added} added, {changed} changed, {leaving} leaving; {reason}");
            let place = Place::School(school.clone());
            audit::note(&mut write, self.clock.now(), &who, "accounts-refused", Some(&place), &said).await?;
            write.signal(format!("school/{}", school.as_str()));
            write.commit().await?;
            return Ok(Answered::Refused);
        }
        let lock = self.lock()?;
        let Some(lines) = lock.open(school, &held.origin, &held.content) else { return Ok(Answered::Closed) };
        let before = table::book(&self.database, &lock, school, &held.origin).await?;
        let had = before.as_ref().and_then(|before| before.lines.clone()).unwrap_or_default();
        let counts = compare::counts(&had, &lines);
        let giving = Giving {
            school,
            origin: &held.origin,
            format: &held.format,
            made: held.made,
            from: held.from,
            is_released: held.why.is_guard(),
            before,
            lines,
        };
        let (write, sent) = self.deliver(giving).await?;
        let word = if held.why.is_guard() { "accounts-released" } else { "accounts" };
        let act = Act { feed, origin: &held.origin, school, counts, who: &who, word, reason };
        Ok(Answered::Given(self.note(write, act, sent).await?))
    }

    async fn held(&self, feed: i64, school: &Uai) -> anyhow::Result<Option<Held>> {
        let sql = "SELECT f.origin, f.format, f.made, f.from_day, s.why,
                s.added, s.changed, s.leaving, s.unchanged, s.content
            FROM account_share s JOIN account_feed f ON f.number = s.feed
            WHERE s.feed = $1 AND s.school = $2 AND s.state = 'held'";
        let rows = self.database.read(sql, &[feed.into(), school.as_str().into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(Held {
            origin: row.text(0)?.to_owned(),
            format: row.text(1)?.to_owned(),
            made: row.text_or_nothing(2)?.map(str::to_owned),
            from: row.text_or_nothing(3)?.map(str::to_owned),
            why: Why::read(row.text(4)?).unwrap_or(Why::Leaving),
            counts: table::counts(row, 5)?,
            content: row.bytes(9)?.to_vec(),
        }))
    }
}
