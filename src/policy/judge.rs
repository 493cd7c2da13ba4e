//! The judge: one answer to every question, in the order of decision D7.
//!
//! 0. In a zone that asks people to sign in, nobody gets anything: [`Cause::SignInNeeded`]. The exception is the
//!    welcome: the names that signing in needs, with what is below them, which only a locked rule closes.
//!    What is a way round the filter is refused to everybody else before any rule is asked, see [`Evasion`].
//! 1. Locked rules, from the top level down.
//! 2. Teachers' timed openings and closings. An exam speaks before all others; then the one that began last; of two that
//!    began together, the later given. Sites of an opening are names; bare addresses stay as they are.
//! 3. Rules that are not locked, from the most specific level up.
//! 4. The zone's default. An address without a name is refused even where the default allows (decision D3: hard-coded
//!    addresses are closed). Only a rule can open one, by its `sites`, by a category that lists it, or by `everything`.
//!    A registered machine in a zone that asks people to sign in has no default, only rules, openings and the welcome: its hardware
//!    address can be read on its label and copied. For more, somebody signs in on it: [`Cause::SignInNeeded`].
//!
//! **Files of one level** stand from the more general to the more specific too, such as a group's behind its département's:
//! locked rules of the earlier file speak first, open rules of the later one.
//!
//! **Among rules of one file that are alike locked or open**, one that *writes* the site (itself, a parent, or a
//! network that holds the address) speaks before one that is about a category or everything; the longest written name
//! or network speaks first. So a school opens one site of a category it closes, in any order of its file. Rules that
//! are still equal speak in the order of the file. A rule that writes the site and also names its category counts as
//! writing it, and says so.
//!
//! **Pages.** Where the question has a path (plain HTTP), rules that write a page, and lists of pages and expressions, are
//! asked too. A written page is narrower than any written site; a category is a category, however its list holds the
//! page. Where there is no path (DNS, TLS) they say nothing: they never close a whole name, and never open one.
//!
//! **A page is open only where its name is.** What allows a page is an exception to what closes pages; it opens none of a
//! name that is closed, whatever the levels. DNS could not answer for one page alone, and TLS would then be open to all
//! of them: the failing side is the closed one. Whoever wants a page open opens its name, and may close pages of it.

use std::{cell::LazyCell, collections::HashSet, fmt, sync::Arc};

use thiserror::Error;

use super::{
    Effect, Evasion, Matched, Opening, Origin, Permit, Question, Refusal, Rule, RuleFile, SearchRule,
    Timetable, Verdict,
    category::{CategoryId, Table},
    decision::{Cause, ListedBy},
    index::{Hit, Index, Rank},
    rule::{Level, Sites},
    search::{SafeSearch, SearchRules},
    timetable::LocalMinute,
};
use crate::model::{DefaultVerdict, Domain, Moment, SignIn, Site, Subject};

/// All rules of a school, the category table they speak of, and the openings that run. Cloning is cheap.
#[derive(Clone)]
pub struct Policy {
    rules: Arc<Rules>,
    openings: Arc<[Opening]>,
    /// Open before sign-in, each with everything below it.
    welcome: Arc<[Domain]>,
}

/// The part of a policy that openings do not change.
struct Rules {
    index: Index,
    categories: Option<Categories>,
    timetables: Vec<Arc<Timetable>>,
    search: SearchRules,
}

/// A category table and the names decisions carry.
struct Categories {
    table: Table,
    names: Vec<Arc<str>>,
}

/// Why rules files do not make a policy together. Its text is for technicians.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PolicyError {
    /// A more general level after a more specific one.
    #[error(
        "`{file}` of level {level} stands after level {before}; list rules files from academie to groupe"
    )]
    Order {
        /// The file's name for itself.
        file: Arc<str>,
        /// Its level.
        level: Level,
        /// The level of the file before it.
        before: Level,
    },
    /// Two files of one level use the same id.
    #[error("`{file}`, line {line}: another file of level {level} has a rule `{id}`; give each its own id")]
    TakenId {
        /// The second file's name for itself.
        file: Arc<str>,
        /// The line of the rule in it.
        line: usize,
        /// The level.
        level: Level,
        /// The id.
        id: Arc<str>,
    },
    /// A rule names a category, and there is no table.
    #[error(
        "`{file}`, line {line}, rule `{id}`: category `{category}` needs a category table; set `categories`"
    )]
    NoTable {
        /// The file's name for itself.
        file: Arc<str>,
        /// The line of the rule.
        line: usize,
        /// The rule's id.
        id: Arc<str>,
        /// The category.
        category: Arc<str>,
    },
    /// A rule names a category that the table has not.
    #[error("`{file}`, line {line}, rule `{id}`: the category table has no category `{category}`")]
    UnknownCategory {
        /// The file's name for itself.
        file: Arc<str>,
        /// The line of the rule.
        line: usize,
        /// The rule's id.
        id: Arc<str>,
        /// The category.
        category: Arc<str>,
    },
}

