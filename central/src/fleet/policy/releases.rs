//! Releases: versions of one or more places on their way to the schools, and what people may do with one.
//!
//! **One at a time.** A release that starts takes over from those that are still open and carry the same places: what these
//! have not reached, they never will. It must carry all their places; otherwise some would be left half way.
//!
//! **Rolling back** is a release as well: it puts back what each school had before, for exactly the schools that were
//! reached, at once. Only the latest release of its places can be rolled back; older versions are brought back by a release
//! of their own.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use preau::model::{Moment, Uai};

use super::{
    plan::Plan,
    refused::{Refused, prove, reason},
    tables,
    versions::{self, integer},
    wanted,
    waves::{Halt, Reached, State},
};
use crate::{
    audit::{self, Who},
    database::{Database, Row, Value, Write},
    words::{Granted, Place, Right},
};

/// Places one release may carry.
const PLACES_MAX: usize = 50;

/// A release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its number, never given twice.
    pub id: i64,
    /// The release it rolls back, if it does.
    pub undoes: Option<i64>,
    /// What it carries.
    pub places: Vec<Moved>,
    /// Its plan.
    pub plan: Plan,
    /// How it stands.
    pub state: State,
    /// The stage, counted from 0.
    pub stage: usize,
    /// Since when it stands so.
    pub since: Moment,
    /// Until when trouble was seen by somebody who said to go on.
    pub forgiven: Moment,
    /// Why it halted.
    pub halt: Option<Halt>,
    /// The release that took over from it or rolled it back.
    pub ended_by: Option<i64>,
    /// Who started it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Moment,
}

/// What a release does to one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The place.
    pub place: Place,
    /// The version that was settled before; 0 for none.
    pub before: u64,
    /// The version it brings; 0 where a roll-back takes the only one away.
    pub after: u64,
}

const COLUMNS: &str =
    "id, undoes, plan, state, stage, since, forgiven, halt, ended_by, author_name, reason, at";

/// The releases shown at once.
const PAGE_MAX: i64 = 100;

/// Starts a release of `versions`. `granted` has a proof for each place.
///
/// # Errors
/// When a proof or version is missing, there is no reason, or an open release carries one of the places and another beside.
pub async fn start(
    write: &mut Write,
    granted: &[Granted],
    versions: &[(Place, u64)],
    plan: &Plan,
    reason_text: &str,
    at: Moment,
) -> Result<Release, Refused> {
    let reason = reason(reason_text)?;
    let places: BTreeSet<_> = versions.iter().map(|(place, _)| place.clone()).collect();
    if !(1..=PLACES_MAX).contains(&versions.len()) || places.len() != versions.len() {
        return Err(Refused::TooMany("places of one release, or none, or one twice"));
    }
    let granted = prove_all(granted, &places)?;
    let id = tables::next(write, "release").await?;
    for open in open_in(write).await? {
        let its: BTreeSet<_> = open.places.iter().map(|moved| moved.place.clone()).collect();
        if its.is_disjoint(&places) {
            continue;
        }
        if let Some(left) = its.difference(&places).next() {
            let (number, place) = (open.id, left);
            return Err(Refused::NotNow(format!(
                "release {number} is still under way and carries {place} as well; roll it back, let it end, or release {place} too"
            )));
        }
        end(write, open.id, State::Superseded, id, at).await?;
    }
    let mut moved = Vec::with_capacity(versions.len());
    for (place, after) in versions {
        versions::find_in(write, place, *after).await?.ok_or(Refused::Gone)?;
        let before = wanted::settled_in(write, place).await?;
        moved.push(Moved { place: place.clone(), before, after: *after });
    }
    let release = begun(id, None, moved, plan.clone(), (granted, reason), at);
    keep(write, &release, granted).await?;
    let carried: Vec<_> =
        release.places.iter().map(|moved| format!("{} version {}", moved.place, moved.after)).collect();
    let text = format!("release {id} of {}: {reason}", carried.join(", "));
    note(write, granted, &release, at, "release", &text).await?;
    Ok(release)
}

