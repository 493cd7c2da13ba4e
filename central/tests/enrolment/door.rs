//! Trouble at the door: garbage, too much, too slow, the wrong name, no certificate, somebody else's claim.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use preau::sync::client::CallError;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::aws_lc_rs,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::scene::{NAME, Scene};

/// Takes whoever answers: these tests are about what central does.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A stranger's connection that asks for `name`.
async fn stranger(scene: &Scene, name: &'static str) -> std::io::Result<TlsStream<TcpStream>> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    let stream = TcpStream::connect(scene.address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name).unwrap(), stream).await
}

/// What a stranger's request is answered.
async fn answer(scene: &Scene, request: &[u8]) -> String {
    let mut stream = stranger(scene, NAME).await.unwrap();
    // Central may answer and end before it has read all.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\nContent-Length: {length}");
    format!("{head}\r\n\r\n{body}").into_bytes()
}

#[tokio::test]
async fn without_a_certificate_there_is_nothing_but_enrolment() {
    let scene = Scene::new().await;
    for path in [
        "/v1/whoami",
        "/v1/line",
        "/v1/certificate",
        "/v1/setup",
        "/v1/repository/targets/a",
        "/",
        "/v1/enrol/",
    ] {
        let said = answer(&scene, &post(path, "{}")).await;
        assert!(said.starts_with("HTTP/1.1 401") && said.contains("no-certificate"), "{path}: {said}");
    }
}

#[tokio::test]
async fn garbage_is_refused_with_what_is_wrong() {
    let scene = Scene::new().await;
    for body in ["", "{", "[]", "{\"secret\":1}", "\u{0}\u{1}", "{\"secret\":\"a\",\"more\":1}"] {
        let said = answer(&scene, &post("/v1/enrol", body)).await;
        assert!(said.starts_with("HTTP/1.1 400") && said.contains("unreadable"), "{body:?}: {said}");
    }
    let said = answer(&scene, b"\x16\x03\x01 nothing of HTTP\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.1 400"), "{said}");
    assert!(answer(&scene, &post("/v1/enrol", &"a".repeat(17_000))).await.starts_with("HTTP/1.1 413"));
    let long = format!("GET / HTTP/1.1\r\nHost: {NAME}\r\nX: {}\r\n\r\n", "a".repeat(20_000));
    assert!(answer(&scene, long.as_bytes()).await.starts_with("HTTP/1.1 431"));
    // What is no TLS at all is ended, and the next one is served.
    let mut stream = TcpStream::connect(scene.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok());
    scene.enrolled().await;
}

#[tokio::test]
async fn whoever_asks_for_another_name_is_told_by_an_alert() {
    let scene = Scene::new().await;
    let refused = stranger(&scene, "console.test").await.unwrap_err().to_string();
    assert!(refused.contains("alert"), "{refused}");
}

#[tokio::test]
async fn slow_heads_and_handshakes_are_ended() {
    let scene = Scene::new().await;
    let mut half = TcpStream::connect(scene.address).await.unwrap();
    half.write_all(&[0x16, 0x03, 0x01]).await.unwrap();
    let mut slow = stranger(&scene, NAME).await.unwrap();
    slow.write_all(b"POST /v1/enrol HTTP/1.1\r\nX: ").await.unwrap();
    let began = Instant::now();
    let mut rest = Vec::new();
    let ends = async {
        let _ = half.read_to_end(&mut rest).await;
        let mut rest = Vec::new();
        let _ = slow.read_to_end(&mut rest).await;
    };
    timeout(Duration::from_secs(15), ends).await.unwrap();
    assert!(began.elapsed() > Duration::from_secs(5));
}

#[tokio::test]
async fn wrong_tokens_are_counted_and_a_right_one_waits_then_too() {
    let scene = Scene::new().await;
    let mut token = scene.token().await;
    let right = token.clone();
    token.secret = "00".repeat(16);
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..20 {
        assert!(scene.enrol(&token, dir.path()).await.unwrap_err().to_string().contains("not known"));
    }
    assert!(scene.enrol(&right, dir.path()).await.unwrap_err().to_string().contains("too many"));
    scene.hands.pass(Duration::from_secs(900));
    scene.enrol(&right, dir.path()).await.unwrap();
}

#[tokio::test]
async fn a_box_is_given_its_own_view_and_the_targets_from_any_byte_on() {
    let scene = Scene::new().await;
    let (_, client) = scene.enrolled().await;
    let put = |name, bytes| scene.bucket.put_new(name, Bytes::from_static(bytes));
    put("metadata/0809999Z/timestamp.json", b"{\"ours\":1}").await.unwrap();
    put("metadata/0800001A/timestamp.json", b"{\"theirs\":1}").await.unwrap();
    put("targets/lists/aa.games", b"0123456789").await.unwrap();
    let get = async |path: &str| scene.get(&client, &format!("v1/repository/{path}")).await;
    assert_eq!(get("metadata/0809999Z/timestamp.json").await, (200, "{\"ours\":1}".into()));
    for nothing in [
        "metadata/0800001A/timestamp.json",
        "metadata/0809999Z/2.root.json",
        "metadata/0809999Z/..%2f0800001A%2ftimestamp.json",
        "targets/..%2fmetadata/0800001A/timestamp.json",
        "targets/lists/%2e%2e/x",
        "targets/lists/.hidden",
        "targets/none",
    ] {
        assert_eq!(get(nothing).await.0, 404, "{nothing}");
    }
    assert_eq!(get("targets/lists/aa.games").await, (200, "0123456789".into()));
    let url = format!("https://{NAME}:{}/v1/repository/targets/lists/aa.games", scene.address.port());
    let http = client.http();
    let part = http.get(&url).header("range", "bytes=7-").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 7-9/10");
    let tag = part.headers()["etag"].clone();
    assert_eq!(part.text().await.unwrap(), "789");
    let past = http.get(&url).header("range", "bytes=10-").send().await.unwrap();
    assert_eq!(
        (past.status().as_u16(), past.headers()["content-range"].to_str().unwrap()),
        (416, "bytes */10")
    );
    let other =
        http.get(&url).header("range", "bytes=7-").header("if-range", "\"other\"").send().await.unwrap();
    assert_eq!((other.status().as_u16(), other.text().await.unwrap().as_str()), (200, "0123456789"));
    let known = http.get(&url).header("if-none-match", tag).send().await.unwrap();
    assert_eq!(known.status(), 304);
    let head = http.head(&url).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()), (200, "10"));
}

#[tokio::test]
async fn too_long_a_body_of_a_known_box_is_refused_too() {
    let scene = Scene::new().await;
    let (_, client) = scene.enrolled().await;
    let long = serde_json::json!({ "configuration": "a".repeat(2 << 20), "devices": [] });
    let refused = client.put::<()>("v1/setup", &long, Duration::from_secs(10)).await.unwrap_err();
    // Central may end the connection before all of it was sent.
    assert!(!matches!(refused, CallError::Refused { status: 200..=299, .. }), "{refused}");
    assert_eq!(scene.get(&client, "v1/whoami").await.0, 200);
}
