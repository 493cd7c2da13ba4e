//! Machines that pretend to be another machine, or send another kind of packet.

use std::{thread, time::Duration};

use anyhow::Context as _;

use super::super::{
    Expected::{Closed, Open, OutOfReach},
    Row, Scene, Seen, Subject,
    scene::{FORBIDDEN, SECRET, shows},
};
use crate::plan::{FAR_ADDRESSES, post};

/// How long two machines at work may go unnoticed, and the box may take to end their session.
const NOTICE_WAIT: Duration = Duration::from_secs(10);

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "protocol-41",
        lesson: 20,
        tools: &["socat"],
        attempt: "send packets of a protocol that carries IPv6 in IPv4",
        pupil: Closed,
        teacher: Closed,
        play: |scene| protocol(scene, 41),
    },
    Row {
        id: "protocol-4",
        lesson: 20,
        tools: &["socat"],
        attempt: "send packets of a protocol that carries IPv4 in IPv4",
        pupil: Closed,
        teacher: Closed,
        play: |scene| protocol(scene, 4),
    },
    Row {
        id: "address-of-neighbour",
        lesson: 20,
        tools: &["curl"],
        attempt: "take the address of a teacher's machine (a teacher: a pupil's)",
        pupil: Closed,
        teacher: Open,
        play: address_of_neighbour,
    },
    Row {
        id: "mac-of-neighbour",
        lesson: 26,
        tools: &["curl"],
        attempt: "take the hardware address of a teacher's machine, both at work for ten seconds (a teacher: a pupil's)",
        pupil: Closed,
        teacher: Closed,
        play: |scene| hardware_address_of_neighbour(scene, Neighbour::AtWork),
    },
    Row {
        id: "mac-of-absent-neighbour",
        lesson: 26,
        tools: &["curl"],
        attempt: "take the hardware address of a teacher's machine that is switched off (a teacher: a pupil's)",
        pupil: OutOfReach(
            "on a network without 802.1X nobody can tell a machine from one that shows its hardware address while it \
             is away; the session ends with the teacher's sign-out, and at its hour",
        ),
        teacher: Closed,
        play: |scene| hardware_address_of_neighbour(scene, Neighbour::Away),
    },
];

/// What the neighbour does meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Neighbour {
    /// Its machine and its double send a packet three times a second each.
    AtWork,
    /// Its machine is switched off.
    Away,
}

fn protocol(scene: &mut Scene<'_>, number: u8) -> anyhow::Result<Seen> {
    let _far =
        scene.start_far("far-protocol", &["socat", &format!("IP4-RECVFROM:{number},fork"), "EXEC:cat"])?;
    let place = format!("IP4-SENDTO:{}:{number}", FAR_ADDRESSES[0]);
    // A far end that has no port cannot be seen to listen: it is asked three times.
    let script = "for i in 1 2 3; do echo bonjour-du-bout | socat -t 1 - \"$0\"; done";
    Ok(shows(&scene.script(script, &[&place])?, "bonjour-du-bout"))
}

/// The neighbour whose place the subject takes: who has the other's rights.
const fn neighbour(subject: Subject) -> &'static str {
    match subject {
        Subject::Control | Subject::Pupil => "enseignant",
        Subject::Teacher => "eleve2",
    }
}

fn page(scene: &Scene<'_>, more: &[&str]) -> anyhow::Result<Seen> {
    let usual = ["--max-time", "2", "--retry", "2", "--retry-all-errors"];
    Ok(shows(&scene.get(&format!("https://{FORBIDDEN}/"), &[&usual, more].concat())?, SECRET))
}

fn address_of_neighbour(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    let neighbour = neighbour(scene.subject);
    if scene.subject.is_behind_the_box() {
        scene.lab.sign_in_user(neighbour)?;
    }
    let addresses = scene.lab.addresses(neighbour)?;
    let address = addresses.first().context("the neighbour has no address")?;
    // The neighbour is away from its machine's network for the while: the address is the subject's alone.
    scene.lab.run(neighbour, &["ip", "link", "set", "eth0", "down"])?.checked()?;
    scene.script("ip addr add \"$0/22\" dev eth0; ip neigh flush dev eth0", &[address])?.checked()?;
    let place = format!("{FORBIDDEN}:443:{}", super::super::scene::v4(FORBIDDEN));
    let seen = page(scene, &["--interface", address, "--resolve", &place]);
    scene.script("ip addr del \"$0/22\" dev eth0", &[address])?.checked()?;
    scene.lab.run(neighbour, &["ip", "link", "set", "eth0", "up"])?.checked()?;
    seen
}

fn hardware_address_of_neighbour(scene: &mut Scene<'_>, other: Neighbour) -> anyhow::Result<Seen> {
    let neighbour = neighbour(scene.subject);
    if scene.subject.is_behind_the_box() {
        scene.lab.sign_in_user(neighbour)?;
    }
    let mac = |who| post(who).map(|post| post.mac).context("the plan has no such machine");
    let gateway = post(neighbour).context("the plan has no such machine")?.gateways[0];
    let work = ["ping", "-q", "-i", "0.3", gateway];
    let at_work = match other {
        Neighbour::AtWork => Some(scene.lab.spawn(neighbour, "at-work", &work)?),
        Neighbour::Away => {
            scene.lab.run(neighbour, &["ip", "link", "set", "eth0", "down"])?.checked()?;
            None
        }
    };
    let take = "ip link set eth0 down; ip link set eth0 address \"$0\"; ip link set eth0 up
                ip route replace default via \"$1\"; ping -c 2 -i 0.3 -W 1 \"$1\" > /dev/null";
    scene.script(take, &[mac(neighbour)?, gateway])?;
    if other == Neighbour::AtWork {
        let _own = scene.start("at-work-too", &work)?;
        thread::sleep(NOTICE_WAIT);
    }
    let place = format!("{FORBIDDEN}:443:{}", super::super::scene::v4(FORBIDDEN));
    let seen = page(scene, &["--resolve", &place]);
    drop(at_work);
    if other == Neighbour::Away {
        scene.lab.run(neighbour, &["ip", "link", "set", "eth0", "up"])?.checked()?;
    }
    scene.script(take, &[mac(scene.subject.machine())?, gateway])?;
    if scene.subject.is_behind_the_box() {
        scene.sign_in()?;
        scene.lab.sign_in_user(neighbour)?;
    }
    seen
}
