//! The ENT cache's store with many responses: how long it takes to open, what memory it takes, what a hit costs, and two
//! ways to read a long body. Run with `cargo bench --bench ent_store`, or with a number of responses behind `--`.
//!
//! The directory is a temporary one; `TMPDIR` chooses the disk. Nothing here is asserted: the figures stand in
//! docs/performance.md with the machine they were taken on.

use std::{fs, hint::black_box, os::unix::fs::FileExt as _, path::Path};

use bytes::Bytes;
use futures_util::StreamExt as _;
use preau::{
    ent::store::{Key, Reading, Settings, Store},
    system::mapped::Mapped,
};
use tokio::{task::JoinSet, time::Instant};

/// Responses, where none are asked for.
const RESPONSES: u64 = 1_000_000;

/// Who keeps at the same time.
const CALLERS: u64 = 8;

fn main() {
    let asked = std::env::args().filter_map(|word| word.parse().ok()).next();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(16)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(measure(asked.unwrap_or(RESPONSES)));
}

fn open(dir: &Path) -> Store {
    let settings = Settings { dir: dir.to_owned(), quota_bytes: 64 << 30, memory_bytes: 24 << 20 };
    Store::open(&settings).expect("a store")
}

fn key(number: u64) -> Key {
    Key(*blake3::hash(&number.to_le_bytes()).as_bytes())
}

async fn keep(store: &Store, number: u64, length: usize) {
    let mut draft = store.begin();
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut bytes);
    draft.write(Bytes::from(bytes)).await;
    store.keep(&key(number), draft.finish(), Bytes::from(vec![7; 300]), None).await.expect("it is kept");
}

async fn measure(responses: u64) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = open(dir.path());
    say_memory("with nothing kept");
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let store = store.clone();
        callers.spawn(async move {
            for number in (caller..responses).step_by(usize::try_from(CALLERS).expect("a few")) {
                keep(&store, number, 1024).await;
            }
        });
    }
    callers.join_all().await;
    println!("{responses} responses of 1 KiB kept in {:.1?}; {:?}", begun.elapsed(), store.figures());
    say_memory("after keeping them");
    drop(store);
    let begun = Instant::now();
    let store = open(dir.path());
    println!("opened in {:.1?}", begun.elapsed());
    say_memory("after opening");
    let begun = Instant::now();
    let looks = responses.min(100_000);
    for number in 0..looks {
        black_box(store.find(&key(number.wrapping_mul(7919) % responses)).await);
    }
    println!("found on disk, one after another: {:.1?} each", each(begun, looks));
    say_memory("after finding many");
    let known = key(3);
    store.find(&known).await;
    let begun = Instant::now();
    for _ in 0..1_000_000 {
        let entry = store.at_hand(&known).expect("in memory");
        black_box(store.read(&entry[0].body, 0..1024));
    }
    println!("hit in memory, 1 KiB: {:.1?} each", each(begun, 1_000_000));
    long_bodies(&store).await;
    two_ways(dir.path());
}

async fn long_bodies(store: &Store) {
    for (number, length) in [(1 << 40, 64 << 10), (1 << 41, 10 << 20), (1 << 42, 100 << 20)] {
        keep(store, number, length).await;
        let entry = store.find(&key(number)).await;
        for round in ["first", "second", "third"] {
            let begun = Instant::now();
            match store.read(&entry[0].body, 0..u64::MAX) {
                Reading::AtOnce(bytes) => drop(black_box(bytes)),
                Reading::Pieces(mut pieces) => {
                    while let Some(piece) = pieces.next().await {
                        black_box(piece.expect("it is whole"));
                    }
                }
            }
            println!("{} KiB, {round} reading: {:.1?}", length >> 10, begun.elapsed());
        }
    }
    say_memory("after long bodies");
}

/// 64 MiB from the kernel's memory, checked: mapped, and read in pieces of 256 KiB.
fn two_ways(dir: &Path) {
    let path = dir.join("long");
    fs::write(&path, vec![3; 64 << 20]).expect("room for a file");
    for _ in 0..3 {
        let begun = Instant::now();
        let mapped = Mapped::open(&path).expect("a mapping");
        mapped.chunks(65_536).for_each(|block| {
            black_box(blake3::hash(block));
        });
        let by_mapping = begun.elapsed();
        let begun = Instant::now();
        let file = fs::File::open(&path).expect("a file");
        for at in (0..64 << 20).step_by(256 << 10) {
            let mut piece = vec![0; 256 << 10];
            file.read_exact_at(&mut piece, at).expect("a piece");
            piece.chunks(65_536).for_each(|block| {
                black_box(blake3::hash(block));
            });
        }
        let by_reading = begun.elapsed();
        let begun = Instant::now();
        for at in (0..64 << 20).step_by(256 << 10) {
            let mut piece = vec![0; 256 << 10];
            file.read_exact_at(&mut piece, at).expect("a piece");
            black_box(piece);
        }
        println!(
            "64 MiB: mapped {by_mapping:.1?}, read {by_reading:.1?}, of which unchecked {:.1?}",
            begun.elapsed()
        );
    }
}

fn each(begun: Instant, times: u64) -> std::time::Duration {
    begun.elapsed() / u32::try_from(times).expect("fewer than 2^32")
}

fn say_memory(when: &str) {
    let status = fs::read_to_string("/proc/self/status").expect("Linux says what a process takes");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or("VmRSS: unknown");
    println!("{when}: {}", line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "));
}
