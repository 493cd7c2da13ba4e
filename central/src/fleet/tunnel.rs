//! When boxes make other keys for the tunnel: on an operator's word, and by themselves when a key has grown old.
//!
//! The order only says *when*; how one key follows another without a gap is the authority's
//! ([`Authority::change_tunnel_key`]). A box that is away makes its key when it is back, within the month the order holds.

use std::{collections::HashSet, time::Duration};

use preau::{
    model::{Moment, Uai},
    protocol::line::What,
    system::clock::Clock,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::orders;
use crate::{
    audit::{self, Who},
    authority::{Authority, TUNNEL_KEY_LIFE},
    database::{Database, Write},
    words::Place,
};

/// How long a box may take to hear the order.
const ORDER_LIFE: Duration = Duration::from_secs(30 * 86_400);

/// How often it is looked which keys have grown old.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// Boxes that are told in one look: a fleet that was enrolled in one week does not change in one hour.
const AT_ONCE_MAX: usize = 50;

/// Who is written as the giver of these orders.
const BY: &str = "central";

/// Tells the box of `school` to make another key, on the word of whoever has central's machine, or because of its age.
///
/// # Errors
/// When too many orders wait there already, or the database refuses.
pub async fn order_key(write: &mut Write, school: &Uai, now: Moment) -> anyhow::Result<u64> {
    let what = What::ChangeTunnelKey {};
    let number = orders::put(write, BY, school, &what, now, now + ORDER_LIFE).await?;
    let text = format!("ordre {number} : {}", orders::in_words(&what));
    audit::note(write, now, &Who::Central, "order", Some(&Place::School(school.clone())), &text).await?;
    Ok(number)
}

/// Has keys changed that have grown old.
#[derive(Debug)]
pub struct Rotation {
    database: Database,
    authority: Authority,
    clock: Clock,
}

impl Rotation {
    /// For the boxes of `authority`.
    #[must_use]
    pub fn new(database: Database, authority: Authority, clock: Clock) -> Self {
        Self { database, authority, clock }
    }

    /// Looks each hour until the stop signal.
    ///
    /// # Errors
    /// None; a database that refuses is asked again.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            match self.look().await {
                Ok(0) => {}
                Ok(told) => info!(boxes = told, "boxes are told to make another key for the tunnel"),
                Err(error) => warn!(cause = format!("{error:#}"), "cannot look at the tunnel's keys"),
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Tells the boxes whose keys are old and that were not told yet; says how many those were.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn look(&self) -> anyhow::Result<usize> {
        let now = self.clock.now();
        let old = self.authority.tunnel_keys_older(now - TUNNEL_KEY_LIFE).await?;
        if old.is_empty() {
            return Ok(0);
        }
        let waiting = orders::waiting(&self.database, None, now).await?;
        let told: HashSet<&Uai> = waiting
            .iter()
            .filter(|(_, order)| order.what == What::ChangeTunnelKey {})
            .map(|(school, _)| school)
            .collect();
        let mut count = 0;
        for school in old.iter().filter(|school| !told.contains(school)).take(AT_ONCE_MAX) {
            // One school whose box has too many orders to do keeps no other from its key.
            let mut write = self.database.write().await?;
            match order_key(&mut write, school, now).await {
                Ok(_) => {
                    write.commit().await?;
                    count += 1;
                }
                Err(error) => warn!(cause = format!("{error:#}"), "a box could not be told"),
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{
        authority::{self, By},
        database::trial,
        fleet::schools,
    };

    const NOW: Moment = Moment::from_unix_seconds(1_795_132_800);

    #[tokio::test]
    async fn a_box_whose_key_is_old_is_told_once_and_one_with_a_young_key_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let parts = [audit::PART, schools::PART, authority::PART, orders::PART];
        let database = Database::open(&trial::location(&dir.path().join("x")).await, &parts).await.unwrap();
        authority::make(dir.path(), NOW).unwrap();
        let clock = Clock::from_fn(|| NOW);
        let url = "https://central.example".parse().unwrap();
        let authority =
            Authority::open(database.clone(), dir.path(), &url, Bytes::new(), clock.clone()).await.unwrap();
        let mut write = database.write().await.unwrap();
        for (school, enrolled) in [("0800001A", NOW - TUNNEL_KEY_LIFE * 2), ("0800002B", NOW)] {
            let sql = "INSERT INTO authority_box (school, sealing, tunnel, version, enrolled)
                VALUES ($1, '', $1, '', $2)";
            write.execute(sql, &[school.into(), enrolled.unix_milliseconds().into()]).await.unwrap();
        }
        write.commit().await.unwrap();
        let rotation = Rotation::new(database.clone(), authority.clone(), clock);
        assert_eq!(rotation.look().await.unwrap(), 1);
        assert_eq!(rotation.look().await.unwrap(), 0, "it was told");
        let waiting = orders::waiting(&database, None, NOW).await.unwrap();
        let told: Vec<_> = waiting.iter().map(|(school, order)| (school.as_str(), &order.what)).collect();
        assert_eq!(told, [("0800001A", &What::ChangeTunnelKey {})]);
        let mut write = database.write().await.unwrap();
        authority.revoke(&mut write, By::Central, &Uai::new("0800001A").unwrap()).await.unwrap();
        write.execute("DELETE FROM orders", &[]).await.unwrap();
        write.commit().await.unwrap();
        assert_eq!(rotation.look().await.unwrap(), 0, "a revoked box has no key");
    }
}
