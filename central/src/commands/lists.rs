//! `preau-central lists`: editions of the lists of sites.

use std::path::PathBuf;

use clap::Subcommand;
use preau::lists::{OnProtected, Options};
use preau_central::{
    audit::Who,
    config::Config,
    editions::{Added, latest},
    fleet::observed,
    service::{self, House},
};

/// Editions that `show` tells of.
const SHOWN: u32 = 20;

/// Publish lists of sites, and show which editions there were
#[derive(Debug, Subcommand)]
pub(super) enum Lists {
    /// Take a folder of lists, as they are published, as the next edition of all schools
    Add {
        /// The folder that holds the categories
        folder: PathBuf,
        /// Takes these categories as they are, though they vanished, shrank, grew or cannot be read
        #[arg(long, value_name = "CATEGORY")]
        accept: Vec<String>,
        /// Leaves out lines that would block a protected name, in place of refusing the folder
        #[arg(long)]
        leave_out_protected: bool,
    },
    /// Show the last editions
    Show,
}

pub(super) async fn carry_out(act: Lists, config: &Config) -> anyhow::Result<()> {
    match act {
        Lists::Show => {
            let database = service::open_database(config).await?;
            for known in latest(&database, SHOWN).await? {
                let way = known.difference.map_or("the whole only".to_owned(), |way| {
                    format!("{} bytes from the one before", way.length)
                });
                println!(
                    "{} of {}, {} names: {} bytes, {way}",
                    known.number, known.date, known.names, known.whole.length
                );
            }
            Ok(())
        }
        Lists::Add { folder, accept, leave_out_protected } => {
            let on_protected = if leave_out_protected { OnProtected::LeaveOut } else { OnProtected::Refuse };
            let options =
                Options { accept: accept.into_iter().collect(), on_protected, ..Options::default() };
            let house = House::open(config).await?;
            let seen = observed::all(&house.database).await?;
            let at_boxes = seen.iter().map(|seen| seen.report.in_force.lists).max().unwrap_or(0);
            match house.editions.add(&folder, options, at_boxes, &Who::Central).await? {
                Added::Edition { known, report } => {
                    print!("{report}");
                    println!(
                        "edition {} of {}, {} names, goes to every school",
                        known.number, known.date, known.names
                    );
                }
                Added::Same(known) => {
                    println!("edition {} says the same already; nothing was changed", known.number)
                }
                Added::Refused(report) => {
                    print!("{report}");
                    anyhow::bail!(
                        "the lists are refused, nothing was changed; `--accept CATEGORY` takes one as it is"
                    );
                }
            }
            Ok(())
        }
    }
}
