//! What each may decide for whom, and what becomes of it: acts of a small school on its own disk and clock.

mod academie;
mod repairs;

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    Act, Actor, Answer, Decision, Granted, Lasts, NotDone, Openings, Request, Requests, Running, State,
    Store, Whom, Wish, may,
};
use crate::{
    identity::{Directory, Identity, test_school},
    model::{
        Account, AccountId, ClassName, ClockTrust, DefaultVerdict, Device, DeviceKind, Mac, Moment, Quic,
        RoomName, SignIn, Site, Subject, Zone, ZoneKind,
    },
    policy::{Mode, Policy, Question, RuleFile, Verdict},
    system::{clock::Clock, ratchet::Doubt},
};

const HASH: &str =
    "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const PEOPLE: &str = "alix,eleve,6A|chorale
camille,eleve,6B
durand,enseignant,6A|6B
martin,enseignant,6B
sacha,administratif,
robin,referent,
charlie,invite,";

const RULES: [&str; 2] = [
    "version = 1\nlevel = 'academie'\nname = 'x'\n[[rule]]\nid = 'a'\neffect = 'block'\nlocked = true\n\
     sites = ['interdit.example']\nreason = 'Non.'\n",
    "version = 1\nlevel = 'etablissement'\nname = 'x'\n[[rule]]\nid = 'b'\neffect = 'block'\n\
     sites = ['jeux.example']\nreason = 'Non.'\n",
];

/// A school with two classes and a room.
struct School {
    under: test_school::School,
    identity: Identity,
    rules: watch::Receiver<Arc<Policy>>,
    zone: Arc<Zone>,
    openings: Openings,
    requests: Requests,
}

impl School {
    fn open() -> Self {
        Self::on(test_school::School::new())
    }

    fn on(under: test_school::School) -> Self {
        let identity = under.open();
        let lines = PEOPLE.lines().map(|line| {
            let fields: Vec<_> = line.split(',').collect();
            format!("{0},{0},{0},{1},{2},\"{HASH}\"\n", fields[0], fields[1], fields[2])
        });
        let csv = format!("id,login,name,role,classes,password\n{}", lines.collect::<String>());
        identity.replace_directory(Directory::parse(csv.as_bytes()).unwrap());
        let machine = |number, kind| Device {
            mac: mac(number),
            name: format!("Poste {number}"),
            kind,
            room: Some(RoomName::new("12")),
        };
        let printer = machine(3, DeviceKind::Imprimante);
        identity.replace_devices(vec![
            machine(1, DeviceKind::Poste),
            machine(2, DeviceKind::Tableau),
            printer,
        ]);
        let files = RULES.map(|rules| RuleFile::parse(rules).unwrap());
        let (_, rules) = watch::channel(Arc::new(Policy::new(files.to_vec(), None).unwrap()));
        let zone = Arc::new(zone());
        let store = Store::open(under.dir.path(), under.clock.clone()).unwrap();
        let now = under.clock.now();
        let openings =
            Openings::open(store.clone(), identity.clone(), rules.clone(), vec![zone.clone()], now).unwrap();
        let requests = Requests::new(store, openings.clone());
        Self { under, identity, rules, zone, openings, requests }
    }

    /// The daemon's next start.
    fn restart(self) -> Self {
        let Self { under, .. } = self;
        Self::on(under)
    }

    fn now(&self) -> Moment {
        self.under.clock.now()
    }

    fn account(&self, name: &str) -> Arc<Account> {
        self.identity.account(&AccountId::new(name)).unwrap()
    }

    fn granted(&self, name: &str, act: Act) -> Granted {
        may(&Actor(self.account(name)), act).unwrap()
    }

    async fn decide(&self, who: &str, whom: Whom, decision: Decision) -> Result<Running, NotDone> {
        let granted = self.granted(who, Act::OpenForPupils);
        self.openings.begin(&granted, whom, decision, Lasts::Minutes(15), self.now()).await
    }

    async fn undo(&self, who: &str, number: i64) -> Result<Running, NotDone> {
        self.openings.undo(&self.granted(who, Act::OpenForPupils), number, self.now()).await
    }

    async fn ask(&self, who: &str, site: &str, class: Option<&str>) -> Result<i64, NotDone> {
        let (granted, site) = (self.granted(who, Act::AskToOpen), site.parse().unwrap());
        let class = class.map(ClassName::new);
        self.requests.ask(&granted, site, Wish::Open, class, "Pour l’exposé", self.now()).await
    }

