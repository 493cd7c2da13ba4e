//! The words of the store: under which key what is kept, and which bytes of its body are held.

use std::{
    any::Any,
    fmt,
    ops::Range,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;

/// Under what a response is kept: a BLAKE3 digest, made by whoever keeps, of everything that tells it from others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub [u8; 32]);

/// The BLAKE3 digest of a run of bytes; such a run lies on disk under this name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Digest(pub(super) [u8; 32]);

/// One kept response.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its number: never given twice by one index.
    pub id: u64,
    /// What is held of its body.
    pub body: BodyId,
    pub(super) head: Bytes,
    made: Made,
}

/// What the owner made of a head, for all who hold the response.
#[derive(Clone, Default)]
struct Made(Arc<OnceLock<Option<Arc<dyn Any + Send + Sync>>>>);

/// The body of a kept response: all of it, or the parts held of an incomplete one. [`super::Store::read`] opens it.
#[derive(Clone, Debug)]
pub struct BodyId {
    /// The response it belongs to.
    pub(super) key: Key,
    pub(super) id: u64,
    /// The length of the complete body in bytes.
    pub(super) length: u64,
    /// In order, none overlapping another.
    pub(super) parts: Arc<[Held]>,
    /// All of it, where it is small enough to stay in memory.
    pub(super) at_hand: Option<Bytes>,
}

/// A run of a body's bytes that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// Where in the body it begins.
    pub(super) from: u64,
    /// Its bytes, at least one.
    pub(super) length: u64,
    /// The run of bytes on disk it is a piece of, and where in that run it begins.
    pub(super) run: Digest,
    pub(super) run_from: u64,
}

impl Held {
    /// Where in the body it ends.
    pub(super) const fn end(&self) -> u64 {
        self.from.saturating_add(self.length)
    }
}

impl Kept {
    pub(super) fn new(id: u64, head: Bytes, body: BodyId) -> Self {
        Self { id, body, head, made: Made::default() }
    }

    /// The owner's own encoding of everything but the body.
    #[must_use]
    pub const fn head(&self) -> &Bytes {
        &self.head
    }

    /// What `make` makes of the head. It is made once, by whoever asks first, and stays in memory as long as the response:
    /// a hit reads no head. All who ask must make the same; none where `make` makes nothing.
    pub fn made<T: Any + Send + Sync>(&self, make: impl FnOnce(&Bytes) -> Option<T>) -> Option<Arc<T>> {
        let made = self.made.0.get_or_init(|| {
            let made: Arc<dyn Any + Send + Sync> = Arc::new(make(&self.head)?);
            Some(made)
        });
        Arc::clone(made.as_ref()?).downcast().ok()
    }

    /// The same response with another head.
    #[must_use]
    pub fn with_head(&self, head: Bytes) -> Self {
        Self::new(self.id, head, self.body.clone())
    }
}

impl BodyId {
    /// The length of the complete body in bytes, held or not.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The ranges held, in order; those that meet are one.
    #[must_use]
    pub fn held(&self) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for part in self.parts.iter() {
            match ranges.last_mut() {
                Some(last) if last.end == part.from => last.end = part.end(),
                _ => ranges.push(part.from..part.end()),
            }
        }
        ranges
    }

    /// Whether every byte of `range` is held.
    #[must_use]
    pub fn holds(&self, range: &Range<u64>) -> bool {
        // Most bodies are one run: nothing to join.
        if let [only] = self.parts[..] {
            return range.is_empty() || (only.from <= range.start && range.end <= only.end());
        }
        range.is_empty() || self.held().iter().any(|held| held.start <= range.start && range.end <= held.end)
    }

    /// Whether all of it is held.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.holds(&(0..self.length))
    }
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Made").field("is_made", &self.0.get().is_some()).finish()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", hex(&self.0[..4]))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", hex(&self.0[..4]))
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
