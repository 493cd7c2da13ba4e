//! Each page in both languages: what it shows, what it escapes, how heavy it is.

use std::{path::PathBuf, sync::Arc};

use askama::Template;

use super::{
    because::{Because, Reason},
    language::Language,
    navigation::Place,
    page::{Frame, HomePage, House, ICON, Link, NoticePage, Reach, RefusedPage, Resident, STYLE, written},
    settings::Settings,
    sign_in::{EntDoor, Notice, PasswordPage, SignInPage},
    wanted::Wanted,
    words::HomeWords,
};
use crate::{
    model::{DefaultVerdict, Quic, Role, Service, SignIn, Zone, ZoneKind},
    policy::{Level, ListedBy, MayOpen},
};

/// A phone on a slow line opens the first page of a captive portal in one go (decision D19).
const FIRST_PAGE_BYTES_MAX: usize = 50_000;

const HOSTILE: &str = r#""><script>alert(1)</script>'"#;

/// A zone with the box at `10.10.0.1` and `fd00:10::1`.
pub(super) fn zone() -> Zone {
    Zone {
        name: "pedagogique".parse().unwrap(),
        kind: ZoneKind::Pedagogique,
        interface: "ped0".into(),
        ipv4: "10.10.0.1/22".parse().unwrap(),
        ipv6: "fd00:10::1/64".parse().unwrap(),
        sign_in: SignIn::Required,
        default: DefaultVerdict::Allow,
        quic: Quic::Reject,
        tunnel: crate::model::TunnelAccess::None,
        services: Vec::new(),
    }
}

/// Settings of the school all tests speak of.
pub(super) fn settings() -> Settings {
    Settings {
        school: String::from("Collège d’Exemple"),
        name: "portail.college.exemple".parse().unwrap(),
        certificate_path: PathBuf::from("portal.pem"),
        key_path: PathBuf::from("portal.key"),
        certificate_from: super::CertificateFrom::Files,
        zones: vec![Arc::new(zone())],
        cas: super::CasSettings {
            applications: Vec::new(),
            school: crate::model::Uai::new("0809999Z").unwrap(),
        },
        fronted: Vec::new(),
        has_library: true,
        http_port: 80,
        https_port: 443,
    }
}

fn frame(house: &House, language: Language) -> Frame<'_> {
    house.frame(language, format!("?lang={}", language.other().tag()))
}

fn sign_in(house: &House, language: Language, notice: Notice, login: &str) -> String {
    sign_in_with(house, language, notice, (login, None, None))
}

/// The sign-in page with a way to the ENT that answers or not, and with a session to take along.
fn sign_in_with(
    house: &House,
    language: Language,
    notice: Notice,
    (login, ent, resume): (&str, Option<bool>, Option<&str>),
) -> String {
    written(&SignInPage {
        frame: frame(house, language),
        texts: language.sign_in_words(),
        asked_for: true,
        notice,
        login,
        wanted: Wanted::read("http://encyclopedie.example/page"),
        ent: ent.map(|is_reachable| EntDoor { name: "Mon ENT", is_reachable }),
        resume: resume.map(String::from),
    })
}

fn password(house: &House, language: Language, refused: Option<&'static str>) -> String {
    written(&PasswordPage {
        frame: frame(house, language),
        texts: language.sign_in_words(),
        remembered: language.remembered(std::time::Duration::from_secs(60 * 86_400)),
        has_one: refused.is_some(),
        refused,
        later: String::from("/"),
        wanted: Wanted::read("http://encyclopedie.example/page"),
    })
}

fn home(house: &House, language: Language, name: &str) -> String {
    written(&HomePage {
        frame: frame(house, language).at(Role::Eleve, Place::Home),
        resident: Resident::Person {
            name,
            role: language.role(Role::Eleve),
            classes: String::from("6A, Chorale"),
            until: String::from(if language == Language::French {
                "aujourd’hui à 18 h 05"
            } else {
                "today at 18:05"
            }),
            until_utc: String::from("2026-11-23T17:05:00.000Z"),
            is_offline: true,
        },
        words: HomeWords::of(language),
        network: language.zone(ZoneKind::Pedagogique),
        web: Reach::Open,
        line_down: None,
        announcements: vec![String::from("Le CDI ferme à 16 h ce soir.\nPensez à rendre vos livres.")],
        clock_in_doubt: false,
        kept_sites: vec![String::from("lecons.exemple.fr")],
        services: language.service(&Service::of_ports("tcp/993".parse().unwrap())),
        wanted: Wanted::read("http://encyclopedie.example/page"),
    })
}

