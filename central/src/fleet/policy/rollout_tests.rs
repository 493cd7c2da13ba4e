//! Releases on a real database and a real channel, with boxes that only report.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use preau::{
    model::{Moment, Uai},
    protocol::line::{InForce, Refused as RefusedThere, Report},
    system::clock::Clock,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    tests::{Fleet, NOW, granted, rep, rule, somme, uai},
    *,
};
use crate::{
    bucket,
    channel::{self, Channel},
    fleet::{
        observed,
        schools::{self, School},
    },
    words::{DepartementCode, Granted, GroupName, Place, Right},
};

/// A fleet with a channel and the service that brings rules to it.
struct Central {
    fleet: Fleet,
    _dir: tempfile::TempDir,
    channel: Channel,
    clock: Clock,
    now: Arc<AtomicI64>,
    rollout: Rollout,
}

impl Central {
    async fn of(count: u32, rep_count: u32) -> Self {
        let fleet = Fleet::of(count, rep_count).await;
        let dir = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(NOW.unix_milliseconds()));
        let read = Arc::clone(&now);
        let clock = Clock::from_fn(move || Moment::from_unix_milliseconds(read.load(Ordering::Relaxed)));
        let (keys, offline) = (dir.path().join("keys"), dir.path().join("offline"));
        channel::found(&fleet.database, &keys, &offline, &clock).await.unwrap();
        let bucket = bucket::Bucket::open(&bucket::Location::Folder(dir.path().join("bucket"))).unwrap();
        let channel = Channel::open(fleet.database.clone(), bucket, &keys, clock.clone()).await.unwrap();
        let lists = watch::channel(Lists::none()).1;
        let rollout = Rollout::new(fleet.database.clone(), channel.clone(), lists, clock.clone());
        Self { fleet, _dir: dir, channel, clock, now, rollout }
    }

    async fn settle(&mut self) {
        while self.rollout.turn().await.unwrap() {}
    }

    /// Another instance, or the same after it was killed.
    fn another(&self) -> Rollout {
        let lists = watch::channel(Lists::none()).1;
        Rollout::new(self.fleet.database.clone(), self.channel.clone(), lists, self.clock.clone())
    }

    async fn release(&self, places: &[Place], plan: &Plan) -> Result<Release, Refused> {
        let proofs: Vec<_> = places.iter().map(|place| granted(1, Right::Publish, place)).collect();
        let mut versions = Vec::new();
        for place in places {
            let latest = latest_version(&self.fleet.database, place).await.unwrap().unwrap();
            versions.push((place.clone(), latest.number));
        }
        let mut write = self.fleet.database.write().await.unwrap();
        let at = self.clock.now();
        let release = start(&mut write, &proofs, &versions, plan, "essai", at).await?;
        write.commit().await.unwrap();
        Ok(release)
    }

    async fn roll_back(&self, id: i64) -> Result<Release, Refused> {
        let places = [Place::Academie, somme(), rep()];
        let proofs: Vec<_> = places.iter().map(|place| granted(1, Right::Publish, place)).collect();
        let mut write = self.fleet.database.write().await.unwrap();
        let undo = roll_back(&mut write, &proofs, id, "essai", self.clock.now()).await?;
        write.commit().await.unwrap();
        Ok(undo)
    }

    /// Time passes, and these schools say that they have what they were given, or refuse it.
    async fn report(&self, schools: &[Uai], takes: bool) {
        self.now.fetch_add(60_000, Ordering::Relaxed);
        let mut reports = Vec::new();
        for school in schools {
            let number = standing(&self.fleet.database, school).await.unwrap().number.unwrap_or(0);
            let refused = (!takes).then(|| RefusedThere {
                what: "policy".to_owned(),
                number,
                why: "unreadable".to_owned(),
                sentence: "line 3".to_owned(),
            });
            let policy = if takes { number } else { number.saturating_sub(1) };
            let in_force = InForce { policy, refused, ..InForce::default() };
            let start = "a".to_owned();
            reports.push((school.clone(), self.clock.now(), Report { start, in_force, ..Report::default() }));
        }
        let mut write = self.fleet.database.write().await.unwrap();
        observed::keep(&mut write, &reports).await.unwrap();
        write.commit().await.unwrap();
    }

    /// The targets of rules in the view of a school.
    async fn targets(&self, school: &Uai) -> Vec<String> {
        let sql = "SELECT name FROM channel_target WHERE whose = $1 AND role = 'policy' ORDER BY name";
        let rows = self.fleet.database.read(sql, &[school.as_str().into()]).await.unwrap();
        rows.iter().map(|row| row.text(0).unwrap().to_owned()).collect()
    }

    async fn versions(&self, school: &Uai) -> Vec<(Place, u64)> {
        standing(&self.fleet.database, school).await.unwrap().wanted
    }

    async fn state(&self, id: i64) -> State {
        find_release(&self.fleet.database, id).await.unwrap().unwrap().state
    }
}

