//! What all pages of the referent share: their names, the trail, and what is said after an act.

use crate::portal::language::Language;

/// The texts that all pages of the referent share, and the page of the trail.
#[derive(Debug)]
pub(in crate::portal) struct AreaWords {
    /// What the area is called.
    pub(in crate::portal) area: &'static str,
    pub(in crate::portal) health: &'static str,
    pub(in crate::portal) machines: &'static str,
    pub(in crate::portal) codes: &'static str,
    pub(in crate::portal) announcements: &'static str,
    pub(in crate::portal) sessions: &'static str,
    pub(in crate::portal) directory: &'static str,
    pub(in crate::portal) library: &'static str,
    pub(in crate::portal) repairs: &'static str,
    pub(in crate::portal) trail: &'static str,

    pub(in crate::portal) cancel: &'static str,
    pub(in crate::portal) not_allowed: &'static str,
    pub(in crate::portal) not_allowed_text: &'static str,
    pub(in crate::portal) not_done: &'static str,
    pub(in crate::portal) not_done_text: &'static str,
    pub(in crate::portal) gone: &'static str,
    pub(in crate::portal) empty: &'static str,
    pub(in crate::portal) too_long: &'static str,
    pub(in crate::portal) invisible: &'static str,
    pub(in crate::portal) choose: &'static str,
    pub(in crate::portal) not_a_time: &'static str,

    pub(in crate::portal) trail_intro: &'static str,
    pub(in crate::portal) trail_empty: &'static str,
    pub(in crate::portal) trail_former: &'static str,
}

impl AreaWords {
    /// The texts in `language`.
    pub(in crate::portal) const fn of(language: Language) -> &'static Self {
        match language {
            Language::French => &FRENCH,
            Language::English => &ENGLISH,
        }
    }
}

const FRENCH: AreaWords = AreaWords {
    area: "Pages du référent",
    health: "État",
    machines: "Machines",
    codes: "Codes visiteurs",
    announcements: "Annonces",
    sessions: "Connexions",
    directory: "Annuaire",
    library: "Bibliothèque",
    repairs: "Interventions",
    trail: "Historique",

    cancel: "Annuler",
    not_allowed: "Cette page n’est pas pour vous",
    not_allowed_text: "Elle est réservée au référent numérique de l’établissement.",
    not_done: "Rien n’a été fait",
    not_done_text: "Le serveur n’a pas pu l’écrire sur son disque. Réessayez ; si cela dure, regardez la page « État ».",
    gone: "Cela n’existe plus : quelqu’un l’a peut-être retiré entre-temps.",
    empty: "Écrivez quelque chose ici.",
    too_long: "C’est trop long.",
    invisible: "Ce texte contient des caractères invisibles. Retapez-le.",
    choose: "Choisissez dans la liste.",
    not_a_time: "Ce n’est pas une date possible ici.",

    trail_intro: "Qui a fait quoi sur les pages d’administration. Gardé un an.",
    trail_empty: "Personne n’a encore rien fait.",
    trail_former: "compte qui n’existe plus",
};

const ENGLISH: AreaWords = AreaWords {
    area: "Pages of the referent",
    health: "Health",
    machines: "Machines",
    codes: "Visitors’ codes",
    announcements: "Announcements",
    sessions: "Sign-ins",
    directory: "Directory",
    library: "Library",
    repairs: "Repairs",
    trail: "History",

    cancel: "Cancel",
    not_allowed: "This page is not for you",
    not_allowed_text: "It is for the school’s digital referent only.",
    not_done: "Nothing was done",
    not_done_text: "The server could not write it to its disk. Try again; if it lasts, look at the page “Health”.",
    gone: "It is not there any more: somebody may have removed it in the meantime.",
    empty: "Write something here.",
    too_long: "This is too long.",
    invisible: "This text holds invisible characters. Type it again.",
    choose: "Choose from the list.",
    not_a_time: "This is no date that can be used here.",

    trail_intro: "Who did what on the pages of administration. Kept for a year.",
    trail_empty: "Nobody has done anything yet.",
    trail_former: "an account that is gone",
};
