//! What holds of the repository's store, in a folder and in a bucket of a real server that speaks S3.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

#[path = "support/s3/mod.rs"]
mod s3_server;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use preau_central::bucket::{Bucket, Location, Replaced};
use tokio::task::JoinSet;

/// Each fact for each store.
macro_rules! on_both {
    ($($fact:ident),* $(,)?) => {
        mod folder {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $fact() {
                let dir = tempfile::tempdir().unwrap();
                let bucket = super::Bucket::open(&super::Location::Folder(dir.path().join("repository"))).unwrap();
                super::$fact(bucket).await;
            })*
        }
        mod s3 {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $fact() {
                let server = super::s3_server::Server::start();
                super::$fact(server.bucket("central/x")).await;
            })*
        }
    };
}

on_both!(
    what_was_written_is_read,
    what_never_changes_is_written_once,
    only_who_saw_the_last_replaces_it,
    of_many_who_replace_each_counts,
    a_stream_begins_anywhere,
    names_are_listed_by_their_steps,
    what_was_removed_is_gone,
    a_name_leads_nowhere_else,
);

async fn what_was_written_is_read(bucket: Bucket) {
    assert_eq!(bucket.read("metadata/x.json").await.unwrap(), None);
    for (name, content) in [("metadata/x.json", "{}".repeat(500_000)), ("empty", String::new())] {
        bucket.put_new(name, Bytes::from(content.clone())).await.unwrap();
        let (read, _) = bucket.read(name).await.unwrap().unwrap();
        assert_eq!(read, content);
    }
}

async fn what_never_changes_is_written_once(bucket: Bucket) {
    bucket.put_new("targets/a", Bytes::from("one")).await.unwrap();
    bucket.put_new("targets/a", Bytes::from("one")).await.unwrap();
    let refused = bucket.put_new("targets/a", Bytes::from("two")).await.unwrap_err();
    assert!(format!("{refused:#}").contains("another content"), "{refused:#}");
    assert_eq!(bucket.read("targets/a").await.unwrap().unwrap().0, "one");
}

async fn only_who_saw_the_last_replaces_it(bucket: Bucket) {
    let name = "metadata/0809999Z/timestamp.json";
    assert_eq!(bucket.replace(name, Bytes::from("1"), None).await.unwrap(), Replaced::Done);
    assert_eq!(bucket.replace(name, Bytes::from("2"), None).await.unwrap(), Replaced::Changed);
    let (_, first) = bucket.read(name).await.unwrap().unwrap();
    assert_eq!(bucket.replace(name, Bytes::from("2"), Some(&first)).await.unwrap(), Replaced::Done);
    assert_eq!(bucket.replace(name, Bytes::from("3"), Some(&first)).await.unwrap(), Replaced::Changed);
    assert_eq!(bucket.read(name).await.unwrap().unwrap().0, "2");
    bucket.remove(name).await.unwrap();
    assert_eq!(bucket.replace(name, Bytes::from("3"), Some(&first)).await.unwrap(), Replaced::Changed);
    assert_eq!(bucket.read(name).await.unwrap(), None);
}

async fn of_many_who_replace_each_counts(bucket: Bucket) {
    let mut counting = JoinSet::new();
    for _ in 0..8 {
        let bucket = bucket.clone();
        counting.spawn(async move { count_up(&bucket, 5).await });
    }
    counting.join_all().await;
    assert_eq!(bucket.read("count").await.unwrap().unwrap().0, "40");
}

/// Counts up `times` times, each by reading and replacing until it was the one.
async fn count_up(bucket: &Bucket, times: usize) {
    let mut counted = 0;
    while counted < times {
        let (before, tag) = bucket.read("count").await.unwrap().unzip();
        let before =
            before.map_or(0, |bytes| String::from_utf8(bytes.to_vec()).unwrap().parse::<u64>().unwrap());
        let next = Bytes::from((before + 1).to_string());
        if bucket.replace("count", next, tag.as_ref()).await.unwrap() == Replaced::Done {
            counted += 1;
        }
    }
}

