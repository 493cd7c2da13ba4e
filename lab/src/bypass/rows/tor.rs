//! Tor: its bridges on ports of their own and on open ones, plain and made to look like nothing at all.
//!
//! A whole network of relays would take a minute to agree on itself. The near end is given a bridge, as where Tor is
//! closed: once its descriptor has come, by an encrypted circuit and in the bridge's own words, Tor is reached.

use std::time::Duration;

use anyhow::Context as _;

use super::{
    super::{Expected::Closed, Row, Scene, Seen, program::Program},
    vpn::UNLISTED,
};
use crate::{
    plan::{FAR, FAR_ADDRESSES},
    process::wait_for,
};

/// What the bridge calls itself.
const NICKNAME: &str = "UnAmiLoin";
/// How long a bridge may take to start.
const BRIDGE_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long its descriptor may take.
const DESCRIPTOR_WAIT_MAX: Duration = Duration::from_secs(7);

/// A directory authority that nobody runs: without one named, Tor would look for the real ones.
const NO_AUTHORITY: &str = "nobody orport=5000 v3ident=0123456789012345678901234567890123456789 198.51.100.70:5001 \
                            0123456789012345678901234567890123456789";
/// What both ends are told.
const USUAL: [&str; 10] = [
    "tor",
    "--ignore-missing-torrc",
    "-f",
    "aucun",
    "--TestingTorNetwork",
    "1",
    "--DirAuthority",
    NO_AUTHORITY,
    "--Log",
    "notice stdout",
];

const fn row(
    id: &'static str,
    tools: &'static [&'static str],
    attempt: &'static str,
    play: fn(&mut Scene<'_>) -> anyhow::Result<Seen>,
) -> Row {
    Row { id, lesson: 22, tools, attempt, pupil: Closed, teacher: Closed, play }
}

const TOR: &[&str] = &["tor"];
const OBFS4: &[&str] = &["tor", "obfs4proxy"];

pub(super) const ROWS: &[Row] = &[
    row("tor-9001", TOR, "a bridge on Tor's own port", |scene| bridge(scene, 9001, Look::Plain)),
    row("tor-443", TOR, "a bridge on TCP 443", |scene| bridge(scene, 443, Look::Plain)),
    row("tor-80", TOR, "a bridge on TCP 80", |scene| bridge(scene, 80, Look::Plain)),
    row("tor-993", TOR, "a bridge on TCP 993, which the zone opens for mail", |scene| {
        bridge(scene, 993, Look::Plain)
    }),
    row("tor-obfs4-443", OBFS4, "a bridge that looks like nothing (obfs4) on TCP 443", |scene| {
        bridge(scene, 443, Look::Nothing)
    }),
    row(
        "tor-obfs4-993",
        OBFS4,
        "a bridge that looks like nothing (obfs4) on TCP 993, which the zone opens for mail",
        |scene| bridge(scene, 993, Look::Nothing),
    ),
];

/// What a bridge's connections look like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// TLS with a name made up.
    Plain,
    /// Random bytes.
    Nothing,
}

fn bridge(scene: &mut Scene<'_>, port: u16, look: Look) -> anyhow::Result<Seen> {
    let forget = "rm -rf tor; mkdir -m 700 tor";
    scene.script_far(forget, &[])?.checked()?;
    // The pupil's system asks for the name, so that our resolver has given the address.
    scene.script(&format!("{forget}; getent ahostsv4 \"$0\""), &[UNLISTED])?;
    let (_far, line) = start_bridge(scene, port, look)?;
    let name = format!("tor-{port}-{}", if look == Look::Plain { "plain" } else { "obfs4" });
    let mut near =
        vec!["--DataDirectory", "tor", "--SocksPort", "9050", "--UseBridges", "1", "--Bridge", &line];
    if look == Look::Nothing {
        near.extend(["--ClientTransportPlugin", "obfs4 exec /usr/bin/obfs4proxy"]);
    }
    let near = scene.start(&name, &[&USUAL, near.as_slice()].concat())?;
    let came =
        wait_for(DESCRIPTOR_WAIT_MAX, || near.log().lines().find(|line| line.contains(NICKNAME)).map(|_| ()));
    Ok(match came {
        Some(()) => Seen::Reached(format!("descriptor of « {NICKNAME} »")),
        None => Seen::Stopped(near.log().lines().last().unwrap_or_default().to_owned()),
    })
}

/// Starts the bridge and returns it with the line that pupils pass on: place, fingerprint, certificate.
fn start_bridge(scene: &Scene<'_>, port: u16, look: Look) -> anyhow::Result<(Program, String)> {
    let address = FAR_ADDRESSES[0];
    let place = format!("{address}:{port}");
    let own = format!("{address}:{}", if look == Look::Plain { port } else { 5002 });
    let mut far = vec![
        "--DataDirectory",
        "tor",
        "--Nickname",
        NICKNAME,
        "--Address",
        address,
        "--ORPort",
        &own,
        "--BridgeRelay",
        "1",
        "--PublishServerDescriptor",
        "0",
        "--SocksPort",
        "0",
        "--AssumeReachable",
        "1",
        "--ExitRelay",
        "0",
    ];
    let listen = format!("obfs4 {place}");
    if look == Look::Nothing {
        far.extend([
            "--ServerTransportPlugin",
            "obfs4 exec /usr/bin/obfs4proxy",
            "--ServerTransportListenAddr",
        ]);
        far.extend([listen.as_str(), "--ExtORPort", "auto"]);
    }
    let far = scene.serve_far("far-tor", &[&USUAL, far.as_slice()].concat(), "tcp", port)?;
    let read = |path: &str| {
        let path = scene.lab.door().file_path(FAR).join("tor").join(path);
        wait_for(BRIDGE_WAIT_MAX, || std::fs::read_to_string(&path).ok().filter(|text| !text.is_empty()))
    };
    let fingerprint = read("fingerprint").context("the bridge has no fingerprint")?;
    let fingerprint = fingerprint.split_whitespace().last().context("the bridge has no fingerprint")?;
    if look == Look::Plain {
        return Ok((far, format!("{place} {fingerprint}")));
    }
    let line = read("pt_state/obfs4_bridgeline.txt").context("the bridge has no certificate")?;
    let certificate =
        line.split_once("cert=").map(|(_, rest)| rest.trim()).context("the bridge has no certificate")?;
    Ok((far, format!("obfs4 {place} {fingerprint} cert={certificate}")))
}
