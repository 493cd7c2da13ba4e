//! Packages on their way from a folder to the shelf: whole, cut, changed, damaged, unwanted.

use std::{
    fs,
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    test_depot::{Depot, PIECE},
    transfer::{Brought, bring, part_path},
    *,
};
use crate::{
    model::Moment,
    protocol::{
        chunks::{self, Chunk},
        content::{Kind, Package},
    },
    system::clock::Clock,
};

fn a_file() -> Kind {
    Kind::File { name: "atlas.pdf".to_owned() }
}

/// Bytes that repeat nowhere.
fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

/// A library's directory, with what was brought put on its shelf.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        shelf::read(dir.path()).unwrap();
        Self(dir)
    }

    fn dir(&self) -> &Path {
        self.0.path()
    }

    async fn bring(&self, depot: &Arc<Depot>, package: &Package) -> anyhow::Result<Brought> {
        let before = shelf::read(self.dir()).unwrap().get(&package.id).cloned();
        let supply = depot.supply(vec![package.clone()]);
        let brought = bring(self.dir(), package, before, &supply, &watch::Sender::new(0)).await?;
        shelf::put(self.dir(), package)?;
        Ok(brought)
    }

    fn content(&self, id: &str) -> Vec<u8> {
        fs::read(&shelf::read(self.dir()).unwrap()[id].content_path).unwrap()
    }
}

#[tokio::test]
async fn a_transfer_that_is_cut_after_any_piece_goes_on_from_there() {
    let (depot, content) = (Depot::new(), noise(7 * PIECE + 10));
    let package = depot.add("atlas", 1, a_file(), &content);
    for cut in 0..8 {
        let place = Place::new();
        depot.asked.store(0, Ordering::SeqCst);
        depot.line.store(cut, Ordering::SeqCst);
        place.bring(&depot, &package).await.unwrap_err();
        let here = fs::metadata(part_path(place.dir(), &package)).unwrap().len();
        assert_eq!(here, cut * 1000, "what came before the cut is kept");
        depot.line.store(u64::MAX, Ordering::SeqCst);
        depot.asked.store(0, Ordering::SeqCst);
        place.bring(&depot, &package).await.unwrap();
        assert_eq!(depot.asked.load(Ordering::SeqCst), 8 - cut, "nothing is fetched twice");
        assert_eq!(place.content("atlas"), content);
    }
}

#[tokio::test]
async fn a_tail_that_a_power_cut_left_unwritten_is_fetched_again() {
    let (depot, content) = (Depot::new(), noise(5 * PIECE));
    let package = depot.add("atlas", 1, a_file(), &content);
    for damaged in [0, 999, 1000, 2500, 4999] {
        let place = Place::new();
        let part = part_path(place.dir(), &package);
        fs::create_dir_all(part.parent().unwrap()).unwrap();
        let mut torn = content.clone();
        torn[damaged..].fill(0);
        fs::write(&part, torn).unwrap();
        depot.asked.store(0, Ordering::SeqCst);
        place.bring(&depot, &package).await.unwrap();
        assert_eq!(place.content("atlas"), content, "{damaged}");
        let right = u64::try_from(damaged / PIECE).unwrap();
        assert_eq!(depot.asked.load(Ordering::SeqCst), 5 - right, "{damaged}");
    }
}

#[tokio::test]
async fn of_a_new_version_only_what_changed_is_fetched_and_the_old_one_stays_until_then() {
    let (depot, mut content, place) = (Depot::new(), noise(50 * PIECE), Place::new());
    place.bring(&depot, &depot.add("atlas", 1, a_file(), &content)).await.unwrap();
    let old = content.clone();
    let old_path = shelf::read(place.dir()).unwrap()["atlas"].content_path.clone();
    content[20 * PIECE..21 * PIECE].fill(7);
    let package = depot.add("atlas", 2, a_file(), &content);
    depot.line.store(0, Ordering::SeqCst);
    place.bring(&depot, &package).await.unwrap_err();
    assert_eq!(place.content("atlas"), old);
    depot.line.store(u64::MAX, Ordering::SeqCst);
    depot.asked.store(0, Ordering::SeqCst);
    let brought = place.bring(&depot, &package).await.unwrap();
    assert_eq!(depot.asked.load(Ordering::SeqCst), 1);
    assert_eq!(brought.reused_bytes, 29 * 1000, "what came before the cut lies there already");
    assert_eq!(fs::read(old_path).unwrap(), old, "readers are led to the old version up to now");
    assert_eq!(place.content("atlas"), content);
    assert_eq!(fs::read_dir(place.dir().join("packages")).unwrap().count(), 1, "the old version is gone");
}

