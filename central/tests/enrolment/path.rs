//! The whole path: token, enrolment, renewal, replacement, revocation.

use std::{os::unix::fs::PermissionsExt as _, time::Duration};

use preau::{
    protocol::enrolment::{Renewed, Setup},
    sync::{
        EnrolError, Enrolment, Renewal, Replace,
        client::{CallError, Client},
        enrol, keeping,
    },
    system::ratchet::Doubt,
};
use preau_central::{
    audit,
    authority::{self, AWAY_MAX, By, TOKEN_LIFE},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::scene::{DAY, Hands, NAME, Scene, loopback, other_school, school};

#[tokio::test]
async fn a_token_makes_a_machine_the_box_of_its_school() {
    let scene = Scene::new().await;
    let (kept, client) = scene.enrolled().await;
    assert_eq!((kept.school.clone(), kept.school_name.as_str()), (school(), "Collège d'Exemple"));
    assert_eq!(scene.get(&client, "v1/whoami").await, (200, "\"0809999Z\"".into()));
    assert_eq!(scene.kept().certificate_ends, kept.certificate_ends);
    let central_dir = scene.dir.path().join("central");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&central_dir), 0o700);
    assert_eq!(mode(&central_dir.join("enrolment.json")), 0o600);
    assert!(!central_dir.join("enrolling.json").exists());
    assert!(central_dir.join("root.json").exists());
    let key = scene.authority.sealing_key(&school()).await.unwrap().unwrap();
    assert_eq!(key.fingerprint, blake3::hash(&key.key).to_hex().to_string());
    let filter = audit::Filter::default();
    let acts: Vec<_> = audit::read(&scene.database, &filter, None).await.unwrap();
    let acts: Vec<&str> = acts.iter().map(|line| line.act.as_str()).collect();
    assert!(acts.contains(&"token-given") && acts.contains(&"box-enrolled"), "{acts:?}");
}

#[tokio::test]
async fn a_token_is_good_once_but_a_lost_answer_can_be_asked_for_again() {
    let scene = Scene::new().await;
    let token = scene.token().await;
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    scene.enrol(&token, one.path()).await.unwrap();
    assert_refused(scene.enrol(&token, other.path()).await, "used already");
    // The answer was lost: the keys are there, the enrolment is not.
    let lost = tempfile::tempdir().unwrap();
    let token = scene.replacing_token().await;
    scene.enrol(&token, lost.path()).await.unwrap();
    let central_dir = lost.path().join("central");
    let written: serde_json::Value =
        serde_json::from_slice(&std::fs::read(central_dir.join("enrolment.json")).unwrap()).unwrap();
    let enrolling = serde_json::json!({
        "token": blake3::hash(token.secret.as_bytes()).to_hex().to_string(),
        "key": written["key"], "sealing_key": written["sealing_key"], "tunnel_key": written["tunnel_key"],
    });
    std::fs::remove_file(central_dir.join("enrolment.json")).unwrap();
    std::fs::write(central_dir.join("enrolling.json"), enrolling.to_string()).unwrap();
    scene.hands.pass(Duration::from_secs(3000));
    scene.enrol(&token, lost.path()).await.unwrap();
    std::fs::remove_file(central_dir.join("enrolment.json")).unwrap();
    std::fs::write(central_dir.join("enrolling.json"), enrolling.to_string()).unwrap();
    scene.hands.pass(Duration::from_secs(3000));
    assert_refused(scene.enrol(&token, lost.path()).await, "used already");
}

#[tokio::test]
async fn an_expired_a_withdrawn_and_a_followed_token_are_refused() {
    let scene = Scene::new().await;
    let dir = tempfile::tempdir().unwrap();
    let first = scene.token().await;
    let second = scene.token().await;
    assert_refused(scene.enrol(&first, dir.path()).await, "not known");
    scene.hands.pass(TOKEN_LIFE);
    assert_refused(scene.enrol(&second, dir.path()).await, "expired");
    let third = scene.token().await;
    assert!(scene.authority.living_token(&school()).await.unwrap().is_some());
    let mut write = scene.database.write().await.unwrap();
    assert!(scene.authority.withdraw_token(&mut write, By::Central, &school()).await.unwrap());
    write.commit().await.unwrap();
    assert_refused(scene.enrol(&third, dir.path()).await, "not known");
}

#[tokio::test]
async fn a_token_for_another_school_changes_nothing() {
    let scene = Scene::new().await;
    let token = scene.token().await;
    let configured = other_school();
    let enrolment = Enrolment {
        token: &token,
        configured: Some(&configured),
        state_dir: scene.dir.path(),
        replace: Replace::Nothing,
    };
    let said = enrol(&enrolment, scene.box_hands.clock(), loopback(), |_| {}).await.unwrap_err().to_string();
    assert!(said.contains("is for 0809999Z") && said.contains("is for 0800001A"), "{said}");
    let mut forged = token.clone();
    forged.school = other_school().as_str().to_owned();
    assert_refused(scene.enrol(&forged, scene.dir.path()).await, "another school");
    scene.enrol(&token, scene.dir.path()).await.unwrap();
}

