//! One request for an update, answered through the cache of updates; or not, then it is passed on like any other.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{
    Response, StatusCode,
    body::Body as _,
    header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING},
    http::response::Parts,
};
use tokio::net::TcpStream;

use super::{RequestHead, exchange::Exchanged};
use crate::{
    enforce::proxy::{
        passage::Passage,
        relay::{Pulse, write_all},
        updates::Updates,
    },
    ent::{Body, Visitor, is_refusal},
    policy::Permit,
};

/// How the body of an answer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    Nothing,
    Length,
    Chunks,
}

/// Answers the permitted `request` of the client at `to`. None where it is not for the cache, or the cache has no answer:
/// nothing was sent then.
///
/// What the cache fetches goes on for the others when this client's permission ends; the client gets no more of it.
pub(super) async fn answer(
    to: &TcpStream,
    request: &RequestHead<'_>,
    permit: &Permit,
    passage: &Passage,
) -> Option<Exchanged> {
    let updates = passage.updates.as_ref()?;
    let asked = updates.request(request)?;
    let (addresses, permit) = (passage.errand.find)(permit.clone()).await.ok()?;
    updates.lead(&permit, addresses, passage.destination.port());
    let pulse = Pulse::default();
    tokio::select! {
        biased;
        () = passage.errand.until_refused(&permit) => Some(Exchanged::Cut),
        exchanged = give(to, request, updates, asked, &pulse) => exchanged,
        () = pulse.stops(passage.limits.http_idle_max) => Some(Exchanged::Broken),
    }
}

async fn give(
    to: &TcpStream,
    request: &RequestHead<'_>,
    updates: &Updates,
    asked: hyper::Request<http_body_util::Empty<Bytes>>,
    pulse: &Pulse,
) -> Option<Exchanged> {
    let answer: Response<Body> = updates.cache().answer(&Visitor::default(), asked).await;
    if is_refusal(&answer) {
        return None;
    }
    let (head, mut body) = answer.into_parts();
    let has_body =
        request.method != "HEAD" && !matches!(head.status, StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT);
    let sending = match (has_body, body.size_hint().exact()) {
        (false, _) => Sending::Nothing,
        (true, Some(_)) => Sending::Length,
        (true, None) => Sending::Chunks,
    };
    let is_last = request.is_last();
    let written = written(&head, sending, body.size_hint().exact(), is_last);
    if write_all(to, &written).await.is_err() {
        return Some(Exchanged::Broken);
    }
    pulse.beat();
    if sending != Sending::Nothing && send(to, &mut body, sending, pulse).await.is_err() {
        return Some(Exchanged::Broken);
    }
    Some(if is_last { Exchanged::WholeAndLast } else { Exchanged::Whole { site_stays: false } })
}

