//! Every page of the académie's console in a real Chromium, with fifty schools: axe-core finds no fault on a phone, a laptop
//! and a wide screen, in light and dark, in French and English; every control is reached by keyboard; somebody who is invited
//! comes in by keyboard alone.
//!
//! A new page is one line in [`PAGES`]. Needs what `pages.rs` needs. With `PREAU_PAGES_DIR=DIR` it also writes pictures.

#![expect(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

use std::{fs, path::Path, thread, time::Duration};

use preau_lab::{
    Browser, FleetDay, Lab,
    plan::CENTRAL,
    view::{View, axe_core},
    wait_for,
};

/// Pages of whoever came in. [`FleetDay::page`] fills in what stands in braces.
const PAGES: &[&str] = &[
    "/",
    "/?vue=carte",
    "/?q=rien+de+tel",
    "/?etat=panne",
    "{etablissement:0}",
    "{etablissement:4}",
    "{etablissement:19}",
    "{etablissement:41}",
    "{etablissement:44}",
    "{etablissement:48}",
    "{etablissement:4}/revoquer",
    "/etablissement/nouveau",
    "/import",
    "/demandes",
    "/demandes?vue=sites&etat=toutes",
    "/demandes?site=geoguessr.example",
    "/demandes/1",
    "/demandes/2",
    "/filtrage",
    "/filtrage/document/academie",
    "/filtrage/document/departement/80",
    "/filtrage/document/departement/02",
    "{brouillon}",
    "{brouillon}/publier",
    "{propose}/publier",
    "{brouillon}/regle",
    "{propose}/regle?id=jeux",
    "{propose}/recherche?id=recherche",
    "{propose}/horaire?id=cours",
    "{propose}/texte",
    "/filtrage/essai",
    "/filtrage/essai?lieu=groupe/rep-plus&qui=role:eleve&adresse=jeux-en-ligne.example",
    "/filtrage/livraison",
    "{arretee}",
    "{suivie}",
    "/bibliotheque",
    "/bibliotheque/atlas",
    "/bibliotheque/calcul",
    "/personnes",
    "/personnes/1",
    "/personnes/3",
    "/propositions",
    "/journal",
    "/compte",
    "/cette-page-n-existe-pas",
];

/// Pages of whoever has not come in.
const OUTSIDE: &[&str] = &["/connexion", "/invitation/perdu"];

const PHONE: View = View::of(390, 844);
const LAPTOP: View = View::of(1440, 900);
const DARK: View = View { is_dark: true, ..LAPTOP };

/// Looks at each page of French readers; English ones have the same parts and other words.
const FRENCH_VIEWS: [View; 5] =
    [View::of(320, 640), PHONE, DARK, View { zoom: 2, ..LAPTOP }, View::of(1920, 1080)];
const ENGLISH_VIEWS: [View; 2] = [View { is_dark: true, ..PHONE }, LAPTOP];

/// A lab where the browser's tests can be played; none where this machine lacks what they need.
fn lab() -> Option<(Lab, String)> {
    let lab = Lab::start().unwrap();
    let axe_core = axe_core().filter(|_| lab.has_browser().unwrap());
    if axe_core.is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI must have chromium, chromium-driver and axe-core");
        println!("not run: no chromium, chromium-driver or target/axe-core here");
    }
    Some((lab, axe_core?))
}

/// Writes a picture of the page into the directory `PREAU_PAGES_DIR`, where there is one.
fn keep(browser: &Browser<'_>, tag: &str, path: &str, view: View) {
    let Some(dir) = std::env::var_os("PREAU_PAGES_DIR") else { return };
    let name: String = path.chars().map(|one| if one.is_ascii_alphanumeric() { one } else { '-' }).collect();
    let shade = if view.is_dark { "-dark" } else { "" };
    let name = format!("console-{tag}{name}-{}{shade}.png", view.width / view.zoom);
    fs::write(Path::new(&dir).join(name), browser.picture().unwrap()).unwrap();
}

