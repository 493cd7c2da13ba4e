//! The commands, a file each: what is written on the line, and what is done. What they change is in the audit trail as
//! central's own act.

pub(crate) mod authority;
pub(crate) mod boxes;
pub(crate) mod channel;
pub(crate) mod init;
pub(crate) mod keys;
mod school;
pub(crate) mod system;
pub(crate) mod token;
pub(crate) mod tunnel;
