//! The library from the académie to a pupil's screen: packages that are added and approved at central, fetched piece by
//! piece by the school's box, and read there by whoever has signed in, with the line and without.

use std::{fs, path::PathBuf, time::Duration};

use preau_lab::{
    Lab,
    plan::{BOX, CENTRAL, PORTAL, UAI},
};

use crate::asking::{Stage, get, on_the_box, page, status, until};

static STAGE: Stage = Stage::new();

/// How fast packages may come in these stories: slow enough that one can be stopped on its way.
const RATE: &str = "rate_kbit = 4000";

/// The illustration that every archive of openZIM has.
const ILLUSTRATION: &[u8] = include_bytes!("../../../src/library/golden/illustration.png");

/// The archive's pages.
const VOLCANOES: &[(&str, &str)] = &[
    (
        "index.html",
        "<html><head><title>Volcans</title></head><body><a href=\"etna.html\">L’Etna</a></body></html>",
    ),
    ("etna.html", "<html><head><title>Etna</title></head><body>Un volcan de Sicile</body></html>"),
];

/// A site of lessons.
const LESSONS: &[(&str, &str)] = &[
    ("index.html", "<!doctype html><html lang=fr><title>Géométrie</title><h1>La géométrie</h1></html>"),
    ("cercle/index.html", "<!doctype html><html lang=fr><title>Le cercle</title><h1>Le cercle</h1></html>"),
];

/// The length of the film, in bytes.
const FILM_BYTES: usize = 2_000_000;

/// Plays a story in a school whose académie offers an archive, a site and a film, and whose box has them; a pupil and the
/// referent have signed in.
pub(crate) fn play(story: impl FnOnce(&mut Lab)) {
    STAGE.play(|lab| {
        if !lab.read_box_file("box.toml").unwrap().contains("[library]") {
            tell_box_of_library(lab, RATE);
            lab.start_central().expect("central must start");
            lab.enrol_box().unwrap_or_else(|fault| panic!("{fault:#}\n{}", lab.central_log()));
            stock(lab);
            lab.sign_in_user("poste").expect("the referent must be able to sign in");
        }
        story(lab);
    });
}

/// Gives the box a library, with more settings of the channel, and starts it again.
pub(crate) fn tell_box_of_library(lab: &mut Lab, channel: &str) {
    let usual = lab.read_box_file("box.toml").unwrap();
    let usual = usual.replace("[central]\n", &format!("[central]\n{channel}\n"));
    lab.write_box_file("box.toml", &format!("{usual}\n[library]\nquota_gb = 1\n")).unwrap();
    lab.stop_box().unwrap();
    lab.restart_box().unwrap();
}

/// Has the académie offer what the stories read, and waits until the box has it.
fn stock(lab: &Lab) {
    offer(
        lab,
        &make_archive(lab),
        "volcans",
        &["--title", "Les volcans", "--subject", "SVT", "--cycle", "4"],
    );
    let lessons = make_site(lab, "geometrie", LESSONS);
    offer(
        lab,
        &lessons,
        "geometrie",
        &["--title", "Géométrie", "--subject", "Mathématiques", "--cycle", "3"],
    );
    let film = make_file(lab, "film.mp4", &noise(FILM_BYTES, 1));
    offer(lab, &film, "film", &["--title", "Le film du voyage", "--subject", "Anglais", "--cycle", "3"]);
    for id in ["volcans", "geometrie", "film"] {
        until_here(lab, id);
    }
}

/// Runs `preau-central ARGUMENTS`.
#[track_caller]
fn central(lab: &Lab, arguments: &[&str]) -> String {
    lab.central(arguments).and_then(preau_lab::Output::checked).expect("central must do it")
}

/// Adds the file as the next version of a package. Nobody approves it.
#[track_caller]
fn add(lab: &Lab, file: &str, id: &str, more: &[&str]) {
    let usual = ["content", "add", file, "--id", id, "--licence", "CC BY-SA 4.0"];
    central(lab, &[&usual, more].concat());
}

/// Adds the file as the next version of a package and has it approved.
#[track_caller]
pub(crate) fn offer(lab: &Lab, file: &str, id: &str, more: &[&str]) {
    add(lab, file, id, more);
    approve(lab, id);
}

/// Has the latest version of a package approved.
#[track_caller]
fn approve(lab: &Lab, id: &str) {
    central(lab, &["content", "approve", id, "--by", "Comité d’éthique", "--date", "2026-11-20"]);
}

/// Where a file of central's lies, from outside and for itself.
fn at_central(lab: &Lab, name: &str) -> (PathBuf, String) {
    (lab.door().file_path(CENTRAL).join(name), format!("/run/preau-lab/{CENTRAL}/{name}"))
}

