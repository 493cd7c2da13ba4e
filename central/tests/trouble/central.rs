//! Centrals as their own processes, on one database and one repository.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use preau_central::bucket::{Bucket, Location};
use tempfile::TempDir;

use crate::s3;

/// What all instances share: a database, a repository, a folder of keys.
pub(crate) struct Central {
    pub(crate) dir: TempDir,
    pub(crate) database: String,
    pub(crate) bucket: Bucket,
    pub(crate) port: u16,
    repository: String,
    environment: Vec<(String, String)>,
}

/// An instance that runs. Dropped, it is killed: nothing is ended in order.
pub(crate) struct Instance(Child);

impl Central {
    /// A central on the database of that URL and on `s3`.
    pub(crate) fn on_s3(database: String, s3: &s3::Server) -> Self {
        let (bucket, environment) = (s3.bucket("central"), s3.environment());
        let dir = tempfile::tempdir().unwrap();
        Self::found(dir, database, "s3://repository/central".to_owned(), environment, |_| bucket)
    }

    /// A central that keeps everything in files.
    pub(crate) fn on_files() -> Self {
        Self::on_folder("sqlite:central.sqlite".to_owned())
    }

    /// The same, with its files on `disk`.
    pub(crate) fn on_files_in(disk: &Path) -> Self {
        let dir = tempfile::tempdir_in(disk).unwrap();
        Self::found(dir, "sqlite:central.sqlite".to_owned(), "repository".to_owned(), Vec::new(), folder)
    }

    /// A central on the database of that URL, with a folder for its repository.
    pub(crate) fn on_folder(database: String) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::found(dir, database, "repository".to_owned(), Vec::new(), folder)
    }

    fn found(
        dir: TempDir,
        database: String,
        repository: String,
        environment: Vec<(String, String)>,
        bucket: impl FnOnce(&Path) -> Bucket,
    ) -> Self {
        let bucket = bucket(dir.path());
        let central = Self { dir, database, bucket, port: free_port(), repository, environment };
        let console = rcgen::generate_simple_self_signed(["console.example".to_owned()]).unwrap();
        fs::write(central.dir.path().join("c.pem"), console.cert.pem()).unwrap();
        fs::write(central.dir.path().join("c.key"), console.signing_key.serialize_pem()).unwrap();
        let offline = central.dir.path().join("offline");
        central.says(&["init", "--folder", offline.to_str().unwrap()]);
        central
    }

    /// What a command says that succeeds.
    pub(crate) fn says(&self, arguments: &[&str]) -> String {
        let output = self.command(1).args(arguments).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    }

    /// What `check` says, whether or not all is in order.
    pub(crate) fn checked(&self) -> String {
        let output = self.command(1).arg("check").output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }

    /// Starts instance `number`, which boxes find at [`address`] and the port they all have.
    pub(crate) fn start(&self, number: u8) -> Instance {
        let instance = Instance(self.command(number).arg("run").spawn().unwrap());
        for _ in 0..600 {
            if TcpStream::connect((address(number), self.port)).is_ok() {
                return instance;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("central does not listen");
    }

    fn command(&self, number: u8) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_preau-central"));
        command.arg("--config").arg(self.config(number)).envs(self.environment.clone());
        command
    }

    fn config(&self, number: u8) -> PathBuf {
        let path = self.dir.path().join(format!("{number}.toml"));
        if path.exists() {
            return path;
        }
        let Self { database, repository, port, .. } = self;
        let (address, console) = (address(number), free_port());
        let text = format!(
            r#"version = 1
database = "{database}"
repository = "{repository}"
keys = "keys"
work = "work-{number}"
academie = "Académie d'Exemple"
boxes = {{ listen = "{address}:{port}", url = "https://central.example:{port}" }}
console = {{ listen = "{address}:{console}", name = "console.example", certificate = "c.pem", key = "c.key" }}
"#
        );
        fs::write(&path, text).unwrap();
        path
    }
}

impl Instance {
    /// Whether the process has not ended by itself.
    pub(crate) fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The repository of a central that has it in a folder.
fn folder(dir: &Path) -> Bucket {
    Bucket::open(&Location::Folder(dir.join("repository"))).unwrap()
}

/// Where instance `number` listens: an address of loopback of its own.
pub(crate) fn address(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, number))
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap().local_addr().unwrap().port()
}
