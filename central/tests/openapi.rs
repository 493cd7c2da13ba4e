//! `docs/openapi.json` says what boxes ask of central: it is held to the types of the protocol, and a real listener is held to
//! it by Schemathesis, which `.ci/install` puts into `target/clients/schemathesis`.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

use std::{collections::BTreeSet, fmt::Debug, fs, net::IpAddr, path::Path, process::Stdio, time::Duration};

use aws_lc_rs::agreement::{PrivateKey, X25519};
use axum::body::Bytes;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use preau::{
    model::Uai,
    protocol::{
        counts::{COUNTS_PATH, DayCounts, Names, Persons, Questions, Who},
        enrolment::{
            Concentrator, Enrol, Enrolled, Keys, PortalCertificate, PortalRequest, Refusal, Renew, Renewed,
            Setup, TUNNEL_KEY_PATH, TUNNEL_PATH, Tunnel, TunnelKey, TunnelNow,
        },
        line::{
            Answer, Done, Figures, Finding, Heard, InForce, LINE_PATH, Order, PassedOn, REPORT_PATH, Refused,
            Report, Shelved, What,
        },
        repair::{Repair, RepairAct, TunnelTold},
    },
    system::clock::Clock,
};
use preau_central::{
    audit,
    authority::{self, Authority, By},
    boxes::{
        self,
        line::{Line, Views},
    },
    bucket::{Bucket, Location},
    database::{self, Database},
    fleet::{
        observed, orders,
        reports::Reports,
        requests,
        schools::{self, School},
        statistics,
    },
    words::DepartementCode,
};
use rcgen::{CertificateParams, KeyPair};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::{process::Command, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long the listener is tried, in seconds.
const TRIED_SECONDS: &str = "60";

/// The whole of it, with Python's start.
const LONG: Duration = Duration::from_secs(240);

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn document() -> Value {
    serde_json::from_str(&fs::read_to_string(root().join("docs/openapi.json")).unwrap()).unwrap()
}

fn keys(object: &Value) -> BTreeSet<String> {
    object.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

/// Holds one form of a schema to a type: `value` has every field of it.
fn holds<T: Serialize + DeserializeOwned + Debug>(schema: &Value, name: &str, value: &T) {
    let written = serde_json::to_value(value).unwrap();
    assert_eq!(keys(&schema["properties"]), keys(&written), "the fields of {name}");
    let required: BTreeSet<_> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|field| field.as_str().unwrap().to_owned())
        .collect();
    for field in keys(&written) {
        let mut less = written.clone();
        less.as_object_mut().unwrap().remove(&field);
        let is_required = serde_json::from_value::<T>(less).is_err();
        assert_eq!(required.contains(&field), is_required, "whether `{field}` of {name} is required");
        let form = &schema["properties"][&field];
        let kind = form["type"].as_str().or_else(|| form["const"].as_str().map(|_| "string"));
        // `["string", "null"]`: what may be missing.
        let kind = kind.or_else(|| form["type"][0].as_str());
        let fits = match kind {
            Some("string") => written[&field].is_string(),
            Some("integer") => written[&field].is_i64() || written[&field].is_u64(),
            Some("boolean") => written[&field].is_boolean(),
            Some("array") => written[&field].is_array(),
            Some(other) => panic!("`{field}` of {name} is of the unknown kind {other}"),
            None => written[&field].is_object(),
        };
        assert!(fits, "`{field}` of {name} is described as another kind");
    }
    let mut more = written;
    more["unheard-of"] = json!(1);
    let is_closed = serde_json::from_value::<T>(more).is_err();
    assert_eq!(
        schema["additionalProperties"] == json!(false),
        is_closed,
        "whether {name} takes other fields"
    );
}

fn report() -> Report {
    let refused = Refused { what: "view".into(), number: 1, why: "expired".into(), sentence: "x".into() };
    Report {
        start: "ab".into(),
        number: 1,
        heard: Heard { view: 1, order: 1 },
        at: 1,
        clock_trusted: true,
        version: "1".into(),
        up_seconds: 1,
        open: true,
        in_force: InForce { view: 1, policy: 1, lists: 1, accounts: 1, refused: Some(refused) },
        findings: vec![Finding { code: "line-down".into(), severity: "wrong".into() }],
        figures: Figures {
            library: vec![Shelved { id: "atlas".into(), version: 1, missing_bytes: 0 }],
            tunnel: Some(TunnelTold { lost_permille: Some(1), ..TunnelTold::default() }),
            ..Figures::default()
        },
        done: vec![Done { order: 1, well: true, text: "x".into() }],
        passed_on: vec![PassedOn::default()],
        repair: Some(Repair { session: 1, ended: "time".into(), at: 1 }),
    }
}

#[test]
fn the_document_has_every_field_of_the_live_line_and_none_besides() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let report = report();
    holds(&schemas["Report"], "Report", &report);
    holds(&schemas["Heard"], "Heard", &report.heard);
    holds(&schemas["InForce"], "InForce", &report.in_force);
    holds(&schemas["Refused"], "Refused", report.in_force.refused.as_ref().unwrap());
    holds(&schemas["Finding"], "Finding", &report.findings[0]);
    holds(&schemas["Figures"], "Figures", &report.figures);
    holds(&schemas["Shelved"], "Shelved", &report.figures.library[0]);
    holds(&schemas["TunnelTold"], "TunnelTold", report.figures.tunnel.as_ref().unwrap());
    holds(&schemas["Repair"], "Repair", report.repair.as_ref().unwrap());
    holds(&schemas["Done"], "Done", &report.done[0]);
    holds(&schemas["PassedOn"], "PassedOn", &report.passed_on[0]);
    let order = Order { number: 1, expires: 1, what: What::Fetch {} };
    holds(&schemas["Order"], "Order", &order);
    let answer = Answer { at: 1, view: 1, orders: vec![json!({})], kept: true, wait_seconds: 0, tunnel: 1 };
    holds(&schemas["Answer"], "Answer", &answer);
    let answered =
        What::AnswerRequest { request: 1, site: "jeux.example".into(), granted: true, sentence: "x".into() };
    let whats = [
        What::Diagnose {},
        What::Fetch {},
        What::RenewCertificate {},
        What::SendCounts {},
        What::ChangeTunnelKey {},
        answered,
        What::OpenRepair { session: 1, by: "x".into(), reason: "x".into(), minutes: 15 },
        What::EndRepair { session: 1 },
        What::Repair { session: 1, act: RepairAct::Log },
    ];
    let forms = schemas["What"]["oneOf"].as_array().unwrap();
    assert_eq!(forms.len(), whats.len());
    for what in whats {
        // Exhaustive: what is added is to be described too.
        let word = match &what {
            What::Diagnose {} => "diagnose",
            What::Fetch {} => "fetch",
            What::RenewCertificate {} => "renew-certificate",
            What::SendCounts {} => "send-counts",
            What::ChangeTunnelKey {} => "change-tunnel-key",
            What::AnswerRequest { .. } => "answer-request",
            What::OpenRepair { .. } => "open-repair",
            What::EndRepair { .. } => "end-repair",
            What::Repair { .. } => "repair",
        };
        let form = forms.iter().find(|form| form["properties"]["do"]["const"] == word).unwrap();
        holds(form, "What", &what);
    }
    let repair = forms.iter().find(|form| form["properties"]["do"]["const"] == "repair").unwrap();
    assert_eq!(repair["properties"]["act"]["enum"], json!(RepairAct::ALL.map(RepairAct::word)));
}

