//! The requests by which phones and computers find out whether a network wants a sign-in, and whether it has an Internet.
//!
//! Each system fetches a known plain-HTTP address and compares the answer. Before sign-in the redirect to the portal is
//! the wrong answer that makes the sign-in window open. After it, a probe whose name is still in the machine's DNS cache
//! comes to the box once more: it then gets the answer its system expects, for the network wants nothing any more.
//!
//! While the line is down, names that serve for nothing but probes lead to the box ([`is_for_probes_alone`]), so that a
//! phone of somebody who is signed in does not leave the school's network, where the portal and the school's own
//! services go on. While the line is up nothing of the kind is answered in their makers' place.
//!
//! | system | what it takes for "a portal is here" | what it shows while the line is down |
//! |---|---|---|
//! | Android, ChromeOS, Chrome | anything but an empty 204; a redirect names the page to open | stays; "limited connection", for its second probe is HTTPS and fails |
//! | iOS, macOS | a page without `Success`; redirects are followed in the window | stays, as usual |
//! | Windows | anything but the known text; a redirect opens the browser | stays, "Internet access": text and name are known |
//! | Firefox | anything but the known page; shows a bar that opens the portal | nothing |
//! | NetworkManager | anything but the known text or status | stays, as usual |
//! | Kindle | a page without its known number | stays, as usual |

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::Domain;

