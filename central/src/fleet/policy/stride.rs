//! One step of a release carried out: in one writing, and only if the release still stands as it did when the step was found.

use std::collections::BTreeMap;

use preau::model::{Moment, Uai};

use super::{
    register::Register,
    releases::{self, Release},
    tables, wanted,
    waves::{Baseline, State, Step},
};
use crate::{
    audit::{self, Who},
    database::Write,
    words::Place,
};

/// Carries out `step`, found for `release`. False where the release stands otherwise by now, and nothing was written.
pub(super) async fn carry_out(
    write: &mut Write,
    release: &Release,
    step: &Step,
    register: &Register,
    baseline: impl Fn(&Uai) -> Baseline,
    now: Moment,
) -> anyhow::Result<bool> {
    let is_as_found = releases::find_in(write, release.id).await?.is_some_and(|found| found == *release);
    if !is_as_found {
        return Ok(false);
    }
    let stands = |state, stage| Release { state, stage, since: now, ..release.clone() };
    match step {
        Step::Rest => {}
        Step::Reach(schools) => {
            for school in schools {
                reach(write, release, school, register.above(school), &baseline(school), now).await?;
            }
        }
        Step::Watch => releases::put(write, &stands(State::Watching, release.stage)).await?,
        Step::Wait => releases::put(write, &stands(State::Waiting, release.stage)).await?,
        Step::Next => releases::put(write, &stands(State::Going, release.stage + 1)).await?,
        Step::Halt(halt) => {
            let halted = Release { halt: Some(halt.clone()), ..stands(State::Halted, release.stage) };
            releases::put(write, &halted).await?;
            let text = format!("release {}: {}", release.id, serde_json::to_string(halt)?);
            let place = release.places.first().map(|moved| &moved.place);
            audit::note(write, now, &Who::Central, "halt", place, &text).await?;
        }
        Step::Finish => finish(write, release, &stands(State::Done, release.stage), now).await?,
    }
    write.signal("policy");
    Ok(true)
}

/// Has a school want what the release brings, and keeps what it had.
async fn reach(
    write: &mut Write,
    release: &Release,
    school: &Uai,
    above: &[Place],
    baseline: &Baseline,
    now: Moment,
) -> anyhow::Result<()> {
    let before = had(write, release.id, school).await?;
    if before.is_some() {
        return Ok(());
    }
    // A roll-back brings each school what it had, and asks the register nothing.
    let brings: BTreeMap<String, u64> = match release.undoes {
        Some(undone) => had(write, undone, school).await?.unwrap_or_default(),
        None => {
            let here = release.places.iter().filter(|moved| above.contains(&moved.place));
            here.map(|moved| (moved.place.to_string(), moved.after)).collect()
        }
    };
    let mut before = BTreeMap::new();
    for (place, version) in &brings {
        let Some(of) = Place::read(place) else { continue };
        before.insert(place.clone(), wanted::of_in(write, school, &of).await?);
        wanted::want(write, school, &of, *version).await?;
    }
    let sql = "INSERT INTO policy_reached (release, uai, stage, at, before, baseline)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (release, uai) DO NOTHING";
    let values = [
        release.id.into(),
        school.as_str().into(),
        i64::try_from(release.stage)?.into(),
        now.unix_milliseconds().into(),
        serde_json::to_string(&before)?.into(),
        serde_json::to_string(baseline)?.into(),
    ];
    write.execute(sql, &values).await?;
    Ok(())
}

/// What the school had at each place before the release reached it; none where it did not.
async fn had(write: &mut Write, release: i64, school: &Uai) -> anyhow::Result<Option<BTreeMap<String, u64>>> {
    let sql = "SELECT before FROM policy_reached WHERE release = $1 AND uai = $2";
    let rows = write.read(sql, &[release.into(), school.as_str().into()]).await?;
    rows.first().map(|row| Ok(serde_json::from_str(row.text(0)?)?)).transpose()
}

async fn finish(write: &mut Write, release: &Release, done: &Release, now: Moment) -> anyhow::Result<()> {
    for moved in &release.places {
        wanted::settle(write, &moved.place, moved.after, release.undoes.is_none()).await?;
    }
    releases::put(write, done).await?;
    // What earlier releases put where is not needed any more: only the latest can be rolled back.
    let sql = "DELETE FROM policy_reached WHERE release < $1 AND release IN (
            SELECT release FROM policy_release_place WHERE place IN (
                SELECT place FROM policy_release_place WHERE release = $1))
        AND release IN (SELECT id FROM policy_release WHERE state IN ('done', 'superseded', 'undone'))";
    write.execute(sql, &[release.id.into()]).await?;
    let place = release.places.first().map(|moved| &moved.place);
    let text = format!("release {} has reached all", release.id);
    audit::note(write, now, &Who::Central, "release-done", place, &text).await
}

/// The schools that a release put something before, for rolling it back.
pub(super) async fn reached_by(
    database: &crate::database::Database,
    release: i64,
) -> anyhow::Result<std::collections::BTreeSet<Uai>> {
    let sql = "SELECT uai FROM policy_reached WHERE release = $1";
    let rows = database.read(sql, &[release.into()]).await?;
    rows.iter().map(|row| tables::school(row, 0)).collect()
}
