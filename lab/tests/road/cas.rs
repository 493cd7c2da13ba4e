//! The box as a CAS server: real applications on the teacher's machine (Apache with mod_auth_cas, two with phpCAS, a Django
//! site with django-cas-ng), a pupil's browser played by curl, and the line down all the while; or up, and people sign in at
//! the ENT, a real LemonLDAP::NG.
//!
//! Needs root (Apache gives it up), and what `.ci/install` puts into `target/clients`.

use std::{
    fs,
    path::Path,
    sync::{Mutex, PoisonError},
};

use preau_lab::{
    EntProtocol, Lab, Running,
    plan::{PASSWORD, PORTAL},
};
use serde_json::Value;

use crate::{
    asking::{beside_others, dig, get, page, run, sign_out, status, until},
    ent::{come_back, departs, sign_in_there},
};

/// Where the applications run.
const SERVER: &str = "enseignant";

const CASIER: &str = "https://apache.college.exemple/prive/";
const CAHIER: &str = "https://php.college.exemple/index.php";
const CLUB: &str = "http://django.college.exemple:8000/";

/// The jar of the browser that goes to the ENT.
const JAR: [&str; 4] = ["--cookie", "jar", "--cookie-jar", "jar"];

/// What the form says of itself.
const FORM: &str = "action=\"/cas/login\"";

/// A school with its applications.
struct Scene {
    lab: Lab,
    _servers: [Running; 2],
}

/// Plays a story with nobody signed in at the pupil's machine, whose browser is new, and the line down.
fn play(story: impl FnOnce(&Lab)) {
    static SCENE: Mutex<Option<Scene>> = Mutex::new(None);
    let mut stage = SCENE.lock().unwrap_or_else(PoisonError::into_inner);
    let _shared = beside_others();
    let scene = stage.take().unwrap_or_else(Scene::set);
    sign_out(&scene.lab, "eleve");
    fs::remove_file(scene.lab.door().file_path("eleve").join("cookies")).ok();
    story(&scene.lab);
    *stage = Some(scene);
}

/// Plays a story with the line up and an ENT, nobody signed in at the pupil's machine, and a new browser there.
fn play_with_ent(story: impl FnOnce(&Lab)) {
    static SCENE: Mutex<Option<Scene>> = Mutex::new(None);
    let mut stage = SCENE.lock().unwrap_or_else(PoisonError::into_inner);
    let _shared = beside_others();
    let scene = stage.take().unwrap_or_else(|| {
        let mut scene = Scene::set();
        scene.lab.restore_line().unwrap();
        scene.lab.start_ent().expect("the ENT must start");
        scene.lab.tell_box_of_ent(EntProtocol::Cas).expect("the box must start with the ENT");
        scene
    });
    until(25, "the box sees the ENT", || departs(&scene.lab, "eleve"));
    sign_out(&scene.lab, "eleve");
    for jar in ["jar", "cookies"] {
        fs::remove_file(scene.lab.door().file_path("eleve").join(jar)).ok();
    }
    story(&scene.lab);
    *stage = Some(scene);
}

/// Goes from the portal's page at `url` by its link to the ENT, signs in there, and comes back into the application: what it
/// says.
#[track_caller]
fn by_the_ent(lab: &Lab, url: &str) -> String {
    let form = browse_with(lab, &JAR, url, &[]);
    let link = form.split("href=\"").find(|rest| rest.starts_with("/connexion/ent?"));
    let link =
        link.and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("no way to the ENT: {form}"));
    let link = link.replace("&amp;", "&").replace("&#38;", "&");
    assert!(link.contains("suite=%2Fcas%2Flogin%3F"), "{link}");
    let back = sign_in_there(lab, "eleve", &link, "alix.exemple");
    let inside = come_back(lab, "eleve", &back);
    let path = inside.strip_prefix("303 ").unwrap_or_else(|| panic!("{inside}\n{}", lab.box_log()));
    // The page that rests leads on by itself, as it does after a form.
    let rest = page(lab, "eleve", path, &[&JAR[..], &["--include"]].concat());
    let next = rest.lines().find_map(|line| line.strip_prefix("refresh: 0; url="));
    let next = next.unwrap_or_else(|| panic!("nothing leads on from {path}: {rest}")).trim();
    browse_with(lab, &JAR, &format!("https://{PORTAL}{next}"), &[])
}

