//! `preau-central tunnel`: where boxes find the académie's network, and by which keys.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand, ValueEnum};
use preau::model::Uai;
use preau_central::{
    authority::TunnelPlan,
    concentrator::files::{self, Change, Format, Written},
    config::Config,
    fleet::tunnel::order_key,
    service::House,
};

use super::school::uai;

/// Say where boxes find the académie's network
#[derive(Debug, Args)]
pub(crate) struct Tunnel {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Sets concentrators, networks and names from a file, in place of those before
    ///
    /// The file is TOML: `prefixes = ["10.128.0.0/14"]`, `names` and `resolvers` inside, and for each concentrator
    /// `[[concentrator]]` with `name`, `key`, `endpoint`, `networks` and `tls`; see docs/concentrator.md. Addresses that schools
    /// were given stay theirs. Boxes hear of it within seconds.
    Set {
        /// The file
        file: PathBuf,
    },
    /// Writes the files of a WireGuard server that others run, and tells what changed in them
    Write {
        /// For which program
        #[arg(long, value_enum)]
        format: Form,
        /// The concentrator's name
        #[arg(long, value_name = "NAME")]
        concentrator: String,
        /// What its interface is called
        #[arg(long, default_value = "preau0")]
        interface: String,
        /// The folder
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Has boxes make another key; the one before counts until the next one is used
    Rotate {
        /// The school's code in the national register
        #[arg(long, value_name = "UAI", value_parser = uai, required_unless_present = "all", conflicts_with = "all")]
        school: Option<Uai>,
        /// Every school whose box is enrolled
        #[arg(long)]
        all: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    WgQuick,
    Networkd,
}

pub(crate) async fn carry_out(tunnel: &Tunnel, config: &Config) -> anyhow::Result<()> {
    match &tunnel.act {
        Act::Set { file } => set(file, config).await,
        Act::Write { format, concentrator, interface, out } => {
            let House { authority, .. } = House::open(config).await?;
            let concentrating = authority.concentrating(concentrator).await?;
            let format = match format {
                Form::WgQuick => Format::WgQuick,
                Form::Networkd => Format::Networkd,
            };
            files::write(&concentrating, format, interface, out)?.iter().for_each(tell);
            Ok(())
        }
        Act::Rotate { school, .. } => rotate(school.as_ref(), config).await,
    }
}

async fn set(file: &Path, config: &Config) -> anyhow::Result<()> {
    let shown = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read `{shown}`"))?;
    let plan: TunnelPlan = toml::from_str(&text).with_context(|| format!("`{shown}` is refused"))?;
    let House { database, authority, .. } = House::open(config).await?;
    let mut write = database.write().await?;
    let set = authority.set_tunnel(&mut write, &plan).await;
    set.with_context(|| format!("`{shown}` is refused"))?;
    write.commit().await?;
    println!("{} concentrators, {} prefixes", plan.concentrators.len(), plan.prefixes.len());
    println!("where several instances run, copy `{}/tunnel.secret` to each", config.keys_dir.display());
    Ok(())
}

async fn rotate(school: Option<&Uai>, config: &Config) -> anyhow::Result<()> {
    let House { database, authority, clock, .. } = House::open(config).await?;
    let boxes = authority.boxes().await?;
    let is_meant = |known: &Uai| school.is_none_or(|school| school == known);
    let living = boxes.iter().filter(|known| known.revoked.is_none() && is_meant(&known.school));
    let living: Vec<&Uai> = living.map(|known| &known.school).collect();
    match school {
        Some(school) => ensure!(!living.is_empty(), "{} has no enrolled box", school.as_str()),
        None => ensure!(!living.is_empty(), "no box is enrolled"),
    }
    let mut write = database.write().await?;
    for school in &living {
        let told = order_key(&mut write, school, clock.now()).await;
        told.with_context(|| format!("the box of {} cannot be told; nobody was", school.as_str()))?;
    }
    write.commit().await?;
    println!("{} boxes are told to make another key", living.len());
    Ok(())
}

/// One line a file, and one for each school that is otherwise; no key is shown.
fn tell(written: &Written) {
    let shown = written.path.display();
    match &written.change {
        Change::New => println!("{shown}: written"),
        Change::None => println!("{shown}: unchanged"),
        Change::Some { head, added, removed, changed } => {
            println!("{shown}: written anew{}", if *head { ", its head too" } else { "" });
            for (mark, schools) in [('+', added), ('-', removed), ('~', changed)] {
                schools.iter().for_each(|school| println!("{mark} {school}"));
            }
        }
    }
}
