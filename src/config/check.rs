//! From the written file to checked settings, with everything the file names read as well.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use toml::Spanned;

use super::{
    applications::Applications,
    cache::{self, Cache, WrittenCache},
    channel::FromChannel,
    file::{self, VERSION},
    form::{Form, School, Sessions},
    named_files::{Categories, FILE_BYTES_MAX, NamedFiles, PortalCertificate, Unread, read_text},
    problem::{Collector, Problem, Problems},
    syntax::unreadable,
};
use crate::{
    enforce::{dns, ent, firewall, ntp, proxy, quic},
    identity::{self, Directory, register::Terms},
    journal, lan, library,
    model::{Device, Domain, Uai, Zone},
    policy::{Policy, RuleFile},
    portal, sync,
};

/// The first of the ports on which the proxy takes the zones' web connections; each zone has its own.
const PROXY_PORT_BASE: u16 = 15_000;

/// Where the resolver has the datagrams that were meant for another one.
const REDIRECTED_DNS_PORT: u16 = 14_053;

/// A configuration that can be run: every value valid, every file it names read.
#[derive(Debug)]
pub struct Config {
    /// The school.
    pub school: School,
    /// Where the daemon keeps its state.
    pub state_dir: PathBuf,
    /// The interface towards the Internet.
    pub line_interface: Arc<str>,
    /// The zones, in the order of the file; at least one.
    pub zones: Vec<Arc<Zone>>,
    /// Settings of the resolver.
    pub dns: dns::Settings,
    /// Settings of the proxy.
    pub proxy: proxy::Settings,
    /// Settings of the filter of QUIC.
    pub quic: quic::Settings,
    /// Settings of the time service.
    pub ntp: ntp::Settings,
    /// Settings of the packet filter.
    pub firewall: firewall::Settings,
    /// Settings of the zones' networks.
    pub lan: lan::Settings,
    /// Settings of the portal.
    pub portal: portal::Settings,
    /// Settings of accounts and sessions.
    pub identity: identity::Settings,
    /// Settings of the ENT, where the school has one.
    pub ent: Option<ent::Settings>,
    /// What the box answers for as its cache, and what is kept of it.
    pub cache: Option<Cache>,
    /// How much of the line the académie's channel may take.
    pub central: sync::Settings,
    /// Where those who watch come for figures, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// Settings of the library, where the school has one.
    pub library: Option<library::Settings>,
    /// Settings of the journal.
    pub journal: journal::Settings,
    /// The rules and the category table they speak of.
    pub policy: Policy,
    /// What of the académie's channel it was made with.
    pub from_channel: FromChannel,
    /// The rules' files, from the most general level to the most specific.
    pub rule_files: Vec<(PathBuf, RuleFile)>,
    /// The accounts.
    pub directory: Directory,
    /// The school calendar, and the zone the school lies in.
    pub terms: Terms,
    /// The accounts' file.
    pub accounts_path: PathBuf,
    /// The category table, where there is one.
    pub categories: Option<Categories>,
    /// The category table that the file itself names, whatever the channel brought.
    pub own_table: Option<PathBuf>,
    /// Every file the configuration was made of; a change in one asks for a reload.
    pub files: Vec<PathBuf>,
}

impl Config {
    /// Reads and checks the file at `path` and everything it names. Relative paths start at the file's directory.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first thing; of a file that is no TOML, the first thing.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        let text = text(path)?;
        let (written, mut problems) = read(path, &text)?;
        let base = path.parent().unwrap_or(Path::new("."));
        let form = Form::of(&written, &mut problems);
        let state_dir = state_dir(&written.state_dir, base, &mut problems);
        let named = {
            let portal_name = form.portal_name.as_ref();
            NamedFiles::read(&written, portal_name, base, state_dir.as_deref(), &mut problems)
        };
        let applications =
            Applications::read(&written.applications, form.portal_name.as_ref(), base, &mut problems);
        let portal_name = form.portal_name.as_ref();
        let has_hours = written.central.as_ref().is_some_and(|central| !central.windows.is_empty());
        let cache = {
            let state_dir = state_dir.as_deref();
            cache::cache(written.cache.as_ref(), portal_name, (base, state_dir), has_hours, &mut problems)
        };
        let config = assembled(path, form, named, applications, cache, state_dir);
        match (problems.finish(), config) {
            (found, Some(config)) => found.or(config).map(Self::with_channel),
            (found, None) => Err(found),
        }
    }
}

