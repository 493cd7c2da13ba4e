//! `preau accounts`: help with the accounts file.

use std::io::{self, BufRead as _};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use preau::identity;

#[derive(Debug, Subcommand)]
pub(super) enum Act {
    /// Reads a password from standard input and prints what the accounts file holds for it
    Hash,
}

pub(super) fn act(act: &Act) -> anyhow::Result<()> {
    match act {
        Act::Hash => {
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line).context("cannot read the password")?;
            let password = line.trim_end_matches(['\r', '\n']);
            if password.is_empty() {
                bail!("no password on standard input");
            }
            println!("{}", identity::hash_password(password)?);
            Ok(())
        }
    }
}
