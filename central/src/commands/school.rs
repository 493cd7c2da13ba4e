//! What the commands about one school begin with.

use anyhow::Context as _;
use preau::{model::Uai, system::clock::Clock};
use preau_central::{authority::Authority, config::Config, database::Database, service};

/// The school's code that somebody typed.
pub(super) fn uai(text: &str) -> Result<Uai, String> {
    Uai::new(text)
        .ok_or_else(|| format!("`{text}` is not seven digits and a capital letter, such as `0809999Z`"))
}

/// Database and authority, as central itself opens them.
pub(super) async fn open(config: &Config) -> anyhow::Result<(Database, Authority)> {
    let clock = Clock::of_the_machine();
    let database = service::open_database(config).await?;
    let channel = service::open_channel(config, &database, &clock).await?;
    let authority = service::open_authority(config, &database, &channel, &clock).await;
    Ok((database, authority.context("cannot open the authority")?))
}
