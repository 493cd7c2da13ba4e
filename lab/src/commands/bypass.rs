//! `preau-lab bypass`: plays the battery and shows a table.

use std::{net::SocketAddr, process::ExitCode};

use anyhow::bail;
use clap::Args;
use preau_lab::bypass::{
    Row, Score,
    hello::{Cut, Dress, fetch},
    markdown, play, rows, table, table_head,
};

/// Which attempts to play, and how to show them.
#[derive(Debug, Args)]
pub(crate) struct Battery {
    /// Play this row only; may be given several times.
    #[arg(long, value_name = "ROW")]
    only: Vec<String>,
    /// Print the outcomes as JSON.
    #[arg(long)]
    json: bool,
    /// Print docs/bypass.md instead of playing.
    #[arg(long, conflicts_with_all = ["only", "json"])]
    markdown: bool,
}

/// Plays the battery in schools of its own.
pub(crate) fn bypass(battery: &Battery) -> anyhow::Result<ExitCode> {
    if battery.markdown {
        print!("{}", markdown());
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = choose(&battery.only)?;
    if !battery.json {
        println!("{}", table_head());
    }
    let outcomes = play(&chosen, &mut |outcome| {
        if !battery.json {
            println!("{}", table(outcome));
        }
    })?;
    let score = Score::of(&outcomes);
    if battery.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&serde_json::json!({ "score": score, "rows": outcomes }))?
        );
    } else {
        println!("\n{} {score}", if score.is_good() { '✓' } else { '✗' });
    }
    Ok(if score.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A page to fetch, and how.
#[derive(Debug, Args)]
pub(crate) struct Deceiving {
    /// The server.
    to: SocketAddr,
    /// The name in the hello.
    name: String,
    #[arg(long, default_value = "whole")]
    cut: Cut,
    #[arg(long, default_value = "plain")]
    dress: Dress,
}

/// Fetches the page and prints it.
pub(crate) fn hello(deceiving: &Deceiving) -> anyhow::Result<ExitCode> {
    let Deceiving { to, name, cut, dress } = deceiving;
    print!("{}", fetch(*to, name, *cut, *dress)?);
    Ok(ExitCode::SUCCESS)
}

/// The rows called `names`, or all.
fn choose(names: &[String]) -> anyhow::Result<Vec<&'static Row>> {
    for name in names {
        if !rows::all().any(|row| row.id == name) {
            bail!(
                "there is no row `{name}`; there are {}",
                rows::all().map(|row| row.id).collect::<Vec<_>>().join(", ")
            );
        }
    }
    Ok(rows::all().filter(|row| names.is_empty() || names.iter().any(|name| name == row.id)).collect())
}
