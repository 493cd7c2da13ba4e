//! The page of one class, room or pupil: who is there, what runs, and the forms to decide.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::{
    Extension,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};

use super::{
    overview::{Happened, heard, in_room, is_pupil_of, not_yours},
    told::{EVENING, Told, choices, decided, path, pupil_path},
};
use crate::{
    admin::{Act, Granted, NotDone, Running, Whom},
    identity::SessionView,
    model::{Account, Assurance, ClassName, Role, RoomName},
    portal::{
        asked::Asked,
        language::Language,
        navigation::Place,
        page::{Frame, written},
        secure::{Secure, home_link, html},
        time_of_day,
        visitor::Visitor,
        words::{TeacherWords, told_not_done},
    },
};

#[derive(Debug, Template)]
#[template(path = "portal/teacher/whom.html")]
struct WhomPage<'a> {
    frame: Frame<'a>,
    words: &'static TeacherWords,
    title: String,
    path: String,
    /// The values by which the forms name them.
    kind: &'static str,
    name: String,
    /// What was just done, and the number by which it can be undone.
    done: Option<(String, Option<i64>)>,
    /// Why what was wanted did not happen.
    wrong: Option<String>,
    /// Whether the line is down: decisions count all the same.
    is_line_down: bool,
    forms: [ActForm; 4],
    told: Vec<Told>,
    /// Who is there; none on a pupil's own page.
    people: Option<People>,
}

/// The form of one act.
#[derive(Debug)]
struct ActForm {
    act: &'static str,
    title: &'static str,
    hint: &'static str,
    field: Option<SitesField>,
    choices: Vec<(String, String)>,
}

/// Where sites are typed.
#[derive(Debug)]
struct SitesField {
    label: &'static str,
    typed: String,
    is_long: bool,
    is_wrong: bool,
}

#[derive(Debug)]
struct People {
    title: &'static str,
    none: &'static str,
    rows: Vec<Row>,
}

/// One person and where they are signed in.
#[derive(Debug)]
struct Row {
    name: String,
    path: Option<String>,
    state: Option<(&'static str, &'static str)>,
    places: String,
    since: String,
    is_offline: bool,
}

/// What was wanted and did not happen: the page says so and keeps what was typed.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) status: StatusCode,
    pub(super) text: String,
    /// The act's value in the form.
    pub(super) act: String,
    pub(super) typed: String,
}

pub(super) async fn show_class(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Query(happened): Query<Happened>,
    asked: Asked,
) -> Response {
    secure.show_whom(&visitor, &asked, Some(Whom::Class(ClassName::new(&name))), &happened)
}

pub(super) async fn show_room(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Query(happened): Query<Happened>,
    asked: Asked,
) -> Response {
    secure.show_whom(&visitor, &asked, Some(Whom::Room(RoomName::new(&name))), &happened)
}

pub(super) async fn show_pupil(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    Path(handle): Path<String>,
    Query(happened): Query<Happened>,
    asked: Asked,
) -> Response {
    let pupil = secure.handles.find(&handle, &secure.identity);
    secure.show_whom(&visitor, &asked, pupil.map(|pupil| Whom::Pupil(pupil.id.clone())), &happened)
}

impl Secure {
    fn show_whom(
        &self,
        visitor: &Visitor,
        asked: &Asked,
        whom: Option<Whom>,
        happened: &Happened,
    ) -> Response {
        let granted = match self.granted(visitor, asked, Act::SeeClasses, not_yours(asked.language)) {
            Ok(granted) => granted,
            Err(page) => return *page,
        };
        let Some(whom) = whom else { return self.not_done_page(asked, &NotDone::Unknown) };
        if let Err(refused) = whom.may_be_decided_by(granted.account(), &self.identity) {
            return self.not_done_page(asked, &refused);
        }
        self.whom_page(asked, &granted, &whom, happened, None)
    }

