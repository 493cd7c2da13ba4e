//! `/personnes`: who may come in, and what they may do where; invitations, new links, the end of an access.

mod acts;
mod show;

pub(super) use show::router;
