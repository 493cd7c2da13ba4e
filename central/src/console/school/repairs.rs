//! A technician's session at the school's box: opened with a reason, acts of a closed list, ended.

use std::sync::Arc;

use axum::{
    Extension, Form,
    extract::{Path, State, rejection::FormRejection},
};
use preau::protocol::repair::RepairAct;
use serde::Deserialize;

use crate::{
    authority::By,
    console::{
        message::{Message, go_saying},
        refusal::{Answer, Refused},
        road::Console,
        time,
        visit::Visit,
        words::RepairWords,
    },
    fleet::{
        observed::Seen,
        orders,
        repairs::{self, RepairRefused, Session},
        schools::School,
    },
    words::Right,
};

/// Sessions shown that are over.
const SHOWN_MAX: usize = 10;

/// What a technician asks for.
#[derive(Debug, Deserialize)]
pub(super) struct RepairForm {
    /// `ouvrir`, `terminer`, or the word of an act.
    acte: String,
    #[serde(default)]
    raison: String,
    #[serde(default)]
    minutes: String,
}

/// The sessions as the page shows them.
#[derive(Debug)]
pub(super) struct Repairs {
    pub(super) open: Option<OpenRow>,
    pub(super) past: Vec<PastRow>,
}

/// The session that is open.
#[derive(Debug)]
pub(super) struct OpenRow {
    pub(super) by: String,
    pub(super) reason: String,
    pub(super) until: String,
    /// Whether the box says that it is open there.
    pub(super) is_there: bool,
    /// Whether the visitor opened it.
    pub(super) is_own: bool,
    /// What may be done: the word and the name of each act.
    pub(super) acts: Vec<(&'static str, &'static str)>,
}

/// A session that is over.
#[derive(Debug)]
pub(super) struct PastRow {
    pub(super) by: String,
    pub(super) reason: String,
    pub(super) opened: String,
    pub(super) ended: String,
    pub(super) how: &'static str,
}

pub(super) async fn act(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(code): Path<String>,
    form: Result<Form<RepairForm>, FormRejection>,
) -> Answer {
    let database = &console.parts.database;
    let (school, granted) = visit.school(database, Right::Order, &code).await?;
    let Form(RepairForm { acte, raison, minutes }) = form?;
    let words = RepairWords::of(visit.language());
    let path = format!("/etablissement/{}", school.uai.as_str());
    let say = |message: Message| Ok(go_saying(&path, &message));
    let waiting = orders::waiting(database, Some(&school.uai), visit.now).await?;
    if waiting.len() >= orders::OPEN_MAX {
        return say(Message::Bad(words.too_many.to_owned()));
    }
    let (mut write, by) = (database.write().await?, By::Person(&granted));
    let (done, told) = match acte.as_str() {
        "ouvrir" => {
            let wanted = (raison.as_str(), minutes.parse().unwrap_or_default());
            let opened = repairs::open(&mut write, by, &school.uai, wanted, visit.now).await?;
            (opened.map(drop), words.opened)
        }
        "terminer" => (repairs::end(&mut write, by, &school.uai, visit.now).await?, words.ended_now),
        word => {
            let act = RepairAct::read(word).ok_or(Refused::Unread)?;
            let ordered = repairs::act(&mut write, by, &school.uai, act, visit.now).await?;
            (ordered.map(drop), words.ordered)
        }
    };
    match done {
        Ok(()) => {
            write.commit().await?;
            say(Message::Good(told.to_owned()))
        }
        Err(RepairRefused::AlreadyOpen) => say(Message::Bad(words.already_open.to_owned())),
        Err(RepairRefused::NotOpen) => say(Message::Bad(words.not_open.to_owned())),
        Err(RepairRefused::Malformed) => say(Message::Bad(words.malformed.to_owned())),
    }
}

/// The sessions of `school`, of which the box was last `seen` so.
pub(super) async fn shown(
    console: &Console,
    visit: &Visit,
    school: &School,
    seen: Option<&Seen>,
) -> anyhow::Result<Repairs> {
    let (words, language) = (RepairWords::of(visit.language()), visit.language());
    let told = seen.and_then(|seen| seen.report.repair.as_ref());
    let sessions = repairs::of(&console.parts.database, &school.uai).await?;
    let open = sessions.iter().find(|session| session.is_open(visit.now)).map(|session| OpenRow {
        by: session.by.clone(),
        reason: session.reason.clone(),
        until: time::written(language, session.ends),
        is_there: told.is_some_and(|told| told.session == session.session && told.ended.is_empty()),
        is_own: session.person == visit.actor().id.0,
        acts: RepairAct::ALL.map(|act| (act.word(), words.act(act))).to_vec(),
    });
    let past = |session: &Session| {
        let (ended, how) = match &session.ended {
            Some((at, why)) => (*at, words.how(why)),
            None => (session.ends, words.by_time),
        };
        PastRow {
            by: session.by.clone(),
            reason: session.reason.clone(),
            opened: time::written(language, session.opened),
            ended: time::written(language, ended),
            how,
        }
    };
    let over = sessions.iter().filter(|session| !session.is_open(visit.now));
    Ok(Repairs { open, past: over.take(SHOWN_MAX).map(past).collect() })
}
