//! The door of the way through TCP and the box's end of it, on loopback; a socket stands for WireGuard.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use preau::{
    model::Moment,
    system::clock::Clock,
    vpn::ladder::{Ladder, Settings, Standing, Trouble},
};
use preau_central::{
    audit,
    authority::{self, Authority},
    concentrator::Door,
    database::{Database, Location},
};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, UdpSocket},
    sync::watch,
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::stage::{NAME, PATIENCE};

/// 2026-11-20.
const NOW: Moment = Moment::from_unix_seconds(1_795_132_800);

struct Doorstep {
    dir: tempfile::TempDir,
    wireguard: UdpSocket,
    address: SocketAddr,
    tasks: JoinSet<anyhow::Result<()>>,
}

async fn doorstep() -> Doorstep {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::from_fn(|| NOW);
    let location = Location::Sqlite(dir.path().join("central.sqlite"));
    let database = Database::open(&location, &[audit::PART, authority::PART]).await.unwrap();
    authority::make(dir.path(), NOW).unwrap();
    let url = "https://central.example".parse().unwrap();
    let authority = Authority::open(database, dir.path(), &url, Bytes::new(), clock.clone()).await.unwrap();
    let wireguard = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = wireguard.local_addr().unwrap().port();
    let listen = (Ipv4Addr::LOCALHOST, 0).into();
    let door = Door::bind(listen, NAME, port, authority, clock).await.unwrap();
    let address = door.local_address().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(door.serve(CancellationToken::new()));
    Doorstep { dir, wireguard, address, tasks }
}

/// The box's end towards whoever is at `address`, by the authority in `dir`; where WireGuard finds it, and how it stands.
async fn climb(
    dir: &std::path::Path,
    name: &str,
    address: SocketAddr,
    tasks: &mut JoinSet<anyhow::Result<()>>,
) -> (SocketAddr, watch::Receiver<Standing>) {
    let pem = std::fs::read(dir.join("authority-1.pem")).unwrap();
    let settings = Settings {
        place: format!("{name}:{}", address.port()).parse().unwrap(),
        authorities: vec![CertificateDer::from_pem_slice(&pem).unwrap()],
        resolve: Arc::new(move |_| Box::pin(async move { Ok(vec![address.ip()]) })),
        mark: None,
    };
    let ladder = Ladder::open(settings).unwrap();
    let found = (ladder.address(), ladder.standing());
    tasks.spawn(ladder.serve(CancellationToken::new()));
    found
}

/// What the box says of a way on which WireGuard knocks.
async fn trouble(here: SocketAddr, mut standing: watch::Receiver<Standing>) -> Trouble {
    let wireguard = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    wireguard.send_to(&initiation(), here).await.unwrap();
    let failed = timeout(PATIENCE, standing.wait_for(|standing| standing.trouble.is_some()));
    failed.await.unwrap().unwrap().trouble.unwrap()
}

fn initiation() -> Vec<u8> {
    let mut initiation = vec![7; 148];
    initiation[..4].copy_from_slice(&[1, 0, 0, 0]);
    initiation
}

#[tokio::test]
async fn datagrams_go_through_the_door_to_wireguard_and_its_answers_come_back() {
    let Doorstep { dir, wireguard, address, mut tasks } = doorstep().await;
    let (here, _) = climb(dir.path(), NAME, address, &mut tasks).await;
    let of_box = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mut heard = vec![0; 2000];
    // Sent before the connection stands: the last one waits for it.
    of_box.send_to(&initiation(), here).await.unwrap();
    let (length, from) = timeout(PATIENCE, wireguard.recv_from(&mut heard)).await.unwrap().unwrap();
    assert_eq!(&heard[..length], initiation());
    let mut response = vec![9; 92];
    response[..4].copy_from_slice(&[2, 0, 0, 0]);
    // Nobody but WireGuard is heard there.
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    stranger.send_to(&initiation(), from).await.unwrap();
    wireguard.send_to(&response, from).await.unwrap();
    let (length, _) = timeout(PATIENCE, of_box.recv_from(&mut heard)).await.unwrap().unwrap();
    assert_eq!(&heard[..length], response);
}

#[tokio::test]
async fn a_welcome_page_of_the_line_is_told_from_a_concentrator_that_is_away() {
    let Doorstep { dir, address, mut tasks, .. } = doorstep().await;
    let page = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = page.local_addr().unwrap();
    tasks.spawn(async move {
        loop {
            let (mut stream, _) = page.accept().await?;
            let _ = stream.read(&mut [0; 4096]).await;
            stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: http://hotel.example/\r\n\r\n").await?;
        }
    });
    let (here, standing) = climb(dir.path(), NAME, at, &mut tasks).await;
    assert_eq!(trouble(here, standing).await, Trouble::Captive, "no TLS");
    // Somebody who reads the connection, with a certificate of his own.
    let other = doorstep().await;
    let (here, standing) = climb(dir.path(), NAME, other.address, &mut tasks).await;
    assert_eq!(trouble(here, standing).await, Trouble::Captive, "another authority");
    let (here, standing) = climb(dir.path(), "another.example", address, &mut tasks).await;
    assert_eq!(trouble(here, standing).await, Trouble::Captive, "another name");
    let away = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = away.local_addr().unwrap();
    drop(away);
    let (here, standing) = climb(dir.path(), NAME, at, &mut tasks).await;
    assert_eq!(trouble(here, standing).await, Trouble::Unreachable);
}

#[tokio::test]
async fn a_way_that_nobody_uses_makes_no_connection() {
    let Doorstep { dir, mut tasks, .. } = doorstep().await;
    let quiet = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = quiet.local_addr().unwrap();
    let (_here, _standing) = climb(dir.path(), NAME, at, &mut tasks).await;
    assert!(timeout(Duration::from_millis(300), quiet.accept()).await.is_err());
}

#[tokio::test]
async fn a_concentrator_that_was_away_is_found_again() {
    let Doorstep { dir, wireguard, address, mut tasks } = doorstep().await;
    // Somebody who takes connections and ends them at once, and then the door.
    let before = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = before.local_addr().unwrap();
    let (here, mut standing) = climb(dir.path(), NAME, at, &mut tasks).await;
    let ends = async { drop(before.accept().await.unwrap()) };
    let (trouble, ()) = tokio::join!(trouble(here, standing.clone()), ends);
    assert_eq!(trouble, Trouble::Cut);
    tasks.spawn(async move {
        loop {
            let (mut near, _) = before.accept().await?;
            let mut far = tokio::net::TcpStream::connect(address).await?;
            let _ =
                timeout(Duration::from_secs(30), tokio::io::copy_bidirectional(&mut near, &mut far)).await;
        }
    });
    timeout(PATIENCE, standing.wait_for(|standing| standing.is_connected)).await.unwrap().unwrap();
    let of_box = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    of_box.send_to(&initiation(), here).await.unwrap();
    let mut heard = vec![0; 2000];
    timeout(PATIENCE, wireguard.recv_from(&mut heard)).await.unwrap().unwrap();
}
