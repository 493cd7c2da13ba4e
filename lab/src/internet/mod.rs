//! The Internet of the lab, in one process: resolvers for any name, web servers for any name, and the odd services that
//! pupils reach for.
//!
//! Every name of the world exists here and leads to an address of the documentation ranges, always the same; a few
//! names misbehave in a documented way ([`names`]).

mod dns;
mod doh;
mod echo;
pub mod lessons;
pub mod names;
mod pages;
mod quic;
mod web;

use std::{io, net::SocketAddr, path::Path, sync::Arc};

use anyhow::Context as _;
use preau::system::{sockets, tasks::Tasks};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    authority::{Authority, NamedServers},
    plan::{ECHO_SERVERS, OTHER_RESOLVERS, RESOLVERS},
};

/// Ports of the web servers: plain, with TLS, with TLS where mail is read, and with TLS where a filter may not look.
const PLAIN_PORTS: [u16; 2] = [80, 8080];
const TLS_PORTS: [u16; 3] = [443, 993, 8443];
/// Ports where bytes come back as they went, over TCP and UDP.
const ECHO_TCP_PORTS: [u16; 3] = [7, 2222, 5222];
const ECHO_UDP_PORTS: [u16; 4] = [7, 123, 3478, 5222];

/// Runs the whole Internet until it is killed; `ready` is called when every server listens.
///
/// `authority_dir` holds the authority that signs, questions to the resolvers are written to `questions_path`.
///
/// # Errors
/// When a port is taken or the authority is missing.
pub async fn serve(authority_dir: &Path, questions_path: &Path, ready: impl FnOnce()) -> anyhow::Result<()> {
    let servers = Arc::new(NamedServers::new(Authority::read(authority_dir)?)?);
    let record = Arc::new(dns::Record::create(questions_path)?);
    let mut tasks = Tasks::new(CancellationToken::new());
    for address in RESOLVERS.iter().chain(&OTHER_RESOLVERS) {
        let address = SocketAddr::new(address.parse().context("bad address in the plan")?, 53);
        let socket = sockets::bind_udp(address).with_context(|| format!("cannot bind UDP {address}"))?;
        tasks.start("dns over udp", |_| dns::serve_udp(socket, Arc::clone(&record)));
    }
    for listener in listen_everywhere(53)? {
        tasks.start("dns over tcp", |_| dns::serve_tcp(listener, Arc::clone(&record)));
    }
    for listener in listen_everywhere(853)? {
        tasks.start("dns over tls", |_| dns::serve_tls(listener, Arc::clone(&record), Arc::clone(&servers)));
    }
    for address in ECHO_SERVERS {
        for port in ECHO_UDP_PORTS {
            let address = SocketAddr::new(address.parse().context("bad address in the plan")?, port);
            let socket = sockets::bind_udp(address).with_context(|| format!("cannot bind UDP {address}"))?;
            tasks.start("echo over udp", |_| echo::serve_udp(socket));
        }
    }
    for port in ECHO_TCP_PORTS {
        for listener in listen_everywhere(port)? {
            tasks.start("echo over tcp", |_| echo::serve_tcp(listener));
        }
    }
    serve_web(&mut tasks, &servers, Some(&record))?;
    ready();
    tasks.run().await
}

/// Runs a web site that answers for any name, and nothing else, until it is killed: the académie's.
///
/// # Errors
/// As [`serve`].
pub async fn serve_site(authority_dir: &Path, ready: impl FnOnce()) -> anyhow::Result<()> {
    let servers = Arc::new(NamedServers::new(Authority::read(authority_dir)?)?);
    let mut tasks = Tasks::new(CancellationToken::new());
    serve_web(&mut tasks, &servers, None)?;
    ready();
    tasks.run().await
}

fn serve_web(
    tasks: &mut Tasks,
    servers: &Arc<NamedServers>,
    record: Option<&Arc<dns::Record>>,
) -> anyhow::Result<()> {
    let site = Arc::new(web::Site::new(record.cloned()));
    for port in PLAIN_PORTS {
        for listener in listen_everywhere(port)? {
            tasks.start("web", |_| web::serve_plain(listener, Arc::clone(&site)));
        }
    }
    for endpoint in quic::listen_everywhere(servers)? {
        tasks.start("web over quic", |_| quic::serve(endpoint, Arc::clone(&site)));
    }
    for port in TLS_PORTS {
        for listener in listen_everywhere(port)? {
            tasks.start("web with tls", |_| web::serve_tls(listener, Arc::clone(&site), Arc::clone(servers)));
        }
    }
    Ok(())
}

/// Listeners on every address of both families.
fn listen_everywhere(port: u16) -> anyhow::Result<[TcpListener; 2]> {
    let listen = |address: &str| -> io::Result<TcpListener> {
        sockets::listen_tcp(SocketAddr::new(address.parse().map_err(io::Error::other)?, port))
    };
    let both = listen("0.0.0.0").and_then(|v4| Ok([v4, listen("::")?]));
    both.with_context(|| format!("cannot listen on TCP port {port}"))
}
