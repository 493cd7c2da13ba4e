//! The live line, the box's end: a request that waits at central, and what its answers bring.
//!
//! ```text
//!            ┌ hold:  POST /v1/line, again and again; what is to be told goes with it ┐
//! serve ─────┤ tell:  POST /v1/report, a second after something changed               ├── answer: view → the channel
//!            └ work:  orders, one after the other, each once                          ┘           orders → work
//! ```
//!
//! Nothing in the school waits for any of it. With central gone, the box tries again after times drawn between a second and
//! five minutes, so that a fleet that lost its central does not come back in one crowd. Meanwhile it knocks at central's door
//! every few seconds: once the door opens, or the box's own line is back, it comes in within ten seconds.

mod asking;
mod back_off;
mod orders;
mod service;

pub use service::{Hands, Line, LineState, ToldTime};
