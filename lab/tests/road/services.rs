//! What a zone opens beside the web goes only to addresses that the resolver gave that client.

use preau_lab::{internet::names::addresses, plan::ECHO_SERVERS};

use crate::asking::{Stage, dig, echoes, on_the_box, page, sign_out, until};

static STAGE: Stage = Stage::new();

/// A mail server's name that no other story asks for, one for each client.
const MAIL: &str = "courrier.exemple.fr";

#[test]
fn a_service_opens_only_for_who_asked_and_only_at_the_answer() {
    STAGE.play(|lab| {
        lab.sign_in_user("eleve2").unwrap();
        let (v4, v6) = addresses(MAIL);
        let beside =
            [addresses("autre.exemple.fr").0.to_string(), addresses("autre.exemple.fr").1.to_string()];
        for (kind, address, other) in
            [("A", v4.to_string(), &beside[0]), ("AAAA", v6.to_string(), &beside[1])]
        {
            assert!(!echoes(lab, "eleve", "tcp", &address, 993), "{address} is open before the question");
            dig(lab, "eleve", &[MAIL, kind]);
            until(3, "the mail service opens", || echoes(lab, "eleve", "tcp", &address, 993));
            assert!(!echoes(lab, "eleve", "tcp", other, 993), "{other} was never given out");
            assert!(!echoes(lab, "eleve2", "tcp", &address, 993), "{address} is open to another client");
            assert!(!echoes(lab, "eleve", "tcp", &address, 7), "a port that the zone does not open");
        }
    });
}

#[test]
fn the_time_service_opens_after_its_name_was_asked_in_both_families() {
    STAGE.play(|lab| {
        for (kind, address) in [("A", ECHO_SERVERS[0]), ("AAAA", ECHO_SERVERS[1])] {
            // A machine that asks over one family may use the answers of both: only the first begins closed.
            if kind == "A" {
                assert!(!echoes(lab, "eleve", "udp", address, 123), "{address} is open before the question");
            }
            dig(lab, "eleve", &["ntp.exemple.net", kind]);
            until(3, "the time service opens", || echoes(lab, "eleve", "udp", address, 123));
            assert!(!echoes(lab, "eleve", "udp", address, 7), "a port that the zone does not open");
        }
    });
}

#[test]
fn a_service_closes_with_the_heartbeat_and_with_the_session() {
    STAGE.play(|lab| {
        let address = addresses("messagerie.exemple.fr").0.to_string();
        let open = || echoes(lab, "eleve", "tcp", &address, 993);
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
