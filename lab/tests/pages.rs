//! Every page of the portal in a real Chromium: axe-core finds no fault in light and dark, from 320 to 3840 pixels, at
//! 200 % zoom; everything can be reached and seen with the keyboard alone; the pages a phone meets first are light.
//!
//! A new page is one line in [`PAGES`], or in [`RARER_PAGES`] where it is made of parts that stand there already. Needs
//! root or user namespaces, `cargo build --workspace` first, Chromium, and axe-core in `target/axe-core` (`.ci/install`
//! fetches it). With `PREAU_PAGES_DIR=DIR` it also writes a picture of each page on a phone and on a laptop, to be looked at.

#![expect(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

use std::{fs, path::Path, thread, time::Duration};

use preau_lab::{
    Browser, EntProtocol, Lab, SchoolDay,
    plan::{PASSWORD, PORTAL, POSTS, SIGN_IN_FIELDS},
    view::{View, axe_core},
    wait_for,
};

/// Each page of parts that no other has, and the machine whose user sees it: `invite` has not signed in, `tableau` has no
/// user, `poste` is where the referent sits. [`SchoolDay`] fills in what stands in braces.
const PAGES: &[(&str, &str)] = &[
    ("invite", "/"),
    ("eleve", "/"),
    ("eleve", "/bloque?u=jeux-en-ligne.example"),
    ("eleve", "/demandes"),
    ("eleve", "/bibliotheque"),
    ("eleve", "/bibliotheque/paquet/atlas"),
    ("enseignant", "/enseignant"),
    ("enseignant", "/enseignant/classe/6A"),
    ("enseignant", "/enseignant/demandes"),
    ("poste", "/referent"),
    ("poste", "/referent/machines"),
    ("poste", "/referent/codes/nouveaux"),
    ("poste", "/referent/bibliotheque"),
    ("poste", "/referent/connexions"),
    ("poste", "{feuille}"),
];

/// The other pages: the same parts, seen in [`View::few`].
const RARER_PAGES: &[(&str, &str)] = &[
    ("invite", "/?parti=1"),
    ("invite", "/?suite=http%3A%2F%2Ffr.vikidia.example%2F"),
    ("invite", "/mot-de-passe"),
    ("invite", "/connexion/ent/retour?ticket=ST-1"),
    ("invite", "/cas/login?service=https%3A%2F%2Fcasier.exemple.net%2F"),
    ("invite", "/cas/login?service=https%3A%2F%2Failleurs.example%2F"),
    ("eleve", "/?suite=http%3A%2F%2Ffr.vikidia.example%2F"),
    ("eleve", "/bloque?u=fr.vikidia.example"),
    ("eleve", "/bloque?u=deux%20mots"),
    ("eleve", "/cette-page-n-existe-pas"),
    ("eleve", "/demander?u=jeux-en-ligne.example"),
    ("eleve", "/envois"),
    ("eleve", "/bibliotheque?q=rien"),
    ("eleve", "/bibliotheque/paquet/autre"),
    ("eleve", "/enseignant"),
    ("eleve", "/referent"),
    ("eleve", "/cas/login"),
    ("eleve", "/cas/login?service=https%3A%2F%2Fconseil.exemple.net%2F"),
    ("eleve", "/cas/login?service=https%3A%2F%2Fcasier.exemple.net%2F&method=POST"),
    ("eleve", "/cas/login?service=https%3A%2F%2Fcasier.exemple.net%2F&renew=true"),
    ("enseignant", "/"),
    ("enseignant", "/enseignant/classe/6B"),
    ("enseignant", "/enseignant/salle/Salle%2012"),
    ("enseignant", "{eleve}"),
    ("enseignant", "/demandes"),
    ("poste", "/"),
    ("poste", "/enseignant"),
    ("poste", "/enseignant/demandes"),
    ("poste", "/referent/machines/nouvelle"),
    ("poste", "/referent/annuaire"),
    ("poste", "/referent/codes"),
    ("poste", "{lot}"),
    ("poste", "/referent/codes/retirer?lot=1"),
    ("poste", "/referent/codes/feuille?lot=99"),
    ("poste", "/referent/annonces"),
    ("poste", "/referent/annonces/nouvelle"),
    ("poste", "/referent/annonces/retirer?annonce=1"),
    ("poste", "/referent/connexions/terminer?machine=02:00:5e:00:01:01"),
    ("poste", "/referent/interventions"),
    ("poste", "/referent/historique"),
    ("bureau", "/"),
    ("tableau", "/"),
    // The language is kept: from here on these machines' pages are in English.
    ("eleve", "/?lang=en"),
    ("enseignant", "/enseignant/classe/6A?lang=en"),
    ("poste", "/referent?lang=en"),
];

/// A form: machine, page, fields typed, what sends it.
type RefusedForm = (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static str);

