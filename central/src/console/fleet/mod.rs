//! `/`: every school the visitor may see, with what it says of itself, as a list and as a map of small squares; `/live`
//! says when there is something else to see.

mod list;
mod live;
mod overview;

pub(super) use list::router;
pub(super) use overview::groups_of;
