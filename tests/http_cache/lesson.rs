//! A class at one page, over a line that is thin, breaks and is cut.

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use preau::ent::Keep;
use tokio::{io::AsyncWriteExt as _, task::JoinSet, time::sleep};

use crate::stage::{Stage, body, is_hit, rule};

fn page(fields: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{fields}\r\n{body}", body.len()).into_bytes()
}

/// A lesson of 300,000 bytes, no two places alike.
fn lesson() -> String {
    (0..50_000).map(|index| format!("{index:05}\n")).collect()
}

#[tokio::test]
async fn thirty_clients_are_one_fetch_and_read_it_while_it_comes() {
    let stage = Arc::new(
        Stage::acting(vec![rule(Keep::AsTold)], |_, mut stream| {
            Box::pin(async move {
                let lesson = lesson();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nCache-Control: max-age=60\r\n\r\n",
                    lesson.len()
                );
                stream.write_all(head.as_bytes()).await.ok()?;
                for piece in lesson.as_bytes().chunks(30_000) {
                    stream.write_all(piece).await.ok()?;
                    sleep(Duration::from_millis(60)).await;
                }
                Some(stream)
            })
        })
        .await,
    );
    let mut class = JoinSet::new();
    for pupil in 0..30 {
        let stage = Arc::clone(&stage);
        class.spawn(async move {
            // Some come while the body is already half there.
            sleep(Duration::from_millis(pupil * 15)).await;
            stage.get("/lecon.bin", "").await
        });
    }
    let expected = lesson();
    while let Some(answer) = class.join_next().await {
        let answer = answer.unwrap();
        assert!(
            body(&answer) == expected,
            "{} bytes: {}",
            body(&answer).len(),
            answer.split_once("\r\n\r\n").unwrap().0
        );
    }
    stage.until_hit("/lecon.bin", "").await;
    assert_eq!(stage.origin.count(), 1);
}

#[tokio::test]
async fn a_body_that_is_cut_goes_on_where_it_was_cut() {
    let stage = Stage::acting(vec![rule(Keep::AsTold)], |head, mut stream| {
        Box::pin(async move {
            let (lesson, fields) = (lesson(), "ETag: \"a\"\r\nCache-Control: max-age=60\r\n");
            let total = lesson.len();
            let Some(from) =
                head.lines().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-'))
            else {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n{fields}\r\n");
                stream.write_all(head.as_bytes()).await.ok()?;
                stream.write_all(&lesson.as_bytes()[..100_000]).await.ok()?;
                sleep(Duration::from_millis(200)).await;
                return None;
            };
            assert!(head.contains("if-range: \"a\""), "{head}");
            let rest = &lesson[from.parse().unwrap()..];
            let range = format!("Content-Range: bytes {from}-{}/{total}", total - 1);
            let head = format!(
                "HTTP/1.1 206 Partial Content\r\nContent-Length: {}\r\n{range}\r\n{fields}\r\n",
                rest.len()
            );
            stream.write_all(head.as_bytes()).await.ok()?;
            stream.write_all(rest.as_bytes()).await.ok()?;
            Some(stream)
        })
    })
    .await;
    assert!(body(&stage.get("/lecon.bin", "").await) == lesson());
    stage.until_hit("/lecon.bin", "").await;
    assert_eq!(stage.origin.count(), 2);
}

#[tokio::test]
async fn a_body_that_is_cut_and_cannot_go_on_is_never_kept_nor_taken_for_whole() {
    let stage = Stage::acting(vec![rule(Keep::AsTold)], |_, mut stream| {
        Box::pin(async move {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nCache-Control: max-age=60\r\n\r\nabc")
                .await
                .ok()?;
            None
        })
    })
    .await;
    let answer = stage.get("/a", "").await;
    assert!(answer.contains("content-length: 9"), "{answer}");
    assert_eq!(body(&answer), "abc");
    sleep(Duration::from_millis(100)).await;
    assert!(!is_hit(&stage.get("/a", "").await));
}

