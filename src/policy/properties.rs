//! What holds for every set of rules: properties of the judge on generated schools.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::{
    category::{Builder, CategorySet, Description, Since, Table},
    *,
};
use crate::model::{
    Account, AccountId, ClassName, ClockTrust, DefaultVerdict, Domain, Moment, Quic, Role, SignIn, Site,
    Subject, UrlPath, Zone, ZoneKind, ZoneName,
};

/// Names in a small world, so that rules meet often.
const SITES: [&str; 8] = [
    "example",
    "a.example",
    "b.a.example",
    "c.example",
    "d.example",
    "x.d.example",
    "203.0.113.7",
    "2001:db8::7",
];
/// Pages that rules write beside them.
const PAGES: [&str; 4] = ["a.example/x", "a.example/x/y", "example/x?q", "c.example/z"];
/// Paths that are asked for.
const PATHS: [&str; 7] = ["/", "/x", "/x/y/", "/%78//Y", "/x?q", "/z", "/zz"];
const CATEGORIES: [(&str, [&str; 2]); 3] = [
    ("games", ["a.example", "203.0.113.7"]),
    ("press", ["c.example", "a.example"]),
    ("vpn", ["x.d.example", "example"]),
];
/// A Monday, 08:00 in Paris; the timetable `cours` of every generated file begins then and ends two hours later.
pub(super) const MONDAY_8: i64 = 1_795_417_200;

#[derive(Clone, Debug)]
pub(super) struct Drawn {
    pub(super) allow: bool,
    pub(super) locked: bool,
    pub(super) targets: usize,
    pub(super) sites: Vec<usize>,
    pub(super) categories: Vec<usize>,
    pub(super) who: usize,
    pub(super) when: usize,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let lists = (
        prop::collection::vec(0..SITES.len() + PAGES.len(), 1..3),
        prop::collection::vec(0..CATEGORIES.len(), 1..3),
    );
    (any::<bool>(), any::<bool>(), 0..4usize, lists, 0..6usize, 0..4usize).prop_map(
        |(allow, locked, targets, (sites, categories), who, when)| Drawn {
            allow,
            locked,
            targets,
            sites,
            categories,
            who,
            when,
        },
    )
}

/// A site or a page, as a rule writes it.
fn written(site: usize) -> &'static str {
    SITES.iter().chain(&PAGES).nth(site).unwrap_or(&"192.0.2.0/24")
}

fn rule_text(id: usize, rule: &Drawn) -> String {
    let list = |words: Vec<&str>| format!("{words:?}");
    let sites = format!("sites = {}\n", list(rule.sites.iter().map(|site| written(*site)).collect()));
    let categories = format!(
        "categories = {}\n",
        list(rule.categories.iter().map(|category| CATEGORIES[*category].0).collect())
    );
    let targets = match rule.targets {
        0 => "everything = true\n".to_owned(),
        1 => sites,
        2 => categories,
        _ => sites + &categories,
    };
    let who = [
        "",
        "",
        "roles = [\"eleve\"]\n",
        "classes = [\"6A\"]\n",
        "zones = [\"autre\"]\n",
        "devices = [\"tableau\"]\n",
    ];
    let when = ["", "", "during = \"cours\"\n", "outside = \"cours\"\n"];
    format!(
        "[[rule]]\nid = \"r{id}\"\neffect = \"{}\"\nlocked = {}\nreason = \"parce que\"\n{targets}{}{}",
        if rule.allow { "allow" } else { "block" },
        rule.locked,
        who[rule.who],
        when[rule.when]
    )
}

fn file(level: Level, rules: &[Drawn]) -> RuleFile {
    file_from(level, 0, rules)
}

/// A file whose rules have ids from this number on.
fn file_from(level: Level, first: usize, rules: &[Drawn]) -> RuleFile {
    let rules: String = (first..).zip(rules).map(|(id, rule)| rule_text(id, rule)).collect();
    let head = format!("version = 1\nlevel = \"{level}\"\nname = \"{level}\"\n");
    RuleFile::parse(&format!("{head}[timetables]\ncours = {{ monday = [\"08:00-10:00\"] }}\n{rules}"))
        .unwrap()
}

