//! What whoever asks for a site reads: the form, and what became of it.

use crate::portal::language::Language;

/// The fixed texts of the pages of requests in one language.
#[derive(Debug)]
pub(in crate::portal) struct RequestWords {
    pub(in crate::portal) ask: &'static str,
    pub(in crate::portal) ask_lead: &'static str,
    pub(in crate::portal) ask_for_this: &'static str,
    pub(in crate::portal) ask_another: &'static str,
    pub(in crate::portal) site: &'static str,
    pub(in crate::portal) site_hint: &'static str,
    pub(in crate::portal) class: &'static str,
    pub(in crate::portal) reason: &'static str,
    pub(in crate::portal) reason_hint: &'static str,
    pub(in crate::portal) send: &'static str,
    pub(in crate::portal) who_reads: &'static str,
    pub(in crate::portal) who_reads_alone: &'static str,
    pub(in crate::portal) mine: &'static str,
    pub(in crate::portal) mine_lead: &'static str,
    pub(in crate::portal) none: &'static str,
    pub(in crate::portal) sent: &'static str,
    pub(in crate::portal) is_open: &'static str,
    pub(in crate::portal) asked: &'static str,
    pub(in crate::portal) opened: &'static str,
    pub(in crate::portal) was_opened: &'static str,
    pub(in crate::portal) refused: &'static str,
    pub(in crate::portal) passed_on: &'static str,
    pub(in crate::portal) granted: &'static str,
    pub(in crate::portal) not_granted: &'static str,
    pub(in crate::portal) wish: &'static str,
    pub(in crate::portal) wish_open: &'static str,
    pub(in crate::portal) wish_close: &'static str,
    pub(in crate::portal) not_for_you: &'static str,
    pub(in crate::portal) not_for_you_text: &'static str,
    pub(in crate::portal) too_many: &'static str,
}

impl RequestWords {
    /// The texts in `language`.
    pub(in crate::portal) const fn of(language: Language) -> &'static Self {
        match language {
            Language::French => &FRENCH,
            Language::English => &ENGLISH,
        }
    }
}

const FRENCH: RequestWords = RequestWords {
    ask: "Demander l’ouverture d’un site",
    ask_lead: "Votre demande reste dans l’établissement, même quand Internet est coupé. Vous verrez la réponse ici.",
    ask_for_this: "Demander l’ouverture de ce site",
    ask_another: "Demander un autre site",
    site: "Adresse du site",
    site_hint: "Par exemple exemple.fr, ou l’adresse copiée du navigateur.",
    class: "Pour quelle classe ?",
    reason: "Pourquoi en avez-vous besoin ?",
    reason_hint: "Facultatif, 300 caractères au plus.",
    send: "Envoyer la demande",
    who_reads: "Les professeurs de la classe la lisent, avec votre nom. Le référent numérique la lit aussi.",
    who_reads_alone: "Le référent numérique la lit, avec votre nom.",
    mine: "Mes demandes",
    mine_lead: "Elles sont gardées 30 jours.",
    none: "Vous n’avez rien demandé. Quand un site est bloqué, sa page propose de demander son ouverture.",
    sent: "Votre demande est envoyée.",
    is_open: "Ce site vous est déjà ouvert : il n’y a rien à demander.",
    asked: "En attente",
    opened: "Ouvert jusqu’à",
    was_opened: "A été ouvert jusqu’à",
    refused: "Refusé",
    passed_on: "Transmis à l’académie",
    granted: "Accordé par l’académie",
    not_granted: "Refusé par l’académie",
    wish: "Que demandez-vous ?",
    wish_open: "Ouvrir ce site",
    wish_close: "Fermer ce site",
    not_for_you: "Les demandes ne sont pas pour les visites",
    not_for_you_text: "Adressez-vous à la personne qui vous a donné votre code.",
    too_many: "Vous avez déjà 10 demandes en attente, ou l’établissement en a trop. Attendez une réponse.",
};

const ENGLISH: RequestWords = RequestWords {
    ask: "Ask for a site to be opened",
    ask_lead: "Your request stays in the school, even while there is no Internet. You will see the answer here.",
    ask_for_this: "Ask for this site to be opened",
    ask_another: "Ask for another site",
    site: "The site’s address",
    site_hint: "Such as exemple.fr, or the address copied from the browser.",
    class: "For which class?",
    reason: "What do you need it for?",
    reason_hint: "Optional, 300 characters at most.",
    send: "Send the request",
    who_reads: "The teachers of the class read it, with your name. So does the digital referent.",
    who_reads_alone: "The digital referent reads it, with your name.",
    mine: "My requests",
    mine_lead: "They are kept for 30 days.",
    none: "You have asked for nothing. When a site is blocked, its page offers to ask for it.",
    sent: "Your request is sent.",
    is_open: "This site is open to you already: there is nothing to ask for.",
    asked: "Waiting",
    opened: "Open until",
    was_opened: "Was open until",
    refused: "Refused",
    passed_on: "Passed on to the académie",
    granted: "Granted by the académie",
    not_granted: "Refused by the académie",
    wish: "What do you ask for?",
    wish_open: "Open this site",
    wish_close: "Close this site",
    not_for_you: "Requests are not for visitors",
    not_for_you_text: "Ask the person who gave you your code.",
    too_many: "You have 10 requests waiting already, or the school has too many. Wait for an answer.",
};
