//! What the judge answers: a permit that forwarding needs, or a refusal with its reason.

use std::{fmt, sync::Arc};

use super::{Evasion, Level, Rule, SearchRule, UrlPattern};
use crate::model::{Domain, Site, UrlPath};

/// The judge's answer to one question.
#[must_use]
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The site may be reached.
    Allow(Permit),
    /// It may not.
    Refuse(Refusal),
}

impl Verdict {
    /// The refusal that replaces this answer when it could not be written down (decision D17: closed for people).
    pub fn not_recorded(self) -> Self {
        let site = match self {
            Self::Allow(permit) => permit.site,
            Self::Refuse(refusal) => refusal.site,
        };
        Self::Refuse(Refusal { site, cause: Cause::NotRecorded })
    }

    /// The refusal that replaces a permission which somebody uses as a way round the filter. A refusal stays as it is.
    pub fn unless_used_for(self, evasion: Evasion) -> Self {
        match self {
            Self::Allow(Permit { site, .. }) => {
                Self::Refuse(Refusal { site, cause: Cause::Policy(Origin::Evasion(evasion)) })
            }
            Self::Refuse(_) => self,
        }
    }
}

/// The right to reach one site, made by the judge only. Whatever forwards traffic takes one.
#[must_use]
#[derive(Clone, Debug)]
pub struct Permit {
    site: Site,
    path: Option<UrlPath>,
    served_as: Option<ServedAs>,
    origin: Origin,
    way: Vec<Site>,
}

/// The other name of a site.
#[derive(Clone, Debug)]
struct ServedAs {
    name: Domain,
    by: Arc<SearchRule>,
}

impl Permit {
    pub(super) fn new(site: Site, origin: Origin) -> Self {
        Self { site, path: None, served_as: None, origin, way: Vec::new() }
    }

    /// The same permit, for the site under another name, because of a search rule.
    pub(super) fn serving(self, name: Domain, by: Arc<SearchRule>) -> Self {
        Self { served_as: Some(ServedAs { name, by }), ..self }
    }

    /// The same permit, good only while the sites on the `way` are allowed as well: the names an alias leads through.
    pub fn by_way_of(self, way: impl IntoIterator<Item = Site>) -> Self {
        Self { way: way.into_iter().collect(), ..self }
    }

    /// The same permit for the page at `path` alone.
    pub(super) fn for_page(self, path: Option<&UrlPath>) -> Self {
        Self { path: path.cloned(), ..self }
    }

    /// A permit that no judge made, for tests of what takes one.
    #[cfg(test)]
    pub(crate) fn for_tests(site: Site) -> Self {
        Self::new(site, Origin::ZoneDefault)
    }

    /// The site that may be reached.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The path and query it was given for, where the box could see them.
    #[must_use]
    pub fn path(&self) -> Option<&UrlPath> {
        self.path.as_ref()
    }

    /// The name under which the site must be looked up in place of its own: its form with safe search, for example.
    /// Whoever resolves the site, for an answer or for a connection, takes this one. It is the box's own choice and not
    /// judged; names that it leads to in turn are.
    #[must_use]
    pub fn served_as(&self) -> Option<&Domain> {
        self.served_as.as_ref().map(|served| &served.name)
    }

    /// The search rule because of which the site is served under another name.
    #[must_use]
    pub fn served_by(&self) -> Option<&Arc<SearchRule>> {
        self.served_as.as_ref().map(|served| &served.by)
    }

    /// Every site that must be allowed while the permit is used: the site itself, then those on the way to it.
    pub fn sites(&self) -> impl Iterator<Item = &Site> {
        std::iter::once(&self.site).chain(&self.way)
    }

    /// Where the permission comes from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// A refusal and everything needed to explain it.
#[must_use]
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What was refused.
    pub site: Site,
    /// Why.
    pub cause: Cause,
}

/// Why something is refused.
#[derive(Clone, Debug)]
pub enum Cause {
    /// The zone asks people to sign in, and nobody has; for a registered machine, no rule opens the site either.
    SignInNeeded,
    /// A rule or the zone's default refuses it, or it is a way round the filter.
    Policy(Origin),
    /// The decision could not be written down, so it must not act (decision D17: closed for people).
    NotRecorded,
}

