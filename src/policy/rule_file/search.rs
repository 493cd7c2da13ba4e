//! A `[[search]]` of a rules file, checked with the checks of rules.

use std::{collections::HashMap, sync::Arc};

use super::{RuleFileError, check::Check, v1};
use crate::policy::{
    rule::{Effect, Level, Lock, Rule, Sites},
    search::{SafeSearch, SearchRule},
    timetable::Timetable,
};

/// What people are told of an engine that is refused, unless the rule says it otherwise.
const USUAL_REASON: &str = "Ce moteur de recherche n'a pas de recherche protégée que le réseau puisse garantir : choisissez-en un autre.";

impl Check<'_> {
    pub(super) fn search(
        self,
        search: v1::Search,
        level: Level,
        file_name: &Arc<str>,
        timetables: &HashMap<Arc<str>, Arc<Timetable>>,
    ) -> Result<SearchRule, RuleFileError> {
        let v1::Search {
            id,
            safe_search,
            youtube,
            locked,
            roles,
            classes,
            devices,
            machines,
            zones,
            during,
            outside,
            reason,
        } = search;
        let name = self.name(&id, "id")?;
        let safe_search = safe_search.map(|on| if on { SafeSearch::Forced } else { SafeSearch::Free });
        let youtube = youtube.map(|level| self.word(&level, "youtube")).transpose()?;
        if safe_search.is_none() && youtube.is_none() {
            let message = "the search rule is about nothing; write `safe_search`, `youtube` or both";
            return Err(self.source.fault(id.span(), "safe_search", message));
        }
        let rule = Rule {
            id: Arc::from(name),
            level,
            file_name: Arc::clone(file_name),
            line: self.source.line(id.span().start),
            effect: Effect::Block,
            lock: if locked { Lock::Locked } else { Lock::Open },
            sites: Sites::EnginesWithoutSafeForm,
            people: self.people(&roles, &classes, &devices, &machines, &zones)?,
            when: self.when(during.as_ref(), outside.as_ref(), timetables)?,
            reason: Some(self.reason(reason.as_ref())?.unwrap_or_else(|| Arc::from(USUAL_REASON))),
        };
        Ok(SearchRule { rule: Arc::new(rule), safe_search, youtube })
    }
}
