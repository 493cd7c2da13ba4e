//! The `preau-lab` command.
//!
//! Exit status: 0 done, 1 failed (or a step of the tour did), 2 misused; `run` and `shell` end with their command's.

mod commands;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand, ValueEnum};

use commands::{act, bypass, fleet, load, measure, office, pictures, serve, tour, up};

/// A whole school on this machine: an Internet, an académie, the box, and the machines of its people.
#[derive(Debug, Parser)]
#[command(name = "preau-lab", version, max_term_width = 100)]
struct Arguments {
    /// The lab meant, where several are up at once.
    #[arg(long, global = true, default_value = "lab")]
    name: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a school and keep it until Ctrl-C.
    Up {
        /// The loopback port of this machine where the portal answers.
        #[arg(long, default_value_t = 8765)]
        port: u16,
        /// A plain router in place of the box, to compare.
        #[arg(long)]
        without_box: bool,
        /// The académie's central as well, with the box enrolled there.
        #[arg(long, conflicts_with = "without_box")]
        central: bool,
    },
    /// Let people try what they should and should not be able to do; fails when one is surprised.
    Tour {
        /// Print the outcomes as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Try every known way round the filter with real programs; fails on any pass that nothing explains.
    Bypass(bypass::Battery),
    /// Measure what the box costs, in a school of its own; takes some minutes.
    Measure(measure::Measuring),
    /// Be many boxes at once to a central, and measure it.
    Fleet(fleet::Coming),
    /// Open a shell on a machine.
    Shell {
        /// The machine, such as `eleve`.
        who: String,
    },
    /// Run a command on a machine.
    Run {
        /// The machine, such as `eleve`.
        who: String,
        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Open a page in Chromium on a machine and take its picture.
    Browse {
        /// The machine, such as `eleve`.
        who: String,
        /// The page's address.
        url: String,
        /// The file of the picture.
        #[arg(long, default_value = "browse.png")]
        screenshot: PathBuf,
        /// The window's size in pixels.
        #[arg(long, default_value = "1024x768", value_parser = act::window_size)]
        size: (u32, u32),
    },
    /// Take the pictures of the documents again, in a school of its own.
    Pictures {
        /// The folder they go to.
        #[arg(default_value = "docs/images")]
        dir: PathBuf,
    },
    /// Unplug something.
    Cut {
        /// What.
        what: Cable,
    },
    /// Plug it in again.
    Restore {
        /// What.
        what: Cable,
    },
    /// Show the machines, their addresses, and the box's own status.
    Status,
    /// End the school.
    Down,
    /// The servers of the lab's machines, started by the lab itself.
    #[command(hide = true)]
    Serve {
        /// Which.
        what: Servers,
    },
    /// Fetch a page with a hello in pieces; started by `bypass`.
    #[command(hide = true)]
    Hello(bypass::Deceiving),
    /// What is done beside central's database for a working day of the académie; started by it.
    #[command(hide = true)]
    Office(office::Office),
    /// The loads of `measure`, started by it.
    #[command(hide = true, subcommand)]
    Load(load::Load),
}

/// What can be unplugged.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Cable {
    /// The school's line to the Internet.
    Line,
}

/// Servers of the lab's machines.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Servers {
    /// Resolvers, web sites and the rest.
    Internet,
    /// The académie's web site.
    Academie,
    /// The portal for the host's browser.
    Door,
}

fn main() -> ExitCode {
    let Arguments { name, command } = Arguments::parse();
    let outcome = match command {
        Command::Up { port, without_box, central } => up::up(&name, port, (without_box, central)),
        Command::Tour { json } => tour::tour(&name, json),
        Command::Bypass(battery) => bypass::bypass(&battery),
        Command::Shell { who } => act::shell(&name, &who),
        Command::Run { who, command } => act::run(&name, &who, &command),
        Command::Browse { who, url, screenshot, size } => act::browse(&name, &who, &url, &screenshot, size),
        Command::Pictures { dir } => pictures::pictures(&dir),
        Command::Cut { what: Cable::Line } => act::cut_line(&name),
        Command::Restore { what: Cable::Line } => act::restore_line(&name),
        Command::Status => act::status(&name),
        Command::Down => act::down(&name),
        Command::Serve { what } => serve::serve(what),
        Command::Measure(measuring) => measure::measure(&measuring),
        Command::Fleet(coming) => fleet::fleet(coming),
        Command::Hello(deceiving) => bypass::hello(&deceiving),
        Command::Office(office) => office::office(office),
        Command::Load(load) => load::load(load),
    };
    outcome.unwrap_or_else(|cause| {
        eprintln!("preau-lab: {cause:#}");
        ExitCode::FAILURE
    })
}
