//! Feeds of persons for the schools: read, split by school, guarded, sealed to each box.
//!
//! ```text
//! feed -> read (`preau::identity::feed`) -> a share for each school -> compared with what its school has
//!      -> held until somebody says yes, or: all of it (complete), or what changed
//!      -> compressed, sealed to the box -> the channel
//! ```
//!
//! What a school has is kept closed: the database alone tells nobody, not even how somebody is identified. A
//! box that takes the place of another is given everybody again, sealed to its own key, without anybody asking for it.
//!
//! | file | what is there |
//! |---|---|
//! | `share` | a feed read, one line of the delivery a person |
//! | `book` | what central keeps of persons, closed |
//! | `compare` | what is new, what changed, who leaves; too many? |
//! | `give`, `held` | the acts: a feed comes in; somebody says yes or no to what is held |
//! | `send` | a delivery made, sealed, placed |
//! | `follow` | boxes that took the place of others; a central that was restored |
//! | `laid` | files that come by a page, for as long as they are read |
//! | `table`, `standing` | what lies in the database, what pages show of it |

mod book;
mod compare;
mod follow;
mod give;
mod held;
mod laid;
mod send;
mod share;
mod standing;
mod table;

pub use compare::{Counts, Why};
pub use follow::Waiting;
pub use give::{Accounts, Given, Import, Intent, Outcome, Within};
pub use held::{Answer, Answered};
pub use laid::Laid;
pub use share::{FeedRefused, Records};
pub use standing::{Feed, FeedShare, Having, State};
pub use table::PART;
