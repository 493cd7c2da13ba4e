//! The pages that show who is signed in.

use crate::{model::Assurance, portal::language::Language};

/// The texts of the pages of sessions.
#[derive(Debug)]
pub(in crate::portal) struct SessionWords {
    pub(in crate::portal) title: &'static str,
    pub(in crate::portal) intro: &'static str,
    pub(in crate::portal) none: &'static str,
    pub(in crate::portal) none_found: &'static str,
    pub(in crate::portal) find: &'static str,
    pub(in crate::portal) find_hint: &'static str,
    pub(in crate::portal) search: &'static str,
    pub(in crate::portal) all: &'static str,
    pub(in crate::portal) more: &'static str,
    pub(in crate::portal) name: &'static str,
    pub(in crate::portal) role: &'static str,
    pub(in crate::portal) classes: &'static str,
    pub(in crate::portal) place: &'static str,
    pub(in crate::portal) since: &'static str,
    pub(in crate::portal) until: &'static str,
    pub(in crate::portal) how: &'static str,
    pub(in crate::portal) act: &'static str,
    pub(in crate::portal) end: &'static str,
    pub(in crate::portal) end_title: &'static str,
    pub(in crate::portal) end_text: &'static str,
    pub(in crate::portal) end_here: &'static str,
    pub(in crate::portal) end_everywhere: &'static str,
    pub(in crate::portal) done_ended: &'static str,
    pub(in crate::portal) done_everywhere: &'static str,
}

impl SessionWords {
    /// The texts in `language`.
    pub(in crate::portal) const fn of(language: Language) -> &'static Self {
        match language {
            Language::French => &FRENCH,
            Language::English => &ENGLISH,
        }
    }
}

impl Language {
    /// How somebody showed who they are.
    pub(in crate::portal) const fn assurance(self, assurance: Assurance) -> &'static str {
        match (self, assurance) {
            (Self::French, Assurance::Online) => "Par l’ENT",
            (Self::French, Assurance::Offline) => "Hors ligne",
            (Self::French, Assurance::Local) => "Compte local",
            (Self::French, Assurance::Voucher) => "Code visiteur",
            (Self::English, Assurance::Online) => "By the ENT",
            (Self::English, Assurance::Offline) => "Offline",
            (Self::English, Assurance::Local) => "Local account",
            (Self::English, Assurance::Voucher) => "Visitor’s code",
        }
    }
}

const FRENCH: SessionWords = SessionWords {
    title: "Qui est connecté",
    intro: "Les connexions en cours. Aucun site consulté n’apparaît ici, ni ailleurs.",
    none: "Personne n’est connecté.",
    none_found: "Aucune connexion ne correspond.",
    find: "Chercher une personne, une classe, une salle",
    find_hint: "Par exemple : 6A",
    search: "Chercher",
    all: "Tout montrer",
    more: "Il y en a d’autres : précisez la recherche.",
    name: "Personne",
    role: "Rôle",
    classes: "Classes",
    place: "Où",
    since: "Depuis",
    until: "Jusqu’à",
    how: "Comment",
    act: "Action",
    end: "Déconnecter",
    end_title: "Déconnecter cette personne ?",
    end_text: "Ses pages en cours sont coupées ; elle peut se reconnecter aussitôt.",
    end_here: "Déconnecter cette machine",
    end_everywhere: "Déconnecter partout",
    done_ended: "La machine est déconnectée.",
    done_everywhere: "La personne est déconnectée partout.",
};

const ENGLISH: SessionWords = SessionWords {
    title: "Who is signed in",
    intro: "The sign-ins at this moment. No site that anybody visited is shown here, or anywhere.",
    none: "Nobody is signed in.",
    none_found: "No sign-in fits.",
    find: "Look for a person, a class, a room",
    find_hint: "For example: 6A",
    search: "Search",
    all: "Show all",
    more: "There are more: search for something narrower.",
    name: "Person",
    role: "Role",
    classes: "Classes",
    place: "Where",
    since: "Since",
    until: "Until",
    how: "How",
    act: "Action",
    end: "Sign out",
    end_title: "Sign this person out?",
    end_text: "What they are loading is cut; they can sign in again at once.",
    end_here: "Sign out on this machine",
    end_everywhere: "Sign out everywhere",
    done_ended: "The machine is signed out.",
    done_everywhere: "The person is signed out everywhere.",
};
