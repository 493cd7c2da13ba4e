//! The pages of the directory: what came, what waits, what could not be taken.

use crate::{
    identity::{
        feed::{Extent, Format},
        register::{Move, Why},
    },
    portal::language::Language,
};

/// The texts of the pages of the directory.
#[derive(Debug)]
pub(in crate::portal) struct DirectoryWords {
    pub(in crate::portal) title: &'static str,
    pub(in crate::portal) intro: &'static str,
    pub(in crate::portal) unreadable: &'static str,

    pub(in crate::portal) in_force: &'static str,
    pub(in crate::portal) persons: &'static str,
    pub(in crate::portal) in_trash: &'static str,
    pub(in crate::portal) last: &'static str,
    pub(in crate::portal) no_last: &'static str,
    pub(in crate::portal) calendar: &'static str,
    pub(in crate::portal) calendar_none: &'static str,
    pub(in crate::portal) calendar_unknown: &'static str,

    pub(in crate::portal) waiting: &'static str,
    pub(in crate::portal) none_waiting: &'static str,
    pub(in crate::portal) feed: &'static str,
    pub(in crate::portal) made: &'static str,
    pub(in crate::portal) files: &'static str,
    pub(in crate::portal) arrived: &'static str,
    pub(in crate::portal) due: &'static str,
    pub(in crate::portal) at_once: &'static str,
    pub(in crate::portal) held: &'static str,
    pub(in crate::portal) held_because: &'static str,
    pub(in crate::portal) released: &'static str,
    pub(in crate::portal) ready: &'static str,
    pub(in crate::portal) see: &'static str,
    pub(in crate::portal) back: &'static str,

    pub(in crate::portal) effect: &'static str,
    pub(in crate::portal) by_role: &'static str,
    pub(in crate::portal) by_class: &'static str,
    pub(in crate::portal) role: &'static str,
    pub(in crate::portal) class: &'static str,
    pub(in crate::portal) everybody: &'static str,
    pub(in crate::portal) added: &'static str,
    pub(in crate::portal) returning: &'static str,
    pub(in crate::portal) changed: &'static str,
    pub(in crate::portal) leaving: &'static str,
    pub(in crate::portal) unchanged: &'static str,
    pub(in crate::portal) clashing: &'static str,
    pub(in crate::portal) elsewhere: &'static str,
    pub(in crate::portal) notes: &'static str,
    pub(in crate::portal) names: &'static str,
    pub(in crate::portal) show_names: &'static str,
    pub(in crate::portal) more_names: &'static str,
    pub(in crate::portal) nobody: &'static str,
    pub(in crate::portal) name: &'static str,
    pub(in crate::portal) movement: &'static str,

    pub(in crate::portal) release: &'static str,
    pub(in crate::portal) release_title: &'static str,
    pub(in crate::portal) release_text: &'static str,
    pub(in crate::portal) postpone: &'static str,
    pub(in crate::portal) postpone_title: &'static str,
    pub(in crate::portal) postpone_when: &'static str,
    pub(in crate::portal) postpone_now: &'static str,
    pub(in crate::portal) postpone_holidays: &'static str,
    pub(in crate::portal) postpone_day: &'static str,
    pub(in crate::portal) day: &'static str,
    pub(in crate::portal) day_hint: &'static str,
    pub(in crate::portal) day_wrong: &'static str,
    pub(in crate::portal) no_zone: &'static str,
    pub(in crate::portal) save: &'static str,
    pub(in crate::portal) drop: &'static str,
    pub(in crate::portal) drop_title: &'static str,
    pub(in crate::portal) drop_text: &'static str,

    pub(in crate::portal) quarantine: &'static str,
    pub(in crate::portal) quarantine_intro: &'static str,
    pub(in crate::portal) quarantine_empty: &'static str,
    pub(in crate::portal) quarantine_see: &'static str,
    pub(in crate::portal) place: &'static str,
    pub(in crate::portal) whole_feed: &'static str,
    pub(in crate::portal) line: &'static str,
    pub(in crate::portal) whose: &'static str,
    pub(in crate::portal) reason: &'static str,
    pub(in crate::portal) act: &'static str,
    pub(in crate::portal) dismiss: &'static str,
    pub(in crate::portal) more_refused: &'static str,

    pub(in crate::portal) done_released: &'static str,
    pub(in crate::portal) done_postponed: &'static str,
    pub(in crate::portal) done_dropped: &'static str,
    pub(in crate::portal) done_dismissed: &'static str,
}

impl DirectoryWords {
    /// The texts in `language`.
    pub(in crate::portal) const fn of(language: Language) -> &'static Self {
        match language {
            Language::French => &FRENCH,
            Language::English => &ENGLISH,
        }
    }
}

