//! Whole centrals, each a process of its own, with real boxes, in the troubles that machines have.
//!
//! A box here is the box's own code from enrolment to the signed channel and the live line, without the network it would
//! keep: it takes what the channel brings and tells what it has. Whoever acts (enters schools, publishes, gives orders) does
//! so on the database, as the console does.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

mod boxes;
mod central;
mod desk;
mod restored;
#[path = "../support/s3/mod.rs"]
mod s3;
#[path = "../support/mod.rs"]
mod support;
mod two_instances;
mod without_database;

use std::time::Duration;

use boxes::School;
use tokio::time::{Instant, sleep};

/// How long anything may take on a busy machine.
const LONG: Duration = Duration::from_secs(120);

/// Waits until it is so for all boxes.
async fn until_all(what: &str, boxes: &[School], is_so: impl Fn(&School) -> bool) {
    let end = Instant::now() + LONG;
    while let Some(other) = boxes.iter().find(|school| !is_so(school)) {
        assert!(Instant::now() < end, "not in time: {what}; {}", other.state());
        sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until it is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !is_so().await {
        assert!(Instant::now() < end, "not in time: {what}");
        sleep(Duration::from_millis(100)).await;
    }
}
