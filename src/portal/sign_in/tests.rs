//! Signing in and out as a browser does it, through the whole road of port 443 but its socket.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    admin::Store,
    enforce::{ent::Ent, sign_in::SignIn},
    identity::{
        EntMatch, Identity, Voucher, VoucherCode,
        test_school::{School, address, register, zone},
    },
    journal::{self, Journal},
    model::{Account, AccountId, Assurance, Role},
    policy::Policy,
    portal::{
        Application, CasSettings, Dialect, Settings, UserWord,
        backstage::Backstage,
        page_tests::settings,
        secure::{self, Secure},
        visitor::Visitor,
    },
};

/// A portal with its journal and the writer of sessions behind it.
struct Portal {
    router: Router,
    identity: Identity,
    ent: Ent,
    sign_in: SignIn,
    school: School,
    _services: JoinSet<anyhow::Result<()>>,
}

/// What a browser keeps of an answer.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn leads_to(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.headers[header::LOCATION].to_str().unwrap()
    }

    /// The session's cookie as the browser sends it back; empty where it was taken away.
    fn cookie(&self) -> Option<String> {
        let mut given = self.headers.get_all(header::SET_COOKIE).iter().map(|field| field.to_str().unwrap());
        let mine = given.rfind(|cookie| cookie.starts_with("__Host-preau="))?;
        let pair = mine.split(';').next().unwrap();
        Some(if mine.contains("Max-Age=0") { String::new() } else { pair.to_owned() })
    }
}

impl Portal {
    fn open() -> Self {
        Self::of(School::new(), Vec::new())
    }

    /// One that is a CAS server for `applications`.
    fn of(school: School, applications: Vec<Application>) -> Self {
        let identity = school.open();
        identity.replace_register(register(&[("SASHA", None)]));
        let clock = school.clock.clone();
        let journal_settings = journal::Settings { dir: school.dir.path().join("journal") };
        let (journal, writer) = Journal::open(&journal_settings, clock.clone()).unwrap();
        let (sign_in, service) = SignIn::new(identity.clone(), journal.clone(), clock.clone());
        let mut services = JoinSet::new();
        services.spawn(service.serve(CancellationToken::new()));
        services.spawn(writer.serve(CancellationToken::new()));
        let (store, here) =
            (Store::open(school.dir.path(), clock.clone()).unwrap(), Arc::new(zone("cdi", 10)));
        let rules = Policy::new(Vec::new(), None).unwrap();
        let people = (identity.clone(), sign_in.clone());
        let Backstage { parts, .. } = Backstage::new(people, journal, store, rules, here, clock);
        let ent = parts.ent.clone().unwrap();
        let settings = settings();
        let cas = CasSettings { applications, ..settings.cas };
        let settings = Settings { cas, ..settings };
        let secure = Secure::new(&settings, parts, CancellationToken::new()).unwrap();
        let router = secure::router(Arc::new(secure));
        Self { router, identity, ent, sign_in, school, _services: services }
    }

