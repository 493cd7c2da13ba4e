//! What is remembered, in two series that never mix: decisions (where, never who) and presences (who, never where).
//!
//! Whoever acts asks [`Journal::record`] first and acts only when it has answered; the one [`Writer`] brings both series
//! to the disk. [`Segment`] reads a file of either. The bytes are described in `record.rs` and `segment.rs`.

mod decision;
mod intake;
mod pair;
mod pseudonym;
mod record;
mod segment;
mod series;
mod writer;

pub use decision::{Channel, DecisionRecord, Ground, Matching, Outcome};
pub use intake::{Journal, JournalClosed, Settings};
pub use pseudonym::Pseudonym;
pub use record::Record;
pub use segment::{Damage, Records, Segment, SeriesName};
pub use writer::Writer;
