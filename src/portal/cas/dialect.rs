//! Dialects: which attributes an application is told of a person, under which names and in which words.
//!
//! The same profile is `National_1` to one application and `National_elv` to the next, so a dialect is a file and no code:
//!
//! ```toml
//! version = 1
//!
//! [attributes]
//! login = "{login}"                                  # one value
//! classes = "{classes}"                              # one value for each class
//! structures = ["{uai}"]                             # a list of values
//! profil = { eleve = "National_1", enseignant = "National_3" }    # by role; a role that is not written has none
//! ```
//!
//! Placeholders are `{login}`, `{id}`, `{family_name}`, `{given_name}`, `{display_name}`, `{uai}`, `{role}`, and, repeated
//! for each, `{classes}` and `{groups}`; `{{` and `}}` are braces. A value of which a placeholder is not known is left out.
//! Nothing is told that the file does not name.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;
use toml::{Spanned, Value};

use crate::model::Role;

/// The version this box reads.
const VERSION: i64 = 1;

/// Attributes of one dialect: the largest known has forty.
const ATTRIBUTES_MAX: usize = 64;

/// Values written for one attribute.
const VALUES_MAX: usize = 32;

/// The longest name or value of an attribute as it is written, in bytes.
const TEXT_BYTES_MAX: usize = 300;

/// The names that the answer itself uses (CAS 3.0, 2.5.7).
const RESERVED: [&str; 3] =
    ["authenticationDate", "isFromNewLogin", "longTermAuthenticationRequestTokenUsed"];

/// What an application is told of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    attributes: Vec<(String, Values)>,
}

/// What is wrong in a dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialectError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub what: String,
}

/// The values of one attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Values {
    ForAll(Vec<Template>),
    ByRole(Vec<(Role, Vec<Template>)>),
}

/// One value: text and placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Word(Word),
}

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Login,
    Id,
    FamilyName,
    GivenName,
    DisplayName,
    School,
    Role,
    Classes,
    Groups,
}

impl Word {
    const ALL: [(&'static str, Self); 9] = [
        ("login", Self::Login),
        ("id", Self::Id),
        ("family_name", Self::FamilyName),
        ("given_name", Self::GivenName),
        ("display_name", Self::DisplayName),
        ("uai", Self::School),
        ("role", Self::Role),
        ("classes", Self::Classes),
        ("groups", Self::Groups),
    ];

    /// What is known of `person` by this word; several of some.
    fn of(self, person: &Described) -> &[String] {
        match self {
            Self::Login => person.login.as_slice(),
            Self::Id => std::slice::from_ref(&person.id),
            Self::FamilyName => person.family_name.as_slice(),
            Self::GivenName => person.given_name.as_slice(),
            Self::DisplayName => std::slice::from_ref(&person.display_name),
            Self::School => std::slice::from_ref(&person.school),
            Self::Role => std::slice::from_ref(&person.role_word),
            Self::Classes => &person.classes,
            Self::Groups => &person.groups,
        }
    }
}

/// A person in the words that a dialect may use.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) id: String,
    pub(super) login: Option<String>,
    pub(super) family_name: Option<String>,
    pub(super) given_name: Option<String>,
    pub(super) display_name: String,
    pub(super) role: Role,
    pub(super) role_word: String,
    pub(super) school: String,
    pub(super) classes: Vec<String>,
    pub(super) groups: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: Spanned<i64>,
    attributes: BTreeMap<Spanned<String>, Spanned<Value>>,
}

