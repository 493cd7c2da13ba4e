//! A request, read once: for which origin, under which key, by which rule.

use std::sync::Arc;

use hyper::{
    HeaderMap, Method, Uri, Version,
    header::{AUTHORIZATION, CONTENT_LENGTH, EXPECT, HOST, HeaderValue, TRANSFER_ENCODING, VIA},
    http::{request::Parts, uri::Authority},
};
use tokio_util::sync::CancellationToken;

use super::{
    cache::Visitor,
    directives::Directives,
    hop::{strip_connection, strip_unkeyed},
    list::{joined, members, only},
    origins::Origins,
    ranges::{Asked as Range, Ranges},
    refusal::Refusal,
    settings::{Keep, Origin, Rule},
    store::Key,
    targeted::{NAME, SURROGATE_CAPABILITY},
    validation::strip_conditions,
};
use crate::model::{Domain, Moment};

/// Bounds on a request's head; the listener has its own before them.
struct Limits;

impl Limits {
    /// Longest path and query, in bytes: longer ones are in no page's links.
    const PATH_BYTES: usize = 8 * 1024;
    /// Longest fields in all, in bytes: what origins take themselves.
    const FIELDS_BYTES: usize = 32 * 1024;
    /// Most fields.
    const FIELDS: usize = 100;
}

/// A request for an origin.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) origin: Arc<Origin>,
    /// Path and query as the client wrote them.
    pub(super) path: String,
    /// The fields that go on.
    pub(super) fields: HeaderMap,
    pub(super) directives: Directives,
    pub(super) ranges: Ranges,
    pub(super) rule: Rule,
    pub(super) key: Key,
    whose: Option<[u8; 32]>,
    is_secure: bool,
    pub(super) at: Moment,
    /// The count of changes by writes when it was looked for.
    pub(super) begun: u64,
    /// Ends what is fetched for this request, unless somebody else reads it by then; for what the box fetches for itself.
    pub(super) leash: Option<CancellationToken>,
}