impl Scene {
    fn set() -> Self {
        let mut lab = Lab::start().expect("the lab must start");
        let address =
            lab.addresses(SERVER).unwrap().into_iter().find(|address| address.contains('.')).unwrap();
        let usual = lab.read_box_file("box.toml").unwrap();
        let applications = include_str!("../../data/cas/applications.toml").replace("ADDRESS", &address);
        lab.write_box_file("box.toml", &format!("{usual}{applications}")).unwrap();
        lab.write_box_file("simple.toml", include_str!("../../../config/dialects/simple.toml")).unwrap();
        lab.stop_box().unwrap();
        lab.restart_box().unwrap();
        // The applications' machine knows the portal by name like any other; nobody needs to be signed in there.
        let servers = [apache(&lab), django(&lab)];
        lab.cut_line().unwrap();
        until(20, "Apache answers", || get(&lab, SERVER, CASIER, &["--insecure"]).succeeded());
        until(30, "Django answers", || get(&lab, SERVER, CLUB, &[]).succeeded());
        Self { lab, _servers: servers }
    }
}

fn apache(lab: &Lab) -> Running {
    let home = lab.door().file_path(SERVER);
    for (name, text) in [
        ("apache.conf", include_str!("../../data/cas/apache.conf")),
        ("apache/prive/index.php", include_str!("../../data/cas/prive.php")),
        ("php/index.php", include_str!("../../data/cas/php.php")),
        ("notes/index.php", include_str!("../../data/cas/notes.php")),
    ] {
        let path = home.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let names = "subjectAltName=DNS:apache.college.exemple,DNS:php.college.exemple,DNS:notes.college.exemple";
    let prepare = format!(
        "mkdir -p cas sessions && chown www-data cas sessions . && openssl req -x509 -newkey rsa:2048 -nodes -days 30 \
         -CA /run/preau-lab/authority/authority.pem -CAkey /run/preau-lab/authority/authority.key -subj /CN=applications \
         -addext {names} -addext basicConstraints=critical,CA:FALSE -keyout applications.key -out applications.pem"
    );
    run(lab, SERVER, &["sh", "-c", &prepare]);
    let modules = fs::read_dir("/usr/lib/apache2/modules").expect("Apache is missing: run test.sh");
    let mut paths = modules.map(|entry| entry.unwrap().path());
    let php = paths.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("libphp"));
    let php = format!("PHP_MODULE={}", php.expect("PHP is missing: run test.sh").display());
    let configuration = "/run/preau-lab/enseignant/apache.conf";
    lab.spawn(SERVER, "apache", &["env", &php, "apache2", "-f", configuration, "-D", "FOREGROUND"])
        .expect("Apache must start")
}

fn django(lab: &Lab) -> Running {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/clients/python/bin/python");
    assert!(python.exists(), "django-cas-ng is missing: run test.sh, or install_clients of .ci/install");
    let python = python.to_str().unwrap();
    fs::write(lab.door().file_path(SERVER).join("site.py"), include_str!("../../data/cas/site.py")).unwrap();
    run(lab, SERVER, &[python, "site.py", "migrate", "--verbosity", "0"]);
    lab.spawn(SERVER, "django", &[python, "site.py", "runserver", "0.0.0.0:8000", "--noreload"])
        .expect("Django must start")
}

/// A page by the pupil's browser, which keeps cookies and follows redirections.
#[track_caller]
fn browse(lab: &Lab, url: &str, more: &[&str]) -> String {
    browse_with(lab, &["--cookie", "cookies", "--cookie-jar", "cookies"], url, more)
}

#[track_caller]
fn browse_with(lab: &Lab, jar: &[&str], url: &str, more: &[&str]) -> String {
    let output = get(lab, "eleve", url, &[&["--location"], jar, more].concat());
    output.checked().unwrap_or_else(|error| panic!("{url}: {error:#}\n{}", lab.box_log()))
}