/// One table for all cases: its expressions are compiled once.
static TABLE: LazyLock<Table> = LazyLock::new(table);

fn table() -> Table {
    let mut bytes = Vec::new();
    let mut builder = Builder::new(3, Vec::new()).unwrap();
    for (name, sites) in CATEGORIES {
        let id = builder.category(name).unwrap();
        for site in sites {
            builder.add(&site.parse().unwrap(), id).unwrap();
        }
        if name == "games" {
            builder.add_url(&"c.example".parse().unwrap(), &UrlPath::from("/x"), id).unwrap();
        }
        if name == "vpn" {
            builder.add_expression("d[.]example/.*y", id).unwrap();
        }
    }
    builder
        .finish(&Description::default(), &Since::first("2026-08-17".parse().unwrap()), &mut bytes)
        .unwrap();
    Table::open(bytes).unwrap()
}

/// The rules of the four levels.
pub(super) type Levels = [Vec<Drawn>; 4];

pub(super) fn levels() -> impl Strategy<Value = Levels> {
    let level = || prop::collection::vec(drawn(), 0..6);
    [level(), level(), level(), level()]
}

pub(super) fn policy(levels: &Levels) -> Policy {
    let files = Level::OF_FILES.into_iter().zip(levels).map(|(level, rules)| file(level, rules)).collect();
    Policy::new(files, Some(TABLE.clone())).unwrap()
}

pub(super) fn opening() -> impl Strategy<Value = Opening> {
    let sites = prop::option::of(prop::collection::vec(0..6usize, 1..3));
    (0..3usize, 0..3usize, sites, 0..3i64, 1..4i64).prop_map(|(mode, scope, sites, from, hours)| {
        let sites: Option<Vec<Domain>> =
            sites.map(|sites| sites.into_iter().map(|site| SITES[site].parse().unwrap()).collect());
        Opening {
            scope: match scope {
                0 => Scope::Person(AccountId::new("paul")),
                1 => Scope::Class(ClassName::new("6A")),
                _ => Scope::Zone("salle".parse().unwrap()),
            },
            mode: match mode {
                0 => Mode::Open(sites),
                1 => Mode::Close(sites),
                _ => Mode::Exam(sites.unwrap_or_default()),
            },
            from: Moment::from_unix_seconds(MONDAY_8 + (from - 1) * 3600),
            until: Moment::from_unix_seconds(MONDAY_8 + (from - 1 + hours) * 3600),
            label: Arc::from("x"),
        }
    })
}

/// A question's owner.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) subject: Subject,
    pub(super) zone: Zone,
    pub(super) site: Site,
    pub(super) path: Option<UrlPath>,
    pub(super) at: Moment,
}

impl Asked {
    pub(super) fn question(&self) -> Question<'_> {
        Question {
            subject: &self.subject,
            machine: None,
            zone: &self.zone,
            site: &self.site,
            path: self.path.as_ref(),
            at: self.at,
            clock: ClockTrust::Trusted,
        }
    }

    /// The same question where only the name is seen.
    fn by_name(&self) -> Question<'_> {
        Question { path: None, ..self.question() }
    }
}

pub(super) fn asked() -> impl Strategy<Value = Asked> {
    let path = prop::option::of(0..PATHS.len());
    (0..3usize, any::<bool>(), any::<bool>(), 0..SITES.len() + 2, path, -3..4i64).prop_map(
        |(who, asks_sign_in, is_open, site, path, hours)| {
            let pupil = Account {
                id: AccountId::new("paul"),
                display_name: "Paul".to_owned(),
                role: if who == 1 { Role::Eleve } else { Role::Enseignant },
                classes: vec![ClassName::new("6A")],
            };
            let name: ZoneName = "salle".parse().unwrap();
            Asked {
                subject: if who == 0 { Subject::Nobody } else { Subject::Person(Arc::new(pupil)) },
                zone: Zone {
                    name,
                    kind: ZoneKind::Pedagogique,
                    interface: Arc::from("lan0"),
                    ipv4: "10.0.0.1/24".parse().unwrap(),
                    ipv6: "fd00::1/64".parse().unwrap(),
                    sign_in: if asks_sign_in { SignIn::Required } else { SignIn::NotAsked },
                    default: if is_open { DefaultVerdict::Allow } else { DefaultVerdict::Block },
                    quic: Quic::Reject,
                    tunnel: crate::model::TunnelAccess::None,
                    services: Vec::new(),
                },
                site: SITES.get(site).unwrap_or(&"y.x.d.example").parse().unwrap(),
                path: path.map(|path| UrlPath::from(PATHS[path])),
                at: Moment::from_unix_seconds(MONDAY_8 + hours * 1800),
            }
        },
    )
}

