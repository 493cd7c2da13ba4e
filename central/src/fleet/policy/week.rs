//! A draft rehearsed on the week that was: what chosen schools asked for, judged as things are and with the draft.

use preau::model::{DefaultVerdict, Domain, Moment, Uai, ZoneKind};
use preau::protocol::counts;
use tokio::task::spawn_blocking;

use super::{
    ask::Who,
    document::Document,
    lists::Lists,
    rehearsal::{Rehearsal, Rehearsed},
    wanted::compose,
};
use crate::{
    database::Database,
    fleet::statistics::{NamesCounted, day_of, names},
    words::Place,
};

/// Schools that are rehearsed at once: each is a policy of its own, judged some thousand times.
pub const SCHOOLS_REHEARSED_MAX: usize = 20;

/// Names of a school that are judged, the most asked for.
const NAMES_MAX: usize = 5000;

/// The days before this one whose names are judged.
const DAYS: i64 = 7;

/// What a draft is rehearsed on.
#[derive(Clone, Debug)]
pub struct WeekAsked {
    /// The schools; those beyond [`SCHOOLS_REHEARSED_MAX`] are left out.
    pub schools: Vec<Uai>,
    /// The kind of zone that all of it is taken to have been asked from.
    pub zone: ZoneKind,
    /// The zone's default.
    pub default: DefaultVerdict,
    /// The moment that all of it is judged at: a lesson, an evening.
    pub at: Moment,
}

impl WeekAsked {
    /// The first day of the week that ends on the day of `now`.
    #[must_use]
    pub fn first_day(now: Moment) -> i64 {
        day_of(now) - DAYS
    }
}

/// Rehearses `draft`, the document of a place, on what the schools asked for in the week before `now`.
///
/// # Errors
/// When boxes would not take the documents together, or the database refuses.
pub async fn rehearse_week(
    database: &Database,
    lists: &Lists,
    draft: (&Place, &Document),
    asked: &WeekAsked,
    now: Moment,
) -> anyhow::Result<Rehearsed> {
    let mut rehearsal = Rehearsal::default();
    for school in asked.schools.iter().take(SCHOOLS_REHEARSED_MAX) {
        let counted = names(database, school, WeekAsked::first_day(now)).await?;
        let place = Place::School(school.clone());
        let before = compose(database, lists, &place, None).await?;
        let after = compose(database, lists, &place, Some(draft)).await?;
        let (zone, at) = ((asked.zone, asked.default), asked.at);
        rehearsal = spawn_blocking(move || {
            rehearsal.ask(&before, &after, most_asked(counted), zone, at);
            rehearsal
        })
        .await?;
    }
    Ok(rehearsal.done())
}

/// The names most asked for, with the judge's word for who asked.
fn most_asked(counted: NamesCounted) -> Vec<(Domain, Who, u64)> {
    let mut all: Vec<_> =
        counted.into_iter().map(|((who, name), count)| (name, judged_as(who), count)).collect();
    all.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    all.truncate(NAMES_MAX);
    all
}

fn judged_as(who: counts::Who) -> Who {
    match who {
        counts::Who::Person(role) => Who::Person { role, classes: Vec::new() },
        counts::Who::Machine(kind) => Who::Machine(kind),
        counts::Who::Nobody => Who::Nobody,
    }
}
