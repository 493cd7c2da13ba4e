//! `preau-central content`: packages of the library.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use preau::protocol::content::{Approval, Kind};
use preau_central::{
    audit::Who,
    config::Config,
    content::{Draft, all},
    service::{self, House},
};

/// Add packages to the schools' library, have them approved, and take them away
#[derive(Debug, Subcommand)]
pub(super) enum Content {
    /// Take a file as the next version of a package; no school has it before it is approved
    Add {
        /// The file: `.zim`, a site as `.tar.zst`, or any one file
        file: PathBuf,
        /// What it is called in addresses: small letters, digits and `-`
        #[arg(long)]
        id: String,
        /// What people call it
        #[arg(long)]
        title: String,
        /// What is in it
        #[arg(long, default_value = "")]
        description: String,
        /// A school subject; may be given several times
        #[arg(long = "subject", value_name = "SUBJECT")]
        subjects: Vec<String>,
        /// A cycle of schooling, 1 to 4; may be given several times
        #[arg(long = "cycle", value_name = "CYCLE", required = true)]
        cycles: Vec<u8>,
        /// Under what terms it may be read
        #[arg(long)]
        licence: String,
        /// What the file is, where its name does not say
        #[arg(long)]
        kind: Option<Form>,
    },
    /// Show all packages
    List,
    /// Offer the latest version of a package to every school: the ethics committee found it fit
    Approve {
        /// The package
        id: String,
        /// The committee
        #[arg(long)]
        by: String,
        /// The day of its decision, such as 2026-11-20
        #[arg(long)]
        date: String,
    },
    /// Take a package away from every school
    Remove {
        /// The package
        id: String,
    },
}

/// What a file is.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Form {
    /// An archive of openZIM
    Zim,
    /// A site, as an archive `.tar.zst`
    Web,
    /// One file
    File,
}

pub(super) async fn carry_out(act: Content, config: &Config) -> anyhow::Result<()> {
    match act {
        Content::List => {
            let database = service::open_database(config).await?;
            for known in all(&database).await?.iter().filter(|known| known.removed.is_none()) {
                let package = &known.package;
                let approved = match &package.approved {
                    Some(Approval { by, date }) => format!("approved by {by} on {date}"),
                    None => "not approved".to_owned(),
                };
                let (id, version, title, bytes) =
                    (&package.id, package.version, &package.title, package.bytes);
                println!("{id} version {version}, {title}: {bytes} bytes, {approved}");
            }
        }
        Content::Add { file, id, title, description, subjects, cycles, licence, kind } => {
            let kind = kind_of(&file, kind)?;
            let draft = Draft { id, title, description, subjects, cycles, kind, licence };
            let added = House::open(config).await?.content.add(&file, draft, &Who::Central).await?;
            let package = added.package;
            println!(
                "{} version {}, {} bytes, is kept; `content approve {}` offers it to schools",
                package.id, package.version, package.bytes, package.id
            );
        }
        Content::Approve { id, by, date } => {
            let content = House::open(config).await?.content;
            let known = content.approve(&id, None, Approval { by, date }, &Who::Central).await?;
            println!("{id} version {} goes to every school that has room for it", known.package.version);
        }
        Content::Remove { id } => {
            House::open(config).await?.content.remove(&id, &Who::Central).await?;
            println!("{id} is taken away from every school");
        }
    }
    Ok(())
}

fn kind_of(file: &Path, told: Option<Form>) -> anyhow::Result<Kind> {
    let name = file.file_name().and_then(|name| name.to_str()).context("the file has no name")?;
    let form = told.unwrap_or(match name {
        name if name.ends_with(".zim") => Form::Zim,
        name if name.ends_with(".tar.zst") => Form::Web,
        _ => Form::File,
    });
    Ok(match form {
        Form::Zim => Kind::Zim,
        Form::Web => Kind::Web,
        Form::File => Kind::File { name: name.to_owned() },
    })
}
