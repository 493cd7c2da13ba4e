//! What is said of technicians' sessions at the box.

use crate::{admin::RepairEnd, portal::language::Language, protocol::repair::RepairAct};

/// The texts of the page.
#[derive(Debug)]
pub(in crate::portal) struct RepairWords {
    pub(in crate::portal) title: &'static str,
    pub(in crate::portal) intro: &'static str,
    pub(in crate::portal) open: &'static str,
    pub(in crate::portal) see: &'static str,
    pub(in crate::portal) since: &'static str,
    pub(in crate::portal) until: &'static str,
    pub(in crate::portal) reason: &'static str,
    pub(in crate::portal) end: &'static str,
    pub(in crate::portal) none_open: &'static str,
    pub(in crate::portal) past: &'static str,
    pub(in crate::portal) none_past: &'static str,
    pub(in crate::portal) opened: &'static str,
    pub(in crate::portal) ended: &'static str,
    pub(in crate::portal) no_acts: &'static str,
    pub(in crate::portal) well: &'static str,
    pub(in crate::portal) failed: &'static str,
    pub(in crate::portal) no_outcome: &'static str,
    pub(in crate::portal) done_ended: &'static str,
}

impl RepairWords {
    /// The texts in `language`.
    pub(in crate::portal) const fn of(language: Language) -> &'static Self {
        match language {
            Language::French => &FRENCH,
            Language::English => &ENGLISH,
        }
    }
}

/// What a technician had done.
pub(in crate::portal) const fn repair_act(language: Language, act: RepairAct) -> &'static str {
    match (language, act) {
        (Language::French, RepairAct::Log) => "lecture des messages de la machine",
        (Language::French, RepairAct::Line) => "essai de la ligne, étape par étape",
        (Language::French, RepairAct::Rules) => "contrôle et rechargement du pare-feu",
        (Language::French, RepairAct::Tunnel) => "redémarrage du tunnel vers l’académie",
        (Language::English, RepairAct::Log) => "the machine’s messages were read",
        (Language::English, RepairAct::Line) => "the line was tried, step by step",
        (Language::English, RepairAct::Rules) => "the firewall was checked and loaded again",
        (Language::English, RepairAct::Tunnel) => "the tunnel to the académie was raised anew",
    }
}

/// Why a session ended.
pub(in crate::portal) const fn repair_end(language: Language, end: RepairEnd) -> &'static str {
    match (language, end) {
        (Language::French, RepairEnd::Time) => "à l’heure prévue",
        (Language::French, RepairEnd::School) => "par l’établissement",
        (Language::French, RepairEnd::Central) => "par l’académie",
        (Language::French, RepairEnd::Restart) => "par le redémarrage du boîtier",
        (Language::English, RepairEnd::Time) => "when its time was over",
        (Language::English, RepairEnd::School) => "by the school",
        (Language::English, RepairEnd::Central) => "by the académie",
        (Language::English, RepairEnd::Restart) => "by a restart of the box",
    }
}

const FRENCH: RepairWords = RepairWords {
    title: "Interventions",
    intro: "Quand un technicien de l’académie intervient sur le boîtier, cela se voit ici : qui, pourquoi, jusqu’à quand, ce \
            qu’il a fait. Il ne voit ni comptes ni sites, et ne peut rien d’autre que ce qui est listé.",
    open: "Une intervention est en cours",
    see: "Voir l’intervention",
    since: "depuis",
    until: "au plus tard jusqu’à",
    reason: "Raison :",
    end: "Mettre fin à l’intervention",
    none_open: "Aucune intervention n’est en cours.",
    past: "Dernières interventions",
    none_past: "Personne n’est encore intervenu.",
    opened: "Ouverte",
    ended: "terminée",
    no_acts: "Rien n’a été fait.",
    well: "fait",
    failed: "échoué",
    no_outcome: "sans résultat",
    done_ended: "L’intervention est terminée. L’académie en est prévenue.",
};

const ENGLISH: RepairWords = RepairWords {
    title: "Repairs",
    intro: "When a technician of the académie works at the box, it shows here: who, why, until when, what was done. They see \
            neither accounts nor sites, and can do nothing but what is listed.",
    open: "A technician is at work",
    see: "See what is done",
    since: "since",
    until: "at the latest until",
    reason: "Reason:",
    end: "End the technician’s session",
    none_open: "No technician is at work.",
    past: "Last sessions",
    none_past: "Nobody has worked at the box yet.",
    opened: "Opened",
    ended: "ended",
    no_acts: "Nothing was done.",
    well: "done",
    failed: "failed",
    no_outcome: "no outcome",
    done_ended: "The session is over. The académie is told.",
};
