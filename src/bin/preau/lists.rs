//! `preau lists`: published lists made into the one table the filter reads.

use std::path::PathBuf;

use clap::Subcommand;
use preau::lists;

#[derive(Debug, Subcommand)]
pub(super) enum Act {
    /// Builds the category table out of a folder with a folder for each category
    Build {
        /// The folder, as published by the Université Toulouse Capitole: FOLDER/games/domains
        folder: PathBuf,
        /// The table to write; an old one is replaced whole
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

pub(super) fn act(act: &Act) -> anyhow::Result<()> {
    match act {
        Act::Build { folder, out } => {
            let report = lists::build(folder, out)?;
            print!("{report}");
            Ok(())
        }
    }
}
