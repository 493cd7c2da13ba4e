//! What the places of the portal are called.

use crate::portal::language::Language;

/// The names in the navigation.
#[derive(Debug)]
pub(in crate::portal) struct PlaceWords {
    /// What the navigation itself is called, for those who hear the page.
    pub(in crate::portal) places: &'static str,
    pub(in crate::portal) home: &'static str,
    pub(in crate::portal) library: &'static str,
    pub(in crate::portal) classes: &'static str,
    pub(in crate::portal) answers: &'static str,
    pub(in crate::portal) requests: &'static str,
    pub(in crate::portal) referent: &'static str,
}

impl PlaceWords {
    /// The names in `language`.
    pub(in crate::portal) const fn of(language: Language) -> &'static Self {
        match language {
            Language::French => &FRENCH,
            Language::English => &ENGLISH,
        }
    }
}

const FRENCH: PlaceWords = PlaceWords {
    places: "Pages du portail",
    home: "Accueil",
    library: "Bibliothèque",
    classes: "Mes classes",
    answers: "Demandes",
    requests: "Mes demandes",
    referent: "Référent numérique",
};

const ENGLISH: PlaceWords = PlaceWords {
    places: "Pages of the portal",
    home: "Home",
    library: "Library",
    classes: "My classes",
    answers: "Requests",
    requests: "My requests",
    referent: "Digital referent",
};