impl Dialect {
    /// Reads the dialect whose file is `text`.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn parse(text: &str) -> Result<Self, DialectError> {
        let at = |start: usize, what: String| DialectError { line: line_at(text, start), what };
        let file: File = toml::from_str(text).map_err(|error| {
            at(error.span().map_or(0, |span| span.start), error.message().replace('\n', ", "))
        })?;
        let version = *file.version.get_ref();
        if version != VERSION {
            let what = format!("version: {version} is unknown here; this preau reads version {VERSION}");
            return Err(at(file.version.span().start, what));
        }
        if file.attributes.len() > ATTRIBUTES_MAX {
            return Err(at(0, format!("attributes: more than {ATTRIBUTES_MAX}; an application needs a few")));
        }
        // In the order of the file, which is the order applications are told them in.
        let mut written: Vec<_> = file.attributes.into_iter().collect();
        written.sort_by_key(|(name, _)| name.span().start);
        let mut attributes = Vec::new();
        for (name, value) in written {
            let name_text = name.get_ref();
            check_name(name_text).map_err(|what| at(name.span().start, what))?;
            let read = values(value.get_ref());
            let values = read.map_err(|what| at(value.span().start, format!("{name_text}: {what}")))?;
            attributes.push((name_text.clone(), values));
        }
        Ok(Self { attributes })
    }

    /// The attributes of `person`, in the order of the file; those without a value are left out.
    pub(super) fn release(&self, person: &Described) -> Vec<(&str, Vec<String>)> {
        let written = self.attributes.iter().map(|(name, values)| {
            let templates = match values {
                Values::ForAll(templates) => templates.as_slice(),
                Values::ByRole(roles) => roles
                    .iter()
                    .find(|(role, _)| *role == person.role)
                    .map_or(&[][..], |(_, templates)| templates),
            };
            (name.as_str(), templates.iter().flat_map(|template| template.filled(person)).collect::<Vec<_>>())
        });
        written.filter(|(_, values)| !values.is_empty()).collect()
    }
}

impl Template {
    /// Reads `text`, or says what is wrong with it.
    fn read(text: &str) -> Result<Self, String> {
        if text.len() > TEXT_BYTES_MAX || text.chars().any(char::is_control) {
            return Err(format!("a value is one line of at most {TEXT_BYTES_MAX} bytes"));
        }
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
                plain.push_str(&from[..1]);
                rest = after;
                continue;
            }
            let inside = from.strip_prefix('{').and_then(|inside| inside.split_once('}'));
            let Some((word, after)) = inside else {
                return Err(format!("`{text}`: a brace alone; write `{{{{` or `}}}}` for a brace"));
            };
            let known = Word::ALL.iter().find(|(name, _)| *name == word).ok_or_else(|| {
                let words: Vec<_> = Word::ALL.iter().map(|(name, _)| format!("`{{{name}}}`")).collect();
                format!("`{{{word}}}` is unknown; there are {}", words.join(", "))
            })?;
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Word(known.1));
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        let repeats =
            pieces.iter().filter(|piece| matches!(piece, Piece::Word(Word::Classes | Word::Groups))).count();
        if pieces.is_empty() || repeats > 1 {
            return Err(format!(
                "`{text}`: write something, with `{{classes}}` or `{{groups}}` once at most"
            ));
        }
        Ok(Self(pieces))
    }

    /// The values it gives for `person`: one, one for each class or group, or none.
    fn filled(&self, person: &Described) -> Vec<String> {
        let mut values = vec![String::new()];
        for piece in &self.0 {
            let alternatives = match piece {
                Piece::Text(text) => std::slice::from_ref(text),
                Piece::Word(word) => word.of(person),
            };
            values = values
                .iter()
                .flat_map(|before| alternatives.iter().map(move |more| format!("{before}{more}")))
                .collect();
        }
        values
    }
}

/// An attribute's name becomes the name of an XML element.
fn check_name(name: &str) -> Result<(), String> {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let fits = starts_well
        && name.len() <= TEXT_BYTES_MAX
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if !fits {
        return Err(format!("`{name}` cannot name an attribute; use letters, digits, `_`, `-`, `.`"));
    }
    if RESERVED.contains(&name) {
        return Err(format!("`{name}` is told by the box itself; choose another name"));
    }
    Ok(())
}

fn values(written: &Value) -> Result<Values, String> {
    let Value::Table(roles) = written else { return templates(written).map(Values::ForAll) };
    let by_role = roles.iter().map(|(role, value)| Ok((role.parse::<Role>()?, templates(value)?)));
    by_role.collect::<Result<_, String>>().map(Values::ByRole)
}

fn templates(written: &Value) -> Result<Vec<Template>, String> {
    match written {
        Value::String(text) => Ok(vec![Template::read(text)?]),
        Value::Array(items) if items.len() <= VALUES_MAX => items
            .iter()
            .map(|item| match item {
                Value::String(text) => Template::read(text),
                _ => Err("a list holds texts in quotes".to_owned()),
            })
            .collect(),
        Value::Array(_) => Err(format!("more than {VALUES_MAX} values")),
        _ => Err("write a text in quotes, a list of texts, or `{ eleve = \"…\" }` by role".to_owned()),
    }
}

impl fmt::Display for DialectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for DialectError {}

