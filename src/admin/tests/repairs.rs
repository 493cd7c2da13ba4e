//! A technician's session: open for its time and no longer, whatever the clock says, and not over a restart.

use super::*;
use crate::{
    admin::{Office, RepairEnd, RepairRefusal, RepairWanted, Repairs},
    protocol::repair::RepairAct,
};

const HALF_HOUR: Duration = Duration::from_secs(1800);

fn wanted(office: &Office, session: u64) -> RepairWanted {
    let ends = office.now() + HALF_HOUR;
    RepairWanted { session, by: "Camille".into(), reason: "Panne".into(), minutes: 30, ends }
}

fn why(refused: Result<i64, RepairRefusal>) -> &'static str {
    match refused {
        Ok(_) => "done",
        Err(RepairRefusal::NotOpen) => "not open",
        Err(RepairRefusal::TooMany) => "too many",
        Err(_) => "otherwise",
    }
}

#[tokio::test]
async fn nothing_is_done_but_in_the_session_that_is_open() {
    let office = Office::new();
    let repairs = Repairs::open(office.store()).unwrap();
    assert_eq!(why(repairs.begin_act(7, RepairAct::Log).await), "not open");
    repairs.begin(wanted(&office, 7)).await.unwrap();
    assert_eq!(why(repairs.begin_act(8, RepairAct::Log).await), "not open", "another's number");
    let act = repairs.begin_act(7, RepairAct::Log).await.unwrap();
    repairs.finish_act(act, true).await;
    let second = repairs.begin(wanted(&office, 8)).await;
    assert!(matches!(second, Err(RepairRefusal::AnotherOpen)));
    assert!(repairs.end(7).await.unwrap());
    assert!(!repairs.end(7).await.unwrap());
    assert_eq!(why(repairs.begin_act(7, RepairAct::Log).await), "not open");
    assert!(matches!(repairs.begin(wanted(&office, 7)).await, Err(RepairRefusal::Known)), "once for ever");
    let sessions = repairs.sessions().await.unwrap();
    assert_eq!(sessions[0].ended.map(|(_, why)| why), Some(RepairEnd::Central));
    assert_eq!(sessions[0].acts.iter().map(|done| done.well).collect::<Vec<_>>(), [Some(true)]);
}

#[tokio::test]
async fn a_session_is_over_when_its_moment_has_come_and_nobody_is_asked() {
    let office = Office::new();
    let repairs = Repairs::open(office.store()).unwrap();
    repairs.begin(wanted(&office, 7)).await.unwrap();
    office.school.wait(HALF_HOUR);
    assert_eq!(repairs.open_now(), None);
    assert_eq!(why(repairs.begin_act(7, RepairAct::Rules).await), "not open");
    let stop = CancellationToken::new();
    let mut serving = tokio::task::JoinSet::new();
    serving.spawn(repairs.clone().serve(stop.clone()));
    let mut standing = repairs.standing();
    standing.wait_for(|told| told.as_ref().is_some_and(|told| told.ended == "time")).await.unwrap();
    stop.cancel();
    serving.join_next().await.unwrap().unwrap().unwrap();
    // An order that came late asks for less than its minutes.
    let late = RepairWanted { ends: office.now(), ..wanted(&office, 9) };
    assert!(matches!(repairs.begin(late).await, Err(RepairRefusal::Over)));
    // One that asks for a year has an hour.
    let year = office.now() + Duration::from_secs(365 * 86_400);
    repairs.begin(RepairWanted { ends: year, minutes: 525_600, ..wanted(&office, 10) }).await.unwrap();
    assert_eq!(repairs.sessions().await.unwrap()[0].ends, office.now() + HALF_HOUR * 2);
}

#[tokio::test]
async fn a_restart_ends_a_session_and_the_last_ones_stay_listed() {
    let office = Office::new();
    let repairs = Repairs::open(office.store()).unwrap();
    for session in 1..=13 {
        repairs.begin(wanted(&office, session)).await.unwrap();
        repairs.begin_act(session, RepairAct::Line).await.unwrap();
        if session < 13 {
            repairs.end(session).await.unwrap();
        }
    }
    drop(repairs);
    let (office, _) = office.restarted();
    let repairs = Repairs::open(office.store()).unwrap();
    assert_eq!(repairs.open_now(), None);
    assert_eq!(why(repairs.begin_act(13, RepairAct::Line).await), "not open");
    let told = repairs.standing().borrow().clone().unwrap();
    assert_eq!((told.session, told.ended.as_str()), (13, "restart"));
    let sessions = repairs.sessions().await.unwrap();
    let listed: Vec<_> = sessions.iter().map(|session| session.session).collect();
    assert_eq!(listed, (4..=13).rev().collect::<Vec<_>>());
    assert_eq!(sessions[0].acts[0].well, None, "nobody knows what became of it");
}

#[tokio::test]
async fn a_session_takes_so_many_acts_and_no_more() {
    let office = Office::new();
    let repairs = Repairs::open(office.store()).unwrap();
    repairs.begin(wanted(&office, 7)).await.unwrap();
    for _ in 0..60 {
        assert_eq!(why(repairs.begin_act(7, RepairAct::Log).await), "done");
    }
    assert_eq!(why(repairs.begin_act(7, RepairAct::Log).await), "too many");
}
