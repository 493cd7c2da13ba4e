//! Makes the kernel's interfaces what the zones need: bridges with their ports, addresses, routing between them.
//!
//! Everything is asked first and set only where it differs, so raising again after a restart disturbs nobody.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use ipnet::IpNet;
use tracing::{debug, info};

use super::{Bridge, Settings};
use crate::{
    model::Zone,
    system::links::{Link, Links, set_kernel_setting, set_kernel_setting_if_there},
};

/// Raises the zones. Filtering is not its trade: the ruleset must be loaded before, for this lets the kernel forward.
///
/// # Errors
/// When an interface is missing (the error names it and its zone) or the kernel refuses. What was raised stays raised.
pub async fn raise(settings: &Settings) -> anyhow::Result<()> {
    let links = Links::open().context("cannot speak with the kernel about interfaces")?;
    for bridge in &settings.bridges {
        let made = raise_bridge(&links, bridge).await;
        made.with_context(|| format!("cannot raise {}", place_of(bridge, &settings.zones)))?;
    }
    for zone in &settings.zones {
        raise_zone(&links, zone).await.with_context(|| format!("cannot raise zone `{}`", zone.name))?;
    }
    set_whole_machine().context("cannot let the kernel forward")?;
    info!(zones = settings.zones.len(), bridges = settings.bridges.len(), "the zones are raised");
    Ok(())
}

/// The zone a bridge is for, as errors name it.
fn place_of(bridge: &Bridge, zones: &[Arc<Zone>]) -> String {
    match zones.iter().find(|zone| zone.interface == bridge.name) {
        Some(zone) => format!("zone `{}`", zone.name),
        None => format!("bridge `{}`", bridge.name),
    }
}

async fn raise_bridge(links: &Links, bridge: &Bridge) -> anyhow::Result<()> {
    let mut ports = Vec::with_capacity(bridge.ports.len());
    for name in &bridge.ports {
        let Some(port) = links.find(name).await? else {
            bail!("interface `{name}`, a port of bridge `{}`, does not exist", bridge.name);
        };
        ports.push(port);
    }
    let made = links.make_bridge(&bridge.name).await?;
    // A port that left the configuration must not go on leading into the zone.
    for stranger in links.all().await?.iter().filter(|link| link.bridge == Some(made.index)) {
        if !ports.iter().any(|port| port.index == stranger.index) {
            links.leave_bridge(stranger).await?;
        }
    }
    // A bridge otherwise takes the lowest address of its ports and changes it when they change, and with it the
    // router's IPv6 address that machines remember.
    if let Some(first) = ports.first() {
        links.set_hardware_address(&made, &first.hardware_address).await?;
    }
    for port in &ports {
        // The bridge has the addresses; a port with one of its own would answer beside it.
        set_kernel_setting_if_there(&format!("ipv6/conf/{}/disable_ipv6", port.name), "1")?;
        links.join_bridge(port, &made).await?;
        links.switch_on(port).await?;
    }
    debug!(ports = ports.len(), "bridge raised");
    Ok(())
}

async fn raise_zone(links: &Links, zone: &Zone) -> anyhow::Result<()> {
    let Some(link) = links.find(&zone.interface).await? else {
        bail!("interface `{}` does not exist", zone.interface);
    };
    set_zone_interface(&link)?;
    links.set_addresses(&link, &[IpNet::V4(zone.ipv4), IpNet::V6(zone.ipv6)]).await?;
    links.switch_on(&link).await
}

/// How the kernel treats packets of a zone's interface.
fn set_zone_interface(link: &Link) -> anyhow::Result<()> {
    const IPV4: [(&str, &str); 7] = [
        // Strict: a source address must be one that would be answered by this interface. TPROXY's packets pass, for
        // their mark is not looked at unless `src_valid_mark` is set.
        ("rp_filter", "1"),
        ("accept_redirects", "0"),
        // Machines must not learn short cuts around the gate.
        ("send_redirects", "0"),
        ("accept_source_route", "0"),
        // The box's address in another zone is not answered for here.
        ("arp_ignore", "1"),
        ("arp_announce", "2"),
        // The kernel's log would hold people's addresses.
        ("log_martians", "0"),
    ];
    const IPV6: [(&str, &str); 5] = [
        ("disable_ipv6", "0"),
        // A pupil's machine that plays router must not give the box a route or an address.
        ("accept_ra", "0"),
        ("autoconf", "0"),
        ("accept_redirects", "0"),
        ("use_tempaddr", "0"),
    ];
    for (name, value) in IPV4 {
        set_kernel_setting(&format!("ipv4/conf/{}/{name}", link.name), value)?;
    }
    for (name, value) in IPV6 {
        set_kernel_setting(&format!("ipv6/conf/{}/{name}", link.name), value)?;
    }
    // RFC 9131, since Linux 5.19: a machine that announces an address is known before its first packet.
    set_kernel_setting_if_there(&format!("ipv6/conf/{}/accept_untracked_na", link.name), "1")
}

/// What concerns the machine or its network namespace as a whole.
fn set_whole_machine() -> anyhow::Result<()> {
    // A redirect is sent where either the interface or `all` says so.
    set_kernel_setting("ipv4/conf/all/send_redirects", "0")?;
    set_kernel_setting("ipv4/conf/all/accept_redirects", "0")?;
    // The kernel remembers 1024 neighbours by default: a school of 600 people has several thousand IPv6 addresses.
    // These belong to the machine; a network namespace does not have them.
    for family in ["ipv4", "ipv6"] {
        for (name, value) in [("gc_thresh3", "16384"), ("gc_thresh2", "8192"), ("gc_thresh1", "4096")] {
            set_kernel_setting_if_there(&format!("{family}/neigh/default/{name}"), value)?;
        }
    }
    // What crosses a bridge to the box would meet the packet filter twice, and lose on the way the proxy's socket that
    // TPROXY gave it.
    for name in ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables", "bridge-nf-call-arptables"] {
        set_kernel_setting_if_there(&format!("bridge/{name}"), "0")?;
    }
    // A proxied connection that has ended is remembered for two minutes by default: at a thousand a second one machine
    // would fill the table of connections, and nobody's question would be answered.
    set_kernel_setting_if_there("netfilter/nf_conntrack_tcp_timeout_time_wait", "10")?;
    set_kernel_setting("ipv4/ip_forward", "1")?;
    set_kernel_setting("ipv6/conf/all/forwarding", "1")
}