/// Writes pages into a folder at central; says where it is.
fn make_folder(lab: &Lab, name: &str, files: &[(&str, &str)]) -> String {
    let (dir, inside) = at_central(lab, name);
    for (path, text) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    inside
}

/// An archive of openZIM, made by the tools of openZIM.
#[track_caller]
pub(crate) fn make_archive(lab: &Lab) -> String {
    let folder = make_folder(lab, "volcans", VOLCANOES);
    fs::write(at_central(lab, "volcans/i.png").0, ILLUSTRATION).unwrap();
    let archive = format!("{folder}.zim");
    let options = "-w index.html -I i.png -l fra -t Volcans -d Volcans -c Labo -p Labo";
    let script = format!("rm -f {archive}; zimwriterfs {options} {folder} {archive}");
    let made = lab.run(CENTRAL, &["sh", "-c", &script]).unwrap();
    made.checked().expect("zimwriterfs of Debian's zim-tools makes an archive; see .ci/install");
    archive
}

/// A site as an archive of its files.
#[track_caller]
pub(crate) fn make_site(lab: &Lab, name: &str, files: &[(&str, &str)]) -> String {
    let folder = make_folder(lab, name, files);
    let script = format!("tar --zstd -cf {folder}.tar.zst -C {folder} .");
    let made = lab.run(CENTRAL, &["sh", "-c", &script]).unwrap();
    made.checked().expect("tar and zstd make an archive");
    format!("{folder}.tar.zst")
}

/// A single file.
pub(crate) fn make_file(lab: &Lab, name: &str, bytes: &[u8]) -> String {
    let (path, inside) = at_central(lab, name);
    fs::write(path, bytes).unwrap();
    inside
}

/// Bytes that no compression makes shorter, the same for the same `seed`.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend((word ^ (word >> 31)).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

pub(crate) fn library(path: &str) -> String {
    format!("https://{PORTAL}/bibliotheque{path}")
}

/// What the portal answers for a path of the library: its status and text.
#[track_caller]
pub(crate) fn read(lab: &Lab, who: &str, path: &str) -> (u16, String) {
    let text = page(lab, who, &library(path), &["--max-time", "25", "--write-out", "\n%{http_code}"]);
    let (text, code) = text.rsplit_once('\n').unwrap();
    (code.parse().unwrap(), text.to_owned())
}

/// Waits until the latest version of the package is the one that is read here.
#[track_caller]
pub(crate) fn until_here(lab: &Lab, id: &str) {
    until(90, &format!("the package {id} is here"), || {
        let (_, text) = read(lab, "eleve", &format!("/paquet/{id}"));
        text.contains(&format!("/lire/{id}/")) || text.contains(&format!("/zim/{id}/"))
    });
}

/// What the referent reads of all packages.
#[track_caller]
fn state(lab: &Lab) -> String {
    page(lab, "poste", &format!("https://{PORTAL}/referent/bibliotheque"), &[])
}

/// The referent's line on the package with this title.
#[track_caller]
fn state_of(lab: &Lab, title: &str) -> String {
    let text = state(lab);
    let row = text.split("<th scope=\"row\">").find(|row| row.starts_with(title));
    row.and_then(|row| row.split("</tr>").next()).unwrap_or_default().to_owned()
}

/// The referent does something about the fetching.
#[track_caller]
fn referent_does(lab: &Lab, act: &str) {
    let more = ["--header", "Sec-Fetch-Site: same-origin", "--data-urlencode", act];
    let answer = status(lab, "poste", &format!("https://{PORTAL}/referent/bibliotheque"), &more);
    assert!(answer.starts_with("303 "), "{act}: {answer}");
}

/// Bytes that came over the school's line so far.
fn bytes_of_the_line(lab: &Lab) -> u64 {
    let text = on_the_box(lab, "ip -s -j link show wan0 | jq '.[0].stats64.rx.bytes'");
    text.trim().parse().unwrap()
}

/// Reads all three packages as a pupil.
#[track_caller]
fn reads_everything(lab: &Lab) {
    let (code, text) = read(lab, "eleve", "/zim/volcans/etna.html");
    assert!(code == 200 && text.contains("Un volcan de Sicile"), "{code} {text}");
    let (code, text) = read(lab, "eleve", "/lire/geometrie/cercle/");
    assert!(code == 200 && text.contains("Le cercle"), "{code} {text}");
    let film = library("/lire/film/film.mp4");
    let script = format!("curl --silent --fail --range 1000000-1000999 {film} | sha256sum");
    let sum = lab.run("eleve", &["sh", "-c", &script]).unwrap().checked().unwrap();
    let part = make_file(lab, "part", &noise(FILM_BYTES, 1)[1_000_000..1_001_000]);
    let expected = lab.run(CENTRAL, &["sha256sum", &part]).unwrap().checked().unwrap();
    assert_eq!(sum.split(' ').next(), expected.split(' ').next(), "the part asked for");
}

