//! `/demandes`: sites that schools ask to have opened or closed: listed, seen together, answered, raised to the DASEN.

mod acts;
mod list;
mod one;

pub(super) use list::router;