/// Stops a release for a while.
///
/// # Errors
/// When a proof is missing, or it is not under way.
pub async fn pause(write: &mut Write, granted: &[Granted], id: i64, at: Moment) -> Result<(), Refused> {
    let (release, granted) = to_act(write, granted, id).await?;
    if !matches!(release.state, State::Going | State::Watching | State::Waiting) {
        return Err(not_now("pause", release.state));
    }
    put(write, &Release { state: State::Paused, since: at, ..release.clone() }).await?;
    note(write, granted, &release, at, "pause", &format!("release {id}")).await?;
    Ok(())
}

/// Stops a release until somebody says otherwise.
///
/// # Errors
/// When a proof is missing, or it is over.
pub async fn halt(write: &mut Write, granted: &[Granted], id: i64, at: Moment) -> Result<(), Refused> {
    let (release, granted) = to_act(write, granted, id).await?;
    if !release.state.is_open() || release.state == State::Halted {
        return Err(not_now("halt", release.state));
    }
    let halted = Release { state: State::Halted, since: at, halt: Some(Halt::Person {}), ..release.clone() };
    put(write, &halted).await?;
    note(write, granted, &release, at, "halt", &format!("release {id}")).await?;
    Ok(())
}

/// Goes on: with the next stage where somebody was waited for, else with the same one. Trouble that was there until now does
/// not halt the release again.
///
/// # Errors
/// When a proof is missing, or it does not stand still.
pub async fn go_on(write: &mut Write, granted: &[Granted], id: i64, at: Moment) -> Result<(), Refused> {
    let (release, granted) = to_act(write, granted, id).await?;
    let (stage, forgiven) = match release.state {
        State::Waiting => (release.stage + 1, release.forgiven),
        State::Paused => (release.stage, release.forgiven),
        State::Halted => (release.stage, at),
        state => return Err(not_now("go on with", state)),
    };
    let going = Release { state: State::Going, stage, since: at, forgiven, halt: None, ..release.clone() };
    put(write, &going).await?;
    let text = format!("release {id}, stage {} of {}", stage + 1, release.plan.stages().len());
    note(write, granted, &release, at, "go-on", &text).await?;
    Ok(())
}

/// Puts back what the schools reached by release `id` had before, at once.
///
/// # Errors
/// When a proof or reason is missing, or a later release carries one of the places.
pub async fn roll_back(
    write: &mut Write,
    granted: &[Granted],
    id: i64,
    reason_text: &str,
    at: Moment,
) -> Result<Release, Refused> {
    let reason = reason(reason_text)?;
    let (release, granted) = to_act(write, granted, id).await?;
    let later = "SELECT MAX(release) FROM policy_release_place WHERE place IN
        (SELECT place FROM policy_release_place WHERE release = $1)";
    let rows = write.read(later, &[id.into()]).await?;
    let latest = rows.first().map_or(Ok(id), |row| row.integer(0))?;
    if latest != id {
        return Err(Refused::NotNow(format!(
            "release {latest} of the same places came later; roll that one back, or release an earlier version"
        )));
    }
    let undo_id = tables::next(write, "release").await?;
    let state = if release.state.is_open() { State::Undone } else { release.state };
    end(write, id, state, undo_id, at).await?;
    let back = |moved: &Moved| Moved { place: moved.place.clone(), before: moved.after, after: moved.before };
    let places = release.places.iter().map(back).collect();
    let undo = begun(undo_id, Some(id), places, Plan::at_once(), (granted, reason), at);
    keep(write, &undo, granted).await?;
    note(write, granted, &undo, at, "roll-back", &format!("release {id}, by release {undo_id}: {reason}"))
        .await?;
    Ok(undo)
}

/// The release of that number.
///
/// # Errors
/// When the database refuses.
pub async fn find(database: &Database, id: i64) -> anyhow::Result<Option<Release>> {
    let sql = format!("SELECT {COLUMNS} FROM policy_release WHERE id = $1");
    let rows = database.read(&sql, &[id.into()]).await?;
    Ok(with_places(database, &rows).await?.pop())
}

