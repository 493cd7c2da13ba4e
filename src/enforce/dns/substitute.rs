//! Questions for a site that is served under another name (decision D4: SafeSearch, levels of YouTube).
//!
//! | asked | answer |
//! |---|---|
//! | A, AAAA | CNAME to the other name, with its addresses |
//! | CNAME | the CNAME |
//! | HTTPS, SVCB, ANY | nothing: their hints and aliases would lead to the site itself |
//! | other types | as for everybody: they give no address of the site |
//!
//! The other name is looked up like any, in the same cache; who gets it is decided for each asker.

use domain::base::iana::Rtype;

use super::{key::Key, query::Query};
use crate::{model::Domain, policy::Permit};

/// How the site's other name counts for a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Substitute<'a> {
    /// It does not.
    None,
    /// The question is answered with its addresses.
    Addresses(&'a Domain),
    /// The question is answered with the name alone.
    Alias(&'a Domain),
    /// The question is answered with nothing.
    Hidden,
}

impl<'a> Substitute<'a> {
    /// How `permit` answers a question for records of `rtype`.
    pub(super) fn of(permit: &'a Permit, rtype: Rtype) -> Self {
        match (permit.served_as(), rtype) {
            (None, _) => Self::None,
            (Some(name), Rtype::A | Rtype::AAAA) => Self::Addresses(name),
            (Some(name), Rtype::CNAME) => Self::Alias(name),
            (Some(_), Rtype::HTTPS | Rtype::SVCB | Rtype::ANY) => Self::Hidden,
            (Some(_), _) => Self::None,
        }
    }
}

/// What must be looked up to answer a permitted question.
pub(super) fn key(query: &Query<'_>, permit: &Permit) -> Key {
    match Substitute::of(permit, query.rtype) {
        Substitute::Addresses(name) => Key::of_domain(name, query.rtype),
        Substitute::None | Substitute::Alias(_) | Substitute::Hidden => query.key(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        model::{ClockTrust, DefaultVerdict, Moment, SignIn, Subject, Zone, ZoneKind},
        policy::{Policy, Question, RuleFile, Verdict},
    };

    /// A permit for `site` where safe search is forced upon everybody.
    fn permit(site: &str) -> Permit {
        let rules =
            "version = 1\nlevel = \"groupe\"\nname = \"x\"\n[[search]]\nid = \"a\"\nsafe_search = true\n";
        let zone = Zone {
            name: "salle".parse().unwrap(),
            kind: ZoneKind::Pedagogique,
            interface: Arc::from("lan0"),
            ipv4: "10.0.0.1/24".parse().unwrap(),
            ipv6: "fd00::1/64".parse().unwrap(),
            sign_in: SignIn::NotAsked,
            default: DefaultVerdict::Allow,
            quic: crate::model::Quic::Reject,
            tunnel: crate::model::TunnelAccess::None,
            services: Vec::new(),
        };
        let question = Question {
            subject: &Subject::Nobody,
            machine: None,
            zone: &zone,
            site: &site.parse().unwrap(),
            path: None,
            at: Moment::from_unix_seconds(0),
            clock: ClockTrust::Trusted,
        };
        match Policy::new(vec![RuleFile::parse(rules).unwrap()], None).unwrap().judge(&question) {
            Verdict::Allow(permit) => permit,
            Verdict::Refuse(refusal) => panic!("{refusal:?}"),
        }
    }

    #[test]
    fn every_type_that_leads_to_the_site_leads_to_its_other_name_or_nowhere() {
        let permit = permit("www.google.fr");
        let safe = "forcesafesearch.google.com".parse().unwrap();
        for (rtype, expected) in [
            (Rtype::A, Substitute::Addresses(&safe)),
            (Rtype::AAAA, Substitute::Addresses(&safe)),
            (Rtype::CNAME, Substitute::Alias(&safe)),
            (Rtype::HTTPS, Substitute::Hidden),
            (Rtype::SVCB, Substitute::Hidden),
            (Rtype::ANY, Substitute::Hidden),
            (Rtype::MX, Substitute::None),
            (Rtype::TXT, Substitute::None),
        ] {
            assert_eq!(Substitute::of(&permit, rtype), expected, "{rtype}");
        }
    }

    #[test]
    fn a_site_that_is_itself_has_no_substitute() {
        for rtype in [Rtype::A, Rtype::HTTPS, Rtype::ANY] {
            assert_eq!(Substitute::of(&permit("exemple.fr"), rtype), Substitute::None);
        }
    }
}
