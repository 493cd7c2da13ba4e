//! The caches from outside: the public suite for HTTP caches, classes of clients, lines that break, attacks; what is fetched
//! ahead at night; files of updates.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

mod attacks;
mod files;
mod lesson;
mod persons;
mod stage;
mod suite;
mod warm;
