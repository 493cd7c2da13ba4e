//! What somebody could do about an answer, in words for technicians.

use super::{Cause, Level, Lock, Matched, Origin, Question, Rule, Verdict};
use crate::model::{Site, Subject};

/// What would change this answer, the nearest remedy first.
pub(super) fn remedies(question: &Question<'_>, verdict: &Verdict) -> Vec<String> {
    let (origin, words) = match verdict {
        Verdict::Allow(permit) => (permit.origin(), Words { rule: "blocks it", teacher: "timed closing" }),
        Verdict::Refuse(refusal) => match &refusal.cause {
            Cause::Policy(origin) => (origin, Words { rule: "allows it", teacher: "timed opening" }),
            Cause::SignInNeeded if *question.subject != Subject::Nobody => {
                return vec!["signing in".to_owned(), "a rule of any level that allows it".to_owned()];
            }
            Cause::SignInNeeded => return vec!["signing in, or registering the machine".to_owned()],
            Cause::NotRecorded => return vec!["repairing the journal".to_owned()],
        },
    };
    let Words { rule: does_other, teacher } = words;
    // A teacher opens names only, see `Opening`.
    let is_name = matches!(question.site, Site::Name(_));
    let teacher_can = is_name || matches!(verdict, Verdict::Allow(_));
    let mut remedies = Vec::new();
    if let Verdict::Allow(permit) = verdict
        && let Some(search) = permit.served_by()
    {
        let Rule { id, file_name, line, .. } = &*search.rule;
        remedies.push(format!(
            "editing search rule `{id}` in `{file_name}`, line {line}, for another search mode"
        ));
    }
    match origin {
        Origin::Rule { rule, matched } => {
            remedies.extend(rule_remedies(rule, matched, words));
            if rule.lock == Lock::Open && teacher_can {
                remedies.push(format!("a teacher's {teacher}"));
            }
        }
        Origin::Opening { scope } => {
            remedies.push(format!("the end of what was decided for `{scope}`, or a later {teacher}"));
            remedies.push(format!("a locked rule that {does_other}"));
        }
        Origin::Evasion(_) => {
            remedies.push("nothing: it is a way round the filter, which no rule opens".to_owned());
        }
        Origin::Welcome => {
            remedies.push("editing `sites` of `[accounts.ent]`: they are open before sign-in".to_owned());
            remedies.push(format!("a locked rule of any level that {does_other}"));
        }
        Origin::ZoneDefault => {
            remedies.push(format!("a rule of any level that {does_other}"));
            if teacher_can {
                remedies.push(format!("a teacher's {teacher}"));
            }
            if is_name {
                remedies.push(format!("another default of zone `{}`", question.zone.name));
            }
        }
    }
    remedies
}

/// What undoes the answer: what a rule would do, and what a teacher would.
#[derive(Clone, Copy)]
struct Words {
    rule: &'static str,
    teacher: &'static str,
}

/// Which rules could undo `rule`, which spoke because of `matched`, and which could not.
fn rule_remedies(rule: &Rule, matched: &Matched, words: Words) -> Vec<String> {
    let Rule { id, level, file_name, line, lock, .. } = rule;
    let Words { rule: does_other, teacher } = words;
    let mut remedies = vec![format!("editing rule `{id}` in `{file_name}`, line {line}")];
    if matches!(matched, Matched::Category { .. } | Matched::Engine(_) | Matched::Everything) {
        let locked = if *lock == Lock::Locked { "locked " } else { "" };
        remedies.push(format!(
            "a {locked}rule of level {level} that writes the site in `sites` and {does_other}"
        ));
    }
    match lock {
        Lock::Locked => {
            if *level != Level::Academie {
                remedies.push(format!("a locked rule of a level above {level} that {does_other}"));
            }
            remedies.push(format!(
                "not a rule of a level below {level}, nor a teacher's {teacher}: the rule is locked at level {level}"
            ));
        }
        Lock::Open => {
            if *level != Level::Groupe {
                remedies.push(format!("a rule of a level below {level} that {does_other}"));
            }
            remedies.push(format!("a locked rule of any level that {does_other}"));
        }
    }
    remedies
}