/// The latest releases below number `before`, the latest first.
///
/// # Errors
/// When the database refuses.
pub async fn recent(database: &Database, before: Option<i64>) -> anyhow::Result<Vec<Release>> {
    let sql = format!("SELECT {COLUMNS} FROM policy_release WHERE id < $1 ORDER BY id DESC LIMIT $2");
    let rows = database.read(&sql, &[before.unwrap_or(i64::MAX).into(), PAGE_MAX.into()]).await?;
    with_places(database, &rows).await
}

/// The releases that may still reach schools, the oldest first.
///
/// # Errors
/// When the database refuses.
pub async fn open(database: &Database) -> anyhow::Result<Vec<Release>> {
    with_places(database, &database.read(&open_sql(), &[]).await?).await
}

/// The schools that a release has reached.
///
/// # Errors
/// When the database refuses.
pub async fn reached(database: &Database, id: i64) -> anyhow::Result<BTreeMap<Uai, Reached>> {
    let sql = "SELECT uai, stage, at, baseline FROM policy_reached WHERE release = $1";
    let rows = database.read(sql, &[id.into()]).await?;
    let reached = rows.iter().map(|row| {
        let reached = Reached {
            stage: usize::try_from(row.integer(1)?)?,
            at: Moment::from_unix_milliseconds(row.integer(2)?),
            baseline: serde_json::from_str(row.text(3)?)?,
        };
        Ok((tables::school(row, 0)?, reached))
    });
    reached.collect()
}

pub(super) async fn find_in(write: &mut Write, id: i64) -> anyhow::Result<Option<Release>> {
    let sql = format!("SELECT {COLUMNS} FROM policy_release WHERE id = $1");
    let rows = write.read(&sql, &[id.into()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let places = write.read(PLACES, &[id.into()]).await?;
    release(row, &places).map(Some)
}

/// Writes how the release stands.
pub(super) async fn put(write: &mut Write, release: &Release) -> anyhow::Result<()> {
    let sql = "UPDATE policy_release SET state = $2, stage = $3, since = $4, forgiven = $5, halt = $6 WHERE id = $1";
    let halt = release.halt.as_ref().map(serde_json::to_string).transpose()?;
    let values = [
        release.id.into(),
        release.state.word().into(),
        i64::try_from(release.stage)?.into(),
        release.since.unix_milliseconds().into(),
        release.forgiven.unix_milliseconds().into(),
        Value::from(halt),
    ];
    write.execute(sql, &values).await?;
    write.signal("policy");
    Ok(())
}

async fn end(write: &mut Write, id: i64, state: State, by: i64, at: Moment) -> anyhow::Result<()> {
    let sql = "UPDATE policy_release SET state = $2, ended_by = $3, since = $4 WHERE id = $1";
    write.execute(sql, &[id.into(), state.word().into(), by.into(), at.unix_milliseconds().into()]).await?;
    write.signal("policy");
    Ok(())
}

fn begun(
    id: i64,
    undoes: Option<i64>,
    places: Vec<Moved>,
    plan: Plan,
    (granted, reason): (&Granted, &str),
    at: Moment,
) -> Release {
    Release {
        id,
        undoes,
        places,
        plan,
        state: State::Going,
        stage: 0,
        since: at,
        forgiven: Moment::from_unix_milliseconds(0),
        halt: None,
        ended_by: None,
        author: granted.actor().name.clone(),
        reason: reason.to_owned(),
        at,
    }
}

async fn keep(write: &mut Write, release: &Release, granted: &Granted) -> anyhow::Result<()> {
    let sql = "INSERT INTO policy_release
        (id, undoes, plan, state, stage, since, forgiven, halt, ended_by, author, author_name, reason, at)
        VALUES ($1, $2, $3, $4, 0, $5, 0, NULL, NULL, $6, $7, $8, $9)";
    let at = release.at.unix_milliseconds();
    let values = [
        release.id.into(),
        release.undoes.into(),
        release.plan.text()?.into(),
        release.state.word().into(),
        at.into(),
        granted.actor().id.0.into(),
        release.author.as_str().into(),
        release.reason.as_str().into(),
        at.into(),
    ];
    write.execute(sql, &values).await?;
    for moved in &release.places {
        let sql = "INSERT INTO policy_release_place (release, place, before, after) VALUES ($1, $2, $3, $4)";
        let values =
            [release.id.into(), moved.place.to_string().into(), integer(moved.before), integer(moved.after)];
        write.execute(sql, &values).await?;
    }
    write.signal("policy");
    Ok(())
}

async fn to_act<'a>(
    write: &mut Write,
    granted: &'a [Granted],
    id: i64,
) -> Result<(Release, &'a Granted), Refused> {
    let release = find_in(write, id).await?.ok_or(Refused::Gone)?;
    let places = release.places.iter().map(|moved| moved.place.clone()).collect();
    let granted = prove_all(granted, &places)?;
    Ok((release, granted))
}

/// One of the proofs, where there is one to publish at every place.
fn prove_all<'a>(granted: &'a [Granted], places: &BTreeSet<Place>) -> Result<&'a Granted, Refused> {
    for place in places {
        if !granted.iter().any(|granted| prove(granted, Right::Publish, place).is_ok()) {
            return Err(Refused::NotGranted(crate::words::NotGranted));
        }
    }
    granted.first().ok_or(Refused::NotGranted(crate::words::NotGranted))
}

