//! The live line with both its ends: the real listener with its certificates, and the box's real service.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

#[path = "line/repair.rs"]
mod repair;
mod support;

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::agreement::{PrivateKey, X25519};
use axum::body::Bytes;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use preau::{
    model::{Moment, Uai},
    protocol::{
        enrolment::{Enrol, Keys},
        line::{Answer, Done, Finding, Heard, Order, PassedOn, Report, What},
    },
    sync::{
        client::Client,
        keeping,
        line::{Hands, Line as BoxLine, LineState},
    },
    system::clock::Clock,
};
use preau_central::{
    audit,
    authority::{self, Authority, By},
    boxes::{
        self,
        line::{Line, Views},
    },
    bucket::{Bucket, Location},
    database::{Database, Part},
    fleet::{observed, orders, reports::Reports, requests, schools},
    words::{Actor, Grant, Granted, PersonId, Place, Right},
};
use rcgen::{CertificateParams, KeyPair};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

const PARTS: &[Part] =
    &[audit::PART, schools::PART, authority::PART, observed::PART, orders::PART, requests::PART];

const LONG: Duration = Duration::from_secs(60);

/// Central: what is kept of it, and what runs.
struct Central {
    dir: tempfile::TempDir,
    clock: Clock,
    database: Database,
    authority: Authority,
    published: Arc<Mutex<HashMap<Uai, u64>>>,
    address: SocketAddr,
    running: JoinSet<anyhow::Result<()>>,
}

