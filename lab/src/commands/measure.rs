//! `preau-lab measure`: measures and shows a table.

use std::process::ExitCode;

use clap::Args;
use preau_lab::measure::{self, Length};

/// How long to measure, and how to show it.
#[derive(Debug, Args)]
pub(crate) struct Measuring {
    /// How often each figure is taken.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// Seconds of each load.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=30))]
    seconds: u32,
    /// What is carried in bulk each time, in MiB.
    #[arg(long, default_value_t = 2048, value_parser = clap::value_parser!(u32).range(8..=65536))]
    mebibytes: u32,
    /// Print the figures as JSON, each run of them.
    #[arg(long)]
    json: bool,
}

/// Measures in a school of its own.
pub(crate) fn measure(measuring: &Measuring) -> anyhow::Result<ExitCode> {
    let Measuring { rounds, seconds, mebibytes, json } = *measuring;
    if cfg!(debug_assertions) {
        eprintln!("this is a debug build: its figures are worth nothing (build with `--release`)");
    }
    let report = measure::measure(Length { rounds, seconds, mebibytes }, &mut |step| eprintln!("  {step}"))?;
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("\n{report}");
    }
    Ok(ExitCode::SUCCESS)
}
