//! AAF as it is written: declarations, encodings, values, identifiers, deltas.

use jiff::civil::Date;

use super::builder::{
    add, class, modify, pupil, read, read_as, read_delta, read_requests, schools, staff, uai, xml,
};
use crate::identity::feed::{Item, NoteKind};
use crate::model::{AccountId, Role};

const COMPLETE: &str = "ENT_Complet_20260901_Eleve_0000.xml";

#[test]
fn a_pupil_is_read_as_the_school_knows_them() {
    let read = read_requests(&pupil("9000001", &[("ENTEleveGroupes", "52006$6ANGL1|52006$CHORALE")]));
    let record = read.person();
    let person = &record.person;
    assert_eq!(person.id, AccountId::new("9000001"));
    assert_eq!((&*person.family_name, &*person.given_name), ("EXEMPLE", "Alix"));
    assert_eq!(person.birth_date, Some(Date::new(2013, 2, 3).unwrap()));
    assert_eq!(person.role, Role::Eleve);
    assert_eq!(person.login, None);
    assert_eq!(person.schools.len(), 1);
    assert_eq!(person.schools[0].school, uai("0809999Z"));
    assert_eq!(person.schools[0].classes, [class("6A")]);
    assert_eq!(person.schools[0].groups, [class("6ANGL1"), class("CHORALE")]);
    assert_eq!((record.has_left, &record.password), (None, &None));
    assert_eq!(
        (read.totals.schools, read.totals.persons, read.totals.refused, read.totals.cut),
        (2, 1, 0, false)
    );
}

#[test]
fn a_file_without_an_xml_declaration_is_read() {
    let persons = format!(
        "<!DOCTYPE ficAlimMENESR SYSTEM \"ficAlimMENESR.dtd\">\n<ficAlimMENESR>{}</ficAlimMENESR>",
        pupil("1", &[("sn", "É")])
    );
    let read =
        read(&[("ENT_Complet_20260901_EtabEducNat_0000.xml", &schools()), (COMPLETE, persons.as_bytes())]);
    assert_eq!(read.person().person.family_name, "É");
}

#[test]
fn latin_encodings_are_read_declared_and_undeclared() {
    let body =
        format!("<ficAlimMENESR>\n{}</ficAlimMENESR>", pupil("1", &[("sn", "CŒUR"), ("givenName", "Zoë")]));
    let latin = |declaration: &str| {
        let (bytes, _, _) = encoding_rs::ISO_8859_15.encode(&body);
        [declaration.as_bytes(), &bytes].concat()
    };
    for (declaration, is_noted) in [
        ("<?xml version=\"1.0\" encoding=\"ISO-8859-15\"?>\n", false),
        ("<?xml version='1.0' encoding='iso-8859-15' standalone='no'?>\n", false),
        ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", true),
        ("<?xml version=\"1.0\"?>\n", true),
        ("", true),
    ] {
        let file = latin(declaration);
        let read = read(&[("ENT_Complet_20260901_EtabEducNat_0000.xml", &schools()), (COMPLETE, &file)]);
        let person = &read.person().person;
        assert_eq!((&*person.family_name, &*person.given_name), ("CŒUR", "Zoë"), "{declaration}");
        assert_eq!(read.has_note(&NoteKind::NotUtf8), is_noted, "{declaration}");
    }
}

#[test]
fn entities_are_resolved_even_when_they_were_escaped_twice() {
    for (written, expected) in [
        ("D&apos;EXEMPLE", "D'EXEMPLE"),
        ("A &amp; B", "A & B"),
        ("D&#201;SIR&#xc9;E", "DÉSIRÉE"),
        ("D&amp;eacute;sir&amp;eacute;e", "Désirée"),
        ("D&amp;#39;EXEMPLE", "D'EXEMPLE"),
        ("<![CDATA[A & <B>]]>", "A & <B>"),
        ("A & B", "A & B"),
    ] {
        let read = read_requests(&pupil("1", &[("sn", written)]));
        assert_eq!(read.person().person.family_name, expected, "{written}");
    }
}

#[test]
fn an_unknown_entity_refuses_its_record_only() {
    let read = read_requests(&(pupil("1", &[("sn", "&inconnue;")]) + &pupil("2", &[])));
    assert_eq!(read.refusal(), (4, Some("1".into()), "l'entité « &inconnue; » est inconnue".into()));
    assert_eq!(read.person().person.id, AccountId::new("2"));
}

#[test]
fn an_empty_value_is_known_to_be_empty() {
    for empty in ["<value/>", "<value></value>", "<value> </value>", ""] {
        let request = modify("1", &[]).replace("<modifications>", &format!(
            "<modifications><modification name=\"ENTEleveGroupes\" operation=\"replace\">{empty}</modification>\
             <modification name=\"ENTPersonDateNaissance\" operation=\"replace\">{empty}</modification>"
        ));
        let read = read_delta(&request);
        assert_eq!(read.changes()[0].groups, Some(Vec::new()), "{empty}");
        assert_eq!(read.changes()[0].birth_date, Some(None), "{empty}");
        assert_eq!(read.changes()[0].classes, None);
    }
}