#[tokio::test]
async fn while_the_line_is_cut_a_copy_stands_in_and_says_so() {
    let stage = Stage::answering(vec![rule(Keep::AsTold)], |_| {
        page("Cache-Control: max-age=60\r\nContent-Type: text/html\r\nETag: \"a\"\r\n", "<h1>Cours</h1>")
    })
    .await;
    stage.until_hit("/cours", "").await;
    stage.cut_line().await;
    let fresh = stage.get("/cours", "").await;
    assert!(is_hit(&fresh) && body(&fresh) == "<h1>Cours</h1>", "{fresh}");
    stage.wait(3600);
    let stale = stage.get("/cours", "If-None-Match: \"a\"\r\n").await;
    assert!(stale.starts_with("HTTP/1.1 200") && stale.contains("detail=line-down"), "{stale}");
    assert!(body(&stale).contains("<h1>Cours</h1>") && body(&stale).contains("la ligne est coup"), "{stale}");
    assert!(stale.contains("cache-control: no-store") && !stale.contains("etag"), "{stale}");
    stage.wait(25 * 3600);
    assert!(stage.get("/cours", "").await.starts_with("HTTP/1.1 504"));
    assert!(stage.get("/autre", "").await.starts_with("HTTP/1.1 504"));
}

/// A page as an origin sends it that packs its pages.
fn packed_page(page: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(page).unwrap();
    let packed = encoder.finish().unwrap();
    let fields = "Content-Type: text/html\r\nContent-Encoding: gzip\r\nCache-Control: max-age=60";
    let head = format!("HTTP/1.1 200 OK\r\n{fields}\r\nContent-Length: {}\r\n\r\n", packed.len());
    [head.into_bytes(), packed].concat()
}

#[tokio::test]
async fn a_packed_page_is_unpacked_for_its_mark_alone() {
    let stage = Stage::answering(vec![rule(Keep::AsTold)], |_| packed_page(b"<h1>Cours</h1>")).await;
    let fresh = stage.until_hit("/cours", "").await;
    assert!(fresh.contains("content-encoding: gzip") && !fresh.contains("Cours"), "{fresh}");
    stage.cut_line().await;
    stage.wait(3600);
    let stale = stage.get("/cours", "").await;
    assert!(stale.contains("detail=line-down") && !stale.contains("content-encoding"), "{stale}");
    assert!(body(&stale).contains("<h1>Cours</h1>") && body(&stale).contains("la ligne est coup"), "{stale}");
}

#[tokio::test]
async fn a_bomb_goes_out_packed_and_stops_where_it_would_be_unpacked() {
    let stage = Stage::answering(vec![rule(Keep::AsTold)], |_| packed_page(&vec![b' '; 40 << 20])).await;
    assert!(stage.until_hit("/a", "").await.len() < 100_000);
    stage.cut_line().await;
    stage.wait(3600);
    let stale = stage.get("/a", "").await;
    assert!(stale.len() <= 33 << 20 && !stale.contains("la ligne est coup"), "{} bytes", stale.len());
}

#[tokio::test]
async fn a_page_packed_otherwise_goes_out_as_it_came() {
    let stage = Stage::answering(vec![rule(Keep::AsTold)], |_| {
        page("Content-Type: text/html\r\nContent-Encoding: br\r\nCache-Control: max-age=1\r\n", "paquet")
    })
    .await;
    assert_eq!(body(&stage.until_hit("/a", "").await), "paquet");
    stage.cut_line().await;
    stage.wait(10);
    let stale = stage.get("/a", "").await;
    assert!(stale.contains("line-down") && body(&stale) == "paquet", "{stale}");
}