impl Language {
    /// What a delivery is called.
    pub(in crate::portal) fn feed(self, format: Format, extent: Extent) -> String {
        let name = match (self, format) {
            (Self::French, Format::Aaf) => "annuaire AAF",
            (Self::French, Format::Aaf1d) => "annuaire AAF du premier degré",
            (Self::French, Format::Gpei) => "annuaire GPEI",
            (Self::French, Format::Onde) => "export ONDE",
            (Self::French, Format::Csv) => "fichier CSV",
            (Self::English, Format::Aaf) => "AAF directory",
            (Self::English, Format::Aaf1d) => "AAF directory of primary schools",
            (Self::English, Format::Gpei) => "GPEI directory",
            (Self::English, Format::Onde) => "ONDE export",
            (Self::English, Format::Csv) => "CSV file",
        };
        let extent = match (self, extent) {
            (Self::French, Extent::Complete) => "complet",
            (Self::French, Extent::Delta) => "modifications",
            (Self::English, Extent::Complete) => "complete",
            (Self::English, Extent::Delta) => "changes",
        };
        format!("{name} ({extent})")
    }

    /// How far the school calendar reaches.
    pub(in crate::portal) fn calendar_until(self, zone: &str, end: &str) -> String {
        match self {
            Self::French => format!("Zone {zone}, jusqu’au {end}"),
            Self::English => format!("Zone {zone}, until {end}"),
        }
    }

    /// Why a delivery is held.
    pub(in crate::portal) fn held(self, why: Why) -> String {
        match self {
            Self::French => why.in_french(),
            Self::English => why.to_string(),
        }
    }

    /// What becomes of a person.
    pub(in crate::portal) const fn movement(self, what: Move) -> &'static str {
        match (self, what) {
            (Self::French, Move::Added) => "Arrive",
            (Self::French, Move::Returning) => "Revient",
            (Self::French, Move::Changed) => "Change",
            (Self::French, Move::Unchanged) => "Reste",
            (Self::French, Move::Leaving) => "Part",
            (Self::French, Move::Clash) => "Identifiant déjà pris",
            (Self::English, Move::Added) => "Arrives",
            (Self::English, Move::Returning) => "Comes back",
            (Self::English, Move::Changed) => "Changes",
            (Self::English, Move::Unchanged) => "Stays",
            (Self::English, Move::Leaving) => "Leaves",
            (Self::English, Move::Clash) => "Identifier already taken",
        }
    }
}

const FRENCH: DirectoryWords = DirectoryWords {
    title: "Annuaire",
    intro: "Les listes d’élèves et de personnels livrées à l’établissement : ce qui est en vigueur, ce qui attend, ce qui a été refusé.",
    unreadable: "L’annuaire est illisible : les comptes déjà en vigueur marchent toujours. Appelez les techniciens ; « preau status » dit pourquoi.",

    in_force: "En vigueur",
    persons: "Personnes",
    in_trash: "Parties depuis moins de trois mois",
    last: "Dernière livraison",
    no_last: "Aucune livraison n’a encore pris effet.",
    calendar: "Calendrier des vacances",
    calendar_none: "La zone de l’établissement n’est pas configurée.",
    calendar_unknown: "Le serveur ne connaît pas les vacances de cette zone.",

    waiting: "En attente",
    none_waiting: "Aucune livraison n’attend.",
    feed: "Livraison",
    made: "Faite le",
    files: "Fichiers",
    arrived: "Arrivée",
    due: "Prend effet",
    at_once: "aussitôt",
    held: "Retenue",
    held_because: "Elle est retenue :",
    released: "Acceptée",
    ready: "Prête",
    see: "Voir ce qu’elle change",
    back: "Retour à l’annuaire",

    effect: "Ce qu’elle change",
    by_role: "Par rôle",
    by_class: "Par classe et par groupe",
    role: "Rôle",
    class: "Classe ou groupe",
    everybody: "Tous",
    added: "Arrivent",
    returning: "Reviennent",
    changed: "Changent",
    leaving: "Partent",
    unchanged: "Restent",
    clashing: "Déjà pris",
    elsewhere: "Personnes d’autres établissements, non gardées",
    notes: "Remarques de lecture",
    names: "Noms",
    show_names: "Voir les noms",
    more_names: "Noms suivants",
    nobody: "Elle ne change rien à personne.",
    name: "Personne",
    movement: "Mouvement",

    release: "Accepter",
    release_title: "Accepter cette livraison ?",
    release_text: "Elle prendra effet malgré ce qui la retient. Qui part ne peut plus se connecter ; sa fiche est gardée trois mois, et s’il revient entre-temps il est qui il était.",
    postpone: "Changer la date",
    postpone_title: "Quand doit-elle prendre effet ?",
    postpone_when: "Prise d’effet",
    postpone_now: "Aussitôt",
    postpone_holidays: "Aux prochaines vacances",
    postpone_day: "À une date",
    day: "Date",
    day_hint: "Seulement pour « À une date ».",
    day_wrong: "Choisissez un jour à venir.",
    no_zone: "La zone de vacances de l’établissement n’est pas configurée : choisissez une date.",
    save: "Enregistrer",
    drop: "Abandonner",
    drop_title: "Abandonner cette livraison ?",
    drop_text: "Elle ne prendra jamais effet, et ce qu’elle contient est effacé du serveur. Ce qui est en vigueur ne change pas.",

    quarantine: "Fiches refusées",
    quarantine_intro: "Des fiches que le serveur n’a pas pu prendre. Les autres fiches des mêmes fichiers ont été prises. Elles disparaissent à la livraison complète suivante.",
    quarantine_empty: "Toutes les fiches ont été prises.",
    quarantine_see: "Voir les fiches refusées",
    place: "Où",
    whole_feed: "toute la livraison",
    line: "ligne",
    whose: "Identifiant",
    reason: "Pourquoi",
    act: "Action",
    dismiss: "Classer",
    more_refused: "Seules les premières sont montrées.",

    done_released: "La livraison est acceptée ; elle prend effet à sa date.",
    done_postponed: "La date est changée.",
    done_dropped: "La livraison est abandonnée.",
    done_dismissed: "La fiche est classée.",
};

