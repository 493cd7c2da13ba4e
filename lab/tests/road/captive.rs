//! How phones meet the portal: what the network announces (RFC 8910), what the interface says (RFC 8908), and what each
//! system's probe is answered before the sign-in, after it, and while the line is cut.

use preau_lab::{
    Lab,
    plan::{PEDAGOGIQUE, PORTAL},
};
use serde_json::Value;

use crate::asking::{Stage, dig, get, page, run, sign_out, status, until};

static STAGE: Stage = Stage::new();

/// The probe of each system, and what its maker's server answers.
const PROBES: [(&str, u16, &str); 6] = [
    ("http://connectivitycheck.gstatic.com/generate_204", 204, ""),
    ("http://captive.apple.com/hotspot-detect.html", 200, "Success"),
    ("http://www.msftconnecttest.com/connecttest.txt", 200, "Microsoft Connect Test"),
    ("http://detectportal.firefox.com/canonical.html", 200, "support.mozilla.org/kb/captive-portal"),
    ("http://detectportal.firefox.com/success.txt?ipv4", 200, "success"),
    ("http://network-test.debian.org/nm", 200, "NetworkManager is online"),
];

/// dhclient as a system that knows RFC 8910: it asks for option 103 and shows what it got.
const ASK_DHCPV6: &str = r#"
cd "$HOME" && printf '%s\n' 'option dhcp6.captive-portal code 103 = text;' 'also request dhcp6.captive-portal;' > dhclient6.conf
printf '%s\n' '#!/bin/sh' 'echo "portal=$new_dhcp6_captive_portal"' > dhclient6.sh && chmod 755 dhclient6.sh
: > dhclient6.leases
: > dhclient6.pid
timeout 20 dhclient -6 -S -1 -cf dhclient6.conf -lf "$HOME/dhclient6.leases" -pf "$HOME/dhclient6.pid" \
  -sf "$HOME/dhclient6.sh" eth0
"#;

/// The portals that routers advertise to the machine `who` (option 37), after it asked for routers.
fn portals_advertised(lab: &Lab, who: &str) -> Vec<String> {
    let script = "timeout 20 python3 - <<'END'\n\
        import socket, struct, time\n\
        s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)\n\
        i = socket.if_nametoindex('eth0')\n\
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)\n\
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, i)\n\
        s.settimeout(1)\n\
        s.sendto(bytes([133, 0, 0, 0, 0, 0, 0, 0]), ('ff02::2', 0, 0, i))\n\
        end, found = time.time() + 4, set()\n\
        while time.time() < end:\n\
        \x20   try: m = s.recv(2048)\n\
        \x20   except TimeoutError: continue\n\
        \x20   if m[0] != 134: continue\n\
        \x20   at = 16\n\
        \x20   while at < len(m):\n\
        \x20       if m[at] == 37: found.add(m[at + 2:at + 8 * m[at + 1]].rstrip(bytes(1)).decode())\n\
        \x20       at += 8 * m[at + 1]\n\
        print('\\n'.join(found))\nEND";
    run(lab, who, &["sh", "-c", script]).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The interface's answer to the machine `who`, by its announced address.
#[track_caller]
fn state(lab: &Lab, who: &str) -> Value {
    let answer = page(lab, who, &format!("https://{PORTAL}/api/captive"), &["--include"]);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.contains("\r\ncontent-type: application/captive+json\r\n"), "{head}");
    assert!(head.contains("\r\ncache-control: private"), "{head}");
    serde_json::from_str(body).unwrap()
}

/// Status and body of a probe.
#[track_caller]
fn probed(lab: &Lab, who: &str, url: &str) -> (u16, String) {
    let answer = get(lab, who, url, &["--write-out", "\n%{http_code}"]).stdout;
    let (body, status) = answer.rsplit_once('\n').unwrap_or_default();
    (status.parse().unwrap_or(0), body.to_owned())
}

