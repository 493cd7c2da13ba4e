//! From the written file to checked settings, with everything the file names read as well.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use toml::Spanned;

use super::{
    address_plan::{devices, interface, parsed, zones},
    file::{self, VERSION},
    problem::{Collector, Problems, missing, unreadable},
};
use crate::{
    enforce::{dns, firewall, proxy},
    identity::{self, Directory},
    journal, lan, lists,
    model::{Domain, Zone},
    policy::{Policy, RuleFile, category::Table},
    portal,
};

/// The first of the ports on which the proxy takes the zones' web connections; each zone has its own.
const PROXY_PORT_BASE: u16 = 15_000;

/// The longest a sign-in can last: a school day and its night.
const SESSION_HOURS_MAX: u64 = 24;

/// A configuration file or rules file larger than this is a mistake, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// The accounts of a school of ten thousand fit many times over, in bytes.
const ACCOUNTS_BYTES_MAX: u64 = 64 << 20;

/// The school the box serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct School {
    /// Its name as people know it.
    pub name: String,
    /// Its code in the national register: seven digits and a letter.
    pub uai: String,
}

/// A configuration that can be run: every value valid, every file it names read.
#[derive(Debug)]
pub struct Config {
    /// The school.
    pub school: School,
    /// Where the daemon keeps its state.
    pub state_dir: PathBuf,
    /// The interface towards the Internet.
    pub line_interface: Arc<str>,
    /// The zones, in the order of the file.
    pub zones: Vec<Arc<Zone>>,
    /// Settings of the resolver.
    pub dns: dns::Settings,
    /// Settings of the proxy.
    pub proxy: proxy::Settings,
    /// Settings of the packet filter.
    pub firewall: firewall::Settings,
    /// Settings of the zones' networks.
    pub lan: lan::Settings,
    /// Settings of the portal.
    pub portal: portal::Settings,
    /// Settings of accounts and sessions.
    pub identity: identity::Settings,
    /// Settings of the journal.
    pub journal: journal::Settings,
    /// The rules and the category table they speak of.
    pub policy: Policy,
    /// The rules' files, from the most general level to the most specific, each with its level and rule count.
    pub rule_files: Vec<(PathBuf, RuleFile)>,
    /// The accounts.
    pub directory: Directory,
    /// The category table's file.
    pub categories_path: Option<PathBuf>,
    /// Every file the configuration was made of; a change in one asks for a reload.
    pub files: Vec<PathBuf>,
}

impl Config {
    /// Reads and checks the file at `path` and everything it names. Relative paths start at the file's directory.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first thing.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        let text = read_bounded(path, FILE_BYTES_MAX)?;
        let (written, mut problems) = read(path, &text)?;
        let config = Reader { base: path.parent().unwrap_or(Path::new(".")), files: vec![path.to_owned()] }
            .config(&written, &mut problems);
        match (problems.finish(), config) {
            (found, Some(config)) => found.or(config),
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
    let _ = school(&written.school, &mut problems);
    let _ = interface(&written.line.interface, &mut problems);
    let _ = resolvers(&written.line.resolvers, &mut problems);
    let _ = zones(&written.zones, written.line.interface.get_ref(), &mut problems);
    let _ = devices(&written.devices, &mut problems);
    let _ = parsed::<Domain>("portal.name", &written.portal.name, &mut problems);
    let _ = session_lifetime(&written.accounts.session_hours, &mut problems);
    problems.finish().or(())
}

/// Reads the fields of a configuration, of this daemon's version.
fn read<'a>(path: &'a Path, text: &'a str) -> Result<(file::File, Collector<'a>), Problems> {
    let written: file::File = toml::from_str(text).map_err(|error| unreadable(path, text, &error))?;
    let mut problems = Collector::new(path, text);
    let version = &written.version;
    if *version.get_ref() != VERSION {
        let what =
            format!("version: this preau reads version {VERSION}, the file says {}", version.get_ref());
        problems.at(&version.span(), what);
    }
    Ok((written, problems))
}

