//! Schools, classes and groups: composite values of every format, several schools, and what a change makes of them.

use super::builder::{add, class, modify, pupil, read, read_delta, read_requests, schools, staff, uai, xml};
use crate::identity::feed::NoteKind;
use crate::model::{AccountId, Role};

#[test]
fn a_pupil_may_be_in_two_schools_with_classes_of_one_name() {
    let read = read_requests(&pupil("1", &[("ENTEleveClasses", "52007$6A|52006$6A")]));
    let schools = &read.person().person.schools;
    assert_eq!(schools.len(), 2);
    assert_eq!((&schools[0].school, &*schools[0].classes), (&uai("0809999Z"), &[class("6A")][..]));
    assert_eq!((&schools[1].school, &*schools[1].classes), (&uai("0809998Y"), &[class("6A")][..]));
}

#[test]
fn a_teacher_is_in_every_school_they_hold_a_post_in() {
    let read = read_requests(&staff(
        "8",
        &[
            ("ENTPersonFonctions", "52006$ENS$ENSEIGNEMENT$L1$x|52007$ENS$ENSEIGNEMENT$L1$x"),
            ("ENTAuxEnsClasses", "52006$6A|52006$6B"),
            ("ENTAuxEnsClassesMatieres", "52006$6A$006600|52006$5C$006600"),
            ("ENTAuxEnsClassesPrincipal", "52006$6B"),
            ("ENTAuxEnsGroupesMatieres", "52007$LATIN$020700"),
            ("ENTAuxEnsDisciplinesPoste", "ARCHITECTURE INTERIEURE$65"),
            ("ENTAuxEnsMEF", "52006$20111010110$PREMIERE"),
        ],
    ));
    let person = &read.person().person;
    assert_eq!(person.role, Role::Enseignant);
    assert_eq!(person.schools[0].classes, [class("6A"), class("6B"), class("5C")]);
    assert_eq!(person.schools[1].school, uai("0809998Y"));
    assert_eq!(person.schools[1].groups, [class("LATIN")]);
    assert_eq!(read.totals.notes, 0, "the reversed pair of ENTAuxEnsDisciplinesPoste names no school");
}

#[test]
fn names_of_classes_are_free_text() {
    let read = read_requests(&pupil("1", &[("ENTEleveClasses", "52006$6ÈME &quot;A &amp; B&quot; ")]));
    assert_eq!(read.person().person.schools[0].classes, [class("6ÈME \"A & B\"")]);
}

#[test]
fn composites_without_their_parts_are_left_out_with_a_note() {
    let read = read_requests(&pupil(
        "1",
        &[("ENTEleveClasses", "52006$|$6A|6A"), ("ENTEleveGroupes", "52006$G1$$")],
    ));
    let schools = &read.person().person.schools;
    assert!(schools[0].classes.is_empty());
    assert_eq!(schools[0].groups, [class("G1")]);
    let note =
        read.notes().into_iter().find(|note| note.kind == NoteKind::NotComposite("ENTEleveClasses".into()));
    assert_eq!(note.unwrap().count, 3);
}

#[test]
fn a_school_that_is_not_in_the_delivery_is_left_out_and_a_person_without_any_refused() {
    let read = read_requests(&pupil("1", &[("ENTEleveClasses", "52006$6A|99999$6A")]));
    assert_eq!(read.person().person.schools.len(), 1);
    assert!(read.has_note(&NoteKind::SchoolUnknown("99999".into())));
    let read =
        read_requests(&pupil("1", &[("ENTPersonStructRattach", "99999"), ("ENTEleveClasses", "99998$6A")]));
    assert_eq!(read.refusal().2, "aucun de ses établissements n'est dans la livraison (99999, 99998)");
    let read = read_requests(&pupil("1", &[("ENTPersonStructRattach", ""), ("ENTEleveClasses", "")]));
    assert_eq!(read.refusal().2, "la personne n'est rattachée à aucun établissement");
}

