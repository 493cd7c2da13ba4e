//! What boxes are told of the tunnel, and how they change their keys: over the real listener, with the box's own side.

use std::{sync::Arc, time::Duration};

use preau::{
    protocol::enrolment::{TUNNEL_KEY_PATH, TUNNEL_PATH, TunnelKey, TunnelNow},
    sync::{
        client::{CallError, Client},
        keeping::Kept,
        tunnel::{self, TunnelInForce, Tunnels},
    },
};
use preau_central::{
    authority::{By, Concentrating, PlannedConcentrator, TunnelPlan},
    concentrator::public_of,
};
use tokio::{sync::watch, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::scene::{DAY, Scene, other_school, school};

const WAIT: Duration = Duration::from_secs(20);

/// A plan with concentrators of these names.
fn plan(names: &[&str]) -> TunnelPlan {
    let concentrator = |name: &&str| PlannedConcentrator {
        name: (*name).to_owned(),
        // Any 32 bytes are a key.
        key: base64(&[name.as_bytes()[0]; 32]),
        endpoint: format!("{name}.ac-exemple.example:51820"),
        networks: vec!["172.16.0.0/12".into()],
        tls: Some(format!("{name}.ac-exemple.example:443")),
    };
    TunnelPlan {
        prefixes: vec!["10.128.0.0/14".into(), "fd00:80::/48".into()],
        names: vec!["intra.ac-exemple.example".into()],
        resolvers: vec!["172.16.0.53".into()],
        concentrators: names.iter().map(concentrator).collect(),
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

async fn set(scene: &Scene, plan: &TunnelPlan) {
    let mut write = scene.database.write().await.unwrap();
    scene.authority.set_tunnel(&mut write, plan).await.unwrap();
    write.commit().await.unwrap();
}

async fn concentrating(scene: &Scene) -> Concentrating {
    scene.authority.concentrating("amiens").await.unwrap()
}

/// The key that the box of the school is about to change to.
async fn next_of(scene: &Scene) -> Option<String> {
    let peers = concentrating(scene).await.peers;
    peers.into_iter().find(|peer| peer.school == school())?.next.map(|key| key.public)
}

async fn say(client: &Client, key: &str, stands: bool) -> Result<TunnelNow, CallError> {
    client.post(TUNNEL_KEY_PATH, &TunnelKey { key: key.to_owned(), stands }, WAIT).await
}

fn public(key: &str) -> String {
    public_of(key).unwrap()
}

/// The box's side, served until it is dropped.
struct Held {
    in_force: watch::Receiver<Arc<TunnelInForce>>,
    change: tunnel::Change,
    told: watch::Sender<u64>,
    _tasks: JoinSet<anyhow::Result<()>>,
}

fn hold(scene: &Scene, kept: &Kept, client: Client) -> Held {
    let tunnels = Tunnels::open(scene.dir.path().to_owned(), kept, client).unwrap();
    let (told, heard) = watch::channel(0);
    let (in_force, change) = (tunnels.in_force(), tunnels.change());
    let mut tasks = JoinSet::new();
    tasks.spawn(tunnels.serve(heard, CancellationToken::new()));
    Held { in_force, change, told, _tasks: tasks }
}

impl Held {
    async fn until(&mut self, is: impl FnMut(&Arc<TunnelInForce>) -> bool) -> TunnelInForce {
        let held = timeout(WAIT, self.in_force.wait_for(is)).await.unwrap().unwrap();
        (**held).clone()
    }
}

#[tokio::test]
async fn an_enrolled_box_gets_the_tunnel_with_what_it_shares_with_each_concentrator() {
    let scene = Scene::new().await;
    set(&scene, &plan(&["amiens", "beauvais"])).await;
    let (kept, client) = scene.enrolled().await;
    let tunnel = kept.tunnel.clone().unwrap();
    assert_eq!(tunnel.addresses, ["10.128.0.2/32", "fd00:80::2/128"]);
    assert_eq!(
        (tunnel.names.as_slice(), tunnel.resolvers.as_slice()),
        (["intra.ac-exemple.example".to_owned()].as_slice(), ["172.16.0.53".to_owned()].as_slice())
    );
    let [amiens, beauvais] = tunnel.concentrators.as_slice() else { panic!("{tunnel:?}") };
    assert_eq!(amiens.tls.as_deref(), Some("amiens.ac-exemple.example:443"));
    assert!(amiens.preshared.is_some() && amiens.preshared != beauvais.preshared);
    let at = concentrating(&scene).await;
    let [peer] = at.peers.as_slice() else { panic!("{at:?}") };
    assert_eq!(peer.key.public, public(kept.tunnel_key()));
    assert_eq!(peer.key.preshared, amiens.preshared, "both ends have the same");
    assert_eq!(peer.addresses, tunnel.addresses);
    assert_eq!(at.addresses, ["10.128.0.1/32", "fd00:80::1/128"]);
    let now: TunnelNow = client.get(TUNNEL_PATH, WAIT).await.unwrap();
    assert_eq!((now.version, now.tunnel), (1, Some(tunnel)));
    // What is recorded of it today is not opened by a quantum computer tomorrow.
    let offered = scene.authority.tls().unwrap().crypto_provider().kx_groups[0].name();
    assert_eq!(offered, rustls::NamedGroup::X25519MLKEM768);
    let said = scene.authority.concentrating("creil").await.unwrap_err().to_string();
    assert!(said.contains("amiens, beauvais"), "{said}");
}

#[tokio::test]
async fn a_box_takes_up_what_the_academie_changed_and_keeps_its_address() {
    let scene = Scene::new().await;
    let (kept, client) = scene.enrolled().await;
    assert_eq!(kept.tunnel, None);
    let now: TunnelNow = client.get(TUNNEL_PATH, WAIT).await.unwrap();
    assert_eq!((now.version, now.tunnel), (0, None));
    let mut held = hold(&scene, &kept, client);
    for names in [&["amiens"][..], &["amiens", "beauvais"]] {
        set(&scene, &plan(names)).await;
        let version = timeout(WAIT, async {
            let mut version = scene.authority.tunnel_version();
            version.wait_for(|version| *version != *held.told.borrow()).await.map(|version| *version).unwrap()
        });
        held.told.send_replace(version.await.unwrap());
        let count = names.len();
        let is = |held: &Arc<TunnelInForce>| {
            held.own.tunnel.as_ref().is_some_and(|tunnel| tunnel.concentrators.len() == count)
        };
        let held = timeout(WAIT * 2, held.in_force.wait_for(is)).await.unwrap().unwrap();
        assert_eq!(held.own.tunnel.as_ref().unwrap().addresses, ["10.128.0.2/32", "fd00:80::2/128"]);
    }
    let again = tunnel::read(scene.dir.path(), &scene.kept()).unwrap();
    assert_eq!(again, **held.in_force.borrow(), "a start later it is the same");
}

#[tokio::test]
async fn a_key_follows_another_without_a_moment_in_which_neither_counts() {
    let scene = Scene::new().await;
    set(&scene, &plan(&["amiens"])).await;
    let (kept, client) = scene.enrolled().await;
    let mut held = hold(&scene, &kept, client);
    held.change.another();
    let both = held.until(|held| held.next.is_some()).await;
    let next = both.next.unwrap();
    let peer = concentrating(&scene).await.peers.remove(0);
    assert_eq!(peer.key.public, public(&both.own.key));
    let shared = |keyed: &tunnel::Keyed| keyed.tunnel.clone().unwrap().concentrators.remove(0).preshared;
    let accepted = peer.next.unwrap();
    assert_eq!((accepted.public.clone(), accepted.preshared), (public(&next.key), shared(&next)));
    assert_ne!(shared(&next), shared(&both.own), "with the key, what is shared is another");
    held.change.stands(&next.key);
    let one = held.until(|held| held.next.is_none()).await;
    assert_eq!(one.own, next);
    let peer = concentrating(&scene).await.peers.remove(0);
    assert_eq!((peer.key.public, peer.next), (public(&next.key), None));
    assert_eq!(tunnel::read(scene.dir.path(), &scene.kept()).unwrap(), one);
}

#[tokio::test]
async fn a_box_that_a_concentrator_has_seen_by_its_next_key_learns_it_though_the_answer_was_lost() {
    let scene = Scene::new().await;
    set(&scene, &plan(&["amiens"])).await;
    let (kept, client) = scene.enrolled().await;
    let mut held = hold(&scene, &kept, client.clone());
    held.change.another();
    let next = held.until(|held| held.next.is_some()).await.next.unwrap();
    let own = public(kept.tunnel_key());
    scene.authority.tunnel_key_seen(&school(), &own).await.unwrap();
    assert!(next_of(&scene).await.is_some(), "the key it has says nothing");
    scene.authority.tunnel_key_seen(&school(), &public(&next.key)).await.unwrap();
    assert_eq!(concentrating(&scene).await.peers[0].key.public, public(&next.key));
    held.told.send_replace(9);
    let one = timeout(WAIT * 2, held.in_force.wait_for(|held| held.next.is_none())).await.unwrap().unwrap();
    assert_eq!(one.own.key, next.key);
}

#[tokio::test]
async fn keys_of_others_and_no_keys_are_refused_and_a_box_that_asks_in_a_loop_too() {
    let scene = Scene::new().await;
    set(&scene, &plan(&["amiens"])).await;
    let (kept, client) = scene.enrolled().await;
    let mut write = scene.database.write().await.unwrap();
    let sql =
        "INSERT INTO authority_box (school, sealing, tunnel, version, enrolled) VALUES ($1, '', $2, '', 0)";
    let others = base64(&[9; 32]);
    write.execute(sql, &[other_school().as_str().into(), others.as_str().into()]).await.unwrap();
    write.commit().await.unwrap();
    let of_concentrator = base64(&[b'a'; 32]);
    for wrong in ["", "AAAA", &others, &of_concentrator] {
        assert_eq!(say(&client, wrong, false).await.unwrap_err().code(), Some("keys"), "{wrong}");
    }
    let stranger = say(&client, &base64(&[1; 32]), true).await.unwrap_err();
    assert_eq!(stranger.code(), Some("keys"), "what was never accepted cannot stand");
    say(&client, &public(kept.tunnel_key()), true).await.unwrap();
    for number in 10..34 {
        say(&client, &base64(&[number; 32]), false).await.unwrap();
        say(&client, &base64(&[number; 32]), false).await.unwrap();
    }
    assert_eq!(say(&client, &base64(&[40; 32]), false).await.unwrap_err().code(), Some("too-often"));
    assert_eq!(next_of(&scene).await, Some(base64(&[33; 32])));
    scene.hands.pass(DAY + Duration::from_secs(1));
    say(&client, &base64(&[40; 32]), false).await.unwrap();
}

#[tokio::test]
async fn a_revoked_box_is_no_peer_any_more_and_one_that_takes_its_place_has_its_address() {
    let scene = Scene::new().await;
    set(&scene, &plan(&["amiens"])).await;
    let (_, client) = scene.enrolled().await;
    say(&client, &base64(&[1; 32]), false).await.unwrap();
    scene.revoke().await;
    assert!(concentrating(&scene).await.peers.is_empty());
    assert!(say(&client, &base64(&[2; 32]), false).await.is_err());
    let other = tempfile::tempdir().unwrap();
    let mut write = scene.database.write().await.unwrap();
    let token = scene.authority.give_token(&mut write, By::Central, &school()).await.unwrap();
    write.commit().await.unwrap();
    let kept = scene.enrol(&token, other.path()).await.unwrap();
    let peer = concentrating(&scene).await.peers.remove(0);
    assert_eq!(peer.addresses, kept.tunnel.clone().unwrap().addresses);
    assert_eq!((peer.key.public, peer.next), (public(kept.tunnel_key()), None));
    assert_eq!(peer.addresses, ["10.128.0.2/32", "fd00:80::2/128"]);
}

#[tokio::test]
async fn an_instance_without_the_secret_says_so_instead_of_giving_other_keys() {
    let scene = Scene::new().await;
    set(&scene, &plan(&["amiens"])).await;
    let secret = scene.dir.path().join("keys/tunnel.secret");
    let kept = std::fs::read(&secret).unwrap();
    std::fs::remove_file(&secret).unwrap();
    let said = |error: anyhow::Error| format!("{error:#}");
    assert!(said(scene.authority.concentrating("amiens").await.unwrap_err()).contains("tunnel.secret"));
    std::fs::write(&secret, "00".repeat(32)).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&secret, mode).unwrap();
    assert!(
        said(scene.authority.concentrating("amiens").await.unwrap_err()).contains("another than the fleet's")
    );
    std::fs::write(&secret, kept).unwrap();
    scene.authority.concentrating("amiens").await.unwrap();
}
