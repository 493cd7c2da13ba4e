//! A technician's session on the real line: opened at central, seen and ended at the school, and known as ended at central.

use std::sync::OnceLock;

use preau::{
    admin::{Act, Actor, RepairWanted, Repairs, Store, may},
    model::{Account, AccountId, Role},
    protocol::repair::RepairAct,
};
use preau_central::fleet::repairs::{self, RepairRefused};

use super::*;

/// A box that keeps technicians' sessions as the real one does.
fn serve_repairs(central: &Central, dir: &Path) -> (Repairs, JoinSet<anyhow::Result<()>>) {
    let repairs = Repairs::open(Store::open(dir, central.clock.clone()).unwrap()).unwrap();
    let (reported, carrying) = (repairs.clone(), repairs.clone());
    let (changed, told) = watch::channel(0);
    let hands = Hands {
        report: Arc::new(move || {
            let repair = reported.standing().borrow().clone();
            Box::pin(async move { Report { open: true, repair, ..Report::default() } })
        }),
        changed: told,
        kept: Arc::new(|_| {}),
        carry_out: Arc::new(move |order| {
            let repairs = carrying.clone();
            Box::pin(async move {
                let ends = Moment::from_unix_seconds(order.expires);
                let done = match order.what {
                    What::OpenRepair { session, by, reason, minutes } => {
                        repairs.begin(RepairWanted { session, by, reason, minutes, ends }).await
                    }
                    What::Repair { session, act } => match repairs.begin_act(session, act).await {
                        Ok(number) => {
                            repairs.finish_act(number, true).await;
                            Ok(())
                        }
                        Err(refusal) => Err(refusal),
                    },
                    other => panic!("{other:?} was not ordered"),
                };
                let text = done.as_ref().err().map(ToString::to_string).unwrap_or_default();
                Done { order: order.number, well: done.is_ok(), text }
            })
        }),
    };
    let line = BoxLine::new(central.client(dir), hands, central.clock.clone(), dir).unwrap();
    let mut running = JoinSet::new();
    running.spawn(line.serve(CancellationToken::new()));
    let mut standing = repairs.standing();
    running.spawn(async move {
        while standing.changed().await.is_ok() {
            changed.send_modify(|count| *count += 1);
        }
        Ok(())
    });
    (repairs, running)
}

fn technician() -> &'static Granted {
    static TECHNICIAN: OnceLock<Granted> = OnceLock::new();
    TECHNICIAN.get_or_init(|| granted(Right::Order))
}

async fn act(central: &Central, act: RepairAct) -> Result<u64, RepairRefused> {
    let mut write = central.database.write().await.unwrap();
    let now = central.clock.now();
    let ordered = repairs::act(&mut write, By::Person(technician()), &uai(1), act, now).await.unwrap();
    write.commit().await.unwrap();
    ordered
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_school_ends_is_over_at_both_ends_and_stands_in_the_trail() {
    let central = Central::start().await;
    let dir = tempfile::tempdir().unwrap();
    central.enrol(&uai(1), dir.path()).await;
    let (at_school, _running) = serve_repairs(&central, dir.path());
    let mut write = central.database.write().await.unwrap();
    let (by, now) = (By::Person(technician()), central.clock.now());
    let session = repairs::open(&mut write, by, &uai(1), ("Plus de ligne", 15), now).await.unwrap().unwrap();
    write.commit().await.unwrap();
    let mut standing = at_school.standing();
    let is_open = |told: &Option<preau::protocol::repair::Repair>| {
        told.as_ref().is_some_and(|told| told.session == session && told.ended.is_empty())
    };
    timeout(LONG, standing.wait_for(is_open)).await.unwrap().unwrap();
    let seen = at_school.sessions().await.unwrap().remove(0);
    assert_eq!((seen.by.as_str(), seen.reason.as_str()), ("Camille Exemple", "Plus de ligne"));
    let number = act(&central, RepairAct::Log).await.unwrap();
    assert!(central.outcome(&uai(1), number).await.well);
    let referent = Account {
        id: AccountId::new("P1"),
        display_name: "Dominique".to_owned(),
        role: Role::Referent,
        classes: Vec::new(),
    };
    let allowed = may(&Actor(Arc::new(referent)), Act::EndRepairs).unwrap();
    at_school.end_by_school(&allowed, session, central.clock.now()).await.unwrap();
    let until = Instant::now() + LONG;
    let ended = loop {
        let sessions = repairs::of(&central.database, &uai(1)).await.unwrap();
        if let Some((_, why)) = sessions[0].ended.clone() {
            break why;
        }
        assert!(Instant::now() < until, "central does not know that it is over");
        sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(ended, "school");
    assert_eq!(act(&central, RepairAct::Log).await, Err(RepairRefused::NotOpen));
    // What central would order all the same, as from a backup, the box refuses.
    let what = What::Repair { session, act: RepairAct::Log };
    let forced = central.order(&uai(1), what, LONG).await;
    let refused = central.outcome(&uai(1), forced).await;
    assert!(!refused.well && refused.text.contains("no session"), "{refused:?}");
    let lines = audit::read(&central.database, &audit::Filter::default(), None).await.unwrap();
    let mut acts: Vec<_> =
        lines.iter().map(|line| line.act.as_str()).filter(|act| act.starts_with("repair")).collect();
    acts.sort_unstable();
    // What was ordered and what became of it each have a line; which of two comes first is the box's affair.
    let expected = ["repair-act", "repair-act", "repair-act", "repair-end", "repair-open", "repair-open"];
    assert_eq!(acts, expected);
}
