//! Feeds of accounts with both ends: given at central, fetched by the box's own channel, opened with the box's key.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

#[macro_use]
#[path = "support/on_both.rs"]
mod on_both;
mod support;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::agreement::{PrivateKey, X25519};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use preau::{
    identity::feed::CsvDescription,
    model::Uai,
    protocol::{
        delivery::{Delivery, Line},
        enrolment::{Enrol, Keys},
        index,
        names::{self, Role},
    },
    sync::{
        self, AccountsInForce,
        channel::{Channel as BoxChannel, ChannelSettings},
        keeping,
    },
    system::clock::Clock,
};
use preau_central::{
    accounts::{self, Accounts, Answer, Answered, Counts, Import, Intent, Outcome, State, Why},
    audit::{self, Filter},
    authority::{self, Authority, By},
    bucket::{Bucket, Location},
    channel::{self, Channel, Whose},
    database::{Database, Location as Where, Part},
};
use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

on_both!(
    each_school_gets_its_own_and_then_only_what_changed,
    a_school_that_many_would_leave_is_held_until_somebody_says_that_it_is_meant,
    a_box_that_takes_the_place_of_another_gets_everybody_without_being_asked_for,
    what_was_asked_to_see_first_goes_out_when_somebody_says_so_and_not_when_they_refuse,
    the_database_alone_tells_of_nobody,
    a_central_that_was_restored_gives_everybody_again_above_what_the_box_has,
    a_feed_that_names_changes_breaks_off_or_is_older_changes_nothing,
    a_record_that_cannot_be_taken_is_told_by_kind_and_makes_nobody_leave,
);

const PARTS: &[Part] = &[audit::PART, channel::PART, authority::PART, accounts::PART];

const COLUMNS: &str = "separator = \",\"\n[columns]\nid = \"id\"\nfamily_name = \"family\"\n\
    given_name = \"given\"\nrole = \"role\"\nclasses = \"classes\"\nschool = \"school\"\n\
    [roles]\neleve = \"eleve\"\n";

struct Central {
    dir: TempDir,
    database: Database,
    channel: Channel,
    authority: Authority,
    accounts: Accounts,
    _publishing: JoinSet<anyhow::Result<()>>,
}

/// A pupil: number, school and class.
type Pupil<'a> = (usize, &'a str, &'a str);

