//! How many questions of a day were answered how, and which names many machines asked for: for the académie's statistics and
//! for trying rules before they are published. No person, no machine and no hour is kept.
//!
//! The gate tells [`Counts`] of everything it has answered. One *question* is counted once in a quarter of an hour for a
//! machine, a site and an answer: a browser asks the resolver several times and then the proxy, for one page. Who has asked is
//! told apart in memory alone, by digests with a key that ends with the process.
//!
//! On disk, below `<state_dir>/counts/`:
//!
//! | file | what is there |
//! |---|---|
//! | `today.json` | the day so far, written every few minutes, so that a restart goes on with it |
//! | `2026-11-22.json` | a day that is over, as it is told; gone once central has it, or after three weeks |

mod counting;
mod day;
mod ground;
mod keeper;
mod kept;
#[cfg(test)]
mod tests;

pub use counting::{Asked, Counts};
pub use keeper::Keeper;
pub use kept::Waiting;
