//! What a folder holds: kinds of files, formats, days, and what is not a delivery.

use std::{fs, path::PathBuf};

use jiff::civil::Date;

use super::builder::{add, pupil, schools, xml};
use crate::identity::feed::{Extent, Feed, FeedError, Format, Item, NoteKind, deliveries, open};

struct Folder(tempfile::TempDir);

impl Folder {
    fn of(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    fn open(&self) -> Result<Feed, FeedError> {
        open(&[self.path()], None, None)
    }

    fn refusal(&self) -> String {
        let folder = format!("{}/", self.0.path().display());
        self.open().unwrap_err().to_string().replace(&folder, "")
    }
}

#[test]
fn a_folder_as_it_comes_is_one_delivery() {
    let pupils = |id: &str| xml(&pupil(id, &[]));
    let long: String = (10..60).map(|id| pupil(&id.to_string(), &[])).collect();
    let folder = Folder::of(&[
        ("sub/ENT2DVA_Complet_20260901_PersEducNat_0000.xml", &xml("")),
        ("sub/ENT2DVA_Complet_20260901_Eleve_0000.xml", &xml(&long)),
        ("sub/ENT2DVA_Complet_20260901_Eleve_0001.xml", &pupils("2")),
        ("sub/ENT2DVA_Complet_20260901_EtabEducNat_0000.xml", &schools()),
        ("sub/ENT2DVA_Complet_20260901_PersRelEleve_0000.xml", b"<ficAlimMENESR><nothing of it is read"),
        ("sub/ENT2DVA_Complet_20260901_MatiereEducNat_0000.xml", b""),
        ("sub/ficAlimMENESR.dtd", b"<!ELEMENT ficAlimMENESR ANY>"),
        ("ENT2DVA_Complet_20260901.md5", b"0"),
        ("ENT2DVA_Complet_20260901.zip", b"PK\x03\x04"),
        ("LISEZMOI.txt", b"bonjour"),
        ("parametres.xml", b"<?xml version=\"1.0\"?><InfosEducNat/>"),
        (".hidden.xml", b"<ficAlimMENESR>"),
    ]);
    let feed = folder.open().unwrap();
    let head = feed.head();
    assert_eq!(
        (head.format, head.extent, head.date),
        (Format::Aaf, Extent::Complete, Some(Date::new(2026, 9, 1).unwrap()))
    );
    assert!(head.source.starts_with("ENT2DVA_Complet_20260901_EtabEducNat_0000.xml, "), "{}", head.source);
    let mut kinds = Vec::new();
    let mut before_school = 0;
    let totals = feed
        .read(&mut |item| {
            match item {
                Item::Note(note) => kinds.push(note.kind),
                Item::Person(_) if before_school >= 0 => before_school += 1,
                Item::School(_) => assert_eq!(before_school, 0),
                _ => {}
            }
            Ok(())
        })
        .unwrap();
    assert_eq!((totals.persons, totals.schools, totals.refused, totals.cut), (51, 2, 0, false));
    for kind in [NoteKind::Guardians, NoteKind::Subjects, NoteKind::Checksum, NoteKind::UnknownFile] {
        assert!(kinds.contains(&kind), "{kind:?}");
    }
    assert_eq!(
        NoteKind::Guardians.to_string(),
        "les responsables ne sont pas repris : la boîte n'en a pas besoin"
    );
}

#[test]
fn several_deliveries_are_parted_and_refused_together() {
    let delta = xml(&pupil("1", &[]));
    let folder = Folder::of(&[
        ("ENT_Delta_20260903_Eleve_0000.xml", &delta),
        ("ENT_Complet_20260901_EtabEducNat_0000.xml", &schools()),
        ("ENT_Delta_20260902_Eleve_0000.xml", &delta),
        ("ENT_Complet_20260901_Eleve_0000.xml", &delta),
    ]);
    assert_eq!(
        folder.refusal(),
        "the files are of several deliveries (Complet of 2026-09-01, Delta of 2026-09-02, Delta of 2026-09-03); \
         give one at a time, the complete one first, then by date"
    );
    let parts = deliveries(&[folder.path()], None).unwrap();
    assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 1]);
    let heads: Vec<_> = parts.iter().map(|part| open(part, None, None).unwrap().head().clone()).collect();
    assert_eq!(
        heads.iter().map(|head| head.extent).collect::<Vec<_>>(),
        [Extent::Complete, Extent::Delta, Extent::Delta]
    );
    assert!(heads[1].date < heads[2].date);
}

