//! Why an answer is what it is, for technicians: who asked, which rules were about the site and why they did not speak,
//! and what would change the answer.

use std::{fmt, sync::Arc};

use super::{
    Cause, Matched, Opening, Origin, Policy, Question, Rule, Stranger, Timetable, Verdict, When,
    category::CategorySet,
    index::{Hit, Rank},
    judge::needs_sign_in,
    remedies::remedies,
    timetable::{LocalMinute, in_paris},
};
use crate::model::{ClockTrust, Domain, Moment, Site, Subject, UrlPath};

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
    /// Whether that moment is to be believed.
    pub clock: ClockTrust,
    /// What was asked for.
    pub site: Site,
    /// The path and query asked for, where they are seen.
    pub path: Option<UrlPath>,
    /// Whether rules write pages of the site, or their categories list any: they say nothing without a path.
    pub are_pages_judged: bool,
    /// The judge's answer.
    pub verdict: Verdict,
    /// The entries of the category table that hold the site, with the entry as listed and its categories.
    pub listed: Vec<(String, Vec<Arc<str>>)>,
    /// Every rule about the site, the strongest first.
    pub considered: Vec<Considered>,
    /// How many other rules there are: they are about other sites.
    pub elsewhere: usize,
    /// The first moment at which the same question gets another answer, if nobody changes anything.
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
    /// It refuses engines without a safe form, and a stronger search rule leaves safe search free.
    OtherSearchRule,
    /// A stronger rule spoke before it.
    Outranked,
    /// A teacher's opening spoke before it.
    BehindOpening,
    /// Nobody has signed in, so no rule was asked.
    BeforeSignIn,
    /// It is about a page, and only the name is seen.
    PathUnseen,
    /// It is about the page, whose name is closed.
    NameClosed,
}

