//! The fields of a form, of which one name may come more than once.

use std::sync::Arc;

use axum::{Form, extract::rejection::FormRejection};
use serde::Deserialize;

use crate::{
    console::{refusal::Refused, road::Console, visit::Visit},
    fleet::policy::{self, Draft},
    words::{Granted, Right},
};

/// What a form sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Fields(Vec<(String, String)>);

/// A form as axum gives it.
pub(super) type Sent = Result<Form<Fields>, FormRejection>;

impl Fields {
    /// The field of that name, without white space around it; empty where there is none.
    pub(super) fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// The same, none where it is empty.
    pub(super) fn optional(&self, name: &str) -> Option<String> {
        Some(self.one(name)).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// Whether the box of that name is ticked.
    pub(super) fn is_set(&self, name: &str) -> bool {
        !self.one(name).is_empty()
    }

    /// All fields of that name.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let named = self.0.iter().filter(|(known, value)| known == name && !value.is_empty());
        named.map(|(_, value)| value.clone()).collect()
    }

    /// The words of the fields of that name: written one a line, or with commas or white space between.
    pub(super) fn words(&self, name: &str) -> Vec<String> {
        let named = self.0.iter().filter(|(known, _)| known == name);
        let words = named.flat_map(|(_, value)| value.split(|one: char| one == ',' || one.is_whitespace()));
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    /// The same for what has spaces in it: one a line, or with commas between.
    pub(super) fn lines(&self, name: &str) -> Vec<String> {
        let named = self.0.iter().filter(|(known, _)| known == name);
        let lines = named.flat_map(|(_, value)| value.split([',', '\n'])).map(str::trim);
        lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// The number in the field of that name.
    ///
    /// # Errors
    /// [`Refused::Unread`] where there is none.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, Refused> {
        self.one(name).parse().map_err(|_| Refused::Unread)
    }
}

/// The draft of that number, where the visitor has `right` at its place.
///
/// # Errors
/// [`Refused::NoSuchPage`] where there is none, [`Refused::NotGranted`].
pub(super) async fn draft(
    console: &Arc<Console>,
    visit: &Visit,
    right: Right,
    id: i64,
) -> Result<(Draft, Granted), Refused> {
    let database = &console.parts.database;
    let draft = policy::find_draft(database, id).await?.ok_or(Refused::NoSuchPage)?;
    let granted = visit.may(database, right, &draft.place).await?;
    Ok((draft, granted))
}

/// The path of a draft's page.
pub(super) fn draft_path(id: i64) -> String {
    format!("/filtrage/brouillon/{id}")
}

#[cfg(test)]
impl From<Vec<(String, String)>> for Fields {
    fn from(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }
}
