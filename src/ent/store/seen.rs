//! What was there lately, remembered in little room: a table of fingerprints in which the later takes the place of the
//! earlier. It may forget; that it takes one for another happens once in four thousand million.

/// Fingerprints of digests.
#[derive(Debug)]
pub(super) struct Seen {
    slots: Vec<u32>,
}

impl Seen {
    /// Room for `slots` fingerprints, 4 bytes each.
    pub(super) fn new(slots: usize) -> Self {
        Self { slots: vec![0; slots.max(1)] }
    }

    /// Remembers it.
    pub(super) fn note(&mut self, digest: &[u8; 32]) {
        let (slot, print) = self.place(digest);
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = print;
        }
    }

    /// Whether it was noted lately; it is forgotten with that.
    pub(super) fn take(&mut self, digest: &[u8; 32]) -> bool {
        let (slot, print) = self.place(digest);
        self.slots.get_mut(slot).is_some_and(|slot| {
            let is_it = *slot == print;
            if is_it {
                *slot = 0;
            }
            is_it
        })
    }

    fn place(&self, digest: &[u8; 32]) -> (usize, u32) {
        let [a, b, c, d, e, f, g, h, ..] = *digest;
        let slot = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(0) % self.slots.len();
        (slot, u32::from_le_bytes([e, f, g, h]).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_known_once() {
        let mut seen = Seen::new(1024);
        let digest = |number: u32| *blake3::hash(&number.to_le_bytes()).as_bytes();
        seen.note(&digest(1));
        assert!(!seen.take(&digest(2)));
        assert!(seen.take(&digest(1)));
        assert!(!seen.take(&digest(1)));
    }
}