    /// The page of those whom the one in `granted` may decide for, which was found out before.
    pub(super) fn whom_page(
        &self,
        asked: &Asked,
        granted: &Granted,
        whom: &Whom,
        happened: &Happened,
        wrong: Option<Wrong>,
    ) -> Response {
        let language = asked.language;
        let words = TeacherWords::of(language);
        let running = self.acts.openings.running().borrow().clone();
        let theirs = |one: &&Running| one.whom == *whom;
        let told = running.iter().filter(theirs);
        let told = told.map(|one| Told::new(language, one, granted, &self.identity)).collect();
        let path = path(whom, &self.handles);
        let (kind, name, title) = self.named(whom);
        let status = wrong.as_ref().map_or(StatusCode::OK, |wrong| wrong.status);
        let page = WhomPage {
            frame: self
                .house
                .frame(language, asked.switch(&path, None))
                .at(granted.account().role, Place::Classes),
            words,
            title,
            kind,
            name,
            done: done(language, happened, &running, whom),
            forms: self.forms(language, wrong.as_ref()),
            wrong: wrong.map(|wrong| wrong.text),
            is_line_down: self.sights.resolver.line().is_down(),
            told,
            people: self.people(language, granted, whom, &running),
            path,
        };
        html(status, written(&page))
    }

    /// The form's two values for `whom`, and what they are called.
    fn named(&self, whom: &Whom) -> (&'static str, String, String) {
        match whom {
            Whom::Class(class) => ("classe", class.as_str().to_owned(), class.as_str().to_owned()),
            Whom::Room(room) => ("salle", room.as_str().to_owned(), room.as_str().to_owned()),
            Whom::Pupil(id) => {
                let name = self.identity.account(id).map(|pupil| pupil.display_name.clone());
                ("eleve", self.handles.of(id), name.unwrap_or_default())
            }
        }
    }

    fn forms(&self, language: Language, wrong: Option<&Wrong>) -> [ActForm; 4] {
        let words = TeacherWords::of(language);
        let now = self.clock.now();
        let choices = |is_exam| choices(language, &self.acts.openings, is_exam, now);
        let field = |act: &str, label, is_long| {
            let mistaken = wrong.filter(|wrong| wrong.act == act);
            let typed = mistaken.map_or_else(String::new, |wrong| wrong.typed.clone());
            Some(SitesField { label, typed, is_long, is_wrong: mistaken.is_some() })
        };
        let mut of_site = choices(false);
        of_site.push((String::from(EVENING), String::from(words.until_evening)));
        [
            ActForm {
                act: "ouvrir",
                title: words.open,
                hint: words.open_hint,
                field: None,
                choices: choices(false),
            },
            ActForm {
                act: "fermer",
                title: words.close,
                hint: words.close_hint,
                field: None,
                choices: choices(false),
            },
            ActForm {
                act: "site",
                title: words.site,
                hint: words.site_hint,
                field: field("site", words.site_label, false),
                choices: of_site,
            },
            ActForm {
                act: "examen",
                title: words.exam,
                hint: words.exam_hint,
                field: field("examen", words.exam_label, true),
                choices: choices(true),
            },
        ]
    }

    fn people(
        &self,
        language: Language,
        granted: &Granted,
        whom: &Whom,
        running: &[Running],
    ) -> Option<People> {
        let words = TeacherWords::of(language);
        let sessions = self.identity.sessions_now();
        match whom {
            Whom::Class(class) => {
                let mut pupils = self.identity.accounts(|account| is_pupil_of(account, class));
                pupils.sort_by(|a, b| a.display_name.cmp(&b.display_name).then_with(|| a.id.cmp(&b.id)));
                let of = by_account(&sessions);
                let row = |pupil: &Arc<Account>| {
                    let theirs = of.get(&pupil.id).map_or(&[][..], Vec::as_slice);
                    self.pupil_row(language, pupil, theirs, running)
                };
                let rows = pupils.iter().map(row).collect();
                Some(People { title: words.pupils, none: words.no_pupils, rows })
            }
            Whom::Room(room) => {
                let devices = self.identity.devices();
                let there = in_room(room, &devices, &sessions);
                let rows =
                    there.map(|session| self.row_in_room(language, granted, session, running)).collect();
                Some(People { title: words.people, none: words.nobody_there, rows })
            }
            Whom::Pupil(_) => None,
        }
    }

