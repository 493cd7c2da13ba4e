//! Rules, hours and differences, in words for a table.

use crate::{
    console::{
        language::Language,
        words::{FilteringWords, category_name, part_told, word_name},
    },
    fleet::policy::{Difference, Document, Effect, Field, Kind, Rule, Search, field_words},
};

/// Sites shown of a rule before they are counted.
const SITES_SHOWN: usize = 12;

/// A rule as a row.
#[derive(Debug)]
pub(super) struct RuleRow {
    pub(super) id: String,
    /// The id as it stands in an address.
    pub(super) link: String,
    pub(super) is_block: bool,
    pub(super) is_locked: bool,
    pub(super) what: String,
    pub(super) who: String,
    pub(super) when: String,
    pub(super) reason: String,
    /// The places above and below it in the list.
    pub(super) up: Option<usize>,
    pub(super) down: Option<usize>,
}

/// A timetable as a row.
#[derive(Debug)]
pub(super) struct WeekRow {
    pub(super) name: String,
    /// The name as it stands in an address.
    pub(super) link: String,
    pub(super) days: Vec<(&'static str, String)>,
}

/// What a document says.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) rules: Vec<RuleRow>,
    pub(super) search: Vec<RuleRow>,
    pub(super) weeks: Vec<WeekRow>,
}

/// A change as a row.
#[derive(Debug)]
pub(super) struct ChangeRow {
    pub(super) class: &'static str,
    pub(super) kind: &'static str,
    pub(super) part: String,
    pub(super) is_locked: bool,
    /// Name of the field, what went, what came.
    pub(super) fields: Vec<(&'static str, String, String)>,
}

impl Told {
    /// What `document` says.
    pub(super) fn of(language: Language, document: &Document) -> Self {
        let row = |mut row: RuleRow, at: usize, count: usize| {
            row.up = at.checked_sub(1);
            row.down = Some(at + 1).filter(|next| *next < count);
            row
        };
        let (rules, search) = (&document.rules, &document.search);
        let number = |count: usize| move |(at, told)| row(told, at, count);
        let weeks = document.timetables.iter().map(|(name, week)| WeekRow {
            name: name.clone(),
            link: link(name),
            days: week
                .days()
                .into_iter()
                .filter(|(_, slots)| !slots.is_empty())
                .map(|(day, slots)| (field_name(language, day), slots.join(", ")))
                .collect(),
        });
        Self {
            name: document.name.clone(),
            rules: rules.iter().map(|one| rule(language, one)).enumerate().map(number(rules.len())).collect(),
            search: search
                .iter()
                .map(|one| search_rule(language, one))
                .enumerate()
                .map(number(search.len()))
                .collect(),
            weeks: weeks.collect(),
        }
    }
}

/// The name of a field of rules files.
pub(super) fn field_name(language: Language, name: &str) -> &'static str {
    let (french, english) = field_words(name);
    match language {
        Language::French => french,
        Language::English => english,
    }
}

/// What a difference says.
pub(super) fn changes(language: Language, difference: &Difference) -> Vec<ChangeRow> {
    let words = FilteringWords::of(language);
    let row = |change: &crate::fleet::policy::Change| {
        let (class, kind, fields) = match &change.kind {
            Kind::Added(fields) => ("ok", words.added, fields.as_slice()),
            Kind::Removed(fields) => ("bad", words.removed, fields.as_slice()),
            Kind::Changed(fields) => ("warn", words.changed, fields.as_slice()),
            Kind::Moved => ("away", words.moved, &[][..]),
        };
        let fields = fields.iter().filter(|field| is_told(field)).map(|field| {
            let told = |values: &[String]| listed(language, field.name, values);
            (field_name(language, field.name), told(&field.gone), told(&field.come))
        });
        let part = part_told(language, &change.part);
        ChangeRow { class, kind, part, is_locked: change.locked, fields: fields.collect() }
    };
    difference.changes.iter().map(row).collect()
}

/// Whether a field of an added or removed part says something: `everything: false` does not.
fn is_told(field: &Field) -> bool {
    let both = field.gone.iter().chain(&field.come);
    !(field.gone.is_empty() || field.come.is_empty()) || both.into_iter().any(|value| value != "false")
}

fn rule(language: Language, rule: &Rule) -> RuleRow {
    let words = FilteringWords::of(language);
    let mut what: Vec<String> = rule.sites.iter().take(SITES_SHOWN).cloned().collect();
    if rule.sites.len() > SITES_SHOWN {
        what.push(format!("+ {} {}", rule.sites.len() - SITES_SHOWN, words.others));
    }
    what.extend(rule.categories.iter().map(|name| format!("{} ({name})", category_name(language, name))));
    if rule.everything {
        what.push(words.everything.to_owned());
    }
    let who = [
        (&rule.roles, "roles"),
        (&rule.classes, "classes"),
        (&rule.devices, "devices"),
        (&rule.machines, "machines"),
        (&rule.zones, "zones"),
    ];
    RuleRow {
        id: rule.id.clone(),
        link: link(&rule.id),
        is_block: rule.effect == Effect::Block,
        is_locked: rule.locked,
        what: what.join(", "),
        who: people(language, &who),
        when: hours(language, rule.during.as_deref(), rule.outside.as_deref()),
        reason: rule.reason.clone().unwrap_or_default(),
        up: None,
        down: None,
    }
}

fn search_rule(language: Language, search: &Search) -> RuleRow {
    let words = FilteringWords::of(language);
    let safe = search.safe_search.map(|is_on| if is_on { words.safe_on } else { words.safe_off }.to_owned());
    let youtube = search.youtube.as_ref().map(|mode| format!("YouTube : {}", word_name(language, mode)));
    let who = [
        (&search.roles, "roles"),
        (&search.classes, "classes"),
        (&search.devices, "devices"),
        (&search.machines, "machines"),
        (&search.zones, "zones"),
    ];
    RuleRow {
        id: search.id.clone(),
        link: link(&search.id),
        is_block: false,
        is_locked: search.locked,
        what: safe.into_iter().chain(youtube).collect::<Vec<_>>().join(", "),
        who: people(language, &who),
        when: hours(language, search.during.as_deref(), search.outside.as_deref()),
        reason: search.reason.clone().unwrap_or_default(),
        up: None,
        down: None,
    }
}

fn people(language: Language, lists: &[(&Vec<String>, &'static str)]) -> String {
    let named = lists.iter().filter(|(list, _)| !list.is_empty());
    let told: Vec<_> = named
        .map(|(list, name)| format!("{} : {}", field_name(language, name), listed(language, name, list)))
        .collect();
    if told.is_empty() { FilteringWords::of(language).everybody.to_owned() } else { told.join(" ; ") }
}

fn hours(language: Language, during: Option<&str>, outside: Option<&str>) -> String {
    match (during, outside) {
        (Some(name), _) => format!("{} « {name} »", field_name(language, "during")),
        (None, Some(name)) => format!("{} « {name} »", field_name(language, "outside")),
        (None, None) => FilteringWords::of(language).always.to_owned(),
    }
}

/// Values of a field, each in the words people know for it.
fn listed(language: Language, field: &str, values: &[String]) -> String {
    let told = |value: &String| match field {
        "categories" => format!("{} ({value})", category_name(language, value)),
        "roles" | "devices" | "effect" | "locked" | "everything" | "safe_search" | "youtube" => {
            word_name(language, value).to_owned()
        }
        _ => value.clone(),
    };
    values.iter().map(told).collect::<Vec<_>>().join(", ")
}

fn link(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes()).collect()
}