fn block(id: &str) -> String {
    rule(id, "block", &format!("sites = [\"{id}.example\"]"))
}

fn canaries(then: Then) -> Plan {
    Plan::new(vec![
        Stage { reach: Reach::Places(vec![rep()]), then, effective_percent: 100 },
        Stage { reach: Reach::All, then: Then::Minutes(0), effective_percent: 0 },
    ])
    .unwrap()
}

#[tokio::test]
async fn a_release_puts_index_and_documents_into_the_views_of_its_schools() {
    let mut central = Central::of(3, 1).await;
    central.fleet.publish(&somme(), &block("a")).await.unwrap();
    let release = central.release(&[somme()], &Plan::at_once()).await.unwrap();
    central.settle().await;
    let expected = ["policy/departement-80-v1.toml", "schools/0000000A/policy.json"];
    assert_eq!(central.targets(&uai(0)).await, expected);
    assert!(central.targets(&uai(1)).await.is_empty(), "another département");
    assert_eq!(central.state(release.id).await, State::Done);
    let stands = standing(&central.fleet.database, &uai(0)).await.unwrap();
    assert_eq!((stands.number, stands.why_not), (Some(1), Some(WhyNot::NeverHeard)));
    central.report(&[uai(0)], true).await;
    let stands = standing(&central.fleet.database, &uai(0)).await.unwrap();
    assert_eq!((stands.effective_number, stands.why_not), (1, None));
    assert_eq!(stands.effective.unwrap().stack, [(somme(), 1)]);
    let elsewhere = standing(&central.fleet.database, &uai(1)).await.unwrap();
    assert_eq!(elsewhere.why_not, None, "nothing is wanted of it");

    central.fleet.publish(&somme(), &block("b")).await.unwrap();
    central.release(&[somme()], &Plan::at_once()).await.unwrap();
    central.settle().await;
    let expected = ["policy/departement-80-v2.toml", "schools/0000000A/policy.json"];
    assert_eq!(central.targets(&uai(0)).await, expected, "the version before is named no more");
}

#[tokio::test]
async fn canaries_that_refuse_halt_it_and_one_click_puts_back_what_they_had() {
    let mut central = Central::of(6, 2).await;
    for id in ["a", "b"] {
        central.fleet.publish(&Place::Academie, &block(id)).await.unwrap();
        let plan = if id == "a" { Plan::at_once() } else { canaries(Then::Minutes(5)) };
        central.release(&[Place::Academie], &plan).await.unwrap();
        central.settle().await;
    }
    let canary = [uai(0), uai(1)];
    assert_eq!(central.versions(&uai(0)).await, [(Place::Academie, 2)]);
    assert_eq!(central.versions(&uai(2)).await, [(Place::Academie, 1)]);
    central.report(&canary, false).await;
    central.settle().await;
    assert_eq!(central.state(2).await, State::Halted);
    let told = progress(&central.fleet.database, 2, NOW).await.unwrap().unwrap();
    assert_eq!((told.schools, told.stages[0].refusing, told.stages[1].left), (6, 2, 4));
    assert!(matches!(told.release.halt, Some(Halt::Refused { schools: 2, reporting: 2 })));

    let undo = central.roll_back(2).await.unwrap();
    central.settle().await;
    assert_eq!((central.state(2).await, central.state(undo.id).await), (State::Undone, State::Done));
    for school in 0..6 {
        assert_eq!(central.versions(&uai(school)).await, [(Place::Academie, 1)], "{school}");
    }
    assert_eq!(standing(&central.fleet.database, &uai(0)).await.unwrap().number, Some(3));
    assert_eq!(standing(&central.fleet.database, &uai(2)).await.unwrap().number, Some(1), "never touched");
}

