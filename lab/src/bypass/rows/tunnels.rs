//! Tunnels inside what every network must carry: DNS, ICMP, the time.

use std::time::Duration;

use super::{
    super::{
        Expected::Closed,
        Row, Scene, Seen,
        scene::{FORBIDDEN, shows, v4},
    },
    dns::datagrams,
    vpn::{UNLISTED, carries, carries_within},
};
use crate::plan::{FAR, FAR_ADDRESSES, FAR_ZONE};

/// How long a tunnel inside DNS may take to carry the page.
const DNS_TUNNEL_WAIT_MAX: Duration = Duration::from_secs(12);

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "iodine-signed-in",
        lesson: 18,
        tools: &["iodine", "iodined"],
        attempt: "carry a page of 48 KiB inside DNS with iodine, signed in; the first 16 KiB pass",
        pupil: Closed,
        teacher: Closed,
        play: |scene| iodine(scene, "dns0"),
    },
    Row {
        id: "iodine-signed-out",
        lesson: 18,
        tools: &["iodine", "iodined"],
        attempt: "carry it before signing in",
        pupil: Closed,
        teacher: Closed,
        play: |scene| signed_out(scene, |scene| iodine(scene, "dns1")),
    },
    Row {
        id: "iodine-direct",
        lesson: 18,
        tools: &["iodine", "iodined"],
        attempt: "speak to iodine's far end itself on UDP 53",
        pupil: Closed,
        teacher: Closed,
        play: iodine_direct,
    },
    Row {
        id: "dns2tcp-signed-in",
        lesson: 18,
        tools: &["dns2tcpc", "dns2tcpd"],
        attempt: "carry it with dns2tcp, signed in",
        pupil: Closed,
        teacher: Closed,
        play: dns2tcp,
    },
    Row {
        id: "dns2tcp-signed-out",
        lesson: 18,
        tools: &["dns2tcpc", "dns2tcpd"],
        attempt: "carry it before signing in",
        pupil: Closed,
        teacher: Closed,
        play: |scene| signed_out(scene, dns2tcp),
    },
    Row {
        id: "icmp-ptunnel",
        lesson: 19,
        tools: &["ptunnel"],
        attempt: "carry pages inside echo requests",
        pupil: Closed,
        teacher: Closed,
        play: ptunnel,
    },
    Row {
        id: "icmp-large-v4",
        lesson: 19,
        tools: &["ping"],
        attempt: "reach a machine on the Internet with large echo requests, IPv4",
        pupil: Closed,
        teacher: Closed,
        play: |scene| ping(scene, FAR_ADDRESSES[0]),
    },
    Row {
        id: "icmp-large-v6",
        lesson: 19,
        tools: &["ping"],
        attempt: "reach a machine on the Internet with large echo requests, IPv6",
        pupil: Closed,
        teacher: Closed,
        play: |scene| ping(scene, FAR_ADDRESSES[1]),
    },
    Row {
        id: "udp-123",
        lesson: 19,
        tools: &["socat", "dig"],
        attempt: "send datagrams of any kind where time servers listen, to a name the resolver gave",
        pupil: Closed,
        teacher: Closed,
        play: |scene| {
            scene.run(&["dig", "+short", "+time=2", "+tries=1", UNLISTED, "A"])?;
            datagrams(scene, 123)
        },
    },
];

/// Plays `row` while nobody is signed in on the machine.
fn signed_out(
    scene: &mut Scene<'_>,
    row: fn(&mut Scene<'_>) -> anyhow::Result<Seen>,
) -> anyhow::Result<Seen> {
    scene.sign_out()?;
    let seen = row(scene);
    scene.sign_in()?;
    seen
}

fn iodine(scene: &mut Scene<'_>, device: &str) -> anyhow::Result<Seen> {
    // No raw packets to the far end, and no search for the largest answer: that takes longer than the page.
    iodine_with(scene, device, &["-r", "-m", "700", "-L", "0"], DNS_TUNNEL_WAIT_MAX)
}

fn iodine_direct(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    // It tries without DNS for ten seconds first.
    iodine_with(scene, "dns2", &["-m", "700", FAR_ADDRESSES[0]], DNS_TUNNEL_WAIT_MAX + Duration::from_secs(8))
}

/// Each row has a device of its own: the kernel forgets the last one in its own time.
fn iodine_with(
    scene: &mut Scene<'_>,
    device: &str,
    more: &[&str],
    wait_max: Duration,
) -> anyhow::Result<Seen> {
    let _page = scene.serve_far_page(8000)?;
    let far = ["iodined", "-f", "-c", "-P", "secret", "-d", device, "10.97.0.1/24", FAR_ZONE];
    let _far = scene.serve_far("far-iodine", &far, "udp", 53)?;
    let near = [&["iodine", "-f", "-P", "secret", "-d", device], more, &[FAR_ZONE]].concat();
    let mut near = scene.start("iodine", &near)?;
    Ok(carries_within(scene, &mut near, &["http://10.97.0.1:8000/"], wait_max))
}

fn dns2tcp(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    let _page = scene.serve_far_page(8000)?;
    let settings = format!(
        "listen = 0.0.0.0\nport = 53\ndomain = {FAR_ZONE}\nkey = secret\n\
         resources = page:127.0.0.1:8000\n"
    );
    scene.write(FAR, "dns2tcpd.conf", &settings)?;
    let _far = scene.serve_far("far-dns2tcp", &["dns2tcpd", "-F", "-f", "dns2tcpd.conf"], "udp", 53)?;
    let near = ["dns2tcpc", "-r", "page", "-l", "8001", "-k", "secret", "-z", FAR_ZONE];
    let mut near = scene.start("dns2tcp", &near)?;
    Ok(carries_within(scene, &mut near, &["http://127.0.0.1:8001/"], DNS_TUNNEL_WAIT_MAX))
}

fn ptunnel(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    let _far = scene.start_far("far-ptunnel", &["ptunnel"])?;
    let place = v4(FORBIDDEN);
    let near = ["ptunnel", "-p", FAR_ADDRESSES[0], "-lp", "8000", "-da", &place, "-dp", "80"];
    let mut near = scene.start_listening("ptunnel", &near, "tcp", 8000)?;
    Ok(carries(scene, &mut near, &["http://127.0.0.1:8000/"]))
}

fn ping(scene: &mut Scene<'_>, address: &str) -> anyhow::Result<Seen> {
    Ok(shows(
        &scene.run(&["ping", "-c", "3", "-i", "0.2", "-W", "1", "-s", "1200", address])?,
        "1208 bytes from",
    ))
}
