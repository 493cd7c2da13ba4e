//! Where central keeps what it knows: SQLite on one machine, PostgreSQL where several serve one fleet.
//!
//! Both are spoken to in the same SQL: PostgreSQL's `$1` for values, types `BIGINT`, `TEXT` and `BLOB` (written `BYTEA` for
//! PostgreSQL when a schema is made), `ON CONFLICT` and `RETURNING` as both have them. There is no second text of any
//! statement, and one suite of tests runs on both.
//!
//! **One writer.** A [`Write`] is the only one of its kind, in this process and in every other on the same database
//! (SQLite's own lock; an advisory lock of PostgreSQL): acts need not think of each other. Reads never wait for it and see
//! what is committed.
//!
//! **The same on both.** Texts sort by their bytes and `LIKE` tells small letters from capitals; folding case is Rust's work.
//! A text has no NUL character, a truth is 0 or 1, and a sum is written `CAST(SUM(…) AS BIGINT)`. Equal or both NULL is
//! `IS NOT DISTINCT FROM`. A statement that fails spoils its whole [`Write`], which can then only be dropped; dropped, it
//! never was.
//!
//! **Trouble.** While the database cannot be reached, is full or hangs, every act fails with [`Unreachable`] in its chain.
//! Nothing needs to be started anew afterwards: connections that broke are replaced by the next act.

mod lane;
mod location;
mod open;
mod part;
mod postgres;
mod signals;
mod sqlite;
#[cfg(test)]
pub(crate) mod trial;
mod unreachable;
mod value;

pub use location::Location;
pub use open::{Database, Write};
pub use part::{Part, PartStanding, look};
pub use signals::{EVERYTHING, Signals};
pub use unreachable::Unreachable;
pub use value::{Row, Value};
