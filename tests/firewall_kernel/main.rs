//! The packet filter in a real kernel, in network namespaces. Needs root or user namespaces, and fails without them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod academie;
mod between;
mod closed;
mod namespace;
mod school;
mod services;

use std::{
    collections::BTreeSet,
    fs,
    io::{ErrorKind, Read as _},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use namespace::with_rights;
use preau::{
    enforce::firewall::{Heartbeat, Opened, route_to_proxy, ruleset, undo_route_to_proxy},
    model::{ClockTrust, DefaultVerdict, Moment, SignIn, Site, Subject, Zone},
    policy::{Permit, Policy, Question, Verdict},
    system::{
        netlink::{Element, SetWriter},
        sockets::listen_transparent,
    },
};
use school::{
    ANY_SITE, REDIRECTED_DNS_PORT, School, TCP_SERVICE, UDP_SERVICE, families, key, settings, talk_tcp,
    talk_udp,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

#[test]
fn a_flow_needs_a_beat_an_opened_pair_and_an_open_service() {
    with_rights("a_flow_needs_a_beat_an_opened_pair_and_an_open_service", || {
        let school = School::new();
        for family in families() {
            let udp = |to, port| talk_udp(&school.pupil.udp(family.pupil, SocketAddr::new(to, port)));
            let tcp = |port| school.pupil.connect(SocketAddr::new(family.server, port));

            school.open_pair(&family, family.pupil, family.server);
            assert!(udp(family.server, UDP_SERVICE).is_err(), "no beat");
            assert_eq!(tcp(TCP_SERVICE).unwrap_err(), ErrorKind::ConnectionRefused, "no beat");

            school.beat();
            assert_eq!(udp(family.server, UDP_SERVICE), Ok(()));
            assert_eq!(tcp(TCP_SERVICE).and_then(|mut stream| talk_tcp(&mut stream)), Ok(()));
            assert!(udp(family.server, 124).is_err(), "no service of the zone");
            assert_eq!(tcp(994).unwrap_err(), ErrorKind::ConnectionRefused, "no service of the zone");
            assert!(udp(family.other_server, UDP_SERVICE).is_err(), "not opened");
            let office = school.office.udp(family.office, SocketAddr::new(family.server, UDP_SERVICE));
            assert!(talk_udp(&office).is_err(), "not the office's");

            school.gateway.run_async(async || Heartbeat::open().unwrap().end().await.unwrap());
            assert!(udp(family.server, UDP_SERVICE).is_err(), "the beat has ended");
        }
    });
}

#[test]
fn a_beat_that_runs_out_keeps_flows_and_lets_none_begin() {
    with_rights("a_beat_that_runs_out_keeps_flows_and_lets_none_begin", || {
        let school = School::new();
        let running: Vec<_> = families()
            .map(|family| {
                school.open_pair(&family, family.pupil, family.server);
                school.beat();
                let to = SocketAddr::new(family.server, TCP_SERVICE);
                (school.pupil.connect(to).unwrap(), to)
            })
            .into_iter()
            .collect();
        thread::sleep(Duration::from_millis(3200));
        for (mut stream, to) in running {
            assert_eq!(talk_tcp(&mut stream), Ok(()));
            assert_eq!(school.pupil.connect(to).unwrap_err(), ErrorKind::ConnectionRefused);
        }
    });
}

#[test]
fn a_cut_pair_ends_its_flows_in_both_directions() {
    with_rights("a_cut_pair_ends_its_flows_in_both_directions", || {
        let school = School::new();
        for family in families() {
            school.open_pair(&family, family.pupil, family.server);
            school.beat();
            let udp = school.pupil.udp(family.pupil, SocketAddr::new(family.server, UDP_SERVICE));
            let mut tcp = school.pupil.connect(SocketAddr::new(family.server, TCP_SERVICE)).unwrap();
            assert_eq!((talk_tcp(&mut tcp), talk_udp(&udp)), (Ok(()), Ok(())));

            school.cut_pair(&family, family.pupil, family.server);
            let answers = school.counted("from_line_to_zone", "unasked");
            assert!(talk_tcp(&mut tcp).is_err() && talk_udp(&udp).is_err());
            assert_eq!(school.counted("from_line_to_zone", "unasked"), answers, "nothing left the school");

            school.open_pair(&family, family.pupil, family.server);
            assert_eq!(talk_udp(&udp), Ok(()), "opened again, the same socket goes on");
        }
    });
}

#[test]
fn answers_of_a_cut_pair_do_not_come_in() {
    with_rights("answers_of_a_cut_pair_do_not_come_in", || {
        let school = School::new();
        for family in families() {
            let at = SocketAddr::new(family.other_server, TCP_SERVICE);
            let listener = school.internet.run(|| std::net::TcpListener::bind(at).unwrap());
            school.open_pair(&family, family.pupil, family.other_server);
            school.beat();
            let mut pupil = school.pupil.connect(at).unwrap();
            let mut server = listener.accept().unwrap().0;
            school.cut_pair(&family, family.pupil, family.other_server);
            std::io::Write::write_all(&mut server, b"more").unwrap();
            assert!(pupil.read(&mut [0; 4]).is_err());
            assert!(school.counted("from_line_to_zone", "unasked") > 0);
        }
    });
}

#[test]
fn zones_are_closed_to_each_other() {
    with_rights("zones_are_closed_to_each_other", || {
        let school = School::new();
        school.beat();
        for family in families() {
            for port in [80, TCP_SERVICE, 4000] {
                school.office.echo_tcp(SocketAddr::new(family.office, port));
                // Even where the resolver was made to give out an inner address.
                school.open_pair(&family, family.pupil, family.office);
                let refused = school.pupil.connect(SocketAddr::new(family.office, port)).unwrap_err();
                assert_ne!(refused, ErrorKind::TimedOut, "refused aloud");
            }
            for address in [family.box_at_pupils, family.box_at_office] {
                school.gateway.echo_tcp(SocketAddr::new(address, 80));
                school.gateway.echo_tcp(SocketAddr::new(address, 8440));
            }
            let reach = |address, port| school.pupil.connect(SocketAddr::new(address, port));
            assert!(reach(family.box_at_pupils, 80).is_ok(), "the portal");
            assert_eq!(reach(family.box_at_pupils, 8440).unwrap_err(), ErrorKind::ConnectionRefused);
            assert_eq!(reach(family.box_at_office, 80).unwrap_err(), ErrorKind::ConnectionRefused);
        }
    });
}

#[test]
fn the_line_gets_no_answer_unasked() {
    with_rights("the_line_gets_no_answer_unasked", || {
        let school = School::new();
        for family in families() {
            for (address, port) in
                [(family.box_at_line, 80), (family.box_at_pupils, 80), (family.pupil, 4000)]
            {
                let machine = if address == family.pupil { &school.pupil } else { &school.gateway };
                machine.echo_tcp(SocketAddr::new(address, port));
                let outcome = school.internet.connect(SocketAddr::new(address, port));
                assert_eq!(outcome.unwrap_err(), ErrorKind::TimedOut, "dropped, not refused");
            }
        }
    });
}

#[test]
fn a_false_source_is_dropped() {
    with_rights("a_false_source_is_dropped", || {
        let school = School::new();
        school.beat();
        for (family, word) in families().into_iter().zip(["IPv4", "IPv6"]) {
            // The pupil takes the office's address, or one of nobody; the line takes the pupil's.
            let length = if family.pupil.is_ipv4() { 32 } else { 128 };
            let nobody = if family.pupil.is_ipv4() { "192.0.2.7" } else { "2001:db8:9::7" };
            for (false_source, machine) in [
                (family.office, &school.pupil),
                (nobody.parse().unwrap(), &school.pupil),
                (family.pupil, &school.internet),
            ] {
                machine.command(&format!("ip address add {false_source}/{length} dev lo"));
                school.open_pair(&family, false_source, family.server);
                let to = if false_source == family.pupil { family.box_at_line } else { family.server };
                let udp = machine.udp(false_source, SocketAddr::new(to, UDP_SERVICE));
                assert_eq!(talk_udp(&udp), Err(ErrorKind::WouldBlock));
            }
            assert_eq!(
                school.counted("check_source", &format!("pedagogique: spoofed {word} source")),
                2,
                "{word}"
            );
            assert_eq!(school.counted("check_source", &format!("line: spoofed {word} source")), 1, "{word}");
        }
    });
}

#[test]
fn private_dns_and_quic_are_refused_at_once() {
    with_rights("private_dns_and_quic_are_refused_at_once", || {
        let school = School::new();
        school.beat();
        for family in families() {
            school.open_pair(&family, family.pupil, family.server);
            for port in [443, 853] {
                let udp = school.pupil.udp(family.pupil, SocketAddr::new(family.server, port));
                assert_eq!(talk_udp(&udp), Err(ErrorKind::ConnectionRefused), "udp {port}");
            }
            let refused = school.pupil.connect(SocketAddr::new(family.server, 853)).unwrap_err();
            assert_eq!(refused, ErrorKind::ConnectionRefused);
        }
    });
}

#[test]
fn every_dns_question_is_answered_by_the_box() {
    with_rights("every_dns_question_is_answered_by_the_box", || {
        let school = School::new();
        for family in families() {
            let ask = |to| talk_udp(&school.pupil.udp(family.pupil, SocketAddr::new(to, 53)));
            assert!(ask(family.server).is_err(), "a resolver outside, while the box has none");
            school.gateway.echo_udp(SocketAddr::new(family.box_at_pupils, 53));
            school.gateway.echo_udp(SocketAddr::new(family.box_at_pupils, REDIRECTED_DNS_PORT));
            school.gateway.echo_tcp(SocketAddr::new(family.box_at_pupils, 53));
            for resolver in [family.server, family.other_server, family.box_at_pupils, family.box_at_office] {
                assert_eq!(ask(resolver), Ok(()), "{resolver}");
                let stream = school.pupil.connect(SocketAddr::new(resolver, 53));
                assert_eq!(stream.and_then(|mut stream| talk_tcp(&mut stream)), Ok(()), "{resolver}");
            }
        }
    });
}

#[test]
fn questions_to_the_box_are_not_tracked_and_those_turned_to_it_are() {
    with_rights("questions_to_the_box_are_not_tracked_and_those_turned_to_it_are", || {
        let school = School::new();
        let tracked = || -> u32 {
            let count = "/proc/sys/net/netfilter/nf_conntrack_count";
            school.gateway.run(|| fs::read_to_string(count).unwrap().trim().parse().unwrap())
        };
        for family in families() {
            let ask = |to, port| talk_udp(&school.pupil.udp(family.pupil, SocketAddr::new(to, port)));
            for port in [53, REDIRECTED_DNS_PORT] {
                school.gateway.echo_udp(SocketAddr::new(family.box_at_pupils, port));
            }
            let before = tracked();
            for _ in 0..20 {
                assert_eq!(ask(family.box_at_pupils, 53), Ok(()));
            }
            assert_eq!(tracked(), before);
            assert_eq!(ask(family.server, 53), Ok(()));
            assert_eq!(tracked(), before + 1);
            let directly = ask(family.box_at_pupils, REDIRECTED_DNS_PORT);
            assert!(directly.is_err(), "that port is for what was turned there");
        }
    });
}

#[test]
fn the_web_ends_at_the_proxy_or_nowhere() {
    with_rights("the_web_ends_at_the_proxy_or_nowhere", || {
        let school = School::new();
        school.beat();
        for family in families() {
            school.open_pair(&family, family.pupil, family.server);
            let web = |port| school.pupil.connect(SocketAddr::new(family.server, port));
            assert_eq!(web(443).unwrap_err(), ErrorKind::TimedOut, "no proxy, no route to it");
            school.gateway.run_async(async || {
                route_to_proxy().await.unwrap();
                route_to_proxy().await.expect("a second time changes nothing");
            });
            assert_eq!(web(443).unwrap_err(), ErrorKind::TimedOut, "no proxy");
            for port in [80, 443] {
                let asked = SocketAddr::new(family.server, port);
                let anywhere: IpAddr = if family.pupil.is_ipv4() {
                    Ipv4Addr::UNSPECIFIED.into()
                } else {
                    std::net::Ipv6Addr::UNSPECIFIED.into()
                };
                let (local, from) = school.gateway.run_async(async || {
                    let listener = listen_transparent(SocketAddr::new(anywhere, 8440)).unwrap();
                    let (connected, accepted) =
                        tokio::join!(async { web(port).map(drop) }, listener.accept());
                    connected.unwrap();
                    let (stream, from) = accepted.unwrap();
                    (stream.local_addr().unwrap(), from.ip())
                });
                assert_eq!((local, from), (asked, family.pupil), "the proxy sees both ends");
            }
        }
        assert!(
            school.gateway.command("ip -d rule list").contains("from all fwmark 0x1 lookup 100 proto kernel")
        );
        school.gateway.run_async(async || {
            undo_route_to_proxy().await.unwrap();
            undo_route_to_proxy().await.expect("a second time changes nothing");
        });
        for version in ["-4", "-6"] {
            assert!(!school.gateway.command(&format!("ip {version} rule list")).contains("fwmark"));
        }
    });
}

#[test]
fn a_thousand_pairs_go_in_and_out_over_netlink() {
    with_rights("a_thousand_pairs_go_in_and_out_over_netlink", || {
        let school = School::new();
        let count = |set: &str| {
            // The type of a set has two dots, too.
            school.gateway.command(&format!("nft list set inet preau {set}")).matches(" . ").count() / 2 - 1
        };
        for family in families() {
            let keys: BTreeSet<Vec<u8>> = (0..1000_u16)
                .map(|number| {
                    let mut key = key(family.pupil, family.server, ANY_SITE);
                    // Of the destination.
                    let at = key.len() - 6;
                    key[at..at + 2].copy_from_slice(&number.to_be_bytes());
                    key
                })
                .collect();
            let element = |seconds| {
                move |key: &Vec<u8>| Element { key: key.clone(), timeout: Duration::from_secs(seconds) }
            };
            school.gateway.run(|| {
                let mut kernel = SetWriter::open("preau").unwrap();
                kernel.put(family.opened, &keys.iter().map(element(1)).collect::<Vec<_>>()).unwrap();
                kernel.put(family.opened, &keys.iter().map(element(60)).collect::<Vec<_>>()).unwrap();
            });
            assert_eq!(count(family.opened), 1000);
            thread::sleep(Duration::from_millis(1200));
            assert_eq!(count(family.opened), 1000, "put again, the time counts anew");
            school.gateway.run(|| {
                let mut kernel = SetWriter::open("preau").unwrap();
                let keys: Vec<Vec<u8>> = keys.iter().cloned().collect();
                kernel.remove(family.opened, &keys[1..]).unwrap();
                kernel.remove(family.opened, &keys).expect("what is missing is no error");
                assert!(kernel.remove("nowhere", &keys).is_err());
                assert!(kernel.put("nowhere", &[element(1)(&vec![0; 12])]).is_err());
            });
            assert_eq!(count(family.opened), 0);
        }
    });
}

#[test]
fn a_reload_keeps_flows_and_loses_no_packet() {
    with_rights("a_reload_keeps_flows_and_loses_no_packet", || {
        let school = School::new();
        let [family, _] = families();
        school.open_pair(&family, family.pupil, family.server);
        school.beat();
        let udp = school.pupil.udp(family.pupil, SocketAddr::new(family.server, UDP_SERVICE));
        assert_eq!(talk_udp(&udp), Ok(()));
        let mut fewer = settings();
        fewer.zones.pop();
        thread::scope(|scope| {
            let reloads = scope.spawn(|| {
                school.gateway.run_async(async || {
                    for _ in 0..10 {
                        ruleset(&fewer).apply().await.unwrap();
                        ruleset(&settings()).apply().await.unwrap();
                    }
                    ruleset(&fewer).apply().await.unwrap();
                });
            });
            let mut packets = 0;
            while !reloads.is_finished() || packets == 0 {
                assert_eq!(talk_udp(&udp), Ok(()), "after {packets} packets");
                packets += 1;
            }
        });
        let table = school.gateway.command("nft list table inet preau");
        assert!(table.contains("10.10.0.2 . 203.0.113.10") && !table.contains("from_administration"));

        school.gateway.run_async(async || ruleset(&settings()).load_closed().await.unwrap());
        assert!(!school.gateway.command("nft list table inet preau").contains("10.10.0.2 . 203.0.113.10"));
        assert!(talk_udp(&udp).is_err(), "a new run of the daemon vouches for nothing of the last");
    });
}

#[test]
fn an_answer_of_the_resolver_is_open_in_both_families_until_it_is_not_allowed() {
    with_rights("an_answer_of_the_resolver_is_open_in_both_families_until_it_is_not_allowed", || {
        let school = School::new();
        let [v4, v6] = families();
        let (allowed, stop) = (AtomicBool::new(true), CancellationToken::new());
        let (epoch, epochs) = watch::channel(0);
        let (opened, opener) = school.gateway.run(|| Opened::new().unwrap());
        let zone = Arc::clone(&settings().zones[0]);
        let open = || opened.open(v4.pupil, &zone, &permit(&zone), &[v4.server, v6.server], Duration::ZERO);
        let flows = || {
            [&v4, &v6].map(|family| {
                school.beat();
                talk_udp(&school.pupil.udp(family.pupil, SocketAddr::new(family.server, UDP_SERVICE)))
            })
        };
        thread::scope(|scope| {
            let serving = scope.spawn(|| {
                let still = |_: IpAddr, _: &Zone, _: &Permit| allowed.load(Ordering::SeqCst);
                let also_at = |_: &Zone, _: IpAddr| vec![v6.pupil];
                school.gateway.run_async(async || opener.serve(epochs, still, also_at, stop.clone()).await)
            });
            let _stopping = stop.clone().drop_guard();
            assert!(flows().iter().all(Result::is_err), "nothing was asked");
            open();
            thread::sleep(Duration::from_millis(100));
            assert_eq!(flows(), [Ok(()), Ok(())]);
            let running = school.pupil.udp(v6.pupil, SocketAddr::new(v6.server, UDP_SERVICE));
            assert_eq!(talk_udp(&running), Ok(()));

            epoch.send_replace(1);
            thread::sleep(Duration::from_millis(100));
            assert_eq!(talk_udp(&running), Ok(()), "still allowed");

            allowed.store(false, Ordering::SeqCst);
            epoch.send_replace(2);
            thread::sleep(Duration::from_millis(100));
            assert!(
                talk_udp(&running).is_err() && flows().iter().all(Result::is_err),
                "not allowed any more"
            );
            open();
            thread::sleep(Duration::from_millis(100));
            assert!(flows().iter().all(Result::is_err), "a permit from before the change opens nothing");

            stop.cancel();
            serving.join().unwrap().unwrap();
        });
    });
}

/// A permit of a judge without rules.
fn permit(zone: &Zone) -> Permit {
    let zone = Zone { sign_in: SignIn::NotAsked, default: DefaultVerdict::Allow, ..zone.clone() };
    let question = Question {
        subject: &Subject::Nobody,
        machine: None,
        zone: &zone,
        site: &Site::Name("imap.example".parse().unwrap()),
        path: None,
        at: Moment::from_unix_seconds(0),
        clock: ClockTrust::Trusted,
    };
    match Policy::new(Vec::new(), None).unwrap().judge(&question) {
        Verdict::Allow(permit) => permit,
        Verdict::Refuse(refusal) => panic!("{refusal:?}"),
    }
}
