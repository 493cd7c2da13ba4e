//! The signed channel on each engine of the database: placed, published, renewed, mended.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use preau::{
    model::Uai,
    protocol::names::{self, Role},
    system::clock::Clock,
};
use preau_central::{
    audit,
    bucket::{Bucket, Location},
    channel::{self, Channel, Renewal, Whose},
    database::Database,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn the_channel_is_the_same_on_both_engines() {
    for engine in support::engines().await {
        let database = Database::open(&engine.location, &[audit::PART, channel::PART]).await.unwrap();
        road(engine.name, database).await;
    }
}

async fn road(engine: &str, database: Database) {
    let dir = tempfile::tempdir().unwrap();
    let (keys_dir, clock) = (dir.path().join("keys"), Clock::of_the_machine());
    let offline_dirs = [dir.path().join("offline")];
    channel::found(&database, &keys_dir, &offline_dirs[0], &clock).await.unwrap();
    let open = async || {
        let bucket = Bucket::open(&Location::Folder(dir.path().join("repository"))).unwrap();
        Channel::open(database.clone(), bucket, &keys_dir, clock.clone()).await.unwrap()
    };
    let channel = open().await;
    let school = Uai::new("0809999Z").unwrap();
    let stop = CancellationToken::new();
    let mut instances = JoinSet::new();
    for channel in [open().await, open().await] {
        instances.spawn(channel.serve(stop.clone()));
    }
    let index = names::policy_index(&school);
    for n in 1..4_u8 {
        let (policy, lists) = (Whose::School(&school), Whose::Everyone);
        let one = channel.store(&index, Bytes::copy_from_slice(&[n])).await.unwrap();
        let other = channel.store(names::LISTS_INDEX, Bytes::copy_from_slice(&[n])).await.unwrap();
        let mut write = database.write().await.unwrap();
        Channel::place(&mut write, policy, Role::Policy, &index, &one).await.unwrap();
        Channel::place(&mut write, lists, Role::Lists, names::LISTS_INDEX, &other).await.unwrap();
        Channel::remove(&mut write, lists, Role::Content, "content/none").await.unwrap();
        write.commit().await.unwrap();
        published(engine, &channel, &school).await;
    }
    let renewal = Renewal { keys_dir: &keys_dir, offline_dirs: &offline_dirs, clock: &clock };
    renewal.rotate(&database, "policy").await.unwrap();
    renewal.renew(&database, "root").await.unwrap();
    published(engine, &channel, &school).await;
    let version = channel.standing(&school).await.unwrap().unwrap().version;
    let seen = u64::try_from(version).unwrap() + 10;
    assert_eq!(channel.behind(&[(school.clone(), seen)]).await.unwrap(), [(school.clone(), seen)]);
    assert_eq!(channel.mend().await.unwrap(), 1);
    published(engine, &channel, &school).await;
    assert!(channel.standing(&school).await.unwrap().unwrap().version > version + 10);
    assert_eq!(channel.health().await.unwrap(), []);
    let exported = channel.export(&school, dir.path()).await.unwrap();
    assert_eq!(exported.targets, 2);
    stop.cancel();
    while let Some(ended) = instances.join_next().await {
        ended.unwrap().unwrap();
    }
}

async fn published(engine: &str, channel: &Channel, school: &Uai) {
    let wait = async {
        while channel.standing(school).await.unwrap().unwrap().due {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect(engine);
}
