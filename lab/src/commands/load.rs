//! `preau-lab load …`: what `measure` runs inside the lab, one process each.

use std::{net::SocketAddr, path::Path, process::ExitCode, time::Duration};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use preau_lab::{
    enclosure::LAB_DIR,
    measure::load::{
        Questions, ask_at_a_pace, ask_without_pause, bulk, connections, echo, fetch, held, serve_sites,
        sign_ins,
    },
};

/// Longest load, in seconds.
const SECONDS_MAX: u64 = 60;

/// A load, or what it meets.
#[derive(Debug, Subcommand)]
pub(crate) enum Load {
    /// Send datagrams back.
    Echo {
        #[arg(long)]
        address: SocketAddr,
    },
    /// Play web sites that do no TLS.
    Sites {
        #[arg(long, value_delimiter = ',')]
        ports: Vec<u16>,
    },
    /// Ask a resolver.
    Questions {
        #[arg(long)]
        server: SocketAddr,
        #[arg(long)]
        before: String,
        #[arg(long)]
        behind: String,
        /// At this pace instead of without a pause.
        #[arg(long)]
        per_second: Option<u32>,
        #[arg(long, default_value_t = 3)]
        seconds: u64,
    },
    /// Open many short connections.
    Connections {
        #[command(flatten)]
        target: Target,
        #[arg(long)]
        parallel: usize,
    },
    /// Keep connections open from machines of the crowd.
    Held {
        #[command(flatten)]
        target: Target,
        #[arg(long)]
        machines: u32,
        #[arg(long)]
        connections: u32,
    },
    /// Let pupils sign in, each from a machine of their own.
    SignIns {
        #[arg(long)]
        portal: SocketAddr,
        #[arg(long)]
        machines: u32,
        /// Over how many seconds they come.
        #[arg(long)]
        seconds: u64,
    },
    /// Fetch a page over HTTP/3.
    Http3 {
        #[arg(long)]
        address: SocketAddr,
        #[arg(long)]
        name: String,
        #[arg(long, default_value = "/echo")]
        path: String,
    },
    /// Carry much.
    Bulk {
        #[command(flatten)]
        target: Target,
        #[arg(long)]
        streams: u32,
        #[arg(long)]
        mebibytes: u32,
    },
}

/// Where connections go.
#[derive(Debug, Args)]
pub(crate) struct Target {
    #[arg(long, value_delimiter = ',')]
    sites: Vec<String>,
    #[arg(long)]
    port: u16,
    #[arg(long)]
    resolver: SocketAddr,
    #[arg(long, default_value_t = 3)]
    seconds: u64,
}

/// How many names are asked for in turn.
const NAMES: u32 = 1000;

/// Runs a load to its end and prints what it did; a server runs until killed.
pub(crate) fn load(load: Load) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    let duration = |seconds: u64| Duration::from_secs(seconds.min(SECONDS_MAX));
    let done = match load {
        Load::Echo { address } => return echo(address).map(|()| ExitCode::SUCCESS),
        Load::Sites { ports } => return runtime.block_on(serve_sites(&ports)).map(|()| ExitCode::SUCCESS),
        Load::Http3 { address, name, path } => {
            let authority_path = Path::new(LAB_DIR).join("authority/authority.pem");
            let fetched = runtime.block_on(fetch(address, &name, &path, &authority_path));
            return fetched.map(|()| ExitCode::SUCCESS);
        }
        Load::SignIns { portal, machines, seconds } => {
            let authority_path = Path::new(LAB_DIR).join("authority/authority.pem");
            runtime.block_on(sign_ins(portal, machines, duration(seconds), &authority_path))?
        }
        Load::Questions { server, before, behind, per_second, seconds } => {
            let questions =
                Questions { server, name: (before, behind), names: NAMES, duration: duration(seconds) };
            match per_second {
                Some(per_second) => ask_at_a_pace(&questions, per_second)?,
                None => runtime.block_on(ask_without_pause(questions))?,
            }
        }
        Load::Connections { target: Target { sites, port, resolver, seconds }, parallel } => {
            runtime.block_on(connections(&sites, port, resolver, parallel, duration(seconds)))?
        }
        Load::Held { target: Target { sites, port, resolver, seconds }, machines, connections } => {
            runtime.block_on(held(&sites, port, resolver, machines, connections, duration(seconds)))?
        }
        Load::Bulk { target: Target { sites, port, resolver, seconds: _ }, streams, mebibytes } => {
            runtime.block_on(bulk(&sites, port, resolver, streams, mebibytes))?
        }
    };
    println!("{}", serde_json::to_string(&done)?);
    Ok(ExitCode::SUCCESS)
}
