//! The commands that do one thing and end. What they change is in the audit trail as central's own act.

pub(crate) mod authority;
pub(crate) mod boxes;
mod school;
pub(crate) mod token;
pub(crate) mod tunnel;
