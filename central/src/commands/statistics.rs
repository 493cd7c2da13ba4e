//! `preau-central statistics`: what schools asked for, counted.

use std::time::Duration;

use anyhow::Context as _;
use clap::Subcommand;
use preau::{model::Uai, protocol::line::What};
use preau_central::{
    config::Config,
    fleet::{
        orders,
        statistics::{self, Answered, Shown, Span},
    },
    service::House,
    words::{Actor, Grant, PersonId, Place, Right},
};

use super::school::uai;

/// How long a box that is away may take to be heard.
const ORDER_LIFE: Duration = Duration::from_secs(24 * 3600);

/// What schools asked for, counted
#[derive(Debug, Subcommand)]
pub(super) enum Statistics {
    /// Show what was counted at a place: questions by time, by who asked, by ground; small groups not by themselves
    Show {
        /// academie, departement/80, groupe/rep-plus or etablissement/0809999Z
        place: String,
        /// jour, semaine or mois
        #[arg(long, default_value = "mois")]
        by: String,
    },
    /// Order the box of a school to tell at once what it counted today so far
    Ask {
        /// The school's code in the national register
        #[arg(value_name = "UAI", value_parser = uai)]
        school: Uai,
    },
}

pub(super) async fn carry_out(act: &Statistics, config: &Config) -> anyhow::Result<()> {
    let House { clock, database, .. } = House::open(config).await?;
    match act {
        Statistics::Show { place, by } => {
            let place = Place::read(place).context("there is no such place")?;
            let span = Span::read(by).context("counts are by jour, semaine or mois")?;
            let today = statistics::day_of(clock.now());
            show(&Shown::of(&statistics::read(&database, &place, span, today).await?));
        }
        Statistics::Ask { school } => {
            let grants = vec![Grant { right: Right::Order, place: Place::Academie }];
            let actor = Actor { id: PersonId(0), name: "command line".to_owned(), grants };
            let place = Place::School(school.clone());
            let granted = actor.may(Right::Order, &place, &[Place::Academie])?;
            let now = clock.now();
            let mut write = database.write().await?;
            let what = What::SendCounts {};
            let number = orders::give(&mut write, &granted, school, what, now, now + ORDER_LIFE).await?;
            write.commit().await?;
            println!("order {number} waits for the box of {}", school.as_str());
        }
    }
    Ok(())
}

/// One fact a line.
fn show(shown: &Shown) {
    for period in &shown.periods {
        let day = statistics::day_written(period.start);
        match period.answered {
            Answered::Nothing => {}
            Answered::TooFew => println!("{day}\ttoo few persons to be shown"),
            Answered::Questions { allowed, refused } => {
                println!("{day}\t{allowed} allowed\t{refused} refused");
            }
        }
    }
    for group in &shown.groups {
        let (who, persons) = (group.who.join("+"), group.persons);
        println!("{who}\t{persons} persons\t{} allowed\t{} refused", group.allowed, group.refused);
    }
    for one in &shown.grounds {
        let ground = one.ground.as_deref().unwrap_or("grounds of few questions");
        println!("{ground}\t{} allowed\t{} refused", one.allowed, one.refused);
    }
}
