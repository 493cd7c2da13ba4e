//! The two real programs: `preau enrol` against `preau-central run`, as a newcomer would: wrong first.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Child, Command, Output},
    time::Duration,
};

use preau_central::{
    config::Config,
    fleet::schools::{self, School},
    service,
    words::DepartementCode,
};

use crate::scene::{free_port, school};

/// A running central, killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_newcomer_enrols_a_box_with_the_two_real_programs() {
    let Some(preau) = preau() else {
        eprintln!("`preau` is not built beside this test: run `cargo build -p preau` first");
        assert!(std::env::var_os("CI").is_none(), "in CI it must be there");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let config_path = write_config(dir.path(), port);
    let central = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_preau-central"));
        command.arg("--config").arg(&config_path).args(arguments).output().unwrap()
    };
    let drawer = dir.path().join("drawer");
    assert!(said(&central(&["token", "give", "0809999Z"])).contains("preau-central init"));
    let made = central(&["init", "--folder", drawer.to_str().unwrap()]);
    assert!(made.status.success(), "{}", said(&made));
    assert!(said(&central(&["token", "give", "0809999Z"])).contains("not in the register"));
    enter_school(&config_path);
    let token_path = dir.path().join("jeton.txt");
    let given = central(&["token", "give", "0809999Z", "--qr", "--file", token_path.to_str().unwrap()]);
    assert!(given.status.success() && said(&given).contains('█'), "{}", said(&given));

    let state_dir = dir.path().join("state");
    let box_config = dir.path().join("preau.toml");
    write_box_config(&box_config, &state_dir, "0800001A");
    let enrol = |token: &str| {
        let mut command = Command::new(&preau);
        command.arg("enrol").arg(token).arg("--config").arg(&box_config).output().unwrap()
    };
    let token = token_path.to_str().unwrap();
    for (wrong, sentence) in [
        ("/nowhere/jeton.txt", "no file that can be read"),
        ("preau1.abc", "copied badly"),
        (token, "the token is for 0809999Z, but the configuration is for 0800001A"),
    ] {
        let output = enrol(wrong);
        assert!(!output.status.success() && said(&output).contains(sentence), "{}", said(&output));
    }
    write_box_config(&box_config, &state_dir, "0809999Z");
    let output = enrol(token);
    assert!(said(&output).contains("central cannot be reached"), "{}", said(&output));

    let mut run = Command::new(env!("CARGO_BIN_EXE_preau-central"));
    let _running = Running(run.arg("--config").arg(&config_path).arg("run").spawn().unwrap());
    wait_for(port);
    let output = enrol(token);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("is the box of Collège d'Exemple (0809999Z)"), "{}", said(&output));
    assert!(state_dir.join("central/enrolment.json").exists());
    let again = enrol(token);
    assert!(said(&again).contains("is enrolled for 0809999Z already"), "{}", said(&again));
    let listed = central(&["box", "list"]);
    assert!(said(&listed).contains("0809999Z"), "{}", said(&listed));
    assert!(central(&["box", "revoke", "0809999Z"]).status.success());
    assert!(said(&central(&["box", "list"])).contains("revoked at"));
    assert!(central(&["authority", "rotate"]).status.success());
}

/// The box's program, where it is built: beside the test's own folder.
fn preau() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_BIN_EXE_preau-central")).with_file_name("preau");
    path.exists().then_some(path)
}

/// `localhost` is the one name that every machine's resolver has at loopback.
fn write_config(dir: &Path, port: u16) -> PathBuf {
    let text = format!(
        r#"version = 1
database = "sqlite:central.sqlite"
repository = "repository"
keys = "keys"
academie = "Académie d'Exemple"
boxes = {{ listen = "127.0.0.1:{port}", url = "https://localhost:{port}" }}
console = {{ listen = "127.0.0.1:{}", name = "console.example", certificate = "c.pem", key = "c.key" }}
"#,
        free_port()
    );
    let console = rcgen::generate_simple_self_signed(["console.example".to_owned()]).unwrap();
    fs::write(dir.join("c.pem"), console.cert.pem()).unwrap();
    fs::write(dir.join("c.key"), console.signing_key.serialize_pem()).unwrap();
    let path = dir.join("central.toml");
    fs::write(&path, text).unwrap();
    path
}

fn enter_school(config_path: &Path) {
    let config = Config::load(config_path).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let database = service::open_database(&config).await.unwrap();
        let mut write = database.write().await.unwrap();
        let departement = DepartementCode::new("80").unwrap();
        let (name, kind, town) = ("Collège d'Exemple".into(), String::new(), String::new());
        schools::enter(&mut write, &School { uai: school(), name, kind, town, departement }).await.unwrap();
        write.commit().await.unwrap();
    });
}

/// The sound school's configuration, with this state directory and code; what it names is not there.
fn write_box_config(path: &Path, state_dir: &Path, uai: &str) {
    let sound = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/config/sound/preau.toml");
    let text: String = fs::read_to_string(sound)
        .unwrap()
        .lines()
        .map(|line| match line.split_once(" = ") {
            Some(("state_dir", _)) => format!("state_dir = \"{}\"\n", state_dir.display()),
            Some(("uai", _)) => format!("uai = \"{uai}\"\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert!(text.contains(uai));
    fs::write(path, text).unwrap();
}

fn wait_for(port: u16) {
    for _ in 0..200 {
        if std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("central does not listen");
}

fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(both).unwrap()
}