const ENGLISH: DirectoryWords = DirectoryWords {
    title: "Directory",
    intro: "The lists of pupils and staff delivered to the school: what is in force, what waits, what was refused.",
    unreadable: "The directory cannot be read: the accounts in force still work. Call the technicians; “preau status” says why.",

    in_force: "In force",
    persons: "Persons",
    in_trash: "Left within three months",
    last: "Last delivery",
    no_last: "No delivery has taken effect yet.",
    calendar: "Calendar of holidays",
    calendar_none: "The zone of the school is not configured.",
    calendar_unknown: "The server does not know the holidays of this zone.",

    waiting: "Waiting",
    none_waiting: "No delivery waits.",
    feed: "Delivery",
    made: "Made on",
    files: "Files",
    arrived: "Arrived",
    due: "Takes effect",
    at_once: "at once",
    held: "Held",
    held_because: "It is held:",
    released: "Accepted",
    ready: "Ready",
    see: "See what it changes",
    back: "Back to the directory",

    effect: "What it changes",
    by_role: "By role",
    by_class: "By class and group",
    role: "Role",
    class: "Class or group",
    everybody: "All",
    added: "Arrive",
    returning: "Come back",
    changed: "Change",
    leaving: "Leave",
    unchanged: "Stay",
    clashing: "Already taken",
    elsewhere: "Persons of other schools, who are not kept",
    notes: "Notes of the reading",
    names: "Names",
    show_names: "See the names",
    more_names: "More names",
    nobody: "It changes nothing for anybody.",
    name: "Person",
    movement: "Movement",

    release: "Accept",
    release_title: "Accept this delivery?",
    release_text: "It will take effect in spite of what holds it. Who leaves cannot sign in any more; their record is kept for three months, and who comes back meanwhile is who they were.",
    postpone: "Change the date",
    postpone_title: "When shall it take effect?",
    postpone_when: "Taking effect",
    postpone_now: "At once",
    postpone_holidays: "At the next holidays",
    postpone_day: "On a day",
    day: "Day",
    day_hint: "Only for “On a day”.",
    day_wrong: "Choose a day to come.",
    no_zone: "The school’s zone of holidays is not configured: choose a day.",
    save: "Save",
    drop: "Drop",
    drop_title: "Drop this delivery?",
    drop_text: "It will never take effect, and what it holds is erased from the server. What is in force does not change.",

    quarantine: "Refused records",
    quarantine_intro: "Records that the server could not take. The others of the same files were taken. They vanish with the next complete delivery.",
    quarantine_empty: "All records were taken.",
    quarantine_see: "See the refused records",
    place: "Where",
    whole_feed: "the whole delivery",
    line: "line",
    whose: "Identifier",
    reason: "Why",
    act: "Action",
    dismiss: "Dismiss",
    more_refused: "Only the first ones are shown.",

    done_released: "The delivery is accepted; it takes effect on its day.",
    done_postponed: "The date is changed.",
    done_dropped: "The delivery is dropped.",
    done_dismissed: "The record is dismissed.",
};
