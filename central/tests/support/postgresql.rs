//! A PostgreSQL server in a temporary directory, without fsync, on a Unix socket and a port of loopback.
//!
//! A shell keeps it: when the test ends, however it ends, the shell's standard input does, and the shell stops the server
//! and removes the directory.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_postgres::NoTls;

/// What keeps the server: `$1` its directory, `$2` its programs, `$3` its port, and the words before its command.
const KEEPER: &str = r#"
dir=$1 programs=$2 port=$3
shift 3
start() {
  "$@" "$programs/postgres" -D "$dir/data" -k "$dir" -p "$port" -c listen_addresses=127.0.0.1 -c fsync=off \
    -c max_connections=60 -c ssl=on -c ssl_cert_file="$dir/server.pem" -c ssl_key_file="$dir/server.key" \
    > "$dir/log" 2>&1 &
  server=$!
}
start "$@"
while read -r word; do
  case $word in
    stop) kill -QUIT $server; wait $server ;;
    start) start "$@" ;;
  esac
  echo done
done
kill -QUIT $server
wait $server
rm -rf "$dir"
"#;

/// The server.
pub(crate) struct Server {
    dir: PathBuf,
    port: u16,
    keeper: Child,
    words: Mutex<Option<(ChildStdin, BufReader<ChildStdout>)>>,
    databases: AtomicUsize,
}

impl Server {
    /// The server that the tests of this binary share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a server of the test's own.
    pub(crate) fn start() -> Self {
        let programs = programs();
        let dir = tempfile::Builder::new().prefix("preau-postgresql-").tempdir().unwrap().keep();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        let as_user = unprivileged(&dir);
        let initialised = run(&as_user, &programs.join("initdb"))
            .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--username=postgres", "--locale=C.UTF-8"])
            .args([Path::new("-D"), &dir.join("data")])
            .current_dir(&dir)
            .output()
            .unwrap();
        assert!(initialised.status.success(), "initdb: {}", String::from_utf8_lossy(&initialised.stderr));
        certify(&dir, !as_user.is_empty());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .args([&dir, &programs])
            .arg(port.to_string())
            .args(&as_user)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .current_dir("/")
            .spawn()
            .unwrap();
        let words = (keeper.stdin.take().unwrap(), BufReader::new(keeper.stdout.take().unwrap()));
        let server =
            Self { dir, port, keeper, words: Mutex::new(Some(words)), databases: AtomicUsize::new(0) };
        server.await_answer();
        server
    }

    /// Stops the server at once, as a machine that loses its current.
    pub(crate) fn stop(&self) {
        self.say("stop");
    }

    /// Starts it again.
    pub(crate) fn start_again(&self) {
        self.say("start");
        self.await_answer();
    }

    /// Makes an empty database and gives its URL, by the Unix socket.
    pub(crate) async fn create_database(&self) -> String {
        let name = format!("central{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let (client, connection) = tokio_postgres::connect(&self.url("postgres"), NoTls).await.unwrap();
        let (made, _) = tokio::join!(
            async move { client.batch_execute(&format!("CREATE DATABASE {name}")).await.map(|()| name) },
            connection,
        );
        self.url(&made.unwrap())
    }

    /// The URL of a database of it by the Unix socket.
    pub(crate) fn url(&self, database: &str) -> String {
        let dir = self.dir.to_str().unwrap().replace('/', "%2F");
        format!("postgresql://postgres@{dir}:{}/{database}", self.port)
    }

    /// The URL by TCP, with `host` for its name.
    pub(crate) fn url_by_tcp(&self, host: &str, database: &str) -> String {
        format!("postgresql://postgres@{host}:{}/{database}", self.port)
    }

    /// The root of its certificate, which is for `localhost`.
    pub(crate) fn roots_path(&self) -> PathBuf {
        self.dir.join("roots.pem")
    }

    fn say(&self, word: &str) {
        let mut words = self.words.lock().unwrap();
        let words = words.as_mut().unwrap();
        writeln!(words.0, "{word}").unwrap();
        let mut done = String::new();
        words.1.read_line(&mut done).unwrap();
        assert_eq!(done.trim(), "done");
    }

    fn await_answer(&self) {
        for _ in 0..300 {
            let ready = Command::new(programs().join("pg_isready"))
                .args(["-q", "-h"])
                .arg(&self.dir)
                .args(["-p", &self.port.to_string()])
                .status()
                .unwrap();
            if ready.success() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("PostgreSQL does not start: {}", fs::read_to_string(self.dir.join("log")).unwrap_or_default());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.words.lock().unwrap().take());
        let _ = self.keeper.wait();
    }
}

/// Where Debian has the server's programs: the latest of those installed.
fn programs() -> PathBuf {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is needed: install Debian's `postgresql`, as .ci/install does")
        .map(|version| version.unwrap().path().join("bin"))
        .filter(|dir| dir.join("initdb").exists())
        .collect();
    versions.sort_by_key(|dir| dir.parent().and_then(|dir| dir.file_name()?.to_str()?.parse::<u32>().ok()));
    versions.pop().expect("PostgreSQL's server is needed: install Debian's `postgresql`")
}

/// The words before a command that is to run without privileges, which PostgreSQL insists on; then `dir` is that user's.
fn unprivileged(dir: &Path) -> Vec<String> {
    let id = |flag, user: &str| {
        let said = Command::new("id").args([flag, user]).output().unwrap();
        String::from_utf8(said.stdout).unwrap().trim().parse::<u32>().ok()
    };
    let me = String::from_utf8(Command::new("id").arg("-u").output().unwrap().stdout).unwrap();
    if me.trim() != "0" {
        return Vec::new();
    }
    let (user, group) = (id("-u", "postgres").unwrap(), id("-g", "postgres").unwrap());
    chown(dir, Some(user), Some(group)).unwrap();
    ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"].map(String::from).into()
}

fn run(before: &[String], program: &Path) -> Command {
    match before {
        [] => Command::new(program),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    }
}

/// A root and a certificate for `localhost`, where the server looks for them.
fn certify(dir: &Path, for_other_user: bool) {
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &root).unwrap();
    fs::write(dir.join("roots.pem"), root.pem()).unwrap();
    fs::write(dir.join("server.pem"), certificate.pem()).unwrap();
    let key_path = dir.join("server.key");
    fs::write(&key_path, key.serialize_pem()).unwrap();
    fs::set_permissions(&key_path, fs::Permissions::from_mode(0o600)).unwrap();
    if for_other_user {
        let owner = fs::metadata(dir).unwrap();
        chown(&key_path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
}
