//! The list of persons, and one of them with a table of rights by places.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    Extension, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};

use super::acts;
use crate::{
    console::{
        filtering::{offered, place_name},
        language::Language,
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        visit::Visit,
        words::{PersonWords, right_name},
    },
    people::{self, Person},
    words::{Grant, PersonId, Place, Right},
};

#[derive(Debug, Template)]
#[template(path = "console/persons.html")]
struct PersonsPage<'a> {
    frame: Frame<'a>,
    words: &'static PersonWords,
    /// Each person, and their rights at each place.
    rows: Vec<(Person, Vec<String>)>,
    may_invite: bool,
}

#[derive(Debug, Template)]
#[template(path = "console/person.html")]
struct PersonPage<'a> {
    frame: Frame<'a>,
    words: &'static PersonWords,
    person: &'a Person,
    columns: Vec<&'static str>,
    rows: Vec<PlaceRow>,
    /// Places that the field offers.
    offered: Vec<(String, String)>,
    rights: Vec<(&'static str, &'static str)>,
    /// Whether it is somebody else, whose rights the visitor may change.
    may_change: bool,
    may_reset: bool,
}

/// The rights at one place: for each right of the table whether it is given, and its word.
#[derive(Debug)]
struct PlaceRow {
    place: String,
    name: String,
    cells: Vec<(&'static str, &'static str, bool)>,
    may_change: bool,
}

pub(in crate::console) fn router() -> Router<Arc<Console>> {
    Router::new()
        .route("/personnes", get(list).post(acts::invite))
        .route("/personnes/{id}", get(show))
        .route("/personnes/{id}/donner", post(acts::give))
        .route("/personnes/{id}/retirer", post(acts::take))
        .route("/personnes/{id}/lien", post(acts::reset))
        .route("/personnes/{id}/terminer", post(acts::remove))
}

async fn list(State(console): State<Arc<Console>>, Extension(visit): Extension<Visit>) -> Answer {
    visit.has(Right::People)?;
    let (database, language) = (&console.parts.database, visit.language());
    let mut of: BTreeMap<PersonId, Vec<Grant>> = BTreeMap::new();
    for (id, grant) in people::all_grants(database).await? {
        of.entry(id).or_default().push(grant);
    }
    let rows = people::all(database).await?.into_iter().map(|person| {
        let grants = of.get(&person.id).map(|grants| told(language, grants)).unwrap_or_default();
        (person, grants)
    });
    let page = PersonsPage {
        frame: console.frame(&visit, Some(Here::Persons)),
        words: PersonWords::of(language),
        rows: rows.collect(),
        may_invite: visit.may(database, Right::People, &Place::Academie).await.is_ok(),
    };
    Ok(html(StatusCode::OK, &page))
}

/// What somebody may do, a line for each place.
fn told(language: Language, grants: &[Grant]) -> Vec<String> {
    let mut places: BTreeMap<&Place, Vec<Right>> = BTreeMap::new();
    for grant in grants {
        places.entry(&grant.place).or_default().push(grant.right);
    }
    let line = |(place, rights): (&Place, Vec<Right>)| {
        let named = || rights.iter().map(|right| right_name(language, *right)).collect::<Vec<_>>().join(", ");
        let is_all = Right::ALL.iter().all(|right| rights.contains(right));
        let rights = if is_all { PersonWords::of(language).all_rights.to_owned() } else { named() };
        format!("{} : {rights}", place_name(language, place))
    };
    places.into_iter().map(line).collect()
}

async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
) -> Answer {
    visit.has(Right::People)?;
    let (database, language) = (&console.parts.database, visit.language());
    let person = people::find(database, PersonId(id)).await?.ok_or(Refused::NoSuchPage)?;
    let is_other = person.id != visit.actor().id && person.gone.is_none();
    let mut places: BTreeMap<Place, Vec<Right>> = BTreeMap::new();
    for grant in people::grants_of(database, person.id).await? {
        places.entry(grant.place).or_default().push(grant.right);
    }
    let mut rows = Vec::new();
    for (place, given) in places {
        let may_change = is_other && visit.may(database, Right::People, &place).await.is_ok();
        let cell = |right: Right| (right_name(language, right), right.word(), given.contains(&right));
        let name = place_name(language, &place);
        rows.push(PlaceRow {
            place: place.to_string(),
            name,
            cells: Right::ALL.map(cell).to_vec(),
            may_change,
        });
    }
    let page = PersonPage {
        frame: console.frame(&visit, Some(Here::Persons)),
        words: PersonWords::of(language),
        person: &person,
        columns: Right::ALL.map(|right| right_name(language, right)).to_vec(),
        rows,
        offered: offered(database, language).await?,
        rights: Right::ALL.map(|right| (right.word(), right_name(language, right))).to_vec(),
        may_change: is_other,
        may_reset: is_other && visit.may(database, Right::People, &Place::Academie).await.is_ok(),
    };
    Ok(html(StatusCode::OK, &page))
}
