//! The machines people use: a home, an authority they trust, an address by DHCP and one by router advertisement.

use std::{fs, time::Duration};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::{
    enclosure::{Door, LAB_DIR},
    plan::{POSTS, Post},
    process::{Running, read_log, run, wait_for},
};

/// How long a machine may take to have both its addresses; a router advertises at least every few seconds.
const ADDRESS_WAIT_MAX: Duration = Duration::from_secs(40);

/// What a machine does with its lease.
const LEASE_SCRIPT: &str = include_str!("../data/udhcpc.sh");

/// An address of a machine, as `ip -json address` shows it.
#[derive(Clone, Debug, Deserialize)]
struct ShownAddress {
    local: String,
    scope: String,
}

/// An interface of a machine, as `ip -json address` shows it.
#[derive(Clone, Debug, Deserialize)]
struct ShownInterface {
    addr_info: Vec<ShownAddress>,
}

/// Gives every machine its home, its empty resolver file, and the browser's store of trusted authorities.
pub(crate) fn furnish(door: &Door) -> anyhow::Result<()> {
    fs::write(door.file_path("lease-script"), LEASE_SCRIPT).context("cannot write inside the lab")?;
    let mut script = String::from(
        "cd /run/preau-lab; chmod 755 lease-script; mkdir -p trust\n\
         certutil -d sql:trust -N --empty-password\n\
         certutil -d sql:trust -A -t C,, -n labo -i authority/authority.pem\n",
    );
    for post in &POSTS {
        let name = post.name;
        script.push_str(&format!(
            "mkdir -p {name}/.pki; cp -r trust {name}/.pki/nssdb; : > {name}/resolv.conf\n"
        ));
    }
    door.script(&script).context("cannot furnish the machines (is libnss3-tools installed?)")
}

/// Starts the DHCP client of every machine.
pub(crate) fn connect(door: &Door) -> anyhow::Result<Vec<Running>> {
    let script = format!("{LAB_DIR}/lease-script");
    POSTS.iter().map(|post| ask_for_a_lease(door, post, &script)).collect()
}

fn ask_for_a_lease(door: &Door, post: &Post, script: &str) -> anyhow::Result<Running> {
    // One question a second, ten in a row, two seconds of rest; option 114 is the portal's address (RFC 8910).
    let arguments =
        ["udhcpc", "-f", "-i", "eth0", "-s", script, "-t", "10", "-T", "1", "-A", "2", "-O", "114", "-x"];
    let host_name = format!("hostname:{}", post.name);
    let arguments = [arguments.as_slice(), &[host_name.as_str()]].concat();
    Running::start(door, post.name, &format!("dhcp-{}", post.name), &arguments)
}

/// Waits until the machine has an IPv4 and a global IPv6 address, and says them.
pub(crate) fn wait_for_addresses(door: &Door, who: &str) -> anyhow::Result<Vec<String>> {
    let found = wait_for(ADDRESS_WAIT_MAX, || {
        let addresses = addresses(door, who).ok()?;
        let has = |v6: bool| addresses.iter().any(|address| address.contains(':') == v6);
        (has(false) && has(true)).then_some(addresses)
    });
    let Some(found) = found else {
        bail!(
            "`{who}` has {:?} instead of an IPv4 and an IPv6 address; its DHCP client says: {}",
            addresses(door, who)?,
            read_log(door, &format!("dhcp-{who}"))
        );
    };
    Ok(found)
}

/// The machine's global addresses on `eth0`, IPv4 first.
pub(crate) fn addresses(door: &Door, who: &str) -> anyhow::Result<Vec<String>> {
    let shown = run(door, who, &["ip", "-json", "address", "show", "dev", "eth0"], Duration::from_secs(10))?;
    let interfaces: Vec<ShownInterface> =
        serde_json::from_str(&shown.checked()?).context("cannot read what `ip` shows")?;
    let addresses = interfaces.into_iter().flat_map(|interface| interface.addr_info);
    Ok(addresses.filter(|address| address.scope == "global").map(|address| address.local).collect())
}
