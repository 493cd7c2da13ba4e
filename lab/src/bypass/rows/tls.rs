//! TLS connections whose name, or lack of one, is meant to deceive: hellos in pieces, encrypted or pretending to be, names
//! that are not the destination's, and none.

use anyhow::ensure;

use super::super::{
    Expected::{Closed, Open, OutOfReach},
    Row, Scene, Seen,
    scene::{ALLOWED, ALLOWED_SECRET, FORBIDDEN, SECRET, shows, v4, v6},
};
use crate::{gateway::program_path, plan::FAR_ADDRESSES};

const FRONTING: &str = "the host asked for inside an encrypted connection cannot be seen (D1: nothing is decrypted); \
                        many large servers refuse a host that is not the connection's, and a site that helps can be listed";

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "ech-records",
        lesson: 9,
        tools: &["kdig"],
        attempt: "be given the key of a site's encrypted hello by DNS",
        pupil: Closed,
        teacher: Closed,
        play: encrypted_hello_key,
    },
    Row {
        id: "ech-real",
        lesson: 9,
        tools: &["preau-lab"],
        attempt: "send a really encrypted hello, with a key learnt elsewhere",
        pupil: Closed,
        teacher: Closed,
        play: encrypted_hello,
    },
    Row {
        id: "ech-grease",
        lesson: 10,
        tools: &["preau-lab"],
        attempt: "read an allowed site with a hello that pretends to be encrypted, as browsers do",
        pupil: Open,
        teacher: Open,
        play: |scene| hello(scene, ALLOWED, ALLOWED_SECRET, "whole", "grease"),
    },
    Row {
        id: "ech-grease-forbidden",
        lesson: 10,
        tools: &["preau-lab"],
        attempt: "read a forbidden site with such a hello",
        pupil: Closed,
        teacher: Open,
        play: |scene| hello(scene, FORBIDDEN, SECRET, "whole", "grease"),
    },
    Row {
        id: "hello-bytes",
        lesson: 13,
        tools: &["preau-lab"],
        attempt: "send the hello a byte a packet",
        pupil: Closed,
        teacher: Open,
        play: |scene| hello(scene, FORBIDDEN, SECRET, "bytes", "plain"),
    },
    Row {
        id: "hello-name-cut",
        lesson: 13,
        tools: &["preau-lab"],
        attempt: "cut the hello in the middle of the name, half a second between the packets",
        pupil: Closed,
        teacher: Open,
        play: |scene| hello(scene, FORBIDDEN, SECRET, "name", "plain"),
    },
    Row {
        id: "hello-records",
        lesson: 13,
        tools: &["preau-lab"],
        attempt: "send the hello in TLS records of 20 bytes",
        pupil: Closed,
        teacher: Open,
        play: |scene| hello(scene, FORBIDDEN, SECRET, "records", "plain"),
    },
    Row {
        id: "hello-name-records",
        lesson: 13,
        tools: &["preau-lab"],
        attempt: "cut the name over two TLS records",
        pupil: Closed,
        teacher: Open,
        play: |scene| hello(scene, FORBIDDEN, SECRET, "name-records", "plain"),
    },
    Row {
        id: "hello-swapped",
        lesson: 13,
        tools: &["preau-lab", "nft"],
        attempt: "let the second half of the hello arrive before the first",
        pupil: Closed,
        teacher: Open,
        play: swapped_hello,
    },
    Row {
        id: "hello-post-quantum",
        lesson: 13,
        tools: &["preau-lab"],
        attempt: "send a post-quantum hello, longer than a packet",
        pupil: Closed,
        teacher: Open,
        play: |scene| hello(scene, FORBIDDEN, SECRET, "whole", "post-quantum"),
    },
    Row {
        id: "hello-post-quantum-allowed",
        lesson: 13,
        tools: &["preau-lab"],
        attempt: "read an allowed site with a post-quantum hello in small records",
        pupil: Open,
        teacher: Open,
        play: |scene| hello(scene, ALLOWED, ALLOWED_SECRET, "records", "post-quantum"),
    },
    Row {
        id: "hello-large",
        lesson: 13,
        tools: &["preau-lab"],
        attempt: "send a hello that nearly fills the largest record",
        pupil: Closed,
        teacher: Open,
        play: |scene| hello(scene, FORBIDDEN, SECRET, "whole", "large"),
    },
    Row {
        id: "name-forged",
        lesson: 14,
        tools: &["curl", "socat"],
        attempt: "name an allowed site and connect to a mirror of a forbidden one",
        pupil: Closed,
        teacher: Closed,
        play: forged_name,
    },
    Row {
        id: "fronting",
        lesson: 14,
        tools: &["curl"],
        attempt: "name an allowed site in the hello and a forbidden one inside the connection",
        pupil: OutOfReach(FRONTING),
        teacher: Open,
        play: fronting,
    },
    Row {
        id: "no-name-v4",
        lesson: 15,
        tools: &["openssl"],
        attempt: "send a hello without a name, IPv4",
        pupil: Closed,
        teacher: Closed,
        play: |scene| no_name(scene, &format!("{}:443", v4(FORBIDDEN))),
    },
    Row {
        id: "no-name-v6",
        lesson: 15,
        tools: &["openssl"],
        attempt: "send a hello without a name, IPv6",
        pupil: Closed,
        teacher: Closed,
        play: |scene| no_name(scene, &format!("[{}]:443", v6(FORBIDDEN))),
    },
];

