//! What somebody in a class could try against the others through the cache.

use std::time::Duration;

use preau::ent::{Keep, Rule};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::stage::{HOST, Stage, body, is_hit, rule};

fn echo(head: &str) -> Vec<u8> {
    let said = head.lines().next().unwrap_or_default().to_owned();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nCache-Control: max-age=60\r\n\r\n{said}", said.len())
        .into_bytes()
}

async fn stage() -> Stage {
    Stage::answering(vec![rule(Keep::AsTold)], echo).await
}

/// Sends `request` and tells what reached the origin. Whatever the cache says, no request but those for `/a` may.
async fn check_smuggling(request: &str) {
    let stage = stage().await;
    stage.say(request.as_bytes()).await;
    for heard in stage.origin.all() {
        let first = heard.lines().next().unwrap_or_default();
        assert!(first.ends_with(" /a HTTP/1.1"), "{request:?} made {first:?} reach the origin");
        let lower = heard.to_lowercase();
        let lengths = lower.matches("content-length:").count() + lower.matches("transfer-encoding:").count();
        assert!(lengths <= 1, "two lengths reached the origin: {heard:?}");
    }
}

#[tokio::test]
async fn a_request_that_two_readers_end_at_two_places_reaches_no_origin_as_two() {
    let hidden = "GET /piege HTTP/1.1\r\nHost: ent.exemple.fr\r\n\r\n";
    let both = format!(
        "POST /a HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
         5c\r\n{hidden}\r\n0\r\n\r\n"
    );
    let two_lengths = format!(
        "POST /a HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 0\r\nContent-Length: 49\r\nConnection: close\r\n\r\n{hidden}"
    );
    let strange_coding = format!(
        "POST /a HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: xchunked\r\nContent-Length: 0\r\nConnection: close\r\n\r\n{hidden}"
    );
    let folded = format!(
        "POST /a HTTP/1.1\r\nHost: {HOST}\r\nX: y\r\n Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n{hidden}"
    );
    let bare_return = format!(
        "POST /a HTTP/1.1\r\nHost: {HOST}\r\nX: y\rTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n{hidden}"
    );
    let blank_before_colon = format!(
        "POST /a HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding : chunked\r\nContent-Length: 0\r\nConnection: close\r\n\r\n{hidden}"
    );
    let line_in_target = format!("GET /a%0d%0aX:%20y HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    for request in [both, two_lengths, strange_coding, folded, bare_return, blank_before_colon] {
        check_smuggling(&request).await;
    }
    let stage = stage().await;
    stage.say(line_in_target.as_bytes()).await;
    assert!(stage.origin.all().iter().all(|heard| !heard.contains("\r\nX: y")));
}

#[tokio::test]
async fn an_extension_of_a_chunk_hides_no_request() {
    let stage = stage().await;
    let request = format!(
        "POST /a HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
         3;a=\"GET /piege\"\r\nabc\r\n0\r\nX: y\r\n\r\n"
    );
    stage.say(request.as_bytes()).await;
    assert!(stage.origin.all().iter().all(|heard| !heard.contains("piege")));
}

#[tokio::test]
async fn no_field_that_is_not_in_the_key_chooses_what_others_get() {
    let stage = stage().await;
    let tricks = "X-Forwarded-Host: piege.exemple\r\nX-Original-URL: /piege\r\nX-Rewrite-URL: /piege\r\nForwarded: host=piege\r\n\
                  X-HTTP-Method-Override: DELETE\r\nX-Forwarded-Scheme: http\r\nConnection: cookie\r\nCookie: a=b\r\n";
    stage.get("/a", tricks).await;
    let heard = stage.origin.all()[0].to_lowercase();
    assert!(
        !heard.contains("piege") && !heard.contains("override") && !heard.contains("x-forwarded"),
        "{heard}"
    );
    assert!(heard.contains("host: ent.exemple.fr\r\n"), "{heard}");
}

