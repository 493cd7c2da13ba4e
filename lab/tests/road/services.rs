//! What a zone opens beside the web goes only to addresses that the resolver gave that client, and speaks what belongs
//! there.

use preau_lab::{
    Lab,
    internet::names::addresses,
    plan::{ECHO_SERVERS, NAMELESS_SERVERS},
};

use crate::asking::{
    ALERT, CLOSED, Stage, dig, echoes, exchange, get, on_the_box, page, resolve, run, sign_out, until,
};

static STAGE: Stage = Stage::new();

/// A server's name that no other story asks for.
const MESSAGES: &str = "courrier.exemple.fr";

/// Ports of the zone's services: anything over TCP and UDP, mail over TLS, media, and ssh to one machine.
const ANYTHING: u16 = 5222;
const MAIL: u16 = 993;
const MEDIA: u16 = 3478;
const SSH: u16 = 2222;

/// A binding request of STUN, as `printf %b` writes it.
const BINDING: &str = "\\x00\\x01\\x00\\x00\\x21\\x12\\xa4\\x42douze octets";

/// The first packet of WireGuard over UDP, and OpenVPN's over UDP and TCP.
const WIREGUARD: &str = "\\x01\\x00\\x00\\x00";
const OPENVPN_UDP: &str = "\\x38douze--\\x00\\x00\\x00\\x00\\x00\\x00";
const OPENVPN_TCP: &str = "\\x00\\x0e\\x38douze--\\x00\\x00\\x00\\x00\\x00\\x00";

