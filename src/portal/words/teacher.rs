//! What teachers read: their classes and rooms, what they decide, what they answer.

use crate::{admin::NotDone, policy::Level, portal::language::Language};

/// The fixed texts of the teachers' pages in one language.
#[derive(Debug)]
pub(in crate::portal) struct TeacherWords {
    pub(in crate::portal) my_classes: &'static str,
    pub(in crate::portal) line_down: &'static str,
    pub(in crate::portal) my_classes_lead: &'static str,
    pub(in crate::portal) classes: &'static str,
    pub(in crate::portal) rooms: &'static str,
    pub(in crate::portal) no_classes: &'static str,
    pub(in crate::portal) no_rooms: &'static str,
    pub(in crate::portal) all_classes: &'static str,
    pub(in crate::portal) reload: &'static str,
    pub(in crate::portal) direct: &'static str,
    pub(in crate::portal) running: &'static str,
    pub(in crate::portal) nothing_running: &'static str,
    pub(in crate::portal) until: &'static str,
    pub(in crate::portal) undo: &'static str,
    pub(in crate::portal) undone: &'static str,
    pub(in crate::portal) decide: &'static str,
    pub(in crate::portal) open: &'static str,
    pub(in crate::portal) open_hint: &'static str,
    pub(in crate::portal) close: &'static str,
    pub(in crate::portal) close_hint: &'static str,
    pub(in crate::portal) site: &'static str,
    pub(in crate::portal) site_label: &'static str,
    pub(in crate::portal) site_hint: &'static str,
    pub(in crate::portal) exam: &'static str,
    pub(in crate::portal) exam_label: &'static str,
    pub(in crate::portal) exam_hint: &'static str,
    pub(in crate::portal) for_how_long: &'static str,
    pub(in crate::portal) is_open: &'static str,
    pub(in crate::portal) site_is_open: &'static str,
    pub(in crate::portal) is_closed: &'static str,
    pub(in crate::portal) is_exam: &'static str,
    pub(in crate::portal) pupils: &'static str,
    pub(in crate::portal) people: &'static str,
    pub(in crate::portal) name: &'static str,
    pub(in crate::portal) place: &'static str,
    pub(in crate::portal) since: &'static str,
    pub(in crate::portal) not_signed_in: &'static str,
    pub(in crate::portal) offline: &'static str,
    pub(in crate::portal) nobody_there: &'static str,
    pub(in crate::portal) no_pupils: &'static str,
    pub(in crate::portal) of_another_class: &'static str,
    pub(in crate::portal) staff: &'static str,
    pub(in crate::portal) visitor: &'static str,
    pub(in crate::portal) not_yours: &'static str,
    pub(in crate::portal) not_yours_text: &'static str,
    pub(in crate::portal) unknown: &'static str,
    pub(in crate::portal) unknown_text: &'static str,
    pub(in crate::portal) requests: &'static str,
    pub(in crate::portal) requests_lead: &'static str,
    pub(in crate::portal) own_requests: &'static str,
    pub(in crate::portal) no_requests: &'static str,
    pub(in crate::portal) answered: &'static str,
    pub(in crate::portal) reasons: &'static str,
    pub(in crate::portal) no_reason: &'static str,
    pub(in crate::portal) open_for: &'static str,
    pub(in crate::portal) until_evening: &'static str,
    pub(in crate::portal) refuse: &'static str,
    pub(in crate::portal) refuse_label: &'static str,
    pub(in crate::portal) refuse_hint: &'static str,
    pub(in crate::portal) pass_on: &'static str,
    pub(in crate::portal) pass_on_hint: &'static str,
    pub(in crate::portal) pass_on_label: &'static str,
    pub(in crate::portal) pass_on_word_hint: &'static str,
    pub(in crate::portal) to_close: &'static str,
    pub(in crate::portal) answer_kept: &'static str,
    pub(in crate::portal) without_class: &'static str,
    not_a_site: &'static str,
    lasting: &'static str,
    sites: &'static str,
    too_many: &'static str,
    text: &'static str,
    disk: &'static str,
}

impl TeacherWords {
    /// The texts in `language`.
    pub(in crate::portal) const fn of(language: Language) -> &'static Self {
        match language {
            Language::French => &FRENCH,
            Language::English => &ENGLISH,
        }
    }

    /// The disk refused.
    pub(in crate::portal) const fn disk_text(&self) -> &'static str {
        self.disk
    }

    /// What was typed is no name of a site.
    pub(in crate::portal) const fn not_a_site(&self) -> &'static str {
        self.not_a_site
    }
}

