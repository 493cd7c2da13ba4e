//! Who reaches what, and who does not.

use preau_central::authority::By;

use crate::stage::{APPLICATION, Academie, Talk, play, run, succeeds, until};

#[test]
fn schools_reach_the_academie_from_their_own_address_and_never_each_other() {
    play(
        "schools::schools_reach_the_academie_from_their_own_address_and_never_each_other",
        || {},
        async || {
            let academie = Academie::new().await;
            let one = academie.school("one", "0809999Z", 2).await;
            let two = academie.school("two", "0800001A", 3).await;
            one.until_it_reaches_the_application().await;
            two.until_it_reaches_the_application().await;
            // Each has shaken hands, so what fails now is forbidden.
            assert!(!one.reaches("10.128.0.3") && !two.reaches("10.128.0.2"), "never from school to school");
            assert!(one.reaches("10.128.0.1"), "the concentrator says that it is there");
            let knocks = |address: &str| {
                succeeds(&format!(
                    "ip netns exec one python3 -c \"import socket; socket.create_connection(('{address}', 443), 1)\""
                ))
            };
            assert!(!knocks("10.128.0.1") && !knocks("172.16.0.1"), "and has no other service for schools");
            assert!(knocks("198.51.100.1"), "which it has for the line");
            // The other's address does not come in under one's own key.
            run("ip -n one address add 10.128.0.3/32 dev wg-one");
            assert!(!succeeds(&format!("ip netns exec one ping -c 1 -W 1 -I 10.128.0.3 {APPLICATION}")));
            assert!(one.reaches(APPLICATION));
            run("ip -n inside route replace 10.0.0.0/8 via 172.16.0.1");
            assert!(
                succeeds("ip netns exec inside ping -c 1 -W 2 10.128.0.2"),
                "the académie reaches the box"
            );
        },
    );
}

#[test]
fn a_school_that_is_enrolled_or_revoked_is_so_within_seconds_and_others_notice_nothing() {
    let name = "schools::a_school_that_is_enrolled_or_revoked_is_so_within_seconds_and_others_notice_nothing";
    play(
        name,
        || {},
        async || {
            let academie = Academie::new().await;
            let one = academie.school("one", "0809999Z", 2).await;
            one.until_it_reaches_the_application().await;
            let talk = Talk::begin(&one, academie.dir.path());
            let two = academie.school("two", "0800001A", 3).await;
            two.until_it_reaches_the_application().await;
            let mut write = academie.house.database.write().await.unwrap();
            academie.house.authority.revoke(&mut write, By::Central, &two.uai).await.unwrap();
            write.commit().await.unwrap();
            until("the revoked school reaches nothing", async || !two.reaches(APPLICATION)).await;
            let (longest, count) = talk.end();
            eprintln!("{count} answers, the longest wait {longest:?}");
            assert!(one.reaches(APPLICATION));
        },
    );
}

#[test]
fn files_for_another_server_hold_the_same_schools() {
    play(
        "schools::files_for_another_server_hold_the_same_schools",
        || {},
        async || {
            let academie = Academie::new().await;
            let one = academie.school("one", "0809999Z", 2).await;
            one.until_it_reaches_the_application().await;
            let out = academie.dir.path().join("out");
            let out = out.to_str().unwrap();
            let write = |format: &str| {
                academie.command(&[
                    "tunnel",
                    "write",
                    "--format",
                    format,
                    "--concentrator",
                    "amiens",
                    "--out",
                    out,
                ])
            };
            assert!(write("wg-quick").contains("make it first"));
            run(&format!("mkdir {out}"));
            let wrong = academie.command(&[
                "tunnel",
                "write",
                "--format",
                "wg-quick",
                "--concentrator",
                "creil",
                "--out",
                out,
            ]);
            assert!(wrong.contains("no concentrator is called `creil`; there are: amiens"), "{wrong}");
            assert!(write("wg-quick").contains("preau0.conf: written"));
            assert!(write("wg-quick").contains("preau0.conf: unchanged"));
            // Its own reader takes it, and it is what the running one has.
            let peers = run(&format!(
                "wg-quick strip {out}/preau0.conf | grep -v -e '^ListenPort' -e '^#' | grep . | sort"
            ));
            let held = run(
                "wg showconf preau0 | grep -v -e '^ListenPort' -e '^PrivateKey' -e '^Endpoint' | grep . | sort",
            );
            assert_eq!(peers, held);
            two_written(&academie, &write).await;
            let networkd = write("networkd");
            assert!(
                networkd.contains("preau0.netdev: written") && networkd.contains("preau0.network: written")
            );
        },
    );
}

async fn two_written(academie: &Academie, write: &impl Fn(&str) -> String) {
    let two = academie.school("two", "0800001A", 3).await;
    two.until_it_reaches_the_application().await;
    let said = write("wg-quick");
    assert!(said.contains("+ 0800001A") && !said.contains("0809999Z"), "{said}");
}
