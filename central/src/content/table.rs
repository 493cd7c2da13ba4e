//! The tables.

use crate::database::Part;

/// The tables.
pub const PART: Part = Part {
    name: "content",
    steps: &["
        CREATE TABLE content_package (
            id TEXT NOT NULL,
            version BIGINT NOT NULL,
            at BIGINT NOT NULL,
            package TEXT NOT NULL,
            chunks_sha256 BLOB NOT NULL,
            chunks_length BIGINT NOT NULL,
            removed BIGINT,
            PRIMARY KEY (id, version)
        );"],
};
