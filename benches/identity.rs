//! How long it takes to say who is at an address, and to sign somebody in. Run with `cargo bench --bench identity`.

use std::{hint::black_box, net::IpAddr, sync::Arc, time::Duration};

use preau::{
    enforce::sign_in::SignIn,
    identity::{self, Directory, Identity, MachinesMax, hash_password},
    journal::{self, Journal},
    model::{DefaultVerdict, Mac, Quic, SignIn as Asking, Zone, ZoneKind},
    system::clock::Clock,
};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

/// People who sign in at once, each on an own machine: every pupil of a collège.
const PEOPLE: u16 = 500;

/// How often the thread beside the rush wakes up.
const BEAT: Duration = Duration::from_millis(1);

/// Questions asked of each kind.
const QUESTIONS: u32 = 2_000_000;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(measure());
}

async fn measure() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let clock = Clock::of_the_machine();
    let settings = identity::Settings {
        devices: Vec::new(),
        state_dir: dir.path().to_owned(),
        session_lifetime: Duration::from_secs(3600),
        shared_session_lifetime: Duration::from_secs(3600),
        machines_max: MachinesMax::default(),
        remember: Duration::from_secs(3600),
    };
    let identity = Identity::open(&settings, directory(), clock.clone()).expect("an identity");
    let journal_settings = journal::Settings { dir: dir.path().join("journal") };
    let (journal, writer) = Journal::open(&journal_settings, clock.clone()).expect("a journal");
    let (sign_in, service) = SignIn::new(identity.clone(), journal, clock);
    let stop = CancellationToken::new();
    let mut services = JoinSet::new();
    services.spawn(writer.serve(stop.clone()));
    services.spawn(service.serve(stop.clone()));

    let zone = Arc::new(zone());
    let begun = Instant::now();
    let (rush_is_over, beside) = lateness_beside();
    let mut rush = JoinSet::new();
    for number in 0..PEOPLE {
        let [high, low] = number.to_be_bytes();
        identity.learn_neighbour(address(number), Some(Mac::new([2, 0, 0, 0, high, low])));
        let (sign_in, zone) = (sign_in.clone(), zone.clone());
        rush.spawn(async move {
            let mut tries = 1_u32;
            // Whoever is told to come back comes back after the seconds that the page waits.
            while sign_in.sign_in(&format!("p{number}"), "cerise", &zone, address(number)).await.is_err() {
                tokio::time::sleep(Duration::from_secs(5)).await;
                tries += 1;
            }
            (begun.elapsed(), tries)
        });
    }
    let mut waits = rush.join_all().await;
    rush_is_over.cancel();
    waits.sort_unstable();
    let (half, last) = (waits[waits.len() / 2].0, waits[waits.len() - 1].0);
    let again = waits.iter().filter(|(_, tries)| *tries > 1).count();
    println!("{PEOPLE} people who sign in at once: half are in after {half:.1?}, the last after {last:.1?}");
    println!("told to come back: {again}");
    let late = beside.join().expect("the thread beside ends");
    let (p50, p99) = (late[late.len() / 2], late[late.len() * 99 / 100]);
    println!("a thread beside them that wakes each {BEAT:?} is late by {p50:.1?} (median), {p99:.1?} (p99)");
    assert_eq!(identity.count(), usize::from(PEOPLE));

    for (who, first) in [("a person", 0), ("nobody known", PEOPLE)] {
        let begun = Instant::now();
        for question in 0..QUESTIONS {
            let number = first + u16::try_from(question % 50).expect("below 50");
            black_box(identity.who(&zone, address(number)));
        }
        println!("who is at an address, {who}: {:.0?}", begun.elapsed() / QUESTIONS);
    }
    stop.cancel();
    services.join_all().await;
}

fn directory() -> Directory {
    let hash = hash_password("cerise").expect("a hash");
    let mut csv = "id,login,name,role,classes,password\n".to_owned();
    for number in 0..PEOPLE {
        csv.push_str(&format!("{number},p{number},Personne {number},eleve,6A,\"{hash}\"\n"));
    }
    Directory::parse(csv.as_bytes()).expect("a directory")
}

/// How late a thread of its own wakes up, as the resolver's would, until the token is cancelled; sorted.
fn lateness_beside() -> (CancellationToken, std::thread::JoinHandle<Vec<Duration>>) {
    let over = CancellationToken::new();
    let is_over = over.clone();
    let beside = std::thread::spawn(move || {
        let mut late = Vec::new();
        while !is_over.is_cancelled() {
            let due = Instant::now() + BEAT;
            std::thread::sleep(BEAT);
            late.push(Instant::now().saturating_duration_since(due));
        }
        late.sort_unstable();
        late
    });
    (over, beside)
}

fn address(number: u16) -> IpAddr {
    let [high, low] = number.to_be_bytes();
    IpAddr::from([10, 10, high, low])
}

fn zone() -> Zone {
    Zone {
        name: "pedagogique".parse().expect("a name"),
        kind: ZoneKind::Pedagogique,
        interface: Arc::from("ped0"),
        ipv4: "10.10.0.1/22".parse().expect("a network"),
        ipv6: "fd00:10::1/64".parse().expect("a network"),
        sign_in: Asking::Required,
        default: DefaultVerdict::Allow,
        quic: Quic::Reject,
        tunnel: preau::model::TunnelAccess::None,
        services: Vec::new(),
    }
}
