//! The stage: a central's database, its concentrator as the real program, an application behind it, and schools.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use preau::{
    model::Uai,
    protocol::enrolment::{Concentrator, TunnelKey, TunnelNow},
};
use preau_central::{
    authority::{PlannedConcentrator, TunnelPlan},
    concentrator::{make_key, public_of},
    config::Config,
    service::House,
};
use tokio::time::{Instant, sleep};

/// The variable that says which part the program plays.
const ROLE: &str = "PREAU_CONCENTRATOR_ROLE";

/// What may take long on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What the concentrator's way through TCP is called.
pub(crate) const NAME: &str = "tunnel.ac-exemple.example";

/// Where the line leads, and the application behind it.
pub(crate) const LINE: &str = "198.51.100.1";
pub(crate) const APPLICATION: &str = "172.16.0.2";

/// Runs `test` again in namespaces of its own, where it comes here again and tells `story`; a program started as a [`role`]
/// comes here too and plays `part`.
pub(crate) fn play(test: &str, part: fn(), story: impl AsyncFnOnce()) {
    match env::var(ROLE).as_deref() {
        Err(_) => play_in_namespaces(test),
        Ok("part") => part(),
        Ok(_) => {
            let mount = "mkdir -p /run/wireguard /run/netns && mount -t tmpfs x /run/wireguard && mount -t tmpfs x /run/netns";
            run(&format!("{mount} && ip link set lo up"));
            tokio::runtime::Runtime::new().unwrap().block_on(story());
        }
    }
}

fn play_in_namespaces(test: &str) {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--net", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]);
    command.arg(env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]);
    let status = command.env(ROLE, "story").status().expect("`unshare` (util-linux) is needed");
    assert!(
        status.success(),
        "the story failed (above), or there are no namespaces: run this test as root, or allow user namespaces \
         (sysctl kernel.unprivileged_userns_clone=1)"
    );
}

/// This test again, in the namespace `of`, to play its part.
pub(crate) fn role(of: &str) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", of]).arg(env::current_exe().unwrap());
    command.args(env::args().skip(1)).env(ROLE, "part");
    command
}

