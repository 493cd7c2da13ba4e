//! The line: which commands there are, and which configuration they are about.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use preau::system::{log, wireguard};
use preau_central::config::Config;

use super::{
    accounts, audit, authority, backup, boxes, channel, check, concentrator, content, init, keys, lists,
    people, policy, repair, run, school, statistics, system, token, tunnel,
};

/// The académie's side of Préau.
#[derive(Debug, Parser)]
#[command(name = "preau-central", version, arg_required_else_help = true)]
pub(crate) struct Line {
    /// The configuration file
    #[arg(long, global = true, default_value = "/etc/preau-central/central.toml")]
    config: PathBuf,
    /// What the log on standard error looks like: `text`, or `json` for collectors
    #[arg(long, global = true, value_name = "FORM", default_value = "text")]
    log: log::Form,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Act(Act),
    /// Is the concentrator's interface where the kernel has no WireGuard; `concentrator run` runs it
    #[command(hide = true)]
    Wireguard {
        /// The interface's name
        interface: String,
    },
}

/// What is done by a configuration.
#[derive(Debug, Subcommand)]
enum Act {
    Init(init::Init),
    Run(run::Arguments),
    Check(check::Arguments),
    Backup(backup::Arguments),
    #[command(subcommand)]
    Audit(audit::Command),
    Keys(keys::Keys),
    Channel(channel::Channel),
    System(system::System),
    People(people::People),
    School(school::School),
    Token(token::Token),
    Box(boxes::Boxes),
    Repair(repair::Repair),
    Authority(authority::Authority),
    Tunnel(tunnel::Tunnel),
    Concentrator(concentrator::Concentrator),
    #[command(subcommand)]
    Policy(policy::Policy),
    #[command(subcommand)]
    Lists(lists::Lists),
    #[command(subcommand)]
    Accounts(accounts::Accounts),
    #[command(subcommand)]
    Statistics(statistics::Statistics),
    #[command(subcommand)]
    Content(content::Content),
}

impl Line {
    /// Does what the command line says, and tells on standard error why it could not.
    pub(crate) fn carry_out(self) -> ExitCode {
        log::begin(self.log, "RUST_LOG");
        let done = match self.command {
            Command::Wireguard { interface } => wireguard::run(&interface),
            Command::Act(act) => match tokio::runtime::Runtime::new() {
                Ok(runtime) => runtime.block_on(act.carry_out(&self.config)),
                Err(error) => Err(error.into()),
            },
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("preau-central: {error:#}");
                ExitCode::FAILURE
            }
        }
    }
}

impl Act {
    async fn carry_out(self, config_path: &Path) -> anyhow::Result<()> {
        let config = Config::load(config_path)?;
        match self {
            Self::Init(init) => init::carry_out(&init, &config).await,
            Self::Run(arguments) => run::carry_out(arguments, config).await,
            Self::Check(arguments) => check::carry_out(arguments, &config).await,
            Self::Backup(arguments) => backup::carry_out(&arguments, &config).await,
            Self::Audit(command) => audit::carry_out(command, &config).await,
            Self::Keys(keys) => keys::carry_out(&keys, &config).await,
            Self::Channel(channel) => channel::carry_out(&channel, &config).await,
            Self::Accounts(act) => accounts::carry_out(act, &config).await,
            Self::Lists(act) => lists::carry_out(act, &config).await,
            Self::Content(act) => content::carry_out(act, &config).await,
            Self::Policy(act) => policy::carry_out(&act, &config).await,
            Self::Statistics(act) => statistics::carry_out(&act, &config).await,
            Self::People(act) => people::carry_out(&act, &config).await,
            Self::School(act) => school::carry_out(&act, &config).await,
            Self::Token(act) => token::carry_out(&act, &config).await,
            Self::Box(act) => boxes::carry_out(&act, &config).await,
            Self::Repair(act) => repair::carry_out(&act, &config).await,
            Self::Authority(act) => authority::carry_out(&act, &config),
            Self::Tunnel(act) => tunnel::carry_out(&act, &config).await,
            Self::Concentrator(act) => concentrator::carry_out(&act, &config).await,
            Self::System(system) => system::carry_out(&system, &config).await,
        }
    }
}