impl Central {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::of_the_machine();
        std::fs::create_dir(dir.path().join("keys")).unwrap();
        authority::make(&dir.path().join("keys"), clock.now()).unwrap();
        Self::open(dir, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Arc::default()).await
    }

    async fn open(
        dir: tempfile::TempDir,
        address: SocketAddr,
        published: Arc<Mutex<HashMap<Uai, u64>>>,
    ) -> Self {
        let clock = Clock::of_the_machine();
        let at = support::location(&dir.path().join("central.sqlite")).await;
        let database = Database::open(&at, PARTS).await.unwrap();
        let url = "https://central.exemple.example".parse().unwrap();
        let keys = dir.path().join("keys");
        let root = Bytes::from_static(b"{}");
        let authority = Authority::open(database.clone(), &keys, &url, root, clock.clone()).await.unwrap();
        let (reports, keeper) = Reports::new(database.clone(), clock.clone());
        let known = Arc::clone(&published);
        let views = Views::from_fn(move |school| {
            let mut views: Vec<_> = known.lock().unwrap().clone().into_iter().collect();
            views.retain(|(of, _)| school.as_ref().is_none_or(|school| of == school));
            Box::pin(async move { Ok(views) })
        });
        let line = Line::new(database.clone(), reports, views, clock.clone());
        let parts = boxes::Parts {
            acme: None,
            authority: authority.clone(),
            bucket: Bucket::open(&Location::Folder(dir.path().join("repository"))).unwrap(),
            database: database.clone(),
            routes: boxes::line::routes(line.clone()),
        };
        let service = boxes::Service::bind(&boxes::Settings { listen: address }, parts).await.unwrap();
        let address = service.local_address().unwrap();
        let mut running = JoinSet::new();
        let stop = CancellationToken::new();
        running.spawn(service.serve(stop.clone()));
        running.spawn(line.serve(stop.clone()));
        running.spawn(keeper.serve(stop));
        Self { dir, clock, database, authority, published, address, running }
    }

    /// As `kill -9`: nothing is ended in order.
    async fn kill(self) -> (tempfile::TempDir, SocketAddr, Arc<Mutex<HashMap<Uai, u64>>>) {
        let Self { dir, database, authority, published, address, mut running, .. } = self;
        running.shutdown().await;
        drop((database, authority));
        (dir, address, published)
    }

    /// Enrols a box for `school` and leaves in `state_dir` what it keeps.
    async fn enrol(&self, school: &Uai, state_dir: &Path) {
        let mut write = self.database.write().await.unwrap();
        let token = self.authority.give_token(&mut write, By::Central, school).await.unwrap();
        write.commit().await.unwrap();
        let key = KeyPair::generate().unwrap();
        let request = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
        let sealing = PrivateKey::generate(&X25519).unwrap().compute_public_key().unwrap();
        let keys = Keys {
            request,
            sealing: STANDARD.encode(sealing.as_ref()),
            tunnel: STANDARD.encode(sealing.as_ref()),
        };
        let enrol = Enrol { secret: token.secret, school: school.as_str().into(), version: "1".into(), keys };
        let from = IpAddr::from(Ipv4Addr::LOCALHOST);
        let enrolled = self.authority.enrol(&enrol, from, "Collège d'Exemple").await.unwrap().unwrap();
        let kept = serde_json::json!({
            "version": 1,
            "school": school.as_str(),
            "school_name": enrolled.school_name,
            "central": format!("https://central.exemple.example:{}", self.address.port()),
            "repositories": enrolled.repositories,
            "root": enrolled.root,
            "certificate": enrolled.certificate,
            "authority": enrolled.authority,
            "key": key.serialize_pem(),
            "sealing_key": "",
            "tunnel_key": "",
        });
        std::fs::create_dir_all(state_dir.join("central")).unwrap();
        std::fs::write(state_dir.join("central/enrolment.json"), kept.to_string()).unwrap();
    }

    fn client(&self, state_dir: &Path) -> Client {
        let kept = keeping::read(state_dir).unwrap().unwrap();
        let resolve = |_| -> futures_util::future::BoxFuture<'static, _> {
            Box::pin(async { Ok(vec![IpAddr::from(Ipv4Addr::LOCALHOST)]) })
        };
        Client::new(&kept, self.clock.clone(), Arc::new(resolve)).unwrap()
    }

    async fn order(&self, school: &Uai, what: What, lives: Duration) -> u64 {
        let now = self.clock.now();
        let mut write = self.database.write().await.unwrap();
        let granted = granted(Right::Order);
        let number = orders::give(&mut write, &granted, school, what, now, now + lives).await.unwrap();
        write.commit().await.unwrap();
        number
    }

    async fn publish(&self, school: &Uai, view: u64) {
        self.published.lock().unwrap().insert(school.clone(), view);
        let mut write = self.database.write().await.unwrap();
        write.signal(format!("published/{}", school.as_str()));
        write.commit().await.unwrap();
    }

    /// Waits until the order has an outcome.
    async fn outcome(&self, school: &Uai, number: u64) -> orders::Outcome {
        let until = Instant::now() + LONG;
        while Instant::now() < until {
            let given = orders::of(&self.database, school).await.unwrap();
            let outcome = given.into_iter().find(|given| given.order.number == number).unwrap().outcome;
            if let Some(outcome) = outcome {
                return outcome;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("the order has no outcome");
    }
}

/// A box whose line runs.
struct School {
    carried_out: mpsc::UnboundedReceiver<(Order, Instant)>,
    changed: watch::Sender<u64>,
    says: Arc<Mutex<Report>>,
    view: watch::Receiver<u64>,
    state: watch::Receiver<LineState>,
    running: JoinSet<anyhow::Result<()>>,
}

impl School {
    fn start(central: &Central, state_dir: &Path) -> Self {
        let (carry, carried_out) = mpsc::unbounded_channel();
        let (changed, told) = watch::channel(0);
        let says: Arc<Mutex<Report>> = Arc::default();
        let (report, kept) = (Arc::clone(&says), Arc::clone(&says));
        let hands = Hands {
            report: Arc::new(move || {
                let report = report.lock().unwrap().clone();
                Box::pin(async move { report })
            }),
            changed: told,
            kept: Arc::new(move |_| kept.lock().unwrap().passed_on.clear()),
            carry_out: Arc::new(move |order| {
                let number = order.number;
                let _ = carry.send((order, Instant::now()));
                Box::pin(async move { Done { order: number, well: true, text: "done".into() } })
            }),
        };
        let line = BoxLine::new(central.client(state_dir), hands, central.clock.clone(), state_dir).unwrap();
        let (view, state) = (line.view(), line.state());
        let mut running = JoinSet::new();
        running.spawn(line.serve(CancellationToken::new()));
        Self { carried_out, changed, says, view, state, running }
    }

    async fn reached(&mut self) {
        timeout(LONG, self.state.wait_for(|state| state.reached)).await.unwrap().unwrap();
    }

    async fn kill(mut self) {
        self.running.shutdown().await;
    }
}

fn granted(right: Right) -> Granted {
    let grants = vec![Grant { right, place: Place::Academie }];
    let actor = Actor { id: PersonId(1), name: "Camille Exemple".into(), grants };
    actor.may(right, &Place::Academie, &[]).unwrap()
}

fn uai(number: usize) -> Uai {
    Uai::new(&format!("{number:07}Z")).unwrap()
}

fn report(number: u64, heard: Heard) -> Report {
    Report { start: "ab".into(), number, heard, ..Report::default() }
}

async fn post(client: &Client, path: &str, body: String) -> (u16, String) {
    let url = client.central().join(path).unwrap();
    let answer = client.http().post(url).timeout(LONG).body(body).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn told(client: &Client, path: &str, report: &Report) -> Answer {
    let (status, text) = post(client, path, serde_json::to_string(report).unwrap()).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_reaches_a_waiting_box_at_once_and_its_outcome_comes_back() {
    let central = Central::start().await;
    let dir = tempfile::tempdir().unwrap();
    central.enrol(&uai(1), dir.path()).await;
    let mut school = School::start(&central, dir.path());
    school.reached().await;
    sleep(Duration::from_millis(1500)).await;
    let number = central.order(&uai(1), What::Diagnose {}, LONG).await;
    let given = Instant::now();
    let (order, carried_out) = timeout(LONG, school.carried_out.recv()).await.unwrap().unwrap();
    assert_eq!((order.number, order.what), (number, What::Diagnose {}));
    let took = carried_out.saturating_duration_since(given);
    assert!(took < Duration::from_secs(10), "{took:?}");
    let outcome = central.outcome(&uai(1), number).await;
    assert!(outcome.well && outcome.text == "done");
    sleep(Duration::from_secs(2)).await;
    assert!(school.carried_out.try_recv().is_err(), "it was carried out once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_waits_for_a_box_that_is_away_and_one_that_has_expired_is_not_given() {
    let central = Central::start().await;
    let dir = tempfile::tempdir().unwrap();
    central.enrol(&uai(1), dir.path()).await;
    let expired = central.order(&uai(1), What::Diagnose {}, Duration::from_secs(1)).await;
    let number = central.order(&uai(1), What::Fetch {}, LONG).await;
    sleep(Duration::from_secs(2)).await;
    let mut school = School::start(&central, dir.path());
    let (order, _) = timeout(LONG, school.carried_out.recv()).await.unwrap().unwrap();
    assert_eq!(order.number, number);
    central.outcome(&uai(1), number).await;
    school.kill().await;
    let mut school = School::start(&central, dir.path());
    school.reached().await;
    sleep(Duration::from_secs(1)).await;
    assert!(school.carried_out.try_recv().is_err(), "neither again nor too late");
    let given = orders::of(&central.database, &uai(1)).await.unwrap();
    assert_eq!(given.iter().find(|given| given.order.number == expired).unwrap().outcome, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_central_that_was_killed_finds_its_boxes_again_and_gives_what_it_kept() {
    let central = Central::start().await;
    let dir = tempfile::tempdir().unwrap();
    central.enrol(&uai(1), dir.path()).await;
    let mut school = School::start(&central, dir.path());
    school.reached().await;
    sleep(Duration::from_millis(1200)).await;
    let (kept, address, published) = central.kill().await;
    timeout(LONG, school.state.wait_for(|state| !state.reached)).await.unwrap().unwrap();
    assert!(!school.state.borrow().trouble.is_empty());
    let central = Central::open(kept, address, published).await;
    let number = central.order(&uai(1), What::Fetch {}, LONG).await;
    school.reached().await;
    central.outcome(&uai(1), number).await;
    assert_eq!(school.carried_out.recv().await.unwrap().0.number, number);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_is_published_wakes_the_box_and_what_it_says_then_is_seen() {
    let central = Central::start().await;
    let dir = tempfile::tempdir().unwrap();
    central.enrol(&uai(1), dir.path()).await;
    let mut school = School::start(&central, dir.path());
    school.reached().await;
    sleep(Duration::from_millis(1500)).await;
    central.publish(&uai(1), 7).await;
    let woken = school.view.wait_for(|view| *view == 7);
    timeout(Duration::from_secs(5), woken).await.unwrap().unwrap();
    let finding = Finding { code: "line-down".into(), severity: "wrong".into() };
    {
        let mut says = school.says.lock().unwrap();
        says.in_force.view = 7;
        says.findings.push(finding);
        says.passed_on.push(PassedOn {
            number: 1,
            site: "a.example".into(),
            wish: "open".into(),
            ..PassedOn::default()
        });
    }
    school.changed.send_modify(|count| *count += 1);
    let until = Instant::now() + LONG;
    loop {
        let seen = observed::latest(&central.database, &uai(1)).await.unwrap();
        if seen.is_some_and(|seen| seen.report.in_force.view == 7) {
            break;
        }
        assert!(Instant::now() < until, "what the box said is not seen");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(requests::list(&central.database, &requests::Filter::default()).await.unwrap().len(), 1);
    assert!(school.says.lock().unwrap().passed_on.is_empty(), "what is kept is not told again");
    let history = observed::history(&central.database, &uai(1)).await.unwrap();
    assert!(matches!(history[0].what, observed::Became::Began(_)), "{history:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_of_a_school_waits_and_a_second_ends_the_first() {
    let central = Central::start().await;
    let dir = tempfile::tempdir().unwrap();
    central.enrol(&uai(1), dir.path()).await;
    let client = central.client(dir.path());
    let first = report(1, Heard::default());
    let asked = Instant::now();
    let second = async {
        sleep(Duration::from_millis(700)).await;
        let number = 2;
        timeout(Duration::from_secs(3), told(&client, "v1/line", &report(number, Heard::default()))).await
    };
    let (first, second) = tokio::join!(told(&client, "v1/line", &first), second);
    assert!(asked.elapsed() < Duration::from_secs(10));
    assert!(first.kept && second.is_err(), "the second goes on waiting");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_late_garbage_too_long_or_claims_a_school_changes_nothing() {
    let central = Central::start().await;
    let dir = tempfile::tempdir().unwrap();
    central.enrol(&uai(1), dir.path()).await;
    let client = central.client(dir.path());
    let mut latest = report(5, Heard::default());
    latest.at = 4_102_444_800; // A clock of 2100.
    latest.version = "latest".into();
    told(&client, "v1/report", &latest).await;
    for number in [5, 4] {
        let late = Report { version: "late".into(), ..report(number, Heard::default()) };
        told(&client, "v1/report", &late).await;
    }
    let mut claim = serde_json::to_value(&latest).unwrap();
    claim.as_object_mut().unwrap().insert("school".into(), "0000002Z".into());
    assert_eq!(post(&client, "v1/report", claim.to_string()).await.0, 400);
    assert_eq!(post(&client, "v1/report", "{\"start\":".into()).await.0, 400);
    assert_eq!(post(&client, "v1/line", "x".repeat(300 * 1024)).await.0, 413);
    sleep(Duration::from_secs(3)).await;
    let all = observed::all(&central.database).await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!((&all[0].school, all[0].report.version.as_str()), (&uai(1), "latest"));
    assert_eq!(all[0].report.at, 4_102_444_800);
    assert!(all[0].at < Moment::from_unix_seconds(4_000_000_000), "central's own time stands beside it");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_takes_nothing_the_line_goes_on_and_says_that_nothing_is_kept() {
    let central = Central::start().await;
    let dir = tempfile::tempdir().unwrap();
    central.enrol(&uai(1), dir.path()).await;
    let client = central.client(dir.path());
    central.publish(&uai(1), 3).await;
    let held = central.database.write().await.unwrap();
    let passed_on =
        PassedOn { number: 1, site: "a.example".into(), wish: "open".into(), ..PassedOn::default() };
    let tells = Report { passed_on: vec![passed_on], ..report(1, Heard::default()) };
    let answer = told(&client, "v1/report", &tells).await;
    assert_eq!((answer.kept, answer.view), (false, 3));
    drop(held);
    let again = Report { number: 2, ..tells };
    assert!(told(&client, "v1/report", &again).await.kept);
    assert_eq!(requests::list(&central.database, &requests::Filter::default()).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_boxes_come_at_once_and_each_is_heard_and_woken() {
    const BOXES: usize = 1000;
    let central = Arc::new(Central::start().await);
    let dir = tempfile::tempdir().unwrap();
    let mut boxes = JoinSet::new();
    let mut woken = Vec::new();
    let mut clients = Vec::new();
    for number in 0..BOXES {
        let state_dir = dir.path().join(number.to_string());
        central.enrol(&uai(number), &state_dir).await;
        clients.push(central.client(&state_dir));
    }
    for (number, client) in clients.into_iter().enumerate() {
        let (view, is_woken) = watch::channel(0);
        woken.push(is_woken);
        boxes.spawn(async move {
            let mut heard = Heard::default();
            // Many come from one address here, more than may come as strangers at once.
            sleep(Duration::from_millis(u64::try_from(number * 5).unwrap())).await;
            for count in 1.. {
                let asked = client.post::<Answer>("v1/line", &report(count, heard), LONG).await;
                let Ok(answer) = asked else {
                    sleep(Duration::from_millis(500)).await;
                    continue;
                };
                heard.view = answer.view;
                view.send_replace(answer.view);
                sleep(Duration::from_secs(answer.wait_seconds)).await;
            }
        });
    }
    let until = Instant::now() + Duration::from_secs(120);
    while observed::all(&central.database).await.unwrap().len() < BOXES {
        assert!(Instant::now() < until, "not all boxes were heard");
        sleep(Duration::from_millis(200)).await;
    }
    central.published.lock().unwrap().extend((0..BOXES).map(|number| (uai(number), 9)));
    let mut write = central.database.write().await.unwrap();
    (0..BOXES).for_each(|number| write.signal(format!("published/{}", uai(number).as_str())));
    write.commit().await.unwrap();
    let published = Instant::now();
    for woken in &mut woken {
        timeout(LONG, woken.wait_for(|view| *view == 9)).await.unwrap().unwrap();
    }
    assert!(published.elapsed() < Duration::from_secs(40), "{:?}", published.elapsed());
}

/// A thousand boxes are the same on either.
#[test]
fn all_of_this_holds_on_postgresql() {
    support::once_more::once_more("all_of_this_holds_on_postgresql", &[], &["a_thousand_boxes"]);
}
