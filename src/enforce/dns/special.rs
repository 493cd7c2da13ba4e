//! Names that have one answer for everybody and are asked of nobody.
//!
//! They are answered before the gate: nothing is reached by them, so there is nothing to allow or to remember. Names
//! that SafeSearch and YouTube modes redirect are no such names: they differ by asker and belong behind the gate.

use std::net::IpAddr;

use super::private::Inside;
use crate::{model::Domain, policy::Evasion};

/// Names that do not exist for us, with everything below them.
///
/// - `use-application-dns.net`: browsers that find it missing leave their own encrypted DNS off (Mozilla's canary).
/// - `localhost`, `local`, `invalid`, `onion`, `home.arpa`: never of the public DNS (RFC 6761, 6762, 7686, 8375).
///   Off-spec: RFC 6761 would have `localhost` answered with the loopback address; a machine that asks the network for
///   itself is better off without.
///
/// So are the relays of iCloud Private Relay ([`Evasion::Relay`]): devices that find them missing tell their user that it
/// is off here (Apple's documented way for networks; silence would only make them slow).
///
/// `test` and `example` are left to the upstream: laboratories use them, and nothing leaks by them.
const MISSING: [&str; 6] = ["home.arpa", "invalid", "local", "localhost", "onion", "use-application-dns.net"];

/// The name under which resolvers announce their encrypted forms: it exists and is empty, so nobody upgrades past us
/// (RFC 9462 section 6.4).
const NO_DESIGNATED_RESOLVER: &str = "resolver.arpa";

/// What a special name gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    /// The box's own address in the zone, for address questions; nothing for others.
    Own,
    /// This address, to whoever is in its zone; nothing to others, who could not reach it.
    Local(IpAddr),
    /// The name does not exist.
    Missing,
    /// The name exists and has nothing of that type.
    Empty,
}

/// The special names of this box.
#[derive(Clone, Debug)]
pub(super) struct SpecialNames {
    own: Vec<Domain>,
    local: Vec<(Domain, IpAddr)>,
    inside: Inside,
}

impl SpecialNames {
    /// With the box's `own` names, the `local` ones of machines, and the networks `inside`.
    pub(super) fn new(own: Vec<Domain>, local: Vec<(Domain, IpAddr)>, inside: Inside) -> Self {
        Self { own, local, inside }
    }

    /// What `name` gets, if it is special.
    pub(super) fn find(&self, name: &Domain) -> Option<Special> {
        if self.own.contains(name) {
            return Some(Special::Own);
        }
        if let Some((_, address)) = self.local.iter().find(|(local, _)| local == name) {
            return Some(Special::Local(*address));
        }
        if name.ancestry().any(|parent| parent == NO_DESIGNATED_RESOLVER) {
            return Some(Special::Empty);
        }
        let missing = name.ancestry().any(|parent| MISSING.contains(&parent))
            || Evasion::of_name(name) == Some(Evasion::Relay)
            || self.inside.holds_reverse(name);
        missing.then_some(Special::Missing)
    }

    /// The addresses that no public name may point at.
    pub(super) fn inside(&self) -> &Inside {
        &self.inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_names_have_their_answer_and_others_have_none() {
        let names = SpecialNames::new(
            vec!["portail.exemple".parse().unwrap()],
            vec![("appli.exemple".parse().unwrap(), IpAddr::from([10, 10, 0, 20]))],
            Inside::of(&[]),
        );
        for (name, expected) in [
            ("portail.exemple", Some(Special::Own)),
            ("www.portail.exemple", None),
            ("appli.exemple", Some(Special::Local(IpAddr::from([10, 10, 0, 20])))),
            ("www.appli.exemple", None),
            ("use-application-dns.net", Some(Special::Missing)),
            ("mask.icloud.com", Some(Special::Missing)),
            ("mask-h2.icloud.com", Some(Special::Missing)),
            ("www.icloud.com", None),
            ("_dns.resolver.arpa", Some(Special::Empty)),
            ("resolver.arpa", Some(Special::Empty)),
            ("imprimante.local", Some(Special::Missing)),
            ("localhost", Some(Special::Missing)),
            ("exemple.onion", Some(Special::Missing)),
            ("1.1.168.192.in-addr.arpa", Some(Special::Missing)),
            ("9.9.9.9.in-addr.arpa", None),
            ("exemple.fr", None),
            ("exemple.test", None),
        ] {
            assert_eq!(names.find(&name.parse().unwrap()), expected, "{name}");
        }
    }
}