#[test]
fn schools_are_refused_without_a_code_or_with_two() {
    let school = |id: &str, code: &str| {
        add("EtabEducNat", id, &[("ENTStructureJointure", id), ("ENTStructureUAI", code)])
    };
    let file = xml(&(school("1", "")
        + &school("2", "809999Z")
        + &school("3", "0809999z")
        + &school("3", "0809998Y")
        + &school("3", "0809999Z")));
    let read = read(&[("ENT_Complet_20260901_EtabEducNat_0000.xml", &file)]);
    let reasons: Vec<_> =
        read.refused().iter().map(|refused| (refused.line, refused.reason.to_string())).collect();
    assert_eq!(
        reasons,
        [
            (4, "« ENTStructureUAI » manque ou est vide".to_owned()),
            (5, "le code UAI n'est pas formé de sept chiffres et d'une lettre".to_owned()),
            (7, "« ENTStructureUAI » a plusieurs valeurs qui se contredisent".to_owned()),
        ]
    );
    assert_eq!(read.totals.schools, 1);
}

#[test]
fn the_first_degree_names_its_classes_in_five_parts() {
    let school = add(
        "EtabEducNat",
        "70",
        &[("ENTStructureJointure", "70"), ("ENTStructureUAI", "0809997X"), ("ENTEcoleRPI", "N")],
    );
    let child = add(
        "Eleve",
        "1",
        &[
            ("ENTPersonJointure", "1"),
            ("ENTPersonNom", "EXEMPLE"),
            ("ENTPersonPrenom", "Alix"),
            ("ENTPersonCivilite", "Mlle"),
            ("ENTPersonDateNaissance", "03/02/2018"),
            ("ENTPersonStructRattach", "70"),
            ("ENTPersonClasses", "70$x$y$4012$CP-CE1 Mme ESSAI"),
            ("ENTPersonGroupes", "70$x$y$77$"),
            ("ENTEleveAutoriteParentale", "9$1"),
            ("ENTEleveGarderieSoir", "O"),
        ],
    );
    let head = add(
        "PersEducNat",
        "2",
        &[
            ("ENTPersonNom", "ESSAI"),
            ("ENTPersonPrenom", "Camille"),
            ("ENTPersonStructRattach", "70"),
            ("ENTPersonFonctions", "70$DIR$DIRECTION"),
            ("ENTPersonClasses", "70$x$y$4012$CP-CE1 Mme ESSAI"),
        ],
    );
    let file = xml(&(school + &child + &head));
    let read = read(&[("ENT1D_Complet_20260901_0000.xml", &file)]);
    assert_eq!((read.totals.refused, read.totals.notes), (0, 0), "{read:#?}");
    let persons = read.persons();
    let child = &persons[0].person;
    assert_eq!(child.schools[0].classes, [class("CP-CE1 Mme ESSAI")]);
    assert_eq!(child.schools[0].groups, [class("77")]);
    let head = &persons[1].person;
    assert_eq!((head.role, &head.id), (Role::Enseignant, &AccountId::new("2")));
}