#[test]
fn a_pupil_finds_packages_by_title_subject_and_cycle_and_opens_each_kind() {
    play(|lab| {
        for (query, found, not) in [
            ("?q=volcan", "volcans", "geometrie"),
            ("?q=geometrie", "geometrie", "film"),
            ("?matiere=Anglais", "film", "volcans"),
            ("?cycle=4", "volcans", "film"),
        ] {
            let (_, text) = read(lab, "eleve", query);
            let has = |id: &str| text.contains(&format!("/bibliotheque/paquet/{id}\""));
            assert!(has(found) && !has(not), "{query}: {text}");
        }
        let (_, about) = read(lab, "eleve", "/paquet/volcans");
        for word in ["CC BY-SA 4.0", "Comité d’éthique, 2026-11-20", "SVT"] {
            assert!(about.contains(word), "{word}: {about}");
        }
        reads_everything(lab);
        let (code, found) = read(lab, "eleve", "/zim/search?content=volcans&pattern=sicile");
        assert!(code == 200 && found.contains("etna.html"), "{found}");
    });
}

#[test]
fn whoever_has_not_signed_in_gets_nothing_of_it() {
    play(|lab| {
        for path in ["", "/paquet/film", "/zim/volcans/etna.html", "/lire/geometrie/", "/lire/film/film.mp4"]
        {
            let answer = status(lab, "eleve2", &library(path), &[]);
            assert_eq!(answer, format!("303 https://{PORTAL}/"), "{path}");
        }
        let kiwix = on_the_box(lab, "ss -Hltnp | grep kiwix-serve | awk '{print $4}'");
        assert!(kiwix.starts_with("127.0.0.1:"), "kiwix-serve listens on loopback alone: {kiwix}");
    });
}

#[test]
fn what_nobody_approved_is_nowhere_and_what_is_withdrawn_goes() {
    play(|lab| {
        let draft = make_file(lab, "brouillon.pdf", b"%PDF pas encore lu");
        add(lab, &draft, "brouillon", &["--title", "Brouillon", "--cycle", "3"]);
        // The next catalogue that the box takes is after it.
        let after = make_file(lab, "apres.pdf", b"%PDF lu");
        offer(lab, &after, "apres", &["--title", "Après", "--cycle", "3"]);
        until_here(lab, "apres");
        let (_, all) = read(lab, "eleve", "");
        assert!(
            all.contains("Après") && !all.contains("Brouillon") && !state(lab).contains("Brouillon"),
            "{all}"
        );
        for path in ["/paquet/brouillon", "/lire/brouillon/", "/lire/brouillon/brouillon.pdf"] {
            assert_eq!(read(lab, "eleve", path).0, 404, "{path}");
        }
        let on_disk = on_the_box(lab, &format!("ls -R /run/preau-lab/{BOX}/state/library"));
        assert!(on_disk.contains("apres-1") && !on_disk.contains("brouillon"), "{on_disk}");
        assert_eq!(read(lab, "eleve", "/lire/apres/apres.pdf"), (200, "%PDF lu".to_owned()));
        central(lab, &["content", "remove", "apres"]);
        until(60, "what is withdrawn goes", || read(lab, "eleve", "/lire/apres/apres.pdf").0 == 404);
    });
}

#[test]
fn a_killed_kiwix_serve_answers_again() {
    play(|lab| {
        let number = || on_the_box(lab, "pgrep -x kiwix-serve || true").trim().to_owned();
        let before = number();
        on_the_box(lab, &format!("kill -9 {before}"));
        until(20, "another one reads the archives", || {
            let after = number();
            !after.is_empty() && after != before && read(lab, "eleve", "/zim/volcans/etna.html").0 == 200
        });
        assert_eq!(
            read(lab, "eleve", "/lire/geometrie/").0,
            200,
            "what it does not read never waited for it"
        );
    });
}

