//! The exports of ONDE, the primary schools' register: tables of pupils and of teachers, as CSV with `;`.
//!
//! They bear no identifier. A person's is made of the school, both names and the date of birth, without accents and case:
//! `onde:` and sixteen hexadecimal digits of their BLAKE3 digest. Two persons whom that does not tell apart are both
//! refused, because which of them an account belongs to would hang on the order of lines.

use std::{collections::HashSet, io::Read};

use super::{
    Item, NoteKind, PersonRecord, Reason,
    delivery::Out,
    fold::fold,
    note::Notes,
    records::Break,
    rows::{Extra, Row, Rows},
    seen::{Seen, Sight},
    value::{NAME_CHARS_MAX, WORD_CHARS_MAX, date, word},
};
use crate::model::{AccountId, Attachment, ClassName, Person, Role, Uai};

/// What a table of ONDE lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Pupils,
    Teachers,
    Guardians,
}

/// Where the columns stand that are read.
struct Columns {
    table: Table,
    family_name: usize,
    name_in_use: Option<usize>,
    given_name: usize,
    birth_date: Option<usize>,
    class: Option<usize>,
}

/// What the file that begins with `head` lists; none where it is no export of ONDE.
pub(super) fn table(head: &[u8]) -> Option<Table> {
    let rows = Rows::new(head, b';', None, Extra::Kept).ok()?;
    table_of(&rows.header().iter().map(|name| fold(name)).collect::<Vec<_>>())
}

fn table_of(header: &[String]) -> Option<Table> {
    let has = |name: &str| header.iter().any(|known| known == name);
    if has("nom eleve") && has("prenom eleve") && has("date naissance") {
        Some(Table::Pupils)
    } else if has("nom de famille enfant") || has("nom d usage enfant") {
        Some(Table::Guardians)
    } else if has("nom") && has("prenom") && has("directeur") {
        Some(Table::Teachers)
    } else {
        None
    }
}

impl Columns {
    fn of(header: &[String]) -> Result<Self, Reason> {
        let folded: Vec<_> = header.iter().map(|name| fold(name)).collect();
        let place = |name: &str| folded.iter().position(|known| known == name);
        let needed = |name: &str| place(name).ok_or_else(|| Reason::NoColumn(name.to_owned()));
        match table_of(&folded) {
            Some(Table::Pupils) => Ok(Self {
                table: Table::Pupils,
                family_name: needed("nom eleve")?,
                name_in_use: place("nom d usage eleve"),
                given_name: needed("prenom eleve")?,
                birth_date: Some(needed("date naissance")?),
                class: place("classe"),
            }),
            Some(Table::Teachers) => Ok(Self {
                table: Table::Teachers,
                family_name: needed("nom")?,
                name_in_use: place("nom usage"),
                given_name: needed("prenom")?,
                birth_date: None,
                class: place("classe"),
            }),
            Some(Table::Guardians) | None => Err(Reason::NoColumn("Nom Elève".to_owned())),
        }
    }

    /// The person of `row`, who is in the school `here`.
    fn person(&self, row: &Row<'_>, here: &Uai) -> Result<Person, Reason> {
        if let Some(fault) = &row.fault {
            return Err(fault.clone());
        }
        let field = |place: Option<usize>| place.and_then(|place| row.fields.get(place)).unwrap_or("");
        let name = |what: &str, place: usize| match word(what, field(Some(place)), NAME_CHARS_MAX)? {
            name if name.is_empty() => Err(Reason::Missing(what.to_owned())),
            name => Ok(name),
        };
        let family_name = name("Nom", self.family_name)?;
        let given_name = name("Prénom", self.given_name)?;
        let in_use = word("Nom d'usage", field(self.name_in_use), NAME_CHARS_MAX)?;
        let birth_date = match self.birth_date {
            None => None,
            Some(place) => {
                let date = date(field(Some(place)));
                Some(date.ok_or_else(|| Reason::NotADate("Date naissance".to_owned()))?)
            }
        };
        // A teacher's further classes stand in the columns behind the first.
        let width = if self.table == Table::Teachers { usize::MAX } else { 1 };
        let mut classes = Vec::new();
        for class in row.fields.iter().skip(self.class.unwrap_or(usize::MAX)).take(width) {
            let class = word("Classe", class, WORD_CHARS_MAX)?;
            if !class.is_empty() {
                classes.push(ClassName::new(&class));
            }
        }
        let birth_text = birth_date.map(|date| date.to_string()).unwrap_or_default();
        Ok(Person {
            id: identifier(here, [&fold(&family_name), &fold(&given_name), &birth_text]),
            login: None,
            family_name: if in_use.is_empty() { family_name } else { in_use },
            given_name,
            birth_date,
            role: if self.table == Table::Pupils { Role::Eleve } else { Role::Enseignant },
            schools: vec![Attachment { school: here.clone(), classes, groups: Vec::new() }],
        })
    }
}

fn identifier(here: &Uai, parts: [&str; 3]) -> AccountId {
    let mut digest = blake3::Hasher::new();
    digest.update(here.as_str().as_bytes());
    for part in parts {
        digest.update(&[0]);
        digest.update(part.as_bytes());
    }
    let hex = digest.finalize().to_hex();
    AccountId::new(&format!("onde:{}", &hex[..16]))
}

/// The identifiers that several persons of a file share.
///
/// # Errors
/// When the file holds more persons than any does.
pub(super) fn shared(
    input: impl Read,
    here: &Uai,
    seen: &mut Seen,
    shared: &mut HashSet<AccountId>,
) -> anyhow::Result<()> {
    // What is wrong with the file is said when the persons are read.
    let Ok(mut rows) = Rows::new(input, b';', None, Extra::Kept) else { return Ok(()) };
    let Ok(columns) = Columns::of(rows.header()) else { return Ok(()) };
    while let Ok(Some(row)) = rows.read() {
        if let Ok(person) = columns.person(&row, here)
            && seen.take(person.id.as_str(), row.fields.iter().collect::<Vec<_>>())? == Sight::Other
        {
            shared.insert(person.id);
        }
    }
    Ok(())
}

/// Reads one file of an export of the school `here`; `shared` are the identifiers that nobody gets.
///
/// # Errors
/// When `out` fails, or the delivery is larger than any real one.
pub(super) fn read(
    input: impl Read,
    file: &str,
    here: &Uai,
    shared: &HashSet<AccountId>,
    seen: &mut Seen,
    out: &mut Out<'_>,
) -> anyhow::Result<()> {
    let mut rows = match Rows::new(input, b';', None, Extra::Kept) {
        Ok(rows) => rows,
        Err(Break { line, reason }) => return out.refuse(file, line, None, reason),
    };
    let columns = match Columns::of(rows.header()) {
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
        match columns.person(&row, here) {
            Err(reason) => out.refuse(file, row.line, None, reason)?,
            Ok(person) if shared.contains(&person.id) => {
                out.refuse(file, row.line, Some(person.id), Reason::TwoAlike)?;
            }
            Ok(person) => {
                if seen.take(person.id.as_str(), ())? == Sight::First {
                    let record = PersonRecord { person, password: None, has_left: None };
                    out.give(Item::Person(Box::new(record)))?;
                } else {
                    notes.take(NoteKind::Repeated, row.line);
                }
            }
        }
    }
    out.note(file, rows.notes())?;
    out.note(file, notes)
}
