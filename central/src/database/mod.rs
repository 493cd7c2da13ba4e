//! Where central keeps what it knows: SQLite on one machine, PostgreSQL where several serve one fleet.
//!
//! Both are spoken to in the same SQL: PostgreSQL's `$1` for values, types `BIGINT`, `TEXT` and `BLOB` (written `BYTEA` for
//! PostgreSQL when a schema is made), `ON CONFLICT` and `RETURNING` as both have them. There is no second text of any
//! statement, and one suite of tests runs on both.
//!
//! **One writer.** A [`Write`] is the only one of its kind, in this process and in every other on the same database
//! (SQLite's own lock; an advisory lock of PostgreSQL): acts need not think of each other. Reads never wait for it and see
//! what is committed.

mod location;
mod open;
mod postgres;
mod signals;
mod sqlite;
mod value;

pub use location::Location;
pub use open::{Database, Part, Write};
pub use signals::Signals;
pub use value::{Row, Value};
