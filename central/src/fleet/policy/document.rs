//! One place's rules document, as a form shows it: the fields of a rules file (version 1), and its text.
//!
//! The fields stand one for one for what the file writes, so text and fields always agree: what [`Document::text`] writes,
//! [`Document::read`] reads back to the same fields, and both accept exactly what the box's own reader accepts
//! ([`RuleFile::parse`]). Comments of a text that is brought in are not kept.

use std::collections::BTreeMap;

use preau::policy::{Level, RuleFile, RuleFileError};
use serde::Deserialize;

use super::{
    fault::{Fault, Part},
    text,
};
use crate::words::Place;

/// What one place has decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The name it gives itself, such as `Académie d'Exemple`; pages of the schools show it.
    pub name: String,
    /// Its timetables, by name.
    pub timetables: BTreeMap<String, Week>,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
    /// Its rules about search modes, in order.
    pub search: Vec<Search>,
}

/// A timetable: the slots of each day, such as `08:00-12:00`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Week {
    /// Of Monday.
    pub monday: Vec<String>,
    /// Of Tuesday.
    pub tuesday: Vec<String>,
    /// Of Wednesday.
    pub wednesday: Vec<String>,
    /// Of Thursday.
    pub thursday: Vec<String>,
    /// Of Friday.
    pub friday: Vec<String>,
    /// Of Saturday.
    pub saturday: Vec<String>,
    /// Of Sunday.
    pub sunday: Vec<String>,
}

/// A rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its id, unique in the document.
    pub id: String,
    /// What it does.
    pub effect: Effect,
    /// Whether nothing below can undo it.
    #[serde(default)]
    pub locked: bool,
    /// Names, addresses, networks, pages.
    #[serde(default)]
    pub sites: Vec<String>,
    /// Categories.
    #[serde(default)]
    pub categories: Vec<String>,
    /// Whether it is about every site.
    #[serde(default)]
    pub everything: bool,
    /// Whom and when, as the fields of every rule say it.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Classes.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Kinds of registered machines.
    #[serde(default)]
    pub devices: Vec<String>,
    /// Hardware addresses.
    #[serde(default)]
    pub machines: Vec<String>,
    /// Zones.
    #[serde(default)]
    pub zones: Vec<String>,
    /// The timetable while which it speaks.
    pub during: Option<String>,
    /// The timetable outside of which it speaks.
    pub outside: Option<String>,
    /// The sentence people are shown; a blocking rule has one.
    pub reason: Option<String>,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// The site may be reached.
    Allow,
    /// It may not.
    #[default]
    Block,
}

impl Effect {
    /// The word of rules files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
        }
    }
}

/// A rule about search modes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Its id; no rule of the document has the same.
    pub id: String,
    /// Whether safe search is forced, or left free; nothing is said where there is none.
    pub safe_search: Option<bool>,
    /// `strict`, `moderate` or `off`.
    pub youtube: Option<String>,
    /// Whether nothing below can undo it.
    #[serde(default)]
    pub locked: bool,
    /// Roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Classes.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Kinds of registered machines.
    #[serde(default)]
    pub devices: Vec<String>,
    /// Hardware addresses.
    #[serde(default)]
    pub machines: Vec<String>,
    /// Zones.
    #[serde(default)]
    pub zones: Vec<String>,
    /// The timetable while which it speaks.
    pub during: Option<String>,
    /// The timetable outside of which it speaks.
    pub outside: Option<String>,
    /// The sentence shown where an engine is refused; there is a usual one.
    pub reason: Option<String>,
}

/// The file as it is written, for its fields; [`RuleFile::parse`] has judged it before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "version")]
    _version: i64,
    #[serde(rename = "level")]
    _level: String,
    name: String,
    #[serde(default)]
    timetables: BTreeMap<String, Week>,
    #[serde(default, rename = "rule")]
    rules: Vec<Rule>,
    #[serde(default)]
    search: Vec<Search>,
}

/// The level that a place's document has in rules files. A group of schools stands between département and school: its
/// documents are of the département's level, and come behind it.
#[must_use]
pub fn level_of(place: &Place) -> Level {
    match place {
        Place::Academie => Level::Academie,
        Place::Departement(_) | Place::Group(_) => Level::Departement,
        Place::School(_) => Level::Etablissement,
    }
}

impl Document {
    /// A document that says nothing, under this name.
    #[must_use]
    pub fn empty(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Reads the text of a rules file that is to be the document of `place`.
    ///
    /// # Errors
    /// The first fault, with its line, its field and what to do.
    pub fn read(text: &str, place: &Place) -> Result<Self, Fault> {
        let file = RuleFile::parse(text).map_err(|error| Fault::in_text(text, error))?;
        if file.level != level_of(place) {
            let line = 1 + text.lines().take_while(|line| !line.trim_start().starts_with("level")).count();
            let message = format!("a document of {place} has level `{}`; write this", level_of(place));
            let error = RuleFileError { line, column: None, field: "level".to_owned(), message };
            return Err(Fault::in_text(text, error));
        }
        let file: File = toml::from_str(text).map_err(|error| Fault::of_form(text, &error))?;
        let File { _version, _level, name, timetables, rules, search } = file;
        Ok(Self { name, timetables, rules, search })
    }

    /// The text of the rules file, behind `head`, a comment that says where it comes from.
    #[must_use]
    pub fn text(&self, place: &Place, head: &str) -> String {
        text::write(self, level_of(place).word(), head)
    }

    /// Asks the box's own reader whether it takes the document.
    ///
    /// # Errors
    /// The first fault, with the rule or timetable it is in.
    pub fn check(&self, place: &Place) -> Result<(), Fault> {
        Self::read(&self.text(place, ""), place).map(drop)
    }

    /// The id of every rule, search rules last.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        let rules = self.rules.iter().map(|rule| rule.id.as_str());
        rules.chain(self.search.iter().map(|search| search.id.as_str()))
    }

    /// Which part of the document has the id of a rule.
    #[must_use]
    pub fn part_of(&self, id: &str) -> Option<Part> {
        if self.rules.iter().any(|rule| rule.id == id) {
            return Some(Part::Rule(id.to_owned()));
        }
        self.search.iter().any(|search| search.id == id).then(|| Part::Search(id.to_owned()))
    }
}

impl Week {
    /// The names of the days in rules files, with their slots, from Monday on.
    #[must_use]
    pub fn days(&self) -> [(&'static str, &Vec<String>); 7] {
        let Self { monday, tuesday, wednesday, thursday, friday, saturday, sunday } = self;
        [
            ("monday", monday),
            ("tuesday", tuesday),
            ("wednesday", wednesday),
            ("thursday", thursday),
            ("friday", friday),
            ("saturday", saturday),
            ("sunday", sunday),
        ]
    }
}
