//! Texts that depend on what they speak of: a role, a zone, a wait.

use std::time::Duration;

use super::category;
use crate::{
    model::{Role, Service, ZoneKind},
    policy::{Level, ListedBy, MayOpen},
    portal::language::Language,
};

impl Language {
    /// What a person is to the school.
    pub(in crate::portal) const fn role(self, role: Role) -> &'static str {
        match (self, role) {
            (Self::French, Role::Eleve) => "Élève",
            (Self::French, Role::Enseignant) => "Équipe enseignante",
            (Self::French, Role::Administratif) => "Équipe administrative",
            (Self::French, Role::Referent) => "Référent numérique",
            (Self::French, Role::Invite) => "Visite",
            (Self::English, Role::Eleve) => "Pupil",
            (Self::English, Role::Enseignant) => "Teaching staff",
            (Self::English, Role::Administratif) => "Office staff",
            (Self::English, Role::Referent) => "Digital referent",
            (Self::English, Role::Invite) => "Visitor",
        }
    }

    /// What a part of the network is for.
    pub(in crate::portal) const fn zone(self, kind: ZoneKind) -> &'static str {
        match (self, kind) {
            (Self::French, ZoneKind::Pedagogique) => "Réseau des classes",
            (Self::French, ZoneKind::Administration) => "Réseau des bureaux",
            (Self::French, ZoneKind::Invites) => "Réseau des invités",
            (Self::French, ZoneKind::Equipements) => "Réseau des équipements",
            (Self::English, ZoneKind::Pedagogique) => "Classroom network",
            (Self::English, ZoneKind::Administration) => "Office network",
            (Self::English, ZoneKind::Invites) => "Visitors’ network",
            (Self::English, ZoneKind::Equipements) => "Equipment network",
        }
    }

    /// What a service is for, in words people know; else its name.
    pub(in crate::portal) fn service(self, service: &Service) -> String {
        let (french, english) = match &*service.name {
            "mail" => ("courrier", "mail"),
            "visio" => ("visioconférence", "video calls"),
            "classe-virtuelle" => ("classe virtuelle", "virtual classroom"),
            "notifications" => ("notifications", "notifications"),
            "tcp/993" | "tcp/143" | "tcp/995" | "tcp/110" => ("lecture du courrier", "reading mail"),
            "tcp/465" | "tcp/587" => ("envoi du courrier", "sending mail"),
            name => return name.replace('/', " ").replace("tcp ", "TCP ").replace("udp ", "UDP "),
        };
        String::from(match self {
            Self::French => french,
            Self::English => english,
        })
    }

    /// That the next try is heard after `wait`.
    pub(in crate::portal) fn too_many_tries(self, wait: Duration) -> String {
        let seconds = wait.as_secs().max(1);
        let minutes = seconds.div_ceil(60);
        match self {
            Self::French if seconds < 60 => format!("Trop d’essais. Réessayez dans {seconds} s."),
            Self::French => format!("Trop d’essais. Réessayez dans {minutes} min."),
            Self::English if seconds < 60 => format!("Too many tries. Try again in {seconds} s."),
            Self::English => format!("Too many tries. Try again in {minutes} min."),
        }
    }

    /// That the list of a date holds the site, or its page, in a category.
    pub(in crate::portal) fn matched_category(self, name: &str, list_date: &str, by: ListedBy) -> String {
        let category = category(self, name).unwrap_or(name);
        let what = match (self, by) {
            (Self::French, ListedBy::Site) => "le site",
            (Self::French, ListedBy::Url) => "cette page",
            (Self::French, ListedBy::Expression) => "cette adresse, par un mot qu’elle contient,",
            (Self::English, ListedBy::Site) => "the site",
            (Self::English, ListedBy::Url) => "this page",
            (Self::English, ListedBy::Expression) => "this address, by a word in it,",
        };
        match self {
            Self::French => format!("La liste du {list_date} classe {what} dans « {category} »"),
            Self::English => format!("The list of {list_date} files {what} under “{category}”"),
        }
    }

    /// Who may open what is refused, as people of a school know them. Nothing where no rule is behind it.
    pub(in crate::portal) const fn may_open(self, who: MayOpen) -> &'static str {
        let (french, english) = match who {
            MayOpen::Locked(Level::Academie) => {
                ("L’académie seule : la règle est verrouillée", "Only the académie: the rule is locked")
            }
            MayOpen::Locked(Level::Departement) => (
                "Le département ou l’académie : la règle est verrouillée",
                "The département or the académie: the rule is locked",
            ),
            MayOpen::Locked(Level::Etablissement | Level::Groupe | Level::Opening) => (
                "L’établissement, mais pas un professeur : la règle est verrouillée",
                "The school, but no teacher: the rule is locked",
            ),
            MayOpen::FromLevel { teacher: true, .. } => (
                "Un professeur, pour un moment ; l’établissement, par une règle",
                "A teacher, for a while; the school, by a rule",
            ),
            MayOpen::FromLevel { teacher: false, .. } => {
                ("L’établissement, par une règle", "The school, by a rule")
            }
            MayOpen::Teacher => ("Un professeur", "A teacher"),
            MayOpen::Nobody => {
                ("Personne : c’est un moyen de contourner le filtre", "Nobody: it is a way round the filter")
            }
            MayOpen::SignIn | MayOpen::Repair => ("", ""),
        };
        match self {
            Self::French => french,
            Self::English => english,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_seconds_then_in_whole_minutes() {
        let told = |seconds| Language::English.too_many_tries(Duration::from_secs(seconds));
        assert_eq!(told(0), "Too many tries. Try again in 1 s.");
        assert_eq!(told(59), "Too many tries. Try again in 59 s.");
        assert_eq!(told(61), "Too many tries. Try again in 2 min.");
    }

    #[test]
    fn a_category_is_named_in_words_and_an_unknown_one_by_itself() {
        assert!(
            Language::French
                .matched_category("gambling", "2026-08-17", ListedBy::Site)
                .contains("jeux d’argent")
        );
        assert!(
            Language::French
                .matched_category("sur_mesure", "2026-08-17", ListedBy::Url)
                .contains("sur_mesure")
        );
    }
}
