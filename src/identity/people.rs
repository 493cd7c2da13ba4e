//! The people and machines of the school at this moment: the answer to "who is at this address".

use std::{
    collections::{HashMap, HashSet},
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use tracing::{debug, info, warn};

use super::{
    Directory, EntStanding, MachinesMax, SessionView, Voucher,
    attempts::Attempts,
    desks::Desks,
    doubles::{Doubles, Seen},
    learned::AllLearned,
    neighbours::{Learned, Neighbours},
    roll::{Roll, Vouchers},
    sessions::Sessions,
    sightings::{MachineSeen, Sightings},
    store::{Kept, Store},
};
use crate::{
    model::{
        Account, AccountId, Device, DeviceKind, Mac, Moment, Person, Presence, PresenceChange, Subject, Zone,
        ZoneName,
    },
    system::clock::Clock,
};

/// How often the log tells of hardware addresses at two places, at most.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// How long a connection may wait for the kernel's word of whom it comes from: on an overloaded box it took some tenths
/// of a second.
const HEARD_WAIT_MAX: Duration = Duration::from_secs(1);

/// Who is known, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The machines that need no sign-in, each hardware address once.
    pub devices: Vec<Device>,
    /// The directory of the file `sessions.sqlite`; made when it is missing.
    pub state_dir: PathBuf,
    /// How long a session lasts from sign-in.
    pub session_lifetime: Duration,
    /// How long one lasts on a computer that people share.
    pub shared_session_lifetime: Duration,
    /// Machines a person may be signed in on at once.
    pub machines_max: MachinesMax,
    /// How long after the last sign-in at the ENT a learned password is good.
    pub remember: Duration,
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
    /// Whether [`Identity::learn_zone`] wants to hear of each question.
    is_watched: bool,
}

impl Asker {
    const NOBODY: Self = Self { subject: Subject::Nobody, machine: None, news: None, is_watched: false };
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
    doubles: Mutex<AllDoubles>,
    desks: Desks,
    changes: watch::Sender<u64>,
    /// Told of each word of the kernel's on its neighbours.
    heard: watch::Sender<()>,
    ent: watch::Sender<EntStanding>,
    clock: Clock,
    settings: Settings,
}

/// Hardware addresses at two places at once.
#[derive(Debug)]
struct AllDoubles {
    between_ports: Doubles<u32>,
    between_zones: Doubles<ZoneName>,
    /// When the log last told of one.
    told_at: Option<Instant>,
}

impl AllDoubles {
    /// Tells the log of a double, once a minute at most: somebody may make them by the thousand.
    fn tell(&mut self, now: Instant) {
        if self.told_at.is_none_or(|told| now.saturating_duration_since(told) >= TELL_EVERY) {
            warn!("a hardware address is at two places at once; whoever is signed in there is signed out");
            self.told_at = Some(now);
        }
    }
}

