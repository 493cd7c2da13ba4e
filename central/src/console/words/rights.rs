//! The rights, as people read them.

use crate::{console::language::Language, words::Right};

/// The name of `right`.
pub(in crate::console) const fn right_name(language: Language, right: Right) -> &'static str {
    match (language, right) {
        (Language::French, Right::See) => "Voir",
        (Language::English, Right::See) => "See",
        (Language::French, Right::Write) => "Rédiger les règles",
        (Language::English, Right::Write) => "Write rules",
        (Language::French, Right::Publish) => "Publier les règles",
        (Language::English, Right::Publish) => "Publish rules",
        (Language::French, Right::Answer) => "Répondre aux demandes",
        (Language::English, Right::Answer) => "Answer requests",
        (Language::French, Right::Enrol) => "Inscrire et révoquer",
        (Language::English, Right::Enrol) => "Enrol and revoke",
        (Language::French, Right::Accounts) => "Gérer les comptes",
        (Language::English, Right::Accounts) => "Manage accounts",
        (Language::French, Right::Order) => "Donner des ordres",
        (Language::English, Right::Order) => "Give orders",
        (Language::French, Right::People) => "Gérer les droits",
        (Language::English, Right::People) => "Manage rights",
        (Language::French, Right::Audit) => "Lire le journal",
        (Language::English, Right::Audit) => "Read the audit trail",
    }
}
