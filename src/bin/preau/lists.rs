//! `preau lists`: published lists made into the one table the filter reads.

use std::path::PathBuf;

use clap::Subcommand;
use preau::lists;

use super::{output::print, site::site};

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
    /// Shows the categories in which a table has a site, and by which entry
    Show {
        /// The table, as made by `preau lists build`
        table: PathBuf,
        /// The site: a name, an address, or a whole URL, of which only the host counts
        site: String,
    },
}

pub(super) fn act(act: &Act) -> anyhow::Result<()> {
    match act {
        Act::Build { folder, out } => print(lists::build(folder, out, &lists::Options::default())?),
        Act::Show { table, site: text } => print(lists::show(table, &site(text)?)?),
    }
}
