//! The interception proxy (skeleton).
