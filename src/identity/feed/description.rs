//! The description of a CSV, so that any list can be read without being rewritten.
//!
//! ```toml
//! separator = ";"                  # one of , ; | and tab ("\t")
//! encoding = "windows-1252"        # optional; absent: UTF-8, and ISO-8859-15 where it is not
//! dates = "JJ/MM/AAAA"             # optional; or "AAAA-MM-JJ"; absent: either
//! classes_separator = "|"          # optional; absent: one class, one group
//! school = "0809999Z"              # optional: the school of everybody, where no column says it
//! role = "eleve"                   # optional: the role of everybody, where no column says it
//!
//! [columns]                        # what we call it = what the header calls it
//! id = "Identifiant"               # needed, as are both names
//! family_name = "Nom"
//! given_name = "Prénom"
//! login = "Login"                  # optional, as are those below
//! birth_date = "Né le"
//! role = "Profil"
//! classes = "Classe"
//! groups = "Groupes"
//! school = "UAI"
//! password = "Empreinte"           # a PHC string of argon2id
//!
//! [roles]                          # what the column says = eleve, enseignant, administratif or referent
//! "Élève" = "eleve"
//! ```

use std::{collections::BTreeMap, ops::Range};

use encoding_rs::Encoding;
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use super::fold::fold;
use crate::model::{Role, Uai};

/// The longest description in bytes.
const BYTES_MAX: usize = 1 << 16;

/// Where a description is wrong, and what to do about it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}: {what}")]
pub struct CsvDescriptionError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub what: String,
}

/// How dates are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dates {
    DayFirst,
    YearFirst,
    Either,
}

/// The names of the columns in the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ColumnNames {
    pub(super) id: String,
    pub(super) family_name: String,
    pub(super) given_name: String,
    pub(super) login: Option<String>,
    pub(super) birth_date: Option<String>,
    pub(super) role: Option<String>,
    pub(super) classes: Option<String>,
    pub(super) groups: Option<String>,
    pub(super) school: Option<String>,
    pub(super) password: Option<String>,
}

/// What a CSV is made of.
#[derive(Clone, Debug)]
pub struct CsvDescription {
    pub(super) separator: u8,
    pub(super) encoding: Option<&'static Encoding>,
    pub(super) dates: Dates,
    pub(super) classes_separator: Option<char>,
    pub(super) school: Option<Uai>,
    pub(super) role: Option<Role>,
    pub(super) columns: ColumnNames,
    /// Folded words of the role's column.
    roles: BTreeMap<String, Role>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    separator: Spanned<String>,
    encoding: Option<Spanned<String>>,
    dates: Option<Spanned<String>>,
    classes_separator: Option<Spanned<String>>,
    school: Option<Spanned<String>>,
    role: Option<Spanned<String>>,
    columns: Spanned<ColumnsSpec>,
    #[serde(default)]
    roles: BTreeMap<String, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnsSpec {
    id: String,
    family_name: String,
    given_name: String,
    login: Option<String>,
    birth_date: Option<String>,
    role: Option<String>,
    classes: Option<String>,
    groups: Option<String>,
    school: Option<String>,
    password: Option<String>,
}

impl CsvDescription {
    /// Reads the description `text`.
    ///
    /// # Errors
    /// With the line and what to do, when it is not as the head of this file shows.
    pub fn parse(text: &str) -> Result<Self, CsvDescriptionError> {
        let fault = |span: Range<usize>, what: String| {
            let before = text.get(..span.start).unwrap_or("");
            CsvDescriptionError { line: 1 + before.matches('\n').count(), what }
        };
        if text.len() > BYTES_MAX {
            return Err(fault(0..0, format!("longer than {BYTES_MAX} bytes; this is no description")));
        }
        let spec: Spec = toml::from_str(text)
            .map_err(|error| fault(error.span().unwrap_or(0..0), error.message().replace('\n', ", ")))?;
        let at = |value: &Spanned<String>, what: &str| {
            fault(value.span(), format!("`{}` is {what}", value.get_ref()))
        };
        let separator = match spec.separator.get_ref().as_bytes() {
            [separator @ (b',' | b';' | b'|' | b'\t')] => *separator,
            _ => return Err(at(&spec.separator, "no separator; write one of `,` `;` `|` or a tab")),
        };
        let encoding = optional(&spec.encoding, |label| match label {
            "utf-8" => Some(encoding_rs::UTF_8),
            "iso-8859-1" | "windows-1252" => Some(encoding_rs::WINDOWS_1252),
            "iso-8859-15" => Some(encoding_rs::ISO_8859_15),
            _ => None,
        })
        .map_err(|value| at(value, "no encoding; write utf-8, iso-8859-1, iso-8859-15 or windows-1252"))?;
        let dates = optional(&spec.dates, |format| match format {
            "JJ/MM/AAAA" => Some(Dates::DayFirst),
            "AAAA-MM-JJ" => Some(Dates::YearFirst),
            _ => None,
        })
        .map_err(|value| at(value, "no form of dates; write JJ/MM/AAAA or AAAA-MM-JJ"))?;
        let classes_separator = optional(&spec.classes_separator, |text| {
            let mut letters = text.chars();
            letters.next().filter(|_| letters.next().is_none())
        })
        .map_err(|value| at(value, "not one character"))?;
        let school = optional(&spec.school, Uai::new)
            .map_err(|value| at(value, "no UAI; write seven digits and a capital letter"))?;
        let role = optional(&spec.role, |word| role(word)).map_err(|value| at(value, NO_ROLE))?;
        let mut roles = BTreeMap::new();
        for (word, value) in &spec.roles {
            let known = role_of(value).ok_or_else(|| at(value, NO_ROLE))?;
            if roles.insert(fold(word), known).is_some_and(|before| before != known) {
                return Err(at(value, "the second role of one word"));
            }
        }
        if role.is_none() == spec.columns.get_ref().role.is_none() {
            let what = "the role comes from `columns.role` or from `role`, from one of the two".to_owned();
            return Err(fault(spec.columns.span(), what));
        }
        let span = spec.columns.span();
        let columns = spec.columns.into_inner().checked().map_err(|what| fault(span, what))?;
        let dates = dates.unwrap_or(Dates::Either);
        // UTF-8 is what is read anyway, more kindly.
        let encoding = encoding.filter(|encoding| *encoding != encoding_rs::UTF_8);
        Ok(Self { separator, encoding, dates, classes_separator, school, role, columns, roles })
    }

