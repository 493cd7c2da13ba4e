//! QUIC: refused at once where the zone does not filter it, so that browsers fall back to what can be judged; read, judged
//! and relayed where it does.

use super::{
    super::{
        Expected::{Closed, Open},
        Row, Scene, Seen,
        scene::{ALLOWED, ALLOWED_SECRET, FORBIDDEN, SECRET, shows, v4, v6},
    },
    dns::datagrams,
};
use crate::gateway::program_path;

const TOOLS: &[&str] = &["preau-lab"];

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "udp-443",
        lesson: 11,
        tools: &["socat"],
        attempt: "send datagrams of any kind to UDP 443",
        pupil: Closed,
        teacher: Closed,
        play: |scene| datagrams(scene, 443),
    },
    Row {
        id: "quic-v4",
        lesson: 11,
        tools: TOOLS,
        attempt: "read a forbidden page over HTTP/3 and nothing else, IPv4",
        pupil: Closed,
        teacher: Closed,
        play: |scene| http3(scene, FORBIDDEN, &v4(FORBIDDEN), SECRET),
    },
    Row {
        id: "quic-v6",
        lesson: 11,
        tools: TOOLS,
        attempt: "read a forbidden page over HTTP/3 and nothing else, IPv6",
        pupil: Closed,
        teacher: Closed,
        play: |scene| http3(scene, FORBIDDEN, &bracketed_v6(FORBIDDEN), SECRET),
    },
];

/// Rows of a school whose zone filters QUIC; the box starts anew for each.
pub(super) const FILTERED: &[Row] = &[
    Row {
        id: "quic-filtered-v4",
        lesson: 11,
        tools: TOOLS,
        attempt: "read a forbidden page over HTTP/3 where QUIC is filtered, IPv4",
        pupil: Closed,
        teacher: Open,
        play: |scene| filtered(scene, |scene| http3(scene, FORBIDDEN, &v4(FORBIDDEN), SECRET)),
    },
    Row {
        id: "quic-filtered-v6",
        lesson: 11,
        tools: TOOLS,
        attempt: "read a forbidden page over HTTP/3 where QUIC is filtered, IPv6",
        pupil: Closed,
        teacher: Open,
        play: |scene| filtered(scene, |scene| http3(scene, FORBIDDEN, &bracketed_v6(FORBIDDEN), SECRET)),
    },
    Row {
        id: "quic-filtered-address",
        lesson: 11,
        tools: TOOLS,
        attempt: "the same at an address written out, that of an allowed site",
        pupil: Closed,
        teacher: Open,
        play: |scene| filtered(scene, |scene| http3(scene, FORBIDDEN, &v4(ALLOWED), SECRET)),
    },
    Row {
        id: "quic-filtered-allowed",
        lesson: 11,
        tools: TOOLS,
        attempt: "read an allowed page over HTTP/3 where QUIC is filtered",
        pupil: Open,
        teacher: Open,
        play: |scene| filtered(scene, |scene| http3(scene, ALLOWED, &v4(ALLOWED), ALLOWED_SECRET)),
    },
];

fn bracketed_v6(name: &str) -> String {
    format!("[{}]", v6(name))
}

/// The page of `name` by our own client of HTTP/3, which asks `place` whatever DNS says.
fn http3(scene: &Scene<'_>, name: &str, place: &str, secret: &str) -> anyhow::Result<Seen> {
    let program = program_path("preau-lab")?;
    let address = format!("{place}:443");
    let ask =
        [&program.to_string_lossy(), "load", "http3", "--name", name, "--address", &address, "--path", "/"];
    Ok(shows(&scene.run(&ask)?, secret))
}

/// Plays `row` while the zone filters QUIC.
fn filtered(
    scene: &mut Scene<'_>,
    row: impl FnOnce(&Scene<'_>) -> anyhow::Result<Seen>,
) -> anyhow::Result<Seen> {
    if !scene.subject.is_behind_the_box() {
        return row(scene);
    }
    let usual = scene.lab.read_box_file("box.toml")?;
    let filtering = usual.replacen("default = \"allow\"", "default = \"allow\"\nquic = \"filter\"", 1);
    restart_with(scene, &filtering)?;
    let seen = row(scene);
    restart_with(scene, &usual)?;
    seen
}

/// What QUIC of a zone becomes is decided at the start.
fn restart_with(scene: &mut Scene<'_>, settings: &str) -> anyhow::Result<()> {
    scene.lab.stop_box()?;
    scene.lab.write_box_file("box.toml", settings)?;
    scene.lab.restart_box().map(drop)
}
