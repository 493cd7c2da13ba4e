//! Pages by another road than the site's name: its address in every spelling, a forged host, somebody's proxy.

use super::super::{
    Expected::{Closed, Open, OutOfReach},
    Row, Scene, Seen,
    scene::{ALLOWED, FORBIDDEN, SECRET, shows, v4, v6},
};
use crate::plan::{FAR_ADDRESSES, NAMELESS_SERVERS};

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "page-plain",
        lesson: 12,
        tools: &["curl"],
        attempt: "simply read a forbidden page, without TLS",
        pupil: Closed,
        teacher: Open,
        play: |scene| Ok(shows(&scene.get(&format!("http://{FORBIDDEN}/"), &["--location"])?, SECRET)),
    },
    Row {
        id: "page-tls",
        lesson: 12,
        tools: &["curl"],
        attempt: "simply read a forbidden page, with TLS",
        pupil: Closed,
        teacher: Open,
        play: |scene| Ok(shows(&scene.get(&format!("https://{FORBIDDEN}/"), &[])?, SECRET)),
    },
    Row {
        id: "address-hosts-file-v4",
        lesson: 12,
        tools: &["curl"],
        attempt: "write the forbidden site's IPv4 address into the hosts file",
        pupil: Closed,
        teacher: Open,
        play: |scene| at_address(scene, &v4(FORBIDDEN)),
    },
    Row {
        id: "address-hosts-file-v6",
        lesson: 12,
        tools: &["curl"],
        attempt: "write the forbidden site's IPv6 address into the hosts file",
        pupil: Closed,
        teacher: Open,
        play: |scene| at_address(scene, &format!("[{}]", v6(FORBIDDEN))),
    },
    Row {
        id: "address-plain",
        lesson: 12,
        tools: &["curl", "socat"],
        attempt: "read a mirror of the forbidden page at a bare address",
        pupil: Closed,
        teacher: Closed,
        play: |scene| mirror(scene, FAR_ADDRESSES[0], &[]),
    },
    Row {
        id: "address-decimal",
        lesson: 12,
        tools: &["curl", "socat"],
        attempt: "write that address as one decimal number",
        pupil: Closed,
        teacher: Closed,
        play: |scene| {
            let address: std::net::Ipv4Addr = FAR_ADDRESSES[0].parse()?;
            mirror(scene, &u32::from(address).to_string(), &[])
        },
    },
    Row {
        id: "address-hexadecimal",
        lesson: 12,
        tools: &["curl", "socat"],
        attempt: "write that address in hexadecimal",
        pupil: Closed,
        teacher: Closed,
        play: |scene| {
            let address: std::net::Ipv4Addr = FAR_ADDRESSES[0].parse()?;
            mirror(scene, &format!("{:#x}", u32::from(address)), &[])
        },
    },
    Row {
        id: "address-tls",
        lesson: 12,
        tools: &["curl"],
        attempt: "read a page over TLS at a bare address",
        pupil: Closed,
        teacher: Closed,
        play: |scene| {
            let host = format!("Host: {FORBIDDEN}");
            Ok(shows(&scene.get(&format!("https://{}/", NAMELESS_SERVERS[0]), &["--header", &host])?, SECRET))
        },
    },
    Row {
        id: "host-forged",
        lesson: 12,
        tools: &["curl", "socat"],
        attempt: "name an allowed host to a mirror's address, without TLS",
        pupil: Closed,
        teacher: Closed,
        play: |scene| mirror(scene, FAR_ADDRESSES[0], &["--header", &format!("Host: {ALLOWED}")]),
    },
    Row {
        id: "host-twice",
        lesson: 12,
        tools: &["curl"],
        attempt: "name an allowed host and a forbidden one in one request",
        pupil: Closed,
        teacher: Closed,
        play: two_hosts,
    },
    Row {
        id: "host-absolute",
        lesson: 12,
        tools: &["curl"],
        attempt: "ask an allowed site for a forbidden page as one asks a proxy",
        pupil: Closed,
        teacher: Open,
        play: |scene| {
            let proxy = format!("http://{ALLOWED}:80");
            Ok(shows(&scene.get(&format!("http://{FORBIDDEN}/"), &["--proxy", &proxy])?, SECRET))
        },
    },
    Row {
        id: "port-8080",
        lesson: 12,
        tools: &["curl"],
        attempt: "read the forbidden page on port 8080",
        pupil: Closed,
        teacher: Closed,
        play: |scene| at_port(scene, "http", 8080),
    },
    Row {
        id: "port-8443",
        lesson: 12,
        tools: &["curl"],
        attempt: "read the forbidden page on port 8443",
        pupil: Closed,
        teacher: Closed,
        play: |scene| at_port(scene, "https", 8443),
    },
    Row {
        id: "port-8000-v4",
        lesson: 12,
        tools: &["curl", "socat"],
        attempt: "read a mirror on a port of its own, IPv4",
        pupil: Closed,
        teacher: Closed,
        play: |scene| mirror_on_a_port(scene, FAR_ADDRESSES[0]),
    },
    Row {
        id: "port-8000-v6",
        lesson: 20,
        tools: &["curl", "socat"],
        attempt: "read a mirror on a port of its own, IPv6",
        pupil: Closed,
        teacher: Closed,
        play: |scene| mirror_on_a_port(scene, &format!("[{}]", FAR_ADDRESSES[1])),
    },
    Row {
        id: "proxy-8080",
        lesson: 21,
        tools: &["curl", "ncat"],
        attempt: "use a web proxy on port 8080",
        pupil: Closed,
        teacher: Closed,
        play: |scene| proxy(scene, 8080),
    },
    Row {
        id: "proxy-80",
        lesson: 21,
        tools: &["curl", "ncat"],
        attempt: "use a web proxy on port 80",
        pupil: Closed,
        teacher: Closed,
        play: |scene| proxy(scene, 80),
    },
    Row {
        id: "proxy-443",
        lesson: 21,
        tools: &["curl", "ncat"],
        attempt: "use a web proxy that speaks without TLS on port 443",
        pupil: Closed,
        teacher: Closed,
        play: |scene| proxy(scene, 443),
    },
    Row {
        id: "proxy-tls-listed",
        lesson: 21,
        tools: &["curl", "ncat"],
        attempt: "use a web proxy over TLS that lists know",
        pupil: Closed,
        teacher: Open,
        play: |scene| proxy_over_tls(scene, "mandataire.example"),
    },
    Row {
        id: "proxy-tls-unlisted",
        lesson: 21,
        tools: &["curl", "ncat"],
        attempt: "use a web proxy over TLS that nobody knows",
        pupil: OutOfReach(
            "a proxy behind a name that no list holds looks like any site (D1: nothing is decrypted); it can be closed \
             once it is known, and a school that wants none of them opens only what it lists",
        ),
        teacher: Open,
        play: |scene| proxy_over_tls(scene, "un-ami.loin.example"),
    },
];

