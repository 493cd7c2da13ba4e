//! The command line: a file for each command, with its arguments and what it does.

mod audit;
mod backup;
mod channel;
mod check;
mod init;
mod keys;
mod line;
mod lists;
mod policy;
mod run;
mod system;

pub(crate) use line::Line;
