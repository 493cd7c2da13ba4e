//! Alarms that central sends by itself: to a webhook, by mail, or both.
//!
//! Every half minute it is looked what is wrong (`judge.rs`). What has stood for two minutes is said once, and once more when it
//! has been over for five; what comes and goes in between is never said. What was said is kept in the database, for each way
//! apart, so that neither a restart nor a second instance says it again. Where a way takes nothing, it is tried again every
//! two minutes with everything that stands then; an instance that dies between sending and noting it says it twice.
//!
//! One message holds everything there is to say: a département's network that is cut is one message, not two hundred.

mod judge;
mod message;
mod send;
mod service;
mod settings;
mod standing;

pub use service::Alarms;
pub use settings::{Mail, Settings};
pub use standing::PART;

#[cfg(test)]
mod tests;
