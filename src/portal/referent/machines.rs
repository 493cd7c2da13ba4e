//! Registering a machine by plugging it in and naming it.

use std::{collections::BTreeSet, str::FromStr as _};

use askama::Template;
use axum::{
    extract::{Form, rejection::FormRejection},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{
    field::Field,
    visit::{Area, Spot, Visit, done},
};
use crate::{
    admin::{Described, DeviceRefusal},
    identity::MachineSeen,
    lan::Holder,
    model::{Device, DeviceKind, Mac, RoomName},
    portal::{
        page::{Frame, written},
        secure::html,
        time_of_day,
        words::{AreaWords, MachineWords},
    },
};

/// Machines without a name that the page lists: more nobody looks through.
const PLUGGED_MAX: usize = 40;

/// The registered machines, and those that wait for a name.
#[derive(Template)]
#[template(path = "portal/referent/machines.html")]
struct MachinesPage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static MachineWords,
    plugged: Vec<Plugged>,
    registered: Vec<Registered>,
    /// Whether technicians registered one of them.
    any_configured: bool,
}

/// A machine that nobody has named.
struct Plugged {
    machine: Mac,
    host_name: Option<String>,
    network: String,
    since: String,
}

/// A registered machine.
struct Registered {
    machine: Mac,
    name: String,
    kind: &'static str,
    room: String,
    is_configured: bool,
}

/// The form that describes a machine.
#[derive(Template)]
#[template(path = "portal/referent/machine_form.html")]
struct MachineForm<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static MachineWords,
    title: &'static str,
    action: &'static str,
    /// Whether the address is to be typed, not given.
    is_new: bool,
    machine: Field,
    name: Field,
    kind: Field,
    room: Field,
    rooms: BTreeSet<RoomName>,
    kinds: Vec<(DeviceKind, &'static str)>,
    refusal: Option<String>,
}

/// The question before a machine is removed.
#[derive(Template)]
#[template(path = "portal/referent/machine_remove.html")]
struct RemovePage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static MachineWords,
    device: &'a Device,
}

/// A description as it arrives.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    machine: String,
    nom: String,
    genre: String,
    salle: String,
}

pub(super) async fn page(visit: Visit) -> Response {
    let of_pages = match visit.secure.acts.devices.of_pages().await {
        Ok(devices) => devices,
        Err(cause) => return visit.not_done(&cause),
    };
    let words = MachineWords::of(visit.asked.language);
    let told = match visit.inquiry.fait.as_str() {
        "enregistree" => Some(words.done_registered),
        "modifiee" => Some(words.done_changed),
        "retiree" => Some(words.done_removed),
        _ => None,
    };
    let configured = visit.secure.identity.devices_of_configuration();
    let is_configured = |machine: Mac| configured.iter().any(|device| device.mac == machine);
    let mut devices: Vec<_> = configured.iter().map(|device| (**device).clone()).collect();
    devices.sort_by(|one, other| (&one.room, &one.name).cmp(&(&other.room, &other.name)));
    devices.extend(of_pages.into_iter().filter(|device| !is_configured(device.mac)));
    let registered = devices.into_iter().map(|device| Registered {
        machine: device.mac,
        is_configured: is_configured(device.mac),
        kind: visit.asked.language.device_kind(device.kind),
        room: device.room.map(|room| room.as_str().to_owned()).unwrap_or_default(),
        name: device.name,
    });
    let registered: Vec<_> = registered.collect();
    let (frame, area) = visit.area(Spot::Machines, told);
    let any_configured = registered.iter().any(|device| device.is_configured);
    let page = MachinesPage { frame, area, words, plugged: plugged(&visit), registered, any_configured };
    html(StatusCode::OK, written(&page))
}

/// The machines of the last hour that are nobody's, the one that came last first.
fn plugged(visit: &Visit) -> Vec<Plugged> {
    let identity = &visit.secure.identity;
    let used: BTreeSet<Mac> = identity.sessions_now().into_iter().map(|session| session.machine).collect();
    let is_nobodys =
        |seen: &MachineSeen| !used.contains(&seen.machine) && identity.device(seen.machine).is_none();
    let seen = identity.machines_seen().into_iter().filter(is_nobodys);
    seen.filter_map(|seen| named(visit, &seen)).take(PLUGGED_MAX).collect()
}

/// How the machine is shown; none where it is in no zone, such as the provider's box on the line.
fn named(visit: &Visit, seen: &MachineSeen) -> Option<Plugged> {
    let latest_first = || seen.addresses.iter().rev();
    let zones = &visit.secure.zones;
    let zone = latest_first().find_map(|address| zones.iter().find(|zone| zone.contains(*address)))?;
    let leases = visit.secure.sights.leases.borrow();
    let lease = leases.iter().find(|lease| {
        lease.holder == Holder::Machine(seen.machine)
            || latest_first().any(|address| *address == lease.address)
    });
    Some(Plugged {
        machine: seen.machine,
        host_name: lease.and_then(|lease| lease.host_name.clone()),
        network: format!("{} ({})", visit.asked.language.zone(zone.kind), zone.name),
        since: time_of_day::told_shortly(visit.asked.language, seen.since, visit.now),
    })
}

pub(super) async fn new_page(visit: Visit) -> Response {
    let typed = Typed { machine: visit.inquiry.machine.clone(), ..Typed::default() };
    Filled::new(&typed).shown(&visit, Purpose::New, StatusCode::OK)
}

pub(super) async fn register(visit: Visit, form: Result<Form<Typed>, FormRejection>) -> Response {
    describe(visit, form, Purpose::New).await
}

