//! How many records the journal takes in a second, and how long one waits for it. Run with `cargo bench --bench journal`.
//!
//! The directory is a temporary one; `TMPDIR` chooses the disk.

use std::time::Duration;

use preau::{
    journal::{Channel, DecisionRecord, Ground, Journal, Outcome, Pseudonym, Settings},
    model::Moment,
    system::clock::Clock,
};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

/// Records of each run.
const RECORDS: usize = 400_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(measure());
}

async fn measure() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let settings = Settings { dir: dir.path().join("journal") };
    let (journal, writer) = Journal::open(&settings, Clock::of_the_machine()).expect("a journal");
    let stop = CancellationToken::new();
    let mut service = JoinSet::new();
    service.spawn(writer.serve(stop.clone()));
    println!("callers  records each time  records a second       p50       p99   longest");
    for (callers, batch) in [(1, 1), (8, 1), (64, 1), (256, 1), (64, 8), (64, 64)] {
        let records = if callers * batch < 64 { RECORDS / 20 } else { RECORDS };
        run(&journal, callers, batch, records).await;
    }
    stop.cancel();
    service.join_next().await.expect("one service").expect("no panic").expect("no failure");
    let bytes: u64 = std::fs::read_dir(&settings.dir)
        .expect("the journal's directory")
        .filter_map(|entry| entry.ok()?.metadata().ok())
        .map(|file| file.len())
        .sum();
    println!("{} MB written in all", bytes / 1_000_000);
}

async fn run(journal: &Journal, callers: usize, batch: usize, records: usize) {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let journal = journal.clone();
        let rounds = records / callers / batch;
        tasks.spawn(async move {
            let decisions = vec![decision(); batch];
            let mut waits = Vec::with_capacity(rounds);
            for _ in 0..rounds {
                let asked = Instant::now();
                journal.record(Vec::new(), decisions.clone()).await.expect("the journal writes");
                waits.push(asked.elapsed());
            }
            waits
        });
    }
    let mut waits: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    let seconds = begun.elapsed().as_secs_f64();
    waits.sort_unstable();
    let part = |hundredths: usize| waits[(waits.len() - 1) * hundredths / 100];
    let count = u32::try_from(waits.len() * batch).expect("fewer than 2^32 records");
    println!(
        "{callers:>7}  {batch:>17}  {:>16.0}  {:>8.1?}  {:>8.1?}  {:>8.1?}",
        f64::from(count) / seconds,
        part(50),
        part(99),
        part(100)
    );
}

fn decision() -> DecisionRecord {
    DecisionRecord {
        at: Moment::from_unix_seconds(1_800_000_000),
        zone: "pedagogique".parse().expect("a zone's name"),
        who: Pseudonym([7; 8]),
        channel: Channel::Dns,
        site: "www.encyclopedie.exemple.fr".parse().expect("a name"),
        outcome: Outcome::Allowed(Ground::ZoneDefault),
    }
}