impl Policy {
    /// The policy of `files`, from the most general level to the most specific, over `categories`.
    ///
    /// # Errors
    /// When the files are out of order, share a rule's id within a level, or name categories that are not there.
    pub fn new(files: Vec<RuleFile>, categories: Option<Table>) -> Result<Self, PolicyError> {
        check_order(&files)?;
        let mut rules = Vec::new();
        let mut search: Vec<(u32, Arc<SearchRule>)> = Vec::new();
        for (number, file) in (0..).zip(files) {
            rules.extend(file.rules.into_iter().map(|rule| (number, rule)));
            search.extend(file.search.into_iter().map(|search| (number, search)));
        }
        let of_search = search.iter().map(|(_, search)| &search.rule);
        let all: Vec<_> = rules.iter().map(|(_, rule)| rule).chain(of_search).collect();
        check_ids(&all)?;
        check_categories(&rules, categories.as_ref())?;
        let mut timetables: Vec<Arc<Timetable>> = Vec::new();
        for timetable in all.iter().filter_map(|rule| rule.when.timetable()) {
            if !timetables.iter().any(|known| Arc::ptr_eq(known, timetable)) {
                timetables.push(Arc::clone(timetable));
            }
        }
        // Behind the rules of their file, which so speak first about engines that they write.
        let forcing = search.iter().filter(|(_, search)| search.safe_search == Some(SafeSearch::Forced));
        rules.extend(forcing.map(|(file, search)| (*file, Arc::clone(&search.rule))));
        let index = Index::new(rules, categories.as_ref());
        let categories = categories.map(|table| Categories {
            names: table.categories().iter().map(|category| Arc::clone(&category.name)).collect(),
            table,
        });
        let rules = Rules { index, categories, timetables, search: SearchRules::new(search) };
        Ok(Self { rules: Arc::new(rules), openings: Arc::new([]), welcome: Arc::new([]) })
    }

    /// The same rules with these openings in place of any before.
    #[must_use]
    pub fn with_openings(&self, openings: Vec<Opening>) -> Self {
        Self {
            rules: Arc::clone(&self.rules),
            openings: Arc::from(openings),
            welcome: Arc::clone(&self.welcome),
        }
    }

    /// The same rules with these names, and what is below them, open where people still have to sign in; they need them
    /// to do so. Addresses without a name are never welcome, nor is what a locked rule closes.
    #[must_use]
    pub fn with_welcome(&self, welcome: Vec<Domain>) -> Self {
        Self {
            rules: Arc::clone(&self.rules),
            openings: Arc::clone(&self.openings),
            welcome: Arc::from(welcome),
        }
    }

    /// Answers one question (decision D7).
    pub fn judge(&self, question: &Question<'_>) -> Verdict {
        match self.decide(question) {
            Verdict::Allow(permit) if permit.origin().is_by_path() => {
                match self.decide(&Question { path: None, ..*question }) {
                    Verdict::Allow(_) => Verdict::Allow(permit),
                    // Closed: a page is open only where its name is.
                    refusal @ Verdict::Refuse(_) => refusal,
                }
            }
            verdict => verdict,
        }
    }

