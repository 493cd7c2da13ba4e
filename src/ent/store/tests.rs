//! What the store promises, tried through what its owners use.

use std::{fs, path::Path};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use rusqlite::Connection;

use super::*;

const MIB: u64 = 1 << 20;

fn open(dir: &Path, quota_bytes: u64) -> Store {
    let settings = Settings { dir: dir.to_owned(), quota_bytes, memory_bytes: 4 << 20 };
    Store::open(&settings).unwrap()
}

fn key(number: u32) -> Key {
    Key(*blake3::hash(&number.to_le_bytes()).as_bytes())
}

/// Bytes that are like no others.
fn body(number: u32, length: usize) -> Bytes {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut bytes);
    Bytes::from(bytes)
}

async fn whole(store: &Store, bytes: &Bytes) -> Whole {
    let mut draft = store.begin();
    for piece in bytes.chunks(60_000) {
        draft.write(Bytes::copy_from_slice(piece)).await;
    }
    draft.finish()
}

async fn keep(store: &Store, number: u32, bytes: &Bytes) -> Option<Kept> {
    let head = Bytes::from(format!("head {number}"));
    store.keep(&key(number), whole(store, bytes).await, head, None).await
}

async fn read(store: &Store, kept: &Kept) -> Result<Bytes, Lost> {
    read_range(store, kept, 0..kept.body.length()).await
}

async fn read_range(store: &Store, kept: &Kept, range: std::ops::Range<u64>) -> Result<Bytes, Lost> {
    match store.read(&kept.body, range) {
        Reading::AtOnce(bytes) => Ok(bytes),
        Reading::Pieces(mut pieces) => {
            let mut all = BytesMut::new();
            while let Some(piece) = pieces.next().await {
                all.extend_from_slice(&piece?);
            }
            Ok(all.freeze())
        }
    }
}

/// Everything in the files below `dir`.
fn bytes_on_disk(dir: &Path) -> u64 {
    let mut sum = 0;
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let about = entry.metadata().unwrap();
        sum += if about.is_dir() { bytes_on_disk(&entry.path()) } else { about.len() };
    }
    sum
}

fn run_files(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for first in fs::read_dir(dir.join("bodies")).unwrap().flatten() {
        files.extend(fs::read_dir(first.path()).unwrap().flatten().map(|file| file.path()));
    }
    files
}

#[tokio::test]
async fn what_is_kept_is_there_after_a_restart_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let lengths = [0, 1, 16 * 1024, 16 * 1024 + 1, 65_536, 65_537, 262_144, 262_145, 1_000_000];
    let store = open(dir.path(), 64 * MIB);
    for (number, length) in (0..).zip(lengths) {
        let kept = keep(&store, number, &body(number, length)).await.unwrap();
        assert!(kept.body.is_whole());
        assert_eq!(read(&store, &kept).await.unwrap(), body(number, length));
    }
    drop(store);
    let store = open(dir.path(), 64 * MIB);
    for (number, length) in (0..).zip(lengths) {
        assert!(store.at_hand(&key(number)).is_none());
        let found = store.find(&key(number)).await;
        let [kept] = &found[..] else { panic!("{length} bytes: {} found", found.len()) };
        assert_eq!(kept.head, format!("head {number}"));
        for _ in 0..3 {
            assert_eq!(read(&store, kept).await.unwrap(), body(number, length), "{length} bytes");
        }
        assert!(store.at_hand(&key(number)).is_some());
    }
    assert_eq!(store.figures().objects, 9);
}

#[tokio::test]
async fn any_range_of_a_long_body_is_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), 64 * MIB);
    let bytes = body(1, 700_000);
    let kept = keep(&store, 1, &bytes).await.unwrap();
    for (from, to) in [(0, 1), (65_535, 65_537), (262_143, 262_145), (1, 699_999), (699_999, 700_000), (5, 5)]
    {
        let [first, end] = [from, to].map(|at| u64::try_from(at).unwrap());
        assert_eq!(read_range(&store, &kept, first..end).await.unwrap(), bytes[from..to], "{from}..{to}");
    }
}

