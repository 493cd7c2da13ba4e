//! What the library is told once, checked by `config`.

use std::path::PathBuf;

/// The library's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where packages lie.
    pub dir: PathBuf,
    /// The most that all packages may take of the disk together, in bytes; what is coming counts.
    pub quota_bytes: u64,
}
