//! What was left out or read with good will: reported once per file with a count, never a failure.

use std::fmt;

/// The most different notes of one file; a flood of unknown names ends here, counted all the same.
const KINDS_MAX: usize = 200;

/// Something that was left out or read with good will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The name of the file.
    pub file: String,
    /// The line of the first time, counted from 1.
    pub line: u64,
    /// What it is.
    pub kind: NoteKind,
    /// How many times.
    pub count: u64,
}

/// What a note is about. Displayed in French.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// An attribute or column that is in no list of the format.
    UnknownAttribute(String),
    /// A kind of record or file that is in no list of the format.
    UnknownCategory(String),
    /// Parents and other adults: they are not kept.
    Guardians,
    /// Subjects and courses of study: they are not kept.
    Subjects,
    /// A checksum beside a file, which is not verified.
    Checksum,
    /// Bytes that are not UTF-8 where the file is: read as ISO-8859-15.
    NotUtf8,
    /// A date that cannot be read; the person is taken without it.
    NotADate(String),
    /// A school that the delivery does not explain; the person is taken with their other schools.
    SchoolUnknown(String),
    /// A composite value without the parts it should have; the value is left out.
    NotComposite(String),
    /// A code of a function that is in no list: whether they stand before pupils decides.
    UnknownFunction(String),
    /// The same record twice, word for word.
    Repeated,
    /// A change of a school: schools come with complete deliveries.
    SchoolChange,
    /// A file beside the others that is none of the delivery's.
    UnknownFile,
    /// Notes beyond the most of one file; the count is theirs.
    More,
}

impl fmt::Display for NoteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownAttribute(name) => write!(f, "« {name} » n'est pas connu et n'est pas repris"),
            Self::UnknownCategory(name) => write!(f, "les fiches « {name} » ne sont pas reprises"),
            Self::Guardians => {
                f.write_str("les responsables ne sont pas repris : la boîte n'en a pas besoin")
            }
            Self::Subjects => {
                f.write_str("les matières et formations ne sont pas reprises : la boîte n'en a pas besoin")
            }
            Self::Checksum => f.write_str("l'empreinte MD5 jointe n'est pas vérifiée"),
            Self::NotUtf8 => {
                f.write_str("des octets qui ne sont pas de l'UTF-8 ont été lus comme de l'ISO-8859-15")
            }
            Self::NotADate(name) => {
                write!(f, "« {name} » n'est pas une date lisible ; la personne est prise sans")
            }
            Self::SchoolUnknown(key) => {
                write!(f, "l'établissement « {key} » n'est pas dans la livraison ; il est laissé de côté")
            }
            Self::NotComposite(name) => {
                write!(f, "« {name} » n'a pas la forme attendue ; la valeur est laissée de côté")
            }
            Self::UnknownFunction(code) => {
                write!(f, "la fonction « {code} » n'est pas connue ; la présence devant élèves en décide")
            }
            Self::Repeated => f.write_str("une même fiche est écrite plusieurs fois à l'identique"),
            Self::SchoolChange => {
                f.write_str("les changements d'établissements viennent avec les livraisons complètes")
            }
            Self::UnknownFile => f.write_str("ce fichier n'est pas d'un format connu et n'est pas lu"),
            Self::More => f.write_str("d'autres remarques de ce fichier ne sont que comptées"),
        }
    }
}

/// The notes of one file as they come up.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<(NoteKind, u64, u64)>);

impl Notes {
    /// Takes note of `kind`, met on `line`.
    pub(super) fn take(&mut self, kind: NoteKind, line: u64) {
        let Self(seen) = self;
        let kind = if seen.len() < KINDS_MAX || seen.iter().any(|(known, ..)| *known == kind) {
            kind
        } else {
            NoteKind::More
        };
        match seen.iter_mut().find(|(known, ..)| *known == kind) {
            Some((_, _, count)) => *count += 1,
            None => seen.push((kind, line, 1)),
        }
    }

    /// The notes of the file called `file`, in the order they came up.
    pub(super) fn of(self, file: &str) -> impl Iterator<Item = Note> {
        let file = file.to_owned();
        self.0.into_iter().map(move |(kind, line, count)| Note { file: file.clone(), line, kind, count })
    }
}