    async fn answer(&self, who: &str, number: i64, answer: Answer) -> Result<Option<Running>, NotDone> {
        self.requests.answer(&self.granted(who, Act::AnswerRequests), number, answer, self.now()).await
    }

    async fn to_answer(&self, who: &str) -> Vec<Request> {
        self.requests.to_answer(&self.granted(who, Act::AnswerRequests)).await.unwrap()
    }

    /// Whether `who` at machine `number` reaches `site` by what is published.
    fn reaches(&self, who: &str, number: u8, site: &str) -> bool {
        let site: Site = site.parse().unwrap();
        let question = Question {
            subject: &Subject::Person(self.account(who)),
            machine: Some(mac(number)),
            zone: &self.zone,
            site: &site,
            path: None,
            at: self.now(),
            clock: ClockTrust::Trusted,
        };
        let policy = self.rules.borrow().with_openings(self.openings.openings().borrow().to_vec());
        matches!(policy.judge(&question), Verdict::Allow(_))
    }

    fn trail(&self) -> Vec<String> {
        let store = Store::open(self.under.dir.path(), self.under.clock.clone()).unwrap();
        let read = |on: &rusqlite::Connection| {
            let mut query = on.prepare("SELECT account || ': ' || what FROM trail ORDER BY number")?;
            query.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()
        };
        store.read_at_start(read).unwrap()
    }
}

fn mac(number: u8) -> Mac {
    Mac::new([2, 0, 0, 0, 0, number])
}

fn zone() -> Zone {
    Zone {
        name: "pedagogique".parse().unwrap(),
        kind: ZoneKind::Pedagogique,
        interface: "ped0".into(),
        ipv4: "10.10.0.1/22".parse().unwrap(),
        ipv6: "fd00:10::1/64".parse().unwrap(),
        sign_in: SignIn::Required,
        default: DefaultVerdict::Allow,
        quic: Quic::Reject,
        tunnel: crate::model::TunnelAccess::None,
        services: Vec::new(),
    }
}

fn class(name: &str) -> Whom {
    Whom::Class(ClassName::new(name))
}

fn pupil(name: &str) -> Whom {
    Whom::Pupil(AccountId::new(name))
}

fn room(name: &str) -> Whom {
    Whom::Room(RoomName::new(name))
}

/// A refusal's kind in a word.
fn kind<T>(result: Result<T, NotDone>) -> &'static str {
    match result {
        Ok(_) => "yes",
        Err(NotDone::NotYours) => "not theirs",
        Err(NotDone::Unknown) => "unknown",
        Err(NotDone::Lasting) => "lasting",
        Err(NotDone::Sites) => "sites",
        Err(NotDone::TooMany) => "too many",
        Err(NotDone::Text) => "text",
        Err(NotDone::Locked { .. }) => "locked",
        Err(NotDone::Disk(_)) => "disk",
    }
}

#[tokio::test]
async fn each_decides_for_their_own_classes_and_pupils_and_for_rooms() {
    let school = School::open();
    for (whom, [durand, martin, robin]) in [
        (class("6A"), ["yes", "not theirs", "yes"]),
        (class("6B"), ["yes", "yes", "yes"]),
        (class("chorale"), ["not theirs", "not theirs", "yes"]),
        (class("7Z"), ["not theirs", "not theirs", "unknown"]),
        (room("12"), ["yes", "yes", "yes"]),
        (room("13"), ["unknown", "unknown", "unknown"]),
        (pupil("alix"), ["yes", "not theirs", "yes"]),
        (pupil("camille"), ["yes", "yes", "yes"]),
        // Colleagues, offices and visitors are nobody's to close.
        (pupil("martin"), ["not theirs", "not theirs", "unknown"]),
        (pupil("sacha"), ["not theirs", "not theirs", "unknown"]),
        (pupil("nobody"), ["not theirs", "not theirs", "unknown"]),
    ] {
        for (who, expected) in [("durand", durand), ("martin", martin), ("robin", robin)] {
            let done = school.decide(who, whom.clone(), Decision::Close).await;
            assert_eq!(kind(done), expected, "{who}, {whom:?}");
            assert_eq!(kind(whom.may_be_decided_by(&school.account(who), &school.identity)), expected);
        }
        for who in ["alix", "sacha", "charlie"] {
            let refused = whom.may_be_decided_by(&school.account(who), &school.identity);
            assert_eq!(kind(refused), "not theirs", "{who}, {whom:?}");
        }
    }
}

