//! Search modes: 6A gets safe search and YouTube at its moderate level, 6B at its strict one, teachers what there is.

use preau_lab::{
    Browser, Output,
    internet::names,
    plan::{OTHER_RESOLVERS, PEDAGOGIQUE},
};

use crate::asking::{CLOSED, dig, get, page, places, resolve, run, signed_in, status};

const SAFE_GOOGLE: &str = "forcesafesearch.google.com";
const MODERATE: &str = "restrictmoderate.youtube.com";
const STRICT: &str = "restrict.youtube.com";
const YOUTUBE: [&str; 5] = [
    "www.youtube.com",
    "m.youtube.com",
    "youtubei.googleapis.com",
    "youtube.googleapis.com",
    "www.youtube-nocookie.com",
];

/// Which server answered an echo: the address behind `to`.
fn reached(echo: &str) -> String {
    let first = echo.lines().next().unwrap_or_default();
    let (_, behind) = first.split_once(" to ").unwrap_or_default();
    behind.split(' ').next().unwrap_or_default().to_owned()
}

/// The server of `name` on this port, in either family.
fn servers(name: &str, port: u16) -> [String; 2] {
    let (v4, v6) = names::addresses(name);
    [format!("{v4}:{port}"), format!("[{v6}]:{port}")]
}

#[test]
fn pupil_and_teacher_get_their_own_answers_for_an_engine_also_from_the_cache() {
    let (true_v4, true_v6) = names::addresses("www.google.fr");
    let (safe_v4, safe_v6) = names::addresses(SAFE_GOOGLE);
    for (kind, real, safe) in
        [("A", true_v4.to_string(), safe_v4.to_string()), ("AAAA", true_v6.to_string(), safe_v6.to_string())]
    {
        for transport in ["+notcp", "+tcp"] {
            for _ in 0..2 {
                assert_eq!(dig(signed_in(), "enseignant", &[transport, "www.google.fr", kind]), real);
                let alias = format!("{SAFE_GOOGLE}.\n{safe}");
                assert_eq!(dig(signed_in(), "eleve", &[transport, "www.google.fr", kind]), alias);
                let server = format!("@{}", OTHER_RESOLVERS[0]);
                assert_eq!(dig(signed_in(), "eleve", &[transport, &server, "www.google.fr", kind]), alias);
            }
        }
    }
}

#[test]
fn an_engines_alias_is_kept_a_minute_at_most_and_says_that_it_is_one() {
    let answer = run(signed_in(), "eleve", &["dig", "WWW.Google.FR", "A"]);
    assert!(answer.contains("EDE: 4") && answer.contains("recherche prot"), "{answer}");
    let records: Vec<&str> = answer.lines().filter(|line| line.contains("\tIN\t")).collect();
    assert_eq!(records.iter().filter(|line| !line.starts_with(';')).count(), 2, "{answer}");
    for record in records.iter().filter(|line| !line.starts_with(';')) {
        let ttl: u32 = record.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!(ttl <= 60, "{record}");
    }
}

#[test]
fn an_engine_says_its_addresses_to_a_pupil_by_no_other_record() {
    for name in ["www.google.fr", "www.youtube.com"] {
        assert_ne!(dig(signed_in(), "enseignant", &[name, "HTTPS"]), "", "the Internet has such a record");
        // To a question for every type the box answers nobody with more than that (RFC 8482).
        for (kind, answer) in [("HTTPS", ""), ("SVCB", ""), ("ANY", "\"RFC8482\" \"\"")] {
            assert_eq!(dig(signed_in(), "eleve", &[name, kind]), answer, "{name} {kind}");
        }
    }
    assert_eq!(dig(signed_in(), "eleve", &["www.google.fr", "CNAME"]), format!("{SAFE_GOOGLE}."));
    assert_eq!(dig(signed_in(), "eleve", &["www.google.fr", "TXT"]), "\"Labo!\"");
}