async fn a_stream_begins_anywhere(bucket: Bucket) {
    let content: Bytes = (0..300_000_u32).flat_map(u32::to_be_bytes).collect();
    let length = u64::try_from(content.len()).unwrap();
    bucket.put_new("targets/long", content.clone()).await.unwrap();
    for from in [0, 1, 700_001, length - 1, length, length + 1] {
        let streamed = bucket.stream("targets/long", from).await.unwrap().unwrap();
        assert_eq!(streamed.length, length, "from {from}");
        let pieces: Vec<Bytes> = streamed.bytes.try_collect().await.unwrap();
        let start = usize::try_from(from.min(length)).unwrap();
        assert_eq!(pieces.concat(), content[start..], "from {from}");
    }
    assert!(bucket.stream("targets/none", 0).await.unwrap().is_none());
    assert!(bucket.stream("targets/none", 7).await.unwrap().is_none());
}

async fn names_are_listed_by_their_steps(bucket: Bucket) {
    for name in [
        "metadata/0809999Z/2.root.json",
        "metadata/0809999Z/1.root.json",
        "metadata/0809998Y/1.root.json",
        "top",
    ] {
        bucket.put_new(name, Bytes::from(name)).await.unwrap();
    }
    assert_eq!(bucket.replace("seal", Bytes::new(), None).await.unwrap(), Replaced::Done);
    let below = bucket.list("metadata/0809999Z").await.unwrap();
    assert_eq!(below, ["metadata/0809999Z/1.root.json", "metadata/0809999Z/2.root.json"]);
    assert_eq!(bucket.list("metadata/0809999Z/").await.unwrap(), below);
    assert_eq!(bucket.list("").await.unwrap().len(), 5);
    assert_eq!(bucket.list("meta").await.unwrap(), [] as [&str; 0]);
}

async fn what_was_removed_is_gone(bucket: Bucket) {
    bucket.put_new("targets/a", Bytes::from("one")).await.unwrap();
    bucket.remove("targets/a").await.unwrap();
    bucket.remove("targets/a").await.unwrap();
    assert_eq!(bucket.read("targets/a").await.unwrap(), None);
}

async fn a_name_leads_nowhere_else(bucket: Bucket) {
    for name in ["", "/etc/x", "../x", "a/../../x", "a//b", ".lock", "a#1", "%2e%2e/x"] {
        assert!(bucket.put_new(name, Bytes::new()).await.is_err(), "{name}");
        assert!(bucket.read(name).await.is_err(), "{name}");
        assert!(bucket.replace(name, Bytes::new(), None).await.is_err(), "{name}");
        assert!(bucket.stream(name, 0).await.is_err(), "{name}");
        assert!(bucket.remove(name).await.is_err(), "{name}");
    }
}

/// Two that open the same folder are two processes to each other: each has its own file for the lock.
#[tokio::test(flavor = "multi_thread")]
async fn two_on_one_folder_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::Folder(dir.path().to_owned());
    let mut counting = JoinSet::new();
    for _ in 0..4 {
        let bucket = Bucket::open(&location).unwrap();
        counting.spawn(async move { count_up(&bucket, 10).await });
    }
    counting.join_all().await;
    assert_eq!(Bucket::open(&location).unwrap().read("count").await.unwrap().unwrap().0, "40");
}

#[tokio::test]
async fn prefixes_of_one_bucket_do_not_see_each_other() {
    let server = s3_server::Server::start();
    let (one, other, whole) = (server.bucket("one"), server.bucket("other"), server.bucket(""));
    one.put_new("x", Bytes::from("1")).await.unwrap();
    other.put_new("x", Bytes::from("2")).await.unwrap();
    assert_eq!(one.list("").await.unwrap(), ["x"]);
    assert_eq!(one.read("x").await.unwrap().unwrap().0, "1");
    assert_eq!(whole.list("").await.unwrap(), ["one/x", "other/x"]);
}

#[tokio::test]
async fn a_store_that_is_not_there_is_named_in_the_error() {
    let location = Location::Bucket { bucket: "repository".into(), prefix: String::new() };
    let environment = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "y"),
    ];
    let bucket =
        Bucket::open_in(&location, environment.map(|(name, value)| (name.into(), value.into()))).unwrap();
    let refused = format!("{:#}", bucket.read("metadata/x.json").await.unwrap_err());
    assert!(refused.contains("cannot read `metadata/x.json` from the repository"), "{refused}");
}
