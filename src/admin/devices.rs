//! The school's machines that pages register: kept in `school.sqlite`, in force at once and after each restart.
//!
//! The machines of the configuration are the technicians': their word on a machine goes first, and no page changes it.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use thiserror::Error;
use tokio::sync::watch;

use super::{Act, Granted, OneLine, Store, store::Traced};
use crate::{
    identity::Identity,
    model::{Device, DeviceKind, Mac, Moment, RoomName},
};

/// The registered machines on disk; `kind` is the word of configuration files.
pub(super) const TABLE: &str = "CREATE TABLE device (
        mac BLOB NOT NULL PRIMARY KEY CHECK (length(mac) = 6),
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        room TEXT
    ) STRICT, WITHOUT ROWID;";

/// Registered machines at most: a large school has a tenth of it, and all of them are held in memory.
const DEVICES_MAX: u32 = 10_000;

/// The register of machines. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub struct Devices {
    store: Store,
    identity: Identity,
    kept: watch::Sender<Vec<Device>>,
}

/// What pages say of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// What the school calls it.
    pub name: OneLine,
    /// What kind of machine it is.
    pub kind: DeviceKind,
    /// The room it stands in.
    pub room: Option<OneLine>,
}

/// Why a machine is not registered, changed or removed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DeviceRefusal {
    /// The configuration registers it, so technicians change it there.
    #[error("the configuration registers the machine")]
    Configured,
    /// It is registered already, under this name.
    #[error("the machine is registered already")]
    Registered(String),
    /// No page registered such a machine, or somebody has removed it meanwhile.
    #[error("the machine is not registered")]
    Unknown,
    /// There are as many machines as the box holds.
    #[error("there are too many machines")]
    TooMany,
    /// The address stands for many machines, or for none.
    #[error("the address is not of one machine")]
    NotOneMachine,
}

impl Devices {
    /// The register in `store`, put into force in `identity`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(store: Store, identity: Identity) -> anyhow::Result<Self> {
        let devices = store.read_at_start(all)?;
        identity.replace_devices_of_pages(devices.clone());
        Ok(Self { store, identity, kept: watch::Sender::new(devices) })
    }

    /// The machines that pages registered, told again at each change.
    #[must_use]
    pub fn kept(&self) -> watch::Receiver<Vec<Device>> {
        self.kept.subscribe()
    }

    /// Takes over what the school's box before this one had registered, but for machines that are registered here already;
    /// when this returns it is on disk and in force. How many were taken over. The trail is silent: nobody here decided it.
    ///
    /// # Errors
    /// When the disk refuses: then none was.
    pub async fn take_over(&self, before: Vec<Device>) -> anyhow::Result<usize> {
        let taken = self.store.write(move |on| {
            let room: u32 = on.query_row("SELECT count(*) FROM device", [], |row| row.get(0))?;
            let room = usize::try_from(DEVICES_MAX.saturating_sub(room)).unwrap_or(0);
            let mut taken = 0;
            for device in before.iter().filter(|device| is_of_one_machine(device.mac)).take(room) {
                let Ok(name) = OneLine::read(&device.name) else { continue };
                let room = device.room.as_ref().and_then(|room| OneLine::read(room.as_str()).ok());
                let (name, room) = (name.as_str(), room.as_ref().map(OneLine::as_str));
                taken += on.execute(TAKE, params![device.mac.bytes(), name, device.kind.word(), room])?;
            }
            Ok(taken)
        });
        let taken = taken.await?;
        self.publish(Ok::<_, DeviceRefusal>(taken)).await?.map_err(anyhow::Error::new)
    }

    /// Registers `machine`; when this returns it is on disk and in force.
    ///
    /// # Errors
    /// When the disk refuses. That it may not be registered is a value.
    pub async fn register(
        &self,
        granted: &Granted,
        machine: Mac,
        as_described: Described,
        now: Moment,
    ) -> anyhow::Result<Result<(), DeviceRefusal>> {
        granted.is_for(Act::KeepDevices)?;
        if !is_of_one_machine(machine) {
            return Ok(Err(DeviceRefusal::NotOneMachine));
        }
        if self.is_configured(machine) {
            return Ok(Err(DeviceRefusal::Configured));
        }
        let decided = self.store.act_and_tell(granted, now, move |on| {
            if let Some(known) = on.query_row(ONE, [machine.bytes()], |row| row.get(0)).optional()? {
                return Ok(Err(DeviceRefusal::Registered(known)));
            }
            let count: u32 = on.query_row("SELECT count(*) FROM device", [], |row| row.get(0))?;
            if count >= DEVICES_MAX {
                return Ok(Err(DeviceRefusal::TooMany));
            }
            on.execute(
                "INSERT INTO device (mac, name, kind, room) VALUES (?1, ?2, ?3, ?4)",
                params![
                    machine.bytes(),
                    as_described.name.as_str(),
                    as_described.kind.word(),
                    as_described.room.as_ref().map(OneLine::as_str)
                ],
            )?;
            Ok(Ok(Traced { result: (), what: format!("enregistre {} ({machine})", as_described.told()) }))
        });
        self.publish(decided.await?).await
    }

    /// Describes a machine that a page registered anew: its name, kind and room.
    ///
    /// # Errors
    /// When the disk refuses. That there is none is a value.
    pub async fn change(
        &self,
        granted: &Granted,
        machine: Mac,
        as_described: Described,
        now: Moment,
    ) -> anyhow::Result<Result<(), DeviceRefusal>> {
        granted.is_for(Act::KeepDevices)?;
        if self.is_configured(machine) {
            return Ok(Err(DeviceRefusal::Configured));
        }
        let decided = self.store.act_and_tell(granted, now, move |on| {
            let changed = on.execute(
                "UPDATE device SET name = ?2, kind = ?3, room = ?4 WHERE mac = ?1",
                params![
                    machine.bytes(),
                    as_described.name.as_str(),
                    as_described.kind.word(),
                    as_described.room.as_ref().map(OneLine::as_str)
                ],
            )?;
            if changed == 0 {
                return Ok(Err(DeviceRefusal::Unknown));
            }
            Ok(Ok(Traced { result: (), what: format!("modifie {} ({machine})", as_described.told()) }))
        });
        self.publish(decided.await?).await
    }

    /// Removes a machine that a page registered: it is nobody again.
    ///
    /// # Errors
    /// When the disk refuses. That there is none is a value.
    pub async fn remove(
        &self,
        granted: &Granted,
        machine: Mac,
        now: Moment,
    ) -> anyhow::Result<Result<(), DeviceRefusal>> {
        granted.is_for(Act::KeepDevices)?;
        let decided = self.store.act_and_tell(granted, now, move |on| {
            let name: Option<String> = on.query_row(ONE, [machine.bytes()], |row| row.get(0)).optional()?;
            let Some(name) = name else { return Ok(Err(DeviceRefusal::Unknown)) };
            on.execute("DELETE FROM device WHERE mac = ?1", [machine.bytes()])?;
            Ok(Ok(Traced { result: (), what: format!("retire {name} ({machine})") }))
        });
        self.publish(decided.await?).await
    }

    /// The machines that pages registered, by room and name.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn of_pages(&self) -> anyhow::Result<Vec<Device>> {
        self.store.read(all).await
    }

    fn is_configured(&self, machine: Mac) -> bool {
        self.identity.devices_of_configuration().iter().any(|device| device.mac == machine)
    }

    /// Puts what is on disk into force, where something was decided.
    async fn publish<T, R>(&self, decided: Result<T, R>) -> anyhow::Result<Result<T, R>> {
        if decided.is_ok() {
            let (identity, kept) = (self.identity.clone(), self.kept.clone());
            // Within the reading, so that of two acts at once the later one's state is what stays.
            self.store
                .read(move |on| {
                    let devices = all(on)?;
                    identity.replace_devices_of_pages(devices.clone());
                    kept.send_replace(devices);
                    Ok(())
                })
                .await?;
        }
        Ok(decided)
    }
}