#[test]
fn another_version_costs_what_differs_and_the_one_before_is_read_meanwhile() {
    play(|lab| {
        const BYTES: usize = 3_000_000;
        let mut text = noise(BYTES, 2);
        let before = bytes_of_the_line(lab);
        offer(lab, &make_file(lab, "atlas.pdf", &text), "atlas", &["--title", "Atlas", "--cycle", "3"]);
        until_here(lab, "atlas");
        let first = bytes_of_the_line(lab) - before;
        // Some bytes more at the front, and others in the middle.
        text.splice(0..0, *b"deuxieme tirage");
        text[BYTES / 2..BYTES / 2 + 500].fill(0);
        let before = bytes_of_the_line(lab);
        offer(lab, &make_file(lab, "atlas.pdf", &text), "atlas", &["--title", "Atlas", "--cycle", "3"]);
        let begins = |lab: &Lab| {
            let part = get(lab, "eleve", &library("/lire/atlas/atlas.pdf"), &["--range", "0-7", "--fail"]);
            part.succeeded().then_some(part.stdout)
        };
        until(60, "the second version is read", || {
            let part = begins(lab);
            assert!(part.is_some(), "one version or the other is always read");
            part.as_deref() == Some("deuxieme")
        });
        let second = bytes_of_the_line(lab) - before;
        eprintln!("first version: {first} bytes over the line; second: {second}");
        assert!(first > 3_000_000, "{first}");
        assert!(second < first / 4, "the second version cost {second} bytes, the first {first}");
        let on_disk = || on_the_box(lab, &format!("ls /run/preau-lab/{BOX}/state/library/packages"));
        assert!(on_disk().contains("atlas-2"));
        until(5, "the version before is gone", || !on_disk().contains("atlas-1"));
    });
}

#[test]
fn the_referent_stops_a_package_on_its_way_and_lets_it_go_on_from_there() {
    play(|lab| {
        const BYTES: u64 = 5_000_000;
        let before = bytes_of_the_line(lab);
        let bytes = noise(usize::try_from(BYTES).unwrap(), 3);
        offer(lab, &make_file(lab, "manuel.pdf", &bytes), "manuel", &["--title", "Manuel", "--cycle", "3"]);
        until(60, "some of it is here", || {
            let told = state_of(lab, "Manuel");
            told.contains("En cours de réception")
                && !told.contains(" : 0 %")
                && !told.contains("value=\"0\"")
        });
        referent_does(lab, "acte=suspendre");
        until(10, "it says so", || state_of(lab, "Manuel").contains("Suspendue"));
        let part = format!("stat -c %s /run/preau-lab/{BOX}/state/library/arriving/manuel-1/content");
        let here = || on_the_box(lab, &part).trim().parse::<u64>().unwrap();
        std::thread::sleep(Duration::from_secs(1));
        let stopped = here();
        std::thread::sleep(Duration::from_secs(3));
        assert!(stopped > 0 && stopped < BYTES && here() == stopped, "{stopped}, then {}", here());
        let (_, shown) = read(lab, "eleve", "/paquet/manuel");
        assert!(shown.contains("Pas encore reçue"), "{shown}");
        referent_does(lab, "acte=reprendre");
        until_here(lab, "manuel");
        let taken = bytes_of_the_line(lab) - before;
        assert!(taken < BYTES + BYTES / 3, "what was here before the stop came again: {taken} bytes");
    });
}

#[test]
fn with_the_line_cut_everything_is_read_as_before_and_over_a_restart() {
    play(|lab| {
        lab.cut_line().unwrap();
        reads_everything(lab);
        lab.kill_box().unwrap();
        lab.restart_box().unwrap();
        until(20, "kiwix-serve runs again", || read(lab, "eleve", "/zim/volcans/etna.html").0 == 200);
        reads_everything(lab);
        assert!(read(lab, "eleve", "?q=volcan").1.contains("/bibliotheque/paquet/volcans"));
        lab.restore_line().unwrap();
    });
}

#[test]
fn a_stick_brings_a_package_where_there_is_no_line() {
    play(|lab| {
        let export = || central(lab, &["channel", "export", "--school", UAI, &at_central(lab, "cle").1]);
        lab.cut_line().unwrap();
        // Each of the two is a view of its own, and the stick is to have the second.
        let until_published = |act: &dyn Fn()| {
            let before = export();
            act();
            until(40, "another view is published", || export() != before);
        };
        let map = make_file(lab, "carte.pdf", &noise(600_000, 4));
        let about = ["--title", "La carte du port", "--cycle", "2"];
        until_published(&|| add(lab, &map, "carte", &about));
        until_published(&|| approve(lab, "carte"));
        let put_in = format!(
            "mkdir -p media/cle && cp -r /run/preau-lab/{CENTRAL}/cle/preau media/cle/new && mv media/cle/new media/cle/preau"
        );
        on_the_box(lab, &format!("cd /run/preau-lab/{BOX} && {put_in}"));
        until_here(lab, "carte");
        on_the_box(lab, &format!("rm -r /run/preau-lab/{BOX}/media/cle"));
        let script = format!("curl --silent --fail {} | wc -c", library("/lire/carte/carte.pdf"));
        let length = lab.run("eleve", &["sh", "-c", &script]).unwrap().checked().unwrap();
        assert_eq!(length.trim(), "600000");
        lab.restore_line().unwrap();
    });
}
