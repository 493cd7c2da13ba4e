//! What is wrong in a feed is refused record by record, with file, line and a reason in French; the rest is taken.

use std::fs;

use super::School;

/// Something wrong in a feed of two pupils, 9000001 Alix and 9000002 Noé.
struct Fault {
    name: &'static str,
    /// What stands there in a sound feed.
    from: &'static str,
    to: Vec<u8>,
    /// Who is taken all the same, as the preview names them.
    taken: &'static [&'static str],
    /// What is said of it.
    said: &'static str,
}

fn fault(
    name: &'static str,
    (from, to): (&'static str, &[u8]),
    taken: &'static [&'static str],
    said: &'static str,
) -> Fault {
    Fault { name, from, to: to.to_vec(), taken, said }
}

fn faults() -> Vec<Fault> {
    const ROOT: &str = "<ficAlimMENESR>";
    const NOE: &str = "<value>Noé</value>";
    const ALIX: &[&str] = &["9000001 Alix"];
    let bomb = b"<!DOCTYPE ficAlimMENESR [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;\">]>\n<ficAlimMENESR>";
    let outside = b"<!DOCTYPE ficAlimMENESR [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>\n<ficAlimMENESR>";
    let long = format!("<value>{}</value>", "A".repeat(1000));
    let declares =
        "Eleve_0000.xml:2 : le fichier déclare ses propres entités : par sûreté, rien n'en est pris";
    vec![
        fault("bombe", (ROOT, bomb), &[], declares),
        fault("entite-externe", (ROOT, outside), &[], declares),
        fault(
            "coupe",
            ("</attributes></addRequest>\n</fic", b""),
            ALIX,
            "le fichier est coupé : la suite manque",
        ),
        fault(
            "mal-forme",
            ("<id>9000002</id>", b"<id>9000002</idd>"),
            ALIX,
            "le fichier est mal formé : la suite n'est pas lue",
        ),
        fault("double", ("<id>9000002</id>", b"<id>9000001</id>"), ALIX, "9000001 : "),
        fault(
            "contradiction",
            (NOE, "<value>Noé</value><value>Léo</value>".as_bytes()),
            ALIX,
            "9000002 : « givenName » a plusieurs valeurs qui se contredisent",
        ),
        fault(
            "mille-caracteres",
            (NOE, long.as_bytes()),
            ALIX,
            "9000002 : « givenName » est trop long pour être vrai",
        ),
        fault(
            "invisible",
            (NOE, "<value>No\u{200b}é</value>".as_bytes()),
            ALIX,
            "9000002 : « givenName » contient un caractère invisible ou de contrôle",
        ),
        fault(
            "encodage",
            (NOE, b"<value>No\xe9</value>"),
            &["9000001 Alix", "9000002 Noé"],
            "des octets qui ne sont pas de l'UTF-8 ont été lus comme de l'ISO-8859-15",
        ),
    ]
}

#[test]
fn each_bad_record_is_refused_with_file_line_and_reason_in_french_and_the_others_are_taken() {
    faults().iter().for_each(check);
}

#[track_caller]
fn check(Fault { name, from, to, taken, said }: &Fault) {
    let school = School::new();
    let folder = school.feed(name, "0809999Z", &[("9000001", "Alix", "6A"), ("9000002", "Noé", "6B")]);
    spoil(&folder, from, to);
    let shown = school.accounts("import", &[&folder, "--preview", "--verbose"]);
    assert!(
        school.accounts("feeds", &[]).out.starts_with("no feed yet"),
        "{name}: a preview changes nothing"
    );
    if taken.is_empty() {
        assert_eq!((shown.code, shown.out.as_str()), (1, ""), "{name}");
        assert!(shown.err.contains(said), "{name}: {}", shown.err);
        return;
    }
    assert_eq!(shown.code, 0, "{name}: {}", shown.err);
    assert!(shown.out.contains(said), "{name}: {}", shown.out);
    for who in *taken {
        assert!(shown.out.contains(&format!("\n  + {who} ")), "{name}: {}", shown.out);
    }
    assert_eq!(shown.out.matches("\n  + ").count(), taken.len(), "{name}: {}", shown.out);
    if taken.len() < 2 {
        assert!(shown.out.contains("Eleve_0000.xml:"), "{name}: {}", shown.out);
        assert_eq!(school.accounts("import", &[&folder]).code, 0, "{name}");
        assert!(school.accounts("quarantine", &[]).out.contains(said), "{name}");
    }
}

/// Replaces `from` by `to` in the only file of the feed in `folder`, byte by byte.
fn spoil(folder: &str, from: &str, to: &[u8]) {
    let path = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let text = fs::read(&path).unwrap();
    let at = text.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
    fs::write(path, [&text[..at], to, &text[at + from.len()..]].concat()).unwrap();
}
