//! Technicians' sessions at boxes: opened by whoever may give orders to the school's box, for a reason and a time, one at once.
//!
//! A session is a row here, a line in the audit trail, and an order to the box. Each act in it is one more order and has two
//! lines in the trail: that it was ordered, and what became of it. The box refuses what is not in its closed list, what has
//! no open session, and what comes after the end; the school sees all of it and may end it.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use preau::{
    model::{Moment, Uai},
    protocol::{
        line::{Done, What},
        repair::{REPAIR_MINUTES, REPAIR_REASON_CHARS_MAX, Repair, RepairAct},
    },
};

use super::orders;
use crate::{
    audit::{self, Who},
    authority::By,
    database::{Database, Row, Write},
    words::{Place, Right},
};

/// The table, a step of the orders' part: a session is made of orders.
pub(super) const TABLE: &str = "
    CREATE TABLE repair (
        uai TEXT NOT NULL,
        session BIGINT NOT NULL,
        person BIGINT NOT NULL,
        name TEXT NOT NULL,
        reason TEXT NOT NULL,
        opened BIGINT NOT NULL,
        ends BIGINT NOT NULL,
        ended BIGINT,
        why TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (uai, session)
    );";

/// Sessions of one school that are remembered; the trail has them all.
const KEPT: i64 = 50;

/// What the school reads where somebody with central's own machine opened the session by its command line.
const CENTRAL: &str = "Le service technique de l’académie";

/// A technician's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub session: u64,
    /// The number of the person who opened it.
    pub person: i64,
    /// Their name.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When it was opened.
    pub opened: Moment,
    /// When it ends by itself.
    pub ends: Moment,
    /// When it ended, and the word for how: one of the box's ([`Repair::ended`]), or `refused`.
    pub ended: Option<(Moment, String)>,
}

impl Session {
    /// Whether something may be done in it at `now`.
    #[must_use]
    pub fn is_open(&self, now: Moment) -> bool {
        self.ended.is_none() && now < self.ends
    }
}

/// Why a technician's wish is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepairRefused {
    /// One is open there already.
    AlreadyOpen,
    /// None is open there, or another person opened it.
    NotOpen,
    /// The reason is missing or too long, or the time is not one of those there are.
    Malformed,
}

/// Opens a session at `school`'s box; says its number.
///
/// # Errors
/// When the right is another or for another place, when too many orders wait there already, or the database refuses.
pub async fn open(
    write: &mut Write,
    by: By<'_>,
    school: &Uai,
    (reason, minutes): (&str, u64),
    now: Moment,
) -> anyhow::Result<Result<u64, RepairRefused>> {
    may(by)?;
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_written = !reason.is_empty() && reason.chars().count() <= REPAIR_REASON_CHARS_MAX;
    if !is_written || !REPAIR_MINUTES.contains(&minutes) {
        return Ok(Err(RepairRefused::Malformed));
    }
    let known = read(write, school).await?;
    if known.iter().any(|session| session.is_open(now)) {
        return Ok(Err(RepairRefused::AlreadyOpen));
    }
    let last = known.first().map_or(0, |session| session.session);
    let session = (last + 1).max(u64::try_from(now.unix_milliseconds())?);
    let ((person, name), ends) = (who(by), now + Duration::from_secs(60 * minutes));
    let sql = "INSERT INTO repair (uai, session, person, name, reason, opened, ends)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = [
        school.as_str().into(),
        i64::try_from(session)?.into(),
        person.into(),
        name.into(),
        reason.as_str().into(),
        now.unix_milliseconds().into(),
        ends.unix_milliseconds().into(),
    ];
    write.execute(sql, &values).await?;
    let sql = "DELETE FROM repair WHERE uai = $1 AND session NOT IN
        (SELECT session FROM repair WHERE uai = $1 ORDER BY session DESC LIMIT $2)";
    write.execute(sql, &[school.as_str().into(), KEPT.into()]).await?;
    let text = format!("intervention {session}, {minutes} minutes : {reason}");
    let what = What::OpenRepair { session, by: name.to_owned(), reason, minutes };
    give(write, by, school, &what, now, ends).await?;
    note(write, in_trail(by), school, now, "repair-open", &text).await?;
    Ok(Ok(session))
}

