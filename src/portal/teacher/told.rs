//! What runs, and what a decision came to, in words.

use crate::{
    admin::{Granted, Openings, Running, Whom},
    identity::Identity,
    model::{Domain, Moment},
    policy::Mode,
    portal::{language::Language, time_of_day, wanted::query_value, words::TeacherWords},
};

/// Minutes offered for what opens or closes.
const MINUTES: [u16; 4] = [5, 15, 30, 55];

/// Minutes offered for an exam.
const EXAM_MINUTES: [u16; 4] = [30, 55, 120, 180];

/// The value of a form for the lesson that runs, and for the evening.
pub(super) const LESSON: &str = "cours";
pub(super) const EVENING: &str = "soir";

/// A decision that runs, as pages show it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) number: i64,
    /// The style's word: `open`, `closed`, `waiting`.
    pub(super) state: &'static str,
    pub(super) what: &'static str,
    pub(super) label: String,
    pub(super) until: String,
    pub(super) until_utc: String,
    /// The sites it is about, joined.
    pub(super) sites: String,
    pub(super) may_undo: bool,
}

impl Told {
    pub(super) fn new(language: Language, running: &Running, granted: &Granted, identity: &Identity) -> Self {
        let (state, what) = state(language, &running.mode);
        let sites = match &running.mode {
            Mode::Open(sites) | Mode::Close(sites) => sites.as_deref().unwrap_or_default(),
            Mode::Exam(sites) => sites,
        };
        let account = granted.account();
        Self {
            number: running.number,
            state,
            what,
            label: whom(language, running),
            until: time_of_day::hour(language, running.until),
            until_utc: running.until.to_string(),
            sites: sites.iter().map(Domain::as_str).collect::<Vec<_>>().join(", "),
            may_undo: running.by == account.id || running.whom.may_be_decided_by(account, identity).is_ok(),
        }
    }
}

/// The style's word and the page's for what a decision does.
pub(super) fn state(language: Language, mode: &Mode) -> (&'static str, &'static str) {
    let words = TeacherWords::of(language);
    match mode {
        Mode::Open(None) => ("open", words.is_open),
        Mode::Open(Some(_)) => ("open", words.site_is_open),
        Mode::Close(_) => ("closed", words.is_closed),
        Mode::Exam(_) => ("waiting", words.is_exam),
    }
}

/// What was decided, as a sentence.
pub(super) fn decided(language: Language, running: &Running) -> String {
    let what = match &running.mode {
        Mode::Open(Some(sites)) if !sites.is_empty() => {
            format!("{}\u{a0}: {}", state(language, &running.mode).1, sites[0])
        }
        mode => String::from(state(language, mode).1),
    };
    language.decided(&what, &whom(language, running), &time_of_day::hour(language, running.until))
}

/// Whom it is for, as a sentence says it.
fn whom(language: Language, running: &Running) -> String {
    match &running.whom {
        Whom::Class(class) => language.the_class(class.as_str()),
        Whom::Room(_) => language.the_room(&running.label),
        Whom::Pupil(_) => running.label.to_string(),
    }
}

/// How long something can be decided for, as values and texts of buttons.
pub(super) fn choices(
    language: Language,
    openings: &Openings,
    is_exam: bool,
    now: Moment,
) -> Vec<(String, String)> {
    let minutes = if is_exam { EXAM_MINUTES } else { MINUTES };
    let mut choices: Vec<_> =
        minutes.iter().map(|count| (count.to_string(), language.minutes(*count))).collect();
    let lesson_end = openings.lesson_end(now);
    if let Some(end) = crate::admin::Lasts::Lesson.until(now, lesson_end) {
        let hour = time_of_day::hour(language, end);
        choices.push((String::from(LESSON), language.until_lesson_ends(&hour)));
    }
    choices
}

/// The page of those a decision is for.
pub(super) fn path(whom: &Whom, handles: &super::Handles) -> String {
    match whom {
        Whom::Class(class) => class_path(class.as_str()),
        Whom::Room(room) => room_path(room.as_str()),
        Whom::Pupil(id) => pupil_path(&handles.of(id)),
    }
}

pub(super) fn class_path(name: &str) -> String {
    format!("/enseignant/classe/{}", query_value(name))
}

pub(super) fn room_path(name: &str) -> String {
    format!("/enseignant/salle/{}", query_value(name))
}

pub(super) fn pupil_path(handle: &str) -> String {
    format!("/enseignant/eleve/{handle}")
}
