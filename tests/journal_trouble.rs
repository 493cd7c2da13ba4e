//! The journal in trouble: its process killed at any moment, its disk full. What was answered is on file, what was
//! refused is not, and it goes on when the trouble ends.
//!
//! The trouble happens in children of this test: the same binary, told by the environment which part to play.
#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

#[path = "support/part.rs"]
mod part;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::Stdio,
    time::Duration,
};

use preau::{
    journal::{
        Channel, DecisionRecord, Ground, Journal, Outcome, Pseudonym, Record, Segment, Settings, Writer,
    },
    model::{AccountId, Mac, Moment, Presence, PresenceChange, Site},
    system::clock::Clock,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use part::{child, child_dir, play_on_small_disk};

/// People who record at the same time.
const CALLERS: u32 = 8;

fn open(dir: &Path) -> (Journal, Writer) {
    Journal::open(&Settings { dir: dir.join("journal") }, Clock::of_the_machine()).unwrap()
}

fn decision(number: u32) -> DecisionRecord {
    DecisionRecord {
        at: Moment::from_unix_seconds(1_800_000_000),
        zone: "cdi".parse().unwrap(),
        who: Pseudonym([7; 8]),
        channel: Channel::Tls,
        site: format!("n{number}.exemple.fr").parse().unwrap(),
        outcome: Outcome::Allowed(Ground::ZoneDefault),
    }
}

fn presence(number: u32) -> Presence {
    Presence {
        at: Moment::from_unix_seconds(1_800_000_000),
        account: AccountId::new(&format!("n{number}")),
        zone: "cdi".parse().unwrap(),
        machine: Mac::new([2; 6]),
        change: PresenceChange::SignedOut,
    }
}

/// The numbers on file in each series, up to the torn end if there is one.
fn on_file(dir: &Path) -> [BTreeSet<u32>; 2] {
    let mut numbers = [BTreeSet::new(), BTreeSet::new()];
    for entry in fs::read_dir(dir.join("journal")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "journal") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        for record in Segment::read(&bytes).unwrap().records().map_while(Result::ok) {
            match record {
                Record::Decision(DecisionRecord { site: Site::Name(name), .. }) => {
                    let number = name.as_str().strip_prefix('n').unwrap().split_once('.').unwrap().0;
                    assert!(numbers[0].insert(number.parse().unwrap()), "{number} is on file twice");
                }
                Record::Presence(presence) => {
                    let number = presence.account.as_str().strip_prefix('n').unwrap();
                    assert!(numbers[1].insert(number.parse().unwrap()), "{number} is on file twice");
                }
                other => panic!("{other:?}"),
            }
        }
    }
    numbers
}

/// Records and says what was answered until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn part_of_the_one_who_is_killed() {
    let Some(dir) = child_dir() else { return };
    let (journal, writer) = open(&dir);
    let first = on_file(&dir).iter().flatten().max().map_or(0, |last| last + 1);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { writer.serve(CancellationToken::new()).await.unwrap() });
    for caller in 0..CALLERS {
        let journal = journal.clone();
        tasks.spawn(async move {
            for step in 0.. {
                let number = first + step * CALLERS + caller;
                journal.record(vec![presence(number)], vec![decision(number)]).await.unwrap();
                writeln!(std::io::stdout().lock(), "\nanswered {number}").unwrap();
            }
        });
    }
    tasks.join_all().await;
}

#[test]
fn every_answered_record_is_on_file_after_a_kill_at_any_moment() {
    let dir = tempfile::tempdir().unwrap();
    let mut answered = BTreeSet::new();
    for _ in 0..20 {
        let mut child = child("part_of_the_one_who_is_killed", dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut take = |line: String| {
            let number = line.strip_prefix("answered ").and_then(|number| number.parse::<u32>().ok());
            number.is_some_and(|number| answered.insert(number))
        };
        // From the first answer on, any moment within some batches of writing.
        while !take(lines.next().expect("the child answers before it ends").unwrap()) {}
        let pause = u64::from(getrandom::u32().unwrap() % 40_000);
        std::thread::sleep(Duration::from_micros(pause));
        child.kill().unwrap();
        // The last line can be cut by the kill; whole ones are answers.
        for line in lines.map_while(Result::ok) {
            take(line);
        }
        child.wait().unwrap();
        for on_file in on_file(dir.path()) {
            let missing: Vec<_> = answered.difference(&on_file).collect();
            assert!(missing.is_empty(), "answered but not on file: {missing:?}");
        }
    }
    assert!(answered.len() > 200, "only {} answers in 20 lives", answered.len());
}

/// Fills a small disk, is refused, gets room again, and goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn part_of_the_one_whose_disk_is_full() {
    let Some(dir) = child_dir() else { return };
    let ballast = dir.join("ballast");
    fs::write(&ballast, vec![0; 128 << 10]).unwrap();
    let (journal, writer) = open(&dir);
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(writer.serve(stop.clone()));
    let mut answered = BTreeSet::new();
    let mut number = 0;
    let record = async |number| journal.record(vec![presence(number)], vec![decision(number)]).await.is_ok();
    while record(number).await {
        answered.insert(number);
        number += 1;
    }
    assert!(!journal.is_writing());
    for refused in 0..100 {
        assert!(!record(number + 1 + refused).await, "recorded on a full disk");
    }
    assert!(on_file(&dir).iter().all(|on_file| *on_file == answered), "refused but on file");
    fs::remove_file(&ballast).unwrap();
    number += 1000;
    let begun = tokio::time::Instant::now();
    while !record(number).await {
        number += 1;
        assert!(begun.elapsed() < Duration::from_secs(10), "the journal does not come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    answered.insert(number);
    assert!(journal.is_writing());
    stop.cancel();
    tasks.join_next().await.unwrap().unwrap().unwrap();
    assert!(on_file(&dir).iter().all(|on_file| *on_file == answered));
    writeln!(std::io::stdout().lock(), "\nrefused and recovered after {} records", answered.len()).unwrap();
}

#[test]
fn a_full_disk_refuses_everything_until_there_is_room_again() {
    play_on_small_disk("part_of_the_one_whose_disk_is_full", "512k", "refused and recovered");
}