/// Forms whose answer says what was wrong with them.
const REFUSED_FORMS: &[RefusedForm] = &[
    ("invite", "/", &[("code", "AAAA-AAAA")], "form[action='/connexion/visiteur'] button"),
    (
        "invite",
        "/cas/login?service=https%3A%2F%2Fcasier.exemple.net%2F",
        &[("username", "alix.exemple"), ("password", "autre-chose")],
        "form[action='/cas/login'] button",
    ),
    ("eleve", "/demander", &[("site", "deux mots")], "form[action='/demander'] button"),
    (
        "poste",
        "/referent/codes/nouveaux",
        &[("pour", "   ")],
        "form[action='/referent/codes/nouveaux'] button",
    ),
    (
        "poste",
        "/referent/annonces/nouvelle",
        &[("texte", "   ")],
        "form[action='/referent/annonces/nouvelle'] button",
    ),
];

/// The most a phone fetches for its first page, in bytes.
const FIRST_PAGE_BYTES_MAX: usize = 50_000;

/// What a captive mini-browser of a phone does not have: cookies and scripts.
const BARE: [&str; 4] = ["curl", "--silent", "--fail", "--max-time"];

/// A school where the browser's tests can be played; none where this machine lacks what they need.
fn school() -> Option<(Lab, String)> {
    let lab = Lab::start().unwrap();
    let axe_core = axe_core().filter(|_| lab.has_browser().unwrap());
    if axe_core.is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI must have chromium, chromium-driver and axe-core");
        println!("not run: no chromium, chromium-driver or target/axe-core here");
    }
    Some((lab, axe_core?))
}

/// Writes pictures of the page into the directory `PREAU_PAGES_DIR`, where there is one: on a phone, on a laptop in the dark.
fn keep(browser: &Browser, who: &str, path: &str) {
    let Some(dir) = std::env::var_os("PREAU_PAGES_DIR") else { return };
    for view in [View::of(390, 844), View { is_dark: true, ..View::of(1280, 800) }] {
        browser.look_as(view).unwrap();
        let name: String =
            path.chars().map(|one| if one.is_ascii_alphanumeric() { one } else { '-' }).collect();
        let picture_path = Path::new(&dir).join(format!("{who}{name}-{}.png", view.width));
        fs::write(picture_path, browser.picture().unwrap()).unwrap();
    }
}

