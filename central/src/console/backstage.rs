//! A console on a database of its own, persons with rights, and requests as browsers send them, for tests.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use preau::{
    identity::feed::CsvDescription,
    model::{Moment, Uai},
    protocol::{
        content::Kind,
        counts::{DayCounts, Names, Persons, Questions},
        line::{PassedOn, Report},
    },
    system::clock::Clock,
};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    client::Certified,
    connection::Peer,
    parts::{Parts, Settings},
    road::{Console, router},
    visit::SESSION_COOKIE,
};
use crate::{
    accounts::{self, Accounts, Import},
    audit,
    authority::{self, Authority, By},
    bucket::{self, Bucket},
    channel::{self, Channel},
    content::{self, Content},
    database::{Database, trial},
    editions,
    fleet::{
        observed, orders,
        policy::{self, Lists, TwoPersons},
        requests,
        schools::{self, School},
        statistics,
    },
    people::{self, Choice, CodeKey, People},
    words::{Actor, DepartementCode, Grant, GroupName, PersonId, Place, Right},
};

/// The name of the console.
pub(super) const NAME: &str = "console.exemple";

/// Everybody's password.
pub(super) const PASSWORD: &str = "cheval pile agrafe";

/// When tests begin: 2026-11-23, 08:05 in Paris.
const BEGIN: i64 = 1_795_417_500_000;

/// What the columns of [`feed`] mean.
pub(super) const COLUMNS: &str = "separator = \",\"\n[columns]\nid = \"id\"\nfamily_name = \"nom\"\n\
    given_name = \"prenom\"\nrole = \"role\"\nschool = \"uai\"\n[roles]\neleve = \"eleve\"\n";

/// A CSV of so many pupils at each school, and a record without a name.
pub(super) fn feed(schools: &[&str], pupils: usize) -> String {
    let mut text = String::from("id,nom,prenom,role,uai\nX1,,Sans,eleve,0800001A\n");
    for school in schools {
        for number in 1..=pupils {
            text.push_str(&format!("{school}{number},EXEMPLE,Élève {number},eleve,{school}\n"));
        }
    }
    text
}

/// A console.
pub(super) struct Backstage {
    pub(super) database: Database,
    pub(super) people: People,
    pub(super) accounts: Accounts,
    pub(super) settings: Settings,
    pub(super) parts: Parts,
    router: Router,
    now: Arc<AtomicI64>,
    first: Actor,
    _dir: TempDir,
}

/// Somebody who came in, with the browser they have.
#[derive(Clone, Debug)]
pub(super) struct Browser {
    pub(super) id: PersonId,
    pub(super) key: CodeKey,
    pub(super) cookies: String,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Backstage {
    /// A console with two schools in the Somme (one of them in the group `rep-plus`) and one in the Oise.
    pub(super) async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let parts = [
            audit::PART,
            people::PART,
            schools::PART,
            channel::PART,
            authority::PART,
            accounts::PART,
            content::PART,
            observed::PART,
            orders::PART,
            requests::PART,
            policy::PART,
            statistics::PART,
            editions::PART,
        ];
        let database = Database::open(&trial::location(&dir.path().join("x")).await, &parts).await.unwrap();
        let now = Arc::new(AtomicI64::new(BEGIN));
        let told = Arc::clone(&now);
        let clock = Clock::from_fn(move || Moment::from_unix_milliseconds(told.load(Ordering::Relaxed)));
        let people = People::new(database.clone(), clock.clone());
        let settings = Settings {
            academie: String::from("Académie d’Exemple"),
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            name: NAME.parse().unwrap(),
            certificate_path: dir.path().join("console.pem"),
            key_path: dir.path().join("console.key"),
            clients: None,
        };
        let keys_dir = dir.path().join("keys");
        channel::found(&database, &keys_dir, &dir.path().join("away"), &clock).await.unwrap();
        authority::make(&keys_dir, clock.now()).unwrap();
        let bucket = Bucket::open(&bucket::Location::Folder(dir.path().join("repository"))).unwrap();
        let channel =
            Channel::open(database.clone(), bucket.clone(), &keys_dir, clock.clone()).await.unwrap();
        let url = "https://central.exemple:8443".parse().unwrap();
        let authority =
            Authority::open(database.clone(), &keys_dir, &url, channel.first_root(), clock.clone());
        let authority = authority.await.unwrap();
        let (_, lists) = watch::channel(Lists::none());
        let work_dir = dir.path().join("work");
        let content =
            Content::new(database.clone(), bucket, channel.clone(), work_dir.clone(), clock.clone());
        let accounts =
            Accounts::new(database.clone(), channel.clone(), authority.clone(), clock.clone(), work_dir);
        let parts = Parts {
            database: database.clone(),
            clock,
            accounts: accounts.clone(),
            content,
            people: people.clone(),
            authority,
            channel,
            lists,
            two_persons: TwoPersons::default(),
        };
        let console = Arc::new(Console::new(settings.clone(), parts.clone(), CancellationToken::new()));
        let router = router(console);
        let grants = Right::ALL.map(|right| Grant { right, place: Place::Academie }).into_iter().collect();
        let first = Actor { id: PersonId(0), name: String::from("Le Test"), grants };
        let backstage = Self { database, people, accounts, settings, parts, router, now, first, _dir: dir };
        backstage.enter_schools().await;
        backstage
    }

