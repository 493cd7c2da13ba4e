//! The places of the portal that stand in the roof of each page: what a person of a role can go to.
//!
//! A page says where it is with [`Frame::at`](super::page::Frame::at); pages that belong to nobody in particular, such as
//! the sign-in page, name no place and have no navigation.

use super::{language::Language, words::PlaceWords};
use crate::{admin::Act, model::Role};

/// A place of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The home page.
    Home,
    /// The packages to read.
    Library,
    /// A teacher's classes and rooms.
    Classes,
    /// What pupils asked for, to be answered.
    Answers,
    /// What one has asked for oneself.
    Requests,
    /// The digital referent's pages.
    Referent,
}

impl Place {
    /// Every place, in the order of the navigation.
    pub(super) const ALL: [Self; 6] =
        [Self::Home, Self::Library, Self::Classes, Self::Answers, Self::Requests, Self::Referent];

    /// Its path.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Home => "/",
            Self::Library => "/bibliotheque",
            Self::Classes => "/enseignant",
            Self::Answers => "/enseignant/demandes",
            Self::Requests => "/demandes",
            Self::Referent => "/referent",
        }
    }

    /// Whether people of `role` have it in their navigation. Teachers and the referent answer requests; those they make
    /// themselves are on the page of answers, too.
    const fn is_for(self, role: Role) -> bool {
        match self {
            Self::Home | Self::Library => true,
            Self::Classes => Act::SeeClasses.is_for(role),
            Self::Answers => Act::AnswerRequests.is_for(role),
            Self::Requests => Act::AskToOpen.is_for(role) && !Act::AnswerRequests.is_for(role),
            Self::Referent => Act::SeeHealth.is_for(role),
        }
    }

    const fn name(self, words: &'static PlaceWords) -> &'static str {
        match self {
            Self::Home => words.home,
            Self::Library => words.library,
            Self::Classes => words.classes,
            Self::Answers => words.answers,
            Self::Requests => words.requests,
            Self::Referent => words.referent,
        }
    }
}

/// One place as a page's roof shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tab {
    /// Where it leads.
    pub(super) path: &'static str,
    /// What it is called.
    pub(super) name: &'static str,
    /// Whether the page belongs to it.
    pub(super) is_here: bool,
}

/// The navigation of a person of `role` on a page of `here`.
pub(super) fn tabs(language: Language, role: Role, here: Place) -> Vec<Tab> {
    let words = PlaceWords::of(language);
    let tab = |place: Place| Tab { path: place.path(), name: place.name(words), is_here: place == here };
    Place::ALL.into_iter().filter(|place| place.is_for(role)).map(tab).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(role: Role, expected: &[&str]) {
        let paths: Vec<_> = tabs(Language::French, role, Place::Home).iter().map(|tab| tab.path).collect();
        assert_eq!(paths, expected, "{role:?}");
    }

    #[test]
    fn each_role_is_shown_its_own_places_and_no_other() {
        check(Role::Eleve, &["/", "/bibliotheque", "/demandes"]);
        check(Role::Enseignant, &["/", "/bibliotheque", "/enseignant", "/enseignant/demandes"]);
        check(Role::Administratif, &["/", "/bibliotheque", "/demandes"]);
        check(Role::Referent, &["/", "/bibliotheque", "/enseignant", "/enseignant/demandes", "/referent"]);
        check(Role::Invite, &["/", "/bibliotheque"]);
    }

    #[test]
    fn one_place_is_where_the_page_is() {
        let here: Vec<_> = tabs(Language::English, Role::Enseignant, Place::Answers)
            .into_iter()
            .filter(|tab| tab.is_here)
            .collect();
        assert_eq!(here, [Tab { path: "/enseignant/demandes", name: "Requests", is_here: true }]);
    }
}