/// What a system expects when no portal is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Status 204 and nothing else.
    Empty,
    /// Status 200 and exactly this text.
    Text(&'static str),
    /// Status 200 and exactly this HTML.
    Html(&'static str),
}

/// Which paths of a host are probes.
#[derive(Clone, Copy, Debug)]
enum Paths {
    Every,
    One(&'static str),
}

const APPLE: Expected =
    Expected::Html("<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>");
const FIREFOX: Expected = Expected::Html(
    r#"<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>"#,
);
const KINDLE: Expected = Expected::Html("<html><body>81ce4465-7167-4dcb-835b-dcc9e44c112a</body></html>");
const NETWORK_MANAGER: Expected = Expected::Text("NetworkManager is online\n");
const GENERATE: Paths = Paths::One("/generate_204");
const APPLE_TEST: Paths = Paths::One("/library/test/success.html");

/// Hosts that serve for nothing but probes: path, answer.
const PROBE_HOSTS: &[(&str, Paths, Expected)] = &[
    // Android, then makers who ask their own servers.
    ("connectivitycheck.gstatic.com", GENERATE, Expected::Empty),
    ("connectivitycheck.android.com", GENERATE, Expected::Empty),
    ("connectivitycheck.grapheneos.network", GENERATE, Expected::Empty),
    ("connectivitycheck.platform.hicloud.com", GENERATE, Expected::Empty),
    ("connectivitycheck.cbg-app.huawei.com", GENERATE, Expected::Empty),
    ("connect.rom.miui.com", GENERATE, Expected::Empty),
    ("conn1.oppomobile.com", GENERATE, Expected::Empty),
    ("conn2.oppomobile.com", GENERATE, Expected::Empty),
    ("wifi.vivo.com.cn", GENERATE, Expected::Empty),
    // iOS and macOS, then older ones.
    ("captive.apple.com", Paths::Every, APPLE),
    ("www.airport.us", APPLE_TEST, APPLE),
    ("www.appleiphonecell.com", APPLE_TEST, APPLE),
    ("www.ibook.info", APPLE_TEST, APPLE),
    ("www.itools.info", APPLE_TEST, APPLE),
    ("www.thinkdifferent.us", APPLE_TEST, APPLE),
    // Windows 10 and later, then older ones.
    ("www.msftconnecttest.com", Paths::One("/connecttest.txt"), Expected::Text("Microsoft Connect Test")),
    ("ipv6.msftconnecttest.com", Paths::One("/connecttest.txt"), Expected::Text("Microsoft Connect Test")),
    ("www.msftncsi.com", Paths::One("/ncsi.txt"), Expected::Text("Microsoft NCSI")),
    ("ipv6.msftncsi.com", Paths::One("/ncsi.txt"), Expected::Text("Microsoft NCSI")),
    // Firefox: the portal check, then the check of each address family.
    ("detectportal.firefox.com", Paths::One("/canonical.html"), FIREFOX),
    ("detectportal.firefox.com", Paths::One("/success.txt"), Expected::Text("success\n")),
    // NetworkManager: GNOME, KDE, Debian, Ubuntu, Arch, openSUSE.
    ("nmcheck.gnome.org", Paths::One("/check_network_status.txt"), NETWORK_MANAGER),
    ("networkcheck.kde.org", Paths::One("/"), Expected::Text("OK\n")),
    ("network-test.debian.org", Paths::One("/nm"), NETWORK_MANAGER),
    ("connectivity-check.ubuntu.com", Paths::One("/"), Expected::Empty),
    ("ping.archlinux.org", Paths::One("/nm-check.txt"), NETWORK_MANAGER),
    ("conncheck.opensuse.org", Paths::One("/"), NETWORK_MANAGER),
];

/// Hosts that serve for other things, too.
const SHARED_HOSTS: &[(&str, Paths, Expected)] = &[
    ("clients1.google.com", GENERATE, Expected::Empty),
    ("clients2.google.com", GENERATE, Expected::Empty),
    ("clients3.google.com", GENERATE, Expected::Empty),
    ("clients4.google.com", GENERATE, Expected::Empty),
    ("play.googleapis.com", GENERATE, Expected::Empty),
    ("www.google.com", GENERATE, Expected::Empty),
    ("www.google.com", Paths::One("/gen_204"), Expected::Empty),
    ("www.gstatic.com", GENERATE, Expected::Empty),
    ("www.apple.com", APPLE_TEST, APPLE),
    ("fedoraproject.org", Paths::One("/static/hotspot.txt"), Expected::Text("OK")),
    ("spectrum.s3.amazonaws.com", Paths::One("/kindle-wifi/wifistub.html"), KINDLE),
    ("spectrum.s3.amazonaws.com", Paths::One("/kindle-wifi/wifistub-eink.html"), KINDLE),
];

/// The name that Windows resolves beside its HTTP probe, and the only addresses it takes for right.
const WINDOWS_NAME: &str = "dns.msftncsi.com";
const WINDOWS_V4: Ipv4Addr = Ipv4Addr::new(131, 107, 255, 255);
const WINDOWS_V6: Ipv6Addr = Ipv6Addr::new(0xfd3e, 0x4f5a, 0x5b81, 0, 0, 0, 0, 1);

/// Whether `host` serves for nothing but probes.
#[must_use]
pub fn is_for_probes_alone(host: &str) -> bool {
    PROBE_HOSTS.iter().any(|(name, _, _)| *name == host)
}

/// The addresses that a system takes for a sign of an Internet when `name` has them, IPv4 first.
#[must_use]
pub fn known_addresses(name: &str) -> Option<[IpAddr; 2]> {
    (name == WINDOWS_NAME).then_some([IpAddr::V4(WINDOWS_V4), IpAddr::V6(WINDOWS_V6)])
}

/// A host of a probe that is `name` or lies below it, if there is one. Were it open before sign-in, devices would take the
/// network for an open one.
#[must_use]
pub fn probe_below(name: &Domain) -> Option<&'static str> {
    let is_below = |host: &&str| host.parse::<Domain>().is_ok_and(|host| host.is_within(name));
    PROBE_HOSTS.iter().chain(SHARED_HOSTS).map(|(host, _, _)| *host).find(is_below)
}

/// What a system expects of `path` (without its query) on `host`, when that is a known probe.
#[must_use]
pub fn expected(host: &str, path: &str) -> Option<Expected> {
    PROBE_HOSTS
        .iter()
        .chain(SHARED_HOSTS)
        .find(|(name, paths, _)| {
            *name == host
                && match paths {
                    Paths::Every => true,
                    Paths::One(known) => *known == path,
                }
        })
        .map(|(_, _, expected)| *expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_finds_its_probe() {
        for (host, path, answer) in [
            ("connectivitycheck.gstatic.com", "/generate_204", Expected::Empty),
            ("captive.apple.com", "/hotspot-detect.html", APPLE),
            ("captive.apple.com", "/", APPLE),
            ("www.msftconnecttest.com", "/connecttest.txt", Expected::Text("Microsoft Connect Test")),
            ("detectportal.firefox.com", "/canonical.html", FIREFOX),
            ("www.gstatic.com", "/generate_204", Expected::Empty),
            ("network-test.debian.org", "/nm", NETWORK_MANAGER),
            ("spectrum.s3.amazonaws.com", "/kindle-wifi/wifistub.html", KINDLE),
        ] {
            assert_eq!(expected(host, path), Some(answer), "{host}{path}");
        }
    }

    #[test]
    fn pages_beside_a_probe_are_no_probes() {
        for (host, path) in [
            ("www.google.com", "/"),
            ("www.apple.com", "/"),
            ("www.msftconnecttest.com", "/redirect"),
            ("connectivitycheck.gstatic.com.pirate.example", "/generate_204"),
        ] {
            assert_eq!(expected(host, path), None, "{host}{path}");
        }
    }

    #[test]
    fn a_host_that_serves_for_other_things_is_never_taken_for_a_probe() {
        for host in ["www.google.com", "www.apple.com", "www.gstatic.com", "fedoraproject.org"] {
            assert!(!is_for_probes_alone(host), "{host}");
        }
        for (host, _, _) in SHARED_HOSTS {
            assert!(!is_for_probes_alone(host), "{host}");
        }
        assert!(is_for_probes_alone("captive.apple.com"));
    }

    #[test]
    fn every_host_is_written_as_names_are_judged() {
        for (host, _, _) in PROBE_HOSTS.iter().chain(SHARED_HOSTS) {
            assert_eq!(host.parse::<crate::model::Domain>().unwrap().as_str(), *host);
        }
    }
}
