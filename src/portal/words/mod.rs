//! All text of the portal, one place a language. A text that a language lacks does not compile.

mod cas;
mod category;
mod composed;
mod english;
mod ent;
mod fixed;
mod french;
mod home;
mod library;
mod places;
mod pupil;
mod referent;
mod sent;
mod sign_in;
mod teacher;

pub(super) use cas::{CasWords, cas};
pub(super) use category::category;
pub(super) use english::ENGLISH;
pub(super) use ent::{EntWords, Told};
pub(super) use fixed::Words;
pub(super) use french::FRENCH;
pub(super) use home::HomeWords;
pub(super) use library::LibraryWords;
pub(super) use places::PlaceWords;
pub(super) use pupil::RequestWords;
pub(super) use referent::{
    AnnouncementWords, AreaWords, CodeWords, DirectoryWords, HealthWords, MachineWords, RepairWords,
    SessionWords, repair_act, repair_end, told_fault,
};
pub(super) use sent::SentWords;
pub(super) use sign_in::SignInWords;
pub(super) use teacher::{TeacherWords, told_not_done};
