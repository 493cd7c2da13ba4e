//! The interface inside: a TUN device of the kernel.
//!
//! Where a connection sends much the kernel hands over up to 64 KiB at once and says how to cut it (TSO, and USO since Linux
//! 6.2); what comes for a connection is joined likewise before it is handed in. A call of the kernel per packet would be most
//! of the work.

use std::{
    io::{self, ErrorKind},
    sync::Arc,
};

use gotatun::{
    packet::{Ip, Packet, PacketBufPool},
    tun::{IpRecv, IpSend, MtuWatcher},
};
use tokio::{sync::mpsc, task::JoinSet};
use tracing::trace;
use tun_rs::{AsyncDevice, DeviceBuilder, GROTable, VIRTIO_NET_HDR_LEN};

/// The most packets that are cut out of one, or joined: 64 KiB in segments shorter than any path asks for.
const SEGMENTS_MAX: usize = 256;

/// Room for what was joined, in bytes: the longest packet, and what the library adds twice. It joins no more than there is room
/// for, and never touched room costs nothing.
const JOINED_BYTES_MAX: usize = 2 * VIRTIO_NET_HDR_LEN + 65_535;

/// The longest that the kernel hands over at once, in bytes.
const WHOLE_BYTES_MAX: usize = VIRTIO_NET_HDR_LEN + 65_536;

/// Packets that wait to be handed in; then nothing more is decrypted.
const WAITING_MAX: usize = 1024;

/// What padding must not exceed, in bytes: the interface's MTU. How long a packet may really be is said by the routes.
const MTU: u16 = 1420;

/// Where packets out of the tunnel go.
pub(super) struct Writer {
    waiting: mpsc::Sender<Packet<Ip>>,
}

/// Where packets into the tunnel come from.
pub(super) struct Reader {
    tun: Arc<AsyncDevice>,
    whole: Vec<u8>,
    segments: Vec<Segment>,
    lengths: Vec<usize>,
}

/// Room for a packet.
struct Segment(Packet);

/// Makes the interface, closed, and hands packets in in one of `tasks`. It goes when nobody holds it any more.
///
/// # Errors
/// When the kernel refuses.
pub(super) fn open(name: &str, tasks: &mut JoinSet<()>) -> io::Result<(Writer, Reader)> {
    let tun = Arc::new(DeviceBuilder::new().name(name).offload(true).enable(false).build_async()?);
    let (waiting, taken) = mpsc::channel(WAITING_MAX);
    tasks.spawn(hand_in(Arc::clone(&tun), taken));
    let reader = Reader {
        tun,
        whole: vec![0; WHOLE_BYTES_MAX],
        segments: Vec::with_capacity(SEGMENTS_MAX),
        lengths: vec![0; SEGMENTS_MAX],
    };
    Ok((Writer { waiting }, reader))
}

/// Hands in what waits, all of it that there is at a time.
async fn hand_in(tun: Arc<AsyncDevice>, mut waiting: mpsc::Receiver<Packet<Ip>>) {
    let mut joining = GROTable::new();
    let mut rooms: Vec<_> = (0..SEGMENTS_MAX).map(|_| Vec::with_capacity(JOINED_BYTES_MAX)).collect();
    let mut batch = Vec::with_capacity(SEGMENTS_MAX);
    while waiting.recv_many(&mut batch, SEGMENTS_MAX).await > 0 {
        let count = batch.len();
        for (room, packet) in rooms.iter_mut().zip(batch.drain(..)) {
            room.clear();
            room.resize(VIRTIO_NET_HDR_LEN, 0);
            room.extend_from_slice(&packet.into_bytes());
        }
        let rooms = rooms.get_mut(..count).unwrap_or_default();
        if let Err(error) = tun.send_multiple(&mut joining, rooms, VIRTIO_NET_HDR_LEN).await {
            // It is closed, or a packet is none. Whoever waits for it will send it again.
            trace!(%error, "packets are not taken in");
        }
    }
}

impl IpSend for Writer {
    async fn send(&mut self, packet: Packet<Ip>) -> io::Result<()> {
        self.waiting.send(packet).await.map_err(|_| ErrorKind::BrokenPipe.into())
    }
}

impl IpRecv for Reader {
    async fn recv<'a>(
        &'a mut self,
        pool: &mut PacketBufPool,
    ) -> io::Result<impl Iterator<Item = Packet<Ip>> + Send + 'a> {
        self.segments.resize_with(SEGMENTS_MAX, || Segment(pool.get()));
        let Self { tun, whole, segments, lengths } = self;
        let count = loop {
            match tun.recv_multiple(whole, segments, lengths, 0).await {
                Ok(count) => break count,
                // The kernel's refusal is for good, and this kind says so to the library.
                Err(error) if error.raw_os_error().is_some() => {
                    return Err(io::Error::new(ErrorKind::NotFound, error));
                }
                Err(error) => trace!(%error, "a packet cannot be cut"),
            }
        };
        Ok(segments.drain(..count).zip(lengths).filter_map(|(Segment(mut packet), length)| {
            packet.truncate(*length);
            packet.try_into_ip().ok()
        }))
    }

    fn mtu(&self) -> MtuWatcher {
        MtuWatcher::new(MTU)
    }
}

impl AsRef<[u8]> for Segment {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsMut<[u8]> for Segment {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
