//! Updates of systems and browsers: fetched once over the line, given to every machine of the school.
//!
//! Some of their servers are asked in plain HTTP, by many machines, for parts of the same few files. A request for one of
//! the hosts that the configuration lists, which the gate has let through like any other, is answered through a cache
//! ([`crate::ent::Cache::of_files`]) instead of being passed on. The cache dials where the permit of a request led, and
//! nowhere else. Whether a file is what its maker signed is checked by the machine that installs it, as it must over plain
//! HTTP in any case.

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    Method, Request, Uri,
    header::{HOST, HeaderName, HeaderValue},
};

use super::{
    connect,
    http::{Framing, RequestHead, Version},
    limits::Limits,
};
use crate::{
    ent::{Cache, Connect, Connecting, Connection, Origin, store::Store},
    model::{Domain, Site},
    policy::Permit,
    system::clock::Clock,
};

/// Ways to hosts that are remembered: a school asks a few dozen names below those that are listed.
const WAYS_MAX: usize = 256;

/// Fields by which a request is somebody's.
const PERSONAL: [&str; 4] = ["authorization", "cookie", "cookie2", "proxy-authorization"];

/// The cache of updates. Cloning is cheap; all clones are one.
#[derive(Clone)]
pub struct Updates {
    hosts: Arc<[Domain]>,
    cache: Cache,
    ways: Arc<Ways>,
}

impl Updates {
    /// The updates of `hosts` and of all names below them, kept in `store`.
    #[must_use]
    pub fn new(hosts: Vec<Domain>, store: Store, clock: Clock) -> Self {
        let hosts: Arc<[Domain]> = Arc::from(hosts);
        let ways = Arc::new(Ways::default());
        let upstream: Arc<dyn Connect> = ways.clone();
        Self { cache: Cache::of_files(Arc::clone(&hosts), store, upstream, clock), hosts, ways }
    }

    /// The cache, for whoever runs what it does in the background.
    #[must_use]
    pub fn cache(&self) -> Cache {
        self.cache.clone()
    }

    /// The request of `head` as the cache takes it. None where it is not for a listed host, is somebody's own, or is more
    /// than a question for a file: then it is passed on.
    pub(super) fn request(&self, head: &RequestHead<'_>) -> Option<Request<Empty<Bytes>>> {
        let Site::Name(name) = &head.site else { return None };
        if !self.hosts.iter().any(|host| name.is_within(host)) {
            return None;
        }
        let method = match head.method {
            "GET" => Method::GET,
            "HEAD" => Method::HEAD,
            _ => return None,
        };
        let is_personal = |name: &str| PERSONAL.iter().any(|field| name.eq_ignore_ascii_case(field));
        if head.version != Version::Http11
            || head.framing != Framing::Nothing
            || head.fields.iter().any(|field| is_personal(field.name))
        {
            return None;
        }
        let mut request = Request::new(Empty::new());
        *request.method_mut() = method;
        *request.uri_mut() = head.target.parse::<Uri>().ok().filter(|uri| uri.host().is_none())?;
        let fields = request.headers_mut();
        for field in head.fields.iter().filter(|field| !field.is("host")) {
            let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
            fields.append(name, HeaderValue::from_bytes(field.value).ok()?);
        }
        fields.insert(HOST, HeaderValue::from_str(name.as_str()).ok()?);
        Some(request)
    }

    /// Remembers the way to the site of `permit`: what the cache fetches of it comes by it.
    pub(super) fn lead(&self, permit: &Permit, addresses: Vec<IpAddr>, port: u16) {
        let Site::Name(name) = permit.site() else { return };
        let mut ways = self.ways.all();
        if ways.len() >= WAYS_MAX && !ways.contains_key(name) {
            ways.clear();
        }
        ways.insert(name.clone(), Way { permit: permit.clone(), addresses, port });
    }
}

/// Where sites are, as their permits led there last.
#[derive(Default)]
struct Ways(Mutex<HashMap<Domain, Way>>);

/// Where a site is.
#[derive(Clone)]
struct Way {
    permit: Permit,
    addresses: Vec<IpAddr>,
    port: u16,
}

impl Ways {
    fn all(&self) -> MutexGuard<'_, HashMap<Domain, Way>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn dial(&self, host: &Domain) -> io::Result<Box<dyn Connection>> {
        let way = self.all().get(host).cloned();
        let Some(Way { permit, addresses, port }) = way else { return Err(io::ErrorKind::NotFound.into()) };
        let stream = connect::to_one_of(&permit, addresses, port, &Limits::SCHOOL).await;
        Ok(Box::new(stream.map_err(io::Error::other)?))
    }
}

impl Connect for Ways {
    fn connect<'a>(&'a self, origin: &'a Origin) -> Connecting<'a> {
        Box::pin(self.dial(&origin.host))
    }
}
