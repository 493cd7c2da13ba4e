//! `preau-central`: the académie's side, from the command line.

mod commands;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    commands::Line::parse().carry_out()
}