#[test]
fn no_page_of_the_console_has_a_fault_and_every_control_is_reached_by_keyboard() {
    let Some((mut lab, axe_core)) = lab() else { return };
    let day = FleetDay::begin(&mut lab).unwrap();
    let faults: Vec<_> = thread::scope(|scope| {
        let looked = [("fr", &FRENCH_VIEWS[..]), ("en", &ENGLISH_VIEWS[..])].map(|(tag, views)| {
            let (lab, day, axe_core) = (&lab, &day, &*axe_core);
            scope.spawn(move || look_through(lab, day, axe_core, tag, views))
        });
        looked.into_iter().flat_map(|looked| looked.join().unwrap()).collect()
    });
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Every fault of the pages in one language.
fn look_through(lab: &Lab, day: &FleetDay, axe_core: &str, tag: &str, views: &[View]) -> Vec<String> {
    let browser = Browser::open(lab, CENTRAL, (1440, 900)).unwrap();
    let mut faults = Vec::new();
    for (number, path) in OUTSIDE.iter().chain(PAGES).enumerate() {
        if number == OUTSIDE.len() {
            day.come_in(&browser, tag).unwrap();
        }
        browser.look_as(LAPTOP).unwrap();
        browser.go(&day.page(path)).unwrap();
        for view in views {
            browser.look_as(*view).unwrap();
            keep(&browser, tag, path, *view);
            let found = browser.audit(axe_core).unwrap();
            faults.extend(found.iter().map(|fault| format!("{tag} {path}, {view}: {fault}")));
        }
        if tag == "fr" {
            browser.look_as(LAPTOP).unwrap();
            faults.extend(browser.walk().unwrap().iter().map(|fault| format!("{path}: {fault}")));
        }
    }
    faults
}

#[test]
fn an_invited_person_chooses_a_password_comes_in_and_finds_a_school_by_keyboard_alone() {
    const CHOSEN: &str = "quatre saisons mille";
    let Some((mut lab, axe_core)) = lab() else { return };
    let day = FleetDay::begin(&mut lab).unwrap();
    let link = day.invite(&lab, "lou.essai", "Lou Essai").unwrap();
    let browser = Browser::open(&lab, CENTRAL, (1440, 900)).unwrap();
    browser.go(&FleetDay::url(&link)).unwrap();
    let audit = |what: &str| {
        for view in [PHONE, DARK] {
            browser.look_as(view).unwrap();
            keep(&browser, "fr", what, view);
            assert_eq!(browser.audit(&axe_core).unwrap(), Vec::<String>::new(), "{what}, {view}");
        }
    };
    audit("invited");
    let code = day.code(&lab, &link).unwrap();
    browser.type_into("password", CHOSEN).unwrap();
    browser.type_into("again", CHOSEN).unwrap();
    browser.type_into("code", &format!("{code}\u{e007}")).unwrap();
    audit("recovery");
    let recovery = browser.text_at(".codes li").unwrap();
    browser.go(&FleetDay::url("/connexion")).unwrap();
    browser.type_into("login", "lou.essai").unwrap();
    browser.type_into("password", &format!("{CHOSEN}\u{e007}")).unwrap();
    audit("code");
    browser.type_into("code", &format!("{}\u{e007}", recovery.trim())).unwrap();
    let is_in = || browser.text_at("h1").ok().filter(|title| title == "Parc");
    assert!(wait_for(Duration::from_secs(10), is_in).is_some(), "{}", browser.text().unwrap());
    // Without a right there is no school to see; with one there is.
    day.come_in(&browser, "fr").unwrap();
    browser.go(&FleetDay::url("/")).unwrap();
    browser.type_into("q", "péronne\u{e007}").unwrap();
    let found = || browser.text_at("tbody").ok().filter(|rows| rows.contains("Péronne"));
    assert!(!wait_for(Duration::from_secs(10), found).unwrap().contains("Amiens"));
}
