//! Whole sign-ins against an ENT of our own on the loopback, which says what each test wants.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    enforce::dns,
    identity::{EntMatch, EntStanding, Identity, test_school::School},
    model::{AccountId, Mac},
};

const HERE: Mac = Mac::new([2, 0, 0, 0, 0, 1]);
const THERE: Mac = Mac::new([2, 0, 0, 0, 0, 2]);

/// What the fake ENT answers to a request: status and body.
type Answer = Box<dyn FnMut(&str) -> (u16, String) + Send>;

/// An ENT that answers by a function of the request's text, and remembers what it was asked.
struct FakeEnt {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    answer: Arc<Mutex<Answer>>,
    _tasks: JoinSet<()>,
}

impl FakeEnt {
    async fn start(answer: impl FnMut(&str) -> (u16, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer: Arc<Mutex<Answer>> = Arc::new(Mutex::new(Box::new(answer)));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answers, log) = (Arc::clone(&answer), Arc::clone(&asked));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut bytes = vec![0; 16 * 1024];
                let mut length = 0;
                // A head, and a body as long as it says.
                let text = loop {
                    let read = stream.read(&mut bytes[length..]).await.unwrap_or(0);
                    length += read;
                    let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                    let body_length = text
                        .to_lowercase()
                        .split_once("content-length: ")
                        .and_then(|(_, rest)| rest.split("\r\n").next()?.parse::<usize>().ok())
                        .unwrap_or(0);
                    let is_whole =
                        text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.len() >= body_length);
                    if is_whole || read == 0 {
                        break text;
                    }
                };
                log.lock().unwrap().push(text.clone());
                let (status, body) = (answers.lock().unwrap())(&text);
                let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
                let body = if text.starts_with("HEAD") { String::new() } else { body };
                drop(stream.write_all(format!("{head}{body}").as_bytes()).await);
            }
        });
        Self { address, asked, answer, _tasks: tasks }
    }

    fn says(&self, answer: impl FnMut(&str) -> (u16, String) + Send + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    fn last_asked(&self) -> String {
        self.asked.lock().unwrap().last().unwrap().clone()
    }
}

/// A box with an ENT.
struct Scene {
    ent: Ent,
    identity: Identity,
    fake: FakeEnt,
    stop: CancellationToken,
    _school: School,
    _tasks: JoinSet<anyhow::Result<()>>,
}

impl Scene {
    async fn of(protocol: Protocol, id: Option<&str>) -> Self {
        let fake = FakeEnt::start(|_| (200, String::new())).await;
        let settings = Settings {
            name: "Mon ENT".to_owned(),
            protocol,
            url: EntUrl::plain(&format!("http://{}/cas", fake.address)),
            sites: Vec::new(),
            id: id.map(str::to_owned),
            matches: EntMatch::Id,
            authorities_path: None,
            portal: "https://portail.exemple".to_owned(),
        };
        let school = School::new();
        let identity = school.open();
        let resolver = dns::Resolver::new(&dns::Settings {
            upstreams: Vec::new(),
            own_names: Vec::new(),
            fronted_names: Vec::new(),
            local_names: Vec::new(),
            zones: Vec::new(),
            listen_port: 0,
            redirected_port: 0,
        });
        let clock = school.clock.clone();
        let (ent, service) = Ent::open(settings, resolver, identity.clone(), clock).unwrap();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(service.serve(stop.clone()));
        Self { ent, identity, fake, stop, _school: school, _tasks: tasks }
    }

    async fn cas(id: Option<&str>) -> Self {
        Self::of(Protocol::Cas, id).await
    }

    async fn depart(&self) -> Left {
        self.ent.depart(HERE, Some("http://a.fr/".to_owned()), Demand::AnySession).await.unwrap()
    }

    /// Comes back with a ticket about which the ENT says `answer`.
    async fn come_back(&self, status: u16, answer: &str) -> Result<Arrived, EntRefusal> {
        let left = self.depart().await;
        let answer = answer.to_owned();
        self.fake.says(move |_| (status, answer.clone()));
        let arrived = self.ent.arrive(&left.key, HERE, &ticket("ST-1-abc")).await;
        self.fake.says(|_| (200, String::new()));
        arrived
    }

