//! Persons and changes as they stand in rows, and back.

use std::str::FromStr;

use anyhow::{Context as _, ensure};
use jiff::civil::Date;
use rusqlite::{Row, types::Type};
use serde::{Deserialize, Serialize};

use crate::{
    identity::feed::{Format, PersonChange, PersonRecord},
    model::{AccountId, Attachment, ClassName, Person, Role, Uai},
};

/// The columns of [`Fields`], in their order.
pub(super) const FIELDS: &str =
    "source_login, family_name, given_name, birth_date, role, schools, password, ends_on";

/// Where persons come from. A delivery speaks for its own source only: who is missing in a CSV file was never in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The académie: AAF, AAF-1D and GPEI name people by the same identifiers.
    Annuaire,
    Onde,
    Csv,
}

impl Source {
    pub(super) const fn of(format: Format) -> Self {
        match format {
            Format::Aaf | Format::Aaf1d | Format::Gpei => Self::Annuaire,
            Format::Onde => Self::Onde,
            Format::Csv => Self::Csv,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Annuaire => "annuaire",
            Self::Onde => "onde",
            Self::Csv => "csv",
        }
    }
}

/// What a person is, in the columns [`FIELDS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) source_login: Option<String>,
    pub(super) family_name: String,
    pub(super) given_name: String,
    pub(super) birth_date: Option<String>,
    pub(super) role: &'static str,
    pub(super) schools: String,
    pub(super) password: Option<String>,
    pub(super) ends_on: Option<String>,
}

impl Fields {
    pub(super) fn of(record: &PersonRecord) -> anyhow::Result<Self> {
        let PersonRecord { person, password, has_left } = record;
        let Person { id: _, login, family_name, given_name, birth_date, role, schools } = person;
        Ok(Self {
            source_login: login.as_deref().map(super::login::compared).filter(|login| !login.is_empty()),
            family_name: family_name.clone(),
            given_name: given_name.clone(),
            birth_date: birth_date.map(|date| date.to_string()),
            role: role.word(),
            schools: schools_text(schools)?,
            password: password.clone(),
            ends_on: has_left.map(|date| date.to_string()),
        })
    }
}

/// The person of a row that begins with `id` and [`FIELDS`].
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<PersonRecord> {
    let person = Person {
        id: AccountId::new(row.get_ref(0)?.as_str()?),
        login: row.get(1)?,
        family_name: row.get(2)?,
        given_name: row.get(3)?,
        birth_date: parsed(row, 4)?,
        role: parsed::<Role>(row, 5)?.ok_or_else(|| foreign(5, "no role".to_owned()))?,
        schools: schools(row.get_ref(6)?.as_str()?).map_err(|cause| foreign(6, format!("{cause:#}")))?,
    };
    Ok(PersonRecord { person, password: row.get(7)?, has_left: parsed(row, 8)? })
}

/// A text of the row in its own type.
pub(super) fn parsed<T: FromStr>(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<T>>
where
    T::Err: ToString,
{
    let text: Option<String> = row.get(index)?;
    text.map(|text| text.parse().map_err(|error: T::Err| foreign(index, error.to_string()))).transpose()
}

/// The error of a row that this module did not write.
fn foreign(index: usize, what: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, what.into())
}

/// One school on disk: its code, the classes, the groups.
#[derive(Serialize, Deserialize)]
struct SchoolText(String, Vec<String>, Vec<String>);