#[tokio::test]
async fn a_piece_of_the_old_version_that_the_disk_damaged_is_fetched() {
    let (depot, mut content, place) = (Depot::new(), noise(10 * PIECE), Place::new());
    place.bring(&depot, &depot.add("atlas", 1, a_file(), &content)).await.unwrap();
    let mut damaged = content.clone();
    damaged[3 * PIECE] ^= 1;
    fs::write(&shelf::read(place.dir()).unwrap()["atlas"].content_path, damaged).unwrap();
    content[0] ^= 1;
    depot.asked.store(0, Ordering::SeqCst);
    place.bring(&depot, &depot.add("atlas", 2, a_file(), &content)).await.unwrap();
    assert_eq!(depot.asked.load(Ordering::SeqCst), 2);
    assert_eq!(place.content("atlas"), content);
}

#[tokio::test]
async fn a_piece_that_is_another_or_grows_is_refused_and_nothing_is_put_in_place() {
    let content = noise(3 * PIECE);
    let bomb = zstd::bulk::compress(&vec![0; 8 << 20], 3).unwrap();
    for odd in [Bytes::from_static(b"autre"), Bytes::from(bomb), Bytes::new()] {
        let (depot, place) = (Depot::new(), Place::new());
        let package = depot.add("atlas", 1, a_file(), &content);
        depot.pieces.lock().unwrap().values_mut().for_each(|piece| *piece = odd.clone());
        place.bring(&depot, &package).await.unwrap_err();
        assert!(shelf::read(place.dir()).unwrap().is_empty());
    }
    // Signed for, and still no more is unpacked than the list says.
    let bomb = zstd::bulk::compress(&vec![0; 8 << 20], 3).unwrap();
    let (depot, place) = (Depot::new(), Place::new());
    let package = depot.add("atlas", 1, a_file(), &content[..1000]);
    let chunk = Chunk {
        length: 1000,
        sent_length: u32::try_from(bomb.len()).unwrap(),
        plain: blake3::hash(&content[..1000]),
        sent: blake3::hash(&bomb),
    };
    fs::write(depot.list_path(&package.chunks), chunks::write(&[chunk])).unwrap();
    depot.pieces.lock().unwrap().insert(chunk.sent, Bytes::from(bomb));
    let refused = place.bring(&depot, &package).await.unwrap_err();
    assert!(format!("{refused:#}").contains("unpacked"), "{refused:#}");
}

#[tokio::test]
async fn a_list_of_another_package_and_a_package_of_another_digest_are_refused() {
    let (depot, place) = (Depot::new(), Place::new());
    let package = depot.add("atlas", 1, a_file(), &noise(3 * PIECE));
    let longer = Package { bytes: package.bytes + 1, ..package.clone() };
    place.bring(&depot, &longer).await.unwrap_err();
    let other = Package { digest: "00".repeat(32), ..package };
    place.bring(&depot, &other).await.unwrap_err();
    assert!(shelf::read(place.dir()).unwrap().is_empty());
}

#[tokio::test]
async fn a_site_that_cannot_be_read_never_takes_the_place_of_one_that_can() {
    let (depot, place) = (Depot::new(), Place::new());
    let mut site = Vec::new();
    web::write_table(&[("index.html".to_owned(), 3)], &mut site).unwrap();
    site.extend_from_slice(b"oui");
    place.bring(&depot, &depot.add("cours", 1, Kind::Web, &site)).await.unwrap();
    let broken = depot.add("cours", 2, Kind::Web, b"PREAUWB1 and nothing of it");
    place.bring(&depot, &broken).await.unwrap_err();
    assert_eq!(place.content("cours"), site);
}

#[test]
fn of_two_versions_that_a_power_cut_left_the_later_one_counts() {
    let (depot, place) = (Depot::new(), Place::new());
    for version in [1, 2] {
        let package = depot.add("atlas", version, a_file(), b"x");
        let dir = place.dir().join("packages").join(format!("atlas-{version}"));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("package.json"), serde_json::to_vec(&package).unwrap()).unwrap();
        fs::write(dir.join("content"), b"x").unwrap();
    }
    assert_eq!(shelf::read(place.dir()).unwrap()["atlas"].package.version, 2);
    assert_eq!(fs::read_dir(place.dir().join("packages")).unwrap().count(), 1);
}