    async fn until(&self, standing: EntStanding) {
        for _ in 0..600 {
            if self.identity.ent() == standing {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not {standing:?} within six seconds");
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn ticket(text: &str) -> Returned {
    Returned { ticket: Some(text.to_owned()), ..Returned::default() }
}

fn success(inside: &str) -> String {
    format!(
        "<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'><cas:authenticationSuccess>{inside}\
         </cas:authenticationSuccess></cas:serviceResponse>"
    )
}

#[tokio::test]
async fn a_ticket_is_confirmed_by_the_ent_for_this_portal() {
    let scene = Scene::cas(None).await;
    let left = scene.depart().await;
    assert!(
        left.url.ends_with("/cas/login?service=https%3A%2F%2Fportail.exemple%2Fconnexion%2Fent%2Fretour")
    );
    scene.fake.says(|_| (200, success("<cas:user>camille</cas:user>")));
    let arrived = scene.ent.arrive(&left.key, HERE, &ticket("ST-1-abc")).await.unwrap();
    let expected = Arrived {
        claimed: "camille".to_owned(),
        wanted: Some("http://a.fr/".to_owned()),
        gave_password: false,
    };
    assert_eq!(arrived, expected);
    let asked = scene.fake.last_asked();
    let expected = "GET /cas/p3/serviceValidate?service=https%3A%2F%2Fportail.exemple%2Fconnexion%2Fent%2Fretour&\
                    ticket=ST-1-abc HTTP/1.1\r\n";
    assert!(asked.starts_with(expected), "{asked}");
}

#[tokio::test]
async fn a_return_is_good_once_and_on_the_machine_of_the_departure() {
    let scene = Scene::cas(None).await;
    let (first, second) = (scene.depart().await, scene.depart().await);
    scene.fake.says(|_| (200, success("<cas:user>camille</cas:user>")));
    let questions = || scene.fake.asked.lock().unwrap().iter().filter(|text| text.contains("/p3/")).count();
    for (key, machine) in [(first.key.as_str(), THERE), ("", HERE), ("x", HERE)] {
        let refused = scene.ent.arrive(key, machine, &ticket("ST-1-abc")).await;
        assert_eq!(refused, Err(EntRefusal::Strange));
    }
    assert!(scene.ent.arrive(&second.key, HERE, &ticket("ST-1-abc")).await.is_ok());
    assert_eq!(scene.ent.arrive(&second.key, HERE, &ticket("ST-1-abc")).await, Err(EntRefusal::Strange));
    assert_eq!(questions(), 1, "strangers cost the ENT nothing");
}

#[tokio::test]
async fn who_changes_person_is_asked_for_the_password_again_and_the_ticket_must_say_so() {
    let scene = Scene::cas(None).await;
    let left = scene.ent.depart(HERE, None, Demand::PasswordAgain).await.unwrap();
    assert!(left.url.ends_with("&renew=true"), "{}", left.url);
    scene.fake.says(|_| (200, success("<cas:user>camille</cas:user>")));
    scene.ent.arrive(&left.key, HERE, &ticket("ST-1-abc")).await.unwrap();
    assert!(scene.fake.last_asked().contains("&renew=true HTTP"), "{}", scene.fake.last_asked());
}

#[tokio::test]
async fn each_answer_of_the_ent_has_its_refusal() {
    let scene = Scene::cas(Some("ENTPersonJointure")).await;
    let of = |attributes: &str| {
        success(&format!("<cas:user>a</cas:user><cas:attributes>{attributes}</cas:attributes>"))
    };
    let one = "<cas:ENTPersonJointure>E1</cas:ENTPersonJointure>";
    let other = "<cas:ENTPersonJointure>E2</cas:ENTPersonJointure>";
    let failure = |code: &str| {
        format!(
            "<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'><cas:authenticationFailure code='{code}'/>\
             </cas:serviceResponse>"
        )
    };
    assert_eq!(scene.come_back(200, &of(&format!("{one}{one}"))).await.unwrap().claimed, "E1");
    for (status, answer, refusal) in [
        (200, of(""), EntRefusal::NoId),
        (200, of(&format!("{one}{other}")), EntRefusal::NoId),
        (200, failure("INVALID_TICKET"), EntRefusal::Declined),
        (403, failure("INVALID_SERVICE"), EntRefusal::Declined),
        (200, failure("INTERNAL_ERROR"), EntRefusal::Away),
        (503, of(one), EntRefusal::Away),
        (404, of(one), EntRefusal::Unreadable),
        (302, String::new(), EntRefusal::Unreadable),
        (200, "<html>Maintenance</html>".to_owned(), EntRefusal::Unreadable),
        (200, "x".repeat(2 << 20), EntRefusal::Unreadable),
    ] {
        assert_eq!(scene.come_back(status, &answer).await, Err(refusal), "{status} {:.300}", answer);
    }
    let left = scene.depart().await;
    let none = scene.ent.arrive(&left.key, HERE, &Returned::default()).await;
    assert_eq!(none, Err(EntRefusal::Declined), "somebody who gave up there");
}

#[tokio::test]
async fn nobody_is_sent_to_an_ent_that_is_away_and_it_is_back_with_one_look() {
    let scene = Scene::cas(None).await;
    assert_eq!(scene.identity.ent(), EntStanding::Away, "nothing has been seen yet");
    scene.until(EntStanding::Reachable).await;
    scene.fake.says(|_| (503, String::new()));
    // The last look is too young for a new one: whoever leaves now finds the ENT's own word for it, and the next knows.
    let left = scene.depart().await;
    assert_eq!(scene.ent.arrive(&left.key, HERE, &ticket("ST-1")).await, Err(EntRefusal::Away));
    scene.until(EntStanding::Away).await;
    assert_eq!(
        scene.ent.depart(HERE, None, Demand::AnySession).await.map(|left| left.url),
        Err(EntRefusal::Away)
    );
    scene.fake.says(|_| (405, String::new()));
    scene.ent.shared_look_for_tests();
    scene.until(EntStanding::Reachable).await;
}

#[tokio::test]
async fn the_ent_ends_the_session_that_its_ticket_began() {
    let scene = Scene::cas(None).await;
    scene.ent.note_session("ST-1-abc", HERE, AccountId::new("E1"));
    let request = |ticket: &str| {
        format!(
            "<samlp:LogoutRequest xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol'><samlp:SessionIndex>{ticket}\
             </samlp:SessionIndex></samlp:LogoutRequest>"
        )
    };
    assert_eq!(scene.ent.ended_by_ent(&request("ST-2")), None);
    assert_eq!(scene.ent.ended_by_ent(&request("ST-1-abc")), Some((HERE, AccountId::new("E1"))));
    assert_eq!(scene.ent.ended_by_ent(&request("ST-1-abc")), None);
    let url = scene.ent.sign_out_url().unwrap();
    assert!(url.ends_with("/cas/logout?service=https%3A%2F%2Fportail.exemple%2F"), "{url}");
}

/// What a provider answers whose id token has this nonce.
fn provider(address: SocketAddr, nonce: String) -> impl FnMut(&str) -> (u16, String) + Send {
    move |request| {
        let root = format!("http://{address}/cas");
        if request.contains("/.well-known/openid-configuration") {
            let text = format!(
                r#"{{"issuer": "{root}", "authorization_endpoint": "{root}/authorize", "token_endpoint": "{root}/token",
                "userinfo_endpoint": "{root}/me", "end_session_endpoint": "{root}/end"}}"#
            );
            return (200, text);
        }
        if request.starts_with("POST /cas/token") {
            let claims = format!(
                r#"{{"iss": "{root}", "aud": "preau", "exp": 99999999999, "nonce": "{nonce}", "sub": "42"}}"#
            );
            let token = format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims));
            let text =
                format!(r#"{{"access_token": "secret", "token_type": "Bearer", "id_token": "{token}"}}"#);
            return (200, text);
        }
        if request.starts_with("GET /cas/me")
            && request.to_lowercase().contains("authorization: bearer secret")
        {
            return (200, r#"{"sub": "42", "jointure": "E1"}"#.to_owned());
        }
        (404, String::new())
    }
}

fn of_url(url: &str, name: &str) -> String {
    let query = url.split_once('?').unwrap().1;
    form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name).unwrap().1.into_owned()
}

async fn oidc_scene() -> Scene {
    let client_secret = Secret::new("mot:secret".to_owned());
    let protocol = Protocol::Oidc { client_id: "preau".to_owned(), client_secret };
    let scene = Scene::of(protocol, Some("jointure")).await;
    scene.fake.says(provider(scene.fake.address, String::new()));
    scene.ent.shared_look_for_tests();
    scene.until(EntStanding::Reachable).await;
    scene
}

fn code(code: &str, state: &str) -> Returned {
    Returned { code: Some(code.to_owned()), state: Some(state.to_owned()), ..Returned::default() }
}

#[tokio::test]
async fn a_code_of_openid_connect_is_exchanged_with_its_verifier() {
    let scene = oidc_scene().await;
    let left = scene.depart().await;
    assert_eq!(of_url(&left.url, "code_challenge_method"), "S256");
    assert_eq!(of_url(&left.url, "redirect_uri"), "https://portail.exemple/connexion/ent/retour");
    scene.fake.says(provider(scene.fake.address, of_url(&left.url, "nonce")));
    let state = of_url(&left.url, "state");
    let arrived = scene.ent.arrive(&left.key, HERE, &code("C1", &state)).await.unwrap();
    assert_eq!(arrived.claimed, "E1");
    let asked = scene.fake.asked.lock().unwrap().clone();
    let exchange = asked.iter().find(|request| request.starts_with("POST")).unwrap();
    // `preau:mot%3Asecret`
    assert!(exchange.contains("Basic cHJlYXU6bW90JTNBc2VjcmV0\r\n"), "{exchange}");
    let body = exchange.split_once("\r\n\r\n").unwrap().1;
    let verifier = of_url(&format!("?{body}"), "code_verifier");
    assert_eq!(oidc::challenge(&verifier), of_url(&left.url, "code_challenge"));
    assert!(scene.ent.sign_out_url().unwrap().contains("/cas/end?client_id=preau&post_logout"));
}

#[tokio::test]
async fn a_code_of_another_sign_in_is_refused() {
    let scene = oidc_scene().await;
    let left = scene.depart().await;
    assert_eq!(scene.ent.arrive(&left.key, HERE, &code("C1", "other")).await, Err(EntRefusal::Strange));
    let left = scene.depart().await;
    let state = of_url(&left.url, "state");
    // The provider's token has the nonce of nobody.
    assert_eq!(scene.ent.arrive(&left.key, HERE, &code("C1", &state)).await, Err(EntRefusal::Unreadable));
}