    /// Answers by the strongest voice, without asking whether the name of a page is open.
    pub(super) fn decide(&self, question: &Question<'_>) -> Verdict {
        let site = question.site;
        let is_welcome = self.is_welcome(question);
        if needs_sign_in(question) && !is_welcome {
            return Verdict::Refuse(Refusal { site: site.clone(), cause: Cause::SignInNeeded });
        }
        if let Some(evasion) = Evasion::of(site) {
            let cause = Cause::Policy(Origin::Evasion(evasion));
            return Verdict::Refuse(Refusal { site: site.clone(), cause });
        }
        let strongest = self.strongest(question);
        let is_locked = strongest.is_some_and(|(rank, _)| rank.is_locked());
        let opening = if is_locked { None } else { self.opening(question) };
        let (effect, origin) = match (opening, strongest) {
            _ if is_welcome && needs_sign_in(question) && !is_locked => (Effect::Allow, Origin::Welcome),
            (Some((opening, effect)), _) => (effect, Origin::Opening { scope: Arc::clone(&opening.label) }),
            (None, Some((rank, hit))) => self.spoken(rank, hit),
            (None, None) if is_welcome => (Effect::Allow, Origin::Welcome),
            (None, None) if is_only_a_machine(question) => {
                return Verdict::Refuse(Refusal { site: site.clone(), cause: Cause::SignInNeeded });
            }
            (None, None) => (default_effect(question), Origin::ZoneDefault),
        };
        match effect {
            Effect::Allow => {
                let permit = Permit::new(site.clone(), origin).for_page(question.path);
                Verdict::Allow(self.served(permit, question))
            }
            Effect::Block => Verdict::Refuse(Refusal { site: site.clone(), cause: Cause::Policy(origin) }),
        }
    }

    /// The first moment after `after` at which a timetable in use or an opening begins or ends; none if nothing does.
    ///
    /// Live connections are judged again then.
    #[must_use]
    pub fn next_change(&self, after: Moment) -> Option<Moment> {
        let timetables = self.rules.timetables.iter().filter_map(|timetable| timetable.next_change(after));
        let openings = self.openings.iter().flat_map(|opening| [opening.from, opening.until]);
        timetables.chain(openings.filter(|moment| *moment > after)).min()
    }

    /// The category table, if the policy has one.
    #[must_use]
    pub fn categories(&self) -> Option<&Table> {
        self.rules.categories.as_ref().map(|categories| &categories.table)
    }

    /// Every rule, from the most general level to the most specific, in the order of the files.
    #[must_use]
    pub fn rules(&self) -> &[Arc<Rule>] {
        self.rules.index.rules()
    }

    /// Whether rules write pages of `site`: they speak only where the path is seen.
    #[must_use]
    pub fn judges_pages_of(&self, site: &Site) -> bool {
        self.rules.index.writes_pages_of(site)
    }

    pub(super) fn index(&self) -> &Index {
        &self.rules.index
    }

    pub(super) fn timetables(&self) -> &[Arc<Timetable>] {
        &self.rules.timetables
    }

    pub(super) fn openings(&self) -> &[Opening] {
        &self.openings
    }

    /// Whether the site is one that signing in needs, and nobody has signed in.
    pub(super) fn is_welcome(&self, question: &Question<'_>) -> bool {
        let Site::Name(name) = question.site else { return false };
        (needs_sign_in(question) || is_only_a_machine(question))
            && self.welcome.iter().any(|parent| name.is_within(parent))
    }

    /// The opening that speaks, and what it says.
    pub(super) fn opening(&self, question: &Question<'_>) -> Option<(&Opening, Effect)> {
        let answers = |opening: &'_ Opening| opening.answer(question);
        let speaking = self.openings.iter().filter_map(|opening| Some((opening, answers(opening)?)));
        speaking.max_by_key(|(opening, _)| opening.rank())
    }

    /// The end of the lesson that runs at `now`: the end of the slot of the timetable `cours`, where there is one.
    #[must_use]
    pub fn lesson_end(&self, now: Moment) -> Option<Moment> {
        let lessons = self.rules.timetables.iter().find(|timetable| &**timetable.name() == "cours")?;
        if lessons.is_open(LocalMinute::from(now)) { lessons.next_change(now) } else { None }
    }

    /// What in a rule matched, as decisions carry it.
    pub(super) fn matched(&self, hit: Hit<'_>) -> Matched {
        match hit {
            Hit::Name(name) => Matched::Site(name.clone()),
            Hit::Engine(name) => Matched::Engine(name.clone()),
            Hit::Network => Matched::Address,
            Hit::Url(page) => Matched::Url(page.clone()),
            Hit::Category(id, by) => self.matched_category(id, by),
            Hit::Everything => Matched::Everything,
        }
    }

