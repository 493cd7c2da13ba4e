//! Every page of the portal in a real Chromium: axe-core finds no fault in light and dark, from 320 to 3840 pixels, at
//! 200 % zoom; everything can be reached and seen with the keyboard alone; the pages a phone meets first are light.
//!
//! A new page is one line in [`PAGES`]. Needs root or user namespaces, `cargo build --workspace` first, Chromium, and
//! axe-core in `target/axe-core` (`.ci/install` fetches it).

use preau_lab::{
    Browser, Lab,
    plan::{PASSWORD, PORTAL, POSTS, SIGN_IN_FIELDS},
    view::{View, axe_core},
};

/// Each page, and the machine whose user sees it: `invite` has not signed in, `tableau` has no user.
const PAGES: &[(&str, &str)] = &[
    ("invite", "/"),
    ("invite", "/?parti=1"),
    ("invite", "/?suite=http%3A%2F%2Ffr.vikidia.example%2F"),
    ("eleve", "/"),
    ("eleve", "/?suite=http%3A%2F%2Ffr.vikidia.example%2F"),
    ("eleve", "/bloque?u=jeux-en-ligne.example"),
    ("eleve", "/bloque?u=fr.vikidia.example"),
    ("eleve", "/bloque?u=deux%20mots"),
    ("eleve", "/cette-page-n-existe-pas"),
    ("eleve", "/demandes"),
    ("eleve", "/demander?u=jeux-en-ligne.example"),
    ("eleve", "/enseignant"),
    // The language is kept: from here on this machine's pages are in English.
    ("eleve", "/?lang=en"),
    ("enseignant", "/"),
    ("enseignant", "/enseignant"),
    ("enseignant", "/enseignant/classe/6A"),
    ("enseignant", "/enseignant/demandes"),
    ("bureau", "/"),
    ("tableau", "/"),
];

/// The most a phone fetches for its first page, in bytes.
const FIRST_PAGE_BYTES_MAX: usize = 50_000;

/// What a captive mini-browser of a phone does not have: cookies and scripts.
const BARE: [&str; 4] = ["curl", "--silent", "--fail", "--max-time"];

#[test]
fn no_page_has_a_fault_and_every_control_is_reached_by_keyboard() {
    let lab = Lab::start().unwrap();
    let Some(axe_core) = axe_core().filter(|_| lab.has_browser().unwrap()) else {
        assert!(std::env::var_os("CI").is_none(), "CI must have chromium, chromium-driver and axe-core");
        println!("not run: no chromium, chromium-driver or target/axe-core here");
        return;
    };
    for who in ["eleve", "enseignant", "bureau"] {
        lab.sign_in_user(who).unwrap();
    }
    let mut faults = Vec::new();
    for post in POSTS {
        let pages: Vec<_> = PAGES.iter().filter(|(who, _)| *who == post.name).collect();
        if pages.is_empty() {
            continue;
        }
        let browser = Browser::open(&lab, post.name, (1440, 900)).unwrap();
        for (who, path) in pages {
            browser.look_as(View::of(1440, 900)).unwrap();
            browser.go(&format!("https://{PORTAL}{path}")).unwrap();
            for view in View::all() {
                browser.look_as(view).unwrap();
                let found = browser.audit(&axe_core).unwrap();
                faults.extend(found.iter().map(|fault| format!("{who} {path}, {view}: {fault}")));
            }
            for view in [View::of(390, 844), View::of(1440, 900)] {
                browser.look_as(view).unwrap();
                let found = browser.walk().unwrap();
                faults.extend(found.iter().map(|fault| format!("{who} {path}, {view}: {fault}")));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn a_refused_sign_in_is_a_page_without_faults_and_a_person_signs_in_by_keyboard_alone() {
    let lab = Lab::start().unwrap();
    let Some(axe_core) = axe_core().filter(|_| lab.has_browser().unwrap()) else {
        assert!(std::env::var_os("CI").is_none(), "CI must have chromium, chromium-driver and axe-core");
        println!("not run: no chromium, chromium-driver or target/axe-core here");
        return;
    };
    let browser = Browser::open(&lab, "eleve", (390, 844)).unwrap();
    let [login, password] = SIGN_IN_FIELDS;
    browser.go(&format!("https://{PORTAL}/")).unwrap();
    browser.type_into(login, "alix.exemple").unwrap();
    browser.type_into(password, "autre-chose").unwrap();
    browser.type_into(password, "\u{e007}").unwrap();
    for view in View::all() {
        browser.look_as(view).unwrap();
        assert_eq!(browser.audit(&axe_core).unwrap(), Vec::<String>::new(), "{view}");
    }
    browser.type_into(password, &format!("{PASSWORD}\u{e007}")).unwrap();
    assert!(browser.text().unwrap().contains("Alix Exemple"));
}

#[test]
fn the_first_page_is_light_and_needs_neither_script_nor_cookie() {
    let lab = Lab::start().unwrap();
    let fetched = |path: &str| {
        let url = format!("https://{PORTAL}{path}");
        let arguments = [&BARE[..], &["8", &url]].concat();
        lab.run("invite", &arguments).unwrap().checked().unwrap()
    };
    let page = fetched("/");
    let style = page.split("href=\"").find(|part| part.starts_with("/style.css")).unwrap();
    let style = style.split('"').next().unwrap();
    let all = page.len() + fetched(style).len() + fetched("/favicon.svg").len();
    assert!(all < FIRST_PAGE_BYTES_MAX, "{all} bytes");
    assert!(!page.contains("<script"));
    let [login, password] = SIGN_IN_FIELDS;
    let (login, password) = (format!("{login}=charlie.visiteur"), format!("{password}={PASSWORD}"));
    let url = format!("https://{PORTAL}/connexion");
    let form = ["--location", "--data-urlencode", &login, "--data-urlencode", &password, &url];
    let home = lab.run("invite", &[&BARE[..], &["8"], &form].concat()).unwrap().checked().unwrap();
    assert!(home.contains("Charlie Visiteur"), "{home}");
}
