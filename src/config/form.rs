//! What the configuration file says by itself, without the files it names.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    sync::Arc,
    time::Duration,
};

use toml::Spanned;

use super::{
    address_plan::zones,
    central,
    fields::{interface, parsed, shown},
    file,
    library::Library,
    metrics,
    problem::Collector,
    services::Catalogue,
};
use crate::{
    identity::MachinesMax,
    lan::Bridge,
    model::{Device, DeviceKind, Domain, Mac, Role, RoomName, Uai, Zone},
    sync,
};

/// The longest a sign-in can last: a school day and its night.
const SESSION_HOURS_MAX: u64 = 24;

/// The longest a learned password is good after the last sign-in at the ENT: a school year and its holidays.
const REMEMBER_DAYS_MAX: u64 = 400;

/// Machines a person may be signed in on at once: more than twenty are a class behind one account.
const MACHINES: RangeInclusive<u8> = 1..=20;

/// Upstream resolvers: more would only make an outage last longer before it is answered.
const RESOLVERS_MAX: usize = 8;

/// Registered machines of a box: ten times the largest school's whiteboards and printers.
const DEVICES_MAX: usize = 10_000;

/// The school the box serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct School {
    /// Its name as people know it.
    pub name: String,
    /// Its code in the national register.
    pub uai: Uai,
}

/// The checked values. What is wrong is absent here and noted among the problems.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) school: Option<School>,
    pub(super) line_interface: Option<Arc<str>>,
    pub(super) upstreams: Vec<SocketAddr>,
    pub(super) zones: Vec<Arc<Zone>>,
    pub(super) bridges: Vec<Bridge>,
    pub(super) devices: Vec<Device>,
    pub(super) portal_name: Option<Domain>,
    pub(super) sessions: Sessions,
    pub(super) central: sync::Settings,
    pub(super) metrics: Option<SocketAddr>,
    pub(super) library: Option<Library>,
}

/// How long people stay signed in, and on how many machines.
#[derive(Debug)]
pub(super) struct Sessions {
    pub(super) lifetime: Duration,
    /// On a computer that people share.
    pub(super) shared_lifetime: Duration,
    pub(super) machines_max: MachinesMax,
    /// How long a learned password is good; the default where the school has no ENT.
    pub(super) remember: Duration,
}

impl Form {
    pub(super) fn of(written: &file::File, problems: &mut Collector<'_>) -> Self {
        let catalogue = Catalogue::of(&written.services, problems);
        let line_interface = written.line.interface.get_ref();
        let (zones, bridges) = zones(&written.zones, line_interface, &catalogue, problems);
        Self {
            school: school(&written.school, problems),
            line_interface: interface("line.interface", &written.line.interface, problems),
            upstreams: resolvers(&written.line.resolvers, &zones, problems),
            zones,
            bridges,
            devices: devices(&written.devices, problems),
            portal_name: portal_name(&written.portal.name, problems),
            sessions: sessions(&written.accounts, problems),
            central: central::settings(written.central.as_ref(), problems),
            metrics: metrics::listen(written.metrics.as_ref(), problems),
            library: Library::of(written.library.as_ref(), problems),
        }
    }
}

fn school(written: &file::School, problems: &mut Collector<'_>) -> Option<School> {
    let name = shown("school.name", &written.name, problems);
    let uai = Uai::new(written.uai.get_ref());
    if uai.is_none() {
        let what = format!(
            "school.uai: `{}` is not seven digits and a capital letter; write it such as `0809999Z`",
            written.uai.get_ref()
        );
        problems.at(&written.uai.span(), what);
    }
    Some(School { name: name?, uai: uai? })
}

fn resolvers(
    written: &Spanned<Vec<Spanned<String>>>,
    zones: &[Arc<Zone>],
    problems: &mut Collector<'_>,
) -> Vec<SocketAddr> {
    if written.get_ref().is_empty() {
        problems.at(&written.span(), "line.resolvers: no resolver; write at least one address");
    }
    if let Some(extra) = written.get_ref().get(RESOLVERS_MAX) {
        problems.at(&extra.span(), format!("line.resolvers: at most {RESOLVERS_MAX} are asked; remove some"));
    }
    let mut upstreams: Vec<SocketAddr> = Vec::new();
    for text in written.get_ref() {
        let address = text.get_ref();
        let parsed = address
            .parse::<SocketAddr>()
            .or_else(|_| address.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)));
        let what = match parsed {
            Err(_) => format!("`{address}` is no address; write such as `192.0.2.53` or `[2001:db8::53]:53`"),
            Ok(upstream) => match unfit_resolver(upstream, zones) {
                Some(why) => format!("`{address}` {why}; write a resolver's own address"),
                None if upstreams.contains(&upstream) => {
                    format!("`{address}` stands here twice; remove one")
                }
                None => {
                    upstreams.push(upstream);
                    continue;
                }
            },
        };
        problems.at(&text.span(), format!("line.resolvers: {what}"));
    }
    upstreams
}

