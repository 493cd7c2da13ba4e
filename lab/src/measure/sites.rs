//! Web sites that do no TLS: they read a hello and send the bytes asked for, so that between two machines only the box
//! costs. One machine of their own behind the Internet has the addresses of all of them.

use std::{collections::BTreeSet, fmt::Write as _, time::Duration};

use anyhow::bail;

use super::gauge::Gauge;
use crate::{
    gateway::program_path,
    internet::names,
    lab::Lab,
    plan::INTERNET,
    process::{Running, wait_for},
};

/// The machine that plays the sites.
const MACHINE: &str = "puits";

/// How many there are: no pair of addresses then runs out of ports, however many connections are closed in a minute.
const SITES: u32 = 16;

/// The port that the proxy takes.
pub(super) const WEB_PORT: u16 = 443;
/// A port of a service that the zone opens, so that the kernel forwards it without a proxy (decision D3).
pub(super) const FORWARDED_PORT: u16 = 5222;

/// The sites, answering until dropped.
#[derive(Debug)]
pub(super) struct Sites {
    server: Running,
    door: crate::enclosure::Door,
}

/// The names of the sites.
pub(super) fn names() -> String {
    (1..=SITES).map(|number| format!("puits{number}.exemple.net")).collect::<Vec<_>>().join(",")
}

impl Sites {
    /// Builds the machine and starts the sites.
    ///
    /// # Errors
    /// When they do not listen.
    pub(super) fn start(lab: &Lab) -> anyhow::Result<Self> {
        let door = lab.door();
        door.script(&script())?;
        let program = program_path("preau-lab")?;
        let program = program.to_string_lossy();
        let ports = format!("{WEB_PORT},{FORWARDED_PORT}");
        let mut server =
            Running::start(door, MACHINE, MACHINE, &[&*program, "load", "sites", "--ports", &ports])?;
        let listens = wait_for(Duration::from_secs(10), || {
            (server.log().contains("listening") || !server.is_running()).then_some(())
        });
        if listens.is_none() || !server.is_running() {
            bail!("the sites do not start: {}", server.log());
        }
        Ok(Self { server, door: door.clone() })
    }

    /// What they have used.
    pub(super) fn gauge(&self) -> anyhow::Result<Gauge> {
        Ok(Gauge::new(&self.door, self.server.pid()?))
    }
}

/// The Internet machine holds whole networks; the addresses of the sites are taken out of them.
fn script() -> String {
    let mut script = format!(
        "ip netns add {MACHINE}; ip -n {MACHINE} link set lo up\n\
         ip link add puits0 netns {INTERNET} type veth peer name eth0 netns {MACHINE}\n\
         ip -n {INTERNET} addr add 198.51.100.97/30 dev puits0; ip -n {INTERNET} link set puits0 up\n\
         ip -n {MACHINE} addr add 198.51.100.98/30 dev eth0; ip -n {MACHINE} link set eth0 up\n\
         ip -n {MACHINE} route add default via 198.51.100.97\n"
    );
    let addresses: BTreeSet<_> = names().split(',').map(|name| names::addresses(name).0).collect();
    for address in addresses {
        write!(
            script,
            "ip -n {MACHINE} addr add {address}/32 dev lo\n\
             ip -n {INTERNET} route add {address}/32 via 198.51.100.98 table local\n"
        )
        .expect("writing to a string cannot fail");
    }
    script
}
