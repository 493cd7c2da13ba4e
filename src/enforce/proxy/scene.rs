//! A client, a site and a gate on loopback sockets, to walk the roads in tests.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};

use super::{
    connect::ConnectError,
    errand::Errand,
    limits::Limits,
    page::{Page, RefusedRequest},
    passage::Passage,
    relay::Pipes,
};
use crate::{
    model::{DefaultVerdict, Quic, SignIn, Site, UrlPath, Zone, ZoneKind},
    policy::{Cause, Origin, Permit, Refusal, Verdict},
};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Bounds short enough to wait for.
pub(super) const SHORT: Limits = Limits {
    hello_wait_max: Duration::from_millis(300),
    request_wait_max: Duration::from_millis(300),
    head_wait_max: Duration::from_millis(300),
    tls_idle_max: Duration::from_millis(300),
    http_idle_max: Duration::from_millis(300),
    ..Limits::SCHOOL
};

/// Two ends of one connection.
pub(super) async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let (ours, theirs) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    (ours.unwrap(), theirs.unwrap().0)
}

/// What a gate and a resolver would say, and what they were asked.
#[derive(Clone, Default)]
pub(super) struct Scene {
    /// The allowed sites (but for their pages below `/ferme`), with the loopback address of each.
    sites: HashMap<String, Ipv4Addr>,
    /// The port of them all, once one listens.
    port: u16,
    /// Allowed sites that lead to refused ones.
    aliases: HashMap<String, Site>,
    /// Names that hide others, with the number of their key.
    outer: HashMap<String, u8>,
    asked: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    closed: Arc<AtomicBool>,
    epoch: Arc<watch::Sender<u64>>,
}

impl Scene {
    /// Allows `site`, and listens in its place.
    pub(super) async fn site(&mut self, site: &str) -> TcpListener {
        let address = Ipv4Addr::new(127, 0, 0, u8::try_from(self.sites.len() + 1).unwrap());
        let listener = TcpListener::bind((address, self.port)).await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        self.sites.insert(site.to_owned(), address);
        listener
    }

    /// Allows `site`, which leads to `target`; the gate refuses that.
    pub(super) fn alias(&mut self, site: &str, target: &str) {
        self.sites.insert(site.to_owned(), Ipv4Addr::UNSPECIFIED);
        self.aliases.insert(site.to_owned(), target.parse().unwrap());
    }

    /// Hellos that show `name` and repeat `number` hide another name.
    pub(super) fn outer(&mut self, name: &str, number: u8) {
        self.outer.insert(name.to_owned(), number);
    }

    /// The sites that the gate was asked about, in order.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// How many connections to sites were made.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Everything is refused from now on, and live connections are judged again.
    pub(super) fn close_all(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.judge_again();
    }

    /// Live connections are judged again.
    pub(super) fn judge_again(&self) {
        self.epoch.send_modify(|epoch| *epoch += 1);
    }

    pub(super) fn passage(&self, limits: Limits) -> Passage {
        Passage {
            zone: Arc::new(zone()),
            destination: (Ipv4Addr::new(192, 0, 2, 9), self.port).into(),
            errand: self.errand(),
            page: Arc::new(draw),
            updates: None,
            pipes: Pipes::new(8),
            limits,
        }
    }

    fn errand(&self) -> Errand {
        let (judge, against, hiding, find) = (self.clone(), self.clone(), self.clone(), self.clone());
        let closed = Arc::clone(&self.closed);
        Errand {
            judge: Box::new(move |site, path| {
                let verdict = judge.judge(site, path.as_ref());
                Box::pin(async move { verdict })
            }),
            judge_against: Box::new(move |site, evasion| {
                let verdict = against.judge(site, None).unless_used_for(evasion);
                Box::pin(async move { verdict })
            }),
            hides_behind: Box::new(move |name, number| hiding.outer.get(name.as_str()) == Some(&number)),
            find: Arc::new(move |permit| {
                if let Some(target) = find.aliases.get(&permit.site().to_string()) {
                    let refusal = Refusal { site: target.clone(), cause: Cause::Policy(Origin::ZoneDefault) };
                    return Box::pin(async { Err(ConnectError::LeadsToRefused(refusal)) });
                }
                let address = find.sites[&permit.site().to_string()];
                find.connections.fetch_add(1, Ordering::SeqCst);
                Box::pin(async move { Ok((vec![address.into()], permit)) })
            }),
            still_allows: Box::new(move |_| !closed.load(Ordering::SeqCst)),
            epoch: self.epoch.subscribe(),
        }
    }

    fn judge(&self, site: Site, path: Option<&UrlPath>) -> Verdict {
        self.asked.lock().unwrap().push(site.to_string());
        let is_closed = path.is_some_and(|path| path.is_within(&UrlPath::from("/ferme")));
        if self.sites.contains_key(&site.to_string()) && !is_closed && !self.closed.load(Ordering::SeqCst) {
            Verdict::Allow(Permit::for_tests(site))
        } else {
            Verdict::Refuse(Refusal { site, cause: Cause::Policy(Origin::ZoneDefault) })
        }
    }
}

fn draw(request: &RefusedRequest<'_>) -> Page {
    Page { status: 403, location: None, html: format!("<p>fermé : {}", request.url) }
}

fn zone() -> Zone {
    Zone {
        name: "pedagogique".parse().unwrap(),
        kind: ZoneKind::Pedagogique,
        interface: Arc::from("ped0"),
        ipv4: "10.10.0.1/22".parse().unwrap(),
        ipv6: "fd00:10::1/64".parse().unwrap(),
        sign_in: SignIn::NotAsked,
        default: DefaultVerdict::Block,
        quic: Quic::Reject,
        tunnel: crate::model::TunnelAccess::None,
        services: Vec::new(),
    }
}

/// What a client or a site sees of a connection, with a bound on the wait.
pub(super) async fn read_all(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await.expect("an end within 10 s")?;
    Ok(bytes)
}

/// Exactly as many bytes as `expected` has, which they must be.
pub(super) async fn expect(stream: &mut TcpStream, expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    let read = timeout(Duration::from_secs(10), stream.read_exact(&mut bytes)).await;
    let seen = String::from_utf8_lossy(&bytes).into_owned();
    read.unwrap_or_else(|_| panic!("silence after {seen:?}")).unwrap();
    assert_eq!(seen, String::from_utf8_lossy(expected));
}

/// Sends `bytes`.
pub(super) async fn send(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).await.unwrap();
}

/// Whether the connection ends in a reset.
pub(super) async fn is_reset(stream: &mut TcpStream) -> bool {
    matches!(read_all(stream).await, Err(error) if error.kind() == io::ErrorKind::ConnectionReset)
}