fn machine(house: &House, language: Language) -> String {
    written(&HomePage {
        frame: frame(house, language),
        resident: Resident::Machine { name: "TBI salle 12" },
        words: HomeWords::of(language),
        network: language.zone(ZoneKind::Equipements),
        web: Reach::Away,
        line_down: Some(language.line_down(std::time::Duration::from_secs(750))),
        announcements: Vec::new(),
        clock_in_doubt: true,
        kept_sites: vec![String::from("lecons.exemple.fr")],
        services: String::new(),
        wanted: None,
    })
}

fn refused(house: &House, language: Language, reason: &str) -> String {
    let words = language.words();
    written(&RefusedPage {
        frame: house.frame_elsewhere(language, "jeux.example"),
        site: &"jeux.example".parse().unwrap(),
        because: Because {
            title: words.blocked_page,
            reason: Reason::OfTheRule(String::from(reason)),
            decided_by: words.by_academie,
            rule: Some(String::from("jeux")),
            matched: Some(language.matched_category("games", "2026-08-17", ListedBy::Url)),
            may_open: language.may_open(MayOpen::Locked(Level::Academie)),
            note: Some(words.page_only),
            ask: Some("Demander l’ouverture de ce site"),
            advice: vec![words.advice_lesson, words.advice_cite, words.advice_elsewhere],
        },
    })
}

fn notice(house: &House, language: Language) -> String {
    let words = language.words();
    written(&NoticePage {
        frame: frame(house, language),
        title: words.not_a_site,
        text: words.not_a_site_text,
        site: None,
        link: Some(Link { url: String::from("/"), text: words.back_home }),
        asks: true,
    })
}

/// Every part of pages, as a teacher would see them.
#[derive(Template)]
#[template(path = "portal/parts.html")]
struct PartsPage<'a> {
    frame: Frame<'a>,
}

fn every_page(house: &House, language: Language) -> Vec<(&'static str, String)> {
    vec![
        ("connexion", sign_in(house, language, Notice::None, "")),
        (
            "refus",
            sign_in(
                house,
                language,
                Notice::Refused(language.words().wrong_credentials.to_owned()),
                "cmartin",
            ),
        ),
        ("depart", sign_in(house, language, Notice::SignedOut, "")),
        ("ent", sign_in_with(house, language, Notice::None, ("", Some(true), None))),
        ("ent-suivant", sign_in_with(house, language, Notice::NextPerson, ("", Some(true), None))),
        ("ent-absent", sign_in_with(house, language, Notice::NextPerson, ("", Some(false), None))),
        ("reprise", sign_in_with(house, language, Notice::None, ("", Some(true), Some("Camille")))),
        (
            "code",
            sign_in(house, language, Notice::CodeRefused(language.sign_in_words().wrong_code.to_owned()), ""),
        ),
        ("mot-de-passe", password(house, language, None)),
        ("mot-de-passe-refus", password(house, language, Some(language.sign_in_words().too_short))),
        ("accueil", home(house, language, "Camille Martin")),
        ("machine", machine(house, language)),
        ("bloque", refused(house, language, "Les jeux sont fermés pendant les cours.")),
        ("message", notice(house, language)),
        ("parts", written(&PartsPage { frame: frame(house, language).at(Role::Referent, Place::Classes) })),
    ]
}

#[test]
fn each_page_speaks_its_language_and_offers_the_other() {
    let house = House::new(&settings());
    for language in Language::ALL {
        for (name, html) in every_page(&house, language) {
            assert!(html.contains(&format!("<html lang=\"{}\">", language.tag())), "{name}");
            assert!(html.contains(&format!("lang={}", language.other().tag())), "{name}");
            assert!(html.contains("Collège d’Exemple"), "{name}");
        }
    }
}

