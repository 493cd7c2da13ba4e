//! PostgreSQL: one database, several instances of central.
//!
//! Connections are of three kinds: one that writes, some that read, one that hears what others wrote. Each ends with its
//! first error, and the next act makes another: whatever happened to the server, nothing of it stays here.

mod link;
mod listening;
mod server;
mod tls;
mod value;
mod writing;

pub(super) use writing::{Postgres, Writing};
