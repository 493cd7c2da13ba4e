//! The tables.

use crate::database::Part;

/// The tables. `place` is the text of a [`Place`](crate::words::Place), `span` is `day` or `month`, `start` its first day
/// in whole days since 1970-01-01.
pub const PART: Part = Part {
    name: "statistics",
    steps: &["
        CREATE TABLE statistics_count (
            place TEXT NOT NULL,
            span TEXT NOT NULL,
            start BIGINT NOT NULL,
            zone TEXT NOT NULL,
            who TEXT NOT NULL,
            ground TEXT NOT NULL,
            allowed BIGINT NOT NULL,
            number BIGINT NOT NULL,
            PRIMARY KEY (place, span, start, zone, who, ground, allowed)
        );
        CREATE INDEX statistics_count_age ON statistics_count (span, start);
        CREATE TABLE statistics_persons (
            place TEXT NOT NULL,
            span TEXT NOT NULL,
            start BIGINT NOT NULL,
            zone TEXT NOT NULL,
            who TEXT NOT NULL,
            number BIGINT NOT NULL,
            PRIMARY KEY (place, span, start, zone, who)
        );
        CREATE INDEX statistics_persons_age ON statistics_persons (span, start);
        CREATE TABLE statistics_names (
            uai TEXT NOT NULL,
            day BIGINT NOT NULL,
            names BLOB NOT NULL,
            PRIMARY KEY (uai, day)
        );
        CREATE INDEX statistics_names_age ON statistics_names (day);"],
};
