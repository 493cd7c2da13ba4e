//! The live line: a request of every box waits here, and is answered when there is something to say.
//!
//! ```text
//! POST /v1/line    admission → report taken → held until something changes, 55 s at most → answer
//! POST /v1/report  admission → report taken → answer
//! ```
//!
//! What each school is to be told (the version of its view, its orders) is in memory, brought there by the database's
//! signals, and by looking at everything from time to time. So a heartbeat reads nothing, and with the database gone the
//! line goes on with what it knows.

mod admission;
mod routes;
mod wanted;

pub use routes::{Line, routes};
pub use wanted::Views;
