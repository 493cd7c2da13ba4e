//! The configuration file (skeleton).