/// Has `act` done in the session that whoever asks has open at `school`'s box; says the order's number.
///
/// # Errors
/// As [`open`].
pub async fn act(
    write: &mut Write,
    by: By<'_>,
    school: &Uai,
    act: RepairAct,
    now: Moment,
) -> anyhow::Result<Result<u64, RepairRefused>> {
    may(by)?;
    let known = read(write, school).await?;
    let own = known.iter().find(|one| one.is_open(now) && one.person == who(by).0);
    let Some(Session { session, ends, .. }) = own else { return Ok(Err(RepairRefused::NotOpen)) };
    let what = What::Repair { session: *session, act };
    let number = give(write, by, school, &what, now, *ends).await?;
    let text = format!("intervention {session}, ordre {number} : {}", orders::in_words(&what));
    note(write, in_trail(by), school, now, "repair-act", &text).await?;
    Ok(Ok(number))
}

/// Ends the session that is open at `school`'s box, whoever opened it.
///
/// # Errors
/// As [`open`].
pub async fn end(
    write: &mut Write,
    by: By<'_>,
    school: &Uai,
    now: Moment,
) -> anyhow::Result<Result<(), RepairRefused>> {
    may(by)?;
    let known = read(write, school).await?;
    let open = known.iter().find(|session| session.is_open(now));
    let Some(Session { session, ends, .. }) = open else { return Ok(Err(RepairRefused::NotOpen)) };
    give(write, by, school, &What::EndRepair { session: *session }, now, *ends).await?;
    close(write, school, *session, now, "central").await?;
    note(write, in_trail(by), school, now, "repair-end", &format!("intervention {session}")).await?;
    Ok(Ok(()))
}

/// The last sessions at `school`'s box, the latest first.
///
/// # Errors
/// When the database refuses.
pub async fn of(database: &Database, school: &Uai) -> anyhow::Result<Vec<Session>> {
    database.read(SELECT, &[school.as_str().into()]).await?.iter().map(session).collect()
}

/// Keeps what a box says of its last session: that it is over there, where it is.
pub(super) async fn told(
    write: &mut Write,
    school: &Uai,
    repair: &Repair,
    now: Moment,
) -> anyhow::Result<()> {
    let how = match repair.ended.as_str() {
        "" => return Ok(()),
        "time" => "à l’heure prévue",
        "school" => "par l’établissement",
        "central" => "par l’académie",
        "restart" => "par un redémarrage du boîtier",
        _ => "par le boîtier",
    };
    if close(write, school, repair.session, now, &repair.ended).await? {
        let text = format!("intervention {}, {how}", repair.session);
        note(write, Who::School(school.clone()), school, now, "repair-end", &text).await?;
    }
    Ok(())
}

/// Writes into the trail what became of an order of a session; one that the box did not open is over.
pub(super) async fn outcome(
    write: &mut Write,
    school: &Uai,
    what: &What,
    done: &Done,
    now: Moment,
) -> anyhow::Result<()> {
    let well = if done.well { "fait" } else { "échoué" };
    let (session, act) = match what {
        What::OpenRepair { session, .. } => (session, "repair-open"),
        What::Repair { session, .. } => (session, "repair-act"),
        _ => return Ok(()),
    };
    if act == "repair-open" && !done.well {
        close(write, school, *session, now, "refused").await?;
    }
    let number = done.order;
    let text = format!("intervention {session}, ordre {number}, {} : {well}", orders::in_words(what));
    note(write, Who::School(school.clone()), school, now, act, &text).await
}

/// Whether the right of `by` is that to give orders; the place is asked with each order.
fn may(by: By<'_>) -> anyhow::Result<()> {
    match by {
        By::Person(granted) => ensure!(granted.right() == Right::Order, "this right is not for technicians"),
        By::Central => {}
    }
    Ok(())
}

/// The number and the name of whoever acts, as the school is told.
fn who(by: By<'_>) -> (i64, &str) {
    match by {
        By::Person(granted) => (granted.actor().id.0, &granted.actor().name),
        By::Central => (0, CENTRAL),
    }
}

fn in_trail(by: By<'_>) -> Who {
    match by {
        By::Person(granted) => Who::Person(granted.actor().id, granted.actor().name.clone()),
        By::Central => Who::Central,
    }
}

async fn give(
    write: &mut Write,
    by: By<'_>,
    school: &Uai,
    what: &What,
    now: Moment,
    expires: Moment,
) -> anyhow::Result<u64> {
    match by {
        By::Person(granted) => orders::enter(write, granted, school, what, now, expires).await,
        By::Central => orders::put(write, CENTRAL, school, what, now, expires).await,
    }
}

