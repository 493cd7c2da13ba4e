//! One act on a document, as a form sends it: put, change, remove or move one rule, search rule or timetable.

use thiserror::Error;

use super::{
    document::{Document, Rule, Search, Week},
    fault::{Fault, Part},
};
use crate::words::Place;

/// An act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Names the document.
    Name(String),
    /// Adds a rule at a place among the rules, counted from 0; at the end where there is none.
    AddRule(Option<usize>, Box<Rule>),
    /// Puts other fields into the rule of that id; the id may be among them.
    ChangeRule(String, Box<Rule>),
    /// Adds a search rule.
    AddSearch(Option<usize>, Box<Search>),
    /// Puts other fields into the search rule of that id.
    ChangeSearch(String, Box<Search>),
    /// Removes the rule or search rule of that id.
    Remove(String),
    /// Moves the rule or search rule of that id to a place among its like, counted from 0.
    Move(String, usize),
    /// Adds a timetable, or puts other slots into it.
    PutTimetable(String, Week),
    /// Gives a timetable another name, and the rules that name it as well.
    RenameTimetable(String, String),
    /// Removes a timetable.
    RemoveTimetable(String),
    /// Puts the text of a rules file in place of everything.
    Text(String),
}

/// Why an act is not done. The document stays as it was.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EditError {
    /// What it is about is not there: somebody has removed it.
    #[error("there is no {0} in the document")]
    NotThere(Part),
    /// The name or id is taken.
    #[error("there is a {0} already; give another name")]
    Taken(Part),
    /// The document would not be one that boxes take.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Document {
    /// The document after `edit`, which boxes take as the document of `place`.
    ///
    /// # Errors
    /// See [`EditError`].
    pub fn edited(&self, edit: &Edit, place: &Place) -> Result<Self, EditError> {
        let mut edited = self.clone();
        match edit {
            Edit::Name(name) => edited.name.clone_from(name),
            Edit::AddRule(at, rule) => {
                edited.free(&rule.id)?;
                put(&mut edited.rules, *at, Rule::clone(rule));
            }
            Edit::AddSearch(at, search) => {
                edited.free(&search.id)?;
                put(&mut edited.search, *at, Search::clone(search));
            }
            Edit::ChangeRule(id, rule) => {
                if *id != rule.id {
                    edited.free(&rule.id)?;
                }
                *edited.rules.iter_mut().find(|rule| rule.id == *id).ok_or_else(|| no_rule(id))? =
                    Rule::clone(rule);
            }
            Edit::ChangeSearch(id, search) => {
                if *id != search.id {
                    edited.free(&search.id)?;
                }
                let place = edited.search.iter_mut().find(|search| search.id == *id);
                *place.ok_or_else(|| EditError::NotThere(Part::Search(id.clone())))? = Search::clone(search);
            }
            Edit::Remove(id) => {
                edited.part_of(id).ok_or_else(|| no_rule(id))?;
                edited.rules.retain(|rule| rule.id != *id);
                edited.search.retain(|search| search.id != *id);
            }
            Edit::Move(id, to) => {
                let moved = shift(&mut edited.rules, |rule| rule.id == *id, *to)
                    || shift(&mut edited.search, |search| search.id == *id, *to);
                moved.then_some(()).ok_or_else(|| no_rule(id))?;
            }
            Edit::PutTimetable(name, week) => {
                edited.timetables.insert(name.clone(), week.clone());
            }
            Edit::RenameTimetable(before, name) => edited.rename_timetable(before, name)?,
            Edit::RemoveTimetable(name) => {
                let removed = edited.timetables.remove(name);
                removed.ok_or_else(|| EditError::NotThere(Part::Timetable(name.clone())))?;
            }
            Edit::Text(text) => return Ok(Self::read(text, place)?),
        }
        edited.check(place)?;
        Ok(edited)
    }

    fn free(&self, id: &str) -> Result<(), EditError> {
        self.part_of(id).map_or(Ok(()), |part| Err(EditError::Taken(part)))
    }

    fn rename_timetable(&mut self, before: &str, name: &str) -> Result<(), EditError> {
        if before != name && self.timetables.contains_key(name) {
            return Err(EditError::Taken(Part::Timetable(name.to_owned())));
        }
        let week = self.timetables.remove(before);
        let week = week.ok_or_else(|| EditError::NotThere(Part::Timetable(before.to_owned())))?;
        self.timetables.insert(name.to_owned(), week);
        let of_rules = self.rules.iter_mut().flat_map(|rule| [&mut rule.during, &mut rule.outside]);
        let of_search = self.search.iter_mut().flat_map(|search| [&mut search.during, &mut search.outside]);
        for word in of_rules.chain(of_search).flatten().filter(|word| *word == before) {
            name.clone_into(word);
        }
        Ok(())
    }
}

impl Edit {
    /// What is done, as the audit trail says it; never more than the name of what it is done to.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Name(_) => "named".to_owned(),
            Self::AddRule(_, rule) => format!("added rule `{}`", rule.id),
            Self::ChangeRule(id, _) => format!("changed rule `{id}`"),
            Self::AddSearch(_, search) => format!("added search rule `{}`", search.id),
            Self::ChangeSearch(id, _) => format!("changed search rule `{id}`"),
            Self::Remove(id) => format!("removed rule `{id}`"),
            Self::Move(id, to) => format!("moved rule `{id}` to place {}", to + 1),
            Self::PutTimetable(name, _) => format!("put timetable `{name}`"),
            Self::RenameTimetable(before, name) => format!("renamed timetable `{before}` to `{name}`"),
            Self::RemoveTimetable(name) => format!("removed timetable `{name}`"),
            Self::Text(_) => "brought in a text".to_owned(),
        }
    }
}

fn no_rule(id: &str) -> EditError {
    EditError::NotThere(Part::Rule(id.to_owned()))
}

fn put<T>(list: &mut Vec<T>, at: Option<usize>, item: T) {
    list.insert(at.unwrap_or(list.len()).min(list.len()), item);
}

/// Moves the item to place `to`; false where it is not there.
fn shift<T>(list: &mut Vec<T>, is_it: impl Fn(&T) -> bool, to: usize) -> bool {
    let Some(from) = list.iter().position(is_it) else { return false };
    let item = list.remove(from);
    put(list, Some(to), item);
    true
}
