//! `preau-central backup`: the database as it stands, while everything runs.

use std::path::PathBuf;

use clap::Args;
use preau_central::{config::Config, service};

/// Copy the SQLite database into a new file, while everything runs
///
/// To restore it: stop every preau-central, put the copy in the place of the database, remove the files of the database that
/// end in -wal and -shm, start again. PostgreSQL is copied by its own pg_dump.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file to write, which must not be there
    file: PathBuf,
}

pub(super) async fn carry_out(arguments: &Arguments, config: &Config) -> anyhow::Result<()> {
    let Arguments { file } = arguments;
    service::open_database_as_it_is(config).await?.back_up(file).await?;
    println!("the database is copied to `{}`", file.display());
    Ok(())
}
