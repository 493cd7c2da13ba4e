//! Datagrams that wait for their turn on the connection: few, and when there are too many the oldest goes.

use std::{
    collections::VecDeque,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::{Bytes, BytesMut};
use tokio::sync::Notify;

use crate::protocol::relay;

/// Bytes that may wait: a tenth of a second of a line of 10 Mbit/s. What waits longer is worth less than nothing.
const BYTES_MAX: usize = 128 * 1024;

/// Datagrams that may wait: small ones fill no memory with what surrounds them.
const COUNT_MAX: usize = 512;

/// Bytes of frames that are handed on at once, about.
const TURN_BYTES: usize = 64 * 1024;

/// The queue of one direction.
#[derive(Debug, Default)]
pub struct Queue {
    held: Mutex<Held>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Held {
    datagrams: VecDeque<Bytes>,
    bytes: usize,
    taken: u64,
    dropped: u64,
}

impl Queue {
    /// Puts `datagram` behind the others; what is not WireGuard's is left out.
    pub(super) fn push(&self, datagram: &[u8]) {
        if !relay::is_wireguard(datagram) {
            return;
        }
        {
            let mut held = self.held();
            while held.datagrams.len() >= COUNT_MAX || held.bytes + datagram.len() > BYTES_MAX {
                let Some(oldest) = held.datagrams.pop_front() else { break };
                held.bytes -= oldest.len();
                held.dropped += 1;
            }
            held.bytes += datagram.len();
            held.taken += 1;
            held.datagrams.push_back(Bytes::copy_from_slice(datagram));
        }
        self.filled.notify_one();
    }

    /// Waits until there is something.
    pub(super) async fn filled(&self) {
        while self.held().datagrams.is_empty() {
            self.filled.notified().await;
        }
        // Whoever waits next is to see it too.
        self.filled.notify_one();
    }

    /// Waits until there is something, and writes what waits as frames, as much as goes at once.
    pub(super) async fn next(&self, written: &mut BytesMut) {
        loop {
            if self.write(written) {
                return;
            }
            self.filled.notified().await;
        }
    }

    /// Writes what waits as frames; whether there was anything.
    fn write(&self, written: &mut BytesMut) -> bool {
        let mut held = self.held();
        let before = written.len();
        while written.len() < TURN_BYTES
            && let Some(datagram) = held.datagrams.pop_front()
        {
            held.bytes -= datagram.len();
            // Each was looked at when it came.
            let _ = relay::write(written, &datagram);
        }
        written.len() > before
    }

    /// Forgets all but the last, at the beginning of a connection: what waited for it is old, but the last may be the
    /// handshake that everything waits for.
    pub(super) fn begin(&self) {
        let mut held = self.held();
        let last = held.datagrams.pop_back();
        let forgotten = mem::take(&mut held.datagrams);
        held.dropped += u64::try_from(forgotten.len()).unwrap_or(u64::MAX);
        held.bytes = last.as_ref().map_or(0, Bytes::len);
        held.datagrams.extend(last);
    }

    /// How many datagrams came in.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.held().taken
    }

    /// How many of them were dropped for those that came after.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.held().dropped
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A transport message that begins with `number`.
    fn datagram(number: u8, length: usize) -> Vec<u8> {
        let mut datagram = vec![0; length];
        datagram[0] = 4;
        datagram[4] = number;
        datagram
    }

    fn numbers(queue: &Queue) -> Vec<u8> {
        let mut written = BytesMut::new();
        while queue.write(&mut written) {
            if written.len() > BYTES_MAX {
                break;
            }
        }
        let mut frames = relay::Frames::default();
        frames.feed(&[relay::VERSION]);
        frames.feed(&written);
        let mut numbers = Vec::new();
        while let Ok(Some(relay::Frame::Datagram(datagram))) = frames.take() {
            numbers.push(datagram[4]);
        }
        numbers
    }

    #[test]
    fn the_oldest_makes_room_for_what_comes() {
        let queue = Queue::default();
        for number in 0..10 {
            queue.push(&datagram(number, 20_000));
        }
        assert_eq!((queue.taken(), queue.dropped()), (10, 4));
        assert!(queue.held().bytes <= BYTES_MAX);
        let mut written = BytesMut::new();
        assert!(queue.write(&mut written));
        assert_eq!(written.get(6).copied(), Some(4), "the first that is left");
    }

    #[test]
    fn small_ones_are_counted_and_foreign_ones_left_out() {
        let queue = Queue::default();
        for _ in 0..2 * COUNT_MAX {
            queue.push(&datagram(0, 32));
        }
        queue.push(b"GET / HTTP/1.1");
        assert_eq!(queue.held().datagrams.len(), COUNT_MAX);
        assert_eq!(queue.dropped(), u64::try_from(COUNT_MAX).unwrap());
    }

    #[test]
    fn a_connection_begins_with_the_last_that_waited() {
        let queue = Queue::default();
        queue.begin();
        for number in 0..3 {
            queue.push(&datagram(number, 148));
        }
        queue.begin();
        assert_eq!(numbers(&queue), [2]);
    }
}