#[test]
fn every_host_of_youtube_is_served_at_the_level_of_the_one_who_asks() {
    for name in YOUTUBE {
        for (who, server) in [("eleve", MODERATE), ("eleve2", STRICT), ("enseignant", name)] {
            for (family, kind, place) in [("-4", "A", 0), ("-6", "AAAA", 1)] {
                let echo = page(signed_in(), who, &format!("https://{name}/echo"), &[family]);
                assert!(servers(server, 443).contains(&reached(&echo)), "{who} {name} {family}: {echo}");
                assert!(echo.contains(&format!("server name {name}")), "{echo}");
                let (v4, v6) = names::addresses(server);
                let address = [v4.to_string(), v6.to_string()][place].clone();
                assert_eq!(dig(signed_in(), who, &[name, kind]).lines().last(), Some(address.as_str()));
            }
        }
    }
}

#[test]
fn a_hard_coded_address_of_an_engine_leads_to_its_safe_form() {
    for (name, server) in [("www.youtube.com", STRICT), ("www.google.com", SAFE_GOOGLE)] {
        for (scheme, port) in [("https", 443), ("http", 80)] {
            for place in places(name) {
                let way = resolve(name, port, &place);
                let echo =
                    page(signed_in(), "eleve2", &format!("{scheme}://{name}/echo"), &["--resolve", &way]);
                assert!(servers(server, port).contains(&reached(&echo)), "{way}: {echo}");
                let echo =
                    page(signed_in(), "enseignant", &format!("{scheme}://{name}/echo"), &["--resolve", &way]);
                assert!(servers(name, port).contains(&reached(&echo)), "{way}: {echo}");
            }
        }
    }
}

#[test]
fn a_safe_form_that_leads_to_a_closed_site_opens_nothing() {
    for (kind, own) in [("A", PEDAGOGIQUE[0]), ("AAAA", PEDAGOGIQUE[1])] {
        for transport in ["+notcp", "+tcp", "+notcp"] {
            assert_eq!(dig(signed_in(), "eleve", &[transport, "pixabay.com", kind]), own);
        }
    }
    for place in places(CLOSED) {
        let way = resolve("pixabay.com", 443, &place);
        assert!(!get(signed_in(), "eleve", "https://pixabay.com/", &["--resolve", &way]).succeeded());
    }
    let echo = page(signed_in(), "enseignant", "https://pixabay.com/echo", &[]);
    assert!(servers("pixabay.com", 443).contains(&reached(&echo)), "{echo}");
}

#[test]
fn an_engine_without_a_safe_form_is_refused_to_a_pupil_with_the_reason() {
    let url = "http://fr.search.yahoo.com/";
    assert!(status(signed_in(), "eleve", url, &[]).starts_with("403"));
    let shown = page(signed_in(), "eleve", url, &[]);
    assert!(shown.contains("Ce moteur de recherche") && shown.contains("recherche"), "{shown}");
    assert!(!get(signed_in(), "eleve", "https://fr.search.yahoo.com/", &[]).succeeded());
    assert!(get(signed_in(), "enseignant", "https://fr.search.yahoo.com/", &[]).succeeded());
}

#[test]
fn the_technician_is_told_under_which_name_and_why() {
    let explain = |site| {
        let told = signed_in().preau(&["explain", "--role", "eleve", "--class", "6B", site]);
        told.and_then(Output::checked).unwrap()
    };
    let told = explain("www.youtube.com");
    assert!(told.contains("served as restrict.youtube.com by search rule `youtube-6B`"), "{told}");
    let told = explain("www.google.com");
    assert!(
        told.contains("served as forcesafesearch.google.com by search rule `recherche` (locked, academie")
    );
}

#[test]
fn a_browser_is_taken_to_the_safe_form_without_noticing() {
    if !signed_in().has_browser().unwrap() {
        eprintln!("no Chromium here: not tried");
        return;
    }
    let browser = Browser::open(signed_in(), "eleve2", (800, 600)).unwrap();
    browser.go("https://www.youtube.com/echo").unwrap();
    let shown = browser.text().unwrap();
    assert!(servers(STRICT, 443).contains(&reached(&shown)), "{shown}");
}
