//! Deliveries take effect: each in one transaction, those of one source in the order they were made. And what the days
//! bring by themselves: who has left goes to the trash, who was there for three months is deleted with everything.

use anyhow::Context as _;
use jiff::{ToSpan as _, civil::Date};
use rusqlite::{Transaction, params};

use super::{
    Register, Today, feeds, guard, login,
    plan::{self, Delivery},
    preview::Move,
    quarantine::{self, Place},
    row::{self, FIELDS},
    store::{End, revise},
};
use crate::model::{AccountId, Moment};

/// How long somebody who left is kept, in months (arrêté du 30 novembre 2006, article 6).
pub(super) const TRASH_MONTHS: i32 = 3;

/// What took effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The deliveries that took effect, in their order.
    pub feeds: Vec<i64>,
    /// Those that are due and held.
    pub held: Vec<i64>,
    /// Persons deleted for good: whoever keeps anything of theirs deletes it.
    pub deleted: Vec<AccountId>,
    /// Persons who went to the trash because their last day came.
    pub ended: u64,
}

impl Register {
    /// Does everything that is due. Where nothing is, nothing is written. `taken` says which logins belong to accounts of
    /// the school's own file: the box gives them to nobody else.
    ///
    /// # Errors
    /// When the disk refuses: what took effect before that stays, each delivery whole or not at all.
    pub fn apply_due(
        &self,
        now: Moment,
        today: Today,
        taken: &dyn Fn(&str) -> bool,
    ) -> anyhow::Result<Applied> {
        let mut applied = Applied::default();
        for source in ["annuaire", "onde", "csv"] {
            self.apply_source(source, now, today, taken, &mut applied)?;
        }
        if today.is_sure {
            self.keep_days(today, &mut applied)?;
        }
        Ok(applied)
    }

    fn apply_source(
        &self,
        source: &str,
        now: Moment,
        today: Today,
        taken: &dyn Fn(&str) -> bool,
        applied: &mut Applied,
    ) -> anyhow::Result<()> {
        // A delta means what was made before it: behind one that waits, it waits as well.
        let mut before = Vec::new();
        for (number, due, is_complete) in self.look(|transaction| in_order(transaction, source))? {
            if due.is_some_and(|due| !today.is_sure || due > today.date)
                || (!is_complete && !before.is_empty())
            {
                before.push(number);
                continue;
            }
            let outcome = self.write_or_undo(|transaction| {
                let Some(delivery) = feeds::waiting(transaction, number)? else {
                    return Ok(End::Undo(Outcome::Gone));
                };
                let outcome = apply(transaction, &delivery, now, today, taken)?;
                if outcome == Outcome::TookEffect && is_complete {
                    before.iter().try_for_each(|overtaken| feeds::end(transaction, *overtaken, 2, now))?;
                }
                Ok(if outcome == Outcome::Held { End::Undo(outcome) } else { End::Keep(outcome) })
            });
            match outcome.with_context(|| format!("cannot apply feed {number}"))? {
                Outcome::TookEffect => {
                    applied.feeds.push(number);
                    before.clear();
                }
                Outcome::Held => {
                    applied.held.push(number);
                    before.push(number);
                }
                Outcome::Overtaken | Outcome::Gone => {}
            }
        }
        Ok(())
    }

    /// What the days bring by themselves.
    fn keep_days(&self, today: Today, applied: &mut Applied) -> anyhow::Result<()> {
        let date = today.date.to_string();
        let kept_since = today.date.saturating_sub(TRASH_MONTHS.months()).to_string();
        let is_due = self.look(|transaction| {
            let query = "SELECT EXISTS (SELECT 1 FROM person WHERE left_on <= ?1)
                OR EXISTS (SELECT 1 FROM person WHERE ends_on <= ?2 AND left_on IS NULL)";
            Ok(transaction.query_row(query, [&kept_since, &date], |row| row.get::<_, bool>(0))?)
        })?;
        if !is_due {
            return Ok(());
        }
        let (ended, deleted) = self.write(|transaction| {
            let ended = transaction.execute(
                "UPDATE person SET left_on = max(ends_on, ?1) WHERE ends_on <= ?2 AND left_on IS NULL",
                [&kept_since, &date],
            )?;
            let mut query = transaction.prepare("DELETE FROM person WHERE left_on <= ?1 RETURNING id")?;
            let rows = query.query_map([&kept_since], |row| row.get::<_, String>(0))?;
            let deleted: Vec<_> =
                rows.map(|id| id.map(|id| AccountId::new(&id))).collect::<Result<_, _>>()?;
            revise(transaction)?;
            Ok((ended, deleted))
        })?;
        self.settle()?;
        applied.ended += u64::try_from(ended)?;
        applied.deleted.extend(deleted);
        Ok(())
    }
}

