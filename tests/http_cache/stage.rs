//! The cache on loopback, before an origin that says what a test wants it to say, byte for byte.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use preau::{
    ent::{
        Cache, Connect, Connecting, Connection, Elsewhere, Keep, Origin, Rule, Settings, Upstream, Visitor,
        store::{self, Store},
    },
    model::Moment,
    system::clock::Clock,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// The name the cache answers for.
pub(crate) const HOST: &str = "ent.exemple.fr";

/// A cache that listens, and what stands behind it. Ends with the test.
pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) origin: Arc<Heard>,
    pub(crate) line: Arc<Line>,
    pub(crate) cache: Cache,
    seconds: Arc<AtomicI64>,
    cut: CancellationToken,
    _dir: TempDir,
    _tasks: JoinSet<()>,
}

/// What the origin was asked, as it came.
#[derive(Default)]
pub(crate) struct Heard {
    requests: Mutex<Vec<String>>,
}

impl Heard {
    pub(crate) fn all(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

/// The way to the origin, which tests cut.
pub(crate) struct Line {
    pub(crate) is_cut: AtomicBool,
    pub(crate) to: SocketAddr,
    pub(crate) connections: AtomicUsize,
}

impl Connect for Line {
    fn connect<'a>(&'a self, _origin: &'a Origin) -> Connecting<'a> {
        Box::pin(async move {
            if self.is_cut.load(Ordering::SeqCst) {
                return Err(std::io::ErrorKind::HostUnreachable.into());
            }
            self.connections.fetch_add(1, Ordering::SeqCst);
            let stream = TcpStream::connect(self.to).await?;
            let connection: Box<dyn Connection> = Box::new(stream);
            Ok(connection)
        })
    }
}

/// A rule for all paths.
pub(crate) fn rule(keep: Keep) -> Rule {
    Rule { keep, when_line_is_down: Duration::from_hours(24), ..Rule::as_told() }
}

/// What an origin does with one request on a connection; `false` closes it.
pub(crate) type Script = dyn Fn(String, TcpStream) -> std::pin::Pin<Box<dyn Future<Output = Option<TcpStream>> + Send>>
    + Send
    + Sync;

impl Stage {
    /// A cache with `rules` before an origin that answers each request with the bytes that `says` gives for its head, all at
    /// once.
    pub(crate) async fn answering(
        rules: Vec<Rule>,
        says: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let says = Arc::new(says);
        Self::acting(rules, move |head, mut stream| {
            let answer = says(&head);
            Box::pin(async move {
                stream.write_all(&answer).await.ok()?;
                Some(stream)
            })
        })
        .await
    }

    /// A cache with `rules` before an origin that does what `script` says.
    pub(crate) async fn acting(
        rules: Vec<Rule>,
        script: impl Fn(String, TcpStream) -> std::pin::Pin<Box<dyn Future<Output = Option<TcpStream>> + Send>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self::of(|dir, connect, clock| cache(HOST, dir, rules, connect, clock), Arc::new(script)).await
    }

    /// A cache of the files of the host, before an origin that does what `script` says.
    pub(crate) async fn of_files(
        script: impl Fn(String, TcpStream) -> std::pin::Pin<Box<dyn Future<Output = Option<TcpStream>> + Send>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let make = |dir: &TempDir, connect, clock| {
            Cache::of_files(Arc::from([HOST.parse().unwrap()]), store(dir), connect, clock)
        };
        Self::of(make, Arc::new(script)).await
    }

    async fn of(make: impl FnOnce(&TempDir, Arc<dyn Connect>, Clock) -> Cache, script: Arc<Script>) -> Self {
        let mut tasks = JoinSet::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        let origin = Arc::new(Heard::default());
        let cut = CancellationToken::new();
        tasks.spawn(
            cut.clone().run_until_cancelled_owned(listen(listener, Arc::clone(&origin), script)).map(drop),
        );
        let line = Arc::new(Line { is_cut: AtomicBool::new(false), to, connections: AtomicUsize::new(0) });
        let seconds = Arc::new(AtomicI64::new(1_773_308_520));
        let dir = tempfile::tempdir().unwrap();
        let cache = {
            let seconds = Arc::clone(&seconds);
            let clock = Clock::from_fn(move || Moment::from_unix_seconds(seconds.load(Ordering::SeqCst)));
            let connect: Arc<dyn Connect> = line.clone();
            make(&dir, connect, clock)
        };
        let (address, server) = serve(cache.clone(), Duration::from_secs(2), |request| Visitor {
            person: request.headers().get("person").map(|person| *blake3::hash(person.as_bytes()).as_bytes()),
            is_secure: true,
            server_name: request
                .headers()
                .get("server-name")
                .map(|name| name.to_str().unwrap().parse().unwrap()),
        })
        .await;
        tasks.spawn(server);
        Self { address, origin, line, cache, seconds, cut, _dir: dir, _tasks: tasks }
    }

    /// Cuts the line, and with it all that goes over it.
    pub(crate) async fn cut_line(&self) {
        self.line.is_cut.store(true, Ordering::SeqCst);
        self.cut.cancel();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Sends `bytes` on a connection of their own and reads until the cache closes it or says nothing more.
    pub(crate) async fn say(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        let _ = tokio::time::timeout(Duration::from_secs(8), reading).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Asks for `path` with more `fields`, each with its line's end, and gives the answer.
    pub(crate) async fn get(&self, path: &str, fields: &str) -> String {
        self.say(
            format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{fields}Connection: close\r\n\r\n").as_bytes(),
        )
        .await
    }
}

impl Stage {
    /// Asks until the answer comes from what is kept: an answer's last byte goes out before the disk has it for certain.
    pub(crate) async fn until_hit(&self, path: &str, fields: &str) -> String {
        for _ in 0..100 {
            let answer = self.get(path, fields).await;
            if is_hit(&answer) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{path} is never kept");
    }
}

/// The body of an answer.
pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// Whether an answer came from what was kept.
pub(crate) fn is_hit(answer: &str) -> bool {
    answer.contains("preau; hit")
}

/// A cache of one origin that keeps below `dir`.
pub(crate) fn cache(
    host: &str,
    dir: &TempDir,
    rules: Vec<Rule>,
    connect: Arc<dyn Connect>,
    clock: Clock,
) -> Cache {
    let upstream = Upstream { address: "127.0.0.1".into(), port: 80, is_secure: false };
    let origin = Origin { host: host.parse().unwrap(), upstream, rules, writes: Vec::new() };
    let elsewhere = Some(Elsewhere { portal: String::from("https://portail.exemple"), has_library: true });
    Cache::new(Settings { origins: vec![origin], elsewhere }, store(dir), connect, clock, None)
}

fn store(dir: &TempDir) -> Store {
    let dir = dir.path().join("store");
    Store::open(&store::Settings { dir, quota_bytes: 1 << 30, memory_bytes: 24 << 20 }).unwrap()
}

/// A listener of `cache` on loopback; `who` makes the visitor of a request.
pub(crate) async fn serve(
    cache: Cache,
    head_within: Duration,
    who: impl Fn(&Request<Incoming>) -> Visitor + Clone + Send + Sync + 'static,
) -> (SocketAddr, impl Future<Output = ()> + Send + 'static) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let (cache, who) = (cache.clone(), who.clone());
            connections.spawn(async move {
                let answer = service_fn(move |request: Request<Incoming>| {
                    let (cache, visitor) = (cache.clone(), who(&request));
                    async move { Ok::<_, Infallible>(cache.answer(&visitor, request).await) }
                });
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(head_within)
                    .serve_connection(TokioIo::new(stream), answer);
                // A client that goes away is none of the test's business.
                drop(connection.await);
            });
        }
    };
    (address, serving)
}

async fn listen(listener: TcpListener, heard: Arc<Heard>, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (heard, script) = (Arc::clone(&heard), Arc::clone(&script));
        connections.spawn(async move {
            let mut stream = Some(stream);
            while let Some(mut open) = stream.take() {
                let Some(head) = head(&mut open).await else { return };
                heard.requests.lock().unwrap().push(head.clone());
                stream = script(head, open).await;
            }
        });
    }
}

/// Reads one head, and the body whose length it says.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    let says = |start: &str| {
        text.lines().find_map(|line| line.to_lowercase().strip_prefix(start).map(str::to_owned))
    };
    let mut body = vec![0; says("content-length: ").map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    if says("transfer-encoding: ").is_some() {
        while !body.ends_with(b"0\r\n\r\n") {
            body.push(stream.read_u8().await.ok()?);
        }
    }
    text.push_str(&String::from_utf8_lossy(&body));
    Some(text)
}
