//! What each school says of itself: its latest report, when it was last heard, and when that changed.
//!
//! A report is written when it says something else than the one before, its figures from time to time; that a school was
//! heard at all is written once a minute for all of them together. So a heartbeat that says nothing costs no row. What
//! became of a school (it came, it went silent, something went wrong there or was mended) is kept as its history, the last
//! [`CHANGES_KEPT`] of it.
//!
//! The time of everything here is central's own; what a box's clock said stands in its report.

use std::collections::{HashMap, HashSet};

use anyhow::Context as _;
use preau::{
    model::{Moment, Uai},
    protocol::line::{Finding, Report},
};

use crate::database::{Database, Part, Row, Value, Write};

/// The tables.
pub const PART: Part = Part {
    name: "observed",
    steps: &["
        CREATE TABLE observed (
            uai TEXT PRIMARY KEY,
            at BIGINT NOT NULL,
            report TEXT NOT NULL
        );
        CREATE TABLE observed_heard (
            uai TEXT PRIMARY KEY,
            first BIGINT NOT NULL,
            at BIGINT NOT NULL,
            silent BIGINT NOT NULL
        );
        CREATE TABLE observed_change (
            uai TEXT NOT NULL,
            number BIGINT NOT NULL,
            at BIGINT NOT NULL,
            what TEXT NOT NULL,
            code TEXT NOT NULL,
            severity TEXT NOT NULL,
            PRIMARY KEY (uai, number)
        );"],
};

/// The topic that says that more schools changed than are worth naming.
pub const SEEN_MANY: &str = "seen/*";

/// Changes kept of one school.
pub const CHANGES_KEPT: i64 = 200;

/// Schools in one statement.
const CHUNK: usize = 64;

/// Schools named one by one when they change together.
const NAMED_MAX: usize = 256;

/// What a school last said.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The school.
    pub school: Uai,
    /// When it was heard last, to a minute.
    pub at: Moment,
    /// When it was heard for the first time.
    pub first: Moment,
    /// Whether it has missed so many heartbeats that it counts as silent.
    pub silent: bool,
    /// What it said; its figures are some minutes old.
    pub report: Report,
}

/// Something that became of a school.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When central noticed.
    pub at: Moment,
    /// What.
    pub what: Became,
}

/// What became of a school.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// It was heard for the first time, or again.
    Came,
    /// It was not heard any more.
    Silent,
    /// Something went wrong there.
    Began(Finding),
    /// It is not wrong any more.
    Ended(Finding),
}

const COLUMNS: &str = "observed.uai, observed_heard.at, first, silent, report
    FROM observed JOIN observed_heard ON observed_heard.uai = observed.uai";

/// What `school` last said; none where it was never heard.
///
/// # Errors
/// When the database refuses.
pub async fn latest(database: &Database, school: &Uai) -> anyhow::Result<Option<Seen>> {
    let sql = format!("SELECT {COLUMNS} WHERE observed.uai = $1");
    let rows = database.read(&sql, &[school.as_str().into()]).await?;
    rows.first().map(seen).transpose()
}

/// What every school last said, by its code.
///
/// # Errors
/// When the database refuses.
pub async fn all(database: &Database) -> anyhow::Result<Vec<Seen>> {
    let rows = database.read(&format!("SELECT {COLUMNS} ORDER BY observed.uai"), &[]).await?;
    rows.iter().map(seen).collect()
}

/// What became of `school`, the latest first.
///
/// # Errors
/// When the database refuses.
pub async fn history(database: &Database, school: &Uai) -> anyhow::Result<Vec<Change>> {
    let sql = "SELECT at, what, code, severity FROM observed_change WHERE uai = $1 ORDER BY number DESC";
    database.read(sql, &[school.as_str().into()]).await?.iter().map(change).collect()
}

/// Keeps reports, each heard at its moment, and notes what they changed.
pub(crate) async fn keep(write: &mut Write, reports: &[(Uai, Moment, Report)]) -> anyhow::Result<()> {
    let heard: Vec<_> = reports.iter().map(|(school, at, _)| (school.clone(), *at)).collect();
    hear(write, &heard).await?;
    for chunk in reports.chunks(CHUNK) {
        let known = known_findings(write, chunk).await?;
        for (school, at, report) in chunk {
            let no_findings = Vec::new();
            let findings = known.get(school.as_str()).unwrap_or(&no_findings);
            for finding in report.findings.iter().filter(|finding| !findings.contains(finding)) {
                note(write, school, *at, &Became::Began(finding.clone())).await?;
            }
            for finding in findings.iter().filter(|finding| !report.findings.contains(finding)) {
                note(write, school, *at, &Became::Ended(finding.clone())).await?;
            }
        }
        let mut values = Vec::with_capacity(chunk.len() * 3);
        for (school, at, report) in chunk {
            let text = serde_json::to_string(report)?;
            values.extend([school.as_str().into(), at.unix_milliseconds().into(), text.into()]);
        }
        let sql = format!(
            "INSERT INTO observed (uai, at, report) VALUES {}
            ON CONFLICT (uai) DO UPDATE SET at = excluded.at, report = excluded.report
                WHERE excluded.at >= observed.at",
            places(chunk.len(), 3)
        );
        write.execute(&sql, &values).await?;
    }
    signal(write, reports.iter().map(|(school, _, _)| school));
    Ok(())
}

