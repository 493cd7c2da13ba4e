//! Moves bytes from one socket to another inside the kernel, by way of a pipe.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, splice};

/// A pipe with nothing in it but what [`Pipe::fill`] took and [`Pipe::drain`] has not yet given away.
///
/// Costs two file descriptors; bytes still inside are lost when it is dropped.
#[derive(Debug)]
pub struct Pipe {
    out: OwnedFd,
    into: OwnedFd,
    held: usize,
}

impl Pipe {
    /// The most bytes a pipe holds: what the kernel gives a new one (pipe(7)).
    pub const BYTES_MAX: usize = 64 * 1024;

    /// An empty pipe that never waits.
    ///
    /// # Errors
    /// When the process or the machine has no file descriptor left.
    pub fn new() -> io::Result<Self> {
        let (out, into) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        Ok(Self { out, into, held: 0 })
    }

    /// How many bytes are inside.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held
    }

    /// Takes up to `count` bytes from the socket `from`; zero means that its other side has finished.
    ///
    /// # Errors
    /// `WouldBlock` when the socket has nothing yet or the pipe is full: drain the pipe before filling it again, so
    /// that the two cannot be mistaken for each other. Otherwise the socket's own failure.
    pub fn fill(&mut self, from: impl AsFd, count: usize) -> io::Result<usize> {
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        let taken = splice(from, None, &self.into, None, count.min(Self::BYTES_MAX), flags)?;
        self.held += taken;
        Ok(taken)
    }

    /// Gives bytes to the socket `to`, and says how many it took.
    ///
    /// # Errors
    /// `WouldBlock` when the socket takes nothing at present. Otherwise the socket's own failure.
    pub fn drain(&mut self, to: impl AsFd) -> io::Result<usize> {
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        let given = splice(&self.out, None, to, None, self.held, flags)?;
        self.held = self.held.saturating_sub(given);
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        os::unix::net::UnixStream,
    };

    use super::*;

    #[test]
    fn bytes_pass_through_a_pipe_unchanged_and_an_end_is_seen() {
        let (mut sender, from) = UnixStream::pair().unwrap();
        let (to, mut receiver) = UnixStream::pair().unwrap();
        let mut pipe = Pipe::new().unwrap();
        sender.write_all(b"bonjour").unwrap();
        drop(sender);
        assert_eq!(pipe.fill(&from, Pipe::BYTES_MAX).unwrap(), 7);
        assert_eq!(pipe.held(), 7);
        assert_eq!(pipe.drain(&to).unwrap(), 7);
        assert_eq!(pipe.held(), 0);
        assert_eq!(pipe.fill(&from, Pipe::BYTES_MAX).unwrap(), 0);
        let mut read = [0; 7];
        receiver.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"bonjour");
    }

    #[test]
    fn no_more_than_asked_is_taken() {
        let (mut sender, from) = UnixStream::pair().unwrap();
        let mut pipe = Pipe::new().unwrap();
        sender.write_all(b"bonjour").unwrap();
        assert_eq!(pipe.fill(&from, 3).unwrap(), 3);
        assert_eq!(pipe.held(), 3);
    }

    #[test]
    fn an_empty_socket_would_block() {
        let (_sender, from) = UnixStream::pair().unwrap();
        from.set_nonblocking(true).unwrap();
        let error = Pipe::new().unwrap().fill(&from, 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
