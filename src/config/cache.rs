//! `[cache]`: the sites that the box answers for as their cache, what is kept of them, and how much.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::Duration,
};

use hyper::Method;
use toml::Spanned;

use super::{
    fields::{parsed, word},
    file,
    problem::Collector,
    updates::{self, Updates},
};
use crate::{
    enforce::web_client::check_authorities,
    ent::{self, Keep, Origin, Paths, Rule, Upstream, WriteRule, store, warm},
    model::Domain,
    portal::{FrontedSite, check_certificate},
};

/// Sites of a box: an ENT, its media and the publishers' textbooks are some ten.
const ORIGINS_MAX: usize = 64;

/// Rules of one site.
const RULES_MAX: usize = 64;

/// Paths of one rule.
const PATHS_MAX: usize = 64;

/// The least that the store may take, in gigabytes.
const QUOTA_GB_USUAL: u64 = 20;

/// The most that can be meant, in gigabytes.
const QUOTA_GB_MAX: u64 = 100_000;

/// What the most asked for may take in memory, in bytes.
const MEMORY_BYTES: usize = 24 << 20;

/// The longest that a copy may stand in, in days: a summer and the weeks around it.
const DAYS_MAX: u64 = 120;

/// The longest that a copy may be called fresh, in minutes: a week.
const FRESH_MINUTES_MAX: u64 = 7 * 24 * 60;

/// The longest path of a list of what is warmed, in bytes.
const FROM_BYTES_MAX: usize = 2048;

/// What is warmed of a site in a night unless written, in megabytes: some ten minutes of a line of 8 Mbit/s.
const BUDGET_MB_USUAL: u64 = 500;

/// The most that can be meant, in megabytes.
const BUDGET_MB_MAX: u64 = 1_000_000;

/// What the table comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// What is kept of which site.
    pub settings: ent::Settings,
    /// Where it is kept, and how much.
    pub store: store::Settings,
    /// The sites' names and certificates.
    pub sites: Vec<FrontedSite>,
    /// Who signed the sites' own certificates, where it is not the public authorities.
    pub authorities_path: Option<PathBuf>,
    /// What is fetched of which site before anybody asks.
    pub warm: Vec<warm::Settings>,
    /// Which updates are kept, if any.
    pub updates: Option<Updates>,
}

impl Cache {
    /// The sites' names.
    #[must_use]
    pub fn names(&self) -> Vec<Domain> {
        self.sites.iter().map(|site| site.name.clone()).collect()
    }

    /// With where people are sent who find nothing while the line is down.
    pub(super) fn with_elsewhere(mut self, portal: &Domain, has_library: bool) -> Self {
        self.settings.elsewhere = Some(ent::Elsewhere { portal: format!("https://{portal}"), has_library });
        self
    }
}

/// The checked table, and the files it names.
#[derive(Debug)]
pub(super) struct WrittenCache {
    pub(super) cache: Cache,
    pub(super) paths: Vec<PathBuf>,
}

/// Checks the table. None where it is absent, or wrong, which was noted.
pub(super) fn cache(
    written: Option<&file::Cache>,
    portal_name: Option<&Domain>,
    (base, state_dir): (&Path, Option<&Path>),
    has_hours: bool,
    problems: &mut Collector<'_>,
) -> Option<WrittenCache> {
    let written = written?;
    let updates = updates::updates(written.updates.as_ref(), state_dir, problems);
    if let Some(extra) = written.origins.get(ORIGINS_MAX) {
        let what = format!("cache.origin: a box answers for at most {ORIGINS_MAX} sites; remove some");
        problems.at(&extra.name.span(), what);
    }
    let mut read = Read { base, portal_name, has_hours, problems, paths: Vec::new(), names: HashSet::new() };
    let read_all: Vec<_> = written.origins.iter().take(ORIGINS_MAX).map(|one| read.origin(one)).collect();
    let quota_gb = read.number("cache.quota_gb", written.quota_gb.as_ref(), 1, QUOTA_GB_MAX);
    let authorities_path = match &written.authorities {
        Some(authorities) => Some(read.authorities(authorities)?),
        None => None,
    };
    let mut settings = ent::Settings::default();
    let (mut sites, mut warm) = (Vec::new(), Vec::new());
    for one in read_all {
        let (origin, site, warmed) = one?;
        settings.origins.push(origin);
        sites.push(site);
        warm.extend(warmed);
    }
    let store = store::Settings {
        dir: state_dir?.join("cache"),
        quota_bytes: quota_gb.unwrap_or(QUOTA_GB_USUAL).saturating_mul(1_000_000_000),
        memory_bytes: MEMORY_BYTES,
    };
    let paths = read.paths;
    Some(WrittenCache { cache: Cache { settings, store, sites, authorities_path, warm, updates }, paths })
}

