//! From the written file to checked settings, with everything the file names read as well.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use toml::Spanned;

use super::{
    applications::Applications,
    channel::FromChannel,
    file::{self, VERSION},
    form::{Form, School, Sessions},
    named_files::{Categories, FILE_BYTES_MAX, NamedFiles, Unread, read_text},
    problem::{Collector, Problem, Problems},
    syntax::unreadable,
};
use crate::{
    enforce::{dns, ent, firewall, ntp, proxy, quic},
    identity::{self, Directory, register::Terms},
    journal, lan,
    model::{Device, Domain, Uai, Zone},
    policy::{Policy, RuleFile},
    portal, sync,
};

/// The first of the ports on which the proxy takes the zones' web connections; each zone has its own.
const PROXY_PORT_BASE: u16 = 15_000;

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
    /// How much of the line the académie's channel may take.
    pub central: sync::Settings,
    /// Where those who watch come for figures, if anywhere.
    pub metrics: Option<SocketAddr>,
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
    /// The portal's certificate chain as it was read, PEM. A portal that runs shows another one only after a restart.
    pub certificate: String,
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
        let named = NamedFiles::read(&written, form.portal_name.as_ref(), base, &mut problems);
        let applications =
            Applications::read(&written.applications, form.portal_name.as_ref(), base, &mut problems);
        let config = assembled(path, form, named, applications, state_dir);
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

/// The school that the configuration at `path` is for. Nothing it names is read, and the rest may still be wrong: a box is
/// enrolled before all of its files are there.
///
/// # Errors
/// When the file cannot be read, or names no school.
pub fn school_code(path: &Path) -> Result<Uai, Problems> {
    let text = text(path)?;
    let (written, mut problems) = read(path, &text)?;
    match Form::of(&written, &mut problems).school {
        Some(school) => Ok(school.uai),
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
    state_dir: Option<PathBuf>,
) -> Option<Config> {
    let files = std::iter::once(path.to_owned()).chain(named.paths()).chain(applications.paths).collect();
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
        certificate_path,
        key_path,
        ent,
        ent_paths: _,
    } = named;
    let (school, state_dir, line_interface, portal_name) =
        (school?, state_dir?, line_interface?, portal_name?);
    Some(Config {
        dns: dns::Settings {
            upstreams,
            own_names: vec![portal_name.clone()],
            local_names: applications.names,
            zones: zones.clone(),
            listen_port: 53,
        },
        proxy: proxy::Settings { zones: zones.clone(), port_base: PROXY_PORT_BASE },
        quic: quic::Settings { zones: zones.clone(), port_base: PROXY_PORT_BASE },
        ntp: ntp::Settings { zones: zones.clone() },
        firewall: firewall::Settings {
            line_interface: Arc::clone(&line_interface),
            zones: zones.clone(),
            proxy_port_base: PROXY_PORT_BASE,
        },
        lan: lan_settings(&zones, bridges, &state_dir, &portal_name),
        portal: portal_settings(&school, portal_name, (certificate_path, key_path), &zones, applications.all),
        identity: identity_settings(devices, state_dir.clone(), sessions),
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
        certificate: certificate?,
        files,
    })
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
    (certificate_path, key_path): (PathBuf, PathBuf),
    zones: &[Arc<Zone>],
    applications: Vec<portal::Application>,
) -> portal::Settings {
    portal::Settings {
        school: school.name.clone(),
        name,
        certificate_path,
        key_path,
        zones: zones.to_vec(),
        cas: portal::CasSettings { applications, school: school.uai.clone() },
        http_port: 80,
        https_port: 443,
    }
}