fn at_address(scene: &mut Scene<'_>, address: &str) -> anyhow::Result<Seen> {
    let place = format!("{FORBIDDEN}:443:{address}");
    Ok(shows(&scene.get(&format!("https://{FORBIDDEN}/"), &["--resolve", &place])?, SECRET))
}

fn mirror(scene: &mut Scene<'_>, address: &str, more: &[&str]) -> anyhow::Result<Seen> {
    let _far = scene.serve_far_page(80)?;
    Ok(shows(&scene.get(&format!("http://{address}/"), more)?, SECRET))
}

fn mirror_on_a_port(scene: &mut Scene<'_>, address: &str) -> anyhow::Result<Seen> {
    let _far = scene.serve_far_page(8000)?;
    Ok(shows(&scene.get(&format!("http://{address}:8000/"), &[])?, SECRET))
}

/// The lab's servers answer for the last host of a request, other software for the first.
fn two_hosts(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    let script = "exec 3<>/dev/tcp/\"$0\"/80 &&
                  printf 'GET http://%s/ HTTP/1.1\\r\\nHost: %s\\r\\nHost: %s\\r\\nConnection: close\\r\\n\\r\\n' \"$2\" \"$1\" \"$2\" >&3 &&
                  timeout 5 cat <&3";
    Ok(shows(&scene.script(script, &[&v4(ALLOWED), ALLOWED, FORBIDDEN])?, SECRET))
}

fn at_port(scene: &mut Scene<'_>, scheme: &str, port: u16) -> anyhow::Result<Seen> {
    let place = format!("{FORBIDDEN}:{port}:{}", v4(FORBIDDEN));
    let host = format!("Host: {FORBIDDEN}");
    let more = ["--resolve", &place, "--header", &host];
    Ok(shows(&scene.get(&format!("{scheme}://{FORBIDDEN}:{port}/"), &more)?, SECRET))
}

fn proxy(scene: &mut Scene<'_>, port: u16) -> anyhow::Result<Seen> {
    let number = port.to_string();
    let arguments = ["ncat", "-4", "--listen", "--keep-open", "--proxy-type", "http", &number];
    let _far = scene.serve_far("far-proxy", &arguments, "tcp", port)?;
    let proxy = format!("http://{}:{port}", FAR_ADDRESSES[0]);
    // The far end's resolver is not ours: the proxy is told the address.
    let url = format!("http://{}/", v4(FORBIDDEN));
    let host = format!("Host: {FORBIDDEN}");
    Ok(shows(&scene.get(&url, &["--proxytunnel", "--proxy", &proxy, "--header", &host])?, SECRET))
}

fn proxy_over_tls(scene: &mut Scene<'_>, name: &str) -> anyhow::Result<Seen> {
    scene.certify_far()?;
    let arguments = [
        "ncat",
        "-4",
        "--listen",
        "--keep-open",
        "--proxy-type",
        "http",
        "--ssl",
        "--ssl-cert",
        "far.pem",
        "--ssl-key",
        "far.key",
        "443",
    ];
    let _far = scene.serve_far("far-proxy", &arguments, "tcp", 443)?;
    let proxy = format!("https://{name}:443");
    let url = format!("http://{}/", v4(FORBIDDEN));
    let host = format!("Host: {FORBIDDEN}");
    let more = ["--proxytunnel", "--proxy-insecure", "--proxy", &proxy, "--header", &host];
    Ok(shows(&scene.get(&url, &more)?, SECRET))
}
