//! Connections to sites that do no TLS: many short ones, or a few that carry much.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{Done, questions::packet};
use crate::internet::names;

/// Bytes of a short answer.
const SHORT_ANSWER_BYTES: u64 = 64;
/// Length of a hello, in bytes: what browsers and OpenSSL pad theirs to.
const HELLO_BYTES: usize = 517;
/// How long a short connection may take.
const CONNECTION_WAIT_MAX: Duration = Duration::from_secs(5);

/// A site, and what opens a connection to it.
struct Site {
    address: SocketAddr,
    hello: Vec<u8>,
}

/// Resolves `sites` at `resolver`, as a browser does; what it gives is what the zone opens.
fn resolve(sites: &[String], port: u16, resolver: SocketAddr) -> anyhow::Result<Arc<[Site]>> {
    let socket = UdpSocket::bind("0.0.0.0:0").context("cannot make a socket")?;
    socket.connect(resolver).context("cannot reach the resolver")?;
    socket.set_read_timeout(Some(Duration::from_secs(5))).context("cannot set a time limit")?;
    let mut found = Vec::new();
    for site in sites {
        let mut answer = [0; 1500];
        let length =
            socket.send(&packet(site)).and_then(|_| socket.recv(&mut answer)).context("no answer")?;
        let (v4, _) = names::addresses(site);
        let given = answer.get(..length).unwrap_or_default().windows(4).any(|bytes| bytes == v4.octets());
        if !given {
            bail!("the resolver does not give the address of `{site}`");
        }
        found.push(Site { address: SocketAddr::new(IpAddr::V4(v4), port), hello: hello(site) });
    }
    Ok(found.into())
}

/// Opens connections to the sites in turn, `parallel` at a time, each for one short answer.
///
/// # Errors
/// When the sites cannot be resolved.
pub async fn connections(
    sites: &[String],
    port: u16,
    resolver: SocketAddr,
    parallel: usize,
    duration: Duration,
) -> anyhow::Result<Done> {
    let sites = resolve(sites, port, resolver)?;
    // What the resolver opens reaches the packet filter a moment after its answer.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..parallel {
        let sites = Arc::clone(&sites);
        tasks.spawn(async move {
            let (mut times_us, mut failed) = (Vec::new(), 0);
            for site in sites.iter().cycle().skip(number) {
                let begin = Instant::now();
                match timeout(CONNECTION_WAIT_MAX, fetch(site, SHORT_ANSWER_BYTES)).await {
                    Ok(Ok(())) => times_us.push(begin.elapsed().as_secs_f64() * 1e6),
                    Ok(Err(_)) | Err(_) => failed += 1,
                }
                if started.elapsed() >= duration {
                    break;
                }
            }
            (times_us, failed)
        });
    }
    let (mut times_us, mut failed) = (Vec::new(), 0);
    while let Some(outcome) = tasks.join_next().await {
        let (more_times, more_failed) = outcome?;
        times_us.extend(more_times);
        failed += more_failed;
    }
    Ok(Done::new(u32::try_from(times_us.len())?, failed, started.elapsed().as_secs_f64(), &times_us))
}