pub(super) fn shown(verdict: &Verdict) -> String {
    verdict.to_string()
}

/// The locked rule that decided, if one did. What allows a page does not count: its name can be closed from below.
fn locked_rule(verdict: &Verdict) -> Option<Arc<Rule>> {
    let origin = match verdict {
        Verdict::Allow(permit) => permit.origin(),
        Verdict::Refuse(Refusal { cause: Cause::Policy(origin), .. }) => origin,
        Verdict::Refuse(_) => return None,
    };
    let is_page_opened = matches!(verdict, Verdict::Allow(_)) && origin.is_by_path();
    match origin {
        Origin::Rule { rule, .. } => {
            Some(Arc::clone(rule)).filter(|rule| rule.lock == Lock::Locked && !is_page_opened)
        }
        Origin::Opening { .. } | Origin::ZoneDefault | Origin::Evasion(_) | Origin::Welcome => None,
    }
}

/// The rule that speaks by decision D7 read aloud: pages open nothing that their name does not.
fn by_the_book(policy: &Policy, question: &Question<'_>) -> Option<(Level, Arc<str>)> {
    let spoken = voice(policy, question);
    let by_name = voice(policy, &Question { path: None, ..*question });
    let opens = |spoken: &Option<Arc<Rule>>| match spoken {
        Some(rule) => rule.effect == Effect::Allow,
        None => question.zone.default == DefaultVerdict::Allow && matches!(question.site, Site::Name(_)),
    };
    let spoken = if opens(&spoken) && !opens(&by_name) { by_name } else { spoken };
    spoken.map(|rule| (rule.level, Arc::clone(&rule.id)))
}

