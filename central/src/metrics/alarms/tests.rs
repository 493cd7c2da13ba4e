//! Alarms, said once and once more when they are over: to a real server, and to a program that takes mail.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc, time::Duration};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use preau::model::Moment;
use serde_json::Value;
use tokio::{net::TcpListener, sync::Mutex, task::JoinSet};

use super::{
    Mail, PART,
    judge::Alarm,
    send,
    settings::Way,
    standing::{self, News},
};
use crate::database::{Database, trial};

const NOON: Moment = Moment::from_unix_seconds(1_780_000_000);

fn alarm(what: &str) -> Alarm {
    Alarm { what: what.to_owned(), severity: "wrong", sentence: format!("{what} is wrong") }
}

fn minute(count: u64) -> Moment {
    NOON + Duration::from_secs(60 * count)
}

/// What is to be said at `at`; it is then said.
async fn said(database: &Database, alarms: &[Alarm], at: Moment) -> Vec<(String, bool)> {
    let mut write = database.write().await.unwrap();
    let news = standing::follow(&mut write, "webhook", alarms, at).await.unwrap();
    standing::told(&mut write, "webhook", &news).await.unwrap();
    write.commit().await.unwrap();
    news.into_iter().map(|news| (news.what, news.ended.is_some())).collect()
}

async fn database(dir: &Path) -> Database {
    Database::open(&trial::location(&dir.join("x")).await, &[PART]).await.unwrap()
}

#[tokio::test]
async fn what_stands_is_said_once_and_once_more_when_it_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let database = database(dir.path()).await;
    let alarms = [alarm("release/3")];
    assert_eq!(said(&database, &alarms, minute(0)).await, []);
    assert_eq!(said(&database, &alarms, minute(2)).await, [("release/3".to_owned(), false)]);
    for later in [3, 9, 500] {
        assert_eq!(said(&database, &alarms, minute(later)).await, []);
    }
    assert_eq!(said(&database, &[], minute(501)).await, []);
    assert_eq!(said(&database, &[], minute(506)).await, [("release/3".to_owned(), true)]);
    assert_eq!(said(&database, &[], minute(507)).await, []);
}

#[tokio::test]
async fn what_comes_and_goes_is_not_said() {
    let dir = tempfile::tempdir().unwrap();
    let database = database(dir.path()).await;
    let alarms = [alarm("school/0809999Z/silent")];
    for round in 0..20 {
        assert_eq!(said(&database, &alarms, minute(2 * round)).await, []);
        assert_eq!(said(&database, &[], minute(2 * round + 1)).await, []);
    }
    said(&database, &alarms, minute(100)).await;
    assert_eq!(said(&database, &alarms, minute(102)).await.len(), 1);
    for round in 103..120 {
        let there = if round % 2 == 0 { &alarms[..] } else { &[] };
        assert_eq!(said(&database, there, minute(round)).await, []);
    }
}

#[tokio::test]
async fn what_could_not_be_said_is_said_by_whoever_comes_two_minutes_later() {
    let dir = tempfile::tempdir().unwrap();
    let database = database(dir.path()).await;
    let alarms = [alarm("channel/keys-wrong")];
    said(&database, &alarms, minute(0)).await;
    for (at, count) in [(2, 1), (3, 0), (4, 1)] {
        let mut write = database.write().await.unwrap();
        let news = standing::follow(&mut write, "webhook", &alarms, minute(at)).await.unwrap();
        write.commit().await.unwrap();
        assert_eq!(news.len(), count, "at minute {at}");
    }
    // The other way stands for itself.
    let mut write = database.write().await.unwrap();
    assert_eq!(standing::follow(&mut write, "mail", &alarms, minute(4)).await.unwrap(), []);
}

fn news(count: usize) -> Vec<News> {
    let news = |number| News {
        what: format!("school/{number}/silent"),
        severity: "wrong".to_owned(),
        sentence: format!("{number} Collège d'Exemple\r\nBcc: x is not heard"),
        since: NOON,
        ended: (number == 0).then_some(NOON),
    };
    (0..count).map(news).collect()
}

type Heard = Arc<Mutex<Vec<(StatusCode, Value)>>>;

async fn hear(State(heard): State<Heard>, body: String) -> StatusCode {
    let mut heard = heard.lock().await;
    let status = if heard.is_empty() { StatusCode::BAD_GATEWAY } else { StatusCode::NO_CONTENT };
    heard.push((status, serde_json::from_str(&body).unwrap()));
    status
}

#[tokio::test]
async fn a_webhook_gets_what_began_and_what_is_over_and_its_refusal_is_an_error() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/hook?secret=s3", listener.local_addr().unwrap()).parse().unwrap();
    let heard = Heard::default();
    let router = Router::new().route("/hook", post(hear)).with_state(Arc::clone(&heard));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await });
    let (http, news) = (send::client().unwrap(), news(3));
    let way = Way::Webhook(&url);
    let refused = send::send(&http, way, "Académie d'Exemple", &news, NOON).await.unwrap_err();
    assert!(format!("{refused:#}").contains("502"), "{refused:#}");
    send::send(&http, way, "Académie d'Exemple", &news, NOON).await.unwrap();
    let heard = heard.lock().await;
    let (_, body) = &heard[1];
    assert_eq!((body["began"].as_array().unwrap().len(), body["over"].as_array().unwrap().len()), (2, 1));
    assert_eq!(body["began"][0]["what"], "school/1/silent");
    tasks.shutdown().await;
    let gone = send::send(&http, way, "Académie d'Exemple", &news, NOON).await.unwrap_err();
    assert!(!format!("{gone:#}").contains("s3"), "{gone:#}");
}

#[tokio::test]
async fn mail_goes_through_a_program_as_sendmail_takes_it_and_no_text_leaves_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("sendmail");
    let script = "#!/bin/sh\ncd \"$(dirname \"$0\")\"\necho \"$@\" > arguments\ncat > message\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let to = vec!["dsi@exemple.example".to_owned()];
    let mail = Mail { program, from: "preau@exemple.example".to_owned(), to };
    let http = send::client().unwrap();
    send::send(&http, Way::Mail(&mail), "Académie d'Exemple", &news(150), NOON).await.unwrap();
    let arguments = fs::read_to_string(dir.path().join("arguments")).unwrap();
    assert_eq!(arguments, "-i -f preau@exemple.example -- dsi@exemple.example\n");
    let message = fs::read_to_string(dir.path().join("message")).unwrap();
    assert!(message.contains("Subject: Preau: 149 new, 1 over\r\n"), "{message}");
    assert!(message.contains("and 50 more"), "{message}");
    assert!(!message.lines().any(|line| line.starts_with("Bcc")), "{message}");
    fs::write(&mail.program, "#!/bin/sh\ncat > /dev/null\nexit 75\n").unwrap();
    let failed = send::send(&http, Way::Mail(&mail), "x", &news(1), NOON).await.unwrap_err();
    assert!(format!("{failed:#}").contains("75"), "{failed:#}");
}
