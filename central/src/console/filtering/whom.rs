//! For whom and when a rule speaks: the fields that both kinds of rules have.

use preau::model::{DeviceKind, Role};

use super::fields::Fields;
use crate::{
    console::{
        language::Language,
        words::{FilteringWords, word_name},
    },
    fleet::policy::Document,
};

/// Something that can be chosen.
#[derive(Debug)]
pub(super) struct Choice {
    /// As the form sends it.
    pub(super) value: String,
    /// As people read it.
    pub(super) text: String,
    pub(super) is_chosen: bool,
}

/// For whom and when, as both kinds of rules say it.
#[derive(Debug)]
pub(super) struct Whom {
    pub(super) roles: Vec<Choice>,
    pub(super) devices: Vec<Choice>,
    pub(super) classes: String,
    pub(super) machines: String,
    pub(super) zones: String,
    pub(super) hours: Vec<Choice>,
}

/// The timetable while which, or outside of which, a rule speaks.
pub(super) fn hours_of(form: &Fields) -> (Option<String>, Option<String>) {
    match form.one("quand").split_once(':') {
        Some(("pendant", name)) => (Some(name.to_owned()), None),
        Some(("hors", name)) => (None, Some(name.to_owned())),
        _ => (None, None),
    }
}

impl Choice {
    pub(super) fn new(value: &str, text: &str, is_chosen: bool) -> Self {
        Self { value: value.to_owned(), text: text.to_owned(), is_chosen }
    }
}

impl Whom {
    /// The fields of a rule of `document`: its roles, classes, devices, machines and zones; while and outside of which.
    pub(super) fn new(
        language: Language,
        document: &Document,
        [roles, classes, devices, machines, zones]: [&Vec<String>; 5],
        [during, outside]: [Option<&str>; 2],
    ) -> Self {
        let choice = |word: &str, chosen: &[String]| {
            Choice::new(word, word_name(language, word), chosen.iter().any(|one| one == word))
        };
        let words = FilteringWords::of(language);
        let mut hours = vec![Choice::new("", words.always, during.is_none() && outside.is_none())];
        for name in document.timetables.keys() {
            let (is_during, is_outside) = (during == Some(name), outside == Some(name));
            hours.push(Choice::new(
                &format!("pendant:{name}"),
                &format!("{} « {name} »", words.during),
                is_during,
            ));
            hours.push(Choice::new(
                &format!("hors:{name}"),
                &format!("{} « {name} »", words.outside),
                is_outside,
            ));
        }
        Self {
            roles: Role::ALL.map(|role| choice(role.word(), roles)).into_iter().collect(),
            devices: DeviceKind::ALL.map(|kind| choice(kind.word(), devices)).into_iter().collect(),
            classes: classes.join("\n"),
            machines: machines.join("\n"),
            zones: zones.join("\n"),
            hours,
        }
    }
}
