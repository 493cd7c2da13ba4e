//! What one waiting delivery would do: counts for a look, names where somebody asks for them.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::{
    directory::{Shown, shown, unreadable},
    visit::{Area, Spot, Visit},
};
use crate::{
    identity::register::{Counts, FeedView, Movement, Preview},
    model::{AccountId, ClassName},
    portal::{
        page::{Frame, written},
        secure::html,
        wanted::query_value,
        words::DirectoryWords,
    },
};

/// Names that one page shows.
const NAMES_SHOWN: usize = 200;

/// A delivery and what it would do.
#[derive(Template)]
#[template(path = "portal/referent/feed.html")]
struct FeedPage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static DirectoryWords,
    feed: Shown,
    preview: &'a Preview,
    tables: [(&'static str, &'static str, Vec<CountRow>); 2],
    names: Option<Names>,
}

/// The counts of a role or a class.
struct CountRow {
    name: String,
    counts: Counts,
}

/// Those to whom something happens.
struct Names {
    rows: Vec<NameRow>,
    /// The way to the ones behind, if there are some.
    next: Option<String>,
}

/// One person.
struct NameRow {
    name: String,
    id: String,
    movement: &'static str,
    role: &'static str,
    classes: String,
}

/// The waiting delivery that the query names, and what it would do; else what to answer instead.
pub(super) async fn asked_feed(visit: &Visit) -> Result<(FeedView, Preview), Response> {
    let Ok(number) = visit.inquiry.livraison.parse() else { return Err(visit.gone()) };
    match visit.secure.acts.feeds.preview(&visit.granted, number).await {
        Ok(found) => found.ok_or_else(|| visit.gone()),
        Err(cause) => Err(unreadable(visit, &cause)),
    }
}

pub(super) async fn page(visit: Visit) -> Response {
    let (feed, preview) = match asked_feed(&visit).await {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    let names = match visit.inquiry.noms.as_str() {
        "" => None,
        _ => match names(&visit, feed.number).await {
            Ok(names) => Some(names),
            Err(cause) => return unreadable(&visit, &cause),
        },
    };
    let language = visit.asked.language;
    let words = DirectoryWords::of(language);
    let roles = preview.roles.iter().map(|one| (language.role(one.role).to_owned(), one.counts));
    let all = [(words.everybody.to_owned(), preview.counts)];
    let classes = preview.classes.iter().map(|one| (one.class.as_str().to_owned(), one.counts));
    let (frame, area) = visit.area(Spot::Directory, None);
    let page = FeedPage {
        frame,
        area,
        words,
        feed: shown(&visit, &feed),
        preview: &preview,
        tables: [
            (words.by_role, words.role, rows(roles.chain(all))),
            (words.by_class, words.class, rows(classes)),
        ],
        names,
    };
    html(StatusCode::OK, written(&page))
}

fn rows(counted: impl Iterator<Item = (String, Counts)>) -> Vec<CountRow> {
    counted.map(|(name, counts)| CountRow { name, counts }).collect()
}

async fn names(visit: &Visit, number: i64) -> anyhow::Result<Names> {
    let after = visit.inquiry.apres.as_str();
    let after = (!after.is_empty()).then(|| AccountId::new(after));
    let count_max = u32::try_from(NAMES_SHOWN + 1)?;
    let mut movements = visit.secure.acts.feeds.movements(&visit.granted, number, after, count_max).await?;
    let more = movements.len() > NAMES_SHOWN;
    movements.truncate(NAMES_SHOWN);
    let next = movements.last().filter(|_| more).map(|last| {
        let after = query_value(last.person.id.as_str());
        format!("/referent/annuaire/livraison?livraison={number}&noms=oui&apres={after}")
    });
    Ok(Names { rows: movements.into_iter().map(|movement| name_row(visit, movement)).collect(), next })
}

fn name_row(visit: &Visit, movement: Movement) -> NameRow {
    let Movement { what, person } = movement;
    let language = visit.asked.language;
    let classes = person.schools.iter().flat_map(|school| school.classes.iter().chain(&school.groups));
    let classes: Vec<_> = classes.map(ClassName::as_str).collect();
    NameRow {
        name: format!("{} {}", person.given_name, person.family_name),
        id: person.id.as_str().to_owned(),
        movement: language.movement(what),
        role: language.role(person.role),
        classes: classes.join(", "),
    }
}
