//! The portal's pages against other sites' pages, curious pupils and made-up names: each road of the portal, as its
//! sources write them, is tried by itself.

use std::{fs, path::Path};

use preau_lab::{
    Lab, Output,
    plan::{PASSWORD, PORTAL, SIGN_IN_FIELDS},
};

use crate::asking::{Stage, page, sign_out, signed_in, status};

static STAGE: Stage = Stage::new();

/// Other sites, as browsers tell of them in forms that their pages send.
const FOREIGN: [&str; 5] = [
    "Sec-Fetch-Site: cross-site",
    "Sec-Fetch-Site: same-site",
    "Origin: https://pirate.example",
    "Origin: http://portail.college.exemple",
    "Origin: null",
];

/// A road of the portal and whether it takes `GET`, `POST`.
#[derive(Debug)]
struct Road {
    path: String,
    gets: bool,
    posts: bool,
}

/// Every `.route("PATH", …)` and `road("PATH", …)` in the portal's sources, parts of paths that vary filled in with
/// `filling`.
fn roads(filling: &str) -> Vec<Road> {
    let mut roads = Vec::new();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/portal");
    let mut waiting = vec![dir];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(path).unwrap();
            let calls = source.split(".route(").skip(1).chain(source.split(" road(").skip(1));
            roads.extend(calls.filter_map(|call| road(call, filling)));
        }
    }
    for (path, posts) in
        [("/connexion", true), ("/referent/machines/nouvelle", true), ("/cas/validate", false)]
    {
        assert!(roads.iter().any(|road| road.path == path && road.posts == posts), "no {path} in {roads:?}");
    }
    roads
}

/// The road that a call opens; none where the path is not written there.
fn road(call: &str, filling: &str) -> Option<Road> {
    let mut parts = call.trim_start().strip_prefix('"')?.splitn(2, '"');
    let (path, rest) = (parts.next()?, parts.next()?);
    let mut open = 1;
    let closes = |one: char| {
        open += i32::from(one == '(') - i32::from(one == ')');
        open == 0
    };
    let methods = &rest[..rest.find(closes).unwrap_or(rest.len())];
    let path: Vec<_> =
        path.split('/').map(|part| if part.starts_with('{') { filling } else { part }).collect();
    Some(Road { path: path.join("/"), gets: methods.contains("get("), posts: methods.contains("post(") })
}

/// How a page that would frame the portal's asks for them. `GET /cas/logout`, asked for as a whole page, would end the
/// session of whoever walks the roads, as CAS wants it.
const FRAMED: [&str; 4] = ["--header", "Sec-Fetch-Dest: iframe", "--max-time", "3"];

