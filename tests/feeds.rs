//! A whole académie read in bounded memory: alone in its process, so that the process's own peak can be looked at.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
};

use preau::identity::feed::{Item, open};

/// The peak of the process's resident memory, in kilobytes.
fn peak_kilobytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

#[test]
fn a_hundred_thousand_persons_are_read_in_bounded_memory() {
    const PERSONS: u64 = 100_000;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| BufWriter::new(File::create(folder.path().join(name)).unwrap());
    let mut schools = file("ENT_Complet_20260901_EtabEducNat_0000.xml");
    schools
        .write_all(
            b"<ficAlimMENESR><addRequest><operationalAttributes><attr name=\"categorieStructure\"><value>EtabEducNat</value>\
              </attr></operationalAttributes><identifier><id>7</id></identifier><attributes><attr name=\"ENTStructureUAI\">\
              <value>0809999Z</value></attr></attributes></addRequest></ficAlimMENESR>",
        )
        .unwrap();
    drop(schools);
    let mut persons = file("ENT_Complet_20260901_Eleve_0000.xml");
    persons.write_all(b"<ficAlimMENESR>\n").unwrap();
    for id in 0..PERSONS {
        writeln!(
            persons,
            "<addRequest><operationalAttributes><attr name=\"categoriePersonne\"><value>Eleve</value></attr>\
             </operationalAttributes><identifier><id>{id}</id></identifier><attributes><attr name=\"sn\"><value>EXEMPLE {id}\
             </value></attr><attr name=\"givenName\"><value>Alix</value></attr><attr name=\"ENTEleveClasses\"><value>7$6A\
             </value></attr></attributes></addRequest>"
        )
        .unwrap();
    }
    persons.write_all(b"</ficAlimMENESR>\n").unwrap();
    drop(persons);

    let before = peak_kilobytes();
    let mut classes = 0;
    let totals = open(&[folder.path().to_owned()], None, None)
        .unwrap()
        .read(&mut |item| {
            if let Item::Person(record) = item {
                classes += record.person.schools[0].classes.len();
            }
            Ok(())
        })
        .unwrap();
    assert_eq!((totals.persons, totals.refused, totals.cut), (PERSONS, 0, false));
    assert_eq!(u64::try_from(classes).unwrap(), PERSONS);
    let grown = peak_kilobytes() - before;
    // Sixteen bytes a person tell doubles; the table that holds them grows by copying.
    assert!(grown < 16 * 1024, "reading took {grown} kB");
}
