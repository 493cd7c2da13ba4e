//! A page closed by its URL: in plain HTTP, that page only; over HTTPS, nothing, for only the name is seen.

use std::fs;

use preau_lab::Lab;

use crate::asking::{CLOSED, REASON, Stage, dig, get, page, signed_in, until};

static STAGE: Stage = Stage::new();

const SITE: &str = "pages.exemple.fr";

const RULE: &str = "\n[[rule]]\nid = \"recreation\"\neffect = \"block\"\nroles = [\"eleve\"]\n\
                    sites = [\"pages.exemple.fr/lent\", \"pages.exemple.fr/jeux\"]\nreason = \"Pas maintenant.\"\n";

/// The answer's status line.
fn answer(lab: &Lab, url: &str, more: &[&str]) -> String {
    let shown = page(lab, "eleve", url, &[&["--include", "--path-as-is"], more].concat());
    shown.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_closed_page_is_cut_and_refused_in_every_spelling_and_the_rest_of_its_site_is_not() {
    STAGE.play(|lab| {
        let usual = lab.read_box_file("etablissement.toml").unwrap();
        let slow = |name: &str, url: &str| {
            let arguments = ["curl", "--silent", "--no-buffer", "--insecure", "--output", name, url];
            let slow = lab.spawn("eleve", name, &arguments).expect("curl must start");
            let file = lab.door().file_path("eleve").join(name);
            until(8, "the first byte", || fs::metadata(&file).is_ok_and(|file| file.len() > 0));
            slow
        };
        let mut plain = slow("page-http", &format!("http://{SITE}/lent/60"));
        let mut secure = slow("page-https", &format!("https://{SITE}/lent/60"));

        lab.write_box_file("etablissement.toml", &format!("{usual}{RULE}")).unwrap();
        until(4, "the download of the closed page is cut", || !plain.is_running());
        assert!(secure.is_running(), "only the name is seen over HTTPS, and it is open");

        for path in
            ["/jeux", "/jeux/echecs?n=1", "/%6Aeux", "/%256aeux", "//jeux", "/./jeux", "/JEUX", "/jeux;a=1"]
        {
            let seen = answer(lab, &format!("http://{SITE}{path}"), &[]);
            assert!(seen.starts_with("HTTP/1.1 403"), "{path}: {seen}");
        }
        for path in ["/a/../jeux", "/a/%2e%2e/jeux", "/jeux/..%2fcours"] {
            let seen = answer(lab, &format!("http://{SITE}{path}"), &[]);
            assert!(seen.starts_with("HTTP/1.1 400"), "{path}: {seen}");
        }
        for path in ["/", "/jeuxvideo", "/cours/jeux", "/cours?/jeux"] {
            let seen = answer(lab, &format!("http://{SITE}{path}"), &[]);
            assert!(seen.starts_with("HTTP/1.1 200"), "{path}: {seen}");
        }
        assert!(get(lab, "eleve", &format!("https://{SITE}/jeux"), &[]).succeeded());
        assert_ne!(dig(lab, "eleve", &[SITE, "A"]), "", "the name stays open");

        // One connection for an open page, then for a closed one.
        let both = page(
            lab,
            "eleve",
            &format!("http://{SITE}/cours"),
            &["--include", &format!("http://{SITE}/jeux")],
        );
        assert!(both.contains("HTTP/1.1 200") && both.contains("HTTP/1.1 403"), "{both}");

        let shown = page(lab, "eleve", &format!("http://{SITE}/jeux/dames"), &[]);
        for fact in ["Pas maintenant.", "recreation", "L’établissement", "pages.exemple.fr/jeux", "https"]
        {
            assert!(shown.contains(fact), "{fact}: {shown}");
        }
        lab.write_box_file("etablissement.toml", &usual).unwrap();
        until(4, "the page opens again", || answer(lab, &format!("http://{SITE}/jeux"), &[]).contains("200"));
    });
}

#[test]
fn the_page_the_record_and_explain_tell_the_same_of_a_refusal() {
    let lab = signed_in();
    let shown = page(lab, "eleve", &format!("http://{CLOSED}/"), &[]);
    let explained = lab.preau(&["explain", "--as", "alix", &format!("http://{CLOSED}/")]).unwrap().stdout;
    let date = explained.split("(list of ").nth(1).and_then(|rest| rest.split(')').next()).unwrap();
    for fact in [REASON, "<code>jeux</code>", "L’établissement", date, "Un professeur, pour un moment"] {
        assert!(shown.contains(fact), "{fact}: {shown}");
    }
    for fact in
        [REASON, "rule `jeux` (etablissement", "may open etablissement and every level below it, a teacher"]
    {
        assert!(explained.contains(fact), "{fact}: {explained}");
    }
    let dir = lab.door().file_path("box/state/journal");
    let recorded = fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        let text = lab.preau(&["journal", "show", path.to_str().unwrap()]).unwrap().stdout;
        let line = text.lines().find(|line| line.contains(CLOSED) && line.contains("\thttp\t"));
        line.is_some_and(|line| {
            line.contains(&format!(
                "refused by rule `jeux` of etablissement, by category games (list of {date})"
            )) && line
                .ends_with("may open: etablissement and every level below it, a teacher for some minutes")
        })
    });
    assert!(recorded, "no record tells it");
}
