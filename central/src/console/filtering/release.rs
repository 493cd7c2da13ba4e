//! How a release stands, and the acts on it.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::{
    Extension, Form,
    extract::{Path, State},
    http::StatusCode,
};
use preau::model::Uai;

use super::{
    draft::told,
    fields::Sent,
    places::{document_path, place_name},
};
use crate::{
    console::{
        language::Language,
        message::{Message, go_saying},
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        time,
        visit::Visit,
        words::{ReleaseWords, finding_told},
    },
    fleet::{
        policy::{
            self, Became, Counts, Halt, Progress, REASON_CHARS_MAX, Reach, Reached, Release, Stage,
            State as Stands, Then,
        },
        schools,
    },
    words::{Granted, Right},
};

/// Schools shown that lag behind.
const BEHIND_SHOWN: usize = 200;

#[derive(Debug, Template)]
#[template(path = "console/filtering_release.html")]
struct ReleasePage<'a> {
    frame: Frame<'a>,
    words: &'static ReleaseWords,
    release: &'a Release,
    class: &'static str,
    state: &'static str,
    at: String,
    halt: Option<String>,
    places: Vec<(String, String, u64, u64)>,
    schools: usize,
    due: Option<String>,
    stages: Vec<StageRow>,
    behind: Vec<Behind>,
    /// The acts that its state lets be done, with their words.
    acts: Vec<(&'static str, &'static str)>,
    may_roll_back: bool,
    reason_max: usize,
}

/// A stage as a row.
#[derive(Debug)]
struct StageRow {
    number: usize,
    reach: String,
    then: String,
    counts: Counts,
    is_here: bool,
}

/// A school that was reached and does not have it in force.
#[derive(Debug)]
struct Behind {
    code: String,
    name: String,
    class: &'static str,
    became: &'static str,
    at: String,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
) -> Answer {
    let (database, language) = (&console.parts.database, visit.language());
    let words = ReleaseWords::of(language);
    let Progress { release, schools, stages, behind, due } =
        policy::progress(database, id, visit.now).await?.ok_or(Refused::NoSuchPage)?;
    for moved in &release.places {
        visit.may(database, Right::See, &moved.place).await?;
    }
    let may_act = granted(&console, &visit, &release).await.is_ok();
    let places = release.places.iter().map(|moved| {
        (document_path(&moved.place), place_name(language, &moved.place), moved.before, moved.after)
    });
    let page = ReleasePage {
        frame: console.frame(&visit, Some(Here::Filtering)),
        words,
        class: state_class(release.state),
        state: state_name(language, release.state),
        at: time::written(language, release.at),
        halt: release.halt.as_ref().map(|halt| halt_told(language, halt)),
        places: places.collect(),
        schools,
        due: due.map(|due| time::written(language, due)),
        stages: stage_rows(language, &release, &stages),
        behind: behind_rows(&console, language, behind).await?,
        acts: if may_act { acts(words, release.state) } else { Vec::new() },
        may_roll_back: may_act && !matches!(release.state, Stands::Undone | Stands::Superseded),
        reason_max: REASON_CHARS_MAX,
        release: &release,
    };
    Ok(html(StatusCode::OK, &page))
}

pub(super) async fn act(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
    form: Sent,
) -> Answer {
    let database = &console.parts.database;
    let release = policy::find_release(database, id).await?.ok_or(Refused::NoSuchPage)?;
    let granted = granted(&console, &visit, &release).await?;
    let Form(form) = form?;
    let mut path = format!("/filtrage/livraison/{id}");
    let mut write = database.write().await?;
    let done = match form.one("acte") {
        "suspendre" => policy::pause(&mut write, &granted, id, visit.now).await,
        "arreter" => policy::halt(&mut write, &granted, id, visit.now).await,
        "continuer" => policy::go_on(&mut write, &granted, id, visit.now).await,
        "revenir" => {
            let undo = policy::roll_back(&mut write, &granted, id, form.one("motif"), visit.now).await;
            undo.map(|undo| path = format!("/filtrage/livraison/{}", undo.id))
        }
        _ => return Err(Refused::Unread),
    };
    if let Err(refused) = done {
        return told(&visit, &path, refused);
    }
    write.commit().await?;
    let words = ReleaseWords::of(visit.language());
    Ok(go_saying(&path, &Message::Good(words.done.to_owned())))
}

/// The right to publish at every place of the release.
async fn granted(console: &Console, visit: &Visit, release: &Release) -> Result<Vec<Granted>, Refused> {
    let mut granted = Vec::with_capacity(release.places.len());
    for moved in &release.places {
        granted.push(visit.may(&console.parts.database, Right::Publish, &moved.place).await?);
    }
    Ok(granted)
}

