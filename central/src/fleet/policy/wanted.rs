//! Which versions a school is to have: what releases have brought to it, and what is settled for everybody else.
//!
//! While a release is under way, the schools it has reached have a line of their own for each of its places. Once it has
//! reached all, its versions are *settled*: whoever comes to a place later, a new school or one that joins a group, has these.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context as _;
use preau::model::Uai;

use super::{
    composed::{Composed, Layer, with_draft},
    document::Document,
    lists::Lists,
    tables,
    versions::{self, integer},
};
use crate::{
    database::{Database, Write},
    fleet::schools,
    words::Place,
};

/// Documents with their versions, from the most general to the most specific.
pub type Stack = Vec<(Place, u64)>;

/// What the whole fleet is to have.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    settled: BTreeMap<Place, u64>,
    of_school: HashMap<(Uai, Place), u64>,
}

impl Wanted {
    /// Reads it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn read(database: &Database) -> anyhow::Result<Self> {
        let mut wanted = Self::default();
        for row in database.read(SETTLED, &[]).await? {
            wanted.settled.insert(tables::place(&row, 0)?, tables::number(&row, 1)?);
        }
        for row in database.read("SELECT uai, place, version FROM policy_wanted", &[]).await? {
            let key = (tables::school(&row, 0)?, tables::place(&row, 1)?);
            wanted.of_school.insert(key, tables::number(&row, 2)?);
        }
        Ok(wanted)
    }

    /// What `school` is to have, whose places from the académie to itself are `above`.
    #[must_use]
    pub fn of(&self, school: &Uai, above: &[Place]) -> Stack {
        let version = |place: &Place| {
            let own = self.of_school.get(&(school.clone(), place.clone()));
            own.or_else(|| self.settled.get(place)).copied().filter(|version| *version > 0)
        };
        above.iter().filter_map(|place| Some((place.clone(), version(place)?))).collect()
    }

    /// What a school at `place` that no release under way has reached is to have, as far as it is known from the place.
    #[must_use]
    pub fn settled_at(&self, place: &Place) -> Stack {
        let places = [Place::Academie, place.clone()];
        let places = places.get(usize::from(*place == Place::Academie)..).unwrap_or(&[]);
        let settled = places.iter().map(|place| (place.clone(), self.settled(place)));
        settled.filter(|(_, version)| *version > 0).collect()
    }

    /// The settled version of a place; 0 for none.
    #[must_use]
    pub fn settled(&self, place: &Place) -> u64 {
        self.settled.get(place).copied().unwrap_or(0)
    }
}

const SETTLED: &str = "SELECT place, version FROM policy_settled";

/// The versions that `stack` names, read.
///
/// # Errors
/// When one is missing, or the database refuses.
pub async fn layers(database: &Database, stack: &Stack) -> anyhow::Result<Vec<Layer>> {
    let mut layers = Vec::with_capacity(stack.len());
    for (place, number) in stack {
        let version = versions::find(database, place, *number).await?;
        let version = version.with_context(|| format!("version {number} of {place} is missing"))?;
        layers.push(Layer::published(place, *number, &version.text)?);
    }
    Ok(layers)
}

/// What a place is held to: a school with all that is above it; elsewhere what is settled there and above. With `draft`, its
/// words in the place of its version.
///
/// # Errors
/// When boxes would not take it, or the database refuses.
pub async fn compose(
    database: &Database,
    lists: &Lists,
    place: &Place,
    draft: Option<(&Place, &Document)>,
) -> anyhow::Result<Composed> {
    let wanted = Wanted::read(database).await?;
    let (above, stack) = match place {
        Place::School(school) => {
            let above = schools::above(database, school).await?;
            let stack = wanted.of(school, &above);
            (above, stack)
        }
        place => (vec![Place::Academie, place.clone()], wanted.settled_at(place)),
    };
    let mut layers = layers(database, &stack).await?;
    // The draft of a place that does not hold this one changes nothing here.
    if let Some((of, document)) = draft.filter(|(of, _)| above.contains(of)) {
        layers = with_draft(layers, Layer::draft(of, document)?);
    }
    Composed::of(layers, lists)
}

/// Has `school` want that version.
pub(super) async fn want(write: &mut Write, school: &Uai, place: &Place, version: u64) -> anyhow::Result<()> {
    let sql = "INSERT INTO policy_wanted (uai, place, version) VALUES ($1, $2, $3)
        ON CONFLICT (uai, place) DO UPDATE SET version = excluded.version";
    write.execute(sql, &[school.as_str().into(), place.to_string().into(), integer(version)]).await?;
    Ok(())
}

/// Settles a version; lines of schools that say the same need not be kept. With `everybody`, none is.
pub(super) async fn settle(
    write: &mut Write,
    place: &Place,
    version: u64,
    everybody: bool,
) -> anyhow::Result<()> {
    let sql = "INSERT INTO policy_settled (place, version) VALUES ($1, $2)
        ON CONFLICT (place) DO UPDATE SET version = excluded.version";
    write.execute(sql, &[place.to_string().into(), integer(version)]).await?;
    if everybody {
        write.execute("DELETE FROM policy_wanted WHERE place = $1", &[place.to_string().into()]).await?;
    } else {
        let sql = "DELETE FROM policy_wanted WHERE place = $1 AND version = $2";
        write.execute(sql, &[place.to_string().into(), integer(version)]).await?;
    }
    Ok(())
}

/// The settled version of a place, within a transaction.
pub(super) async fn settled_in(write: &mut Write, place: &Place) -> anyhow::Result<u64> {
    let sql = "SELECT version FROM policy_settled WHERE place = $1";
    let rows = write.read(sql, &[place.to_string().into()]).await?;
    rows.first().map_or(Ok(0), |row| tables::number(row, 0))
}

/// What a school is to have at a place, within a transaction; 0 for nothing.
pub(super) async fn of_in(write: &mut Write, school: &Uai, place: &Place) -> anyhow::Result<u64> {
    let sql = "SELECT version FROM policy_wanted WHERE uai = $1 AND place = $2";
    let rows = write.read(sql, &[school.as_str().into(), place.to_string().into()]).await?;
    match rows.first() {
        Some(row) => tables::number(row, 0),
        None => settled_in(write, place).await,
    }
}
