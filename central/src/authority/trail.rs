//! Who did something with the authority, and the line of it in the audit trail.

use anyhow::ensure;
use preau::model::{Moment, Uai};

use crate::{
    audit::{self, Who},
    database::Write,
    words::{Granted, Place, Right},
};

/// On whose word something is done.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// A person's, who may.
    Person(&'a Granted),
    /// That of whoever has central's machine and types a command there.
    Central,
}

impl<'a> From<&'a Granted> for By<'a> {
    fn from(granted: &'a Granted) -> Self {
        Self::Person(granted)
    }
}

/// Writes the line of an act on a school's box.
///
/// # Errors
/// When the proof is for something else, or the database refuses.
pub(super) async fn note(
    write: &mut Write,
    at: Moment,
    by: By<'_>,
    school: &Uai,
    act: &str,
    text: &str,
) -> anyhow::Result<()> {
    let place = Place::School(school.clone());
    let who = match by {
        By::Central => Who::Central,
        By::Person(granted) => {
            let is_for_it = granted.right() == Right::Enrol && *granted.place() == place;
            ensure!(is_for_it, "the right given is for something else than the box of this school");
            let actor = granted.actor();
            Who::Person(actor.id, actor.name.clone())
        }
    };
    audit::note(write, at, &who, act, Some(&place), text).await
}

/// Writes the line of what a school's box did.
///
/// # Errors
/// When the database refuses.
pub(super) async fn note_box(
    write: &mut Write,
    at: Moment,
    school: &Uai,
    act: &str,
    text: &str,
) -> anyhow::Result<()> {
    audit::note(write, at, &Who::School(school.clone()), act, Some(&Place::School(school.clone())), text)
        .await
}