impl Asked {
    /// Reads the head of a request by `visitor`.
    pub(super) fn read(
        origins: &Origins,
        visitor: &Visitor,
        parts: Parts,
        at: Moment,
    ) -> Result<Self, Refusal> {
        let Parts { method, uri, mut headers, version, .. } = parts;
        check_size(&uri, &headers)?;
        check_framing(&headers)?;
        let name = host(&uri, &headers, version)?;
        if visitor.server_name.as_ref().is_some_and(|in_tls| *in_tls != name) {
            return Err(Refusal::Misdirected);
        }
        let origin = origins.find(&name).ok_or(Refusal::Misdirected)?;
        if matches!(method, Method::CONNECT | Method::TRACE) {
            return Err(Refusal::Method);
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        if !path.starts_with('/') {
            return Err(Refusal::Bad);
        }
        let is_a_loop = |list: String| members(&list).any(|by| by.split_whitespace().nth(1) == Some(NAME));
        if joined(&headers, &VIA).is_some_and(is_a_loop) {
            return Err(Refusal::Loop);
        }
        strip_connection(&mut headers);
        strip_unkeyed(&mut headers);
        for name in [EXPECT, CONTENT_LENGTH, HOST] {
            headers.remove(name);
        }
        let (rule, whose) = rule_for(&origin, path, visitor);
        Ok(Self {
            key: key(whose.as_ref(), visitor.is_secure, &origin.host, keyed(path, rule.keep)),
            directives: Directives::of_request(&headers),
            ranges: Ranges::of(&headers),
            path: path.to_owned(),
            origin,
            is_secure: visitor.is_secure,
            fields: headers,
            method,
            rule,
            whose,
            at,
            begun: 0,
            leash: None,
        })
    }

    /// The request of the same `visitor` for another page of the origin, as far as it is about what is kept.
    pub(super) fn of_page(&self, path: &str, visitor: &Visitor) -> Self {
        let (rule, whose) = rule_for(&self.origin, path, visitor);
        let key = key(whose.as_ref(), self.is_secure, &self.origin.host, path);
        let (method, path) = (Method::GET, path.to_owned());
        let mut page = Self { method, path, key, rule, whose, ..self.clone() };
        page.forget_conditions();
        page
    }

    /// Asks for the whole, whatever the client has already.
    pub(super) fn forget_conditions(&mut self) {
        strip_conditions(&mut self.fields);
        self.ranges = Ranges::None;
        self.directives = Directives::default();
    }

    /// The path without its query.
    pub(super) fn bare_path(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// The key of what is asked for where that is a range: those who ask for the same one share a fetch.
    pub(super) fn key_of_range(&self, range: Range) -> Key {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.key.0);
        hasher.update(range.written().as_bytes());
        Key(hasher.finalize().into())
    }

    /// Whether others may get what comes for this request, as far as the request says.
    pub(super) fn may_be_shared(&self) -> bool {
        match self.rule.keep {
            Keep::Everyone => !self.directives.no_store,
            Keep::AsTold | Keep::Files => {
                !self.directives.no_store && !self.fields.contains_key(AUTHORIZATION)
            }
            Keep::Person | Keep::Never => false,
        }
    }

    /// The keys under which `path` of this origin may be kept for this client: for all, and for the person.
    pub(super) fn keys_of(&self, path: &str) -> Vec<Key> {
        let of = |whose: Option<&[u8; 32]>| key(whose, self.is_secure, &self.origin.host, path);
        self.whose.iter().map(|whose| of(Some(whose))).chain([of(None)]).collect()
    }

    /// Makes `fields` those of a request from here to `origin`.
    pub(super) fn address(fields: &mut HeaderMap, origin: &Origin) {
        let host = HeaderValue::from_str(origin.host.as_str()).expect("a domain is ASCII");
        fields.insert(HOST, host);
        fields.insert(VIA, HeaderValue::from_static("1.1 preau"));
    }

    /// The head of a request for the same to the origin.
    pub(super) fn onward(&self) -> Parts {
        let (mut parts, ()) = hyper::Request::new(()).into_parts();
        parts.method = self.method.clone();
        parts.uri = self.path.parse().unwrap_or_else(|_| Uri::from_static("/"));
        parts.headers = self.fields.clone();
        Self::address(&mut parts.headers, &self.origin);
        parts.headers.insert(SURROGATE_CAPABILITY, HeaderValue::from_static("preau=\"Surrogate/1.0\""));
        parts
    }
}

/// The rule for a path, and for whom what is kept by it is.
fn rule_for(origin: &Origin, path: &str, visitor: &Visitor) -> (Rule, Option<[u8; 32]>) {
    let rule = origin.rule(path);
    let rule = match (rule.keep, visitor.person) {
        (Keep::Person, None) => Rule { keep: Keep::Never, ..rule },
        _ => rule,
    };
    let whose = visitor.person.filter(|_| rule.keep == Keep::Person);
    (rule, whose)
}

fn check_size(uri: &Uri, fields: &HeaderMap) -> Result<(), Refusal> {
    if uri.path_and_query().is_some_and(|path| path.as_str().len() > Limits::PATH_BYTES) {
        return Err(Refusal::TooLongPath);
    }
    let bytes: usize = fields.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if fields.len() > Limits::FIELDS || bytes > Limits::FIELDS_BYTES {
        return Err(Refusal::TooManyFields);
    }
    Ok(())
}

/// A request whose end two readers could see at two places is not answered (RFC 9112 section 6.3).
fn check_framing(fields: &HeaderMap) -> Result<(), Refusal> {
    let lengths = fields.get_all(CONTENT_LENGTH).iter().count();
    let codings = joined(fields, &TRANSFER_ENCODING);
    let is_plain = codings.as_deref().is_none_or(|coding| coding.eq_ignore_ascii_case("chunked"));
    if lengths > 1 || (lengths > 0 && codings.is_some()) || !is_plain {
        return Err(Refusal::Bad);
    }
    Ok(())
}

/// The one host that a request names: in its Host field and, where it has one, in its URL alike (RFC 9112 section 3.2).
fn host(uri: &Uri, fields: &HeaderMap, version: Version) -> Result<Domain, Refusal> {
    let in_url = uri.authority().map(domain).transpose()?;
    let in_field = match only(fields, &HOST) {
        Some(text) => Some(domain(&text.parse().map_err(|_| Refusal::Bad)?)?),
        None if fields.contains_key(HOST) || version < Version::HTTP_2 => return Err(Refusal::Bad),
        None => None,
    };
    match (in_url, in_field) {
        (Some(one), Some(other)) if one != other => Err(Refusal::Bad),
        (Some(name), _) | (None, Some(name)) => Ok(name),
        (None, None) => Err(Refusal::Bad),
    }
}

fn domain(authority: &Authority) -> Result<Domain, Refusal> {
    let behind = authority.as_str().strip_prefix(authority.host());
    let has_port = behind.is_some_and(|port| matches!(port, "" | ":") || authority.port_u16().is_some());
    // Without its host at its beginning it begins with somebody's name.
    if !has_port {
        return Err(Refusal::Bad);
    }
    authority.host().parse().map_err(|_| Refusal::Misdirected)
}

/// What of a path and query tells what is kept under `keep`.
fn keyed(path: &str, keep: Keep) -> &str {
    match keep {
        Keep::Files => path.split('?').next().unwrap_or_default(),
        Keep::AsTold | Keep::Everyone | Keep::Person | Keep::Never => path,
    }
}

/// A digest of whose it is, by which scheme it came, and the URL; each part with its length before it, so that no two
/// different ones read alike.
fn key(whose: Option<&[u8; 32]>, is_secure: bool, host: &Domain, path: &str) -> Key {
    let mut hasher = blake3::Hasher::new();
    let whose: &[u8] = whose.map_or(&[], |whose| whose);
    let scheme: &[u8] = if is_secure { b"https" } else { b"http" };
    for part in [whose, scheme, host.as_str().as_bytes(), path.as_bytes()] {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    Key(hasher.finalize().into())
}
