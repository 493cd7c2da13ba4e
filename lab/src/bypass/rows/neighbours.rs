//! Machines that pretend to be the school's router, so that their neighbours send them what is for it. The way round is
//! the neighbour's: it takes a false router for the true one, and has what that one lets through.

use std::time::Duration;

use anyhow::Context as _;

use super::super::{Expected::Closed, Row, Scene, Seen, scene::shows};
use crate::{plan::post, process::wait_for};

/// How long a false router may take to be believed.
const BELIEVED_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long a machine may ask for an address, a dozen times in all.
const DHCP_WAIT_MAX: Duration = Duration::from_secs(30);
/// How often an address of the router's is claimed.
const CLAIMS: u32 = 3;
/// The machine that is to believe it.
const VICTIM: &str = "eleve2";

/// A row of this family.
const fn closed(
    id: &'static str,
    tools: &'static [&'static str],
    attempt: &'static str,
    play: fn(&mut Scene<'_>) -> anyhow::Result<Seen>,
) -> Row {
    Row { id, lesson: 20, tools, attempt, pupil: Closed, teacher: Closed, play }
}

pub(super) const ROWS: &[Row] = &[
    closed(
        "router-false",
        &["dnsmasq"],
        "advertise oneself as a router to the other machines of the network",
        false_router,
    ),
    closed(
        "dhcp-false",
        &["dnsmasq", "udhcpc"],
        "give the other machines an address and a router by DHCP, faster than the true server",
        false_dhcp_server,
    ),
    closed(
        "router-address-v4",
        &["ping"],
        "say to a neighbour that the box's address is one's own (ARP)",
        |scene| {
            let address = gateways(scene)?[0];
            claim(scene, address, &format!("{address}/32"))
        },
    ),
    closed(
        "router-address-v6",
        &["ping"],
        "say to a neighbour that the box's address is one's own (neighbour discovery)",
        |scene| {
            let address = gateways(scene)?[1];
            claim(scene, address, &format!("{address}/128"))
        },
    ),
    closed(
        "router-address-link",
        &["ping"],
        "say to a neighbour that the router's own link address is one's own",
        |scene| {
            let shown = scene.run(&["ip", "-6", "route", "show", "default", "proto", "ra"])?.checked()?;
            let mut words = shown.split_whitespace().skip_while(|word| *word != "via");
            let address = words.nth(1).context("the machine has no router")?;
            claim(scene, &format!("{address}%eth0"), &format!("{address}/64"))
        },
    ),
];

fn gateways(scene: &Scene<'_>) -> anyhow::Result<[&'static str; 2]> {
    Ok(post(scene.subject.machine()).context("the plan has no such machine")?.gateways)
}

fn false_router(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    let false_router = [
        "dnsmasq",
        "--no-daemon",
        "--conf-file=/dev/null",
        "--port=0",
        "--enable-ra",
        "--interface=eth0",
        "--dhcp-range=fd66::,ra-only,64",
        "--ra-param=eth0,high,1",
        "--user=root",
        "--dhcp-leasefile=/dev/null",
    ];
    scene.script("ip addr add fd66::1/64 dev eth0 nodad", &[])?.checked()?;
    let seen = {
        let router = scene.start("false-router", &false_router)?;
        let believed = wait_for(BELIEVED_WAIT_MAX, || {
            let shown = scene.lab.run(VICTIM, &["ip", "-6", "address", "show", "dev", "eth0"]).ok()?;
            shown.stdout.contains("fd66:").then_some(())
        });
        match believed {
            Some(()) => Seen::Reached("the neighbour has an address of the false router".to_owned()),
            None => Seen::Stopped(format!(
                "the neighbour has none; {}",
                router.log().lines().last().unwrap_or_default()
            )),
        }
    };
    // The false router believes itself, too.
    let forget = "ip -6 address flush dev eth0 to fd66::/64; ip -6 route flush fd66::/64";
    scene.script(forget, &[])?.checked()?;
    scene.lab.run(VICTIM, &["sh", "-c", &format!("ip -6 route flush default proto ra; {forget}")])?;
    Ok(seen)
}

fn false_dhcp_server(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    let own = scene.lab.addresses(scene.subject.machine())?;
    let own = own.first().context("the machine has no address")?;
    let false_server = [
        "dnsmasq",
        "--no-daemon",
        "--conf-file=/dev/null",
        "--port=0",
        "--interface=eth0",
        "--dhcp-range=10.10.3.251,10.10.3.254,255.255.252.0,2m",
        "--dhcp-authoritative",
        "--no-ping",
        "--user=root",
        "--dhcp-leasefile=/dev/null",
    ];
    // Whoever asks before it listens is answered by the true server alone.
    let _server = scene.start_listening("false-dhcp", &false_server, "udp", 67)?;
    // Asks as a machine does that comes to the network, and changes nothing of what it has. Both servers answer, and which
    // one is first is a matter of luck each time: it asks until the false one, `$0`, was.
    let ask = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
                 said=$(udhcpc -f -n -q -t 2 -T 1 -i eth0 -s /bin/true -x hostname:nouveau 2>&1); echo \"$said\"
                 case $said in *\"$0\"*) break;; esac
               done";
    let won = format!("obtained from {own},");
    let said = scene.lab.run_for(VICTIM, &["sh", "-c", ask, &won], DHCP_WAIT_MAX)?;
    Ok(shows(&said, &won))
}

/// Takes the router's address for a moment, speaks to the neighbour from it, and looks whom the neighbour takes for the
/// router.
fn claim(scene: &mut Scene<'_>, address: &str, with_length: &str) -> anyhow::Result<Seen> {
    let link = format!("fe80::{:x}", std::process::id() & 0xffff);
    let is_link = address.starts_with("fe80");
    let theirs = scene.lab.addresses(VICTIM)?;
    let to = match is_link {
        true => Some(format!("{link}%eth0")),
        false => theirs.into_iter().find(|theirs| theirs.contains(':') == address.contains(':')),
    };
    let to = to.context("the neighbour has no address")?;
    if is_link {
        scene.lab.run(VICTIM, &["ip", "address", "add", &format!("{link}/64"), "dev", "eth0", "nodad"])?;
    }
    // To find a neighbour is to say who one is; a neighbour that is known is not looked for.
    let speak = "case $1 in *:*) more=nodad;; esac; ip address add \"$1\" dev eth0 $more; ip neigh flush dev eth0
                 ping -c 3 -i 0.3 -W 0.5 -I \"$0\" \"$2\"; ip address del \"$1\" dev eth0; ip neigh flush dev eth0";
    let bare = address.trim_end_matches("%eth0");
    let own = post(scene.subject.machine()).context("the plan has no such machine")?.mac;
    // The router itself speaks every few seconds, and is believed again: more than one try.
    let mut left = CLAIMS;
    let known = loop {
        scene.script(speak, &[address, with_length, &to])?;
        let known = scene.lab.run(VICTIM, &["ip", "neigh", "show", bare, "dev", "eth0"])?;
        left -= 1;
        if known.stdout.contains(own) || left == 0 {
            break known;
        }
    };
    let forget = format!("ip neigh flush dev eth0; ip address del {link}/64 dev eth0 2> /dev/null; true");
    scene.lab.run(VICTIM, &["sh", "-c", &forget])?;
    Ok(shows(&known, own))
}
