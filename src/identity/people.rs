//! The people and machines of the school at this moment: the answer to "who is at this address".

use std::{
    collections::HashMap,
    fs,
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use anyhow::Context as _;
use tokio::sync::watch;
use tracing::{info, warn};

use super::{
    Beginning, Directory, Ending, SessionView, Verified,
    attempts::Attempts,
    neighbours::{Learned, Neighbours},
    sessions::Sessions,
    sign_in::Desks,
    store::Store,
};
use crate::{
    model::{Device, Mac, Moment, Presence, PresenceChange, Subject, Zone},
    system::clock::Clock,
};

/// Who is known, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The machines that need no sign-in, each hardware address once.
    pub devices: Vec<Device>,
    /// The directory of the file `sessions.sqlite`; made when it is missing.
    pub state_dir: PathBuf,
    /// How long a session lasts from sign-in.
    pub session_lifetime: Duration,
}

/// Who stands behind a source address.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The person, the device, or nobody.
    pub subject: Subject,
    /// The machine's hardware address, where the neighbour table knows it.
    pub machine: Option<Mac>,
    /// A fact that the journal must hold before anything is done for the asker: the first use of an address. It comes
    /// again with every question until [`Identity::seen`] is told that the journal holds it.
    pub news: Option<Presence>,
}

impl Asker {
    const NOBODY: Self = Self { subject: Subject::Nobody, machine: None, news: None };
}

/// The people and machines of the school. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub struct Identity {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    tables: RwLock<Tables>,
    store: Mutex<Store>,
    attempts: Mutex<Attempts>,
    desks: Desks,
    changes: watch::Sender<u64>,
    clock: Clock,
    session_lifetime: Duration,
}

/// What [`Identity::who`] looks in. Written in moments, never while anything waits.
#[derive(Debug)]
struct Tables {
    directory: Arc<Directory>,
    devices: HashMap<Mac, Arc<Device>>,
    neighbours: Neighbours,
    sessions: Sessions,
}