#[tokio::test]
async fn what_reached_all_can_be_rolled_back_as_well_and_only_the_latest() {
    let mut central = Central::of(2, 0).await;
    for id in ["a", "b"] {
        central.fleet.publish(&Place::Academie, &block(id)).await.unwrap();
        central.release(&[Place::Academie], &Plan::at_once()).await.unwrap();
        central.settle().await;
    }
    assert!(matches!(central.roll_back(1).await, Err(Refused::NotNow(_))));
    central.roll_back(2).await.unwrap();
    central.settle().await;
    assert_eq!(central.versions(&uai(1)).await, [(Place::Academie, 1)]);
    // Rolling back the roll-back brings it again.
    central.roll_back(3).await.unwrap();
    central.settle().await;
    assert_eq!(central.versions(&uai(1)).await, [(Place::Academie, 2)]);
    assert_eq!(central.targets(&uai(1)).await, ["policy/academie-v2.toml", "schools/0000001A/policy.json"]);
}

#[tokio::test]
async fn the_first_version_rolled_back_leaves_nothing() {
    let mut central = Central::of(1, 0).await;
    central.fleet.publish(&Place::Academie, &block("a")).await.unwrap();
    central.release(&[Place::Academie], &Plan::at_once()).await.unwrap();
    central.settle().await;
    central.roll_back(1).await.unwrap();
    central.settle().await;
    assert_eq!(central.versions(&uai(0)).await, []);
    assert_eq!(
        central.targets(&uai(0)).await,
        ["schools/0000000A/policy.json"],
        "an index without documents"
    );
}

#[tokio::test]
async fn a_later_release_takes_over_what_is_not_reached_yet() {
    let mut central = Central::of(4, 1).await;
    central.fleet.publish(&somme(), &block("a")).await.unwrap();
    central.fleet.publish(&Place::Academie, &block("b")).await.unwrap();
    central.release(&[Place::Academie, somme()], &canaries(Then::Person)).await.unwrap();
    central.settle().await;
    central.fleet.publish(&Place::Academie, &block("c")).await.unwrap();
    let part = central.release(&[Place::Academie], &Plan::at_once()).await;
    assert!(matches!(&part, Err(Refused::NotNow(text)) if text.contains("departement/80")), "{part:?}");
    central.release(&[Place::Academie, somme()], &canaries(Then::Person)).await.unwrap();
    assert_eq!(central.state(1).await, State::Superseded);
    central.settle().await;
    assert_eq!(central.versions(&uai(0)).await, [(Place::Academie, 2), (somme(), 1)]);
    assert_eq!(central.versions(&uai(2)).await, [], "the first release never reaches it");
    central.report(&[uai(0)], true).await;
    central.settle().await;
    assert_eq!(central.state(2).await, State::Waiting);
    let mut write = central.fleet.database.write().await.unwrap();
    let proofs: Vec<Granted> =
        [Place::Academie, somme()].iter().map(|place| granted(1, Right::Publish, place)).collect();
    let part = go_on(&mut write, &proofs[..1], 2, NOW).await;
    assert!(matches!(part, Err(Refused::NotGranted(_))), "not for the département");
    go_on(&mut write, &proofs, 2, NOW).await.unwrap();
    write.commit().await.unwrap();
    central.settle().await;
    assert_eq!(central.state(2).await, State::Done);
    assert_eq!(central.versions(&uai(2)).await, [(Place::Academie, 2), (somme(), 1)]);
}

