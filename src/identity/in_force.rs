//! Sessions as they come into force and end: prepared, kept on disk, put into force; ended, told, forgotten.
//!
//! One at a time: `enforce::sign_in` sees to it, and to what the journal must hold in between.

use std::net::IpAddr;

use anyhow::Context as _;
use tracing::warn;

use super::{
    Beginning, Ending, SessionToken, SessionView, SignInRefusal, Verified,
    attempts::Place,
    learned::{LearnRefusal, Learned},
    password::Verifier,
    people::{Identity, Tables},
    sessions::{Over, Proof, Start},
};
use crate::model::{AccountId, Assurance, DeviceKind, Mac, Moment, PresenceChange, Zone};

impl Identity {
    /// The session in force that `token` proves.
    #[must_use]
    pub fn session_by_token(&self, token: &SessionToken) -> Option<SessionView> {
        let tables = self.tables();
        let machine = tables.sessions.by_proof(token.digest())?;
        tables.sessions.of(machine)?.view(machine, self.now())
    }

    /// The session in force that a browser with `token` at `source` in `zone` may take along to its machine: one of another
    /// machine, begun in a zone of the same kind, where nobody is signed in yet.
    #[must_use]
    pub fn resumable(&self, token: &SessionToken, zone: &Zone, source: IpAddr) -> Option<SessionView> {
        let machine = self.machine_of(source).filter(|_| zone.contains(source.to_canonical()))?;
        let tables = self.tables();
        let from = tables.sessions.by_proof(token.digest()).filter(|from| *from != machine)?;
        let is_free = tables.sessions.of(machine).is_none_or(|held| held.person(self.now()).is_none());
        let session = tables.sessions.of(from).filter(|_| is_free)?;
        let of_this_kind = session.proof.is_some_and(|proof| proof.zone_kind == zone.kind);
        session.view(from, self.now()).filter(|_| of_this_kind)
    }

    /// Prepares the session of somebody verified on `machine`, which `token` will prove. It is not in force before
    /// [`Identity::commit`], and its presences must be in the journal before that.
    pub(crate) fn prepare(
        &self,
        verified: &Verified,
        token: &SessionToken,
        zone: &Zone,
        machine: Mac,
        from: IpAddr,
    ) -> Beginning {
        let now = self.now();
        let tables = self.tables();
        let until = self.until(&tables, machine, now);
        let of_role = self.settings().machines_max.of(verified.account.role);
        tables.sessions.prepare(Start {
            account: &verified.account,
            assurance: verified.assurance,
            proof: Proof { digest: token.digest(), zone_kind: zone.kind },
            zone: &zone.name,
            machine,
            from: from.to_canonical(),
            now,
            until: verified.grant.map_or(until, |grant| grant.until.min(until)),
            machines_max: verified.grant.map_or(of_role, |grant| grant.machines_max),
            moved_from: None,
        })
    }

    /// Prepares, as [`Identity::prepare`] does, that the session which `token` proves goes on at `machine` under another
    /// token, no longer than it would have, and ends where it was.
    ///
    /// # Errors
    /// [`SignInRefusal::NothingToResume`], where [`Identity::resumable`] finds none; too many tries.
    pub(crate) fn prepare_resumed(
        &self,
        (token, next): (&SessionToken, &SessionToken),
        zone: &Zone,
        machine: Mac,
        from: IpAddr,
    ) -> Result<Beginning, SignInRefusal> {
        self.with_attempts(|attempts, now| attempts.take_place(Place::Machine(machine), now))
            .map_err(|wait| SignInRefusal::TooManyTries { wait })?;
        let view = self.resumable(token, zone, from).ok_or(SignInRefusal::NothingToResume)?;
        let now = self.now();
        let tables = self.tables();
        Ok(tables.sessions.prepare(Start {
            account: &view.account,
            assurance: view.assurance,
            proof: Proof { digest: next.digest(), zone_kind: zone.kind },
            zone: &zone.name,
            machine,
            from: from.to_canonical(),
            now,
            until: view.until.min(self.until(&tables, machine, now)),
            machines_max: u8::MAX,
            moved_from: Some(view.machine),
        }))
    }

    /// When a session that begins on `machine` ends by itself.
    fn until(&self, tables: &Tables, machine: Mac, now: Moment) -> Moment {
        let is_shared = tables.device(machine).is_some_and(|device| device.kind == DeviceKind::Poste);
        let settings = self.settings();
        now + if is_shared { settings.shared_session_lifetime } else { settings.session_lifetime }
    }

