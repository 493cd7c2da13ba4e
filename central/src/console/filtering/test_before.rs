//! One question, answered as things are and with a draft, by the judge that boxes run.

use std::sync::Arc;

use askama::Template;
use axum::{Extension, extract::State, http::StatusCode};
use jiff::{civil::DateTime, tz::TimeZone};
use preau::{
    model::{DefaultVerdict, DeviceKind, Moment, Role, ZoneKind},
    policy::{Cause, Lock, Matched, Origin, Part, Verdict},
};
use serde::Deserialize;

use super::{
    places::{offered, place_name},
    whom::Choice,
};
use crate::{
    console::{
        language::Language,
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        time,
        visit::{Sought, Visit},
        words::{TestWords, word_name},
    },
    fleet::policy::{self, Answered, Asked, Draft, Judged, Who},
    words::{Place, Right},
};

/// How `datetime-local` fields write a moment (WHATWG HTML 2.3.5.5).
const FIELD_FORM: &str = "%Y-%m-%dT%H:%M";

#[derive(Debug, Template)]
#[template(path = "console/filtering_test.html")]
struct TestPage<'a> {
    frame: Frame<'a>,
    words: &'static TestWords,
    sought: &'a Question,
    place: String,
    /// Places that the field offers.
    offered: Vec<(String, String)>,
    at: String,
    drafts: Vec<Choice>,
    who: Vec<Choice>,
    zones: Vec<Choice>,
    is_closed_by_default: bool,
    error: Option<&'static str>,
    answers: Vec<Told>,
    /// What the draft does to the answer.
    outcome: Option<&'static str>,
    are_lists_unknown: bool,
}

/// The question as the address writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Question {
    lieu: String,
    brouillon: String,
    qui: String,
    classe: String,
    zone: String,
    defaut: String,
    adresse: String,
    quand: String,
}

/// One answer in words.
#[derive(Debug)]
struct Told {
    title: &'static str,
    is_allowed: bool,
    by: String,
    shown: Option<String>,
    later: Option<String>,
    remedies: Vec<String>,
    considered: Vec<(String, &'static str)>,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Sought(sought): Sought<Question>,
) -> Answer {
    visit.has(Right::See)?;
    let (database, language) = (&console.parts.database, visit.language());
    let words = TestWords::of(language);
    let mut drafts = Vec::new();
    for draft in policy::all_drafts(database).await? {
        if visit.may(database, Right::See, &draft.place).await.is_ok() {
            drafts.push(draft);
        }
    }
    let draft = drafts.iter().find(|draft| draft.id.to_string() == sought.brouillon);
    let named = if sought.lieu.trim().is_empty() {
        draft.map(|draft| draft.place.clone())
    } else {
        Place::read(sought.lieu.trim())
    };
    if let Some(place) = &named {
        visit.may(database, Right::See, place).await?;
    }
    let at = moment(&sought.quand);
    let (mut answers, mut error, mut outcome, mut are_lists_unknown) = (Vec::new(), None, None, false);
    if !sought.adresse.trim().is_empty() {
        let asked = named.clone().zip(if sought.quand.is_empty() { Some(visit.now) } else { at });
        match asked.and_then(|(place, at)| question(&sought, place, at)) {
            Some(asked) => match judged(&console, &asked, draft).await? {
                Some(answered) => {
                    outcome = draft.map(|_| if answered.is_changed() { words.changes } else { words.same });
                    are_lists_unknown = !answered.lists_known;
                    answers = told(language, &answered);
                }
                None => error = Some(words.wrong),
            },
            None => error = Some(words.wrong),
        }
    }
    let page = TestPage {
        frame: console.frame(&visit, Some(Here::Filtering)),
        words,
        place: named.as_ref().map_or_else(|| sought.lieu.clone(), Place::to_string),
        offered: offered(database, language).await?,
        at: field(at.unwrap_or(visit.now)),
        drafts: draft_choices(language, &drafts, draft),
        who: who_choices(language, &sought.qui),
        zones: ZoneKind::ALL
            .map(|kind| {
                Choice::new(kind.word(), word_name(language, kind.word()), kind.word() == sought.zone)
            })
            .into_iter()
            .collect(),
        is_closed_by_default: sought.defaut == "block",
        error,
        answers,
        outcome,
        are_lists_unknown,
        sought: &sought,
    };
    Ok(html(StatusCode::OK, &page))
}

/// The answer; none where the address is none, or boxes would not take the documents together.
async fn judged(
    console: &Console,
    asked: &Asked,
    draft: Option<&Draft>,
) -> Result<Option<Answered>, Refused> {
    let lists = console.parts.lists.borrow().clone();
    let database = &console.parts.database;
    let draft = draft.map(|draft| (&draft.place, &draft.document));
    // The database is asked first by itself: what fails after that is the question.
    policy::places(database).await?;
    Ok(policy::ask(database, &lists, asked, draft).await.ok())
}

fn question(sought: &Question, place: Place, at: Moment) -> Option<Asked> {
    let who = match sought.qui.split_once(':') {
        Some(("role", role)) => {
            let class = sought.classe.trim();
            let classes = Some(class).filter(|class| !class.is_empty()).map(str::to_owned);
            Who::Person { role: role.parse().ok()?, classes: classes.into_iter().collect() }
        }
        Some(("machine", kind)) => Who::Machine(kind.parse().ok()?),
        _ => Who::Nobody,
    };
    let zone = if sought.zone.is_empty() { ZoneKind::Pedagogique } else { sought.zone.parse().ok()? };
    let default = if sought.defaut == "block" { DefaultVerdict::Block } else { DefaultVerdict::Allow };
    Some(Asked { place, who, zone, default, address: sought.adresse.trim().to_owned(), at })
}

fn told(language: Language, answered: &Answered) -> Vec<Told> {
    let words = TestWords::of(language);
    match &answered.before {
        Some(before) => {
            vec![one(language, words.now, before), one(language, words.with_draft, &answered.now)]
        }
        None => vec![one(language, words.now, &answered.now)],
    }
}

fn one(language: Language, title: &'static str, judged: &Judged) -> Told {
    let (words, explanation) = (TestWords::of(language), &judged.explanation);
    let by = match &judged.spoke {
        Some(spoke) => {
            let version = spoke.version.map(|version| format!(", {} {version}", words.version));
            let place = place_name(language, &spoke.place);
            format!("{} « {} » {} {place}{}", words.rule, spoke.rule, words.of, version.unwrap_or_default())
        }
        None => words.no_rule.to_owned(),
    };
    let considered = explanation
        .considered
        .iter()
        .map(|considered| (considered.rule.id.to_string(), part_told(words, considered.part)));
    let later = explanation.changes.as_ref().map(|change| {
        let becomes = if matches!(change.verdict, Verdict::Allow(_)) { words.allowed } else { words.refused };
        format!("{} {} : {becomes}", words.later, time::written(language, change.at))
    });
    Told {
        title,
        is_allowed: judged.is_allowed(),
        by,
        shown: match &explanation.verdict {
            Verdict::Refuse(refusal) => Some(refusal.reason_fr()),
            Verdict::Allow(_) => None,
        },
        later,
        remedies: remedies(language, judged),
        considered: considered.collect(),
    }
}

/// What would change the answer, the nearest remedy first.
fn remedies(language: Language, judged: &Judged) -> Vec<String> {
    let words = TestWords::of(language);
    let verdict = &judged.explanation.verdict;
    let (origin, search) = match verdict {
        Verdict::Allow(permit) => (permit.origin(), permit.served_by()),
        Verdict::Refuse(refusal) => match &refusal.cause {
            Cause::Policy(origin) => (origin, None),
            Cause::SignInNeeded => return vec![words.sign_in.to_owned(), words.any_rule.to_owned()],
            Cause::NotRecorded => return Vec::new(),
        },
    };
    let search = search.map(|by| format!("{} « {} »", words.edit_search, by.rule.id));
    let mut remedies: Vec<String> = search.into_iter().collect();
    match origin {
        Origin::Rule { rule, matched } => {
            let place =
                judged.spoke.as_ref().map(|spoke| place_name(language, &spoke.place)).unwrap_or_default();
            remedies.push(format!("{} « {} » {} {place}", words.edit_rule, rule.id, words.of));
            let is_locked = rule.lock == Lock::Locked;
            if matches!(matched, Matched::Category { .. } | Matched::Engine(_) | Matched::Everything) {
                remedies.push(if is_locked { words.write_site_locked } else { words.write_site }.to_owned());
            }
            if is_locked {
                remedies.push(words.locked_there.to_owned());
            } else {
                remedies.extend([words.below.to_owned(), words.teacher.to_owned()]);
            }
        }
        Origin::ZoneDefault => remedies.extend([words.any_rule.to_owned(), words.teacher.to_owned()]),
        Origin::Evasion(_) => remedies.push(words.nothing_opens.to_owned()),
        // Neither is at central: no teacher has opened anything, and nobody signs in here.
        Origin::Opening { .. } | Origin::Welcome => {}
    }
    remedies
}

fn part_told(words: &TestWords, part: Part) -> &'static str {
    match part {
        Part::Spoke => words.spoke,
        Part::Stranger(_) => words.stranger,
        Part::OtherTime => words.other_time,
        Part::PathUnseen => words.unseen,
        Part::Outranked | Part::OtherSearchRule | Part::BehindOpening | Part::NameClosed => words.outranked,
        Part::BeforeSignIn => words.not_asked,
    }
}