#[test]
fn a_person_without_names_or_identifier_is_refused() {
    let read =
        read_requests(&(pupil("1", &[("sn", "")]) + &pupil("2", &[("givenName", " ")]) + &pupil("", &[])));
    let reasons: Vec<_> =
        read.refused().iter().map(|refused| (refused.line, refused.reason.to_string())).collect();
    assert_eq!(
        reasons,
        [
            (4, "« sn » manque ou est vide".to_owned()),
            (5, "« givenName » manque ou est vide".to_owned()),
            (6, "la fiche n'a pas d'identifiant".to_owned()),
        ]
    );
}

#[test]
fn unreadable_dates_are_left_out_with_a_note() {
    let read = read_requests(&pupil("1", &[("ENTPersonDateNaissance", "31/02/2013")]));
    assert_eq!(read.person().person.birth_date, None);
    assert!(read.has_note(&NoteKind::NotADate("ENTPersonDateNaissance".into())));
    let read = read_requests(&pupil("1", &[("ENTPersonDateNaissance", "2013-02-03")]));
    assert_eq!(read.person().person.birth_date, Some(Date::new(2013, 2, 3).unwrap()));
}

#[test]
fn unknown_attributes_are_noted_once_with_their_count() {
    let requests: String = (1..=3).map(|id| pupil(&id.to_string(), &[("ENTElevePointure", "38")])).collect();
    let read = read_requests(&requests);
    assert_eq!(read.totals.persons, 3);
    let notes = read.notes();
    assert_eq!(notes.len(), 1);
    assert_eq!((notes[0].line, notes[0].count, &*notes[0].file), (4, 3, COMPLETE));
    assert_eq!(notes[0].kind.to_string(), "« ENTElevePointure » n'est pas connu et n'est pas repris");
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    for attributes in [
        &[("sn", "EXEMPLE|ESSAI")][..],
        &[("ENTPersonDateNaissance", "03/02/2013"), ("GPEIPersonDateNaissance", "04/02/2013")],
        &[("sn", "EXEMPLE"), ("ENTPersonNom", "ESSAI")],
    ] {
        let read = read_requests(&pupil("1", attributes));
        let (_, _, reason) = read.refusal();
        assert!(reason.contains("se contredisent"), "{attributes:?} {reason}");
    }
    let read = read_requests(&pupil("1", &[]).replace("<id>1</id>", "<id>2</id>"));
    assert_eq!(read.refusal().2, "« ENTPersonJointure » a plusieurs valeurs qui se contredisent");
    let read = read_requests(&pupil("1", &[("sn", "EXEMPLE|EXEMPLE"), ("ENTPersonNom", "")]));
    assert_eq!(read.totals.refused, 0);
}

#[test]
fn an_identifier_used_twice_gives_one_person() {
    let read = read_requests(&(pupil("1", &[]) + &pupil("1", &[]) + &pupil("1", &[("sn", "AUTRE")])));
    assert_eq!(read.person().person.family_name, "EXEMPLE");
    assert_eq!(
        read.refusal(),
        (6, Some("1".into()), "cet identifiant est déjà porté par une autre fiche plus haut".into())
    );
    assert!(read.has_note(&NoteKind::Repeated));
}

#[test]
fn names_of_a_thousand_characters_are_refused() {
    let read = read_requests(&pupil("1", &[("sn", &"E".repeat(1000))]));
    assert_eq!(read.refusal().2, "« sn » est trop long pour être vrai");
    let read = read_requests(&pupil("1", &[("sn", &"É".repeat(200))]));
    assert_eq!(read.totals.persons, 1);
}

#[test]
fn control_characters_are_refused() {
    for name in ["EX\u{1}EMPLE", "EX&#0;EMPLE", "EX&#8238;EMPLE", "EX\u{202e}EMPLE"] {
        let read = read_requests(&pupil("1", &[("sn", name)]));
        assert_eq!(read.refusal().2, "« sn » contient un caractère invisible ou de contrôle", "{name:?}");
    }
    assert_eq!(read_requests(&pupil("1", &[("sn", "EX\n\tEMPLE")])).person().person.family_name, "EX EMPLE");
}

