//! `/etablissement/UAI`: one school: how it stands and since when, what is in force there, orders, its box's enrolment.

mod acts;
mod by_hand;
mod enrolment;
mod show;

pub(super) use enrolment::REVOKE;
pub(super) use show::router;
