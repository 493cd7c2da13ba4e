//! The cache's store in trouble: its process killed at any moment, its files damaged at any byte, its disk full. What is
//! served is what was kept, or it is not there; and the store goes on when the trouble ends.
//!
//! The trouble happens in children of this test: the same binary, told by the environment which part to play.
#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

#[path = "support/part.rs"]
mod part;

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use preau::ent::store::{Kept, Key, Reading, Settings, Store};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use part::{child, child_dir, play_on_small_disk};

fn open(dir: &Path) -> Store {
    let settings = Settings { dir: dir.join("cache"), quota_bytes: 256 << 20, memory_bytes: 1 << 20 };
    Store::open(&settings).unwrap()
}

fn key(number: u32) -> Key {
    Key(*blake3::hash(&number.to_le_bytes()).as_bytes())
}

fn head(number: u32) -> Bytes {
    Bytes::from(format!("head of {number}"))
}

/// Bytes that are like no others: in the index, in a file of one block, in a file of several.
fn body(number: u32) -> Bytes {
    let length = [700, 20_000, 150_000, 65_536][usize::try_from(number).unwrap() % 4];
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut bytes);
    Bytes::from(bytes)
}

async fn keep(store: &Store, number: u32) -> Option<Kept> {
    let mut draft = store.begin();
    draft.write(body(number)).await;
    store.keep(&key(number), draft.finish(), head(number), None).await
}

/// What is found of `number`; the body, if all of it can be read.
async fn found(store: &Store, number: u32) -> Option<(Bytes, Bytes)> {
    let kept = store.find(&key(number)).await.first()?.clone();
    let bytes = match store.read(&kept.body, 0..kept.body.length()) {
        Reading::AtOnce(bytes) => bytes,
        Reading::Pieces(mut pieces) => {
            let mut all = BytesMut::new();
            while let Some(piece) = pieces.next().await {
                all.extend_from_slice(&piece.ok()?);
            }
            all.freeze()
        }
    };
    Some((kept.head().clone(), bytes))
}

/// Whether `number` is there; it must be what was kept.
async fn is_there(store: &Store, number: u32, trouble: &str) -> bool {
    let Some((found_head, bytes)) = found(store, number).await else { return false };
    assert_eq!(found_head, head(number), "another head after {trouble}");
    assert!(bytes == body(number), "another body after {trouble}");
    true
}

#[tokio::test]
async fn part_of_the_one_who_is_killed() {
    let Some(dir) = child_dir() else { return };
    let store = open(&dir);
    let begin = std::env::var("PREAU_TEST_STORE_FROM").unwrap().parse::<u32>().unwrap();
    for number in begin.. {
        keep(&store, number).await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "kept {number}").unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn everything_kept_is_there_after_a_kill_at_any_moment() {
    let dir = tempfile::tempdir().unwrap();
    let mut all_kept: Vec<u32> = Vec::new();
    for round in 0..6_u32 {
        let mut child = child("part_of_the_one_who_is_killed", dir.path())
            .env("PREAU_TEST_STORE_FROM", (round * 100_000).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let number_of = |line: &str| line.strip_prefix("kept ").and_then(|number| number.parse::<u32>().ok());
        let mut kept = Vec::new();
        while kept.len() < 5 {
            kept.extend(number_of(&lines.next().unwrap().unwrap()));
        }
        std::thread::sleep(Duration::from_millis(7 + u64::from(round) * 31));
        child.kill().unwrap();
        child.wait().unwrap();
        // A last line may have been cut in the middle: it ends at the kill.
        kept.extend(lines.map_while(Result::ok).filter_map(|line| number_of(&line)));
        let last = *kept.last().unwrap();
        all_kept.extend(&kept[..kept.len() - 1]);
        let store = open(dir.path());
        for number in all_kept.iter().rev().take(300) {
            assert!(is_there(&store, *number, "a kill").await, "{number} is gone");
        }
        for number in [last, last + 1, last + 2] {
            is_there(&store, number, "a kill").await;
        }
        assert!(keep(&store, round * 100_000 + 99_999).await.is_some());
        assert!(is_there(&store, round * 100_000 + 99_999, "a kill").await);
    }
}

/// Every file below `dir`, by its path within it.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let name = PathBuf::from(entry.file_name());
        if entry.path().is_dir() {
            found.extend(files(&entry.path()).into_iter().map(|(path, bytes)| (name.join(path), bytes)));
        } else {
            found.push((name, fs::read(entry.path()).unwrap()));
        }
    }
    found
}