#[test]
fn gpei_has_its_own_names_and_trailing_empty_parts() {
    let school = add(
        "EtabEducNat",
        "7380",
        &[
            ("GPEIStructureJointure", "7380"),
            ("GPEIStructureUAI", "0959999A"),
            ("GPEIStructureNomCourant", "CLG EXEMPLE"),
        ],
    );
    let pupil = add(
        "Eleve",
        "1",
        &[
            ("GPEIPersonJointure", "1"),
            ("GPEIElvINE", "000000000AA"),
            ("GPEIPersonNom", "EXEMPLE"),
            ("GPEIPersonPrenom", "Alix"),
            ("GPEIPersonDateNaissance", "03/02/2013"),
            ("GPEIPersonStructRattach", "7380"),
            ("GPEIElvNiveau", "2116$3EME"),
            ("GPEIElvDiv", "7380$3E$3E"),
            ("GPEIElvGpes", "7380$3E_ESP$$"),
            ("GPEIElvMatieres", "7380$020700$FRANCAIS"),
            ("GPEIEleveDateSortieStructRattach", "04/07/2026"),
        ],
    );
    let aide = add(
        "PersEducNat",
        "2",
        &[
            ("GPEIPersonJointure", "2"),
            ("GPEIPersonNom", "ESSAI"),
            ("GPEIPersonPrenom", "Camille"),
            ("GPEIPersonStructRattach", "7380"),
            ("GPEIPersonFonctions", "7380$-$SANS OBJET$"),
            ("GPEIEnsDiv", "7380$3E$"),
        ],
    );
    let file = xml(&(school + &pupil + &aide));
    let read = read(&[("CLG95_GPEI_Complet_20251024.xml", &file)]);
    assert_eq!((read.totals.refused, read.totals.notes), (0, 0), "{read:#?}");
    let persons = read.persons();
    assert_eq!(persons[0].person.schools[0].classes, [class("3E")]);
    assert_eq!(persons[0].person.schools[0].groups, [class("3E_ESP")]);
    assert!(persons[0].has_left.is_some());
    assert_eq!(persons[1].person.role, Role::Enseignant, "who has classes of their own teaches");
}

#[test]
fn a_change_replaces_all_values_and_keeps_what_it_does_not_name() {
    let read = read_requests(&pupil(
        "1",
        &[("ENTEleveClasses", "52006$6A|52007$6C"), ("ENTEleveGroupes", "52006$G1")],
    ));
    let mut person = read.person().person.clone();
    let change = |attributes: &[(&str, &str)]| read_delta(&modify("1", attributes)).changes()[0].clone();

    change(&[("ENTEleveClasses", "52006$6B")]).apply(&mut person);
    assert_eq!(person.schools[0].classes, [class("6B")]);
    assert_eq!(person.schools[0].groups, [class("G1")]);

    change(&[("ENTPersonStructRattach", "52007"), ("ENTEleveClasses", "52007$5A"), ("ENTEleveGroupes", "")])
        .apply(&mut person);
    assert_eq!(person.schools.len(), 1);
    assert_eq!(
        (&person.schools[0].school, &*person.schools[0].classes),
        (&uai("0809998Y"), &[class("5A")][..])
    );

    change(&[("givenName", "Sacha"), ("ENTPersonDateNaissance", "")]).apply(&mut person);
    assert_eq!((&*person.given_name, &*person.family_name, person.birth_date), ("Sacha", "EXEMPLE", None));
}

#[test]
fn a_change_of_functions_changes_role_and_posts() {
    let read = read_requests(&staff("8", &[("ENTPersonFonctions", "52006$ADF$x|52007$ADF$x")]));
    let mut person = read.person().person.clone();
    assert_eq!((person.role, person.schools.len()), (Role::Administratif, 2));
    let read = read_delta(&modify("8", &[("ENTPersonFonctions", "52006$ENS$x")]));
    read.changes()[0].apply(&mut person);
    assert_eq!((person.role, person.schools.len()), (Role::Enseignant, 1));
    let read = read_delta(&modify("8", &[("ENTPersonStructRattach", "52007")]));
    read.changes()[0].apply(&mut person);
    assert_eq!(person.schools.len(), 1);
    assert_eq!(person.schools[0].school, uai("0809998Y"));
}

#[test]
fn persons_may_stand_before_their_schools() {
    let persons = xml(&pupil("1", &[]));
    let by_files = read(&[
        ("A_Complet_20260901_Eleve_0000.xml", &persons),
        ("B_Complet_20260901_EtabEducNat_0000.xml", &schools()),
    ]);
    assert_eq!(by_files.totals.persons, 1);
    let both = [xml(&pupil("1", &[])), schools()].map(|file| {
        let text = String::from_utf8(file).unwrap();
        text.lines()
            .filter(|line| line.contains("addRequest"))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    });
    let in_one_file = read(&[("ENT_Complet_20260901_0000.xml", &xml(&both.concat()))]);
    assert_eq!((in_one_file.totals.persons, in_one_file.totals.schools), (1, 2));
}