/// The line that holds byte `offset`, counted from 1.
fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A pupil of two classes.
    pub(in crate::portal::cas) fn pupil() -> Described {
        Described {
            id: String::from("e-0001"),
            login: Some(String::from("alix.exemple")),
            family_name: Some(String::from("Exemple")),
            given_name: None,
            display_name: String::from("Alix Exemple"),
            role: Role::Eleve,
            role_word: String::from("eleve"),
            school: String::from("0809999Z"),
            classes: vec![String::from("6A"), String::from("Chorale & chant")],
            groups: Vec::new(),
        }
    }

    #[track_caller]
    fn check(attribute: &str, expected: &[&str]) {
        let dialect = Dialect::parse(&format!("version = 1\n[attributes]\na = {attribute}\n")).unwrap();
        let person = pupil();
        let released = dialect.release(&person);
        let values = released.first().map_or(&[][..], |(_, values)| values);
        assert_eq!(values, expected, "{attribute}");
    }

    #[test]
    fn a_value_is_filled_from_what_is_known() {
        check("'fixe'", &["fixe"]);
        check("'{login}'", &["alix.exemple"]);
        check("'{id}@{uai}'", &["e-0001@0809999Z"]);
        check("'{display_name} ({role})'", &["Alix Exemple (eleve)"]);
        check("'{uai}${classes}'", &["0809999Z$6A", "0809999Z$Chorale & chant"]);
        check("['{uai}', 'x']", &["0809999Z", "x"]);
        check("'{{login}}'", &["{login}"]);
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        check("'{given_name}'", &[]);
        check("'{given_name} {family_name}'", &[]);
        check("['{given_name}', '{family_name}']", &["Exemple"]);
        check("'{groups}'", &[]);
    }

    #[test]
    fn a_profile_has_the_word_of_its_role_and_none_without() {
        check("{ eleve = 'National_1', enseignant = 'National_3' }", &["National_1"]);
        check("{ enseignant = 'National_3' }", &[]);
        check("{ eleve = ['a', '{id}'] }", &["a", "e-0001"]);
    }

    #[test]
    fn nothing_is_told_that_the_file_does_not_name() {
        let dialect = Dialect::parse("version = 1\n[attributes]\n").unwrap();
        assert!(dialect.release(&pupil()).is_empty());
    }

    #[test]
    fn attributes_keep_the_order_of_the_file() {
        let dialect = Dialect::parse("version = 1\n[attributes]\nz = '1'\na = '2'\n").unwrap();
        let person = pupil();
        let names: Vec<_> = dialect.release(&person).iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["z", "a"]);
    }

    #[test]
    fn a_fault_is_told_with_its_line() {
        for (attributes, line, what) in [
            ("a = 'x'\nb = '{nom}'", 4, "`{nom}` is unknown"),
            ("a = '{login'", 3, "a brace alone"),
            ("a = 'login}'", 3, "a brace alone"),
            ("a = ''", 3, "write something"),
            ("a = '{classes}{groups}'", 3, "once at most"),
            ("a = 1", 3, "write a text"),
            ("a = [1]", 3, "texts in quotes"),
            ("a = { pupil = 'x' }", 3, "`pupil` is no role"),
            ("'é' = 'x'", 3, "cannot name an attribute"),
            ("'a b' = 'x'", 3, "cannot name an attribute"),
            ("'1a' = 'x'", 3, "cannot name an attribute"),
            ("isFromNewLogin = 'x'", 3, "told by the box itself"),
            ("a = 'x'\na = 'y'", 4, "duplicate"),
            ("a = \"x\\ny\"", 3, "one line"),
            ("a = ", 3, ""),
        ] {
            let error = Dialect::parse(&format!("version = 1\n[attributes]\n{attributes}\n")).unwrap_err();
            assert_eq!(error.line, line, "{attributes}: {error}");
            assert!(error.what.contains(what), "{attributes}: {error}");
        }
        assert!(Dialect::parse("version = 2\n[attributes]\n").unwrap_err().what.contains("version"));
        assert!(Dialect::parse("version = 1\nnom = 1\n[attributes]\n").is_err());
        assert!(Dialect::parse("").is_err());
    }

    #[test]
    fn the_dialects_that_come_with_the_box_are_sound() {
        for (name, text) in [
            ("simple", include_str!("../../../config/dialects/simple.toml")),
            ("sdet", include_str!("../../../config/dialects/sdet.toml")),
            ("gar", include_str!("../../../config/dialects/gar.toml")),
        ] {
            let dialect = Dialect::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(!dialect.release(&pupil()).is_empty(), "{name}");
        }
    }
}