#[tokio::test]
async fn the_host_is_the_same_wherever_it_is_named() {
    let stage = stage().await;
    let check = async |request: &str, code: &str| {
        let answer = stage.say(request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {code}")), "{request:?}: {answer}");
    };
    check(
        "GET http://autre.exemple.fr/a HTTP/1.1\r\nHost: ent.exemple.fr\r\nConnection: close\r\n\r\n",
        "400",
    )
    .await;
    check("GET http://ent.exemple.fr/a HTTP/1.1\r\nHost: ent.exemple.fr\r\nConnection: close\r\n\r\n", "200")
        .await;
    check("GET /a HTTP/1.1\r\nHost: autre.exemple.fr\r\nConnection: close\r\n\r\n", "421").await;
    check("GET /a HTTP/1.1\r\nConnection: close\r\n\r\n", "400").await;
    check(
        "GET /a HTTP/1.1\r\nHost: ent.exemple.fr\r\nHost: ent.exemple.fr\r\nConnection: close\r\n\r\n",
        "400",
    )
    .await;
    check("GET /a HTTP/1.1\r\nHost: x@ent.exemple.fr\r\nConnection: close\r\n\r\n", "400").await;
    let misled = "GET /a HTTP/1.1\r\nHost: ent.exemple.fr\r\nServer-Name: autre.exemple.fr\r\nConnection: close\r\n\r\n";
    check(misled, "421").await;
    check("CONNECT ent.exemple.fr:443 HTTP/1.1\r\nHost: ent.exemple.fr\r\nConnection: close\r\n\r\n", "405")
        .await;
    assert_eq!(stage.origin.count(), 1);
}

#[tokio::test]
async fn no_name_makes_a_private_page_public() {
    let rules = vec![
        Rule { paths: ["/public/".parse().unwrap()].into(), ..rule(Keep::Everyone) },
        Rule { paths: ["/compte/".parse().unwrap()].into(), ..rule(Keep::Never) },
    ];
    // An origin that shows the account whatever the path, as frameworks do that ignore what stands behind a name.
    let stage = Stage::answering(rules, |_| {
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Type: text/html\r\n\r\nprive!".to_vec()
    })
    .await;
    for path in [
        "/compte/x.css",
        "/compte/moi%2fx.css",
        "/compte/..%2fpublic/x",
        "/public/..%2fcompte/moi",
        "/public/%2e%2e/compte/moi",
        "/public//x",
        "/public/x;.css",
        "/public/x.css",
        "//public/x",
    ] {
        stage.get(path, "Cookie: s=1\r\n").await;
        let answer = stage.get(path, "Cookie: s=2\r\n").await;
        assert!(!is_hit(&answer), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused_on_both_sides() {
    let stage = Stage::answering(vec![rule(Keep::AsTold)], |_| {
        format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: {}\r\n\r\n", "y".repeat(100_000)).into_bytes()
    })
    .await;
    let long = |bytes: usize| format!("X: {}\r\n", "y".repeat(bytes));
    assert!(stage.get("/a", &long(40_000)).await.starts_with("HTTP/1.1 431"));
    assert!(stage.get(&format!("/{}", "a".repeat(9000)), "").await.starts_with("HTTP/1.1 414"));
    assert_eq!(stage.origin.count(), 0);
    assert!(stage.get("/a", "").await.starts_with("HTTP/1.1 502"));
}

#[tokio::test]
async fn slow_clients_hold_nobody_up() {
    let stage = stage().await;
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(stage.address).await.unwrap();
        stream.write_all(b"GET /a HTTP/1.1\r\nHost: ent.ex").await.unwrap();
        slow.push(stream);
    }
    let answer = timeout(Duration::from_secs(5), stage.get("/a", "")).await.unwrap();
    assert!(body(&answer).starts_with("GET /a"));
    let mut bytes = Vec::new();
    let closed = timeout(Duration::from_secs(20), slow[0].read_to_end(&mut bytes)).await;
    assert!(closed.is_ok(), "a head that never ends is waited for without end");
}

#[tokio::test]
async fn a_loop_ends_where_it_began() {
    let stage = stage().await;
    assert!(stage.get("/a", "Via: 1.1 preau\r\n").await.starts_with("HTTP/1.1 508"));
}
