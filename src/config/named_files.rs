//! The files a configuration names, read and checked: accounts, rules, category table, certificate.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use toml::Spanned;

use super::{ent::ent, fields::parsed, file, problem::Collector};
use crate::{
    enforce::ent::Settings,
    identity::{Directory, register::Terms},
    lists,
    model::Domain,
    policy::{Policy, PolicyError, RuleFile, SchoolCalendar, SchoolZone, category::Table},
    portal::{self, CertificateFrom},
    sync,
};

/// A configuration file or rules file larger than this is a mistake, in bytes.
pub(super) const FILE_BYTES_MAX: u64 = 4 << 20;

/// The accounts of a school of ten thousand fit many times over, in bytes.
const ACCOUNTS_BYTES_MAX: u64 = 64 << 20;

/// The category table the rules speak of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Categories {
    /// Its file.
    pub path: PathBuf,
    /// The day its newest list was last changed, such as `2026-11-20`.
    pub list_date: Arc<str>,
    /// How many categories it has.
    pub categories: usize,
    /// How many names and addresses.
    pub names: usize,
}

/// What the files came to. What is wrong is absent here and noted among the problems.
#[derive(Debug)]
pub(super) struct NamedFiles {
    pub(super) directory: Option<Directory>,
    pub(super) accounts_path: PathBuf,
    pub(super) terms: Option<Terms>,
    /// None where the calendar is the one built in.
    pub(super) calendar_path: Option<PathBuf>,
    pub(super) rule_files: Vec<(PathBuf, RuleFile)>,
    pub(super) categories: Option<Categories>,
    pub(super) policy: Option<Policy>,
    pub(super) certificate: PortalCertificate,
    pub(super) ent: Option<Settings>,
    pub(super) ent_paths: Vec<PathBuf>,
}

/// Where the portal's certificate lies, and who puts it there.
#[derive(Debug)]
pub(super) struct PortalCertificate {
    pub(super) certificate_path: PathBuf,
    pub(super) key_path: PathBuf,
    pub(super) from: CertificateFrom,
}

impl NamedFiles {
    /// Reads the files `written` names. Relative paths start at the directory `base`; what the box puts somewhere itself lies
    /// in `state_dir`.
    pub(super) fn read(
        written: &file::File,
        portal_name: Option<&Domain>,
        base: &Path,
        state_dir: Option<&Path>,
        problems: &mut Collector<'_>,
    ) -> Self {
        let accounts_path = base.join(written.accounts.file.get_ref());
        let directory = directory(&written.accounts.file, &accounts_path, problems);
        let calendar_path = written.accounts.calendar.as_ref().map(|path| base.join(path.get_ref()));
        let terms = terms(&written.accounts, calendar_path.as_deref(), problems);
        let rule_files = rule_files(&written.policy.rules, base, problems);
        let table = written.policy.categories.as_ref().map(|path| table(path, base, problems));
        let policy = match &table {
            None => policy(written, &rule_files, None, problems),
            Some(Some((table, _))) => policy(written, &rule_files, Some(table.clone()), problems),
            Some(None) => None,
        };
        let state_dir = state_dir.unwrap_or(base);
        let certificate = certificate(&written.portal, portal_name, base, state_dir, problems);
        let ent = ent(written.accounts.ent.as_ref(), portal_name, base, problems);
        let (ent, ent_paths) = ent.map_or((None, Vec::new()), |ent| (Some(ent.settings), ent.paths));
        let categories = table.flatten().map(|(_, categories)| categories);
        Self {
            directory,
            accounts_path,
            terms,
            calendar_path,
            rule_files,
            categories,
            policy,
            certificate,
            ent,
            ent_paths,
        }
    }

    /// Every file's path.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let PortalCertificate { certificate_path, key_path, .. } = &self.certificate;
        let fixed = [&self.accounts_path, certificate_path, key_path];
        let rules = self.rule_files.iter().map(|(path, _)| path);
        let table = self.categories.iter().map(|categories| &categories.path);
        let named = fixed.into_iter().chain(&self.calendar_path).chain(rules).chain(table);
        named.chain(&self.ent_paths).cloned().collect()
    }
}

