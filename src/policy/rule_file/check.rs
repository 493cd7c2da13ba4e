//! From what is written to what is meant: every word of a rules file checked.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    str::FromStr,
    sync::Arc,
};

use toml::Spanned;

use super::{
    RuleFileError,
    error::Source,
    v1,
    words::{brief, site_pattern, slot_minutes},
};
use crate::{
    model::ClassName,
    policy::{
        rule::{Effect, Level, Lock, People, Rule, Sites, When},
        search::SearchRule,
        timetable::{Slot, Timetable},
    },
};

/// What one level has decided.
#[derive(Clone, Debug)]
pub struct RuleFile {
    /// Whose rules these are.
    pub level: Level,
    /// The name the file gives itself, such as `Académie d'Exemple`.
    pub name: Arc<str>,
    /// Its timetables, by name.
    pub timetables: Vec<Arc<Timetable>>,
    /// Its rules, in the order of the file.
    pub rules: Vec<Arc<Rule>>,
    /// Its rules about search modes, in the order of the file.
    pub search: Vec<Arc<SearchRule>>,
}

/// The bounds of a rules file. Each is far above what a school needs and far below what hurts.
#[derive(Debug)]
pub struct Limits;

impl Limits {
    /// Bytes of a file: reading it twice and keeping every place costs a few times this much memory.
    pub const FILE_BYTES_MAX: usize = 1 << 20;
    /// Rules of a file: a question walks, at worst, through all rules about its site.
    pub const RULES_MAX: usize = 1_000;
    /// Rules about search modes: a question for a search engine walks through all of them.
    pub const SEARCH_RULES_MAX: usize = 100;
    /// Sites of a rule: longer lists belong in a category, which costs no memory.
    pub const SITES_MAX: usize = 5_000;
    /// Words in each other list of a rule: a question compares them one by one.
    pub const WORDS_MAX: usize = 200;
    /// Timetables of a file: each is looked through to find the next moment to cut connections.
    pub const TIMETABLES_MAX: usize = 100;
    /// Slots of a day, for the same cause.
    pub const SLOTS_MAX: usize = 24;
    /// Bytes of an id, a class or another name: they travel into records and pages.
    pub const NAME_BYTES_MAX: usize = 64;
    /// Bytes of a file's name for itself or of a reason: the reason travels in DNS answers (EXTRA-TEXT of RFC 8914).
    pub const TEXT_BYTES_MAX: usize = 300;
}

impl RuleFile {
    /// Every rule of the file, those about search modes as well, for what is alike in both.
    pub fn all_rules(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.rules.iter().chain(self.search.iter().map(|search| &search.rule))
    }

    /// Reads a rules file of version 1; `rule_file/v1.rs` shows its form.
    ///
    /// # Errors
    /// The first fault, with its line, its field and what to do. Nothing of a wrong file is kept.
    pub fn parse(text: &str) -> Result<Self, RuleFileError> {
        let source = Source(text);
        if text.len() > Limits::FILE_BYTES_MAX {
            let message = format!("the file has more than {} bytes; split it", Limits::FILE_BYTES_MAX);
            return Err(source.fault(0..0, "", message));
        }
        let head: v1::Head = toml::from_str(text).map_err(|error| source.toml_fault(&error))?;
        if *head.version.get_ref() != 1 {
            let message = format!("version {} is unknown here; this program reads version 1", head.version);
            return Err(source.fault(head.version.span(), "version", message));
        }
        let file: v1::File = toml::from_str(text).map_err(|error| source.toml_fault(&error))?;
        Check { source }.file(file)
    }
}

/// Checks the parts of one file.
#[derive(Clone, Copy)]
pub(super) struct Check<'a> {
    pub(super) source: Source<'a>,
}

