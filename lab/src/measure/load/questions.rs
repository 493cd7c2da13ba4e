//! Questions to a resolver: as many as it answers, or at a steady pace.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};

use super::Done;

/// Sockets, and questions under way on each: a school at work, and enough that the server never waits.
const SOCKETS: usize = 16;
const UNDER_WAY: u32 = 12;

/// After this long a question counts as lost.
const ANSWER_WAIT_MAX: Duration = Duration::from_millis(500);

/// Questions at a pace, at most: their ids must differ.
const PACED_MAX: u32 = 60_000;

/// What to ask, and whom.
#[derive(Clone, Debug)]
pub struct Questions {
    /// The resolver.
    pub server: SocketAddr,
    /// What stands before and behind a number in the names asked for.
    pub name: (String, String),
    /// How many names.
    pub names: u32,
    /// For how long.
    pub duration: Duration,
}

impl Questions {
    fn packets(&self) -> Vec<Vec<u8>> {
        let (before, behind) = &self.name;
        (0..self.names).map(|number| packet(&format!("{before}{number}{behind}"))).collect()
    }

    fn socket(&self) -> io::Result<UdpSocket> {
        let any: IpAddr = if self.server.is_ipv4() { [0, 0, 0, 0].into() } else { [0; 16].into() };
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect(self.server)?;
        socket.set_read_timeout(Some(ANSWER_WAIT_MAX))?;
        Ok(socket)
    }
}

/// A question for IPv4 addresses, with EDNS, as stub resolvers send it (RFC 1035 section 4, RFC 6891 section 6.1.2).
pub(super) fn packet(name: &str) -> Vec<u8> {
    let mut packet = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    for label in name.split('.') {
        packet.push(u8::try_from(label.len()).unwrap_or_default());
        packet.extend(label.bytes());
    }
    packet.extend([0, 0, 1, 0, 1]);
    packet.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    packet
}

/// Asks each name once and waits for its answer, so that all are in the cache; then asks without a pause.
///
/// # Errors
/// When there is no socket to be had.
pub async fn ask_without_pause(questions: Questions) -> anyhow::Result<Done> {
    let packets: Arc<[Vec<u8>]> = questions.packets().into();
    let warming = questions.socket().context("cannot make a socket")?;
    let mut answer = [0; 2048];
    for packet in packets.iter() {
        warming.send(packet).and_then(|_| warming.recv(&mut answer)).context("no answer while warming up")?;
    }
    let (started, before) = (Instant::now(), Done::new(0, 0, 0.0, &[]));
    let mut tasks = JoinSet::new();
    for number in 0..SOCKETS {
        let socket = questions.socket().context("cannot make a socket")?;
        tasks.spawn(ask_on(socket, Arc::clone(&packets), number * 61, started + questions.duration));
    }
    let (mut answered, mut lost) = (0, 0);
    while let Some(outcome) = tasks.join_next().await {
        let (more_answered, more_lost) = outcome??;
        answered += more_answered;
        lost += more_lost;
    }
    let done = Done::new(answered, lost, started.elapsed().as_secs_f64(), &[]);
    Ok(Done { cpu_seconds: done.cpu_seconds - before.cpu_seconds, ..done })
}

/// Keeps questions under way on one socket until `end`; says how many were answered and lost.
async fn ask_on(
    socket: UdpSocket,
    packets: Arc<[Vec<u8>]>,
    first: usize,
    end: Instant,
) -> io::Result<(u32, u32)> {
    socket.set_nonblocking(true)?;
    let socket = tokio::net::UdpSocket::from_std(socket)?;
    let mut turn = packets.iter().cycle().skip(first % packets.len().max(1));
    let (mut answered, mut lost) = (0, 0);
    let mut to_send = UNDER_WAY;
    let mut answer = [0; 2048];
    loop {
        for packet in turn.by_ref().take(usize::try_from(to_send).unwrap_or_default()) {
            // What the kernel does not take counts as lost when no answer comes.
            socket.try_send(packet).ok();
        }
        if Instant::now() >= end {
            return Ok((answered, lost));
        }
        if timeout_at(Instant::now() + ANSWER_WAIT_MAX, socket.readable()).await.is_err() {
            lost += UNDER_WAY;
            to_send = UNDER_WAY;
            continue;
        }
        to_send = 0;
        while to_send < UNDER_WAY && socket.try_recv(&mut answer).is_ok() {
            to_send += 1;
        }
        answered += to_send;
    }
}

/// Asks `per_second` questions a second, whatever becomes of the answers, and takes the time of each from its sending.
///
/// # Errors
/// When there is no socket to be had.
pub fn ask_at_a_pace(questions: &Questions, per_second: u32) -> anyhow::Result<Done> {
    let packets = questions.packets();
    let socket = questions.socket().context("cannot make a socket")?;
    let seconds = u32::try_from(questions.duration.as_secs())?;
    let count = per_second.saturating_mul(seconds).min(PACED_MAX);
    let interval = Duration::from_secs(1) / per_second.max(1);
    let started = Instant::now();
    let elapsed = || u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let sent: Vec<AtomicU64> = (0..count).map(|_| AtomicU64::new(0)).collect();
    let times = thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            let mut times_us = Vec::new();
            let mut answer = [0; 2048];
            while times_us.len() < sent.len() && socket.recv(&mut answer).is_ok() {
                let [high, low, ..] = answer;
                let sent = sent.get(usize::from(u16::from_be_bytes([high, low])));
                let waited = sent.map_or(0, |sent| elapsed().saturating_sub(sent.load(Ordering::Acquire)));
                times_us.push(Duration::from_nanos(waited).as_secs_f64() * 1e6);
            }
            times_us
        });
        for (number, (packet, sent)) in (0..count).zip(packets.iter().cycle().zip(&sent)) {
            thread::sleep((interval * number).saturating_sub(started.elapsed()));
            let id = u16::try_from(number).unwrap_or_default().to_be_bytes();
            let numbered = [&id, packet.get(2..).unwrap_or_default()].concat();
            sent.store(elapsed(), Ordering::Release);
            socket.send(&numbered).ok();
        }
        receiver.join()
    });
    let times = times.map_err(|_| anyhow::anyhow!("the receiver failed"))?;
    let answered = u32::try_from(times.len())?;
    Ok(Done::new(answered, count - answered, started.elapsed().as_secs_f64(), &times))
}
