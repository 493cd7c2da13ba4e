//! A central with its listener, a clock that the test moves, and one school in the register.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{Extension, Router, routing::get};
use preau::{
    model::{Moment, Uai},
    protocol::Token,
    sync::{
        EnrolError, Enrolment, Replace,
        client::{Client, Resolve},
        enrol,
        keeping::{self, Kept},
    },
    system::clock::Clock,
};
use preau_central::{
    audit,
    authority::{self, Acme, AcmeSettings, Authority, By},
    boxes::{self, Caller, Parts, Settings},
    bucket::{self, Bucket},
    channel,
    database::Database,
    fleet::{
        schools::{self, School},
        statistics,
    },
    words::DepartementCode,
};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::support;

/// What central is called here.
pub(crate) const NAME: &str = "central.test";

/// 2026-11-20.
const NOW_SECONDS: i64 = 1_795_132_800;

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub(crate) struct Hands(Arc<AtomicI64>);

impl Hands {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOW_SECONDS)))
    }

    pub(crate) fn pass(&self, duration: Duration) {
        self.0.fetch_add(i64::try_from(duration.as_secs()).unwrap(), Ordering::Relaxed);
    }

    pub(crate) fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::Relaxed);
    }

    pub(crate) fn clock(&self) -> Clock {
        let hands = Arc::clone(&self.0);
        Clock::from_fn(move || Moment::from_unix_seconds(hands.load(Ordering::Relaxed)))
    }
}

pub(crate) struct Scene {
    pub(crate) dir: TempDir,
    /// Central's time.
    pub(crate) hands: Hands,
    /// The box's.
    pub(crate) box_hands: Hands,
    pub(crate) database: Database,
    pub(crate) authority: Authority,
    pub(crate) bucket: Bucket,
    pub(crate) address: SocketAddr,
    _tasks: JoinSet<anyhow::Result<()>>,
}

pub(crate) fn school() -> Uai {
    Uai::new("0809999Z").unwrap()
}

pub(crate) fn other_school() -> Uai {
    Uai::new("0800001A").unwrap()
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with_acme(None).await
    }

    pub(crate) async fn with_acme(acme: Option<AcmeSettings>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hands = Hands::new();
        let clock = hands.clock();
        let location = support::location(&dir.path().join("central.sqlite")).await;
        let parts = [audit::PART, schools::PART, channel::PART, authority::PART, statistics::PART];
        let database = Database::open(&location, &parts).await.unwrap();
        let keys_dir = dir.path().join("keys");
        channel::found(&database, &keys_dir, &dir.path().join("drawer"), &clock).await.unwrap();
        authority::make(&keys_dir, clock.now()).unwrap();
        let bucket = Bucket::open(&bucket::Location::Folder(dir.path().join("repository"))).unwrap();
        let opened =
            channel::Channel::open(database.clone(), bucket.clone(), &keys_dir, clock.clone()).await.unwrap();
        let mut write = database.write().await.unwrap();
        for uai in [school(), other_school()] {
            let departement = DepartementCode::new("80").unwrap();
            let (name, kind, town) = ("Collège d'Exemple".into(), String::new(), String::new());
            schools::enter(&mut write, &School { uai, name, kind, town, departement }).await.unwrap();
        }
        write.commit().await.unwrap();
        let port = free_port();
        let url: Url = format!("https://{NAME}:{port}").parse().unwrap();
        let root = opened.first_root();
        let authority =
            Authority::open(database.clone(), &keys_dir, &url, root, clock.clone()).await.unwrap();
        // A route of somebody else, as the live line's is.
        let routes = Router::new().route(
            "/v1/whoami",
            get(
                |Extension(caller): Extension<Caller>| async move { format!("{:?}", caller.school.as_str()) },
            ),
        );
        let routes = routes.merge(boxes::counts::routes(database.clone(), clock));
        let settings = Settings { listen: (Ipv4Addr::LOCALHOST, port).into() };
        let acme = acme.map(|settings| Acme::new(settings, authority.clone()));
        let parts = Parts {
            acme,
            authority: authority.clone(),
            bucket: bucket.clone(),
            database: database.clone(),
            routes,
        };
        let service = boxes::Service::bind(&settings, parts).await.unwrap();
        let address = service.local_address().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(service.serve(CancellationToken::new()));
        tasks.spawn(authority.clone().serve(CancellationToken::new()));
        let box_hands = Hands::new();
        Self { dir, hands, box_hands, database, authority, bucket, address, _tasks: tasks }
    }

    pub(crate) async fn token(&self) -> Token {
        let mut write = self.database.write().await.unwrap();
        let token = self.authority.give_token(&mut write, By::Central, &school()).await.unwrap();
        write.commit().await.unwrap();
        token
    }

    pub(crate) async fn replacing_token(&self) -> Token {
        let mut write = self.database.write().await.unwrap();
        let token = self.authority.give_replacing_token(&mut write, By::Central, &school()).await.unwrap();
        write.commit().await.unwrap();
        token
    }

    pub(crate) async fn revoke(&self) {
        let mut write = self.database.write().await.unwrap();
        assert!(self.authority.revoke(&mut write, By::Central, &school()).await.unwrap());
        write.commit().await.unwrap();
    }

    /// Enrols a machine whose state lies in `state_dir`.
    pub(crate) async fn enrol(&self, token: &Token, state_dir: &Path) -> Result<Kept, EnrolError> {
        let (configured, replace) = (None, Replace::Nothing);
        let enrolment = Enrolment { token, configured, state_dir, replace };
        enrol(&enrolment, self.box_hands.clock(), loopback(), |_| {}).await.map(|(kept, _)| kept)
    }

    /// A box that was enrolled, with its requests to central.
    pub(crate) async fn enrolled(&self) -> (Kept, Client) {
        let kept = self.enrol(&self.token().await, self.dir.path()).await.unwrap();
        let client = Client::new(&kept, self.box_hands.clock(), loopback()).unwrap();
        (kept, client)
    }

    /// The box that was enrolled, as it reads itself from disk.
    pub(crate) fn kept(&self) -> Kept {
        keeping::read(self.dir.path()).unwrap().unwrap()
    }

    /// Status and text of a GET with the certificate of `client`.
    pub(crate) async fn get(&self, client: &Client, path: &str) -> (u16, String) {
        let url = format!("https://{NAME}:{}/{path}", self.address.port());
        let answer = client.http().get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

/// Every name is here.
pub(crate) fn loopback() -> Resolve {
    Arc::new(|_| Box::pin(async { Ok(vec![Ipv4Addr::LOCALHOST.into()]) }))
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