/// Where the certificate lies; checked, where technicians put it there.
fn certificate(
    written: &file::Portal,
    portal_name: Option<&Domain>,
    base: &Path,
    state_dir: &Path,
    problems: &mut Collector<'_>,
) -> PortalCertificate {
    let (certificate, key) = match (&written.certificate, &written.key) {
        (Some(certificate), Some(key)) => (certificate, key),
        (None, None) => return obtained(state_dir),
        (Some(alone), None) | (None, Some(alone)) => {
            let what = "portal: write both `certificate` and `key`, or neither: the académie's central then obtains the certificate";
            problems.at(&alone.span(), what.to_owned());
            return obtained(state_dir);
        }
    };
    let (certificate_path, key_path) = (base.join(certificate.get_ref()), base.join(key.get_ref()));
    let files = [("portal.certificate", certificate, &certificate_path), ("portal.key", key, &key_path)];
    let read = files.map(|(field, name, path)| named_text(field, name, path, FILE_BYTES_MAX, problems));
    if let ([Some(_), Some(_)], Some(name)) = (read, portal_name)
        && let Err(error) = portal::check_certificate(name, &certificate_path, &key_path)
    {
        problems.at(&certificate.span(), format!("portal.certificate: {error:#}"));
    }
    PortalCertificate { certificate_path, key_path, from: CertificateFrom::Files }
}

/// Where the box puts the certificate that central obtains.
fn obtained(state_dir: &Path) -> PortalCertificate {
    let dir = sync::in_force::central_dir(state_dir);
    let (certificate_path, key_path) = (dir.join("portal.pem"), dir.join("portal.key"));
    PortalCertificate { certificate_path, key_path, from: CertificateFrom::Central }
}

fn directory(written: &Spanned<String>, path: &Path, problems: &mut Collector<'_>) -> Option<Directory> {
    let text = named_text("accounts.file", written, path, ACCOUNTS_BYTES_MAX, problems)?;
    let fault = match Directory::parse(text.as_bytes()) {
        Ok(directory) => return Some(directory),
        Err(fault) => fault,
    };
    let field = fault.field.map_or(String::new(), |field| format!("{field}: "));
    problems.in_file(path, usize::try_from(fault.line).ok(), format!("{field}{}", fault.what));
    None
}

/// The calendar that is named, or the one built in, with the school's zone, which it must know.
fn terms(written: &file::Accounts, path: Option<&Path>, problems: &mut Collector<'_>) -> Option<Terms> {
    let calendar = match (&written.calendar, path) {
        (Some(name), Some(path)) => {
            let text = named_text("accounts.calendar", name, path, FILE_BYTES_MAX, problems)?;
            SchoolCalendar::parse(&text)
                .map_err(|fault| problems.in_file(path, usize::try_from(fault.line).ok(), fault.what))
                .ok()?
        }
        _ => SchoolCalendar::shipped().clone(),
    };
    let Some(zone) = &written.calendar_zone else { return Some(Terms { calendar, zone: None }) };
    let known = parsed::<SchoolZone>("accounts.calendar_zone", zone, problems)?;
    if calendar.ends_on(&known).is_none() {
        let zones: Vec<_> = calendar.zones().map(|zone| format!("`{zone}`")).collect();
        let what = format!(
            "accounts.calendar_zone: the calendar has no zone `{known}`; it knows {}",
            zones.join(", ")
        );
        problems.at(&zone.span(), what);
        return None;
    }
    Some(Terms { calendar, zone: Some(known) })
}

fn rule_files(
    written: &Spanned<Vec<Spanned<String>>>,
    base: &Path,
    problems: &mut Collector<'_>,
) -> Vec<(PathBuf, RuleFile)> {
    let mut files = Vec::new();
    for name in written.get_ref() {
        let path = base.join(name.get_ref());
        let Some(text) = named_text("policy.rules", name, &path, FILE_BYTES_MAX, problems) else { continue };
        match RuleFile::parse(&text) {
            Ok(rules) => files.push((path, rules)),
            Err(fault) => {
                let field = if fault.field.is_empty() { String::new() } else { format!("{}: ", fault.field) };
                problems.in_file(&path, Some(fault.line), format!("{field}{}", fault.message));
            }
        }
    }
    files
}