impl Described {
    /// As the trail says it, in French.
    fn told(&self) -> String {
        let Self { name, kind, room } = self;
        match room {
            Some(room) => format!("« {name} », {}, {room}", kind.word()),
            None => format!("« {name} », {}", kind.word()),
        }
    }
}

const TAKE: &str =
    "INSERT INTO device (mac, name, kind, room) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (mac) DO NOTHING";

const ONE: &str = "SELECT name FROM device WHERE mac = ?1";

fn all(connection: &Connection) -> rusqlite::Result<Vec<Device>> {
    let mut query =
        connection.prepare("SELECT mac, name, kind, room FROM device ORDER BY room, name, mac")?;
    let rows = query.query_map([], device)?;
    rows.collect()
}

fn device(row: &Row<'_>) -> rusqlite::Result<Device> {
    Ok(Device {
        mac: Mac::new(row.get(0)?),
        name: row.get(1)?,
        // A kind that this version does not know gives the machine no more than any other has.
        kind: row.get::<_, String>(2)?.parse().unwrap_or(DeviceKind::Autre),
        room: row.get::<_, Option<String>>(3)?.as_deref().map(RoomName::new),
    })
}

/// Whether a network card can have this address: neither a group's (the lowest bit of the first byte) nor all zeros.
fn is_of_one_machine(machine: Mac) -> bool {
    machine.bytes() != [0; 6] && machine.bytes()[0] & 1 == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        admin::test_office::{Office, granted_to},
        identity::test_school::{address, machine, zone},
        model::{Role, Subject},
    };

    const BOARD: Mac = Mac::new([2, 0, 0x5e, 0x10, 0, 5]);

    fn described(name: &str, kind: DeviceKind, room: Option<&str>) -> Described {
        let room = room.map(|room| OneLine::read(room).unwrap());
        Described { name: OneLine::read(name).unwrap(), kind, room }
    }

    #[tokio::test]
    async fn a_registered_machine_counts_at_once_and_after_a_restart() {
        let office = Office::new();
        let granted = granted_to(Role::Referent, Act::KeepDevices);
        let now = office.now();
        let devices = Devices::open(office.store(), office.identity.clone()).unwrap();
        let nobody = |identity: &Identity| {
            matches!(identity.who(&zone("cdi", 10), address(5)).subject, Subject::Nobody)
        };
        assert!(nobody(&office.identity));
        let board = described("TBI 5", DeviceKind::Tableau, Some("Salle 5"));
        devices.register(&granted, BOARD, board, now).await.unwrap().unwrap();
        let Subject::Device(device) = office.identity.who(&zone("cdi", 10), address(5)).subject else {
            panic!("the machine is not registered")
        };
        assert_eq!((device.name.as_str(), device.room.as_ref().unwrap().as_str()), ("TBI 5", "Salle 5"));
        drop(devices);
        let (office, identity) = office.restarted();
        assert!(nobody(&identity));
        let devices = Devices::open(office.store(), identity.clone()).unwrap();
        assert!(!nobody(&identity));
        let printer = described("Imprimante", DeviceKind::Imprimante, None);
        devices.change(&granted, BOARD, printer, now).await.unwrap().unwrap();
        assert_eq!(identity.device(BOARD).unwrap().kind, DeviceKind::Imprimante);
        devices.remove(&granted, BOARD, now).await.unwrap().unwrap();
        assert!(nobody(&identity));
        let told: Vec<_> = office.store().done(9).await.unwrap().into_iter().map(|done| done.what).collect();
        assert_eq!(
            told,
            [
                "retire Imprimante (02:00:5e:10:00:05)",
                "modifie « Imprimante », imprimante (02:00:5e:10:00:05)",
                "enregistre « TBI 5 », tableau, Salle 5 (02:00:5e:10:00:05)",
            ]
        );
    }

    #[tokio::test]
    async fn what_the_box_before_had_registered_is_taken_over_and_nothing_here_is_written_over() {
        let office = Office::new();
        let devices = Devices::open(office.store(), office.identity.clone()).unwrap();
        let granted = granted_to(Role::Referent, Act::KeepDevices);
        let here = described("TBI d'ici", DeviceKind::Tableau, None);
        devices.register(&granted, BOARD, here, office.now()).await.unwrap().unwrap();
        let device = |mac, name: &str| Device {
            mac,
            name: name.to_owned(),
            kind: DeviceKind::Imprimante,
            room: Some(RoomName::new("Salle 7")),
        };
        let mut kept = devices.kept();
        kept.mark_unchanged();
        let before = vec![
            device(BOARD, "TBI d'avant"),
            device(machine(6), "Imprimante 6"),
            device(machine(7), "deux\u{202e}sens"),
            device(Mac::new([0xff; 6]), "Tous"),
        ];
        assert_eq!(devices.take_over(before.clone()).await.unwrap(), 1);
        assert!(kept.has_changed().unwrap());
        let names = |devices: &[Device]| devices.iter().map(|device| device.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&kept.borrow_and_update()), ["TBI d'ici", "Imprimante 6"]);
        assert_eq!(office.identity.device(machine(6)).unwrap().room, Some(RoomName::new("Salle 7")));
        assert_eq!(devices.take_over(before).await.unwrap(), 0, "a power cut may have it done twice");
        let (office, identity) = office.restarted();
        Devices::open(office.store(), identity.clone()).unwrap();
        assert_eq!(identity.device(machine(6)).unwrap().name, "Imprimante 6");
    }

    #[tokio::test]
    async fn what_may_not_be_registered_is_refused_and_leaves_no_trace() {
        let office = Office::new();
        let granted = granted_to(Role::Referent, Act::KeepDevices);
        let devices = Devices::open(office.store(), office.identity.clone()).unwrap();
        let board = || described("TBI 5", DeviceKind::Tableau, None);
        devices.register(&granted, BOARD, board(), office.now()).await.unwrap().unwrap();
        for (mac, refusal) in [
            (BOARD, DeviceRefusal::Registered("TBI 5".to_owned())),
            (machine(9), DeviceRefusal::Configured),
            (Mac::new([0xff; 6]), DeviceRefusal::NotOneMachine),
            (Mac::new([0; 6]), DeviceRefusal::NotOneMachine),
            (Mac::new([1, 0, 0x5e, 0, 0, 1]), DeviceRefusal::NotOneMachine),
        ] {
            let refused = devices.register(&granted, mac, board(), office.now()).await.unwrap();
            assert_eq!(refused, Err(refusal), "{mac}");
        }
        let (unknown, configured) = (machine(6), machine(9));
        let change = async |mac| devices.change(&granted, mac, board(), office.now()).await.unwrap();
        assert_eq!(change(unknown).await, Err(DeviceRefusal::Unknown));
        assert_eq!(change(configured).await, Err(DeviceRefusal::Configured));
        for mac in [unknown, configured] {
            let refused = devices.remove(&granted, mac, office.now()).await.unwrap();
            assert_eq!(refused, Err(DeviceRefusal::Unknown));
        }
        assert_eq!(office.store().done(9).await.unwrap().len(), 1);
        let other = granted_to(Role::Referent, Act::Announce);
        assert!(devices.remove(&other, BOARD, office.now()).await.is_err());
    }
}
