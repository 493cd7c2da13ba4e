//! `preau-central repair`: technicians' sessions at boxes, from the command line of central's own machine. The console does the
//! same in a person's name.

use anyhow::bail;
use clap::{Args, Subcommand, builder::PossibleValuesParser};
use preau::{
    model::Uai,
    protocol::{line::What, repair::RepairAct},
};
use preau_central::{
    authority::By,
    config::Config,
    database::Database,
    fleet::{
        orders,
        repairs::{self, RepairRefused},
    },
    service::House,
};

use super::school::uai;

/// Open, use and end a session at a school's box; the school sees it and may end it
#[derive(Debug, Args)]
pub(crate) struct Repair {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Opens a session
    Open {
        /// The school's code in the national register
        #[arg(value_name = "UAI", value_parser = uai)]
        school: Uai,
        /// Why; the school reads it
        #[arg(long)]
        reason: String,
        /// How long it lasts at most: 15, 30 or 60
        #[arg(long, default_value_t = 30)]
        minutes: u64,
    },
    /// Has something done in the session that this command opened
    Do {
        /// The school's code in the national register
        #[arg(value_name = "UAI", value_parser = uai)]
        school: Uai,
        /// What
        #[arg(value_parser = PossibleValuesParser::new(RepairAct::ALL.map(RepairAct::word)))]
        act: String,
    },
    /// Ends the session, whoever opened it
    End {
        /// The school's code in the national register
        #[arg(value_name = "UAI", value_parser = uai)]
        school: Uai,
    },
    /// Shows the last sessions, and what became of each act
    Show {
        /// The school's code in the national register
        #[arg(value_name = "UAI", value_parser = uai)]
        school: Uai,
    },
}

pub(crate) async fn carry_out(repair: &Repair, config: &Config) -> anyhow::Result<()> {
    let House { database, clock, .. } = House::open(config).await?;
    if let Act::Show { school } = &repair.act {
        return show(&database, school).await;
    }
    let (mut write, now) = (database.write().await?, clock.now());
    let done = match &repair.act {
        Act::Open { school, reason, minutes } => {
            let wanted = (reason.as_str(), *minutes);
            let opened = repairs::open(&mut write, By::Central, school, wanted, now).await?;
            opened.map(|session| format!("session {session} is open"))
        }
        Act::Do { school, act } => {
            let Some(act) = RepairAct::read(act) else { bail!("there is no act `{act}`") };
            let ordered = repairs::act(&mut write, By::Central, school, act, now).await?;
            ordered.map(|number| format!("order {number} is given"))
        }
        Act::End { school } => {
            let ended = repairs::end(&mut write, By::Central, school, now).await?;
            ended.map(|()| "the session is over".to_owned())
        }
        Act::Show { .. } => return Ok(()),
    };
    match done {
        Ok(told) => {
            write.commit().await?;
            println!("{told}");
            Ok(())
        }
        Err(RepairRefused::AlreadyOpen) => bail!("a session is open at this school's box already"),
        Err(RepairRefused::NotOpen) => bail!("no session of this command's is open at this school's box"),
        Err(RepairRefused::Malformed) => bail!("a reason of 300 characters at most and 15, 30 or 60 minutes"),
    }
}

/// Sessions first, then acts with what came of them, the latest first.
async fn show(database: &Database, school: &Uai) -> anyhow::Result<()> {
    for session in repairs::of(database, school).await? {
        let ended = match &session.ended {
            Some((at, why)) => format!("ended at {at} ({why})"),
            None => format!("until {}", session.ends),
        };
        println!(
            "{}\t{}\topened {}\t{ended}\t{}",
            session.session, session.by, session.opened, session.reason
        );
    }
    for given in orders::of(database, school).await? {
        let What::Repair { session, act } = given.order.what else { continue };
        let state = match &given.outcome {
            Some(outcome) if outcome.well => "done",
            Some(_) => "FAILED",
            None => "waits",
        };
        println!("{session}\t{}\torder {}\t{state}", act.word(), given.order.number);
        for line in given.outcome.iter().flat_map(|outcome| outcome.text.lines()) {
            println!("    {line}");
        }
    }
    Ok(())
}