#[tokio::test]
async fn a_paused_release_reaches_nobody_until_somebody_goes_on() {
    let mut central = Central::of(3, 0).await;
    central.fleet.publish(&Place::Academie, &block("a")).await.unwrap();
    central.release(&[Place::Academie], &Plan::at_once()).await.unwrap();
    let proofs = [granted(1, Right::Publish, &Place::Academie)];
    let mut write = central.fleet.database.write().await.unwrap();
    pause(&mut write, &proofs, 1, NOW).await.unwrap();
    write.commit().await.unwrap();
    central.settle().await;
    assert_eq!(central.versions(&uai(0)).await, []);
    let mut write = central.fleet.database.write().await.unwrap();
    go_on(&mut write, &proofs, 1, NOW).await.unwrap();
    write.commit().await.unwrap();
    central.settle().await;
    assert_eq!(central.versions(&uai(0)).await, [(Place::Academie, 1)]);
}

#[tokio::test]
async fn a_school_that_comes_later_has_what_is_settled() {
    let mut central = Central::of(2, 1).await;
    central.fleet.publish(&rep(), &block("a")).await.unwrap();
    central.release(&[rep()], &Plan::at_once()).await.unwrap();
    central.settle().await;
    assert_eq!(central.versions(&uai(1)).await, []);
    let mut write = central.fleet.database.write().await.unwrap();
    let school = School {
        uai: uai(9),
        name: "Nouveau".into(),
        kind: String::new(),
        town: String::new(),
        departement: DepartementCode::new("80").unwrap(),
    };
    schools::enter(&mut write, &school).await.unwrap();
    for school in [uai(1), uai(9)] {
        schools::put_into(&mut write, &GroupName::new("rep-plus").unwrap(), &school).await.unwrap();
    }
    write.commit().await.unwrap();
    central.settle().await;
    for school in [uai(1), uai(9)] {
        assert_eq!(central.versions(&school).await, [(rep(), 1)]);
        assert_eq!(central.targets(&school).await.len(), 2);
    }
}

#[tokio::test]
async fn two_instances_that_lose_their_turns_give_each_number_once() {
    let mut central = Central::of(9, 2).await;
    let mut other = central.another();
    for id in ["a", "b", "c"] {
        central.fleet.publish(&Place::Academie, &block(id)).await.unwrap();
        central.release(&[Place::Academie], &Plan::at_once()).await.unwrap();
        let mut patience = std::time::Duration::from_millis(3);
        loop {
            // Either may be the quicker; one is killed at any moment, and another begins with nothing in memory.
            let (one, two) =
                tokio::join!(central.rollout.turn(), tokio::time::timeout(patience, other.turn()),);
            // A turn ends in the end, however slow the machine and its database.
            patience = patience.mul_f64(1.3);
            other = central.another();
            if !one.unwrap() && two.is_ok() {
                break;
            }
        }
        central.settle().await;
    }
    for school in 0..9 {
        assert_eq!(central.versions(&uai(school)).await, [(Place::Academie, 3)]);
        let history = given_history(&central.fleet.database, &uai(school)).await.unwrap();
        let numbers: Vec<_> = history.iter().map(|given| given.number).collect();
        assert_eq!(numbers, [3, 2, 1]);
    }
}

