//! What a store says of itself.

/// The figures of a store since it was opened, for the technicians' pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Responses kept.
    pub objects: u64,
    /// What they take on disk, the index included.
    pub bytes: u64,
    /// Responses that made room for others.
    pub evicted: u64,
    /// Responses found damaged and dropped.
    pub damaged: u64,
    /// Responses not kept: the disk failed or was full, or they take more than a quarter of the quota.
    pub refused: u64,
    /// Whether the disk fails: nothing is kept until it takes bytes again.
    pub is_plain: bool,
}