/// What a bad disk and a power cut do to a file.
fn damages(bytes: &[u8], at: usize) -> [(&'static str, Vec<u8>); 4] {
    let mut turned = bytes.to_vec();
    turned[at] ^= 1 << (at % 8);
    let mut lost = bytes.to_vec();
    lost[at..].fill(0);
    let mut sector = bytes.to_vec();
    let end = (at + 512).min(bytes.len());
    sector[at..end].fill(0xff);
    [
        ("a bit turned", turned),
        ("a cut", bytes[..at].to_vec()),
        ("an end of zeros", lost),
        ("a bad sector", sector),
    ]
}

#[tokio::test]
async fn a_store_damaged_at_any_byte_serves_what_was_kept_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for number in 0..8 {
        keep(&store, number).await.unwrap();
    }
    store.forget(&key(7), None).await;
    // Once with everything in the write-ahead log, once with it in the file.
    let open_files = files(&dir.path().join("cache"));
    assert!(
        open_files.iter().any(|(path, bytes)| path.ends_with("index-0.sqlite-wal") && bytes.len() > 10_000)
    );
    drop(store);
    let closed_files = files(&dir.path().join("cache"));
    let (mut served, mut missing) = (0, 0);
    for whole in [open_files, closed_files] {
        for (damaged_path, bytes) in &whole {
            let step = (bytes.len() / 6).max(1) | 1;
            for at in (0..bytes.len()).step_by(step) {
                for (kind, damaged) in damages(bytes, at) {
                    let trouble = format!("{kind} at {at} of {}", damaged_path.display());
                    let dir = tempfile::tempdir().unwrap();
                    for (path, bytes) in &whole {
                        let path_there = dir.path().join("cache").join(path);
                        fs::create_dir_all(path_there.parent().unwrap()).unwrap();
                        fs::write(path_there, if path == damaged_path { &damaged } else { bytes }).unwrap();
                    }
                    let store = open(dir.path());
                    for number in 0..7 {
                        let is_there = is_there(&store, number, &trouble).await;
                        *(if is_there { &mut served } else { &mut missing }) += 1;
                    }
                    if at % 5 == 0 {
                        assert!(
                            keep(&store, 100).await.is_some() || keep(&store, 100).await.is_some(),
                            "{trouble}"
                        );
                        assert!(is_there(&store, 100, &trouble).await, "{trouble}");
                    }
                }
            }
        }
    }
    // Most damage is to one response; some takes the index with it.
    println!("{served} served, {missing} missing");
    assert!(served > missing && missing > 100, "{served} served, {missing} missing");
}

#[tokio::test]
async fn part_of_the_one_whose_disk_is_full() {
    let Some(dir) = child_dir() else { return };
    let store = open(&dir);
    let stop = CancellationToken::new();
    let mut service = JoinSet::new();
    service.spawn(store.clone().serve(stop.clone()));
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Far more than the disk holds: the quota gives way, and nothing fails.
    for number in 0..400 {
        assert!(keep(&store, number).await.is_some(), "{number} is not kept: {:?}", store.figures());
    }
    let figures = store.figures();
    assert!(!figures.is_plain && figures.evicted > 100, "{figures:?}");
    // Somebody else takes what is left.
    let other_path = dir.join("other");
    let filled = fs::write(&other_path, vec![1; 16 << 20]);
    assert!(filled.is_err());
    for number in 1000..1100 {
        keep(&store, number).await;
    }
    assert!(store.figures().is_plain, "{:?}", store.figures());
    for number in 0..1100 {
        is_there(&store, number, "a full disk").await;
    }
    fs::remove_file(&other_path).unwrap();
    stop.cancel();
    service.join_next().await.unwrap().unwrap().unwrap();
    service.spawn(store.clone().serve(CancellationToken::new()));
    for _ in 0..100 {
        if !store.figures().is_plain {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(keep(&store, 2).await.is_some());
    assert!(is_there(&store, 2, "a full disk").await);
    println!("plain and recovered");
}

#[test]
fn a_full_disk_makes_the_store_smaller_then_plain_and_it_keeps_again_when_there_is_room() {
    play_on_small_disk("part_of_the_one_whose_disk_is_full", "12m", "plain and recovered");
}
