//! `/enseignant`: a teacher's classes and the rooms, what runs, how many requests wait.

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use axum::{
    Extension,
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::told::{Told, class_path, room_path, state};
use crate::{
    admin::{Act, Granted, Running, State as Standing, Whom},
    identity::SessionView,
    model::{Account, ClassName, Device, Role, RoomName},
    portal::{
        asked::Asked,
        language::Language,
        navigation::Place,
        page::{Frame, written},
        secure::{Secure, html, see_other},
        visitor::Visitor,
        words::TeacherWords,
    },
};

/// The words of a page that is not for somebody.
pub(super) fn not_yours(language: Language) -> (&'static str, &'static str) {
    let words = TeacherWords::of(language);
    (words.not_yours, words.not_yours_text)
}

/// What a redirect says that happened.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Happened {
    /// The number of the decision that was taken.
    pub(super) fait: Option<String>,
    /// Present after one was undone.
    pub(super) annule: Option<String>,
    /// Present after a request was answered.
    pub(super) repondu: Option<String>,
}

/// A class or a room in a list.
#[derive(Debug)]
struct Card {
    path: String,
    name: String,
    state: Option<(&'static str, &'static str)>,
    count: String,
}

#[derive(Debug, Template)]
#[template(path = "portal/teacher/overview.html")]
struct OverviewPage<'a> {
    frame: Frame<'a>,
    words: &'static TeacherWords,
    notice: Option<&'static str>,
    /// How many requests wait, in words; empty where none does.
    waiting: String,
    told: Vec<Told>,
    classes: Vec<Card>,
    rooms: Vec<Card>,
}

pub(super) async fn show(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    Query(happened): Query<Happened>,
    asked: Asked,
) -> Response {
    let language = asked.language;
    let granted = match secure.granted(&visitor, &asked, Act::SeeClasses, not_yours(language)) {
        Ok(granted) => granted,
        Err(page) => return *page,
    };
    let account = granted.account();
    let running = secure.acts.openings.running().borrow().clone();
    let seen = running.iter().filter(|one| is_seen(one, &granted, &secure));
    let told = seen.map(|one| Told::new(language, one, &granted, &secure.identity)).collect();
    let words = TeacherWords::of(language);
    let page = OverviewPage {
        frame: secure
            .house
            .frame(language, asked.switch("/enseignant", None))
            .at(account.role, Place::Classes),
        words,
        notice: happened.annule.map(|_| words.undone),
        waiting: secure.waiting(language, account).await,
        told,
        classes: secure.class_cards(language, account, &running),
        rooms: secure.room_cards(language, &running),
    };
    html(StatusCode::OK, written(&page))
}

/// What only answers forms leads back to the classes.
pub(super) async fn lead_back() -> Response {
    see_other("/enseignant")
}

/// Whether a decision is shown among one's own: one took it, or it is for one's classes. Rooms are everybody's.
fn is_seen(running: &Running, granted: &Granted, secure: &Secure) -> bool {
    let account = granted.account();
    running.by == account.id || running.whom.may_be_decided_by(account, &secure.identity).is_ok()
}

impl Secure {
    /// How many requests wait for an answer of `account`, in words.
    async fn waiting(&self, language: Language, account: &Arc<Account>) -> String {
        let actor = crate::admin::Actor(Arc::clone(account));
        let Ok(granted) = crate::admin::may(&actor, Act::AnswerRequests) else { return String::new() };
        // Where the disk refuses, the page of requests says so.
        let requests = self.acts.requests.to_answer(&granted).await.unwrap_or_default();
        match requests.iter().filter(|request| request.state == Standing::Asked).count() {
            0 => String::new(),
            count => language.requests_wait(count),
        }
    }

    fn class_cards(&self, language: Language, account: &Account, running: &[Running]) -> Vec<Card> {
        let sessions = self.identity.sessions_now();
        let classes = self.classes_of(account).into_iter();
        let card = |class: ClassName| {
            let all = self.identity.accounts(|pupil| is_pupil_of(pupil, &class)).len();
            let here: BTreeSet<_> = sessions
                .iter()
                .filter(|session| is_pupil_of(&session.account, &class))
                .map(|session| &session.account.id)
                .collect();
            Card {
                path: class_path(class.as_str()),
                name: class.as_str().to_owned(),
                state: heard(language, running, &Whom::Class(class.clone())),
                count: language.signed_in(here.len(), all),
            }
        };
        classes.map(card).collect()
    }

    fn room_cards(&self, language: Language, running: &[Running]) -> Vec<Card> {
        let sessions = self.identity.sessions_now();
        let devices = self.identity.devices();
        let rooms: BTreeSet<_> = devices.iter().filter_map(|device| device.room.clone()).collect();
        let card = |room: RoomName| Card {
            path: room_path(room.as_str()),
            name: room.as_str().to_owned(),
            state: heard(language, running, &Whom::Room(room.clone())),
            count: language.people_there(in_room(&room, &devices, &sessions).count()),
        };
        rooms.into_iter().map(card).collect()
    }

    /// The classes `account` decides for: a teacher's own, the referent's all.
    fn classes_of(&self, account: &Account) -> BTreeSet<ClassName> {
        match account.role {
            Role::Referent => {
                let pupils = self.identity.accounts(|account| account.role == Role::Eleve);
                pupils.iter().flat_map(|pupil| pupil.classes.iter().cloned()).collect()
            }
            _ => account.classes.iter().cloned().collect(),
        }
    }
}

/// Whether `account` is a pupil of `class`.
pub(super) fn is_pupil_of(account: &Account, class: &ClassName) -> bool {
    account.role == Role::Eleve && account.classes.contains(class)
}

/// The sessions on the machines of `room`.
pub(super) fn in_room<'a>(
    room: &'a RoomName,
    devices: &'a [Arc<Device>],
    sessions: &'a [SessionView],
) -> impl Iterator<Item = &'a SessionView> {
    sessions.iter().filter(move |session| {
        let stands_there = |device: &&Arc<Device>| device.mac == session.machine;
        devices.iter().find(stands_there).is_some_and(|device| device.room.as_ref() == Some(room))
    })
}

/// The state of those for whom something was decided: an exam is heard first, then what was decided last.
pub(super) fn heard(
    language: Language,
    running: &[Running],
    whom: &Whom,
) -> Option<(&'static str, &'static str)> {
    use crate::policy::Mode;
    let theirs = running.iter().filter(|one| one.whom == *whom);
    let last = theirs.max_by_key(|one| (matches!(one.mode, Mode::Exam(_)), one.from));
    last.map(|one| state(language, &one.mode))
}