async fn note(
    write: &mut Write,
    who: Who,
    school: &Uai,
    now: Moment,
    act: &str,
    text: &str,
) -> anyhow::Result<()> {
    audit::note(write, now, &who, act, Some(&Place::School(school.clone())), text).await
}

/// Notes that a session is over, where it was open; says whether it was.
async fn close(
    write: &mut Write,
    school: &Uai,
    session: u64,
    now: Moment,
    why: &str,
) -> anyhow::Result<bool> {
    let Ok(session) = i64::try_from(session) else { return Ok(false) };
    let sql = "UPDATE repair SET ended = $3, why = $4 WHERE uai = $1 AND session = $2 AND ended IS NULL";
    let why: String = why.chars().filter(|c| *c != '\0').collect();
    let values = [school.as_str().into(), session.into(), now.unix_milliseconds().into(), why.into()];
    let was_open = write.execute(sql, &values).await? > 0;
    if was_open {
        write.signal(format!("order/{}", school.as_str()));
    }
    Ok(was_open)
}

const SELECT: &str = "SELECT session, person, name, reason, opened, ends, ended, why FROM repair
    WHERE uai = $1 ORDER BY session DESC";

async fn read(write: &mut Write, school: &Uai) -> anyhow::Result<Vec<Session>> {
    write.read(SELECT, &[school.as_str().into()]).await?.iter().map(session).collect()
}

