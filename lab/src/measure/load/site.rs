//! A site that does no TLS: it reads one record and a number, and sends that many bytes.

use std::{io, net::Ipv4Addr};

use anyhow::Context as _;
use preau::system::{sockets::listen_tcp, tasks::Tasks};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// Connections at once; more wait.
const AT_ONCE_MAX: usize = 4096;
/// Length of a TLS record's header, and of the number behind the record, in bytes.
const HEADER_BYTES: usize = 5;
const NUMBER_BYTES: usize = 8;
/// What is sent at a time, in bytes.
const PIECE_BYTES: usize = 256 << 10;

/// Serves on `ports` of every IPv4 address until killed.
///
/// # Errors
/// When a port is taken.
pub async fn serve_sites(ports: &[u16]) -> anyhow::Result<()> {
    let mut tasks = Tasks::new(CancellationToken::new());
    for port in ports {
        let listener = listen_tcp((Ipv4Addr::UNSPECIFIED, *port).into())
            .with_context(|| format!("cannot listen on port {port}"))?;
        tasks.start("site", |_| accept(listener));
    }
    println!("listening");
    tasks.run().await
}

async fn accept(listener: TcpListener) -> anyhow::Result<()> {
    let piece: std::sync::Arc<[u8]> = vec![b'x'; PIECE_BYTES].into();
    let mut work = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        while work.try_join_next().is_some() {}
        if work.len() >= AT_ONCE_MAX {
            work.join_next().await;
        }
        let piece = std::sync::Arc::clone(&piece);
        work.spawn(async move {
            // A connection that breaks is counted by who opened it.
            answer(stream, &piece).await.ok();
        });
    }
}

async fn answer(mut stream: TcpStream, piece: &[u8]) -> io::Result<()> {
    let mut received = Vec::with_capacity(1024);
    let count = loop {
        if stream.read_buf(&mut received).await? == 0 {
            return Ok(());
        }
        if let Some(count) = count_asked(&received) {
            break count;
        }
    };
    let mut left = usize::try_from(count).unwrap_or(usize::MAX);
    while left > 0 {
        let length = left.min(piece.len());
        stream.write_all(piece.get(..length).unwrap_or_default()).await?;
        left -= length;
    }
    // The client hangs up first, as browsers do.
    stream.read_buf(&mut received).await.map(|_| ())
}

/// The number behind the first record, when it is there.
fn count_asked(received: &[u8]) -> Option<u64> {
    let length = <[u8; 2]>::try_from(received.get(3..HEADER_BYTES)?).ok()?;
    let begin = HEADER_BYTES + usize::from(u16::from_be_bytes(length));
    let number = received.get(begin..begin + NUMBER_BYTES)?;
    <[u8; NUMBER_BYTES]>::try_from(number).ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_read_once_it_is_whole() {
        let request = [&[22, 3, 1, 0, 3, 1, 2, 3][..], &70_000_u64.to_be_bytes()].concat();
        assert_eq!(count_asked(&request), Some(70_000));
        assert!((0..request.len()).all(|length| count_asked(&request[..length]).is_none()));
    }
}
