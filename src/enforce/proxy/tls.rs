//! The road of a TLS connection: read the hello, ask, connect, and let both sides talk without listening (decision D1).

use std::{mem::MaybeUninit, time::Duration};

use tokio::{net::TcpStream, time::timeout};
use tracing::debug;

use super::{
    alert::Alert,
    client_hello::{self, Hello, NotTls, Progress},
    closing::{prepare_reset, reset, say_and_close},
    connect::ConnectError,
    passage::Passage,
    relay::{read_available, relay, write_all},
    retry::{self, NotAccepted},
};
use crate::{
    model::Domain,
    policy::{Permit, Verdict},
};

/// How much of a hello is read at a time, in bytes: one without post-quantum keys fits.
const READ_BYTES: usize = 2 * 1024;

/// Why no hello was read.
#[derive(Debug)]
enum NoHello {
    /// The client hung up or is gone.
    Gone,
    /// What it sent is not accepted.
    NotTls(NotTls),
}

/// Takes `client` to the site its hello names, or tells it why not.
pub(super) async fn serve(client: TcpStream, passage: &Passage) {
    let limits = &passage.limits;
    let (bytes, hello) = match timeout(limits.hello_wait_max, read_hello(&client)).await {
        Ok(Ok(read)) => read,
        Ok(Err(NoHello::NotTls(reason))) => return refuse_hello(client, reason, passage).await,
        Ok(Err(NoHello::Gone)) | Err(_) => return reset(client),
    };
    // Closed: what stands behind the hello in its record could be another one.
    let Some(end) = client_hello::hello_end(&bytes) else {
        return refuse_hello(client, NotTls::Record, passage).await;
    };
    let name = hello.server_name.clone();
    debug!(named = hello.server_name.is_some(), ech = hello.ech, "hello read");
    let permit = match passage.errand.judge_hello(hello, passage.destination.ip()).await {
        Verdict::Allow(permit) => permit,
        Verdict::Refuse(_) => {
            return say_and_close(client, &Alert::UnrecognizedName.record(), limits).await;
        }
    };
    match passage.connect(permit).await {
        // Boxed: a connection that is only half open then costs no room for the rest of its life.
        Ok((server, permit)) => {
            let said = Said { bytes, end, name };
            Box::pin(carry(client, server, said, &permit, passage)).await;
        }
        Err(ConnectError::NoAddress | ConnectError::LeadsToRefused(_)) => {
            say_and_close(client, &Alert::UnrecognizedName.record(), limits).await;
        }
        Err(ConnectError::NoAnswer) => say_and_close(client, &Alert::InternalError.record(), limits).await,
        // As without a proxy: the site's refusal is a reset.
        Err(ConnectError::Refused | ConnectError::Silent) => reset(client),
    }
}

/// What a client has said by the time its hello was read.
struct Said {
    /// All of it.
    bytes: Vec<u8>,
    /// Where the hello ends in it.
    end: usize,
    /// The site that the hello names.
    name: Option<Domain>,
}

/// Hands the hello on and relays until an end, or until the permit is no longer good.
async fn carry(client: TcpStream, server: TcpStream, said: Said, permit: &Permit, passage: &Passage) {
    let idle_max = passage.limits.tls_idle_max;
    let talk = async {
        if begin(&client, &server, said, idle_max).await.is_ok() {
            relay(&client, &server, &passage.pipes, idle_max).await;
        } else {
            prepare_reset(&client);
            prepare_reset(&server);
        }
    };
    let cut = tokio::select! {
        biased;
        () = passage.errand.until_refused(permit) => true,
        () = talk => false,
    };
    if cut {
        debug!("live connection cut, its permission has ended");
        reset(client);
        reset(server);
    }
}

