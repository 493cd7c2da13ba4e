//! The tables of rules: versions are only ever added to.

use anyhow::Context as _;
use preau::model::Uai;

use crate::{
    database::{Part, Row, Write},
    words::Place,
};

/// The tables.
pub const PART: Part = Part {
    name: "policy",
    steps: &["
        CREATE TABLE policy_version (
            place TEXT NOT NULL,
            number BIGINT NOT NULL,
            text TEXT NOT NULL,
            author BIGINT NOT NULL,
            author_name TEXT NOT NULL,
            second_name TEXT,
            reason TEXT NOT NULL,
            at BIGINT NOT NULL,
            PRIMARY KEY (place, number)
        );
        CREATE TABLE policy_draft (
            id BIGINT PRIMARY KEY,
            place TEXT NOT NULL,
            base BIGINT NOT NULL,
            revision BIGINT NOT NULL,
            text TEXT NOT NULL,
            author BIGINT NOT NULL,
            author_name TEXT NOT NULL,
            at BIGINT NOT NULL,
            proposer BIGINT,
            proposer_name TEXT,
            reason TEXT
        );
        CREATE INDEX policy_draft_place ON policy_draft (place);
        CREATE TABLE policy_count (
            name TEXT PRIMARY KEY,
            last BIGINT NOT NULL
        );
        CREATE TABLE policy_settled (
            place TEXT PRIMARY KEY,
            version BIGINT NOT NULL
        );
        CREATE TABLE policy_wanted (
            uai TEXT NOT NULL,
            place TEXT NOT NULL,
            version BIGINT NOT NULL,
            PRIMARY KEY (uai, place)
        );
        CREATE INDEX policy_wanted_place ON policy_wanted (place);
        CREATE TABLE policy_given (
            uai TEXT NOT NULL,
            number BIGINT NOT NULL,
            content TEXT NOT NULL,
            at BIGINT NOT NULL,
            PRIMARY KEY (uai, number)
        );
        CREATE TABLE policy_trouble (
            uai TEXT PRIMARY KEY,
            content TEXT NOT NULL,
            text TEXT NOT NULL,
            at BIGINT NOT NULL
        );
        CREATE TABLE policy_calendar (
            number BIGINT PRIMARY KEY,
            text TEXT NOT NULL,
            author_name TEXT NOT NULL,
            reason TEXT NOT NULL,
            at BIGINT NOT NULL
        );
        CREATE TABLE policy_release (
            id BIGINT PRIMARY KEY,
            undoes BIGINT,
            plan TEXT NOT NULL,
            state TEXT NOT NULL,
            stage BIGINT NOT NULL,
            since BIGINT NOT NULL,
            forgiven BIGINT NOT NULL,
            halt TEXT,
            ended_by BIGINT,
            author BIGINT NOT NULL,
            author_name TEXT NOT NULL,
            reason TEXT NOT NULL,
            at BIGINT NOT NULL
        );
        CREATE INDEX policy_release_state ON policy_release (state);
        CREATE TABLE policy_release_place (
            release BIGINT NOT NULL REFERENCES policy_release (id),
            place TEXT NOT NULL,
            before BIGINT NOT NULL,
            after BIGINT NOT NULL,
            PRIMARY KEY (release, place)
        );
        CREATE INDEX policy_release_place_place ON policy_release_place (place);
        CREATE TABLE policy_reached (
            release BIGINT NOT NULL REFERENCES policy_release (id),
            uai TEXT NOT NULL,
            stage BIGINT NOT NULL,
            at BIGINT NOT NULL,
            before TEXT NOT NULL,
            baseline TEXT NOT NULL,
            PRIMARY KEY (release, uai)
        );"],
};

/// The place in column `at`.
pub(super) fn place(row: &Row, at: usize) -> anyhow::Result<Place> {
    let text = row.text(at)?;
    Place::read(text).with_context(|| format!("`{text}` is no place"))
}

/// The school in column `at`.
pub(super) fn school(row: &Row, at: usize) -> anyhow::Result<Uai> {
    let text = row.text(at)?;
    Uai::new(text).with_context(|| format!("`{text}` is no school's code"))
}

/// The number in column `at`.
pub(super) fn number(row: &Row, at: usize) -> anyhow::Result<u64> {
    Ok(u64::try_from(row.integer(at)?)?)
}

/// The next number of what is called `name`, never given twice.
pub(super) async fn next(write: &mut Write, name: &str) -> anyhow::Result<i64> {
    let sql = "INSERT INTO policy_count (name, last) VALUES ($1, 1)
        ON CONFLICT (name) DO UPDATE SET last = policy_count.last + 1 RETURNING last";
    let rows = write.read(sql, &[name.into()]).await?;
    rows.first().context("the database gave no number")?.integer(0)
}
