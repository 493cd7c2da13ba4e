//! The requests by which phones and computers find out whether a network wants a sign-in.
//!
//! Each system fetches a known plain-HTTP address and compares the answer. Before sign-in the redirect to the portal is
//! the wrong answer that makes the sign-in window open. After it, a probe whose name is still in the machine's DNS cache
//! comes to the box once more: it then gets the answer its system expects, for the network wants nothing any more.
//!
//! | system | what it takes for "a portal is here" |
//! |---|---|
//! | Android, ChromeOS, Chrome | anything but an empty 204; a redirect names the page to open |
//! | iOS, macOS | a page without `Success`; redirects are followed in the window |
//! | Windows | anything but the known text; a redirect opens the browser |
//! | Firefox | anything but the known page; shows a bar that opens the portal |
//! | NetworkManager | anything but the known text or status |

use crate::model::Domain;

/// What a system expects when no portal is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
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
const NETWORK_MANAGER: Expected = Expected::Text("NetworkManager is online\n");
const GENERATE: Paths = Paths::One("/generate_204");

/// Host, path, answer.
const PROBES: &[(&str, Paths, Expected)] = &[
    // Android, ChromeOS and Chrome, then makers who ask their own servers.
    ("connectivitycheck.gstatic.com", GENERATE, Expected::Empty),
    ("connectivitycheck.android.com", GENERATE, Expected::Empty),
    ("clients1.google.com", GENERATE, Expected::Empty),
    ("clients3.google.com", GENERATE, Expected::Empty),
    ("play.googleapis.com", GENERATE, Expected::Empty),
    ("www.google.com", GENERATE, Expected::Empty),
    ("www.google.com", Paths::One("/gen_204"), Expected::Empty),
    ("www.gstatic.com", GENERATE, Expected::Empty),
    ("connectivitycheck.platform.hicloud.com", GENERATE, Expected::Empty),
    ("connect.rom.miui.com", GENERATE, Expected::Empty),
    // iOS and macOS.
    ("captive.apple.com", Paths::Every, APPLE),
    ("www.apple.com", Paths::One("/library/test/success.html"), APPLE),
    // Windows 10 and later, then older ones.
    ("www.msftconnecttest.com", Paths::One("/connecttest.txt"), Expected::Text("Microsoft Connect Test")),
    ("ipv6.msftconnecttest.com", Paths::One("/connecttest.txt"), Expected::Text("Microsoft Connect Test")),
    ("www.msftncsi.com", Paths::One("/ncsi.txt"), Expected::Text("Microsoft NCSI")),
    // Firefox: the portal check, then the check of each address family.
    ("detectportal.firefox.com", Paths::One("/canonical.html"), FIREFOX),
    ("detectportal.firefox.com", Paths::One("/success.txt"), Expected::Text("success\n")),
    // NetworkManager: GNOME and KDE, Debian, Fedora, Ubuntu.
    ("nmcheck.gnome.org", Paths::One("/check_network_status.txt"), NETWORK_MANAGER),
    ("network-test.debian.org", Paths::One("/nm"), NETWORK_MANAGER),
    ("fedoraproject.org", Paths::One("/static/hotspot.txt"), Expected::Text("OK")),
    ("connectivity-check.ubuntu.com", Paths::One("/"), Expected::Empty),
];

/// A host of a probe that is `name` or lies below it, if there is one. Were it open before sign-in, devices would take the
/// network for an open one.
#[must_use]
pub fn probe_below(name: &Domain) -> Option<&'static str> {
    let is_below = |host: &&str| host.parse::<Domain>().is_ok_and(|host| host.is_within(name));
    PROBES.iter().map(|(host, _, _)| *host).find(is_below)
}

/// What a system expects of `path` (without its query) on `host`, when that is a known probe.
pub(super) fn expected(host: &str, path: &str) -> Option<Expected> {
    PROBES
        .iter()
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
}
