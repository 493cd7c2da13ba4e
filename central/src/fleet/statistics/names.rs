//! The names that schools asked for, a school's day as one piece: JSON, compressed with zstd.

use std::collections::BTreeMap;

use preau::{
    model::{Domain, Uai},
    protocol::counts::{BYTES_MAX, Names, Who},
};

use crate::{
    database::{Database, Write},
    fleet::schools,
    words::Place,
};

/// How hard it is compressed: names of a day become a quarter.
const LEVEL: i32 = 3;

/// Names with how often each kind of asker asked for them.
pub type NamesCounted = BTreeMap<(Who, Domain), u64>;

pub(super) async fn keep(write: &mut Write, school: &Uai, day: i64, names: &[Names]) -> anyhow::Result<()> {
    let bytes = zstd::bulk::compress(&serde_json::to_vec(names)?, LEVEL)?;
    let sql = "INSERT INTO statistics_names (uai, day, names) VALUES ($1, $2, $3)
        ON CONFLICT (uai, day) DO UPDATE SET names = excluded.names";
    write.execute(sql, &[school.as_str().into(), day.into(), bytes.into()]).await?;
    Ok(())
}

/// What `school` asked for from the day `from` on.
///
/// # Errors
/// When the database refuses, or what it kept cannot be read.
pub async fn names(database: &Database, school: &Uai, from: i64) -> anyhow::Result<NamesCounted> {
    let sql = "SELECT names FROM statistics_names WHERE uai = $1 AND day >= $2";
    let mut counted = NamesCounted::new();
    for row in database.read(sql, &[school.as_str().into(), from.into()]).await? {
        let bytes = zstd::bulk::decompress(row.bytes(0)?, BYTES_MAX)?;
        let days: Vec<Names> = serde_json::from_slice(&bytes)?;
        for Names { who, names } in days {
            let who: Who = who.parse()?;
            for (name, count) in names {
                let of_name = counted.entry((who, name.parse()?)).or_default();
                *of_name = of_name.saturating_add(count);
            }
        }
    }
    Ok(counted)
}

/// The schools at `place` and below that told names from the day `from` on, by their codes, `most` at most.
///
/// # Errors
/// When the database refuses.
pub async fn schools_with_names(
    database: &Database,
    place: &Place,
    from: i64,
    most: usize,
) -> anyhow::Result<Vec<Uai>> {
    let sql = "SELECT DISTINCT uai FROM statistics_names WHERE day >= $1 ORDER BY uai";
    let rows = database.read(sql, &[from.into()]).await?;
    let below = schools::below(database, place).await?;
    let told = rows.iter().filter_map(|row| Uai::new(row.text(0).ok()?));
    Ok(told.filter(|uai| below.binary_search(uai).is_ok()).take(most).collect())
}
