//! The commands as a technician types them: what they print, where, and with which exit code.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_records;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

#[test]
fn help_names_every_command_and_version_the_version() {
    let help = preau(&["--help"]);
    assert_eq!(help.code, 0);
    for command in ["run", "check", "status", "explain", "lists", "accounts", "journal"] {
        assert!(help.out.contains(&format!("\n  {command} ")), "{command}: {}", help.out);
    }
    assert_eq!(preau(&["--version"]).out, format!("preau {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_wrong_command_line_ends_with_2_and_says_what_there_is() {
    for (arguments, said) in [
        (&[][..], "Usage: preau [OPTIONS] <COMMAND>"),
        (&["chekc"], "a similar subcommand exists: 'check'"),
        (&["check", "--confg", "x"], "a similar argument exists: '--config'"),
        (&["explain"], "<SITE|URL>"),
        (&["explain", "--role", "pupil", "x.fr"], "the roles are eleve, enseignant"),
        (&["explain", "--as", "a", "--role", "eleve", "x.fr"], "cannot be used with"),
        (&["explain", "--class", "6A", "x.fr"], "--role <ROLE>"),
        (&["lists", "build", "folder"], "--out <FILE>"),
        (&["journal", "show"], "<FILE>"),
    ] {
        let ran = preau(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}");
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
        assert_eq!(ran.out, "", "{arguments:?}");
    }
}

#[test]
fn check_shows_a_sound_configuration() {
    let ran = School::new().preau(&["check"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.starts_with("school    Collège d'Exemple (0809999Z)\n"), "{}", ran.out);
    assert!(ran.out.ends_with("the configuration is sound\n"), "{}", ran.out);
}

#[test]
fn check_and_explain_refuse_a_wrong_configuration_line_by_line() {
    let school = School::new();
    let text = fs::read_to_string(school.path("preau.toml")).unwrap();
    fs::write(school.path("preau.toml"), text.replace("10.20.0.1/24", "10.10.0.9/24").replace("wan0", ""))
        .unwrap();
    for arguments in [&["check"][..], &["explain", "x.fr"]] {
        let ran = school.preau(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{arguments:?}");
        let lines: Vec<_> = ran.err.lines().collect();
        assert_eq!(lines.len(), 3, "{}", ran.err);
        assert!(lines[0].contains("preau.toml:9: line.interface: "), "{}", ran.err);
        assert!(lines[1].contains("preau.toml:39: zone.ipv4: "), "{}", ran.err);
        assert_eq!(lines[2], "preau: the configuration is refused, 2 things are wrong");
    }
}

#[test]
fn a_configuration_that_is_no_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for (path, said) in [
        (dir.path().join("preau.toml"), "no such file"),
        (dir.path().to_path_buf(), "a directory, not a file"),
        (PathBuf::from("/dev/zero"), "not a plain file"),
    ] {
        let shown = path.to_str().unwrap();
        for command in ["check", "run", "status"] {
            let ran = preau(&[command, "--config", shown]);
            assert_eq!(ran.code, 1);
            assert!(ran.err.starts_with(&format!("{shown}: {said}")), "{}", ran.err);
        }
    }
}

#[test]
fn explain_says_who_where_when_why_and_what_would_change_it() {
    let ran = School::new().preau(&[
        "explain",
        "--as",
        "Camille",
        "--at",
        "2026-11-23 09:00",
        "https://somebody@www.jeux.example:8443/?q",
    ]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    for line in [
        "who      eleve (6A)",
        "zone     pedagogique",
        "when     Monday 2026-11-23 09:00:00 +01:00 (Paris)",
        "site     www.jeux.example",
        "path     not seen, as in DNS and over HTTPS: only the name is judged",
        "may open academie and nobody below it, for the rule is locked",
        "told     Les jeux sont fermés pendant les cours.",
    ] {
        assert!(ran.out.lines().any(|printed| printed == line), "{line}: {}", ran.out);
    }
    let spoke =
        "refused by rule `jeux` (locked, academie, `Académie d'Exemple` line 9) by category games (list of ";
    assert!(ran.out.contains(spoke), "{}", ran.out);
    assert!(ran.out.contains("later    Monday 2026-11-23 12:00:00 +01:00 (Paris): allowed"), "{}", ran.out);
    assert!(ran.out.contains("\nchange   "), "{}", ran.out);
}

#[test]
fn explain_says_which_services_are_open_at_an_allowed_site() {
    let school = School::new();
    let beside = |site| {
        let ran = school.preau(&["explain", "--as", "Camille", "--at", "2026-11-24 20:00", site]);
        ran.out.lines().find(|line| line.starts_with("beside")).map(str::to_owned)
    };
    let everywhere = "beside   mail, udp/4000-4010";
    assert_eq!(beside("exemple.fr").as_deref(), Some(everywhere));
    assert_eq!(
        beside("a.messagerie.exemple.fr").as_deref(),
        Some("beside   mail, messagerie, udp/4000-4010")
    );
}

#[test]
fn explain_says_what_it_does_not_know() {
    let school = School::new();
    for (arguments, said) in [
        (&["--as", "nobody", "x.fr"][..], "has the login `nobody`"),
        (&["--zone", "cantine", "x.fr"], "no zone `cantine`; the zones are pedagogique, equipements"),
        (&["--at", "tomorrow", "x.fr"], "`tomorrow` is no time; write it as \"2026-11-24 14:05\""),
        (&["--device", "02:00:5e:10:00:99", "x.fr"], "no `[[device]]`"),
        (&["a b"], "cannot read `a b` as a site"),
        (&["https://"], "cannot read `https://` as a site"),
    ] {
        let ran = school.preau(&[&["explain"], arguments].concat());
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{arguments:?}");
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn status_without_a_daemon_says_so_even_where_the_configuration_is_wrong() {
    let school = School::new();
    let text = fs::read_to_string(school.path("preau.toml")).unwrap();
    fs::write(school.path("preau.toml"), text.replace("0809999Z", "?")).unwrap();
    let ran = school.preau(&["status"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("no daemon keeps its state here"), "{}", ran.err);
}

#[test]
fn lists_are_built_and_shown_and_what_is_no_list_is_refused() {
    let school = School::new();
    let (lists, table) = (school.text("lists"), school.text("other.table"));
    let ran = preau(&["lists", "build", &lists, "--out", &table]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains(": 3 names in 2 categories"), "{}", ran.out);
    let ran = preau(&["lists", "show", "--table", &table, "https://www.jeux.example/echecs"]);
    assert!(ran.out.starts_with("www.jeux.example/echecs by jeux.example: games "), "{}", ran.out);
    let ran = preau(&["lists", "show", "--table", &table, "ecole.example"]);
    assert!(ran.out.starts_with("ecole.example is in no category"), "{}", ran.out);

    fs::create_dir(school.path("empty")).unwrap();
    for (arguments, said) in [
        (["lists", "build", &school.text("empty"), "--out", &table], "holds no category"),
        (["lists", "build", &school.text("missing"), "--out", &table], "cannot find"),
    ] {
        let ran = preau(&arguments);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        assert!(ran.err.contains(said), "{}", ran.err);
    }
    let ran = preau(&["lists", "show", "--config", &school.text("preau.toml"), "--json", "jeux.example"]);
    assert!(
        ran.out.starts_with("{\"entries\":[{\"categories\":[\"games\"],\"listed\":\"jeux.example\""),
        "{}",
        ran.out
    );

    let games = school.path("lists/games/domains");
    fs::write(&games, "jeux.example\neducation.gouv.fr\n").unwrap();
    let ran = preau(&["lists", "build", &lists, "--out", &table]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("refused: category `games` would block `education.gouv.fr`"), "{}", ran.out);
    assert!(ran.err.contains("the table is not built (1 refused)"), "{}", ran.err);
    let ran = preau(&["lists", "build", &lists, "--out", &table, "--leave-out-protected"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    fs::write(&games, "").unwrap();
    let ran = preau(&["lists", "build", &lists, "--out", &table]);
    assert!(ran.code == 1 && ran.out.contains("with --accept games"), "{}", ran.out);
    let ran = preau(&["lists", "build", &lists, "--out", &table, "--accept", "games"]);
    assert_eq!(ran.code, 0, "{}", ran.err);

    let ran = preau(&["lists", "show", "--table", &school.text("accounts.csv"), "x.fr"]);
    assert!(ran.code == 1 && ran.err.contains("this is no category table"), "{}", ran.err);
}

#[test]
fn a_hashed_password_can_be_pasted_into_the_accounts_file() {
    let school = School::new();
    let hashed = preau_reading(&["accounts", "hash"], b"cerise-42\n");
    assert_eq!(hashed.code, 0, "{}", hashed.err);
    let accounts = format!("id,login,name,role,classes,password\nE-1,zoe,Zoé Petit,eleve,6A,{}", hashed.out);
    fs::write(school.path("accounts.csv"), accounts).unwrap();
    assert_eq!(school.preau(&["check"]).code, 0);
    let nothing = preau_reading(&["accounts", "hash"], b"");
    assert_eq!((nothing.code, nothing.out.as_str()), (1, ""));
    assert!(nothing.err.contains("no password on standard input"), "{}", nothing.err);
}

#[test]
fn a_feed_is_shown_taken_listed_and_dropped() {
    let school = School::new();
    let folder = school.feed("livraison", "0809999Z", &[("9000001", "Alix", "6A"), ("9000002", "Noé", "6B")]);
    let shown = school.accounts("import", &[&folder, "--preview", "--verbose"]);
    assert_eq!((shown.code, shown.err.as_str()), (0, ""));
    for line in [
        "everybody               2 added, 0 changed, 0 leaving, 0 unchanged\n",
        "  6A                    1 added, 0 changed, 0 leaving, 0 unchanged\n",
        "  + 9000001 Alix EXEMPLE eleve 6A\n",
        "nothing is changed",
    ] {
        assert!(shown.out.contains(line), "{line}: {}", shown.out);
    }
    assert!(school.accounts("feeds", &[]).out.starts_with("no feed yet"));

    let later = school.accounts("import", &[&folder, "--effective", "2126-12-19"]);
    assert_eq!(later.code, 0, "{}", later.err);
    assert!(
        later.out.ends_with("feed 1, Complet aaf of 2020-09-01, takes effect on 2126-12-19\n"),
        "{}",
        later.out
    );
    assert!(!later.out.contains("Alix"), "{}", later.out);
    let again = school.accounts("import", &[&folder]);
    assert!(again.code == 0 && again.out.contains("this is feed 1, word for word"), "{}", again.out);
    assert!(school.accounts("release", &["1", "--effective", "now"]).out.contains("takes effect at once"));
    assert!(school.accounts("feeds", &[]).out.starts_with("feed 1, "));
    assert_eq!(school.accounts("quarantine", &[]).out, "every record was taken\n");
    assert_eq!(school.accounts("drop", &["1"]).code, 0);
    for (act, arguments, said) in [
        ("drop", &["1"][..], "no feed 1 waits"),
        ("release", &["7"], "no feed 7 waits"),
        ("show", &["alix.exemple"], "nobody in the directory"),
    ] {
        let ran = school.accounts(act, arguments);
        assert!(ran.code == 1 && ran.err.contains(said), "{}", ran.err);
    }
}

#[test]
fn what_is_no_feed_of_this_school_is_refused_with_what_to_do() {
    let school = School::new();
    let other = school.feed("autre", "0809998Y", &[("9000001", "Alix", "6A")]);
    fs::write(school.path("livraison.zip"), b"PK\x03\x04").unwrap();
    fs::create_dir(school.path("vide")).unwrap();
    let (zip, empty, missing) = (school.text("livraison.zip"), school.text("vide"), school.text("absent"));
    for (arguments, said) in [
        (&[other.as_str()][..], "the feed is of school 0809998Y, this box is of 0809999Z"),
        (&[&zip], "is an archive; unpack it"),
        (&[&empty], "nothing to read in"),
        (&[&missing], "cannot read"),
        (&[&school.text("accounts.csv")], "--described-by"),
        (&[&other, "--described-by", &school.text("academie.toml")], "academie.toml"),
    ] {
        let ran = school.accounts("import", arguments);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{arguments:?}");
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
    assert!(school.accounts("feeds", &[]).out.starts_with("no feed yet"));
    for arguments in [&[][..], &[&other, "--effective", "19/12/2026"], &[&other, "--format", "xml"]] {
        assert_eq!(school.accounts("import", arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn a_journal_is_shown_up_to_its_first_damage() {
    let segment = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/journal_record").join(name);
        preau(&["journal", "show", path.to_str().unwrap()])
    };
    let whole = segment("decisions-whole");
    assert_eq!((whole.code, whole.err.as_str()), (0, ""));
    assert!(whole.out.starts_with("# decisions of segment 1, begun 2027-01-15T08:00:00.000Z\n"));
    let line = "\tpedagogique\t01ff007f80616263\ttls\tjeux.exemple\trefused by rule `jeux` of academie, by category games (list of 2026-11-01)\n";
    assert!(whole.out.contains(line), "{}", whole.out);
    let presences = segment("presences-whole");
    assert!(presences.out.contains("\tsigned in from 10.10.0.5\n"), "{}", presences.out);

    let cut = segment("decisions-cut-in-frame");
    assert_eq!(cut.code, 1);
    assert_eq!(cut.out.lines().count(), 8, "{}", cut.out);
    assert!(
        cut.err.contains("7 records before it are whole") && cut.err.contains("at byte 374"),
        "{}",
        cut.err
    );
    let none = segment("payload-decision-0");
    assert!(none.code == 1 && none.err.contains("is no segment that can be read"), "{}", none.err);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let school = School::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_preau"))
        .args(["check", "--config", &school.text("preau.toml")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));
}

/// The sound school of `tests/config/`, with a table and a certificate made for this run.
struct School(TempDir);

impl School {
    fn new() -> Self {
        let school = Self(tempfile::tempdir().unwrap());
        let sound = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/sound");
        for name in ["preau.toml", "academie.toml", "etablissement.toml", "accounts.csv", "cahier.toml"] {
            fs::copy(sound.join(name), school.path(name)).unwrap();
        }
        for name in ["games", "gambling"] {
            let list = school.path("lists").join(name);
            fs::create_dir_all(&list).unwrap();
            fs::copy(sound.join("lists").join(name).join("domains"), list.join("domains")).unwrap();
        }
        let (lists, table) = (school.path("lists"), school.path("categories.table"));
        assert!(preau::lists::build(&lists, &table, &Default::default()).unwrap().refusals.is_empty());
        for (name, host) in [("portal", "portail.college.exemple"), ("other", "autre.exemple")] {
            let pair = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
            fs::write(school.path(&format!("{name}.pem")), pair.cert.pem()).unwrap();
            fs::write(school.path(&format!("{name}.key")), pair.signing_key.serialize_pem()).unwrap();
        }
        school
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Writes an AAF of the school `uai` with pupils: identifier, first name, class. Gives its folder.
    fn feed(&self, name: &str, uai: &str, pupils: &[(&str, &str, &str)]) -> String {
        let record = |category: &str, kind: &str, id: &str, values: &[(&str, &str)]| {
            let attributes: String = values
                .iter()
                .map(|(name, value)| format!("<attr name=\"{name}\"><value>{value}</value></attr>\n"))
                .collect();
            format!(
                "<addRequest><operationalAttributes><attr name=\"{category}\"><value>{kind}</value></attr>\
                 </operationalAttributes><identifier><id>{id}</id></identifier><attributes>\n{attributes}\
                 </attributes></addRequest>\n"
            )
        };
        let school = [("ENTStructureJointure", "1"), ("ENTStructureUAI", uai)];
        let mut text = record("categorieStructure", "EtabEducNat", "1", &school);
        for (id, given_name, class) in pupils {
            let class = format!("1${class}");
            let pupil = [
                ("ENTPersonJointure", *id),
                ("sn", "EXEMPLE"),
                ("givenName", given_name),
                ("ENTPersonStructRattach", "1"),
                ("ENTEleveClasses", &class),
            ];
            text.push_str(&record("categoriePersonne", "Eleve", id, &pupil));
        }
        let folder = self.path(name);
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("ENT_{uai}_Complet_20200901_Eleve_0000.xml"));
        fs::write(file, format!("<?xml version=\"1.0\"?>\n<ficAlimMENESR>\n{text}</ficAlimMENESR>\n"))
            .unwrap();
        folder.to_str().unwrap().to_owned()
    }

    /// Runs a command on the school's accounts.
    fn accounts(&self, act: &str, arguments: &[&str]) -> Ran {
        preau(&[&["accounts", act, "--config", &self.text("preau.toml")], arguments].concat())
    }

    /// Runs a command on the school's configuration.
    fn preau(&self, arguments: &[&str]) -> Ran {
        let (command, rest) = arguments.split_first().unwrap();
        preau(&[&[*command, "--config", &self.text("preau.toml")], rest].concat())
    }
}

/// What a command came to.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn preau(arguments: &[&str]) -> Ran {
    preau_reading(arguments, b"")
}

/// Runs the command with `input` on its standard input.
fn preau_reading(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_preau"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may have ended before this.
    let _ = child.stdin.take().unwrap().write_all(input);
    let ended = child.wait_with_output().unwrap();
    Ran {
        code: ended.status.code().unwrap(),
        out: String::from_utf8(ended.stdout).unwrap(),
        err: String::from_utf8(ended.stderr).unwrap(),
    }
}
