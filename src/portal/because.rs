//! A refusal in words: why, who decided, what a person can do about it.

use super::{language::Language, words::RequestWords};
use crate::{
    model::Site,
    policy::{Cause, Evasion, Level, Lock, Matched, MayOpen, Origin, Refusal, Rule},
};

/// Why a site is refused, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Because {
    /// What is closed: the site, or a page of it.
    pub(super) title: &'static str,
    /// Why, in words.
    pub(super) reason: Reason,
    /// Who decided.
    pub(super) decided_by: &'static str,
    /// The rule's name, for whoever is asked to change it.
    pub(super) rule: Option<String>,
    /// What in the rule matched.
    pub(super) matched: Option<String>,
    /// Who may open it.
    pub(super) may_open: &'static str,
    /// What the filter sees of the site, where that matters.
    pub(super) note: Option<&'static str>,
    /// The link that asks for the site to be opened, where asking can lead somewhere.
    pub(super) ask: Option<&'static str>,
    /// What the person can do.
    pub(super) advice: Vec<&'static str>,
}

/// A reason and the language it is written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The rule's own words; rules are written in French.
    OfTheRule(String),
    /// The portal's words, in the reader's language.
    OfThePortal(&'static str),
}

impl Reason {
    /// The words.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::OfTheRule(text) => text,
            Self::OfThePortal(text) => text,
        }
    }
}

/// Puts a refusal by rule into words. Nothing for the other causes, which have pages of their own.
pub(super) fn because(language: Language, refusal: &Refusal) -> Option<Because> {
    let Cause::Policy(origin) = &refusal.cause else { return None };
    let words = language.words();
    let (reason, rule, matched) = match origin {
        Origin::Rule { rule, matched } => (
            rule_reason(rule).map_or(Reason::OfThePortal(words.reason_none), Reason::OfTheRule),
            Some(String::from(&*rule.id)),
            Some(told_match(language, matched)),
        ),
        Origin::Opening { scope } => {
            (Reason::OfThePortal(words.reason_opening), None, Some(String::from(&**scope)))
        }
        // A welcome only ever allows.
        Origin::ZoneDefault | Origin::Welcome => (Reason::OfThePortal(words.reason_default), None, None),
        Origin::Evasion(evasion) => {
            let reason = match evasion {
                Evasion::DnsTunnel => words.reason_dns_tunnel,
                Evasion::HiddenName => words.reason_hidden_name,
                Evasion::Relay => words.reason_relay,
            };
            (Reason::OfThePortal(reason), None, None)
        }
    };
    let mut advice = vec![words.advice_lesson, words.advice_cite];
    if is_above_the_school(origin) {
        advice.push(words.advice_elsewhere);
    }
    let title = if origin.is_by_path() { words.blocked_page } else { words.blocked };
    Some(Because {
        title,
        reason,
        decided_by: decided_by(language, origin.level()),
        rule,
        matched,
        may_open: language.may_open(refusal.may_open()),
        note: origin.is_by_path().then_some(words.page_only),
        ask: may_be_asked_for(refusal).then_some(RequestWords::of(language).ask_for_this),
        advice,
    })
}

/// Whether somebody may open it, if only the académie: then it can be asked for. Names alone are opened.
fn may_be_asked_for(refusal: &Refusal) -> bool {
    let is_hopeless = matches!(refusal.may_open(), MayOpen::SignIn | MayOpen::Repair | MayOpen::Nobody);
    matches!(refusal.site, Site::Name(_)) && !is_hopeless
}

/// The reason the rule's author wrote for people.
fn rule_reason(rule: &Rule) -> Option<String> {
    rule.reason.as_deref().map(String::from)
}

/// Whether the school itself cannot decide otherwise.
fn is_above_the_school(origin: &Origin) -> bool {
    matches!(origin, Origin::Rule { rule, .. } if rule.lock == Lock::Locked && rule.level < Level::Etablissement)
}

