//! The schema: each module keeps a part of it, and brings it up to date by steps.

use anyhow::{Context as _, bail};

use super::{Database, Location, Write};

/// A part of the schema, kept by one module: its tables come by steps, each taken once.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The part's name; tables begin with it.
    pub name: &'static str,
    /// Step n brings version n to n + 1; each is a text of statements. What both engines cannot be told in the same words
    /// stands below a line `-- only SQLite:` or `-- only PostgreSQL:`, until `-- both:` or the end.
    pub steps: &'static [&'static str],
}

/// How far a database has a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartStanding {
    /// The part's name.
    pub name: &'static str,
    /// The version that the database has; 0 before the first step.
    pub version: i64,
    /// The version that this program knows.
    pub latest: i64,
}

/// An engine, as far as its words are its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// Says how far the database at `location` has each part, and changes nothing. A file that is not there has none.
///
/// # Errors
/// When it cannot be reached or read.
pub async fn look(location: &Location, parts: &[Part]) -> anyhow::Result<Vec<PartStanding>> {
    let there = match location {
        Location::Sqlite(path) => {
            path.try_exists().with_context(|| format!("cannot read `{}`", path.display()))?
        }
        Location::Postgres(_) => true,
    };
    let database = if there { Some(Database::open_as_it_is(location).await?) } else { None };
    let mut standing = Vec::new();
    for part in parts {
        let version = match &database {
            Some(database) if database.has_table("part").await? => {
                let rows = database.read(VERSION, &[part.name.into()]).await?;
                rows.first().map_or(Ok(0), |row| row.integer(0))?
            }
            _ => 0,
        };
        standing.push(PartStanding { name: part.name, version, latest: i64::try_from(part.steps.len())? });
    }
    Ok(standing)
}

const VERSION: &str = "SELECT version FROM part WHERE name = $1";

/// Brings every part up to date, in one transaction.
pub(super) async fn migrate(write: &mut Write, parts: &[Part]) -> anyhow::Result<()> {
    write.step("CREATE TABLE IF NOT EXISTS part (name TEXT PRIMARY KEY, version BIGINT NOT NULL)").await?;
    for part in parts {
        let rows = write.read(VERSION, &[part.name.into()]).await?;
        let version = rows.first().map_or(Ok(0), |row| row.integer(0))?;
        let latest = i64::try_from(part.steps.len())?;
        if version == latest {
            continue;
        }
        if version > latest {
            bail!(
                "the database's part `{}` is of a later version ({version}) than this program's ({latest})",
                part.name
            );
        }
        for step in part.steps.iter().skip(usize::try_from(version)?) {
            write.step(step).await.with_context(|| format!("cannot bring `{}` up to date", part.name))?;
        }
        let keep = "INSERT INTO part (name, version) VALUES ($1, $2)
            ON CONFLICT (name) DO UPDATE SET version = excluded.version";
        write.execute(keep, &[part.name.into(), latest.into()]).await?;
    }
    Ok(())
}

/// What is said of a step in a dialect: the passages that are for it, its word for bytes, and texts that sort by theirs.
pub(super) fn in_dialect(step: &str, dialect: Dialect) -> String {
    let name = match dialect {
        Dialect::Sqlite => "SQLite",
        Dialect::Postgres => "PostgreSQL",
    };
    let (mut said, mut kept) = (true, String::new());
    for line in step.lines() {
        match line.trim().strip_prefix("-- ").and_then(|line| line.strip_suffix(':')) {
            Some("both") => said = true,
            Some(mark) if mark.starts_with("only ") => said = mark.ends_with(name),
            _ if said => kept.extend([line, "\n"]),
            _ => {}
        }
    }
    match dialect {
        Dialect::Sqlite => kept,
        Dialect::Postgres => kept
            .split_inclusive(|after: char| !after.is_ascii_alphanumeric() && after != '_')
            .map(|word| match word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
                "BLOB" => word.replacen("BLOB", "BYTEA", 1),
                "TEXT" => word.replacen("TEXT", "TEXT COLLATE \"C\"", 1),
                _ => word.to_owned(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_said_in_the_words_of_the_engine() {
        let step = "CREATE TABLE x (a TEXT, b BLOB NOT NULL, BLOB_c BIGINT);
            -- only SQLite:
            s;
            -- only PostgreSQL:
            p;
            -- both:
            CREATE INDEX y ON x (a);";
        let words = |dialect| in_dialect(step, dialect).split_whitespace().collect::<Vec<_>>().join(" ");
        let index = "CREATE INDEX y ON x (a);";
        let sqlite = format!("CREATE TABLE x (a TEXT, b BLOB NOT NULL, BLOB_c BIGINT); s; {index}");
        assert_eq!(words(Dialect::Sqlite), sqlite);
        let postgres =
            format!("CREATE TABLE x (a TEXT COLLATE \"C\", b BYTEA NOT NULL, BLOB_c BIGINT); p; {index}");
        assert_eq!(words(Dialect::Postgres), postgres);
    }
}