    /// The role that the column calls `word`.
    pub(super) fn role_called(&self, word: &str) -> Option<Role> {
        if self.roles.is_empty() { role(word.trim()) } else { self.roles.get(&fold(word)).copied() }
    }
}

const NO_ROLE: &str = "no role; write eleve, enseignant, administratif or referent";

/// Visitors come with vouchers, never with a list.
fn role(word: &str) -> Option<Role> {
    word.parse().ok().filter(|role| *role != Role::Invite)
}

fn role_of(value: &Spanned<String>) -> Option<Role> {
    role(value.get_ref())
}

fn optional<T>(
    value: &Option<Spanned<String>>,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, &Spanned<String>> {
    value.as_ref().map(|value| read(value.get_ref()).ok_or(value)).transpose()
}

impl ColumnsSpec {
    /// The names without spaces around them, each of them once and none empty.
    fn checked(self) -> Result<ColumnNames, String> {
        let Self { id, family_name, given_name, login, birth_date, role, classes, groups, school, password } =
            self;
        let tidy = |name: String| name.trim().to_owned();
        let names = ColumnNames {
            id: tidy(id),
            family_name: tidy(family_name),
            given_name: tidy(given_name),
            login: login.map(tidy),
            birth_date: birth_date.map(tidy),
            role: role.map(tidy),
            classes: classes.map(tidy),
            groups: groups.map(tidy),
            school: school.map(tidy),
            password: password.map(tidy),
        };
        let needed = [&names.id, &names.family_name, &names.given_name].into_iter();
        let others = [
            &names.login,
            &names.birth_date,
            &names.role,
            &names.classes,
            &names.groups,
            &names.school,
            &names.password,
        ];
        let mut all: Vec<_> = needed.chain(others.into_iter().flatten()).collect();
        if all.iter().any(|name| name.is_empty()) {
            return Err("a column has no name; write what the header calls it".to_owned());
        }
        all.sort();
        if let Some(twice) = all.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("the column `{}` is given two meanings", twice[0]));
        }
        Ok(names)
    }
}