    async fn enter_schools(&self) {
        let mut write = self.database.write().await.unwrap();
        for (code, name, town, departement) in [
            ("0800001A", "Collège Anne Frank", "Amiens", "80"),
            ("0800002B", "École Jules Verne", "Abbeville", "80"),
            ("0600003C", "Lycée <b>Jean</b> & Fils", "Beauvais", "60"),
        ] {
            let school = School {
                uai: Uai::new(code).unwrap(),
                name: name.into(),
                kind: "Collège".into(),
                town: town.into(),
                departement: DepartementCode::new(departement).unwrap(),
            };
            schools::enter(&mut write, &school).await.unwrap();
        }
        let (group, uai) = (GroupName::new("rep-plus").unwrap(), Uai::new("0800001A").unwrap());
        schools::put_into(&mut write, &group, &uai).await.unwrap();
        write.commit().await.unwrap();
    }

    /// What the clock says.
    pub(super) fn now(&self) -> Moment {
        Moment::from_unix_milliseconds(self.now.load(Ordering::Relaxed))
    }

    /// Lets time pass.
    pub(super) fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    /// Somebody with everything over the académie who is nobody of the register: for what tests prepare.
    pub(super) fn granted(&self, right: Right, place: &Place) -> crate::words::Granted {
        self.first.may(right, place, &[]).unwrap()
    }

    /// An active person with `grants`; gives their number and the key of their codes.
    pub(super) async fn person(&self, login: &str, grants: &[(Right, Place)]) -> (PersonId, CodeKey) {
        let mut write = self.database.write().await.unwrap();
        let over = self.granted(Right::People, &Place::Academie);
        let name = format!("Camille {login}");
        let invited = people::invite(&mut write, self.now(), &over, login, &name).await.unwrap().unwrap();
        for (right, place) in grants {
            let granted = self.granted(Right::People, place);
            people::give(&mut write, self.now(), &granted, invited.id, *right).await.unwrap().unwrap();
        }
        write.commit().await.unwrap();
        let key = self.people.look(&invited.token).await.unwrap().unwrap().key;
        let choice = Choice { password: PASSWORD, again: PASSWORD, code: &key.code_at(self.now()) };
        self.people.accept(&invited.token, choice).await.unwrap().unwrap();
        self.pass(30);
        (invited.id, key)
    }

    /// A person with `grants` who came in.
    pub(super) async fn browser(&self, login: &str, grants: &[(Right, Place)]) -> Browser {
        let (id, key) = self.person(login, grants).await;
        let address = IpAddr::from([192, 0, 2, 7]);
        let stage = self.people.sign_in(login, PASSWORD, address).await.unwrap().unwrap();
        let code = key.code_at(self.now());
        let token = self.people.prove(&stage, &code, address, "Essai").await.unwrap().unwrap();
        self.pass(30);
        Browser { id, key, cookies: format!("{SESSION_COOKIE}={}", token.text()) }
    }

    /// A person with every right over the académie who came in.
    pub(super) async fn chief(&self) -> Browser {
        self.browser("chef", &Right::ALL.map(|right| (right, Place::Academie))).await
    }

