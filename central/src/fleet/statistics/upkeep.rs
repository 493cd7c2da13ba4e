//! What is too old goes.

use std::time::Duration;

use preau::{model::Moment, system::clock::Clock};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::span::day_of;
use crate::database::Database;

/// How long counts by day are kept, in days: what thirteen weeks show.
pub const DAYS_KEPT: i64 = 100;

/// How long counts by month are kept, in days: a year, and the month that began it.
pub const MONTHS_KEPT: i64 = 396;

/// How long names are kept, in days.
pub const NAMES_KEPT: i64 = 28;

const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// Has what is too old go, until the stop signal.
///
/// # Errors
/// Never; a database that refuses is asked again.
pub async fn serve(database: Database, clock: Clock, stop: CancellationToken) -> anyhow::Result<()> {
    let go_on = async {
        loop {
            if let Err(cause) = purge(&database, clock.now()).await {
                warn!(cause = format!("{cause:#}"), "cannot purge statistics; it is tried again");
            }
            sleep(LOOK_EVERY).await;
        }
    };
    stop.run_until_cancelled(go_on).await;
    Ok(())
}

/// Has go what is too old at `now`.
///
/// # Errors
/// When the database refuses.
pub async fn purge(database: &Database, now: Moment) -> anyhow::Result<()> {
    let today = day_of(now);
    let mut write = database.write().await?;
    for table in ["statistics_count", "statistics_persons"] {
        let sql = format!("DELETE FROM {table} WHERE span = $1 AND start < $2");
        write.execute(&sql, &["day".into(), (today - DAYS_KEPT).into()]).await?;
        write.execute(&sql, &["month".into(), (today - MONTHS_KEPT).into()]).await?;
    }
    let sql = "DELETE FROM statistics_names WHERE day < $1";
    write.execute(sql, &[(today - NAMES_KEPT).into()]).await?;
    write.commit().await
}
