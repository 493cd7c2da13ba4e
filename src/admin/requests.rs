//! What people ask to be opened, and what a teacher answers. Everything stays in the school and works without a line.
//!
//! The same site asked for by several of a class is one request. A teacher answers for the classes of their account, the
//! referent for everybody; what only the académie can open is passed on and kept for it.

use std::sync::Arc;

use tokio::sync::watch;

use super::{
    Act, Granted, Lasts, NotDone, Openings, Store, Whom,
    opening_table::Running,
    openings::{check_act, keep},
    request_table::{self, Asking, Request, State},
};
use crate::{
    model::{Account, ClassName, Domain, Moment, Role},
    policy::Mode,
};

/// Requests of one person that nobody has answered: keeps one from filling everybody's page.
const OF_A_PERSON_MAX: u32 = 10;

/// Requests in all.
const IN_ALL_MAX: u32 = 500;

/// The longest reason, in characters.
const REASON_CHARS_MAX: usize = 300;

/// What a teacher answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Open it, for so long.
    Open(Lasts),
    /// Do not, with a reason that may be empty.
    Refuse(String),
    /// Pass it on to the académie.
    PassOn,
}

/// What people ask to be opened. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub struct Requests {
    store: Store,
    openings: Openings,
    changes: Arc<watch::Sender<u64>>,
}

impl Requests {
    /// The requests in `store`; answers open by `openings`.
    #[must_use]
    pub fn new(store: Store, openings: Openings) -> Self {
        Self { store, openings, changes: Arc::new(watch::Sender::new(0)) }
    }

    /// Changes with each request and each answer.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Asks for `site` to be opened for `class`, one of the asker's own, or for the asker alone. Asking again changes the
    /// reason. Says the request's number.
    ///
    /// # Errors
    /// A refusal; nothing has then changed.
    pub async fn ask(
        &self,
        granted: &Granted,
        site: Domain,
        class: Option<ClassName>,
        reason: &str,
        now: Moment,
    ) -> Result<i64, NotDone> {
        check_act(granted, Act::AskToOpen)?;
        let account = granted.account();
        // The classes of a teacher's account are those they teach: they ask for themselves.
        let is_own = |class: &ClassName| account.role == Role::Eleve && account.classes.contains(class);
        if !class.iter().all(is_own) {
            return Err(NotDone::NotYours);
        }
        let asking = Asking { account: account.id.clone(), at: now, reason: plain(reason)? };
        let what = format!("demande {site}");
        let too_old = self.store.too_old(now, request_table::KEPT);
        let change = move |on: &rusqlite::Transaction<'_>| {
            request_table::forget_before(on, too_old)?;
            let number = request_table::add(on, &site, class.as_ref(), &asking)?;
            let (all, own) = request_table::counts(on, &asking.account)?;
            Ok(if all > IN_ALL_MAX || own > OF_A_PERSON_MAX { Err(NotDone::TooMany) } else { Ok(number) })
        };
        let number = self.store.act_unless(granted, what, now, change).await??;
        self.changes.send_modify(|count| *count += 1);
        Ok(number)
    }

    /// What the asker themselves asked for, the latest first.
    ///
    /// # Errors
    /// When the disk refuses, or the proof is for another act.
    pub async fn own(&self, granted: &Granted) -> Result<Vec<Request>, NotDone> {
        check_act(granted, Act::AskToOpen)?;
        let id = granted.account().id.clone();
        let mine = move |request: &Request| request.askers.iter().any(|asking| asking.account == id);
        Ok(self.store.read(move |on| request_table::all(on, mine)).await?)
    }

    /// What the one who answers may answer or has seen answered, the latest first.
    ///
    /// # Errors
    /// When the disk refuses, or the proof is for another act.
    pub async fn to_answer(&self, granted: &Granted) -> Result<Vec<Request>, NotDone> {
        check_act(granted, Act::AnswerRequests)?;
        let account = Arc::clone(granted.account());
        let theirs = move |request: &Request| may_answer(&account, request);
        Ok(self.store.read(move |on| request_table::all(on, theirs)).await?)
    }

    /// Answers request `number`. An opening counts when this returns.
    ///
    /// # Errors
    /// A refusal; nothing has then changed.
    pub async fn answer(
        &self,
        granted: &Granted,
        number: i64,
        answer: Answer,
        now: Moment,
    ) -> Result<Option<Running>, NotDone> {
        let theirs = self.to_answer(granted).await?;
        let request = theirs.into_iter().find(|request| request.number == number).ok_or(NotDone::Unknown)?;
        let (state, running, verb) = match answer {
            Answer::Open(lasts) => {
                let running = self.opening_for(granted.account(), &request, lasts, now)?;
                (State::Opened { at: now, until: running.until }, Some(running), "ouvre")
            }
            Answer::Refuse(reason) => (State::Refused { at: now, reason: plain(&reason)? }, None, "refuse"),
            Answer::PassOn => (State::PassedOn { at: now }, None, "transmet à l’académie"),
        };
        let whom = request.class.as_ref().map_or("une personne", ClassName::as_str);
        let what = format!("{verb} {} demandé par {whom}", request.site);
        let (by, kept) = (granted.account().id.clone(), running.clone());
        let change = move |on: &rusqlite::Transaction<'_>| {
            if !request_table::answer(on, number, &state, &by)? {
                return Ok(Err(NotDone::Unknown));
            }
            kept.map_or(Ok(Ok(None)), |running| Ok(keep(on, &running, now)?.map(Some)))
        };
        let opened = self.store.act_unless(granted, what, now, change).await??;
        self.changes.send_modify(|count| *count += 1);
        if opened.is_some() {
            self.openings.publish(now).await?;
        }
        Ok(running.zip(opened).map(|(running, number)| Running { number, ..running }))
    }

    fn opening_for(
        &self,
        by: &Account,
        request: &Request,
        lasts: Lasts,
        now: Moment,
    ) -> Result<Running, NotDone> {
        let whom = match (&request.class, request.askers.first()) {
            (Some(class), _) => Whom::Class(class.clone()),
            (None, Some(asking)) => Whom::Pupil(asking.account.clone()),
            (None, None) => return Err(NotDone::Unknown),
        };
        self.openings.prepared(by, whom, Mode::Open(Some(vec![request.site.clone()])), lasts, now)
    }
}

/// Whether `account` answers for those who ask.
fn may_answer(account: &Account, request: &Request) -> bool {
    match account.role {
        Role::Referent => true,
        Role::Enseignant => request.class.as_ref().is_some_and(|class| account.classes.contains(class)),
        Role::Eleve | Role::Administratif | Role::Invite => false,
    }
}

/// A text as people wrote it, on one line, within its bound.
fn plain(text: &str) -> Result<String, NotDone> {
    let plain = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let plain = plain.collect::<Vec<_>>().join(" ");
    if plain.chars().count() > REASON_CHARS_MAX { Err(NotDone::Text) } else { Ok(plain) }
}
