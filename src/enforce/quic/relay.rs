//! Carries the datagrams of one allowed connection both ways, and keeps other connections out of it.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    handshake::{Handshake, Passing, may_be_kept},
    packet::is_long,
};
use crate::system::datagrams::{Datagrams, Train};

/// Trains taken from one side before the other has its turn.
const TRAINS_IN_A_ROW: usize = 8;

/// The two sides of a connection.
pub(super) struct Sides {
    /// Towards the client, in the place of the address it asked for.
    pub(super) client: Datagrams,
    /// The client.
    pub(super) client_at: SocketAddr,
    /// Towards the site.
    pub(super) server: Datagrams,
    /// The site, at our own answer for it.
    pub(super) server_at: SocketAddr,
}

/// Why nothing more is carried.
#[derive(Debug)]
pub(super) enum End {
    /// Nothing has moved for too long.
    Silence,
    /// The client's machine says that nobody listens any more.
    ClientGone,
    /// The site's machine says that nobody listens, or a socket is broken.
    ServerGone,
    /// The client begins another connection on the same ports, with these datagrams.
    Begins(Vec<Vec<u8>>),
}

/// Carries until an end. `late` brings datagrams of the client that reached the listener before the kernel knew its flow.
pub(super) async fn relay(
    sides: &Sides,
    handshake: &mut Handshake,
    late: &mut mpsc::Receiver<Vec<u8>>,
    idle_max: Duration,
) -> End {
    let mut moved_at = Instant::now();
    loop {
        let end = tokio::select! {
            readable = sides.client.readable() => match readable {
                Ok(()) => from_client(sides, handshake),
                Err(_) => Some(End::ClientGone),
            },
            readable = sides.server.readable() => match readable {
                Ok(()) => from_server(sides, handshake),
                Err(_) => Some(End::ServerGone),
            },
            Some(datagram) = late.recv() => one_from_client(&datagram, sides, handshake),
            () = sleep_until(moved_at + idle_max) => Some(End::Silence),
        };
        if let Some(end) = end {
            return end;
        }
        moved_at = Instant::now();
    }
}

/// Passes on what belongs to the connection; `late` datagrams are judged like all others.
pub(super) fn one_from_client(datagram: &[u8], sides: &Sides, handshake: &mut Handshake) -> Option<End> {
    match handshake.passes(datagram) {
        Passing::Pass => server_end(sides.server.send_one(datagram, sides.server_at)),
        Passing::Drop => None,
        Passing::Begins => Some(End::Begins(vec![datagram.to_vec()])),
    }
}

fn from_client(sides: &Sides, handshake: &mut Handshake) -> Option<End> {
    let mut begun: Vec<Vec<u8>> = Vec::new();
    for _ in 0..TRAINS_IN_A_ROW {
        let carried = sides.client.receive(|train| {
            if begun.is_empty() {
                carry_from_client(&train, sides, handshake, &mut begun)
            } else {
                // What stands behind the first datagram of another connection may be the rest of its hello.
                begun.extend(train.datagrams().filter(|it| may_be_kept(it)).map(<[u8]>::to_vec));
                None
            }
        });
        match carried {
            Ok(None) => {}
            Ok(Some(end)) => return Some(end),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(_) => return Some(End::ClientGone),
        }
    }
    (!begun.is_empty()).then_some(End::Begins(begun))
}

fn carry_from_client(
    train: &Train<'_>,
    sides: &Sides,
    handshake: &mut Handshake,
    begun: &mut Vec<Vec<u8>>,
) -> Option<End> {
    if !train.datagrams().any(is_long) {
        if let Some(first) = train.datagrams().next() {
            // Short headers all pass alike; the first of them tells that the client has its keys.
            handshake.passes(first);
        }
        return server_end(sides.server.send(train, sides.server_at));
    }
    for datagram in train.datagrams() {
        if !begun.is_empty() {
            begun.extend(may_be_kept(datagram).then(|| datagram.to_vec()));
            continue;
        }
        match handshake.passes(datagram) {
            Passing::Pass => {
                let end = server_end(sides.server.send(&train.only(datagram), sides.server_at));
                if end.is_some() {
                    return end;
                }
            }
            Passing::Drop => {}
            Passing::Begins => begun.push(datagram.to_vec()),
        }
    }
    None
}

fn from_server(sides: &Sides, handshake: &mut Handshake) -> Option<End> {
    for _ in 0..TRAINS_IN_A_ROW {
        let sent = sides.server.receive(|train| {
            if train.datagrams().next().is_some_and(is_long) {
                train.datagrams().for_each(|datagram| handshake.hear(datagram));
            }
            sides.client.send(&train, sides.client_at)
        });
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => return Some(End::ClientGone),
            Ok(Err(_)) => return Some(End::ClientGone),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            Err(_) => return Some(End::ServerGone),
        }
    }
    None
}

/// What a failed sending to the site says about it.
fn server_end(sent: io::Result<()>) -> Option<End> {
    sent.err().map(|_| End::ServerGone)
}
