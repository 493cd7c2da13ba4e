//! The channel's commands as an operator runs them: founding, keys, a stick, mending.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

use std::process::Command;

#[test]
fn init_makes_everything_once_and_check_and_export_and_rotate_find_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = r#"
version = 1
database = "sqlite:central.sqlite"
repository = "repository"
keys = "keys"
academie = "Académie d'Exemple"
boxes = { listen = "[::1]:0", url = "https://central.ac-exemple.example:8443" }
console = { listen = "[::1]:0", name = "console.ac-exemple.example", certificate = "c.pem", key = "c.key" }
"#;
    std::fs::write(dir.path().join("central.toml"), config).unwrap();
    let command = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_preau-central"))
            .current_dir(dir.path())
            .args(["--config", "central.toml"])
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout) + &text(output.stderr))
    };
    let (well, said) = command(&["channel", "mend"]);
    assert!(!well && said.contains("run `preau-central init` first"), "{said}");
    let (well, said) = command(&["init", "--folder", "offline"]);
    assert!(well && said.contains("its digest is"), "{said}");
    assert!(dir.path().join("offline/root-3.pem").exists());
    let (well, said) = command(&["init", "--folder", "offline"]);
    assert!(well && said.contains("the root of trust is there"), "{said}");
    let (well, said) = command(&["keys", "rotate", "snapshot", "--offline", "offline"]);
    assert!(well && said.contains("signed: 2.root.json"), "{said}");
    let (well, said) = command(&["keys", "rotate", "targets", "--offline", "nowhere"]);
    assert!(!well, "{said}");
    let (well, said) = command(&["channel", "export", "--school", "0809999Z", "stick"]);
    assert!(!well && said.contains("no published view"), "{said}");
    let (well, said) = command(&["channel", "mend"]);
    assert!(well && said.contains("nothing was changed"), "{said}");
}
