//! What is fetched ahead at night, from the list that the site gives.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use preau::ent::{
    Keep,
    warm::{Hinders, Hindrance, Settings, Told, Warmer},
};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, sync::watch, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::stage::{HOST, Stage, body, rule};

const FILM_BYTES: usize = 3_000_000;

const SITEMAP: &str = "<urlset>\
    <url><loc>https://ent.exemple.fr/lecon/1</loc></url><url><loc>https://ent.exemple.fr/lecon/2</loc></url>\
    <url><loc>https://ent.exemple.fr/prive</loc></url><url><loc>https://ent.exemple.fr/absent</loc></url>\
    <url><loc>https://ailleurs.exemple/x</loc></url></urlset>";

const MANIFEST: &str = r#"{"pages": ["/lecon/1"], "media": ["/film"]}"#;

/// A warmer at work on a stage. Ends with the test.
struct Work {
    told: watch::Receiver<Told>,
    stop: CancellationToken,
    _tasks: JoinSet<()>,
}

impl Work {
    fn begin(stage: &Stage, dir: &TempDir, from: &str, budget_bytes: u64, hinders: Hinders) -> Self {
        let settings = Settings { host: HOST.parse().unwrap(), from: from.to_owned(), budget_bytes };
        let warmer = Warmer::new(stage.cache.clone(), vec![settings], hinders, dir.path().join("warm"));
        let (told, stop, mut tasks) = (warmer.told(), CancellationToken::new(), JoinSet::new());
        let ends = stop.clone();
        tasks.spawn(async move { warmer.serve(ends).await.unwrap() });
        Self { told, stop, _tasks: tasks }
    }

    async fn until(&mut self, what: &str, is_so: impl FnMut(&Told) -> bool) -> Told {
        let waited = tokio::time::timeout(Duration::from_secs(20), self.told.wait_for(is_so)).await;
        let is_there = waited.is_ok();
        drop(waited);
        let last = self.told.borrow().clone();
        assert!(is_there, "{what}: {last}");
        last
    }
}

fn freely() -> Hinders {
    Arc::new(|| None)
}

fn answer(fields: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{fields}\r\n{body}", body.len())
}

/// A site with a sitemap and lessons.
fn lessons(head: &str) -> Vec<u8> {
    let path = head.split(' ').nth(1).unwrap_or_default();
    let lesson = format!("<!doctype html><p>{path}</p>");
    match path {
        "/sitemap.xml" => answer("Content-Type: text/xml\r\n", SITEMAP),
        "/prive" => answer("Cache-Control: private\r\n", "de quelqu'un"),
        "/absent" => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        _ => {
            answer("Content-Type: text/html\r\nCache-Control: public, max-age=2\r\nETag: \"a\"\r\n", &lesson)
        }
    }
    .into_bytes()
}

#[tokio::test]
async fn a_lesson_that_nobody_opened_is_there_when_the_line_is_cut() {
    let stage = Stage::answering(vec![rule(Keep::AsTold)], lessons).await;
    let dir = tempfile::tempdir().unwrap();
    let mut work = Work::begin(&stage, &dir, "/sitemap.xml", 1 << 30, freely());
    let told = work.until("all is warmed", |told| told.kept == 2 && told.refused() == 3).await;
    assert!(
        told.to_string().contains("2 kept, 1 MB, 1 of another site, 1 not for all, 1 not there"),
        "{told}"
    );
    let asked = stage.origin.all();
    assert_eq!(asked.len(), 5, "{asked:?}");
    assert!(asked.iter().all(|head| !head.to_lowercase().contains("cookie")), "{asked:?}");
    stage.cut_line().await;
    stage.wait(3600);
    let page = stage.get("/lecon/2", "Accept-Encoding: gzip, deflate, br\r\n").await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("/lecon/2"), "{page}");
    assert!(page.contains("la ligne est coup"), "{page}");
    assert!(stage.get("/prive", "").await.starts_with("HTTP/1.1 504"));
}

#[tokio::test]
async fn what_was_done_in_a_night_is_not_done_again_in_it_and_the_next_night_asks_whether_it_holds() {
    let stage = Stage::answering(vec![rule(Keep::AsTold)], lessons).await;
    let dir = tempfile::tempdir().unwrap();
    let mut work = Work::begin(&stage, &dir, "/sitemap.xml", 1 << 30, freely());
    work.until("all is warmed", |told| told.kept == 2 && told.refused() == 3).await;
    work.stop.cancel();
    sleep(Duration::from_millis(300)).await;
    let before = stage.origin.count();
    let mut again = Work::begin(&stage, &dir, "/sitemap.xml", 1 << 30, freely());
    again.until("the list is read again", |told| told.refused() == 1).await;
    sleep(Duration::from_millis(500)).await;
    assert_eq!(stage.origin.count() - before, 1, "the list alone");
    stage.wait(86_400);
    let told = again.until("the next night", |told| told.kept == 2 && told.refused() == 3).await;
    let asked = stage.origin.all();
    let renewed =
        asked[before + 1..].iter().filter(|head| head.to_lowercase().contains("if-none-match")).count();
    assert_eq!(renewed, 2, "{told}: {asked:?}");
}

