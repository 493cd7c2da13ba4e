//! What is kept of which origin, and for how long: data of the configuration.

use std::{sync::Arc, time::Duration};

use hyper::Method;

use crate::model::{Domain, UrlPath};

/// The origins that the cache stands before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Each with its rules. Of two with one name, the first counts.
    pub origins: Vec<Origin>,
    /// Where people are sent who find nothing here while the line is down.
    pub elsewhere: Option<Elsewhere>,
}

/// Where people are sent who find nothing here while the line is down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The portal's origin, such as `https://portail.college.exemple`.
    pub portal: String,
    /// Whether the school has a library.
    pub has_library: bool,
}

/// An origin: an ENT, or a site of its resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The name that people ask for and that the box answers for.
    pub host: Domain,
    /// Where it is fetched from.
    pub upstream: Upstream,
    /// What is kept; the first rule that matches a path counts, and `as-told` where none does.
    pub rules: Vec<Rule>,
    /// What may wait for the line where it cannot be handed on at once.
    pub writes: Vec<WriteRule>,
}

/// Requests that the origin's operator declares replayable: each does its work once however often it comes with the same
/// `Idempotency-Key`, and may do it hours later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteRule {
    /// Their method.
    pub method: Method,
    /// Their paths.
    pub paths: Vec<Paths>,
    /// Where the origin sends people whom it does not know any more.
    pub sign_in: Vec<Paths>,
}

impl WriteRule {
    /// Whether the origin signs people in at this path and query.
    pub(super) fn signs_in_at(&self, written: &str) -> bool {
        are_at(&self.sign_in, written)
    }
}

/// Whether one of `paths` is that of a path and query as they are written.
fn are_at(paths: &[Paths], written: &str) -> bool {
    let compared = UrlPath::from(written.split_once('?').map_or(written, |(path, _)| path));
    paths.iter().any(|paths| paths.contain(compared.as_str()))
}

/// Where an origin is fetched from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Upstream {
    /// The name or address to connect to; in TLS, the certificate must be for [`Origin::host`].
    pub address: Arc<str>,
    /// Its port.
    pub port: u16,
    /// Whether it speaks TLS.
    pub is_secure: bool,
}

/// What is kept of some paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which paths; none means all. Shared: each request has a copy of its rule.
    pub paths: Arc<[Paths]>,
    /// What is kept of them, and for whom.
    pub keep: Keep,
    /// How long past its freshness a copy stands in while the origin cannot be reached or fails.
    pub when_line_is_down: Duration,
    /// How long a copy is fresh, whatever the origin says; only for what is kept for `everyone`.
    pub fresh: Option<Duration>,
}

/// What is kept, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// What RFC 9111 lets a shared cache keep, and nothing more.
    AsTold,
    /// The origin's operator declares these pages the same for all: kept although they came for a cookie or say `private`.
    /// `no-store` still holds, and cookies are never kept.
    Everyone,
    /// Under the person's key: served to that person alone, while the line is down or as the origin confirms it.
    Person,
    /// As told, but only whole files and parts of them, under the path alone: what stands behind it is a ticket, another for
    /// each machine, and says nothing of the file. For the updates of systems and browsers.
    Files,
    /// Nothing.
    Never,
}

impl Keep {
    /// Whether the origin's word on keeping and freshness counts as RFC 9111 has it.
    pub(super) const fn follows_origin(self) -> bool {
        matches!(self, Self::AsTold | Self::Files)
    }
}

/// Some paths of an origin.
///
/// `/aide` is that path, `/aide/` all below it, and `*` stands for anything in one segment: `/cours/*/media/`. Paths are
/// compared as [`UrlPath`] writes them ([`Origin::rule`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    segments: Vec<Box<str>>,
    goes_on: bool,
}

/// Why a text names no paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathsError {
    /// It does not begin with `/`.
    #[error("paths begin with `/`")]
    Slash,
    /// A `?`, a `#`, a `%`, a `;`, an empty segment, `.` or `..`.
    #[error("paths are written plainly: no `?`, `#`, `%`, `;`, `\\`, `//`, `.` or `..`")]
    Plain,
    /// A `*` that is not a segment of its own.
    #[error("a `*` stands for a whole segment")]
    Star,
}

impl Rule {
    /// The rule of updates.
    pub(super) fn files() -> Self {
        Self { keep: Keep::Files, ..Self::as_told() }
    }

    /// The rule of paths that no rule names.
    #[must_use]
    pub fn as_told() -> Self {
        Self { paths: Arc::default(), keep: Keep::AsTold, when_line_is_down: Duration::ZERO, fresh: None }
    }
}

impl std::str::FromStr for Paths {
    type Err = PathsError;

    fn from_str(text: &str) -> Result<Self, PathsError> {
        let path = text.strip_prefix('/').ok_or(PathsError::Slash)?;
        if !is_plain(text) {
            return Err(PathsError::Plain);
        }
        let (path, goes_on) = path.strip_suffix('/').map_or((path, path.is_empty()), |path| (path, true));
        let segments: Vec<Box<str>> =
            path.split('/').filter(|segment| !segment.is_empty()).map(|s| s.to_lowercase().into()).collect();
        if segments.iter().any(|segment| segment.contains('*') && &**segment != "*") {
            return Err(PathsError::Star);
        }
        Ok(Self { segments, goes_on })
    }
}

