//! What the pages of the area do and show, from the form to the disk and back.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{
    directory_tests::deliver,
    library_tests::stock,
    repairs_tests::work,
    roads::roads,
    sheet,
    test_portal::{TestPortal, sound},
};
use crate::{
    admin::{DirectoryHealth, Disk, Snapshot},
    identity::{
        SignInRefusal,
        test_school::{address, machine},
    },
    lan::Leases,
    model::{Assurance, Role, Subject},
    portal::page_tests::zone,
};

const REFERENT: Option<Role> = Some(Role::Referent);

const HOSTILE: &str = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";

#[tokio::test]
async fn a_plugged_machine_is_listed_named_and_counts_at_once() {
    let portal = TestPortal::open().await;
    let lease = "1900000000 02:00:5e:10:00:07 10.10.0.7 imprimante-cdi *\n";
    portal.leases.send_replace(Arc::new(Leases::parse(lease.as_bytes()).0));
    portal.office.identity.learn_neighbour("203.0.113.1".parse().unwrap(), Some(machine(77)));
    let page = portal.get(REFERENT, "/referent/machines").await.text;
    assert!(page.contains("imprimante-cdi") && page.contains("nouvelle?machine=02:00:5e:10:00:07"));
    assert!(page.contains("TBI salle 12") && page.contains("Par les techniciens"));
    assert!(!page.contains(&machine(77).to_string()), "what is on the line is no machine of the school");
    assert!(!page.contains(&machine(1).to_string()), "somebody is signed in there");
    let form = portal.get(REFERENT, "/referent/machines/nouvelle?machine=02:00:5e:10:00:07").await.text;
    assert!(form.contains("type=\"hidden\" name=\"machine\" value=\"02:00:5e:10:00:07\""));
    let typed = "machine=02%3A00%3A5e%3A10%3A00%3A07&nom=Imprimante+CDI&genre=imprimante&salle=CDI";
    let sent = portal.post(REFERENT, "/referent/machines/nouvelle", typed).await;
    assert_eq!((sent.status, sent.location.as_str()), (303, "/referent/machines?fait=enregistree"));
    let who = portal.office.identity.who(&zone(), address(7)).subject;
    assert!(matches!(who, Subject::Device(device) if device.name == "Imprimante CDI"));
    let page = portal.get(REFERENT, &sent.location).await.text;
    assert!(page.contains("C’est déjà en vigueur.") && page.contains("modifier?machine=02:00:5e:10:00:07"));
    let again = portal.post(REFERENT, "/referent/machines/nouvelle", typed).await;
    assert!(again.status == 409 && again.text.contains("déjà enregistrée : « Imprimante CDI »"));
    let change = "/referent/machines/modifier?machine=02:00:5e:10:00:07";
    let form = portal.get(REFERENT, change).await.text;
    assert!(form.contains("value=\"imprimante\" required checked") && form.contains("value=\"CDI\""));
    let typed = typed.replace("genre=imprimante", "genre=tableau");
    let sent = portal.post(REFERENT, "/referent/machines/modifier", &typed).await;
    assert_eq!(sent.location, "/referent/machines?fait=modifiee");
    assert!(portal.get(REFERENT, "/referent/machines/retirer?machine=02:00:5e:10:00:07").await.status == 200);
    let sent = portal.post(REFERENT, "/referent/machines/retirer", "machine=02:00:5e:10:00:07").await;
    assert_eq!(sent.location, "/referent/machines?fait=retiree");
    assert!(portal.office.identity.device(machine(7)).is_none());
    for path in ["modifier", "retirer"] {
        for mac in [machine(7), machine(9)] {
            let path = format!("/referent/machines/{path}?machine={mac}");
            assert_eq!(portal.get(REFERENT, &path).await.status, 404, "{path}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_machine_stands_beside_its_field() {
    let portal = TestPortal::open().await;
    let typed = format!("machine=zz&nom=&genre=four&salle={HOSTILE}%00");
    let sent = portal.post(REFERENT, "/referent/machines/nouvelle", &typed).await;
    assert_eq!(sent.status, 422);
    for error in ["machine-erreur", "nom-erreur", "genre-erreur", "salle-erreur"] {
        assert!(sent.text.contains(&format!("<p class=\"error\" id=\"{error}\">")), "{error}: {}", sent.text);
        assert!(sent.text.matches(error).count() >= 2, "{error} is named by its field");
    }
    assert!(!sent.text.contains("<script>alert"), "{}", sent.text);
    assert!(portal.office.store().done(9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_code_is_shown_once_on_its_sheet_and_lets_a_visitor_in_until_it_is_withdrawn() {
    let portal = TestPortal::open().await;
    let typed = "pour=Portes+ouvertes&nombre=3&fin=2h&moment=&appareils=1&wifi=Invites";
    let sent = portal.post(REFERENT, "/referent/codes/nouveaux", typed).await;
    assert_eq!((sent.status, sent.location.as_str()), (303, "/referent/codes/feuille?lot=1"));
    let sheet = portal.get(REFERENT, &sent.location).await.text;
    let codes: Vec<_> = sheet
        .split("<strong>")
        .filter_map(|rest| rest.split_once("</strong>"))
        .map(|(code, _)| code.to_owned())
        .filter(|code| code.len() == 11 && code.contains('-'))
        .collect();
    assert_eq!(codes.len(), 3, "{sheet}");
    assert_eq!(sheet.matches("<svg class=\"qr\"").count(), 3);
    assert!(sheet.contains("portail.college.exemple") && sheet.contains("Invites"));
    let sign_in = async |code: &str, number| {
        portal.secure.sign_in.sign_in_with_voucher(code, &zone(), address(number)).await
    };
    let session = sign_in(&codes[1].to_lowercase(), 6).await.unwrap().view;
    assert_eq!(session.account.id.as_str(), "voucher:1:2");
    assert_eq!((session.account.role, session.assurance), (Role::Invite, Assurance::Voucher));
    assert_eq!(session.until, portal.office.now() + Duration::from_secs(3600), "sessions are an hour here");
    for path in
        ["/referent/codes", "/referent/codes/lot?lot=1", "/referent/historique", "/referent/connexions"]
    {
        let page = portal.get(REFERENT, path).await;
        assert_eq!(page.status, 200);
        assert!(codes.iter().all(|code| !page.text.contains(code.as_str())), "{path} shows no code");
    }
    let list = portal.get(REFERENT, "/referent/codes").await.text;
    assert!(list.contains("data-label=\"Utilisés en ce moment\">1<"), "{list}");
    let sent = portal.post(REFERENT, "/referent/codes/retirer", "lot=1&numero=2").await;
    assert_eq!(sent.location, "/referent/codes/lot?lot=1&fait=retires");
    assert!(portal.office.identity.session_of(address(6)).is_none(), "whoever used it is out");
    assert_eq!(sign_in(&codes[1], 6).await.unwrap_err(), SignInRefusal::WrongCode);
    assert_eq!(portal.post(REFERENT, "/referent/codes/retirer", "lot=1&numero=x").await.status, 400);
    sign_in(&codes[0], 6).await.unwrap();
    portal.office.school.wait(Duration::from_secs(11 * 60));
    let gone = portal.get(REFERENT, "/referent/codes/feuille?lot=1").await;
    assert!(gone.status == 410 && codes.iter().all(|code| !gone.text.contains(code.as_str())));
}

#[tokio::test]
async fn codes_out_of_bounds_are_refused_beside_their_field() {
    let portal = TestPortal::open().await;
    for (typed, error) in [
        ("pour=&nombre=3&fin=2h&appareils=1", "pour-erreur"),
        ("pour=x&nombre=61&fin=2h&appareils=1", "nombre-erreur"),
        ("pour=x&nombre=0&fin=2h&appareils=1", "nombre-erreur"),
        ("pour=x&nombre=3&fin=autre&moment=2020-01-01T10:00&appareils=1", "moment-erreur"),
        ("pour=x&nombre=3&fin=autre&moment=2028-01-01T10:00&appareils=1", "moment-erreur"),
        ("pour=x&nombre=3&fin=2h&appareils=1&wifi=%1b", "wifi-erreur"),
    ] {
        let sent = portal.post(REFERENT, "/referent/codes/nouveaux", typed).await;
        assert!(sent.status == 422 && sent.text.contains(&format!("id=\"{error}\"")), "{typed}");
    }
    assert!(portal.secure.acts.vouchers.batches(portal.office.now()).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_announcement_is_published_with_its_lines_and_removed() {
    let portal = TestPortal::open().await;
    let typed = format!("texte=Salle+12%0D%0Aferm%C3%A9e+{HOSTILE}&debut=&fin=2027-06-01T18%3A00&eleve=oui");
    let sent = portal.post(REFERENT, "/referent/annonces/nouvelle", &typed).await;
    assert_eq!(sent.location, "/referent/annonces?fait=publiee");
    let now = portal.office.now();
    let announcements = &portal.secure.acts.announcements;
    assert!(announcements.running(Some(Role::Eleve), now)[0].words.starts_with("Salle 12\nfermée "));
    assert!(announcements.running(Some(Role::Enseignant), now).is_empty());
    let page = portal.get(REFERENT, "/referent/annonces").await.text;
    assert!(page.contains("Salle 12<br>") && !page.contains("<script>alert"), "{page}");
    let late = portal.post(REFERENT, "/referent/annonces/nouvelle", "texte=x&fin=2020-06-01T18%3A00").await;
    assert!(late.status == 409 && late.text.contains("fin-erreur"));
    let wrong = portal.post(REFERENT, "/referent/annonces/nouvelle", "texte=&debut=hier&fin=demain").await;
    assert!(["texte-erreur", "debut-erreur", "fin-erreur"].iter().all(|error| wrong.text.contains(error)));
    assert_eq!(portal.get(REFERENT, "/referent/annonces/retirer?annonce=1").await.status, 200);
    let sent = portal.post(REFERENT, "/referent/annonces/retirer", "annonce=1").await;
    assert_eq!(sent.location, "/referent/annonces?fait=retiree");
    assert!(announcements.standing(now).is_empty());
}

#[tokio::test]
async fn somebody_is_found_and_signed_out_on_a_machine_or_everywhere() {
    let portal = TestPortal::open().await;
    let identity = &portal.office.identity;
    let found = portal.get(REFERENT, "/referent/connexions?q=6a+dominique+ELEVE").await.text;
    assert!(found.contains("Dominique eleve") && !found.contains("Dominique enseignant"), "{found}");
    assert!(portal.get(REFERENT, "/referent/connexions?q=personne").await.text.contains("ne correspond"));
    let ask = format!("/referent/connexions/terminer?machine={}", machine(1));
    assert!(portal.get(REFERENT, &ask).await.text.contains("Dominique eleve"));
    let form = format!("machine={}", machine(1));
    let sent = portal.post(REFERENT, "/referent/connexions/terminer", &form).await;
    assert_eq!(sent.location, "/referent/connexions?fait=machine");
    assert!(identity.session_of(address(1)).is_none());
    assert_eq!(portal.post(REFERENT, "/referent/connexions/terminer", &form).await.status, 404);
    portal.secure.sign_in.sign_in("enseignant", "un mot de passe", &zone(), address(7)).await.unwrap();
    let form = format!("machine={}&partout=1", machine(2));
    let sent = portal.post(REFERENT, "/referent/connexions/terminer", &form).await;
    assert_eq!(sent.location, "/referent/connexions?fait=partout");
    assert!(identity.session_of(address(2)).is_none() && identity.session_of(address(7)).is_none());
    let trail = portal.get(REFERENT, "/referent/historique").await.text;
    assert!(trail.contains("déconnecte Dominique enseignant partout"), "{trail}");
    assert!(trail.contains("<strong>Dominique referent</strong>"), "{trail}");
}

#[tokio::test]
async fn what_is_wrong_comes_first_with_what_to_do() {
    let portal = TestPortal::open().await;
    assert!(portal.get(REFERENT, "/referent").await.text.contains("Tout va bien"));
    portal.health.send_replace(troubled(portal.office.now()));
    let page = portal.get(REFERENT, "/referent").await.text;
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("`{text}` is not on {page}"));
    assert!(
        at("La ligne Internet est coupée") < at("il reste 8 %") && at("il reste 8 %") < at("ont 40 jours")
    );
    assert!(!page.contains("Tout va bien"));
    let english = portal.get(REFERENT, "/referent?lang=en").await.text;
    assert!(english.contains("The Internet line has been down since"), "{english}");
}

fn troubled(now: crate::model::Moment) -> Snapshot {
    Snapshot {
        line_down_since: Some(now - Duration::from_secs(3600)),
        disk: Some(Disk { total_bytes: 100, free_bytes: 8 }),
        lists_of: Some(now - Duration::from_secs(40 * 24 * 3600)),
        configuration_refused: true,
        machines_doubled: 1,
        directory: DirectoryHealth { held: 1, quarantined: 2, ..DirectoryHealth::default() },
        ..sound()
    }
}

/// A portal with something on every page.
async fn lived_in() -> TestPortal {
    let portal = TestPortal::open().await;
    portal.office.identity.learn_neighbour(address(6), Some(machine(6)));
    let lease = "1900000000 02:00:5e:10:00:07 10.10.0.7 tableau-neuf *\n";
    portal.leases.send_replace(Arc::new(Leases::parse(lease.as_bytes()).0));
    for (path, form) in [
        ("machines/nouvelle", "machine=02:00:5e:10:00:06&nom=Imprimante+CDI&genre=imprimante&salle=CDI"),
        (
            "codes/nouveaux",
            "pour=R%C3%A9union+des+parents+de+sixi%C3%A8me&nombre=12&fin=2h&appareils=2&wifi=College-Invites",
        ),
        ("codes/nouveaux", "pour=Portes+ouvertes&nombre=3&fin=4h&appareils=1"),
        (
            "annonces/nouvelle",
            "texte=Brevet+blanc+jeudi+matin.%0ALes+salles+11+et+12+sont+prises.&fin=2027-06-01T18:00",
        ),
        (
            "annonces/nouvelle",
            "texte=Conseil+de+classe+de+6A&debut=2027-03-01T08:00&fin=2027-06-01T18:00&enseignant=oui",
        ),
    ] {
        let sent = portal.post(REFERENT, &format!("/referent/{path}"), form).await;
        assert_eq!(sent.status, 303, "{path}: {}", sent.text);
    }
    portal.health.send_replace(troubled(portal.office.now()));
    work(&portal).await;
    deliver(&portal);
    stock(&portal).await;
    portal
}

/// Pages of the area as people reach them, by a name for each.
const PAGES: [(&str, &str); 25] = [
    ("etat", "/referent"),
    ("historique", "/referent/historique"),
    ("machines", "/referent/machines?fait=enregistree"),
    ("machine-nouvelle", "/referent/machines/nouvelle?machine=02:00:5e:10:00:07"),
    ("machine-a-la-main", "/referent/machines/nouvelle"),
    ("machine-retirer", "/referent/machines/retirer?machine=02:00:5e:10:00:06"),
    ("codes", "/referent/codes"),
    ("codes-nouveaux", "/referent/codes/nouveaux"),
    ("codes-lot", "/referent/codes/lot?lot=1"),
    ("codes-retirer", "/referent/codes/retirer?lot=1"),
    ("codes-feuille", "/referent/codes/feuille?lot=1"),
    ("annonces", "/referent/annonces"),
    ("annonce-nouvelle", "/referent/annonces/nouvelle"),
    ("connexions", "/referent/connexions"),
    ("bibliotheque", "/referent/bibliotheque?fait=reprendre"),
    ("lecteur-bibliotheque", "/bibliotheque?q=atlas"),
    ("lecteur-paquet", "/bibliotheque/paquet/atlas"),
    ("interventions", "/referent/interventions?fait=terminee"),
    ("annuaire", "/referent/annuaire"),
    ("annuaire-livraison", "/referent/annuaire/livraison?livraison=2&noms=oui"),
    ("annuaire-accepter", "/referent/annuaire/accepter?livraison=2"),
    ("annuaire-date", "/referent/annuaire/date?livraison=2"),
    ("annuaire-abandonner", "/referent/annuaire/abandonner?livraison=2"),
    ("annuaire-refus", "/referent/annuaire/refus"),
    ("connexion-terminer", "/referent/connexions/terminer?machine=02:00:5e:10:00:01"),
];

#[tokio::test]
async fn each_page_has_one_heading_labels_and_nothing_inline_in_both_languages() {
    let portal = lived_in().await;
    for (name, path) in PAGES {
        for language in ["fr", "en"] {
            let joint = if path.contains('?') { '&' } else { '?' };
            let page = portal.get(REFERENT, &format!("{path}{joint}lang={language}")).await;
            assert_eq!(page.status, 200, "{name}");
            let html = page.text;
            assert_eq!(html.matches("<h1").count(), 1, "{name}");
            assert_eq!(html.matches("<main").count(), 1, "{name}");
            assert!(html.contains(&format!("<html lang=\"{language}\">")), "{name}");
            for forbidden in ["<script", "<style", " style=", " onclick", "javascript:", "<img", "<iframe"] {
                assert!(!html.contains(forbidden), "{name}: {forbidden}");
            }
            for tag in ["<input id=\"", "<textarea id=\""] {
                for field in html.split(tag).skip(1) {
                    let id = field.split('"').next().unwrap();
                    assert!(html.contains(&format!("<label for=\"{id}\">")), "{name}: {id}");
                }
            }
            for id in html.split("id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
                assert_eq!(html.matches(&format!(" id=\"{id}\"")).count(), 1, "{name}: {id}");
            }
            for described in
                html.split("aria-describedby=\"").skip(1).map(|rest| rest.split('"').next().unwrap())
            {
                for id in described.split(' ') {
                    assert!(html.contains(&format!(" id=\"{id}\"")), "{name}: {id}");
                }
            }
        }
    }
    let known: Vec<_> = PAGES.iter().map(|(_, path)| path.split('?').next().unwrap()).collect();
    for road in roads() {
        let is_known = known.contains(&road.path)
            || road.path.ends_with("modifier")
            || road.path == "/referent/annonces/retirer";
        assert!(is_known, "{} is not looked at", road.path);
    }
}

/// Writes every page to the folder named by `PREAU_PAGES_DIR`, to be looked at; does nothing without it.
#[tokio::test]
async fn pages_of_the_referent_can_be_looked_at() {
    let Some(dir) = std::env::var_os("PREAU_PAGES_DIR").map(PathBuf::from) else { return };
    let portal = lived_in().await;
    for (name, path) in PAGES {
        let html = portal.get(REFERENT, path).await.text;
        let html = html
            .replace("\"/style.css?v=", "\"style.css?v=")
            .replace("\"/referent/feuille.css", "\"feuille.css");
        std::fs::write(dir.join(format!("referent-{name}.html")), html).unwrap();
    }
    let wrong = portal.post(REFERENT, "/referent/codes/nouveaux", "nombre=99&fin=autre").await.text;
    std::fs::write(dir.join("referent-codes-faux.html"), wrong.replace("\"/style.css?v=", "\"style.css?v="))
        .unwrap();
    std::fs::write(dir.join("feuille.css"), sheet::STYLE).unwrap();
    std::fs::write(dir.join("style.css"), crate::portal::page::STYLE).unwrap();
}
