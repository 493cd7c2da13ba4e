//! ONDE and CSV files with their description.

use jiff::civil::Date;

use super::builder::{Outcome, class, read, read_as, uai};
use crate::identity::feed::{CsvDescription, NoteKind};
use crate::model::Role;

const PUPILS: &str = "\"Nom Elève\";\"Nom d'usage Elève\";\"Prénom Elève\";\"Date naissance\";\"Sexe\";\"Adresse1\";\" Cycle\";\"Niveau\";\"Classe\";\"Attestation fournie\"\r\n";

fn onde(lines: &str) -> Outcome {
    let file = format!("{PUPILS}{lines}");
    let (latin, _, _) = encoding_rs::ISO_8859_15.encode(&file);
    let outcome = read(&[("CSVExtraction.csv", &latin)]);
    let utf8 = read(&[("CSVExtraction.csv", file.as_bytes())]);
    assert_eq!(outcome.persons(), utf8.persons(), "the encoding does not matter");
    outcome
}

#[test]
fn pupils_of_onde_are_read() {
    let read = onde(
        "\"EXEMPLE\";\"\";\"Zoé\";\"2018-02-03\";\"F\";\"1 rue; de l'Essai\";\"CYCLE II\";\"CP\";\"CP Mme ESSAI\";\"N\"\r\n",
    );
    let person = &read.person().person;
    assert_eq!((&*person.family_name, &*person.given_name), ("EXEMPLE", "Zoé"));
    assert_eq!((person.role, person.birth_date), (Role::Eleve, Some(Date::new(2018, 2, 3).unwrap())));
    assert_eq!(person.schools[0].school, uai("0809999Z"));
    assert_eq!(person.schools[0].classes, [class("CP Mme ESSAI")]);
    let id = person.id.as_str();
    assert!(id.starts_with("onde:") && id.len() == 21, "{id}");
}

#[test]
fn an_identifier_of_onde_does_not_hang_on_accents_or_case_or_the_name_in_use() {
    let id = |line: &str| onde(line).person().person.id.clone();
    let one = id("\"D'EXEMPLE\";\"\";\"Zoé-Anne\";\"2018-02-03\";\"F\";;\"\";\"CP\";\"A\";\"N\"\r\n");
    let other = id("d-Exemple;AUTRE;ZOE ANNE;03/02/2018;;;;CE1;B;\r\n");
    assert_eq!(one, other);
    assert_ne!(one, id("EXEMPLE;;Zoé;2018-02-04;;;;CP;A;\r\n"));
}

#[test]
fn two_alike_are_both_refused_and_the_same_line_twice_is_one() {
    let one = "EXEMPLE;;Zoé;2018-02-03;F;;;CP;A;N\r\n";
    let read = onde(&format!("{one}{}", one.replace(";A;", ";B;")));
    assert_eq!(read.totals.persons, 0);
    let lines: Vec<_> = read.refused().iter().map(|refused| refused.line).collect();
    assert_eq!(lines, [2, 3]);
    assert!(read.refused()[0].reason.to_string().starts_with("à vérifier"));
    let read = onde(&format!("{one}{one}"));
    assert_eq!((read.totals.persons, read.totals.refused), (1, 0));
    assert!(read.has_note(&NoteKind::Repeated));
}

#[test]
fn a_wrong_line_of_onde_is_refused_alone() {
    let good = "EXEMPLE;;Zoé;2018-02-03;F;;;CP;A;N\r\n";
    for (line, reason) in [
        (";;Zoé;2018-02-03;F;;;CP;A;N", "« Nom » manque ou est vide"),
        ("ESSAI;;;2018-02-03;F;;;CP;A;N", "« Prénom » manque ou est vide"),
        ("ESSAI;;Léo;hier;F;;;CP;A;N", "« Date naissance » n'est pas une date lisible"),
        ("ESSAI;;Léo", "3 champs au lieu de 10"),
    ] {
        let read = onde(&format!("\r\n{line}\r\n;;;;;;;;;\r\n{good}"));
        assert_eq!(read.refusal(), (3, None, reason.into()), "{line}");
        assert_eq!(read.totals.persons, 1);
    }
}

#[test]
fn teachers_of_onde_have_classes_in_the_columns_behind() {
    let file = "Civilité;Nom usage;Nom;Prénom;Adresse;CP;Commune;Pays;Courriel;Téléphone domicile;Téléphone portable;Directeur;Classe\n\
                Mme;ESSAI;EXEMPLE;Camille;;;;;;;;Oui;CP Mme ESSAI;CE1\n";
    let read = read(&[("enseignants.csv", file.as_bytes())]);
    let person = &read.person().person;
    assert_eq!((person.role, &*person.family_name), (Role::Enseignant, "ESSAI"));
    assert_eq!(person.schools[0].classes, [class("CP Mme ESSAI"), class("CE1")]);
}

