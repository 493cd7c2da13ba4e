//! What a refused question gets: the box's own address, so that a browser finds the page that says why, and the reason
//! in the answer itself (decision D6).

use std::net::IpAddr;

use domain::base::iana::{ExtendedErrorCode, OptRcode, Rcode, Rtype};

use super::{
    query::Query,
    reply::{self, Explanation},
};
use crate::{
    model::Zone,
    policy::{Cause, Level, Origin, Refusal},
};

/// Seconds a policy's refusal may be kept: a timed opening is felt soon.
const POLICY_TTL_SECONDS: u32 = 10;

/// Seconds an answer before sign-in may be kept: the page asked for must come right after it.
const SIGN_IN_TTL_SECONDS: u32 = 1;

/// Answers a refused question.
pub(super) fn refused(out: &mut Vec<u8>, query: &Query<'_>, refusal: &Refusal, zone: &Zone) {
    let text = extra_text(refusal);
    match &refusal.cause {
        Cause::SignInNeeded => {
            let code = ExtendedErrorCode::PROHIBITED;
            towards_box(out, query, zone, SIGN_IN_TTL_SECONDS, Some(Explanation { code, text }));
        }
        Cause::Policy(origin) => {
            let code = code_of(origin.level());
            towards_box(out, query, zone, POLICY_TTL_SECONDS, Some(Explanation { code, text }));
        }
        // Closed for people (decision D17): what is not written down does not happen.
        Cause::NotRecorded => {
            let explanation = Explanation { code: ExtendedErrorCode::OTHER, text };
            reply::error(out, query, OptRcode::SERVFAIL, Some(explanation));
        }
    }
}

/// Answers an address question with the box's address in `zone`, and others with nothing.
pub(super) fn towards_box(
    out: &mut Vec<u8>,
    query: &Query<'_>,
    zone: &Zone,
    ttl_seconds: u32,
    explanation: Option<Explanation<'_>>,
) {
    let address = match query.rtype {
        Rtype::A => IpAddr::V4(zone.ipv4.addr()),
        Rtype::AAAA => IpAddr::V6(zone.ipv6.addr()),
        _ => return reply::nothing(out, query, Rcode::NOERROR, ttl_seconds, explanation),
    };
    reply::address(out, query, address, ttl_seconds, explanation);
}

/// Answers an address question with the `address` of a machine in `zone`; with nothing where it is of another zone or family,
/// and to every other question.
pub(super) fn towards_machine(
    out: &mut Vec<u8>,
    query: &Query<'_>,
    zone: &Zone,
    address: IpAddr,
    ttl_seconds: u32,
) {
    let asked = match query.rtype {
        Rtype::A => address.is_ipv4(),
        Rtype::AAAA => address.is_ipv6(),
        _ => false,
    };
    if asked && zone.contains(address) {
        return reply::address(out, query, address, ttl_seconds, None);
    }
    reply::nothing(out, query, Rcode::NOERROR, ttl_seconds, None);
}

/// 15 (Blocked) is the operator's own decision, which the académie's and the département's are; 17 (Filtered) is what
/// the school itself asked for (RFC 8914 sections 4.16 and 4.18). 16 (Censored) is for orders from outside.
fn code_of(level: Option<Level>) -> ExtendedErrorCode {
    match level {
        Some(Level::Academie | Level::Departement) => ExtendedErrorCode::BLOCKED,
        Some(Level::Etablissement | Level::Groupe | Level::Opening) | None => ExtendedErrorCode::FILTERED,
    }
}

/// The sentence that explains a refusal to the person: a rule's own reason where a rule spoke.
fn extra_text(refusal: &Refusal) -> &str {
    match &refusal.cause {
        Cause::SignInNeeded => "connexion au portail nécessaire",
        Cause::Policy(Origin::Rule { rule, .. }) => rule.reason.as_deref().unwrap_or("filtré"),
        Cause::Policy(Origin::Evasion(evasion)) => evasion.reason_fr(),
        Cause::Policy(Origin::Opening { .. } | Origin::ZoneDefault | Origin::Welcome) => "filtré",
        Cause::NotRecorded => "journal indisponible",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_from_above_blocks_and_a_rule_of_the_school_filters() {
        for (level, code) in [
            (Some(Level::Academie), 15),
            (Some(Level::Departement), 15),
            (Some(Level::Etablissement), 17),
            (Some(Level::Groupe), 17),
            (Some(Level::Opening), 17),
            (None, 17),
        ] {
            assert_eq!(code_of(level).to_int(), code, "{level:?}");
        }
    }
}
