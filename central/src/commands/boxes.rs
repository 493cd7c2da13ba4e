//! `preau-central box`: the boxes that were enrolled.

use anyhow::ensure;
use clap::{Args, Subcommand};
use preau::model::{Domain, Uai};
use preau_central::{authority::By, config::Config, service::House};

use super::school::uai;

/// See and revoke boxes
#[derive(Debug, Args)]
pub(crate) struct Boxes {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Lists the boxes: school, version when enrolled, when that was, until when the certificate holds
    List,
    /// Enters a public name of a school's portal: its box may have certificates for it
    Portal {
        /// The school's code in the national register
        #[arg(value_name = "UAI", value_parser = uai)]
        school: Uai,
        /// The name, such as `portail.college.ac-exemple.example`
        name: Domain,
    },
    /// Revokes the box of a school: it can do nothing any more until it is enrolled again
    Revoke {
        /// The school's code in the national register
        #[arg(value_name = "UAI", value_parser = uai)]
        school: Uai,
    },
}

pub(crate) async fn carry_out(boxes: &Boxes, config: &Config) -> anyhow::Result<()> {
    let House { database, authority, .. } = House::open(config).await?;
    match &boxes.act {
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
        Act::Portal { school, name } => {
            let mut write = database.write().await?;
            authority.enter_portal_name(&mut write, By::Central, school, name).await?;
            write.commit().await?;
            println!("the box of {} may have certificates for {name}", school.as_str());
            Ok(())
        }
        Act::Revoke { school } => {
            let mut write = database.write().await?;
            let was_there = authority.revoke(&mut write, By::Central, school).await?;
            write.commit().await?;
            ensure!(was_there, "{} has no box that could be revoked", school.as_str());
            println!("the box of {} can do nothing any more", school.as_str());
            Ok(())
        }
    }
}