/// What is needed while the sites are read.
struct Read<'a, 'b> {
    base: &'a Path,
    portal_name: Option<&'a Domain>,
    /// Whether there are hours for what is large.
    has_hours: bool,
    problems: &'a mut Collector<'b>,
    paths: Vec<PathBuf>,
    names: HashSet<Domain>,
}

impl Read<'_, '_> {
    fn origin(
        &mut self,
        written: &file::CacheOrigin,
    ) -> Option<(Origin, FrontedSite, Option<warm::Settings>)> {
        let name = self.name(&written.name);
        let upstream = match (&written.upstream, &name) {
            (Some(text), _) => self.upstream(text),
            (None, Some(name)) => {
                Some(Upstream { address: name.as_str().into(), port: 443, is_secure: true })
            }
            (None, None) => None,
        };
        if let Some(extra) = written.rules.get(RULES_MAX) {
            let what = format!("cache.origin.rule: a site has at most {RULES_MAX} rules; remove some");
            self.problems.at(&extra.keep.span(), what);
        }
        let rules: Vec<_> = written.rules.iter().take(RULES_MAX).map(|rule| self.rule(rule)).collect();
        let writes: Vec<_> = written.writes.iter().take(RULES_MAX).map(|write| self.write(write)).collect();
        let warm = written.warm.as_ref().map(|warm| self.warm(warm));
        let name = name?;
        let site = self.site(written, &name)?;
        let warm = match warm {
            Some(read) => {
                let (from, budget_bytes) = read?;
                Some(warm::Settings { host: name.clone(), from, budget_bytes })
            }
            None => None,
        };
        let rules = rules.into_iter().collect::<Option<_>>()?;
        let writes = writes.into_iter().collect::<Option<_>>()?;
        Some((Origin { host: name, upstream: upstream?, rules, writes }, site, warm))
    }

    fn name(&mut self, written: &Spanned<String>) -> Option<Domain> {
        let name: Domain = parsed("cache.origin.name", written, self.problems)?;
        let what = if Some(&name) == self.portal_name {
            format!("cache.origin.name: `{name}` is the portal's own name")
        } else if !self.names.insert(name.clone()) {
            format!("cache.origin.name: `{name}` stands here twice; write its rules in one place")
        } else {
            return Some(name);
        };
        self.problems.at(&written.span(), what);
        None
    }

    fn site(&mut self, written: &file::CacheOrigin, name: &Domain) -> Option<FrontedSite> {
        let certificate_path = self.base.join(written.certificate.get_ref());
        let key_path = self.base.join(written.key.get_ref());
        if let Err(error) = check_certificate(name, &certificate_path, &key_path) {
            let what = format!("cache.origin.certificate: {error:#}");
            self.problems.at(&written.certificate.span(), what);
            return None;
        }
        self.paths.extend([certificate_path.clone(), key_path.clone()]);
        Some(FrontedSite { name: name.clone(), certificate_path, key_path })
    }

    /// Reads such as `https://origine.ent.exemple:8443`.
    fn upstream(&mut self, written: &Spanned<String>) -> Option<Upstream> {
        let read = || {
            let text = written.get_ref();
            let (is_secure, rest) = match text.strip_prefix("https://") {
                Some(rest) => (true, rest),
                None => (false, text.strip_prefix("http://")?),
            };
            let authority: hyper::http::uri::Authority = rest.parse().ok()?;
            let port = match authority.port() {
                Some(port) => port.as_u16(),
                None if is_secure => 443,
                None => 80,
            };
            let is_plain = !rest.contains('@') && port > 0;
            is_plain.then(|| Upstream {
                address: authority.host().trim_matches(['[', ']']).into(),
                port,
                is_secure,
            })
        };
        let upstream = read();
        if upstream.is_none() {
            let what = format!(
                "cache.origin.upstream: `{}` is no server; write such as `https://origine.ent.exemple`",
                written.get_ref()
            );
            self.problems.at(&written.span(), what);
        }
        upstream
    }