fn acts(words: &'static ReleaseWords, state: Stands) -> Vec<(&'static str, &'static str)> {
    let (pause, go_on, halt) =
        (("suspendre", words.pause_act), ("continuer", words.go_on), ("arreter", words.halt));
    match state {
        Stands::Going | Stands::Watching => vec![pause, halt],
        Stands::Waiting => vec![go_on, pause, halt],
        Stands::Paused => vec![go_on, halt],
        Stands::Halted => vec![go_on],
        Stands::Done | Stands::Superseded | Stands::Undone => Vec::new(),
    }
}

fn stage_rows(language: Language, release: &Release, counts: &[Counts]) -> Vec<StageRow> {
    let stages = release.plan.stages();
    let row = |(at, (stage, counts)): (usize, (&Stage, &Counts))| StageRow {
        number: at + 1,
        reach: reach_told(language, &stage.reach),
        then: if at + 1 == stages.len() { String::new() } else { then_told(language, stage.then) },
        counts: *counts,
        is_here: release.state.is_open() && at == release.stage,
    };
    stages.iter().zip(counts).enumerate().map(row).collect()
}

fn reach_told(language: Language, reach: &Reach) -> String {
    let words = ReleaseWords::of(language);
    match reach {
        Reach::All => words.all.to_owned(),
        Reach::Percent(percent) => format!("{percent} {}", words.drawn),
        Reach::Places(places) => {
            places.iter().map(|place| place_name(language, place)).collect::<Vec<_>>().join(", ")
        }
    }
}

fn then_told(language: Language, then: Then) -> String {
    let words = ReleaseWords::of(language);
    match then {
        Then::Minutes(minutes) => format!("{minutes} {}", words.minutes),
        Then::Person => words.person.to_owned(),
    }
}

fn halt_told(language: Language, halt: &Halt) -> String {
    let words = ReleaseWords::of(language);
    let of = words.of_reporting;
    match halt {
        Halt::Person {} => words.halt_person.to_owned(),
        Halt::Refused { schools, reporting } => {
            format!("{} {schools} {of} {reporting}.", words.halt_refused)
        }
        Halt::Wrong { schools, reporting, codes } => {
            let codes: Vec<_> = codes.iter().map(|code| finding_told(language, code).what).collect();
            format!("{} {schools} {of} {reporting} : {}.", words.halt_wrong, codes.join(", "))
        }
        Halt::Refusals { before_permille, after_permille } => {
            format!("{} {before_permille}, {after_permille}.", words.halt_refusals)
        }
    }
}

async fn behind_rows(
    console: &Console,
    language: Language,
    behind: Vec<(Uai, Reached, Became)>,
) -> anyhow::Result<Vec<Behind>> {
    let words = ReleaseWords::of(language);
    let mut names: HashMap<Uai, String> = HashMap::new();
    if !behind.is_empty() {
        let schools = schools::all(&console.parts.database).await?;
        names.extend(schools.into_iter().map(|school| (school.uai, school.name)));
    }
    let row = |(school, reached, became): (Uai, Reached, Became)| {
        let (class, became) = match became {
            Became::Effective => ("ok", words.effective),
            Became::Refusing => ("bad", words.refusing),
            Became::Underway => ("away", words.underway),
            Became::Silent => ("off", words.silent),
        };
        let name = names.remove(&school).unwrap_or_default();
        let at = time::written(language, reached.at);
        Behind { code: school.as_str().to_owned(), name, class, became, at }
    };
    Ok(behind.into_iter().take(BEHIND_SHOWN).map(row).collect())
}

/// The class of the badge of a state.
pub(super) fn state_class(state: Stands) -> &'static str {
    match state {
        Stands::Going | Stands::Watching | Stands::Waiting => "away",
        Stands::Paused => "warn",
        Stands::Halted => "bad",
        Stands::Done => "ok",
        Stands::Superseded | Stands::Undone => "off",
    }
}

/// A state in words.
pub(super) fn state_name(language: Language, state: Stands) -> &'static str {
    let words = ReleaseWords::of(language);
    match state {
        Stands::Going => words.going,
        Stands::Watching => words.watching,
        Stands::Waiting => words.waiting,
        Stands::Paused => words.paused,
        Stands::Halted => words.halted,
        Stands::Done => words.finished,
        Stands::Superseded => words.superseded,
        Stands::Undone => words.undone,
    }
}
