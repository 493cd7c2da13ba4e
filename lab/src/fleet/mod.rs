//! A fleet of simulated boxes in one process, which speak to a real central as boxes do.
//!
//! Each is enrolled by the box's own code with a token of its own, has its own certificate, and keeps one connection of
//! its own (TLS 1.3, HTTP/1.1) on which it waits on the live line. It fetches the view that it is told of, says what is in
//! force then, and tells each order as done. What a box costs here is small (a task and a connection), so that one machine
//! can be ten thousand schools.
//!
//! **What is not as in a school.** Boxes only read the numbers of the view's metadata and fetch the policy index; they check
//! no signature (the box's own code does, and its tests), and take no rules. All come from addresses of `127.0.0.0/8`, a
//! different one each where central is there too.

mod connection;
mod membership;
mod register;
mod release;
mod school;
mod tally;
mod view;
mod watched;

use std::{collections::HashMap, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use preau::protocol::line::Report;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

pub use register::register;
pub use tally::Measured;

use self::{school::School, tally::Tally, watched::Watched};

/// What a fleet is to do.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// How many boxes.
    pub boxes: usize,
    /// Where central is reached, whatever its name says.
    pub central: SocketAddr,
    /// A file with tokens, one a line, for boxes that are not enrolled yet.
    pub tokens_path: Option<PathBuf>,
    /// Where enrolments are kept, a folder a box: a second run begins at once.
    pub folder: PathBuf,
    /// How long it lasts once all have come.
    pub lasts: Duration,
    /// Over how long the boxes come; zero for all at once.
    pub come_within: Duration,
    /// The process whose costs are taken: central's.
    pub watch: Option<u32>,
    /// The configuration of central, where a rule is to be published for all once all have come.
    pub release: Option<PathBuf>,
    /// What boxes say of themselves, by their schools' codes; those with nothing are enrolled and never come. Boxes that
    /// are not named are well and have nothing to say.
    pub said: HashMap<String, Option<Report>>,
}

/// Runs the fleet; `say` is told how it goes.
///
/// # Errors
/// When there are fewer enrolments and tokens than boxes, or an enrolment fails.
pub async fn run(fleet: &Fleet, say: &mut (dyn FnMut(&str) + Send)) -> anyhow::Result<Measured> {
    let mut memberships = membership::gather(fleet, say).await?;
    memberships.retain(|membership| fleet.said.get(&membership.school) != Some(&None));
    ensure!(!memberships.is_empty(), "there is no box");
    let tally = Arc::new(Tally::default());
    let count = u32::try_from(memberships.len()).context("too many boxes")?;
    let apart = fleet.come_within / count;
    let mut boxes = JoinSet::new();
    let mut watched = fleet.watch.map(Watched::begin).transpose()?;
    let began = Instant::now();
    say(&format!("{count} boxes come"));
    for (number, membership) in (0_u32..).zip(memberships) {
        let said = fleet.said.get(&membership.school).cloned().flatten();
        let mut school = School::new(membership, fleet.central, number, Arc::clone(&tally));
        if let Some(said) = said {
            school = school.saying(said);
        }
        boxes.spawn(school.live(apart * number));
    }
    let mut all_came = None;
    loop {
        sleep(Duration::from_secs(1)).await;
        if let Some(watched) = &mut watched {
            watched.look()?;
        }
        let came = tally.came();
        if all_came.is_none() && came >= u64::from(count) {
            say(&format!("all came within {:.1} s", began.elapsed().as_secs_f64()));
            all_came = Some((Instant::now(), began.elapsed()));
            // What it costs that all come is one thing, what they cost from then on another.
            tally.begin();
            watched = fleet.watch.map(Watched::begin).transpose()?;
            if let Some(config_path) = &fleet.release {
                tally.clicked(release::click(config_path).await?);
                say("a rule is published for all");
            }
        }
        let lasted = all_came.map_or(began, |(at, _)| at).elapsed();
        if lasted >= fleet.lasts && (all_came.is_some() || began.elapsed() >= fleet.lasts + fleet.come_within)
        {
            let came_within = all_came.map(|(_, within)| within);
            return Ok(tally.measured(came, came_within, lasted, watched.as_ref()));
        }
    }
}
