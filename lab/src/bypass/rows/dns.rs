//! Names asked of somebody else: other resolvers, plain and over TLS, and the names that tell browsers not to ask them.

use super::super::{
    Expected::{Closed, Open},
    Row, Scene, Seen,
    scene::{ALLOWED, FORBIDDEN, SECRET, shows, shows_address_of},
};
use crate::plan::{ADMINISTRATION, FAR_ADDRESSES, OTHER_RESOLVERS, RESOLVERS};

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "dns-udp-v4",
        lesson: 1,
        tools: &["dig"],
        attempt: "ask another resolver for a forbidden name, over UDP and IPv4",
        pupil: Closed,
        teacher: Open,
        play: |scene| ask(scene, OTHER_RESOLVERS[0], &[]),
    },
    Row {
        id: "dns-udp-v6",
        lesson: 1,
        tools: &["dig"],
        attempt: "ask another resolver for a forbidden name, over UDP and IPv6",
        pupil: Closed,
        teacher: Open,
        play: |scene| ask(scene, OTHER_RESOLVERS[1], &[]),
    },
    Row {
        id: "dns-tcp-v4",
        lesson: 1,
        tools: &["dig"],
        attempt: "ask another resolver for a forbidden name, over TCP and IPv4",
        pupil: Closed,
        teacher: Open,
        play: |scene| ask(scene, OTHER_RESOLVERS[0], &["+tcp"]),
    },
    Row {
        id: "dns-tcp-v6",
        lesson: 1,
        tools: &["dig"],
        attempt: "ask another resolver for a forbidden name, over TCP and IPv6",
        pupil: Closed,
        teacher: Open,
        play: |scene| ask(scene, OTHER_RESOLVERS[1], &["+tcp"]),
    },
    Row {
        id: "dns-alias",
        lesson: 1,
        tools: &["dig"],
        attempt: "ask for an allowed name that is an alias of a forbidden one, twice, so that a cache may answer",
        pupil: Closed,
        teacher: Open,
        play: alias,
    },
    Row {
        id: "dot-v4",
        lesson: 2,
        tools: &["kdig"],
        attempt: "ask another resolver over TLS, IPv4",
        pupil: Closed,
        teacher: Closed,
        play: |scene| ask_over_tls(scene, OTHER_RESOLVERS[0]),
    },
    Row {
        id: "dot-v6",
        lesson: 2,
        tools: &["kdig"],
        attempt: "ask another resolver over TLS, IPv6",
        pupil: Closed,
        teacher: Closed,
        play: |scene| ask_over_tls(scene, OTHER_RESOLVERS[1]),
    },
    Row {
        id: "dot-stubby",
        lesson: 2,
        tools: &["stubby", "dig"],
        attempt: "run a resolver of one's own that asks another over TLS",
        pupil: Closed,
        teacher: Closed,
        play: stubby,
    },
    Row {
        id: "udp-853",
        lesson: 2,
        tools: &["socat"],
        attempt: "send datagrams where resolvers over QUIC listen (UDP 853)",
        pupil: Closed,
        teacher: Closed,
        play: |scene| datagrams(scene, 853),
    },
    Row {
        id: "canary-firefox",
        lesson: 3,
        tools: &["dig"],
        attempt: "find the canary that leaves Firefox's own resolver on",
        pupil: Closed,
        teacher: Closed,
        play: |scene| resolves(scene, "use-application-dns.net"),
    },
    Row {
        id: "ddr",
        lesson: 4,
        tools: &["dig"],
        attempt: "be told of the resolver's encrypted form, as systems ask (DDR)",
        pupil: Closed,
        teacher: Closed,
        play: designated_resolver,
    },
    Row {
        id: "relay-mask",
        lesson: 8,
        tools: &["dig"],
        attempt: "find Apple's relay (mask.icloud.com)",
        pupil: Closed,
        teacher: Closed,
        play: |scene| resolves(scene, "mask.icloud.com"),
    },
    Row {
        id: "relay-mask-h2",
        lesson: 8,
        tools: &["dig"],
        attempt: "find Apple's relay over TCP (mask-h2.icloud.com)",
        pupil: Closed,
        teacher: Closed,
        play: |scene| resolves(scene, "mask-h2.icloud.com"),
    },
    Row {
        id: "tcp-53",
        lesson: 17,
        tools: &["curl", "socat"],
        attempt: "fetch a page from a server that listens on TCP 53",
        pupil: Closed,
        teacher: Closed,
        play: page_on_port_53,
    },
    Row {
        id: "udp-53",
        lesson: 17,
        tools: &["socat"],
        attempt: "send datagrams of any kind to UDP 53",
        pupil: Closed,
        teacher: Closed,
        play: |scene| datagrams(scene, 53),
    },
    Row {
        id: "rebinding",
        lesson: 32,
        tools: &["dig"],
        attempt: "follow a public name to an address inside the school",
        pupil: Closed,
        teacher: Closed,
        play: rebinding,
    },
];

