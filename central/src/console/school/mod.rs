//! `/etablissement/UAI`: one school: how it stands and since when, what is in force there, orders, technicians' sessions, its box's
//! enrolment.

mod acts;
mod by_hand;
mod enrolment;
mod repairs;
mod show;
mod told;

pub(super) use enrolment::REVOKE;
pub(super) use show::router;