    fn pupil_row(
        &self,
        language: Language,
        pupil: &Account,
        sessions: &[&SessionView],
        running: &[Running],
    ) -> Row {
        let since = sessions.iter().map(|session| session.since).min();
        let mut places: Vec<_> = sessions.iter().map(|session| self.place(language, session)).collect();
        places.sort_unstable();
        places.dedup();
        Row {
            name: pupil.display_name.clone(),
            path: Some(pupil_path(&self.handles.of(&pupil.id))),
            state: heard(language, running, &Whom::Pupil(pupil.id.clone())),
            places: places.join(", "),
            since: since.map_or_else(String::new, |since| time_of_day::hour(language, since)),
            is_offline: sessions.iter().any(|session| session.assurance == Assurance::Offline),
        }
    }

    /// Somebody in a room: by name where they are a pupil of a class of the one who looks, else by what they are.
    fn row_in_room(
        &self,
        language: Language,
        granted: &Granted,
        session: &SessionView,
        running: &[Running],
    ) -> Row {
        let words = TeacherWords::of(language);
        let pupil = &session.account;
        let is_theirs = || Whom::Pupil(pupil.id.clone()).may_be_decided_by(granted.account(), &self.identity);
        let named = pupil.role == Role::Eleve && is_theirs().is_ok();
        let row = self.pupil_row(language, pupil, &[session], running);
        if named {
            return row;
        }
        let name = String::from(match pupil.role {
            Role::Eleve => words.of_another_class,
            Role::Invite => words.visitor,
            Role::Enseignant | Role::Administratif | Role::Referent => words.staff,
        });
        Row { name, path: None, state: None, ..row }
    }

    /// Where a session is: the machine's room, its name, else the network.
    fn place(&self, language: Language, session: &SessionView) -> String {
        let device = self.identity.device(session.machine);
        if let Some(device) = device {
            return match &device.room {
                Some(room) => format!("{}, {}", room.as_str(), device.name),
                None => device.name.clone(),
            };
        }
        let zone = self.zones.iter().find(|zone| zone.name == session.zone);
        zone.map_or_else(String::new, |zone| String::from(language.zone(zone.kind)))
    }

    /// The page that says why an act did not happen.
    pub(super) fn not_done_page(&self, asked: &Asked, refused: &NotDone) -> Response {
        let language = asked.language;
        let words = TeacherWords::of(language);
        let (title, text) = match refused {
            NotDone::NotYours => (words.not_yours, words.not_yours_text),
            _ => (words.unknown, words.unknown_text),
        };
        let link = Some(home_link(language.words()));
        self.notice(asked, status_of(refused), title, text, link)
    }
}

/// The status of a refused act.
pub(super) fn status_of(refused: &NotDone) -> StatusCode {
    match refused {
        NotDone::NotYours => StatusCode::FORBIDDEN,
        NotDone::Unknown => StatusCode::NOT_FOUND,
        NotDone::Disk(_) => StatusCode::SERVICE_UNAVAILABLE,
        NotDone::Lasting | NotDone::Sites | NotDone::TooMany | NotDone::Text | NotDone::Locked { .. } => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }
}

impl Wrong {
    /// What is said of a refused act.
    pub(super) fn new(language: Language, refused: &NotDone, act: &str, typed: &str) -> Self {
        let (status, text) = (status_of(refused), told_not_done(language, refused));
        Self { status, text, act: act.to_owned(), typed: typed.to_owned() }
    }
}

fn by_account(sessions: &[SessionView]) -> HashMap<&crate::model::AccountId, Vec<&SessionView>> {
    let mut of: HashMap<_, Vec<_>> = HashMap::new();
    for session in sessions {
        of.entry(&session.account.id).or_default().push(session);
    }
    of
}

/// What the page says that happened.
fn done(
    language: Language,
    happened: &Happened,
    running: &[Running],
    whom: &Whom,
) -> Option<(String, Option<i64>)> {
    if happened.annule.is_some() {
        return Some((String::from(TeacherWords::of(language).undone), None));
    }
    let number: i64 = happened.fait.as_deref()?.parse().ok()?;
    let one = running.iter().find(|one| one.number == number && one.whom == *whom)?;
    Some((decided(language, one), Some(number)))
}