/// Notes that schools were heard, each at its moment.
pub(super) async fn hear(write: &mut Write, heard: &[(Uai, Moment)]) -> anyhow::Result<()> {
    let mut came = Vec::new();
    for chunk in heard.chunks(CHUNK) {
        let present = present(write, chunk).await?;
        for (school, at) in chunk.iter().filter(|(school, _)| !present.contains(school)) {
            note(write, school, *at, &Became::Came).await?;
            came.push(school);
        }
        let mut values: Vec<Value> = Vec::with_capacity(chunk.len() * 4);
        for (school, at) in chunk {
            let at = at.unix_milliseconds();
            values.extend([school.as_str().into(), at.into(), at.into(), 0.into()]);
        }
        let sql = format!(
            "INSERT INTO observed_heard (uai, first, at, silent) VALUES {}
            ON CONFLICT (uai) DO UPDATE SET at = excluded.at, silent = 0
                WHERE excluded.at > observed_heard.at",
            places(chunk.len(), 4)
        );
        write.execute(&sql, &values).await?;
    }
    signal(write, came.into_iter());
    Ok(())
}

/// The schools not heard since `since` that do not count as silent yet.
pub(super) async fn overdue(database: &Database, since: Moment) -> anyhow::Result<Vec<Uai>> {
    let sql = "SELECT uai FROM observed_heard WHERE silent = 0 AND at < $1";
    let rows = database.read(sql, &[since.unix_milliseconds().into()]).await?;
    rows.iter().map(|row| code(row, 0)).collect()
}

/// Has those of `schools` count as silent that were not heard since `since` by any instance.
pub(super) async fn fall_silent(
    write: &mut Write,
    schools: &[Uai],
    since: Moment,
    now: Moment,
) -> anyhow::Result<()> {
    let mut fallen = Vec::new();
    for school in schools {
        let sql = "UPDATE observed_heard SET silent = 1 WHERE uai = $1 AND silent = 0 AND at < $2";
        let values = [school.as_str().into(), since.unix_milliseconds().into()];
        if write.execute(sql, &values).await? > 0 {
            note(write, school, now, &Became::Silent).await?;
            fallen.push(school);
        }
    }
    signal(write, fallen.into_iter());
    Ok(())
}

/// Those of `chunk` that were heard before and do not count as silent.
async fn present(write: &mut Write, chunk: &[(Uai, Moment)]) -> anyhow::Result<HashSet<Uai>> {
    let sql =
        format!("SELECT uai FROM observed_heard WHERE silent = 0 AND uai IN {}", places(1, chunk.len()));
    let schools: Vec<Value> = chunk.iter().map(|(school, _)| school.as_str().into()).collect();
    write.read(&sql, &schools).await?.iter().map(|row| code(row, 0)).collect()
}

/// What was wrong at each school of `chunk`.
async fn known_findings(
    write: &mut Write,
    chunk: &[(Uai, Moment, Report)],
) -> anyhow::Result<HashMap<String, Vec<Finding>>> {
    let sql = format!("SELECT {COLUMNS} WHERE observed.uai IN {}", places(1, chunk.len()));
    let schools: Vec<Value> = chunk.iter().map(|(school, _, _)| school.as_str().into()).collect();
    let seen = write.read(&sql, &schools).await?.iter().map(seen).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(seen.into_iter().map(|seen| (seen.school.as_str().to_owned(), seen.report.findings)).collect())
}

async fn note(write: &mut Write, school: &Uai, at: Moment, what: &Became) -> anyhow::Result<()> {
    let sql = "SELECT COALESCE(MAX(number), 0) FROM observed_change WHERE uai = $1";
    let rows = write.read(sql, &[school.as_str().into()]).await?;
    let number = rows.first().context("the database does not count")?.integer(0)? + 1;
    let (word, finding) = match what {
        Became::Came => ("came", None),
        Became::Silent => ("silent", None),
        Became::Began(finding) => ("began", Some(finding)),
        Became::Ended(finding) => ("ended", Some(finding)),
    };
    let (code, severity) = finding.map_or(("", ""), |finding| (&finding.code, &finding.severity));
    let values = [
        school.as_str().into(),
        number.into(),
        at.unix_milliseconds().into(),
        word.into(),
        code.into(),
        severity.into(),
    ];
    let sql = "INSERT INTO observed_change (uai, number, at, what, code, severity)
        VALUES ($1, $2, $3, $4, $5, $6)";
    write.execute(sql, &values).await?;
    let sql = "DELETE FROM observed_change WHERE uai = $1 AND number <= $2";
    write.execute(sql, &[school.as_str().into(), (number - CHANGES_KEPT).into()]).await?;
    Ok(())
}

