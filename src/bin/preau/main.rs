//! The `preau` command: runs the box, and answers questions about its configuration and its records.
//!
//! Exit codes: 0 done, 1 it failed or the configuration is wrong, 2 the command line is wrong.

mod accounts;
mod check;
mod enrol;
mod explain;
mod journal;
mod lists;
mod output;
mod site;
mod status;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use preau::{
    config::Problems,
    daemon,
    system::{log, wireguard},
};

/// The server a French school plugs in: network, filter, portal, records.
#[derive(Debug, Parser)]
#[command(name = "preau", version)]
struct Command {
    /// What the log on standard error looks like: `text`, or `json` for collectors
    #[arg(long, global = true, value_name = "FORM", default_value = "text")]
    log: log::Form,
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Runs the box until it is told to stop
    Run(Configured),
    /// Checks the configuration and everything it names, and shows what it comes to
    Check(Configured),
    /// Makes this machine the box of a school, with a token of the académie's
    Enrol(enrol::Arguments),
    /// Shows the state of the running box
    Status(status::Arguments),
    /// Answers: may this one reach that site, by which rule, and what would change it
    Explain(explain::Arguments),
    /// Works on published lists of categories
    Lists {
        #[command(subcommand)]
        act: lists::Act,
    },
    /// Works on accounts
    Accounts {
        #[command(subcommand)]
        act: accounts::Act,
    },
    /// Reads the records of decisions and of presences
    Journal {
        #[command(subcommand)]
        act: journal::Act,
    },
    /// Is the tunnel's interface where the kernel has no WireGuard; the daemon runs it
    #[command(hide = true)]
    Wireguard {
        /// The interface's name
        interface: String,
    },
}

/// Which configuration a command is about.
#[derive(Debug, Args)]
struct Configured {
    /// The configuration file
    #[arg(long = "config", value_name = "FILE", default_value = "/etc/preau/preau.toml")]
    path: PathBuf,
}

fn main() -> ExitCode {
    let command = Command::parse();
    log::begin(command.log, "PREAU_LOG");
    match act(command.act) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn act(act: Act) -> anyhow::Result<()> {
    match act {
        Act::Run(configured) => runtime()?.block_on(daemon::run(&configured.path)),
        Act::Check(configured) => check::check(&configured.path),
        Act::Enrol(arguments) => runtime()?.block_on(enrol::enrol(&arguments)),
        Act::Status(arguments) => runtime()?.block_on(status::status(&arguments)),
        Act::Explain(arguments) => explain::explain(&arguments),
        Act::Lists { act } => lists::act(act),
        Act::Accounts { act } => accounts::act(&act),
        Act::Journal { act } => journal::act(&act),
        Act::Wireguard { interface } => wireguard::run(&interface),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

/// Problems of a configuration stand one a line, each with its place, as compilers print them.
fn complain(error: &anyhow::Error) {
    let Some(problems) = error.downcast_ref::<Problems>() else {
        eprintln!("preau: {error:#}");
        return;
    };
    eprintln!("{problems}");
    match problems.iter().count() {
        1 => eprintln!("preau: the configuration is refused"),
        count => eprintln!("preau: the configuration is refused, {count} things are wrong"),
    }
}