#[tokio::test]
async fn variants_are_found_newest_first_and_forgotten_one_by_one_or_all() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), 64 * MIB);
    let mut ids = Vec::new();
    for number in 0..3 {
        let whole = whole(&store, &body(number, 100)).await;
        ids.push(store.keep(&key(1), whole, Bytes::new(), None).await.unwrap().id);
    }
    let found =
        async |store: &Store| store.find(&key(1)).await.iter().map(|kept| kept.id).collect::<Vec<_>>();
    assert_eq!(found(&store).await, [ids[2], ids[1], ids[0]]);
    store.forget(&key(1), Some(ids[1])).await;
    assert_eq!(found(&store).await, [ids[2], ids[0]]);
    let whole = whole(&store, &body(9, 100)).await;
    let kept = store.keep(&key(1), whole, Bytes::new(), Some(ids[0])).await.unwrap();
    assert_eq!(found(&store).await, [kept.id, ids[2]]);
    store.renew(&key(1), ids[2], Bytes::from("renewed")).await;
    assert_eq!(store.find(&key(1)).await[1].head, "renewed");
    drop(store);
    let store = open(dir.path(), 64 * MIB);
    assert_eq!(found(&store).await, [kept.id, ids[2]]);
    assert_eq!(store.find(&key(1)).await[1].head, "renewed");
    store.forget(&key(1), None).await;
    assert_eq!(found(&store).await, [0; 0]);
}

#[tokio::test]
async fn variants_beyond_the_bound_push_out_the_oldest() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), 64 * MIB);
    for number in 0..20 {
        let whole = whole(&store, &body(number, 100)).await;
        store.keep(&key(1), whole, Bytes::from(vec![u8::try_from(number).unwrap()]), None).await.unwrap();
    }
    let found = store.find(&key(1)).await;
    let heads: Vec<u8> = found.iter().map(|kept| kept.head[0]).collect();
    assert_eq!(heads, (4..20).rev().collect::<Vec<u8>>());
}

#[tokio::test]
async fn thirty_read_a_body_while_it_grows_and_each_has_every_byte() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), 64 * MIB);
    let bytes = body(1, 3_000_000);
    let mut draft = store.begin();
    let mut readers = tokio::task::JoinSet::new();
    for (number, piece) in bytes.chunks(100_000).enumerate() {
        // One more joins at each piece, also when the first bytes have left memory.
        let mut follower = draft.follow().unwrap();
        readers.spawn(async move {
            let mut all = BytesMut::new();
            while let Some(piece) = follower.next().await {
                all.extend_from_slice(&piece.unwrap());
                if number == 7 {
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
            }
            all.freeze()
        });
        draft.write(Bytes::copy_from_slice(piece)).await;
    }
    let kept = store.keep(&key(1), draft.finish(), Bytes::new(), None).await.unwrap();
    let read_by_all = readers.join_all().await;
    assert_eq!(read_by_all.len(), 30);
    assert!(read_by_all.iter().all(|read| *read == bytes));
    assert_eq!(read(&store, &kept).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_body_cut_short_tells_its_followers_and_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), 64 * MIB);
    let mut draft = store.begin();
    let mut follower = draft.follow().unwrap();
    draft.write(body(1, 200_000)).await;
    drop(draft);
    assert_eq!(follower.next().await.unwrap().unwrap().len(), 200_000);
    assert_eq!(follower.next().await, Some(Err(Cut)));
    assert_eq!(follower.next().await, None);
    drop(follower);
    assert_eq!(fs::read_dir(dir.path().join("drafts")).unwrap().count(), 0);
}

#[tokio::test]
async fn ranges_of_a_film_join_to_the_whole_whatever_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), 64 * MIB);
    let film = body(1, 900_000);
    let mut known: Option<Kept> = None;
    for (first, end) in
        [(100_000, 200_000), (600_000, 900_000), (0, 120_000), (300_000, 600_000), (150_000, 310_000)]
    {
        let mut draft = store.begin();
        draft.write(film.slice(first..end)).await;
        let [first, total] = [first, film.len()].map(|at| u64::try_from(at).unwrap());
        let part = if first == 0 { draft.cut(first, total) } else { draft.finish_part(first, total) };
        let onto = known.as_ref().map(|kept| kept.id);
        let kept = store.keep_part(&key(1), part, Bytes::from("film"), onto).await.unwrap();
        assert_eq!(store.find(&key(1)).await.len(), 1);
        for held in kept.body.held() {
            let [from, to] = [held.start, held.end].map(|at| usize::try_from(at).unwrap());
            assert_eq!(read_range(&store, &kept, held).await.unwrap(), film[from..to]);
        }
        known = Some(kept);
    }
    let kept = known.unwrap();
    assert!(kept.body.is_whole());
    assert_eq!(read(&store, &kept).await.unwrap(), film);
    drop(store);
    let store = open(dir.path(), 64 * MIB);
    assert_eq!(read(&store, &store.find(&key(1)).await[0]).await.unwrap(), film);
    store.forget(&key(1), None).await;
    assert_eq!(run_files(dir.path()), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn asking_for_bytes_that_are_not_held_is_lost_and_drops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), 64 * MIB);
    let mut draft = store.begin();
    draft.write(body(1, 1000)).await;
    let kept = store.keep_part(&key(1), draft.cut(500, 5000), Bytes::new(), None).await.unwrap();
    assert_eq!(kept.body.held().as_slice(), std::slice::from_ref(&(500..1500)));
    assert!(!kept.body.is_whole() && kept.body.holds(&(600..1500)) && !kept.body.holds(&(600..1501)));
    assert_eq!(read_range(&store, &kept, 400..600).await, Err(Lost));
    assert_eq!(read_range(&store, &kept, 500..1500).await.unwrap(), body(1, 1000));
}