/// Reads what the file names, and remembers which files those were.
struct Reader<'a> {
    base: &'a Path,
    files: Vec<PathBuf>,
}

impl Reader<'_> {
    fn config(mut self, written: &file::File, problems: &mut Collector<'_>) -> Option<Config> {
        let school = school(&written.school, problems);
        let state_dir = self.state_dir(&written.state_dir, problems);
        let line_interface = interface(&written.line.interface, problems);
        let upstreams = resolvers(&written.line.resolvers, problems);
        let (zones, bridges) = zones(&written.zones, written.line.interface.get_ref(), problems);
        let devices = devices(&written.devices, problems);
        let portal_name = parsed::<Domain>("portal.name", &written.portal.name, problems);
        let session_lifetime = session_lifetime(&written.accounts.session_hours, problems);
        let directory = self.directory(&written.accounts.file, problems);
        let rule_files = self.rule_files(&written.policy.rules, problems);
        let categories = match &written.policy.categories {
            None => Some(None),
            Some(path) => self.categories(path, problems).map(Some),
        };
        let (categories, categories_path) = categories?.unzip();
        let policy = self.policy(&written.policy.rules, &rule_files, categories, problems)?;
        let school = school?;
        let state_dir = state_dir?;
        let portal_name = portal_name?;
        let line_interface = line_interface?;
        let portal = portal::Settings {
            school: school.name.clone(),
            name: portal_name.clone(),
            certificate_path: self.path(&written.portal.certificate),
            key_path: self.path(&written.portal.key),
            zones: zones.clone(),
            http_port: 80,
            https_port: 443,
        };
        if let Err(error) =
            portal::check_certificate(&portal.name, &portal.certificate_path, &portal.key_path)
        {
            problems.at(&written.portal.certificate.span(), format!("portal: {error:#}"));
        }
        Some(Config {
            dns: dns::Settings {
                upstreams,
                own_names: vec![portal_name.clone()],
                zones: zones.clone(),
                listen_port: 53,
            },
            proxy: proxy::Settings { zones: zones.clone(), port_base: PROXY_PORT_BASE },
            firewall: firewall::Settings {
                line_interface: Arc::clone(&line_interface),
                zones: zones.clone(),
                proxy_port_base: PROXY_PORT_BASE,
            },
            lan: lan::Settings {
                zones: zones.clone(),
                bridges,
                state_dir: state_dir.clone(),
                portal_api: Some(format!("https://{portal_name}/api/captive")),
            },
            portal,
            identity: identity::Settings { devices, state_dir: state_dir.clone(), session_lifetime },
            journal: journal::Settings { dir: state_dir.join("journal") },
            school,
            state_dir,
            line_interface,
            zones,
            policy,
            rule_files,
            directory: directory?,
            categories_path,
            files: self.files,
        })
    }

    fn path(&mut self, written: &Spanned<String>) -> PathBuf {
        let path = self.base.join(written.get_ref());
        self.files.push(path.clone());
        path
    }

    fn state_dir(&self, written: &Spanned<String>, problems: &mut Collector<'_>) -> Option<PathBuf> {
        let dir = self.base.join(written.get_ref());
        if dir.exists() && !dir.is_dir() {
            problems.at(&written.span(), format!("state_dir: `{}` is not a directory", dir.display()));
            return None;
        }
        Some(dir)
    }

    fn directory(&mut self, written: &Spanned<String>, problems: &mut Collector<'_>) -> Option<Directory> {
        let path = self.path(written);
        let text = self.text("accounts.file", written, &path, ACCOUNTS_BYTES_MAX, problems)?;
        Directory::parse(text.as_bytes()).map_err(|error| problems.in_file(&path, error.to_string())).ok()
    }

    fn rule_files(
        &mut self,
        written: &Spanned<Vec<Spanned<String>>>,
        problems: &mut Collector<'_>,
    ) -> Vec<(PathBuf, RuleFile)> {
        let mut files = Vec::new();
        for name in written.get_ref() {
            let path = self.path(name);
            let Some(text) = self.text("policy.rules", name, &path, FILE_BYTES_MAX, problems) else {
                continue;
            };
            match RuleFile::parse(&text) {
                Ok(rules) => files.push((path, rules)),
                Err(error) => problems.in_file(&path, error.to_string()),
            }
        }
        files
    }

    fn categories(
        &mut self,
        written: &Spanned<String>,
        problems: &mut Collector<'_>,
    ) -> Option<(Table, PathBuf)> {
        let path = self.path(written);
        match lists::open(&path) {
            Ok(table) => Some((table, path)),
            Err(error) => {
                let what = format!("policy.categories: {error:#}; make the file with `preau lists build`");
                problems.at(&written.span(), what);
                None
            }
        }
    }

    fn policy(
        &self,
        written: &Spanned<Vec<Spanned<String>>>,
        files: &[(PathBuf, RuleFile)],
        categories: Option<Table>,
        problems: &mut Collector<'_>,
    ) -> Option<Policy> {
        if files.len() != written.get_ref().len() {
            return None;
        }
        Policy::new(files.iter().map(|(_, file)| file.clone()).collect(), categories)
            .map_err(|error| problems.at(&written.span(), format!("policy.rules: {error}")))
            .ok()
    }

    fn text(
        &self,
        field: &str,
        written: &Spanned<String>,
        path: &Path,
        bytes_max: u64,
        problems: &mut Collector<'_>,
    ) -> Option<String> {
        match read_bounded(path, bytes_max) {
            Ok(text) => Some(text),
            Err(found) => {
                for problem in found.iter() {
                    problems.at(&written.span(), format!("{field}: {problem}"));
                }
                None
            }
        }
    }
}