/// Checks the form of a configuration alone: its fields and its address plan. Nothing it names is read.
///
/// # Errors
/// Everything that is wrong.
pub fn check_form(path: &Path, text: &str) -> Result<(), Problems> {
    let (written, mut problems) = read(path, text)?;
    let _ = Form::of(&written, &mut problems);
    problems.finish().or(())
}

/// The school that the configuration at `path` is for, and the resolvers of its line, where they are right. Nothing it names
/// is read, and the rest may still be wrong: a box is enrolled before all of its files are there.
///
/// # Errors
/// When the file cannot be read, or names no school.
pub fn for_enrolment(path: &Path) -> Result<(Uai, Vec<SocketAddr>), Problems> {
    let text = text(path)?;
    let (written, mut problems) = read(path, &text)?;
    let Form { school, upstreams, .. } = Form::of(&written, &mut problems);
    match school {
        Some(school) => Ok((school.uai, upstreams)),
        None => Err(problems.finish()),
    }
}

/// The text of the configuration file at `path`, within its bounds.
pub(super) fn text(path: &Path) -> Result<String, Problem> {
    read_text(path, FILE_BYTES_MAX).map_err(|Unread { line, what }| Problem {
        file: path.display().to_string(),
        line,
        what,
    })
}

/// Reads the fields of a configuration of this daemon's version.
fn read<'a>(path: &'a Path, text: &'a str) -> Result<(file::File, Collector<'a>), Problems> {
    let head: file::Head = toml::from_str(text).map_err(|error| unreadable(path, text, &error))?;
    let mut problems = Collector::new(path, text);
    let version = head.version.get_ref();
    if *version != VERSION {
        let what = format!("version: {version} is unknown here; this preau reads version {VERSION}");
        problems.at(&head.version.span(), what);
        return Err(problems.finish());
    }
    let written: file::File = toml::from_str(text).map_err(|error| unreadable(path, text, &error))?;
    Ok((written, problems))
}

fn state_dir(written: &Spanned<String>, base: &Path, problems: &mut Collector<'_>) -> Option<PathBuf> {
    let dir = base.join(written.get_ref());
    let what = if written.get_ref().is_empty() {
        "state_dir: empty; write a directory such as `/var/lib/preau`".to_owned()
    } else if dir.exists() && !dir.is_dir() {
        format!("state_dir: `{}` is not a directory; name another", dir.display())
    } else {
        return Some(dir);
    };
    problems.at(&written.span(), what);
    None
}

