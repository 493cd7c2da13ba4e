//! What the school's digital referent does from a page: see what is wrong, name machines, print visitors' codes, write
//! announcements, see who is signed in, keep the directory's deliveries.
//!
//! Every road of this area stands in one list, in `roads`, with the act it needs; `door` asks `admin::may` before
//! anything of it runs. A form that is sent changes something and then leads to a page that says what happened.
//!
//! | file | what is there |
//! |---|---|
//! | `roads`, `door`, `visit` | what leads where; who may enter; what a request brings along |
//! | `field`, `time_field` | what people typed, and what is wrong with it |
//! | `health`, `library`, `machines`, `codes`, `sheet`, `announcements`, `sessions`, `repairs`, `trail` | the pages |
//! | `directory`, `feed`, `feed_acts` | the directory: what is in force and waits, what one delivery would do, what is done with it |

mod announcements;
mod codes;
mod directory;
#[cfg(test)]
mod directory_tests;
mod door;
mod feed;
mod feed_acts;
mod field;
mod health;
mod library;
#[cfg(test)]
mod library_tests;
mod machines;
#[cfg(test)]
mod page_tests;
mod repairs;
#[cfg(test)]
mod repairs_tests;
#[cfg(test)]
mod rights_tests;
mod roads;
mod sessions;
mod sheet;
#[cfg(test)]
mod test_portal;
mod time_field;
mod trail;
mod visit;

pub(super) use roads::router;
