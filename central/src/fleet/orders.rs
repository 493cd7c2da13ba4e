//! Orders to boxes: kept until the box has done them, or until they are worth nothing any more.
//!
//! An order is given to whoever asks next on the school's live line, whichever instance that is at, and again until the
//! box has said what became of it. Numbers count up per school and are never lower than the clock's milliseconds: a
//! central that was restored from yesterday's backup gives no number twice, and a box does no order twice.

use anyhow::{Context as _, bail, ensure};
use preau::{
    model::{Moment, Uai},
    protocol::{
        line::{Done, Order, What},
        repair::RepairAct,
    },
};

use super::{repairs, schools};
use crate::{
    audit::{self, Who},
    database::{Database, Part, Row, Write},
    words::{Granted, Place, Right},
};

/// The tables.
pub const PART: Part = Part {
    name: "orders",
    steps: &[
        "
        CREATE TABLE orders (
            uai TEXT NOT NULL,
            number BIGINT NOT NULL,
            what TEXT NOT NULL,
            given_by TEXT NOT NULL,
            given BIGINT NOT NULL,
            expires BIGINT NOT NULL,
            done BIGINT,
            well BIGINT,
            text TEXT,
            PRIMARY KEY (uai, number)
        );
        CREATE INDEX orders_open ON orders (uai) WHERE done IS NULL;",
        repairs::TABLE,
    ],
};

/// Orders of one school that wait for the box at once; one that is away for a summer does not come back to a heap.
pub const OPEN_MAX: usize = 32;

/// Orders of one school that are remembered.
const KEPT: i64 = 200;

/// The longest text of an outcome that is kept, in bytes.
const TEXT_BYTES_MAX: usize = 128 * 1024;

/// An order as the console shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The order.
    pub order: Order,
    /// Who gave it.
    pub by: String,
    /// When.
    pub given: Moment,
    /// What became of it; none while it waits, or where it has expired.
    pub outcome: Option<Outcome>,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// When central heard of it.
    pub at: Moment,
    /// Whether it was carried out.
    pub well: bool,
    /// What came of it, or why not.
    pub text: String,
}

/// Gives `school` an order that may be carried out until `expires`, and says its number.
///
/// # Errors
/// When the right is another or for another place, when too many orders wait there already, or the database refuses.
pub async fn give(
    write: &mut Write,
    granted: &Granted,
    school: &Uai,
    what: What,
    now: Moment,
    expires: Moment,
) -> anyhow::Result<u64> {
    ensure!(granted.right() == Right::Order, "this right is not for giving orders");
    let number = enter(write, granted, school, &what, now, expires).await?;
    let who = Who::Person(granted.actor().id, granted.actor().name.clone());
    let text = format!("ordre {number} : {}", in_words(&what));
    audit::note(write, now, &who, "order", Some(&Place::School(school.clone())), &text).await?;
    Ok(number)
}

/// As [`give`], for acts that have a right of their own.
pub(super) async fn enter(
    write: &mut Write,
    granted: &Granted,
    school: &Uai,
    what: &What,
    now: Moment,
    expires: Moment,
) -> anyhow::Result<u64> {
    ensure!(schools::holds(write, granted.place(), school).await?, "this right is for another place");
    put(write, &granted.actor().name, school, what, now, expires).await
}

/// Puts an order of `by`, who may give it, behind the others.
pub(super) async fn put(
    write: &mut Write,
    by: &str,
    school: &Uai,
    what: &What,
    now: Moment,
    expires: Moment,
) -> anyhow::Result<u64> {
    let sql = "SELECT COUNT(*) FROM orders WHERE uai = $1 AND done IS NULL AND expires > $2";
    let rows = write.read(sql, &[school.as_str().into(), now.unix_milliseconds().into()]).await?;
    let open = rows.first().context("the database does not count")?.integer(0)?;
    if usize::try_from(open)? >= OPEN_MAX {
        bail!("{OPEN_MAX} orders wait for this school's box already");
    }
    let sql = "SELECT COALESCE(MAX(number), 0) FROM orders WHERE uai = $1";
    let rows = write.read(sql, &[school.as_str().into()]).await?;
    let last = rows.first().context("the database does not count")?.integer(0)?;
    let number = (last + 1).max(now.unix_milliseconds());
    let sql =
        "INSERT INTO orders (uai, number, what, given_by, given, expires) VALUES ($1, $2, $3, $4, $5, $6)";
    let values = [
        school.as_str().into(),
        number.into(),
        serde_json::to_string(what)?.into(),
        by.into(),
        now.unix_milliseconds().into(),
        expires.unix_milliseconds().into(),
    ];
    write.execute(sql, &values).await?;
    let sql = "DELETE FROM orders WHERE uai = $1 AND (done IS NOT NULL OR expires <= $2) AND number NOT IN
        (SELECT number FROM orders WHERE uai = $1 ORDER BY number DESC LIMIT $3)";
    write.execute(sql, &[school.as_str().into(), now.unix_milliseconds().into(), KEPT.into()]).await?;
    write.signal(format!("order/{}", school.as_str()));
    Ok(u64::try_from(number)?)
}

