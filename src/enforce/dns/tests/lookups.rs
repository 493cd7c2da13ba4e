//! The cache, the upstream servers and what happens when they fail, over real sockets on the loopback.

use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::base::iana::Rtype;
use tokio::{net::UdpSocket, task::JoinSet, time::Instant};

use super::scene::*;
use crate::enforce::dns::{
    Resolver, Settings,
    answer::Answer,
    cache::{Cache, Known},
    key::Key,
    limits::{
        CACHE_BYTES_MAX, CACHE_ENTRIES_MAX, FAILURE_KEPT, STALE_MAX, STALE_RECHECK, WAITING_OF_CLIENT_MAX,
    },
    private::Inside,
    query::Carrier,
    reply::Age,
    resolver::{Family, NoAnswer, ResolveError},
};
use crate::{enforce::places::Client, model::Mac, policy::Permit};

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn resolver(upstreams: &[SocketAddr]) -> Resolver {
    Resolver::new(&Settings {
        upstreams: upstreams.to_vec(),
        own_names: Vec::new(),
        fronted_names: Vec::new(),
        local_names: Vec::new(),
        zones: Vec::new(),
        listen_port: 0,
        redirected_port: 0,
    })
}

/// An answer to `query`, which asks for the A record of `a.fr`.
fn an_address(query: &[u8], ttl: u32) -> Vec<u8> {
    Draft::answer_to("a.fr", Rtype::A).id(query).answer(ASKED, Rtype::A, ttl, &[192, 0, 2, 1]).0
}

fn kept(ttl: u32) -> Arc<Answer> {
    let message = an_address(b"\0\0", ttl);
    Arc::new(Answer::read(&message, &question("a.fr", Rtype::A), &Inside::of(&[])).unwrap())
}

/// A server that never answers.
async fn silent() -> FakeUpstream {
    FakeUpstream::start("127.0.0.1", |_, _| Vec::new()).await
}

async fn answering(ttl: u32) -> FakeUpstream {
    FakeUpstream::start("127.0.0.1", move |query, _| vec![an_address(query, ttl)]).await
}

#[test]
fn a_flood_of_names_keeps_the_cache_within_its_bounds() {
    let (mut cache, now) = (Cache::new(1 << 20, 100), Instant::now());
    let keys: Vec<_> = (0..5000).map(|number| key(&format!("x{number}.fr"), Rtype::A)).collect();
    for key in &keys {
        cache.keep(key, &kept(60), now);
        cache.note_failure(key, now);
    }
    let held = keys.iter().filter(|key| !matches!(cache.find(key, now), Known::Nothing)).count();
    assert!((1..=100).contains(&held), "{held}");
    cache.forget(&keys[4999]);
    assert!(matches!(cache.find(&keys[4999], now), Known::Nothing));
}

#[test]
fn an_answer_ages_expires_and_is_gone_a_day_later() {
    let (mut cache, begun, key) = (Cache::new(1 << 20, 100), Instant::now(), key("a.fr", Rtype::A));
    cache.keep(&key, &kept(60), begun);
    let at = |seconds| begun + Duration::from_secs(seconds);
    assert!(matches!(cache.find(&key, at(0)), Known::Answer(_, Age::Fresh(0))));
    assert!(matches!(cache.find(&key, at(59)), Known::Answer(_, Age::Fresh(59))));
    assert!(matches!(cache.find(&key, at(60)), Known::Expired(_)));
    assert!(matches!(cache.find(&key, at(60) + STALE_MAX), Known::Nothing));
}

