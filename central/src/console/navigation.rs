//! The places of the console, each shown to whoever has a right that makes it worth going there.

use super::{language::Language, words::PlaceWords};
use crate::words::{Actor, Right};

/// A place of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Here {
    Fleet,
    Requests,
    Accounts,
    Filtering,
    Library,
    Statistics,
    Persons,
    Proposals,
    Trail,
    Own,
}

/// A tab of the navigation.
#[derive(Debug)]
pub(super) struct Tab {
    pub(super) path: &'static str,
    pub(super) name: &'static str,
    pub(super) is_here: bool,
}

/// The places that `actor` can go to.
pub(super) fn tabs(language: Language, actor: &Actor, here: Option<Here>) -> Vec<Tab> {
    let words = PlaceWords::of(language);
    let has_any = |rights: &[Right]| rights.iter().any(|right| actor.has(*right));
    let all = [
        (Here::Fleet, "/", words.fleet, has_any(&[Right::See])),
        (Here::Requests, "/demandes", words.requests, has_any(&[Right::Answer])),
        (Here::Accounts, "/annuaire", words.accounts, has_any(&[Right::Accounts])),
        (Here::Filtering, "/filtrage", words.filtering, has_any(&[Right::See])),
        (Here::Library, "/bibliotheque", words.library, has_any(&[Right::See])),
        (Here::Statistics, "/statistiques", words.statistics, has_any(&[Right::See])),
        (Here::Persons, "/personnes", words.persons, has_any(&[Right::People])),
        (Here::Proposals, "/propositions", words.proposals, has_any(&[Right::Publish, Right::Enrol])),
        (Here::Trail, "/journal", words.trail, has_any(&[Right::Audit])),
        (Here::Own, "/compte", words.own, true),
    ];
    all.into_iter()
        .filter(|(.., is_shown)| *is_shown)
        .map(|(place, path, name, _)| Tab { path, name, is_here: Some(place) == here })
        .collect()
}
