//! Why an answer is what it is, for technicians: who asked, which rules were about the site and why they did not speak,
//! and what would change the answer.

use std::{fmt, sync::Arc};

use super::{
    Cause, Effect, Matched, Opening, Origin, Policy, Question, Rule, Stranger, Timetable, Verdict, When,
    category::CategorySet,
    index::Rank,
    judge::needs_sign_in,
    remedies::remedies,
    timetable::{LocalMinute, in_paris},
};
use crate::model::{Moment, Site, Subject};

/// How many changes of timetables and openings are looked through for one that changes the answer: two weeks of a
/// school's timetable with ten slots a day.
const CHANGES_MAX: usize = 200;

/// A judge's answer, taken apart. Its text is for technicians.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Who asked: role, classes, kind of machine. No name of a person.
    pub who: String,
    /// The zone's name.
    pub zone: String,
    /// When, in UTC.
    pub at: Moment,
    /// What was asked for.
    pub site: Site,
    /// The judge's answer.
    pub verdict: Verdict,
    /// The entries of the category table that hold the site, with the entry as listed and its categories.
    pub listed: Vec<(String, Vec<Arc<str>>)>,
    /// Every rule about the site, the strongest first.
    pub considered: Vec<Considered>,
    /// How many other rules there are: they are about other sites.
    pub elsewhere: usize,
    /// The first moment at which the same question gets the other answer, if nobody changes anything.
    pub changes: Option<Change>,
    /// What somebody could do about the answer.
    pub remedies: Vec<String>,
}

/// A rule about the site, and what became of it.
#[derive(Clone, Debug)]
pub struct Considered {
    /// The rule.
    pub rule: Arc<Rule>,
    /// What in it matched.
    pub matched: Matched,
    /// Whether it spoke, and if not, why.
    pub part: Part,
}

/// The part a rule about the site had in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It spoke.
    Spoke,
    /// It is about others than the one who asked.
    Stranger(Stranger),
    /// It does not speak at that time of the week.
    OtherTime,
    /// A stronger rule spoke before it.
    Outranked,
    /// A teacher's opening spoke before it.
    BehindOpening,
    /// Nobody has signed in, so no rule was asked.
    BeforeSignIn,
}

/// A moment at which the answer becomes the other one by itself.
#[derive(Clone, Debug)]
pub struct Change {
    /// When.
    pub at: Moment,
    /// The answer from then on.
    pub verdict: Verdict,
    /// What begins or ends then, such as ``the timetable `cours` ends``.
    pub cause: String,
}

impl Policy {
    /// Explains the answer to a question; the verdict is [`Policy::judge`]'s.
    #[must_use]
    pub fn explain(&self, question: &Question<'_>) -> Explanation {
        let verdict = self.judge(question);
        let considered = self.considered(question, &verdict);
        Explanation {
            who: who(question),
            zone: question.zone.name.to_string(),
            at: question.at,
            site: question.site.clone(),
            listed: self.listed(question.site),
            elsewhere: self.rules().len() - considered.len(),
            changes: self.change(question, &verdict),
            remedies: remedies(question, &verdict),
            considered,
            verdict,
        }
    }

    fn considered(&self, question: &Question<'_>, verdict: &Verdict) -> Vec<Considered> {
        let by_opening = matches!(origin(verdict), Some(Origin::Opening { .. }));
        // Where the box itself closes the way, no rule is asked.
        let mut has_spoken = matches!(origin(verdict), Some(Origin::Evasion(_)));
        let mut part = |rank: Rank, rule: &Rule| {
            if needs_sign_in(question) {
                return Part::BeforeSignIn;
            }
            if let Err(stranger) = rule.people.hold(question.subject, question.machine, &question.zone.name) {
                return Part::Stranger(stranger);
            }
            if !rule.when.holds(LocalMinute::from(question.at)) {
                return Part::OtherTime;
            }
            if by_opening && !rank.is_locked() {
                return Part::BehindOpening;
            }
            if std::mem::replace(&mut has_spoken, true) { Part::Outranked } else { Part::Spoke }
        };
        let all = self.index().all(question.site, self.categories());
        let considered = all.into_iter().map(|(rank, hit)| {
            let rule = self.index().rule(rank);
            Considered { part: part(rank, rule), rule: Arc::clone(rule), matched: self.matched(hit) }
        });
        considered.collect()
    }

    fn listed(&self, site: &Site) -> Vec<(String, Vec<Arc<str>>)> {
        let Some(table) = self.categories() else { return Vec::new() };
        let names = |set: CategorySet| set.iter().map(|id| table.category_name(id)).collect();
        match site {
            Site::Name(name) => table
                .listed(name)
                .map(|listed| (listed.suffix.to_owned(), names(listed.categories)))
                .collect(),
            Site::Address(address) => {
                let listed = table.listed_address(*address).into_iter();
                listed.map(|listed| (address.to_string(), names(listed.categories))).collect()
            }
        }
    }