fn draft_choices(language: Language, drafts: &[Draft], chosen: Option<&Draft>) -> Vec<Choice> {
    let choice = |draft: &Draft| {
        let text = format!("{} · {} ({})", draft.id, place_name(language, &draft.place), draft.author);
        Choice::new(&draft.id.to_string(), &text, chosen.is_some_and(|chosen| chosen.id == draft.id))
    };
    drafts.iter().map(choice).collect()
}

fn who_choices(language: Language, chosen: &str) -> Vec<Choice> {
    let words = TestWords::of(language);
    let roles =
        Role::ALL.map(|role| (format!("role:{}", role.word()), word_name(language, role.word()).to_owned()));
    let machines = DeviceKind::ALL.map(|kind| {
        let text = format!("{} : {}", words.machine, word_name(language, kind.word()));
        (format!("machine:{}", kind.word()), text)
    });
    let nobody = [("personne".to_owned(), words.nobody.to_owned())];
    let all = roles.into_iter().chain(machines).chain(nobody);
    all.map(|(value, text)| Choice::new(&value, &text, value == chosen)).collect()
}

/// The moment that a field says, in the time of Paris.
pub(super) fn moment(text: &str) -> Option<Moment> {
    let zone = TimeZone::get("Europe/Paris").ok()?;
    let zoned = DateTime::strptime(FIELD_FORM, text.trim()).ok()?.to_zoned(zone).ok()?;
    Some(Moment::from_unix_seconds(zoned.timestamp().as_second()))
}

/// The moment as a field says it.
pub(super) fn field(moment: Moment) -> String {
    time::form_of(moment, FIELD_FORM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_and_hour_are_those_of_paris() {
        let at = moment("2026-11-23T08:05").unwrap();
        assert_eq!(at, Moment::from_unix_seconds(1_795_417_500));
        assert_eq!(field(at), "2026-11-23T08:05");
        assert_eq!(moment("demain"), None);
    }
}