    /// Sends a request with `cookies`, in the words of our own pages.
    pub(super) async fn send(&self, method: Method, path: &str, cookies: &str, body: &str) -> Got {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, NAME)
            .header("sec-fetch-site", "same-origin")
            .header(header::COOKIE, cookies)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body.to_owned()))
            .unwrap();
        self.send_request(request).await
    }

    /// Sends any request.
    pub(super) async fn send_request(&self, mut request: Request<Body>) -> Got {
        request.extensions_mut().insert(Peer(IpAddr::from([192, 0, 2, 7])));
        request.extensions_mut().insert(Certified::default());
        let service = TowerToHyperService::new(self.router.clone());
        let response = service.call(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Got { status: head.status, headers: head.headers, text }
    }

    /// Sends a form with files; each field with its name, what its file is called, and its content.
    pub(super) async fn upload(
        &self,
        browser: &Browser,
        path: &str,
        fields: &[(&str, Option<&str>, &str)],
    ) -> Got {
        let mut body = String::new();
        for (name, file, content) in fields {
            let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
            let head = format!("Content-Disposition: form-data; name=\"{name}\"{file}");
            body.push_str(&format!("--b\r\n{head}\r\n\r\n{content}\r\n"));
        }
        body.push_str("--b--\r\n");
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::HOST, NAME)
            .header("sec-fetch-site", "same-origin")
            .header(header::COOKIE, &browser.cookies)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
            .body(Body::from(body))
            .unwrap();
        self.send_request(request).await
    }

    /// Has a feed come by the command line, of so many pupils at each school, and a record that cannot be taken.
    pub(super) async fn bring(&self, schools: &[&str], pupils: usize) {
        let mut write = self.database.write().await.unwrap();
        for school in schools {
            Channel::add_school(&mut write, &Uai::new(school).unwrap()).await.unwrap();
        }
        write.commit().await.unwrap();
        let text = feed(schools, pupils);
        let laid = self.accounts.lay([("<b>.csv", text.as_bytes())]).unwrap();
        let paths = vec![laid.dir().to_owned()];
        let csv = Some(CsvDescription::parse(COLUMNS).unwrap());
        let import = Import { paths, csv, ..Import::default() };
        self.accounts.import(import, By::Central).await.unwrap();
    }

    /// Has a package of the library come by the command line, without an approval.
    pub(super) async fn add_package(&self, id: &str, title: &str) {
        let path = self._dir.path().join(format!("{id}.pdf"));
        std::fs::write(&path, title).unwrap();
        let draft = content::Draft {
            id: id.to_owned(),
            title: title.to_owned(),
            description: "<b>Des cartes</b>".to_owned(),
            subjects: vec!["Histoire-géographie".to_owned()],
            cycles: vec![3, 4],
            kind: Kind::File { name: format!("{id}.pdf") },
            licence: "CC BY 4.0".to_owned(),
        };
        self.parts.content.add(&path, draft, &audit::Who::Central).await.unwrap();
    }

    /// Has a school's box be heard.
    pub(super) async fn hear(&self, school: &Uai, report: &Report) {
        let mut write = self.database.write().await.unwrap();
        observed::keep(&mut write, &[(school.clone(), self.now(), report.clone())]).await.unwrap();
        write.commit().await.unwrap();
    }

    /// Has a school tell what was asked for on the day before, and `askers` of it.
    pub(super) async fn count(&self, school: &str, askers: &[(&str, u64)], names: &[(&str, u64)]) {
        let uai = Uai::new(school).unwrap();
        let school = schools::find(&self.database, &uai).await.unwrap().unwrap();
        let day = statistics::day_written(statistics::day_of(self.now()) - 1);
        let zone = || String::from("pedagogique");
        let mut counts = DayCounts { day, whole: true, ..DayCounts::default() };
        for (who, persons) in askers {
            let who = || String::from(*who);
            counts.persons.push(Persons { zone: zone(), who: who(), persons: *persons });
            for (ground, allowed) in
                [("default", true), ("category:games", false), ("rule:academie/<b>x", false)]
            {
                let (ground, count) = (ground.into(), 10 * persons);
                counts.questions.push(Questions { zone: zone(), who: who(), ground, allowed, count });
            }
        }
        let names = names.iter().map(|(name, count)| (String::from(*name), *count)).collect();
        counts.names.push(Names { who: "eleve".into(), names });
        let mut write = self.database.write().await.unwrap();
        statistics::keep(&mut write, &school, &counts, self.now()).await.unwrap();
        write.commit().await.unwrap();
    }

    /// Has a school pass requests on, each for a site, with a wish.
    pub(super) async fn pass_on(&self, school: &str, asked: &[(&str, &str)]) {
        let mut write = self.database.write().await.unwrap();
        for (number, (site, wish)) in (1..).zip(asked) {
            let passed_on = PassedOn {
                number,
                site: (*site).into(),
                wish: (*wish).into(),
                class: "6<b>A</b>".into(),
                askers: 4,
                word: "Pour un <b>exposé</b>".into(),
                at: self.now().unix_seconds(),
            };
            let school = Uai::new(school).unwrap();
            requests::keep(&mut write, &school, &passed_on, self.now()).await.unwrap();
        }
        write.commit().await.unwrap();
    }

    /// Fetches a page.
    pub(super) async fn get(&self, browser: &Browser, path: &str) -> Got {
        self.send(Method::GET, path, &browser.cookies, "").await
    }

    /// Sends a form; its fields are written as a query.
    pub(super) async fn post(&self, browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Got {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        self.send(Method::POST, path, &browser.cookies, &body.finish()).await
    }
}

impl Got {
    /// Where it sends the browser; empty for nowhere.
    pub(super) fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |place| place.to_str().unwrap())
    }

    /// The value of a cookie it sets.
    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        let fields = self.headers.get_all(header::SET_COOKIE).iter();
        fields
            .filter_map(|field| field.to_str().unwrap().split(';').next()?.split_once('='))
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }
}