/// Why an act did not happen, for the person who wanted it.
pub(in crate::portal) fn told_not_done(language: Language, refused: &NotDone) -> String {
    let words = TeacherWords::of(language);
    String::from(match refused {
        NotDone::NotYours => words.not_yours_text,
        NotDone::Unknown => words.unknown_text,
        NotDone::Lasting => words.lasting,
        NotDone::Sites => words.sites,
        NotDone::TooMany => words.too_many,
        NotDone::Text => words.text,
        NotDone::Disk(_) => words.disk,
        NotDone::Locked { site, by } => return told_locked(language, site.as_str(), *by),
    })
}

fn told_locked(language: Language, site: &str, by: Option<Level>) -> String {
    match (language, by) {
        (Language::French, Some(level)) => format!(
            "{site} est fermé par {}, vous ne pouvez pas l’ouvrir. La demande peut lui être transmise.",
            level.decided_by_fr()
        ),
        (Language::French, None) => {
            format!("{site} sert à contourner le filtrage : personne ne peut l’ouvrir.")
        }
        (Language::English, Some(level)) => format!(
            "{site} is closed by {}; you cannot open it. The request can be passed on.",
            match level {
                Level::Academie => "the académie",
                Level::Departement => "the département",
                Level::Etablissement | Level::Groupe | Level::Opening => "the school",
            }
        ),
        (Language::English, None) => format!("{site} is a way round the filter: nobody can open it."),
    }
}

impl Language {
    /// `15 min`.
    pub(in crate::portal) fn minutes(self, count: u16) -> String {
        format!("{count}\u{a0}min")
    }

    /// A button for what lasts as long as the lesson.
    pub(in crate::portal) fn until_lesson_ends(self, hour: &str) -> String {
        match self {
            Self::French => format!("Jusqu’à la fin du cours ({hour})"),
            Self::English => format!("Until the lesson ends ({hour})"),
        }
    }

    /// How many of a class are signed in.
    pub(in crate::portal) fn signed_in(self, here: usize, all: usize) -> String {
        match (self, here) {
            (Self::French, 0 | 1) => format!("{here} connecté sur {all}"),
            (Self::French, _) => format!("{here} connectés sur {all}"),
            (Self::English, _) => format!("{here} of {all} signed in"),
        }
    }

    /// How many people are signed in somewhere.
    pub(in crate::portal) fn people_there(self, count: usize) -> String {
        match (self, count) {
            (Self::French, 0) => String::from("Personne n’est connecté"),
            (Self::French, 1) => String::from("1 personne connectée"),
            (Self::French, _) => format!("{count} personnes connectées"),
            (Self::English, 0) => String::from("Nobody is signed in"),
            (Self::English, 1) => String::from("1 person signed in"),
            (Self::English, _) => format!("{count} people signed in"),
        }
    }

    /// How many ask for a site.
    pub(in crate::portal) fn asked_by(self, count: usize) -> String {
        match (self, count) {
            (Self::French, 1) => String::from("1 demande"),
            (Self::French, _) => format!("{count} demandes"),
            (Self::English, 1) => String::from("asked once"),
            (Self::English, _) => format!("asked {count} times"),
        }
    }

    /// How many requests wait.
    pub(in crate::portal) fn requests_wait(self, count: usize) -> String {
        match (self, count) {
            (Self::French, 1) => String::from("1 demande à traiter"),
            (Self::French, _) => format!("{count} demandes à traiter"),
            (Self::English, 1) => String::from("1 request to answer"),
            (Self::English, _) => format!("{count} requests to answer"),
        }
    }

    /// A class in a sentence.
    pub(in crate::portal) fn the_class(self, name: &str) -> String {
        match self {
            Self::French => format!("la classe {name}"),
            Self::English => format!("class {name}"),
        }
    }

    /// A room in a sentence, by its French label: `salle 12`.
    /// `label` is the room's name, after `salle` where it does not say so itself.
    pub(in crate::portal) fn the_room(self, label: &str) -> String {
        let name = ["Salle ", "salle "].iter().find_map(|word| label.strip_prefix(word)).unwrap_or(label);
        match self {
            Self::French => format!("la salle {name}"),
            Self::English => format!("room {name}"),
        }
    }