    /// Asks again at every change to come until the answer is the other one.
    fn change(&self, question: &Question<'_>, verdict: &Verdict) -> Option<Change> {
        let mut at = question.at;
        for _ in 0..CHANGES_MAX {
            at = self.next_change(at)?;
            let later = self.judge(&Question { at, ..*question });
            if is_allowed(&later) != is_allowed(verdict) {
                return Some(Change { at, verdict: later, cause: self.cause_of_change(at) });
            }
        }
        None
    }

    fn cause_of_change(&self, at: Moment) -> String {
        let before = Moment::from_unix_milliseconds(at.unix_milliseconds().saturating_sub(1));
        let turn = |timetable: &Arc<Timetable>| {
            let [was, is] = [before, at].map(|moment| timetable.is_open(moment.into()));
            (was != is).then(|| {
                format!("the timetable `{}` {}", timetable.name(), if is { "begins" } else { "ends" })
            })
        };
        let edge = |opening: &Opening| {
            let act = if opening.effect == Effect::Allow { "opening" } else { "closing" };
            let edge =
                if opening.from == at { Some("begins") } else { (opening.until == at).then_some("ends") };
            edge.map(|edge| format!("the {act} for `{}` {edge}", opening.label))
        };
        let timetables = self.timetables().iter().filter_map(turn);
        let mut causes: Vec<_> = timetables.chain(self.openings().iter().filter_map(edge)).collect();
        causes.dedup();
        causes.join(", ")
    }
}

/// Who asked, without a name.
fn who(question: &Question<'_>) -> String {
    let mut who = match question.subject {
        Subject::Person(account) => {
            let classes: Vec<_> = account.classes.iter().map(|class| class.as_str()).collect();
            let classes = if classes.is_empty() { "no class".to_owned() } else { classes.join(", ") };
            format!("{} ({classes})", account.role)
        }
        Subject::Device(device) => format!("registered machine ({})", device.kind.word()),
        Subject::Nobody => "nobody signed in".to_owned(),
    };
    if let Some(machine) = question.machine {
        who.push_str(&format!(" at machine {machine}"));
    }
    who
}

fn is_allowed(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Allow(_))
}

fn origin(verdict: &Verdict) -> Option<&Origin> {
    match verdict {
        Verdict::Allow(permit) => Some(permit.origin()),
        Verdict::Refuse(refusal) => match &refusal.cause {
            Cause::Policy(origin) => Some(origin),
            Cause::SignInNeeded | Cause::NotRecorded => None,
        },
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "who      {}", self.who)?;
        writeln!(f, "zone     {}", self.zone)?;
        writeln!(f, "when     {}", in_paris(self.at))?;
        writeln!(f, "site     {}", self.site)?;
        for (entry, categories) in &self.listed {
            writeln!(f, "listed   {entry}: {}", categories.join(", "))?;
        }
        writeln!(f, "answer   {}", self.verdict)?;
        if let Verdict::Refuse(refusal) = &self.verdict {
            writeln!(f, "told     {}", refusal.reason_fr())?;
        }
        for considered in &self.considered {
            let label = if considered.part == Part::Spoke { "spoke" } else { "silent" };
            writeln!(f, "{label:<8} {considered}")?;
        }
        match self.elsewhere {
            0 => {}
            1 => writeln!(f, "         1 other rule is about other sites")?,
            count => writeln!(f, "         {count} other rules are about other sites")?,
        }
        match &self.changes {
            Some(Change { at, verdict, cause }) => {
                writeln!(f, "later    {}: {verdict} ({cause})", in_paris(*at))?;
            }
            None => writeln!(f, "later    the same, until somebody changes something")?,
        }
        for remedy in &self.remedies {
            writeln!(f, "change   {remedy}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Considered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, matched, part } = self;
        write!(f, "{rule} by {matched}")?;
        let reason = match part {
            Part::Spoke => return Ok(()),
            Part::Stranger(Stranger::Role) => "for other roles",
            Part::Stranger(Stranger::Class) => "for other classes",
            Part::Stranger(Stranger::Device) => "for registered machines of other kinds",
            Part::Stranger(Stranger::Machine) => "for other machines",
            Part::Stranger(Stranger::Zone) => "for other zones",
            Part::OtherTime => {
                return match &rule.when {
                    When::During(timetable) => write!(f, ": only during `{}`", timetable.name()),
                    When::Outside(timetable) => write!(f, ": only outside `{}`", timetable.name()),
                    When::Always => Ok(()),
                };
            }
            Part::Outranked => "a stronger rule spoke",
            Part::BehindOpening => "a teacher's timed decision spoke",
            Part::BeforeSignIn => "not asked before sign-in",
        };
        write!(f, ": {reason}")
    }
}
