//! How a school stands, in one word: what its box says of itself, and what is not heard of it.

use std::collections::HashMap;

use preau::model::{Moment, Uai};

use super::{language::Language, road::Console, words::StandingWords};
use crate::{
    authority::KnownBox,
    fleet::observed::{self, Seen},
};

/// How a school stands, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Standing {
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
    pub(super) const ALL: [Self; 7] =
        [Self::Wrong, Self::Silent, Self::Warning, Self::Well, Self::Awaited, Self::Revoked, Self::Without];

    /// Judges what was `seen` of a school, and what is `known` of its box.
    pub(super) fn of(seen: Option<&Seen>, known: Option<&KnownBox>) -> Self {
        match (seen, known) {
            (_, Some(known)) if known.revoked.is_some() => Self::Revoked,
            (None, Some(_)) => Self::Awaited,
            (None, None) => Self::Without,
            (Some(seen), _) if seen.silent => Self::Silent,
            (Some(Seen { report, .. }), _) => {
                if !report.open || report.findings.iter().any(|finding| finding.severity == "wrong") {
                    Self::Wrong
                } else if !report.findings.is_empty() || report.in_force.refused.is_some() {
                    Self::Warning
                } else {
                    Self::Well
                }
            }
        }
    }

    /// The word in addresses.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Wrong => "panne",
            Self::Silent => "muet",
            Self::Warning => "attention",
            Self::Well => "bien",
            Self::Awaited => "attendu",
            Self::Revoked => "revoque",
            Self::Without => "sans",
        }
    }

    /// The class of its badge.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Wrong | Self::Revoked => "bad",
            Self::Warning => "warn",
            Self::Well => "ok",
            Self::Silent | Self::Awaited => "away",
            Self::Without => "off",
        }
    }

    /// The sign in its square, for who does not tell colours apart.
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Wrong => "✕",
            Self::Silent => "?",
            Self::Warning => "!",
            Self::Well => "✓",
            Self::Awaited => "…",
            Self::Revoked => "⊘",
            Self::Without => "·",
        }
    }

    /// Its name.
    pub(super) const fn name(self, language: Language) -> &'static str {
        let words = StandingWords::of(language);
        match self {
            Self::Wrong => words.wrong,
            Self::Silent => words.silent,
            Self::Warning => words.warning,
            Self::Well => words.well,
            Self::Awaited => words.awaited,
            Self::Revoked => words.revoked,
            Self::Without => words.without,
        }
    }
}

/// What is known of every school's box.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) seen: HashMap<Uai, Seen>,
    pub(super) boxes: HashMap<Uai, KnownBox>,
    /// The version of each school's view that is published.
    pub(super) published: HashMap<Uai, u64>,
}

impl Known {
    pub(super) async fn read(console: &Console) -> anyhow::Result<Self> {
        let seen = observed::all(&console.parts.database).await?;
        let boxes = console.parts.authority.boxes().await?;
        Ok(Self {
            seen: seen.into_iter().map(|seen| (seen.school.clone(), seen)).collect(),
            boxes: boxes.into_iter().map(|known| (known.school.clone(), known)).collect(),
            published: console.parts.channel.published(None).await?.into_iter().collect(),
        })
    }

    pub(super) fn standing(&self, school: &Uai) -> Standing {
        Standing::of(self.seen.get(school), self.boxes.get(school))
    }

    /// When the school's box was heard last.
    pub(super) fn heard(&self, school: &Uai) -> Option<Moment> {
        self.seen.get(school).map(|seen| seen.at)
    }
}

#[cfg(test)]
mod tests {
    use preau::protocol::line::{Finding, Report};

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
            (false, true, &["warning"], Standing::Warning),
            (false, true, &["warning", "wrong"], Standing::Wrong),
            (false, false, &[], Standing::Wrong),
            (true, true, &["wrong"], Standing::Silent),
        ] {
            assert_eq!(Standing::of(Some(&seen(silent, open, severities)), None), expected);
        }
        assert_eq!(Standing::of(None, None), Standing::Without);
    }
}
