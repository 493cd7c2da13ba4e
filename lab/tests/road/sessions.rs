//! A session goes with its person: from port to port, zone to zone and address to address, and ends everywhere at once.

use preau_lab::{
    Lab,
    plan::{PORTAL, post},
};

use crate::asking::{OPEN, Stage, box_status, get, page, run, sign_out, status, until};

static STAGE: Stage = Stage::new();

/// curl with the cookies of the machine's browser.
const JAR: [&str; 4] = ["--cookie", "cookies", "--cookie-jar", "cookies"];

/// The portal's first page as the machine's browser sees it.
#[track_caller]
fn portal(lab: &Lab, who: &str) -> String {
    page(lab, who, &format!("https://{PORTAL}/"), &JAR)
}

/// Sends a form of the portal with nothing filled in; what the portal answers.
#[track_caller]
fn send(lab: &Lab, who: &str, road: &str) -> String {
    status(lab, who, &format!("https://{PORTAL}{road}"), &[&["--data", ""], &JAR[..]].concat())
}

/// Gives the machine's card the hardware address `mac`, and makes it speak until the box knows it by that.
fn set_card(lab: &Lab, who: &str, mac: &str) {
    lab.door().script(&format!("ip -n {who} link set eth0 address {mac}")).unwrap();
    until(10, "the box knows the machine by its address", || {
        let ping = lab.run(who, &["ping", "-q", "-c", "1", "-W", "1", PORTAL]).unwrap();
        ping.succeeded() && portal(lab, who).contains("<h1")
    });
}

fn is_open(lab: &Lab, who: &str) -> bool {
    get(lab, who, &format!("https://{OPEN}/"), &[]).succeeded()
}

#[test]
fn a_browser_takes_its_session_along_when_its_machine_has_another_hardware_address() {
    STAGE.play(|lab| {
        let own = post("eleve").expect("the plan has the machine").mac;
        lab.sign_in_user("eleve").unwrap();
        lab.kill_box().unwrap();
        lab.restart_box().unwrap();
        until(10, "the pupil is signed in after the restart", || is_open(lab, "eleve"));
        set_card(lab, "eleve", "02:00:5e:77:00:01");
        assert!(!is_open(lab, "eleve"), "a machine that nobody knows is nobody");
        assert!(portal(lab, "eleve").contains("Reprendre ma session"), "the browser is offered its session");
        assert!(send(lab, "eleve", "/reprendre").starts_with("303 "));
        until(10, "the web is open again", || is_open(lab, "eleve"));
        assert_eq!(box_status(lab)["sessions"], 1, "the session of before has ended");
        set_card(lab, "eleve", own);
        assert!(!is_open(lab, "eleve"), "the machine's first address is nobody's any more");
        assert!(send(lab, "eleve", "/reprendre").starts_with("303 "));
        until(10, "the web is open", || is_open(lab, "eleve"));
    });
}

#[test]
fn a_session_goes_with_its_machine_from_one_zones_port_to_anothers_and_back() {
    STAGE.play(|lab| {
        let [pupil, office] = ["eleve", "bureau"].map(|who| post(who).expect("the plan has the machine").mac);
        lab.sign_in_user("eleve").unwrap();
        let name = named(&portal(lab, "eleve"));
        // To the box, a machine is its card: unplugged here, it speaks from the port of another zone.
        lab.door().script("ip -n eleve link set eth0 down").unwrap();
        set_card(lab, "bureau", pupil);
        assert_eq!(named(&portal(lab, "bureau")), name, "the pupil is known in the other zone");
        assert_eq!(box_status(lab)["sessions"], 1);
        set_card(lab, "bureau", office);
        assert!(portal(lab, "bureau").contains("name=\"mot_de_passe\""), "the office is nobody again");
        lab.door().script("ip -n eleve link set eth0 up").unwrap();
        until(15, "the pupil is known where they began", || is_open(lab, "eleve"));
    });
}

/// What the home page calls its reader.
fn named(html: &str) -> String {
    let title = html.split("<h1").nth(1).and_then(|rest| rest.split("</h1>").next());
    title.expect("a page has a title").split('>').next_back().expect("a title has a text").trim().to_owned()
}

#[test]
fn a_further_ipv6_address_of_the_machine_is_the_same_person() {
    STAGE.play(|lab| {
        lab.sign_in_user("eleve").unwrap();
        let fresh = "fd00:10::5e55:10";
        lab.door().script(&format!("ip -n eleve addr add {fresh}/64 dev eth0 nodad")).unwrap();
        run(lab, "eleve", &["ping", "-6", "-q", "-c", "2", "-i", "0.2", "-I", fresh, PORTAL]);
        until(10, "the new address is known", || {
            get(lab, "eleve", &format!("https://{OPEN}/"), &["-6", "--interface", fresh]).succeeded()
        });
        lab.door().script(&format!("ip -n eleve addr del {fresh}/64 dev eth0")).unwrap();
        assert_eq!(box_status(lab)["sessions"], 1);
    });
}

#[test]
fn signing_out_everywhere_closes_every_machine_of_the_person() {
    STAGE.play(|lab| {
        let login = post("eleve").and_then(|post| post.login).expect("the machine has a user");
        for who in ["eleve", "eleve2"] {
            lab.sign_in(who, login, preau_lab::plan::PASSWORD).unwrap();
            assert!(is_open(lab, who), "{who}");
        }
        assert_eq!(
            send(lab, "eleve2", "/deconnexion/partout"),
            format!("303 https://{PORTAL}/?parti=partout")
        );
        for who in ["eleve", "eleve2"] {
            assert!(!is_open(lab, who), "{who}");
        }
        assert_eq!(box_status(lab)["sessions"], 0);
        lab.sign_in_user("eleve").unwrap();
    });
}

#[test]
fn a_shared_machine_goes_to_the_next_pupil_in_one_click() {
    STAGE.play(|lab| {
        lab.sign_in_user("eleve").unwrap();
        assert_eq!(
            send(lab, "eleve", "/deconnexion/suivant"),
            format!("303 https://{PORTAL}/?parti=suivant")
        );
        let form = page(lab, "eleve", &format!("https://{PORTAL}/?parti=suivant"), &JAR);
        assert!(form.contains("autofocus") && !form.contains("Reprendre ma session"), "{form}");
        assert!(!is_open(lab, "eleve"));
        let next = post("eleve2").and_then(|post| post.login).expect("the machine has a user");
        lab.sign_in("eleve", next, preau_lab::plan::PASSWORD).unwrap();
        assert!(is_open(lab, "eleve"));
        sign_out(lab, "eleve");
        lab.sign_in_user("eleve").unwrap();
    });
}