#[test]
fn the_document_has_every_field_of_enrolment_and_none_besides() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let x = || "x".to_owned();
    let keys = Keys { request: x(), sealing: x(), tunnel: x() };
    holds(&schemas["Keys"], "Keys", &keys);
    holds(&schemas["Enrol"], "Enrol", &Enrol { secret: x(), school: x(), version: x(), keys });
    let concentrator =
        Concentrator { key: x(), endpoint: x(), networks: vec![x()], preshared: Some(x()), tls: Some(x()) };
    holds(&schemas["Concentrator"], "Concentrator", &concentrator);
    let tunnel = Tunnel {
        addresses: vec![x()],
        concentrators: vec![concentrator],
        names: vec![x()],
        resolvers: vec![x()],
    };
    holds(&schemas["Tunnel"], "Tunnel", &tunnel);
    let now = TunnelNow { version: 1, key: x(), tunnel: Some(tunnel.clone()) };
    holds(&schemas["TunnelNow"], "TunnelNow", &now);
    holds(&schemas["TunnelKey"], "TunnelKey", &TunnelKey { key: x(), stands: true });
    let setup = Setup { configuration: x(), devices: vec![[x(), x(), x(), x()]] };
    holds(&schemas["Setup"], "Setup", &setup);
    let enrolled = Enrolled {
        school: x(),
        school_name: x(),
        certificate: x(),
        authority: x(),
        root: x(),
        repositories: vec![x()],
        central: x(),
        tunnel: Some(tunnel),
        setup: Some(setup),
    };
    holds(&schemas["Enrolled"], "Enrolled", &enrolled);
    holds(&schemas["Renew"], "Renew", &Renew { request: x() });
    holds(&schemas["Renewed"], "Renewed", &Renewed { certificate: x(), authority: x() });
    holds(&schemas["PortalRequest"], "PortalRequest", &PortalRequest { request: x() });
    holds(&schemas["PortalCertificate"], "PortalCertificate", &PortalCertificate { certificate: x() });
    holds(&schemas["Refusal"], "Refusal", &Refusal { code: x(), sentence: x() });
}