/// Fills in the form for `service`, and what the browser shows in the end.
#[track_caller]
fn fill_in(lab: &Lab, service: &str, login: &str, password: &str, more: &[&str]) -> String {
    let fields = [format!("service={service}"), format!("username={login}"), format!("password={password}")];
    let mut arguments = vec!["--data-urlencode"];
    arguments.push(&fields[0]);
    for field in &fields[1..] {
        arguments.extend(["--data-urlencode", field]);
    }
    arguments.extend(more);
    browse(lab, &format!("https://{PORTAL}/cas/login"), &arguments)
}

/// The ticket for `service` that the portal would send the pupil's browser away with.
#[track_caller]
fn ticket(lab: &Lab, service: &str) -> String {
    let url = format!("https://{PORTAL}/cas/login?service={service}");
    let answer = status(lab, "eleve", &url, &["--cookie", "cookies"]);
    let ticket = answer.split("ticket=").nth(1).unwrap_or_else(|| panic!("no ticket: {answer}"));
    ticket.to_owned()
}

/// What the box tells an application.
#[track_caller]
fn validate(lab: &Lab, road: &str, parameters: &str) -> String {
    get(lab, SERVER, &format!("https://{PORTAL}/cas/{road}?{parameters}"), &[]).checked().unwrap()
}

#[test]
fn one_sign_in_opens_every_application_with_the_line_down() {
    play(|lab| {
        let asked = browse(lab, CASIER, &[]);
        assert!(asked.contains(FORM) && asked.contains("Casier"), "{asked}");

        let refused = fill_in(lab, CASIER, "alix.exemple", "faux", &[]);
        assert!(refused.contains(FORM) && refused.contains("role=\"alert\""), "{refused}");
        assert!(refused.contains("value=\"alix.exemple\"") && !refused.contains("faux\""), "{refused}");

        let casier = fill_in(lab, CASIER, "alix.exemple", PASSWORD, &[]);
        assert!(casier.starts_with("apache:alix.exemple\n"), "{casier}");
        for attribute in ["profil=eleve", "classe=6A", "nom_affiche=Alix Exemple", "isFromNewLogin=true"] {
            assert!(casier.to_lowercase().contains(&attribute.to_lowercase()), "{attribute}: {casier}");
        }

        let cahier = browse(lab, CAHIER, &[]);
        assert!(cahier.starts_with("php:e-0001\n"), "{cahier}");
        let told: Value = serde_json::from_str(cahier.lines().nth(1).unwrap()).unwrap();
        assert_eq!((&told["profil"], &told["isFromNewLogin"]), (&"eleve".into(), &"false".into()), "{told}");

        let club = browse(lab, CLUB, &[]);
        assert!(club.starts_with("django:alix.exemple\n"), "{club}");
        let told: Value = serde_json::from_str(club.lines().nth(1).unwrap()).unwrap();
        assert_eq!((&told["classe"], &told["etablissement"]), (&"6A".into(), &"0809999Z".into()), "{told}");
    });
}

#[test]
fn a_ticket_is_good_once_and_for_its_service_alone() {
    play(|lab| {
        fill_in(lab, CAHIER, "alix.exemple", PASSWORD, &[]);
        let good = ticket(lab, CAHIER);
        let asked = format!("service={CAHIER}&ticket={good}");
        let told = validate(lab, "p3/serviceValidate", &asked);
        assert!(told.contains("<cas:user>e-0001</cas:user>"), "{told}");
        assert!(validate(lab, "p3/serviceValidate", &asked).contains("code=\"INVALID_TICKET\""));

        let elsewhere = ticket(lab, CAHIER);
        let told = validate(lab, "serviceValidate", &format!("service={CASIER}&ticket={elsewhere}"));
        assert!(told.contains("code=\"INVALID_SERVICE\""), "{told}");
        let told = validate(lab, "serviceValidate", &format!("service={CAHIER}&ticket={elsewhere}"));
        assert!(told.contains("code=\"INVALID_TICKET\""), "{told}");

        // Another browser that brings a used ticket is not let in by it.
        let replayed = get(lab, "eleve2", &format!("{CAHIER}?ticket={good}"), &[]);
        assert!(!replayed.stdout.contains("e-0001"), "{}", replayed.stdout);

        let asked = format!("service={CAHIER}&ticket={}&format=JSON", ticket(lab, CAHIER));
        let told: Value = serde_json::from_str(&validate(lab, "p3/proxyValidate", &asked)).unwrap();
        let success = &told["serviceResponse"]["authenticationSuccess"];
        assert_eq!((&success["user"], &success["attributes"]["classe"]), (&"e-0001".into(), &"6A".into()));
        assert_eq!(
            validate(lab, "validate", &format!("service={CAHIER}&ticket={}", ticket(lab, CAHIER))),
            "yes\ne-0001\n"
        );
        assert_eq!(validate(lab, "validate", &format!("service={CAHIER}&ticket=ST-x")), "no\n\n");
    });
}

