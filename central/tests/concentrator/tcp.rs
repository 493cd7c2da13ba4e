//! A line that carries no UDP.

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{ChildStdout, Stdio},
    sync::Arc,
};

use preau::vpn::ladder::{Ladder, Settings};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use tokio_util::sync::CancellationToken;

use crate::stage::{
    APPLICATION, Academie, LINE, NAME, Running, School, Talk, play, role, run, succeeds, until,
};

/// The variable with the folder of the authority's certificate.
const KEYS: &str = "PREAU_CONCENTRATOR_KEYS";

/// The box's end of the way through TCP: says where WireGuard finds it, then each change.
fn ladder() {
    let pem = std::fs::read(format!("{}/authority-1.pem", env::var(KEYS).unwrap())).unwrap();
    let authorities = vec![CertificateDer::from_pem_slice(&pem).unwrap()];
    let here = || -> std::io::Result<Vec<std::net::IpAddr>> { Ok(vec![LINE.parse().unwrap()]) };
    let settings = Settings {
        place: format!("{NAME}:443").parse().unwrap(),
        authorities,
        resolve: Arc::new(move |_| Box::pin(async move { here() })),
        mark: None,
    };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let ladder = Ladder::open(settings).unwrap();
        println!("{}", ladder.address());
        let mut standing = ladder.standing();
        let say = async {
            while standing.changed().await.is_ok() {
                println!("{:?}", *standing.borrow_and_update());
            }
        };
        tokio::join!(say, async { ladder.serve(CancellationToken::new()).await.unwrap() });
    });
}

/// Has the box's WireGuard go through TCP, its UDP being dropped on the line.
fn climb(academie: &Academie, school: &School) -> (Running, BufReader<ChildStdout>) {
    let name = school.name;
    run(&format!(
        "ip netns exec {name} nft 'table inet line {{ chain leaving {{ type filter hook output priority 0; \
        oifname line0 meta l4proto udp drop; }}; }}'"
    ));
    let mut command = role(name);
    let mut running =
        Running::start(command.env(KEYS, academie.dir.path().join("keys")).stdout(Stdio::piped()));
    let mut said = BufReader::new(running.0.stdout.take().unwrap());
    let address = loop {
        let mut line = String::new();
        assert!(said.read_line(&mut line).unwrap() > 0, "the box's end of the way has ended");
        // The harness of tests says something first.
        if line.starts_with("127.0.0.1:") {
            break line.trim().to_owned();
        }
    };
    let concentrator = run("wg show preau0 public-key");
    run(&format!("wg set wg-{name} peer {} endpoint {address}", concentrator.trim()));
    (running, said)
}

#[test]
fn a_line_without_udp_carries_the_tunnel_through_tcp_and_comes_back_after_every_cut() {
    let name = "tcp::a_line_without_udp_carries_the_tunnel_through_tcp_and_comes_back_after_every_cut";
    play(name, ladder, async || {
        let mut academie = Academie::new().await;
        let one = academie.school("one", "0809999Z", 2).await;
        one.until_it_reaches_the_application().await;
        let (_ladder, _said) = climb(&academie, &one);
        one.until_it_reaches_the_application().await;
        let through = run("ip netns exec one ss -Htn state established dst 198.51.100.1 dport = 443");
        assert_eq!(through.lines().count(), 1, "{through}");
        let talk = Talk::begin(&one, academie.dir.path());
        // As a firewall on the way that forgets: nothing comes through any more, and nobody is told.
        run(
            "nft 'table inet cut { chain entering { type filter hook input priority -10; iifname line0 tcp dport 443 \
            ct state established drop; }; }'",
        );
        until("the cut is noticed", async || {
            run("ip netns exec one ss -Htn state established dst 198.51.100.1 dport = 443").trim()
                != through.trim()
        })
        .await;
        run("nft delete table inet cut");
        one.until_it_reaches_the_application().await;
        let (longest, count) = talk.end();
        eprintln!("{count} answers, the longest wait {longest:?}");
        academie.kill_concentrator();
        until("without the concentrator there is no way", async || !one.reaches(APPLICATION)).await;
        academie.start_concentrator();
        one.until_it_reaches_the_application().await;
    });
}

#[test]
fn strangers_and_garbage_at_the_door_take_nothing_from_a_school() {
    play("tcp::strangers_and_garbage_at_the_door_take_nothing_from_a_school", ladder, async || {
        let academie = Academie::new().await;
        let one = academie.school("one", "0809999Z", 2).await;
        let _two = academie.school("two", "0800001A", 3).await;
        one.until_it_reaches_the_application().await;
        let (_ladder, _said) = climb(&academie, &one);
        one.until_it_reaches_the_application().await;
        let talk = Talk::begin(&one, academie.dir.path());
        let program = "
import os, socket
held = []
for number in range(300):
    try:
        held.append(socket.create_connection(('198.51.100.1', 443), 2))
        held[-1].sendall(os.urandom(number))
    except OSError:
        pass
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for number in range(2000):
    udp.sendto(bytes([number % 5, 0, 0, 0]) + os.urandom(144), ('198.51.100.1', 51820))
";
        assert!(succeeds(&format!("ip netns exec two python3 -c \"{program}\"")));
        assert!(one.reaches(APPLICATION));
        let (longest, count) = talk.end();
        eprintln!("{count} answers, the longest wait {longest:?}");
    });
}
