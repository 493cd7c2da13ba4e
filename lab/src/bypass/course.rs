//! The course of the battery: schools side by side, one or two a subject, every row played by each subject.

use std::{sync::mpsc, thread, time::Duration};

use anyhow::{Context as _, bail};
use tokio::time::Instant;

use super::{
    Outcome, Play, Row, Scene, Seen, Subject, policy,
    scene::{ALLOWED, ALLOWED_SECRET},
};
use crate::{
    gateway::Gateway,
    lab::Lab,
    plan::FAR,
    process::{self, wait_for},
};

/// How long a subject may take to read an allowed page before a row.
const READ_WAIT_MAX: Duration = Duration::from_secs(5);
/// The program of this package.
const OWN_PROGRAM: &str = "preau-lab";

/// Plays `rows` and tells of each when every subject has played it.
///
/// # Errors
/// When a school does not start, or takes no rules.
pub fn play(rows: &[&'static Row], tell: &mut dyn FnMut(&Outcome)) -> anyhow::Result<Vec<Outcome>> {
    thread::scope(|scope| {
        let (report, plays) = mpsc::channel();
        let mut schools = Vec::new();
        for subject in Subject::ALL {
            for first in 0..schools_of(subject) {
                let report = report.clone();
                let own = rows.iter().copied().enumerate().skip(first).step_by(schools_of(subject)).collect();
                schools.push(scope.spawn(move || play_as(subject, own, &report)));
            }
        }
        drop(report);
        let mut waiting: Vec<Vec<Play>> = rows.iter().map(|_| Vec::new()).collect();
        let mut outcomes = Vec::new();
        for (number, play) in plays {
            waiting[number].push(play);
            while let Some(row) = rows.get(outcomes.len())
                && waiting[outcomes.len()].len() == Subject::ALL.len()
            {
                let mut plays = std::mem::take(&mut waiting[outcomes.len()]);
                plays.sort_by_key(|play| Subject::ALL.iter().position(|subject| *subject == play.subject));
                let Row { id, lesson, tools, attempt, .. } = **row;
                let outcome = Outcome { row: id, lesson, tools, attempt, plays };
                tell(&outcome);
                outcomes.push(outcome);
            }
        }
        for school in schools {
            match school.join() {
                Ok(result) => result?,
                Err(_) => bail!("a school of the battery was left in a panic"),
            }
        }
        Ok(outcomes)
    })
}

/// How many schools a subject's rows are dealt to. Behind the box most of a row is waiting for what does not come.
const fn schools_of(subject: Subject) -> usize {
    if subject.is_behind_the_box() { 2 } else { 1 }
}

/// Starts a school of the subject and plays `rows`, numbered, in it.
fn play_as(
    subject: Subject,
    rows: Vec<(usize, &'static Row)>,
    report: &mpsc::Sender<(usize, Play)>,
) -> anyhow::Result<()> {
    let open = || -> anyhow::Result<Lab> {
        let gateway = if subject.is_behind_the_box() { Gateway::Box } else { Gateway::PlainRouter };
        let lab = Lab::start_with(gateway, &mut |_| {})?;
        if subject.is_behind_the_box() {
            lab.sign_in_user(subject.machine())?;
            policy::put_in_force(&lab, subject.machine())?;
        }
        Ok(lab)
    };
    let mut lab = open().with_context(|| format!("the school of the {} does not start", subject.word()))?;
    for (number, row) in rows {
        let started = Instant::now();
        let result = play_row(row, &mut Scene { lab: &mut lab, subject });
        // Nobody listens any more when another school has failed; its error is what counts.
        if report.send((number, Play::new(row, subject, result, started.elapsed()))).is_err() {
            break;
        }
    }
    Ok(())
}

fn play_row(row: &Row, scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    // Our own program is beside this one or, in tests, above it: nothing of the lab runs without.
    for tool in row.tools.iter().filter(|tool| **tool != OWN_PROGRAM) {
        let look = ["sh", "-c", "command -v \"$0\" || test -x \"$0\"", tool];
        let found = process::run(scene.lab.door(), FAR, &look, process::WAIT_MAX)?;
        if !found.succeeded() {
            bail!("`{tool}` is not installed (see BYPASS_PACKAGES in .ci/install)");
        }
    }
    // A subject that an earlier row left without the web would find everything closed.
    let reads = wait_for(READ_WAIT_MAX, || {
        ["-4", "-6"]
            .into_iter()
            .all(|family| {
                let page = scene.get(&format!("https://{ALLOWED}/"), &[family]);
                page.is_ok_and(|page| page.stdout.contains(ALLOWED_SECRET))
            })
            .then_some(())
    });
    reads.context("before this row, not even an allowed page came in both families")?;
    (row.play)(scene)
}
