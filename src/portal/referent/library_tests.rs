//! The library as a pupil's browser and the referent meet it, with packages as the académie gives them.

use std::{fs, path::Path, process::Command, sync::Arc, time::Duration};

use axum::http::header;

use super::test_portal::{Answer, TestPortal};
use crate::{
    library::{Supply, test_depot::Depot, web::write_table},
    model::Role,
    protocol::content::{Kind, Package},
};

/// A portal with these packages in its library.
async fn portal(depot: &Arc<Depot>, packages: Vec<Package>) -> TestPortal {
    let portal = TestPortal::open().await;
    let ids: Vec<_> = packages.iter().map(|package| package.id.clone()).collect();
    offer(&portal, depot.supply(packages));
    let library = portal.secure.library.clone().unwrap();
    until(async || ids.iter().all(|id| library.held(id).is_some())).await;
    portal
}

fn offer(portal: &TestPortal, supply: Supply) {
    portal.secure.library.as_ref().unwrap().supply().send_replace(Some(supply));
}

/// Puts an atlas on the shelf, and offers an encyclopedia for which there is no room.
pub(super) async fn stock(portal: &TestPortal) {
    let depot = Depot::new();
    let atlas = Package {
        title: "Atlas de l’Europe".to_owned(),
        description: "Des cartes à imprimer,\npour les cycles 3 et 4.".to_owned(),
        subjects: vec!["Histoire-géographie".to_owned()],
        ..depot.add("atlas", 1, pdf(), b"carte")
    };
    let wikipedia = depot.add("wikipedia", 1, Kind::Zim, b"ZIM");
    let wikipedia = Package { title: "Wikipédia".to_owned(), bytes: 30_000_000_000, ..wikipedia };
    offer(portal, depot.supply(vec![atlas, wikipedia]));
    let told = async || portal.get(Some(Role::Referent), "/referent/bibliotheque").await.text;
    until(async || told().await.contains("ne suffit pas (30 Go)") && told().await.contains("À jour")).await;
}

async fn until(holds: impl AsyncFn() -> bool) {
    for _ in 0..600 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it did not come to be in half a minute");
}

fn site(files: &[(&str, &str)]) -> Vec<u8> {
    let sizes: Vec<_> =
        files.iter().map(|(path, text)| ((*path).to_owned(), u64::try_from(text.len()).unwrap())).collect();
    let mut package = Vec::new();
    for at in write_table(&sizes, &mut package).unwrap() {
        package.extend_from_slice(files[at].1.as_bytes());
    }
    package
}

fn field(answer: &Answer, name: header::HeaderName) -> &str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

fn pdf() -> Kind {
    Kind::File { name: "atlas.pdf".to_owned() }
}

#[tokio::test]
async fn nobody_reads_before_they_have_signed_in() {
    let depot = Depot::new();
    let portal = portal(&depot, vec![depot.add("atlas", 1, pdf(), b"%PDF carte")]).await;
    for path in [
        "/bibliotheque",
        "/bibliotheque/paquet/atlas",
        "/bibliotheque/lire/atlas/atlas.pdf",
        "/bibliotheque/zim/skin/a",
    ] {
        let answer = portal.get(None, path).await;
        assert_eq!((answer.status, answer.location.as_str()), (303, "/"), "{path}");
    }
    let answer = portal.get(Some(Role::Eleve), "/bibliotheque/lire/atlas/atlas.pdf").await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "%PDF carte"));
}

