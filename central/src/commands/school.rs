//! `preau-central school`: the register of schools from the command line. The console does the same for a whole list.

use clap::{Args, Subcommand};
use preau::{model::Uai, protocol::line::InForce};
use preau_central::{
    audit::{self, Who},
    channel::Channel,
    config::Config,
    database::Database,
    fleet::{observed, schools},
    service::House,
    words::{DepartementCode, Place},
};

/// Enter schools, and show those that are known
#[derive(Debug, Args)]
pub(crate) struct School {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Enters a school, or writes over what is known of it
    Enter {
        /// The school's code in the national register
        #[arg(value_name = "UAI", value_parser = uai)]
        school: Uai,
        /// Its name
        #[arg(long)]
        name: String,
        /// Its département's code, such as 80 or 2A
        #[arg(long, value_parser = departement)]
        departement: DepartementCode,
        /// What it is, such as Collège
        #[arg(long, default_value = "")]
        kind: String,
        /// Where it is
        #[arg(long, default_value = "")]
        town: String,
    },
    /// Shows the schools
    List,
    /// Shows how a school's box was last heard: what is in force, what it refused, what is wrong
    Show {
        /// The school's code in the national register
        #[arg(value_name = "UAI", value_parser = uai)]
        school: Uai,
    },
}

pub(crate) async fn carry_out(school: &School, config: &Config) -> anyhow::Result<()> {
    let House { database, clock, .. } = House::open(config).await?;
    match &school.act {
        Act::List => {
            for school in schools::all(&database).await? {
                let departement = school.departement.as_str();
                println!("{} {departement} {} {}", school.uai.as_str(), school.name, school.town);
            }
        }
        Act::Show { school } => show(&database, school).await?,
        Act::Enter { school: uai, name, departement, kind, town } => {
            let school = schools::School {
                uai: uai.clone(),
                name: name.clone(),
                kind: kind.clone(),
                town: town.clone(),
                departement: departement.clone(),
            };
            let mut write = database.write().await?;
            schools::enter(&mut write, &school).await?;
            Channel::add_school(&mut write, uai).await?;
            let place = Place::School(uai.clone());
            audit::note(&mut write, clock.now(), &Who::Central, "school", Some(&place), name).await?;
            write.commit().await?;
            println!("{} is entered; `token give {}` gives its box a token", uai.as_str(), uai.as_str());
        }
    }
    Ok(())
}

/// What the box of a school last said, one fact a line.
async fn show(database: &Database, school: &Uai) -> anyhow::Result<()> {
    let Some(seen) = observed::latest(database, school).await? else {
        println!("{}: nothing was heard of its box yet", school.as_str());
        return Ok(());
    };
    let (report, in_force) = (&seen.report, &seen.report.in_force);
    let silent = if seen.silent { ", silent since then" } else { "" };
    println!("{}: heard at {}{silent}", school.as_str(), seen.at);
    println!("version {}, web {}", report.version, if report.open { "open" } else { "closed" });
    let InForce { view, policy, lists, accounts, refused } = in_force;
    println!("view {view}, policy {policy}, lists {lists}, accounts {accounts}");
    if let Some(refused) = refused {
        println!("refused {} {}: {}: {}", refused.what, refused.number, refused.why, refused.sentence);
    }
    for finding in &report.findings {
        println!("{}: {}", finding.severity, finding.code);
    }
    Ok(())
}

/// A school's code, as the line writes it.
pub(super) fn uai(text: &str) -> Result<Uai, String> {
    Uai::new(text)
        .ok_or_else(|| "a school's code is seven digits and a capital letter, such as 0809999Z".to_owned())
}

fn departement(text: &str) -> Result<DepartementCode, String> {
    DepartementCode::new(text).ok_or_else(|| "a département's code is such as 80, 2A or 974".to_owned())
}
