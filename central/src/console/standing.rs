//! How the console shows how a school stands, and what is known of all of them.

use std::collections::HashMap;

use preau::model::{Moment, Uai};

use super::{language::Language, road::Console, words::StandingWords};
use crate::{
    authority::KnownBox,
    fleet::{
        observed::{self, Seen},
        standing::Standing,
    },
};

impl Standing {
    /// The word in addresses.
    pub(super) const fn address_word(self) -> &'static str {
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
