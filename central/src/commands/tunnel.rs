//! `preau-central tunnel`: where boxes find the académie's network.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use preau::protocol::enrolment::Concentrator;
use preau_central::{config::Config, service::House};
use serde::Deserialize;

/// Say where boxes find the académie's network
#[derive(Debug, Args)]
pub(crate) struct Tunnel {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Sets concentrators and prefixes from a file, in place of those before
    ///
    /// The file is TOML: `prefixes = ["10.128.0.0/14"]`, and for each concentrator `[[concentrator]]` with `key`,
    /// `endpoint` and `networks`. Addresses that schools were given stay theirs.
    Set {
        /// The file
        file: PathBuf,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    prefixes: Vec<String>,
    concentrator: Vec<Concentrator>,
}

pub(crate) async fn carry_out(tunnel: &Tunnel, config: &Config) -> anyhow::Result<()> {
    let Act::Set { file } = &tunnel.act;
    let shown = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read `{shown}`"))?;
    let File { prefixes, concentrator } =
        toml::from_str(&text).with_context(|| format!("`{shown}` is refused"))?;
    let House { database, authority, .. } = House::open(config).await?;
    let mut write = database.write().await?;
    let set = authority.set_tunnel(&mut write, &concentrator, &prefixes).await;
    set.with_context(|| format!("`{shown}` is refused"))?;
    write.commit().await?;
    println!("{} concentrators, {} prefixes", concentrator.len(), prefixes.len());
    Ok(())
}