#[test]
fn the_document_has_every_field_of_counts_and_none_besides() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let (zone, who) = ("pedagogique".to_owned(), "eleve".to_owned());
    let questions =
        Questions { zone: zone.clone(), who: who.clone(), ground: "default".into(), allowed: true, count: 1 };
    let persons = Persons { zone, who: who.clone(), persons: 1 };
    let names = Names { who, names: vec![("fr.example".into(), 1)] };
    holds(&schemas["Questions"], "Questions", &questions);
    holds(&schemas["Persons"], "Persons", &persons);
    holds(&schemas["Names"], "Names", &names);
    let day = DayCounts {
        day: "2026-11-22".into(),
        whole: true,
        questions: vec![questions],
        persons: vec![persons],
        names: vec![names],
    };
    holds(&schemas["DayCounts"], "DayCounts", &day);
    let words: Vec<_> = Who::all().map(|who| json!(who.word())).collect();
    assert_eq!(schemas["Questions"]["properties"]["who"]["enum"], json!(words));
}

#[test]
fn the_document_names_the_paths_that_boxes_ask() {
    let document = document();
    for (path, method) in [
        (LINE_PATH, "post"),
        (REPORT_PATH, "post"),
        (COUNTS_PATH, "post"),
        (TUNNEL_PATH, "get"),
        (TUNNEL_KEY_PATH, "post"),
        ("/v1/enrol", "post"),
        ("/v1/setup", "put"),
    ] {
        assert!(document["paths"][path][method].is_object(), "{path}");
    }
}

