//! The cables: every machine's network, every pair of plugs, and the addresses that stand before DHCP speaks.

use std::fmt::Write as _;

use crate::plan::{
    ACADEMIE, ACADEMIE_SITE, BOX, CENTRAL, CENTRAL_ADDRESSES, ECHO_SERVERS, ENT, ENT_ADDRESSES, FAR,
    FAR_ADDRESSES, INTERNET, INTERNET_NETWORKS, LINE_INTERFACE, LINE_V4, LINE_V6, NAMELESS_SERVERS,
    OTHER_RESOLVERS, POSTS, RESOLVERS, machines,
};

/// The shell script that makes all networks of the lab. The school's ports stay down: the box brings them up.
pub(crate) fn script() -> String {
    let mut script = String::new();
    for machine in machines() {
        line(&mut script, &format!("ip netns add {machine}"));
        line(&mut script, &format!("ip -n {machine} link set lo up"));
    }
    behind_the_internet(
        &mut script,
        ACADEMIE,
        "acad0",
        [("198.51.100.65", "2001:db8:ac::1"), (ACADEMIE_SITE[0], ACADEMIE_SITE[1])],
    );
    behind_the_internet(
        &mut script,
        FAR,
        "loin0",
        [("198.51.100.69", "2001:db8:fa::1"), (FAR_ADDRESSES[0], FAR_ADDRESSES[1])],
    );
    behind_the_internet(
        &mut script,
        ENT,
        "ent0",
        [("198.51.100.73", "2001:db8:e::1"), (ENT_ADDRESSES[0], ENT_ADDRESSES[1])],
    );
    behind_the_internet(
        &mut script,
        CENTRAL,
        "dsi0",
        [("198.51.100.77", "2001:db8:d::1"), (CENTRAL_ADDRESSES[0], CENTRAL_ADDRESSES[1])],
    );
    internet(&mut script);
    line(
        &mut script,
        &format!("ip link add {LINE_INTERFACE} netns {BOX} type veth peer name ecole netns {INTERNET}"),
    );
    let (box_v4, way_v4) = LINE_V4;
    let (box_v6, way_v6) = LINE_V6;
    line(&mut script, &format!("ip -n {BOX} link set {LINE_INTERFACE} up"));
    line(&mut script, &format!("ip -n {BOX} addr add {box_v4} dev {LINE_INTERFACE}"));
    line(&mut script, &format!("ip -n {BOX} addr add {box_v6} dev {LINE_INTERFACE} nodad"));
    script.push_str(&restore_line());
    line(&mut script, &format!("ip -n {BOX} route add default via {way_v4}"));
    line(&mut script, &format!("ip -n {BOX} -6 route add default via {way_v6} dev {LINE_INTERFACE}"));
    for post in &POSTS {
        let (name, port, mac) = (post.name, post.port, post.mac);
        line(
            &mut script,
            &format!("ip link add {port} netns {BOX} type veth peer name eth0 address {mac} netns {name}"),
        );
        // Duplicate address detection would cost each start two seconds and can find nothing on these wires; a machine
        // that asks for a router every second need not wait four for its second chance.
        let settings = "net.ipv6.conf.eth0.accept_dad=0 net.ipv6.conf.eth0.router_solicitation_interval=1";
        line(&mut script, &format!("ip netns exec {name} sysctl -qw {settings}"));
        line(&mut script, &format!("ip -n {name} link set eth0 up"));
    }
    script
}

/// The shell script that unplugs the school's line, at the provider's end: the box sees its carrier go.
pub(crate) fn cut_line() -> String {
    format!("ip -n {INTERNET} link set ecole down\n")
}

/// The shell script that plugs the line in again. Taking a link down also takes its IPv6 addresses, so they are set anew.
pub(crate) fn restore_line() -> String {
    let (_, way_v4) = LINE_V4;
    let (_, way_v6) = LINE_V6;
    format!(
        "ip -n {INTERNET} link set ecole up\n\
         ip -n {INTERNET} addr replace {way_v4}/30 dev ecole\n\
         ip -n {INTERNET} addr replace {way_v6}/64 dev ecole nodad\n"
    )
}

fn internet(script: &mut String) {
    for address in RESOLVERS.iter().chain(&OTHER_RESOLVERS).chain(&NAMELESS_SERVERS).chain(&ECHO_SERVERS) {
        line(script, &format!("ip -n {INTERNET} addr add {address} dev lo nodad"));
    }
    for network in INTERNET_NETWORKS {
        let family = if network.contains(':') { "-6" } else { "-4" };
        line(script, &format!("ip -n {INTERNET} {family} route add local {network} dev lo"));
    }
    for setting in ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"] {
        line(script, &format!("ip netns exec {INTERNET} sysctl -qw {setting}"));
    }
}

/// A host of its own behind the Internet; `ends` are the addresses of the cable's ends, the Internet's first.
pub(crate) fn behind_the_internet(script: &mut String, host: &str, plug: &str, ends: [(&str, &str); 2]) {
    line(script, &format!("ip link add {plug} netns {INTERNET} type veth peer name eth0 netns {host}"));
    for ((machine, interface), (v4, v6)) in [(INTERNET, plug), (host, "eth0")].into_iter().zip(ends) {
        line(script, &format!("ip -n {machine} addr add {v4}/30 dev {interface}"));
        line(script, &format!("ip -n {machine} addr add {v6}/64 dev {interface} nodad"));
        line(script, &format!("ip -n {machine} link set {interface} up"));
    }
    let [(way_v4, way_v6), _] = ends;
    line(script, &format!("ip -n {host} route add default via {way_v4}"));
    line(script, &format!("ip -n {host} -6 route add default via {way_v6}"));
}

fn line(script: &mut String, text: &str) {
    writeln!(script, "{text}").expect("writing to a string cannot fail");
}
