//! Many datagrams with one system call: what has come to a socket is read together, what leaves is sent together.

use std::{
    io::{self, IoSlice, IoSliceMut},
    net::{SocketAddr, SocketAddrV4, SocketAddrV6},
    os::fd::AsRawFd as _,
};

use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg};
use rustix::{
    io::Errno,
    net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg},
};
use tokio::{io::Interest, net::UdpSocket};

/// Room for the datagrams that are read together.
#[derive(Debug)]
pub struct Inbox {
    bytes: Vec<u8>,
    bytes_each: usize,
    came: Vec<(usize, SocketAddr)>,
}

/// Datagrams that will be sent together.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    /// Where each datagram ends, and where it goes.
    leaving: Vec<(usize, SocketAddr)>,
}

impl Inbox {
    /// Room for `count` datagrams of `bytes_each` bytes; what is longer is cut.
    #[must_use]
    pub fn new(count: usize, bytes_each: usize) -> Self {
        Self { bytes: vec![0; count * bytes_each], bytes_each, came: Vec::with_capacity(count) }
    }

    /// Waits until there is something, and reads as much of it as there is room for.
    ///
    /// # Errors
    /// When the socket cannot be waited for. An error of an earlier answer, which the kernel reports here, is none.
    pub async fn receive(&mut self, socket: &UdpSocket) -> io::Result<()> {
        self.came.clear();
        while self.came.is_empty() {
            socket.readable().await?;
            // What fails is tried again: such an error stands for a datagram that another host refused.
            let _ = socket.try_io(Interest::READABLE, || self.read(socket));
        }
        Ok(())
    }

    /// What was read, each with its source.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], SocketAddr)> {
        let rooms = self.bytes.chunks_exact(self.bytes_each);
        rooms.zip(&self.came).map(|(room, (length, source))| (room.get(..*length).unwrap_or(room), *source))
    }

    fn read(&mut self, socket: &UdpSocket) -> io::Result<()> {
        let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(self.came.capacity(), None);
        let mut rooms: Vec<_> =
            self.bytes.chunks_exact_mut(self.bytes_each).map(|room| [IoSliceMut::new(room)]).collect();
        let read = recvmmsg(socket.as_raw_fd(), &mut headers, &mut rooms, MsgFlags::MSG_DONTWAIT, None)?;
        self.came.extend(read.map(|datagram| {
            let source = datagram.address.as_ref().and_then(address);
            // A datagram without a source that could be answered is read as an empty one.
            source.map_or((0, SocketAddr::from(([0, 0, 0, 0], 0))), |source| (datagram.bytes, source))
        }));
        Ok(())
    }
}

impl Outbox {
    /// Puts a datagram for `to` into the box.
    pub fn push(&mut self, datagram: &[u8], to: SocketAddr) {
        self.bytes.extend_from_slice(datagram);
        self.leaving.push((self.bytes.len(), to));
    }

    /// Whether nothing waits to be sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leaving.is_empty()
    }

    /// Sends what is in the box without waiting, and empties it. Gives the count of those that the kernel did not take:
    /// they are lost, as datagrams are.
    pub fn send(&mut self, socket: &UdpSocket) -> usize {
        let lost = self.try_send(socket);
        self.bytes.clear();
        self.leaving.clear();
        lost
    }

    fn try_send(&self, socket: &UdpSocket) -> usize {
        let addresses: Vec<SocketAddrAny> =
            self.leaving.iter().map(|(_, to)| SocketAddrAny::from(*to)).collect();
        let mut start = 0;
        let slices: Vec<_> = self
            .leaving
            .iter()
            .map(|(end, _)| {
                [IoSlice::new(self.bytes.get(std::mem::replace(&mut start, *end)..*end).unwrap_or(&[]))]
            })
            .collect();
        let mut controls: Vec<_> = self.leaving.iter().map(|_| SendAncillaryBuffer::default()).collect();
        let parts = addresses.iter().zip(&slices).zip(&mut controls);
        let mut messages: Vec<_> =
            parts.map(|((to, slice), control)| MMsgHdr::new_with_addr(to, slice, control)).collect();
        let mut rest = messages.as_mut_slice();
        let mut lost = 0;
        while !rest.is_empty() {
            let done = match sendmmsg(socket, rest, SendFlags::DONTWAIT) {
                Ok(sent) => sent.max(1),
                Err(Errno::INTR) => 0,
                Err(Errno::AGAIN) => return lost + rest.len(),
                // This one cannot leave; the others may.
                Err(_) => {
                    lost += 1;
                    1
                }
            };
            rest = rest.get_mut(done..).unwrap_or_default();
        }
        lost
    }
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage.as_sockaddr_in().map(|v4| SocketAddr::V4(SocketAddrV4::from(*v4)));
    v4.or_else(|| storage.as_sockaddr_in6().map(|v6| SocketAddr::V6(SocketAddrV6::from(*v6))))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pair(ip: &str) -> (UdpSocket, UdpSocket) {
        (UdpSocket::bind((ip, 0)).await.unwrap(), UdpSocket::bind((ip, 0)).await.unwrap())
    }

    #[tokio::test]
    async fn what_is_sent_together_comes_together_in_order_with_its_source() {
        for ip in ["127.0.0.1", "::1"] {
            let (from, to) = pair(ip).await;
            let mut outbox = Outbox::default();
            for number in 0..5u8 {
                outbox.push(&vec![number; usize::from(number)], to.local_addr().unwrap());
            }
            assert_eq!(outbox.send(&from), 0);
            assert!(outbox.is_empty());
            let mut inbox = Inbox::new(3, 4);
            let mut read = Vec::new();
            while read.len() < 5 {
                inbox.receive(&to).await.unwrap();
                read.extend(inbox.iter().map(|(bytes, source)| (bytes.to_vec(), source)));
            }
            let source = from.local_addr().unwrap();
            let expected: Vec<_> =
                (0..5u8).map(|number| (vec![number; usize::from(number)], source)).collect();
            assert_eq!(read, expected);
        }
    }

    #[tokio::test]
    async fn one_that_cannot_leave_does_not_keep_the_others_back() {
        let (from, to) = pair("127.0.0.1").await;
        let mut outbox = Outbox::default();
        outbox.push(b"a", to.local_addr().unwrap());
        outbox.push(b"b", SocketAddr::from(([127, 0, 0, 1], 0)));
        outbox.push(b"c", to.local_addr().unwrap());
        assert_eq!(outbox.send(&from), 1);
        let mut inbox = Inbox::new(8, 8);
        inbox.receive(&to).await.unwrap();
        assert_eq!(inbox.iter().map(|(bytes, _)| bytes).collect::<Vec<_>>(), [b"a", b"c"]);
    }

    #[tokio::test]
    async fn a_datagram_longer_than_its_room_is_cut() {
        let (from, to) = pair("127.0.0.1").await;
        from.send_to(b"longer", to.local_addr().unwrap()).await.unwrap();
        let mut inbox = Inbox::new(2, 4);
        inbox.receive(&to).await.unwrap();
        assert_eq!(inbox.iter().map(|(bytes, _)| bytes).collect::<Vec<_>>(), [b"long"]);
    }
}
