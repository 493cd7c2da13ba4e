//! The texts of the digital referent's pages, one file a page.

mod announcements;
mod area;
mod codes;
mod directory;
mod health;
mod machines;
mod repairs;
mod sessions;

pub(in crate::portal) use announcements::AnnouncementWords;
pub(in crate::portal) use area::AreaWords;
pub(in crate::portal) use codes::CodeWords;
pub(in crate::portal) use directory::DirectoryWords;
pub(in crate::portal) use health::{HealthWords, told_fault};
pub(in crate::portal) use machines::MachineWords;
pub(in crate::portal) use repairs::{RepairWords, repair_act, repair_end};
pub(in crate::portal) use sessions::SessionWords;