#[test]
fn no_page_has_a_fault_and_every_control_is_reached_by_keyboard() {
    let Some((mut lab, axe_core)) = school() else { return };
    let day = SchoolDay::begin(&mut lab).unwrap();
    let faults: Vec<_> = thread::scope(|scope| {
        let walks: Vec<_> =
            POSTS.iter().map(|post| scope.spawn(|| look_through(&lab, &day, &axe_core, post.name))).collect();
        walks.into_iter().flat_map(|walk| walk.join().unwrap()).collect()
    });
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Every fault of the pages that are seen on the machine `who`.
fn look_through(lab: &Lab, day: &SchoolDay, axe_core: &str, who: &str) -> Vec<String> {
    const PHONE: View = View::of(390, 844);
    const LAPTOP: View = View::of(1440, 900);
    let all = PAGES.iter().map(|(post, path)| (*post, path, View::all(), &[PHONE, LAPTOP][..]));
    let rarer = RARER_PAGES.iter().map(|(post, path)| (*post, path, View::few().into(), &[PHONE][..]));
    let pages: Vec<_> = all.chain(rarer).filter(|(post, ..)| *post == who).collect();
    let mut faults = Vec::new();
    if pages.is_empty() {
        return faults;
    }
    let browser = Browser::open(lab, who, (1440, 900)).unwrap();
    for (_, path, views, walked) in pages {
        let mut found_in = |view: View, found: Vec<String>| {
            faults.extend(found.iter().map(|fault| format!("{who} {path}, {view}: {fault}")));
        };
        browser.look_as(LAPTOP).unwrap();
        browser.go(&format!("https://{PORTAL}{}", day.path(path))).unwrap();
        for view in views {
            browser.look_as(view).unwrap();
            found_in(view, browser.audit(axe_core).unwrap());
        }
        keep(&browser, who, path);
        for view in walked {
            browser.look_as(*view).unwrap();
            found_in(*view, browser.walk().unwrap());
        }
    }
    faults
}

#[test]
fn a_form_that_is_refused_says_so_on_a_page_without_faults() {
    let Some((mut lab, axe_core)) = school() else { return };
    SchoolDay::begin(&mut lab).unwrap();
    let mut faults = Vec::new();
    for (who, path, fields, sent_by) in REFUSED_FORMS {
        let browser = Browser::open(&lab, who, (390, 844)).unwrap();
        browser.go(&format!("https://{PORTAL}{path}")).unwrap();
        for (name, text) in *fields {
            browser.type_into(name, text).unwrap();
        }
        browser.click(sent_by).unwrap();
        let alert = browser.text_at("[role=alert], .error");
        if !alert.is_ok_and(|text| !text.is_empty()) {
            faults
                .push(format!("{who} {path}: does not say that it was refused: {}", browser.text().unwrap()));
        }
        for view in View::few() {
            browser.look_as(view).unwrap();
            let found = browser.audit(&axe_core).unwrap();
            faults.extend(found.iter().map(|fault| format!("{who} {path} refused, {view}: {fault}")));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn a_browser_goes_from_the_portals_form_to_the_application_it_came_for() {
    let Some((mut lab, axe_core)) = school() else { return };
    SchoolDay::begin(&mut lab).unwrap();
    let service = "https://casier.exemple.net/cours";
    let browser = Browser::open(&lab, "eleve", (1440, 900)).unwrap();
    let asked = format!("https://{PORTAL}/cas/login?service=https%3A%2F%2Fcasier.exemple.net%2Fcours");
    for path in [&*asked, &format!("{asked}&renew=true")] {
        browser.go(path).unwrap();
        if path.contains("renew") {
            browser.type_into("username", "alix.exemple").unwrap();
            browser.type_into("password", PASSWORD).unwrap();
            browser.click("form[action='/cas/login'] button").unwrap();
        }
        let there =
            || browser.current_url().ok().filter(|url| url.starts_with(&format!("{service}?ticket=ST-")));
        let arrived = wait_for(Duration::from_secs(5), there);
        assert!(arrived.is_some(), "{path}: {}", browser.current_url().unwrap());
    }
    // By POST, the person sends the ticket on from a page of the portal.
    browser.go(&format!("{asked}&method=POST")).unwrap();
    assert_eq!(browser.audit(&axe_core).unwrap(), Vec::<String>::new());
    browser.click("main button").unwrap();
    let there = || browser.current_url().ok().filter(|url| url == service);
    assert!(wait_for(Duration::from_secs(5), there).is_some(), "{}", browser.current_url().unwrap());
}

#[test]
fn the_pages_on_the_way_to_the_ent_and_back_have_no_fault() {
    let Some((mut lab, axe_core)) = school() else { return };
    lab.start_ent().unwrap();
    lab.tell_box_of_ent(EntProtocol::Cas).unwrap();
    let portal = |path: &str| format!("https://{PORTAL}{path}");
    let shows = |browser: &Browser<'_>, text: &str| {
        let page = wait_for(Duration::from_secs(20), || {
            browser.go(&portal("/")).ok()?;
            browser.text().ok().filter(|page| page.contains(text))
        });
        assert!(page.is_some(), "no page with: {text}");
    };
    let browser = Browser::open(&lab, "eleve", (390, 844)).unwrap();
    shows(&browser, "Se connecter avec");
    let mut faults = look(&browser, &axe_core, "sign-in");
    browser.go(&portal("/connexion/ent/retour?ticket=ST-1")).unwrap();
    faults.extend(look(&browser, &axe_core, "strange"));
    browser.go(&portal("/connexion/ent")).unwrap();
    browser.type_into("user", "alix.exemple").unwrap();
    browser.type_into("password", "alix.exemple\u{e007}").unwrap();
    let is_back = || {
        let url = browser.current_url().ok()?;
        (url == portal("/") || url.starts_with(&portal("/mot-de-passe"))).then_some(())
    };
    wait_for(Duration::from_secs(10), is_back).expect("the browser comes back from the ENT");
    browser.go(&portal("/mot-de-passe")).unwrap();
    faults.extend(look(&browser, &axe_core, "password"));
    browser.type_into("nouveau", "un mot de passe").unwrap();
    browser.type_into("encore", "un autre mot\u{e007}").unwrap();
    faults.extend(look(&browser, &axe_core, "password-refused"));
    drop(browser);
    lab.stop_ent();
    let browser = Browser::open(&lab, "eleve2", (390, 844)).unwrap();
    shows(&browser, "ne répond pas");
    faults.extend(look(&browser, &axe_core, "away"));
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// The faults of the page shown, which is called `what`.
fn look(browser: &Browser<'_>, axe_core: &str, what: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for view in View::few() {
        browser.look_as(view).unwrap();
        let found = browser.audit(axe_core).unwrap();
        faults.extend(found.iter().map(|fault| format!("{what}, {view}: {fault}")));
    }
    keep(browser, "ent-", what);
    faults
}

#[test]
fn a_refused_sign_in_is_a_page_without_faults_and_a_person_signs_in_by_keyboard_alone() {
    let Some((lab, axe_core)) = school() else { return };
    let browser = Browser::open(&lab, "eleve", (390, 844)).unwrap();
    let [login, password] = SIGN_IN_FIELDS;
    browser.go(&format!("https://{PORTAL}/")).unwrap();
    browser.type_into(login, "alix.exemple").unwrap();
    browser.type_into(password, "autre-chose\u{e007}").unwrap();
    // Until the next page is there, the driver shows the one before or none.
    let refused = || browser.current_url().ok().filter(|url| url.ends_with("/connexion"));
    wait_for(Duration::from_secs(20), refused).expect("the refusal must come");
    for view in View::all() {
        browser.look_as(view).unwrap();
        assert_eq!(browser.audit(&axe_core).unwrap(), Vec::<String>::new(), "{view}");
    }
    browser.type_into(password, &format!("{PASSWORD}\u{e007}")).unwrap();
    let signed_in = || browser.text().ok().filter(|text| text.contains("Alix Exemple"));
    wait_for(Duration::from_secs(20), signed_in).expect("the person must be signed in");
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