/// Gives each module its settings. Where a value is absent, a problem was noted.
fn assembled(
    path: &Path,
    form: Form,
    named: NamedFiles,
    applications: Applications,
    cache: Option<WrittenCache>,
    state_dir: Option<PathBuf>,
) -> Option<Config> {
    let (cache, cache_paths) = cache.map_or((None, Vec::new()), |read| (Some(read.cache), read.paths));
    let named_paths = named.paths().into_iter().chain(applications.paths).chain(cache_paths);
    let files = std::iter::once(path.to_owned()).chain(named_paths).collect();
    let Form {
        school,
        line_interface,
        upstreams,
        zones,
        bridges,
        devices,
        portal_name,
        sessions,
        central,
        metrics,
        library,
    } = form;
    let NamedFiles {
        directory,
        accounts_path,
        terms,
        calendar_path: _,
        rule_files,
        categories,
        policy,
        certificate,
        ent,
        ent_paths: _,
    } = named;
    let (school, state_dir, line_interface, portal_name) =
        (school?, state_dir?, line_interface?, portal_name?);
    let cache = cache.map(|cache| cache.with_elsewhere(&portal_name, library.is_some()));
    Some(Config {
        dns: dns_settings(upstreams, &portal_name, cache.as_ref(), applications.names, &zones),
        proxy: proxy::Settings { zones: zones.clone(), port_base: PROXY_PORT_BASE },
        quic: quic::Settings { zones: zones.clone(), port_base: PROXY_PORT_BASE },
        ntp: ntp::Settings { zones: zones.clone() },
        firewall: firewall::Settings {
            line_interface: Arc::clone(&line_interface),
            zones: zones.clone(),
            proxy_port_base: PROXY_PORT_BASE,
            redirected_dns_port: REDIRECTED_DNS_PORT,
            // Known from the enrolment, not from the file.
            tunnel: None,
        },
        lan: lan_settings(&zones, bridges, &state_dir, &portal_name),
        portal: portal::Settings {
            fronted: cache.as_ref().map(|cache| cache.sites.clone()).unwrap_or_default(),
            has_library: library.is_some(),
            ..portal_settings(&school, portal_name, certificate, &zones, applications.all)
        },
        library: library.map(|library| library.settings(&state_dir)),
        identity: identity_settings(devices, state_dir.clone(), sessions),
        cache,
        central,
        metrics,
        journal: journal::Settings { dir: state_dir.join("journal") },
        school,
        state_dir,
        line_interface,
        zones,
        policy: policy?,
        from_channel: FromChannel::default(),
        ent,
        rule_files,
        directory: directory?,
        terms: terms?,
        accounts_path,
        own_table: categories.as_ref().map(|own| own.path.clone()),
        categories,
        files,
    })
}

fn dns_settings(
    upstreams: Vec<SocketAddr>,
    portal_name: &Domain,
    cache: Option<&Cache>,
    local_names: Vec<(Domain, IpAddr)>,
    zones: &[Arc<Zone>],
) -> dns::Settings {
    dns::Settings {
        upstreams,
        own_names: vec![portal_name.clone()],
        fronted_names: cache.map(Cache::names).unwrap_or_default(),
        local_names,
        zones: zones.to_vec(),
        listen_port: 53,
        redirected_port: REDIRECTED_DNS_PORT,
    }
}

fn lan_settings(
    zones: &[Arc<Zone>],
    bridges: Vec<lan::Bridge>,
    state_dir: &Path,
    portal_name: &Domain,
) -> lan::Settings {
    lan::Settings {
        zones: zones.to_vec(),
        bridges,
        state_dir: state_dir.to_owned(),
        portal_api: Some(format!("https://{portal_name}/api/captive")),
    }
}

fn identity_settings(devices: Vec<Device>, state_dir: PathBuf, sessions: Sessions) -> identity::Settings {
    let Sessions { lifetime, shared_lifetime, machines_max, remember } = sessions;
    identity::Settings {
        devices,
        state_dir,
        session_lifetime: lifetime,
        shared_session_lifetime: shared_lifetime,
        machines_max,
        remember,
    }
}

fn portal_settings(
    school: &School,
    name: Domain,
    certificate: PortalCertificate,
    zones: &[Arc<Zone>],
    applications: Vec<portal::Application>,
) -> portal::Settings {
    let PortalCertificate { certificate_path, key_path, from } = certificate;
    portal::Settings {
        school: school.name.clone(),
        name,
        certificate_path,
        key_path,
        certificate_from: from,
        zones: zones.to_vec(),
        fronted: Vec::new(),
        cas: portal::CasSettings { applications, school: school.uai.clone() },
        has_library: false,
        http_port: 80,
        https_port: 443,
    }
}