/// Runs `script` in a shell; it must succeed.
pub(crate) fn run(script: &str) -> String {
    let output = Command::new("sh").args(["-c", script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{script}`: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Whether `script` succeeds.
pub(crate) fn succeeds(script: &str) -> bool {
    Command::new("sh").args(["-c", script]).output().unwrap().status.success()
}

/// Waits until `is` is so.
pub(crate) async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !is().await {
        assert!(begin.elapsed() < PATIENCE, "it never came to this: {what}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// A program that is killed when dropped.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The académie: its machine is the story's own namespace.
pub(crate) struct Academie {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) house: House,
    config_path: PathBuf,
    concentrator: Option<Running>,
    _application: Running,
}

/// A school's box: wireguard-go in the namespace of its name.
pub(crate) struct School {
    pub(crate) uai: Uai,
    pub(crate) name: &'static str,
    pub(crate) private: String,
    _wireguard: Running,
}

impl Academie {
    /// With a network behind it, an application there, and its concentrator running.
    pub(crate) async fn new() -> Self {
        run("ip netns add inside && ip link add app0 type veth peer name eth0 netns inside && \
            ip address add 172.16.0.1/24 dev app0 && ip link set app0 up && \
            ip -n inside link set lo up && ip -n inside address add 172.16.0.2/24 dev eth0 && \
            ip -n inside link set eth0 up && ip -n inside route add default via 172.16.0.1 && \
            ip link add line0 type bridge && ip address add 198.51.100.1/24 dev line0 && ip link set line0 up && \
            echo 1 > /proc/sys/net/ipv4/ip_forward");
        let dir = tempfile::tempdir().unwrap();
        let application = python("inside", ECHO, &[]);
        let config_path = write_config(dir.path());
        let made = central(&config_path, &["init", "--folder", dir.path().join("drawer").to_str().unwrap()]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let key = make_key(&dir.path().join("keys"), "amiens").unwrap();
        let house = House::open(&Config::load(&config_path).unwrap()).await.unwrap();
        let plan = TunnelPlan {
            prefixes: vec!["10.128.0.0/14".into()],
            names: Vec::new(),
            resolvers: Vec::new(),
            concentrators: vec![PlannedConcentrator {
                name: "amiens".into(),
                key,
                endpoint: format!("{LINE}:51820"),
                networks: vec!["172.16.0.0/24".into()],
                tls: Some(format!("{NAME}:443")),
            }],
        };
        let mut write = house.database.write().await.unwrap();
        house.authority.set_tunnel(&mut write, &plan).await.unwrap();
        write.commit().await.unwrap();
        let mut academie = Self { dir, house, config_path, concentrator: None, _application: application };
        academie.start_concentrator();
        academie
    }

    pub(crate) fn start_concentrator(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_preau-central"));
        command.arg("--config").arg(&self.config_path).args(["concentrator", "run"]);
        self.concentrator = Some(Running::start(command.env("RUST_LOG", "info")));
    }

    /// Kills it, as a power cut would.
    pub(crate) fn kill_concentrator(&mut self) {
        self.concentrator = None;
    }

    /// A school on the line, enrolled, with its tunnel up; `number` is its place there, from 2.
    pub(crate) async fn school(&self, name: &'static str, uai: &str, number: u8) -> School {
        run(&format!(
            "ip netns add {name} && ip link add {name}-line type veth peer name line0 netns {name} && \
            ip link set {name}-line master line0 up && ip -n {name} link set lo up && \
            ip -n {name} address add 198.51.100.{number}/24 dev line0 && ip -n {name} link set line0 up"
        ));
        let private = STANDARD.encode([number; 32]);
        let uai = Uai::new(uai).unwrap();
        let mut write = self.house.database.write().await.unwrap();
        let sql = "INSERT INTO authority_box (school, sealing, tunnel, version, enrolled) VALUES ($1, '', $2, '', 0)";
        let public = public_of(&private).unwrap();
        write.execute(sql, &[uai.as_str().into(), public.into()]).await.unwrap();
        write.signal(format!("school/{}", uai.as_str()));
        write.commit().await.unwrap();
        let mut command = Command::new("ip");
        command.args(["netns", "exec", name, "wireguard-go", "-f", &format!("wg-{name}")]);
        let wireguard = Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
        let school = School { uai, name, private, _wireguard: wireguard };
        until("the box's interface is there", async || succeeds(&format!("wg show wg-{name}"))).await;
        let now = self.house.authority.tunnel_now(&school.uai).await.unwrap().unwrap();
        school.hold(&school.private, &now);
        let address = now.tunnel.unwrap().addresses.remove(0);
        run(&format!(
            "ip -n {name} address add {address} dev wg-{name} && ip -n {name} link set wg-{name} mtu 1420 up && \
            ip -n {name} route add 172.16.0.0/24 dev wg-{name} && ip -n {name} route add 10.128.0.0/14 dev wg-{name}"
        ));
        school
    }

    pub(crate) async fn say(&self, school: &School, key: &str, stands: bool) -> TunnelNow {
        let said = TunnelKey { key: public_of(key).unwrap(), stands };
        self.house.authority.change_tunnel_key(&school.uai, &said).await.unwrap().unwrap()
    }
}

impl School {
    /// Has the box's WireGuard hold what it was told, by this private key.
    pub(crate) fn hold(&self, private: &str, now: &TunnelNow) {
        let Concentrator { key, endpoint, networks, preshared, .. } =
            now.tunnel.clone().unwrap().concentrators.remove(0);
        let text = format!(
            "[Interface]\nPrivateKey = {private}\n[Peer]\nPublicKey = {key}\nPresharedKey = {}\nEndpoint = {endpoint}\n\
            AllowedIPs = {}, 10.128.0.0/14\nPersistentKeepalive = 1\n",
            preshared.unwrap(),
            networks.join(", ")
        );
        run(&format!("wg syncconf wg-{} /dev/stdin <<'END'\n{text}END", self.name));
    }

    /// Whether the application answers.
    pub(crate) fn reaches(&self, address: &str) -> bool {
        succeeds(&format!("ip netns exec {} ping -c 1 -W 1 {address}", self.name))
    }

    pub(crate) async fn until_it_reaches_the_application(&self) {
        until("the school reaches the application", async || self.reaches(APPLICATION)).await;
    }
}

/// Echoes every line to whoever sends it.
const ECHO: &str = "
import socketserver
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(('0.0.0.0', 8000), Echo).serve_forever()
";

/// Keeps one connection to the application until the file of its argument is there; then says the longest wait for an answer in
/// milliseconds, and how many there were.
const TALK: &str = "
import os, socket, sys, time
talk = socket.create_connection(('172.16.0.2', 8000), timeout=120)
answers = talk.makefile('rb')
longest, count = 0, 0
while not os.path.exists(sys.argv[1]):
    began = time.monotonic()
    talk.sendall(b'%d\\n' % count)
    assert answers.readline() == b'%d\\n' % count
    longest = max(longest, time.monotonic() - began)
    count += 1
    time.sleep(0.05)
print(int(longest * 1000), count)
";

/// Runs a program of Python in the namespace `of`.
fn python(of: &str, program: &str, arguments: &[&str]) -> Running {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", of, "python3", "-c", program]).args(arguments);
    Running::start(command.stdout(Stdio::piped()))
}

/// A connection inside that goes on until it is asked how it went.
pub(crate) struct Talk {
    running: Running,
    stop: PathBuf,
}

impl Talk {
    pub(crate) fn begin(school: &School, dir: &Path) -> Self {
        let stop = dir.join(format!("stop-{}", school.name));
        let running = python(school.name, TALK, &[stop.to_str().unwrap()]);
        Self { running, stop }
    }

    /// Ends it, and says the longest wait for an answer and how many there were.
    pub(crate) fn end(mut self) -> (Duration, u64) {
        fs::write(&self.stop, "").unwrap();
        let status = self.running.0.wait().unwrap();
        assert!(status.success(), "the connection inside was lost");
        let said = std::io::read_to_string(self.running.0.stdout.take().unwrap()).unwrap();
        let (longest, count) = said.trim().split_once(' ').unwrap();
        (Duration::from_millis(longest.parse().unwrap()), count.parse().unwrap())
    }
}

fn central(config_path: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_preau-central"));
    command.arg("--config").arg(config_path).args(arguments).output().unwrap()
}

impl Academie {
    /// What the command `preau-central` says.
    pub(crate) fn command(&self, arguments: &[&str]) -> String {
        let output = central(&self.config_path, arguments);
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }
}

fn write_config(dir: &Path) -> PathBuf {
    let text = r#"version = 1
database = "sqlite:central.sqlite"
repository = "repository"
keys = "keys"
academie = "Académie d'Exemple"
boxes = { listen = "127.0.0.1:0", url = "https://localhost" }
console = { listen = "127.0.0.1:0", name = "console.example", certificate = "c.pem", key = "c.key" }
concentrator = { name = "amiens", interface = "preau0", tcp = "0.0.0.0:443" }
"#;
    let path = dir.join("central.toml");
    fs::write(&path, text).unwrap();
    path
}

/// A moment in which something that must not happen could.
pub(crate) fn pause() {
    thread::sleep(Duration::from_millis(500));
}
