//! How a machine becomes a school's box, over a real listener on loopback: the whole path, and every trouble on it.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

mod acme;
mod door;
mod path;
mod programs;
mod scene;
