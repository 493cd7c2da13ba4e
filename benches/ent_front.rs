//! The ENT's cache on a plain listener of loopback, for the runner that measures HTTP caches beside one another
//! (`benches/peers/preau_http.py`): the box itself shows its sites in TLS alone, and what TLS costs is another question.
//!
//! Run with `cargo bench --bench ent_front -- PORT ORIGIN_PORT`: listens on 127.0.0.1:PORT for `lecons.banc.exemple`, which it
//! fetches from 127.0.0.1:ORIGIN_PORT, until it is ended. Connections are served as `portal::front` serves them.

use std::{convert::Infallible, sync::Arc, time::Duration};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use preau::{
    ent::{
        Cache, Connect, Connecting, Connection, Origin, Settings, Upstream, Visitor,
        store::{self, Store},
    },
    system::clock::Clock,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// The name the cache answers for.
const HOST: &str = "lecons.banc.exemple";

/// The origin on loopback.
struct Loopback;

impl Connect for Loopback {
    fn connect<'a>(&'a self, origin: &'a Origin) -> Connecting<'a> {
        Box::pin(async move {
            let stream = TcpStream::connect((&*origin.upstream.address, origin.upstream.port)).await?;
            let connection: Box<dyn Connection> = Box::new(stream);
            Ok(connection)
        })
    }
}

fn main() {
    let ports: Vec<u16> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let [port, origin_port] = ports[..] else {
        println!("ent_front needs two ports: its own and the origin's; it measures nothing by itself");
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(serve(port, origin_port));
}

async fn serve(port: u16, origin_port: u16) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let settings =
        store::Settings { dir: dir.path().to_owned(), quota_bytes: 1 << 30, memory_bytes: 24 << 20 };
    let store = Store::open(&settings).expect("a store");
    let upstream = Upstream { address: "127.0.0.1".into(), port: origin_port, is_secure: false };
    let host = HOST.parse().expect("a domain");
    let origin = Origin { host, upstream, rules: Vec::new(), writes: Vec::new() };
    let settings = Settings { origins: vec![origin], elsewhere: None };
    let cache = Cache::new(settings, store, Arc::new(Loopback), Clock::of_the_machine(), None);
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted.expect("a connection"),
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        stream.set_nodelay(true).expect("a TCP socket");
        connections.spawn(exchange(cache.clone(), stream));
    }
}

async fn exchange(cache: Cache, stream: TcpStream) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let cache = cache.clone();
        async move { Ok::<_, Infallible>(cache.answer(&Visitor::default(), request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(10))
        .max_header_size(32 * 1024)
        .max_headers(100)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), answer);
    // A client that goes away is the end of its connection.
    drop(connection.await);
}
