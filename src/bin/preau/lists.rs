//! `preau lists`: published lists made into the one table the filter reads.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use preau::{
    config::Config,
    lists::{self, OnProtected, Options},
    model::UrlPath,
};

use super::{Configured, output::print, site::site};

#[derive(Debug, Subcommand)]
pub(super) enum Act {
    /// Builds the category table out of a folder with a directory for each category
    ///
    /// Exit code 0: the table is built, and what was left out is shown. Exit code 1: nothing is changed, and what is wrong
    /// is shown.
    Build {
        /// The folder, as published by the Université Toulouse Capitole: FOLDER/games/domains; also hosts files, plain
        /// lists and AdGuard lists in it, such as FOLDER/games/more.txt
        folder: PathBuf,
        /// The table to write; an old one is compared with it, then replaced whole
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Takes these categories as they are, though they vanished, shrank, grew or cannot be read
        #[arg(long, value_name = "CATEGORY", value_delimiter = ',')]
        accept: Vec<String>,
        /// Names no list may block, beside the built-in ones or in place of them
        #[arg(long, value_name = "FILE")]
        protected: Option<PathBuf>,
        /// Leaves lines out that block protected names, in place of building no table
        #[arg(long)]
        leave_out_protected: bool,
    },
    /// Shows which lists hold a site or URL, by which entry, and since when
    Show {
        /// A name, an address, or a whole URL
        #[arg(value_name = "SITE")]
        site: String,
        /// The table, as made by `preau lists build`; the one of the configuration unless given
        #[arg(long, value_name = "FILE", conflicts_with = "path")]
        table: Option<PathBuf>,
        #[command(flatten)]
        configured: Configured,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn act(act: Act) -> anyhow::Result<()> {
    match act {
        Act::Build { folder, out, accept, protected, leave_out_protected } => {
            let on_protected = if leave_out_protected { OnProtected::LeaveOut } else { OnProtected::Refuse };
            build(&folder, &out, &Options { accept: accept.into_iter().collect(), protected, on_protected })
        }
        Act::Show { site: text, table, configured, json } => {
            let table = match table {
                Some(table) => table,
                None => configured_table(&configured.path)?,
            };
            let shown = lists::show(&table, &site(&text)?, path(&text).as_ref())?;
            if json { print(shown.to_json()) } else { print(shown) }
        }
    }
}

fn build(folder: &Path, out: &Path, options: &Options) -> anyhow::Result<()> {
    let report = lists::build(folder, out, options)?;
    let causes = report.refusals_count;
    print(&report)?;
    if causes > 0 {
        bail!("the table is not built ({causes} refused); what was at `{}` still is", out.display());
    }
    print(format_args!("written to {}", out.display()))
}

/// The table that the box reads.
fn configured_table(config_path: &Path) -> anyhow::Result<PathBuf> {
    let config = Config::load(config_path)?;
    let categories = config.categories.context("the configuration names no table; name one with --table")?;
    Ok(categories.path)
}

/// Path and query of what somebody typed, if it is a URL with something behind the host.
fn path(text: &str) -> Option<UrlPath> {
    let rest = text.trim().split_once("://").map_or(text.trim(), |(_, rest)| rest);
    let rest = rest.split('#').next().unwrap_or(rest);
    let written = rest.get(rest.find(['/', '?'])?..)?;
    Some(if written.starts_with('/') {
        UrlPath::from(written)
    } else {
        UrlPath::from(&*format!("/{written}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_query_are_what_follows_the_host() {
        for (text, expected) in [
            ("jeux.example", None),
            ("https://jeux.example", None),
            ("https://jeux.example#place", None),
            ("jeux.example/", Some("/")),
            ("https://jeux.example:8080/a?b=1#c", Some("/a?b=1")),
            ("jeux.example?b=1", Some("/?b=1")),
        ] {
            assert_eq!(path(text).as_ref().map(UrlPath::as_str), expected, "{text}");
        }
    }
}
