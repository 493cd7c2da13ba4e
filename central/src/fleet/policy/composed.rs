//! What a school is held to: the documents of the places above it and its own, as one policy of the box's judge.

use std::sync::Arc;

use preau::policy::{Policy, Rule, RuleFile};

use super::{document::Document, lists::Lists};
use crate::words::Place;

/// One document among those a school is held to.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The place it is of.
    pub place: Place,
    /// Its version; none of a draft.
    pub version: Option<u64>,
    /// Its text, as boxes get it.
    pub text: Arc<str>,
    /// Its rules.
    pub file: RuleFile,
}

impl Layer {
    /// The layer of a published version.
    ///
    /// # Errors
    /// When its text is none that this program reads.
    pub fn published(place: &Place, version: u64, text: &str) -> anyhow::Result<Self> {
        let file = RuleFile::parse(text)?;
        Ok(Self { place: place.clone(), version: Some(version), text: Arc::from(text), file })
    }

    /// The layer of a draft.
    ///
    /// # Errors
    /// When the document is none that boxes take.
    pub fn draft(place: &Place, document: &Document) -> anyhow::Result<Self> {
        let text = document.text(place, "");
        let file = RuleFile::parse(&text)?;
        Ok(Self { place: place.clone(), version: None, text: Arc::from(text), file })
    }
}

/// The documents of a school, judged together.
#[derive(Clone, Debug)]
pub struct Composed {
    /// From the most general to the most specific.
    pub layers: Vec<Layer>,
    /// The judge the box runs, with these documents.
    pub policy: Policy,
    /// Whether the sites of categories are known here.
    pub lists_known: bool,
}

impl Composed {
    /// Makes the policy of `layers`, as a box would.
    ///
    /// # Errors
    /// As the box refuses them, naming document, line and rule: two documents of one level with the same id, a category
    /// that the lists do not have.
    pub fn of(layers: Vec<Layer>, lists: &Lists) -> anyhow::Result<Self> {
        let files: Vec<_> = layers.iter().map(|layer| layer.file.clone()).collect();
        let table = lists.table_for(&files)?;
        let policy = Policy::new(files, Some(table))?;
        Ok(Self { layers, policy, lists_known: lists.are_known() })
    }

    /// The layer that a rule of the policy stands in.
    #[must_use]
    pub fn layer_of(&self, rule: &Arc<Rule>) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.file.all_rules().any(|known| Arc::ptr_eq(known, rule)))
    }
}

/// Puts the draft of a place where its version stands, or where it would.
#[must_use]
pub fn with_draft(mut layers: Vec<Layer>, draft: Layer) -> Vec<Layer> {
    match layers.iter_mut().find(|layer| layer.place == draft.place) {
        Some(layer) => *layer = draft,
        None => {
            // Places are ordered from the académie down, groups by their names.
            let at = layers.partition_point(|layer| layer.place < draft.place);
            layers.insert(at, draft);
        }
    }
    layers
}