#[tokio::test]
async fn one_machine_cannot_have_all_questions_under_way_by_names_in_hellos() {
    let upstream = FakeUpstream::start("127.0.0.1", |query, _| {
        let asks_a_fr = query[12..].starts_with(&wire("a.fr"));
        if asks_a_fr { vec![an_address(query, 60)] } else { Vec::new() }
    })
    .await;
    let resolver = resolver(&[upstream.address]);
    let greedy = Client::Machine(Mac::new([2, 0, 0, 0, 0, 1]));
    let other = Client::Machine(Mac::new([2, 0, 0, 0, 0, 2]));
    let look_up = |name: String, asker| {
        let resolver = resolver.clone();
        let permit = Permit::for_tests(name.parse().unwrap());
        async move { resolver.addresses(&permit, Family::V4, asker).await }
    };
    let mut waiting = JoinSet::new();
    for number in 0..WAITING_OF_CLIENT_MAX {
        waiting.spawn(look_up(format!("x{number}.fr"), greedy));
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let refused = tokio::time::timeout(Duration::from_secs(1), look_up("a.fr".to_owned(), greedy)).await;
    assert_eq!(refused.expect("it is refused at once"), Err(ResolveError::NoAnswer));
    assert_eq!(look_up("a.fr".to_owned(), other).await.unwrap().addresses, [ADDRESS]);
    let known = look_up("a.fr".to_owned(), greedy).await;
    assert_eq!(known.expect("what is known costs no place").addresses, [ADDRESS]);
}

#[test]
fn names_differ_by_type_and_bits_but_not_by_letters() {
    let (mut cache, now) = (Cache::new(1 << 20, 100), Instant::now());
    cache.keep(&key("A.fr", Rtype::A), &kept(60), now);
    assert!(matches!(cache.find(&key("a.FR", Rtype::A), now), Known::Answer(..)));
    assert!(matches!(cache.find(&key("a.fr", Rtype::AAAA), now), Known::Nothing));
    for (dnssec_ok, checking_disabled) in [(true, false), (false, true)] {
        let other = Key::new(&wire("a.fr"), Rtype::A, dnssec_ok, checking_disabled);
        assert!(matches!(cache.find(&other, now), Known::Nothing));
    }
}

#[test]
fn a_failure_is_remembered_a_moment_and_lets_an_expired_answer_serve() {
    let (mut cache, begun, key) = (Cache::new(1 << 20, 100), Instant::now(), key("a.fr", Rtype::A));
    cache.note_failure(&key, begun);
    assert!(matches!(cache.find(&key, begun), Known::Failed));
    assert!(matches!(cache.find(&key, begun + FAILURE_KEPT), Known::Nothing));
    cache.keep(&key, &kept(60), begun);
    let expired = begun + Duration::from_secs(61);
    cache.note_failure(&key, expired);
    assert!(matches!(cache.find(&key, expired), Known::Answer(_, Age::Stale)));
    assert!(matches!(cache.find(&key, expired + STALE_RECHECK), Known::Expired(_)));
}

#[test]
fn the_cache_has_memory_for_as_many_answers_as_it_may_keep() {
    let (mut cache, now) = (Cache::new(CACHE_BYTES_MAX, CACHE_ENTRIES_MAX), Instant::now());
    for number in 0..CACHE_ENTRIES_MAX {
        let name = format!("serveur-{number}.exemple.fr");
        let message = Draft::answer_to(&name, Rtype::A).answer(ASKED, Rtype::A, 60, &[192, 0, 2, 1]).0;
        let answer = Answer::read(&message, &question(&name, Rtype::A), &Inside::of(&[])).unwrap();
        cache.keep(&key(&name, Rtype::A), &Arc::new(answer), now);
    }
    assert_eq!(cache.len(), CACHE_ENTRIES_MAX);
}

#[test]
fn the_cache_keeps_to_its_bounds_and_what_is_asked_for_stays() {
    let now = Instant::now();
    let mut cache = Cache::new(1 << 20, 100);
    let used = key("utile.fr", Rtype::A);
    cache.keep(&used, &kept(60), now);
    for number in 0..1000 {
        cache.keep(&key(&format!("n{number}.fr"), Rtype::A), &kept(60), now);
        assert!(matches!(cache.find(&used, now), Known::Answer(..)), "{number}");
    }
    let left = (0..1000)
        .filter(|number| !matches!(cache.find(&key(&format!("n{number}.fr"), Rtype::A), now), Known::Nothing))
        .count();
    assert!((90..=100).contains(&left), "{left} of at most 100");
    let mut tiny = Cache::new(100, 100);
    tiny.keep(&used, &kept(60), now);
    assert!(matches!(tiny.find(&used, now), Known::Nothing), "larger than the whole cache");
}

#[tokio::test]
async fn thirty_askers_at_once_cost_one_question() {
    let upstream = answering(60).await;
    let resolver = resolver(&[upstream.address]);
    let key = key("a.fr", Rtype::A);
    let found = futures_util::future::join_all((0..30).map(|_| resolver.look_up(&key))).await;
    assert!(found.iter().all(|found| found.as_ref().unwrap().answer.addresses() == [ADDRESS]));
    assert!(resolver.at_once(&key).is_some());
    assert_eq!(upstream.asked(), 1);
}

#[tokio::test]
async fn a_truncated_answer_is_asked_for_again_over_tcp() {
    let upstream = FakeUpstream::start("127.0.0.1", |query, carrier| match carrier {
        Carrier::Udp => vec![Draft::answer_to("a.fr", Rtype::A).flags(0x83, 0x80).id(query).0],
        Carrier::Tcp => vec![an_address(query, 60)],
    })
    .await;
    let found = resolver(&[upstream.address]).look_up(&key("a.fr", Rtype::A)).await.unwrap();
    assert_eq!(found.answer.addresses(), [ADDRESS]);
    assert_eq!(upstream.asked(), 2);
}

#[tokio::test]
async fn a_wrong_id_or_question_is_ignored_and_the_right_answer_taken() {
    let upstream = FakeUpstream::start("127.0.0.1", |query, _| {
        let poison = |draft: Draft| draft.answer(ASKED, Rtype::A, 60, &[192, 0, 2, 66]).0;
        let wrong_id = [!query[0], query[1]];
        vec![
            poison(Draft::answer_to("a.fr", Rtype::A).id(&wrong_id)),
            poison(Draft::answer_to("b.fr", Rtype::A).id(query)),
            poison(Draft::answer_to("a.fr", Rtype::AAAA).id(query)),
            poison(Draft::query("a.fr", Rtype::A).id(query)),
            b"x".to_vec(),
            an_address(query, 60),
        ]
    })
    .await;
    let found = resolver(&[upstream.address]).look_up(&key("a.fr", Rtype::A)).await.unwrap();
    assert_eq!(found.answer.addresses(), [ADDRESS]);
}

#[tokio::test]
async fn many_wrong_answers_send_the_question_to_tcp() {
    let upstream = FakeUpstream::start("127.0.0.1", |query, carrier| match carrier {
        Carrier::Udp => vec![Draft::answer_to("a.fr", Rtype::A).id(&[!query[0], query[1]]).0; 16],
        Carrier::Tcp => vec![an_address(query, 60)],
    })
    .await;
    let found = resolver(&[upstream.address]).look_up(&key("a.fr", Rtype::A)).await.unwrap();
    assert_eq!(found.answer.addresses(), [ADDRESS]);
}

#[tokio::test]
async fn an_answer_from_another_port_never_arrives() {
    let listener = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut datagram = [0; 1500];
        let (length, peer) = listener.recv_from(&mut datagram).await.unwrap();
        let poison =
            Draft::answer_to("a.fr", Rtype::A).id(&datagram).answer(ASKED, Rtype::A, 60, &[192, 0, 2, 66]);
        stranger.send_to(&poison.0, peer).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        listener.send_to(&an_address(&datagram[..length], 60), peer).await.unwrap();
    });
    let found = resolver(&[upstream]).look_up(&key("a.fr", Rtype::A)).await.unwrap();
    assert_eq!(found.answer.addresses(), [ADDRESS]);
}