#[tokio::test]
async fn a_scan_of_ten_times_the_quota_does_not_push_out_the_lesson() {
    let dir = tempfile::tempdir().unwrap();
    let quota = 8 * MIB;
    let store = open(dir.path(), quota);
    // A lesson: pages, and one film that takes more than a hundredth of the quota.
    let lesson: Vec<usize> =
        (0..40).map(|number| if number == 0 { 400_000 } else { 6000 + number * 700 }).collect();
    for (number, length) in (0..).zip(&lesson) {
        keep(&store, number, &body(number, *length)).await.unwrap();
        for _ in 0..30 {
            store.find(&key(number)).await;
        }
    }
    let mut scanned = 0;
    let mut number = 1000;
    while scanned < 10 * quota {
        let length = if number % 50 == 0 { 300_000 } else { 12_000 };
        // As a cache does: looked for, not found, fetched.
        assert!(store.find(&key(number)).await.is_empty());
        keep(&store, number, &body(number, length)).await;
        scanned += u64::try_from(length).unwrap();
        number += 1;
        if number % 500 == 0 {
            assert!(bytes_on_disk(dir.path()) <= quota, "{} bytes", bytes_on_disk(dir.path()));
        }
    }
    for (number, length) in (0..).zip(&lesson) {
        let found = store.find(&key(number)).await;
        assert_eq!(found.len(), 1, "page {number} of the lesson is gone");
        assert_eq!(read(&store, &found[0]).await.unwrap(), body(number, *length));
    }
    let figures = store.figures();
    assert!(figures.bytes <= quota && figures.bytes > quota / 2, "{figures:?}");
    assert!(figures.evicted > 1000, "{figures:?}");
}

#[tokio::test]
async fn what_is_kept_again_soon_after_it_made_room_outlives_what_is_new() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), 8 * MIB);
    keep(&store, 1, &body(1, 12_000)).await.unwrap();
    for number in 3000..3700 {
        keep(&store, number, &body(number, 12_000)).await.unwrap();
    }
    assert!(store.find(&key(1)).await.is_empty());
    keep(&store, 1, &body(1, 12_000)).await.unwrap();
    for number in 4000..4700 {
        keep(&store, number, &body(number, 12_000)).await.unwrap();
    }
    assert_eq!(store.find(&key(1)).await.len(), 1);
}

#[tokio::test]
async fn a_body_that_is_being_read_is_read_to_its_end_though_it_made_room() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), 4 * MIB);
    let film = body(1, 900_000);
    let kept = keep(&store, 1, &film).await.unwrap();
    let Reading::Pieces(mut pieces) = store.read(&kept.body, 0..900_000) else { panic!("not in memory") };
    let mut read = BytesMut::from(&pieces.next().await.unwrap().unwrap()[..]);
    store.forget(&key(1), None).await;
    assert_eq!(run_files(dir.path()).len(), 0);
    while let Some(piece) = pieces.next().await {
        read.extend_from_slice(&piece.unwrap());
    }
    assert_eq!(read, film);
}

