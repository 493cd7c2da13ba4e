//! `preau-central check`: what the configuration comes to on this machine, with nothing changed by asking.

use std::{fs, path::Path};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use preau_central::{bucket::Bucket, channel, config::Config, database::look, service};

/// Read the configuration and say what it comes to, changing nothing
#[derive(Debug, Args)]
pub(super) struct Arguments {}

pub(super) async fn carry_out(Arguments {}: Arguments, config: &Config) -> anyhow::Result<()> {
    let found = [
        ("database", database(config).await),
        ("repository", repository(config).await),
        ("keys", keys(&config.keys_dir)),
        ("console", console(config)),
    ];
    println!("the configuration of {}", config.academie);
    let mut wrong = 0;
    for (part, found) in found {
        match found {
            Ok(said) => println!("  {part}: {said}"),
            Err(error) => {
                wrong += 1;
                println!("  {part}: NOT IN ORDER: {error:#}");
            }
        }
    }
    if wrong == 0 {
        channel(config).await?;
    }
    ensure!(wrong == 0, "{wrong} of what the configuration names is not in order");
    Ok(())
}

/// What somebody should know of the channel; only where the database is of this program's form, for opening it makes it so.
async fn channel(config: &Config) -> anyhow::Result<()> {
    let standing = look(&config.database, service::PARTS).await?;
    if standing.iter().any(|part| part.version != part.latest) {
        return Ok(());
    }
    if !channel::is_founded(&service::open_database(config).await?).await? {
        println!("  channel: there is no root of trust; `init` makes it");
        return Ok(());
    }
    for concern in service::open_channel(config).await?.health().await? {
        println!("  channel: {:?}: {}", concern.severity, concern.sentence);
    }
    Ok(())
}

async fn database(config: &Config) -> anyhow::Result<String> {
    let standing = look(&config.database, service::PARTS).await?;
    if let Some(later) = standing.iter().find(|part| part.version > part.latest) {
        bail!("its part `{}` is of a later version ({}) than this program's", later.name, later.version);
    }
    let behind = standing.iter().filter(|part| part.version < part.latest).count();
    Ok(match behind {
        0 => format!("{} is in order", config.database),
        _ => format!("{} is reachable; `run` brings {behind} of its parts up to date", config.database),
    })
}

async fn repository(config: &Config) -> anyhow::Result<String> {
    let location = &config.repository;
    Bucket::look(location).await?;
    Ok(format!("{location} is in order"))
}

/// The keys on line: files that nobody else reads.
fn keys(dir: &Path) -> anyhow::Result<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let context = || format!("cannot read `{}`", dir.display());
    let mut keys = 0;
    for entry in fs::read_dir(dir).with_context(context)? {
        let path = entry.with_context(context)?.path();
        let mode = fs::metadata(&path).with_context(context)?.permissions().mode();
        if path.extension().is_some_and(|extension| extension == "pem") {
            ensure!(mode & 0o077 == 0, "`{}` can be read by others; chmod 600 it", path.display());
            keys += 1;
        }
    }
    ensure!(keys > 0, "`{}` has no keys (*.pem); `init` makes them", dir.display());
    Ok(format!("{keys} in `{}`", dir.display()))
}

fn console(config: &Config) -> anyhow::Result<String> {
    let clients = config.console.clients.as_ref().map(|clients| &clients.authority_path);
    for path in [&config.console.certificate_path, &config.console.key_path].into_iter().chain(clients) {
        fs::File::open(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    }
    Ok(format!("{} has its certificate and key", config.console.name))
}