/// A central with one enrolled box, whose certificate, key and authority lie in `dir`. Gives where boxes come in.
async fn central(dir: &Path, running: &mut JoinSet<anyhow::Result<()>>) -> String {
    let (clock, stop) = (Clock::of_the_machine(), CancellationToken::new());
    let keys_dir = dir.join("keys");
    fs::create_dir(&keys_dir).unwrap();
    authority::make(&keys_dir, clock.now()).unwrap();
    let parts = [
        audit::PART,
        schools::PART,
        authority::PART,
        observed::PART,
        orders::PART,
        requests::PART,
        statistics::PART,
    ];
    let at = database::Location::Sqlite(dir.join("central.sqlite"));
    let database = Database::open(&at, &parts).await.unwrap();
    let url = "https://localhost".parse().unwrap();
    let root = Bytes::from_static(b"{}");
    let authority = Authority::open(database.clone(), &keys_dir, &url, root, clock.clone()).await.unwrap();
    let school = Uai::new("0809999Z").unwrap();
    // Higher than any report says it has heard: every one is answered at once.
    let published = school.clone();
    let views = Views::from_fn(move |_| {
        let published = published.clone();
        Box::pin(async move { Ok(vec![(published, u64::MAX)]) })
    });
    let (reports, keeper) = Reports::new(database.clone(), clock.clone());
    let line = Line::new(database.clone(), reports, views, clock.clone());
    let parts = boxes::Parts {
        acme: None,
        authority: authority.clone(),
        bucket: Bucket::open(&Location::Folder(dir.join("repository"))).unwrap(),
        database: database.clone(),
        routes: boxes::line::routes(line.clone())
            .merge(boxes::counts::routes(database.clone(), clock.clone())),
    };
    let listen = ([127, 0, 0, 1], 0).into();
    let service = boxes::Service::bind(&boxes::Settings { listen }, parts).await.unwrap();
    let port = service.local_address().unwrap().port();
    running.spawn(service.serve(stop.clone()));
    // A line that is told to end holds no answer back: half a minute is not spent on waiting.
    let ended = CancellationToken::new();
    ended.cancel();
    running.spawn(line.serve(ended));
    running.spawn(keeper.serve(stop));

    let mut write = database.write().await.unwrap();
    let entered = School {
        uai: school.clone(),
        name: "Collège d'Exemple".into(),
        kind: String::new(),
        town: String::new(),
        departement: DepartementCode::new("80").unwrap(),
    };
    schools::enter(&mut write, &entered).await.unwrap();
    let token = authority.give_token(&mut write, By::Central, &school).await.unwrap();
    write.commit().await.unwrap();
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    let sealing = PrivateKey::generate(&X25519).unwrap().compute_public_key().unwrap();
    let sealing = STANDARD.encode(sealing.as_ref());
    let keys = Keys { request, sealing: sealing.clone(), tunnel: sealing };
    let enrol = Enrol { secret: token.secret, school: school.as_str().into(), version: "1".into(), keys };
    let from = IpAddr::from([127, 0, 0, 1]);
    let enrolled = authority.enrol(&enrol, from, "Collège d'Exemple").await.unwrap().unwrap();
    fs::write(dir.join("box.pem"), enrolled.certificate).unwrap();
    fs::write(dir.join("box.key"), key.serialize_pem()).unwrap();
    fs::write(dir.join("authority.pem"), enrolled.authority).unwrap();
    format!("https://localhost:{port}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_listener_answers_whatever_the_document_allows_and_what_it_does_not_as_the_document_says() {
    let program = root().join("target/clients/schemathesis/bin/schemathesis");
    assert!(program.exists(), "Schemathesis is missing; `.ci/install` has it (install_for_tests)");
    let dir = tempfile::tempdir().unwrap();
    let mut running = JoinSet::new();
    let url = central(dir.path(), &mut running).await;
    let path = |name: &str| dir.path().join(name);
    let mut command = Command::new(program);
    command
        .current_dir(dir.path())
        .arg("run")
        .arg(fs::canonicalize(root().join("docs/openapi.json")).unwrap())
        .args(["--url", &url, "--max-time", TRIED_SECONDS, "--no-color", "--seed", "5", "--no-shrink"])
        .args(["--checks", CHECKS, "--suppress-health-check", "all", "--request-timeout", "15"])
        .args(["--max-failures", "5", "--warnings", "off", "--generation-database", "none"])
        .arg("--tls-verify")
        .arg(path("authority.pem"))
        .arg("--request-cert")
        .arg(path("box.pem"))
        .arg("--request-cert-key")
        .arg(path("box.key"))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(LONG, command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    running.shutdown().await;
}

/// What every answer is held to. Whether wrong bodies are refused is asked as well.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection";
