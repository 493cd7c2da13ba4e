//! Published lists of sites: read from the folder they come as, written as the table the judge asks.
//!
//! [`build`] turns a folder in the layout of the Université Toulouse Capitole (UT1) into a category table and its names
//! file; [`open`] maps a table for the judge; [`show`] tells what a table says of one site.
//!
//! The folder has one directory per category with a file `domains` (one name or IPv4 address a line) and often a file
//! `usage` (`black`, `white`, `#` comments). A category may be a link to another one: it then goes by both names.

mod build;
mod folder;
mod report;
mod show;
#[cfg(test)]
mod tests;

pub use build::{build, build_with_seed};
pub use report::{CategoryReport, Fault, Report, Usage};
pub use show::{Shown, open, show};
