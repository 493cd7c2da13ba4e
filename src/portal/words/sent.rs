//! What somebody reads of what they sent to the ENT while the line was down.

use crate::portal::language::Language;

/// The texts of one language.
#[derive(Debug)]
pub(in crate::portal) struct SentWords {
    pub(in crate::portal) title: &'static str,
    pub(in crate::portal) lead: &'static str,
    pub(in crate::portal) none: &'static str,
    pub(in crate::portal) receipt: &'static str,
    pub(in crate::portal) sent: &'static str,
    pub(in crate::portal) settled: &'static str,
    pub(in crate::portal) waiting: &'static str,
    pub(in crate::portal) waiting_hint: &'static str,
    pub(in crate::portal) sign_in: &'static str,
    pub(in crate::portal) sign_in_hint: &'static str,
    pub(in crate::portal) done: &'static str,
    pub(in crate::portal) refused: &'static str,
    pub(in crate::portal) expired: &'static str,
    pub(in crate::portal) refused_hint: &'static str,
}

impl SentWords {
    /// The texts in `language`.
    pub(in crate::portal) const fn of(language: Language) -> &'static Self {
        match language {
            Language::French => &FRENCH,
            Language::English => &ENGLISH,
        }
    }
}

const FRENCH: SentWords = SentWords {
    title: "Mes envois",
    lead: "Ce que vous avez envoyé à l’ENT pendant que la ligne était coupée. Vous seul le voyez.",
    none: "Vous n’avez rien envoyé pendant une coupure.",
    receipt: "Reçu n°",
    sent: "Envoyé",
    settled: "Réponse",
    waiting: "Attend la ligne",
    waiting_hint: "Il partira tout seul quand elle sera revenue.",
    sign_in: "Attend que vous ouvriez l’ENT",
    sign_in_hint: "Connectez-vous à l’ENT : l’envoi partira aussitôt.",
    done: "Arrivé",
    refused: "Refusé par l’ENT",
    expired: "Abandonné après 30 jours",
    refused_hint: "Envoyez-le à nouveau depuis l’ENT.",
};

const ENGLISH: SentWords = SentWords {
    title: "What I sent",
    lead: "What you sent to the ENT while the line was down. You alone see it.",
    none: "You have sent nothing while the line was down.",
    receipt: "Receipt",
    sent: "Sent",
    settled: "Answer",
    waiting: "Waits for the line",
    waiting_hint: "It will go by itself when the line is back.",
    sign_in: "Waits for you to open the ENT",
    sign_in_hint: "Sign in at the ENT: it then goes at once.",
    done: "Arrived",
    refused: "Refused by the ENT",
    expired: "Given up after 30 days",
    refused_hint: "Send it again from the ENT.",
};
