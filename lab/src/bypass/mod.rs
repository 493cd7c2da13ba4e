//! The battery: what people try to get round the filter, with the programs they try it with, and what comes of it.
//!
//! Every [`Row`] is played three times, each time by a [`Subject`] of its own: behind a plain router, where
//! it must work or it proves nothing; by a pupil behind the box, where it must end closed unless the row says why it
//! cannot; and by a teacher, who must get what the rules give teachers. A row passes only where the thing forbidden was
//! really reached: the page of the far end seen, never an exit status.
//!
//! To add a row, write one function in the file of its family below [`rows`], and its line in that file's table.

mod course;
mod far;
pub mod hello;
pub mod lessons;
mod outcome;
mod policy;
mod program;
mod report;
mod row;
pub mod rows;
mod scene;

pub use course::play;
pub use outcome::{Outcome, Play, Score, Verdict};
pub use report::{markdown, table, table_head};
pub use row::{Expected, Row, Seen, Subject};
pub use scene::Scene;
