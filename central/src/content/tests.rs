//! Packages as a technician adds them, and as boxes would take them.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use preau::{
    library::web::Table,
    model::Moment,
    protocol::{
        chunks,
        content::{Approval, CATALOGUE, Catalogue, Kind, chunk_path},
        names::Role,
    },
    system::clock::Clock,
};
use tempfile::TempDir;

use super::*;
use crate::{
    audit::{self, Who},
    bucket::{self, Bucket},
    channel::{self, Channel},
    database::{Database, Location},
};

struct Desk {
    dir: TempDir,
    database: Database,
    bucket: Bucket,
    content: Content,
}

fn draft(kind: Kind) -> Draft {
    Draft {
        id: "atlas".to_owned(),
        title: "Atlas".to_owned(),
        description: String::new(),
        subjects: vec!["Géographie".to_owned()],
        cycles: vec![3, 4],
        kind,
        licence: "CC BY 4.0".to_owned(),
    }
}

fn a_file() -> Kind {
    Kind::File { name: "atlas.pdf".to_owned() }
}

fn approval() -> Approval {
    Approval { by: "Comité d’éthique".to_owned(), date: "2026-11-20".to_owned() }
}

impl Desk {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let clock = Clock::from_fn(|| Moment::from_unix_seconds(1_795_417_200));
        let parts = [audit::PART, channel::PART, PART];
        let database = Database::open(&Location::Sqlite(at("central.sqlite")), &parts).await.unwrap();
        channel::found(&database, &at("keys"), &at("offline"), &clock).await.unwrap();
        let bucket = Bucket::open(&bucket::Location::Folder(at("repository"))).unwrap();
        let channel =
            Channel::open(database.clone(), bucket.clone(), &at("keys"), clock.clone()).await.unwrap();
        let content = Content::new(database.clone(), bucket.clone(), channel, at("work"), clock);
        Self { dir, database, bucket, content }
    }

    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join("given");
        fs::write(&path, bytes).unwrap();
        path
    }

    async fn add(&self, kind: Kind, bytes: &[u8]) -> anyhow::Result<Known> {
        self.content.add(&self.file(bytes), draft(kind), &Who::Central).await
    }

    /// What boxes are offered; none before there is a catalogue.
    async fn offered(&self) -> Vec<(String, u64)> {
        let sql = "SELECT sha256 FROM channel_target WHERE name = $1 AND role = $2";
        let rows = self.database.read(sql, &[CATALOGUE.into(), Role::Content.word().into()]).await.unwrap();
        let Some(row) = rows.first() else { return Vec::new() };
        let hex: String = row.bytes(0).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("targets/content/{hex}.index.json");
        let (bytes, _) = self.bucket.read(&name).await.unwrap().unwrap();
        let catalogue: Catalogue = serde_json::from_slice(&bytes).unwrap();
        catalogue.offered().map(|package| (package.id.clone(), package.version)).collect()
    }

    /// The pieces of a package as they lie in the repository, each held to the list.
    async fn pieces(&self, known: &Known) -> Vec<chunks::Chunk> {
        let hex: String = known.chunks.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        let last = known.package.chunks.strip_prefix("content/").unwrap();
        let (list, _) = self.bucket.read(&format!("targets/content/{hex}.{last}")).await.unwrap().unwrap();
        chunks::read(&list).unwrap()
    }

    async fn whole(&self, known: &Known) -> Vec<u8> {
        let mut whole = Vec::new();
        for chunk in self.pieces(known).await {
            let (sent, _) = self.bucket.read(&chunk_path(&chunk.sent)).await.unwrap().unwrap();
            assert_eq!(
                (blake3::hash(&sent), sent.len()),
                (chunk.sent, usize::try_from(chunk.sent_length).unwrap())
            );
            let piece = zstd::bulk::decompress(&sent, usize::try_from(chunk.length).unwrap()).unwrap();
            assert_eq!(blake3::hash(&piece), chunk.plain);
            whole.extend_from_slice(&piece);
        }
        whole
    }
}

/// Bytes that repeat nowhere.
fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

#[tokio::test]
async fn a_file_comes_back_from_its_pieces_byte_by_byte() {
    let (desk, bytes) = (Desk::open().await, noise(700_000));
    let known = desk.add(a_file(), &bytes).await.unwrap();
    assert_eq!(desk.whole(&known).await, bytes);
    assert_eq!(known.package.digest, blake3::hash(&bytes).to_hex().as_str());
}

#[tokio::test]
async fn no_school_is_offered_a_version_before_the_committee_approved_it() {
    let desk = Desk::open().await;
    desk.add(a_file(), b"un").await.unwrap();
    assert!(desk.offered().await.is_empty());
    desk.content.approve("atlas", None, approval(), &Who::Central).await.unwrap();
    assert_eq!(desk.offered().await, [("atlas".to_owned(), 1)]);
    desk.add(a_file(), b"deux").await.unwrap();
    assert_eq!(
        desk.offered().await,
        [("atlas".to_owned(), 1)],
        "the next version waits for its own approval"
    );
    desk.content.approve("atlas", None, approval(), &Who::Central).await.unwrap();
    assert_eq!(desk.offered().await, [("atlas".to_owned(), 2)]);
    desk.content.remove("atlas", &Who::Central).await.unwrap();
    assert!(desk.offered().await.is_empty());
    assert!(desk.content.remove("atlas", &Who::Central).await.is_err());
    assert_eq!(desk.add(a_file(), b"trois").await.unwrap().package.version, 3, "no version is given twice");
    for (by, date) in [("", "2026-11-20"), ("Comité", "hier"), ("Comité", "2026-13-01")] {
        let odd = Approval { by: by.to_owned(), date: date.to_owned() };
        assert!(desk.content.approve("atlas", None, odd, &Who::Central).await.is_err(), "{by} {date}");
    }
}