#[tokio::test]
async fn a_living_enrolment_is_not_written_over() {
    let scene = Scene::new().await;
    scene.enrolled().await;
    let token = scene.replacing_token().await;
    let error = scene.enrol(&token, scene.dir.path()).await.unwrap_err();
    assert!(matches!(error, EnrolError::Enrolled(_)), "{error}");
}

#[tokio::test]
async fn whoever_is_not_the_central_of_the_token_is_told_from_it() {
    let scene = Scene::new().await;
    let mut token = scene.token().await;
    token.authority = "00".repeat(32);
    let error = scene.enrol(&token, scene.dir.path()).await.unwrap_err();
    assert!(matches!(error, EnrolError::NotCentral(_)), "{error:?}");
    let mut token = scene.token().await;
    token.root = "00".repeat(32);
    let error = scene.enrol(&token, scene.dir.path()).await.unwrap_err();
    assert!(matches!(error, EnrolError::Answer(_)), "{error:?}");
    let mut token = scene.replacing_token().await;
    token.central = "https://central.test:1".into();
    let error = scene.enrol(&token, scene.dir.path()).await.unwrap_err();
    assert!(matches!(error, EnrolError::Unreachable(..)), "{error:?}");
}

#[tokio::test]
async fn a_wrong_clock_is_told_at_enrolment() {
    let scene = Scene::new().await;
    let token = scene.token().await;
    for seconds in [86_400, 4_070_908_800] {
        scene.box_hands.set(seconds);
        let error = scene.enrol(&token, scene.dir.path()).await.unwrap_err();
        assert!(matches!(error, EnrolError::Clock(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_box_that_doubts_its_clock_still_reaches_central() {
    let scene = Scene::new().await;
    let (kept, _) = scene.enrolled().await;
    for seconds in [86_400, 4_070_908_800] {
        let hands = Hands::new();
        hands.set(seconds);
        let clock = hands.clock();
        let client = Client::new(&kept, clock.clone(), loopback()).unwrap();
        let asked = client.put::<()>("v1/setup", &setup(), Duration::from_secs(5)).await;
        assert!(matches!(asked, Err(CallError::Unreachable(_))), "a clock that is believed decides");
        clock.set_doubt(Some(Doubt::BeforeProgram));
        client.put::<()>("v1/setup", &setup(), Duration::from_secs(5)).await.unwrap();
    }
}

#[tokio::test]
async fn a_certificate_is_renewed_and_swapped_while_the_box_runs() {
    let scene = Scene::new().await;
    let (kept, client) = scene.enrolled().await;
    let (hands, ends) = (scene.box_hands.clone(), kept.certificate_ends);
    let renewal = Renewal::new(scene.dir.path().to_owned(), kept, client.clone(), hands.clock()).unwrap();
    let (mut kept, wish) = (renewal.kept(), renewal.wish());
    let stop = CancellationToken::new();
    let mut tasks = tokio::task::JoinSet::new();
    for hands in [&scene.hands, &hands] {
        hands.pass(DAY * 10);
    }
    tasks.spawn(renewal.serve(stop.clone()));
    wish.notify_one();
    timeout(Duration::from_secs(10), kept.changed()).await.unwrap().unwrap();
    assert_eq!(kept.borrow().certificate_ends, ends + DAY * 10);
    assert_eq!(scene.kept().certificate_ends, ends + DAY * 10);
    // The first one ends, the second holds.
    scene.hands.pass(DAY * 25);
    scene.box_hands.pass(DAY * 25);
    assert_eq!(scene.get(&client, "v1/whoami").await.0, 200);
    stop.cancel();
    tasks.join_next().await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_box_that_was_off_for_the_summer_renews_by_itself_and_does_nothing_else_before() {
    let scene = Scene::new().await;
    let (kept, client) = scene.enrolled().await;
    scene.hands.pass(DAY * 80);
    scene.box_hands.pass(DAY * 80);
    let (status, text) = scene.get(&client, "v1/whoami").await;
    assert_eq!(status, 403);
    assert!(text.contains("certificate-ended"), "{text}");
    let renewed: Renewed = renew(&client).await.unwrap();
    assert!(renewed.certificate.contains("BEGIN CERTIFICATE"));
    let until_too_long = AWAY_MAX - DAY * 50;
    scene.hands.pass(until_too_long);
    scene.box_hands.pass(until_too_long);
    let client = Client::new(&kept, scene.box_hands.clock(), loopback()).unwrap();
    // Central itself has another certificate by then.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(renew(&client).await.unwrap_err().code(), Some("revoked"));
}

#[tokio::test]
async fn a_box_that_takes_the_place_of_another_gets_its_setup_and_the_other_can_do_nothing_any_more() {
    let scene = Scene::new().await;
    let (_, stolen) = scene.enrolled().await;
    stolen.put::<()>("v1/setup", &setup(), Duration::from_secs(5)).await.unwrap();
    let mut write = scene.database.write().await.unwrap();
    let plain = scene.authority.give_token(&mut write, By::Central, &school()).await;
    assert!(plain.unwrap_err().to_string().contains("has a box"));
    drop(write);
    let token = scene.replacing_token().await;
    assert_eq!(scene.get(&stolen, "v1/whoami").await.0, 200, "until the token is used it goes on");
    let other = tempfile::tempdir().unwrap();
    let kept = scene.enrol(&token, other.path()).await.unwrap();
    assert_eq!(keeping::setup(other.path()).unwrap(), Some(setup()));
    let client = Client::new(&kept, scene.box_hands.clock(), loopback()).unwrap();
    assert_eq!(scene.get(&client, "v1/whoami").await.0, 200);
    let (status, text) = scene.get(&stolen, "v1/whoami").await;
    assert!(status == 403 && text.contains("revoked"), "{text}");
    assert_eq!(renew(&stolen).await.unwrap_err().code(), Some("revoked"));
}

#[tokio::test]
async fn a_revoked_box_can_do_nothing_at_once_and_its_waiting_requests_are_cut() {
    let scene = Scene::new().await;
    let (_, client) = scene.enrolled().await;
    assert_eq!(scene.get(&client, "v1/whoami").await.0, 200);
    scene.revoke().await;
    // A connection that stands at that moment is cut; on the next one the box is told why.
    let url = format!("https://{NAME}:{}/v1/whoami", scene.address.port());
    let told = async || client.http().get(&url).send().await.is_ok_and(|answer| answer.status() == 403);
    timeout(Duration::from_secs(2), async { while !told().await {} }).await.unwrap();
    for path in ["v1/whoami", "v1/repository/metadata/0809999Z/timestamp.json", "v1/repository/targets/a"] {
        assert_eq!(scene.get(&client, path).await.0, 403, "{path}");
    }
    assert_eq!(renew(&client).await.unwrap_err().code(), Some("revoked"));
    assert_eq!(scene.authority.sealing_key(&school()).await.unwrap(), None);
    let known = scene.authority.boxes().await.unwrap();
    assert!(known.first().unwrap().revoked.is_some());
}

#[tokio::test]
async fn certificates_are_not_given_without_end() {
    let scene = Scene::new().await;
    let (_, client) = scene.enrolled().await;
    let mut given = 0;
    let refused = loop {
        match renew(&client).await {
            Ok(_) => given += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((given, refused.code()), (23, Some("too-often")));
    scene.hands.pass(DAY + Duration::from_secs(1));
    assert!(renew(&client).await.is_ok());
}

#[tokio::test]
async fn one_authority_follows_another_and_no_box_is_lost() {
    let scene = Scene::new().await;
    let (kept, client) = scene.enrolled().await;
    let keys_dir = scene.dir.path().join("keys");
    authority::rotate(&keys_dir, scene.hands.clock().now()).unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    // The box hears of it with its next certificate.
    let renewed = renew(&client).await.unwrap();
    assert_eq!(renewed.authority.matches("BEGIN CERTIFICATE").count(), 2);
    let renewal =
        Renewal::new(scene.dir.path().to_owned(), kept, client.clone(), scene.box_hands.clock()).unwrap();
    let (mut kept, wish) = (renewal.kept(), renewal.wish());
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(renewal.serve(CancellationToken::new()));
    wish.notify_one();
    timeout(Duration::from_secs(10), kept.changed()).await.unwrap().unwrap();
    // It is off for as long as it may be, and meanwhile the other one signs.
    scene.hands.pass(AWAY_MAX);
    scene.box_hands.pass(AWAY_MAX);
    tokio::time::sleep(Duration::from_secs(6)).await;
    let kept = kept.borrow().clone();
    let client = Client::new(&kept, scene.box_hands.clock(), loopback()).unwrap();
    renew(&client).await.unwrap();
}

fn setup() -> Setup {
    let device = ["02:00:5e:10:00:01", "TBI salle 12", "tableau", "Salle 12"].map(str::to_owned);
    Setup { configuration: "version = 1\n".into(), devices: vec![device] }
}

async fn renew(client: &Client) -> Result<Renewed, CallError> {
    let key = rcgen::KeyPair::generate().unwrap();
    let request = rcgen::CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    client.post("v1/certificate", &serde_json::json!({ "request": request }), Duration::from_secs(10)).await
}

#[track_caller]
fn assert_refused<T>(outcome: Result<T, EnrolError>, sentence: &str) {
    match outcome {
        Err(EnrolError::Refused(said)) => assert!(said.contains(sentence), "{said}"),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was not refused"),
    }
}
