//! What a line of a list says, in each format lists are published in.
//!
//! Pure functions of one line: no file, no table. What a line cannot mean here is a [`Reason`](super::Reason), so that
//! the report can say why it was left out.

mod adblock;
mod format;
mod heading;
mod names;
mod urls;

pub(super) use format::Format;
pub(super) use heading::{Heading, heading};
pub(super) use names::read as read_names;
pub(super) use urls::read as read_url;
