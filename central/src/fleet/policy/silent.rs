//! Which rules of a school's documents can never speak, because others stand before them wherever they could.
//!
//! The judge is asked itself: every rule at the sites it writes, for everybody it could be about, at every hour of the week
//! that any timetable tells apart. A rule that speaks once is heard; one that never does is told, with what speaks in its
//! place. Categories are held against each other by their names alone, as if no site were in two of them.

use std::{collections::BTreeSet, sync::Arc};

use preau::{
    model::{
        Account, AccountId, ClassName, ClockTrust, DefaultVerdict, Device, DeviceKind, Domain, Mac, Moment,
        Role, Site, Subject, UrlPath, Zone, ZoneKind,
    },
    policy::{Explanation, Part, Policy, Question, Rule, SitePattern, Sites},
};

use super::{
    ask::zone,
    composed::{Composed, Layer},
    lists::{names_in, table_of},
};
use crate::words::Place;

/// Questions asked in one check: some seconds of one core at most. Rules that are left then count as heard.
const QUESTIONS_MAX: usize = 50_000;

/// Sites of a rule that are tried; a rule that speaks at none of these is told as silent at them.
const SITES_MAX: usize = 200;

/// Hours of the week that are tried: more than ten timetables have boundaries.
const HOURS_MAX: usize = 200;

/// A Monday, midnight in Paris.
const MONDAY: Moment = Moment::from_unix_seconds(1_795_388_400);

/// A rule, or some sites of it, that never speaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Silent {
    /// The place whose document it stands in.
    pub place: Place,
    /// Its id.
    pub rule: String,
    /// The sites at which it never speaks; empty where it is not about single sites.
    pub sites: Vec<String>,
    /// Whether it speaks nowhere at all.
    pub wholly: bool,
    /// What speaks in its place: place and rule.
    pub behind: Vec<(Place, String)>,
}

/// The rules of `layers` that can never speak; those about search modes are not looked at.
///
/// # Errors
/// When boxes would not take the documents together.
pub fn silent(layers: &[Layer]) -> anyhow::Result<Vec<Silent>> {
    let files: Vec<_> = layers.iter().map(|layer| layer.file.clone()).collect();
    let names = names_in(&files);
    let samples: Vec<Domain> =
        (0..names.len()).filter_map(|n| format!("c{n}.invalid").parse().ok()).collect();
    let table = table_of(&names, |builder, ids| {
        let listed = samples.iter().zip(ids);
        listed.into_iter().try_for_each(|(name, id)| builder.add(&Site::Name(name.clone()), *id))
    })?;
    let policy = Policy::new(files, Some(table))?;
    let composed = Composed { layers: layers.to_vec(), policy, lists_known: false };
    let hours = hours(&composed.policy);
    let mut asking = Asking { composed: &composed, samples, names, hours, left: QUESTIONS_MAX };
    let rules = layers.iter().flat_map(|layer| layer.file.rules.iter().map(move |rule| (layer, rule)));
    Ok(rules.filter_map(|(layer, rule)| asking.silence(layer, rule)).collect())
}

/// The moments of a week between which no timetable opens or closes.
fn hours(policy: &Policy) -> Vec<Moment> {
    let week = std::time::Duration::from_secs(7 * 24 * 3600);
    let next = |at: &Moment| policy.next_change(*at).filter(|next| *next < MONDAY + week);
    std::iter::successors(Some(MONDAY), next).take(HOURS_MAX).collect()
}

struct Asking<'a> {
    composed: &'a Composed,
    samples: Vec<Domain>,
    names: BTreeSet<String>,
    hours: Vec<Moment>,
    left: usize,
}

/// A site to ask for, as the rule writes it.
struct Tried {
    written: String,
    site: Site,
    path: Option<UrlPath>,
}