/// A library that runs, without kiwix-serve as long as there is no archive.
struct Running {
    library: Library,
    _place: tempfile::TempDir,
    _tasks: JoinSet<anyhow::Result<()>>,
}

impl Running {
    fn new(quota_bytes: u64) -> Self {
        let place = tempfile::tempdir().unwrap();
        let settings = Settings { dir: place.path().join("library"), quota_bytes };
        let clock = Clock::from_fn(|| Moment::from_unix_milliseconds(1_795_351_564_000));
        let (library, service) = Library::open(settings, clock).unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(service.serve(CancellationToken::new()));
        Self { library, _place: place, _tasks: tasks }
    }

    fn state(&self, id: &str) -> Option<State> {
        self.library.entries().into_iter().find(|entry| entry.package.id == id).map(|entry| entry.state)
    }

    async fn until(&self, id: &str, state: Option<State>) {
        for _ in 0..500 {
            if self.state(id) == state {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{id} is {:?}, not {state:?}", self.state(id));
    }
}

#[tokio::test]
async fn what_is_approved_comes_and_what_is_not_is_neither_shown_nor_fetched() {
    let (depot, running) = (Depot::new(), Running::new(1 << 20));
    let atlas = depot.add("atlas", 1, a_file(), &noise(3 * PIECE));
    let unseen = Package { approved: None, ..depot.add("autre", 1, a_file(), &noise(4 * PIECE)) };
    running.library.supply().send_replace(Some(depot.supply(vec![unseen, atlas.clone()])));
    running.until("atlas", Some(State::Whole)).await;
    assert_eq!(running.state("autre"), None);
    assert_eq!(depot.asked.load(Ordering::SeqCst), 3);
    let withdrawn = Package { approved: None, ..atlas };
    running.library.supply().send_replace(Some(depot.supply(vec![withdrawn])));
    running.until("atlas", None).await;
    assert!(running.library.held("atlas").is_none(), "what the committee takes back is gone");
}

#[tokio::test]
async fn without_the_academie_what_is_here_stays() {
    let (depot, running) = (Depot::new(), Running::new(1 << 20));
    running.library.supply().send_replace(Some(depot.supply(vec![depot.add(
        "atlas",
        1,
        a_file(),
        b"carte",
    )])));
    running.until("atlas", Some(State::Whole)).await;
    running.library.supply().send_replace(None);
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(running.library.held("atlas").is_some());
}

#[tokio::test]
async fn the_referent_pauses_goes_on_removes_and_wants_again() {
    let (depot, running) = (Depot::new(), Running::new(1 << 20));
    running.library.pause(true).await.unwrap();
    running.library.supply().send_replace(Some(depot.supply(vec![depot.add(
        "atlas",
        1,
        a_file(),
        b"carte",
    )])));
    running.until("atlas", Some(State::Paused)).await;
    assert_eq!(depot.asked.load(Ordering::SeqCst), 0);
    running.library.pause(false).await.unwrap();
    running.until("atlas", Some(State::Whole)).await;
    running.library.want("atlas", false).await.unwrap();
    running.until("atlas", Some(State::Unwanted)).await;
    tokio::time::timeout(std::time::Duration::from_secs(5), async {
        while running.library.held("atlas").is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    running.library.want("atlas", true).await.unwrap();
    running.until("atlas", Some(State::Whole)).await;
}

#[tokio::test]
async fn what_does_not_fit_the_quota_says_so_and_lets_what_fits_pass() {
    let (depot, running) = (Depot::new(), Running::new(2500));
    let packages = vec![
        depot.add("grand", 1, a_file(), &noise(3 * PIECE)),
        depot.add("petit", 1, a_file(), &noise(2 * PIECE)),
    ];
    running.library.supply().send_replace(Some(depot.supply(packages)));
    running.until("petit", Some(State::Whole)).await;
    assert_eq!(running.state("grand"), Some(State::NoRoom(NoRoom::Quota { wanted_bytes: 3000 })));
    assert_eq!(running.library.room(), (2000, 2500));
}

#[test]
fn what_must_stay_free_on_the_disk_stays_free() {
    let place = tempfile::tempdir().unwrap();
    assert!(transfer::check_room(place.path(), u64::MAX).is_err());
}
