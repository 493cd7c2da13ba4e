//! Makes deliveries of invented people and reads them the way a technician would.

use std::fs;

use crate::identity::feed::{
    CsvDescription, Item, Note, NoteKind, PersonChange, PersonRecord, Refused, Totals, open,
};
use crate::model::{ClassName, Uai};

/// What came out of a delivery.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) items: Vec<Item>,
    pub(super) totals: Totals,
}

pub(super) fn uai(text: &str) -> Uai {
    Uai::new(text).unwrap()
}

/// Reads files given by name and bytes, from a folder.
pub(super) fn read(files: &[(&str, &[u8])]) -> Outcome {
    read_as(files, None, &[])
}

/// As [`read`], with a description of CSV and schools that are known already.
pub(super) fn read_as(
    files: &[(&str, &[u8])],
    csv: Option<&CsvDescription>,
    known: &[(&str, &str)],
) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let feed = open(&[folder.path().to_owned()], None, csv).unwrap();
    let known = known.iter().map(|(key, code)| ((*key).to_owned(), uai(code)));
    let mut items = Vec::new();
    let feed = feed.knowing(known).at(uai("0809999Z"));
    let totals = feed
        .read(&mut |item| {
            items.push(item);
            Ok(())
        })
        .unwrap();
    Outcome { items, totals }
}

impl Outcome {
    pub(super) fn persons(&self) -> Vec<&PersonRecord> {
        self.items
            .iter()
            .filter_map(|item| if let Item::Person(person) = item { Some(&**person) } else { None })
            .collect()
    }

    /// The only person.
    #[track_caller]
    pub(super) fn person(&self) -> &PersonRecord {
        let persons = self.persons();
        assert_eq!(persons.len(), 1, "{self:#?}");
        persons[0]
    }

    pub(super) fn changes(&self) -> Vec<&PersonChange> {
        self.items
            .iter()
            .filter_map(|item| if let Item::Change(change) = item { Some(&**change) } else { None })
            .collect()
    }

    pub(super) fn refused(&self) -> Vec<&Refused> {
        self.items
            .iter()
            .filter_map(|item| if let Item::Refused(refused) = item { Some(refused) } else { None })
            .collect()
    }

    /// The only refusal: its line, its identifier, its French sentence.
    #[track_caller]
    pub(super) fn refusal(&self) -> (u64, Option<String>, String) {
        let refused = self.refused();
        assert_eq!(refused.len(), 1, "{self:#?}");
        let id = refused[0].id.as_ref().map(|id| id.as_str().to_owned());
        (refused[0].line, id, refused[0].reason.to_string())
    }

    pub(super) fn notes(&self) -> Vec<&Note> {
        self.items
            .iter()
            .filter_map(|item| if let Item::Note(note) = item { Some(note) } else { None })
            .collect()
    }

    pub(super) fn has_note(&self, kind: &NoteKind) -> bool {
        self.notes().iter().any(|note| note.kind == *kind)
    }
}

/// `class` as people write it.
pub(super) fn class(name: &str) -> ClassName {
    ClassName::new(name)
}

/// An XML file of these requests, the first of them on line 4.
pub(super) fn xml(requests: &str) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE ficAlimMENESR SYSTEM \"ficAlimMENESR.dtd\">\n\
         <ficAlimMENESR>\n{requests}</ficAlimMENESR>\n"
    )
    .into_bytes()
}

/// An `addRequest` of one line; several values are parted by `|`.
pub(super) fn add(category: &str, id: &str, attributes: &[(&str, &str)]) -> String {
    let kind =
        if category.ends_with("EducNat") && category.starts_with("Etab") { "Structure" } else { "Personne" };
    let attributes: String = attributes
        .iter()
        .map(|(name, values)| {
            let values: String = values.split('|').map(|value| format!("<value>{value}</value>")).collect();
            format!("<attr name=\"{name}\">{values}</attr>")
        })
        .collect();
    format!(
        "<addRequest><operationalAttributes><attr name=\"categorie{kind}\"><value>{category}</value></attr>\
         </operationalAttributes><identifier><id>{id}</id></identifier><attributes>{attributes}</attributes></addRequest>\n"
    )
}

/// A `modifyRequest` of one line.
pub(super) fn modify(id: &str, attributes: &[(&str, &str)]) -> String {
    let attributes: String = attributes
        .iter()
        .map(|(name, values)| {
            let values: String = values.split('|').map(|value| format!("<value>{value}</value>")).collect();
            format!("<modification name=\"{name}\" operation=\"replace\">{values}</modification>")
        })
        .collect();
    format!(
        "<modifyRequest><operationalAttributes><attr name=\"categoriePersonne\"><value>Eleve</value></attr>\
         </operationalAttributes><identifier><id>{id}</id></identifier><modifications>{attributes}</modifications>\
         </modifyRequest>\n"
    )
}

/// The schools `52006` and `52007` in AAF.
pub(super) fn schools() -> Vec<u8> {
    let school = |key, code, name| {
        add(
            "EtabEducNat",
            key,
            &[
                ("ENTStructureJointure", key),
                ("ENTStructureUAI", code),
                ("ENTEtablissementUAI", code),
                ("ENTStructureNomCourant", name),
                ("ENTStructureClasses", ""),
            ],
        )
    };
    let two =
        school("52006", "0809999Z", "CLG-EXEMPLE-AMIENS") + &school("52007", "0809998Y", "CLG-AUTRE-AMIENS");
    xml(&two)
}

/// A pupil of school 52006 with these attributes besides.
pub(super) fn pupil(id: &str, more: &[(&str, &str)]) -> String {
    let mut attributes = vec![("ENTPersonJointure", id)];
    for usual in [
        ("sn", "EXEMPLE"),
        ("givenName", "Alix"),
        ("ENTPersonDateNaissance", "03/02/2013"),
        ("ENTPersonStructRattach", "52006"),
        ("ENTEleveClasses", "52006$6A"),
    ] {
        if !more.iter().any(|(name, _)| *name == usual.0) {
            attributes.push(usual);
        }
    }
    attributes.extend(more);
    add("Eleve", id, &attributes)
}

/// Staff of school 52006 with these attributes besides.
pub(super) fn staff(id: &str, more: &[(&str, &str)]) -> String {
    let usual = [
        ("ENTPersonJointure", id),
        ("sn", "ESSAI"),
        ("givenName", "Camille"),
        ("ENTPersonStructRattach", "52006"),
    ];
    add("PersEducNat", id, &[&usual, more].concat())
}

/// Reads requests beside the two schools, as a complete delivery.
pub(super) fn read_requests(requests: &str) -> Outcome {
    let persons = xml(requests);
    read(&[
        ("ENT_Complet_20260901_EtabEducNat_0000.xml", &schools()),
        ("ENT_Complet_20260901_Eleve_0000.xml", &persons),
    ])
}

/// Reads requests of a delta in a box that knows the two schools.
pub(super) fn read_delta(requests: &str) -> Outcome {
    let persons = xml(requests);
    let known = [("52006", "0809999Z"), ("52007", "0809998Y")];
    read_as(&[("ENT_Delta_20260902_Eleve_0000.xml", &persons)], None, &known)
}