#[tokio::test]
async fn each_question_has_a_port_and_an_id_of_its_own() {
    let upstream = answering(0).await;
    let resolver = resolver(&[upstream.address]);
    for _ in 0..20 {
        resolver.look_up(&key("a.fr", Rtype::A)).await.unwrap();
    }
    let (ports, ids): (HashSet<_>, HashSet<_>) = upstream.asked.lock().unwrap().iter().copied().unzip();
    assert!(
        ports.len() >= 18 && ids.len() >= 18,
        "20 draws of thousands hardly ever meet: {ports:?} {ids:?}"
    );
}

#[tokio::test]
async fn the_next_server_answers_when_one_is_silent_and_the_dead_one_comes_last() {
    let (dead, live) = (silent().await, answering(0).await);
    let resolver = resolver(&[dead.address, live.address]);
    for _ in 0..3 {
        let begun = Instant::now();
        resolver.look_up(&key("a.fr", Rtype::A)).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(3));
    }
    let begun = Instant::now();
    resolver.look_up(&key("a.fr", Rtype::A)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(750), "the live one is asked first by now");
}

#[tokio::test]
async fn a_server_that_fails_is_passed_over_and_a_firm_no_is_not() {
    let failing = FakeUpstream::start("127.0.0.1", |query, _| {
        vec![Draft::answer_to("a.fr", Rtype::A).flags(0x81, 0x82).id(query).0]
    })
    .await;
    let live = answering(60).await;
    let found = resolver(&[failing.address, live.address]).look_up(&key("a.fr", Rtype::A)).await.unwrap();
    assert_eq!(found.answer.addresses(), [ADDRESS]);
    let refusing = FakeUpstream::start("127.0.0.1", |query, _| {
        vec![Draft::answer_to("a.fr", Rtype::A).flags(0x81, 0x83).id(query).0]
    })
    .await;
    let found = resolver(&[refusing.address, live.address]).look_up(&key("a.fr", Rtype::A)).await.unwrap();
    assert!(found.answer.addresses().is_empty());
    assert_eq!(live.asked(), 1);
}

#[tokio::test]
async fn an_expired_answer_serves_when_upstream_is_silent() {
    let speaks = Arc::new(AtomicBool::new(true));
    let voice = Arc::clone(&speaks);
    let upstream = FakeUpstream::start("127.0.0.1", move |query, _| {
        if voice.load(Ordering::SeqCst) { vec![an_address(query, 1)] } else { Vec::new() }
    })
    .await;
    let resolver = resolver(&[upstream.address]);
    let key = key("a.fr", Rtype::A);
    assert_eq!(resolver.look_up(&key).await.unwrap().age, Age::Fresh(0));
    speaks.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let begun = Instant::now();
    let found = resolver.look_up(&key).await.unwrap();
    assert_eq!((found.age, found.answer.addresses()), (Age::Stale, vec![ADDRESS]));
    assert!((1700..4500).contains(&begun.elapsed().as_millis()), "after the asker's patience");
}

#[tokio::test]
async fn without_any_server_the_failure_is_quick_and_remembered() {
    let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let resolver = resolver(&[closed]);
    let begun = Instant::now();
    for _ in 0..2 {
        assert_eq!(resolver.look_up(&key("a.fr", Rtype::A)).await.unwrap_err(), NoAnswer);
    }
    assert!(begun.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn a_server_is_reached_over_ipv6() {
    let upstream = FakeUpstream::start("::1", |query, _| vec![an_address(query, 60)]).await;
    let found = resolver(&[upstream.address]).look_up(&key("a.fr", Rtype::A)).await.unwrap();
    assert_eq!(found.answer.addresses(), [ADDRESS]);
}
