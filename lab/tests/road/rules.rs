//! The rules of HTTP/1.1 and HTTP/2 on every listener of the box: RFC 9112, RFC 9113 and RFC 7541, played by programs that
//! write bytes and frames themselves (`rules/http1.py`, `rules/http2.py`).

use std::time::Duration;

use preau_lab::{
    Lab,
    plan::{LESSONS_NAME, PORTAL},
};

use crate::asking::{Stage, signed_in};

/// How long all rules together may take on a busy machine.
const WAIT_MAX: Duration = Duration::from_mins(10);

static STAGE: Stage = Stage::new();

/// Plays a program's rules from a pupil's machine; each that is broken is one line of what it says.
#[track_caller]
fn check(lab: &Lab, program: &str, arguments: &[&str], rules_min: u32) {
    let path = format!("{}/tests/road/rules/{program}", env!("CARGO_MANIFEST_DIR"));
    // Without `-B`, what Python compiles would lie among the sources.
    let arguments = [&["python3", "-B", &path], arguments].concat();
    let output = lab.run_for("eleve", &arguments, WAIT_MAX).expect("Python must run");
    let played = output.stdout.lines().last().and_then(|line| line.split(' ').next()?.parse::<u32>().ok());
    assert!(output.succeeded() && played >= Some(rules_min), "{}{}", output.stdout, output.stderr);
}

#[test]
fn the_sites_that_the_box_fronts_keep_the_rules_of_http() {
    STAGE.play(|lab| {
        if !lab.fronts_lessons() {
            lab.tell_box_of_lessons().expect("the box must start with the lessons");
            lab.sign_in_user("eleve").expect("the pupil must be able to sign in");
        }
        check(lab, "http2.py", &[LESSONS_NAME, "443", LESSONS_NAME, "/lecon/1"], 145);
        check(lab, "http1.py", &[LESSONS_NAME, "443", LESSONS_NAME, "/lecon/1", "tls"], 130);
    });
}

#[test]
fn the_portal_keeps_the_rules_of_http() {
    check(signed_in(), "http1.py", &[PORTAL, "443", PORTAL, "/", "tls"], 130);
}

#[test]
fn the_port_that_catches_plain_http_keeps_the_rules_of_http() {
    check(signed_in(), "http1.py", &[PORTAL, "80", PORTAL, "/", "plain"], 130);
}
