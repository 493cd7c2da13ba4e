//! How schools and releases stand: what each is to have, what its box says it has in force, and why these differ.

use preau::{
    model::{Moment, Uai},
    protocol::line::Refused,
};

use super::{
    fleet::Fleet,
    given::{self, Content},
    releases::{self, Release},
    wanted::{Stack, Wanted},
    waves::{Became, Counts, Reached},
};
use crate::{
    database::Database,
    fleet::{observed, schools},
};

/// How a school stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The versions it is to have.
    pub wanted: Stack,
    /// The number of the index that names these, once it was given.
    pub number: Option<u64>,
    /// Since when it is to have them; none before it was given anything.
    pub since: Option<Moment>,
    /// The number its box has in force; 0 for none.
    pub effective_number: u64,
    /// What that number names, where central still knows.
    pub effective: Option<Content>,
    /// Why it has not what it is to have; none where it has.
    pub why_not: Option<WhyNot>,
}

/// Why a school has not what it is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// Its documents do not go together; the reason is for technicians.
    Unfit(String),
    /// It was not placed in the channel yet: a matter of seconds.
    NotPlaced,
    /// Its box was never heard.
    NeverHeard,
    /// Its box is not heard since.
    Silent(Moment),
    /// Its box does not take it.
    Refused(Refused),
    /// Its box is on its way to it.
    Underway,
}

/// How a school stands.
///
/// # Errors
/// When the database refuses.
pub async fn standing(database: &Database, school: &Uai) -> anyhow::Result<Standing> {
    let above = schools::above(database, school).await?;
    let wanted = Wanted::read(database).await?.of(school, &above);
    let calendar = super::calendar::calendar(database).await?.map_or(0, |calendar| calendar.number);
    let content = Content { stack: wanted.clone(), calendar };
    let history = given::history(database, school).await?;
    let latest = history.first().filter(|given| given.content == content);
    let seen = observed::latest(database, school).await?;
    let effective_number = seen.as_ref().map_or(0, |seen| seen.report.in_force.policy);
    let in_force = history.iter().find(|given| given.number == effective_number);
    let trouble = given::troubles(database).await?.remove(school).filter(|(of, ..)| *of == content);
    let is_nothing = history.is_empty() && content == Content::default();
    let why_not = match (trouble, latest, seen) {
        _ if is_nothing => None,
        (Some((_, text, _)), ..) => Some(WhyNot::Unfit(text)),
        (None, None, _) => Some(WhyNot::NotPlaced),
        (None, Some(_), None) => Some(WhyNot::NeverHeard),
        (None, Some(latest), Some(seen)) => {
            let refused = seen.report.in_force.refused.filter(|refused| refused.what != "lists");
            match refused.filter(|refused| refused.what != "accounts") {
                _ if effective_number >= latest.number => None,
                _ if seen.silent => Some(WhyNot::Silent(seen.at)),
                Some(refused) => Some(WhyNot::Refused(refused)),
                None => Some(WhyNot::Underway),
            }
        }
    };
    Ok(Standing {
        wanted,
        number: latest.map(|given| given.number),
        since: latest.map(|given| given.at),
        effective_number,
        effective: in_force.map(|given| given.content.clone()),
        why_not,
    })
}

/// How a release stands.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The release.
    pub release: Release,
    /// How many schools it is for.
    pub schools: usize,
    /// How the schools of each stage stand.
    pub stages: Vec<Counts>,
    /// The schools that were reached and do not have it in force, with what has become of them.
    pub behind: Vec<(Uai, Reached, Became)>,
    /// When the next stage begins by time, if nothing else keeps it.
    pub due: Option<Moment>,
}

/// How a release stands; none where there is none of that number. Of one that is over, schools may be forgotten.
///
/// # Errors
/// When the database refuses.
pub async fn progress(database: &Database, id: i64, now: Moment) -> anyhow::Result<Option<Progress>> {
    let Some(release) = releases::find(database, id).await? else { return Ok(None) };
    let fleet = Fleet::read(database).await?;
    let course = fleet.course(database, release).await?;
    let scene = course.scene(&fleet.known, now);
    let stages = (0..course.release.plan.stages().len()).map(|stage| scene.counts(stage)).collect();
    let became = course
        .reached
        .iter()
        .map(|(school, reached)| (school.clone(), reached.clone(), scene.became(school, reached)));
    let behind = became.filter(|(_, _, became)| *became != Became::Effective).collect();
    let due = scene.due();
    Ok(Some(Progress { schools: course.scope.len(), stages, behind, due, release: course.release }))
}