fn table(
    written: &Spanned<String>,
    base: &Path,
    problems: &mut Collector<'_>,
) -> Option<(Table, Categories)> {
    let path = base.join(written.get_ref());
    if !path.is_file() {
        let what = format!(
            "policy.categories: `{}`: no such file; make it with `preau lists build`",
            path.display()
        );
        problems.at(&written.span(), what);
        return None;
    }
    match lists::open(&path) {
        Ok(table) => {
            let categories = Categories::of(&table, path);
            Some((table, categories))
        }
        Err(error) => {
            problems.at(&written.span(), format!("policy.categories: {error:#}"));
            None
        }
    }
}

fn policy(
    written: &file::File,
    files: &[(PathBuf, RuleFile)],
    categories: Option<Table>,
    problems: &mut Collector<'_>,
) -> Option<Policy> {
    // A file that could not be read has said so; rules without it would only lead to further complaints.
    if files.len() != written.policy.rules.get_ref().len() {
        return None;
    }
    let rules = files.iter().map(|(_, file)| file.clone()).collect();
    let fault = match Policy::new(rules, categories) {
        Ok(policy) => return Some(policy),
        Err(fault) => fault,
    };
    let (name, line, id, what) = match &fault {
        PolicyError::Order { .. } => {
            problems.at(&written.policy.rules.span(), format!("policy.rules: {fault}"));
            return None;
        }
        PolicyError::TakenId { file, line, level, id } => (
            file,
            *line,
            id,
            format!("id: another file of level {level} has a rule `{id}`; give each its own id"),
        ),
        PolicyError::NoTable { file, line, id, category } => {
            let what = format!(
                "categories: rule `{id}` names `{category}`, and there is no table; name one in `policy.categories`"
            );
            (file, *line, id, what)
        }
        PolicyError::UnknownCategory { file, line, id, category } => {
            let what = format!(
                "categories: rule `{id}` names `{category}`, which the table has not; name one that it has"
            );
            (file, *line, id, what)
        }
    };
    let holds_it = |file: &RuleFile| {
        file.name == *name && file.all_rules().any(|rule| rule.id == *id && rule.line == line)
    };
    // Of two files alike in name, id and line, the later one is at fault.
    if let Some((path, _)) = files.iter().rev().find(|(_, file)| holds_it(file)) {
        problems.in_file(path, Some(line), what);
    } else {
        problems.at(&written.policy.rules.span(), format!("policy.rules: {fault}"));
    }
    None
}

/// The text of a file the configuration names in `field`.
pub(super) fn named_text(
    field: &str,
    written: &Spanned<String>,
    path: &Path,
    bytes_max: u64,
    problems: &mut Collector<'_>,
) -> Option<String> {
    match read_text(path, bytes_max) {
        Ok(text) => return Some(text),
        Err(Unread { line: None, what }) => {
            problems.at(&written.span(), format!("{field}: `{}`: {what}", path.display()));
        }
        Err(Unread { line, what }) => problems.in_file(path, line, what),
    }
    None
}

/// Why a file gives no text.
#[derive(Debug)]
pub(super) struct Unread {
    /// The line, counted from 1, where the file itself is at fault.
    pub(super) line: Option<usize>,
    /// What is wrong and what to do.
    pub(super) what: String,
}

/// Reads a UTF-8 file of at most `bytes_max`. Pipes and devices are refused unopened: they may never end.
pub(super) fn read_text(path: &Path, bytes_max: u64) -> Result<String, Unread> {
    let failed = |what| Unread { line: None, what };
    let kind = path.metadata().map_err(|error| failed(cannot_read(&error)))?.file_type();
    if !kind.is_file() {
        let what = if kind.is_dir() { "a directory, not a file" } else { "not a plain file" };
        return Err(failed(format!("{what}; name a file")));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes))
        .map_err(|error| failed(cannot_read(&error)))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > bytes_max) {
        return Err(failed(format!("more than {bytes_max} bytes; is it the right file?")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let whole = error.utf8_error().valid_up_to();
        let before = error.as_bytes().iter().take(whole);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        Unread { line: Some(line), what: "not UTF-8 text; save the file as UTF-8".to_owned() }
    })
}

fn cannot_read(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file; write it, or name the right one".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "no right to read it; ask as root, or give its reader the right".to_owned()
        }
        _ => format!("cannot read it: {error}"),
    }
}