impl Paths {
    /// Whether `path`, in its compared form and without its query, is one of them.
    fn contain(&self, path: &str) -> bool {
        let mut asked = path.split('/').filter(|segment| !segment.is_empty());
        for segment in &self.segments {
            match asked.next() {
                Some(found) if &**segment == "*" || &**segment == found => {}
                _ => return false,
            }
        }
        self.goes_on || asked.next().is_none()
    }
}

impl Origin {
    /// By what a request for this path and query is replayable, if it is. One that is not written plainly is not.
    pub(super) fn write_rule(&self, method: &str, written: &str) -> Option<&WriteRule> {
        let path = written.split_once('?').map_or(written, |(path, _)| path);
        let mut rules = self.writes.iter().filter(|rule| rule.method == method && is_plain(path));
        rules.find(|rule| are_at(&rule.paths, written))
    }

    /// The rule for a request's path and query as it is written.
    ///
    /// Where there are rules, nothing is kept of a path that could mean one thing here and another to the origin
    /// (`%2e%2e`, `//`, `;x.css`): nobody makes a private page look like one that is the same for all. Among files nothing is
    /// private, and apt writes `%7e`.
    #[must_use]
    pub fn rule(&self, written: &str) -> Rule {
        let path = written.split_once('?').map_or(written, |(path, _)| path);
        let is_of_files = self.rules.iter().all(|rule| rule.keep == Keep::Files);
        if !is_of_files && !is_plain(path) {
            return Rule { keep: Keep::Never, ..Rule::as_told() };
        }
        let compared = UrlPath::from(path);
        let found = self.rules.iter().find(|rule| {
            rule.paths.is_empty() || rule.paths.iter().any(|paths| paths.contain(compared.as_str()))
        });
        found.cloned().unwrap_or_else(Rule::as_told)
    }
}

/// Whether everybody reads a path alike: only characters that stand for themselves, no empty segment, no dots alone.
/// Encoded characters above ASCII, as in `/%C3%A9l%C3%A8ves`, blanks and marks that part nothing stand for themselves too.
fn is_plain(path: &str) -> bool {
    let bytes = path.as_bytes();
    let is_plain_byte = |(at, byte): (usize, &u8)| match byte {
        b'%' => path
            .get(at + 1..at + 3)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .is_some_and(|byte| byte >= 0x80 || b" !&'()+,=@[]".contains(&byte)),
        b';' | b'\\' | b'?' | b'#' => false,
        _ => byte.is_ascii_graphic(),
    };
    let mut segments = path.split('/').skip(1).peekable();
    let mut has_whole_segments = true;
    while let Some(segment) = segments.next() {
        has_whole_segments &=
            !matches!(segment, "." | "..") && (!segment.is_empty() || segments.peek().is_none());
    }
    has_whole_segments && bytes.iter().enumerate().all(is_plain_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        let rule = |paths: &[&str], keep| Rule {
            paths: paths.iter().map(|text| text.parse().unwrap()).collect(),
            keep,
            ..Rule::as_told()
        };
        Origin {
            host: "ent.exemple.fr".parse().unwrap(),
            upstream: Upstream { address: "192.0.2.1".into(), port: 443, is_secure: true },
            rules: vec![
                rule(&["/ressources/", "/cours/*/media/", "/aide"], Keep::Everyone),
                rule(&["/messages/"], Keep::Never),
                rule(&["/"], Keep::Person),
            ],
            writes: Vec::new(),
        }
    }

    fn check(path: &str, keep: Keep) {
        assert_eq!(origin().rule(path).keep, keep, "{path}");
    }

    #[test]
    fn the_first_rule_that_names_a_path_counts() {
        check("/ressources/a.css", Keep::Everyone);
        check("/ressources", Keep::Everyone);
        check("/cours/6a/media/son.mp3?x=1", Keep::Everyone);
        check("/cours/6a/notes", Keep::Person);
        check("/aide", Keep::Everyone);
        check("/aide/moi", Keep::Person);
        check("/messages/1", Keep::Never);
        check("/ressources/Le%20cours%20(1)%C3%A9.pdf", Keep::Everyone);
    }

    #[test]
    fn no_trick_of_spelling_makes_a_page_one_for_all() {
        for path in [
            "/messages/%2e%2e/ressources/x.css",
            "/messages/../ressources/x.css",
            "/messages;/../ressources/a",
            "/ressources/%2e%2e/messages/1",
            "/ressources/..%2fmessages",
            "/ressources//a",
            "/ressources/a;jsessionid=1",
            "/ressources/a%3b.css",
            "/%72essources/a",
            "/ressources\\..\\messages",
            "//ressources/a",
            "/messages%2f..%2fressources/a",
        ] {
            check(path, Keep::Never);
        }
    }

    #[test]
    fn paths_are_written_plainly() {
        assert_eq!("aide".parse::<Paths>(), Err(PathsError::Slash));
        for text in ["/a?b", "/a%2fb", "/a/../b", "/a//b", "/a;b"] {
            assert_eq!(text.parse::<Paths>(), Err(PathsError::Plain), "{text}");
        }
        assert_eq!("/a/*.css".parse::<Paths>(), Err(PathsError::Star));
        assert!("/%C3%A9l%C3%A8ves/".parse::<Paths>().is_ok());
    }
}