/// Schools as text: the main one first, the others sorted, their classes and groups sorted.
fn schools_text(schools: &[Attachment]) -> anyhow::Result<String> {
    let sorted = |names: &[ClassName]| {
        let mut names: Vec<_> = names.iter().map(|name| name.as_str().to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let mut texts: Vec<_> = schools
        .iter()
        .map(|at| SchoolText(at.school.as_str().to_owned(), sorted(&at.classes), sorted(&at.groups)))
        .collect();
    if let Some((_main, others)) = texts.split_first_mut() {
        others.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    }
    Ok(serde_json::to_string(&texts)?)
}

/// The schools written as `text`.
pub(super) fn schools(text: &str) -> anyhow::Result<Vec<Attachment>> {
    let texts: Vec<SchoolText> = serde_json::from_str(text).context("no list of schools")?;
    let names = |names: Vec<String>| names.iter().map(|name| ClassName::new(name)).collect();
    texts
        .into_iter()
        .map(|SchoolText(uai, classes, groups)| {
            let school = Uai::new(&uai).context("no code of a school")?;
            Ok(Attachment { school, classes: names(classes), groups: names(groups) })
        })
        .collect()
}

/// A change on disk. An empty text stands for what is known to be empty.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeText {
    family_name: Option<String>,
    given_name: Option<String>,
    birth_date: Option<String>,
    role: Option<String>,
    main_school: Option<String>,
    posts: Option<Vec<String>>,
    classes: Option<Vec<(String, String)>>,
    groups: Option<Vec<(String, String)>>,
    has_left: Option<String>,
}

/// The change as text.
pub(super) fn change_text(change: &PersonChange) -> anyhow::Result<String> {
    let PersonChange {
        id: _,
        family_name,
        given_name,
        birth_date,
        role,
        main_school,
        posts,
        classes,
        groups,
        has_left,
    } = change;
    let date =
        |date: &Option<Option<Date>>| date.map(|date| date.map_or(String::new(), |date| date.to_string()));
    let named = |names: &Option<Vec<(Uai, ClassName)>>| {
        let pair = |(at, name): &(Uai, ClassName)| (at.as_str().to_owned(), name.as_str().to_owned());
        names.as_ref().map(|names| names.iter().map(pair).collect())
    };
    let code = |uai: &Uai| uai.as_str().to_owned();
    Ok(serde_json::to_string(&ChangeText {
        family_name: family_name.clone(),
        given_name: given_name.clone(),
        birth_date: date(birth_date),
        role: role.map(|role| role.word().to_owned()),
        main_school: main_school.as_ref().map(code),
        posts: posts.as_ref().map(|posts| posts.iter().map(code).collect()),
        classes: named(classes),
        groups: named(groups),
        has_left: date(has_left),
    })?)
}

/// The change of `id` written as `text`.
pub(super) fn change(id: AccountId, text: &str) -> anyhow::Result<PersonChange> {
    let written: ChangeText = serde_json::from_str(text).context("no change of a person")?;
    let uai = |text: &String| Uai::new(text).context("no code of a school");
    let date = |text: Option<String>| -> anyhow::Result<Option<Option<Date>>> {
        text.map(|text| if text.is_empty() { Ok(None) } else { Ok(Some(text.parse()?)) }).transpose()
    };
    let named = |names: Option<Vec<(String, String)>>| -> anyhow::Result<Option<Vec<_>>> {
        let pair = |(at, name): &(String, String)| Ok((uai(at)?, ClassName::new(name)));
        names.map(|names| names.iter().map(pair).collect()).transpose()
    };
    let role = written.role.map(|word| word.parse::<Role>()).transpose();
    ensure!(role.is_ok(), "no role");
    Ok(PersonChange {
        id,
        family_name: written.family_name,
        given_name: written.given_name,
        birth_date: date(written.birth_date)?,
        role: role.unwrap_or_default(),
        main_school: written.main_school.as_ref().map(uai).transpose()?,
        posts: written.posts.map(|posts| posts.iter().map(uai).collect()).transpose()?,
        classes: named(written.classes)?,
        groups: named(written.groups)?,
        has_left: date(written.has_left)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_comes_back_from_its_text_as_it_was() {
        let school = Uai::new("0809999Z").unwrap();
        let mut whole = PersonChange::none(AccountId::new("1"));
        assert_eq!(change(whole.id.clone(), &change_text(&whole).unwrap()).unwrap(), whole);
        whole.family_name = Some(String::new());
        whole.birth_date = Some(None);
        whole.role = Some(Role::Enseignant);
        whole.main_school = Some(school.clone());
        whole.posts = Some(vec![school.clone()]);
        whole.classes = Some(vec![(school, ClassName::new("6A"))]);
        whole.groups = Some(Vec::new());
        whole.has_left = Some(Some(jiff::civil::date(2026, 12, 19)));
        assert_eq!(change(whole.id.clone(), &change_text(&whole).unwrap()).unwrap(), whole);
    }

    #[test]
    fn the_order_of_classes_makes_no_other_person() {
        let at = |classes: &[&str]| Attachment {
            school: Uai::new("0809999Z").unwrap(),
            classes: classes.iter().map(|name| ClassName::new(name)).collect(),
            groups: Vec::new(),
        };
        let text = schools_text(&[at(&["6B", "6A"])]).unwrap();
        assert_eq!(text, schools_text(&[at(&["6A", "6B", "6A"])]).unwrap());
        assert_eq!(schools(&text).unwrap(), [at(&["6A", "6B"])]);
    }
}
