//! Names asked over HTTPS: of a resolver that lists know, of its address, of an address shared with others, of one that
//! nobody knows.

use super::super::{
    Expected::{Closed, Open, OutOfReach},
    Row, Scene, Seen,
    scene::{ALLOWED, FORBIDDEN, SECRET, shows, shows_address_of, v4},
};
use crate::plan::OTHER_RESOLVERS;

/// A resolver that no list knows.
const UNLISTED: &str = "resolveur-d-un-ami.example";

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "doh-name",
        lesson: 5,
        tools: &["kdig"],
        attempt: "ask a resolver over HTTPS by its name",
        pupil: Closed,
        teacher: Closed,
        play: |scene| ask(scene, "doh.exemple.net", &[]),
    },
    Row {
        id: "doh-name-at-address",
        lesson: 5,
        tools: &["kdig"],
        attempt: "ask it by its name at its known address",
        pupil: Closed,
        teacher: Closed,
        play: |scene| ask(scene, OTHER_RESOLVERS[0], &["+tls-sni=doh.exemple.net"]),
    },
    Row {
        id: "doh-curl",
        lesson: 5,
        tools: &["curl"],
        attempt: "read a forbidden page with a resolver over HTTPS in curl",
        pupil: Closed,
        teacher: Closed,
        play: |scene| page(scene, "doh.exemple.net"),
    },
    Row {
        id: "doh-address-v4",
        lesson: 6,
        tools: &["kdig"],
        attempt: "ask a resolver over HTTPS by its bare IPv4 address",
        pupil: Closed,
        teacher: Closed,
        play: |scene| ask(scene, OTHER_RESOLVERS[0], &[]),
    },
    Row {
        id: "doh-address-v6",
        lesson: 6,
        tools: &["kdig"],
        attempt: "ask a resolver over HTTPS by its bare IPv6 address",
        pupil: Closed,
        teacher: Closed,
        play: |scene| ask(scene, OTHER_RESOLVERS[1], &[]),
    },
    Row {
        id: "doh-shared-address",
        lesson: 7,
        tools: &["kdig"],
        attempt: "ask a known resolver at the address of an allowed site on the same network of servers",
        pupil: Closed,
        teacher: Closed,
        play: |scene| ask(scene, &v4(ALLOWED), &["+tls-sni=doh.exemple.net"]),
    },
    Row {
        id: "doh-unlisted",
        lesson: 7,
        tools: &["kdig"],
        attempt: "ask a resolver over HTTPS that no list knows",
        pupil: OutOfReach(
            "a resolver behind a name that no list holds looks like any site (D1: nothing is decrypted); what it \
             answers changes nothing, because the box connects to its own answer (`doh-unlisted-page`)",
        ),
        teacher: Open,
        play: |scene| ask(scene, UNLISTED, &[]),
    },
    Row {
        id: "doh-unlisted-page",
        lesson: 7,
        tools: &["curl"],
        attempt: "read a forbidden page at the address such a resolver gave",
        pupil: Closed,
        teacher: Open,
        play: |scene| page(scene, UNLISTED),
    },
];

fn ask(scene: &mut Scene<'_>, resolver: &str, more: &[&str]) -> anyhow::Result<Seen> {
    let server = format!("@{resolver}");
    let usual = ["kdig", "+https", "+short", "+time=3", "+retry=0", &server, FORBIDDEN, "A"];
    Ok(shows_address_of(&scene.run(&[&usual, more].concat())?, FORBIDDEN))
}

fn page(scene: &mut Scene<'_>, resolver: &str) -> anyhow::Result<Seen> {
    let resolver = format!("https://{resolver}/dns-query");
    Ok(shows(&scene.get(&format!("https://{FORBIDDEN}/"), &["--doh-url", &resolver])?, SECRET))
}