fn session(row: &Row) -> anyhow::Result<Session> {
    let at = |place| row.integer(place).map(Moment::from_unix_milliseconds);
    let ended = row.integer_or_nothing(6)?.map(Moment::from_unix_milliseconds);
    Ok(Session {
        session: u64::try_from(row.integer(0)?).context("a session's number is malformed")?,
        person: row.integer(1)?,
        by: row.text(2)?.to_owned(),
        reason: row.text(3)?.to_owned(),
        opened: at(4)?,
        ends: at(5)?,
        ended: match ended {
            Some(at) => Some((at, row.text(7)?.to_owned())),
            None => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        database::trial,
        fleet::schools,
        words::{Actor, Grant, Granted, PersonId},
    };

    const MORNING: Moment = Moment::from_unix_seconds(1_780_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    fn granted(id: i64, right: Right, place: Place) -> Granted {
        let grants = vec![Grant { right, place: place.clone() }];
        let actor = Actor { id: PersonId(id), name: format!("Camille {id}"), grants };
        actor.may(right, &place, &[]).unwrap()
    }

    fn uai() -> Uai {
        Uai::new("0809999Z").unwrap()
    }

    async fn database(dir: &tempfile::TempDir) -> Database {
        let parts = [audit::PART, schools::PART, orders::PART];
        Database::open(&trial::location(&dir.path().join("x")).await, &parts).await.unwrap()
    }

    async fn trail(database: &Database) -> Vec<String> {
        let filter = audit::Filter::default();
        let lines = audit::read(database, &filter, None).await.unwrap();
        lines.into_iter().map(|line| format!("{} {}", line.act, line.text)).collect()
    }

    #[tokio::test]
    async fn a_session_has_its_orders_its_end_and_its_lines_in_the_trail() {
        let dir = tempfile::tempdir().unwrap();
        let database = database(&dir).await;
        let technician = granted(1, Right::Order, Place::Academie);
        let mut write = database.write().await.unwrap();
        let session = open(&mut write, By::Person(&technician), &uai(), ("Plus de\nligne", 15), MORNING)
            .await
            .unwrap()
            .unwrap();
        let again = open(&mut write, By::Person(&technician), &uai(), ("Encore", 15), MORNING).await.unwrap();
        assert_eq!(again, Err(RepairRefused::AlreadyOpen));
        let other = granted(2, Right::Order, Place::School(uai()));
        let not_theirs = act(&mut write, By::Person(&other), &uai(), RepairAct::Log, MORNING).await.unwrap();
        assert_eq!(not_theirs, Err(RepairRefused::NotOpen), "the school was told another name");
        let number = act(&mut write, By::Person(&technician), &uai(), RepairAct::Rules, MORNING)
            .await
            .unwrap()
            .unwrap();
        let done = Done { order: number, well: false, text: "refusé".into() };
        orders::done(&mut write, &uai(), &done, MORNING + MINUTE).await.unwrap();
        let repair = Repair { session, ended: "school".into(), at: 0 };
        for _ in 0..2 {
            told(&mut write, &uai(), &repair, MORNING + MINUTE).await.unwrap();
        }
        let late =
            act(&mut write, By::Person(&technician), &uai(), RepairAct::Log, MORNING + MINUTE).await.unwrap();
        assert_eq!(late, Err(RepairRefused::NotOpen));
        write.commit().await.unwrap();
        let given = orders::of(&database, &uai()).await.unwrap();
        assert_eq!(given.len(), 2);
        assert!(given.iter().all(|given| given.order.expires == (MORNING + MINUTE * 15).unix_seconds()));
        let by = "Camille 1".to_owned();
        let what = What::OpenRepair { session, by, reason: "Plus de ligne".into(), minutes: 15 };
        assert_eq!(given[1].order.what, what);
        let sessions = of(&database, &uai()).await.unwrap();
        assert_eq!(sessions[0].ended, Some((MORNING + MINUTE, "school".to_owned())));
        let mut lines = trail(&database).await;
        lines.sort();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(lines[0].starts_with("repair-act ") && lines[1].starts_with("repair-act "), "{lines:?}");
        assert!(lines.iter().any(|line| line.ends_with(": échoué")), "{lines:?}");
        assert!(lines[2].ends_with("par l’établissement"), "{lines:?}");
        assert!(lines[3].ends_with("15 minutes : Plus de ligne"), "{lines:?}");
    }

    #[tokio::test]
    async fn a_session_ends_with_its_time_with_central_and_with_a_box_that_refuses_it() {
        let dir = tempfile::tempdir().unwrap();
        let database = database(&dir).await;
        let technician = granted(1, Right::Order, Place::School(uai()));
        let mut write = database.write().await.unwrap();
        let at = |minutes: u32| MORNING + MINUTE * minutes;
        open(&mut write, By::Person(&technician), &uai(), ("Panne", 15), at(0)).await.unwrap().unwrap();
        let late = act(&mut write, By::Person(&technician), &uai(), RepairAct::Log, at(15)).await.unwrap();
        assert_eq!(late, Err(RepairRefused::NotOpen));
        open(&mut write, By::Person(&technician), &uai(), ("Panne", 60), at(15)).await.unwrap().unwrap();
        let other = granted(2, Right::Order, Place::Academie);
        assert_eq!(end(&mut write, By::Person(&other), &uai(), at(16)).await.unwrap(), Ok(()));
        assert_eq!(
            end(&mut write, By::Person(&other), &uai(), at(16)).await.unwrap(),
            Err(RepairRefused::NotOpen)
        );
        let refused =
            open(&mut write, By::Person(&technician), &uai(), ("Panne", 30), at(17)).await.unwrap().unwrap();
        write.commit().await.unwrap();
        let order = orders::of(&database, &uai()).await.unwrap()[0].order.number;
        let mut write = database.write().await.unwrap();
        let done = Done { order, well: false, text: "this box does not know such an order".into() };
        orders::done(&mut write, &uai(), &done, at(18)).await.unwrap();
        write.commit().await.unwrap();
        let sessions = of(&database, &uai()).await.unwrap();
        assert_eq!((sessions[0].session, sessions[0].is_open(at(18))), (refused, false));
        let ends: Vec<_> =
            sessions.iter().map(|one| one.ended.as_ref().map(|(_, why)| why.as_str())).collect();
        assert_eq!(ends, [Some("refused"), Some("central"), None]);
    }

    #[tokio::test]
    async fn nobody_opens_a_session_without_the_right_there_a_reason_and_a_time_that_there_is() {
        let dir = tempfile::tempdir().unwrap();
        let database = database(&dir).await;
        let elsewhere = Place::School(Uai::new("0801111A").unwrap());
        for granted in [granted(1, Right::See, Place::Academie), granted(1, Right::Order, elsewhere)] {
            let mut write = database.write().await.unwrap();
            assert!(
                open(&mut write, By::Person(&granted), &uai(), ("Panne", 15), MORNING).await.is_err(),
                "{granted:?}"
            );
            assert!(
                granted.right() == Right::Order
                    || end(&mut write, By::Person(&granted), &uai(), MORNING).await.is_err()
            );
        }
        let technician = granted(1, Right::Order, Place::Academie);
        let mut write = database.write().await.unwrap();
        for (reason, minutes) in [(" ", 15), ("Panne", 14), ("Panne", 100_000), (&*"x".repeat(301), 15)] {
            let opened =
                open(&mut write, By::Person(&technician), &uai(), (reason, minutes), MORNING).await.unwrap();
            assert_eq!(opened, Err(RepairRefused::Malformed), "{minutes}");
        }
    }
}
