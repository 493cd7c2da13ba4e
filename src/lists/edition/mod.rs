//! Editions of the lists, as they travel through the académie's channel: the same names in one form, however they were
//! published, so that two editions differ by little where little changed.
//!
//! An edition is a folder that [`build`](super::build) understands, with a [`Manifest`] that names every file by digest.
//!
//! ```text
//! edition               the manifest
//! <category>/domains    names and addresses, one a line, sorted by their bytes, each once
//!            urls       host/path, likewise
//!            expressions
//!            usage      black, white or both
//! ```
//!
//! [`gather`] makes one of a folder as it was published; [`write_whole`] and [`read_whole`] carry all of it;
//! [`write_difference`] and [`apply_difference`] what is between two. A box keeps the edition it has, and makes the next of
//! it beside the old one: whole or not at all, and only if every file has the digest that was signed.
//!
//! # The whole
//!
//! A zstd stream: the length of the manifest in decimal and a line's end, the manifest, then the content of its files in its
//! order.
//!
//! # The difference
//!
//! A zstd stream: `from ` with the digest of the edition it begins at and a line's end; the manifest as above; then for each
//! file of it that is not in the edition before with the same digest:
//!
//! | what | form |
//! |---|---|
//! | how many lines go | LEB128 |
//! | each of them | LEB128: how many lines stay before it since the last one that went |
//! | how many bytes come | LEB128 |
//! | the lines that come | text, sorted |
//!
//! Where lines stand is known by their order, so a line that goes costs a byte or so and one that comes its own text.

mod difference;
mod files;
mod gather;
mod manifest;
#[cfg(test)]
mod tests;
mod whole;

pub use difference::{apply_difference, write_difference};
pub use gather::gather;
pub use manifest::{Manifest, ManifestError};
pub use whole::{read_whole, write_whole};
