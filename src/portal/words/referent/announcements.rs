//! The pages on which announcements are written.

use crate::{admin::AnnouncementRefusal, portal::language::Language};

/// The texts of the pages of announcements.
#[derive(Debug)]
pub(in crate::portal) struct AnnouncementWords {
    pub(in crate::portal) title: &'static str,
    pub(in crate::portal) intro: &'static str,
    pub(in crate::portal) none: &'static str,
    pub(in crate::portal) new: &'static str,
    pub(in crate::portal) new_title: &'static str,
    pub(in crate::portal) text: &'static str,
    pub(in crate::portal) text_hint: &'static str,
    pub(in crate::portal) from: &'static str,
    pub(in crate::portal) from_hint: &'static str,
    pub(in crate::portal) until: &'static str,
    pub(in crate::portal) whom: &'static str,
    pub(in crate::portal) whom_hint: &'static str,
    pub(in crate::portal) everybody: &'static str,
    pub(in crate::portal) publish: &'static str,
    pub(in crate::portal) running: &'static str,
    pub(in crate::portal) to_come: &'static str,
    pub(in crate::portal) remove: &'static str,
    pub(in crate::portal) remove_title: &'static str,
    pub(in crate::portal) done_announced: &'static str,
    pub(in crate::portal) done_removed: &'static str,
}

impl AnnouncementWords {
    /// The texts in `language`.
    pub(in crate::portal) const fn of(language: Language) -> &'static Self {
        match language {
            Language::French => &FRENCH,
            Language::English => &ENGLISH,
        }
    }
}

impl Language {
    /// Why something was not announced.
    pub(in crate::portal) const fn announcement_refusal(self, refusal: AnnouncementRefusal) -> &'static str {
        match (self, refusal) {
            (Self::French, AnnouncementRefusal::EndsTooEarly) => {
                "La fin doit venir après le début, et après maintenant."
            }
            (Self::English, AnnouncementRefusal::EndsTooEarly) => {
                "The end must come after the beginning, and after now."
            }
            (Self::French, AnnouncementRefusal::TooMany) => "Il y a déjà dix annonces. Retirez-en une.",
            (Self::English, AnnouncementRefusal::TooMany) => {
                "There are ten announcements already. Remove one."
            }
            (Self::French, AnnouncementRefusal::Unknown) => "Cette annonce n’existe plus.",
            (Self::English, AnnouncementRefusal::Unknown) => "This announcement is not there any more.",
        }
    }
}

const FRENCH: AnnouncementWords = AnnouncementWords {
    title: "Annonces",
    intro: "Quelques lignes en haut de la page d’accueil du portail, pour un temps.",
    none: "Aucune annonce, ni en cours ni à venir.",
    new: "Écrire une annonce",
    new_title: "Écrire une annonce",
    text: "Texte",
    text_hint: "500 caractères et 12 lignes au plus.",
    from: "À partir de",
    from_hint: "Vide : tout de suite.",
    until: "Jusqu’à",
    whom: "Pour qui",
    whom_hint: "Rien de coché : pour tout le monde.",
    everybody: "Tout le monde",
    publish: "Publier",
    running: "En cours",
    to_come: "À venir",
    remove: "Retirer",
    remove_title: "Retirer cette annonce ?",
    done_announced: "L’annonce est publiée.",
    done_removed: "L’annonce est retirée.",
};

const ENGLISH: AnnouncementWords = AnnouncementWords {
    title: "Announcements",
    intro: "Some lines at the top of the portal’s home page, for a time.",
    none: "No announcement, neither now nor to come.",
    new: "Write an announcement",
    new_title: "Write an announcement",
    text: "Text",
    text_hint: "500 characters and 12 lines at most.",
    from: "From",
    from_hint: "Empty: at once.",
    until: "Until",
    whom: "For whom",
    whom_hint: "Nothing ticked: for everybody.",
    everybody: "Everybody",
    publish: "Publish",
    running: "Running",
    to_come: "To come",
    remove: "Remove",
    remove_title: "Remove this announcement?",
    done_announced: "The announcement is published.",
    done_removed: "The announcement is removed.",
};