#[tokio::test]
async fn a_change_of_one_hundredth_is_fetched_as_little_more_than_that() {
    let (desk, mut bytes) = (Desk::open().await, noise(10_000_000));
    let one = desk.add(a_file(), &bytes).await.unwrap();
    // One place, and a page more in the middle that pushes everything behind it.
    bytes[2_000_000..2_100_000].reverse();
    bytes.splice(6_000_000..6_000_000, *b"une page de plus");
    let two = desk.add(a_file(), &bytes).await.unwrap();
    let here: HashSet<_> = desk.pieces(&one).await.into_iter().map(|chunk| chunk.plain).collect();
    let missing = desk.pieces(&two).await.into_iter().filter(|chunk| !here.contains(&chunk.plain));
    let fetched: u64 = missing.map(|chunk| u64::from(chunk.sent_length)).sum();
    assert!((100_000..800_000).contains(&fetched), "{fetched} bytes of 10 MB for a change of 100 kB");
}

#[tokio::test]
async fn what_is_no_archive_of_openzim_is_not_taken_for_one() {
    let desk = Desk::open().await;
    assert!(desk.add(Kind::Zim, b"PK\x03\x04 and so on").await.is_err());
    assert!(desk.add(Kind::Zim, b"ZI").await.is_err());
    assert!(desk.add(Kind::Zim, b"ZIM\x04 and so on").await.is_ok());
}

/// One entry of an archive.
fn entry(path: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut header = [0; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    header[148..156].fill(b' ');
    header[156] = kind;
    header[257..263].copy_from_slice(b"ustar\0");
    let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut entry = header.to_vec();
    entry.extend_from_slice(content);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut tar = entries.concat();
    tar.extend_from_slice(&[0; 1024]);
    zstd::bulk::compress(&tar, 3).unwrap()
}

fn first_page() -> Vec<u8> {
    entry("./index.html", b'0', b"<h1>Bonjour</h1>")
}

#[tokio::test]
async fn a_site_becomes_a_package_with_every_file_under_its_name() {
    let desk = Desk::open().await;
    let long = format!("{}/page.html", "a".repeat(180));
    let record = format!(" path={long}\n");
    let record = format!("{}{record}", record.len() + 3);
    let site = archive(&[
        entry("./", b'5', b""),
        first_page(),
        entry("cours/volcans.html", 0, b"Etna"),
        entry("cours", b'5', b""),
        entry("x", b'x', record.as_bytes()),
        entry("short", b'0', b"long name"),
        entry("././@LongLink", b'L', b"cours/autre.html\0"),
        entry("short", b'0', b"GNU"),
    ]);
    let known = desk.add(Kind::Web, &site).await.unwrap();
    let package = desk.whole(&known).await;
    let table = Table::read(&mut &package[..], known.package.bytes).unwrap();
    for (path, text) in [
        ("", "<h1>Bonjour</h1>"),
        ("cours/volcans.html", "Etna"),
        (&long, "long name"),
        ("cours/autre.html", "GNU"),
    ] {
        let (_, place) = table.find(path).unwrap_or_else(|| panic!("{path}"));
        let place = usize::try_from(place.start).unwrap()..usize::try_from(place.end).unwrap();
        assert_eq!(str::from_utf8(&package[place]).unwrap(), text, "{path}");
    }
}

#[tokio::test]
async fn an_archive_with_anything_odd_is_refused_by_name_and_nothing_is_entered() {
    let desk = Desk::open().await;
    let mut torn = first_page();
    torn[0] ^= 1;
    let mut cut = first_page();
    cut.truncate(520);
    for (archive, told) in [
        (archive(&[first_page(), entry("../etc/passwd", b'0', b"x")]), "../etc/passwd"),
        (archive(&[first_page(), entry("/etc/passwd", b'0', b"x")]), "/etc/passwd"),
        (archive(&[first_page(), entry("a/../../b", b'0', b"x")]), "a/../../b"),
        (archive(&[first_page(), entry("a\\b", b'0', b"x")]), "a\\b"),
        (archive(&[first_page(), entry("a\nb", b'0', b"x")]), "cannot be asked for"),
        (archive(&[first_page(), entry("lien", b'2', b"")]), "`lien`, which is no file"),
        (archive(&[first_page(), entry("dur", b'1', b"")]), "`dur`, which is no file"),
        (archive(&[first_page(), entry("disque", b'4', b"")]), "`disque`, which is no file"),
        (archive(&[first_page(), first_page()]), "named twice"),
        (archive(&[entry("site/index.html", b'0', b"x")]), "no `index.html` at its top"),
        (archive(&[]), "no `index.html` at its top"),
        (archive(&[torn]), "damaged"),
        (zstd::bulk::compress(&cut, 3).unwrap(), "cut in `index.html`"),
        (archive(&[first_page(), entry("x", b'x', b"99 path=a\n")]), "damaged"),
        (archive(&[first_page(), entry("zero", b'0', &vec![0; 20 << 20])]), "unpacks to more than"),
        (b"PK\x03\x04".to_vec(), "cannot take"),
        (Vec::new(), "cannot take"),
    ] {
        let refused = desk.add(Kind::Web, &archive).await.unwrap_err();
        assert!(format!("{refused:#}").contains(told), "{told}: {refused:#}");
    }
    assert!(all(&desk.database).await.unwrap().is_empty());
    let left: Vec<_> = entries(&desk.dir.path().join("work"));
    assert!(left.len() <= 1, "nothing heaps up in the folder of work: {left:?}");
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}