#[tokio::test]
async fn a_budget_that_is_spent_ends_the_night() {
    let stage = Stage::answering(vec![rule(Keep::AsTold)], lessons).await;
    let dir = tempfile::tempdir().unwrap();
    let mut work = Work::begin(&stage, &dir, "/sitemap.xml", 300, freely());
    let told = work.until("the budget is spent", |told| told.is_spent).await;
    assert!(told.kept < 2, "{told}");
}

#[tokio::test]
async fn a_list_that_cannot_be_read_warms_nothing_and_is_told() {
    let stage = Stage::answering(vec![rule(Keep::AsTold)], lessons).await;
    let dir = tempfile::tempdir().unwrap();
    let mut work = Work::begin(&stage, &dir, "/lecon/1", 1 << 30, freely());
    let told = work.until("the list is told", |told| told.lists_unread == 1).await;
    assert_eq!((told.kept, stage.origin.count()), (0, 1));
}

/// A site with a film, which comes in pieces and can go on; `pace` is between two of them.
async fn film(head: String, mut stream: TcpStream, pace: Duration) -> Option<TcpStream> {
    if !head.starts_with("GET /film") {
        let text = if head.starts_with("GET /plan") {
            answer("", MANIFEST)
        } else {
            answer("Cache-Control: max-age=60\r\n", "x")
        };
        stream.write_all(text.as_bytes()).await.ok()?;
        return Some(stream);
    }
    let from = head.lines().find_map(|line| {
        line.to_lowercase()
            .strip_prefix("range: bytes=")
            .map(|range| range.trim_end_matches('-').parse::<usize>().unwrap())
    });
    let (status, first) = from.map_or(("200 OK", 0), |from| ("206 Partial Content", from));
    let told = from
        .map(|from| format!("Content-Range: bytes {from}-{}/{FILM_BYTES}\r\n", FILM_BYTES - 1))
        .unwrap_or_default();
    let fields = "ETag: \"film\"\r\nCache-Control: public, max-age=3600\r\n";
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{told}{fields}\r\n", FILM_BYTES - first);
    stream.write_all(head.as_bytes()).await.ok()?;
    let bytes: Vec<u8> = (first..FILM_BYTES).map(|place| u8::try_from(place % 251).unwrap()).collect();
    for piece in bytes.chunks(100_000) {
        stream.write_all(piece).await.ok()?;
        sleep(pace).await;
    }
    Some(stream)
}

#[tokio::test]
async fn a_film_stops_when_its_hours_end_and_goes_on_where_it_stopped() {
    let pace = Arc::new(Mutex::new(Duration::from_millis(100)));
    let stage = {
        let pace = Arc::clone(&pace);
        Stage::acting(vec![rule(Keep::AsTold)], move |head, stream| {
            let pace = *pace.lock().unwrap();
            Box::pin(film(head, stream, pace))
        })
        .await
    };
    let dir = tempfile::tempdir().unwrap();
    let is_closed = Arc::new(AtomicBool::new(false));
    let hinders: Hinders = {
        let is_closed = Arc::clone(&is_closed);
        Arc::new(move || is_closed.load(Ordering::SeqCst).then_some(Hindrance::Window))
    };
    let mut work = Work::begin(&stage, &dir, "/plan.json", 1 << 30, hinders);
    work.until("the page is there", |told| told.kept == 1).await;
    sleep(Duration::from_millis(900)).await;
    is_closed.store(true, Ordering::SeqCst);
    let told = work.until("it waits", |told| told.waits == Some(Hindrance::Window)).await;
    assert!((100_000..2_500_000).contains(&told.bytes), "{told:?}");
    sleep(Duration::from_millis(300)).await;
    *pace.lock().unwrap() = Duration::ZERO;
    is_closed.store(false, Ordering::SeqCst);
    let told = work.until("the film is there", |told| told.kept == 2).await;
    let asked = stage.origin.all();
    let film: Vec<_> = asked.iter().filter(|head| head.starts_with("GET /film")).collect();
    assert_eq!(film.len(), 2, "{film:?}");
    assert!(film[1].to_lowercase().contains("if-range: \"film\""), "{film:?}");
    assert!(told.bytes < 3_300_000, "what came is not fetched again: {told:?}");
    stage.cut_line().await;
    let part = stage.get("/film", "Range: bytes=1500000-1500009\r\n").await;
    assert!(part.starts_with("HTTP/1.1 206") && body(&part).len() >= 10, "{part}");
}
