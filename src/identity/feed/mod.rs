//! Deliveries of school directories, read as streams: AAF of both degrees, GPEI, ONDE, and any CSV that is described.
//!
//! [`open`] sorts out what the files are, [`Feed::read`] gives one [`Item`] after the other and keeps nothing of them. A
//! broken record is refused by itself, with file, line and a sentence for the school's referent; whatever is left out or
//! read with good will is noted. `docs/directory.md` says what is kept of each format.
//!
//! | step | where |
//! |---|---|
//! | what files there are, and of which delivery | `source.rs`, `delivery.rs` |
//! | bytes to text, with lines and bounds | `text.rs`, `entity.rs` |
//! | XML: one request after the other | `records.rs` |
//! | what its attributes say | `attributes.rs`, `fields.rs`, `value.rs`, `functions.rs` |
//! | what it means here | `requests.rs` |
//! | CSV: one line after the other | `rows.rs`, then `onde.rs`, or `description.rs` and `table.rs` |

mod attributes;
mod change;
mod delivered;
mod delivery;
mod description;
mod entity;
mod error;
mod exercise;
mod fields;
mod fold;
mod functions;
mod item;
mod note;
mod onde;
mod records;
mod refused;
mod requests;
mod rows;
mod schools;
mod seen;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod value;

pub use change::PersonChange;
pub use delivery::{Feed, deliveries, open};
pub use description::{CsvDescription, CsvDescriptionError};
pub use error::FeedError;
pub use exercise::{exercise_csv, exercise_xml};
pub use item::{Extent, Format, Head, Item, PersonRecord, SchoolRecord, Totals};
pub use note::{Note, NoteKind};
pub use refused::{Reason, Refused};