/// Hands the hello on and watches until the site has accepted it.
async fn begin(
    client: &TcpStream,
    server: &TcpStream,
    said: Said,
    idle_max: Duration,
) -> Result<(), NotAccepted> {
    let (hello, behind) = said.bytes.split_at(said.end);
    write_all(server, hello).await.map_err(|_| NotAccepted::Broken)?;
    retry::until_accepted(client, server, behind, said.name.as_ref(), idle_max).await
}

/// A TLS client that speaks badly is told so; another protocol would not understand.
async fn refuse_hello(client: TcpStream, reason: NotTls, passage: &Passage) {
    debug!(%reason, "hello refused");
    let alert = match reason {
        NotTls::OtherProtocol => return reset(client),
        NotTls::Record | NotTls::TooLong | NotTls::Length => Alert::DecodeError,
        NotTls::Ambiguous | NotTls::Name(_) => Alert::UnrecognizedName,
    };
    say_and_close(client, &alert.record(), &passage.limits).await;
}

/// Everything the client sent up to the end of its hello, perhaps with bytes behind it, and what the hello says.
///
/// A client that has sent nothing costs no buffer.
async fn read_hello(client: &TcpStream) -> Result<(Vec<u8>, Hello), NoHello> {
    let mut bytes = Vec::new();
    loop {
        client.readable().await.map_err(|_| NoHello::Gone)?;
        if !take(client, &mut bytes)? {
            continue;
        }
        match client_hello::read(&bytes) {
            Progress::NeedMore => {}
            Progress::Hello(hello) => return Ok((bytes, hello)),
            Progress::NotTls(reason) => return Err(NoHello::NotTls(reason)),
        }
    }
}