    pub(in crate::portal) fn decided(self, what: &str, whom: &str, hour: &str) -> String {
        match self {
            Self::French => format!("{what} pour {whom} jusqu’à {hour}"),
            Self::English => format!("{what} for {whom} until {hour}"),
        }
    }
}

const FRENCH: TeacherWords = TeacherWords {
    line_down: "La ligne Internet ne répond plus. Ce que vous décidez ici compte tout de suite dans l’établissement, et continue quand elle revient.",
    my_classes: "Mes classes",
    my_classes_lead: "Qui est connecté, ce qui est ouvert ou fermé, et jusqu’à quand.",
    classes: "Classes",
    rooms: "Salles",
    no_classes: "Votre compte n’a pas de classe. Le référent numérique peut le vérifier dans l’annuaire.",
    no_rooms: "Aucune machine n’est rangée dans une salle. Le référent numérique peut le faire.",
    all_classes: "Toutes mes classes",
    reload: "Actualiser",
    direct: "Mis à jour en direct",
    running: "En ce moment",
    nothing_running: "Rien de particulier : les règles habituelles s’appliquent.",
    until: "jusqu’à",
    undo: "Annuler",
    undone: "C’est annulé : les règles habituelles s’appliquent de nouveau.",
    decide: "Décider",
    open: "Ouvrir le web",
    open_hint: "Tout ce qui n’est pas interdit aux mineurs ou verrouillé par l’académie.",
    close: "Fermer le web",
    close_hint: "Plus aucun site, sauf ce que l’académie garde ouvert.",
    site: "Ouvrir un site",
    site_label: "Adresse du site",
    site_hint: "Par exemple exemple.fr, ou l’adresse copiée du navigateur.",
    exam: "Mode examen",
    exam_label: "Sites permis pendant l’examen",
    exam_hint: "Un par ligne, 30 au plus. Tout le reste est fermé. Sans aucun site, tout est fermé.",
    for_how_long: "Pour combien de temps ?",
    is_open: "Web ouvert",
    site_is_open: "Site ouvert",
    is_closed: "Web fermé",
    is_exam: "Examen",
    pupils: "Élèves",
    people: "Qui est là",
    name: "Nom",
    place: "Où",
    since: "Depuis",
    not_signed_in: "Pas connecté",
    offline: "Connexion hors ligne",
    nobody_there: "Personne n’est connecté dans cette salle.",
    no_pupils: "L’annuaire ne connaît pas d’élève dans cette classe.",
    of_another_class: "Un élève d’une autre classe",
    staff: "Personnel de l’établissement",
    visitor: "Une visite",
    not_yours: "Cette page n’est pas pour vous",
    not_yours_text: "Votre compte ne permet pas cet acte : un professeur décide pour ses classes, leurs élèves et les \
                     salles, le référent numérique pour tous.",
    unknown: "Cela n’existe pas ou plus",
    unknown_text: "La classe, la salle, l’élève ou la demande n’existe pas, ou la décision a déjà pris fin.",
    requests: "Demandes des élèves",
    requests_lead: "Un site demandé par plusieurs élèves d’une classe est une seule demande.",
    own_requests: "Mes propres demandes",
    no_requests: "Aucune demande n’attend. Elles arrivent ici quand un élève demande l’ouverture d’un site.",
    answered: "Déjà traitées",
    reasons: "Raisons données",
    no_reason: "Sans raison écrite.",
    open_for: "Ouvrir à la classe",
    until_evening: "Jusqu’à 20 h",
    refuse: "Refuser",
    refuse_label: "Pourquoi (les élèves le lisent)",
    refuse_hint: "Facultatif, 300 caractères au plus.",
    pass_on: "Transmettre à l’académie",
    pass_on_hint: "Pour un site que l’académie a verrouillé, ou que toute l’académie devrait fermer. Sa réponse s’affichera ici.",
    pass_on_label: "Un mot pour l’académie",
    pass_on_word_hint: "Facultatif, 300 caractères au plus. N’écrivez aucun nom : rien de personnel ne quitte l’établissement.",
    to_close: "À fermer",
    answer_kept: "Votre réponse est enregistrée, les élèves la voient.",
    without_class: "Sans classe",
    not_a_site: "Ce n’est pas une adresse de site : écrivez par exemple exemple.fr.",
    lasting: "Cette durée n’est pas possible : 3 heures au plus, et « fin du cours » seulement pendant un cours.",
    sites: "Écrivez au moins un site, et 30 au plus.",
    too_many: "Il y en a déjà trop à la fois. Annulez ou traitez-en d’abord.",
    text: "Ce texte est trop long : 300 caractères au plus.",
    disk: "Le serveur n’a pas pu l’enregistrer, rien n’a changé. Réessayez ; si cela dure, prévenez le référent numérique.",
};

