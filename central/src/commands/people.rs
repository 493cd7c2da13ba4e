//! `preau-central people add --first`: the first person who may come into the console.

use anyhow::bail;
use clap::{Args, Subcommand};
use preau::system::clock::Clock;
use preau_central::{
    config::Config,
    people::{self, InviteRefusal},
    service,
};

/// Let the first person into the console
#[derive(Debug, Args)]
pub(crate) struct People {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Print a link, good once, under which the person chooses a password and takes codes
    Add {
        /// Everything over the académie, for a console that nobody can manage yet
        #[arg(long, required = true)]
        first: bool,
        /// What the person types to sign in: small letters, digits, dot, hyphen
        login: String,
        /// Their name
        name: String,
    },
}

pub(crate) async fn carry_out(people: &People, config: &Config) -> anyhow::Result<()> {
    let Act::Add { first: _, login, name } = &people.act;
    let database = service::open_database(config).await?;
    let invited = match people::first(&database, Clock::of_the_machine().now(), login, name).await? {
        Ok(invited) => invited,
        Err(InviteRefusal::NotTheFirst) => {
            bail!("somebody manages rights over the académie already; they invite others in the console")
        }
        Err(InviteRefusal::LoginTaken) => bail!("`{login}` was given before; choose another"),
        Err(_) => {
            bail!("`{login}` or the name will not do: small letters, digits, `.`, `-`, `_`, 80 at most")
        }
    };
    let port = match config.console.listen.port() {
        443 => String::new(),
        port => format!(":{port}"),
    };
    println!("{name} chooses a password and takes codes, once, until {}, at", invited.expires);
    println!("    https://{}{port}/invitation/{}", config.console.name, invited.token.text());
    Ok(())
}