#[test]
fn an_application_may_ask_without_disturbing_anybody_and_ask_for_the_password_again() {
    play(|lab| {
        let gateway = format!("{CAHIER}?voie=passerelle");
        assert_eq!(browse(lab, &gateway, &[]), "php:personne\n");
        lab.sign_in_user("eleve").unwrap();
        fs::remove_file(lab.door().file_path("eleve").join("cookies")).ok();
        let known = browse(lab, &gateway, &[]);
        assert!(known.starts_with("php:e-0001\n"), "{known}");

        fs::remove_file(lab.door().file_path("eleve").join("cookies")).ok();
        let again = format!("{CAHIER}?voie=encore");
        let asked = browse(lab, &again, &[]);
        assert!(asked.contains(FORM) && asked.contains("name=\"renew\""), "{asked}");
        let inside = fill_in(lab, &again, "alix.exemple", PASSWORD, &["--data", "renew=true"]);
        assert!(inside.starts_with("php:e-0001\n"), "{inside}");
        let told = validate(
            lab,
            "serviceValidate",
            &format!("service={CAHIER}&renew=true&ticket={}", ticket(lab, CAHIER)),
        );
        assert!(told.contains("INVALID_TICKET_SPEC"), "{told}");
    });
}

#[test]
fn an_application_goes_on_to_another_in_a_persons_name() {
    play(|lab| {
        lab.sign_in_user("eleve").unwrap();
        let said = browse(lab, &format!("{CAHIER}?voie=relais"), &[]);
        assert!(said.starts_with("php:e-0001\n"), "{said}");
        assert!(
            said.contains("notes dit notes:alix.exemple par https://php.college.exemple/index.php"),
            "{said}"
        );

        let asked = format!("service={CASIER}&ticket={}&pgtUrl={CASIER}", ticket(lab, CASIER));
        assert!(validate(lab, "serviceValidate", &asked).contains("UNAUTHORIZED_SERVICE_PROXY"));
        for callback in ["http://php.college.exemple/index.php", "https://pirate.example/", CASIER] {
            let asked = format!("service={CAHIER}&ticket={}&pgtUrl={callback}", ticket(lab, CAHIER));
            assert!(
                validate(lab, "serviceValidate", &asked).contains("INVALID_PROXY_CALLBACK"),
                "{callback}"
            );
        }
        let told = validate(lab, "proxy", &format!("pgt=PGT-x&targetService={CASIER}"));
        assert!(told.contains("<cas:proxyFailure code=\"INVALID_REQUEST\">"), "{told}");
    });
}

#[test]
fn the_end_of_a_session_is_the_end_in_every_application() {
    play(|lab| {
        lab.sign_in_user("eleve").unwrap();
        let pages = [(CASIER, "apache:"), (CAHIER, "php:"), (CLUB, "django:")];
        for (url, start) in pages {
            assert!(browse(lab, url, &[]).starts_with(start), "{url}");
        }
        // The browser still has the cookies of the applications; that they forget it is what the box told them.
        sign_out(lab, "eleve");
        for (url, start) in pages {
            until(10, url, || !browse(lab, url, &[]).starts_with(start));
        }

        lab.sign_in_user("eleve").unwrap();
        assert!(browse(lab, CAHIER, &[]).starts_with("php:"));
        let left = browse(lab, &format!("https://{PORTAL}/cas/logout"), &[]);
        assert!(left.contains("Vous êtes déconnecté"), "{left}");
        until(10, "phpCAS forgets", || browse(lab, CAHIER, &[]).contains(FORM));
    });
}

