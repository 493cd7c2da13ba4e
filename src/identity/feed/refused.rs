//! A record that cannot be taken, and why, in words for the school's referent. The good records beside it are taken.

use std::fmt;

use crate::model::AccountId;

/// A record that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The name of the file.
    pub file: String,
    /// The line the record begins on, or where the file breaks off; counted from 1.
    pub line: u64,
    /// The identifier the record bears, where it could be read.
    pub id: Option<AccountId>,
    /// Why.
    pub reason: Reason,
}

/// Why a record cannot be taken. Displayed in French. Fields that hold text name an attribute or a column unless they
/// say otherwise; what an attribute holds is repeated nowhere but where one looks for the fault by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The record bears no identifier.
    NoIdentifier,
    /// An attribute that a person or a school must have is absent or empty.
    Missing(String),
    /// A value is longer than anything real.
    TooLong(String),
    /// A record has more values, or is larger, than anything real.
    TooLarge,
    /// A value holds a control character, or one that cannot be seen.
    Invisible(String),
    /// Two values where there can be one, or two that exclude each other.
    Contradiction(String),
    /// The identifier stands further up already, on another record.
    SeenBefore,
    /// The person is in no school.
    NoSchool,
    /// None of the person's schools is in the delivery; their keys, joined by commas.
    SchoolUnknown(String),
    /// A school's code is not seven digits and a letter.
    NotUai,
    /// The record says neither pupil nor staff; what it says.
    NoRole(String),
    /// A date that has to be known cannot be read.
    NotADate(String),
    /// Two persons that nothing tells apart: same names, same date of birth, same school.
    TwoAlike,
    /// An entity that XML does not know; its name.
    Entity(String),
    /// A change that is not `replace`; what it is.
    Operation(String),
    /// A change or a leaving in a delivery that calls itself complete.
    NotInComplete,
    /// A line with another number of fields than the header: found, expected.
    Fields(usize, usize),
    /// A column that has to be there, once; nothing of the file is taken without it.
    NoColumn(String),
    /// The file declares entities of its own or reads others: nothing in it is taken.
    Declarations,
    /// Elements inside elements beyond what the format knows; nothing from here on is taken.
    TooDeep,
    /// The file is not well formed from here on.
    Malformed,
    /// The file ends in the middle.
    Cut,
    /// The file cannot be read from here on.
    Unreadable,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoIdentifier => f.write_str("la fiche n'a pas d'identifiant"),
            Self::Missing(name) => write!(f, "« {name} » manque ou est vide"),
            Self::TooLong(name) => write!(f, "« {name} » est trop long pour être vrai"),
            Self::TooLarge => f.write_str("la fiche est trop grosse pour être vraie"),
            Self::Invisible(name) => write!(f, "« {name} » contient un caractère invisible ou de contrôle"),
            Self::Contradiction(name) => write!(f, "« {name} » a plusieurs valeurs qui se contredisent"),
            Self::SeenBefore => f.write_str("cet identifiant est déjà porté par une autre fiche plus haut"),
            Self::NoSchool => f.write_str("la personne n'est rattachée à aucun établissement"),
            Self::SchoolUnknown(keys) => {
                write!(f, "aucun de ses établissements n'est dans la livraison ({keys})")
            }
            Self::NotUai => f.write_str("le code UAI n'est pas formé de sept chiffres et d'une lettre"),
            Self::NoRole(word) => write!(f, "« {word} » ne dit ni élève ni personnel"),
            Self::NotADate(name) => write!(f, "« {name} » n'est pas une date lisible"),
            Self::TwoAlike => {
                f.write_str("à vérifier : une autre personne a mêmes nom, prénom, date de naissance et école")
            }
            Self::Entity(name) => write!(f, "l'entité « &{name}; » est inconnue"),
            Self::Operation(word) => {
                write!(f, "l'opération « {word} » est inconnue ; seul « replace » existe")
            }
            Self::NotInComplete => f.write_str(
                "une modification ou une suppression n'a pas sa place dans une livraison complète",
            ),
            Self::Fields(found, expected) => write!(f, "{found} champs au lieu de {expected}"),
            Self::NoColumn(name) => {
                write!(f, "la colonne « {name} » manque ou est double : rien du fichier n'est pris")
            }
            Self::Declarations => {
                f.write_str("le fichier déclare ses propres entités : par sûreté, rien n'en est pris")
            }
            Self::TooDeep => f.write_str(
                "les balises sont imbriquées plus que le format ne le permet : la suite n'est pas lue",
            ),
            Self::Malformed => f.write_str("le fichier est mal formé : la suite n'est pas lue"),
            Self::Cut => f.write_str("le fichier est coupé : la suite manque"),
            Self::Unreadable => f.write_str("le fichier ne se lit plus à partir d'ici"),
        }
    }
}

impl Reason {
    /// The word for it, for whoever counts records by their fault.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NoIdentifier => "no-identifier",
            Self::Missing(_) => "missing",
            Self::TooLong(_) => "too-long",
            Self::TooLarge => "too-large",
            Self::Invisible(_) => "invisible",
            Self::Contradiction(_) => "contradiction",
            Self::SeenBefore => "seen-before",
            Self::NoSchool => "no-school",
            Self::SchoolUnknown(_) => "school-unknown",
            Self::NotUai => "not-uai",
            Self::NoRole(_) => "no-role",
            Self::NotADate(_) => "not-a-date",
            Self::TwoAlike => "two-alike",
            Self::Entity(_) => "entity",
            Self::Operation(_) => "operation",
            Self::NotInComplete => "not-in-complete",
            Self::Fields(..) => "fields",
            Self::NoColumn(_) => "no-column",
            Self::Declarations => "declarations",
            Self::TooDeep => "too-deep",
            Self::Malformed => "malformed",
            Self::Cut => "cut",
            Self::Unreadable => "unreadable",
        }
    }

    /// The attribute or column it is about, where there is one; never what is written in it.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Missing(name)
            | Self::TooLong(name)
            | Self::Invisible(name)
            | Self::Contradiction(name)
            | Self::NotADate(name)
            | Self::NoColumn(name) => Some(name),
            _ => None,
        }
    }

    /// Whether nothing behind this place of the file is read.
    #[must_use]
    pub const fn ends_the_file(&self) -> bool {
        matches!(
            self,
            Self::NoColumn(_)
                | Self::Declarations
                | Self::TooDeep
                | Self::Malformed
                | Self::Cut
                | Self::Unreadable
        )
    }
}