    /// Writes a prepared session to disk and then puts it into force.
    ///
    /// # Errors
    /// When the disk refuses: the session does not begin.
    pub(crate) async fn commit(&self, beginning: Beginning) -> anyhow::Result<SessionView> {
        let (machine, to_keep) = (beginning.machine, beginning.clone());
        if let Err(cause) = self.with_store(move |store| store.begin(&to_keep)).await {
            self.tables_to_write().sessions.abandon(&beginning, self.now());
            self.changed();
            return Err(cause.context("cannot keep the session"));
        }
        let mut tables = self.tables_to_write();
        let Tables { roll, sessions, learned, .. } = &mut *tables;
        if beginning.session.assurance == Assurance::Online
            && let Some(learned) = learned.by_account.get_mut(&beginning.session.account_id)
        {
            learned.online_at = beginning.session.since;
        }
        sessions.commit(beginning);
        // The accounts may have changed since the password was verified.
        sessions.attach(|id| roll.account(id).cloned());
        let view = sessions.of(machine).and_then(|session| session.view(machine, self.now()));
        drop(tables);
        self.changed();
        view.context("the session was over before it began")
    }

    /// Ends the sessions on `machines` at once by `change`. Their ends are among the [`Identity::endings`] until they are
    /// written. Says whether there was any.
    pub(crate) async fn end(&self, machines: Vec<Mac>, change: PresenceChange) -> bool {
        let now = self.now();
        let ended: Vec<(Mac, Over)> = {
            let mut tables = self.tables_to_write();
            let end = |machine| Some((machine, tables.sessions.end(machine, now, change)?));
            machines.into_iter().filter_map(end).collect()
        };
        if ended.is_empty() {
            return false;
        }
        self.changed();
        if let Err(cause) = self.with_store(move |store| store.end(&ended)).await {
            // A restart before the next try would bring the sessions back.
            warn!(cause = format!("{cause:#}"), "cannot keep the end of a session");
        }
        true
    }

    /// The machines on which the person of `account` is signed in.
    pub(crate) fn machines_of_account(&self, account: &AccountId) -> Vec<Mac> {
        let sessions = self.sessions_now().into_iter();
        sessions.filter(|session| session.account.id == *account).map(|session| session.machine).collect()
    }

    /// Ends the sessions whose time is over or whose account is gone, and gives every end that is not forgotten yet.
    pub(crate) fn endings(&self) -> Vec<Ending> {
        let mut tables = self.tables_to_write();
        let any = tables.sessions.end_due(self.now());
        let endings = tables.sessions.endings();
        drop(tables);
        if any {
            self.changed();
        }
        endings
    }

    /// Forgets sessions whose ends are in the journal.
    ///
    /// # Errors
    /// When the disk refuses; they then stay among the endings, as written ones.
    pub(crate) async fn forget(&self, endings: Vec<Ending>) -> anyhow::Result<()> {
        {
            let mut tables = self.tables_to_write();
            endings.iter().for_each(|ending| tables.sessions.written(ending));
        }
        let keys: Vec<(Mac, Moment)> = endings.iter().map(|ending| (ending.machine, ending.since)).collect();
        self.with_store(move |store| store.forget(&keys)).await.context("cannot forget ended sessions")?;
        let mut tables = self.tables_to_write();
        for ending in &endings {
            tables.sessions.forget(ending);
        }
        Ok(())
    }

    /// The learned password of the person with the identifier `id`, where it is still good.
    pub(super) fn learned(&self, id: &AccountId) -> Option<Verifier> {
        let tables = self.tables();
        let learned = tables.learned.by_account.get(id)?;
        let is_good = self.now().since(learned.online_at) < self.settings().remember;
        is_good.then(|| learned.verifier.clone())
    }

    /// Keeps a password that was learned, on disk first.
    pub(super) async fn keep_learned(
        &self,
        id: AccountId,
        text: String,
        learned: Learned,
    ) -> Result<(), LearnRefusal> {
        let (key, now, online_at) = (id.clone(), self.now(), learned.online_at);
        let kept = self.with_store(move |store| store.learn(&key, &text, (now, online_at))).await;
        if let Err(cause) = kept {
            warn!(cause = format!("{cause:#}"), "cannot keep a learned password");
            return Err(LearnRefusal::NotKept);
        }
        self.tables_to_write().learned.by_account.insert(id, learned);
        Ok(())
    }

    /// Removes from disk the learned passwords of persons who are gone.
    ///
    /// # Errors
    /// When the disk refuses; the next call tries again.
    pub(crate) async fn forget_learned(&self) -> anyhow::Result<()> {
        let gone = std::mem::take(&mut self.tables_to_write().learned.gone);
        if gone.is_empty() {
            return Ok(());
        }
        let to_forget = gone.clone();
        let done = self.with_store(move |store| store.forget_learned(&to_forget)).await;
        if done.is_err() {
            self.tables_to_write().learned.gone.extend(gone);
        }
        done.context("cannot forget learned passwords")
    }
}
