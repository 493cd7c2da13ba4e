//! `preau accounts`: the school's own accounts file, and the directory that feeds fill.

mod import;
mod register;

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use preau::identity;

use super::{Configured, output::print};

/// More than any password, in bytes: what comes after is not read.
const LINE_BYTES_MAX: u64 = 4096;

#[derive(Debug, Subcommand)]
pub(super) enum Act {
    /// Reads a password from standard input and prints what the accounts file holds for it
    ///
    /// The printed field has its quotes, for it holds commas: paste it whole as the last column.
    Hash,
    /// Takes feeds of the school's directory: AAF, AAF-1D, GPEI, ONDE, or a described CSV
    ///
    /// Shows what they change. They take effect on the first day of the next holidays unless `--effective` says otherwise;
    /// the first of a source at once. Exit code 0: taken, or there already; 1: refused, and nothing is changed.
    Import(import::Arguments),
    /// Shows the feeds that wait, and the last ones that took effect
    Feeds(Configured),
    /// Says yes to a feed that is held
    Release {
        /// Its number
        feed: i64,
        /// When it takes effect: now, calendar, or a day such as 2026-12-19; as before unless given
        #[arg(long, value_name = "WHEN")]
        effective: Option<identity::register::When>,
        #[command(flatten)]
        configured: Configured,
    },
    /// Removes a feed that waits
    Drop {
        /// Its number
        feed: i64,
        #[command(flatten)]
        configured: Configured,
    },
    /// Shows the records of feeds that could not be taken, with file, line and reason
    Quarantine(Configured),
    /// Shows what the directory knows of one person; never a password
    Show {
        /// The login or the identifier
        #[arg(value_name = "LOGIN|ID")]
        who: String,
        #[command(flatten)]
        configured: Configured,
    },
}

pub(super) fn act(act: &Act) -> anyhow::Result<()> {
    match act {
        Act::Hash => hash(),
        Act::Import(arguments) => import::import(arguments),
        Act::Feeds(configured) => register::feeds(configured),
        Act::Release { feed, effective, configured } => register::release(*feed, *effective, configured),
        Act::Drop { feed, configured } => register::drop_feed(*feed, configured),
        Act::Quarantine(configured) => register::quarantine(configured),
        Act::Show { who, configured } => register::show(who, configured),
    }
}

fn hash() -> anyhow::Result<()> {
    let stdin = io::stdin().lock();
    if stdin.is_terminal() {
        eprintln!("type the password (it is shown) and press Enter");
    }
    let mut line = String::new();
    stdin.take(LINE_BYTES_MAX).read_line(&mut line).context("cannot read the password")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("no password on standard input; write it there, such as by `preau accounts hash < FILE`");
    }
    print(format_args!("\"{}\"", identity::hash_password(password)?))
}
