//! Coming in and leaving: password, then code; and the link under which an invited person chooses both.

mod door;
mod invitation;

pub(super) use door::{closed_router, path_towards, router};
