//! Writes to the ENT that wait for the line: a piece of homework handed in while the line is down gets a receipt at once, and
//! reaches the ENT when the line is back, once.
//!
//! Only what the ENT's operator declares replayable is taken. By that it promises two things: that a request does its work
//! once however often it comes with the same `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), and that it may be
//! done hours later. Everything else is refused clearly while the line is down. What is taken is on disk before its receipt is
//! given; between the ENT's answer and our own note of it a power cut can only lead to a second request with the same key.
//!
//! A person's writes go in the order they were made. Where the ENT no longer knows the person, they wait until that person
//! comes to the ENT again, and go with what the browser then shows.

mod queue;
mod receipt;
mod write;

pub use queue::{Limits, Missed, NotTaken, Queue};
pub use receipt::Receipt;
pub use write::{Outcome, Standing, Told, Write};
