//! Request after request of one connection: read, judge, connect, exchange.

use std::{io, time::Duration};

use bytes::BytesMut;
use tokio::{net::TcpStream, time::timeout};
use tracing::debug;

use super::{
    HeadError, RequestHead,
    body::{READ_BYTES, Wire, read_more},
    exchange::{Exchanged, exchange},
    fields::head_bytes,
    head, kept, read_request, reply,
};
use crate::{
    enforce::proxy::{
        closing::{reset, say_and_close},
        connect::ConnectError,
        page::RefusedRequest,
        passage::Passage,
    },
    policy::{Permit, Refusal, Verdict},
};

/// A connection to a site that may take another request.
struct Upstream {
    /// What it was opened under, the way to the site included.
    permit: Permit,
    wire: Wire,
}

impl Upstream {
    /// The connection for another request under that request's own permit, if it leads to the same site by the same way
    /// and may be used for it. What the former request was permitted counts for nothing: its page may be another.
    fn taken_under(self, permit: &Permit, passage: &Passage) -> Option<Self> {
        let leads_there =
            self.permit.site() == permit.site() && self.permit.served_as() == permit.served_as();
        if !leads_there || !self.is_quiet() {
            return None;
        }
        let permit = permit.clone().by_way_of(self.permit.sites().skip(1).cloned());
        (passage.errand.still_allows)(&permit).then_some(Self { permit, wire: self.wire })
    }