/// The strongest rule: every one is looked at, nothing is indexed.
fn voice(policy: &Policy, question: &Question<'_>) -> Option<Arc<Rule>> {
    let table = policy.categories().unwrap();
    let pages = question.path.map(|path| table.url_categories(question.site, path));
    let listed = table.categories_of_site(question.site) | pages.unwrap_or(CategorySet::EMPTY);
    let breadth = |rule: &Rule| -> Option<usize> {
        let Sites::Listed { patterns, categories } = &rule.sites else { return Some(1000) };
        let written = patterns.iter().filter_map(|pattern| match (pattern, question.site) {
            (SitePattern::Name(parent), Site::Name(name)) => {
                name.is_within(parent).then(|| 900 - parent.as_str().len())
            }
            (SitePattern::Network(network), Site::Address(address)) => {
                network.contains(address).then(|| 900 - usize::from(network.prefix_len()))
            }
            (SitePattern::Url(page), Site::Name(name)) => {
                let holds = |path: &UrlPath| name.is_within(&page.host) && path.is_within(&page.path);
                question.path.is_some_and(holds).then(|| 500 - page.to_string().len())
            }
            _ => None,
        });
        let is_listed = |name: &Arc<str>| listed.contains(table.category(name).unwrap());
        written.min().or_else(|| categories.iter().any(is_listed).then_some(1000))
    };
    let speaking = |level: Level, lock: Lock| {
        let speaks = |rule: &&Arc<Rule>| {
            rule.level == level
                && rule.lock == lock
                && rule.people.hold(question.subject, None, &question.zone.name).is_ok()
                && rule.when.holds(question.at.into())
        };
        let rules = policy.rules().iter().filter(speaks);
        rules
            .filter_map(|rule| breadth(rule).map(|breadth| (breadth, rule)))
            .min_by_key(|(breadth, _)| *breadth)
    };
    let locked = Level::OF_FILES.into_iter().map(|level| (level, Lock::Locked));
    let open = Level::OF_FILES.into_iter().rev().map(|level| (level, Lock::Open));
    let spoken = locked.chain(open).find_map(|(level, lock)| speaking(level, lock))?;
    Some(Arc::clone(spoken.1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_judge_reads_the_book(levels in levels(), asked in asked()) {
        let policy = policy(&levels);
        let verdict = policy.judge(&asked.question());
        let needs_sign_in = matches!(&verdict, Verdict::Refuse(Refusal { cause: Cause::SignInNeeded, .. }));
        let no_rule = by_the_book(&policy, &asked.question()).is_none();
        let lacks_person = match asked.subject {
            Subject::Person(_) => false,
            Subject::Device(_) => no_rule,
            Subject::Nobody => true,
        };
        prop_assert_eq!(needs_sign_in, asked.zone.sign_in == SignIn::Required && lacks_person);
        if !needs_sign_in {
            let spoken = policy.explain(&asked.question()).considered.into_iter().find(|rule| rule.part == Part::Spoke);
            let spoken = spoken.map(|spoken| (spoken.rule.level, Arc::clone(&spoken.rule.id)));
            prop_assert_eq!(&spoken, &by_the_book(&policy, &asked.question()));
            let origin = shown(&verdict);
            match spoken {
                Some((level, id)) => {
                    let rule = policy.rules().iter().find(|rule| rule.level == level && rule.id == id).unwrap();
                    prop_assert!(origin.contains(&rule.to_string()), "{}", origin);
                    prop_assert_eq!(matches!(verdict, Verdict::Allow(_)), rule.effect == Effect::Allow);
                }
                None => prop_assert!(origin.contains("the zone's default"), "{}", origin),
            }
        }
    }

    #[test]
    fn two_files_of_one_level_are_judged_like_two_levels(
        levels in levels(),
        openings in prop::collection::vec(opening(), 0..4),
        asked in asked(),
    ) {
        let policy = |of: [Level; 4]| {
            let files = of.into_iter().zip(&levels).zip([0, 10, 20, 30]);
            let files = files.map(|((level, rules), first)| file_from(level, first, rules)).collect();
            Policy::new(files, Some(TABLE.clone())).unwrap().with_openings(openings.clone())
        };
        let judged = |policy: &Policy| {
            let explanation = policy.explain(&asked.question());
            let rules = explanation.considered.iter().map(|told| (Arc::clone(&told.rule.id), told.part == Part::Spoke));
            (matches!(explanation.verdict, Verdict::Allow(_)), rules.collect::<Vec<_>>())
        };
        let apart = judged(&policy(Level::OF_FILES));
        let [top, second, third, _] = Level::OF_FILES;
        prop_assert_eq!(&judged(&policy([top, second, second, third])), &apart);
        prop_assert_eq!(&judged(&policy([third; 4])), &apart);
    }

    #[test]
    fn a_locked_rule_is_never_undone_from_below(
        levels in levels(),
        below in levels(),
        openings in prop::collection::vec(opening(), 0..4),
        asked in asked(),
    ) {
        let before = policy(&levels).judge(&asked.question());
        if let Some(rule) = locked_rule(&before) {
            let mut changed = levels;
            for (level, (rules, more)) in Level::OF_FILES.into_iter().zip(changed.iter_mut().zip(below)) {
                if level > rule.level {
                    *rules = more;
                }
            }
            let after = policy(&changed).with_openings(openings).judge(&asked.question());
            prop_assert_eq!(shown(&before), shown(&after));
        }
    }

    #[test]
    fn an_open_rule_more_never_changes_what_a_locked_one_decided(
        mut levels in levels(),
        more in drawn(),
        level in 0..4usize,
        asked in asked(),
    ) {
        let before = policy(&levels).judge(&asked.question());
        if locked_rule(&before).is_some() {
            levels[level].push(Drawn { locked: false, ..more });
            prop_assert_eq!(shown(&before), shown(&policy(&levels).judge(&asked.question())));
        }
    }

    #[test]
    fn the_judge_is_a_function_and_the_explanation_agrees(
        levels in levels(),
        openings in prop::collection::vec(opening(), 0..4),
        asked in asked(),
    ) {
        let policy = policy(&levels).with_openings(openings);
        let verdict = policy.judge(&asked.question());
        prop_assert_eq!(shown(&verdict), shown(&policy.clone().judge(&asked.question())));
        let explanation = policy.explain(&asked.question());
        prop_assert_eq!(shown(&verdict), shown(&explanation.verdict));
        prop_assert!(explanation.to_string().contains(&shown(&verdict)));
        let spoke = explanation.considered.iter().filter(|rule| rule.part == Part::Spoke).count();
        let by_rule = shown(&verdict).contains("by rule");
        prop_assert_eq!(spoke, usize::from(by_rule));
    }

    #[test]
    fn between_two_changes_the_answer_stays(
        levels in levels(),
        openings in prop::collection::vec(opening(), 0..4),
        asked in asked(),
        wait in 0..10_800i64,
    ) {
        let policy = policy(&levels).with_openings(openings);
        let at = Moment::from_unix_milliseconds(asked.at.unix_milliseconds() + wait * 1000);
        if policy.next_change(asked.at).is_none_or(|change| at < change) {
            let later = policy.judge(&Question { at, ..asked.question() });
            prop_assert_eq!(shown(&policy.judge(&asked.question())), shown(&later));
        }
    }

    #[test]
    fn a_page_is_open_only_where_its_name_is(
        levels in levels(),
        openings in prop::collection::vec(opening(), 0..4),
        asked in asked(),
    ) {
        let policy = policy(&levels).with_openings(openings);
        if let Verdict::Allow(permit) = policy.judge(&asked.question()) {
            let by_name = policy.judge(&asked.by_name());
            prop_assert!(matches!(by_name, Verdict::Allow(_)), "{}", shown(&by_name));
            prop_assert_eq!(permit.path(), asked.path.as_ref());
        }
    }

    #[test]
    fn rules_about_pages_say_nothing_where_only_the_name_is_seen(levels in levels(), asked in asked()) {
        let mut without_pages = levels.clone();
        for rule in without_pages.iter_mut().flatten() {
            // In place of a page, a network that nobody asks about: the lines of the file stay what they are.
            rule.sites.iter_mut().filter(|site| **site >= SITES.len()).for_each(|site| *site = usize::MAX);
        }
        let before = policy(&levels).judge(&asked.by_name());
        prop_assert_eq!(shown(&before), shown(&policy(&without_pages).judge(&asked.by_name())));
    }

    #[test]
    fn an_address_is_open_by_a_rule_only(
        levels in levels(),
        openings in prop::collection::vec(opening(), 0..4),
        asked in asked(),
    ) {
        if let Verdict::Allow(permit) = policy(&levels).with_openings(openings).judge(&asked.question())
            && matches!(permit.site(), Site::Address(_))
        {
            let is_rule = matches!(permit.origin(), Origin::Rule { .. });
            prop_assert!(is_rule);
        }
    }

    #[test]
    fn before_sign_in_only_the_welcome_is_open_and_after_it_nothing_has_changed(
        levels in levels(),
        openings in prop::collection::vec(opening(), 0..4),
        welcome in 0..6usize,
        asked in asked(),
    ) {
        let before = policy(&levels).with_openings(openings);
        let site: Site = SITES[welcome].parse().unwrap();
        let Site::Name(welcome) = site else { return Ok(()) };
        let policy = before.with_welcome(vec![welcome.clone()]);
        let verdict = policy.judge(&asked.question());
        let is_person = matches!(asked.subject, Subject::Person(_));
        if is_person || asked.zone.sign_in == SignIn::NotAsked {
            prop_assert_eq!(shown(&verdict), shown(&before.judge(&asked.question())));
        } else {
            let is_welcome = matches!(&asked.site, Site::Name(name) if name.is_within(&welcome));
            match &verdict {
                Verdict::Allow(permit) => prop_assert!(is_welcome, "{}", permit.origin()),
                Verdict::Refuse(refusal) => {
                    let is_locked = locked_rule(&verdict).is_some();
                    prop_assert!(!is_welcome || is_locked, "{:?}", refusal.cause);
                }
            }
        }
    }
}
