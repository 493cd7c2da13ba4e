//! `preau-central box`: the boxes that were enrolled.

use anyhow::ensure;
use clap::Subcommand;
use preau::model::Uai;
use preau_central::{authority::By, config::Config};

use super::school::{open, uai};

#[derive(Debug, Subcommand)]
pub(crate) enum Act {
    /// Lists the boxes: school, version when enrolled, when that was, until when the certificate holds
    List,
    /// Revokes the box of a school: it can do nothing any more until it is enrolled again
    Revoke {
        /// The school's code in the national register
        #[arg(value_name = "UAI", value_parser = uai)]
        school: Uai,
    },
}

pub(crate) async fn act(config: &Config, act: Act) -> anyhow::Result<()> {
    let (database, authority) = open(config).await?;
    match act {
        Act::List => {
            for known in authority.boxes().await? {
                let state = match (known.revoked, known.certificate_ends) {
                    (Some(at), _) => format!("revoked at {at}"),
                    (None, Some(ends)) => format!("certificate until {ends}"),
                    (None, None) => "no certificate".to_owned(),
                };
                println!(
                    "{}\t{}\tenrolled {}\t{state}",
                    known.school.as_str(),
                    known.version,
                    known.enrolled
                );
            }
            Ok(())
        }
        Act::Revoke { school } => {
            let mut write = database.write().await?;
            let was_there = authority.revoke(&mut write, By::Central, &school).await?;
            write.commit().await?;
            ensure!(was_there, "{} has no box that could be revoked", school.as_str());
            println!("the box of {} can do nothing any more", school.as_str());
            Ok(())
        }
    }
}
