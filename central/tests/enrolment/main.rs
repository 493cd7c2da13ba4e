//! How a machine becomes a school's box, over a real listener on loopback: the whole path, and every trouble on it.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

mod acme;
mod counts;
mod door;
mod path;
mod programs;
mod scene;
#[path = "../support/mod.rs"]
mod support;
mod tunnel;

/// The real programs are told by their configuration where the database is.
#[test]
fn all_of_this_holds_on_postgresql() {
    support::once_more::once_more("all_of_this_holds_on_postgresql", &[], &["programs::"]);
}
