//! Folders of lists as they come, whole and broken.

mod folders;
mod guards;
mod stage;
mod tables;
