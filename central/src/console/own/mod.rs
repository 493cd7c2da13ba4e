//! `/compte`: one's own account: password, recovery codes, sessions.

mod account;

pub(super) use account::router;