/// Keeps what became of an order. What was heard first stays; of an order that is not known, nothing is kept.
///
/// # Errors
/// When the database refuses.
pub async fn done(write: &mut Write, school: &Uai, done: &Done, now: Moment) -> anyhow::Result<()> {
    let Ok(number) = i64::try_from(done.order) else { return Ok(()) };
    let sql =
        "UPDATE orders SET done = $3, well = $4, text = $5 WHERE uai = $1 AND number = $2 AND done IS NULL";
    let values = [
        school.as_str().into(),
        number.into(),
        now.unix_milliseconds().into(),
        i64::from(done.well).into(),
        clipped(&done.text).into(),
    ];
    if write.execute(sql, &values).await? == 0 {
        return Ok(());
    }
    write.signal(format!("order/{}", school.as_str()));
    let sql = "SELECT number, what, expires FROM orders WHERE uai = $1 AND number = $2";
    let rows = write.read(sql, &[school.as_str().into(), number.into()]).await?;
    match rows.first() {
        Some(row) => repairs::outcome(write, school, &order(row)?.what, done, now).await,
        None => Ok(()),
    }
}

/// The orders of `school`, the latest first.
///
/// # Errors
/// When the database refuses.
pub async fn of(database: &Database, school: &Uai) -> anyhow::Result<Vec<Given>> {
    let sql = "SELECT number, what, expires, given_by, given, done, well, text FROM orders
        WHERE uai = $1 ORDER BY number DESC";
    database.read(sql, &[school.as_str().into()]).await?.iter().map(given).collect()
}

/// The orders that wait for a box: of `school`, or of all; by school, then by number.
///
/// # Errors
/// When the database refuses.
pub async fn waiting(
    database: &Database,
    school: Option<&Uai>,
    now: Moment,
) -> anyhow::Result<Vec<(Uai, Order)>> {
    let columns = "number, what, expires, uai FROM orders WHERE done IS NULL AND expires > $1";
    let now = now.unix_milliseconds().into();
    let rows = match school {
        Some(school) => {
            let sql = format!("SELECT {columns} AND uai = $2 ORDER BY number");
            database.read(&sql, &[now, school.as_str().into()]).await?
        }
        None => database.read(&format!("SELECT {columns} ORDER BY uai, number"), &[now]).await?,
    };
    rows.iter()
        .map(|row| Ok((Uai::new(row.text(3)?).context("a school's code is malformed")?, order(row)?)))
        .collect()
}

/// What is asked for, as the audit trail has it.
pub(super) fn in_words(what: &What) -> &'static str {
    match what {
        What::Diagnose {} => "diagnostic",
        What::Fetch {} => "mise à jour depuis le canal",
        What::RenewCertificate {} => "renouvellement du certificat",
        What::SendCounts {} => "envoi des comptes du jour",
        What::ChangeTunnelKey {} => "autre clé pour le tunnel",
        What::AnswerRequest { .. } => "réponse à une demande",
        What::OpenRepair { .. } => "ouverture d’une intervention",
        What::EndRepair { .. } => "fin d’une intervention",
        What::Repair { act: RepairAct::Log, .. } => "lecture des messages de la machine",
        What::Repair { act: RepairAct::Line, .. } => "essai de la ligne",
        What::Repair { act: RepairAct::Rules, .. } => "contrôle et rechargement du pare-feu",
        What::Repair { act: RepairAct::Tunnel, .. } => "redémarrage du tunnel",
    }
}

fn given(row: &Row) -> anyhow::Result<Given> {
    let outcome = match row.integer_or_nothing(5)? {
        None => None,
        Some(at) => Some(Outcome {
            at: Moment::from_unix_milliseconds(at),
            well: row.integer(6)? != 0,
            text: row.text(7)?.to_owned(),
        }),
    };
    Ok(Given {
        order: order(row)?,
        by: row.text(3)?.to_owned(),
        given: Moment::from_unix_milliseconds(row.integer(4)?),
        outcome,
    })
}

