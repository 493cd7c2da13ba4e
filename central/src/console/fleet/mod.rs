//! `/`: every school the visitor may see, with what it says of itself.

mod list;

pub(super) use list::router;