    fn rule(&mut self, written: &file::CacheRule) -> Option<Rule> {
        const KEEPS: [(&str, Keep); 4] = [
            ("as-told", Keep::AsTold),
            ("everyone", Keep::Everyone),
            ("person", Keep::Person),
            ("never", Keep::Never),
        ];
        let keep = word("cache.origin.rule.keep", &written.keep, &KEEPS, self.problems);
        let paths = self.paths("cache.origin.rule.paths", &written.paths);
        let days = self.number(
            "cache.origin.rule.days_without_line",
            written.days_without_line.as_ref(),
            0,
            DAYS_MAX,
        );
        let fresh = self.number(
            "cache.origin.rule.fresh_minutes",
            written.fresh_minutes.as_ref(),
            1,
            FRESH_MINUTES_MAX,
        );
        if let (Some(minutes), Some(false)) =
            (&written.fresh_minutes, keep.map(|keep| keep == Keep::Everyone))
        {
            let what = "cache.origin.rule.fresh_minutes: only what is kept for `everyone` has another freshness than the site says; remove it";
            self.problems.at(&minutes.span(), what);
        }
        Some(Rule {
            paths: paths?.into(),
            keep: keep?,
            when_line_is_down: Duration::from_secs(days.unwrap_or(0) * 86_400),
            fresh: fresh.map(|minutes| Duration::from_secs(minutes * 60)),
        })
    }

    fn write(&mut self, written: &file::CacheWrite) -> Option<WriteRule> {
        const METHODS: [(&str, Method); 4] = [
            ("POST", Method::POST),
            ("PUT", Method::PUT),
            ("PATCH", Method::PATCH),
            ("DELETE", Method::DELETE),
        ];
        let method = METHODS.iter().find(|(word, _)| word == written.method.get_ref());
        if method.is_none() {
            let what = format!(
                "cache.origin.write.method: `{}` is not one of `POST`, `PUT`, `PATCH`, `DELETE`",
                written.method.get_ref()
            );
            self.problems.at(&written.method.span(), what);
        }
        if written.paths.is_empty() {
            let what = "cache.origin.write.paths: none; name the requests that the site declares replayable";
            self.problems.at(&written.method.span(), what);
        }
        let paths = self.paths("cache.origin.write.paths", &written.paths);
        let sign_in = self.paths("cache.origin.write.sign_in", &written.sign_in);
        Some(WriteRule { method: method?.1.clone(), paths: paths?, sign_in: sign_in? })
    }

    /// The list's path, and the budget in bytes.
    fn warm(&mut self, written: &file::CacheWarm) -> Option<(String, u64)> {
        let from = written.from.get_ref();
        let is_path = from.starts_with('/')
            && from.len() <= FROM_BYTES_MAX
            && from.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if !is_path {
            let what = format!("cache.origin.warm.from: `{from}` is no path; write such as `/sitemap.xml`");
            self.problems.at(&written.from.span(), what);
        }
        if !self.has_hours {
            let what =
                "cache.origin.warm: there are no quiet hours; write `central.windows`, or remove this table";
            self.problems.at(&written.from.span(), what);
        }
        let budget = self.number("cache.origin.warm.budget_mb", written.budget_mb.as_ref(), 1, BUDGET_MB_MAX);
        let bytes = budget.unwrap_or(BUDGET_MB_USUAL).saturating_mul(1_000_000);
        (is_path && self.has_hours).then(|| (from.clone(), bytes))
    }

    fn paths(&mut self, field: &str, written: &[Spanned<String>]) -> Option<Vec<Paths>> {
        if let Some(extra) = written.get(PATHS_MAX) {
            self.problems.at(&extra.span(), format!("{field}: at most {PATHS_MAX}; remove some"));
        }
        let paths: Vec<_> =
            written.iter().take(PATHS_MAX).map(|path| parsed::<Paths>(field, path, self.problems)).collect();
        paths.into_iter().collect()
    }

    fn authorities(&mut self, written: &Spanned<String>) -> Option<PathBuf> {
        let path = self.base.join(written.get_ref());
        if let Err(error) = check_authorities(&path) {
            self.problems.at(&written.span(), format!("cache.authorities: {error:#}"));
            return None;
        }
        self.paths.push(path.clone());
        Some(path)
    }

    fn number(&mut self, field: &str, written: Option<&Spanned<u64>>, least: u64, most: u64) -> Option<u64> {
        let written = written?;
        let number = *written.get_ref();
        if !(least..=most).contains(&number) {
            self.problems
                .at(&written.span(), format!("{field}: {number}; write a number from {least} to {most}"));
        }
        Some(number.clamp(least, most))
    }
}