/// Why no resolver can answer at this address through the line, if so.
fn unfit_resolver(upstream: SocketAddr, zones: &[Arc<Zone>]) -> Option<String> {
    let ip = upstream.ip();
    if ip.is_unspecified() || ip.is_multicast() || upstream.port() == 0 {
        return Some("is the address of no machine".to_owned());
    }
    let zone = zones.iter().find(|zone| zone.contains(ip))?;
    Some(format!("lies in zone `{}`, not behind the line", zone.name))
}

fn portal_name(written: &Spanned<String>, problems: &mut Collector<'_>) -> Option<Domain> {
    let name = written.get_ref();
    name.parse()
        .map_err(|error| {
            let what = format!(
                "portal.name: `{name}`: {error}; write a name of its own such as `portail.college.exemple`"
            );
            problems.at(&written.span(), what);
        })
        .ok()
}

/// Checks the registered machines.
fn devices(written: &[file::Device], problems: &mut Collector<'_>) -> Vec<Device> {
    if let Some(extra) = written.get(DEVICES_MAX) {
        problems.at(&extra.mac.span(), format!("device: a box knows at most {DEVICES_MAX} machines"));
    }
    let mut names: HashMap<Mac, &str> = HashMap::new();
    let mut devices = Vec::new();
    for device in written.iter().take(DEVICES_MAX) {
        let mac = parsed::<Mac>("device.mac", &device.mac, problems);
        let kind = parsed::<DeviceKind>("device.kind", &device.kind, problems);
        let name = shown("device.name", &device.name, problems);
        let (Some(mac), Some(kind), Some(name)) = (mac, kind, name) else { continue };
        if let Some(other) = names.insert(mac, device.name.get_ref()) {
            let what = format!("device.mac: `{mac}` is already registered as `{other}`; register it once");
            problems.at(&device.mac.span(), what);
        }
        let room = device.room.as_ref().and_then(|room| shown("device.room", room, problems));
        devices.push(Device { mac, name, kind, room: room.as_deref().map(RoomName::new) });
    }
    devices
}

fn sessions(written: &file::Accounts, problems: &mut Collector<'_>) -> Sessions {
    Sessions {
        lifetime: hours("accounts.session_hours", &written.session_hours, problems),
        shared_lifetime: hours("accounts.session_hours_shared", &written.session_hours_shared, problems),
        machines_max: machines_max(&written.machines, problems),
        remember: remember(written.ent.as_ref(), problems),
    }
}

fn hours(field: &str, written: &Spanned<u64>, problems: &mut Collector<'_>) -> Duration {
    let hours = *written.get_ref();
    if !(1..=SESSION_HOURS_MAX).contains(&hours) {
        let what = format!("{field}: {hours} hours; write a number from 1 to {SESSION_HOURS_MAX}");
        problems.at(&written.span(), what);
    }
    Duration::from_secs(hours.saturating_mul(3600))
}

fn remember(written: Option<&file::Ent>, problems: &mut Collector<'_>) -> Duration {
    let written = written.map_or_else(file::default_remember_days, |ent| ent.remember_days.clone());
    let days = *written.get_ref();
    if !(1..=REMEMBER_DAYS_MAX).contains(&days) {
        let what =
            format!("accounts.ent.remember_days: {days} days; write a number from 1 to {REMEMBER_DAYS_MAX}");
        problems.at(&written.span(), what);
    }
    Duration::from_secs(days.saturating_mul(86_400))
}

fn machines_max(written: &file::Machines, problems: &mut Collector<'_>) -> MachinesMax {
    let file::Machines { eleve, enseignant, administratif, referent, invite } = written;
    let usual = MachinesMax::default();
    let mut number = |role: Role, written: &Option<Spanned<u64>>| {
        let Some(written) = written else { return usual.of(role) };
        let number = u8::try_from(*written.get_ref()).ok().filter(|number| MACHINES.contains(number));
        number.unwrap_or_else(|| {
            let (field, number) = (role.word(), written.get_ref());
            let (least, most) = (MACHINES.start(), MACHINES.end());
            let what = format!(
                "accounts.machines.{field}: {number} machines; write a number from {least} to {most}"
            );
            problems.at(&written.span(), what);
            usual.of(role)
        })
    };
    MachinesMax {
        eleve: number(Role::Eleve, eleve),
        enseignant: number(Role::Enseignant, enseignant),
        administratif: number(Role::Administratif, administratif),
        referent: number(Role::Referent, referent),
        invite: number(Role::Invite, invite),
    }
}
