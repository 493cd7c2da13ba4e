//! The schools of a delivery, by the key its persons name them with.

use std::collections::HashMap;

use super::{Reason, SchoolRecord};
use crate::model::Uai;

/// The most schools of one delivery: more than any académie has.
const SCHOOLS_MAX: usize = 20_000;

/// The longest key, in characters.
pub(super) const KEY_CHARS_MAX: usize = 40;

/// The schools that are known, by their key.
#[derive(Clone, Debug, Default)]
pub(super) struct Schools(HashMap<String, Uai>);

impl Schools {
    /// Adds a school. Returns whether it was not there.
    ///
    /// # Errors
    /// When another school has its key, or there are more than any delivery has.
    pub(super) fn add(&mut self, school: &SchoolRecord) -> Result<bool, Reason> {
        match self.0.get(&school.key) {
            Some(known) if *known == school.uai => Ok(false),
            Some(_) => Err(Reason::Contradiction("ENTStructureUAI".to_owned())),
            None if self.0.len() >= SCHOOLS_MAX => Err(Reason::TooLarge),
            None => {
                self.0.insert(school.key.clone(), school.uai.clone());
                Ok(true)
            }
        }
    }

    /// The school named `key`: one of the delivery, or a code of the national register itself.
    pub(super) fn find(&self, key: &str) -> Option<Uai> {
        self.0.get(key).cloned().or_else(|| Uai::new(key))
    }
}