/// A moment at which the answer becomes another one by itself.
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
            clock: question.clock,
            site: question.site.clone(),
            path: question.path.cloned(),
            are_pages_judged: self.judges_pages_of(question.site) || self.index().lists_pages(),
            listed: self.listed(question.site, question.path),
            elsewhere: self.elsewhere(&considered),
            changes: self.change(question, &verdict),
            remedies: remedies(question, &verdict),
            considered,
            verdict,
        }
    }

    fn considered(&self, question: &Question<'_>, verdict: &Verdict) -> Vec<Considered> {
        let considered = |part: Part, rank: Rank, hit: Hit<'_>| Considered {
            rule: Arc::clone(self.index().rule(rank)),
            matched: self.matched(hit),
            part,
        };
        // The rules that were asked, and those about pages that were not.
        let all = |path| self.index().all(question.site, path, self.categories());
        let is_allowed = |verdict: &Verdict| matches!(verdict, Verdict::Allow(_));
        let is_name_closed = !is_allowed(verdict) && is_allowed(&self.decide(question));
        let (asked, silent, why_silent) = match question.path {
            None => (all(None), self.index().pages_of(question.site), Part::PathUnseen),
            Some(path) if is_name_closed => (all(None), all(Some(path)), Part::NameClosed),
            Some(path) => (all(Some(path)), Vec::new(), Part::NameClosed),
        };
        // Where the box itself closes the way, no rule is asked.
        let mut has_spoken = matches!(origin(verdict), Some(Origin::Evasion(_)));
        let mut part = |rank: Rank| self.part(question, verdict, rank, &mut has_spoken);
        let mut all: Vec<_> =
            asked.into_iter().map(|(rank, hit)| considered(part(rank), rank, hit)).collect();
        let silent = silent.into_iter().map(|(rank, hit)| considered(why_silent, rank, hit));
        all.extend(silent.filter(|page| page.matched.is_by_path()));
        all
    }

    /// The part of a rule that was asked; the first that could speak has spoken.
    fn part(&self, question: &Question<'_>, verdict: &Verdict, rank: Rank, has_spoken: &mut bool) -> Part {
        let rule = self.index().rule(rank);
        if needs_sign_in(question) && !(self.is_welcome(question) && rank.is_locked()) {
            return Part::BeforeSignIn;
        }
        if let Err(stranger) = rule.people.hold(question.subject, question.machine, &question.zone.name) {
            return Part::Stranger(stranger);
        }
        if !rule.speaks_at(question.clock, || LocalMinute::from(question.at)) {
            return Part::OtherTime;
        }
        if !self.is_in_force(rule, question) {
            return Part::OtherSearchRule;
        }
        if matches!(origin(verdict), Some(Origin::Opening { .. })) && !rank.is_locked() {
            return Part::BehindOpening;
        }
        if std::mem::replace(has_spoken, true) { Part::Outranked } else { Part::Spoke }
    }

    fn elsewhere(&self, considered: &[Considered]) -> usize {
        let is_elsewhere = |rule: &&Arc<Rule>| !considered.iter().any(|known| Arc::ptr_eq(&known.rule, rule));
        self.rules().iter().filter(is_elsewhere).count()
    }

    fn listed(&self, site: &Site, path: Option<&UrlPath>) -> Vec<(String, Vec<Arc<str>>)> {
        let Some(table) = self.categories() else { return Vec::new() };
        let names = |set: CategorySet| set.iter().map(|id| table.category_name(id)).collect();
        let mut all: Vec<_> = match site {
            Site::Name(name) => table
                .listed(name)
                .map(|listed| (listed.suffix.to_owned(), names(listed.categories)))
                .collect(),
            Site::Address(address) => {
                let listed = table.listed_address(*address).into_iter();
                listed.map(|listed| (address.to_string(), names(listed.categories))).collect()
            }
        };
        if let Some(path) = path {
            let urls = table.listed_urls(site, path);
            all.extend(urls.map(|listed| (format!("{site}{}", listed.suffix), names(listed.categories))));
            let expressions = table.matching_expressions(site, path).into_iter();
            all.extend(
                expressions.map(|(id, text)| (format!("expression {text}"), vec![table.category_name(id)])),
            );
        }
        all
    }

    /// Asks again at every change to come until the answer is another one: the other verdict, or another name that the
    /// site is served as. A clock in doubt knows no change to come.
    fn change(&self, question: &Question<'_>, verdict: &Verdict) -> Option<Change> {
        if question.clock == ClockTrust::Doubtful {
            return None;
        }
        let mut at = question.at;
        for _ in 0..CHANGES_MAX {
            at = self.next_change(at)?;
            let later = self.judge(&Question { at, ..*question });
            if outcome(&later) != outcome(verdict) {
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
            let act = opening.mode.word();
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

/// What the one who asks sees of an answer: no, or yes and under which name.
fn outcome(verdict: &Verdict) -> Option<Option<&Domain>> {
    match verdict {
        Verdict::Allow(permit) => Some(permit.served_as()),
        Verdict::Refuse(_) => None,
    }
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
        if self.clock == ClockTrust::Doubtful {
            writeln!(f, "clock    in doubt: what depends on the hour falls to its stricter side")?;
        }
        writeln!(f, "site     {}", self.site)?;
        if let Some(path) = &self.path {
            writeln!(f, "path     {path}")?;
        } else if self.are_pages_judged {
            writeln!(f, "path     not seen, as in DNS and over HTTPS: only the name is judged")?;
        }
        for (entry, categories) in &self.listed {
            writeln!(f, "listed   {entry}: {}", categories.join(", "))?;
        }
        writeln!(f, "answer   {}", self.verdict)?;
        if let Verdict::Refuse(refusal) = &self.verdict {
            writeln!(f, "told     {}", refusal.reason_fr())?;
            writeln!(f, "may open {}", refusal.may_open())?;
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
            None if self.clock == ClockTrust::Doubtful => {
                writeln!(f, "later    by the hour again, once the clock is right")?;
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
            Part::OtherSearchRule => "another search rule speaks about safe search",
            Part::Outranked => "a stronger rule spoke",
            Part::BehindOpening => "a teacher's timed decision spoke",
            Part::BeforeSignIn => "not asked before sign-in",
            Part::PathUnseen => "only the name is seen",
            Part::NameClosed => "the name itself is closed",
        };
        write!(f, ": {reason}")
    }
}