    fn strongest(&self, question: &Question<'_>) -> Option<(Rank, Hit<'_>)> {
        let minute = LazyCell::new(|| LocalMinute::from(question.at));
        self.rules.index.strongest(question.site, question.path, self.categories(), |rule| {
            rule.people.hold(question.subject, question.machine, &question.zone.name).is_ok()
                && rule.speaks_at(question.clock, || *minute)
                && self.is_in_force(rule, question)
        })
    }

    /// Whether a refusal of engines without a safe form is in force for the one who asks; other rules always are.
    pub(super) fn is_in_force(&self, rule: &Rule, question: &Question<'_>) -> bool {
        !matches!(rule.sites, Sites::EnginesWithoutSafeForm) || self.rules.search.forces_by(rule, question)
    }

    /// The permit, for another name where a search mode says so.
    fn served(&self, permit: Permit, question: &Question<'_>) -> Permit {
        let Site::Name(name) = question.site else { return permit };
        match self.rules.search.served_as(name, question) {
            Some((served_as, by)) => permit.serving(served_as.clone(), Arc::clone(by)),
            None => permit,
        }
    }

    fn spoken(&self, rank: Rank, hit: Hit<'_>) -> (Effect, Origin) {
        let rule = self.rules.index.rule(rank);
        (rule.effect, Origin::Rule { rule: Arc::clone(rule), matched: self.matched(hit) })
    }

    fn matched_category(&self, id: CategoryId, by: ListedBy) -> Matched {
        match &self.rules.categories {
            Some(Categories { table, names }) => Matched::Category {
                category: names.get(id.index()).map(Arc::clone).unwrap_or_default(),
                list_date: Arc::clone(&table.description().date),
                by,
            },
            None => Matched::Everything,
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("rules", &self.rules().len())
            .field("categories", &self.categories())
            .field("openings", &self.openings.len())
            .finish_non_exhaustive()
    }
}

/// Whether the zone asks people to sign in and nobody has.
pub(super) fn needs_sign_in(question: &Question<'_>) -> bool {
    question.zone.sign_in == SignIn::Required && *question.subject == Subject::Nobody
}

/// Whether the zone asks people to sign in, and only a registered machine is known.
fn is_only_a_machine(question: &Question<'_>) -> bool {
    question.zone.sign_in == SignIn::Required && matches!(question.subject, Subject::Device(_))
}

fn default_effect(question: &Question<'_>) -> Effect {
    match (question.zone.default, question.site) {
        (DefaultVerdict::Allow, Site::Name(_)) => Effect::Allow,
        // Closed: an address without a name goes around every list of names.
        (DefaultVerdict::Allow, Site::Address(_)) | (DefaultVerdict::Block, _) => Effect::Block,
    }
}

fn check_order(files: &[RuleFile]) -> Result<(), PolicyError> {
    match files.iter().zip(files.iter().skip(1)).find(|(before, file)| file.level < before.level) {
        None => Ok(()),
        Some((before, file)) => {
            Err(PolicyError::Order { file: Arc::clone(&file.name), level: file.level, before: before.level })
        }
    }
}

fn check_ids(rules: &[&Arc<Rule>]) -> Result<(), PolicyError> {
    let mut seen = HashSet::with_capacity(rules.len());
    match rules.iter().find(|rule| !seen.insert((rule.level, &rule.id))) {
        None => Ok(()),
        Some(rule) => Err(PolicyError::TakenId {
            file: Arc::clone(&rule.file_name),
            line: rule.line,
            level: rule.level,
            id: Arc::clone(&rule.id),
        }),
    }
}

fn check_categories(rules: &[(u32, Arc<Rule>)], table: Option<&Table>) -> Result<(), PolicyError> {
    for (_, rule) in rules {
        let Sites::Listed { categories, .. } = &rule.sites else { continue };
        let unknown = |name: &&Arc<str>| table.is_none_or(|table| table.category(name).is_none());
        let Some(category) = categories.iter().find(unknown) else { continue };
        let (file, line) = (Arc::clone(&rule.file_name), rule.line);
        let (id, category) = (Arc::clone(&rule.id), Arc::clone(category));
        return Err(match table {
            None => PolicyError::NoTable { file, line, id, category },
            Some(_) => PolicyError::UnknownCategory { file, line, id, category },
        });
    }
    Ok(())
}
