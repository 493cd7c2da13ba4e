//! Teachers' and pupils' pages as a browser asks for them, by every role.

use std::sync::Arc;

use argon2::{Argon2, Params, PasswordHash, PasswordHasher as _};
use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{Requests, Store},
    enforce::sign_in::SignIn,
    identity::{
        Directory, Identity,
        test_school::{School, address, machine, zone},
    },
    journal::{self, Journal},
    model::{Device, DeviceKind, RoomName},
    policy::{Policy, RuleFile},
    portal::{
        backstage::Backstage,
        page_tests::settings,
        secure::{self, Secure},
        visitor::Visitor,
    },
};

/// Who sits at machine 1, 2, …
const PEOPLE: [(&str, &str, &str); 6] = [
    ("Alix", "eleve", "6A"),
    ("Camille", "eleve", "6B"),
    ("Durand", "enseignant", "6A|5 B/2"),
    ("Sacha", "administratif", ""),
    ("Robin", "referent", ""),
    ("Charlie", "invite", ""),
];

const RULES: &str = "version = 1\nlevel = 'academie'\nname = 'x'\n[[rule]]\nid = 'a'\neffect = 'block'\nlocked = true\n\
    sites = ['interdit.example']\nreason = 'Non.'\n[[rule]]\nid = 'b'\neffect = 'block'\nsites = ['jeux.example']\n\
    reason = 'Non.'\n";

struct Portal {
    router: Router,
    identity: Identity,
    requests: Requests,
    school: School,
    _services: JoinSet<anyhow::Result<()>>,
}

impl Portal {
    async fn open() -> Self {
        let school = School::new();
        let identity = school.open();
        let cheap = Argon2::new(
            argon2::Algorithm::Argon2id,
            argon2::Version::V0x13,
            Params::new(64, 1, 1, None).unwrap(),
        );
        let hash: PasswordHash = cheap.hash_password(b"prune").unwrap();
        let lines = PEOPLE.map(|(name, role, classes)| {
            format!("{name},{name},{name} Exemple,{role},{classes},\"{hash}\"\n")
        });
        let csv = format!("id,login,name,role,classes,password\n{}", lines.concat());
        identity.replace_directory(Directory::parse(csv.as_bytes()).unwrap());
        let room = Some(RoomName::new("Salle 12"));
        let post = |number| Device {
            mac: machine(number),
            name: format!("Poste {number}"),
            kind: DeviceKind::Poste,
            room: room.clone(),
        };
        identity.replace_devices(vec![post(1), post(2)]);
        let clock = school.clock.clone();
        let journal_settings = journal::Settings { dir: school.dir.path().join("journal") };
        let (journal, writer) = Journal::open(&journal_settings, clock.clone()).unwrap();
        let (sign_in, service) = SignIn::new(identity.clone(), journal.clone(), clock.clone());
        let mut services = JoinSet::new();
        services.spawn(service.serve(CancellationToken::new()));
        services.spawn(writer.serve(CancellationToken::new()));
        for (number, (login, ..)) in (1..).zip(PEOPLE) {
            sign_in.sign_in(login, "prune", &zone("cdi", 10), address(number)).await.unwrap();
        }
        let rules = Policy::new(vec![RuleFile::parse(RULES).unwrap()], None).unwrap();
        let here = Arc::new(zone("cdi", 10));
        let store = Store::open(school.dir.path(), school.clock.clone()).unwrap();
        let people = (identity.clone(), sign_in);
        let Backstage { parts, .. } = Backstage::new(people, journal, store, rules, here, clock);
        let requests = parts.acts.requests.clone();
        let secure = Secure::new(&settings(), parts, CancellationToken::new()).unwrap();
        let router = secure::router(Arc::new(secure));
        Self { router, identity, requests, school, _services: services }
    }

