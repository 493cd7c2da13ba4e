//! What people ask to be opened, and what a teacher answers. Everything stays in the school and works without a line.
//!
//! The same site asked for by several of a class is one request. A teacher answers for the classes of their account, the
//! referent for everybody; what only the académie can open or close is passed on. It waits here until the académie's central
//! keeps it, and the answer stands where the request was made.

use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::watch;

use super::{
    Act, Granted, Lasts, NotDone, Openings, Store, Whom,
    opening_table::Running,
    openings::{check_act, keep},
    request_table::{self, Asking, Request, State, Wish},
};
use crate::{
    model::{Account, ClassName, Domain, Moment, Role},
    policy::Mode,
    protocol::line::PassedOn,
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
    /// Pass it on to the académie, with a word that may be empty.
    PassOn(String),
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

    /// Asks for `site` to be opened for `class`, one of the asker's own, or for the asker alone; or, as a teacher or the
    /// referent, to be closed. Asking again changes the reason. Says the request's number.
    ///
    /// # Errors
    /// A refusal; nothing has then changed.
    pub async fn ask(
        &self,
        granted: &Granted,
        site: Domain,
        wish: Wish,
        class: Option<ClassName>,
        reason: &str,
        now: Moment,
    ) -> Result<i64, NotDone> {
        check_act(granted, Act::AskToOpen)?;
        let account = granted.account();
        // The classes of a teacher's account are those they teach: they ask for themselves.
        let is_own = |class: &ClassName| account.role == Role::Eleve && account.classes.contains(class);
        if !class.iter().all(is_own) || wish == Wish::Close && !may_ask_to_close(account.role) {
            return Err(NotDone::NotYours);
        }
        let asking = Asking { account: account.id.clone(), at: now, reason: plain(reason)? };
        let what = match wish {
            Wish::Open => format!("demande {site}"),
            Wish::Close => format!("demande de fermer {site}"),
        };
        let too_old = self.store.too_old(now, request_table::KEPT);
        let change = move |on: &rusqlite::Transaction<'_>| {
            request_table::forget_before(on, too_old)?;
            let number = request_table::add(on, &site, wish, class.as_ref(), &asking)?;
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
            // Who answers a wish to close may only refuse it or pass it on.
            Answer::Open(_) if request.wish == Wish::Close => return Err(NotDone::NotYours),
            Answer::Open(lasts) => {
                let running = self.opening_for(granted.account(), &request, lasts, now)?;
                (State::Opened { at: now, until: running.until }, Some(running), "ouvre")
            }
            Answer::Refuse(reason) => (State::Refused { at: now, reason: plain(&reason)? }, None, "refuse"),
            Answer::PassOn(word) => {
                (State::PassedOn { at: now, word: plain(&word)? }, None, "transmet à l’académie")
            }
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

    /// What was passed on and is not kept by the académie's central yet; the rest once this is.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn untold(&self) -> anyhow::Result<Vec<PassedOn>> {
        self.store.read(request_table::untold).await
    }

    /// Notes that the académie's central keeps these.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn are_told(&self, told: Vec<PassedOn>) -> anyhow::Result<()> {
        self.store.read(move |on| told.iter().try_for_each(|one| request_table::is_told(on, one))).await
    }

    /// Keeps the académie's answer to request `number`, which was about `site`, for those who asked and those who answer.
    /// Says whether the request is still there.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn settle(
        &self,
        number: u64,
        site: String,
        granted: bool,
        sentence: &str,
        now: Moment,
    ) -> anyhow::Result<bool> {
        let sentence: String = on_one_line(sentence).chars().take(REASON_CHARS_MAX).collect();
        let settle = move |on: &Connection| request_table::settle(on, number, &site, granted, &sentence, now);
        let is_here = self.store.read(settle).await?;
        self.changes.send_modify(|count| *count += 1);
        Ok(is_here)
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

/// Whether somebody of `role` may ask for a site to be closed.
#[must_use]
pub fn may_ask_to_close(role: Role) -> bool {
    match role {
        Role::Referent | Role::Enseignant => true,
        Role::Eleve | Role::Administratif | Role::Invite => false,
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
    let plain = on_one_line(text);
    if plain.chars().count() > REASON_CHARS_MAX { Err(NotDone::Text) } else { Ok(plain) }
}

fn on_one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
