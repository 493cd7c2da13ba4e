//! The school's applications that the box is a CAS server for, with the dialects they name.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use toml::Spanned;

use super::{
    fields::{parsed, shown, word},
    file,
    named_files::{FILE_BYTES_MAX, named_text},
    problem::Collector,
};
use crate::{
    model::{Domain, Role},
    portal::{Application, Dialect, ServicePattern, UserWord},
};

/// Applications of a box: more than any school runs.
const APPLICATIONS_MAX: usize = 64;

/// Services of one application.
const SERVICES_MAX: usize = 16;

/// What was read: the applications, where their names lead, and the files they name.
#[derive(Debug, Default)]
pub(super) struct Applications {
    pub(super) all: Vec<Application>,
    pub(super) names: Vec<(Domain, IpAddr)>,
    pub(super) paths: Vec<PathBuf>,
}

impl Applications {
    /// Checks the applications as written. Relative paths start at the directory `base`.
    pub(super) fn read(
        written: &[file::Application],
        portal_name: Option<&Domain>,
        base: &Path,
        problems: &mut Collector<'_>,
    ) -> Self {
        if let Some(extra) = written.get(APPLICATIONS_MAX) {
            let what = format!("application: a box knows at most {APPLICATIONS_MAX}; remove some");
            problems.at(&extra.name.span(), what);
        }
        let mut read = Self::default();
        let mut names: HashMap<&str, ()> = HashMap::new();
        for one in written.iter().take(APPLICATIONS_MAX) {
            if names.insert(one.name.get_ref().as_str(), ()).is_some() {
                let what = format!(
                    "application.name: `{}` stands here twice; give each its own",
                    one.name.get_ref()
                );
                problems.at(&one.name.span(), what);
            }
            let Some(application) = application(one, base, &mut read.paths, problems) else { continue };
            read.check_hosts(one, &application, portal_name, problems);
            read.all.push(application);
        }
        read
    }

    /// One host leads to one place, and never to the portal's.
    fn check_hosts(
        &mut self,
        written: &file::Application,
        application: &Application,
        portal_name: Option<&Domain>,
        problems: &mut Collector<'_>,
    ) {
        for (pattern, text) in application.services.iter().zip(written.service.get_ref()) {
            let host = pattern.host();
            if Some(host) == portal_name {
                let what = format!(
                    "application.service: `{host}` is the portal's own name; an application has another"
                );
                problems.at(&text.span(), what);
            }
            if self.all.iter().any(|other| other.services.contains(pattern)) {
                let what =
                    format!("application.service: `{pattern}` belongs to another application; write it once");
                problems.at(&text.span(), what);
            }
            let Some(at) = application.at.map(|at| at.ip()) else { continue };
            match self.names.iter().find(|(name, _)| name == host) {
                None => self.names.push((host.clone(), at)),
                Some((_, other)) if *other == at => {}
                Some((_, other)) => {
                    let what = format!(
                        "application.service: `{host}` is at `{other}` already; one name has one place"
                    );
                    problems.at(&text.span(), what);
                }
            }
        }
    }
}

fn application(
    written: &file::Application,
    base: &Path,
    paths: &mut Vec<PathBuf>,
    problems: &mut Collector<'_>,
) -> Option<Application> {
    const WORDS: [(&str, UserWord); 2] = [("login", UserWord::Login), ("id", UserWord::Id)];
    let name = shown("application.name", &written.name, problems);
    let services = services(&written.service, problems);
    let at = match &written.at {
        None => Some(None),
        Some(text) => address(text, problems).map(Some),
    };
    let user = word("application.user", &written.user, &WORDS, problems);
    let roles: Vec<_> =
        written.roles.iter().filter_map(|role| parsed::<Role>("application.roles", role, problems)).collect();
    let authorities = written.authorities.as_ref().map(|file| (file, base.join(file.get_ref())));
    if let Some((file, path)) = &authorities {
        check_authorities(file, path, problems);
        paths.push(path.clone());
    }
    let dialect = match &written.attributes {
        None => Some(Dialect::default()),
        Some(file) => {
            let path = base.join(file.get_ref());
            let read = dialect(file, &path, problems);
            paths.push(path);
            read
        }
    };
    let authorities_path = authorities.map(|(_, path)| path);
    let proxies = written.proxies;
    let (name, at, user, dialect) = (name?, at?, user?, dialect?);
    Some(Application { name, services: services?, at, authorities_path, user, roles, proxies, dialect })
}

fn services(
    written: &Spanned<Vec<Spanned<String>>>,
    problems: &mut Collector<'_>,
) -> Option<Vec<ServicePattern>> {
    let texts = written.get_ref();
    if texts.is_empty() || texts.len() > SERVICES_MAX {
        let what = format!("application.service: write one to {SERVICES_MAX} addresses");
        problems.at(&written.span(), what);
        return None;
    }
    let read: Vec<_> =
        texts.iter().filter_map(|text| parsed("application.service", text, problems)).collect();
    Some(read).filter(|read| read.len() == texts.len())
}

fn address(text: &Spanned<String>, problems: &mut Collector<'_>) -> Option<SocketAddr> {
    let read = text.get_ref().parse::<SocketAddr>().ok();
    let read = read.filter(|at| !at.ip().is_unspecified() && !at.ip().is_multicast() && at.port() != 0);
    if read.is_none() {
        let what = format!(
            "application.at: `{}` is no address with a port; write such as `10.40.0.20:443` or `[fd00:40::20]:443`",
            text.get_ref()
        );
        problems.at(&text.span(), what);
    }
    read
}

fn check_authorities(file: &Spanned<String>, path: &Path, problems: &mut Collector<'_>) {
    let field = "application.authorities";
    let Some(text) = named_text(field, file, path, FILE_BYTES_MAX, problems) else { return };
    let mut certificates = CertificateDer::pem_slice_iter(text.as_bytes());
    if certificates.next().is_none_or(|first| first.is_err()) {
        let what =
            format!("{field}: `{}` holds no certificate in PEM; name the authority's own", path.display());
        problems.at(&file.span(), what);
    }
}

fn dialect(file: &Spanned<String>, path: &Path, problems: &mut Collector<'_>) -> Option<Dialect> {
    let text = named_text("application.attributes", file, path, FILE_BYTES_MAX, problems)?;
    match Dialect::parse(text.strip_prefix('\u{feff}').unwrap_or(&text)) {
        Ok(dialect) => Some(dialect),
        Err(error) => {
            problems.in_file(path, Some(error.line), error.what);
            None
        }
    }
}
