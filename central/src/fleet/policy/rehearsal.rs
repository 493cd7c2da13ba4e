//! A draft rehearsed on the names that schools asked for: how many answers would be others.
//!
//! What comes in are counts, a name and who asked with how often, of the schools and the week that were chosen; no person is in
//! them. What goes out names only what was asked for often enough, in all of these together, to be nobody's.
//!
//! Counts have no hour: both the rules as they are and the draft are asked as if all of it was at one moment, which whoever
//! rehearses chooses (a lesson, an evening). Classes and single machines are not known either: rules that name them say
//! nothing here.

use std::collections::BTreeMap;

use preau::{
    model::{ClockTrust, DefaultVerdict, Domain, Moment, Site, ZoneKind},
    policy::{Part, Question, Verdict},
};

use super::{
    ask::{Who, zone},
    composed::Composed,
};
use crate::words::Place;

/// A name is shown only where it was asked for this often in all.
pub const NAMED_FROM: u64 = 10;

/// Names shown for each rule.
const NAMES_MAX: usize = 20;

/// What would be otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rehearsed {
    /// Questions in all.
    pub questions: u64,
    /// Of these, allowed so far and refused by the draft.
    pub closed: u64,
    /// Refused so far and allowed by the draft.
    pub opened: u64,
    /// By what makes it so, the most questions first.
    pub by_rule: Vec<ByRule>,
}

/// What one rule makes otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByRule {
    /// The rule that speaks in the draft; the zone's default where none does.
    pub rule: Option<(Place, String)>,
    /// The rule that spoke so far.
    pub before: Option<(Place, String)>,
    /// Questions that it closes.
    pub closed: u64,
    /// Questions that it opens.
    pub opened: u64,
    /// Names behind these, each asked for at least [`NAMED_FROM`] times in all, the most asked for first.
    pub names: Vec<(String, u64)>,
}

/// A rehearsal under way: schools are asked one after the other.
#[derive(Clone, Debug, Default)]
pub struct Rehearsal {
    rehearsed: Rehearsed,
    rules: BTreeMap<Key, Otherwise>,
}

/// What one rule makes otherwise, name by name.
#[derive(Clone, Debug, Default)]
struct Otherwise {
    closed: u64,
    opened: u64,
    names: BTreeMap<String, u64>,
}

impl Rehearsal {
    /// Asks both for every name of a school's `counts`.
    pub fn ask(
        &mut self,
        before: &Composed,
        after: &Composed,
        counts: impl IntoIterator<Item = (Domain, Who, u64)>,
        (zone_kind, default): (ZoneKind, DefaultVerdict),
        at: Moment,
    ) {
        let zone = zone(zone_kind, default);
        let rehearsed = &mut self.rehearsed;
        for (name, who, count) in counts {
            let (subject, site) = (who.subject(), Site::Name(name));
            let question = Question {
                subject: &subject,
                machine: None,
                zone: &zone,
                site: &site,
                path: None,
                at,
                clock: ClockTrust::Trusted,
            };
            let is_allowed =
                |composed: &Composed| matches!(composed.policy.judge(&question), Verdict::Allow(_));
            rehearsed.questions = rehearsed.questions.saturating_add(count);
            let (was, is) = (is_allowed(before), is_allowed(after));
            if was == is {
                continue;
            }
            let rule = self.rules.entry((spoke(after, &question), spoke(before, &question))).or_default();
            let (of_rule, of_all) = if is {
                (&mut rule.opened, &mut rehearsed.opened)
            } else {
                (&mut rule.closed, &mut rehearsed.closed)
            };
            *of_rule = of_rule.saturating_add(count);
            *of_all = of_all.saturating_add(count);
            let of_name = rule.names.entry(site.to_string()).or_default();
            *of_name = of_name.saturating_add(count);
        }
    }

    /// What came of it.
    #[must_use]
    pub fn done(self) -> Rehearsed {
        let by_rule = self.rules.into_iter().map(|((rule, before), otherwise)| {
            let Otherwise { closed, opened, names } = otherwise;
            ByRule { rule, before, closed, opened, names: often(names) }
        });
        let mut rehearsed = Rehearsed { by_rule: by_rule.collect(), ..self.rehearsed };
        rehearsed.by_rule.sort_by_key(|rule| std::cmp::Reverse(rule.closed.saturating_add(rule.opened)));
        rehearsed
    }
}

/// The rule of the draft that speaks, and the one that spoke so far.
type Key = (Option<(Place, String)>, Option<(Place, String)>);

fn spoke(composed: &Composed, question: &Question<'_>) -> Option<(Place, String)> {
    let explanation = composed.policy.explain(question);
    let spoke = explanation.considered.iter().find(|considered| considered.part == Part::Spoke)?;
    let layer = composed.layer_of(&spoke.rule)?;
    Some((layer.place.clone(), spoke.rule.id.to_string()))
}

/// The names that are nobody's.
fn often(names: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut names: Vec<_> = names.into_iter().filter(|(_, count)| *count >= NAMED_FROM).collect();
    names.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    names.truncate(NAMES_MAX);
    names
}
