//! Published lists of sites: read from the folder they come as, written as the table the judge asks.
//!
//! [`build`] turns a folder of lists into a category table and its names file; [`open`] maps a table for the judge;
//! [`show`] tells what a table says of one site; [`edition`] is how lists travel.
//!
//! # The folder
//!
//! One directory a category, named as rules will name it, as the Université Toulouse Capitole (UT1) publishes them. In
//! each of them:
//!
//! | file | what its lines are |
//! |---|---|
//! | `domains`, `hosts`, `*.domains`, `*.hosts`, `*.txt`, `*.list`, `*.adblock` | names and addresses |
//! | `urls`, `*.urls` | `host/path`, for what lies there and below |
//! | `expressions`, `*.expressions` | regular expressions over host and path |
//! | `usage` | `black`, `white` or both: what the publisher means the category for |
//!
//! A number behind (`domains.0`, `domains.1`) makes a piece of a list. A line of names tells its own format, because
//! published lists mix them: a plain name or address, a line of a hosts file (`0.0.0.0 name`), or an AdGuard rule for a
//! whole name (`||name^`). Comments begin with `#` or `!`. A category may be a link to another one: it then goes by both
//! names. What a list cannot say here is left out with its [`Reason`].
//!
//! # What is trusted
//!
//! Nothing: see [`Limits`], [`Refusal`] and `folder.rs`. Archives are not unpacked here, so they cannot burst here.

mod build;
pub mod edition;
mod exercise;
mod folder;
mod formats;
mod gather;
mod guard;
mod limits;
mod list_file;
mod protected;
mod reason;
mod report;
mod show;
#[cfg(test)]
mod tests;

pub use build::{OnProtected, Options, build};
pub use exercise::exercise;
pub use guard::Refusal;
pub use limits::Limits;
pub use protected::ProtectedName;
pub use reason::Reason;
pub use report::{Before, CategoryReport, Fault, Report, Usage};
pub use show::{Entry, Shown, open, show};