#[tokio::test]
async fn the_proof_of_one_act_is_none_of_another() {
    let school = School::open();
    let sees = school.granted("durand", Act::SeeClasses);
    let begun =
        school.openings.begin(&sees, class("6A"), Decision::Open, Lasts::Minutes(5), school.now()).await;
    assert_eq!(kind(begun), "not theirs");
    assert_eq!(kind(school.requests.own(&sees).await), "not theirs");
    assert_eq!(kind(school.requests.to_answer(&sees).await), "not theirs");
}

#[tokio::test]
async fn what_is_decided_counts_at_once_ends_by_itself_and_outlives_a_restart() {
    let school = School::open();
    let site = Decision::OpenSite("jeux.example".parse().unwrap());
    school.decide("durand", class("6A"), site).await.unwrap();
    assert!(school.reaches("alix", 9, "www.jeux.example") && !school.reaches("camille", 9, "jeux.example"));
    let school = school.restart();
    assert!(school.reaches("alix", 9, "jeux.example"));
    assert_eq!(school.trail(), ["durand: ouvre jeux.example, classe 6A, 15 min"]);
    school.under.wait(Duration::from_secs(15 * 60));
    assert!(!school.reaches("alix", 9, "jeux.example"));
    let school = school.restart();
    assert!(school.openings.running().borrow().is_empty());
}

#[tokio::test]
async fn whoever_could_have_decided_may_undo() {
    let school = School::open();
    for (who, expected) in [("martin", "not theirs"), ("durand", "yes"), ("robin", "yes")] {
        let running = school.decide("durand", class("6A"), Decision::Close).await.unwrap();
        assert_eq!(kind(school.undo(who, running.number).await), expected, "{who}");
        let left = school.openings.running().borrow().len();
        assert_eq!(left == 0, expected == "yes", "{who}");
        if left > 0 {
            school.undo("durand", running.number).await.unwrap();
        }
    }
    assert_eq!(kind(school.undo("robin", 999).await), "unknown");
    assert!(school.reaches("alix", 9, "libre.example"));
    assert_eq!(school.trail().last().unwrap(), "robin: annule : ferme le web, classe 6A, 15 min");
}

#[tokio::test]
async fn a_room_is_its_machines_without_its_printer_whoever_registers_them_later() {
    let school = School::open();
    school.decide("martin", room("12"), Decision::Close).await.unwrap();
    assert!(!school.reaches("alix", 1, "libre.example") && !school.reaches("camille", 2, "libre.example"));
    assert!(school.reaches("alix", 3, "libre.example") && school.reaches("alix", 9, "libre.example"));
    assert!(school.reaches("durand", 1, "libre.example"), "whoever teaches there works on");
    let stop = CancellationToken::new();
    let mut openings = school.openings.openings();
    openings.mark_unchanged();
    let story = async {
        tokio::task::yield_now().await;
        let device = Device {
            mac: mac(9),
            name: "Neuf".to_owned(),
            kind: DeviceKind::Poste,
            room: Some(RoomName::new("12")),
        };
        school.identity.replace_devices_of_pages(vec![device]);
        tokio::time::timeout(Duration::from_secs(5), openings.changed()).await.unwrap().unwrap();
        stop.cancel();
    };
    let (served, ()) =
        tokio::join!(school.openings.clone().serve(school.under.clock.clone(), stop.clone()), story);
    served.unwrap();
    assert!(!school.reaches("alix", 9, "libre.example"));
}

#[tokio::test]
async fn no_site_is_promised_that_stays_closed() {
    let school = School::open();
    for decision in [
        Decision::OpenSite("www.interdit.example".parse().unwrap()),
        Decision::Exam(vec!["libre.example".parse().unwrap(), "interdit.example".parse().unwrap()]),
        Decision::OpenSite("mask.icloud.com".parse().unwrap()),
    ] {
        for whom in [class("6A"), pupil("alix"), room("12")] {
            let refused = school.decide("robin", whom, decision.clone()).await;
            assert_eq!(kind(refused), "locked", "{decision:?}");
        }
    }
    assert!(school.trail().is_empty() && school.openings.running().borrow().is_empty());
}

