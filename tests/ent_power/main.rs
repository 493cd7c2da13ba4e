//! The cache's store and power cuts, on a disk that holds back and reorders what it was not told to bring to rest.
//!
//! A child keeps and forgets responses under `strace`, which writes down everything that it does to its files. From that
//! record states are built that a disk could be left in by a cut (`disk`), hundreds of them, always the same; the store is
//! opened on each. It must start, serve nothing that was not kept, bring back nothing that was forgotten, keep what was
//! brought to rest, and go on keeping.
#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

mod disk;
#[expect(dead_code, reason = "nothing here needs a small disk")]
#[path = "../support/part.rs"]
mod part;
mod trace;

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use bytes::{Bytes, BytesMut};
use disk::{Disk, Laws};
use futures_util::StreamExt as _;
use part::{child, child_dir};
use preau::ent::store::{Key, Reading, Settings, Store};
use trace::{Act, Trace};

/// Responses that the child keeps.
const RESPONSES: u32 = 96;

/// Every so many, one that was kept before is forgotten.
const FORGET_EVERY: u32 = 8;

fn open(dir: &Path) -> Store {
    let settings = Settings { dir: dir.join("cache"), quota_bytes: 256 << 20, memory_bytes: 1 << 20 };
    Store::open(&settings).unwrap()
}

fn key(number: u32) -> Key {
    Key(*blake3::hash(&number.to_le_bytes()).as_bytes())
}

/// Whether a body of this number lies in the index itself.
fn is_small(number: u32) -> bool {
    length(number) <= 16 * 1024
}

fn length(number: u32) -> usize {
    [700, 12_000, 40_000, 150_000][usize::try_from(number).unwrap() % 4]
}

fn body(number: u32) -> Bytes {
    let mut bytes = vec![0; length(number)];
    blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut bytes);
    Bytes::from(bytes)
}

async fn keep(store: &Store, number: u32) -> bool {
    let mut draft = store.begin();
    draft.write(body(number)).await;
    let head = Bytes::from(format!("head of {number}"));
    store.keep(&key(number), draft.finish(), head, None).await.is_some()
}

/// What is found of `number`: none, or whether it is what was kept.
async fn found(store: &Store, number: u32) -> Option<bool> {
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
    Some(kept.head() == format!("head of {number}").as_bytes() && bytes == body(number))
}

fn say(what: &str, number: u32) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what} {number}").unwrap();
    out.flush().unwrap();
}

#[tokio::test]
async fn part_of_the_one_whose_power_is_cut() {
    let Some(dir) = child_dir() else { return };
    let store = open(&dir);
    for number in 0..RESPONSES {
        assert!(keep(&store, number).await);
        say("kept", number);
        if number % FORGET_EVERY == FORGET_EVERY - 1 {
            let old = number - FORGET_EVERY / 2 - number / FORGET_EVERY % 3;
            say("forgets", old);
            store.forget(&key(old), None).await;
            say("forgot", old);
        }
    }
}

/// What the child did to its files and said, in order.
fn recorded() -> Trace {
    let dir = tempfile::tempdir().unwrap();
    let record_path = dir.path().join("record");
    let child = child("part_of_the_one_whose_power_is_cut", dir.path());
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-xx", "-s", "1000000", "-e", trace::CALLS, "-o"])
        .arg(&record_path)
        .arg(child.get_program())
        .args(child.get_args())
        .envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ended = command.stdout(Stdio::null()).status();
    assert!(ended.expect("this test needs `strace`; install it").success());
    Trace::read(&fs::read_to_string(record_path).unwrap(), &dir.path().join("cache"))
}

/// What was said up to a moment.
#[derive(Default)]
struct Said {
    kept: BTreeSet<u32>,
    /// Kept when something later was forgotten: what forgetting brought to rest.
    at_rest: BTreeSet<u32>,
    forgets: BTreeSet<u32>,
    forgot: BTreeSet<u32>,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let Some((what, number)) = line.split_once(' ') else { return };
        let Ok(number) = number.parse() else { return };
        match what {
            "kept" => drop(self.kept.insert(number)),
            "forgets" => drop(self.forgets.insert(number)),
            "forgot" => {
                self.forgot.insert(number);
                self.at_rest = self.kept.clone();
            }
            _ => {}
        }
    }
}

/// Cuts the power `states` times in the course of `trace`, and says what was wrong afterwards.
async fn wrongs(trace: &Trace, laws: Laws, states: usize) -> Vec<String> {
    let mut wrongs = Vec::new();
    let mut disk = Disk::default();
    let mut said = Said::default();
    let mut dice = disk::Dice::new(20_261_122);
    let step = (trace.acts.len() / states).max(1);
    for (at, act) in trace.acts.iter().enumerate() {
        match act {
            Act::Say(line) => said.hear(line),
            act => disk.act(act, laws),
        }
        if at % step != step / 2 {
            continue;
        }
        let dir = tempfile::tempdir().unwrap();
        for (path, bytes) in disk.after_a_cut(laws, &mut dice) {
            let path = dir.path().join("cache").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        if let Err(wrong) = examine(dir.path(), &said, laws).await {
            wrongs.push(format!("a cut after {at} of {} acts: {wrong}", trace.acts.len()));
        }
    }
    wrongs
}

async fn examine(dir: &Path, said: &Said, laws: Laws) -> Result<(), String> {
    let store = open(dir);
    for number in 0..RESPONSES {
        let is_expected =
            said.at_rest.contains(&number) && !said.forgets.contains(&number) && laws.keeps(is_small(number));
        match found(&store, number).await {
            Some(false) => return Err(format!("{number} is not what was kept")),
            Some(true) if said.forgot.contains(&number) => {
                return Err(format!("{number} was forgotten and is back"));
            }
            None if is_expected => return Err(format!("{number} is gone")),
            _ => {}
        }
    }
    if !keep(&store, 1_000_000).await && !keep(&store, 1_000_000).await {
        return Err(format!("nothing is kept any more: {:?}", store.figures()));
    }
    match found(&store, 1_000_000).await {
        Some(true) => Ok(()),
        _ => Err(String::from("what is kept after the cut is not there")),
    }
}

#[tokio::test]
async fn no_power_cut_damages_what_is_served_or_brings_back_what_was_forgotten() {
    let trace = recorded();
    assert!(trace.acts.iter().any(|act| matches!(act, Act::Sync(_))), "the record shows no sync");
    for laws in [Laws::Loose, Laws::Journaled] {
        let wrongs = wrongs(&trace, laws, 200).await;
        assert!(wrongs.is_empty(), "{laws:?}: {wrongs:#?}");
    }
}

#[tokio::test]
async fn without_one_of_its_syncs_the_store_would_break_these_promises() {
    let trace = recorded();
    let without_log = wrongs(&trace.without_syncs_of("-wal"), Laws::Journaled, 200).await;
    assert!(without_log.iter().any(|wrong| wrong.contains("is back")), "{without_log:#?}");
    let without_drafts = wrongs(&trace.without_syncs_of("drafts/"), Laws::Journaled, 200).await;
    assert!(without_drafts.iter().any(|wrong| wrong.contains("is gone")), "{without_drafts:#?}");
    assert!(!without_drafts.iter().any(|wrong| wrong.contains("not what was kept")), "{without_drafts:#?}");
}
