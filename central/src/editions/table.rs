//! The tables.

use crate::database::Part;

/// The tables.
pub const PART: Part = Part {
    name: "edition",
    steps: &["
        CREATE TABLE edition (
            number BIGINT PRIMARY KEY,
            at BIGINT NOT NULL,
            date TEXT NOT NULL,
            digest TEXT NOT NULL,
            names BIGINT NOT NULL,
            whole_sha256 BLOB NOT NULL,
            whole_length BIGINT NOT NULL,
            difference_sha256 BLOB,
            difference_length BIGINT
        );"],
};