/// The head of the answer, with the one length or coding that its body is sent in.
fn written(head: &Parts, sending: Sending, length: Option<u64>, is_last: bool) -> Vec<u8> {
    let (status, reason) = (head.status.as_str(), head.status.canonical_reason().unwrap_or_default());
    let mut out = format!("HTTP/1.1 {status} {reason}\r\n").into_bytes();
    let mut field =
        |name: &[u8], value: &[u8]| out.extend_from_slice(&[name, b": ", value, b"\r\n"].concat());
    for (name, value) in &head.headers {
        let is_framing = *name == TRANSFER_ENCODING || *name == CONNECTION;
        if is_framing || (*name == CONTENT_LENGTH && sending != Sending::Nothing) {
            continue;
        }
        field(name.as_str().as_bytes(), value.as_bytes());
    }
    match (sending, length) {
        (Sending::Length, Some(length)) => field(b"content-length", length.to_string().as_bytes()),
        (Sending::Chunks, _) => field(b"transfer-encoding", b"chunked"),
        (Sending::Nothing, _) | (Sending::Length, None) => {}
    }
    if is_last {
        field(b"connection", b"close");
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// Sends the body. A body that is cut short ends the connection, so that nobody takes a part for the whole.
async fn send(to: &TcpStream, body: &mut Body, sending: Sending, pulse: &Pulse) -> Result<(), ()> {
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.map_err(|_| ())?.into_data() else { continue };
        if bytes.is_empty() {
            continue;
        }
        if sending == Sending::Chunks {
            write_all(to, format!("{:x}\r\n", bytes.len()).as_bytes()).await.map_err(|_| ())?;
        }
        write_all(to, &bytes).await.map_err(|_| ())?;
        if sending == Sending::Chunks {
            write_all(to, b"\r\n").await.map_err(|_| ())?;
        }
        pulse.beat();
    }
    if sending == Sending::Chunks {
        write_all(to, b"0\r\n\r\n").await.map_err(|_| ())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use tokio::{io::AsyncReadExt as _, net::TcpListener, task::JoinSet};

    use super::*;
    use crate::{
        enforce::proxy::{
            http::serve,
            limits::Limits,
            scene::{Scene, expect, is_reset, pair, read_all, send},
        },
        ent::store::{Settings, Store},
        model::Moment,
        system::clock::Clock,
    };

    const FILE: &[u8] =
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nCache-Control: max-age=3600\r\nETag: \"a\"\r\n\r\nhello";

    /// A school whose box keeps the updates of `maj.fr`.
    struct School {
        scene: Scene,
        updates: Updates,
        _dir: TempDir,
    }

    impl School {
        async fn open() -> (Self, TcpListener) {
            let dir = tempfile::tempdir().unwrap();
            let settings =
                Settings { dir: dir.path().to_owned(), quota_bytes: 1 << 28, memory_bytes: 1 << 20 };
            let clock = Clock::from_fn(|| Moment::from_unix_seconds(1_773_308_520));
            let hosts = vec!["maj.fr".parse().unwrap()];
            let updates = Updates::new(hosts, Store::open(&settings).unwrap(), clock);
            let mut scene = Scene::default();
            let site = scene.site("a.maj.fr").await;
            (Self { scene, updates, _dir: dir }, site)
        }

        async fn visit(&self) -> (TcpStream, JoinSet<()>) {
            let (client, ours) = pair().await;
            let mut passage = self.scene.passage(Limits::SCHOOL);
            passage.updates = Some(self.updates.clone());
            let mut roads = JoinSet::new();
            roads.spawn(async move { serve(ours, &passage).await });
            (client, roads)
        }
    }

    fn get(path: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\nHost: a.maj.fr\r\nConnection: close\r\n\r\n").into_bytes()
    }

    async fn accept(listener: &TcpListener) -> TcpStream {
        listener.accept().await.unwrap().0
    }

    async fn head(stream: &mut TcpStream) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(stream.read_u8().await.unwrap());
        }
        String::from_utf8(bytes).unwrap()
    }

    async fn answer_of(client: &mut TcpStream) -> String {
        String::from_utf8(read_all(client).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn an_update_comes_over_the_line_once_and_every_request_for_it_is_judged() {
        let (school, listener) = School::open().await;
        let (mut first, _first_road) = school.visit().await;
        send(&mut first, &get("/f.cab?P1=a")).await;
        let mut site = accept(&listener).await;
        assert!(head(&mut site).await.starts_with("GET /f.cab?P1=a HTTP/1.1\r\n"));
        send(&mut site, FILE).await;
        let answer = answer_of(&mut first).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nhello"), "{answer}");
        let (mut second, _second_road) = school.visit().await;
        send(&mut second, &get("/f.cab?P1=b")).await;
        assert!(answer_of(&mut second).await.ends_with("\r\n\r\nhello"));
        assert_eq!(school.scene.asked(), ["a.maj.fr", "a.maj.fr"]);
        school.scene.close_all();
        let (mut third, _third_road) = school.visit().await;
        send(&mut third, &get("/f.cab?P1=b")).await;
        assert!(answer_of(&mut third).await.starts_with("HTTP/1.1 403 "));
    }

    #[tokio::test]
    async fn what_is_somebodys_or_no_question_for_a_listed_file_is_passed_on_as_it_is() {
        let (mut school, listener) = School::open().await;
        let other = school.scene.site("autre.fr").await;
        for request in [
            "GET /f.cab HTTP/1.1\r\nHost: a.maj.fr\r\nCookie: a=b\r\n\r\n",
            "GET /f.cab HTTP/1.1\r\nHost: a.maj.fr\r\nAuthorization: Basic eA==\r\n\r\n",
            "POST /f.cab HTTP/1.1\r\nHost: a.maj.fr\r\nContent-Length: 1\r\n\r\nx",
            "GET /f.cab HTTP/1.1\r\nHost: autre.fr\r\n\r\n",
        ] {
            let (mut client, _road) = school.visit().await;
            send(&mut client, request.as_bytes()).await;
            let listener = if request.contains("autre.fr") { &other } else { &listener };
            expect(&mut accept(listener).await, request.as_bytes()).await;
        }
    }

    #[tokio::test]
    async fn an_update_is_cut_when_its_permission_ends_and_goes_on_for_the_others() {
        let (school, listener) = School::open().await;
        let (mut client, _road) = school.visit().await;
        send(&mut client, &get("/f.cab")).await;
        let mut site = accept(&listener).await;
        head(&mut site).await;
        send(&mut site, &FILE[..FILE.len() - 2]).await;
        client.read_u8().await.unwrap();
        school.scene.close_all();
        assert!(is_reset(&mut client).await);
        send(&mut site, b"lo").await;
        let asked = hyper::Request::get("/f.cab").header("host", "a.maj.fr");
        let asked = asked.body(http_body_util::Empty::<Bytes>::new()).unwrap();
        let kept = school.updates.cache().answer(&Visitor::default(), asked).await;
        assert_eq!(kept.into_body().collect().await.unwrap().to_bytes(), "hello");
    }

    #[tokio::test]
    async fn a_site_that_gives_the_cache_no_answer_is_asked_without_it() {
        let (school, listener) = School::open().await;
        let (mut client, _road) = school.visit().await;
        send(&mut client, &get("/f.cab")).await;
        let mut site = accept(&listener).await;
        assert!(head(&mut site).await.contains("via: 1.1 preau"));
        drop(site);
        let mut site = accept(&listener).await;
        expect(&mut site, &get("/f.cab")).await;
        send(&mut site, FILE).await;
        drop(site);
        assert!(answer_of(&mut client).await.ends_with("hello"));
    }

    #[test]
    fn a_body_of_unknown_length_goes_in_chunks_and_a_head_alone_says_the_length_it_would_have() {
        let mut answer = Response::new(());
        answer.headers_mut().insert(CONTENT_LENGTH, 7.into());
        let (head, ()) = answer.into_parts();
        let text = |sending, length| String::from_utf8(written(&head, sending, length, false)).unwrap();
        assert_eq!(text(Sending::Nothing, Some(0)), "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n");
        assert_eq!(text(Sending::Length, Some(5)), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
        assert_eq!(text(Sending::Chunks, None), "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    }
}
