//! What a sound configuration still holds that somebody should look at.

use std::{collections::HashSet, time::Duration};

use super::Config;
use crate::{
    model::{Moment, SignIn, ZoneName},
    policy::{Effect, Level, Rule, SitePattern, Sites, UrlPattern},
    portal::{self, CertificateFrom},
};

/// A certificate is renewed before its last month; a list older than that misses the sites that matter.
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

impl Config {
    /// What a technician should look at, though the box runs with it: dates, lists, rules that can never speak.
    #[must_use]
    pub fn warnings(&self, now: Moment) -> Vec<String> {
        let mut warnings = Vec::new();
        warnings.extend(self.certificate_warning(now));
        warnings.extend(self.list_warning(now));
        let sign_in = self.zones.iter().any(|zone| zone.sign_in == SignIn::Required);
        if sign_in && self.directory.count() == 0 {
            let path = self.accounts_path.display();
            warnings.push(format!("accounts: {path} holds no account, so nobody can sign in"));
        }
        let today = self.terms.today(now, true);
        warnings.extend(self.terms.warning(today).map(|warning| format!("accounts.calendar: {warning}")));
        let zones: HashSet<&ZoneName> = self.zones.iter().map(|zone| &zone.name).collect();
        for (path, file) in &self.rule_files {
            let silent = file.all_rules().filter_map(|rule| Some((rule, why_silent(rule, &zones)?)));
            warnings.extend(silent.map(|(rule, why)| {
                format!("{}:{}: rule `{}` never speaks: {why}", path.display(), rule.line, rule.id)
            }));
            let partial = file.rules.iter().filter_map(|rule| Some((rule, self.what_pages_miss(rule)?)));
            warnings.extend(
                partial.map(|(rule, what)| {
                    format!("{}:{}: rule `{}` {what}", path.display(), rule.line, rule.id)
                }),
            );
        }
        warnings
    }

    /// What a rule about pages does not do, though its writer may think so.
    fn what_pages_miss(&self, rule: &Rule) -> Option<String> {
        let first = pages(rule).next()?;
        if rule.effect == Effect::Block {
            return Some(format!(
                "closes `{first}` in plain HTTP only: over HTTPS the box sees nothing but the name `{}`",
                first.host
            ));
        }
        let table = self.policy.categories();
        let lists_pages = table.is_some_and(|table| table.categories().iter().any(|one| one.urls > 0));
        let rules = self.rule_files.iter().flat_map(|(_, file)| &file.rules);
        let closed: Vec<_> =
            rules.filter(|rule| rule.effect == Effect::Block).flat_map(|rule| pages(rule)).collect();
        let is_exception = |page: &UrlPattern| {
            closed.iter().any(|closed| page.host.is_within(&closed.host) && page.path.is_within(&closed.path))
        };
        let idle = pages(rule).find(|page| !lists_pages && !is_exception(page))?;
        Some(format!("opens nothing by `{idle}`: a page is open only where its name is; write the name"))
    }

    fn certificate_warning(&self, now: Moment) -> Option<String> {
        let portal = &self.portal;
        // The box looks after what it obtains by itself.
        if portal.certificate_from == CertificateFrom::Central {
            return None;
        }
        let holds_at = |at| portal::check_dates(&portal.certificate_path, &portal.key_path, at);
        match (holds_at(now), holds_at(now + MONTH)) {
            (Err(fault), _) => Some(format!("portal: {fault:#}")),
            (Ok(()), Err(_)) => {
                let path = portal.certificate_path.display();
                Some(format!("portal: the certificate in `{path}` ends within 30 days; renew it"))
            }
            (Ok(()), Ok(())) => None,
        }
    }

    fn list_warning(&self, now: Moment) -> Option<String> {
        let table = self.categories.as_ref()?;
        let path = table.path.display();
        let Some(day) = self.lists_of() else {
            return Some(format!("lists: the date `{}` of {path} cannot be read", table.list_date));
        };
        let age = now.since(day);
        let days = age.as_secs() / (24 * 3600);
        (age > MONTH).then(|| format!("lists: {path} is {days} days old; build it from a fresh list"))
    }

    /// The day of the lists of categories, at its midnight in UTC; none where there are none or their date cannot be read.
    #[must_use]
    pub fn lists_of(&self) -> Option<Moment> {
        let date: jiff::civil::Date = self.categories.as_ref()?.list_date.parse().ok()?;
        let midnight = jiff::tz::TimeZone::UTC.to_timestamp(date.into()).ok()?;
        Some(Moment::from_unix_milliseconds(midnight.as_millisecond()))
    }
}

/// The pages that a rule writes.
fn pages(rule: &Rule) -> impl Iterator<Item = &UrlPattern> {
    let patterns = match &rule.sites {
        Sites::Listed { patterns, .. } => patterns.as_slice(),
        Sites::Everything | Sites::EnginesWithoutSafeForm => &[],
    };
    patterns.iter().filter_map(|pattern| match pattern {
        SitePattern::Url(page) => Some(page),
        SitePattern::Name(_) | SitePattern::Network(_) => None,
    })
}

/// Why no question can ever match the rule on this box, where that is plain to see.
fn why_silent(rule: &Rule, zones: &HashSet<&ZoneName>) -> Option<String> {
    let people = &rule.people;
    let about_people = !people.roles.is_empty() || !people.classes.is_empty();
    if about_people && !people.devices.is_empty() {
        return Some("a registered machine has neither role nor class".to_owned());
    }
    // The levels above write for many schools, whose boxes have other zones.
    if matches!(rule.level, Level::Academie | Level::Departement) || people.zones.is_empty() {
        return None;
    }
    let unknown = people.zones.iter().all(|zone| !zones.contains(zone));
    unknown.then(|| {
        let written: Vec<_> = people.zones.iter().map(ZoneName::as_str).collect();
        format!("this box has no zone {}", written.join(" or "))
    })
}
