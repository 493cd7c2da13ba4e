//! A pupil who gives their machine the teacher's hardware address, and machines that only change their place.

use preau_lab::{Lab, Running, plan::post};

use crate::asking::{ALERT, CLOSED, OPEN, Stage, box_status, get, page, run, sign_out, until};

static STAGE: Stage = Stage::new();

/// Gives the machine's card the hardware address of `owner`.
fn set_card(lab: &Lab, who: &str, owner: &str) {
    let mac = post(owner).expect("the plan has the machine").mac;
    lab.door().script(&format!("ip -n {who} link set eth0 address {mac}")).unwrap();
}

/// How many hardware addresses the box noticed behind two ports at once.
fn doubles(lab: &Lab) -> u64 {
    box_status(lab)["machines_doubled"].as_u64().unwrap()
}

/// The machine speaks to the box for a while, as any machine at work does; nobody need answer.
fn speak(lab: &Lab, who: &str, seconds: u32) -> Running {
    let deadline = seconds.to_string();
    let ping = ["ping", "-q", "-i", "0.2", "-w", &deadline, "10.10.0.1"];
    lab.spawn(who, &format!("speaks-{who}"), &ping).expect("ping must start")
}

fn is_closed(lab: &Lab, who: &str) -> bool {
    !get(lab, who, &format!("https://{CLOSED}/"), &["--insecure"]).succeeded()
}

#[test]
fn a_copied_hardware_address_is_noticed_and_ends_the_session_of_its_owner() {
    STAGE.play(|lab| {
        lab.sign_in_user("enseignant").unwrap();
        let before = doubles(lab);
        assert!(!is_closed(lab, "enseignant"), "the teacher reads what pupils may not");
        let teacher = speak(lab, "enseignant", 40);
        set_card(lab, "eleve2", "enseignant");
        let pupil = speak(lab, "eleve2", 40);
        until(15, "the copy is noticed", || doubles(lab) == before + 1);
        until(3, "the teacher's session ends", || box_status(lab)["sessions"] == 1);
        assert!(is_closed(lab, "eleve2"), "the pupil has the teacher's rights");
        let open = get(lab, "eleve2", &format!("https://{OPEN}/"), &["--insecure"]);
        assert!(!open.succeeded() && open.stderr.contains(ALERT), "the pupil is nobody: {open:?}");
        drop((teacher, pupil));
        set_card(lab, "eleve2", "eleve2");
        assert!(page(lab, "eleve", &format!("https://{OPEN}/"), &[]).contains("<title>"), "others go on");
        // Whoever comes back signs in again, and what is noticed no more ends no session.
        run(lab, "enseignant", &["ping", "-q", "-c", "3", "-i", "0.2", "10.10.0.1"]);
        lab.sign_in_user("enseignant").unwrap();
        assert!(!is_closed(lab, "enseignant"));
        sign_out(lab, "enseignant");
    });
}

#[test]
fn a_machine_plugged_into_another_port_and_back_keeps_its_session() {
    STAGE.play(|lab| {
        let before = doubles(lab);
        let keeps = |place: &str| {
            let speaks = speak(lab, place, 3);
            until(5, "the person is known at the other port", || {
                page(lab, place, &format!("https://{OPEN}/"), &[]).contains("<title>")
            });
            drop(speaks);
            assert_eq!(box_status(lab)["sessions"], 1, "at {place}");
        };
        for _ in 0..3 {
            // To the box, a machine is its card: unplugged here, it speaks from the port of another.
            lab.door().script("ip -n eleve link set eth0 down").unwrap();
            set_card(lab, "eleve2", "eleve");
            keeps("eleve2");
            set_card(lab, "eleve2", "eleve2");
            lab.door().script("ip -n eleve link set eth0 up").unwrap();
            run(lab, "eleve", &["ping", "-q", "-c", "2", "-i", "0.2", "10.10.0.1"]);
        }
        assert_eq!(doubles(lab), before);
    });
}

/// The machine asks the box for names for a while.
fn ask(lab: &Lab, who: &str) -> Running {
    let script = "for n in $(seq 60); do dig +time=1 +tries=1 $0; sleep 0.5; done";
    lab.spawn(who, &format!("asks-{who}"), &["sh", "-c", script, OPEN]).expect("the shell must start")
}

#[test]
fn a_hardware_address_copied_into_another_zone_is_noticed_and_ends_the_session() {
    STAGE.play(|lab| {
        lab.sign_in_user("bureau").unwrap();
        let before = doubles(lab);
        let office = ask(lab, "bureau");
        set_card(lab, "eleve2", "bureau");
        let pupil = ask(lab, "eleve2");
        until(30, "the copy is noticed", || doubles(lab) == before + 1);
        until(3, "the office's session ends", || box_status(lab)["sessions"] == 1);
        drop((office, pupil));
        set_card(lab, "eleve2", "eleve2");
        assert!(page(lab, "eleve", &format!("https://{OPEN}/"), &[]).contains("<title>"), "others go on");
    });
}

#[test]
fn a_whiteboards_hardware_address_copied_by_a_pupil_is_noticed() {
    STAGE.play(|lab| {
        let before = doubles(lab);
        let board = ask(lab, "tableau");
        set_card(lab, "eleve2", "tableau");
        let pupil = ask(lab, "eleve2");
        until(30, "the copy is noticed", || doubles(lab) == before + 1);
        drop((board, pupil));
        set_card(lab, "eleve2", "eleve2");
    });
}
