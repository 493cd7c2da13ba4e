//! `preau accounts`: help with the accounts file.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use preau::identity;

use super::output::print;

/// More than any password, in bytes: what comes after is not read.
const LINE_BYTES_MAX: u64 = 4096;

#[derive(Debug, Subcommand)]
pub(super) enum Act {
    /// Reads a password from standard input and prints what the accounts file holds for it
    ///
    /// The printed field has its quotes, for it holds commas: paste it whole as the last column.
    Hash,
}

pub(super) fn act(act: &Act) -> anyhow::Result<()> {
    match act {
        Act::Hash => {
            let stdin = io::stdin().lock();
            if stdin.is_terminal() {
                eprintln!("type the password (it is shown) and press Enter");
            }
            let mut line = String::new();
            stdin.take(LINE_BYTES_MAX).read_line(&mut line).context("cannot read the password")?;
            let password = line.trim_end_matches(['\r', '\n']);
            if password.is_empty() {
                bail!(
                    "no password on standard input; write it there, such as by `preau accounts hash < FILE`"
                );
            }
            print(format_args!("\"{}\"", identity::hash_password(password)?))
        }
    }
}
