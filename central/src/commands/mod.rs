//! The commands, a file each: what is written on the line, and what is done.

pub(crate) mod channel;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod system;
