//! The texts of the home page that tell what can be reached at the moment.

use std::time::Duration;

use crate::portal::language::Language;

/// The texts of one language.
#[derive(Debug)]
pub(in crate::portal) struct HomeWords {
    pub(in crate::portal) announcements: &'static str,
    /// The mark of somebody who signed in while the ENT could not be asked.
    pub(in crate::portal) offline: &'static str,
    pub(in crate::portal) offline_text: &'static str,
    pub(in crate::portal) open: &'static str,
    pub(in crate::portal) closed: &'static str,
    pub(in crate::portal) away: &'static str,
    pub(in crate::portal) away_text: &'static str,
    pub(in crate::portal) kept: &'static str,
    pub(in crate::portal) kept_text: &'static str,
    pub(in crate::portal) sent: &'static str,
    pub(in crate::portal) this_portal: &'static str,
    pub(in crate::portal) this_portal_text: &'static str,
}

impl HomeWords {
    /// The texts in `language`.
    pub(in crate::portal) const fn of(language: Language) -> &'static Self {
        match language {
            Language::French => &FRENCH,
            Language::English => &ENGLISH,
        }
    }
}

impl Language {
    /// That nothing of the Internet has answered for so long.
    pub(in crate::portal) fn line_down(self, lasting: Duration) -> String {
        let minutes = lasting.as_secs() / 60;
        let (hours, days) = (minutes / 60, minutes / (60 * 24));
        match self {
            Self::French => {
                let since = match (minutes, hours, days) {
                    (0, ..) => String::from("moins d’une minute"),
                    (minutes, 0, _) => format!("{minutes} min"),
                    (_, hours, 0 | 1) => format!("{hours} h"),
                    (_, _, days) => format!("{days} jours"),
                };
                format!(
                    "La ligne Internet ne répond plus depuis {since}. Le portail et ce qui se trouve dans \
                     l’établissement restent joignables ; Internet reviendra tout seul."
                )
            }
            Self::English => {
                let since = match (minutes, hours, days) {
                    (0, ..) => String::from("less than a minute"),
                    (minutes, 0, _) => format!("{minutes} min"),
                    (_, hours, 0 | 1) => format!("{hours} h"),
                    (_, _, days) => format!("{days} days"),
                };
                format!(
                    "The Internet line has not answered for {since}. The portal and what is inside the school can \
                     still be reached; the Internet will come back by itself."
                )
            }
        }
    }
}

const FRENCH: HomeWords = HomeWords {
    announcements: "Annonces",
    offline: "Connexion hors ligne",
    offline_text: "L’ENT ne répondait pas quand vous vous êtes connecté : le portail vous a reconnu par lui-même.",
    open: "Ouvert",
    closed: "Fermé",
    away: "Injoignable",
    away_text: "La ligne Internet ne répond plus.",
    kept: "Gardé dans l’établissement",
    kept_text: "Les pages déjà ouvertes ici s’ouvrent aussi quand la ligne est coupée.",
    sent: "Mes envois",
    this_portal: "Le portail",
    this_portal_text: "Connexion et explications, même sans Internet.",
};

const ENGLISH: HomeWords = HomeWords {
    announcements: "Announcements",
    offline: "Signed in offline",
    offline_text: "The ENT did not answer when you signed in: the portal knew you by itself.",
    open: "Open",
    closed: "Closed",
    away: "Out of reach",
    away_text: "The Internet line does not answer.",
    kept: "Kept in the school",
    kept_text: "Pages that were opened here before also open while the line is down.",
    sent: "What I sent",
    this_portal: "The portal",
    this_portal_text: "Signing in and explanations, also without the Internet.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_the_line_is_down_is_told_in_one_unit() {
        for (seconds, words) in [
            (5, "moins d’une minute"),
            (125, "depuis 2 min."),
            (2 * 3600, "depuis 2 h."),
            (30 * 3600, "depuis 30 h."),
            (3 * 86_400 + 5, "depuis 3 jours."),
        ] {
            let told = Language::French.line_down(Duration::from_secs(seconds));
            assert!(told.contains(words), "{told}");
        }
    }
}