#[test]
fn a_ticket_goes_to_applications_of_the_school_alone() {
    play(|lab| {
        lab.sign_in_user("eleve").unwrap();
        for service in [
            "https://pirate.example/",
            "https://php.college.exemple/autre.php",
            "https://php.college.exemple.pirate.example/index.php",
            "http://php.college.exemple/index.php",
        ] {
            for more in ["", "&gateway=true", "&renew=true", "&method=POST"] {
                let url = format!("https://{PORTAL}/cas/login?service={service}{more}");
                assert_eq!(status(lab, "eleve", &url, &[]), "403 ", "{service}");
                let page = browse(lab, &url, &[]);
                assert!(page.contains("Application inconnue"), "{page}");
            }
        }
        let reserved =
            browse(lab, &format!("https://{PORTAL}/cas/login?service=https://conseil.college.exemple/"), &[]);
        assert!(reserved.contains("Application réservée"), "{reserved}");
        let carried =
            browse(lab, &format!("https://{PORTAL}/cas/login?service={CAHIER}&method=POST"), &["--include"]);
        assert!(carried.contains("name=\"ticket\" value=\"ST-"), "{carried}");
        assert!(carried.contains("form-action 'self' https://php.college.exemple;"), "{carried}");
    });
}

#[test]
fn an_applications_name_leads_to_it_in_its_own_zone_and_nowhere_in_others() {
    play(|lab| {
        let address =
            lab.addresses(SERVER).unwrap().into_iter().find(|address| address.contains('.')).unwrap();
        assert_eq!(dig(lab, "eleve", &["apache.college.exemple", "A"]), address);
        assert_eq!(dig(lab, "eleve", &["apache.college.exemple", "AAAA"]), "");
        assert_eq!(dig(lab, "bureau", &["apache.college.exemple", "A"]), "");
    });
}

#[test]
fn an_application_is_reached_by_way_of_the_ent_and_left_with_it() {
    play_with_ent(|lab| {
        let inside = by_the_ent(lab, CAHIER);
        assert!(inside.starts_with("php:e-0001\n"), "{inside}");
        let casier = browse_with(lab, &JAR, CASIER, &[]);
        assert!(casier.starts_with("apache:alix.exemple\n"), "one sign-in opens the next one too: {casier}");

        // The box's sign-out ends it in the applications; the ENT's own session is not theirs.
        sign_out(lab, "eleve");
        for (url, start) in [(CAHIER, "php:"), (CASIER, "apache:")] {
            until(10, url, || !browse_with(lab, &JAR, url, &[]).starts_with(start));
        }
    });
}

#[test]
fn whoever_signs_out_at_the_ent_is_out_of_the_applications() {
    play_with_ent(|lab| {
        let back = sign_in_there(lab, "eleve", "/connexion/ent", "alix.exemple");
        assert!(come_back(lab, "eleve", &back).starts_with("303 "));
        assert!(browse_with(lab, &JAR, CAHIER, &[]).starts_with("php:e-0001\n"));
        let ticket = back.split("ticket=").nth(1).unwrap();
        let said = format!(
            "logoutRequest=<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"x\" Version=\"2.0\">\
             <samlp:SessionIndex>{ticket}</samlp:SessionIndex></samlp:LogoutRequest>"
        );
        let url = format!("https://{PORTAL}/connexion/ent/retour");
        assert!(status(lab, "enseignant", &url, &["--data-urlencode", &said]).starts_with("200"));
        until(10, "phpCAS forgets", || !browse_with(lab, &JAR, CAHIER, &[]).starts_with("php:"));
    });
}

#[test]
fn an_application_that_wants_the_password_again_gets_it_from_the_ent() {
    play_with_ent(|lab| {
        // The session is one by the school's own form, which proves nothing at the ENT.
        lab.sign_in_user("eleve").unwrap();
        let again = by_the_ent(lab, &format!("{CAHIER}?voie=encore"));
        assert!(again.starts_with("php:e-0001\n"), "{again}");
        let told: Value = serde_json::from_str(again.lines().nth(1).unwrap()).unwrap();
        assert_eq!(told["isFromNewLogin"], "true", "{told}");
    });
}