fn encrypted_hello_key(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    let question = ["kdig", "+short", "+time=3", "+retry=0", "ech.exemple.fr", "HTTPS"];
    Ok(shows(&scene.run(&question)?, "ech="))
}

/// A page by the client of [`super::super::hello`], at the site's true address.
fn hello(scene: &mut Scene<'_>, name: &str, secret: &str, cut: &str, dress: &str) -> anyhow::Result<Seen> {
    let program = program_path("preau-lab")?;
    let to = format!("{}:443", v4(name));
    let program = program.to_string_lossy();
    Ok(shows(&scene.run(&[&program, "hello", &to, name, "--cut", cut, "--dress", dress])?, secret))
}

fn encrypted_hello(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    hello(scene, FORBIDDEN, "got the hello", "whole", "encrypted")
}

/// Loses the first packet with data on the machine itself: its repetition comes after the second.
const LOSE_THE_FIRST: &str = "nft add table inet essai
nft add chain inet essai out '{ type filter hook postrouting priority 0; }'
nft add rule inet essai out 'tcp dport 443 tcp flags & psh == psh numgen inc mod 1000 0 counter drop'";

fn swapped_hello(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    scene.script(LOSE_THE_FIRST, &[])?.checked()?;
    let seen = hello(scene, FORBIDDEN, SECRET, "swapped", "plain");
    let counted = scene.script("nft list table inet essai; nft delete table inet essai", &[])?.checked()?;
    ensure!(counted.contains("packets 1 "), "no packet was lost on the way");
    seen
}

fn forged_name(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    let _far = scene.serve_far_page_over_tls(443)?;
    let place = format!("{ALLOWED}:443:{}", FAR_ADDRESSES[0]);
    Ok(shows(&scene.get(&format!("https://{ALLOWED}/"), &["--insecure", "--resolve", &place])?, SECRET))
}

fn fronting(scene: &mut Scene<'_>) -> anyhow::Result<Seen> {
    let host = format!("Host: {FORBIDDEN}");
    Ok(shows(&scene.get(&format!("https://{ALLOWED}/"), &["--header", &host])?, SECRET))
}

fn no_name(scene: &mut Scene<'_>, place: &str) -> anyhow::Result<Seen> {
    let script = "printf 'GET / HTTP/1.1\\r\\nHost: %s\\r\\nConnection: close\\r\\n\\r\\n' \"$0\" |
                  timeout 5 openssl s_client -quiet -noservername -connect \"$1\" 2>&1";
    Ok(shows(&scene.script(script, &[FORBIDDEN, place])?, SECRET))
}
