//! What people in school see (skeleton).
