//! The services of the file, and what each zone opens of them and of those that every box knows.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use toml::Spanned;

use super::{fields::word, file, problem::Collector, well_known};
use crate::model::{Domain, Ports, Service, Speech, Transport, Zone};

/// Services of a file, of which each zone opens at most as many: each is a rule that the packet filter looks through.
const SERVICES_MAX: usize = 64;

/// Ranges of ports, and sites, of one service.
const PORTS_MAX: usize = 32;
const SITES_MAX: usize = 64;

/// Ports in a row that may be open to whatever is spoken there. More are looked for by programs that try them all.
const UNCHECKED_PORTS_MAX: u16 = 64;

/// Ports that no service can have, and why.
const PORTS_KEPT: [(Transport, u16, &str); 9] = [
    (Transport::Tcp, 53, NAMES),
    (Transport::Udp, 53, NAMES),
    (Transport::Tcp, 853, NAMES),
    (Transport::Udp, 853, NAMES),
    (Transport::Tcp, 80, WEB),
    (Transport::Udp, 80, WEB),
    (Transport::Tcp, 443, WEB),
    (Transport::Udp, 443, WEB),
    (Transport::Udp, 123, "the box itself gives the time to every machine that asks anybody"),
];
const NAMES: &str = "names are resolved by the box alone";
const WEB: &str = "the web goes through the filter";

/// The services that zones can name. One with a fault is absent, but its name is not unknown.
pub(super) struct Catalogue(HashMap<Arc<str>, Option<Service>>);

impl Catalogue {
    /// The services that every box knows, and those of the file.
    pub(super) fn of(written: &[file::Service], problems: &mut Collector<'_>) -> Self {
        let mut services: HashMap<Arc<str>, _> =
            well_known::services().map(|service| (Arc::clone(&service.name), Some(service))).collect();
        let known: HashSet<_> = services.keys().cloned().collect();
        if let Some(extra) = written.get(SERVICES_MAX) {
            problems.at(&extra.name.span(), format!("service: a file holds at most {SERVICES_MAX} services"));
        }
        for service in written.iter().take(SERVICES_MAX) {
            let name: Arc<str> = Arc::from(service.name.get_ref().as_str());
            let what = if !can_name_a_service(&name) {
                format!("`{name}` cannot name a service; use 1 to 32 of a-z, 0-9 and -")
            } else if known.contains(&name) {
                format!("every box knows a service `{name}`; give yours another name")
            } else {
                let checked = one_service(&name, service, problems);
                match services.insert(Arc::clone(&name), checked) {
                    None => continue,
                    Some(_) => format!("two services are called `{name}`; give each its own name"),
                }
            };
            problems.at(&service.name.span(), format!("service.name: {what}"));
        }
        Self(services)
    }

    /// What a zone opens: services by name, and bare ports.
    pub(super) fn opened(&self, written: &[Spanned<String>], problems: &mut Collector<'_>) -> Vec<Service> {
        if let Some(extra) = written.get(SERVICES_MAX) {
            problems
                .at(&extra.span(), format!("zone.services: a zone opens at most {SERVICES_MAX} services"));
        }
        let mut opened: Vec<Service> = Vec::new();
        for text in written.iter().take(SERVICES_MAX) {
            let what = match self.named(text.get_ref()) {
                Err(what) => what,
                Ok(None) => continue,
                Ok(Some(service)) => match shared(&opened, &service) {
                    Some(what) => what,
                    None => {
                        opened.push(service);
                        continue;
                    }
                },
            };
            problems.at(&text.span(), format!("zone.services: {what}"));
        }
        opened
    }

    /// The service that `text` names; none where its own table has a fault.
    fn named(&self, text: &str) -> Result<Option<Service>, String> {
        if let Some(service) = self.0.get(text) {
            return Ok(service.clone());
        }
        match text.parse::<Ports>() {
            Err(_) => {
                let mut names: Vec<String> = self.0.keys().map(|name| format!("`{name}`")).collect();
                names.sort_unstable();
                let names = names.join(", ");
                Err(format!("`{text}` is no service; write one of {names}, or ports such as `tcp/5222`"))
            }
            Ok(ports) => match unfit(&ports, None) {
                Some(why) => Err(why),
                None => Ok(Some(Service::of_ports(ports))),
            },
        }
    }
}

/// What `service` has in common with those before it, if anything.
fn shared(opened: &[Service], service: &Service) -> Option<String> {
    let name = &service.name;
    if opened.iter().any(|other| other.name == *name) {
        return Some(format!("`{name}` stands here twice; remove one"));
    }
    opened.iter().find_map(|other| {
        let ports =
            service.ports.iter().find(|ports| other.ports.iter().any(|theirs| theirs.overlaps(ports)))?;
        Some(format!("`{name}` and `{}` share {ports}; open one of the two", other.name))
    })
}

