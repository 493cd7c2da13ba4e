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
