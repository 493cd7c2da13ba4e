//! What the attributes of one request say, still in the words of the delivery: schools by their keys.

use jiff::civil::Date;

use super::{
    NoteKind, Reason,
    attributes::{Meaning, Shape, meaning},
    note::Notes,
    records::{Attribute, Record},
    schools::KEY_CHARS_MAX,
    value::{NAME_CHARS_MAX, WORD_CHARS_MAX, date, part, plain, word},
};
use crate::model::ClassName;

/// What a request says of a person or school. A field that is none was not named; one that is empty is known to be so.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) person_id: Option<String>,
    pub(super) family_name: Option<String>,
    pub(super) given_name: Option<String>,
    pub(super) birth_date: Option<Option<Date>>,
    pub(super) main_school: Option<String>,
    pub(super) classes: Option<Vec<(String, ClassName)>>,
    /// Classes named beside their own attribute: of a whole person they count, of a change they do not.
    pub(super) classes_again: Vec<(String, ClassName)>,
    pub(super) groups: Option<Vec<(String, ClassName)>>,
    pub(super) groups_again: Vec<(String, ClassName)>,
    /// Posts: the school and the code of the function.
    pub(super) functions: Option<Vec<(String, String)>>,
    pub(super) stands_before_pupils: Option<bool>,
    pub(super) leaving_date: Option<Option<Date>>,
    pub(super) school_key: Option<String>,
    pub(super) school_uai: Option<String>,
    pub(super) school_name: Option<String>,
}

impl Fields {
    /// What `record` says.
    ///
    /// # Errors
    /// When a value cannot be what its attribute says.
    pub(super) fn of(record: &Record, notes: &mut Notes) -> Result<Self, Reason> {
        let mut fields = Self::default();
        for attribute in &record.attributes {
            let Some(meaning) = meaning(&attribute.name) else {
                let name: String = attribute.name.chars().take(WORD_CHARS_MAX).collect();
                notes.take(NoteKind::UnknownAttribute(name), record.line);
                continue;
            };
            fields.take(meaning, attribute, record.line, notes)?;
        }
        Ok(fields)
    }

    fn take(
        &mut self,
        meaning: Meaning,
        attribute: &Attribute,
        line: u64,
        notes: &mut Notes,
    ) -> Result<(), Reason> {
        match meaning {
            Meaning::PersonId => one(&mut self.person_id, attribute, WORD_CHARS_MAX),
            Meaning::FamilyName => one(&mut self.family_name, attribute, NAME_CHARS_MAX),
            Meaning::GivenName => one(&mut self.given_name, attribute, NAME_CHARS_MAX),
            Meaning::MainSchool => one(&mut self.main_school, attribute, KEY_CHARS_MAX),
            Meaning::SchoolKey => one(&mut self.school_key, attribute, KEY_CHARS_MAX),
            Meaning::SchoolUai => one(&mut self.school_uai, attribute, KEY_CHARS_MAX),
            Meaning::SchoolName => one(&mut self.school_name, attribute, NAME_CHARS_MAX),
            Meaning::BirthDate => {
                let mut text = None;
                one(&mut text, attribute, WORD_CHARS_MAX)?;
                only(&mut self.birth_date, read_date(attribute, text, line, notes), attribute)
            }
            Meaning::LeavingDate => {
                // Written alone or behind the school's key.
                let text = attribute.values.first().map(|value| {
                    let plain = plain(value);
                    plain.rsplit('$').next().unwrap_or("").to_owned()
                });
                self.leaving_date = Some(read_date(attribute, text, line, notes));
                Ok(())
            }
            Meaning::StandsBeforePupils => {
                let mut text = None;
                one(&mut text, attribute, WORD_CHARS_MAX)?;
                self.stands_before_pupils = text.map(|word| word == "O");
                Ok(())
            }
            Meaning::Classes(shape) => {
                let names = classes(attribute, shape, line, notes)?;
                match shape {
                    Shape::Again => self.classes_again.extend(names),
                    Shape::Second | Shape::Fifth => self.classes.get_or_insert_default().extend(names),
                }
                Ok(())
            }
            Meaning::Groups(shape) => {
                let names = classes(attribute, shape, line, notes)?;
                match shape {
                    Shape::Again => self.groups_again.extend(names),
                    Shape::Second | Shape::Fifth => self.groups.get_or_insert_default().extend(names),
                }
                Ok(())
            }
            Meaning::Functions => {
                let functions = self.functions.get_or_insert_default();
                for value in
                    attribute.values.iter().map(|value| plain(value)).filter(|value| !value.is_empty())
                {
                    let key = word(&attribute.name, part(&value, 0), KEY_CHARS_MAX)?;
                    functions.push((key, word(&attribute.name, part(&value, 1), WORD_CHARS_MAX)?));
                }
                Ok(())
            }
            Meaning::NotKept => Ok(()),
        }
    }
}

/// Puts the one value of `attribute` into `field`.
fn one(field: &mut Option<String>, attribute: &Attribute, chars_max: usize) -> Result<(), Reason> {
    let mut found = String::new();
    for value in &attribute.values {
        let value = word(&attribute.name, value, chars_max)?;
        if found.is_empty() {
            found = value;
        } else if !value.is_empty() && value != found {
            return Err(Reason::Contradiction(attribute.name.clone()));
        }
    }
    // Two names of one thing may both be written, one of them empty.
    if found.is_empty() && field.is_some() {
        return Ok(());
    }
    match field {
        Some(known) if !known.is_empty() => only(field, found, attribute),
        _ => {
            *field = Some(found);
            Ok(())
        }
    }
}

/// Puts `value` into `field` unless it holds another one.
fn only<T: PartialEq>(field: &mut Option<T>, value: T, attribute: &Attribute) -> Result<(), Reason> {
    match field {
        Some(known) if *known != value => Err(Reason::Contradiction(attribute.name.clone())),
        Some(_) => Ok(()),
        None => {
            *field = Some(value);
            Ok(())
        }
    }
}

fn read_date(attribute: &Attribute, text: Option<String>, line: u64, notes: &mut Notes) -> Option<Date> {
    let text = text.filter(|text| !text.is_empty())?;
    let date = date(&text);
    if date.is_none() {
        notes.take(NoteKind::NotADate(attribute.name.clone()), line);
    }
    date
}

/// The classes or groups of `attribute`, each with the key of its school. The same name in two schools is two classes.
fn classes(
    attribute: &Attribute,
    shape: Shape,
    line: u64,
    notes: &mut Notes,
) -> Result<Vec<(String, ClassName)>, Reason> {
    let mut names = Vec::new();
    for value in attribute.values.iter().map(|value| plain(value)).filter(|value| !value.is_empty()) {
        let name = match shape {
            Shape::Second | Shape::Again => part(&value, 1),
            Shape::Fifth if part(&value, 4).is_empty() => part(&value, 3),
            Shape::Fifth => part(&value, 4),
        };
        let key = part(&value, 0);
        if key.is_empty() || name.is_empty() {
            notes.take(NoteKind::NotComposite(attribute.name.clone()), line);
            continue;
        }
        let name = word(&attribute.name, name, WORD_CHARS_MAX)?;
        names.push((word(&attribute.name, key, KEY_CHARS_MAX)?, ClassName::new(&name)));
    }
    Ok(names)
}
