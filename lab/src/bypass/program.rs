//! A program of a row while it runs, near or far.

use crate::process::Running;

/// A program that ends with this value, and with it every child it has: servers fork, and a child left over would hold
/// the port that the next row needs.
#[derive(Debug)]
pub(super) struct Program(Running);

impl Program {
    pub(super) fn new(running: Running) -> Self {
        Self(running)
    }

    /// Whether it still runs.
    pub(super) fn is_running(&mut self) -> bool {
        self.0.is_running()
    }

    /// What it said last.
    pub(super) fn log(&self) -> String {
        self.0.log()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill_with_children();
    }
}