impl Central {
    async fn start(place: &Where) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let clock = Clock::of_the_machine();
        let database = Database::open(place, PARTS).await.unwrap();
        channel::found(&database, &at("keys"), &at("offline"), &clock).await.unwrap();
        authority::make(&at("keys"), clock.now()).unwrap();
        let bucket = Bucket::open(&Location::Folder(at("repository"))).unwrap();
        let channel = Channel::open(database.clone(), bucket, &at("keys"), clock.clone()).await.unwrap();
        let url = "https://central.exemple.example".parse().unwrap();
        let root = channel.first_root();
        let authority =
            Authority::open(database.clone(), &at("keys"), &url, root, clock.clone()).await.unwrap();
        let work_dir = at("work");
        let accounts = Accounts::new(database.clone(), channel.clone(), authority.clone(), clock, work_dir);
        let mut publishing = JoinSet::new();
        publishing.spawn(channel.clone().serve(CancellationToken::new()));
        Self { dir, database, channel, authority, accounts, _publishing: publishing }
    }

    /// Enters the school with an empty policy, and enrols a box for it.
    async fn enrol(&self, school: &Uai) -> TempDir {
        let name = names::policy_index(school);
        let policy = index::Policy {
            version: index::VERSION,
            school: school.as_str().to_owned(),
            number: 1,
            documents: Vec::new(),
            calendar: None,
        };
        let stored =
            self.channel.store(&name, Bytes::from(serde_json::to_vec(&policy).unwrap())).await.unwrap();
        let mut write = self.database.write().await.unwrap();
        Channel::add_school(&mut write, school).await.unwrap();
        Channel::place(&mut write, Whose::School(school), Role::Policy, &name, &stored).await.unwrap();
        let token = self.authority.give_replacing_token(&mut write, By::Central, school).await.unwrap();
        write.commit().await.unwrap();
        let key = KeyPair::generate().unwrap();
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).unwrap();
        let sealing = PrivateKey::from_private_key(&X25519, &secret).unwrap().compute_public_key().unwrap();
        let keys = Keys {
            request: CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap(),
            sealing: STANDARD.encode(sealing.as_ref()),
            tunnel: STANDARD.encode(sealing.as_ref()),
        };
        let enrol = Enrol { secret: token.secret, school: school.as_str().into(), version: "1".into(), keys };
        let from = IpAddr::from(Ipv4Addr::LOCALHOST);
        let enrolled = self.authority.enrol(&enrol, from, "Collège d'Exemple").await.unwrap().unwrap();
        let kept = serde_json::json!({
            "version": 1, "school": school.as_str(), "school_name": enrolled.school_name,
            "central": enrolled.central, "repositories": [], "root": enrolled.root,
            "certificate": enrolled.certificate, "authority": enrolled.authority,
            "key": key.serialize_pem(), "sealing_key": STANDARD.encode(secret), "tunnel_key": "",
        });
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("central")).unwrap();
        fs::write(dir.path().join("central/enrolment.json"), kept.to_string()).unwrap();
        fs::write(dir.path().join("central/root.json"), &enrolled.root).unwrap();
        dir
    }

    /// Brings a feed of these pupils.
    async fn bring(&self, pupils: &[Pupil<'_>], intent: Intent, accept: &[&Uai]) -> accounts::Given {
        let mut text = "id,family,given,role,classes,school\n".to_owned();
        for (number, school, class) in pupils {
            writeln!(text, "P{number},EXEMPLE,Élève {number},eleve,{class},{school}").unwrap();
        }
        self.bring_text(&text, intent, accept).await.unwrap()
    }

    async fn bring_text(
        &self,
        text: &str,
        intent: Intent,
        accept: &[&Uai],
    ) -> anyhow::Result<accounts::Given> {
        let path = self.dir.path().join("feed.csv");
        fs::write(&path, text).unwrap();
        let import = Import {
            paths: vec![path],
            csv: Some(CsvDescription::parse(COLUMNS).unwrap()),
            accept: accept.iter().map(|school| (*school).clone()).collect::<BTreeSet<_>>(),
            intent,
            ..Import::default()
        };
        self.accounts.import(import, By::Central).await
    }

    /// What comes of a feed of these pupils for each school.
    async fn give(&self, pupils: &[Pupil<'_>], accept: &[&Uai]) -> Vec<Outcome> {
        let given = self.bring(pupils, Intent::Give, accept).await;
        assert_eq!(given.refused, []);
        given.schools.into_iter().map(|(_, outcome)| outcome).collect()
    }

    /// Gives a school a place in the channel, as entering it does.
    async fn enter(&self, school: &Uai) {
        let mut write = self.database.write().await.unwrap();
        Channel::add_school(&mut write, school).await.unwrap();
        write.commit().await.unwrap();
    }

    async fn published(&self, school: &Uai) {
        let wait = async {
            while self.channel.standing(school).await.unwrap().unwrap().due {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(60), wait).await.unwrap();
    }

    /// What the box in `state_dir` has received, once it has `number`, or refuses something, and what it was given on the way.
    async fn fetch(&self, school: &Uai, state_dir: &Path, number: u64) -> (AccountsInForce, Vec<Delivery>) {
        self.published(school).await;
        let repository = url::Url::from_directory_path(self.dir.path().join("repository")).unwrap();
        let settings = ChannelSettings {
            state_dir: state_dir.to_owned(),
            school: school.clone(),
            repositories: vec![repository],
            settings: sync::Settings { media_dir: state_dir.join("media"), ..sync::Settings::default() },
        };
        let fetching = BoxChannel::open(
            settings,
            None,
            Arc::new(|_| Ok(())),
            Clock::of_the_machine(),
            Arc::new(|| None),
        )
        .unwrap();
        let given = Arc::new(Mutex::new(Vec::new()));
        let staged = Arc::clone(&given);
        let stage: sync::Stage = Arc::new(move |delivery| {
            staged.lock().unwrap().push(delivery.clone());
            Ok(())
        });
        let kept = keeping::read(state_dir).unwrap().unwrap();
        let accounts = sync::Accounts::open(state_dir, &kept, school, stage).unwrap();
        let (mut received, targets) = (accounts.in_force(), fetching.targets());
        let stop = CancellationToken::new();
        let (_view, told) = watch::channel(0);
        let mut running = JoinSet::new();
        running.spawn(fetching.serve(told, stop.clone()));
        running.spawn(accounts.serve(targets, stop.clone()));
        let wait = received.wait_for(|now| now.number == number || now.refused.is_some());
        let now = timeout(Duration::from_secs(60), wait).await.unwrap().unwrap().clone();
        stop.cancel();
        while let Some(ended) = running.join_next().await {
            ended.unwrap().unwrap();
        }
        let given = given.lock().unwrap().clone();
        (now, given)
    }
}

fn uai(text: &str) -> Uai {
    Uai::new(text).unwrap()
}

fn pupils(count: usize) -> Vec<Pupil<'static>> {
    (1..=count).map(|number| (number, "0809999Z", if number % 2 == 0 { "6A" } else { "5B" })).collect()
}

fn sent(outcome: &Outcome) -> (u64, bool, u64, Counts) {
    match outcome {
        Outcome::Sent { sequence, is_complete, bytes, counts } => (*sequence, *is_complete, *bytes, *counts),
        other => panic!("{other:?}"),
    }
}

/// The files that a box of the school fetches: its view, and what of the accounts that names, each with its length.
fn fetched_from(central: &Central, school: &Uai) -> Vec<(String, u64)> {
    let repository = central.dir.path().join("repository");
    let mut files = Vec::new();
    for dir in [names::metadata_dir(school), format!("targets/schools/{}", school.as_str())] {
        walk(&repository.join(dir), &mut files);
    }
    files
}

fn walk(dir: &Path, files: &mut Vec<(String, u64)>) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), files);
            continue;
        }
        // A timestamp has the same name each time; it is fetched anew.
        let text = blake3::hash(&fs::read(entry.path()).unwrap()).to_hex();
        files.push((format!("{} {text}", entry.path().display()), entry.metadata().unwrap().len()));
    }
}

