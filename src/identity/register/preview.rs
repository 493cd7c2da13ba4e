//! What a waiting delivery would do today: counts for everybody, names for those who have to check.

use std::collections::BTreeMap;

use anyhow::Context as _;
use rusqlite::{Transaction, params};

use super::{
    Quarantined, Register, Today, Why, feeds, guard,
    plan::{self, Delivery},
    quarantine,
    row::{self, FIELDS},
};
use crate::model::{AccountId, ClassName, Person, Role};

/// Classes of a preview: more than any school has.
const CLASSES_MAX: u32 = 2000;

/// Refused records of a preview.
const REFUSALS_SHOWN: u32 = 20;

/// What becomes of one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Move {
    /// Comes to the school.
    Added,
    /// Comes back within three months, as who they were.
    Returning,
    /// Stays, and something about them is another.
    Changed,
    /// Stays as they are.
    Unchanged,
    /// Leaves: cannot sign in any more, and is deleted three months later.
    Leaving,
    /// Is left as they are: the delivery gives their identifier to somebody else, who came from another source.
    Clash,
}

impl Move {
    /// Every one, in the order of previews.
    pub const ALL: [Self; 6] =
        [Self::Added, Self::Returning, Self::Changed, Self::Unchanged, Self::Leaving, Self::Clash];

    /// The number in the table `plan`.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Added => 0,
            Self::Returning => 1,
            Self::Changed => 2,
            Self::Unchanged => 3,
            Self::Leaving => 4,
            Self::Clash => 5,
        }
    }

    fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.number() == number)
    }
}

/// How many persons of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Who come.
    pub added: u64,
    /// Who come back out of the trash.
    pub returning: u64,
    /// Who stay, with something changed.
    pub changed: u64,
    /// Who stay as they are.
    pub unchanged: u64,
    /// Who leave.
    pub leaving: u64,
    /// Whose identifier belongs to somebody of another source.
    pub clashing: u64,
}

impl Counts {
    fn count(&mut self, what: Move, count: u64) {
        let counted = match what {
            Move::Added => &mut self.added,
            Move::Returning => &mut self.returning,
            Move::Changed => &mut self.changed,
            Move::Unchanged => &mut self.unchanged,
            Move::Leaving => &mut self.leaving,
            Move::Clash => &mut self.clashing,
        };
        *counted += count;
    }
}

/// The counts of one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleCount {
    /// The role that people have afterwards; of those who leave, the one they had.
    pub role: Role,
    /// How many.
    pub counts: Counts,
}

/// The counts of one class or group of our school. A teacher counts in each of theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassCount {
    /// The class.
    pub class: ClassName,
    /// How many.
    pub counts: Counts,
}

/// What a waiting delivery would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Everybody.
    pub counts: Counts,
    /// By role, in the order of roles.
    pub roles: Vec<RoleCount>,
    /// By class and group, by name.
    pub classes: Vec<ClassCount>,
    /// Records refused.
    pub refused: u64,
    /// The first of them.
    pub refusals: Vec<Quarantined>,
    /// Persons of other schools, who are not kept.
    pub elsewhere: u64,
    /// What was left out or read with good will, in French.
    pub notes: Vec<String>,
    /// What holds it until it is released, if anything does.
    pub held: Option<Why>,
    /// Whether somebody has said yes already.
    pub is_released: bool,
}

/// One person of a preview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// What becomes of them.
    pub what: Move,
    /// As they will be; as they were, where they leave.
    pub person: Person,
}

impl Register {
    /// What the waiting delivery `number` would do if it took effect on `today`; none where no such one waits.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn preview(&self, number: i64, today: Today) -> anyhow::Result<Option<Preview>> {
        self.look(|transaction| {
            let Some(delivery) = feeds::waiting(transaction, number)? else { return Ok(None) };
            plan::make(transaction, &delivery, today)?;
            preview(transaction, &delivery, today).map(Some)
        })
    }

    /// Those of the waiting delivery `number` to whom something happens, `count_max` at most behind the identifier
    /// `after`, by identifier.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn movements(
        &self,
        number: i64,
        today: Today,
        after: Option<&AccountId>,
        count_max: u32,
    ) -> anyhow::Result<Vec<Movement>> {
        self.look(|transaction| {
            let Some(delivery) = feeds::waiting(transaction, number)? else { return Ok(Vec::new()) };
            plan::make(transaction, &delivery, today)?;
            let mut movements = Vec::new();
            let after = after.map_or("", AccountId::as_str);
            each_movement(transaction, number, after, count_max, &mut |movement| {
                movements.push(movement);
                Ok(())
            })?;
            Ok(movements)
        })
    }
}

/// The preview of the delivery `number`, and everybody to whom something would happen for `names`. What planning writes
/// is taken back: the delivery changes those it finds when it takes effect.
pub(super) fn of(
    transaction: &Transaction<'_>,
    number: i64,
    today: Today,
    names: Option<&mut dyn FnMut(Movement) -> anyhow::Result<()>>,
) -> anyhow::Result<Preview> {
    transaction.execute_batch("SAVEPOINT preview")?;
    let delivery = feeds::waiting(transaction, number)?.context("the feed vanished")?;
    plan::make(transaction, &delivery, today)?;
    let preview = preview(transaction, &delivery, today)?;
    if let Some(names) = names {
        each_movement(transaction, number, "", u32::MAX, names)?;
    }
    transaction.execute_batch("ROLLBACK TO preview; RELEASE preview")?;
    Ok(preview)
}