impl Asking<'_> {
    fn silence(&mut self, layer: &Layer, rule: &Arc<Rule>) -> Option<Silent> {
        let tried = self.tried(rule);
        let mut sites = Vec::new();
        let mut behind = BTreeSet::new();
        for one in &tried {
            let Some(before) = self.never_at(rule, one) else { continue };
            sites.push(one.written.clone());
            behind.extend(before);
        }
        if sites.is_empty() {
            return None;
        }
        let wholly = sites.len() == tried.len();
        sites.retain(|site| !site.is_empty());
        let (place, behind) = (layer.place.clone(), behind.into_iter().collect());
        Some(Silent { place, rule: rule.id.to_string(), sites, wholly, behind })
    }

    /// What speaks in the rule's place at this site; none where the rule speaks, or too much was asked.
    fn never_at(&mut self, rule: &Arc<Rule>, tried: &Tried) -> Option<BTreeSet<(Place, String)>> {
        let mut before = BTreeSet::new();
        for zone in zones(self.composed, rule) {
            for (subject, machine) in subjects(self.composed, rule) {
                for at in self.hours.clone() {
                    self.left = self.left.checked_sub(1)?;
                    let question = Question {
                        subject: &subject,
                        machine,
                        zone: &zone,
                        site: &tried.site,
                        path: tried.path.as_ref(),
                        at,
                        clock: ClockTrust::Trusted,
                    };
                    match self.spoke(&self.composed.policy.explain(&question), rule) {
                        Heard::Itself => return None,
                        Heard::Other(place, id) => {
                            before.insert((place, id));
                        }
                        Heard::Nobody => {}
                    }
                }
            }
        }
        // Nobody stood before it: it speaks to somebody this check does not know how to be.
        (!before.is_empty()).then_some(before)
    }

    fn spoke(&self, explanation: &Explanation, rule: &Arc<Rule>) -> Heard {
        let mut spoke = explanation.considered.iter().filter(|considered| considered.part == Part::Spoke);
        match spoke.next() {
            Some(spoke) if Arc::ptr_eq(&spoke.rule, rule) => Heard::Itself,
            Some(spoke) if is_about(explanation, rule) => self
                .composed
                .layer_of(&spoke.rule)
                .map_or(Heard::Nobody, |layer| Heard::Other(layer.place.clone(), spoke.rule.id.to_string())),
            _ => Heard::Nobody,
        }
    }

    fn tried(&self, rule: &Rule) -> Vec<Tried> {
        let name = |text: &str| text.parse().map(Site::Name).ok();
        match &rule.sites {
            Sites::Everything => name("partout.invalid")
                .map(|site| Tried { written: String::new(), site, path: None })
                .into_iter()
                .collect(),
            Sites::EnginesWithoutSafeForm => Vec::new(),
            Sites::Listed { patterns, categories } => {
                let patterns = patterns.iter().take(SITES_MAX).map(|pattern| {
                    let (site, path) = match pattern {
                        SitePattern::Name(name) => (Site::Name(name.clone()), None),
                        SitePattern::Network(network) => (Site::Address(network.addr()), None),
                        SitePattern::Url(url) => (Site::Name(url.host.clone()), Some(url.path.clone())),
                    };
                    Tried { written: pattern.to_string(), site, path }
                });
                let categories = categories.iter().filter_map(|category| {
                    let number = self.names.iter().position(|name| **name == **category)?;
                    let site = Site::Name(self.samples.get(number)?.clone());
                    Some(Tried { written: category.to_string(), site, path: None })
                });
                patterns.chain(categories).collect()
            }
        }
    }
}

enum Heard {
    Itself,
    Other(Place, String),
    Nobody,
}

/// Whether the rule was asked and stood behind another.
fn is_about(explanation: &Explanation, rule: &Arc<Rule>) -> bool {
    let silent = [Part::Outranked, Part::NameClosed];
    let mut considered = explanation.considered.iter();
    considered.any(|considered| Arc::ptr_eq(&considered.rule, rule) && silent.contains(&considered.part))
}

/// The zones the rule is about; of every kind and every name that rules tell apart, where it is about all.
fn zones(composed: &Composed, rule: &Rule) -> Vec<Zone> {
    let of_name = |name: &preau::model::ZoneName| Zone {
        name: name.clone(),
        ..zone(ZoneKind::Pedagogique, DefaultVerdict::Block)
    };
    if !rule.people.zones.is_empty() {
        return rule.people.zones.iter().map(of_name).collect();
    }
    let elsewhere = Zone { name: "ailleurs".parse().expect("this is a name"), ..of_name(&zone_name()) };
    let named: BTreeSet<_> =
        composed.policy.rules().iter().flat_map(|rule| rule.people.zones.clone()).collect();
    std::iter::once(elsewhere).chain(named.iter().map(of_name)).collect()
}

fn zone_name() -> preau::model::ZoneName {
    ZoneKind::Pedagogique.word().parse().expect("the word of a kind is a name of a zone")
}

/// Everybody the rule could be about, as far as rules tell them apart; in the likeliest order.
fn subjects(composed: &Composed, rule: &Rule) -> Vec<(Subject, Option<Mac>)> {
    let people = &rule.people;
    let all = || composed.policy.rules().iter().map(|rule| &rule.people);
    let machines: Vec<Option<Mac>> = if people.machines.is_empty() {
        let named: BTreeSet<_> = all().flat_map(|people| people.machines.clone()).collect();
        std::iter::once(None).chain(named.into_iter().map(Some)).collect()
    } else {
        people.machines.iter().copied().map(Some).collect()
    };
    let devices = if people.devices.is_empty() { Vec::from(DeviceKind::ALL) } else { people.devices.clone() };
    let roles = if people.roles.is_empty() { Vec::from(Role::ALL) } else { people.roles.clone() };
    let classes: Vec<Vec<ClassName>> = if people.classes.is_empty() {
        let named: BTreeSet<_> = all().flat_map(|people| people.classes.clone()).collect();
        std::iter::once(Vec::new()).chain(named.into_iter().map(|class| vec![class])).collect()
    } else {
        people.classes.iter().map(|class| vec![class.clone()]).collect()
    };
    let persons = roles.into_iter().flat_map(|role| classes.iter().map(move |classes| person(role, classes)));
    let is_of_persons = !people.roles.is_empty() || !people.classes.is_empty();
    let devices = devices.into_iter().filter(|_| !is_of_persons).map(device);
    let persons = persons.filter(|_| people.devices.is_empty());
    let subjects: Vec<_> = persons.chain(devices).collect();
    subjects
        .into_iter()
        .flat_map(|subject| machines.iter().map(move |machine| (subject.clone(), *machine)))
        .collect()
}

fn person(role: Role, classes: &[ClassName]) -> Subject {
    let (id, display_name) = (AccountId::new("question"), String::new());
    Subject::Person(Arc::new(Account { id, display_name, role, classes: classes.to_vec() }))
}

fn device(kind: DeviceKind) -> Subject {
    let (mac, name) = (Mac::new([2, 0, 0, 0, 0, 0]), String::new());
    Subject::Device(Arc::new(Device { mac, name, kind, room: None }))
}