    /// The status, where it leads, and the text.
    async fn answer(&self, number: u8, request: Request<Body>) -> (StatusCode, String, String) {
        let mut request = request;
        request.extensions_mut().insert(Visitor { source: address(number), zone: Arc::new(zone("cdi", 10)) });
        let response = TowerToHyperService::new(self.router.clone()).call(request).await.unwrap();
        let (head, body) = response.into_parts();
        let location = head.headers.get(header::LOCATION).map_or("", |place| place.to_str().unwrap());
        let location = location.to_owned();
        if head.headers.get(header::CONTENT_TYPE).is_some_and(|media| media == "text/event-stream") {
            return (head.status, location, String::new());
        }
        let bytes: Bytes = body.collect().await.unwrap().to_bytes();
        (head.status, location, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn get(&self, number: u8, path: &str) -> (StatusCode, String, String) {
        let request = Request::get(path).header(header::HOST, "portail.college.exemple");
        self.answer(number, request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, number: u8, path: &str, form: &str) -> (StatusCode, String, String) {
        let request = Request::post(path)
            .header(header::HOST, "portail.college.exemple")
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.answer(number, request.body(Body::from(form.to_owned())).unwrap()).await
    }

    /// The page after a form: the form must have led there.
    async fn sent(&self, number: u8, path: &str, form: &str) -> String {
        let (status, location, text) = self.post(number, path, form).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{form}: {text}");
        self.get(number, &location).await.2
    }
}

/// What stands for a pupil in the page of their class.
fn handle(page: &str) -> &str {
    page.split("/enseignant/eleve/").nth(1).unwrap().split('"').next().unwrap()
}

#[tokio::test]
async fn each_page_and_form_is_for_its_roles_alone() {
    let portal = Portal::open().await;
    let alix = handle(&portal.get(3, "/enseignant/classe/6A").await.2).to_owned();
    let alix = format!("/enseignant/eleve/{alix}");
    // Nobody, then pupil of 6A, pupil of 6B, teacher of 6A, office, referent, visitor.
    let pages = [
        ("/enseignant", [303, 403, 403, 200, 403, 200, 403]),
        ("/enseignant/classe/6A", [303, 403, 403, 200, 403, 200, 403]),
        ("/enseignant/classe/6B", [303, 403, 403, 403, 403, 200, 403]),
        ("/enseignant/classe/7Z", [303, 403, 403, 403, 403, 404, 403]),
        ("/enseignant/classe/5%20B%2F2", [303, 403, 403, 200, 403, 200, 403]),
        ("/enseignant/salle/Salle%2012", [303, 403, 403, 200, 403, 200, 403]),
        ("/enseignant/salle/Salle%2013", [303, 403, 403, 404, 403, 404, 403]),
        (alix.as_str(), [303, 403, 403, 200, 403, 200, 403]),
        ("/enseignant/eleve/0000000000000000", [303, 403, 403, 404, 403, 404, 403]),
        ("/enseignant/demandes", [303, 403, 403, 200, 403, 200, 403]),
        ("/enseignant/flux", [303, 403, 403, 200, 403, 200, 403]),
        ("/demandes", [303, 200, 200, 200, 200, 200, 403]),
        ("/demander?u=jeux.example", [303, 200, 200, 200, 200, 200, 403]),
    ];
    for (path, expected) in pages {
        // Nobody is signed in on machine 7.
        for (number, expected) in [7, 1, 2, 3, 4, 5, 6].into_iter().zip(expected) {
            let (status, location, text) = portal.get(number, path).await;
            assert_eq!(status.as_u16(), expected, "machine {number}, {path}");
            match expected {
                303 => assert_eq!(location, "/"),
                403 => assert!(text.contains("pas pour"), "{text}"),
                _ => {}
            }
        }
    }
    let form_of = |whom: &str| format!("pour=classe&nom={whom}&acte=fermer&duree=5");
    let forms = [
        ("/enseignant/decider", form_of("6A"), [303, 403, 403, 303, 403, 303, 403]),
        ("/enseignant/decider", form_of("6B"), [303, 403, 403, 403, 403, 303, 403]),
        ("/enseignant/annuler", "numero=99".to_owned(), [303, 403, 403, 404, 403, 404, 403]),
        ("/enseignant/demandes", "numero=9&reponse=refuser".to_owned(), [303, 403, 403, 404, 403, 404, 403]),
        ("/demander", "site=jeux.example".to_owned(), [303, 303, 303, 303, 303, 303, 403]),
    ];
    for (path, form, expected) in forms {
        for (number, expected) in [7, 1, 2, 3, 4, 5, 6].into_iter().zip(expected) {
            let (status, _, text) = portal.post(number, path, &form).await;
            assert_eq!(status.as_u16(), expected, "machine {number}, {path} {form}: {text}");
        }
    }
}

#[tokio::test]
async fn what_is_decided_is_told_with_its_end_and_undone_in_one_click() {
    let portal = Portal::open().await;
    let page = portal
        .sent(
            3,
            "/enseignant/decider",
            "pour=classe&nom=6A&acte=site&sites=https://www.jeux.example/x&duree=15",
        )
        .await;
    assert!(page.contains("Site ouvert\u{a0}: jeux.example pour la classe 6A jusqu’à"), "{page}");
    let number = page.split("name=\"numero\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(portal.get(3, "/enseignant").await.2.contains("jeux.example"));
    let page = portal.sent(3, "/enseignant/annuler", &format!("numero={number}")).await;
    assert!(page.contains("C’est annulé"), "{page}");
    assert_eq!(
        portal.post(3, "/enseignant/annuler", &format!("numero={number}")).await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn what_cannot_be_decided_is_told_beside_its_field_with_what_was_typed() {
    let portal = Portal::open().await;
    for (form, told) in [
        ("acte=site&sites=interdit.example&duree=15", "interdit.example est fermé par l&#39;académie"),
        ("acte=site&sites=pas+un+site&duree=15", "Ce n’est pas une adresse de site"),
        ("acte=examen&sites=a.example%0A%3F%3F&duree=15", "Ce n’est pas une adresse de site"),
        ("acte=site&sites=jeux.example&duree=500", "Cette durée n’est pas possible"),
        ("acte=examen&sites=jeux.example&duree=soir", "Cette durée n’est pas possible"),
    ] {
        let form = format!("pour=classe&nom=6A&{form}");
        let (status, _, page) = portal.post(3, "/enseignant/decider", &form).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(page.contains(told), "{form}: {page}");
        assert!(page.contains("aria-invalid=\"true\"") && page.contains("id=\"refus\""), "{form}");
    }
    assert_eq!(portal.post(3, "/enseignant/decider", "pour=classe").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_page_shows_nobody_it_is_not_about_and_no_identifier() {
    let portal = Portal::open().await;
    let class = portal.get(3, "/enseignant/classe/6A").await.2;
    assert!(
        class.contains("Alix Exemple") && class.contains("Salle 12, Poste 1") && !class.contains("Camille")
    );
    // In a room a teacher reads the names of their own pupils, and of the others only that somebody is there.
    let room = portal.get(3, "/enseignant/salle/Salle%2012").await.2;
    assert!(room.contains("Alix Exemple") && room.contains("Un élève d’une autre classe"), "{room}");
    assert!(!room.contains("Camille"));
    for page in [class, room] {
        assert!(!page.contains("\"Alix\"") && !page.contains("=Alix"), "{page}");
    }
    portal.sent(1, "/demander", "site=jeux.example&classe=6A&raison=Pour+l%27expos%C3%A9").await;
    let answers = portal.get(3, "/enseignant/demandes").await.2;
    assert!(answers.contains("Alix Exemple") && answers.contains("Pour l&#39;exposé"), "{answers}");
    let referent = portal.get(5, "/enseignant/demandes").await.2;
    assert!(!referent.contains("Alix") && referent.contains("Pour l&#39;exposé"), "{referent}");
    assert!(!portal.get(2, "/demandes").await.2.contains("jeux.example"));
}

#[tokio::test]
async fn a_request_goes_from_the_pupil_to_the_answer_and_back() {
    let portal = Portal::open().await;
    let (status, _, page) = portal.post(1, "/demander", "site=libre.example&classe=6A").await;
    assert!(status == StatusCode::OK && page.contains("déjà ouvert"), "{page}");
    let (status, _, page) = portal.post(1, "/demander", "site=%3F%3F&classe=6A&raison=gard%C3%A9").await;
    assert!(
        status == StatusCode::UNPROCESSABLE_ENTITY
            && page.contains("id=\"site-erreur\"")
            && page.contains("gardé")
    );
    assert_eq!(portal.post(1, "/demander", "site=jeux.example&classe=6B").await.0, StatusCode::FORBIDDEN);
    let own = portal.sent(1, "/demander", "site=interdit.example&classe=6A&raison=SVT").await;
    assert!(own.contains("Votre demande est envoyée") && own.contains("En attente"), "{own}");
    let (status, _, page) = portal.post(3, "/enseignant/demandes", "numero=1&reponse=ouvrir&duree=30").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("peut lui être transmise"), "{page}");
    let page = portal.sent(3, "/enseignant/demandes", "numero=1&reponse=transmettre").await;
    assert!(
        page.contains("Votre réponse est enregistrée") && page.contains("Transmis à l’académie"),
        "{page}"
    );
    assert!(portal.get(1, "/demandes").await.2.contains("Transmis à l’académie"));
    let site = "interdit.example".to_owned();
    portal.requests.settle(1, site, false, "Pas <b>ce</b> site.", portal.school.clock.now()).await.unwrap();
    for (number, path) in [(1, "/demandes"), (3, "/enseignant/demandes"), (5, "/enseignant/demandes")] {
        let page = portal.get(number, path).await.2;
        assert!(
            page.contains("Refusé par l’académie") && page.contains("Pas &#60;b&#62;ce"),
            "{path}: {page}"
        );
    }
}

#[tokio::test]
async fn a_teacher_asks_for_a_site_to_be_closed_and_the_referent_passes_it_on() {
    let portal = Portal::open().await;
    assert!(!portal.get(1, "/demander").await.2.contains("fermer"), "not for pupils");
    assert!(portal.get(3, "/demander").await.2.contains("<option value=\"fermer\">"));
    let (status, ..) = portal.post(1, "/demander", "site=libre.example&classe=6A&souhait=fermer").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let own = portal.sent(3, "/demander", "site=libre.example&souhait=fermer&raison=Triche").await;
    assert!(own.contains("Fermer ce site"), "{own}");
    let asked = portal.get(5, "/enseignant/demandes").await.2;
    assert!(asked.contains("À fermer") && !asked.contains("value=\"ouvrir\""), "{asked}");
    portal.sent(5, "/enseignant/demandes", "numero=1&reponse=transmettre&raison=Partout").await;
    let told = portal.requests.untold().await.unwrap();
    assert_eq!((told[0].wish.as_str(), told[0].word.as_str()), ("close", "Partout"));
}

#[tokio::test]
async fn a_page_written_by_hostile_hands_is_shown_and_never_obeyed() {
    let portal = Portal::open().await;
    let hostile = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    portal.sent(1, "/demander", &format!("site=jeux.example&classe=6A&raison={hostile}")).await;
    let own = Device {
        mac: machine(8),
        name: "<script>x</script>".to_owned(),
        kind: DeviceKind::Poste,
        room: Some(RoomName::new("<script>y</script>")),
    };
    portal.identity.replace_devices_of_pages(vec![own]);
    for (number, path) in [(1, "/demandes"), (3, "/enseignant/demandes"), (3, "/enseignant")] {
        let page = portal.get(number, path).await.2;
        assert!(!page.contains("<script>") && page.contains("&#60;script&#62;"), "{path}: {page}");
    }
    let (status, _, page) = portal
        .post(3, "/enseignant/decider", &format!("pour=classe&nom=6A&acte=examen&sites={hostile}&duree=5"))
        .await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && !page.contains("<script>"), "{page}");
}

/// Writes each page to the folder named by `PREAU_PAGES_DIR`, to be looked at; does nothing without it.
#[tokio::test]
async fn teachers_pages_can_be_looked_at() {
    let Some(dir) = std::env::var_os("PREAU_PAGES_DIR").map(std::path::PathBuf::from) else { return };
    let portal = Portal::open().await;
    portal.sent(1, "/demander", "site=jeux.example&classe=6A&raison=Pour+l%27expos%C3%A9+de+SVT").await;
    let done = portal.sent(3, "/enseignant/decider", "pour=classe&nom=6A&acte=ouvrir&duree=15").await;
    let exam = "pour=salle&nom=Salle+12&acte=examen&sites=dictionnaire.example&duree=55";
    portal.sent(3, "/enseignant/decider", exam).await;
    let (_, _, wrong) = portal
        .post(3, "/enseignant/decider", "pour=classe&nom=6A&acte=site&sites=interdit.example&duree=5")
        .await;
    let mut pages = vec![("classe", done), ("classe-refus", wrong)];
    for (name, number, path) in [
        ("enseignant", 3, "/enseignant"),
        ("salle", 3, "/enseignant/salle/Salle%2012"),
        ("reponses", 3, "/enseignant/demandes"),
        ("demandes", 1, "/demandes"),
        ("demander", 1, "/demander?u=jeux.example"),
        ("pas-pour-vous", 1, "/enseignant"),
    ] {
        pages.push((name, portal.get(number, path).await.2));
    }
    for (name, html) in pages {
        std::fs::write(dir.join(format!("{name}.html")), html.replace("\"/style.css", "\"style.css"))
            .unwrap();
    }
    std::fs::write(dir.join("style.css"), crate::portal::page::STYLE).unwrap();
}

#[test]
fn the_script_is_small() {
    assert!(super::routes::SCRIPT.len() <= 5 * 1024, "{} bytes", super::routes::SCRIPT.len());
}