    async fn answer(&self, request: Request<Body>, number: u8) -> Answer {
        let mut request = request;
        request.extensions_mut().insert(Visitor { source: address(number), zone: Arc::new(zone("cdi", 10)) });
        let response = TowerToHyperService::new(self.router.clone()).call(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes: Bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    async fn get(&self, path: &str, cookie: &str, number: u8) -> Answer {
        let request = Request::get(path).header(header::HOST, "portail.college.exemple");
        self.answer(request.header(header::COOKIE, cookie).body(Body::empty()).unwrap(), number).await
    }

    async fn post(&self, path: &str, form: &str, cookie: &str, number: u8) -> Answer {
        let request = Request::post(path)
            .header(header::HOST, "portail.college.exemple")
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::COOKIE, cookie);
        self.answer(request.body(Body::from(form.to_owned())).unwrap(), number).await
    }

    /// Who is signed in on machine `number`, by the account's identifier.
    fn at(&self, number: u8) -> Option<String> {
        let session = self.identity.session_of(address(number))?;
        Some(session.account.id.as_str().to_owned())
    }
}

const CAMILLE: &str = "identifiant=camille&mot_de_passe=cerise";

#[tokio::test]
async fn a_sign_in_gives_the_browser_a_token_of_its_own_and_never_one_it_brought() {
    let portal = Portal::open();
    let brought = "__Host-preau=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let first = portal.post("/connexion", CAMILLE, brought, 1).await;
    assert_eq!(first.leads_to(), "/");
    let given = first.cookie().unwrap();
    assert_ne!(given, brought);
    let second = portal.post("/connexion", CAMILLE, &given, 1).await;
    assert_ne!(second.cookie().unwrap(), given);
    // What the browser brought, and what it had before, prove nothing.
    for stale in [brought, &given] {
        assert_eq!(portal.post("/reprendre", "", stale, 2).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(portal.at(2), None);
}

#[tokio::test]
async fn a_browser_whose_machine_has_another_address_takes_its_session_along_in_one_click() {
    let portal = Portal::open();
    let signed_in = portal.post("/connexion", CAMILLE, "", 1).await;
    let cookie = signed_in.cookie().unwrap();
    let page = portal.get("/", &cookie, 2).await;
    assert!(page.text.contains("Reprendre ma session, Camille"), "{}", page.text);
    assert!(!portal.get("/", "", 2).await.text.contains("/reprendre"));
    let resumed = portal.post("/reprendre", "suite=http%3A%2F%2Fa.fr%2F", &cookie, 2).await;
    assert_eq!(resumed.leads_to(), "/?suite=http%3A%2F%2Fa.fr%2F");
    assert_eq!((portal.at(1), portal.at(2)), (None, Some(String::from("E1"))));
    assert_ne!(resumed.cookie().unwrap(), cookie);
    let late = portal.post("/reprendre", "", &cookie, 3).await;
    assert_eq!(late.status, StatusCode::FORBIDDEN);
    assert!(late.text.contains("ne peut pas être reprise"));
}

#[tokio::test]
async fn signing_out_takes_the_token_back_and_everywhere_means_everywhere() {
    let portal = Portal::open();
    for number in [1, 2] {
        portal.post("/connexion", CAMILLE, "", number).await;
    }
    portal.post("/connexion", "identifiant=alix&mot_de_passe=prune", "", 3).await;
    let left = portal.post("/deconnexion/partout", "", "", 2).await;
    assert_eq!((left.leads_to(), left.cookie().as_deref()), ("/?parti=partout", Some("")));
    assert_eq!((portal.at(1), portal.at(2), portal.at(3)), (None, None, Some(String::from("E2"))));
    assert!(portal.get("/?parti=partout", "", 2).await.text.contains("tous vos appareils"));
    let here = portal.post("/deconnexion", "", "", 3).await;
    assert_eq!((here.leads_to(), here.cookie().as_deref()), ("/?parti=1", Some("")));
    assert_eq!(portal.post("/deconnexion/partout", "", "", 3).await.leads_to(), "/?parti=1");
}

#[tokio::test]
async fn a_machine_is_handed_to_the_next_pupil_in_one_click() {
    let portal = Portal::open();
    portal.post("/connexion", CAMILLE, "", 1).await;
    let left = portal.post("/deconnexion/suivant", "", "", 1).await;
    assert_eq!((left.leads_to(), left.cookie().as_deref()), ("/?parti=suivant", Some("")));
    assert_eq!(portal.at(1), None);
    let page = portal.get("/?parti=suivant", "", 1).await.text;
    let first_field = page.split("<input id=\"identifiant\"").nth(1).unwrap().split('>').next().unwrap();
    assert!(first_field.contains("autofocus") && !page.contains("camille"), "{page}");
}

#[tokio::test]
async fn a_form_that_another_site_sends_signs_nobody_in_or_out() {
    let portal = Portal::open();
    portal.post("/connexion", CAMILLE, "", 1).await;
    let roads = [
        "/connexion",
        "/connexion/visiteur",
        "/reprendre",
        "/deconnexion",
        "/deconnexion/suivant",
        "/deconnexion/partout",
        "/mot-de-passe",
    ];
    for road in roads {
        let request = Request::post(road)
            .header(header::HOST, "portail.college.exemple")
            .header("sec-fetch-site", "cross-site")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = portal.answer(request.body(Body::from(CAMILLE)).unwrap(), 1).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{road}");
        assert!(answer.cookie().is_none(), "{road}");
    }
    assert_eq!(portal.at(1).as_deref(), Some("E1"));
}

#[tokio::test]
async fn a_visitor_signs_in_by_the_code_of_a_voucher() {
    let portal = Portal::open();
    let code = VoucherCode::random().unwrap();
    let account = Account {
        id: AccountId::new("voucher:1:1"),
        display_name: String::from("Visiteur 1"),
        role: Role::Invite,
        classes: Vec::new(),
    };
    let until = portal.school.clock.now() + std::time::Duration::from_secs(600);
    portal.identity.replace_vouchers([Voucher { account, code: code.digest(), until, machines_max: 1 }]);
    let wrong = portal.post("/connexion/visiteur", "code=K7M2P-9XQRT", "", 1).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    assert!(
        wrong.text.contains("aria-describedby=\"code-aide refus-code\"") && !wrong.text.contains("K7M2P")
    );
    let typed = format!("code={}", code.text().to_lowercase().replace('-', "+"));
    let right = portal.post("/connexion/visiteur", &typed, "", 1).await;
    assert_eq!(right.leads_to(), "/");
    assert!(right.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=600;"));
    assert_eq!(portal.at(1).as_deref(), Some("voucher:1:1"));
}

#[tokio::test]
async fn who_comes_from_the_ent_is_offered_a_password_which_counts_when_it_is_away() {
    let portal = Portal::open();
    portal.ent.seen_for_tests(&portal.identity, true);
    let page = portal.get("/?suite=http%3A%2F%2Fa.fr%2F", "", 1).await.text;
    assert!(page.contains("href=\"/connexion/ent?suite=http%3A%2F%2Fa.fr%2F\""), "{page}");
    let verified = portal.identity.verified_by_ent("SASHA", EntMatch::Id).unwrap();
    let source: IpAddr = address(1);
    let begun = portal.sign_in.sign_in_verified(verified, &zone("cdi", 10), source).await.unwrap();
    let mine = format!("__Host-preau={}", begun.token.text());
    let offer = portal.get("/mot-de-passe", &mine, 1).await;
    assert!(offer.status == StatusCode::OK && offer.text.contains("name=\"nouveau\""));
    for (form, told) in [
        ("nouveau=framboise&encore=fraise", "ne sont pas les mêmes"),
        ("nouveau=court&encore=court", "Trop court"),
    ] {
        let refused = portal.post("/mot-de-passe", form, &mine, 1).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains(told) && !refused.text.contains("framboise"), "{}", refused.text);
    }
    let taken = portal.post("/mot-de-passe", "nouveau=framboise&encore=framboise", &mine, 1).await;
    assert_eq!(taken.leads_to(), "/mot-de-passe?fait=1");
    assert!(portal.get("/mot-de-passe?fait=1", &mine, 1).await.text.contains("C’est noté"));
    let form = "identifiant=sasha&mot_de_passe=framboise";
    let refused = portal.post("/connexion", form, "", 2).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains("connectez-vous par l’ENT") && refused.text.contains("/connexion/ent"));
    portal.ent.seen_for_tests(&portal.identity, false);
    assert!(portal.get("/", "", 2).await.text.contains("L’ENT ne répond pas"));
    let offline = portal.post("/connexion", form, "", 2).await;
    assert_eq!(offline.leads_to(), "/");
    let session = portal.identity.session_of(address(2)).unwrap();
    assert_eq!(session.assurance, Assurance::Offline);
    // A session that was not begun at the ENT changes no password.
    let theirs = offline.cookie().unwrap();
    assert_eq!(portal.get("/mot-de-passe", &theirs, 2).await.status, StatusCode::FORBIDDEN);
    let chosen = portal.post("/mot-de-passe", "nouveau=abricots&encore=abricots", &theirs, 2).await;
    assert_eq!(chosen.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_copied_hardware_address_chooses_no_password_for_the_days_without_internet() {
    let portal = Portal::open();
    portal.ent.seen_for_tests(&portal.identity, true);
    let verified = portal.identity.verified_by_ent("SASHA", EntMatch::Id).unwrap();
    portal.sign_in.sign_in_verified(verified, &zone("cdi", 10), address(1)).await.unwrap();
    // Another browser at the same hardware address: without a token, and with that of its own session elsewhere.
    let elsewhere = portal.post("/connexion", "identifiant=camille&mot_de_passe=cerise", "", 2).await;
    for cookie in [String::new(), elsewhere.cookie().unwrap()] {
        assert_eq!(portal.get("/mot-de-passe", &cookie, 1).await.status, StatusCode::FORBIDDEN);
        let chosen = portal.post("/mot-de-passe", "nouveau=abricots&encore=abricots", &cookie, 1).await;
        assert_eq!(chosen.status, StatusCode::FORBIDDEN, "{cookie}");
    }
    assert!(!portal.identity.has_offline_password(&AccountId::new("SASHA")));
}

#[tokio::test]
async fn an_unknown_login_and_a_wrong_password_read_alike_and_no_password_comes_back() {
    let portal = Portal::open();
    let mut told = Vec::new();
    for (login, number) in [("camille", 1), ("inconnue", 2), ("sasha", 3)] {
        let form = format!("identifiant={login}&mot_de_passe=Devinette1");
        let refused = portal.post("/connexion", &form, "", number).await;
        assert!(!refused.text.contains("Devinette1"));
        told.push((refused.status, refused.text.replace(login, "")));
    }
    assert!(told.iter().all(|each| *each == told[0]));
}

#[tokio::test]
async fn the_page_of_another_site_makes_nobody_leave_for_the_ent() {
    let portal = Portal::open();
    portal.ent.seen_for_tests(&portal.identity, true);
    let leave = |site: &str| {
        Request::get("/connexion/ent?suite=http%3A%2F%2Fa.fr%2F")
            .header(header::HOST, "portail.college.exemple")
            .header("sec-fetch-site", site)
            .body(Body::empty())
            .unwrap()
    };
    let lured = portal.answer(leave("cross-site"), 1).await;
    assert_eq!(lured.leads_to(), "/?suite=http%3A%2F%2Fa.fr%2F");
    assert!(lured.headers.get(header::SET_COOKIE).is_none());
    let left = portal.answer(leave("same-origin"), 1).await;
    assert!(left.headers[header::SET_COOKIE].to_str().unwrap().starts_with("__Host-preau-ent="));
}

#[tokio::test]
async fn a_sign_out_at_the_ent_ends_the_session_that_was_taken_along() {
    let portal = Portal::open();
    portal.ent.seen_for_tests(&portal.identity, true);
    let verified = portal.identity.verified_by_ent("SASHA", EntMatch::Id).unwrap();
    let begun = portal.sign_in.sign_in_verified(verified, &zone("cdi", 10), address(1)).await.unwrap();
    portal.ent.note_session("ST-1", begun.view.machine, begun.view.account.id.clone());
    let mine = format!("__Host-preau={}", begun.token.text());
    portal.post("/reprendre", "", &mine, 2).await;
    assert_eq!((portal.at(1), portal.at(2).as_deref()), (None, Some("SASHA")));
    let request = "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
                   <samlp:SessionIndex>ST-1</samlp:SessionIndex></samlp:LogoutRequest>";
    let form = format!("logoutRequest={}", crate::portal::wanted::query_value(request));
    portal.post("/connexion/ent/retour", &form, "", 3).await;
    assert_eq!(portal.at(2), None);
}

#[tokio::test]
async fn renew_wants_the_password_given_and_not_that_the_ent_knew_the_person() {
    let school = School::new();
    let application = application(&school);
    let portal = Portal::of(school, vec![application]);
    portal.ent.seen_for_tests(&portal.identity, true);
    let verified = portal.identity.verified_by_ent("SASHA", EntMatch::Id).unwrap();
    portal.sign_in.sign_in_verified(verified, &zone("cdi", 10), address(1)).await.unwrap();
    let asked = portal.get("/cas/login?service=https%3A%2F%2Fappli.exemple%2F&renew=true", "", 1).await;
    assert!(asked.status == StatusCode::OK && asked.text.contains("/connexion/ent?autre=1"));
    let plain = portal.get("/cas/login?service=https%3A%2F%2Fappli.exemple%2F", "", 1).await;
    assert!(plain.leads_to().contains("ticket=ST-"));
}

/// An application at `https://appli.exemple/`, whose authority is a file of the school's directory.
fn application(school: &School) -> Application {
    let authority = rcgen::generate_simple_self_signed([String::from("appli.exemple")]).unwrap();
    let authorities_path = school.dir.path().join("authority.pem");
    std::fs::write(&authorities_path, authority.cert.pem()).unwrap();
    Application {
        name: String::from("Casier"),
        services: vec!["https://appli.exemple/*".parse().unwrap()],
        at: None,
        authorities_path: Some(authorities_path),
        user: UserWord::Id,
        roles: Vec::new(),
        proxies: false,
        dialect: Dialect::default(),
    }
}

#[tokio::test]
async fn an_application_s_form_tries_no_password_for_an_address_without_a_machine() {
    let school = School::new();
    let application = application(&school);
    let portal = Portal::of(school, vec![application]);
    let form =
        |password| format!("service=https%3A%2F%2Fappli.exemple%2F&username=camille&password={password}");
    // Nobody knows the machine behind address 200: the right password and a wrong one read alike.
    let right = portal.post("/cas/login", &form("cerise"), "", 200).await;
    let wrong = portal.post("/cas/login", &form("pomme"), "", 200).await;
    assert_eq!((right.status, &right.text), (wrong.status, &wrong.text));
    assert_eq!(right.status, StatusCode::SERVICE_UNAVAILABLE);
    let known = portal.post("/cas/login", &form("cerise"), "", 1).await;
    assert!(known.leads_to().starts_with("https://appli.exemple/?ticket=ST-"));
}