/// Adds what `client` has sent, up to the bound of a hello. Says whether there was anything.
fn take(client: &TcpStream, bytes: &mut Vec<u8>) -> Result<bool, NoHello> {
    let mut room = [MaybeUninit::uninit(); READ_BYTES];
    let left = client_hello::BYTES_MAX.saturating_sub(bytes.len()).min(READ_BYTES);
    match read_available(client, &mut room[..left]) {
        Ok(Some([])) | Err(_) => Err(NoHello::Gone),
        Ok(Some(taken)) => {
            bytes.extend_from_slice(taken);
            Ok(true)
        }
        // Sockets may be called readable before they are.
        Ok(None) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        task::JoinSet,
    };

    use super::*;
    use crate::enforce::proxy::{
        limits::Limits,
        scene::{SHORT, Scene, expect, is_reset, pair, read_all, send},
    };

    /// A hello of TLS 1.2 that names `www.exemple.fr` and nothing else.
    const HELLO: &[u8] = b"\x16\x03\x01\x00\x46\x01\x00\x00\x42\x03\x03\
        01234567890123456789012345678901\x00\x00\x02\x13\x01\x01\x00\
        \x00\x17\x00\x00\x00\x13\x00\x11\x00\x00\x0ewww.exemple.fr";

    /// A server hello that asks for another hello; what stands behind the random is nobody's to read here.
    const ASKS_AGAIN: &[u8] = b"\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03\
        \xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\
        \xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c....";

    /// [`HELLO`], naming another site.
    fn other_hello() -> Vec<u8> {
        let mut other = HELLO.to_vec();
        let place = other.len() - 14;
        other[place..].copy_from_slice(b"jeux.exemple.x");
        other
    }

    #[tokio::test]
    async fn a_second_hello_that_the_site_asks_for_must_name_the_same_site() {
        for (second, passes) in [(HELLO.to_vec(), true), (other_hello(), false)] {
            let mut scene = Scene::default();
            let listener = scene.site("www.exemple.fr").await;
            let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
            send(&mut client, HELLO).await;
            let (mut site, _) = listener.accept().await.unwrap();
            expect(&mut site, HELLO).await;
            send(&mut site, ASKS_AGAIN).await;
            // A change of cipher, and data that a server which asks again passes over.
            let before: &[u8] = b"\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x02..";
            send(&mut client, before).await;
            send(&mut client, &second[..9]).await;
            expect(&mut site, before).await;
            send(&mut client, &second[9..]).await;
            if passes {
                expect(&mut client, ASKS_AGAIN).await;
                expect(&mut site, &second).await;
                send(&mut site, b"answer").await;
                expect(&mut client, b"answer").await;
            } else {
                assert!(is_reset(&mut site).await);
            }
        }
    }

    #[tokio::test]
    async fn a_second_hello_behind_the_first_waits_for_the_sites_answer() {
        for (answer, passes) in
            [(&b"\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03another"[..], true), (ASKS_AGAIN, false)]
        {
            let mut scene = Scene::default();
            let listener = scene.site("www.exemple.fr").await;
            let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
            send(&mut client, &[HELLO, &other_hello()].concat()).await;
            let (mut site, _) = listener.accept().await.unwrap();
            expect(&mut site, HELLO).await;
            assert!(timeout(Duration::from_millis(50), site.read_u8()).await.is_err(), "held back");
            send(&mut site, answer).await;
            if passes {
                // A server that did not ask refuses it by itself.
                expect(&mut site, &other_hello()).await;
            } else {
                assert!(is_reset(&mut site).await);
            }
        }
    }

    #[tokio::test]
    async fn a_second_hello_within_the_record_of_the_first_is_refused() {
        let mut scene = Scene::default();
        let _listener = scene.site("www.exemple.fr").await;
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        let mut both = [HELLO, &other_hello()[5..]].concat();
        both[4] += 70;
        send(&mut client, &both).await;
        expect(&mut client, &[21, 3, 3, 0, 2, 2, 50]).await;
        assert_eq!(scene.connections(), 0);
    }

    const UNRECOGNIZED_NAME: &[u8] = &[21, 3, 3, 0, 2, 2, 112];

    /// The client's end of a connection that takes the road.
    async fn visit(scene: &Scene, limits: Limits) -> (TcpStream, JoinSet<()>) {
        let (client, ours) = pair().await;
        let passage = scene.passage(limits);
        let mut roads = JoinSet::new();
        roads.spawn(async move { serve(ours, &passage).await });
        (client, roads)
    }

    #[tokio::test]
    async fn an_allowed_site_gets_the_hello_unchanged_and_both_sides_talk() {
        let mut scene = Scene::default();
        let listener = scene.site("www.exemple.fr").await;
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        send(&mut client, HELLO).await;
        send(&mut client, b"early").await;
        let (mut site, _) = listener.accept().await.unwrap();
        expect(&mut site, HELLO).await;
        expect(&mut site, b"early").await;
        send(&mut site, b"answer").await;
        expect(&mut client, b"answer").await;
        drop(site);
        assert_eq!(read_all(&mut client).await.unwrap(), b"");
        assert_eq!(scene.asked(), ["www.exemple.fr"]);
    }

    #[tokio::test]
    async fn a_hello_in_segments_of_one_byte_is_read() {
        let mut scene = Scene::default();
        let listener = scene.site("www.exemple.fr").await;
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        client.set_nodelay(true).unwrap();
        for byte in HELLO {
            send(&mut client, &[*byte]).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        expect(&mut listener.accept().await.unwrap().0, HELLO).await;
    }

    #[tokio::test]
    async fn a_refused_site_is_answered_by_an_alert_and_a_clean_end() {
        let scene = Scene::default();
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        send(&mut client, HELLO).await;
        send(&mut client, &[0; 100_000]).await;
        expect(&mut client, UNRECOGNIZED_NAME).await;
        client.shutdown().await.unwrap();
        assert_eq!(read_all(&mut client).await.unwrap(), b"");
        assert_eq!(scene.connections(), 0);
    }

    /// [`HELLO`] with an encrypted hello made with key 7.
    fn hello_with_ech() -> Vec<u8> {
        let mut hello = [HELLO, b"\xfe\x0d\x00\x0c\0\0\x01\0\x01\x07\0\x01k\0\x01h"].concat();
        for place in [4, 8, 51] {
            hello[place] += 16;
        }
        hello
    }

    #[tokio::test]
    async fn a_hello_that_hides_a_name_is_refused_behind_an_allowed_one_and_written_down() {
        let mut scene = Scene::default();
        let _listener = scene.site("www.exemple.fr").await;
        scene.outer("www.exemple.fr", 7);
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        send(&mut client, &hello_with_ech()).await;
        expect(&mut client, UNRECOGNIZED_NAME).await;
        assert_eq!((scene.asked(), scene.connections()), (vec!["www.exemple.fr".to_owned()], 0));
    }

    #[tokio::test]
    async fn a_meaningless_encrypted_hello_is_judged_by_its_name() {
        let mut scene = Scene::default();
        let listener = scene.site("www.exemple.fr").await;
        scene.outer("www.exemple.fr", 8);
        scene.outer("cover.example", 7);
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        send(&mut client, &hello_with_ech()).await;
        expect(&mut listener.accept().await.unwrap().0, &hello_with_ech()).await;
    }

    #[tokio::test]
    async fn a_site_that_leads_to_a_refused_one_is_answered_like_that_one() {
        let mut scene = Scene::default();
        scene.alias("www.exemple.fr", "jeux.example");
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        send(&mut client, HELLO).await;
        expect(&mut client, UNRECOGNIZED_NAME).await;
        assert_eq!(scene.connections(), 0);
    }

    #[tokio::test]
    async fn a_hello_without_a_name_is_judged_by_its_destination() {
        let scene = Scene::default();
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        let mut hello = HELLO[..HELLO.len() - 25].to_vec();
        hello[4] -= 25;
        hello[8] -= 25;
        send(&mut client, &hello).await;
        expect(&mut client, UNRECOGNIZED_NAME).await;
        assert_eq!(scene.asked(), ["192.0.2.9"]);
    }

    #[tokio::test]
    async fn what_is_no_hello_is_asked_of_nobody() {
        for (bytes, alert) in [
            (&b"GET / HTTP/1.1\r\n\r\n"[..], None),
            (b"\x16\x03\x01\x00\x00", Some(&[21, 3, 3, 0, 2, 2, 50])),
        ] {
            let scene = Scene::default();
            let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
            send(&mut client, bytes).await;
            match alert {
                Some(alert) => expect(&mut client, alert).await,
                None => assert!(is_reset(&mut client).await),
            }
            assert!(scene.asked().is_empty());
        }
    }

    #[tokio::test]
    async fn half_a_hello_does_not_stay() {
        let scene = Scene::default();
        let (mut client, mut roads) = visit(&scene, SHORT).await;
        send(&mut client, &HELLO[..20]).await;
        assert!(is_reset(&mut client).await);
        roads.join_next().await.unwrap().unwrap();
        assert!(scene.asked().is_empty());
    }

    #[tokio::test]
    async fn a_site_that_refuses_connections_looks_so() {
        let mut scene = Scene::default();
        drop(scene.site("www.exemple.fr").await);
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        send(&mut client, HELLO).await;
        assert!(is_reset(&mut client).await);
    }

    #[tokio::test]
    async fn a_live_connection_is_cut_when_its_permission_ends_and_not_before() {
        let mut scene = Scene::default();
        let listener = scene.site("www.exemple.fr").await;
        let (mut client, _roads) = visit(&scene, Limits::SCHOOL).await;
        send(&mut client, HELLO).await;
        let (mut site, _) = listener.accept().await.unwrap();
        expect(&mut site, HELLO).await;
        scene.judge_again();
        send(&mut client, b"still").await;
        expect(&mut site, b"still").await;
        scene.close_all();
        assert!(is_reset(&mut client).await && is_reset(&mut site).await);
    }
}
