//! Counts go from a box to central, by the real certificate and the real listener.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use preau::{
    counts::{Counts, Keeper},
    model::{Mac, Site, Subject, ZoneKind},
    policy::{Cause, Refusal, Verdict},
    protocol::counts::Who,
    sync::{
        client::{CallError, Client, Resolve},
        counts::Teller,
    },
};
use preau_central::fleet::statistics::{self, Answered, NamesCounted, Shown, Span};
use tokio_util::sync::CancellationToken;

use crate::scene::{DAY, Hands, Scene, school};

/// Has `machines` machines ask for `site`, each once.
fn ask(counts: &Counts, hands: &Hands, machines: u8, site: &str) {
    for number in 0..machines {
        let site: Site = site.parse().unwrap();
        let verdict = Verdict::Refuse(Refusal { site, cause: Cause::SignInNeeded });
        let (machine, source) = (Mac::new([2, 0, 0, 0, 1, number]), IpAddr::from([192, 0, 2, number]));
        let asked = counts.asked(ZoneKind::Pedagogique, &Subject::Nobody, Some(machine), source);
        counts.count([(hands.clock().now(), &asked, &verdict)].into_iter());
    }
}

async fn stopped(keeper: Keeper) {
    let stop = CancellationToken::new();
    stop.cancel();
    keeper.serve(stop).await.unwrap();
}

async fn names(scene: &Scene) -> NamesCounted {
    let from = statistics::day_of(scene.hands.clock().now()) - 7;
    statistics::names(&scene.database, &school(), from).await.unwrap()
}

fn told(name: &str, count: u64) -> NamesCounted {
    [((Who::Nobody, name.parse().unwrap()), count)].into()
}

/// No name leads anywhere.
fn no_line() -> Resolve {
    Arc::new(|_| Box::pin(async { Err(io::Error::other("no line")) }))
}

#[tokio::test]
async fn a_day_waits_until_central_has_it_and_one_so_far_is_told_on_order() {
    let scene = Scene::new().await;
    let (_, client) = scene.enrolled().await;
    let state = tempfile::tempdir().unwrap();
    let (hands, clock) = (scene.box_hands.clone(), scene.box_hands.clock());
    let keeper = Keeper::open(state.path(), clock.clone()).unwrap();
    ask(&keeper.counts(), &hands, 30, "ecole.example");
    ask(&keeper.counts(), &hands, 4, "peu.example");
    let teller = Teller::new(client.clone(), keeper.counts(), keeper.waiting());
    teller.tell_so_far().await.unwrap();
    assert_eq!(names(&scene).await, told("ecole.example", 30));
    hands.pass(Duration::from_secs(3600));
    ask(&keeper.counts(), &hands, 7, "ecole.example");
    hands.pass(DAY);
    scene.hands.pass(DAY);
    stopped(keeper).await;

    // A box that comes up without a line, and then has one.
    let keeper = Keeper::open(state.path(), clock.clone()).unwrap();
    let kept = scene.kept();
    let nowhere = Client::new(&kept, clock, no_line()).unwrap();
    let teller = Teller::new(nowhere, keeper.counts(), keeper.waiting());
    assert!(teller.tell_waiting().await.is_err());
    assert_eq!(keeper.waiting().days().unwrap(), ["2026-11-20"]);
    let teller = Teller::new(client, keeper.counts(), keeper.waiting());
    teller.tell_waiting().await.unwrap();
    assert!(keeper.waiting().days().unwrap().is_empty());
    assert_eq!(names(&scene).await, told("ecole.example", 37));
    let place = preau_central::words::Place::School(school());
    let today = statistics::day_of(scene.hands.clock().now());
    let read = statistics::read(&scene.database, &place, Span::Month, today).await.unwrap();
    let answered = Shown::of(&read).periods.last().unwrap().answered;
    assert_eq!(answered, Answered::Questions { allowed: 0, refused: 41 });
}

#[tokio::test]
async fn a_day_that_central_will_never_take_is_not_told_for_ever() {
    let scene = Scene::new().await;
    let (_, client) = scene.enrolled().await;
    let state = tempfile::tempdir().unwrap();
    // A clock that ran ahead for a day.
    scene.box_hands.pass(DAY * 40);
    let keeper = Keeper::open(state.path(), scene.box_hands.clock()).unwrap();
    ask(&keeper.counts(), &scene.box_hands, 30, "ecole.example");
    scene.box_hands.pass(DAY);
    stopped(keeper).await;
    scene.box_hands.set(scene.hands.clock().now().unix_seconds());
    let keeper = Keeper::open(state.path(), scene.box_hands.clock()).unwrap();
    assert_eq!(keeper.waiting().days().unwrap().len(), 1);
    let teller = Teller::new(client.clone(), keeper.counts(), keeper.waiting());
    teller.tell_waiting().await.unwrap();
    assert!(keeper.waiting().days().unwrap().is_empty() && names(&scene).await.is_empty());
    let refused: Result<(), _> = client.post("v1/counts", &"x".repeat(3 << 20), DAY).await;
    assert!(
        matches!(refused, Err(CallError::Refused { status: 413, .. } | CallError::Unreachable(_))),
        "{refused:?}"
    );
}
