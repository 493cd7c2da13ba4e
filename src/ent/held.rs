//! What is kept for a request, chosen among the variants under its key.

use std::sync::Arc;

use hyper::Method;

use super::{
    asked::Asked,
    head::Head,
    ranges::{Sent, sent},
    store::Kept,
    validation::is_not_modified,
};

/// A kept response that answers such a request, fresh or not.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) kept: Kept,
    pub(super) head: Arc<Head>,
}

impl Held {
    /// The response among `kept`, newest first, that `asked` would have chosen; rather one that has the bytes.
    pub(super) fn choose(kept: &[Kept], asked: &Asked) -> Option<Self> {
        let mut first = None;
        for kept in kept {
            let Some(held) = Self::read(kept, asked) else { continue };
            if held.has_bytes_for(asked) {
                return Some(held);
            }
            first.get_or_insert(held);
        }
        first
    }

    fn read(kept: &Kept, asked: &Asked) -> Option<Self> {
        let head = kept.made(Head::read)?;
        // What was kept under another rule is not what this one speaks of.
        let fits = head.keep == asked.rule.keep && head.nominated.matches(&asked.fields, &head.fields);
        fits.then(|| Self { kept: kept.clone(), head })
    }

    /// Whether the bytes that answer `asked` are held.
    pub(super) fn has_bytes_for(&self, asked: &Asked) -> bool {
        if asked.method == Method::HEAD || is_not_modified(&asked.fields, &self.head) {
            return true;
        }
        match sent(&asked.fields, &self.head, self.kept.body.length()) {
            Sent::Whole => self.kept.body.is_whole(),
            Sent::Range(range) => self.kept.body.holds(&range),
            Sent::Unsatisfiable => true,
        }
    }

    /// How many bytes are held from the beginning on.
    pub(super) fn prefix(&self) -> u64 {
        self.kept.body.held().first().filter(|range| range.start == 0).map_or(0, |range| range.end)
    }
}