/// Head and body of a road's answer.
fn answer(lab: &Lab, who: &str, path: &str, more: &[&str]) -> (String, String) {
    let shown = page(lab, who, &format!("https://{PORTAL}{path}"), &[&["--include"], more].concat());
    let (head, body) = shown.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[test]
fn no_road_that_changes_something_takes_a_form_of_another_site() {
    let lab = signed_in();
    lab.sign_in_user("poste").unwrap();
    for who in ["eleve", "enseignant", "poste"] {
        for road in roads("1").iter().filter(|road| road.posts) {
            for foreign in FOREIGN {
                let form = ["--header", foreign, "--data", "identifiant=a&mot_de_passe=b"];
                let (head, _) = answer(lab, who, &road.path, &form);
                assert!(
                    head.starts_with("HTTP/1.1 403") || head.starts_with("HTTP/2 403"),
                    "{road:?} {foreign}: {head}"
                );
            }
        }
        let (_, home) = answer(lab, who, "/", &[]);
        assert!(home.contains("/deconnexion"), "`{who}` was signed out");
    }
}

#[test]
fn every_page_is_framed_by_nobody_and_runs_nothing_that_is_not_a_file_of_the_portal() {
    let lab = signed_in();
    for road in roads("1").iter().filter(|road| road.gets) {
        let (head, body) = answer(lab, "eleve", &road.path, &FRAMED);
        let head = head.to_ascii_lowercase();
        let policy =
            head.lines().find(|line| line.starts_with("content-security-policy:")).unwrap_or_default();
        for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"]
        {
            assert!(policy.contains(part), "{road:?}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("script-src *"), "{road:?}: {policy}");
        for line in
            ["x-frame-options: deny", "x-content-type-options: nosniff", "referrer-policy: same-origin"]
        {
            assert!(head.contains(line), "{road:?}: no `{line}` in {head}");
        }
        assert!(head.contains("cache-control:"), "{road:?}: {head}");
        for inline in ["<script>", "<style", " style=\"", " onclick", " onload", "javascript:"] {
            assert!(!body.contains(inline), "{road:?}: {inline}");
        }
        for script in body.split("<script").skip(1) {
            assert!(script.trim_start().starts_with("src=\"/"), "{road:?}: a script that is no file of ours");
        }
    }
}

#[test]
fn a_name_that_was_made_to_lead_to_the_box_gets_no_page() {
    let lab = signed_in();
    for host in ["pirate.example", "portail.college.exemple.pirate.example", "10.10.0.1", "localhost"] {
        let header = format!("Host: {host}");
        let (head, body) = answer(lab, "eleve", "/", &["--header", &header]);
        assert!(head.contains(" 421"), "{host}: {head}");
        assert!(!body.contains("Alix"), "{host}");
    }
}

#[test]
fn no_address_leads_from_the_portal_to_a_site_of_somebody_elses_choice() {
    STAGE.play(|lab| {
        let [login, password] = SIGN_IN_FIELDS;
        let (login, password) = (format!("{login}=camille.exemple"), format!("{password}={PASSWORD}"));
        for wanted in [
            "https://pirate.example/",
            "//pirate.example/",
            "/\\pirate.example",
            "javascript:alert(1)",
            "http:pirate.example",
        ] {
            let suite = format!("suite={wanted}");
            let form =
                ["--data-urlencode", &login, "--data-urlencode", &password, "--data-urlencode", &suite];
            let to = status(lab, "eleve2", &format!("https://{PORTAL}/connexion"), &form);
            let place = to
                .strip_prefix(&format!("303 https://{PORTAL}/"))
                .unwrap_or_else(|| panic!("{wanted}: {to}"));
            assert!(!place.contains("pirate"), "{wanted}: {to}");
            let asked = ["--get", "--data-urlencode", &suite];
            assert!(
                !page(lab, "eleve2", &format!("https://{PORTAL}/"), &asked).contains("pirate"),
                "{wanted}"
            );
            sign_out(lab, "eleve2");
        }
        // A plain-HTTP page may be offered, as a link that says where it leads, and is never followed by itself.
        let form = [
            "--data-urlencode",
            &login,
            "--data-urlencode",
            &password,
            "--data",
            "suite=http://autre.example/",
        ];
        let to = status(lab, "eleve2", &format!("https://{PORTAL}/connexion"), &form);
        assert!(to.starts_with(&format!("303 https://{PORTAL}/")), "{to}");
        sign_out(lab, "eleve2");
    });
}

#[test]
fn a_session_is_never_taken_from_the_request_and_its_cookie_stays_with_the_portal() {
    STAGE.play(|lab| {
        let chosen = format!("__Host-preau={}", "A".repeat(43));
        let [login, password] = SIGN_IN_FIELDS;
        let (login, password) = (format!("{login}=camille.exemple"), format!("{password}={PASSWORD}"));
        let form = ["--cookie", &chosen, "--data-urlencode", &login, "--data-urlencode", &password];
        let (head, _) = answer(lab, "eleve2", "/connexion", &form);
        let head_lower = head.to_ascii_lowercase();
        let cookies: Vec<_> =
            head.lines().filter(|line| line.to_ascii_lowercase().starts_with("set-cookie:")).collect();
        let session =
            cookies.iter().find(|line| line.contains("__Host-preau=")).unwrap_or_else(|| panic!("{head}"));
        assert!(!session.contains(&"A".repeat(43)), "{session}");
        for cookie in &cookies {
            for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
                assert!(cookie.contains(part), "{cookie}");
            }
            assert!(!cookie.contains("Domain="), "{cookie}");
        }
        assert!(head_lower.contains("cache-control: no-store"), "{head}");
        // The chosen value opens nothing on another machine.
        let (_, home) = answer(lab, "invite", "/", &["--cookie", &chosen]);
        assert!(!home.contains("Camille"), "{home}");
        sign_out(lab, "eleve2");
    });
}

#[test]
fn no_page_shows_a_pupil_anybody_else() {
    let lab = signed_in();
    for filling in ["6A", "6B", "camille.exemple", "e-0002", "1"] {
        for road in roads(filling).iter().filter(|road| road.gets) {
            let url = format!("https://{PORTAL}{}", road.path);
            let Output { stdout, .. } =
                lab.run("eleve", &[&["curl", "--silent"], &FRAMED[..], &[&url]].concat()).unwrap();
            for other in ["Camille", "camille", "Dominique", "Robin", "Sacha", "Charlie"] {
                let shown = stdout.replace(filling, "");
                assert!(!shown.contains(other), "{road:?} shows {other}");
            }
        }
    }
}
