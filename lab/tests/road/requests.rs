//! Requests that two readers could read differently never pass the proxy; slow ones end.

use crate::asking::{CLOSED, OPEN, exchange, page, places, signed_in};

/// A request is answered 400 at `OPEN`'s address in both families, and the Internet never hears of `name`, which stands
/// for NAME in it.
fn check(name: &str, request: &str) {
    for place in places(OPEN) {
        let answer = exchange(signed_in(), "eleve", &place, 80, &request.replace("NAME", name));
        assert!(answer.starts_with("HTTP/1.1 400 "), "{place} answers {answer:?} to {request:?}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer:?}");
        assert!(answer.contains("mal form"), "the answer is the Internet's: {answer:?}");
    }
    let questions = signed_in().upstream_questions().unwrap();
    assert!(!questions.iter().any(|question| question.contains(name)), "the request went on: {questions:?}");
}

#[test]
fn two_lengths_are_refused() {
    check(
        "longueurs.exemple.fr",
        r"POST / HTTP/1.1\r\nHost: NAME\r\nContent-Length: 4\r\nContent-Length: 30\r\n\r\nabcd",
    );
}

#[test]
fn length_and_chunks_are_refused() {
    check(
        "morceaux.exemple.fr",
        r"POST / HTTP/1.1\r\nHost: NAME\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    );
}

#[test]
fn a_bare_carriage_return_is_refused() {
    check("retour.exemple.fr", r"GET / HTTP/1.1\r\nHost: NAME\r\nX: a\rHost: b.exemple.fr\r\n\r\n");
}

#[test]
fn a_bare_line_feed_is_refused() {
    check("ligne.exemple.fr", r"GET / HTTP/1.1\nHost: NAME\n\n");
}

#[test]
fn a_url_of_another_host_than_the_field_is_refused() {
    check("absolu.exemple.fr", r"GET http://NAME/ HTTP/1.1\r\nHost: autre.exemple.fr\r\n\r\n");
    check("absolu2.exemple.fr", r"GET http://autre.exemple.fr/ HTTP/1.1\r\nHost: NAME\r\n\r\n");
}

#[test]
fn two_hosts_are_refused() {
    check("deux-hotes.exemple.fr", r"GET / HTTP/1.1\r\nHost: NAME\r\nHost: jeux-en-ligne.example\r\n\r\n");
}

#[test]
fn a_missing_host_is_refused() {
    check("sans-hote.exemple.fr", r"GET /NAME HTTP/1.1\r\nAccept: */*\r\n\r\n");
}

#[test]
fn a_folded_field_and_a_space_before_the_colon_are_refused() {
    check("pli.exemple.fr", r"GET / HTTP/1.1\r\nHost: NAME\r\nX: a\r\n b\r\n\r\n");
    check("espace.exemple.fr", r"GET / HTTP/1.1\r\nHost : NAME\r\n\r\n");
}

#[test]
fn every_request_of_a_kept_connection_is_judged() {
    let first = format!(r"GET /echo HTTP/1.1\r\nHost: {OPEN}\r\n\r\n");
    let second = format!(r"GET /second HTTP/1.1\r\nHost: {CLOSED}\r\n\r\n");
    for place in places(OPEN) {
        let answer = exchange(signed_in(), "eleve", &place, 80, &format!("{first}{second}"));
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(&format!("host: {OPEN}")), "{answer}");
        assert!(answer.contains("HTTP/1.1 403 "), "the second request was not refused: {answer}");
    }
}

#[test]
fn a_request_hidden_in_a_body_is_body() {
    let hidden = format!(r"GET /echo HTTP/1.1\r\nHost: {CLOSED}\r\n\r\n");
    let length = hidden.len() - 2 * hidden.matches(r"\r\n").count();
    let request = format!(
        r"POST /echo HTTP/1.1\r\nHost: {OPEN}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{hidden}"
    );
    let answer = exchange(signed_in(), "eleve", &places(OPEN)[0], 80, &request);
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 1, "{answer}");
    assert!(answer.ends_with(&format!("Host: {CLOSED}\r\n\r\n")), "{answer}");
}

#[test]
fn a_head_that_comes_a_byte_at_a_time_is_ended_and_disturbs_nobody() {
    let script = "exec 3<>/dev/tcp/$0/80; printf 'GET / HTTP/1.1\\r\\nHost: ' >&3; \
                  for i in $(seq 40); do printf a >&3 2>/dev/null || exit 0; sleep 0.5; done; exit 1";
    let slow = signed_in().spawn("eleve2", "slow-head", &["bash", "-c", script, &places(OPEN)[0]]);
    let mut slow = slow.unwrap();
    assert!(page(signed_in(), "eleve", &format!("http://{OPEN}/"), &[]).contains("<title>"));
    // The bound of a head is ten seconds.
    let ended = slow.wait(std::time::Duration::from_secs(19)).unwrap();
    assert_ne!(ended, Some(1), "the slow head was never ended");
}
