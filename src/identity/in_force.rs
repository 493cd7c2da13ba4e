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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        identity::{
            EntMatch, Voucher, VoucherCode,
            test_school::{School, address, begin, begin_verified, machine, register, zone},
        },
        model::{Account, Role, ZoneKind},
    };

    /// Takes the session of `token` along to machine `number` in zone `cdi`, the journal left out.
    async fn resume(
        identity: &Identity,
        token: &SessionToken,
        number: u8,
    ) -> Result<(SessionView, SessionToken), SignInRefusal> {
        let next = SessionToken::random().unwrap();
        let (cdi, at, from) = (zone("cdi", 10), machine(number), address(number));
        let beginning = identity.prepare_resumed((token, &next), &cdi, at, from)?;
        Ok((identity.commit(beginning).await.unwrap(), next))
    }

    async fn verified(identity: &Identity, login: &str, password: &str) -> Verified {
        identity.verify(login, password, Some(machine(1)), address(1)).await.unwrap()
    }

    /// A voucher for one machine for an hour and a half, and its code.
    fn voucher(school: &School, machines_max: u8) -> (Voucher, VoucherCode) {
        let code = VoucherCode::random().unwrap();
        let account = Account {
            id: AccountId::new("voucher:1:1"),
            display_name: String::from("Visiteur 1"),
            role: Role::Invite,
            classes: Vec::new(),
        };
        let until = school.clock.now() + Duration::from_secs(1800);
        (Voucher { account, code: code.digest(), until, machines_max }, code)
    }

    #[tokio::test]
    async fn a_token_proves_its_session_before_and_after_a_restart_and_no_other() {
        let school = School::new();
        let identity = school.open();
        let camille = verified(&identity, "camille", "cerise").await;
        let (session, token) = begin_verified(&identity, &camille, 1).await;
        assert_eq!((session.machine, session.assurance), (machine(1), Assurance::Local));
        begin(&identity, "alix", "prune", 2).await;
        for identity in [identity, school.open()] {
            let proven = identity.session_by_token(&token).unwrap();
            assert_eq!((proven.account.id.as_str(), proven.machine), ("E1", machine(1)));
            assert!(identity.session_by_token(&SessionToken::random().unwrap()).is_none());
        }
        school.wait(Duration::from_secs(3600));
        assert!(school.open().session_by_token(&token).is_none());
    }

    #[tokio::test]
    async fn each_sign_in_has_a_token_of_its_own_and_the_one_before_proves_nothing() {
        let school = School::new();
        let identity = school.open();
        let camille = verified(&identity, "camille", "cerise").await;
        let (_, first) = begin_verified(&identity, &camille, 1).await;
        let (_, second) = begin_verified(&identity, &camille, 1).await;
        assert!(identity.session_by_token(&first).is_none());
        assert!(identity.session_by_token(&second).is_some());
    }

    #[tokio::test]
    async fn assurance_survives_a_restart() {
        let school = School::new();
        let identity = school.open();
        identity.replace_register(register(&[("SASHA", None)]));
        let sasha = identity.verified_by_ent("SASHA", EntMatch::Id).unwrap();
        begin_verified(&identity, &sasha, 1).await;
        let reopened = school.open();
        reopened.replace_register(register(&[("SASHA", None)]));
        assert_eq!(reopened.session_of(address(1)).unwrap().assurance, Assurance::Online);
    }

    #[tokio::test]
    async fn a_session_goes_along_to_a_new_hardware_address_and_ends_where_it_was() {
        let school = School::new();
        let identity = school.open();
        let camille = verified(&identity, "camille", "cerise").await;
        let (before, token) = begin_verified(&identity, &camille, 1).await;
        school.wait(Duration::from_secs(600));
        assert!(identity.resumable(&token, &zone("cdi", 10), address(2)).is_some());
        let (after, next) = resume(&identity, &token, 2).await.unwrap();
        assert_eq!((after.machine, after.until), (machine(2), before.until));
        assert!(identity.session_of(address(1)).is_none());
        assert_eq!(identity.count(), 1);
        // The token of before is worth nothing any more; the next one is.
        assert_eq!(resume(&identity, &token, 3).await.unwrap_err(), SignInRefusal::NothingToResume);
        resume(&identity, &next, 3).await.unwrap();
        assert_eq!(school.open().session_of(address(3)).unwrap().account.id.as_str(), "E1");
    }

    #[tokio::test]
    async fn what_has_ended_or_is_somebody_elses_place_is_not_taken_along() {
        let school = School::new();
        let identity = school.open();
        let camille = verified(&identity, "camille", "cerise").await;
        let (_, token) = begin_verified(&identity, &camille, 1).await;
        // On its own machine, where somebody else is signed in, from an address that is not of the zone.
        begin(&identity, "alix", "prune", 2).await;
        assert!(identity.resumable(&token, &zone("cdi", 10), address(1)).is_none());
        assert!(identity.resumable(&token, &zone("cdi", 10), address(2)).is_none());
        assert!(identity.resumable(&token, &zone("wifi", 20), address(3)).is_none());
        // Into a zone of another kind.
        let invites = Zone { kind: ZoneKind::Invites, ..zone("cdi", 10) };
        assert!(identity.resumable(&token, &invites, address(3)).is_none());
        assert!(identity.resumable(&token, &zone("cdi", 10), address(3)).is_some());
        identity.end(vec![machine(1)], PresenceChange::SignedOut).await;
        assert_eq!(resume(&identity, &token, 3).await.unwrap_err(), SignInRefusal::NothingToResume);
    }

    #[tokio::test]
    async fn guesses_at_a_token_are_slowed_on_their_machine_alone() {
        let school = School::new();
        let identity = school.open();
        let camille = verified(&identity, "camille", "cerise").await;
        let (_, token) = begin_verified(&identity, &camille, 1).await;
        let mut waits = 0;
        for _ in 0..100 {
            let refused = resume(&identity, &SessionToken::random().unwrap(), 2).await.unwrap_err();
            waits += usize::from(matches!(refused, SignInRefusal::TooManyTries { .. }));
        }
        assert_eq!(waits, 60);
        resume(&identity, &token, 3).await.unwrap();
    }

    #[tokio::test]
    async fn a_session_on_a_shared_computer_is_short_and_stays_so() {
        let school = School::new();
        let identity = school.open();
        let camille = verified(&identity, "camille", "cerise").await;
        let minutes = |session: &SessionView| session.until.since(session.since).as_secs() / 60;
        let (own, token) = begin_verified(&identity, &camille, 1).await;
        let (shared, _) = begin_verified(&identity, &camille, 8).await;
        assert_eq!((minutes(&own), minutes(&shared)), (60, 30));
        identity.end(vec![machine(8)], PresenceChange::SignedOut).await;
        let (moved, next) = resume(&identity, &token, 8).await.unwrap();
        assert_eq!(minutes(&moved), 30);
        assert_eq!(minutes(&resume(&identity, &next, 2).await.unwrap().0), 30);
    }

    #[tokio::test]
    async fn a_voucher_signs_in_until_its_end_and_on_its_machines_only() {
        let school = School::new();
        let identity = school.open();
        let (voucher, code) = voucher(&school, 1);
        identity.replace_vouchers([voucher]);
        let typed = code.text().to_lowercase();
        let guest = identity.verify_voucher(&typed, Some(machine(1)), address(1)).unwrap();
        let (session, _) = begin_verified(&identity, &guest, 1).await;
        assert_eq!(session.assurance, Assurance::Voucher);
        assert_eq!(session.until.since(session.since), Duration::from_secs(1800));
        begin_verified(&identity, &guest, 2).await;
        assert!(identity.session_of(address(1)).is_none());
        school.wait(Duration::from_secs(1800));
        assert!(identity.session_of(address(2)).is_none());
        let late = identity.verify_voucher(&typed, Some(machine(1)), address(1));
        assert_eq!(late.unwrap_err(), SignInRefusal::WrongCode);
    }

    #[tokio::test]
    async fn a_voucher_withdrawn_ends_its_session() {
        let school = School::new();
        let identity = school.open();
        let (voucher, code) = voucher(&school, 2);
        identity.replace_vouchers([voucher]);
        let guest = identity.verify_voucher(&code.text(), None, address(1)).unwrap();
        begin_verified(&identity, &guest, 1).await;
        identity.replace_vouchers([]);
        assert!(identity.session_of(address(1)).is_none());
        assert_eq!(
            identity.verify_voucher(&code.text(), None, address(1)).unwrap_err(),
            SignInRefusal::WrongCode
        );
    }

    #[tokio::test]
    async fn guesses_at_codes_are_slowed_on_a_machine_and_keep_nobody_from_a_password() {
        let school = School::new();
        let identity = school.open();
        let (voucher, code) = voucher(&school, 2);
        identity.replace_vouchers([voucher]);
        let mut looked_at = 0;
        for _ in 0..50 {
            let guess = VoucherCode::random().unwrap().text();
            let refused = identity.verify_voucher(&guess, Some(machine(1)), address(1)).unwrap_err();
            looked_at += usize::from(refused == SignInRefusal::WrongCode);
        }
        assert_eq!(looked_at, 10);
        let _ = verified(&identity, "camille", "cerise").await;
        assert!(identity.verify_voucher(&code.text(), Some(machine(2)), address(2)).is_ok());
        school.wait(Duration::from_secs(30));
        assert!(identity.verify_voucher(&code.text(), Some(machine(1)), address(1)).is_ok());
    }

    #[tokio::test]
    async fn guesses_at_codes_under_changing_hardware_addresses_are_slowed_in_all() {
        let school = School::new();
        let identity = school.open();
        let guess = VoucherCode::random().unwrap().text();
        let mut looked_at = 0;
        for number in 0..2000_u16 {
            let [high, low] = number.to_be_bytes();
            let refused =
                identity.verify_voucher(&guess, Some(Mac::new([2, 1, 0, 0, high, low])), address(1));
            looked_at += usize::from(refused.unwrap_err() == SignInRefusal::WrongCode);
        }
        assert_eq!(looked_at, 1000);
    }

    #[tokio::test]
    async fn sessions_now_are_those_in_force() {
        let school = School::new();
        let identity = school.open();
        begin(&identity, "camille", "cerise", 1).await;
        begin(&identity, "durand", "prune", 2).await;
        let mut now: Vec<_> =
            identity.sessions_now().into_iter().map(|view| (view.machine, view.zone)).collect();
        now.sort();
        let cdi = zone("cdi", 10).name;
        assert_eq!(now, [(machine(1), cdi.clone()), (machine(2), cdi)]);
        identity.end(vec![machine(1)], PresenceChange::Expired).await;
        assert_eq!(identity.sessions_now().len(), 1);
    }

    #[tokio::test]
    async fn a_file_of_the_first_version_keeps_its_sessions() {
        let school = School::new();
        let connection = rusqlite::Connection::open(school.dir.path().join("sessions.sqlite")).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE session (
                    machine BLOB NOT NULL PRIMARY KEY CHECK (length(machine) = 6),
                    account TEXT NOT NULL,
                    zone TEXT NOT NULL,
                    since INTEGER NOT NULL,
                    until INTEGER NOT NULL,
                    over_at INTEGER,
                    over_by INTEGER CHECK (over_by IN (3, 4)),
                    CHECK ((over_at IS NULL) = (over_by IS NULL))
                ) STRICT, WITHOUT ROWID;
                INSERT INTO session VALUES (X'02005E100001', 'E1', 'cdi', 1800000000000, 1800003600000, NULL, NULL);
                INSERT INTO session VALUES (X'02005E100002', 'E2', 'cdi', 1800000000000, 1800003600000, 1800000000000, 3);
                PRAGMA user_version = 1;",
            )
            .unwrap();
        drop(connection);
        for identity in [school.open(), school.open()] {
            let kept = identity.session_of(address(1)).unwrap();
            assert_eq!((kept.account.id.as_str(), kept.assurance), ("E1", Assurance::Local));
            assert!(identity.session_of(address(2)).is_none());
            assert_eq!(identity.endings().len(), 1);
        }
        assert!(!school.dir.path().join("sessions.sqlite.damaged").exists());
    }
}