fn can_name_a_service(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn one_service(name: &Arc<str>, written: &file::Service, problems: &mut Collector<'_>) -> Option<Service> {
    let words = Speech::ALL.map(|speech| (speech.word(), speech));
    let speaks = written.speaks.as_ref().map(|text| word("service.speaks", text, &words, problems));
    let ports = ports(&written.ports, speaks.flatten(), problems);
    let sites = sites(&written.sites, problems);
    if let (Some(text), Some(Some(Speech::Ssh)), []) = (&written.speaks, speaks, sites.as_slice()) {
        let what =
            "service.sites: none, but ssh carries anything anywhere; write the machines that it is for";
        problems.at(&text.span(), what);
    }
    // An unknown word is noted already; without it nothing is open.
    let service = Service { name: Arc::clone(name), ports, sites };
    (speaks != Some(None)).then_some(service)
}

fn ports(
    written: &Spanned<Vec<Spanned<String>>>,
    speaks: Option<Speech>,
    problems: &mut Collector<'_>,
) -> Vec<Ports> {
    if written.get_ref().is_empty() {
        problems.at(&written.span(), "service.ports: none; write such as `[\"tcp/993\"]`");
    }
    if let Some(extra) = written.get_ref().get(PORTS_MAX) {
        problems.at(
            &extra.span(),
            format!("service.ports: at most {PORTS_MAX}; join those that follow each other"),
        );
    }
    let mut ports: Vec<Ports> = Vec::new();
    for text in written.get_ref().iter().take(PORTS_MAX) {
        let shown = text.get_ref();
        let what = match shown.parse::<Ports>() {
            Err(_) => {
                format!("`{shown}` is not a transport with ports; write such as `tcp/993` or `udp/3478-3481`")
            }
            Ok(one) if ports.iter().any(|other| other.overlaps(&one)) => {
                format!("`{shown}` stands here twice, at least in part; remove one")
            }
            Ok(one) => match unfit(&one, speaks) {
                Some(why) => why,
                None => {
                    ports.push(Ports { speaks, ..one });
                    continue;
                }
            },
        };
        problems.at(&text.span(), format!("service.ports: {what}"));
    }
    ports
}

/// Why these ports cannot be opened to what is spoken there, if so.
fn unfit(ports: &Ports, speaks: Option<Speech>) -> Option<String> {
    if let Some((port, why)) = kept_for(ports) {
        return Some(format!("port {port} cannot be opened; {why}, remove it"));
    }
    match speaks {
        Some(speech) if speech.transport() != ports.transport => {
            let (word, transport) = (speech.word(), speech.transport());
            Some(format!(
                "`{ports}`: {word} is spoken over {transport}; give what differs a service of its own"
            ))
        }
        None if ports.last - ports.first >= UNCHECKED_PORTS_MAX => Some(format!(
            "`{ports}` are more than {UNCHECKED_PORTS_MAX} ports open to anything; write what a service `speaks` \
             there, or fewer"
        )),
        _ => None,
    }
}

/// The first of these ports that is the box's own, and why.
pub(super) fn kept_for(ports: &Ports) -> Option<(u16, &'static str)> {
    let kept = PORTS_KEPT.iter().find(|(transport, port, _)| ports.contains(*transport, *port))?;
    Some((kept.1, kept.2))
}

fn sites(written: &[Spanned<String>], problems: &mut Collector<'_>) -> Vec<Domain> {
    if let Some(extra) = written.get(SITES_MAX) {
        problems.at(&extra.span(), format!("service.sites: at most {SITES_MAX}; write what they lie below"));
    }
    let mut sites = Vec::new();
    for text in written.iter().take(SITES_MAX) {
        match text.get_ref().parse::<Domain>() {
            Ok(site) => sites.push(site),
            Err(error) => {
                let what = format!("service.sites: `{}`: {error}; write a name", text.get_ref());
                problems.at(&text.span(), what);
            }
        }
    }
    sites
}

/// What `zone` opens, for people to read: each service with its ports, what is spoken there, and its sites.
pub(super) fn shown(zone: &Zone) -> impl Iterator<Item = String> {
    zone.services.iter().map(|service| {
        let ports = service.ports.iter().map(|ports| match ports.speaks {
            Some(speech) => format!("{ports} {}", speech.word()),
            None => ports.to_string(),
        });
        let ports = ports.collect::<Vec<_>>().join(", ");
        let sites = service.sites.iter().map(Domain::as_str).collect::<Vec<_>>().join(", ");
        match (*service.name == *ports, sites.as_str()) {
            (true, _) => ports,
            (false, "") => format!("{}: {ports}", service.name),
            (false, sites) => format!("{}: {ports}; only at {sites}", service.name),
        }
    })
}