#[test]
fn guardians_of_onde_are_not_read() {
    let guardians =
        "Civilité Responsable;Nom d'usage responsable;Nom d'usage enfant;Nom de famille enfant\nM.;A;B;C\n";
    let pupils = format!("{PUPILS}EXEMPLE;;Zoé;2018-02-03;F;;;CP;A;N\r\n");
    let read = read(&[("responsables.csv", guardians.as_bytes()), ("eleves.csv", pupils.as_bytes())]);
    assert_eq!(read.totals.persons, 1);
    assert!(read.has_note(&NoteKind::Guardians));
}

const DESCRIPTION: &str = r#"
separator = ";"
classes_separator = "|"
dates = "JJ/MM/AAAA"

[columns]
id = "Identifiant"
family_name = "Nom"
given_name = "Prénom"
login = "Login"
birth_date = "Né le"
role = "Profil"
classes = "Classes"
groups = "Groupes"
school = "UAI"
password = "Empreinte"

[roles]
"Élève" = "eleve"
"Professeur" = "enseignant"
"Référent" = "referent"
"#;

const HEADER: &str = "Identifiant;Nom;Prénom;Login;Né le;Profil;Classes;Groupes;UAI;Empreinte;Remarque\n";

fn described(lines: &str) -> Outcome {
    let description = CsvDescription::parse(DESCRIPTION).unwrap();
    read_as(&[("liste.txt", format!("{HEADER}{lines}").as_bytes())], Some(&description), &[])
}

#[test]
fn a_described_csv_is_read() {
    let read = described(
        "1;EXEMPLE;Alix;alix.exemple;03/02/2013;ELEVE;6A|6A|LATIN;;0809998y;\"$argon2id$v=19$m=64,t=1,p=1$a$b\";\"dit \"\"Al\"\"\nsur deux lignes\"\n\
         2;ESSAI;Camille;;;professeur;;G1;;;\n",
    );
    assert_eq!(read.totals.refused, 0, "{read:#?}");
    let persons = read.persons();
    let alix = &persons[0].person;
    assert_eq!((alix.login.as_deref(), alix.role), (Some("alix.exemple"), Role::Eleve));
    assert_eq!(alix.schools[0].school, uai("0809998Y"));
    assert_eq!(alix.schools[0].classes, [class("6A"), class("LATIN")]);
    assert_eq!(persons[0].password.as_deref(), Some("$argon2id$v=19$m=64,t=1,p=1$a$b"));
    let camille = &persons[1].person;
    assert_eq!((camille.role, &camille.login, camille.birth_date), (Role::Enseignant, &None, None));
    assert_eq!(
        (&camille.schools[0].school, &*camille.schools[0].groups),
        (&uai("0809999Z"), &[class("G1")][..])
    );
}

#[test]
fn wrong_lines_of_a_described_csv_are_refused_with_line_and_identifier() {
    let good = "9;ESSAI;Camille;;;Professeur;;;;;\n";
    for (line, id, reason) in [
        (";EXEMPLE;Alix;;;Élève;;;;;", None, "la fiche n'a pas d'identifiant"),
        ("1;;Alix;;;Élève;;;;;", Some("1"), "« Nom » manque ou est vide"),
        ("1;EXEMPLE;Alix;;;Parent;;;;;", Some("1"), "« Parent » ne dit ni élève ni personnel"),
        (
            "1;EXEMPLE;Alix;;;Élève;;;809;;",
            Some("1"),
            "le code UAI n'est pas formé de sept chiffres et d'une lettre",
        ),
        ("1;EXEMPLE;Alix;Élève", Some("1"), "4 champs au lieu de 11"),
        ("1;EXEMPLE;Alix;;;Élève;;;;;;", Some("1"), "12 champs au lieu de 11"),
        (
            "9;AUTRE;Alix;;;Élève;;;;;",
            Some("9"),
            "cet identifiant est déjà porté par une autre fiche plus haut",
        ),
        (
            "1;EX\u{7}EMPLE;Alix;;;Élève;;;;;",
            Some("1"),
            "« Nom » contient un caractère invisible ou de contrôle",
        ),
    ] {
        let read = described(&format!("{good}\"8\";\"DEUX\nLIGNES\";\"L\";;;Élève;;;;;\n\n{line}\n"));
        assert_eq!(read.refusal(), (6, id.map(str::to_owned), reason.into()), "{line}");
        assert_eq!(read.totals.persons, 2);
    }
}