fn signal<'a>(write: &mut Write, schools: impl ExactSizeIterator<Item = &'a Uai>) {
    if schools.len() > NAMED_MAX {
        write.signal(SEEN_MANY);
    } else {
        schools.for_each(|school| write.signal(format!("seen/{}", school.as_str())));
    }
}

/// `($1, $2), ($3, $4)`: `rows` of them with `columns` each.
fn places(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let places: Vec<_> = (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
        format!("({})", places.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

fn seen(row: &Row) -> anyhow::Result<Seen> {
    Ok(Seen {
        school: code(row, 0)?,
        at: Moment::from_unix_milliseconds(row.integer(1)?),
        first: Moment::from_unix_milliseconds(row.integer(2)?),
        silent: row.integer(3)? != 0,
        report: serde_json::from_str(row.text(4)?).context("a kept report is malformed")?,
    })
}

fn change(row: &Row) -> anyhow::Result<Change> {
    let finding = || -> anyhow::Result<Finding> {
        Ok(Finding { code: row.text(2)?.to_owned(), severity: row.text(3)?.to_owned() })
    };
    let what = match row.text(1)? {
        "came" => Became::Came,
        "silent" => Became::Silent,
        "began" => Became::Began(finding()?),
        "ended" => Became::Ended(finding()?),
        other => anyhow::bail!("a school cannot have become `{other}`"),
    };
    Ok(Change { at: Moment::from_unix_milliseconds(row.integer(0)?), what })
}

fn code(row: &Row, place: usize) -> anyhow::Result<Uai> {
    Uai::new(row.text(place)?).context("a school's code is malformed")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::database::trial;

    const MORNING: Moment = Moment::from_unix_seconds(1_780_000_000);

    async fn database(dir: &tempfile::TempDir) -> Database {
        Database::open(&trial::location(&dir.path().join("x")).await, &[PART]).await.unwrap()
    }

    fn report(number: u64, findings: &[&str]) -> Report {
        let finding = |code: &&str| Finding { code: (*code).into(), severity: "wrong".into() };
        Report {
            start: "ab".into(),
            number,
            findings: findings.iter().map(finding).collect(),
            ..Report::default()
        }
    }

    async fn said(database: &Database, school: &Uai, at: Moment, report: Report) {
        let mut write = database.write().await.unwrap();
        keep(&mut write, &[(school.clone(), at, report)]).await.unwrap();
        write.commit().await.unwrap();
    }

    #[tokio::test]
    async fn a_history_tells_what_came_went_began_and_ended_and_no_heartbeat() {
        let dir = tempfile::tempdir().unwrap();
        let database = database(&dir).await;
        let school = Uai::new("0809999Z").unwrap();
        let minute = |count: u64| MORNING + Duration::from_secs(60 * count);
        said(&database, &school, minute(0), report(1, &[])).await;
        said(&database, &school, minute(1), report(2, &["line-down"])).await;
        said(&database, &school, minute(2), report(3, &["line-down"])).await;
        said(&database, &school, minute(3), report(4, &[])).await;
        let mut write = database.write().await.unwrap();
        let schools = [school.clone()];
        fall_silent(&mut write, &schools, minute(3), minute(9)).await.unwrap();
        fall_silent(&mut write, &schools, minute(6), minute(10)).await.unwrap();
        fall_silent(&mut write, &schools, minute(7), minute(11)).await.unwrap();
        write.commit().await.unwrap();
        assert!(latest(&database, &school).await.unwrap().unwrap().silent);
        said(&database, &school, minute(20), report(5, &[])).await;
        let finding = Finding { code: "line-down".into(), severity: "wrong".into() };
        let expected = [
            (20, Became::Came),
            (10, Became::Silent),
            (3, Became::Ended(finding.clone())),
            (1, Became::Began(finding)),
            (0, Became::Came),
        ];
        let expected = expected.map(|(count, what)| Change { at: minute(count), what });
        assert_eq!(history(&database, &school).await.unwrap(), expected);
        let seen = latest(&database, &school).await.unwrap().unwrap();
        assert_eq!((seen.at, seen.first, seen.silent), (minute(20), minute(0), false));
        assert_eq!(all(&database).await.unwrap(), [seen]);
    }

    #[tokio::test]
    async fn a_history_keeps_the_last_changes_only() {
        let dir = tempfile::tempdir().unwrap();
        let database = database(&dir).await;
        let school = Uai::new("0809999Z").unwrap();
        for number in 0..150 {
            said(&database, &school, MORNING, report(number, &["flutter"])).await;
            said(&database, &school, MORNING, report(number, &[])).await;
        }
        assert_eq!(history(&database, &school).await.unwrap().len(), 200);
    }
}
