//! Two centrals on one PostgreSQL and one bucket, a hundred boxes, a release under way: one central is killed, and later the
//! other. What was confirmed to anybody is there.

use std::{collections::BTreeSet, net::IpAddr, path::Path, sync::Arc, time::Duration};

use preau::{model::Uai, protocol::Token, sync::EnrolError};
use preau_central::{
    audit,
    fleet::{
        orders,
        policy::{self, Plan, Reach, Release, Stage, State, Then},
        requests,
    },
};
use tempfile::TempDir;
use tokio::{sync::Semaphore, task::JoinSet, time::sleep};

use crate::{
    boxes::{School, become_box, site},
    central::{Central, address},
    desk::{Desk, uai},
    s3, support, until, until_all,
};

/// Boxes that are there from the beginning, and boxes that are enrolled while a central is killed.
const EARLY: usize = 80;
const LATE: usize = 20;

/// Boxes that are enrolled at once.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn of_two_centrals_one_is_killed_in_the_middle_of_a_release_and_nothing_that_was_confirmed_is_lost() {
    let s3 = s3::Server::start();
    let url = support::postgresql::Server::shared().create_database().await;
    let central = Central::on_s3(url, &s3);
    let (one, other) = (central.start(1), central.start(2));
    let desk = Desk::at(&central).await;
    let mut early = desk.enter(0..EARLY + LATE).await;
    let late = early.split_off(EARLY);
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let first = desk.release("un.example", &Plan::at_once()).await;
    let mut boxes = enrol(early, Arc::clone(&dir)).await;
    until_all("the first rules are in force", &boxes, |school| school.policy() == 1).await;
    until("the first release has ended", async || is_done(&desk, &first).await).await;

    // A release in stages goes on, boxes are enrolled, orders are given, requests passed on; then one dies.
    let mut given = order_all(&desk, &boxes).await;
    boxes.iter().for_each(|school| school.pass_on(1));
    let mut enrolling = JoinSet::new();
    enrolling.spawn(enrol(late, Arc::clone(&dir)));
    let second = desk.release("deux.example", &in_stages()).await;
    until("some boxes have the second rules", async || boxes.iter().any(|school| school.policy() == 2)).await;
    drop(one);
    let reached = boxes.iter().filter(|school| school.policy() == 2).count();
    assert!(reached < boxes.len(), "the release had ended before the central was killed");
    boxes.iter().for_each(|school| school.pass_on(2));
    given.extend(order_all(&desk, &boxes).await);
    let late = enrolling.join_next().await.unwrap().unwrap();
    given.extend(order_all(&desk, &late).await);
    boxes.extend(late);
    until("the second release is ended by the other", async || is_done(&desk, &second).await).await;
    nothing_is_lost(&desk, &boxes, &given, 2).await;

    // And back again.
    let _one = central.start(1);
    drop(other);
    boxes.iter().for_each(|school| school.pass_on(3));
    let third = desk.release("trois.example", &Plan::at_once()).await;
    given.extend(order_all(&desk, &boxes).await);
    until("the third release has ended", async || is_done(&desk, &third).await).await;
    nothing_is_lost(&desk, &boxes, &given, 3).await;
}

/// Boxes that are enrolled whatever happens meanwhile, and started: half of them look for the one central first.
async fn enrol(tokens: Vec<Token>, dir: Arc<TempDir>) -> Vec<School> {
    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    let mut enrolling = JoinSet::new();
    for (number, token) in tokens.into_iter().enumerate() {
        let addresses = if number % 2 == 0 { [address(1), address(2)] } else { [address(2), address(1)] };
        let (dir, at_once) = (dir.path().join(&token.school), Arc::clone(&at_once));
        enrolling.spawn(async move {
            let _turn = at_once.acquire_owned().await;
            enrol_one(&token, &dir, &addresses).await;
            School::start(&dir, &addresses)
        });
    }
    enrolling.join_all().await
}

/// As a technician does who sees that the line broke: once more with the same token.
async fn enrol_one(token: &Token, dir: &Path, addresses: &[IpAddr]) {
    for _ in 0..100 {
        match become_box(token, dir, addresses).await {
            Ok(()) => return,
            Err(EnrolError::Unreachable(..)) => sleep(Duration::from_millis(300)).await,
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("a box could not be enrolled");
}

fn in_stages() -> Plan {
    let stage = |reach| Stage { reach, then: Then::Minutes(0), effective_percent: 100 };
    Plan::new([Reach::Percent(20), Reach::Percent(60), Reach::All].map(stage).into()).unwrap()
}

async fn is_done(desk: &Desk, release: &Release) -> bool {
    let release = policy::find_release(&desk.database, release.id).await.unwrap().unwrap();
    assert_eq!(release.halt, None);
    release.state == State::Done
}

async fn order_all(desk: &Desk, boxes: &[School]) -> Vec<(Uai, u64)> {
    let mut given = Vec::new();
    for school in boxes {
        given.push((school.uai.clone(), desk.order(&school.uai).await));
    }
    given
}

/// Waits until everything has come to its end, and looks whether all that was confirmed is there.
async fn nothing_is_lost(desk: &Desk, boxes: &[School], given: &[(Uai, u64)], round: u64) {
    let has_all =
        |school: &School| school.policy() == round && school.confirmed().len() >= to_tell(school, round);
    until_all("all have the rules and are confirmed", boxes, has_all).await;
    let enrolled: BTreeSet<Uai> =
        desk.authority.boxes().await.unwrap().into_iter().map(|known| known.school).collect();
    for school in boxes {
        assert!(enrolled.contains(&school.uai), "an enrolment is lost");
        let view = async || desk.channel.standing(&school.uai).await.unwrap().unwrap();
        until("the box has the last view", async || {
            let in_force = school.in_force.borrow().clone();
            assert_eq!(in_force.refused, None);
            let standing = view().await;
            !standing.due && u64::try_from(standing.version) == Ok(in_force.view)
        })
        .await;
        for number in school.confirmed() {
            let filter = requests::Filter { site: Some(site(&school.uai, number)), ..Default::default() };
            assert_eq!(requests::list(&desk.database, &filter).await.unwrap().len(), 1, "a request is lost");
        }
        let orders: Vec<u64> =
            given.iter().filter(|(of, _)| *of == school.uai).map(|(_, order)| *order).collect();
        until("the orders are done", async || {
            let known = orders::of(&desk.database, &school.uai).await.unwrap();
            assert_eq!(known.len(), orders.len(), "an order is lost");
            known.iter().all(|given| given.outcome.as_ref().is_some_and(|outcome| outcome.well))
        })
        .await;
        assert_eq!(school.carried_out(), orders, "each once, in their order");
    }
    audit::verify(&desk.database, &[]).await.unwrap();
}

/// How many requests a box has passed on by that round: one a round, and none before it came.
fn to_tell(school: &School, round: u64) -> usize {
    let before = if school.uai < uai(EARLY) { 0 } else { 2 };
    usize::try_from(round).unwrap().saturating_sub(before)
}