#[test]
fn a_zone_with_sign_in_announces_the_interface_and_one_without_does_not() {
    STAGE.play(|lab| {
        let api = format!("https://{PORTAL}/api/captive");
        let hex: String = api.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(run(lab, "eleve", &["cat", "lease"]).contains(&format!("opt114={hex}")));
        assert!(!run(lab, "tableau", &["cat", "lease"]).contains("opt114="));
        let asked = |who: &str| lab.run(who, &["sh", "-c", ASK_DHCPV6]).unwrap().stdout;
        let answer = asked("eleve");
        assert!(
            answer.contains(&format!("portal={api}")) || answer.contains(&format!("portal=\"{api}\"")),
            "{answer}"
        );
        let answer = asked("tableau");
        assert!(answer.contains("portal=\n") || !answer.contains("portal"), "{answer}");
        assert_eq!(portals_advertised(lab, "eleve"), [api.as_str()]);
        assert_eq!(portals_advertised(lab, "tableau"), Vec::<String>::new());
        // The router itself is the same as before: one way out, and an address made by oneself.
        let ways = run(lab, "eleve", &["ip", "-6", "route", "show", "default"]);
        assert_eq!(ways.lines().count(), 1, "{ways}");
    });
}

#[test]
fn the_interface_tells_the_asking_machine_its_own_state_at_once() {
    STAGE.play(|lab| {
        assert_eq!(state(lab, "eleve2")["captive"], true);
        lab.sign_in_user("eleve2").unwrap();
        let signed_in = state(lab, "eleve2");
        assert_eq!(signed_in["captive"], false);
        assert!(signed_in["seconds-remaining"].as_u64().unwrap() > 60, "{signed_in}");
        // A machine of another network that kept the address hears of itself, not of who asked there before.
        assert_eq!(state(lab, "invite")["captive"], true);
        let whiteboard = state(lab, "tableau");
        assert_eq!((&whiteboard["captive"], whiteboard.get("seconds-remaining")), (&false.into(), None));
        lab.cut_line().unwrap();
        assert_eq!(state(lab, "eleve2")["captive"], false);
        assert_eq!(state(lab, "invite")["captive"], true);
        lab.restore_line().unwrap();
        sign_out(lab, "eleve2");
        let signed_out = state(lab, "eleve2");
        assert_eq!((&signed_out["captive"], signed_out.get("seconds-remaining")), (&true.into(), None));
    });
}

#[test]
fn probes_are_led_to_the_portal_then_left_alone_and_answered_while_the_line_is_down() {
    STAGE.play(|lab| {
        let portal = format!("302 https://{PORTAL}/");
        for (url, _, _) in PROBES {
            assert_eq!(status(lab, "invite", url, &[]), portal, "{url}");
        }
        let host = |url: &str| url.split('/').nth(2).unwrap().to_owned();
        for (url, _, _) in PROBES {
            assert_ne!(dig(lab, "eleve", &[&host(url)]), PEDAGOGIQUE[0], "{url}: the line is up");
        }
        lab.cut_line().unwrap();
        until(20, "the portal says that the line is down", || {
            page(lab, "eleve", &format!("https://{PORTAL}/"), &[]).contains("ne répond plus")
        });
        for (url, expected, text) in PROBES {
            let (seen, body) = probed(lab, "eleve", url);
            assert!(seen == expected && body.contains(text), "{url}: {seen} {body}");
            assert_eq!(dig(lab, "eleve", &[&host(url)]), PEDAGOGIQUE[0], "{url}");
        }
        assert_eq!(dig(lab, "eleve", &["dns.msftncsi.com"]), "131.107.255.255");
        assert_eq!(dig(lab, "eleve", &["dns.msftncsi.com", "AAAA"]), "fd3e:4f5a:5b81::1");
        // Names that serve for other things are not touched, and who has not signed in is still led to the portal.
        let google = lab.run("eleve", &["dig", "+short", "+time=6", "+tries=1", "www.google.com"]).unwrap();
        assert!(!google.stdout.contains(PEDAGOGIQUE[0]), "{google:?}");
        assert_eq!(status(lab, "invite", PROBES[0].0, &[]), portal);
        lab.restore_line().unwrap();
        until(20, "probes find their own servers again", || {
            dig(lab, "eleve", &[&host(PROBES[0].0)]) != PEDAGOGIQUE[0]
        });
        until(10, "the portal says nothing of the line", || {
            !page(lab, "eleve", &format!("https://{PORTAL}/"), &[]).contains("ne répond plus")
        });
    });
}