fn not_now(act: &str, state: State) -> Refused {
    Refused::NotNow(format!("cannot {act} a release that is {}", state.word()))
}

async fn note(
    write: &mut Write,
    granted: &Granted,
    release: &Release,
    at: Moment,
    act: &str,
    text: &str,
) -> anyhow::Result<()> {
    let actor = granted.actor();
    let place = release.places.first().map(|moved| &moved.place);
    audit::note(write, at, &Who::Person(actor.id, actor.name.clone()), act, place, text).await
}

const PLACES: &str =
    "SELECT place, before, after FROM policy_release_place WHERE release = $1 ORDER BY place";

fn open_sql() -> String {
    format!(
        "SELECT {COLUMNS} FROM policy_release
        WHERE state IN ('going', 'watching', 'waiting', 'paused', 'halted') ORDER BY id"
    )
}

async fn open_in(write: &mut Write) -> anyhow::Result<Vec<Release>> {
    let rows = write.read(&open_sql(), &[]).await?;
    let mut releases = Vec::with_capacity(rows.len());
    for row in &rows {
        let places = write.read(PLACES, &[row.integer(0)?.into()]).await?;
        releases.push(release(row, &places)?);
    }
    Ok(releases)
}

async fn with_places(database: &Database, rows: &[Row]) -> anyhow::Result<Vec<Release>> {
    let mut releases = Vec::with_capacity(rows.len());
    for row in rows {
        let places = database.read(PLACES, &[row.integer(0)?.into()]).await?;
        releases.push(release(row, &places)?);
    }
    Ok(releases)
}

fn release(row: &Row, places: &[Row]) -> anyhow::Result<Release> {
    let moved = |row: &Row| {
        Ok(Moved {
            place: tables::place(row, 0)?,
            before: tables::number(row, 1)?,
            after: tables::number(row, 2)?,
        })
    };
    let moment = |at| Ok::<_, anyhow::Error>(Moment::from_unix_milliseconds(row.integer(at)?));
    Ok(Release {
        id: row.integer(0)?,
        undoes: row.integer_or_nothing(1)?,
        places: places.iter().map(moved).collect::<anyhow::Result<_>>()?,
        plan: Plan::read(row.text(2)?)?,
        state: State::read(row.text(3)?).context("a release stands as no release does")?,
        stage: usize::try_from(row.integer(4)?)?,
        since: moment(5)?,
        forgiven: moment(6)?,
        halt: row.text_or_nothing(7)?.map(serde_json::from_str).transpose()?,
        ended_by: row.integer_or_nothing(8)?,
        author: row.text(9)?.to_owned(),
        reason: row.text(10)?.to_owned(),
        at: moment(11)?,
    })
}
