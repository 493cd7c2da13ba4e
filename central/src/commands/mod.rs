//! The command line: a file for each command, with its arguments and what it does.

mod audit;
mod authority;
mod backup;
mod boxes;
mod channel;
mod check;
mod init;
mod keys;
mod line;
mod lists;
mod people;
mod policy;
mod run;
mod school;
mod system;
mod token;
mod tunnel;

pub(crate) use line::Line;
