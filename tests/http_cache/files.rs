//! Files of updates: whole or by ranges, each byte once over the line.

use std::{sync::Arc, time::Duration};

use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinSet, time::sleep};

use crate::stage::{Stage, body, is_hit};

/// An update of a megabyte, no two places alike.
fn update() -> String {
    (0..125_000).map(|index| format!("{index:07}\n")).collect()
}

/// Answers a head as a server of files does, in ranges, a little slowly; what is not the update is not there.
async fn give(head: String, mut stream: TcpStream) -> Option<TcpStream> {
    if !head.starts_with("GET /update") {
        stream
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nCache-Control: max-age=60\r\n\r\nno")
            .await
            .ok()?;
        return Some(stream);
    }
    let update = update();
    let range =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    let fields = "ETag: \"a\"\r\nCache-Control: public, max-age=3600\r\nAccept-Ranges: bytes\r\n";
    let (status, told, bytes) = match range.as_deref().and_then(|range| range.split_once('-')) {
        None => ("200 OK", String::new(), &update[..]),
        Some((first, last)) => {
            let first: usize = first.parse().unwrap();
            let last = last.parse().unwrap_or(update.len() - 1).min(update.len() - 1);
            let told = format!("Content-Range: bytes {first}-{last}/{}\r\n", update.len());
            ("206 Partial Content", told, &update[first..=last])
        }
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{told}{fields}\r\n", bytes.len());
    stream.write_all(head.as_bytes()).await.ok()?;
    sleep(Duration::from_millis(100)).await;
    stream.write_all(bytes.as_bytes()).await.ok()?;
    Some(stream)
}

async fn stage() -> Arc<Stage> {
    Arc::new(Stage::of_files(|head, stream| Box::pin(give(head, stream))).await)
}

const PIECE: usize = 100_000;

async fn piece(stage: &Stage, ticket: &str, number: usize) -> String {
    let (first, last) = (number * PIECE, (number + 1) * PIECE - 1);
    stage.get(&format!("/update.cab?{ticket}"), &format!("Range: bytes={first}-{last}\r\n")).await
}

#[tokio::test]
async fn machines_that_ask_for_the_same_pieces_at_once_cost_one_fetch_of_each() {
    let stage = stage().await;
    let mut machines = JoinSet::new();
    for machine in 0..8 {
        let stage = Arc::clone(&stage);
        machines.spawn(async move {
            let mut file = String::new();
            for number in 0..10 {
                let answer = piece(&stage, &format!("P1={machine}&P4=x"), number).await;
                assert!(answer.starts_with("HTTP/1.1 206"), "{answer:.200}");
                file.push_str(body(&answer));
            }
            file
        });
    }
    while let Some(file) = machines.join_next().await {
        assert!(file.unwrap() == update());
    }
    assert_eq!(stage.origin.count(), 10);
}

#[tokio::test]
async fn pieces_that_come_beside_each_other_become_the_whole_file() {
    let stage = stage().await;
    let mut pieces = JoinSet::new();
    for number in 0..10 {
        let stage = Arc::clone(&stage);
        pieces.spawn(async move { piece(&stage, "P1=a", number).await });
    }
    while let Some(answer) = pieces.join_next().await {
        assert!(answer.unwrap().starts_with("HTTP/1.1 206"));
    }
    let kept_alone = "Cache-Control: only-if-cached\r\n";
    let whole = stage.until_hit("/update.cab?P1=b", kept_alone).await;
    assert!(body(&whole) == update());
    let across = stage.get("/update.cab", "Range: bytes=99990-100009\r\n").await;
    assert!(is_hit(&across) && body(&across) == &update()[99_990..100_010], "{across}");
    assert_eq!(stage.origin.count(), 10);
}

#[tokio::test]
async fn a_file_fetched_whole_gives_any_part_of_it_whatever_the_ticket() {
    let stage = stage().await;
    assert!(body(&stage.get("/update%7e1.deb?P1=a", "").await) == update());
    stage.until_hit("/update%7e1.deb?P1=b", "").await;
    let part = piece(&stage, "P1=c", 3).await;
    assert!(!is_hit(&part), "another file");
    let part = stage.get("/update%7e1.deb", "Range: bytes=8-15\r\n").await;
    assert!(is_hit(&part) && body(&part) == "0000001\n", "{part}");
}

#[tokio::test]
async fn what_is_no_file_is_not_kept() {
    let stage = stage().await;
    for _ in 0..2 {
        assert!(stage.get("/absent.cab", "").await.starts_with("HTTP/1.1 404"));
    }
    assert_eq!(stage.origin.count(), 2);
}
