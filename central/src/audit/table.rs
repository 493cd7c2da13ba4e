//! The table, and the one way a line gets into it.

use std::borrow::Cow;

use preau::model::Moment;

use super::{Line, Who, chain::last};
use crate::{
    database::{Part, Write},
    words::Place,
};

/// The longest text of a line, in characters; the rest is cut off, so that no act fails for being told at length.
const TEXT_CHARS_MAX: usize = 2000;

/// The tables.
pub const PART: Part = Part {
    name: "audit",
    steps: &["
        CREATE TABLE audit_line (
            number BIGINT PRIMARY KEY,
            at BIGINT NOT NULL,
            who TEXT NOT NULL,
            who_id TEXT NOT NULL,
            who_name TEXT NOT NULL,
            act TEXT NOT NULL,
            place TEXT,
            text TEXT NOT NULL,
            digest BLOB NOT NULL
        );
        CREATE INDEX audit_line_at ON audit_line (at);
        CREATE INDEX audit_line_who ON audit_line (who, who_id, number);
        CREATE INDEX audit_line_act ON audit_line (act, number);
        CREATE INDEX audit_line_place ON audit_line (place, number);
        -- only SQLite:
        CREATE TRIGGER audit_line_stays BEFORE UPDATE ON audit_line
        BEGIN SELECT RAISE(ABORT, 'lines of the audit trail are never changed'); END;
        CREATE TRIGGER audit_line_kept BEFORE DELETE ON audit_line
        BEGIN SELECT RAISE(ABORT, 'lines of the audit trail are never removed'); END;
        CREATE TRIGGER audit_line_next BEFORE INSERT ON audit_line
        WHEN NEW.number <> (SELECT COALESCE(MAX(number), 0) + 1 FROM audit_line)
        BEGIN SELECT RAISE(ABORT, 'lines of the audit trail are only added to its end'); END;
        -- only PostgreSQL:
        CREATE FUNCTION audit_line_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'lines of the audit trail are never changed or removed';
        END $$;
        CREATE FUNCTION audit_line_next() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.number <> (SELECT COALESCE(MAX(number), 0) + 1 FROM audit_line) THEN
                RAISE EXCEPTION 'lines of the audit trail are only added to its end';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER audit_line_stays BEFORE UPDATE OR DELETE ON audit_line
            FOR EACH ROW EXECUTE FUNCTION audit_line_refuse();
        CREATE TRIGGER audit_line_kept BEFORE TRUNCATE ON audit_line
            FOR EACH STATEMENT EXECUTE FUNCTION audit_line_refuse();
        CREATE TRIGGER audit_line_next BEFORE INSERT ON audit_line
            FOR EACH ROW EXECUTE FUNCTION audit_line_next();"],
};

/// Writes the line of an act, in the transaction of what it changes: `act` is one word, `text` what people read.
///
/// # Errors
/// When the database refuses.
pub async fn note(
    write: &mut Write,
    at: Moment,
    who: &Who,
    act: &str,
    place: Option<&Place>,
    text: &str,
) -> anyhow::Result<()> {
    let before = last(write).await?;
    let number = before.number + 1;
    let text = cut(text).into_owned();
    let line = Line { number, at, who: who.clone(), act: act.to_owned(), place: place.cloned(), text };
    let digest = line.digest(&before.digest);
    let (kind, id, name) = line.who.kept();
    let sql = "INSERT INTO audit_line (number, at, who, who_id, who_name, act, place, text, digest)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let values = [
        number.into(),
        at.unix_milliseconds().into(),
        kind.into(),
        id.into(),
        name.into(),
        act.into(),
        place.map(ToString::to_string).into(),
        line.text.as_str().into(),
        digest.as_slice().into(),
    ];
    write.execute(sql, &values).await?;
    Ok(())
}

fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
