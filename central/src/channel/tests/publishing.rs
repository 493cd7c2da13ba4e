//! What is placed is published, whole and in order, whoever dies when.

use std::time::Duration;

use preau::protocol::names::{self, Role};
use tokio_util::sync::CancellationToken;

use super::bench::{Bench, INDEX, named, open_channel, open_database, uai};
use crate::channel::{Channel, Stored, Whose, keys, metadata, publish, views};

#[tokio::test]
async fn a_view_names_what_is_everyones_and_its_own_and_nothing_of_another_school() {
    let bench = Bench::new().await;
    let (one, other) = (uai("0809999Z"), uai("0801234A"));
    bench.add(&one).await;
    bench.add(&other).await;
    bench.publish().await;
    let reader = bench.reader(&one);
    assert_eq!(reader.view().await, (1, named(&[])));
    bench.place(Whose::Everyone, Role::Lists, names::LISTS_INDEX, "lists").await;
    bench.place(Whose::Everyone, Role::Policy, "policy/academie-1.toml", "rules").await;
    bench.place(Whose::School(&one), Role::Policy, INDEX, "index").await;
    bench.place(Whose::School(&one), Role::Accounts, &names::accounts_index(&one), "accounts").await;
    let standing = bench.channel.standing(&one).await.unwrap().unwrap();
    assert!(standing.due && standing.version == 1);
    bench.publish().await;
    let wanted = named(&[
        (names::LISTS_INDEX, "lists"),
        ("policy/academie-1.toml", "rules"),
        (INDEX, "index"),
        ("schools/0809999Z/accounts.json", "accounts"),
    ]);
    assert_eq!(reader.view().await, (2, wanted));
    let of_other = named(&[(names::LISTS_INDEX, "lists"), ("policy/academie-1.toml", "rules")]);
    assert_eq!(bench.reader(&other).view().await, (2, of_other));
    let standing = bench.channel.standing(&one).await.unwrap().unwrap();
    assert!(!standing.due && standing.version == 2 && standing.behind.is_none());
    assert_eq!(bench.channel.standing(&uai("0807777X")).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_placed_already_makes_no_view_due() {
    let bench = Bench::new().await;
    let school = uai("0809999Z");
    bench.place(Whose::School(&school), Role::Policy, INDEX, "index").await;
    bench.publish().await;
    bench.place(Whose::School(&school), Role::Policy, INDEX, "index").await;
    assert!(!bench.channel.standing(&school).await.unwrap().unwrap().due);
    bench.remove(Whose::School(&school), Role::Policy, "policy/never.toml").await;
    assert!(!bench.channel.standing(&school).await.unwrap().unwrap().due);
}

#[tokio::test]
async fn what_was_not_stored_is_not_placed() {
    let bench = Bench::new().await;
    let stored = Stored { sha256: [1; 32], length: 1 };
    let mut write = bench.database.write().await.unwrap();
    let placed = Channel::place(&mut write, Whose::Everyone, Role::Lists, "lists/a", &stored).await;
    assert!(placed.unwrap_err().to_string().contains("was not stored"));
}

#[tokio::test]
async fn a_publisher_killed_after_any_write_leaves_a_whole_view_and_the_next_one_a_newer() {
    let bench = Bench::new().await;
    let (school, second) = (uai("0809999Z"), uai("0801234A"));
    bench.add(&second).await;
    bench.place(Whose::School(&school), Role::Policy, INDEX, "0").await;
    bench.publish().await;
    let reader = bench.reader(&school);
    let (mut version, _) = reader.view().await;
    for writes in 0.. {
        let (before, now) = (writes.to_string(), (writes + 1).to_string());
        bench.place(Whose::School(&school), Role::Policy, INDEX, &now).await;
        bench.place(Whose::Everyone, Role::Lists, "lists/index.json", &now).await;
        let lived = bench.publish_and_die_after(writes).await;
        let (seen, targets) = reader.view().await;
        assert!(seen >= version);
        let index = targets.get(INDEX).unwrap();
        assert!(*index == now || *index == before, "a view between two");
        assert_eq!(*index == now, targets.get("lists/index.json").unwrap_or(&before) == &now);
        bench.pass(Duration::from_secs(61));
        bench.publish().await;
        let (after, targets) = reader.view().await;
        assert!(after > version);
        assert_eq!(targets, named(&[(INDEX, &now), ("lists/index.json", &now)]));
        version = after;
        if lived {
            assert!(writes >= 7, "each view is several writes");
            break;
        }
    }
}

#[tokio::test]
async fn of_two_publishers_the_slower_never_takes_a_view_back() {
    let bench = Bench::new().await;
    let school = uai("0809999Z");
    bench.place(Whose::School(&school), Role::Policy, INDEX, "old").await;
    let keys = keys::OnLine::read(&bench.dir.path().join("keys")).unwrap();
    let mut write = bench.database.write().await.unwrap();
    let now = bench.channel.clock.now();
    let slow = views::claim(&mut write, &keys, now, 8).await.unwrap().remove(0);
    write.commit().await.unwrap();
    bench.place(Whose::School(&school), Role::Policy, INDEX, "new").await;
    bench.publish().await;
    let outcome = publish::publish(&bench.channel.objects, &keys, &slow).await.unwrap();
    assert_eq!(outcome, views::Outcome::Overtaken(2));
    let mut write = bench.database.write().await.unwrap();
    views::mark(&mut write, &slow, &outcome).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(bench.reader(&school).view().await, (2, named(&[(INDEX, "new")])));
    let standing = bench.channel.standing(&school).await.unwrap().unwrap();
    assert!(!standing.due && standing.version == 2 && standing.behind.is_none());
}

#[tokio::test]
async fn a_view_that_does_not_change_is_signed_again_before_thirty_days() {
    let bench = Bench::new().await;
    let school = uai("0809999Z");
    bench.add(&school).await;
    bench.publish().await;
    bench.pass(metadata::days(24));
    bench.publish().await;
    assert_eq!(bench.reader(&school).view().await.0, 1);
    bench.pass(metadata::days(6));
    bench.publish().await;
    assert_eq!(bench.reader(&school).view().await.0, 2);
}

#[tokio::test]
async fn the_service_publishes_on_the_signal_and_ends_with_stop() {
    let bench = Bench::new().await;
    let school = uai("0809999Z");
    let stop = CancellationToken::new();
    let mut tasks = tokio::task::JoinSet::new();
    let mut signals = bench.database.signals().listen();
    tasks.spawn(bench.channel.clone().serve(stop.clone()));
    bench.place(Whose::School(&school), Role::Policy, INDEX, "index").await;
    let heard = async { while signals.recv().await.unwrap() != "published/0809999Z" {} };
    tokio::time::timeout(Duration::from_secs(10), heard).await.unwrap();
    assert_eq!(bench.reader(&school).view().await.1, named(&[(INDEX, "index")]));
    stop.cancel();
    tasks.join_next().await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_publisher_that_dies_before_it_marks_is_followed_by_a_newer_view() {
    let bench = Bench::new().await;
    let school = uai("0809999Z");
    bench.place(Whose::School(&school), Role::Policy, INDEX, "index").await;
    let keys = keys::OnLine::read(&bench.dir.path().join("keys")).unwrap();
    let mut write = bench.database.write().await.unwrap();
    let claim = views::claim(&mut write, &keys, bench.channel.clock.now(), 8).await.unwrap().remove(0);
    write.commit().await.unwrap();
    publish::publish(&bench.channel.objects, &keys, &claim).await.unwrap();
    let reader = bench.reader(&school);
    assert_eq!(reader.view().await.0, 1);
    bench.publish().await;
    assert_eq!(reader.view().await.0, 1, "the lease is still another's");
    bench.pass(Duration::from_secs(61));
    bench.publish().await;
    assert_eq!(reader.view().await, (2, named(&[(INDEX, "index")])));
    assert!(!bench.channel.standing(&school).await.unwrap().unwrap().due);
}

#[tokio::test]
async fn two_instances_publish_for_one_fleet_while_boxes_read_and_nothing_is_lost() {
    let bench = Bench::new().await;
    let schools = ["0809999Z", "0801234A", "0807777X"].map(uai);
    for school in &schools {
        bench.add(school).await;
    }
    bench.publish().await;
    let database = open_database(&bench.dir.path().join("central.sqlite")).await;
    let second = open_channel(&bench.dir, database, bench.channel.clock.clone()).await;
    let stop = CancellationToken::new();
    let mut tasks = tokio::task::JoinSet::new();
    for channel in [bench.channel.clone(), second] {
        let stop = stop.clone();
        tasks.spawn(async move {
            while !stop.is_cancelled() {
                channel.publish_due(&stop).await.unwrap();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    }
    for school in schools.clone() {
        let (reader, stop) = (bench.reader(&school), stop.clone());
        tasks.spawn(async move {
            let mut version = 0;
            while !stop.is_cancelled() {
                let (seen, targets) = reader.view().await;
                assert!(seen >= version);
                version = seen;
                let pair = (targets.get("policy/a"), targets.get("policy/b"));
                assert_eq!(pair.0, pair.1, "what was placed together is seen together");
                tokio::task::yield_now().await;
            }
        });
    }
    for n in 0..12 {
        let (a, b) =
            (bench.store("policy/a", &n.to_string()).await, bench.store("policy/b", &n.to_string()).await);
        let mut write = bench.database.write().await.unwrap();
        for (name, stored) in [("policy/a", &a), ("policy/b", &b)] {
            Channel::place(&mut write, Whose::Everyone, Role::Policy, name, stored).await.unwrap();
        }
        write.commit().await.unwrap();
    }
    for school in &schools {
        while bench.channel.standing(school).await.unwrap().unwrap().due {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let last = named(&[("policy/a", "11"), ("policy/b", "11")]);
        assert_eq!(bench.reader(school).view().await.1, last);
    }
    stop.cancel();
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}