#[test]
fn dates_of_the_other_order_are_left_out_with_a_note() {
    let read = described("1;EXEMPLE;Alix;;2013-02-03;Élève;;;;;\n");
    assert_eq!(read.person().person.birth_date, None);
    assert!(read.has_note(&NoteKind::NotADate("Né le".into())));
}

#[test]
fn a_csv_cut_in_a_line_says_so() {
    let whole = format!("{HEADER}1;EXEMPLE;Alix;;;Élève;;;;;\n2;ESSAI;\"Camille\";;;Élève;6A;;;;\n");
    for (cut, persons, is_cut) in [
        (whole.len(), 2, false),
        (whole.len() - 5, 1, true),
        (whole.find("Camille").unwrap() + 3, 1, true),
        (whole.find("2;ESSAI").unwrap(), 1, false),
        (5, 0, true),
        (0, 0, true),
    ] {
        let description = CsvDescription::parse(DESCRIPTION).unwrap();
        let read = read_as(&[("liste.csv", &whole.as_bytes()[..cut])], Some(&description), &[]);
        assert_eq!((read.totals.persons, read.totals.cut), (persons, is_cut), "cut at {cut}: {read:#?}");
    }
}

#[test]
fn a_column_that_is_missing_takes_nothing_from_the_file() {
    let description = CsvDescription::parse(DESCRIPTION).unwrap();
    let read = read_as(&[("liste.csv", b"Identifiant;Nom\n1;EXEMPLE\n")], Some(&description), &[]);
    assert_eq!(read.refusal().2, "la colonne « Prénom » manque ou est double : rien du fichier n'est pris");
    assert!(read.totals.cut);
}

#[test]
fn a_quote_that_never_closes_does_not_fill_the_memory() {
    let lines = "x;\n".repeat(100_000);
    let read = described(&format!("1;\"EXEMPLE;{lines}"));
    assert_eq!(read.refusal().2, "le fichier est mal formé : la suite n'est pas lue");
    let long = format!("1;{};Alix;;;Élève;;;;;\n2;ESSAI;Camille;;;Élève;;;;;\n", "E".repeat(1_000_000));
    let read = described(&long);
    assert_eq!(read.refusal(), (2, Some("1".into()), "la fiche est trop grosse pour être vraie".into()));
    assert_eq!(read.totals.persons, 1);
}

#[test]
fn a_wrong_description_is_refused_with_its_line() {
    for (from, to, message) in [
        ("separator = \";\"", "separator = \"::\"", "line 2: `::` is no separator"),
        ("separator = \";\"", "", "line 1: missing field `separator`"),
        ("separator = \";\"", "separateur = \";\"", "line 2: unknown field `separateur`"),
        ("\"|\"", "\"||\"", "line 3: `||` is not one character"),
        ("JJ/MM/AAAA", "MM/JJ/AAAA", "line 4: `MM/JJ/AAAA` is no form of dates"),
        ("id = \"Identifiant\"\n", "", "line 6: missing field `id`"),
        ("role = \"Profil\"\n", "", "line 6: the role comes from"),
        ("\"Nom\"", "\" \"", "line 6: a column has no name"),
        ("\"Nom\"", "\"Prénom\"", "line 6: the column `Prénom` is given two meanings"),
        ("= \"referent\"", "= \"invite\"", "line 21: `invite` is no role"),
        ("= \"referent\"", "= \"directeur\"", "line 21: `directeur` is no role"),
        ("separator = \";\"", "separator = \";\"\nencoding = \"latin\"", "line 3: `latin` is no encoding"),
        ("separator = \";\"", "separator = \";\"\nschool = \"809\"", "line 3: `809` is no UAI"),
    ] {
        let refused = CsvDescription::parse(&DESCRIPTION.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(refused.starts_with(message), "{to}\n{refused}");
    }
}

#[test]
fn a_described_encoding_is_believed() {
    let description =
        DESCRIPTION.replace("separator = \";\"", "separator = \";\"\nencoding = \"windows-1252\"");
    let description = CsvDescription::parse(&description).unwrap();
    let text = format!("{HEADER}1;ŒUVRÉ;Zoë;;;Élève;;;;;\n");
    let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(&text);
    let read = read_as(&[("liste.csv", &bytes)], Some(&description), &[]);
    assert_eq!(read.person().person.family_name, "ŒUVRÉ");
    assert_eq!(read.totals.notes, 0);
}
