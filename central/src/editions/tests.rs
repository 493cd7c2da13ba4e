//! Editions as a technician adds them, and as a box would take them.

use std::{collections::BTreeSet, fs, path::PathBuf};

use preau::{
    lists::{
        Options,
        edition::{Manifest, apply_difference, read_whole},
    },
    model::Moment,
    system::clock::Clock,
};
use tempfile::TempDir;

use super::*;
use crate::{
    audit::{self, Who},
    bucket::{self, Bucket},
    channel::{self, Channel},
    database::{Database, trial},
};

const AT: Moment = Moment::from_unix_seconds(1_795_417_200);

struct Desk {
    dir: TempDir,
    database: Database,
    channel: Channel,
    editions: Editions,
}

impl Desk {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let clock = Clock::from_fn(|| AT);
        let parts = [audit::PART, channel::PART, PART];
        let database = Database::open(&trial::location(&at("central.sqlite")).await, &parts).await.unwrap();
        channel::found(&database, &at("keys"), &at("offline"), &clock).await.unwrap();
        let bucket = Bucket::open(&bucket::Location::Folder(at("repository"))).unwrap();
        let channel = Channel::open(database.clone(), bucket, &at("keys"), clock.clone()).await.unwrap();
        let editions = Editions::new(database.clone(), channel.clone(), at("work"), clock);
        Self { dir, database, channel, editions }
    }

    fn publish(&self, names: &[&str]) -> PathBuf {
        let folder = self.dir.path().join("published");
        fs::create_dir_all(folder.join("games")).unwrap();
        let text: String = names.iter().map(|name| format!("{name}\n")).collect();
        fs::write(folder.join("games/domains"), text).unwrap();
        folder
    }

    async fn add(&self, names: &[&str]) -> Added {
        let accept = BTreeSet::from(["games".to_owned()]);
        let options = Options { accept, ..Options::default() };
        self.editions.add(&self.publish(names), options, 0, &Who::Central).await.unwrap()
    }

    async fn added(&self, names: &[&str]) -> Known {
        match self.add(names).await {
            Added::Edition { known, .. } => known,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_box_takes_the_first_edition_whole_and_the_next_ones_by_their_differences() {
    let desk = Desk::open().await;
    let one = desk.added(&["a.example", "b.example"]).await;
    let two = desk.added(&["a.example", "c.example"]).await;
    assert_eq!((one.number, two.number, &one.difference), (1, 2, &None));
    let room = |name: &str| desk.dir.path().join(name);
    let whole = desk.channel.read("lists/1.whole", &one.whole).await.unwrap();
    read_whole(&whole[..], &one.digest, &room("one")).unwrap();
    // So small an edition is no larger than the way to it.
    if let Some(difference) = &two.difference {
        let difference = desk.channel.read("lists/1-2.difference", difference).await.unwrap();
        apply_difference(&room("one"), &difference[..], &two.digest, &room("two")).unwrap();
        assert_eq!(fs::read_to_string(room("two/games/domains")).unwrap(), "a.example\nc.example\n");
    }
    assert_eq!(latest(&desk.database, 9).await.unwrap(), [two, one]);
}

#[tokio::test]
async fn the_same_lists_again_are_no_edition() {
    let desk = Desk::open().await;
    let one = desk.added(&["a.example"]).await;
    match desk.add(&["a.example"]).await {
        Added::Same(known) => assert_eq!(known, one),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_edition_that_boxes_know_and_central_does_not_is_followed_by_a_higher_one_without_a_way_to_it() {
    let desk = Desk::open().await;
    let one = desk.added(&["a.example"]).await;
    let folder = desk.publish(&["a.example", "b.example"]);
    let accept = BTreeSet::from(["games".to_owned()]);
    let options = Options { accept, ..Options::default() };
    match desk.editions.add(&folder, options, 4, &Who::Central).await.unwrap() {
        Added::Edition { known, .. } => assert_eq!((known.number, known.difference), (5, None)),
        other => panic!("{other:?}"),
    }
    assert_eq!(one.number, 1);
}

#[tokio::test]
async fn lists_that_shrank_absurdly_are_refused_and_change_nothing() {
    let desk = Desk::open().await;
    let many: Vec<String> = (0..2000).map(|number| format!("n{number}.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let one = desk.added(&many).await;
    let folder = desk.publish(&many[..10]);
    match desk.editions.add(&folder, Options::default(), 0, &Who::Central).await.unwrap() {
        Added::Refused(report) => assert!(!report.refusals.is_empty()),
        other => panic!("{other:?}"),
    }
    assert_eq!(latest(&desk.database, 9).await.unwrap(), [one]);
}

#[tokio::test]
async fn a_folder_of_work_that_is_lost_comes_back_from_the_repository() {
    let desk = Desk::open().await;
    let many: Vec<String> = (0..500).map(|number| format!("n{number}.example")).collect();
    let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
    let one = desk.added(&many).await;
    fs::remove_dir_all(desk.dir.path().join("work")).unwrap();
    many.push("further.example");
    let two = desk.added(&many).await;
    assert!(two.difference.is_some(), "it was compared with what came back");
    let dir = desk.dir.path().join("work/edition-2");
    assert_eq!(Manifest::of(&dir).unwrap().unwrap().digest(), two.digest);
    assert_ne!(one.digest, two.digest);
}

#[test]
fn the_index_leads_to_the_newest_by_ways_without_a_gap() {
    let known = |number, has_difference: bool| {
        let stored = crate::channel::Stored { sha256: [0; 32], length: 1 };
        Known {
            number,
            at: AT,
            date: "2026-11-20".into(),
            digest: format!("d{number}"),
            names: 1,
            whole: stored.clone(),
            difference: has_difference.then_some(stored),
        }
    };
    let editions = [known(5, true), known(4, true), known(3, false), known(2, true)];
    let index = known::index_of(&editions).unwrap();
    let ways: Vec<_> = index.differences.iter().map(|way| (way.from, way.to, way.digest.as_str())).collect();
    assert_eq!((index.edition.number, ways), (5, vec![(4, 5, "d5"), (3, 4, "d4")]));
}