/// What [`Identity::who`] looks in. Written in moments, never while anything waits.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) roll: Roll,
    /// The registered machines of the configuration, and those that pages registered.
    devices: [HashMap<Mac, Arc<Device>>; 2],
    neighbours: Neighbours,
    sightings: Sightings,
    pub(super) sessions: Sessions,
    pub(super) learned: AllLearned,
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
        let (store, Kept { sessions: restored, learned }) =
            Store::open(&dir.join("sessions.sqlite")).context("cannot open the sessions")?;
        info!(sessions = restored.len(), accounts = directory.count(), "people are known");
        let mut sessions = Sessions::default();
        for (machine, session) in restored {
            sessions.restore(machine, session);
        }
        sessions.attach(|id| directory.account(id).cloned());
        let tables = Tables {
            roll: Roll { local: Arc::new(directory), ..Roll::default() },
            devices: [by_machine(settings.devices.clone()), HashMap::new()],
            neighbours: Neighbours::default(),
            sightings: Sightings::default(),
            sessions,
            learned: AllLearned { by_account: learned, gone: Vec::new() },
        };
        Ok(Self {
            shared: Arc::new(Shared {
                tables: RwLock::new(tables),
                store: Mutex::new(store),
                attempts: Mutex::default(),
                doubles: Mutex::new(AllDoubles {
                    between_ports: Doubles::between_ports(),
                    between_zones: Doubles::between_zones(),
                    told_at: None,
                }),
                desks: Desks::open().context("cannot open the desks that verify passwords")?,
                changes: watch::Sender::new(0),
                heard: watch::Sender::new(()),
                ent: watch::Sender::new(EntStanding::None),
                clock,
                settings: settings.clone(),
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
            let is_watched = session.has_travelled || session.zone != zone.name;
            return Asker {
                subject: Subject::Person(account.clone()),
                machine: Some(machine),
                news,
                is_watched,
            };
        }
        // A computer that people share is nobody before somebody signs in on it.
        let device = tables.device(machine).filter(|device| device.kind != DeviceKind::Poste);
        let subject = device.cloned().map_or(Subject::Nobody, Subject::Device);
        let is_watched = matches!(subject, Subject::Device(_));
        Asker { subject, machine: Some(machine), news: None, is_watched }
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
        tables.sessions.of(machine)?.view(machine, self.shared.clock.now())
    }

    /// Every session in force, in no order.
    #[must_use]
    pub fn sessions_now(&self) -> Vec<SessionView> {
        self.tables().sessions.views(self.shared.clock.now())
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

    /// Returns as soon as the machine behind `source` is known, and without it after a second.
    ///
    /// For whoever holds a TCP connection from there. The kernel has answered it and so knows the machine, but its word
    /// takes a way of its own here: the first bytes of a machine that has just come, or has a new address, can be
    /// quicker on a busy box, and whoever sent them would be taken for nobody.
    pub async fn hear_of(&self, source: IpAddr) {
        let mut heard = self.shared.heard.subscribe();
        let known = async { while self.machine_of(source).is_none() && heard.changed().await.is_ok() {} };
        // Closed: whoever stays unknown is nobody to the judge.
        let _ = timeout(HEARD_WAIT_MAX, known).await;
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
        let (address, now) = (address.to_canonical(), self.shared.clock.now());
        let mut tables = self.tables_to_write();
        let learned = tables.neighbours.learn(address, machine);
        if let Some(machine) = machine {
            tables.sightings.note(machine, address, now);
        }
        drop(tables);
        self.shared.heard.send_replace(());
        match learned {
            Learned::Fits => {}
            Learned::Moved => self.changed(),
            Learned::TooMany => debug!("a machine claims too many addresses"),
            Learned::NoRoom => warn!("table of neighbours is full; a machine stays unknown"),
        }
    }

    /// Takes that a bridge learned `machine` behind the port that the kernel numbers `port`. Where the machine turns out
    /// to be two, the session on it ends, and so does each one begun while it is two: whoever sits there signs in again.
    pub fn learn_port(&self, machine: Mac, port: u32) {
        self.learn_port_at(machine, port, Instant::now());
    }

    fn learn_port_at(&self, machine: Mac, port: u32, now: Instant) {
        let seen = self.doubles_to_write().between_ports.see(machine, port, now);
        self.end_where_double(machine, seen);
    }

    /// Takes that `asker`, just found by [`Identity::who`], asked something in `zone`; as [`Identity::learn_port`] where
    /// the machine turns out to be two. A session that never left its zone costs nothing here.
    pub fn learn_zone(&self, zone: &Zone, asker: &Asker) {
        self.learn_zone_at(zone, asker, Instant::now());
    }

    fn learn_zone_at(&self, zone: &Zone, asker: &Asker, now: Instant) {
        let Some(machine) = asker.machine.filter(|_| asker.is_watched) else { return };
        let seen = self.doubles_to_write().between_zones.see(machine, zone.name.clone(), now);
        self.end_where_double(machine, seen);
        let is_new = |tables: &Tables| tables.sessions.of(machine).is_some_and(|held| !held.has_travelled);
        if matches!(asker.subject, Subject::Person(_)) && is_new(&self.tables()) {
            self.tables_to_write().sessions.travel(machine);
        }
    }

    fn end_where_double(&self, machine: Mac, seen: Seen) {
        match seen {
            Seen::Once => return,
            Seen::Double => self.doubles_to_write().tell(Instant::now()),
            Seen::StillDouble => {}
        }
        let now = self.shared.clock.now();
        // The end is not kept on disk before the journal holds it: a restart in between finds the double again.
        let ended = self.tables_to_write().sessions.end(machine, now, PresenceChange::Expired);
        if ended.is_some() {
            self.changed();
        }
    }

    /// How many hardware addresses were at two places at once within the last hour.
    #[must_use]
    pub fn doubles(&self) -> usize {
        let (doubles, now) = (self.doubles_to_write(), Instant::now());
        let machines = doubles.between_ports.of_the_hour(now).chain(doubles.between_zones.of_the_hour(now));
        machines.collect::<HashSet<_>>().len()
    }

    /// Puts other accounts of the school's own file in place. Roles and classes count from now; sessions whose account
    /// vanished give nothing any more, and end.
    pub fn replace_directory(&self, directory: Directory) {
        self.replace_roll(|roll| roll.local = Arc::new(directory));
    }

    /// Puts other persons of the directory in place, as [`Identity::replace_directory`] does for the own file's. The
    /// passwords that were learned of persons who are gone go with them.
    pub fn replace_register(&self, register: Directory) {
        let register = Arc::new(register);
        let known = register.clone();
        self.tables_to_write().learned.keep(|id| known.account(id).is_some());
        self.replace_roll(|roll| roll.register = register);
    }

    /// Puts other vouchers in place, as [`Identity::replace_directory`] does for the own file's accounts: who holds one
    /// that is not among them any more is out.
    pub fn replace_vouchers(&self, vouchers: impl IntoIterator<Item = Voucher>) {
        let vouchers = Arc::new(Vouchers::of(vouchers));
        self.replace_roll(|roll| roll.vouchers = vouchers);
    }

    fn replace_roll(&self, change: impl FnOnce(&mut Roll)) {
        let mut tables = self.tables_to_write();
        change(&mut tables.roll);
        let Tables { roll, sessions, .. } = &mut *tables;
        sessions.attach(|id| roll.account(id).cloned());
        drop(tables);
        self.changed();
    }

    /// The person with the identifier `id`, where the directory knows them.
    #[must_use]
    pub fn person(&self, id: &AccountId) -> Option<Arc<Person>> {
        self.tables().roll.person(id).cloned()
    }

    /// The account with the identifier `id`.
    #[must_use]
    pub fn account(&self, id: &AccountId) -> Option<Arc<Account>> {
        self.tables().roll.account(id).cloned()
    }

    /// The accounts that `keep` keeps, in no order.
    #[must_use]
    pub fn accounts(&self, keep: impl Fn(&Account) -> bool) -> Vec<Arc<Account>> {
        self.tables().roll.accounts().filter(|account| keep(account)).cloned().collect()
    }

    /// Puts other registered machines of the configuration in place.
    pub fn replace_devices(&self, devices: Vec<Device>) {
        self.tables_to_write().devices[0] = by_machine(devices);
        self.changed();
    }

    /// Puts other machines that pages registered in place; the configuration's word on a machine goes first.
    pub fn replace_devices_of_pages(&self, devices: Vec<Device>) {
        self.tables_to_write().devices[1] = by_machine(devices);
        self.changed();
    }

    /// The registered machines of the configuration, in no order.
    #[must_use]
    pub fn devices_of_configuration(&self) -> Vec<Arc<Device>> {
        self.tables().devices[0].values().cloned().collect()
    }

    /// The machines on the network within the last hour, the one that came last first.
    #[must_use]
    pub fn machines_seen(&self) -> Vec<MachineSeen> {
        let tables = self.tables();
        let is_there = |machine, address| tables.neighbours.machine(address) == Some(machine);
        tables.sightings.seen(self.shared.clock.now(), is_there)
    }

    /// Every registered machine, in no order.
    #[must_use]
    pub fn devices(&self) -> Vec<Arc<Device>> {
        let tables = self.tables();
        let [configured, of_pages] = &tables.devices;
        let further = of_pages.values().filter(|device| !configured.contains_key(&device.mac));
        configured.values().chain(further).cloned().collect()
    }

    /// The registered machine with the hardware address `machine`.
    #[must_use]
    pub fn device(&self, machine: Mac) -> Option<Arc<Device>> {
        self.tables().device(machine).cloned()
    }

    pub(super) fn roll(&self) -> Roll {
        self.tables().roll.clone()
    }

    pub(super) fn desks(&self) -> &Desks {
        &self.shared.desks
    }

    pub(super) fn ent_standing(&self) -> &watch::Sender<EntStanding> {
        &self.shared.ent
    }

    /// Where people are kept on disk.
    pub(crate) fn state_dir(&self) -> &Path {
        &self.shared.settings.state_dir
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    pub(super) fn now(&self) -> Moment {
        self.shared.clock.now()
    }

    pub(super) fn with_attempts<T>(&self, act: impl FnOnce(&mut Attempts, Moment) -> T) -> T {
        let now = self.shared.clock.now();
        act(&mut self.shared.attempts.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    fn doubles_to_write(&self) -> MutexGuard<'_, AllDoubles> {
        self.shared.doubles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `act` on the store, on a thread that may wait for the disk.
    pub(super) async fn with_store<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Store) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let shared = self.shared.clone();
        let done = tokio::task::spawn_blocking(move || {
            act(&mut shared.store.lock().unwrap_or_else(PoisonError::into_inner))
        });
        Ok(done.await.context("the daemon is stopping")??)
    }

    pub(super) fn changed(&self) {
        self.shared.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(super) fn tables(&self) -> RwLockReadGuard<'_, Tables> {
        self.shared.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tables_to_write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.shared.tables.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    pub(super) fn device(&self, machine: Mac) -> Option<&Arc<Device>> {
        self.devices.iter().find_map(|devices| devices.get(&machine))
    }
}

fn by_machine(devices: Vec<Device>) -> HashMap<Mac, Arc<Device>> {
    devices.into_iter().map(|device| (device.mac, Arc::new(device))).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::{
        identity::{SessionToken, SignInRefusal, Verified},
        model::{Attachment, ClassName, DefaultVerdict, Quic, Role, SignIn, Uai, ZoneKind},
    };

    /// `cerise` and `prune` with parameters that tests can afford.
    const ACCOUNTS: &str = "id,login,name,role,classes,password
E1,camille,Camille,eleve,6A,CERISE
E2,alix,Alix,eleve,6A,PRUNE
P1,durand,M. Durand,enseignant,6A,PRUNE
";

    /// A school with an own clock and state directory.
    pub(crate) struct School {
        pub(crate) dir: tempfile::TempDir,
        pub(crate) clock: Clock,
        time: Arc<AtomicI64>,
    }

    impl School {
        pub(crate) fn new() -> Self {
            let time = Arc::new(AtomicI64::new(1_800_000_000_000));
            let read = time.clone();
            let clock = Clock::from_fn(move || Moment::from_unix_milliseconds(read.load(Ordering::Relaxed)));
            Self { dir: tempfile::tempdir().unwrap(), clock, time }
        }

        pub(crate) fn wait(&self, time: Duration) {
            self.time.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
        }

        /// The clock is set back by `time`.
        pub(crate) fn set_back(&self, time: Duration) {
            self.time.fetch_sub(i64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
        }

        /// The daemon's start: whoever was signed in still is. Machine n has the address 10.10.0.n.
        pub(crate) fn open(&self) -> Identity {
            let device = |number, name: &str, kind| Device {
                mac: machine(number),
                name: name.to_owned(),
                kind,
                room: None,
            };
            let settings = Settings {
                devices: vec![
                    device(9, "TBI salle 12", DeviceKind::Tableau),
                    device(8, "CDI 8", DeviceKind::Poste),
                ],
                state_dir: self.dir.path().to_owned(),
                session_lifetime: Duration::from_secs(3600),
                shared_session_lifetime: Duration::from_secs(1800),
                machines_max: MachinesMax::default(),
                remember: Duration::from_secs(60 * 86_400),
            };
            let identity = Identity::open(&settings, directory(ACCOUNTS), self.clock.clone()).unwrap();
            for number in 1..=9 {
                identity.learn_neighbour(address(number), Some(machine(number)));
            }
            identity
        }
    }

    fn directory(accounts: &str) -> Directory {
        static HASHES: std::sync::LazyLock<[String; 2]> =
            std::sync::LazyLock::new(|| ["cerise", "prune"].map(cheap_hash));
        let [cerise, prune] = &*HASHES;
        let csv =
            accounts.replace("CERISE", &format!("\"{cerise}\"")).replace("PRUNE", &format!("\"{prune}\""));
        Directory::parse(csv.as_bytes()).unwrap()
    }

    fn cheap_hash(password: &str) -> String {
        use argon2::{Argon2, Params, PasswordHash, PasswordHasher as _};
        let argon2 = Argon2::new(
            argon2::Algorithm::Argon2id,
            argon2::Version::V0x13,
            Params::new(64, 1, 1, None).unwrap(),
        );
        let hash: PasswordHash = argon2.hash_password(password.as_bytes()).unwrap();
        hash.to_string()
    }

    pub(crate) fn machine(number: u8) -> Mac {
        Mac::new([2, 0, 0x5e, 0x10, 0, number])
    }

    pub(crate) fn address(number: u8) -> IpAddr {
        IpAddr::from([10, 10, 0, number])
    }

    pub(crate) fn zone(name: &str, third: u8) -> Zone {
        Zone {
            name: name.parse().unwrap(),
            kind: ZoneKind::Pedagogique,
            interface: Arc::from("ped0"),
            ipv4: format!("10.{third}.0.1/22").parse().unwrap(),
            ipv6: format!("fd00:{third}::1/64").parse().unwrap(),
            sign_in: SignIn::Required,
            default: DefaultVerdict::Allow,
            quic: Quic::Reject,
            tunnel: crate::model::TunnelAccess::None,
            services: Vec::new(),
        }
    }

    /// Signs `login` in on a machine of zone `cdi`, the journal left out.
    pub(crate) async fn begin(identity: &Identity, login: &str, password: &str, number: u8) {
        let verified =
            identity.verify(login, password, Some(machine(number)), address(number)).await.unwrap();
        begin_verified(identity, &verified, number).await;
    }

    /// As [`begin`], for somebody verified already; with the token for their browser.
    pub(crate) async fn begin_verified(
        identity: &Identity,
        verified: &Verified,
        number: u8,
    ) -> (SessionView, SessionToken) {
        let token = SessionToken::random().unwrap();
        let place = (zone("cdi", 10), machine(number), address(number));
        let beginning = identity.prepare(verified, &token, &place.0, place.1, place.2);
        (identity.commit(beginning).await.unwrap(), token)
    }

    /// The person with the identifier and login `id`, in class 6A.
    pub(crate) fn person(id: &str) -> Person {
        let school = Uai::new("0809999Z").unwrap();
        let classes = vec![ClassName::new("6A")];
        Person {
            id: AccountId::new(id),
            login: Some(id.to_lowercase()),
            family_name: String::from("Exemple"),
            given_name: String::from(id),
            birth_date: None,
            role: Role::Eleve,
            schools: vec![Attachment { school, classes, groups: Vec::new() }],
        }
    }

    /// The directory of persons, each with the password that was delivered, if one was.
    pub(crate) fn register(persons: &[(&str, Option<&str>)]) -> Directory {
        let persons = persons.iter().map(|(id, password)| (person(id), password.map(cheap_hash)));
        Directory::of_persons(persons, &Uai::new("0809999Z").unwrap()).unwrap()
    }

    /// Who is at the machine's IPv4 address: an account's identifier, a device's name, or nothing.
    fn at(identity: &Identity, number: u8) -> String {
        name(&identity.who(&zone("cdi", 10), address(number)))
    }

    fn name(asker: &Asker) -> String {
        match &asker.subject {
            Subject::Person(account) => account.id.as_str().to_owned(),
            Subject::Device(device) => device.name.clone(),
            Subject::Nobody => String::new(),
        }
    }

    #[tokio::test]
    async fn a_person_is_whoever_signed_in_on_the_machine_behind_the_address() {
        let school = School::new();
        let identity = school.open();
        assert_eq!(at(&identity, 1), "");
        begin(&identity, "Camille ", "cerise", 1).await;
        assert_eq!([at(&identity, 1), at(&identity, 2), at(&identity, 9)], ["E1", "", "TBI salle 12"]);
        assert_eq!(identity.who(&zone("cdi", 10), address(1)).machine, Some(machine(1)));
        assert_eq!(identity.count(), 1);
        assert_eq!(identity.session_of(address(1)).unwrap().account.display_name, "Camille");
        assert!(identity.session_of(address(2)).is_none());
    }

    #[tokio::test]
    async fn a_restart_keeps_everybody_signed_in() {
        let school = School::new();
        begin(&school.open(), "camille", "cerise", 1).await;
        let identity = school.open();
        assert_eq!(at(&identity, 1), "E1");
        school.wait(Duration::from_secs(3600));
        assert_eq!(at(&identity, 1), "");
    }

    #[tokio::test]
    async fn a_restart_does_not_bring_back_who_signed_out() {
        let school = School::new();
        let identity = school.open();
        begin(&identity, "camille", "cerise", 1).await;
        assert!(identity.end(vec![machine(1)], PresenceChange::SignedOut).await);
        assert_eq!(at(&identity, 1), "");
        let reopened = school.open();
        assert_eq!(at(&reopened, 1), "");
        let endings = reopened.endings();
        assert_eq!(endings[0].presence().unwrap().change, PresenceChange::SignedOut);
        reopened.forget(endings).await.unwrap();
        assert!(reopened.endings().is_empty());
        assert!(school.open().endings().is_empty());
    }

    #[tokio::test]
    async fn a_damaged_file_of_sessions_is_moved_aside_and_people_sign_in_again() {
        let school = School::new();
        begin(&school.open(), "camille", "cerise", 1).await;
        let path = school.dir.path().join("sessions.sqlite");
        for damage in [b"not a database at all, but long enough to look at".as_slice(), b"x"] {
            fs::write(&path, damage).unwrap();
            let identity = school.open();
            assert_eq!(at(&identity, 1), "");
            begin(&identity, "camille", "cerise", 1).await;
            assert_eq!(at(&identity, 1), "E1");
            drop(identity);
            assert!(school.dir.path().join("sessions.sqlite.damaged").exists());
        }
        assert_eq!(at(&school.open(), 1), "E1");
    }

    #[tokio::test]
    async fn a_file_of_a_later_version_is_moved_aside() {
        let school = School::new();
        drop(school.open());
        let connection = rusqlite::Connection::open(school.dir.path().join("sessions.sqlite")).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        drop(school.open());
        assert!(school.dir.path().join("sessions.sqlite.damaged").exists());
    }

    #[tokio::test]
    async fn a_further_address_is_news_until_the_journal_holds_it() {
        let school = School::new();
        let identity = school.open();
        begin(&identity, "camille", "cerise", 1).await;
        let cdi = zone("cdi", 10);
        assert!(identity.who(&cdi, address(1)).news.is_none());
        let temporary: IpAddr = "fd00:10::1234".parse().unwrap();
        assert_eq!(name(&identity.who(&cdi, temporary)), "");
        identity.learn_neighbour(temporary, Some(machine(1)));
        for _ in 0..2 {
            let asker = identity.who(&cdi, temporary);
            assert_eq!(name(&asker), "E1");
            assert_eq!(asker.news.unwrap().change, PresenceChange::AddressUsed(temporary));
        }
        identity.seen(&identity.who(&cdi, temporary).news.unwrap());
        assert!(identity.who(&cdi, temporary).news.is_none());
        assert_eq!(identity.session_of(temporary).unwrap().addresses, [address(1), temporary]);
    }

    #[tokio::test]
    async fn whoever_comes_before_the_kernels_word_is_waited_for_and_a_ghost_a_second_at_most() {
        let school = School::new();
        let identity = school.open();
        let new: IpAddr = "fd00:10::1234".parse().unwrap();
        let word = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            identity.learn_neighbour(address(9), Some(machine(9)));
            identity.learn_neighbour(new, Some(machine(1)));
        };
        tokio::join!(identity.hear_of(new), word);
        assert_eq!(identity.machine_of(new), Some(machine(1)));
        let began = Instant::now();
        identity.hear_of("fd00:10::5678".parse().unwrap()).await;
        assert!(began.elapsed() >= HEARD_WAIT_MAX);
    }

    #[tokio::test]
    async fn a_session_roams_with_its_machine_from_zone_to_zone() {
        let school = School::new();
        let identity = school.open();
        begin(&identity, "camille", "cerise", 1).await;
        let elsewhere = zone("wifi", 20);
        let there = IpAddr::from([10, 20, 0, 7]);
        identity.learn_neighbour(there, Some(machine(1)));
        let asker = identity.who(&elsewhere, there);
        assert_eq!(name(&asker), "E1");
        assert_eq!(asker.news.unwrap().zone, elsewhere.name);
    }

    #[tokio::test]
    async fn an_address_outside_the_zone_is_nobody() {
        let school = School::new();
        let identity = school.open();
        begin(&identity, "camille", "cerise", 1).await;
        let asker = identity.who(&zone("wifi", 20), address(1));
        assert_eq!((name(&asker), asker.machine), (String::new(), None));
    }

    #[tokio::test]
    async fn an_address_that_another_machine_takes_is_no_longer_the_person() {
        let school = School::new();
        let identity = school.open();
        begin(&identity, "camille", "cerise", 1).await;
        let mut changes = identity.changes();
        changes.mark_unchanged();
        identity.learn_neighbour(address(1), Some(machine(2)));
        assert!(changes.has_changed().unwrap());
        assert_eq!(at(&identity, 1), "");
        identity.learn_neighbour(address(1), None);
        assert_eq!(identity.who(&zone("cdi", 10), address(1)).machine, None);
    }

    #[tokio::test]
    async fn somebody_who_signs_in_at_a_registered_machine_is_asked_as_themselves() {
        let school = School::new();
        let identity = school.open();
        begin(&identity, "durand", "prune", 9).await;
        assert_eq!(at(&identity, 9), "P1");
        identity.end(vec![machine(9)], PresenceChange::SignedOut).await;
        assert_eq!(at(&identity, 9), "TBI salle 12");
        identity.replace_devices(Vec::new());
        assert_eq!(at(&identity, 9), "");
    }

    #[tokio::test]
    async fn other_accounts_count_at_once() {
        let school = School::new();
        let identity = school.open();
        begin(&identity, "camille", "cerise", 1).await;
        begin(&identity, "alix", "prune", 2).await;
        let changes = identity.changes();
        identity.replace_directory(directory(
            "id,login,name,role,classes,password\nE1,camille,Camille,referent,3B,CERISE\n",
        ));
        assert!(changes.has_changed().unwrap());
        let Subject::Person(camille) = identity.who(&zone("cdi", 10), address(1)).subject else { panic!() };
        assert_eq!(camille.role, Role::Referent);
        assert_eq!(at(&identity, 2), "");
        assert_eq!(identity.endings().len(), 1);
    }

    #[tokio::test]
    async fn a_wrong_login_and_a_wrong_password_are_refused_alike() {
        let school = School::new();
        let identity = school.open();
        for (login, password) in
            [("camille", "prune"), ("inconnu", "cerise"), ("", "cerise"), ("camille", ""), ("E1", "cerise")]
        {
            let refused = identity.verify(login, password, Some(machine(1)), address(1)).await;
            assert_eq!(refused.unwrap_err(), SignInRefusal::WrongCredentials, "{login}");
        }
        let endless = "a".repeat(100_000);
        for (login, password) in [("camille", endless.as_str()), (endless.as_str(), "cerise")] {
            let refused = identity.verify(login, password, Some(machine(2)), address(2)).await;
            assert_eq!(refused.unwrap_err(), SignInRefusal::WrongCredentials);
        }
        assert_eq!(identity.sign_ins_refused(), 7);
        begin(&identity, "camille", "cerise", 1).await;
        assert_eq!(identity.sign_ins_refused(), 7);
    }

    #[tokio::test]
    async fn one_pupil_cannot_lock_another_out() {
        let school = School::new();
        let identity = school.open();
        let mut waits = 0;
        for _ in 0..50 {
            let refused = identity.verify("camille", "guess", Some(machine(2)), address(2)).await;
            waits += usize::from(matches!(refused, Err(SignInRefusal::TooManyTries { .. })));
        }
        assert_eq!(waits, 45);
        let right = identity.verify("camille", "cerise", Some(machine(2)), address(2)).await;
        assert!(
            matches!(right, Err(SignInRefusal::TooManyTries { wait }) if wait <= Duration::from_secs(30))
        );
        begin(&identity, "camille", "cerise", 1).await;
        assert_eq!(at(&identity, 1), "E1");
    }

    #[tokio::test]
    async fn a_rush_of_a_whole_school_is_verified_and_nobody_told_to_come_back() {
        let school = School::new();
        let identity = school.open();
        let mut rush = tokio::task::JoinSet::new();
        for number in 0..=255_u8 {
            let identity = identity.clone();
            rush.spawn(async move {
                let from = IpAddr::from([10, 10, 1, number]);
                identity.verify(&format!("inconnu{number}"), "x", None, from).await.unwrap_err()
            });
        }
        let refusals = rush.join_all().await;
        assert!(!refusals.contains(&SignInRefusal::Busy));
        assert!(refusals.contains(&SignInRefusal::WrongCredentials));
    }

    /// Machine `number` seen by turns behind two ports, from second `from` to second `to` after `start`.
    fn use_twice(identity: &Identity, number: u8, start: Instant, (from, to): (u64, u64)) {
        for tenth in from * 10..to * 10 {
            let now = start + Duration::from_millis(tenth * 100);
            let port = if tenth % 2 == 0 { 1 } else { 2 };
            identity.learn_port_at(machine(number), port, now);
        }
    }

    #[tokio::test]
    async fn a_hardware_address_behind_two_ports_loses_its_session_and_each_one_begun_meanwhile() {
        let school = School::new();
        let identity = school.open();
        begin(&identity, "durand", "prune", 1).await;
        begin(&identity, "camille", "cerise", 2).await;
        let mut changes = identity.changes();
        changes.mark_unchanged();
        let start = Instant::now();
        use_twice(&identity, 1, start, (0, 3));
        assert_eq!([at(&identity, 1), at(&identity, 2)], ["P1", "E1"]);
        use_twice(&identity, 1, start, (3, 5));
        assert_eq!([at(&identity, 1), at(&identity, 2)], ["", "E1"]);
        assert!(changes.has_changed().unwrap());
        assert_eq!(identity.doubles(), 1);
        let endings = identity.endings();
        let ended: Vec<_> = endings.iter().filter_map(|ending| Some(ending.presence()?.change)).collect();
        assert_eq!(ended, [PresenceChange::Expired]);
        identity.forget(endings).await.unwrap();
        begin(&identity, "durand", "prune", 1).await;
        use_twice(&identity, 1, start, (5, 7));
        assert_eq!(at(&identity, 1), "");
    }

    #[tokio::test]
    async fn a_registered_machine_behind_two_ports_is_counted_and_keeps_its_rules() {
        let school = School::new();
        let identity = school.open();
        use_twice(&identity, 9, Instant::now(), (0, 5));
        assert_eq!((identity.doubles(), at(&identity, 9).as_str()), (1, "TBI salle 12"));
    }

    /// What the machine's address `from` asks in `zone` at `now`.
    fn ask_in(identity: &Identity, zone: &Zone, from: [u8; 4], now: Instant) {
        identity.learn_zone_at(zone, &identity.who(zone, IpAddr::from(from)), now);
    }

    #[tokio::test]
    async fn a_hardware_address_in_two_zones_at_once_loses_its_session_and_one_that_travels_does_not() {
        let school = School::new();
        let identity = school.open();
        let (home, other) = (zone("cdi", 10), zone("invites", 30));
        for number in [1, 2] {
            identity.learn_neighbour(IpAddr::from([10, 30, 0, number]), Some(machine(number)));
        }
        begin(&identity, "durand", "prune", 1).await;
        begin(&identity, "camille", "cerise", 2).await;
        let start = Instant::now();
        for second in 0..20 {
            let now = start + Duration::from_secs(second);
            ask_in(&identity, &home, [10, 10, 0, 1], now);
            ask_in(&identity, &other, [10, 30, 0, 1], now + Duration::from_millis(300));
            let (place, address) = if second < 10 { (&home, 10) } else { (&other, 30) };
            ask_in(&identity, place, [10, address, 0, 2], now);
        }
        assert_eq!([at(&identity, 1), at(&identity, 2)], ["", "E1"]);
        assert_eq!(identity.doubles(), 1);
    }

    #[tokio::test]
    async fn a_registered_machine_in_two_zones_at_once_is_counted() {
        let school = School::new();
        let identity = school.open();
        let (home, other) = (zone("cdi", 10), zone("invites", 30));
        identity.learn_neighbour(IpAddr::from([10, 30, 0, 9]), Some(machine(9)));
        for second in 0..20 {
            let now = Instant::now() + Duration::from_secs(second);
            ask_in(&identity, &home, [10, 10, 0, 9], now);
            ask_in(&identity, &other, [10, 30, 0, 9], now + Duration::from_millis(300));
        }
        assert_eq!(identity.doubles(), 1);
    }
}