#[tokio::test]
async fn an_exam_leaves_its_sites_and_no_more_and_sites_are_bounded() {
    let school = School::open();
    let site = |number: usize| format!("s{number}.example").parse().unwrap();
    let too_many = Decision::Exam((0..31).map(site).collect());
    assert_eq!(kind(school.decide("durand", class("6A"), too_many).await), "sites");
    let exam = Decision::Exam(vec!["jeux.example".parse().unwrap()]);
    school.decide("durand", class("6A"), exam).await.unwrap();
    assert!(school.reaches("alix", 9, "jeux.example") && !school.reaches("alix", 9, "libre.example"));
    assert!(!school.reaches("alix", 9, "interdit.example"));
    school.decide("robin", pupil("alix"), Decision::Open).await.unwrap();
    assert!(!school.reaches("alix", 9, "libre.example"), "an exam is heard before what is decided beside it");
}

#[tokio::test]
async fn decisions_are_bounded_in_time_and_number() {
    let school = School::open();
    let durand = school.granted("durand", Act::OpenForPupils);
    for (decision, lasts, expected) in [
        (Decision::Open, Lasts::Minutes(0), "lasting"),
        (Decision::Open, Lasts::Minutes(181), "lasting"),
        (Decision::Open, Lasts::Evening, "lasting"),
        (Decision::Open, Lasts::Lesson, "lasting"),
        (Decision::OpenSite("jeux.example".parse().unwrap()), Lasts::Evening, "yes"),
    ] {
        let begun = school.openings.begin(&durand, class("6A"), decision, lasts, school.now()).await;
        assert_eq!(kind(begun), expected, "{lasts:?}");
    }
    for _ in 1..200 {
        school.decide("durand", class("6A"), Decision::Open).await.unwrap();
    }
    assert_eq!(kind(school.decide("durand", class("6A"), Decision::Open).await), "too many");
}

#[tokio::test]
async fn a_site_that_several_of_a_class_ask_for_is_one_request() {
    let school = School::open();
    let first = school.ask("alix", "jeux.example", Some("6A")).await.unwrap();
    assert_eq!(school.ask("alix", "jeux.example", Some("6A")).await.unwrap(), first);
    let other = school.ask("camille", "jeux.example", Some("6B")).await.unwrap();
    assert_ne!(other, first);
    // People without a class ask each alone.
    let alone =
        [school.ask("sacha", "jeux.example", None).await, school.ask("martin", "jeux.example", None).await];
    assert_ne!(alone[0].as_ref().unwrap(), alone[1].as_ref().unwrap());
    let sites = |requests: Vec<Request>| requests.iter().map(|request| request.number).collect::<Vec<_>>();
    assert_eq!(sites(school.to_answer("martin").await), [other]);
    assert_eq!(sites(school.to_answer("durand").await), [other, first]);
    assert_eq!(school.to_answer("robin").await.len(), 4);
    for (who, class) in [("alix", "6B"), ("martin", "6B"), ("sacha", "6A")] {
        assert_eq!(kind(school.ask(who, "a.example", Some(class)).await), "not theirs", "{who}");
    }
}