fn ask(scene: &mut Scene<'_>, resolver: &str, more: &[&str]) -> anyhow::Result<Seen> {
    let server = format!("@{resolver}");
    let usual = ["dig", "+short", "+time=2", "+tries=1", &server, FORBIDDEN, "A"];
    Ok(shows_address_of(&scene.run(&[&usual, more].concat())?, FORBIDDEN))
}

fn alias(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    let question = ["dig", "+short", "+time=2", "+tries=1", "alias.exemple.fr", "A"];
    scene.run(&question)?;
    Ok(shows_address_of(&scene.run(&question)?, FORBIDDEN))
}

fn ask_over_tls(scene: &mut Scene<'_>, resolver: &str) -> anyhow::Result<Seen> {
    let server = format!("@{resolver}");
    let question = ["kdig", "+tls", "+short", "+time=3", "+retry=0", &server, ALLOWED, "A"];
    Ok(shows_address_of(&scene.run(&question)?, ALLOWED))
}

/// Stubby's configuration, but for the resolver's address.
const STUBBY: &str = "\
resolution_type: GETDNS_RESOLUTION_STUB
dns_transport_list:
  - GETDNS_TRANSPORT_TLS
tls_authentication: GETDNS_AUTHENTICATION_REQUIRED
idle_timeout: 2000
listen_addresses:
  - 127.0.0.1@5353
upstream_recursive_servers:
";

fn stubby(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    let [v4, _] = OTHER_RESOLVERS;
    let upstream = format!("  - address_data: {v4}\n    tls_auth_name: \"dot.exemple.net\"\n");
    scene.write(scene.subject.machine(), "stubby.yml", &format!("{STUBBY}{upstream}"))?;
    let _stubby = scene.start_listening("stubby", &["stubby", "-C", "stubby.yml"], "udp", 5353)?;
    let question = ["dig", "+short", "+time=4", "+tries=1", "-p", "5353", "@127.0.0.1", ALLOWED, "A"];
    Ok(shows_address_of(&scene.run(&question)?, ALLOWED))
}

/// Sends a line to a far end that sends it back.
pub(super) fn datagrams(scene: &mut Scene<'_>, port: u16) -> anyhow::Result<Seen> {
    let _far = scene.serve_far_echo(port)?;
    let place = format!("UDP4:{}:{port}", FAR_ADDRESSES[0]);
    let script = "echo bonjour-du-bout | socat -t 2 - \"$0\"";
    Ok(shows(&scene.script(script, &[&place])?, "bonjour-du-bout"))
}

fn resolves(scene: &mut Scene<'_>, name: &str) -> anyhow::Result<Seen> {
    let question = ["dig", "+short", "+time=2", "+tries=1", name, "A"];
    Ok(shows_address_of(&scene.run(&question)?, name))
}

fn designated_resolver(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    let server = format!("@{}", RESOLVERS[0]);
    let question = ["dig", "+short", "+time=2", "+tries=1", &server, "_dns.resolver.arpa", "SVCB"];
    Ok(shows(&scene.run(&question)?, "doh.exemple.net"))
}

fn page_on_port_53(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    let _far = scene.serve_far_page(53)?;
    Ok(shows(&scene.get(&format!("http://{}:53/", FAR_ADDRESSES[0]), &[])?, SECRET))
}

fn rebinding(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    let server = format!("@{}", RESOLVERS[0]);
    let question = ["dig", "+short", "+time=2", "+tries=1", &server, "bureau-prive.exemple.fr", "A"];
    Ok(shows(&scene.run(&question)?, ADMINISTRATION[0]))
}