/// Opens `count` connections from the first `machines` of the crowd in turn, to the sites in turn, each for one short
/// answer; says how many stand, and keeps them for `duration`.
///
/// # Errors
/// When the sites cannot be resolved, or a connection cannot be opened.
pub async fn held(
    sites: &[String],
    port: u16,
    resolver: SocketAddr,
    machines: u32,
    count: u32,
    duration: Duration,
) -> anyhow::Result<Done> {
    let sites = resolve(sites, port, resolver)?;
    let started = Instant::now();
    let mut streams = Vec::new();
    for ((_, machine), site) in (0..count).zip((1..=machines).cycle()).zip(sites.iter().cycle()) {
        let socket = TcpSocket::new_v4()?;
        socket.bind_device(Some(format!("m{machine}").as_bytes()))?;
        let stream = timeout(CONNECTION_WAIT_MAX, async {
            let mut stream = socket.connect(site.address).await?;
            ask(&mut stream, site, SHORT_ANSWER_BYTES).await.map(|()| stream)
        });
        let number = streams.len() + 1;
        let stream = stream.await.with_context(|| format!("connection {number} does not come about"))?;
        streams.push(stream.with_context(|| format!("connection {number} broke off"))?);
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{} stand", streams.len());
    tokio::time::sleep(duration).await;
    Ok(Done::new(u32::try_from(streams.len())?, 0, seconds, &[]))
}

/// Fetches `mebibytes` in all over `streams` connections at once.
///
/// # Errors
/// When a site cannot be reached or breaks off.
pub async fn bulk(
    sites: &[String],
    port: u16,
    resolver: SocketAddr,
    streams: u32,
    mebibytes: u32,
) -> anyhow::Result<Done> {
    let sites = resolve(sites, port, resolver)?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let each = u64::from(mebibytes / streams.max(1)) << 20;
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for (_, number) in (0..streams).zip(0..) {
        let sites = Arc::clone(&sites);
        tasks.spawn(async move {
            let site = sites.iter().cycle().nth(number).ok_or(io::ErrorKind::NotFound)?;
            fetch(site, each).await
        });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome?.context("a stream broke off")?;
    }
    Ok(Done::new(mebibytes, 0, started.elapsed().as_secs_f64(), &[]))
}

/// Sends the hello, asks for `count` bytes, and takes them.
async fn fetch(site: &Site, count: u64) -> io::Result<()> {
    ask(&mut TcpStream::connect(site.address).await?, site, count).await
}

/// As [`fetch`], on a connection that stays.
async fn ask(stream: &mut TcpStream, site: &Site, count: u64) -> io::Result<()> {
    stream.write_all(&[site.hello.as_slice(), &count.to_be_bytes()].concat()).await?;
    let mut left = count;
    let mut buffer = vec![0; if count > SHORT_ANSWER_BYTES { 256 << 10 } else { 256 }];
    while left > 0 {
        match stream.read(&mut buffer).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => left = left.saturating_sub(u64::try_from(length).unwrap_or(left)),
        }
    }
    Ok(())
}

/// A ClientHello that names `site`, padded (RFC 8446 section 4.1.2, RFC 6066 section 3, RFC 7685).
fn hello(site: &str) -> Vec<u8> {
    let two = |length: usize| u16::try_from(length).unwrap_or_default().to_be_bytes();
    let name = [&[0][..], &two(site.len()), site.as_bytes()].concat();
    let mut extensions = [&[0, 0][..], &two(name.len() + 2), &two(name.len()), &name].concat();
    let body_before = [&[3, 3][..], &[7; 32], &[32], &[9; 32], &[0, 2, 0x13, 1], &[1, 0]].concat();
    // Record header 5, handshake header 4, extensions' length 2, padding's header 4.
    let padding = HELLO_BYTES.saturating_sub(5 + 4 + body_before.len() + 2 + extensions.len() + 4);
    extensions.extend([&[0, 21][..], &two(padding), &vec![0; padding]].concat());
    let body = [&body_before[..], &two(extensions.len()), &extensions].concat();
    let handshake = [&[1, 0][..], &two(body.len()), &body].concat();
    [&[22, 3, 1][..], &two(handshake.len()), &handshake].concat()
}

#[cfg(test)]
mod tests {
    use preau::enforce::proxy::client_hello::{Progress, read};

    use super::*;

    #[test]
    fn the_hello_is_one_that_the_box_reads() {
        let hello = hello("puits1.exemple.net");
        assert_eq!(hello.len(), HELLO_BYTES);
        let Progress::Hello(read) = read(&hello) else { panic!("not read") };
        assert_eq!(read.server_name.unwrap().to_string(), "puits1.exemple.net");
    }
}
