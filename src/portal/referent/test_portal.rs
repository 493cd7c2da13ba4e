//! A portal for the tests of the area: a school with a person of each role at a machine of their own, and nobody at the
//! last one.

use std::sync::{Arc, LazyLock};

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request, Response, header},
};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{Office, Snapshot},
    enforce::sign_in::SignIn,
    identity::{Directory, hash_password, test_school::address},
    journal::{self, Journal},
    lan::Leases,
    library::{self, Library},
    model::{Role, Zone},
    policy::Policy,
    portal::{
        backstage::Backstage,
        page_tests::{settings, zone},
        secure::{self, Secure},
        visitor::Visitor,
    },
};

const PASSWORD: &str = "un mot de passe";

/// A portal with people at its machines. Dropping it ends its services.
pub(super) struct TestPortal {
    pub(super) office: Office,
    pub(super) secure: Arc<Secure>,
    pub(super) health: watch::Sender<Snapshot>,
    pub(super) leases: watch::Sender<Arc<Leases>>,
    zone: Arc<Zone>,
    services: JoinSet<anyhow::Result<()>>,
}

/// An answer, its body read.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) location: String,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl TestPortal {
    /// A person of each role of [`Role::ALL`] signed in at machine 1, 2 and so on; nobody at machine 8.
    pub(super) async fn open() -> Self {
        let office = Office::new();
        let identity = office.identity.clone();
        identity.replace_directory(directory());
        let (zone, clock, dir) = (Arc::new(zone()), office.school.clock.clone(), office.school.dir.path());
        let journal_settings = journal::Settings { dir: dir.join("journal") };
        let (journal, writer) = Journal::open(&journal_settings, clock.clone()).unwrap();
        let (sign_in, service) = SignIn::new(identity.clone(), journal.clone(), clock.clone());
        let (mut services, stop) = (JoinSet::new(), CancellationToken::new());
        services.spawn(writer.serve(stop.clone()));
        services.spawn(service.serve(stop.clone()));
        let rules = Policy::new(Vec::new(), None).unwrap();
        let people = (identity.clone(), sign_in);
        let Backstage { mut parts, health, leases } =
            Backstage::new(people, journal, office.store(), rules, zone.clone(), clock);
        let shelves = library::Settings { dir: dir.join("library"), quota_bytes: 5_000_000_000 };
        let (library, library_service) = Library::open(shelves, parts.clock.clone()).unwrap();
        services.spawn(library_service.serve(stop.clone()));
        parts.library = Some(library);
        health.send_replace(sound());
        let secure = Arc::new(Secure::new(&settings(), parts, CancellationToken::new()).unwrap());
        for (role, number) in Role::ALL.into_iter().zip(1..) {
            secure.sign_in.sign_in(role.word(), PASSWORD, &zone, address(number)).await.unwrap();
        }
        Self { office, secure, health, leases, zone, services }
    }

    /// What `role`, or nobody, is answered when their browser asks for `path`.
    pub(super) async fn get(&self, role: Option<Role>, path: &str) -> Answer {
        self.ask(role, Request::get(path), Body::empty()).await
    }

    /// As [`TestPortal::get`], with a field of the request.
    pub(super) async fn get_with(&self, role: Role, path: &str, (name, value): (&str, &str)) -> Answer {
        self.ask(Some(role), Request::get(path).header(name, value), Body::empty()).await
    }

    /// What `role`, or nobody, is answered when their browser sends a form to `path`.
    pub(super) async fn post(&self, role: Option<Role>, path: &str, form: &str) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.ask(role, request, Body::from(form.to_owned())).await
    }

    /// As [`TestPortal::post`], where the browser says that the form comes from another `place` than the portal.
    pub(super) async fn post_from(&self, role: Role, path: &str, form: &str, place: &str) -> Answer {
        let request = Request::post(path).header("sec-fetch-site", place);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.ask(Some(role), request, Body::from(form.to_owned())).await
    }

    async fn ask(&self, role: Option<Role>, request: axum::http::request::Builder, body: Body) -> Answer {
        assert_eq!(self.services.len(), 3);
        let machine =
            role.and_then(|role| Role::ALL.iter().position(|known| *known == role)).map_or(8, |at| at + 1);
        let visitor = Visitor { source: address(u8::try_from(machine).unwrap()), zone: self.zone.clone() };
        let request = request.header(header::HOST, "portail.college.exemple").extension(visitor);
        let router = TowerToHyperService::new(secure::router(self.secure.clone()));
        let answer: Response<Body> = router.call(request.body(body).unwrap()).await.unwrap();
        let location = answer.headers().get(header::LOCATION);
        let location = location.map(|place| place.to_str().unwrap().to_owned()).unwrap_or_default();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        Answer { status, location, headers, text: String::from_utf8(text.to_vec()).unwrap() }
    }
}

/// A box that nothing is wrong with.
pub(super) fn sound() -> Snapshot {
    Snapshot { gate_open: true, journal_writes: true, ..Snapshot::default() }
}

/// A person of each role, whose login is the role's word.
fn directory() -> Directory {
    static HASH: LazyLock<String> = LazyLock::new(|| hash_password(PASSWORD).unwrap());
    let mut csv = String::from("id,login,name,role,classes,password\n");
    for role in Role::ALL {
        let word = role.word();
        csv.push_str(&format!("X-{word},{word},Dominique {word},{word},6A,\"{}\"\n", *HASH));
    }
    Directory::parse(csv.as_bytes()).unwrap()
}
