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

/// People signed in, each on an own machine.
const PEOPLE: u8 = 200;

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
    let mut rush = JoinSet::new();
    for number in 0..PEOPLE {
        identity.learn_neighbour(address(number), Some(Mac::new([2, 0, 0, 0, 0, number])));
        let (sign_in, zone) = (sign_in.clone(), zone.clone());
        rush.spawn(async move {
            // Whoever is told to come back comes back.
            while sign_in.sign_in(&format!("p{number}"), "cerise", &zone, address(number)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
    }
    rush.join_all().await;
    println!("{PEOPLE} people who sign in at once: {:.1?} until the last is in", begun.elapsed());
    assert_eq!(identity.count(), usize::from(PEOPLE));

    for (who, first) in [("a person", 0), ("nobody known", PEOPLE)] {
        let begun = Instant::now();
        for question in 0..QUESTIONS {
            let number = first + u8::try_from(question % 50).expect("below 50");
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

fn address(number: u8) -> IpAddr {
    IpAddr::from([10, 10, 0, number])
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
        services: Vec::new(),
    }
}