#[tokio::test]
async fn a_damaged_file_is_lost_before_its_first_wrong_byte_and_then_gone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), 64 * MIB);
    let bytes = body(1, 600_000);
    let kept = keep(&store, 1, &bytes).await.unwrap();
    let path = run_files(dir.path()).remove(0);
    let mut file = fs::read(&path).unwrap();
    file[400_000] ^= 4;
    fs::write(&path, &file).unwrap();
    let Reading::Pieces(mut pieces) = store.read(&kept.body, 0..600_000) else { panic!("not in memory") };
    let first = pieces.next().await.unwrap().unwrap();
    assert_eq!(first, bytes[..first.len()]);
    assert_eq!(pieces.next().await, Some(Err(Lost)));
    assert_eq!(pieces.next().await, None);
    for _ in 0..200 {
        if store.find(&key(1)).await.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(store.find(&key(1)).await.is_empty());
    assert_eq!(run_files(dir.path()).len(), 0);
    let again = keep(&store, 1, &bytes).await.unwrap();
    assert_eq!(read(&store, &again).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_row_that_is_not_what_was_written_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), 64 * MIB);
    keep(&store, 1, &body(1, 500)).await.unwrap();
    keep(&store, 2, &body(2, 500)).await.unwrap();
    drop(store);
    let index = Connection::open(dir.path().join("index-0.sqlite")).unwrap();
    index.execute("UPDATE kept SET small = CAST(zeroblob(500) AS BLOB) WHERE key = ?1", [key(1).0]).unwrap();
    drop(index);
    let store = open(dir.path(), 64 * MIB);
    assert!(store.find(&key(1)).await.is_empty());
    assert_eq!(store.find(&key(2)).await.len(), 1);
    assert_eq!(store.figures().objects, 1);
}

#[tokio::test]
async fn what_a_kill_left_between_two_steps_is_swept_and_what_the_index_names_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), 64 * MIB);
    let bytes = body(1, 100_000);
    let kept = keep(&store, 1, &bytes).await.unwrap();
    let named = run_files(dir.path()).remove(0);
    let orphan = named.with_file_name("ab".repeat(31));
    fs::copy(&named, &orphan).unwrap();
    fs::write(named.with_file_name("rien"), b"").unwrap();
    (0..=255).for_each(|directory| store.inside.sweep(directory));
    assert_eq!(run_files(dir.path()), [named]);
    assert_eq!(read(&store, &kept).await.unwrap(), bytes);
}

#[tokio::test]
async fn two_processes_do_not_share_one_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), MIB);
    let settings = Settings { dir: dir.path().to_owned(), quota_bytes: MIB, memory_bytes: 0 };
    let refused = Store::open(&settings).unwrap_err();
    assert!(refused.to_string().starts_with("another process uses the cache"), "{refused:#}");
    drop(store);
    assert!(Store::open(&settings).is_ok());
}

#[tokio::test]
async fn a_store_without_a_directory_is_plain_and_keeps_again_when_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cache");
    fs::write(&path, b"a file where the directory should be").unwrap();
    let store = open(&path, 64 * MIB);
    assert!(store.figures().is_plain);
    let bytes = body(1, 300_000);
    let mut draft = store.begin();
    let mut follower = draft.follow().unwrap();
    let (sent, received) = tokio::join!(
        async {
            for piece in bytes.chunks(10_000) {
                draft.write(Bytes::copy_from_slice(piece)).await;
            }
            draft.finish()
        },
        async {
            let mut all = BytesMut::new();
            for _ in 0..30 {
                all.extend_from_slice(&follower.next().await.unwrap().unwrap());
            }
            all.freeze()
        }
    );
    assert_eq!(received, bytes);
    assert!(store.keep(&key(1), sent, Bytes::new(), None).await.is_none());
    assert!(store.find(&key(1)).await.is_empty());
    assert_eq!(store.figures().refused, 1);
    fs::remove_file(&path).unwrap();
    store.inside.look_at_disk();
    assert!(!store.figures().is_plain);
    assert!(keep(&store, 1, &bytes).await.is_some());
}

#[tokio::test]
async fn a_directory_that_is_removed_makes_the_store_plain_and_then_new() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cache");
    let store = open(&path, 64 * MIB);
    let kept = keep(&store, 1, &body(1, 300_000)).await.unwrap();
    fs::remove_dir_all(&path).unwrap();
    assert!(keep(&store, 2, &body(2, 300_000)).await.is_none());
    assert!(store.figures().is_plain);
    assert_eq!(read(&store, &kept).await, Err(Lost));
    store.inside.look_at_disk();
    assert!(!store.figures().is_plain);
    assert!(store.find(&key(1)).await.is_empty());
    assert!(keep(&store, 2, &body(2, 300_000)).await.is_some());
}
