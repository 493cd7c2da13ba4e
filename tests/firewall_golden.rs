//! The packet filter's text, held to the files in `tests/golden/firewall/`: a change of the rules is a change one reads.
//!
//! After an intended change: `PREAU_GOLDEN=write cargo test --test firewall_golden`, then read the difference.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fs, path::Path, sync::Arc};

use preau::{
    enforce::firewall::{Settings, Tunnel, ruleset},
    model::{DefaultVerdict, Quic, Service, SignIn, Speech, TunnelAccess, Zone, ZoneKind},
};

#[test]
fn one_zone_without_services_gets_the_web_and_nothing_else() {
    check("one-zone", vec![zone(ZoneKind::Invites, "inv0", 30, &[])]);
}

#[test]
fn each_zone_opens_its_own_services_and_no_other_zone() {
    let services = [service("tcp/5222", &[], None), service("udp/4000-4002", &[], None)];
    check(
        "two-zones",
        vec![
            zone(ZoneKind::Pedagogique, "ped0", 10, &services),
            zone(ZoneKind::Equipements, "equ0", 40, &[]),
        ],
    );
}

#[test]
fn what_is_spoken_is_checked_and_sites_of_their_own_have_a_mark_of_their_own() {
    check("spoken", vec![zone(ZoneKind::Pedagogique, "ped0", 10, &every_speech())]);
}

#[test]
fn a_zone_that_filters_quic_hands_it_over_and_the_others_refuse_it() {
    let filtering = zone(ZoneKind::Invites, "inv0", 30, &[]);
    let filtering = Arc::new(Zone { quic: Quic::Filter, ..Zone::clone(&filtering) });
    check("quic", vec![filtering, zone(ZoneKind::Equipements, "equ0", 40, &[])]);
}

#[test]
fn an_office_reaches_the_academie_through_the_tunnel_and_nobody_else_by_any_way() {
    let office = zone(ZoneKind::Administration, "adm0", 20, &[]);
    let office = Arc::new(Zone { tunnel: TunnelAccess::Academie, ..Zone::clone(&office) });
    let zones = vec![office, zone(ZoneKind::Pedagogique, "ped0", 10, &[])];
    check_settings("tunnel", &Settings { tunnel: Some(tunnel()), ..settings(zones) });
}

fn tunnel() -> Tunnel {
    Tunnel {
        interface: Arc::from("academie0"),
        mark: 0x2,
        own4: vec!["10.128.0.2".parse().unwrap()],
        own6: vec!["fd00:80::2".parse().unwrap()],
        mtu: 1280,
        networks4: vec!["10.200.0.0/16".parse().unwrap(), "192.0.2.0/28".parse().unwrap()],
        networks6: vec!["fd00:200::/48".parse().unwrap()],
    }
}

#[test]
fn every_rule_is_named_once_in_its_chain() {
    let settings = settings(vec![
        zone(ZoneKind::Pedagogique, "ped0", 10, &every_speech()),
        zone(ZoneKind::Administration, "adm0", 20, &[]),
    ]);
    let text = ruleset(&Settings { tunnel: Some(tunnel()), ..settings }).to_string();
    let mut seen = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("chain") {
            seen.clear();
        } else if !line.is_empty() && !["}", "table", "type", "set"].contains(&first_word(line)) {
            let (_, comment) = line.split_once(" comment \"").unwrap_or_else(|| panic!("no name: {line}"));
            assert!(!seen.contains(&comment), "two rules named {comment}");
            assert!(comment.len() <= 128, "nft refuses a comment this long: {comment}");
            seen.push(comment);
        }
    }
}

fn first_word(line: &str) -> &str {
    line.split(' ').next().unwrap_or(line)
}

fn check(name: &str, zones: Vec<Arc<Zone>>) {
    check_settings(name, &settings(zones));
}

fn check_settings(name: &str, settings: &Settings) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/firewall").join(format!("{name}.nft"));
    let text = ruleset(settings).to_string();
    if std::env::var_os("PREAU_GOLDEN").is_some_and(|word| word == "write") {
        fs::write(&path, &text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    let line = (1..).zip(text.lines().zip(golden.lines())).find(|(_, (ours, theirs))| ours != theirs);
    assert!(text == golden, "{} differs, first at {line:?}", path.display());
}

fn settings(zones: Vec<Arc<Zone>>) -> Settings {
    Settings {
        line_interface: Arc::from("wan0"),
        zones,
        proxy_port_base: 8440,
        redirected_dns_port: 8053,
        tunnel: None,
    }
}

/// A service for each way of speaking, and one for what is not checked.
fn every_speech() -> Vec<Service> {
    vec![
        service("tcp/993", &[], Some(Speech::Tls)),
        service("tcp/22", &["forge.exemple.fr"], Some(Speech::Ssh)),
        service("tcp/587", &["courrier.exemple.fr"], Some(Speech::Smtp)),
        service("tcp/143", &["courrier.exemple.fr"], Some(Speech::Imap)),
        service("tcp/110", &[], Some(Speech::Pop)),
        service("udp/3478-3481", &[], Some(Speech::Stun)),
        service("tcp/5222", &[], None),
    ]
}

fn service(ports: &str, sites: &[&str], speaks: Option<Speech>) -> Service {
    let mut service = Service::of_ports(ports.parse().unwrap());
    service.ports[0].speaks = speaks;
    service.sites = sites.iter().map(|site| site.parse().unwrap()).collect();
    service
}

fn zone(kind: ZoneKind, interface: &str, number: u8, services: &[Service]) -> Arc<Zone> {
    Arc::new(Zone {
        name: kind.word().parse().unwrap(),
        kind,
        interface: Arc::from(interface),
        ipv4: format!("10.{number}.0.1/22").parse().unwrap(),
        ipv6: format!("fd00:{number}::1/64").parse().unwrap(),
        sign_in: SignIn::Required,
        default: DefaultVerdict::Block,
        quic: Quic::Reject,
        tunnel: preau::model::TunnelAccess::None,
        services: services.to_vec(),
    })
}