#[test]
fn a_delta_adds_changes_and_takes_leave() {
    let leaving = "<deleteRequest><operationalAttributes><attr name=\"categoriePersonne\"><value>Eleve</value></attr>\
                   </operationalAttributes><identifier><id>9000009</id></identifier></deleteRequest>\n";
    let read = read_delta(
        &(pupil("1", &[]) + &modify("2", &[("ENTEleveClasses", "52006$6B"), ("sn", "AUTRE")]) + leaving),
    );
    assert_eq!(read.person().person.schools[0].school, uai("0809999Z"));
    let change = read.changes()[0];
    assert_eq!(change.id, AccountId::new("2"));
    assert_eq!(change.classes, Some(vec![(uai("0809999Z"), class("6B"))]));
    assert_eq!(change.family_name.as_deref(), Some("AUTRE"));
    assert_eq!((&change.given_name, &change.groups, &change.role), (&None, &None, &None));
    assert!(read.items.contains(&Item::Leaves(AccountId::new("9000009"))));
    assert_eq!((read.totals.changes, read.totals.leaving), (1, 1));
}

#[test]
fn a_change_that_is_no_replacement_is_refused() {
    let read = read_delta(&modify("2", &[("sn", "AUTRE")]).replace("\"replace\"", "\"add\""));
    assert_eq!(read.refusal().2, "l'opération « add » est inconnue ; seul « replace » existe");
    let read = read_delta(&modify("2", &[("sn", "")]));
    assert_eq!(read.refusal().2, "« sn » manque ou est vide");
}

#[test]
fn a_complete_delivery_neither_changes_nor_takes_leave() {
    let read = read_requests(&modify("2", &[("sn", "AUTRE")]));
    assert_eq!(
        read.refusal().2,
        "une modification ou une suppression n'a pas sa place dans une livraison complète"
    );
}

#[test]
fn guardians_and_subjects_are_not_kept() {
    let requests = add("PersRelEleve", "5", &[("sn", "EXEMPLE")])
        + &add("MatEducNat", "6", &[("ENTLibelleMatiere", "x")])
        + &pupil("1", &[]);
    let read = read_requests(&requests);
    assert_eq!((read.totals.persons, read.totals.refused), (1, 0));
    assert!(read.has_note(&NoteKind::Guardians) && read.has_note(&NoteKind::Subjects));
}

#[test]
fn a_record_of_no_known_kind_is_refused() {
    let read = read_requests(&add("Visiteur", "1", &[("sn", "EXEMPLE")]));
    assert_eq!(read.refusal().2, "« Visiteur » ne dit ni élève ni personnel");
}

#[test]
fn functions_make_teachers_and_offices() {
    for (functions, stands, expected) in [
        ("52006$ENS$ENSEIGNEMENT$L6510$ARTS", "", Role::Enseignant),
        ("52006$DOC$DOCUMENTATION$$", "", Role::Enseignant),
        ("52006$EDU$EDUCATION$$", "N", Role::Enseignant),
        ("52006$DIR$DIRECTION$D0010$", "O", Role::Administratif),
        ("52006$ADF$PERSONNELS ADMINISTRATIFS", "N", Role::Administratif),
        ("52006$-$SANS OBJET", "O", Role::Enseignant),
        ("52006$-$SANS OBJET", "N", Role::Administratif),
        ("52006$ADF$x|52007$ENS$y", "N", Role::Enseignant),
    ] {
        let read = read_requests(&staff(
            "8",
            &[("ENTPersonFonctions", functions), ("PersEducNatPresenceDevantEleves", stands)],
        ));
        assert_eq!(read.person().person.role, expected, "{functions}");
    }
    let read = read_requests(&staff(
        "8",
        &[("ENTPersonFonctions", "52006$XYZ$?"), ("PersEducNatPresenceDevantEleves", "O")],
    ));
    assert_eq!(read.person().person.role, Role::Enseignant);
    assert!(read.has_note(&NoteKind::UnknownFunction("XYZ".into())));
}

#[test]
fn the_day_of_leaving_is_told() {
    for value in ["30/06/2026", "52006$30/06/2026"] {
        let read = read_requests(&pupil("1", &[("ENTEleveDateSortieStructRattach", value)]));
        assert_eq!(read.person().has_left, Some(Date::new(2026, 6, 30).unwrap()), "{value}");
    }
}

#[test]
fn the_lines_of_refusals_are_those_of_the_file() {
    let requests = format!("{}\n\n{}", pupil("1", &[]), pupil("2", &[("sn", "")])).replace("><", ">\r\n<");
    let read = read_requests(&requests);
    let (line, ..) = read.refusal();
    let text = String::from_utf8(xml(&requests)).unwrap();
    let at = text.lines().nth(usize::try_from(line - 1).unwrap()).unwrap();
    assert_eq!(at.trim(), "<addRequest>");
    assert!(line > 30);
}

#[test]
fn a_delta_that_names_unknown_schools_is_refused_record_by_record() {
    let persons = xml(&(pupil("1", &[]) + &modify("2", &[("ENTEleveClasses", "52006$6B")])));
    let read = read_as(&[("ENT_Delta_20260902_Eleve_0000.xml", &persons)], None, &[]);
    assert_eq!(read.totals.refused, 2);
    for refused in read.refused() {
        assert_eq!(refused.reason.to_string(), "aucun de ses établissements n'est dans la livraison (52006)");
    }
}