#[tokio::test]
async fn a_school_whose_box_knows_a_later_number_is_given_one_above_it_and_not_again_at_once() {
    let mut central = Central::of(1, 0).await;
    central.fleet.publish(&Place::Academie, &block("a")).await.unwrap();
    central.release(&[Place::Academie], &Plan::at_once()).await.unwrap();
    central.settle().await;
    let numbers = async |central: &Central| -> Vec<u64> {
        let history = given_history(&central.fleet.database, &uai(0)).await.unwrap();
        history.iter().map(|given| given.number).collect()
    };
    let says = async |central: &Central, policy: u64| {
        let in_force = InForce { policy, ..InForce::default() };
        let report = Report { in_force, ..Report::default() };
        let mut write = central.fleet.database.write().await.unwrap();
        observed::keep(&mut write, &[(uai(0), central.clock.now(), report)]).await.unwrap();
        write.commit().await.unwrap();
    };
    says(&central, 7).await;
    central.settle().await;
    assert_eq!(numbers(&central).await, [1], "a box that says so at once is believed later");
    central.now.fetch_add(600_000, Ordering::Relaxed);
    central.settle().await;
    assert_eq!(numbers(&central).await, [8, 1]);
    says(&central, u64::MAX).await;
    central.now.fetch_add(600_000, Ordering::Relaxed);
    central.settle().await;
    assert_eq!(numbers(&central).await, [8, 1], "what no central ever counted to counts for nothing");
}

#[tokio::test]
async fn documents_that_do_not_go_together_reach_nobody_and_are_told() {
    let mut central = Central::of(4, 0).await;
    // Two départements may use one id; a register that is wrong puts a school of the one under the rules of both.
    central.fleet.publish(&rep(), &block("a")).await.unwrap();
    central.release(&[rep()], &Plan::at_once()).await.unwrap();
    central.settle().await;
    let mut write = central.fleet.database.write().await.unwrap();
    let twin = super::versions::Added {
        place: &somme(),
        document: &Document::read(&super::tests::text(&somme(), &block("a")), &somme()).unwrap(),
        author: (1, "x"),
        second: None,
        reason: "essai",
        at: NOW,
    };
    super::versions::add(&mut write, &twin).await.unwrap();
    schools::put_into(&mut write, &GroupName::new("rep-plus").unwrap(), &uai(0)).await.unwrap();
    write.commit().await.unwrap();
    central.release(&[somme()], &Plan::at_once()).await.unwrap();
    central.settle().await;
    let stands = standing(&central.fleet.database, &uai(0)).await.unwrap();
    assert!(matches!(stands.why_not, Some(WhyNot::Unfit(text)) if text.contains("`a`")));
    assert!(!central.targets(&uai(0)).await.contains(&"policy/departement-80-v1.toml".to_owned()));
    assert_eq!(central.versions(&uai(2)).await, [(somme(), 1)], "its neighbour has it");
}

#[tokio::test]
async fn the_calendar_of_the_academie_is_in_every_view_until_it_is_taken_away() {
    let mut central = Central::of(2, 0).await;
    let csv = "description;population;start_date;end_date;location;zones;annee_scolaire\n\
        Vacances d'essai;-;2026-12-19;2027-01-04;Amiens;Zone B;2026-2027\n";
    let proof = granted(1, Right::Publish, &Place::Academie);
    for (text, targets) in [(csv, 2), ("", 1)] {
        let mut write = central.fleet.database.write().await.unwrap();
        publish_calendar(&mut write, &proof, text, "essai", NOW).await.unwrap();
        write.commit().await.unwrap();
        central.settle().await;
        assert_eq!(central.targets(&uai(1)).await.len(), targets);
    }
    let mut write = central.fleet.database.write().await.unwrap();
    let wrong = publish_calendar(&mut write, &proof, "bonjour", "essai", NOW).await;
    assert!(matches!(wrong, Err(CalendarRefused::Calendar(error)) if error.line == 1));
}

#[tokio::test]
async fn the_service_is_woken_by_an_act_and_ends_with_its_stop_signal() {
    let central = Central::of(3, 0).await;
    central.fleet.publish(&Place::Academie, &block("a")).await.unwrap();
    let stop = CancellationToken::new();
    let act = async {
        // The service looks at everything once, and then waits to be woken.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        central.release(&[Place::Academie], &Plan::at_once()).await.unwrap();
        while central.targets(&uai(2)).await.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        stop.cancel();
    };
    let served = tokio::join!(central.another().serve(stop.clone()), act).0;
    assert!(served.is_ok());
}
