//! The command as somebody runs it who has never run it.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use preau::model::Moment;
use preau_central::{audit, database, service};

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_preau-central"))
        .args(["--config", "/nowhere/central.toml", "check"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cannot read `/nowhere/central.toml`"), "{said}");
}

/// A folder with a configuration, and nothing it names.
fn configuration(dir: &Path) -> PathBuf {
    let path = dir.join("central.toml");
    let text = r#"
version = 1
database = "sqlite:central.sqlite"
repository = "repository"
keys = "keys"
academie = "Académie d'Exemple"
boxes = { listen = "[::]:8443", url = "https://central.ac-exemple.example:8443" }
console = { listen = "[::]:443", name = "console.ac-exemple.example", certificate = "c.pem", key = "c.key" }
"#;
    fs::write(&path, text).unwrap();
    path
}

fn central(config_path: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_preau-central"));
    command.arg("--config").arg(config_path).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8([output.stdout.as_slice(), output.stderr.as_slice()].concat()).unwrap()
}

#[test]
fn a_check_names_all_that_is_not_in_order_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let config_path = configuration(dir.path());
    let checked = central(&config_path, &["check"]);
    let told = said(&checked);
    assert!(!checked.status.success());
    assert!(told.contains("database: the SQLite file") && told.contains("repository: the folder"), "{told}");
    assert!(told.contains("keys: NOT IN ORDER") && told.contains("console: NOT IN ORDER"), "{told}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

    fs::create_dir(dir.path().join("keys")).unwrap();
    for name in ["keys/policy.pem", "c.pem", "c.key"] {
        fs::write(dir.path().join(name), "").unwrap();
    }
    let told = said(&central(&config_path, &["check"]));
    assert!(told.contains("chmod 600"), "{told}");
    fs::set_permissions(dir.path().join("keys/policy.pem"), fs::Permissions::from_mode(0o600)).unwrap();
    let checked = central(&config_path, &["check"]);
    assert!(checked.status.success(), "{}", said(&checked));
}

#[tokio::test]
async fn a_trail_is_verified_and_a_copy_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let config_path = configuration(dir.path());
    let verified = central(&config_path, &["audit", "verify"]);
    assert!(said(&verified).contains("central.sqlite` is not there"), "{}", said(&verified));

    let location = database::Location::Sqlite(dir.path().join("central.sqlite"));
    let database = database::Database::open(&location, service::PARTS).await.unwrap();
    let mut write = database.write().await.unwrap();
    audit::note(
        &mut write,
        Moment::from_unix_seconds(0),
        &audit::Who::Central,
        "halt",
        None,
        "vague arrêtée",
    )
    .await
    .unwrap();
    write.commit().await.unwrap();
    let head = said(&central(&config_path, &["audit", "verify"]));
    assert!(head.starts_with("1:"), "{head}");
    assert!(central(&config_path, &["audit", "verify", head.trim()]).status.success());
    let wrong = head.trim().replacen("1:", "2:", 1);
    let refused = said(&central(&config_path, &["audit", "verify", &wrong]));
    assert!(refused.contains("line 2 is not what was written"), "{refused}");
    let table = said(&central(&config_path, &["audit", "export"]));
    assert!(table.ends_with("1,1970-01-01T00:00:00Z,central,,,halt,,vague arrêtée\n"), "{table}");

    let copied = central(&config_path, &["backup", dir.path().join("copy").to_str().unwrap()]);
    assert!(copied.status.success(), "{}", said(&copied));
    let copy = database::Location::Sqlite(dir.path().join("copy"));
    let copy = database::Database::open(&copy, service::PARTS).await.unwrap();
    assert_eq!(format!("{}\n", audit::verify(&copy, &[]).await.unwrap()), head);
}

#[test]
fn init_makes_everything_once_and_the_channel_is_found_by_the_other_commands() {
    let dir = tempfile::tempdir().unwrap();
    let config_path = configuration(dir.path());
    let offline = dir.path().join("offline").display().to_string();
    let command = |arguments: &[&str]| {
        let output = central(&config_path, arguments);
        (output.status.success(), said(&output))
    };
    let (well, told) = command(&["channel", "mend"]);
    assert!(!well && told.contains("run `preau-central init` first"), "{told}");
    let (well, told) = command(&["init", "--folder", &offline]);
    assert!(well && told.contains("its digest is"), "{told}");
    assert!(dir.path().join("offline/root-3.pem").exists());
    let (well, told) = command(&["init", "--folder", &offline]);
    assert!(well && told.contains("the root of trust is there"), "{told}");
    let (well, told) = command(&["keys", "rotate", "snapshot", "--offline", &offline]);
    assert!(well && told.contains("signed: 2.root.json"), "{told}");
    let (well, told) = command(&["keys", "rotate", "targets", "--offline", "/nowhere"]);
    assert!(!well, "{told}");
    let (well, told) = command(&["channel", "export", "--school", "0809999Z", &offline]);
    assert!(!well && told.contains("no published view"), "{told}");
    let (well, told) = command(&["channel", "mend"]);
    assert!(well && told.contains("nothing was changed"), "{told}");
}

#[test]
fn rules_go_out_and_come_in_as_files_and_what_is_wrong_is_told_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let config_path = configuration(dir.path());
    let rules_dir = dir.path().join("rules");
    fs::create_dir_all(rules_dir.join("departement")).unwrap();
    let path = rules_dir.join("departement/80.toml");
    let rules = rules_dir.to_str().unwrap();
    let text = |effect: &str| {
        format!(
            "version = 1\nlevel = \"departement\"\nname = \"Somme\"\n[[rule]]\nid = \"jeux\"\n\
            effect = \"{effect}\"\nsites = [\"jeux.example\"]\nreason = \"motif\"\n"
        )
    };
    fs::write(&path, text("close")).unwrap();
    let checked = central(&config_path, &["policy", "check", rules]);
    assert!(!checked.status.success() && said(&checked).contains("80.toml`: line 6"), "{}", said(&checked));
    fs::write(&path, text("block")).unwrap();
    let imported = central(&config_path, &["policy", "import", rules, "--reason", "essai"]);
    assert!(imported.status.success(), "{}", said(&imported));
    assert!(said(&imported).contains("draft for departement/80\n1 drafts made"), "{}", said(&imported));
    let exported = central(&config_path, &["policy", "export", rules]);
    assert!(said(&exported).contains("0 documents written"), "a draft is no version: {}", said(&exported));
}