/// The rule behind a decision, and what in it matched.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A rule spoke.
    Rule {
        /// The rule, with its level and reason.
        rule: Arc<Rule>,
        /// What in the rule matched.
        matched: Matched,
    },
    /// A teacher's timed opening or closing spoke.
    Opening {
        /// Who it was for, as the teacher chose it, such as `classe 6A`.
        scope: Arc<str>,
    },
    /// No rule spoke: the zone's default did.
    ZoneDefault,
    /// No rule was asked: it is a way round all of them.
    Evasion(Evasion),
    /// Nobody has signed in, and the site is needed to do so.
    Welcome,
}

impl Origin {
    /// Whether it spoke because of the path: about the name alone, the answer may be another.
    #[must_use]
    pub fn is_by_path(&self) -> bool {
        match self {
            Self::Rule { matched, .. } => matched.is_by_path(),
            Self::Opening { .. } | Self::ZoneDefault | Self::Evasion(_) | Self::Welcome => false,
        }
    }

    /// The level the rule belongs to; none where no rule spoke.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        match self {
            Self::Rule { rule, .. } => Some(rule.level),
            Self::Opening { .. } => Some(Level::Opening),
            Self::ZoneDefault | Self::Evasion(_) | Self::Welcome => None,
        }
    }
}

/// What in a rule matched the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matched {
    /// The site is written in the rule, itself or by this parent.
    Site(Domain),
    /// The site, or this parent of it, is a search engine that cannot be held to safe search.
    Engine(Domain),
    /// An address or network written in the rule holds the site's address.
    Address,
    /// The page is written in the rule, itself or by this one above it.
    Url(UrlPattern),
    /// A list puts the site, or the page, in a category of the rule.
    Category {
        /// The category's name, such as `gambling`.
        category: Arc<str>,
        /// The date of the list, as its header gives it.
        list_date: Arc<str>,
        /// What the list holds.
        by: ListedBy,
    },
    /// The rule is about every site.
    Everything,
}

impl Matched {
    /// Whether the path made it match.
    #[must_use]
    pub fn is_by_path(&self) -> bool {
        match self {
            Self::Url(_) | Self::Category { by: ListedBy::Url | ListedBy::Expression, .. } => true,
            Self::Site(_)
            | Self::Engine(_)
            | Self::Address
            | Self::Category { by: ListedBy::Site, .. }
            | Self::Everything => false,
        }
    }
}

/// What a list holds of what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListedBy {
    /// The site, or a parent of it.
    Site,
    /// The page, or one above it.
    Url,
    /// An expression that the page's address matches.
    Expression,
}

impl fmt::Display for Matched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Site(domain) => write!(f, "site {domain}"),
            Self::Engine(domain) => write!(f, "search engine without a safe form {domain}"),
            Self::Address => f.write_str("address"),
            Self::Url(page) => write!(f, "page {page}"),
            Self::Category { category, list_date, by } => {
                let by = match by {
                    ListedBy::Site => "",
                    ListedBy::Url => ", by its page",
                    ListedBy::Expression => ", by an expression",
                };
                write!(f, "category {category} (list of {list_date}{by})")
            }
            Self::Everything => f.write_str("every site"),
        }
    }
}

/// For technicians, such as ``refused by rule `jeux` …``.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow(Permit { origin, served_as: None, .. }) => write!(f, "allowed by {origin}"),
            Self::Allow(Permit { origin, served_as: Some(ServedAs { name, by }), .. }) => {
                write!(f, "allowed by {origin}, served as {name} by {by}")
            }
            Self::Refuse(Refusal { cause: Cause::Policy(origin), .. }) => write!(f, "refused by {origin}"),
            Self::Refuse(Refusal { cause: Cause::SignInNeeded, .. }) => {
                f.write_str("refused: nobody has signed in")
            }
            Self::Refuse(Refusal { cause: Cause::NotRecorded, .. }) => {
                f.write_str("refused: the decision could not be recorded")
            }
        }
    }
}

/// For technicians: the rule with its level, file and line, and what in it matched.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule { rule, matched } => write!(f, "{rule} by {matched}"),
            Self::Opening { scope } => write!(f, "a teacher's timed decision for `{scope}`"),
            Self::ZoneDefault => f.write_str("the zone's default"),
            Self::Evasion(evasion) => write!(f, "the box itself: {evasion}"),
            Self::Welcome => f.write_str("the box itself: the site is needed to sign in"),
        }
    }
}
