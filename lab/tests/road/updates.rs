//! Updates of systems, which the box keeps: over the line once, judged like anything else.

use preau_lab::{
    Lab,
    plan::{INTERNET, UPDATES_NAME},
};

use crate::{
    asking::{run, status, until},
    cache::play,
};

/// The update is 5 MB; a machine asks for it in pieces of 1 MB, all at once, with a ticket of its own.
const BY_PIECES: &str = "cd $(mktemp -d) && for i in 0 1 2 3 4; do curl --silent --show-error --fail --max-time 60 \
     --range $((i * 1000000))-$((i * 1000000 + 999999)) --output $i \"http://$0/maj.cab?P1=$1\" & done; wait; cat 0 1 2 3 4 | sha256sum";

/// As a machine does that is switched off in the middle and on again.
const IN_TWO: &str = "cd $(mktemp -d) && curl --silent \"http://$0/maj.cab?P1=$1\" | head --bytes 2000000 > f; \
     test $(stat --format %s f) -eq 2000000 && \
     curl --silent --show-error --fail --max-time 60 --continue-at - --output f \"http://$0/maj.cab?P1=$1\" && sha256sum < f";

/// A rule of the school that closes updates to pupils.
const CLOSING: &str = "
[[rule]]
id = \"mises-a-jour\"
effect = \"block\"
sites = [\"maj.exemple.net\"]
roles = [\"eleve\"]
reason = \"Les mises à jour attendent ce soir.\"
";

/// What the origin itself says of `path`.
fn at_the_origin(lab: &Lab, path: &str) -> String {
    let resolve = format!("{UPDATES_NAME}:80:203.0.113.250");
    let url = format!("http://{UPDATES_NAME}{path}");
    run(lab, INTERNET, &["curl", "--silent", "--resolve", &resolve, &url])
}

/// How often the origin was asked for the update so far.
fn asked(lab: &Lab) -> u64 {
    let counts = at_the_origin(lab, "/comptes");
    let line = counts.lines().find_map(|line| line.strip_suffix(" GET /maj.cab"));
    line.map_or(0, |count| count.parse().unwrap())
}

/// The digest of the update as the origin has it.
fn digest(lab: &Lab) -> String {
    let resolve = format!("{UPDATES_NAME}:80:203.0.113.250");
    let script = format!("curl --silent --resolve {resolve} http://{UPDATES_NAME}/maj.cab | sha256sum");
    run(lab, INTERNET, &["bash", "-c", &script])
}

#[test]
fn an_update_that_two_machines_fetch_by_pieces_comes_over_the_line_once() {
    play(|lab| {
        let (whole, before) = (digest(lab), asked(lab));
        let first = run(lab, "eleve", &["bash", "-c", BY_PIECES, UPDATES_NAME, "a"]);
        let second = run(lab, "eleve2", &["bash", "-c", BY_PIECES, UPDATES_NAME, "b"]);
        assert_eq!((first, second), (whole.clone(), whole.clone()));
        assert!(asked(lab) - before <= 5, "each piece once, and none a second time");
        let resumed = run(lab, "enseignant", &["bash", "-c", IN_TWO, UPDATES_NAME, "c"]);
        assert_eq!(resumed, whole);
        assert!(asked(lab) - before <= 5, "what is kept goes on from here");
    });
}

#[test]
fn an_update_that_is_kept_stays_closed_to_whom_its_site_is_closed() {
    play(|lab| {
        let url = format!("http://{UPDATES_NAME}/maj.cab");
        let head = ["--range", "0-99"];
        assert_eq!(status(lab, "eleve", &url, &head), "206 ");
        let usual = lab.read_box_file("etablissement.toml").unwrap();
        lab.write_box_file("etablissement.toml", &format!("{usual}{CLOSING}")).unwrap();
        until(10, "the pupil is refused", || status(lab, "eleve", &url, &head).starts_with("403"));
        assert_eq!(status(lab, "enseignant", &url, &head), "206 ");
        lab.write_box_file("etablissement.toml", &usual).unwrap();
        until(10, "the pupil is let in again", || status(lab, "eleve", &url, &head).starts_with("206"));
    });
}
