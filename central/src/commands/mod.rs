//! The command line: a file for each command, with its arguments and what it does.

mod accounts;
mod audit;
mod authority;
mod backup;
mod boxes;
mod channel;
mod check;
mod concentrator;
mod content;
mod init;
mod keys;
mod line;
mod lists;
mod people;
mod policy;
mod repair;
mod run;
mod school;
mod statistics;
mod system;
mod token;
mod tunnel;

pub(crate) use line::Line;
