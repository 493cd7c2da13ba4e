//! All text of the portal, one place a language. A text that a language lacks does not compile.

mod category;
mod english;
mod french;

use std::time::Duration;

pub(super) use english::ENGLISH;
pub(super) use french::FRENCH;

use super::language::Language;
use crate::model::{Role, Transport, ZoneKind};

pub(super) use category::category;

/// The fixed texts of one language.
#[derive(Debug)]
pub(super) struct Words {
    // Around every page.
    pub(super) portal: &'static str,
    pub(super) skip: &'static str,
    pub(super) other_language: &'static str,
    pub(super) footer: &'static str,
    pub(super) back_home: &'static str,

    // Signing in.
    pub(super) sign_in: &'static str,
    pub(super) sign_in_intro: &'static str,
    pub(super) sign_in_not_asked: &'static str,
    pub(super) login: &'static str,
    pub(super) password: &'static str,
    pub(super) sign_in_help: &'static str,
    pub(super) sign_in_record: &'static str,
    pub(super) signed_out: &'static str,
    pub(super) wrong_credentials: &'static str,
    pub(super) busy: &'static str,
    pub(super) sign_in_not_recorded: &'static str,
    pub(super) form_unread: &'static str,

    // Home.
    pub(super) home: &'static str,
    pub(super) hello: &'static str,
    pub(super) you_are: &'static str,
    pub(super) classes: &'static str,
    pub(super) until: &'static str,
    pub(super) network: &'static str,
    pub(super) machine_registered: &'static str,
    pub(super) go_on: &'static str,
    pub(super) reachable: &'static str,
    pub(super) web: &'static str,
    pub(super) web_open: &'static str,
    pub(super) web_closed: &'static str,
    pub(super) services: &'static str,
    pub(super) no_services: &'static str,
    pub(super) why_blocked: &'static str,
    pub(super) why_blocked_label: &'static str,
    pub(super) why_blocked_hint: &'static str,
    pub(super) find_out: &'static str,
    pub(super) sign_out: &'static str,
    pub(super) sign_out_shared: &'static str,

    // A site that is refused.
    pub(super) blocked: &'static str,
    pub(super) decided_by: &'static str,
    pub(super) rule: &'static str,
    pub(super) matched: &'static str,
    pub(super) what_to_do: &'static str,
    pub(super) advice_lesson: &'static str,
    pub(super) advice_cite: &'static str,
    pub(super) advice_elsewhere: &'static str,
    pub(super) reason_default: &'static str,
    pub(super) reason_opening: &'static str,
    pub(super) reason_none: &'static str,
    pub(super) by_academie: &'static str,
    pub(super) by_departement: &'static str,
    pub(super) by_etablissement: &'static str,
    pub(super) by_groupe: &'static str,
    pub(super) by_teacher: &'static str,
    pub(super) by_zone: &'static str,
    pub(super) matched_site: &'static str,
    pub(super) matched_address: &'static str,
    pub(super) matched_everything: &'static str,

    // A site that is open.
    pub(super) open: &'static str,
    pub(super) open_now: &'static str,
    pub(super) open_soon: &'static str,
    pub(super) reload: &'static str,

    // What went wrong.
    pub(super) no_such_page: &'static str,
    pub(super) no_such_page_text: &'static str,
    pub(super) bad_request: &'static str,
    pub(super) bad_request_text: &'static str,
    pub(super) not_a_site: &'static str,
    pub(super) not_a_site_text: &'static str,
    pub(super) foreign_form: &'static str,
    pub(super) foreign_form_text: &'static str,
    pub(super) other_name: &'static str,
    pub(super) other_name_text: &'static str,
    pub(super) not_recorded: &'static str,
    pub(super) not_recorded_text: &'static str,
    pub(super) sign_in_needed_text: &'static str,
}

impl Language {
    /// What a person is to the school.
    pub(super) const fn role(self, role: Role) -> &'static str {
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
    pub(super) const fn zone(self, kind: ZoneKind) -> &'static str {
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

    /// What a port is for, in a word people know; else its number.
    pub(super) fn service(self, transport: Transport, port: u16) -> String {
        let (french, english) = match (transport, port) {
            (Transport::Tcp, 993 | 143 | 995 | 110) => ("lecture du courrier", "reading mail"),
            (Transport::Tcp, 465 | 587) => ("envoi du courrier", "sending mail"),
            (Transport::Udp, 123) => ("mise à l’heure", "time of day"),
            (Transport::Tcp, 22) => ("SSH", "SSH"),
            (Transport::Tcp, _) => return format!("TCP {port}"),
            (Transport::Udp, _) => return format!("UDP {port}"),
        };
        String::from(match self {
            Self::French => french,
            Self::English => english,
        })
    }

    /// That the next try is heard after `wait`.
    pub(super) fn too_many_tries(self, wait: Duration) -> String {
        let seconds = wait.as_secs().max(1);
        let minutes = seconds.div_ceil(60);
        match self {
            Self::French if seconds < 60 => format!("Trop d’essais. Réessayez dans {seconds} s."),
            Self::French => format!("Trop d’essais. Réessayez dans {minutes} min."),
            Self::English if seconds < 60 => format!("Too many tries. Try again in {seconds} s."),
            Self::English => format!("Too many tries. Try again in {minutes} min."),
        }
    }

    /// That the list of a date holds the site in a category.
    pub(super) fn matched_category(self, name: &str, list_date: &str) -> String {
        let category = category(self, name).unwrap_or(name);
        match self {
            Self::French => format!("La liste du {list_date} le classe dans « {category} »"),
            Self::English => format!("The list of {list_date} files it under “{category}”"),
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
        assert!(Language::French.matched_category("gambling", "2026-08-17").contains("jeux d’argent"));
        assert!(Language::French.matched_category("sur_mesure", "2026-08-17").contains("sur_mesure"));
    }
}
