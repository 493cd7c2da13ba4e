//! What boxes come to: the listener that asks for their certificate, and what it answers.

pub mod line;

use preau::model::Uai;

/// The school whose box asks, as its certificate says: what a request says of itself counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The school.
    pub school: Uai,
}