async fn each_school_gets_its_own_and_then_only_what_changed(place: Where) {
    let central = Central::start(&place).await;
    let (here, there) = (uai("0809999Z"), uai("0800001A"));
    let state = central.enrol(&here).await;
    central.enter(&there).await;
    let mut feed = pupils(600);
    feed.push((9001, "0800001A", "3C"));
    feed.push((9002, "0809998Y", "3C"));
    let given = central.bring(&feed, Intent::Give, &[]).await;
    assert_eq!(given.strangers, 1, "a school without a place in the channel");
    assert!(
        matches!(&given.schools[0], (school, Outcome::NoBox(Counts { added: 1, .. })) if *school == there)
    );
    let (sequence, is_complete, _, counts) = sent(&given.schools[1].1);
    assert_eq!((sequence, is_complete, counts.added), (1, true, 600));
    let (now, taken) = central.fetch(&here, state.path(), 1).await;
    assert_eq!(now, AccountsInForce { number: 1, refused: None });
    assert_eq!((taken.len(), taken[0].lines.len(), taken[0].header.base), (1, 600, None));
    assert_eq!(central.give(&feed, &[]).await[1], Outcome::Same);

    feed[4].2 = "4D";
    let before = fetched_from(&central, &here);
    let (_, is_complete, bytes, counts) = sent(&central.give(&feed, &[]).await[1]);
    let expected = Counts { added: 0, changed: 1, leaving: 0, unchanged: 599 };
    assert_eq!((is_complete, counts), (false, expected));
    let (now, taken) = central.fetch(&here, state.path(), 2).await;
    assert_eq!((now.number, taken.len(), taken[0].header.base), (2, 1, Some(1)));
    assert!(matches!(&taken[0].lines[..], [Line::Person(person)]
        if person.id == "P5" && person.classes == ["4D"]));
    let after = fetched_from(&central, &here);
    let fetched: u64 = after.iter().filter(|file| !before.contains(file)).map(|(_, length)| length).sum();
    println!("one changed of 600: {bytes} bytes sealed, {fetched} bytes of files that are new to the box");
    assert!((bytes..=10 << 10).contains(&fetched), "{fetched}");

    feed.remove(10);
    assert_eq!(sent(&central.give(&feed, &[]).await[1]).3.leaving, 1);
    let (_, taken) = central.fetch(&here, state.path(), 3).await;
    assert!(matches!(&taken[0].lines[..], [Line::Leaves(id)] if id == "P11"));
}