#[test]
fn hostile_text_is_shown_and_never_obeyed() {
    let house = House::new(&Settings { school: String::from(HOSTILE), ..settings() });
    for html in [
        home(&house, Language::French, HOSTILE),
        sign_in(&house, Language::French, Notice::Refused(String::from(HOSTILE)), HOSTILE),
        refused(&house, Language::French, HOSTILE),
    ] {
        assert!(!html.contains("<script"), "{html}");
        assert!(!html.contains(HOSTILE), "{html}");
        assert!(html.contains("&#60;script&#62;"), "{html}");
    }
}

#[test]
fn pages_hold_no_script_no_inline_style_and_nothing_from_outside() {
    let house = House::new(&settings());
    for (name, html) in every_page(&house, Language::French) {
        for forbidden in ["<script", "<style", " style=", " onclick", "javascript:", "<img", "<iframe"] {
            assert!(!html.contains(forbidden), "{name}: {forbidden}");
        }
        for (at, _) in html.match_indices("://") {
            let rest = &html[at + 3..];
            let known = ["portail.college.exemple", "encyclopedie.example", "lecons.exemple.fr"];
            assert!(known.iter().any(|host| rest.starts_with(host)), "{name}: {}", &rest[..20]);
        }
    }
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
}

#[test]
fn each_field_has_its_label_and_each_page_one_main_heading() {
    let house = House::new(&settings());
    for (name, html) in every_page(&house, Language::English) {
        assert_eq!(html.matches("<h1").count(), 1, "{name}");
        assert_eq!(html.matches("<main").count(), 1, "{name}");
        for field in html.split("<input id=\"").skip(1) {
            let id = field.split('"').next().unwrap();
            assert!(html.contains(&format!("<label for=\"{id}\">")), "{name}: {id}");
        }
    }
}

#[test]
fn a_rules_own_words_are_marked_as_french_on_an_english_page() {
    let house = House::new(&settings());
    let html = refused(&house, Language::English, "Les jeux sont fermés pendant les cours.");
    assert!(html.contains("lang=\"fr\">Les jeux sont fermés"));
}

#[test]
fn a_page_in_place_of_another_site_leads_to_the_portal() {
    let house = House::new(&settings());
    let html = refused(&house, Language::French, "Fermé.");
    assert!(html.contains("href=\"https://portail.college.exemple/style.css?v="));
    assert!(html.contains("https://portail.college.exemple/bloque?lang=en&#38;u=jeux.example"));
    assert!(!html.contains("href=\"/"));
}

#[test]
fn the_first_page_is_light_all_included() {
    let house = House::new(&settings());
    let first = sign_in(&house, Language::French, Notice::None, "").len() + STYLE.len() + ICON.len();
    assert!(first < FIRST_PAGE_BYTES_MAX, "{first} bytes");
    for (name, html) in every_page(&house, Language::French) {
        assert!(html.len() + STYLE.len() + ICON.len() < FIRST_PAGE_BYTES_MAX, "{name}");
    }
}

/// Writes every page to the folder named by `PREAU_PAGES_DIR`, to be looked at; does nothing without it.
#[test]
fn pages_can_be_looked_at() {
    let Some(dir) = std::env::var_os("PREAU_PAGES_DIR").map(PathBuf::from) else { return };
    let house = House::new(&settings());
    for language in Language::ALL {
        for (name, html) in every_page(&house, language) {
            let html = html
                .replace("https://portail.college.exemple/style.css", "/style.css")
                .replace("\"/style.css", "\"style.css");
            std::fs::write(dir.join(format!("{name}-{}.html", language.tag())), html).unwrap();
        }
    }
    std::fs::write(dir.join("style.css"), STYLE).unwrap();
}

#[test]
fn a_home_page_says_when_the_time_is_not_sure_and_only_then() {
    let house = House::new(&settings());
    for language in [Language::French, Language::English] {
        let words = language.words().clock_in_doubt;
        assert!(machine(&house, language).contains(words));
        assert!(!home(&house, language, "Alix Exemple").contains(words));
    }
}
