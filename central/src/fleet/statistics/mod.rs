//! What schools asked for, counted: for the yearly evaluation, and for trying rules on the week that was.
//!
//! A box tells each day once it is over ([`preau::protocol::counts`]); what is told of a day replaces what was told before.
//! Counts are kept by day for [`DAYS_KEPT`] days and by month for [`MONTHS_KEPT`] days, for the school, its département and the
//! académie, so that no page sums over all schools; names for [`NAMES_KEPT`] days, each school's day as one piece.
//!
//! Nothing is shown of fewer than [`PERSONS_MIN`] persons by themselves: see [`Shown`].

mod keep;
mod names;
mod read;
mod shown;
mod span;
mod tables;
#[cfg(test)]
mod tests;
mod upkeep;

pub use keep::{Taken, keep};
pub use names::{NamesCounted, names, schools_with_names};
pub use read::{Counted, read};
pub use shown::{Answered, GroundCount, Group, PERSONS_MIN, Period, Shown};
pub use span::{Span, day_of, day_written};
pub use tables::PART;
pub use upkeep::{DAYS_KEPT, MONTHS_KEPT, NAMES_KEPT, purge, serve};