#[tokio::test]
async fn an_answer_opens_for_the_class_and_the_pupil_sees_it() {
    let school = School::open();
    let number = school.ask("alix", "jeux.example", Some("6A")).await.unwrap();
    assert_eq!(kind(school.answer("martin", number, Answer::PassOn(String::new())).await), "unknown");
    let opened = school.answer("durand", number, Answer::Open(Lasts::Minutes(30))).await.unwrap().unwrap();
    assert!(school.reaches("alix", 9, "jeux.example"));
    assert_eq!(opened.mode, Mode::Open(Some(vec!["jeux.example".parse().unwrap()])));
    let own = school.requests.own(&school.granted("alix", Act::AskToOpen)).await.unwrap();
    assert_eq!(own[0].state, State::Opened { at: school.now(), until: opened.until });
    // Once answered it is answered; asking again is another request.
    assert_eq!(kind(school.answer("durand", number, Answer::PassOn(String::new())).await), "unknown");
    school.undo("durand", opened.number).await.unwrap();
    assert_ne!(school.ask("alix", "jeux.example", Some("6A")).await.unwrap(), number);
    assert!(school.requests.own(&school.granted("camille", Act::AskToOpen)).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_for_somebody_without_a_class_opens_for_them_alone() {
    let school = School::open();
    let number = school.ask("sacha", "jeux.example", None).await.unwrap();
    school.answer("robin", number, Answer::Open(Lasts::Evening)).await.unwrap();
    assert!(school.reaches("sacha", 9, "jeux.example") && !school.reaches("martin", 9, "jeux.example"));
}

#[tokio::test]
async fn what_is_locked_is_refused_or_passed_on_and_never_opened() {
    let school = School::open();
    let number = school.ask("alix", "interdit.example", Some("6A")).await.unwrap();
    let refused = school.answer("durand", number, Answer::Open(Lasts::Minutes(5))).await;
    assert_eq!(kind(refused), "locked");
    school.answer("durand", number, Answer::PassOn(String::new())).await.unwrap();
    let school = school.restart();
    assert_eq!(
        school.to_answer("robin").await[0].state,
        State::PassedOn { at: school.now(), word: String::new() }
    );
    let number = school.ask("alix", "jeux.example", Some("6A")).await.unwrap();
    let long = Answer::Refuse("x".repeat(301));
    assert_eq!(kind(school.answer("durand", number, long).await), "text");
    school.answer("durand", number, Answer::Refuse(" Pas\n\tmaintenant. ".to_owned())).await.unwrap();
    let own = school.requests.own(&school.granted("alix", Act::AskToOpen)).await.unwrap();
    assert_eq!(own[0].state, State::Refused { at: school.now(), reason: "Pas maintenant.".to_owned() });
}

#[tokio::test]
async fn requests_are_bounded_and_go_after_thirty_days() {
    let school = School::open();
    for number in 0..10 {
        school.ask("alix", &format!("a{number}.example"), Some("6A")).await.unwrap();
    }
    assert_eq!(kind(school.ask("alix", "b.example", Some("6A")).await), "too many");
    assert_eq!(school.to_answer("durand").await.len(), 10);
    assert_eq!(kind(school.ask("alix", "a3.example", Some("6A")).await), "yes");
    school.under.wait(Duration::from_secs(31 * 24 * 3600));
    assert_eq!(kind(school.ask("alix", "b.example", Some("6A")).await), "yes");
    assert_eq!(school.to_answer("durand").await.len(), 1);
}

#[tokio::test]
async fn the_end_of_a_decision_is_published() {
    let school = School::open();
    school.decide("durand", class("6A"), Decision::Close).await.unwrap();
    let begun = std::time::Duration::from_secs(15 * 60) - Duration::from_millis(100);
    school.under.wait(begun);
    let (under, stop) = (&school.under, CancellationToken::new());
    let clock = under.clock.clone();
    let mut running = school.openings.running();
    running.mark_unchanged();
    let story = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        under.wait(Duration::from_secs(1));
        tokio::time::timeout(Duration::from_secs(5), running.changed()).await.unwrap().unwrap();
        assert!(running.borrow().is_empty());
        stop.cancel();
    };
    let serving = school.openings.clone().serve(Clock::clone(&clock), stop.clone());
    let (served, ()) = tokio::join!(serving, story);
    served.unwrap();
}

#[tokio::test]
async fn what_was_decided_under_a_clock_that_ran_ahead_does_not_begin_again_at_its_hour() {
    let school = School::open();
    let four_hours = Duration::from_secs(4 * 3600);
    school.under.wait(four_hours);
    let ahead = school.decide("durand", class("6A"), Decision::Open).await.unwrap();
    school.under.set_back(four_hours);
    let stop = CancellationToken::new();
    let clock = school.under.clock.clone();
    let mut running = school.openings.running();
    // In doubt about the clock nothing ends for good.
    clock.set_doubt(Some(Doubt::Behind(ahead.from)));
    let serving = school.openings.clone().serve(Clock::clone(&clock), stop.clone());
    let story = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(running.borrow().len(), 1);
        clock.set_doubt(None);
        let ended = running.wait_for(|running| running.is_empty());
        tokio::time::timeout(Duration::from_secs(5), ended).await.unwrap().unwrap();
        stop.cancel();
    };
    let (served, ()) = tokio::join!(serving, story);
    served.unwrap();
    school.openings.publish(ahead.from).await.unwrap();
    assert_eq!(school.openings.find(ahead.number), None);
}

#[tokio::test]
async fn one_act_under_a_clock_in_doubt_takes_nothing_away() {
    let school = School::open();
    school.ask("alix", "a.example", Some("6A")).await.unwrap();
    let before = school.trail().len();
    school.under.clock.set_doubt(Some(Doubt::LongAfterProgram));
    school.under.wait(Duration::from_secs(40 * 365 * 24 * 3600));
    school.ask("alix", "b.example", Some("6A")).await.unwrap();
    assert_eq!((school.to_answer("durand").await.len(), school.trail().len()), (2, before + 1));
    // Believed again it is as old as it says.
    school.under.clock.set_doubt(None);
    school.ask("alix", "c.example", Some("6A")).await.unwrap();
    assert_eq!(school.to_answer("durand").await.len(), 2);
}