    /// Whether the site has neither hung up nor said anything unasked.
    fn is_quiet(&self) -> bool {
        let quiet = matches!(
            self.wire.stream.try_read(&mut [0]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock
        );
        quiet && self.wire.unread.is_empty()
    }
}

/// Takes each request of `client` to the site it names, or shows why not.
pub(in crate::enforce::proxy) async fn serve(client: TcpStream, passage: &Passage) {
    let limits = &passage.limits;
    let mut client = Wire::new(client);
    let mut upstream: Option<Upstream> = None;
    let mut first_byte_wait = limits.head_wait_max;
    loop {
        let head_bytes = match next_head(&mut client, first_byte_wait, limits.head_wait_max).await {
            Some(Ok(head_bytes)) => head_bytes,
            Some(Err(error)) => {
                debug!(%error, "request refused");
                return say_and_close(client.stream, &reply::malformed(error), limits).await;
            }
            // Nothing is owed: the connection ends as a server would end it.
            None => return,
        };
        let head = match read_request(&head_bytes) {
            Ok(Some((head, _))) => head,
            // `next_head` has read this head whole.
            Ok(None) => return,
            Err(error) => return say_and_close(client.stream, &reply::malformed(error), limits).await,
        };
        match serve_one(&mut client, &head, &mut upstream, passage).await {
            Next::Request => {}
            Next::Close => return,
            Next::Reset => return reset(client.stream),
            Next::Say(last_words) => return say_and_close(client.stream, &last_words, limits).await,
        }
        first_byte_wait = limits.request_wait_max;
    }
}

/// What happens to the client's connection after a request.
enum Next {
    Request,
    Close,
    Reset,
    Say(Vec<u8>),
}

async fn serve_one(
    client: &mut Wire,
    head: &RequestHead<'_>,
    upstream: &mut Option<Upstream>,
    passage: &Passage,
) -> Next {
    let head_only = head.method == "HEAD";
    let permit = match (passage.errand.judge)(head.site.clone(), head.path()).await {
        Verdict::Allow(permit) => permit,
        Verdict::Refuse(refusal) => return refused(&refusal, head, passage),
    };
    if let Some(exchanged) = kept::answer(&client.stream, head, &permit, passage).await {
        return after_copy(exchanged);
    }
    let kept = upstream.take().and_then(|kept| kept.taken_under(&permit, passage));
    let is_kept = kept.is_some();
    let (mut server, permit) = match kept {
        Some(kept) => (kept.wire, kept.permit),
        None => match passage.connect(permit).await {
            Ok((stream, permit)) => (Wire::new(stream), permit),
            Err(ConnectError::LeadsToRefused(refusal)) => return refused(&refusal, head, passage),
            Err(error) => return Next::Say(reply::unreachable(&error, head_only)),
        },
    };
    match exchange(client, &mut server, head, &permit, passage).await {
        Exchanged::Whole { site_stays } => {
            *upstream = site_stays.then_some(Upstream { permit, wire: server });
            Next::Request
        }
        Exchanged::WholeAndLast => Next::Say(Vec::new()),
        // RFC 9112 section 9.3.1: a site may end a kept connection at any time; the client sees that end as it would
        // without a proxy, and itself knows which requests it may repeat.
        Exchanged::NoAnswer if is_kept => Next::Close,
        Exchanged::NoAnswer | Exchanged::BadAnswer => Next::Say(reply::bad_answer(head_only)),
        Exchanged::Silent => Next::Say(reply::no_answer(head_only)),
        Exchanged::Broken => Next::Reset,
        Exchanged::Cut => {
            debug!("live request cut, its permission has ended");
            reset(server.stream);
            Next::Reset
        }
    }
}

/// What follows an answer from the cache of updates.
fn after_copy(exchanged: Exchanged) -> Next {
    match exchanged {
        Exchanged::Whole { .. } => Next::Request,
        Exchanged::WholeAndLast => Next::Say(Vec::new()),
        Exchanged::Cut => {
            debug!("live update cut, its permission has ended");
            Next::Reset
        }
        Exchanged::NoAnswer | Exchanged::BadAnswer | Exchanged::Silent | Exchanged::Broken => Next::Reset,
    }
}

/// The page that says why.
fn refused(refusal: &Refusal, head: &RequestHead<'_>, passage: &Passage) -> Next {
    let url = head.url();
    let request = RefusedRequest { refusal, zone: &passage.zone, url: &url };
    Next::Say(reply::page(&(passage.page)(&request), head.method == "HEAD", &passage.limits))
}

/// The bytes of the next request's head. None when the client hangs up or stays silent before it begins.
async fn next_head(
    client: &mut Wire,
    first_byte_wait: Duration,
    head_wait: Duration,
) -> Option<Result<BytesMut, HeadError>> {
    if client.unread.is_empty() {
        let first = read_more(&client.stream, &mut client.unread, READ_BYTES);
        if !matches!(timeout(first_byte_wait, first).await, Ok(Ok(1..))) {
            return None;
        }
    }
    let rest = async {
        loop {
            match head_bytes(&client.unread, head::BYTES_MAX) {
                Ok(Some(length)) => return Some(Ok(length)),
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
            let room = head::BYTES_MAX.saturating_sub(client.unread.len()).min(READ_BYTES);
            if !matches!(read_more(&client.stream, &mut client.unread, room).await, Ok(1..)) {
                return None;
            }
        }
    };
    let length = timeout(head_wait, rest).await.ok()??;
    Some(length.map(|length| client.unread.split_to(length)))
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt as _, net::TcpListener, task::JoinSet};

    use super::*;
    use crate::enforce::proxy::{
        limits::Limits,
        scene::{SHORT, Scene, expect, is_reset, pair, read_all, send},
    };

    const GET_A: &[u8] = b"GET /x HTTP/1.1\r\nHost: a.fr\r\n\r\n";
    const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    async fn visit(scene: &Scene, limits: Limits) -> (TcpStream, JoinSet<()>) {
        let (client, ours) = pair().await;
        let passage = scene.passage(limits);
        let mut roads = JoinSet::new();
        roads.spawn(async move { serve(ours, &passage).await });
        (client, roads)
    }

    async fn accept(listener: &TcpListener) -> TcpStream {
        listener.accept().await.unwrap().0
    }

    fn starts_with(bytes: &[u8], start: &str) -> bool {
        String::from_utf8_lossy(bytes).starts_with(start)
    }

    #[tokio::test]
    async fn each_request_of_a_kept_connection_is_judged_and_goes_to_its_own_site() {
        let mut scene = Scene::default();
        let (at_a, at_b) = (scene.site("a.fr").await, scene.site("b.fr").await);
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        send(&mut client, GET_A).await;
        let mut a = accept(&at_a).await;
        expect(&mut a, GET_A).await;
        send(&mut a, OK).await;
        expect(&mut client, OK).await;
        send(&mut client, b"GET / HTTP/1.1\r\nHost: b.fr\r\n\r\n").await;
        let mut b = accept(&at_b).await;
        expect(&mut b, b"GET / HTTP/1.1\r\nHost: b.fr\r\n\r\n").await;
        send(&mut b, OK).await;
        expect(&mut client, OK).await;
        send(&mut client, b"GET / HTTP/1.1\r\nHost: c.fr\r\n\r\n").await;
        let refusal = read_all(&mut client).await.unwrap();
        assert!(starts_with(&refusal, "HTTP/1.1 403 Forbidden\r\n"));
        assert!(String::from_utf8(refusal).unwrap().ends_with("<p>fermé : http://c.fr/"));
        assert_eq!(scene.asked(), ["a.fr", "b.fr", "c.fr"]);
    }

    #[tokio::test]
    async fn a_request_for_a_site_that_leads_to_a_refused_one_meets_the_page_of_that_one() {
        let mut scene = Scene::default();
        scene.alias("a.fr", "jeux.example");
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        send(&mut client, GET_A).await;
        let refusal = read_all(&mut client).await.unwrap();
        assert!(starts_with(&refusal, "HTTP/1.1 403 Forbidden\r\n"));
        assert_eq!(scene.connections(), 0);
    }

    #[tokio::test]
    async fn two_requests_for_one_site_share_a_connection_even_when_sent_at_once() {
        let mut scene = Scene::default();
        let listener = scene.site("a.fr").await;
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        send(&mut client, &[GET_A, GET_A].concat()).await;
        let mut site = accept(&listener).await;
        for _ in 0..2 {
            expect(&mut site, GET_A).await;
            send(&mut site, OK).await;
            expect(&mut client, OK).await;
        }
        assert_eq!((scene.connections(), scene.asked().len()), (1, 2));
    }

    #[tokio::test]
    async fn a_page_that_is_closed_is_refused_on_a_connection_kept_for_another_in_any_spelling() {
        for target in ["/ferme", "/ferme/x?y", "//FERME", "/%66erme", "/./ferme;x=1", "http://a.fr/ferme"] {
            let mut scene = Scene::default();
            let listener = scene.site("a.fr").await;
            let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
            send(&mut client, GET_A).await;
            let mut site = accept(&listener).await;
            expect(&mut site, GET_A).await;
            send(&mut site, OK).await;
            expect(&mut client, OK).await;
            send(&mut client, format!("GET {target} HTTP/1.1\r\nHost: a.fr\r\n\r\n").as_bytes()).await;
            let refusal = read_all(&mut client).await.unwrap();
            assert!(starts_with(&refusal, "HTTP/1.1 403 Forbidden\r\n"), "{target}");
            assert_eq!(scene.connections(), 1);
        }
    }

    #[tokio::test]
    async fn a_site_that_hung_up_meanwhile_is_connected_to_again() {
        let mut scene = Scene::default();
        let listener = scene.site("a.fr").await;
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        for _ in 0..2 {
            send(&mut client, GET_A).await;
            let mut site = accept(&listener).await;
            expect(&mut site, GET_A).await;
            send(&mut site, OK).await;
            expect(&mut client, OK).await;
            drop(site);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(scene.connections(), 2);
    }

    #[tokio::test]
    async fn bodies_pass_by_their_framing_and_what_follows_is_the_next_request() {
        for (framing, body) in [
            ("Content-Length: 37", "GET /hidden HTTP/1.1\r\nHost: c.fr\r\n\r\n."),
            ("Transfer-Encoding: chunked", "5;x\r\nhello\r\n0\r\nX: y\r\n\r\n"),
        ] {
            let mut scene = Scene::default();
            let listener = scene.site("a.fr").await;
            let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
            let post = format!("POST / HTTP/1.1\r\nHost: a.fr\r\n{framing}\r\n\r\n{body}");
            send(&mut client, &[post.as_bytes(), GET_A].concat()).await;
            let mut site = accept(&listener).await;
            expect(&mut site, post.as_bytes()).await;
            send(&mut site, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
                .await;
            expect(&mut site, GET_A).await;
            send(&mut site, OK).await;
            let both = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n";
            expect(&mut client, both).await;
            assert_eq!(scene.asked(), ["a.fr", "a.fr"]);
        }
    }

    #[tokio::test]
    async fn an_interim_response_comes_before_the_body_is_sent() {
        let mut scene = Scene::default();
        let listener = scene.site("a.fr").await;
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        let head = b"PUT / HTTP/1.1\r\nHost: a.fr\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
        send(&mut client, head).await;
        let mut site = accept(&listener).await;
        expect(&mut site, head).await;
        send(&mut site, b"HTTP/1.1 100 Continue\r\n\r\n").await;
        expect(&mut client, b"HTTP/1.1 100 Continue\r\n\r\n").await;
        send(&mut client, b"body").await;
        expect(&mut site, b"body").await;
        send(&mut site, OK).await;
        expect(&mut client, OK).await;
    }

    #[tokio::test]
    async fn an_answer_before_the_end_of_the_request_ends_the_connection() {
        let mut scene = Scene::default();
        let listener = scene.site("a.fr").await;
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        send(&mut client, b"PUT / HTTP/1.1\r\nHost: a.fr\r\nContent-Length: 1000\r\n\r\nbegin").await;
        let mut site = accept(&listener).await;
        send(&mut site, OK).await;
        expect(&mut client, OK).await;
        client.shutdown().await.unwrap();
        assert_eq!(read_all(&mut client).await.unwrap(), b"");
    }

    #[tokio::test]
    async fn a_response_without_a_length_ends_with_the_connection() {
        let mut scene = Scene::default();
        let listener = scene.site("a.fr").await;
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        send(&mut client, b"GET / HTTP/1.0\r\nHost: a.fr\r\n\r\n").await;
        let mut site = accept(&listener).await;
        expect(&mut site, b"GET / HTTP/1.0\r\nHost: a.fr\r\nConnection: close\r\n\r\n").await;
        send(&mut site, b"HTTP/1.0 200 OK\r\n\r\nall of it").await;
        drop(site);
        let response = read_all(&mut client).await.unwrap();
        assert_eq!(
            String::from_utf8(response).unwrap(),
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it"
        );
    }

    #[tokio::test]
    async fn an_old_client_gets_no_chunks() {
        let mut scene = Scene::default();
        let listener = scene.site("a.fr").await;
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        send(&mut client, b"GET / HTTP/1.0\r\nHost: a.fr\r\n\r\n").await;
        let mut site = accept(&listener).await;
        send(&mut site, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").await;
        assert!(starts_with(&read_all(&mut client).await.unwrap(), "HTTP/1.1 502 "));
    }

    #[tokio::test]
    async fn a_malformed_request_is_answered_and_asked_of_nobody() {
        let mut scene = Scene::default();
        let _listener = scene.site("a.fr").await;
        for (request, status) in [
            (&b"GET / HTTP/1.1\r\n\r\n"[..], "HTTP/1.1 400 "),
            (b"GET / HTTP/1.1\r\nHost: a.fr\r\nHost: b.fr\r\n\r\n", "HTTP/1.1 400 "),
            (b"GET /x/../ferme HTTP/1.1\r\nHost: a.fr\r\n\r\n", "HTTP/1.1 400 "),
            (b"GET /ferme/..%2fx HTTP/1.1\r\nHost: a.fr\r\n\r\n", "HTTP/1.1 400 "),
            (b"CONNECT a.fr:443 HTTP/1.1\r\nHost: a.fr\r\n\r\n", "HTTP/1.1 405 "),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505 "),
        ] {
            let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
            send(&mut client, request).await;
            assert!(starts_with(&read_all(&mut client).await.unwrap(), status));
        }
        assert!(scene.asked().is_empty());
    }

    #[tokio::test]
    async fn what_a_site_does_wrong_is_said_in_a_sentence() {
        for (answer, status) in [
            (Some(&b"\x15\x03\x01\r\n\r\n"[..]), "HTTP/1.1 502 "),
            (Some(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), "HTTP/1.1 502 "),
            (Some(b""), "HTTP/1.1 502 "),
            (None, "HTTP/1.1 504 "),
        ] {
            let mut scene = Scene::default();
            let listener = scene.site("a.fr").await;
            let (mut client, _roads) = visit(&scene, SHORT).await;
            send(&mut client, GET_A).await;
            let mut site = accept(&listener).await;
            expect(&mut site, GET_A).await;
            let site = match answer {
                Some(answer) => {
                    send(&mut site, answer).await;
                    drop(site);
                    None
                }
                None => Some(site),
            };
            assert!(starts_with(&read_all(&mut client).await.unwrap(), status), "{answer:?}");
            drop(site);
        }
    }

    #[tokio::test]
    async fn a_body_cut_short_is_seen_as_such() {
        let mut scene = Scene::default();
        let listener = scene.site("a.fr").await;
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        send(&mut client, GET_A).await;
        let mut site = accept(&listener).await;
        send(&mut site, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await;
        drop(site);
        assert!(is_reset(&mut client).await);
    }

    #[tokio::test]
    async fn a_live_request_is_cut_when_its_permission_ends() {
        let mut scene = Scene::default();
        let listener = scene.site("a.fr").await;
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        send(&mut client, GET_A).await;
        let mut site = accept(&listener).await;
        expect(&mut site, GET_A).await;
        send(&mut site, b"HTTP/1.1 200 OK\r\n\r\nand so on").await;
        expect(&mut client, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nand so on").await;
        scene.judge_again();
        send(&mut site, b" still").await;
        expect(&mut client, b" still").await;
        scene.close_all();
        assert!(is_reset(&mut client).await && is_reset(&mut site).await);
    }

    #[tokio::test]
    async fn a_head_that_never_ends_does_not_stay() {
        let scene = Scene::default();
        let (mut client, mut roads) = visit(&scene, SHORT).await;
        send(&mut client, b"GET / HTTP/1.1\r\nHost: a").await;
        roads.join_next().await.unwrap().unwrap();
        let _ = read_all(&mut client).await;
        assert!(scene.asked().is_empty());
    }
}
