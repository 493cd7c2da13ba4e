//! What a change for every school costs: so many views, each signed and written to a folder.
//!
//! ```text
//! cargo bench -p preau-central --bench views -- 10000
//! ```

use std::time::Duration;

use bytes::Bytes;
use preau::{
    model::Uai,
    protocol::names::{self, Role},
    system::clock::Clock,
};
use preau_central::{
    bucket::{Bucket, Location},
    channel::{self, Channel, Whose},
    database::{self, Database},
};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let views: u32 = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(200);
    let dir = tempfile::tempdir()?;
    let database_path = database::Location::Sqlite(dir.path().join("central.sqlite"));
    let database = Database::open(&database_path, &[channel::PART]).await?;
    let (keys_dir, clock) = (dir.path().join("keys"), Clock::of_the_machine());
    channel::found(&database, &keys_dir, &dir.path().join("offline"), &clock).await?;
    let bucket = Bucket::open(&Location::Folder(dir.path().join("repository")))?;
    let channel = Channel::open(database.clone(), bucket, &keys_dir, clock).await?;
    let schools = (0..views).filter_map(|n| Uai::new(&format!("{n:07}A"))).collect::<Vec<_>>();

    let begun = Instant::now();
    let mut write = database.write().await?;
    for school in &schools {
        Channel::add_school(&mut write, school).await?;
    }
    write.commit().await?;
    say("entered", &schools, begun.elapsed());
    publish("first views", &channel, &schools).await?;

    let begun = Instant::now();
    let lists = channel.store(names::LISTS_INDEX, Bytes::from_static(b"lists")).await?;
    let mut write = database.write().await?;
    Channel::place(&mut write, Whose::Everyone, Role::Lists, names::LISTS_INDEX, &lists).await?;
    write.commit().await?;
    say("one list placed for all", &schools, begun.elapsed());
    publish("a list for all", &channel, &schools).await?;

    let mut stored = Vec::new();
    for school in &schools {
        let name = names::policy_index(school);
        stored.push((channel.store(&name, Bytes::from(name.clone())).await?, name));
    }
    let begun = Instant::now();
    let mut write = database.write().await?;
    for (school, (stored, name)) in schools.iter().zip(&stored) {
        Channel::place(&mut write, Whose::School(school), Role::Policy, name, stored).await?;
    }
    write.commit().await?;
    say("an index placed for each", &schools, begun.elapsed());
    publish("an index for each", &channel, &schools).await
}

async fn publish(what: &str, channel: &Channel, schools: &[Uai]) -> anyhow::Result<()> {
    let begun = Instant::now();
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(channel.clone().serve(stop.clone()));
    for school in schools {
        while channel.standing(school).await?.is_none_or(|standing| standing.due) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let took = begun.elapsed();
    stop.cancel();
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    say(what, schools, took);
    Ok(())
}

fn say(what: &str, schools: &[Uai], took: Duration) {
    let count = u32::try_from(schools.len()).unwrap_or(u32::MAX).max(1);
    println!("{what}: {count} views in {took:.1?}, {:.2?} each", took / count);
}
