//! One rule of a level.

use std::sync::Arc;

/// Who a rule comes from, the most general first (decision D7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The académie.
    Academie,
    /// The département.
    Departement,
    /// The school.
    Etablissement,
    /// A class, group or room.
    Groupe,
    /// A teacher's timed opening.
    Opening,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The site may be reached.
    Allow,
    /// It may not.
    Block,
}

/// One rule, checked.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Unique in its file.
    pub id: Arc<str>,
    /// The level of the file it stands in.
    pub level: Level,
}
