//! A CSV with its description, read line by line.

use std::io::Read;

use jiff::civil::Date;

use super::{
    CsvDescription, Item, NoteKind, PersonRecord, Reason,
    delivery::{Out, shown},
    description::Dates,
    note::Notes,
    records::Break,
    rows::{Extra, Row, Rows},
    seen::{Seen, Sight},
    value::{NAME_CHARS_MAX, WORD_CHARS_MAX, date, word},
};
use crate::model::{AccountId, Attachment, ClassName, Person, Uai};

/// The longest hash of a password, in characters.
const PASSWORD_CHARS_MAX: usize = 500;

/// The most classes or groups of one person.
const CLASSES_MAX: usize = 200;

/// Where the described columns stand.
struct Columns<'a> {
    description: &'a CsvDescription,
    here: Option<&'a Uai>,
    id: usize,
    family_name: usize,
    given_name: usize,
    login: Option<usize>,
    birth_date: Option<usize>,
    role: Option<usize>,
    classes: Option<usize>,
    groups: Option<usize>,
    school: Option<usize>,
    password: Option<usize>,
}

impl<'a> Columns<'a> {
    fn of(header: &[String], description: &'a CsvDescription, here: Option<&'a Uai>) -> Result<Self, Reason> {
        let names = &description.columns;
        let place = |name: &String| {
            let mut places = header.iter().enumerate().filter(|(_, known)| *known == name);
            match (places.next(), places.next()) {
                (Some((place, _)), None) => Ok(place),
                _ => Err(Reason::NoColumn(name.clone())),
            }
        };
        let optional = |name: &Option<String>| name.as_ref().map(place).transpose();
        Ok(Self {
            description,
            here: description.school.as_ref().or(here),
            id: place(&names.id)?,
            family_name: place(&names.family_name)?,
            given_name: place(&names.given_name)?,
            login: optional(&names.login)?,
            birth_date: optional(&names.birth_date)?,
            role: optional(&names.role)?,
            classes: optional(&names.classes)?,
            groups: optional(&names.groups)?,
            school: optional(&names.school)?,
            password: optional(&names.password)?,
        })
    }

    fn person(&self, row: &Row<'_>, notes: &mut Notes) -> Result<PersonRecord, Reason> {
        if let Some(fault) = &row.fault {
            return Err(fault.clone());
        }
        let names = &self.description.columns;
        let field = |place: Option<usize>| place.and_then(|place| row.fields.get(place)).unwrap_or("");
        let needed =
            |name: &str, place: usize, chars_max: usize| match word(name, field(Some(place)), chars_max)? {
                value if value.is_empty() => Err(Reason::Missing(name.to_owned())),
                value => Ok(value),
            };
        let optional = |name: &Option<String>, place: Option<usize>, chars_max: usize| {
            let value = word(name.as_deref().unwrap_or(""), field(place), chars_max)?;
            Ok(Some(value).filter(|value| !value.is_empty()))
        };
        let id = word(&names.id, field(Some(self.id)), WORD_CHARS_MAX)?;
        if id.is_empty() {
            return Err(Reason::NoIdentifier);
        }
        let role = match self.description.role {
            Some(role) => role,
            None => {
                let said = optional(&names.role, self.role, WORD_CHARS_MAX)?.unwrap_or_default();
                self.description.role_called(&said).ok_or(Reason::NoRole(said))?
            }
        };
        let birth_text = optional(&names.birth_date, self.birth_date, WORD_CHARS_MAX)?;
        let birth_date = birth_text.as_deref().and_then(|text| self.date(text));
        if let (Some(_), None, Some(name)) = (&birth_text, birth_date, &names.birth_date) {
            notes.take(NoteKind::NotADate(name.clone()), row.line);
        }
        let school = match optional(&names.school, self.school, WORD_CHARS_MAX)? {
            Some(code) => Uai::new(&code.to_ascii_uppercase()).ok_or(Reason::NotUai)?,
            None => self.here.cloned().ok_or(Reason::NoSchool)?,
        };
        let classes = self.names(names.classes.as_deref(), field(self.classes))?;
        let groups = self.names(names.groups.as_deref(), field(self.groups))?;
        let person = Person {
            id: AccountId::new(&id),
            login: optional(&names.login, self.login, WORD_CHARS_MAX)?,
            family_name: needed(&names.family_name, self.family_name, NAME_CHARS_MAX)?,
            given_name: needed(&names.given_name, self.given_name, NAME_CHARS_MAX)?,
            birth_date,
            role,
            schools: vec![Attachment { school, classes, groups }],
        };
        let password = optional(&names.password, self.password, PASSWORD_CHARS_MAX)?;
        Ok(PersonRecord { person, password, has_left: None })
    }

    fn date(&self, text: &str) -> Option<Date> {
        let is_right = match self.description.dates {
            Dates::DayFirst => text.contains('/'),
            Dates::YearFirst => text.contains('-'),
            Dates::Either => true,
        };
        is_right.then(|| date(text)).flatten()
    }

    fn names(&self, column: Option<&str>, text: &str) -> Result<Vec<ClassName>, Reason> {
        let column = column.unwrap_or("");
        let mut names = Vec::new();
        for part in text.split(|letter| Some(letter) == self.description.classes_separator) {
            let name = word(column, part, WORD_CHARS_MAX)?;
            let name = ClassName::new(&name);
            if name.as_str().is_empty() || names.contains(&name) {
                continue;
            }
            if names.len() == CLASSES_MAX {
                return Err(Reason::TooLarge);
            }
            names.push(name);
        }
        Ok(names)
    }
}

/// Reads one CSV as `description` says; `here` is the school where neither the file nor the description names one.
///
/// # Errors
/// When `out` fails, or the delivery is larger than any real one.
pub(super) fn read(
    input: impl Read,
    file: &str,
    description: &CsvDescription,
    here: Option<&Uai>,
    seen: &mut Seen,
    out: &mut Out<'_>,
) -> anyhow::Result<()> {
    let mut rows = match Rows::new(input, description.separator, description.encoding, Extra::Refused) {
        Ok(rows) => rows,
        Err(Break { line, reason }) => return out.refuse(file, line, None, reason),
    };
    let columns = match Columns::of(rows.header(), description, here) {
        Ok(columns) => columns,
        Err(reason) => return out.refuse(file, 1, None, reason),
    };
    let mut notes = Notes::default();
    loop {
        let row = match rows.read() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(Break { line, reason }) => {
                out.refuse(file, line, None, reason)?;
                break;
            }
        };
        match columns.person(&row, &mut notes) {
            Err(reason) => {
                let id = row.fields.get(columns.id).map(shown).filter(|id| !id.is_empty());
                out.refuse(file, row.line, id.map(|id| AccountId::new(&id)), reason)?;
            }
            Ok(record) => {
                match seen.take(record.person.id.as_str(), row.fields.iter().collect::<Vec<_>>())? {
                    Sight::First => out.give(Item::Person(Box::new(record)))?,
                    Sight::Again => notes.take(NoteKind::Repeated, row.line),
                    Sight::Other => out.refuse(file, row.line, Some(record.person.id), Reason::SeenBefore)?,
                }
            }
        }
    }
    out.note(file, rows.notes())?;
    out.note(file, notes)
}