fn decided_by(language: Language, level: Option<Level>) -> &'static str {
    let words = language.words();
    match level {
        Some(Level::Academie) => words.by_academie,
        Some(Level::Departement) => words.by_departement,
        Some(Level::Etablissement) => words.by_etablissement,
        Some(Level::Groupe) => words.by_groupe,
        Some(Level::Opening) => words.by_teacher,
        None => words.by_zone,
    }
}

fn told_match(language: Language, matched: &Matched) -> String {
    let words = language.words();
    match matched {
        Matched::Site(domain) => format!("{} {domain}", words.matched_site),
        Matched::Engine(domain) => format!("{} {domain}", words.matched_engine),
        Matched::Address => String::from(words.matched_address),
        Matched::Url(page) => format!("{} {page}", words.matched_page),
        Matched::Category { category, list_date, by } => language.matched_category(category, list_date, *by),
        Matched::Everything => String::from(words.matched_everything),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{RuleFile, SitePattern, Sites};

    fn refused(cause: Cause) -> Refusal {
        Refusal { site: "exemple.fr".parse().unwrap(), cause }
    }

    #[test]
    fn a_closed_zone_and_a_teachers_closing_say_who_decided() {
        let closed = because(Language::French, &refused(Cause::Policy(Origin::ZoneDefault))).unwrap();
        assert_eq!(closed.decided_by, "L’établissement, pour tout ce réseau");
        let exam = Origin::Opening { scope: "classe 6A".into() };
        let exam = because(Language::English, &refused(Cause::Policy(exam))).unwrap();
        assert_eq!((exam.decided_by, exam.matched.as_deref()), ("A teacher, for a while", Some("classe 6A")));
        assert_eq!(
            (closed.may_open, exam.may_open),
            ("Un professeur, pour un moment ; l’établissement, par une règle", "A teacher")
        );
    }

    #[test]
    fn a_page_that_a_locked_rule_closes_says_what_is_seen_and_who_may_open_it() {
        let file = "version = 1\nlevel = \"departement\"\nname = \"x\"\n[[rule]]\nid = \"a\"\neffect = \"block\"\n\
                    locked = true\nreason = \"Non.\"\nsites = [\"exemple.fr/jeux\"]";
        let rule = RuleFile::parse(file).unwrap().rules[0].clone();
        let Sites::Listed { patterns, .. } = &rule.sites else { panic!("listed sites") };
        let [SitePattern::Url(page)] = patterns.as_slice() else { panic!("a page") };
        let matched = Matched::Url(page.clone());
        let told =
            because(Language::French, &refused(Cause::Policy(Origin::Rule { rule, matched }))).unwrap();
        assert_eq!(told.matched.as_deref(), Some("La page exemple.fr/jeux"));
        assert_eq!(told.title, "Cette page est bloquée");
        assert!(told.note.unwrap().contains("https"));
        assert_eq!(told.may_open, "Le département ou l’académie : la règle est verrouillée");
    }

    #[test]
    fn what_somebody_may_open_can_be_asked_for() {
        let asks = |cause| because(Language::French, &refused(cause)).unwrap().ask.is_some();
        assert!(asks(Cause::Policy(Origin::ZoneDefault)));
        assert!(asks(Cause::Policy(Origin::Opening { scope: "classe 6A".into() })));
        assert!(!asks(Cause::Policy(Origin::Evasion(Evasion::Relay))));
        let address =
            Refusal { site: "192.0.2.1".parse().unwrap(), ..refused(Cause::Policy(Origin::ZoneDefault)) };
        assert_eq!(because(Language::French, &address).unwrap().ask, None);
    }

    #[test]
    fn only_a_refusal_by_policy_has_a_because() {
        for cause in [Cause::SignInNeeded, Cause::NotRecorded] {
            assert_eq!(because(Language::French, &refused(cause)), None);
        }
    }
}
