//! A draft becomes a version. No school has it yet: a release brings it to them.
//!
//! **Two persons.** Some acts need a second one ([`TwoPersons`]): the first proposes the draft as it is, with the reason;
//! another one with the right to publish approves exactly that. Any change of the draft in between ends the proposal.

use std::collections::BTreeSet;

use preau::model::Moment;

use super::{
    composed::{Composed, Layer},
    difference::Difference,
    document::Document,
    drafts::{self, Draft, note},
    lists::Lists,
    refused::{Refused, reason},
    versions::{self, Added, Version},
};
use crate::{
    database::Write,
    words::{Granted, Place, Right},
};

/// An act that may be held to need two persons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// A version of the académie's document that changes a locked rule, or the hours of one.
    LockedRules,
    /// Any version of the académie's document.
    Academie,
}

impl Act {
    /// The word of configuration files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::LockedRules => "locked-rules",
            Self::Academie => "academie",
        }
    }

    /// The act of that word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        [Self::LockedRules, Self::Academie].into_iter().find(|act| act.word() == word)
    }
}

/// The acts that need two persons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwoPersons(pub BTreeSet<Act>);

impl Default for TwoPersons {
    fn default() -> Self {
        Self(BTreeSet::from([Act::LockedRules]))
    }
}

impl TwoPersons {
    /// Whether publishing `difference` at `place` needs a second person.
    #[must_use]
    pub fn need(&self, place: &Place, difference: &Difference) -> bool {
        let needs = |act: &Act| match act {
            Act::LockedRules => difference.touches_locked(),
            Act::Academie => true,
        };
        *place == Place::Academie && self.0.iter().any(needs)
    }
}

/// What became of publishing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// It is a version.
    Version(Box<Version>),
    /// It waits for a second person.
    Proposed,
}

/// Publishes a draft as it was at `revision`, or proposes it where that needs a second person.
///
/// # Errors
/// When the proof is not for publishing there; the draft is gone, was changed, or another version came after its base;
/// there is no reason; boxes would not take it.
pub async fn publish(
    write: &mut Write,
    granted: &Granted,
    draft: (i64, u64),
    reason_text: &str,
    (two, lists): (&TwoPersons, &Lists),
    at: Moment,
) -> Result<Published, Refused> {
    let draft = drafts::as_looked_at(write, granted, Right::Publish, draft.0, draft.1).await?;
    let reason = reason(reason_text)?;
    let difference = fit(write, &draft, lists).await?;
    if two.need(&draft.place, &difference) {
        drafts::propose(write, granted, &draft, reason).await?;
        note(write, granted, &draft.place, at, "propose", &format!("draft {}: {reason}", draft.id)).await?;
        return Ok(Published::Proposed);
    }
    let author = (granted.actor().id.0, granted.actor().name.as_str());
    let version = become_version(write, granted, &draft, (author, None, reason), at).await?;
    Ok(Published::Version(Box::new(version)))
}

/// Approves what another person proposed: the draft as it is becomes a version.
///
/// # Errors
/// As [`publish`]; when nobody proposed it as it is, or the one who did is the same.
pub async fn approve(
    write: &mut Write,
    granted: &Granted,
    draft: (i64, u64),
    lists: &Lists,
    at: Moment,
) -> Result<Version, Refused> {
    let draft = drafts::as_looked_at(write, granted, Right::Publish, draft.0, draft.1).await?;
    let not_proposed = || Refused::NotNow("nobody has proposed to publish it as it is".to_owned());
    let proposal = draft.proposal.clone().ok_or_else(not_proposed)?;
    let actor = granted.actor();
    if proposal.by == actor.id {
        return Err(Refused::SamePerson);
    }
    fit(write, &draft, lists).await?;
    let author = (proposal.by.0, proposal.name.as_str());
    become_version(write, granted, &draft, (author, Some(&actor.name), &proposal.reason), at).await
}

/// Whether the draft can become the next version, and what that would change.
async fn fit(write: &mut Write, draft: &Draft, lists: &Lists) -> Result<Difference, Refused> {
    let latest = versions::latest_in(write, &draft.place).await?;
    let number = latest.as_ref().map_or(0, |latest| latest.number);
    if number != draft.base {
        let by = latest.map_or_else(String::new, |latest| latest.author);
        return Err(Refused::Newer { number, by });
    }
    let before = latest.map_or_else(|| Ok(Document::default()), |latest| latest.document())?;
    let difference = Difference::between(&before, &draft.document);
    if difference.is_empty() {
        return Err(Refused::NotNow("the draft says what the latest version says".to_owned()));
    }
    own_ids(write, draft).await?;
    let layer = Layer::draft(&draft.place, &draft.document)?;
    Composed::of(vec![layer], lists).map_err(|error| Refused::Unfit(format!("{error:#}")))?;
    Ok(difference)
}

/// Départements and groups share one level of the judge, and a school may be in many of them: there an id is used once in
/// the whole académie. (Two départements may use the same: no school is in both.)
async fn own_ids(write: &mut Write, draft: &Draft) -> Result<(), Refused> {
    if !matches!(draft.place, Place::Departement(_) | Place::Group(_)) {
        return Ok(());
    }
    for version in versions::between_academie_and_schools(write).await? {
        let are_both_departements =
            matches!((&draft.place, &version.place), (Place::Departement(_), Place::Departement(_)));
        if version.place == draft.place || are_both_departements {
            continue;
        }
        let other = version.document()?;
        if let Some(id) = draft.document.ids().find(|id| other.part_of(id).is_some()) {
            return Err(Refused::TakenId { id: id.to_owned(), place: version.place });
        }
    }
    Ok(())
}

async fn become_version(
    write: &mut Write,
    granted: &Granted,
    draft: &Draft,
    (author, second, reason): ((i64, &str), Option<&str>, &str),
    at: Moment,
) -> Result<Version, Refused> {
    let added = Added { place: &draft.place, document: &draft.document, author, second, reason, at };
    let version = versions::add(write, &added).await?;
    drafts::remove(write, draft.id).await?;
    let act = if second.is_some() { "approve" } else { "publish" };
    note(write, granted, &draft.place, at, act, &format!("version {}: {reason}", version.number)).await?;
    Ok(version)
}