async fn a_school_that_many_would_leave_is_held_until_somebody_says_that_it_is_meant(place: Where) {
    let central = Central::start(&place).await;
    let here = uai("0809999Z");
    let state = central.enrol(&here).await;
    central.give(&pupils(100), &[]).await;
    let fewer = pupils(89);
    let given = central.bring(&fewer, Intent::Give, &[]).await;
    let feed = given.feed.unwrap();
    assert!(matches!(given.schools[0].1, Outcome::Held(_, Counts { leaving: 11, .. })));
    central.fetch(&here, state.path(), 1).await;
    let answer = async |answer, reason| {
        central.accounts.answer(By::Central, (feed, &here), answer, reason).await.unwrap()
    };
    assert_eq!(answer(Answer::Give, "  ").await, Answered::NoReason);
    let Answered::Given(outcome) = answer(Answer::Give, "fermeture d'une section").await else { panic!() };
    assert_eq!(sent(&outcome).3.leaving, 11);
    assert_eq!(answer(Answer::Give, "encore").await, Answered::NotHeld);
    let (_, taken) = central.fetch(&here, state.path(), 2).await;
    assert!(taken[0].header.released && taken[0].lines.len() == 11);
    let trail = audit::read(&central.database, &Filter::default(), None).await.unwrap();
    let line = trail.iter().find(|line| line.act == "accounts-released").unwrap();
    assert!(line.text.contains("11 leaving; fermeture d'une section"), "{}", line.text);
    assert_eq!(sent(&central.give(&pupils(81), &[]).await[0]).3.leaving, 8);
    // What is held is overtaken by the next feed, which speaks for everybody.
    let held = central.bring(&pupils(40), Intent::Give, &[]).await.feed.unwrap();
    assert_eq!(central.give(&pupils(81), &[]).await, [Outcome::Same]);
    assert_eq!(central.accounts.shares(held).await.unwrap()[0].state, State::Overtaken);
    let late = central.accounts.answer(By::Central, (held, &here), Answer::Give, "tard").await.unwrap();
    assert_eq!(late, Answered::NotHeld);
    assert_eq!(sent(&central.give(&pupils(40), &[&here]).await[0]).3.leaving, 41);
}

