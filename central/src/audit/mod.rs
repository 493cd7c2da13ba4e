//! What was done, by whom, and that nobody has touched the record of it since.
//!
//! Every act writes its line in the transaction of what it changes ([`note`]), so there is no act without a line and no line
//! without its act. Lines are numbered from 1 without a gap, and each carries the digest of the one before, so that a line
//! that is changed, taken out or put in between breaks the chain from there on; triggers of the database refuse to change or
//! remove any. Whoever can write to the database's files could make the whole chain anew: against that, the number and digest
//! of the last line ([`Head`]) are to be kept elsewhere now and then, and [`verify`] holds the chain to them.

mod chain;
mod line;
mod reading;
mod table;

pub use chain::{Broken, Head, Unverified, verify};
pub use line::{Line, Who};
pub use reading::{Filter, LINES_MAX, read, write_csv};
pub use table::{PART, note};
