//! Deliveries of school directories, read as streams: AAF of both degrees, GPEI, ONDE, and any CSV that is described.

mod change;
mod item;
mod note;
mod refused;

pub use change::PersonChange;
pub use item::{Extent, Format, Head, Item, PersonRecord, SchoolRecord, Totals};
pub use note::{Note, NoteKind};
pub use refused::{Reason, Refused};