/// Sends a packet of `bytes` (as bash's `printf %b` writes them), filled up with spaces to `length`, and says in
/// hexadecimal what comes back within a second.
fn packet(lab: &Lab, who: &str, address: &str, port: u16, bytes: &str, length: usize) -> String {
    let script = "exec 3<>/dev/udp/$0/$1 || exit 0; tail=$(printf '%*s' $3 '')
        { printf %b \"$2\"; printf %s \"$tail\"; } | dd bs=4096 iflag=fullblock >&3 2>/dev/null
        timeout 1 dd bs=4096 count=1 <&3 2>/dev/null | od -An -v -tx1 | tr -d ' \\n'";
    let written = bytes.matches("\\x").count() * 3;
    let fill = length.saturating_sub(bytes.len() - written).to_string();
    let arguments = ["bash", "-c", script, address, &port.to_string(), bytes, &fill];
    lab.run(who, &arguments).expect("bash must run").stdout
}

/// Whether all of a packet came back.
fn comes_back(lab: &Lab, who: &str, address: &str, port: u16, bytes: &str, length: usize) -> bool {
    packet(lab, who, address, port, bytes, length).len() >= 2 * length.max(8)
}

#[test]
fn a_service_opens_only_for_who_asked_and_only_at_the_answer() {
    STAGE.play(|lab| {
        lab.sign_in_user("eleve2").unwrap();
        let (v4, v6) = addresses(MESSAGES);
        let beside =
            [addresses("autre.exemple.fr").0.to_string(), addresses("autre.exemple.fr").1.to_string()];
        for (kind, address, other) in
            [("A", v4.to_string(), &beside[0]), ("AAAA", v6.to_string(), &beside[1])]
        {
            let open = |who, address: &str| echoes(lab, who, "tcp", address, ANYTHING);
            assert!(!open("eleve", &address), "{address} is open before the question");
            dig(lab, "eleve", &[MESSAGES, kind]);
            until(3, "the service opens", || open("eleve", &address));
            assert!(!open("eleve", other), "{other} was never given out");
            assert!(!open("eleve2", &address), "{address} is open to another client");
            assert!(!echoes(lab, "eleve", "tcp", &address, 7), "a port that the zone does not open");
        }
    });
}

#[test]
fn a_udp_service_opens_after_its_name_was_asked_in_both_families() {
    STAGE.play(|lab| {
        lab.sign_in_user("eleve2").unwrap();
        for (kind, address) in [("A", ECHO_SERVERS[0]), ("AAAA", ECHO_SERVERS[1])] {
            let open = |who| echoes(lab, who, "udp", address, ANYTHING);
            dig(lab, "eleve", &["echo.exemple.net", kind]);
            until(3, "the service opens", || open("eleve"));
            assert!(!open("eleve2"), "{address} is open to another client");
            assert!(!echoes(lab, "eleve", "udp", address, 7), "a port that the zone does not open");
        }
    });
}

#[test]
fn an_address_at_the_end_of_a_chain_opens_for_whom_all_of_it_is_allowed() {
    STAGE.play(|lab| {
        lab.sign_in_user("enseignant").unwrap();
        let address = addresses(CLOSED).0.to_string();
        for who in ["eleve", "enseignant"] {
            dig(lab, who, &["chaine.exemple.fr", "A"]);
        }
        until(3, "the service opens", || echoes(lab, "enseignant", "tcp", &address, ANYTHING));
        assert!(
            !echoes(lab, "eleve", "tcp", &address, ANYTHING),
            "the chain ends at a site closed to pupils"
        );
    });
}

#[test]
fn an_address_is_open_for_as_long_as_its_answer_and_a_grace() {
    STAGE.play(|lab| {
        for (name, most) in [("court.exemple.fr", 301), ("durable.exemple.fr", 330)] {
            let address = addresses(name).0.to_string();
            dig(lab, "eleve", &[name, "A"]);
            until(3, "the service opens", || echoes(lab, "eleve", "tcp", &address, ANYTHING));
            let set = on_the_box(lab, "nft --json list set inet preau opened4");
            let set: serde_json::Value = serde_json::from_str(&set).unwrap();
            let set =
                set["nftables"].as_array().unwrap().iter().find_map(|object| object.get("set")).unwrap();
            let elements = set["elem"].as_array().unwrap();
            let element = elements
                .iter()
                .find(|element| element.to_string().contains(&format!("\"{address}\"")))
                .unwrap();
            let timeout = element["elem"]["timeout"].as_u64().unwrap();
            assert!((most - 31..=most).contains(&timeout), "{name}: {timeout} s");
        }
    });
}

#[test]
fn the_box_tells_the_time_whomever_a_machine_asks() {
    STAGE.play(|lab| {
        // A client's question, version 4, with a timestamp of its own.
        let question = format!("\\x23{}{}", "\\x00".repeat(39), "\\x51\\x52\\x53\\x54\\x55\\x56\\x57\\x58");
        let own = ["10.10.0.1", "fd00:10::1"];
        for address in ECHO_SERVERS.iter().chain(&NAMELESS_SERVERS).chain(&own) {
            let answer = packet(lab, "eleve", address, 123, &question, 0);
            assert_eq!(answer.len(), 2 * 48, "{address}: {answer}");
            let first = u8::from_str_radix(&answer[..2], 16).unwrap();
            assert_eq!(first & 0x3f, 0x24, "{address}: version 4, a server");
            assert_eq!(&answer[48..64], "5152535455565758", "{address}");
        }
        for control in ["\\x16\\x01", "\\x17\\x00\\x03\\x2a", "\\x1f\\x00"] {
            assert_eq!(packet(lab, "eleve", ECHO_SERVERS[0], 123, control, 100), "", "{control}");
        }
        assert!(!echoes(lab, "eleve", "udp", ECHO_SERVERS[0], 123), "bytes of anybody's own");
    });
}

#[test]
fn a_real_client_of_ntp_reads_the_boxs_answer() {
    STAGE.play(|lab| {
        if !lab.run("eleve", &["sh", "-c", "command -v ntpdig"]).unwrap().succeeded() {
            assert!(std::env::var_os("CI").is_none(), "CI must have ntpsec-ntpdig");
            return println!("not run: no ntpdig here");
        }
        for server in [NAMELESS_SERVERS[0], NAMELESS_SERVERS[1], "ntp.exemple.net"] {
            let told = lab.run("eleve", &["timeout", "8", "ntpdig", "-d", "-t", "3", server]).unwrap();
            let said = format!("{}{}", told.stdout, told.stderr);
            // A machine of the lab whose kernel is held to no clock says so, and ntpdig believes it.
            assert!(said.contains("+/-") || said.contains("no eligible servers"), "{server}: {said}");
        }
    });
}

#[test]
fn a_port_with_tls_is_judged_by_the_name_in_the_hello() {
    STAGE.play(|lab| {
        for family in ["-4", "-6"] {
            let mail = format!("https://boite.exemple.fr:{MAIL}/");
            assert!(page(lab, "eleve", &mail, &[family]).contains("<title>"), "an allowed name");
            // Whatever address the client takes it for, the box connects to its own answer (D2).
            let elsewhere = resolve("boite.exemple.fr", MAIL, NAMELESS_SERVERS[0]);
            assert!(page(lab, "eleve", &mail, &["--resolve", &elsewhere]).contains("<title>"));
            let place = resolve(CLOSED, MAIL, &addresses("boite.exemple.fr").0.to_string());
            let closed = format!("https://{CLOSED}:{MAIL}/");
            let seen = get(lab, "eleve", &closed, &["--insecure", "--resolve", &place]);
            assert!(seen.stderr.contains(ALERT), "a name that is closed to pupils: {seen:?}");
        }
    });
}

#[test]
fn a_port_with_tls_carries_neither_ssh_nor_openvpn_nor_a_word() {
    STAGE.play(|lab| {
        let (v4, v6) = addresses("boite.exemple.fr");
        dig(lab, "eleve", &["boite.exemple.fr", "A"]);
        for address in [v4.to_string(), v6.to_string()] {
            for bytes in ["SSH-2.0-OpenSSH_9.2\\r\\n", OPENVPN_TCP, "\\x05\\x01\\x00", "bonjour\\n"] {
                assert_eq!(exchange(lab, "eleve", &address, MAIL, bytes), "", "{bytes} at {address}");
            }
        }
    });
}

#[test]
fn a_media_port_carries_what_begins_with_stun_and_no_tunnel() {
    STAGE.play(|lab| {
        for (kind, address) in [("A", ECHO_SERVERS[0]), ("AAAA", ECHO_SERVERS[1])] {
            dig(lab, "eleve", &["echo.exemple.net", kind]);
            until(3, "stun passes", || comes_back(lab, "eleve", address, MEDIA, BINDING, 20));
            for (bytes, length) in [(WIREGUARD, 148), (OPENVPN_UDP, 14), ("bonjour", 7), ("\\x80\\x60", 60)] {
                assert!(!comes_back(lab, "eleve", address, MEDIA, bytes, length), "{bytes} at {address}");
            }
        }
    });
}

#[test]
fn tunnels_are_refused_where_anything_else_passes() {
    STAGE.play(|lab| {
        dig(lab, "eleve", &["echo.exemple.net", "A"]);
        let address = ECHO_SERVERS[0];
        until(3, "anything passes", || comes_back(lab, "eleve", address, ANYTHING, "quelque chose", 148));
        for (bytes, length) in [(WIREGUARD, 148), (OPENVPN_UDP, 14)] {
            assert!(!comes_back(lab, "eleve", address, ANYTHING, bytes, length), "{bytes}");
        }
        for bytes in [OPENVPN_TCP, "SSH-2.0-OpenSSH_9.2\\r\\n"] {
            assert_eq!(exchange(lab, "eleve", address, ANYTHING, bytes), "", "{bytes}");
        }
    });
}

#[test]
fn a_service_of_one_site_is_open_there_and_nowhere_else_and_speaks_what_it_should() {
    STAGE.play(|lab| {
        let at = |name: &str| addresses(name).0.to_string();
        for name in ["forge.exemple.fr", "pas-la-forge.exemple.fr"] {
            dig(lab, "eleve", &[name, "A"]);
            until(3, "other services open", || echoes(lab, "eleve", "tcp", &at(name), ANYTHING));
        }
        let begin = |name: &str, bytes| exchange(lab, "eleve", &at(name), SSH, bytes);
        let version = "SSH-2.0-OpenSSH_9.2\\r\\n";
        assert_eq!(begin("forge.exemple.fr", version), "SSH-2.0-OpenSSH_9.2\r\n");
        assert_eq!(begin("forge.exemple.fr", "bonjour\\n"), "", "no ssh");
        assert_eq!(begin("pas-la-forge.exemple.fr", version), "", "not its site");
    });
}

#[test]
fn a_ping_tunnel_reaches_nobody_though_its_name_was_asked() {
    STAGE.play(|lab| {
        dig(lab, "eleve", &["echo.exemple.net", "A"]);
        for address in ECHO_SERVERS {
            let ping =
                lab.run("eleve", &["ping", "-c", "20", "-i", "0.01", "-s", "1024", "-W", "1", address]);
            assert!(!ping.unwrap().succeeded(), "{address} answers");
        }
        let gateway = run(lab, "eleve", &["ping", "-c", "3", "-i", "0.2", "-W", "1", "10.10.0.1"]);
        assert!(gateway.contains(" 0% packet loss"), "{gateway}");
    });
}

#[test]
fn a_service_closes_with_the_heartbeat_and_with_the_session() {
    STAGE.play(|lab| {
        let address = addresses("messagerie.exemple.fr").0.to_string();
        let open = || echoes(lab, "eleve", "tcp", &address, ANYTHING);
        dig(lab, "eleve", &["messagerie.exemple.fr", "A"]);
        until(3, "the service opens", open);
        let pid = lab.box_pid().expect("the box runs");
        // A box that is stuck, not dead: nothing new may begin once its heart has missed three beats.
        lab.door().script(&format!("kill -STOP {pid}")).unwrap();
        let alive = || on_the_box(lab, "nft list set inet preau alive").contains("elements");
        until(6, "the dead man's switch closes", || !alive());
        let stuck = open();
        lab.door().script(&format!("kill -CONT {pid}")).unwrap();
        assert!(!stuck, "a service opens without a heartbeat");
        until(5, "the service opens again", open);
        sign_out(lab, "eleve");
        until(4, "the service closes with the session", || !open());
        lab.sign_in_user("eleve").unwrap();
        assert!(page(lab, "eleve", "https://un.exemple.fr/", &[]).contains("<title>"));
    });
}
