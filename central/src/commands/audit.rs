//! `preau-central audit`: the trail verified, and written out.

use std::io;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use preau::model::Moment;
use preau_central::{
    audit::{self, Filter, Head},
    config::Config,
    service,
};

/// What was done, by whom
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Verify(Verify),
    Export(Export),
}

/// Walk the trail from its first line and say which is the last, as NUMBER:DIGEST
///
/// The chain shows every line that was changed, taken out or put in between. Whoever can write to the database could make the
/// whole of it anew: keep what this prints somewhere else, and give it back later.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// What this printed before: these lines must still be there
    #[arg(value_name = "NUMBER:DIGEST")]
    known: Vec<Head>,
}

/// Write the trail as CSV to standard output
#[derive(Debug, Args)]
pub(super) struct Export {
    /// From then on, such as 2026-09-01T00:00:00Z
    #[arg(long)]
    from: Option<Timestamp>,
    /// Before then
    #[arg(long)]
    to: Option<Timestamp>,
    /// This act only, such as publish
    #[arg(long)]
    act: Option<String>,
}

pub(super) async fn carry_out(command: Command, config: &Config) -> anyhow::Result<()> {
    let database = service::open_database_as_it_is(config).await?;
    match command {
        Command::Verify(Verify { known }) => println!("{}", audit::verify(&database, &known).await?),
        Command::Export(Export { from, to, act }) => {
            let moment = |time: Timestamp| Moment::from_unix_milliseconds(time.as_millisecond());
            let filter = Filter { act, from: from.map(moment), to: to.map(moment), ..Filter::default() };
            let written = audit::write_csv(&database, &filter, io::stdout().lock()).await;
            written.context("cannot write the audit trail")?;
        }
    }
    Ok(())
}