fn order(row: &Row) -> anyhow::Result<Order> {
    Ok(Order {
        number: u64::try_from(row.integer(0)?)?,
        what: serde_json::from_str(row.text(1)?).context("a kept order is malformed")?,
        expires: Moment::from_unix_milliseconds(row.integer(2)?).unix_seconds(),
    })
}

/// As much of `text` as is kept; a zero, which PostgreSQL takes in no text, is left out.
fn clipped(text: &str) -> String {
    let end = text.floor_char_boundary(TEXT_BYTES_MAX);
    text.get(..end).unwrap_or_default().replace('\0', "")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        database::trial,
        words::{Actor, Grant, PersonId},
    };

    const MORNING: Moment = Moment::from_unix_seconds(1_780_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn granted(right: Right, place: Place) -> Granted {
        let grants = vec![Grant { right, place: place.clone() }];
        let actor = Actor { id: PersonId(1), name: "Camille Exemple".into(), grants };
        actor.may(right, &place, &[]).unwrap()
    }

    async fn database(dir: &tempfile::TempDir) -> Database {
        Database::open(&trial::location(&dir.path().join("x")).await, &[audit::PART, schools::PART, PART])
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn an_order_waits_until_it_is_done_and_keeps_what_was_said_first() {
        let dir = tempfile::tempdir().unwrap();
        let database = database(&dir).await;
        let school = Uai::new("0809999Z").unwrap();
        let granted = granted(Right::Order, Place::Academie);
        let mut write = database.write().await.unwrap();
        let first =
            give(&mut write, &granted, &school, What::Fetch {}, MORNING, MORNING + HOUR).await.unwrap();
        let second =
            give(&mut write, &granted, &school, What::Diagnose {}, MORNING, MORNING + HOUR).await.unwrap();
        write.commit().await.unwrap();
        assert!(first < second);
        let numbers = |orders: Vec<(Uai, Order)>| -> Vec<u64> {
            orders.into_iter().map(|(_, order)| order.number).collect()
        };
        assert_eq!(numbers(waiting(&database, None, MORNING).await.unwrap()), [first, second]);
        let mut write = database.write().await.unwrap();
        for text in ["all well", "no, not at all"] {
            let told = Done { order: first, well: true, text: text.into() };
            done(&mut write, &school, &told, MORNING + HOUR).await.unwrap();
        }
        done(&mut write, &school, &Done { order: u64::MAX, well: true, text: String::new() }, MORNING)
            .await
            .unwrap();
        write.commit().await.unwrap();
        assert_eq!(numbers(waiting(&database, Some(&school), MORNING).await.unwrap()), [second]);
        assert!(
            waiting(&database, Some(&school), MORNING + HOUR).await.unwrap().is_empty(),
            "it has expired"
        );
        let all = of(&database, &school).await.unwrap();
        assert_eq!(all[0].outcome, None);
        let outcome = Outcome { at: MORNING + HOUR, well: true, text: "all well".into() };
        assert_eq!(all[1].outcome, Some(outcome));
    }

    #[tokio::test]
    async fn numbers_go_on_after_a_backup_of_yesterday() {
        let dir = tempfile::tempdir().unwrap();
        let database = database(&dir).await;
        let school = Uai::new("0809999Z").unwrap();
        let granted = granted(Right::Order, Place::Academie);
        let mut write = database.write().await.unwrap();
        let lost =
            give(&mut write, &granted, &school, What::Fetch {}, MORNING, MORNING + HOUR).await.unwrap();
        drop(write);
        let mut write = database.write().await.unwrap();
        let next = give(&mut write, &granted, &school, What::Fetch {}, MORNING + HOUR, MORNING + HOUR * 2);
        assert!(next.await.unwrap() > lost);
    }

    #[tokio::test]
    async fn orders_are_refused_without_the_right_elsewhere_and_in_heaps() {
        let dir = tempfile::tempdir().unwrap();
        let database = database(&dir).await;
        let school = Uai::new("0809999Z").unwrap();
        let mut write = database.write().await.unwrap();
        let elsewhere = Place::School(Uai::new("0801111A").unwrap());
        for granted in [granted(Right::See, Place::Academie), granted(Right::Order, elsewhere)] {
            let given = give(&mut write, &granted, &school, What::Fetch {}, MORNING, MORNING + HOUR).await;
            assert!(given.is_err(), "{granted:?}");
        }
        let granted = granted(Right::Order, Place::School(school.clone()));
        for _ in 0..OPEN_MAX {
            give(&mut write, &granted, &school, What::Fetch {}, MORNING, MORNING + HOUR).await.unwrap();
        }
        assert!(give(&mut write, &granted, &school, What::Fetch {}, MORNING, MORNING + HOUR).await.is_err());
    }
}