/// What became of one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    TookEffect,
    Held,
    Overtaken,
    /// Somebody else was faster.
    Gone,
}

/// The waiting deliveries of `source` in the order they were made: number, day, whether complete.
fn in_order(transaction: &Transaction<'_>, source: &str) -> anyhow::Result<Vec<(i64, Option<Date>, bool)>> {
    let mut query = transaction.prepare_cached(
        "SELECT number, due, is_complete FROM feed WHERE source = ?1 AND state = 0 ORDER BY day, number",
    )?;
    let rows = query.query_map([source], |row| Ok((row.get(0)?, row::parsed(row, 1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn apply(
    transaction: &Transaction<'_>,
    delivery: &Delivery,
    now: Moment,
    today: Today,
    taken: &dyn Fn(&str) -> bool,
) -> anyhow::Result<Outcome> {
    let Delivery { number, .. } = *delivery;
    if is_overtaken(transaction, delivery)? {
        feeds::end(transaction, number, 2, now)?;
        return Ok(Outcome::Overtaken);
    }
    plan::make(transaction, delivery, today)?;
    if !delivery.is_released && guard::held(transaction, delivery, today)?.is_some() {
        return Ok(Outcome::Held);
    }
    // The quarantine of a source is that of what is in force and later.
    if delivery.is_complete {
        transaction.execute(
            "DELETE FROM refused WHERE feed IN (SELECT number FROM feed WHERE source = ?1 AND state <> 0)",
            [&delivery.source],
        )?;
    }
    carry_out(transaction, delivery, today)?;
    login::give(transaction, number, taken)?;
    feeds::end(transaction, number, 1, now)?;
    revise(transaction)?;
    Ok(Outcome::TookEffect)
}

/// Whether a delivery that was made later took effect already.
fn is_overtaken(transaction: &Transaction<'_>, delivery: &Delivery) -> rusqlite::Result<bool> {
    transaction.query_row(
        "SELECT EXISTS (SELECT 1 FROM feed AS later JOIN feed AS this ON this.number = ?1
            WHERE later.source = this.source AND later.state = 1 AND later.made > this.made)",
        [delivery.number],
        |row| row.get(0),
    )
}

/// Does what the plan says.
fn carry_out(transaction: &Transaction<'_>, delivery: &Delivery, today: Today) -> anyhow::Result<()> {
    let in_plan = |acts: &[Move]| {
        let numbers: Vec<_> = acts.iter().map(|act| act.number().to_string()).collect();
        format!("(SELECT id FROM plan WHERE act IN ({}))", numbers.join(", "))
    };
    let Delivery { number, source, .. } = delivery;
    let leaving = format!("UPDATE person SET left_on = ?1 WHERE id IN {}", in_plan(&[Move::Leaving]));
    transaction.execute(&leaving, [today.date.to_string()])?;
    let columns: Vec<_> = FIELDS.split(", ").map(|column| format!("{column} = record.{column}")).collect();
    let changed = format!(
        "UPDATE person SET source = ?2, left_on = NULL, {} FROM record
            WHERE record.feed = ?1 AND record.id = person.id AND person.id IN {}",
        columns.join(", "),
        in_plan(&[Move::Changed, Move::Returning])
    );
    transaction.execute(&changed, params![number, source])?;
    let added = format!(
        "INSERT INTO person (id, source, {FIELDS}) SELECT id, ?2, {FIELDS} FROM record
            WHERE feed = ?1 AND id IN {}",
        in_plan(&[Move::Added])
    );
    transaction.execute(&added, params![number, source])?;
    let mut clashes = transaction.prepare("SELECT id FROM plan WHERE act = ?1")?;
    let clashes: Vec<String> =
        clashes.query_map([Move::Clash.number()], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let reason = "cet identifiant est déjà celui d'une autre personne, venue d'une autre source";
    clashes
        .iter()
        .try_for_each(|id| quarantine::keep(transaction, *number, &Place::NOWHERE, Some(id), reason))
}
