//! Puts elements into nft sets and takes them out.

use std::{io, os::fd::OwnedFd, time::Duration};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
        sockopt,
    },
};

use super::message::{Transaction, answers};

/// Elements of one transaction. The kernel counts the bytes of a list in 16 bits; two IPv6 addresses and a mark take 60.
const ELEMENTS_MAX: usize = 512;

/// Answers wait here, in bytes. A refusal repeats the refused message, up to 64 KiB.
const ANSWER_BUFFER_BYTES: usize = 1 << 20;

/// How much of an answer is read, in bytes; the number stands in front.
const ANSWER_BYTES_READ: usize = 256;

/// An element: its key, every part filled up to four bytes, in network order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The key.
    pub key: Vec<u8>,
    /// After this time the kernel removes it. Milliseconds count; zero would mean the set's own time.
    pub timeout: Duration,
}

/// A socket for the sets of one table of the family `inet`.
#[derive(Debug)]
pub struct SetWriter {
    socket: OwnedFd,
    table: &'static str,
    sequence: u32,
}

impl SetWriter {
    /// Opens the socket. The table need not be there yet.
    ///
    /// # Errors
    /// When the kernel gives no such socket.
    pub fn open(table: &'static str) -> io::Result<Self> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            Some(netlink::NETFILTER),
        )?;
        // More than the system's bound for everybody; without the right to it, the largest allowed.
        if sockopt::set_socket_recv_buffer_size_force(&socket, ANSWER_BUFFER_BYTES).is_err() {
            sockopt::set_socket_recv_buffer_size(&socket, ANSWER_BUFFER_BYTES)?;
        }
        Ok(Self { socket, table, sequence: 1 })
    }

    /// Puts `elements` into `set`, their time counted anew where they are there already. Keys must differ. Each 512
    /// elements are a transaction.
    ///
    /// # Errors
    /// When there is no such set, when it is full, or when the kernel refuses otherwise. Of the transaction that
    /// failed and those behind it nothing is done.
    pub fn put(&mut self, set: &str, elements: &[Element]) -> io::Result<()> {
        elements.chunks(ELEMENTS_MAX).try_for_each(|some| self.put_some(set, some))
    }

    /// Takes the elements with these keys out of `set`, whether they are there or not. Keys must differ. Each 512 keys
    /// are a transaction.
    ///
    /// # Errors
    /// When there is no such set, or when the kernel refuses otherwise. What can be removed is removed.
    pub fn remove(&mut self, set: &str, keys: &[Vec<u8>]) -> io::Result<()> {
        let mut outcome = Ok(());
        for some in keys.chunks(ELEMENTS_MAX) {
            let removed = match self.remove_some(set, some) {
                Err(full) if is(&full, Errno::NFILE) => self.remove_one_by_one(set, some),
                other => other,
            };
            outcome = outcome.and(removed);
        }
        outcome
    }

    /// Kernels before 6.12 leave the time of an element that is there as it is. So each is added, which makes sure
    /// that it can be deleted, then deleted, then added with its new time; all in one transaction, which no packet
    /// sees half done.
    fn put_some(&mut self, set: &str, elements: &[Element]) -> io::Result<()> {
        let mut transaction = Transaction::new(self.sequence);
        transaction.add(self.table, set, elements);
        transaction.delete(self.table, set, elements.iter().map(|element| element.key.as_slice()));
        transaction.add(self.table, set, elements);
        self.carry_out(transaction)
    }

    /// A missing element would undo the whole transaction, and undoing takes 5 ms. So each is added first.
    fn remove_some(&mut self, set: &str, keys: &[Vec<u8>]) -> io::Result<()> {
        let soon = |key: &Vec<u8>| Element { key: key.clone(), timeout: Duration::from_secs(1) };
        let elements: Vec<Element> = keys.iter().map(soon).collect();
        let mut transaction = Transaction::new(self.sequence);
        transaction.add(self.table, set, &elements);
        transaction.delete(self.table, set, keys.iter().map(Vec::as_slice));
        self.carry_out(transaction)
    }

    /// For a set without room to add what is missing.
    fn remove_one_by_one(&mut self, set: &str, keys: &[Vec<u8>]) -> io::Result<()> {
        let mut outcome = Ok(());
        for key in keys {
            let mut transaction = Transaction::new(self.sequence);
            transaction.delete(self.table, set, std::iter::once(key.as_slice()));
            outcome = outcome.and(match self.carry_out(transaction) {
                Err(missing) if is(&missing, Errno::NOENT) => Ok(()),
                other => other,
            });
        }
        outcome
    }

    /// Hands the transaction over, a second time if something was missing: an element may have run out between being
    /// added and being deleted, and is gone when asked again.
    fn carry_out(&mut self, transaction: Transaction) -> io::Result<()> {
        let answers_expected = transaction.answers;
        let (datagram, sequence) = transaction.finish();
        self.sequence = sequence;
        match self.hand_over(&datagram, answers_expected) {
            Err(missing) if is(&missing, Errno::NOENT) => self.hand_over(&datagram, answers_expected),
            other => other,
        }
    }

    fn hand_over(&mut self, datagram: &[u8], answers_expected: usize) -> io::Result<()> {
        let sent = send(&self.socket, datagram, SendFlags::empty())?;
        let numbers = self.read_answers()?;
        if let Some(number) = numbers.iter().find(|number| **number != 0) {
            return Err(io::Error::from_raw_os_error(*number));
        }
        if sent != datagram.len() || numbers.len() < answers_expected {
            return Err(io::Error::other("the kernel did not answer every message of a transaction"));
        }
        Ok(())
    }

    /// Everything the kernel has answered; it answers within `send`.
    fn read_answers(&self) -> io::Result<Vec<i32>> {
        let mut numbers = Vec::new();
        let mut buffer = [0; ANSWER_BYTES_READ];
        loop {
            match recv(&self.socket, &mut buffer, RecvFlags::DONTWAIT) {
                Ok((length, _)) => numbers.extend(answers(buffer.get(..length).unwrap_or_default())),
                Err(Errno::AGAIN) => return Ok(numbers),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn is(error: &io::Error, number: Errno) -> bool {
    error.raw_os_error() == Some(number.raw_os_error())
}
