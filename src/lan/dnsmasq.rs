//! dnsmasq's configuration file, written from the settings.
//!
//! dnsmasq does DHCPv4, router advertisements and stateless DHCPv6; its DNS is off. Machines make their IPv6 addresses
//! themselves (SLAAC), for many cannot do otherwise (Android). Names of machines and domains are not announced.

use std::{
    fmt::{self, Write as _},
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use ipnet::Ipv4Net;

use super::Settings;
use crate::model::{SignIn, Zone, ZoneKind};

/// What dnsmasq serves at most, and what each bound stops.
struct Limits;

impl Limits {
    /// Leases: a machine that asks under ever new hardware addresses fills the pools at most this far.
    const LEASES: u32 = 2000;
    /// Addresses at the start of each network that DHCP leaves alone, for machines that were given one by hand.
    const RESERVED: u32 = 16;
}

/// Seconds between router advertisements nobody asked for (RFC 7772: few, for the sake of batteries).
pub(super) const ADVERTISEMENT_INTERVAL_SECONDS: u32 = 300;

/// Seconds a machine keeps the router without hearing of it.
pub(super) const ROUTER_LIFETIME_SECONDS: u16 = 1800;

/// What is the same in every school.
const HEAD: &str = "\
# Written by preau at each start; changes made here are lost.

# A child of the daemon. It keeps the daemon's user and group: changing them would lose the signal that ends it with the
# daemon. It writes neither a pid file nor to syslog.
keep-in-foreground
user=
group=
pid-file=
log-facility=-

# Nothing about single machines in its log.
quiet-dhcp
quiet-dhcp6
quiet-ra

# No DNS.
port=0
no-resolv
no-hosts

# The only DHCP server of the zones. Machines probe an address themselves (RFC 5227), so no offer waits for a ping.
dhcp-authoritative
no-ping
enable-ra
";

/// Where dnsmasq keeps its leases.
pub(super) fn leases_path(state_dir: &Path) -> PathBuf {
    state_dir.join("leases")
}

/// The whole configuration file for `settings`.
#[must_use]
pub fn dnsmasq_conf(settings: &Settings) -> String {
    let mut conf = String::new();
    // Writing to a `String` cannot fail.
    let _ = write_conf(&mut conf, settings);
    conf
}

fn write_conf(conf: &mut String, settings: &Settings) -> fmt::Result {
    conf.push_str(HEAD);
    writeln!(conf, "\n# Only in the zones, also when an interface comes later.\nbind-dynamic")?;
    for zone in &settings.zones {
        writeln!(conf, "interface={}", zone.interface)?;
    }
    let leases_path = leases_path(&settings.state_dir);
    writeln!(conf, "\ndhcp-lease-max={}", Limits::LEASES)?;
    writeln!(conf, "dhcp-leasefile={}", quoted(&leases_path.to_string_lossy()))?;
    for zone in &settings.zones {
        write_zone(conf, zone, settings.portal_api.as_deref())?;
    }
    Ok(())
}

fn write_zone(conf: &mut String, zone: &Zone, portal_api: Option<&str>) -> fmt::Result {
    // Not the bare name: dnsmasq has tags of its own, such as `known` and the names of interfaces.
    let tag = format!("zone-{}", zone.name);
    let router = zone.ipv4.addr();
    let router_v6 = zone.ipv6.addr();
    let hours = lease_hours(zone.kind);
    writeln!(conf, "\n# Zone {}.", zone.name)?;
    for (first, last) in pools(zone.ipv4) {
        writeln!(conf, "dhcp-range=set:{tag},{first},{last},{},{hours}h", zone.ipv4.netmask())?;
    }
    writeln!(conf, "dhcp-option=tag:{tag},option:router,{router}")?;
    writeln!(conf, "dhcp-option=tag:{tag},option:dns-server,{router}")?;
    // RFC 2132 section 8.3.
    writeln!(conf, "dhcp-option=tag:{tag},option:ntp-server,{router}")?;
    let network_v6 = zone.ipv6.network();
    writeln!(conf, "dhcp-range=set:{tag},{network_v6},ra-stateless,{},{hours}h", zone.ipv6.prefix_len())?;
    // Also the RDNSS of router advertisements.
    writeln!(conf, "dhcp-option=tag:{tag},option6:dns-server,[{router_v6}]")?;
    // RFC 4075, and RFC 5908 after it: machines ask for one or the other.
    writeln!(conf, "dhcp-option=tag:{tag},option6:sntp-server,[{router_v6}]")?;
    writeln!(conf, "dhcp-option=tag:{tag},option6:ntp-server,[{router_v6}]")?;
    // Where nobody signs in there is no portal to announce, and systems would look for one at each joining.
    if let Some(uri) = portal_api.filter(|_| zone.sign_in == SignIn::Required) {
        // RFC 8910 section 2: option 114 of DHCPv4 and 103 of DHCPv6. dnsmasq 2.90 cannot put it into router
        // advertisements: `captive` sends those.
        writeln!(conf, "dhcp-option=tag:{tag},114,{}", quoted(uri))?;
        writeln!(conf, "dhcp-option=tag:{tag},option6:103,{}", quoted(uri))?;
    }
    writeln!(
        conf,
        "ra-param={},high,{},{}",
        zone.interface, ADVERTISEMENT_INTERVAL_SECONDS, ROUTER_LIFETIME_SECONDS
    )
}

/// People's machines come and go with the lessons; a printer should keep its address over a night's power cut.
fn lease_hours(kind: ZoneKind) -> u32 {
    match kind {
        ZoneKind::Equipements => 12,
        ZoneKind::Pedagogique | ZoneKind::Administration | ZoneKind::Invites => 4,
    }
}

/// The addresses DHCP gives out, first and last of each run: the hosts of the network of `ipv4` without the first 16 (in
/// a network of fewer than 64, without the first quarter) and without the box's own address, which `ipv4` is.
fn pools(ipv4: Ipv4Net) -> Vec<(Ipv4Addr, Ipv4Addr)> {
    let network = u32::from(ipv4.network());
    let broadcast = u32::from(ipv4.broadcast());
    let hosts = (broadcast - network).saturating_sub(1);
    if hosts == 0 {
        return Vec::new();
    }
    let first = network + 1 + Limits::RESERVED.min(hosts / 4);
    let last = broadcast - 1;
    let own = u32::from(ipv4.addr());
    let runs = if (first..=last).contains(&own) {
        vec![(first, own - 1), (own + 1, last)]
    } else {
        vec![(first, last)]
    };
    runs.into_iter()
        .filter(|(first, last)| first <= last)
        .map(|(first, last)| (Ipv4Addr::from(first), Ipv4Addr::from(last)))
        .collect()
}

/// `text` as dnsmasq reads it back whole, commas and spaces included.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{DefaultVerdict, Quic};

    fn zone(kind: ZoneKind, interface: &str, ipv4: &str, ipv6: &str, sign_in: SignIn) -> Arc<Zone> {
        Arc::new(Zone {
            name: kind.word().parse().unwrap(),
            kind,
            interface: Arc::from(interface),
            ipv4: ipv4.parse().unwrap(),
            ipv6: ipv6.parse().unwrap(),
            sign_in,
            default: DefaultVerdict::Allow,
            quic: Quic::Reject,
            tunnel: crate::model::TunnelAccess::None,
            services: Vec::new(),
        })
    }

    #[test]
    fn the_file_for_a_school_of_two_zones_is_the_golden_one() {
        let settings = Settings {
            zones: vec![
                zone(ZoneKind::Pedagogique, "ped0", "10.10.0.1/22", "fd00:10::1/64", SignIn::Required),
                zone(ZoneKind::Equipements, "equ0", "10.10.8.100/24", "fd00:12::1/64", SignIn::NotAsked),
            ],
            bridges: Vec::new(),
            state_dir: PathBuf::from("/var/lib/preau"),
            portal_api: Some("https://portail.college.exemple/api/captive".to_owned()),
        };
        assert_eq!(dnsmasq_conf(&settings), include_str!("golden/dnsmasq.conf"));
    }

    #[test]
    fn the_pool_leaves_the_first_sixteen_hosts_and_the_box_alone() {
        let check = |network: &str, expected: &[(&str, &str)]| {
            let pools: Vec<_> = pools(network.parse().unwrap())
                .into_iter()
                .map(|(first, last)| (first.to_string(), last.to_string()))
                .collect();
            let expected: Vec<_> =
                expected.iter().map(|(first, last)| ((*first).to_owned(), (*last).to_owned())).collect();
            assert_eq!(pools, expected, "{network}");
        };
        check("10.10.0.1/22", &[("10.10.0.17", "10.10.3.254")]);
        check("10.10.0.254/24", &[("10.10.0.17", "10.10.0.253")]);
        check("10.10.0.17/24", &[("10.10.0.18", "10.10.0.254")]);
        check("10.10.0.100/24", &[("10.10.0.17", "10.10.0.99"), ("10.10.0.101", "10.10.0.254")]);
        check("192.0.2.1/28", &[("192.0.2.4", "192.0.2.14")]);
        check("192.0.2.1/30", &[("192.0.2.2", "192.0.2.2")]);
        check("192.0.2.1/31", &[]);
        check("192.0.2.1/32", &[]);
        check("10.0.0.1/8", &[("10.0.0.17", "10.255.255.254")]);
    }

    #[test]
    fn quotes_and_backslashes_in_a_path_stay_inside_the_quotes() {
        assert_eq!(quoted(r#"/srv/a "b"\c"#), r#""/srv/a \"b\"\\c""#);
    }
}