const ENGLISH: TeacherWords = TeacherWords {
    line_down: "The Internet line does not answer. What you decide here counts at once in the school, and goes on when the line is back.",
    my_classes: "My classes",
    my_classes_lead: "Who is signed in, what is open or closed, and until when.",
    classes: "Classes",
    rooms: "Rooms",
    no_classes: "Your account has no class. The digital referent can check it in the directory.",
    no_rooms: "No machine is put in a room. The digital referent can do that.",
    all_classes: "All my classes",
    reload: "Refresh",
    direct: "Updated live",
    running: "At this moment",
    nothing_running: "Nothing special: the usual rules apply.",
    until: "until",
    undo: "Undo",
    undone: "Undone: the usual rules apply again.",
    decide: "Decide",
    open: "Open the web",
    open_hint: "Everything but what is forbidden to minors or locked by the académie.",
    close: "Close the web",
    close_hint: "No site any more, except what the académie keeps open.",
    site: "Open one site",
    site_label: "The site’s address",
    site_hint: "Such as exemple.fr, or the address copied from the browser.",
    exam: "Exam mode",
    exam_label: "Sites allowed during the exam",
    exam_hint: "One a line, 30 at most. Everything else is closed. With no site, everything is closed.",
    for_how_long: "For how long?",
    is_open: "Web open",
    site_is_open: "Site open",
    is_closed: "Web closed",
    is_exam: "Exam",
    pupils: "Pupils",
    people: "Who is there",
    name: "Name",
    place: "Where",
    since: "Since",
    not_signed_in: "Not signed in",
    offline: "Signed in offline",
    nobody_there: "Nobody is signed in in this room.",
    no_pupils: "The directory knows no pupil of this class.",
    of_another_class: "A pupil of another class",
    staff: "Staff",
    visitor: "A visitor",
    not_yours: "This page is not for you",
    not_yours_text: "Your account does not allow this: a teacher decides for their classes, the pupils of these and \
                     rooms, the digital referent for everybody.",
    unknown: "This does not exist (any more)",
    unknown_text: "The class, room, pupil or request does not exist, or the decision has ended already.",
    requests: "Pupils’ requests",
    requests_lead: "A site that several pupils of a class ask for is one request.",
    own_requests: "My own requests",
    no_requests: "No request waits. They come here when a pupil asks for a site to be opened.",
    answered: "Answered",
    reasons: "Reasons given",
    no_reason: "No reason written.",
    open_for: "Open for the class",
    until_evening: "Until 20:00",
    refuse: "Refuse",
    refuse_label: "Why (pupils read it)",
    refuse_hint: "Optional, 300 characters at most.",
    pass_on: "Pass on to the académie",
    pass_on_hint: "For a site that the académie has locked, or that the whole académie should close. Its answer will be shown here.",
    pass_on_label: "A word to the académie",
    pass_on_word_hint: "Optional, 300 characters at most. Write no name: nothing personal leaves the school.",
    to_close: "To be closed",
    answer_kept: "Your answer is kept, and the pupils see it.",
    without_class: "No class",
    not_a_site: "This is not the address of a site: write exemple.fr, for example.",
    lasting: "This time is not possible: 3 hours at most, and the lesson’s end only during a lesson.",
    sites: "Write at least one site, and 30 at most.",
    too_many: "There are too many at once. Undo or answer some first.",
    text: "This text is too long: 300 characters at most.",
    disk: "The server could not keep it; nothing has changed. Try again; if it lasts, tell the digital referent.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_named_whether_its_name_says_room_or_not() {
        for (label, french, english) in
            [("Salle 12", "la salle 12", "room 12"), ("salle CDI", "la salle CDI", "room CDI")]
        {
            assert_eq!(Language::French.the_room(label), french);
            assert_eq!(Language::English.the_room(label), english);
        }
    }
}