impl Check<'_> {
    fn file(self, file: v1::File) -> Result<RuleFile, RuleFileError> {
        let v1::File { _version, level, name, timetables, rules, search } = file;
        let level: Level = self.word(&level, "level")?;
        let name: Arc<str> = Arc::from(self.text(&name, "name", Limits::TEXT_BYTES_MAX)?);
        if timetables.len() > Limits::TIMETABLES_MAX {
            let message = format!("a file has at most {} timetables", Limits::TIMETABLES_MAX);
            return Err(self.source.fault(0..0, "timetables", message));
        }
        let mut by_name = HashMap::with_capacity(timetables.len());
        for (name, week) in timetables {
            let timetable = self.timetable(&name, week)?;
            by_name.insert(Arc::clone(timetable.name()), Arc::new(timetable));
        }
        if let Some(over) = rules.get(Limits::RULES_MAX) {
            let message =
                format!("a file has at most {} rules; join rules or split the file", Limits::RULES_MAX);
            return Err(self.source.fault(over.id.span(), "id", message));
        }
        if let Some(over) = search.get(Limits::SEARCH_RULES_MAX) {
            let message = format!("a file has at most {} search rules; join some", Limits::SEARCH_RULES_MAX);
            return Err(self.source.fault(over.id.span(), "id", message));
        }
        let mut ids = HashSet::with_capacity(rules.len());
        let mut checked = Vec::with_capacity(rules.len());
        for rule in rules {
            let id_span = rule.id.span();
            let rule = self.rule(rule, level, &name, &by_name)?;
            self.first_of_its_id(&rule, &id_span, &mut ids)?;
            checked.push(Arc::new(rule));
        }
        let mut checked_search = Vec::with_capacity(search.len());
        for search in search {
            let id_span = search.id.span();
            let search = self.search(search, level, &name, &by_name)?;
            self.first_of_its_id(&search.rule, &id_span, &mut ids)?;
            checked_search.push(Arc::new(search));
        }
        let mut timetables: Vec<_> = by_name.into_values().collect();
        timetables.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(RuleFile { level, name, timetables, rules: checked, search: checked_search })
    }

    /// Notes the rule's id among `ids`, where it must be new.
    fn first_of_its_id(
        self,
        rule: &Rule,
        span: &Range<usize>,
        ids: &mut HashSet<Arc<str>>,
    ) -> Result<(), RuleFileError> {
        if ids.insert(Arc::clone(&rule.id)) {
            return Ok(());
        }
        let message = format!("two rules are called `{}`; give each its own id", rule.id);
        Err(self.source.fault(span.clone(), "id", message))
    }

    fn rule(
        self,
        rule: v1::Rule,
        level: Level,
        file_name: &Arc<str>,
        timetables: &HashMap<Arc<str>, Arc<Timetable>>,
    ) -> Result<Rule, RuleFileError> {
        let v1::Rule {
            id,
            effect,
            locked,
            sites,
            categories,
            everything,
            roles,
            classes,
            devices,
            machines,
            zones,
            during,
            outside,
            reason,
        } = rule;
        let name = self.name(&id, "id")?;
        let effect: Effect = self.word(&effect, "effect")?;
        let sites = self.sites(&id, &sites, &categories, everything)?;
        let people = self.people(&roles, &classes, &devices, &machines, &zones)?;
        let when = self.when(during.as_ref(), outside.as_ref(), timetables)?;
        let reason = self.reason(reason.as_ref())?;
        if effect == Effect::Block && reason.is_none() {
            let message = "a rule that blocks needs a `reason`: the sentence people are shown";
            return Err(self.source.fault(id.span(), "reason", message));
        }
        Ok(Rule {
            id: Arc::from(name),
            level,
            file_name: Arc::clone(file_name),
            line: self.source.line(id.span().start),
            effect,
            lock: if locked { Lock::Locked } else { Lock::Open },
            sites,
            people,
            when,
            reason,
        })
    }

    pub(super) fn people(
        self,
        roles: &v1::Words,
        classes: &v1::Words,
        devices: &v1::Words,
        machines: &v1::Words,
        zones: &v1::Words,
    ) -> Result<People, RuleFileError> {
        if let (false, Some(device)) = (roles.is_empty() && classes.is_empty(), devices.first()) {
            let message =
                "nobody is both a person (`roles`, `classes`) and a registered machine; write two rules";
            return Err(self.source.fault(device.span(), "devices", message));
        }
        Ok(People {
            roles: self.words(roles, "roles")?,
            classes: self.each(classes, "classes", |word| self.name(word, "classes").map(ClassName::new))?,
            devices: self.words(devices, "devices")?,
            machines: self.words(machines, "machines")?,
            zones: self.words(zones, "zones")?,
        })
    }

    pub(super) fn reason(self, reason: Option<&Spanned<String>>) -> Result<Option<Arc<str>>, RuleFileError> {
        reason.map(|reason| self.text(reason, "reason", Limits::TEXT_BYTES_MAX).map(Arc::from)).transpose()
    }

    fn sites(
        self,
        id: &Spanned<String>,
        sites: &v1::Words,
        categories: &v1::Words,
        everything: bool,
    ) -> Result<Sites, RuleFileError> {
        match (everything, sites.is_empty() && categories.is_empty()) {
            (true, true) => Ok(Sites::Everything),
            (true, false) => Err(self.source.fault(
                id.span(),
                "everything",
                "a rule about everything names no `sites` and no `categories`; remove the one or the others",
            )),
            (false, true) => Err(self.source.fault(
                id.span(),
                "sites",
                "the rule is about nothing; write `sites`, `categories` or `everything = true`",
            )),
            (false, false) => {
                if let Some(over) = sites.get(Limits::SITES_MAX) {
                    let message = format!("a rule has at most {} sites; make a category", Limits::SITES_MAX);
                    return Err(self.source.fault(over.span(), "sites", message));
                }
                let patterns = sites.iter().map(|site| {
                    site_pattern(site.get_ref())
                        .map_err(|message| self.source.fault(site.span(), "sites", message))
                });
                let patterns = patterns.collect::<Result<_, _>>()?;
                let name = |word: &_| self.name(word, "categories").map(Arc::from);
                let categories = self.each(categories, "categories", name)?;
                Ok(Sites::Listed { patterns, categories })
            }
        }
    }

    pub(super) fn when(
        self,
        during: Option<&Spanned<String>>,
        outside: Option<&Spanned<String>>,
        timetables: &HashMap<Arc<str>, Arc<Timetable>>,
    ) -> Result<When, RuleFileError> {
        let find = |word: &Spanned<String>, field| {
            timetables.get(word.get_ref().as_str()).map(Arc::clone).ok_or_else(|| {
                let mut known: Vec<_> = timetables.keys().map(|name| &**name).collect();
                known.sort_unstable();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let message = format!("no timetable is called `{}`; this file has: {known}", shown(word));
                self.source.fault(word.span(), field, message)
            })
        };
        match (during, outside) {
            (None, None) => Ok(When::Always),
            (Some(word), None) => find(word, "during").map(When::During),
            (None, Some(word)) => find(word, "outside").map(When::Outside),
            (Some(_), Some(word)) => Err(self.source.fault(
                word.span(),
                "outside",
                "a rule has `during` or `outside`, not both; write two rules",
            )),
        }
    }

    fn timetable(self, name: &Spanned<String>, week: v1::Week) -> Result<Timetable, RuleFileError> {
        let v1::Week { monday, tuesday, wednesday, thursday, friday, saturday, sunday } = week;
        let name = self.name(name, "timetables")?;
        let mut slots = Vec::new();
        for (day, (field, words)) in (0..).zip([
            ("monday", monday),
            ("tuesday", tuesday),
            ("wednesday", wednesday),
            ("thursday", thursday),
            ("friday", friday),
            ("saturday", saturday),
            ("sunday", sunday),
        ]) {
            self.day(day, field, &words, &mut slots)?;
        }
        Ok(Timetable::new(Arc::from(name), slots))
    }

    /// Adds the slots of one day.
    fn day(
        self,
        day: u16,
        field: &str,
        words: &v1::Words,
        slots: &mut Vec<Slot>,
    ) -> Result<(), RuleFileError> {
        if let Some(over) = words.get(Limits::SLOTS_MAX) {
            let message = format!("a day has at most {} slots", Limits::SLOTS_MAX);
            return Err(self.source.fault(over.span(), field, message));
        }
        for word in words {
            let fault = |message: String| self.source.fault(word.span(), field, message);
            let (from, to) = slot_minutes(word.get_ref()).map_err(fault)?;
            let slot = Slot::new(day, from, to).ok_or_else(|| {
                fault(format!(
                    "slot `{}` ends before it begins; a slot over midnight is two slots",
                    shown(word)
                ))
            })?;
            if slots.iter().any(|other| other.overlaps(slot)) {
                return Err(fault(format!(
                    "slot `{}` overlaps another of the same day; join them",
                    shown(word)
                )));
            }
            slots.push(slot);
        }
        Ok(())
    }

    /// A word that names something the program knows.
    pub(super) fn word<T: FromStr<Err: ToString>>(
        self,
        word: &Spanned<String>,
        field: &str,
    ) -> Result<T, RuleFileError> {
        let parsed = word.get_ref().parse();
        parsed.map_err(|error: T::Err| self.source.fault(word.span(), field, brief(&error.to_string())))
    }

    fn words<T: FromStr<Err: ToString>>(
        self,
        words: &v1::Words,
        field: &str,
    ) -> Result<Vec<T>, RuleFileError> {
        self.each(words, field, |word| self.word(word, field))
    }

    fn each<T>(
        self,
        words: &v1::Words,
        field: &str,
        read: impl Fn(&Spanned<String>) -> Result<T, RuleFileError>,
    ) -> Result<Vec<T>, RuleFileError> {
        if let Some(over) = words.get(Limits::WORDS_MAX) {
            let message = format!("this list has at most {} entries", Limits::WORDS_MAX);
            return Err(self.source.fault(over.span(), field, message));
        }
        words.iter().map(read).collect()
    }

    /// A name given by the people of the school: an id, a class, a category, a timetable.
    pub(super) fn name<'w>(self, word: &'w Spanned<String>, field: &str) -> Result<&'w str, RuleFileError> {
        self.text(word, field, Limits::NAME_BYTES_MAX)
    }

    fn text<'w>(
        self,
        word: &'w Spanned<String>,
        field: &str,
        bytes_max: usize,
    ) -> Result<&'w str, RuleFileError> {
        let text = word.get_ref().trim();
        let fault = |message: String| Err(self.source.fault(word.span(), field, message));
        if text.is_empty() {
            return fault("the text is empty; write one".to_owned());
        }
        if text.len() > bytes_max {
            return fault(format!("the text has more than {bytes_max} bytes; shorten it"));
        }
        if text.chars().any(char::is_control) {
            return fault("the text has a control character or a line break; remove it".to_owned());
        }
        Ok(text)
    }
}

fn shown(word: &Spanned<String>) -> String {
    brief(word.get_ref())
}