pub(super) async fn change_page(visit: Visit) -> Response {
    let of_pages = match visit.secure.acts.devices.of_pages().await {
        Ok(devices) => devices,
        Err(cause) => return visit.not_done(&cause),
    };
    let wanted = visit.machine();
    let Some(device) = of_pages.into_iter().find(|device| Some(device.mac) == wanted) else {
        return visit.gone();
    };
    let typed = Typed {
        machine: device.mac.to_string(),
        nom: device.name,
        genre: device.kind.word().to_owned(),
        salle: device.room.map(|room| room.as_str().to_owned()).unwrap_or_default(),
    };
    Filled::new(&typed).shown(&visit, Purpose::Change, StatusCode::OK)
}

pub(super) async fn change(visit: Visit, form: Result<Form<Typed>, FormRejection>) -> Response {
    describe(visit, form, Purpose::Change).await
}

pub(super) async fn remove_page(visit: Visit) -> Response {
    let configured = visit.secure.identity.devices_of_configuration();
    let device = visit.machine().and_then(|machine| visit.secure.identity.device(machine));
    let Some(device) = device.filter(|device| !configured.contains(device)) else { return visit.gone() };
    let (frame, area) = visit.area(Spot::Machines, None);
    let words = MachineWords::of(visit.asked.language);
    html(StatusCode::OK, written(&RemovePage { frame, area, words, device: &device }))
}

pub(super) async fn remove(visit: Visit, form: Result<Form<Typed>, FormRejection>) -> Response {
    let Ok(Form(typed)) = form else { return visit.unread() };
    let Ok(machine) = Mac::from_str(typed.machine.trim()) else { return visit.unread() };
    match visit.secure.acts.devices.remove(&visit.granted, machine, visit.now).await {
        Ok(Ok(())) => done("/referent/machines", "retiree"),
        Ok(Err(_)) => visit.gone(),
        Err(cause) => visit.not_done(&cause),
    }
}

/// What a description is sent for.
#[derive(Clone, Copy)]
enum Purpose {
    New,
    Change,
}

/// Registers or changes the machine that the form describes.
async fn describe(visit: Visit, form: Result<Form<Typed>, FormRejection>, purpose: Purpose) -> Response {
    let Ok(Form(typed)) = form else { return visit.unread() };
    let mut filled = Filled::new(&typed);
    let Some((machine, described)) = filled.read(&visit) else {
        return filled.shown(&visit, purpose, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let (devices, granted, now) = (&visit.secure.acts.devices, &visit.granted, visit.now);
    let (outcome, word) = match purpose {
        Purpose::New => (devices.register(granted, machine, described, now).await, "enregistree"),
        Purpose::Change => (devices.change(granted, machine, described, now).await, "modifiee"),
    };
    match outcome {
        Ok(Ok(())) => done("/referent/machines", word),
        Ok(Err(refusal)) => {
            filled.refuse(&visit, &refusal);
            filled.shown(&visit, purpose, StatusCode::CONFLICT)
        }
        Err(cause) => visit.not_done(&cause),
    }
}

/// The form with what was typed and what is wrong with it.
struct Filled {
    machine: Field,
    name: Field,
    kind: Field,
    room: Field,
    refusal: Option<String>,
}

impl Filled {
    fn new(typed: &Typed) -> Self {
        let Typed { machine, nom, genre, salle } = typed;
        Self {
            machine: Field::of(machine),
            name: Field::of(nom),
            kind: Field::of(genre),
            room: Field::of(salle),
            refusal: None,
        }
    }

    /// The machine and its description; notes beside each field what is wrong.
    fn read(&mut self, visit: &Visit) -> Option<(Mac, Described)> {
        let language = visit.asked.language;
        let machine = self.machine.value.trim().parse().ok();
        if machine.is_none() {
            self.machine.wrong(MachineWords::of(language).address_wrong);
        }
        let (name, room) = (self.name.line(language), self.room.line_if_any(language));
        let kind = self.kind.value.parse().ok();
        if kind.is_none() {
            self.kind.wrong(AreaWords::of(language).choose);
        }
        let has_room_if_any = self.room.error.is_none();
        Some((machine?, Described { name: name?, kind: kind?, room })).filter(|_| has_room_if_any)
    }

    /// Notes why the register refused.
    fn refuse(&mut self, visit: &Visit, refusal: &DeviceRefusal) {
        let told = visit.asked.language.device_refusal(refusal);
        match refusal {
            DeviceRefusal::NotOneMachine => self.machine.wrong(told),
            DeviceRefusal::Configured
            | DeviceRefusal::Registered(_)
            | DeviceRefusal::Unknown
            | DeviceRefusal::TooMany => self.refusal = Some(told),
        }
    }

    fn shown(self, visit: &Visit, purpose: Purpose, status: StatusCode) -> Response {
        let words = MachineWords::of(visit.asked.language);
        let (title, action) = match purpose {
            Purpose::New => (words.new_title, "/referent/machines/nouvelle"),
            Purpose::Change => (words.change_title, "/referent/machines/modifier"),
        };
        let (frame, area) = visit.area(Spot::Machines, None);
        let Self { machine, name, kind, room, refusal } = self;
        let is_known = machine.value.parse::<Mac>().is_ok() && machine.error.is_none();
        let devices = visit.secure.identity.devices();
        let page = MachineForm {
            frame,
            area,
            words,
            title,
            action,
            is_new: matches!(purpose, Purpose::New) && !is_known,
            machine,
            name,
            kind,
            room,
            rooms: devices.iter().filter_map(|device| device.room.clone()).collect(),
            kinds: DeviceKind::ALL.map(|kind| (kind, visit.asked.language.device_kind(kind))).to_vec(),
            refusal,
        };
        html(status, written(&page))
    }
}