/// The preview of the delivery whose plan is in the table `plan`.
pub(super) fn preview(
    transaction: &Transaction<'_>,
    delivery: &Delivery,
    today: Today,
) -> anyhow::Result<Preview> {
    let counted = |query: &str| -> rusqlite::Result<i64> {
        transaction.query_row(query, [delivery.number], |row| row.get(0))
    };
    let refused = counted("SELECT count(*) FROM refused WHERE feed = ?1")?;
    let elsewhere = counted("SELECT elsewhere FROM feed WHERE number = ?1")?;
    let mut notes = transaction.prepare("SELECT text FROM note WHERE feed = ?1 ORDER BY number")?;
    let notes = notes.query_map([delivery.number], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let (counts, roles) = by_role(transaction, delivery.number)?;
    Ok(Preview {
        counts,
        roles,
        classes: by_class(transaction, delivery)?,
        refused: u64::try_from(refused)?,
        refusals: quarantine::first(transaction, "feed = ?2", delivery.number, REFUSALS_SHOWN)?,
        elsewhere: u64::try_from(elsewhere)?,
        notes,
        held: guard::held(transaction, delivery, today)?,
        is_released: delivery.is_released,
    })
}

/// Plan, and beside it the record where there is one that counts, else the person.
const PLANNED: &str = "plan LEFT JOIN person ON person.id = plan.id
    LEFT JOIN record ON record.feed = ?1 AND record.id = plan.id AND record.kind = 0 AND plan.act <> 4";

fn by_role(transaction: &Transaction<'_>, number: i64) -> anyhow::Result<(Counts, Vec<RoleCount>)> {
    let mut query = transaction.prepare(&format!(
        "SELECT coalesce(record.role, person.role), plan.act, count(*) FROM {PLANNED} GROUP BY 1, 2"
    ))?;
    let rows = query.query_map([number], |row| {
        Ok((row::parsed::<Role>(row, 0)?, row.get::<_, u8>(1)?, row.get::<_, i64>(2)?))
    })?;
    let mut all = Counts::default();
    let mut roles = BTreeMap::<Role, Counts>::new();
    for row in rows {
        let (Some(role), act, count) = row? else { continue };
        if let Some(what) = Move::numbered(act) {
            let count = u64::try_from(count)?;
            all.count(what, count);
            roles.entry(role).or_default().count(what, count);
        }
    }
    Ok((all, roles.into_iter().map(|(role, counts)| RoleCount { role, counts }).collect()))
}

fn by_class(transaction: &Transaction<'_>, delivery: &Delivery) -> anyhow::Result<Vec<ClassCount>> {
    let mut query = transaction.prepare(&format!(
        "SELECT class.value, plan.act, count(DISTINCT plan.id) FROM {PLANNED}
            JOIN json_each(coalesce(record.schools, person.schools)) AS school ON school.value ->> 0 = ?2
            JOIN json_each('[' || (school.value -> 1) || ',' || (school.value -> 2) || ']') AS list
            JOIN json_each(list.value) AS class
            GROUP BY 1, 2 ORDER BY 1 LIMIT ?3"
    ))?;
    let rows = query.query_map(params![delivery.number, delivery.here.as_str(), CLASSES_MAX], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, u8>(1)?, row.get::<_, i64>(2)?))
    })?;
    let mut classes: Vec<ClassCount> = Vec::new();
    for row in rows {
        let (class, act, count) = row?;
        if classes.last().is_none_or(|last| last.class.as_str() != class) {
            classes.push(ClassCount { class: ClassName::new(&class), counts: Counts::default() });
        }
        if let (Some(last), Some(what)) = (classes.last_mut(), Move::numbered(act)) {
            last.counts.count(what, u64::try_from(count)?);
        }
    }
    Ok(classes)
}

fn each_movement(
    transaction: &Transaction<'_>,
    number: i64,
    after: &str,
    count_max: u32,
    take: &mut dyn FnMut(Movement) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let columns: Vec<_> = FIELDS
        .split(", ")
        .map(|column| format!("CASE WHEN record.id IS NULL THEN person.{column} ELSE record.{column} END"))
        .collect();
    let mut query = transaction.prepare(&format!(
        "SELECT plan.id, {}, plan.act FROM {PLANNED}
            WHERE plan.id > ?2 AND plan.act <> {} ORDER BY plan.id LIMIT ?3",
        columns.join(", "),
        Move::Unchanged.number()
    ))?;
    let rows = query
        .query_map(params![number, after, count_max], |row| Ok((row::record(row)?, row.get::<_, u8>(9)?)))?;
    for row in rows {
        let (record, act) = row?;
        if let Some(what) = Move::numbered(act) {
            take(Movement { what, person: record.person })?;
        }
    }
    Ok(())
}
