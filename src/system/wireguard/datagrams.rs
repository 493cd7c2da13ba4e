//! The datagrams outside. What goes to one place in datagrams of one length leaves with one call, and the kernel, or the
//! network card, cuts it (UDP generic segmentation offload, Linux 4.18). Reading does the same already.

use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    os::fd::AsRawFd as _,
};

use gotatun::{
    packet::Packet,
    udp::{
        UdpSend, UdpTransportFactory, UdpTransportFactoryParams,
        socket::{UdpSocket, UdpSocketFactory},
    },
};
use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg, setsockopt, sockopt};
use tokio::io::Interest;

/// The most datagrams the kernel cuts out of one (`UDP_MAX_SEGMENTS` of Linux before 6.9).
const SEGMENTS_MAX: usize = 64;

/// The most bytes in one call: the longest datagram of IPv4.
const BYTES_MAX: usize = 65_507;

/// The most datagrams that are taken over at once.
const WAITING_MAX: usize = 128;

/// Bytes of the socket's buffers: what a fast line brings in some milliseconds in which nobody reads.
const BUFFER_BYTES: usize = 1 << 20;

/// Opens the sockets.
pub(super) struct Sockets(UdpSocketFactory);

/// The way out.
#[derive(Clone)]
pub(super) struct Sender(UdpSocket);

type Leaving = (Packet, SocketAddr);

impl Default for Sockets {
    fn default() -> Self {
        Self(UdpSocketFactory { recv_buffer_size: Some(BUFFER_BYTES), send_buffer_size: Some(BUFFER_BYTES) })
    }
}

impl UdpTransportFactory for Sockets {
    type Send = Sender;
    type Recv = UdpSocket;

    async fn bind(&mut self, wanted: &UdpTransportFactoryParams) -> io::Result<(Sender, UdpSocket)> {
        let (sender, receiver) = self.0.bind(wanted).await?;
        // Above what the system grants everybody (`net.core.rmem_max`); where it refuses, that is what there is.
        let _ = setsockopt(receiver.socket(), sockopt::RcvBufForce, &BUFFER_BYTES);
        let _ = setsockopt(sender.socket(), sockopt::SndBufForce, &BUFFER_BYTES);
        Ok((Sender(sender), receiver))
    }
}

impl Sender {
    /// Sends datagrams to one place with one call; all but the last have the first one's length.
    async fn send_together(&self, leaving: &[Leaving]) -> io::Result<()> {
        let Some((first, to)) = leaving.first() else { return Ok(()) };
        let length = u16::try_from(first.len()).map_err(io::Error::other)?;
        let to = SockaddrStorage::from(*to);
        let send = || {
            let parts: Vec<_> = leaving.iter().map(|(packet, _)| IoSlice::new(packet)).collect();
            let cut = [ControlMessage::UdpGsoSegments(&length)];
            Ok(sendmsg(self.0.socket().as_raw_fd(), &parts, &cut, MsgFlags::MSG_DONTWAIT, Some(&to))?)
        };
        self.0.socket().async_io(Interest::WRITABLE, send).await.map(drop)
    }
}

impl UdpSend for Sender {
    type SendManyBuf = ();

    async fn send_to(&self, packet: Packet, to: SocketAddr) -> io::Result<()> {
        self.0.send_to(packet, to).await
    }

    fn max_number_of_packets_to_send(&self) -> usize {
        WAITING_MAX
    }

    async fn send_many_to(&self, _: &mut (), packets: &mut Vec<Leaving>) -> io::Result<()> {
        let mut rest = &packets[..];
        while !rest.is_empty() {
            let (together, later) = rest.split_at(run(rest));
            rest = later;
            // A path too narrow for the length, or a card that cannot sum: one by one it goes, in fragments where it must.
            if together.len() == 1 || self.send_together(together).await.is_err() {
                for (packet, to) in together {
                    // What is lost is lost to whoever waits for it, as anywhere on the way.
                    let _ = self.0.socket().send_to(packet, to).await;
                }
            }
        }
        packets.clear();
        Ok(())
    }

    fn local_addr(&self) -> io::Result<Option<SocketAddr>> {
        self.0.local_addr().map(Some)
    }

    fn set_fwmark(&self, mark: u32) -> io::Result<()> {
        UdpSend::set_fwmark(&self.0, mark)
    }
}

/// How many of `leaving`, from the first on, can leave together: to one place and of one length, but for a shorter last one.
fn run(leaving: &[Leaving]) -> usize {
    let Some((first, to)) = leaving.first() else { return 0 };
    let mut bytes = 0;
    let mut ended = false;
    let fits = |(packet, other): &&Leaving| {
        bytes += packet.len();
        let fits = !ended && other == to && packet.len() <= first.len() && bytes <= BYTES_MAX;
        ended = packet.len() < first.len();
        fits
    };
    leaving.iter().take(SEGMENTS_MAX).take_while(fits).count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Datagrams of these lengths to these ports.
    fn leaving(datagrams: impl IntoIterator<Item = (usize, u16)>) -> Vec<Leaving> {
        let packet =
            |(length, port)| (Packet::copy_from(&*vec![0; length]), ([198, 51, 100, 1], port).into());
        datagrams.into_iter().map(packet).collect()
    }

    #[test]
    fn what_has_one_length_and_one_place_leaves_together_and_a_shorter_one_ends_it() {
        assert_eq!(run(&[]), 0);
        assert_eq!(run(&leaving([(1452, 1)])), 1);
        assert_eq!(run(&leaving([(1452, 1), (1452, 1), (1452, 1)])), 3);
        assert_eq!(run(&leaving([(1452, 1), (1452, 1), (80, 1), (80, 1)])), 3);
        assert_eq!(run(&leaving([(80, 1), (1452, 1), (1452, 1)])), 1);
        assert_eq!(run(&leaving([(1452, 1), (1452, 1), (1452, 2)])), 2);
    }

    #[test]
    fn no_more_leaves_together_than_the_kernel_takes() {
        assert_eq!(run(&leaving([(100, 1); 200])), SEGMENTS_MAX);
        assert_eq!(run(&leaving([(1452, 1); 64])), BYTES_MAX / 1452);
        assert_eq!(run(&leaving([(BYTES_MAX + 1, 1), (10, 1)])), 1);
    }
}