#[test]
fn formats_are_told_by_their_content() {
    let gpei = xml(&add("Eleve", "1", &[("GPEIPersonJointure", "1")]));
    let first = xml(&add("Eleve", "1", &[("ENTPersonNom", "EXEMPLE")]));
    let onde = b"\"Nom El\xe8ve\";\"Pr\xe9nom El\xe8ve\";\"Date naissance\"\r\n";
    for (name, bytes, expected) in [
        ("a.xml", &gpei[..], Format::Gpei),
        ("a.xml", &first, Format::Aaf1d),
        ("a.xml", &xml(&pupil("1", &[])), Format::Aaf),
        ("a.csv", onde, Format::Onde),
    ] {
        assert_eq!(Folder::of(&[(name, bytes)]).open().unwrap().head().format, expected);
    }
}

#[test]
fn what_is_no_delivery_is_refused_with_what_to_do() {
    for (files, message) in [
        (&[][..], "nothing to read in"),
        (&[("a.txt", &b"bonjour"[..])], "nothing to read in"),
        (&[("a.zip", b"PK\x03\x04")], "`a.zip` is an archive; unpack it and give the folder it makes"),
        (&[("ENT2D.20260901.tgz", b"\x1f\x8b")], "`ENT2D.20260901.tgz` is an archive"),
        (&[("a.xml", b"\x1f\x8b")], "`a.xml` is an archive"),
        (&[("a.csv", b"Nom,Pr\xc3\xa9nom\n")], "a CSV needs the description of its columns"),
        (
            &[("a.xml", b"<ficAlimMENESR>"), ("b.csv", b"Nom El\xe8ve;Pr\xe9nom El\xe8ve;Date naissance\n")],
            "the files are of several formats",
        ),
    ] {
        let refused = Folder::of(files).refusal();
        assert!(refused.starts_with(message), "{files:?}\n{refused}");
    }
    let folder = Folder::of(&[("a.txt", b"bonjour")]);
    let named = open(&[folder.path().join("a.txt")], None, None).unwrap_err().to_string();
    assert!(named.contains("is no file of AAF, GPEI or ONDE"), "{named}");
    let missing = open(&[folder.path().join("b")], None, None).unwrap_err();
    assert!(matches!(missing, FeedError::Unreadable { .. }));
    let onde = Folder::of(&[("a.csv", b"Nom El\xe8ve;Pr\xe9nom El\xe8ve;Date naissance\n")]);
    let other = open(&[onde.path()], Some(Format::Aaf), None).unwrap_err().to_string();
    assert_eq!(other, "the files are onde, not aaf");
}

#[test]
fn a_delta_without_a_name_is_known_by_its_requests() {
    let file = xml("<deleteRequest><identifier><id>1</id></identifier></deleteRequest>");
    assert_eq!(Folder::of(&[("a.xml", &file)]).open().unwrap().head().extent, Extent::Delta);
}

#[test]
fn an_onde_export_needs_to_be_told_its_school() {
    let folder = Folder::of(&[("a.csv", b"Nom El\xe8ve;Pr\xe9nom El\xe8ve;Date naissance\n")]);
    let error = folder.open().unwrap().read(&mut |_| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "an ONDE export does not say of which school it is");
}

#[test]
fn a_taker_that_fails_ends_the_reading() {
    let folder = Folder::of(&[("ENT_Complet_20260901_EtabEducNat_0000.xml", &schools())]);
    let error = folder.open().unwrap().read(&mut |_| Err(anyhow::anyhow!("disk full"))).unwrap_err();
    assert_eq!(error.to_string(), "disk full");
}