#[tokio::test]
async fn what_a_browser_could_run_is_in_a_cage_and_reaches_its_own_package_alone() {
    let depot = Depot::new();
    let files = [
        ("index.html", "<script>x</script>"),
        ("dessin.svg", "<svg/>"),
        ("a/b.js", "x"),
        ("photo.png", "png"),
    ];
    let packages =
        vec![depot.add("cours", 1, Kind::Web, &site(&files)), depot.add("atlas", 1, pdf(), b"%PDF carte")];
    let portal = portal(&depot, packages).await;
    for path in ["", "dessin.svg", "a/b.js"] {
        let answer = portal.get(Some(Role::Eleve), &format!("/bibliotheque/lire/cours/{path}?lang=en")).await;
        let policy = field(&answer, header::CONTENT_SECURITY_POLICY);
        assert_eq!(answer.status, 200, "{path}");
        assert!(policy.starts_with("sandbox ") && !policy.contains("allow-same-origin"), "{path}: {policy}");
        let own = "https://portail.college.exemple/bibliotheque/lire/cours/";
        assert!(
            policy.contains(&format!("default-src {own} "))
                && policy.contains(&format!("form-action {own};"))
        );
        assert_eq!(field(&answer, header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(field(&answer, header::SET_COOKIE), "", "no package has the portal set a cookie");
    }
    for path in ["cours/photo.png", "atlas/atlas.pdf"] {
        let answer = portal.get(Some(Role::Eleve), &format!("/bibliotheque/lire/{path}")).await;
        assert_eq!(field(&answer, header::CONTENT_SECURITY_POLICY), "", "{path}");
        assert_eq!(field(&answer, header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
    }
    // What a page in a cage sends to the portal is told by the browser to come from elsewhere.
    let act =
        portal.post_from(Role::Referent, "/referent/bibliotheque", "acte=suspendre", "cross-site").await;
    assert_eq!(act.status, 403);
    assert!(!portal.secure.library.as_ref().unwrap().is_paused());
}

#[tokio::test]
async fn paths_lead_nowhere_but_into_the_package() {
    let depot = Depot::new();
    let files = [("index.html", "accueil"), ("a/index.html", "A")];
    let packages =
        vec![depot.add("cours", 1, Kind::Web, &site(&files)), depot.add("atlas", 1, pdf(), b"carte")];
    let portal = portal(&depot, packages).await;
    for (path, status, location) in [
        ("cours/", 200, ""),
        ("cours/a", 303, "/bibliotheque/lire/cours/a/"),
        ("cours/a/", 200, ""),
        ("atlas/", 303, "/bibliotheque/lire/atlas/atlas.pdf"),
        ("atlas/content", 404, ""),
        ("atlas/package.json", 404, ""),
        ("cours/..", 400, ""),
        ("cours/../atlas/atlas.pdf", 400, ""),
        ("cours/%2e%2e/atlas/content", 400, ""),
        ("cours/..%2f..%2fuses", 400, ""),
        ("cours/%00", 404, ""),
        ("autre/", 404, ""),
        ("COURS/", 404, ""),
    ] {
        let answer = portal.get(Some(Role::Eleve), &format!("/bibliotheque/lire/{path}")).await;
        assert_eq!((answer.status, answer.location.as_str()), (status, location), "{path}");
    }
    let zim = portal.get(Some(Role::Eleve), "/bibliotheque/zim/../../referent").await;
    assert_eq!(zim.status, 400);
    for path in ["", "cours/", "atlas/content", "favicon.ico"] {
        let answer = portal.get(Some(Role::Eleve), &format!("/bibliotheque/zim/{path}")).await;
        assert_eq!(answer.status, 404, "{path}: no archive, and nothing its pages need");
    }
}

#[tokio::test]
async fn a_part_is_given_as_it_is_asked_for_and_what_is_known_is_not_sent_again() {
    let depot = Depot::new();
    let text: String = (0..30_000).map(|number| format!("{number:05}\n")).collect();
    let video = Kind::File { name: "film.mp4".to_owned() };
    let portal = portal(&depot, vec![depot.add("film", 1, video, text.as_bytes())]).await;
    let path = "/bibliotheque/lire/film/film.mp4";
    let whole = portal.get(Some(Role::Eleve), path).await;
    assert_eq!((whole.status, &whole.text), (200, &text));
    let part = portal.get_with(Role::Eleve, path, ("range", "bytes=60000-60005")).await;
    assert_eq!((part.status, part.text.as_str()), (206, "10000\n"));
    assert_eq!(field(&part, header::CONTENT_RANGE), "bytes 60000-60005/180000");
    let behind = portal.get_with(Role::Eleve, path, ("range", "bytes=180000-")).await;
    assert_eq!(behind.status, 416);
    let tag = field(&whole, header::ETAG).to_owned();
    let known = portal.get_with(Role::Eleve, path, ("if-none-match", &tag)).await;
    assert_eq!((known.status, known.text.as_str()), (304, ""));
    let uses = portal.secure.library.as_ref().unwrap().uses();
    assert_eq!(
        uses.iter().map(|used| used.week).sum::<u64>(),
        2,
        "a part in the middle is no use of its own"
    );
}

#[tokio::test]
async fn the_catalogue_finds_by_words_subject_and_cycle_and_says_what_is_not_here_yet() {
    let depot = Depot::new();
    let atlas = Package {
        title: "Atlas <b>".to_owned(),
        subjects: vec!["Histoire-géographie".to_owned()],
        ..depot.add("atlas", 1, pdf(), b"carte")
    };
    let film = Package { title: "Film".to_owned(), cycles: vec![4], ..depot.add("film", 1, pdf(), b"film") };
    let portal = portal(&depot, vec![atlas.clone(), film.clone()]).await;
    for (query, has_atlas, has_film) in [
        ("", true, true),
        ("?q=atl", true, false),
        ("?q=geographie", true, false),
        ("?matiere=Histoire-g%C3%A9ographie", true, false),
        ("?cycle=4", false, true),
        ("?q=rien", false, false),
        ("?cycle=%22%3E%3Cscript%3E", false, false),
    ] {
        let page = portal.get(Some(Role::Eleve), &format!("/bibliotheque{query}")).await;
        let has = |id: &str| page.text.contains(&format!("/bibliotheque/paquet/{id}"));
        assert_eq!((page.status, has("atlas"), has("film")), (200, has_atlas, has_film), "{query}");
        assert!(!page.text.contains("<b>") && !page.text.contains("<script"), "{query}");
    }
    // The line dies: what is offered next does not come, and what is here stays.
    depot.cut();
    offer(&portal, depot.supply(vec![atlas, film, depot.add("livre", 1, pdf(), b"livre")]));
    until(async || {
        portal.get(Some(Role::Referent), "/referent/bibliotheque").await.text.contains("chec, nouvel")
    })
    .await;
    let page = portal.get(Some(Role::Eleve), "/bibliotheque/paquet/livre").await;
    assert!(page.text.contains("Pas encore reçue") && !page.text.contains("/bibliotheque/lire/"));
    assert_eq!(portal.get(Some(Role::Eleve), "/bibliotheque/lire/atlas/atlas.pdf").await.text, "carte");
}

#[tokio::test]
async fn the_referent_pauses_removes_and_puts_back_and_the_trail_has_it() {
    let depot = Depot::new();
    let portal = portal(&depot, vec![depot.add("atlas", 1, pdf(), b"carte")]).await;
    for (form, status) in [
        ("acte=suspendre", 303),
        ("acte=reprendre", 303),
        ("acte=retirer&paquet=autre", 404),
        ("acte=autre", 400),
        ("acte=retirer&paquet=atlas", 303),
    ] {
        assert_eq!(
            portal.post(Some(Role::Referent), "/referent/bibliotheque", form).await.status,
            status,
            "{form}"
        );
    }
    until(async || portal.get(Some(Role::Eleve), "/bibliotheque/lire/atlas/atlas.pdf").await.status == 404)
        .await;
    assert_eq!(
        portal
            .post(Some(Role::Referent), "/referent/bibliotheque", "acte=remettre&paquet=atlas")
            .await
            .status,
        303
    );
    until(async || portal.get(Some(Role::Eleve), "/bibliotheque/lire/atlas/atlas.pdf").await.status == 200)
        .await;
    let trail = portal.get(Some(Role::Referent), "/referent/historique").await.text;
    for done in ["suspend les téléchargements", "retire « atlas »", "remet « atlas »"] {
        assert!(trail.contains(done), "{done}");
    }
}

/// An archive of openZIM with two pages, made by the tools of openZIM itself.
fn archive(dir: &Path) -> Vec<u8> {
    let pages = dir.join("pages");
    fs::create_dir_all(&pages).unwrap();
    fs::write(
        pages.join("index.html"),
        "<html><head><title>Volcans</title></head><body><a href=\"etna.html\">E</a></body></html>",
    )
    .unwrap();
    fs::write(
        pages.join("etna.html"),
        "<html><head><title>Etna</title></head><body>Un volcan de Sicile</body></html>",
    )
    .unwrap();
    fs::write(pages.join("i.png"), include_bytes!("../../library/golden/illustration.png")).unwrap();
    let path = dir.join("volcans.zim");
    let options =
        ["-w", "index.html", "-I", "i.png", "-l", "fra", "-t", "Volcans", "-d", "d", "-c", "c", "-p", "p"];
    let made = Command::new("zimwriterfs").args(options).arg(&pages).arg(&path).output();
    let made = made.expect("zimwriterfs of Debian's zim-tools is needed; see .ci/install");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::read(path).unwrap()
}

/// The kiwix-serve that this test started, by what it reads.
fn kiwix(library_dir: &Path) -> Option<rustix::process::Pid> {
    let marker = library_dir.to_string_lossy().into_owned();
    fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).into_owned();
        let is_ours = line.starts_with("kiwix-serve\0") && line.contains(&marker);
        rustix::process::Pid::from_raw(entry.file_name().to_str()?.parse().ok()?).filter(|_| is_ours)
    })
}

#[tokio::test]
async fn an_archive_of_openzim_is_read_through_kiwix_serve_which_comes_back_when_it_is_killed() {
    let (depot, dir) = (Depot::new(), tempfile::tempdir().unwrap());
    let portal = portal(&depot, vec![depot.add("volcans", 1, Kind::Zim, &archive(dir.path()))]).await;
    let page = "/bibliotheque/zim/volcans/index.html";
    let reads = async || portal.get(Some(Role::Eleve), page).await.status == 200;
    until(&reads).await;
    let first = portal.get(Some(Role::Eleve), "/bibliotheque/zim/volcans/").await;
    assert_eq!((first.status, first.location.as_str()), (302, page));
    let etna = portal.get(Some(Role::Eleve), "/bibliotheque/zim/volcans/etna.html").await;
    assert!(etna.text.contains("Un volcan de Sicile"));
    let policy = field(&etna, header::CONTENT_SECURITY_POLICY);
    assert!(policy.starts_with("sandbox ") && !policy.contains("allow-same-origin"), "{policy}");
    let found =
        portal.get(Some(Role::Eleve), "/bibliotheque/zim/search?content=volcans&pattern=sicile").await;
    assert!(found.status == 200 && found.text.contains("etna.html"), "{}", found.text);
    let library_dir = portal.office.school.dir.path().join("library");
    rustix::process::kill_process(kiwix(&library_dir).unwrap(), rustix::process::Signal::KILL).unwrap();
    until(async || !reads().await).await;
    until(&reads).await;
    // It is the archive on the shelf that is read: one that the académie withdraws is gone.
    offer(&portal, depot.supply(Vec::new()));
    until(async || portal.get(Some(Role::Eleve), page).await.status == 404).await;
    until(async || kiwix(&library_dir).is_none()).await;
}
