//! Search modes: who is given search engines with safe search only, and YouTube at which level (decision D4).
//!
//! A `[[search]]` of a rules file is a rule about modes in place of sites. It is judged in the order of decision D7, each
//! mode for itself: locked ones from the top level down, then the others from the most specific level up; the files of one
//! level likewise; within a file, in its order. One that writes nothing about a mode is silent about it; teachers' openings are
//! about sites and say nothing about modes. Where nobody speaks, the engine is what it is for everybody.
//!
//! A mode does two things: names of engines are *served as* another name, which `engines` knows, and engines that have no
//! safe form are refused where safe search is forced. The refusal is a rule like any other, [`SearchRule::rule`], which
//! speaks for exactly those for whom this search rule forces safe search; so a rule that writes the engine's name can
//! open it again where D7 lets it.

use std::{cell::LazyCell, fmt, str::FromStr, sync::Arc};

use super::{
    Question, Rule,
    engines::{self, Form},
    timetable::LocalMinute,
};
use crate::model::{ClockTrust, Domain};

/// Whether search engines show only what their safe search lets pass. The greater is the stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SafeSearch {
    /// Everybody's own choice.
    Free,
    /// Forced; engines that cannot be held to it are refused.
    Forced,
}

/// The level at which YouTube is served. The greater is the stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum YouTube {
    /// Everything.
    Off,
    /// Without what YouTube calls mature.
    Moderate,
    /// Only what YouTube finds fit for children.
    Strict,
}

impl FromStr for YouTube {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "strict" => Ok(Self::Strict),
            "moderate" => Ok(Self::Moderate),
            "off" => Ok(Self::Off),
            _ => Err(format!("`{text}` is no level of YouTube; write `strict`, `moderate` or `off`")),
        }
    }
}

/// A rule about search modes, checked. At least one mode is written.
#[derive(Clone, Debug)]
pub struct SearchRule {
    /// Whose rule it is, for whom and when; as a rule of its own it refuses engines without a safe form.
    pub rule: Arc<Rule>,
    /// What it says about safe search, if anything.
    pub safe_search: Option<SafeSearch>,
    /// What it says about YouTube, if anything.
    pub youtube: Option<YouTube>,
}

/// For technicians: ``search rule `recherche` (locked, academie, `Académie d'Exemple` line 12)``.
impl fmt::Display for SearchRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "search {}", self.rule)
    }
}

/// All search rules of a school, the strongest first.
#[derive(Debug)]
pub(super) struct SearchRules(Vec<Arc<SearchRule>>);

impl SearchRules {
    /// These rules, each with the number of its file, given in the order of the files.
    pub(super) fn new(mut rules: Vec<(u32, Arc<SearchRule>)>) -> Self {
        rules.sort_by_key(|(file, search)| search.rule.tier(*file));
        Self(rules.into_iter().map(|(_, search)| search).collect())
    }

    /// The name that `name` is served as for the one who asks, and the rule that says so.
    pub(super) fn served_as(
        &self,
        name: &Domain,
        question: &Question<'_>,
    ) -> Option<(&'static Domain, &Arc<SearchRule>)> {
        if self.0.is_empty() {
            return None;
        }
        match engines::form(name)? {
            Form::SafeSearch(served_as) => match self.spoken(question, |search| search.safe_search)? {
                (SafeSearch::Forced, by) => Some((served_as, by)),
                (SafeSearch::Free, _) => None,
            },
            Form::YouTube => match self.spoken(question, |search| search.youtube)? {
                (YouTube::Strict, by) => Some((engines::youtube_strict(), by)),
                (YouTube::Moderate, by) => Some((engines::youtube_moderate(), by)),
                (YouTube::Off, _) => None,
            },
        }
    }

    /// Whether safe search is forced upon the one who asks by the search rule that `rule` belongs to.
    pub(super) fn forces_by(&self, rule: &Rule, question: &Question<'_>) -> bool {
        let spoken = self.spoken(question, |search| search.safe_search);
        spoken.is_some_and(|(mode, by)| mode == SafeSearch::Forced && std::ptr::eq(&*by.rule, rule))
    }

    /// The mode that is in force for the one who asks, and who says so.
    ///
    /// While the clock is in doubt, a rule with a timetable may or may not speak: of all the answers the day could give,
    /// the strictest counts.
    fn spoken<M: Copy + Ord>(
        &self,
        question: &Question<'_>,
        mode: impl Fn(&SearchRule) -> Option<M>,
    ) -> Option<(M, &Arc<SearchRule>)> {
        let minute = LazyCell::new(|| LocalMinute::from(question.at));
        let mut strictest: Option<(M, &Arc<SearchRule>)> = None;
        for search in &self.0 {
            let rule = &search.rule;
            let Some(mode) = mode(search) else { continue };
            if rule.people.hold(question.subject, question.machine, &question.zone.name).is_err() {
                continue;
            }
            let is_timed = rule.when.timetable().is_some();
            let is_doubtful = is_timed && question.clock == ClockTrust::Doubtful;
            if is_timed && !is_doubtful && !rule.when.holds(*minute) {
                continue;
            }
            if strictest.is_none_or(|(known, _)| known < mode) {
                strictest = Some((mode, search));
            }
            if !is_doubtful {
                break;
            }
        }
        strictest
    }
}