async fn a_box_that_takes_the_place_of_another_gets_everybody_without_being_asked_for(place: Where) {
    let central = Central::start(&place).await;
    let here = uai("0809999Z");
    let old = central.enrol(&here).await;
    central.give(&pupils(20), &[]).await;
    central.fetch(&here, old.path(), 1).await;
    let new = central.enrol(&here).await;
    let (now, given) = central.fetch(&here, new.path(), 1).await;
    assert_eq!((now.number, now.refused.unwrap().why.as_str(), given.len()), (0, "not-for-us", 0));
    let stop = CancellationToken::new();
    let mut serving = JoinSet::new();
    serving.spawn(central.accounts.clone().serve(stop.clone()));
    let wait = async {
        while central.accounts.last_delivery(&here).await.unwrap() != Some(2) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(30), wait).await.unwrap();
    stop.cancel();
    serving.join_next().await.unwrap().unwrap().unwrap();
    let (now, given) = central.fetch(&here, new.path(), 2).await;
    assert_eq!((now.number, given[0].lines.len()), (2, 20));
    assert_eq!(central.accounts.give_again(None).await.unwrap(), []);
    let (now, _) = central.fetch(&here, old.path(), 2).await;
    assert_eq!((now.number, now.refused.unwrap().why.as_str()), (1, "not-for-us"));
    let change = pupils(21);
    assert!(!sent(&central.give(&change, &[]).await[0]).1, "it goes on with what changed");
    // A school that had no box yet gets what was given before.
    let there = uai("0800001A");
    central.enter(&there).await;
    central.give(&[(1, "0800001A", "3C")], &[]).await;
    let first = central.enrol(&there).await;
    assert_eq!(central.accounts.give_again(Some(&there)).await.unwrap(), std::slice::from_ref(&there));
    assert_eq!(central.fetch(&there, first.path(), 1).await.1[0].lines.len(), 1);
}

async fn what_was_asked_to_see_first_goes_out_when_somebody_says_so_and_not_when_they_refuse(place: Where) {
    let central = Central::start(&place).await;
    let here = uai("0809999Z");
    let _state = central.enrol(&here).await;
    let looked = central.bring(&pupils(30), Intent::Look, &[]).await;
    assert!(looked.feed.is_none() && central.accounts.feeds(9).await.unwrap().is_empty());
    assert!(matches!(looked.schools[0].1, Outcome::Would(None, Counts { added: 30, .. })));
    let first = central.bring(&pupils(30), Intent::Ask, &[]).await;
    assert!(matches!(first.schools[0].1, Outcome::Held(Why::Asked, Counts { added: 30, .. })));
    let feed = first.feed.unwrap();
    let refused = central.accounts.answer(By::Central, (feed, &here), Answer::Refuse, "mauvais fichier");
    assert_eq!(refused.await.unwrap(), Answered::Refused);
    assert_eq!(central.accounts.last_delivery(&here).await.unwrap(), None);
    assert_eq!(central.accounts.shares(feed).await.unwrap()[0].state, State::Refused);
    let feed = central.bring(&pupils(30), Intent::Ask, &[]).await.feed.unwrap();
    assert_eq!(central.accounts.feeds_held().await.unwrap().len(), 1);
    let given = central.accounts.answer(By::Central, (feed, &here), Answer::Give, "").await.unwrap();
    assert!(matches!(given, Answered::Given(Outcome::Sent { sequence: 1, .. })));
    let having = central.accounts.having().await.unwrap();
    assert_eq!((having[0].persons, having[0].sequence), (30, 1));
    assert!(central.accounts.feeds_held().await.unwrap().is_empty());
}

