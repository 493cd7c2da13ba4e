//! Which categories a name is in (skeleton).