#[tokio::test]
async fn a_page_is_renewed_behind_the_back_of_the_one_who_has_it() {
    let served = Arc::new(AtomicUsize::new(0));
    let stage = Stage::answering(vec![rule(Keep::AsTold)], {
        let served = Arc::clone(&served);
        move |_| {
            let number = served.fetch_add(1, Ordering::SeqCst);
            page("Cache-Control: max-age=10, stale-while-revalidate=60\r\n", &format!("version {number}"))
        }
    })
    .await;
    stage.until_hit("/a", "").await;
    stage.wait(20);
    assert_eq!(body(&stage.get("/a", "").await), "version 0");
    let mut renewed = String::new();
    for _ in 0..100 {
        sleep(Duration::from_millis(100)).await;
        renewed = stage.get("/a", "").await;
        if body(&renewed) == "version 1" {
            break;
        }
    }
    assert!(is_hit(&renewed) && body(&renewed) == "version 1", "{renewed}");
    assert_eq!(served.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn ranges_of_one_body_are_joined_and_a_head_comes_from_a_get() {
    let stage = Stage::answering(vec![rule(Keep::AsTold)], |head| {
        let fields = "ETag: \"a\"\r\nCache-Control: max-age=60\r\n";
        let range = head.lines().find_map(|line| line.strip_prefix("range: bytes=")?.split_once('-'));
        match range {
            None => page(fields, "0123456789"),
            Some((first, last)) => {
                let last: usize = last.parse().unwrap_or(9);
                let first: usize = first.parse().unwrap();
                let part = &"0123456789"[first..=last];
                let fields = format!(
                    "{fields}Content-Range: bytes {first}-{last}/10\r\nContent-Length: {}",
                    part.len()
                );
                format!("HTTP/1.1 206 Partial Content\r\n{fields}\r\n\r\n{part}").into_bytes()
            }
        }
    })
    .await;
    assert_eq!(body(&stage.until_hit("/v", "Range: bytes=4-6\r\n").await), "456");
    assert_eq!(body(&stage.until_hit("/v", "Range: bytes=0-3\r\n").await), "0123");
    let joined = stage.get("/v", "Range: bytes=2-5\r\n").await;
    assert!(is_hit(&joined) && body(&joined) == "2345", "{joined}");
    assert!(stage.get("/v", "Range: bytes=2-5\r\nIf-Range: \"b\"\r\n").await.ends_with("0123456789"));
    assert!(stage.origin.all().last().unwrap().contains("if-range: \"a\""), "{:?}", stage.origin.all());
    stage.until_hit("/v", "").await;
    let count = stage.origin.count();
    let head = stage.say(b"HEAD /v HTTP/1.1\r\nHost: ent.exemple.fr\r\nConnection: close\r\n\r\n").await;
    assert!(is_hit(&head) && head.contains("content-length: 10") && body(&head).is_empty(), "{head}");
    assert!(stage.get("/v", "Range: bytes=20-\r\n").await.starts_with("HTTP/1.1 416"));
    assert_eq!(body(&stage.get("/v", "Range: bytes=0-1, 3-4\r\n").await), "0123456789");
    assert_eq!(stage.origin.count(), count);
}

#[tokio::test]
async fn a_write_makes_the_page_be_fetched_again() {
    let stage = Stage::answering(vec![rule(Keep::AsTold)], |head| {
        if head.starts_with("POST") {
            return b"HTTP/1.1 303 See Other\r\nLocation: /liste\r\nContent-Length: 0\r\n\r\n".to_vec();
        }
        page("Cache-Control: max-age=60\r\n", "x")
    })
    .await;
    for path in ["/liste", "/devoir", "/reste"] {
        stage.until_hit(path, "").await;
    }
    let post =
        "POST /devoir HTTP/1.1\r\nHost: ent.exemple.fr\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc";
    assert!(stage.say(post.as_bytes()).await.starts_with("HTTP/1.1 303"));
    assert!(stage.origin.all().last().unwrap().ends_with("abc"));
    assert!(!is_hit(&stage.get("/devoir", "").await));
    assert!(!is_hit(&stage.get("/liste", "").await));
    assert!(is_hit(&stage.get("/reste", "").await));
}

#[tokio::test]
async fn a_page_that_is_on_its_way_while_somebody_changes_it_is_not_kept() {
    let version = Arc::new(AtomicUsize::new(1));
    let stage = {
        let version = Arc::clone(&version);
        Arc::new(
            Stage::acting(vec![rule(Keep::AsTold)], move |head, mut stream| {
                let version = Arc::clone(&version);
                Box::pin(async move {
                    if head.starts_with("POST") {
                        version.store(2, Ordering::SeqCst);
                        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.ok()?;
                        return Some(stream);
                    }
                    let text = format!("version {}", version.load(Ordering::SeqCst));
                    let fields = "Cache-Control: public, max-age=60\r\nETag: \"x\"\r\n";
                    let page = page(fields, &text);
                    let (first, rest) = page.split_at(page.len() - 3);
                    stream.write_all(first).await.ok()?;
                    sleep(Duration::from_millis(600)).await;
                    stream.write_all(rest).await.ok()?;
                    Some(stream)
                })
            })
            .await,
        )
    };
    let mut reader = JoinSet::new();
    let reads = Arc::clone(&stage);
    reader.spawn(async move { reads.get("/agenda", "").await });
    sleep(Duration::from_millis(250)).await;
    let post =
        "POST /agenda HTTP/1.1\r\nHost: ent.exemple.fr\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    assert!(stage.say(post.as_bytes()).await.starts_with("HTTP/1.1 204"));
    assert_eq!(body(&stage.get("/agenda", "").await), "version 2", "the older fetch is not waited for");
    assert_eq!(body(&reader.join_next().await.unwrap().unwrap()), "version 1");
    sleep(Duration::from_millis(300)).await;
    assert_eq!(body(&stage.get("/agenda", "").await), "version 2");
}