async fn the_database_alone_tells_of_nobody(place: Where) {
    let central = Central::start(&place).await;
    let here = uai("0809999Z");
    let _state = central.enrol(&here).await;
    central.give(&pupils(40), &[]).await;
    central.bring(&pupils(2), Intent::Give, &[]).await;
    for table in ["book", "delivery", "feed", "share", "record", "school"] {
        let rows = central.database.read(&format!("SELECT * FROM account_{table}"), &[]).await.unwrap();
        assert!(table == "record" || !rows.is_empty(), "{table}");
        let text = format!("{rows:?}");
        assert!(!text.contains("EXEMPLE") && !text.contains("\"P1"), "{table} tells of somebody");
        for (place, row) in rows.iter().enumerate() {
            // Not in any of its bytes either.
            let bytes = (0..12).filter_map(|column| row.bytes(column).ok()).flatten().copied();
            let bytes: Vec<u8> = bytes.collect();
            assert!(!bytes.windows(7).any(|window| window == b"EXEMPLE"), "{table} {place}");
        }
    }
    let trail = audit::read(&central.database, &Filter::default(), None).await.unwrap();
    assert!(trail.iter().all(|line| !line.text.contains("EXEMPLE") && !line.text.contains("P1")));
    // With another key nothing of it opens: the feed has to be given again, and is then sent whole.
    let keys = central.dir.path().join("keys");
    fs::copy(keys.join("lists.pem"), keys.join("accounts.pem")).unwrap();
    assert_eq!(central.accounts.waiting().await.unwrap().len(), 1);
}

async fn a_central_that_was_restored_gives_everybody_again_above_what_the_box_has(place: Where) {
    let central = Central::start(&place).await;
    let here = uai("0809999Z");
    let state = central.enrol(&here).await;
    central.give(&pupils(20), &[]).await;
    assert_eq!(central.accounts.mend(&[(here.clone(), 1)]).await.unwrap(), 0, "nothing is behind");
    assert_eq!(central.accounts.mend(&[(here.clone(), 7)]).await.unwrap(), 1);
    let (now, given) = central.fetch(&here, state.path(), 8).await;
    assert_eq!((now.number, given[0].lines.len(), given[0].header.base), (8, 20, None));
}

async fn a_feed_that_names_changes_breaks_off_or_is_older_changes_nothing(place: Where) {
    let central = Central::start(&place).await;
    let here = uai("0809999Z");
    let _state = central.enrol(&here).await;
    central.give(&pupils(20), &[]).await;
    for (name, text, expected) in [
        ("ENT_0800000A_Delta_20261120_Eleve_0000.xml", "<ficAlimMENESR>", "changes only"),
        ("ENT_0800000A_Complet_20261120_Eleve_0000.xml", "<ficAlimMENESR><addRequest>", "breaks off"),
        ("x.zip", "PK", "archive"),
        ("x.bin", "\u{0}", "no file of"),
    ] {
        let path = central.dir.path().join(name);
        fs::write(&path, text).unwrap();
        let import = Import { paths: vec![path], ..Import::default() };
        let error = central.accounts.import(import, By::Central).await.unwrap_err();
        assert!(error.downcast_ref::<accounts::FeedRefused>().is_some(), "{name}: {error:#}");
        assert!(format!("{error:#}").contains(expected), "{name}: {error:#}");
    }
    assert_eq!(central.accounts.feeds(9).await.unwrap().len(), 1);
    assert_eq!(central.accounts.last_delivery(&here).await.unwrap(), Some(1));
}

async fn a_record_that_cannot_be_taken_is_told_by_kind_and_makes_nobody_leave(place: Where) {
    let central = Central::start(&place).await;
    let here = uai("0809999Z");
    let _state = central.enrol(&here).await;
    central.give(&pupils(20), &[]).await;
    let mut text = "id,family,given,role,classes,school\n".to_owned();
    for number in 1..=20 {
        let family = if number == 7 { "" } else { "EXEMPLE" };
        writeln!(text, "P{number},{family},Élève {number},eleve,6A,0809999Z").unwrap();
    }
    let given = central.bring_text(&text, Intent::Give, &[]).await.unwrap();
    let [records] = &given.refused[..] else { panic!("{:?}", given.refused) };
    assert_eq!((records.kind.as_str(), records.field.as_str(), records.count), ("missing", "family", 1));
    assert_eq!(records.places, ["feed.csv:8"]);
    assert_eq!(central.accounts.records(given.feed.unwrap()).await.unwrap(), given.refused);
    let counts = sent(&given.schools[0].1).3;
    assert_eq!((counts.leaving, counts.unchanged + counts.changed), (0, 20));
}
