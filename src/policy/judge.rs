//! The judge (skeleton).

use super::{Question, Verdict};

/// All rules of a school and the category table they speak of.
#[derive(Debug)]
pub struct Policy {}

impl Policy {
    /// Answers one question (decision D7).
    pub fn judge(&self, _question: &Question<'_>) -> Verdict {
        unimplemented!()
    }
}