fn school(written: &file::School, problems: &mut Collector<'_>) -> Option<School> {
    let uai = written.uai.get_ref();
    let fits = uai.len() == 8
        && uai.bytes().take(7).all(|byte| byte.is_ascii_digit())
        && uai.bytes().last().is_some_and(|byte| byte.is_ascii_uppercase());
    if !fits {
        problems
            .at(&written.uai.span(), format!("school.uai: `{uai}` is not seven digits and a capital letter"));
    }
    fits.then(|| School { name: written.name.get_ref().trim().to_owned(), uai: uai.clone() })
}

fn resolvers(written: &Spanned<Vec<Spanned<String>>>, problems: &mut Collector<'_>) -> Vec<SocketAddr> {
    if written.get_ref().is_empty() {
        problems.at(&written.span(), "line.resolvers: no resolver; write at least one address");
    }
    let mut upstreams = Vec::new();
    for text in written.get_ref() {
        let address = text.get_ref();
        let parsed = address
            .parse::<SocketAddr>()
            .or_else(|_| address.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)));
        match parsed {
            Ok(upstream) => upstreams.push(upstream),
            Err(_) => problems.at(
                &text.span(),
                format!(
                    "line.resolvers: `{address}` is no address; write `192.0.2.53` or `[2001:db8::53]:53`"
                ),
            ),
        }
    }
    upstreams
}

fn session_lifetime(written: &Spanned<u64>, problems: &mut Collector<'_>) -> Duration {
    let hours = *written.get_ref();
    if !(1..=SESSION_HOURS_MAX).contains(&hours) {
        let what = format!("accounts.session_hours: {hours} hours are not between 1 and {SESSION_HOURS_MAX}");
        problems.at(&written.span(), what);
    }
    Duration::from_secs(hours.saturating_mul(3600))
}

fn read_bounded(path: &Path, bytes_max: u64) -> Result<String, Problems> {
    let size = fs::metadata(path).map_err(|error| missing(path, &error))?.len();
    if size > bytes_max {
        let error = std::io::Error::other(format!("{size} bytes are more than the {bytes_max} it may have"));
        return Err(missing(path, &error));
    }
    fs::read_to_string(path).map_err(|error| missing(path, &error))
}
