//! How a school stands, in one word: what its box says of itself, and what is not heard of it. The console, the figures and
//! whoever else judges a school judges it here.

use crate::{authority::KnownBox, fleet::observed::Seen};

/// The severity of a finding that somebody must come for.
const WRONG: &str = "wrong";

/// The severity of a finding that is only to be known.
const NOTICE: &str = "notice";

/// How a school stands, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Something is wrong that somebody must come for.
    Wrong,
    /// Its box was heard before, and is not any more.
    Silent,
    /// Something should be looked at.
    Warning,
    /// All is well.
    Well,
    /// Its box was enrolled and never heard.
    Awaited,
    /// Its box was revoked.
    Revoked,
    /// It has no box.
    Without,
}

impl Standing {
    /// Every way to stand, the gravest first.
    pub const ALL: [Self; 7] =
        [Self::Wrong, Self::Silent, Self::Warning, Self::Well, Self::Awaited, Self::Revoked, Self::Without];

    /// Judges what was `seen` of a school, and what is `known` of its box.
    #[must_use]
    pub fn of(seen: Option<&Seen>, known: Option<&KnownBox>) -> Self {
        match (seen, known) {
            (_, Some(known)) if known.revoked.is_some() => Self::Revoked,
            (None, Some(_)) => Self::Awaited,
            (None, None) => Self::Without,
            (Some(seen), _) if seen.silent => Self::Silent,
            (Some(Seen { report, .. }), _) => {
                let mut severities = report.findings.iter().map(|finding| finding.severity.as_str());
                if !report.open || severities.clone().any(|severity| severity == WRONG) {
                    Self::Wrong
                } else if report.in_force.refused.is_some() || severities.any(|severity| severity != NOTICE) {
                    Self::Warning
                } else {
                    Self::Well
                }
            }
        }
    }

    /// The word that figures tell it by.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Silent => "silent",
            Self::Warning => "warning",
            Self::Well => "well",
            Self::Awaited => "awaited",
            Self::Revoked => "revoked",
            Self::Without => "without",
        }
    }
}

#[cfg(test)]
mod tests {
    use preau::{
        model::{Moment, Uai},
        protocol::line::{Finding, Report},
    };

    use super::*;

    fn seen(silent: bool, open: bool, severities: &[&str]) -> Seen {
        let finding = |severity: &&str| Finding { code: "line-down".into(), severity: (*severity).into() };
        let at = Moment::from_unix_seconds(1_795_417_500);
        let findings = severities.iter().map(finding).collect();
        let report = Report { open, findings, ..Report::default() };
        Seen { school: Uai::new("0800001A").unwrap(), at, first: at, silent, report }
    }

    #[test]
    fn a_school_stands_as_the_gravest_thing_that_is_known_of_it() {
        for (silent, open, severities, expected) in [
            (false, true, &[][..], Standing::Well),
            (false, true, &["notice"], Standing::Well),
            (false, true, &["notice", "warning"], Standing::Warning),
            (false, true, &["warning", "wrong"], Standing::Wrong),
            (false, false, &[], Standing::Wrong),
            (true, true, &["wrong"], Standing::Silent),
        ] {
            assert_eq!(Standing::of(Some(&seen(silent, open, severities)), None), expected);
        }
        assert_eq!(Standing::of(None, None), Standing::Without);
    }
}