impl Identity {
    /// The people of `directory` and the machines of `settings`, with the sessions that the last run left on disk. A
    /// damaged file of sessions is moved aside: people sign in again.
    ///
    /// # Errors
    /// When the state directory cannot be written.
    pub fn open(settings: &Settings, directory: Directory, clock: Clock) -> anyhow::Result<Self> {
        let dir = &settings.state_dir;
        fs::create_dir_all(dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
        let (store, restored) =
            Store::open(&dir.join("sessions.sqlite")).context("cannot open the sessions")?;
        info!(sessions = restored.len(), accounts = directory.count(), "people are known");
        let mut sessions = Sessions::default();
        for (machine, session) in restored {
            sessions.restore(machine, session);
        }
        sessions.attach(|id| directory.account(id).cloned());
        let tables = Tables {
            directory: Arc::new(directory),
            devices: by_machine(settings.devices.clone()),
            neighbours: Neighbours::default(),
            sessions,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                tables: RwLock::new(tables),
                store: Mutex::new(store),
                attempts: Mutex::default(),
                desks: Desks::default(),
                changes: watch::Sender::new(0),
                clock,
                session_lifetime: settings.session_lifetime,
            }),
        })
    }

    /// Who is at `source` in `zone`. Never waits.
    ///
    /// A person counts before the machine's registration: whoever signs in at a whiteboard is asked as themselves. Where
    /// the address is not of the zone, or its machine is not known, it is nobody.
    #[must_use]
    pub fn who(&self, zone: &Zone, source: IpAddr) -> Asker {
        let source = source.to_canonical();
        if !zone.contains(source) {
            return Asker::NOBODY;
        }
        let now = self.shared.clock.now();
        let tables = self.tables();
        let Some(machine) = tables.neighbours.machine(source) else { return Asker::NOBODY };
        let session = tables.sessions.of(machine);
        if let Some((session, account)) = session.and_then(|session| Some((session, session.person(now)?))) {
            let news = (!session.addresses.contains(&source)).then(|| Presence {
                at: now,
                account: account.id.clone(),
                zone: zone.name.clone(),
                machine,
                change: PresenceChange::AddressUsed(source),
            });
            return Asker { subject: Subject::Person(account.clone()), machine: Some(machine), news };
        }
        let subject = tables.devices.get(&machine).cloned().map_or(Subject::Nobody, Subject::Device);
        Asker { subject, machine: Some(machine), news: None }
    }

    /// Notes that the journal holds `news` of an [`Asker`]: it is not offered again.
    pub fn seen(&self, news: &Presence) {
        self.tables_to_write().sessions.seen(news);
    }

    /// Changes each time a session begins or ends, the accounts or devices change, or an address moves to another
    /// machine; live connections are then judged again.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// The session in force at the machine behind `source`.
    #[must_use]
    pub fn session_of(&self, source: IpAddr) -> Option<SessionView> {
        let tables = self.tables();
        let machine = tables.neighbours.machine(source.to_canonical())?;
        tables.sessions.of(machine)?.view(self.shared.clock.now())
    }

    /// How many sessions are in force.
    #[must_use]
    pub fn count(&self) -> usize {
        self.tables().sessions.count(self.shared.clock.now())
    }

    /// The machine behind `source`, where the neighbour table knows it.
    #[must_use]
    pub fn machine_of(&self, source: IpAddr) -> Option<Mac> {
        self.tables().neighbours.machine(source.to_canonical())
    }

    /// The other addresses in `zone` of the machine at `address`: a machine has one IPv4 address and several IPv6 ones.
    #[must_use]
    pub fn addresses_beside(&self, zone: &Zone, address: IpAddr) -> Vec<IpAddr> {
        let mut beside = self.tables().neighbours.addresses_beside(address.to_canonical());
        beside.retain(|other| zone.contains(*other));
        beside
    }

    /// Takes what the kernel's neighbour table says of `address`: its machine, or none (any more).
    pub fn learn_neighbour(&self, address: IpAddr, machine: Option<Mac>) {
        let learned = self.tables_to_write().neighbours.learn(address.to_canonical(), machine);
        match learned {
            Learned::Fits => {}
            Learned::Moved => self.changed(),
            Learned::NoRoom => warn!("table of neighbours is full; a machine stays unknown"),
        }
    }

    /// Puts other accounts in place. Roles and classes count from now; sessions whose account vanished give nothing any
    /// more, and end.
    pub fn replace_directory(&self, directory: Directory) {
        let mut tables = self.tables_to_write();
        tables.directory = Arc::new(directory);
        let Tables { directory, sessions, .. } = &mut *tables;
        sessions.attach(|id| directory.account(id).cloned());
        drop(tables);
        self.changed();
    }

    /// Puts other registered machines in place.
    pub fn replace_devices(&self, devices: Vec<Device>) {
        self.tables_to_write().devices = by_machine(devices);
        self.changed();
    }

    /// Prepares the session of somebody verified on `machine`. It is not in force before [`Identity::commit`], and its
    /// presences must be in the journal before that. One at a time: `enforce::sign_in` sees to it.
    pub(crate) fn prepare(&self, verified: &Verified, zone: &Zone, machine: Mac, from: IpAddr) -> Beginning {
        let now = self.shared.clock.now();
        let until = now + self.shared.session_lifetime;
        self.tables().sessions.prepare(
            &verified.account,
            &zone.name,
            machine,
            from.to_canonical(),
            (now, until),
        )
    }

    /// Writes a prepared session to disk and then puts it into force.
    ///
    /// # Errors
    /// When the disk refuses: the session does not begin.
    pub(crate) async fn commit(&self, beginning: Beginning) -> anyhow::Result<SessionView> {
        let (machine, to_keep) = (beginning.machine, beginning.clone());
        if let Err(cause) = self.with_store(move |store| store.begin(&to_keep)).await {
            let now = self.shared.clock.now();
            self.tables_to_write().sessions.abandon(&beginning, now);
            self.changed();
            return Err(cause.context("cannot keep the session"));
        }
        let mut tables = self.tables_to_write();
        let Tables { directory, sessions, .. } = &mut *tables;
        sessions.commit(beginning);
        // The accounts may have changed since the password was verified.
        sessions.attach(|id| directory.account(id).cloned());
        let view = sessions.of(machine).and_then(|session| session.view(self.shared.clock.now()));
        drop(tables);
        self.changed();
        view.context("the session was over before it began")
    }

    /// Ends the session at the machine behind `source` at once. Its end is among the [`Identity::endings`] until it is
    /// written. Says whether there was one.
    pub(crate) async fn sign_out(&self, source: IpAddr) -> bool {
        let now = self.shared.clock.now();
        let ended = self.machine_of(source).and_then(|machine| {
            let over = self.tables_to_write().sessions.sign_out(machine, now)?;
            Some((machine, over))
        });
        let Some((machine, over)) = ended else { return false };
        self.changed();
        if let Err(cause) = self.with_store(move |store| store.end(machine, over)).await {
            // A restart before the next try would bring the session back.
            warn!(cause = format!("{cause:#}"), "cannot keep the end of a session");
        }
        true
    }

    /// Ends the sessions whose time is over or whose account is gone, and gives every end that is not forgotten yet.
    pub(crate) fn endings(&self) -> Vec<Ending> {
        let now = self.shared.clock.now();
        let mut tables = self.tables_to_write();
        let any = tables.sessions.end_due(now);
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

    pub(super) fn directory(&self) -> Arc<Directory> {
        self.tables().directory.clone()
    }

    pub(super) fn desks(&self) -> &Desks {
        &self.shared.desks
    }

    pub(super) fn with_attempts<T>(&self, act: impl FnOnce(&mut Attempts, Moment) -> T) -> T {
        let now = self.shared.clock.now();
        act(&mut self.shared.attempts.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    /// Runs `act` on the store, on a thread that may wait for the disk.
    async fn with_store<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Store) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let shared = self.shared.clone();
        let done = tokio::task::spawn_blocking(move || {
            act(&mut shared.store.lock().unwrap_or_else(PoisonError::into_inner))
        });
        Ok(done.await.context("the daemon is stopping")??)
    }

    fn changed(&self) {
        self.shared.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn tables(&self) -> RwLockReadGuard<'_, Tables> {
        self.shared.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn tables_to_write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.shared.tables.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn by_machine(devices: Vec<Device>) -> HashMap<Mac, Arc<Device>> {
    devices.into_iter().map(|device| (device.mac, Arc::new(device))).collect()
}
