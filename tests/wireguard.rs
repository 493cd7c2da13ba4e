//! This program's WireGuard in a real kernel, told by the real wg(8), with wireguard-go at the other end.
//!
//! Each test runs itself again in namespaces of its own, which the kernel takes down with it. They need root or user
//! namespaces, `wg`, `wireguard-go`, `ip`, `curl` and `python3`.

#![expect(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

use std::{
    env,
    io::Read as _,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use tokio::time::Instant;

/// The variable that says that the program is in namespaces of its own.
const STAGE: &str = "PREAU_WIREGUARD_STAGE";

/// What may take long on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Wires this machine to another one, `far`, with both families of addresses.
const WIRE: &str = "mkdir -p /run/wireguard /run/netns && mount -t tmpfs x /run/wireguard && mount -t tmpfs x /run/netns
    mount -t tmpfs x /mnt && ip link set lo up && ip netns add far && ip -n far link set lo up
    ip link add line0 type veth peer name line0 netns far
    ip address add 198.51.100.1/24 dev line0 && ip address add 2001:db8::1/64 dev line0 nodad && ip link set line0 up
    ip -n far address add 198.51.100.2/24 dev line0 && ip -n far address add 2001:db8::2/64 dev line0 nodad
    ip -n far link set line0 up
    for end in near far; do wg genkey | tee /mnt/$end.key | wg pubkey > /mnt/$end.pub; done";

/// Tells both ends of each other; the other end is at `$0`.
const MEET: &str = r#"wg set near0 listen-port 51820 private-key /mnt/near.key \
        peer $(cat /mnt/far.pub) endpoint "$0" allowed-ips 10.99.0.0/24,fd99::/64
    ip netns exec far wg set far0 listen-port 51820 private-key /mnt/far.key \
        peer $(cat /mnt/near.pub) allowed-ips 10.99.0.1/32,fd99::1/128
    ip address add 10.99.0.1/24 dev near0 && ip address add fd99::1/64 dev near0 nodad && ip link set near0 mtu 1420 up
    ip -n far address add 10.99.0.2/24 dev far0 && ip -n far address add fd99::2/64 dev far0 nodad
    ip -n far link set far0 mtu 1420 up && ping -q -c 1 -W 10 10.99.0.2"#;

/// Answers every datagram with itself.
const ECHO: &str = "
import socket
echo = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
echo.bind(('::', 7000))
while True:
    echo.sendto(*echo.recvfrom(65536))
";

/// Sends datagrams of every length, some in fragments, each filled with another byte, and sees that they come back.
const DATAGRAMS: &str = "
import socket, sys
talk = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
talk.settimeout(10)
for length in [*range(1, 1500), 4000, 9000]:
    talk.sendto(bytes([length % 251]) * length, (sys.argv[1], 7000))
    assert talk.recv(65536) == bytes([length % 251]) * length, length
";

#[test]
fn what_crosses_to_a_peer_of_another_make_is_whole() {
    play("what_crosses_to_a_peer_of_another_make_is_whole", || {
        for outside in ["198.51.100.2:51820", "[2001:db8::2]:51820"] {
            let _ends = meet(outside);
            run("mkdir /mnt/give && head -c 24000000 /dev/urandom > /mnt/give/much");
            let serve = "cd /mnt/give && exec python3 -m http.server --bind :: 8000";
            let _near_server = Running::start(&["sh", "-c", serve]);
            let _far_server = Running::start(&["ip", "netns", "exec", "far", "sh", "-c", serve]);
            let _echo = Running::start(&["ip", "netns", "exec", "far", "python3", "-c", ECHO]);
            until("the servers are there", || {
                succeeds("curl --silent --fail --head http://10.99.0.2:8000/much")
            });
            until("and here", || {
                succeeds("ip netns exec far curl --silent --fail --head http://10.99.0.1:8000/much")
            });
            for (from, to) in [
                ("", "10.99.0.2"),
                ("", "[fd99::2]"),
                ("ip netns exec far", "10.99.0.1"),
                ("ip netns exec far", "[fd99::1]"),
            ] {
                run(&format!(
                    "{from} curl --silent --fail --max-time 60 --output /mnt/got http://{to}:8000/much && cmp /mnt/got /mnt/give/much"
                ));
            }
            for to in ["::ffff:10.99.0.2", "fd99::2"] {
                let output = Command::new("python3").args(["-c", DATAGRAMS, to]).output().unwrap();
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            }
            run("rm -r /mnt/give");
        }
    });
}

#[test]
fn what_wg_changes_keeps_the_session() {
    play("what_wg_changes_keeps_the_session", || {
        let _ends = meet("198.51.100.2:51820");
        let shaken = || run("ip netns exec far wg show far0 latest-handshakes");
        let before = shaken();
        for change in [
            "persistent-keepalive 25",
            "endpoint 198.51.100.2:51820",
            "endpoint [2001:db8::2]:51820",
            "allowed-ips 10.99.0.0/16",
            "allowed-ips 10.99.0.0/24,10.98.0.0/16",
        ] {
            run(&format!("wg set near0 peer $(cat /mnt/far.pub) {change}"));
            // Another handshake would bear another second.
            thread::sleep(Duration::from_millis(1100));
            run("ping -q -c 1 -W 5 10.99.0.2");
            assert_eq!(shaken(), before, "{change}");
        }
        let dump = run("wg show near0 dump");
        let peer: Vec<_> = dump.lines().last().unwrap().split('\t').collect();
        assert_eq!(peer[2], "[2001:db8::2]:51820");
        assert_eq!(peer[7], "25");
        run("wg set near0 fwmark 0x2 && ping -q -c 1 -W 5 10.99.0.2");
        assert!(run("wg show near0 fwmark").contains("0x2"));
        assert_eq!(shaken(), before);
    });
}

#[test]
fn a_peer_that_was_silent_for_long_and_is_sent_nothing_is_met_again_when_it_comes_back() {
    play("a_peer_that_was_silent_for_long_and_is_sent_nothing_is_met_again_when_it_comes_back", || {
        let _ends = meet("198.51.100.2:51820");
        run("ip -n far link set line0 down");
        // No session, no network, nothing to send, and nobody there who knows where to send: only the wish to be kept in session.
        run("far=$(cat /mnt/far.pub) near=$(cat /mnt/near.pub); ip netns exec far wg set far0 peer $near remove
            ip netns exec far wg set far0 peer $near allowed-ips 10.99.0.1/32; wg set near0 peer $far remove
            wg set near0 peer $far endpoint 198.51.100.2:51820 persistent-keepalive 20");
        let shaken = || run("ip netns exec far wg show far0 latest-handshakes");
        let before = shaken();
        // After 90 s WireGuard gives an attempt up (its paper, section 6.4).
        thread::sleep(Duration::from_secs(95));
        assert_eq!(shaken(), before);
        run("ip -n far link set line0 up");
        until("they shake hands", || shaken() != before);
    });
}

#[test]
fn what_it_cannot_do_it_says_and_it_never_stays_without_a_socket() {
    play("what_it_cannot_do_it_says_and_it_never_stays_without_a_socket", || {
        let mut ends = meet("198.51.100.2:51820");
        let near = &mut ends[0];
        for nonsense in
            ["set=1\\nprivate_key=x", "set=2", "get=1\\nget=1", "\\377\\376", "set=1\\nallowed_ip=10.0.0.0/8"]
        {
            run(&format!("printf '{nonsense}\\n\\n' | timeout 5 python3 -c '{TELL}'"));
        }
        run("ping -q -c 1 -W 5 10.99.0.2");
        let _taken = std::net::UdpSocket::bind("[::]:51999").unwrap();
        let complaint = fails("wg set near0 listen-port 51999");
        assert!(complaint.contains("in use"), "{complaint}");
        assert_eq!(near.wait().code(), Some(1));
        assert!(near.said().contains("there is no socket"), "{}", near.said());
    });
}

#[test]
fn it_ends_with_its_interface_and_the_interface_with_it() {
    play("it_ends_with_its_interface_and_the_interface_with_it", || {
        let mut ends = meet("198.51.100.2:51820");
        run("ip link delete near0");
        assert_eq!(ends[0].wait().code(), Some(1));
        assert!(ends[0].said().contains("the interface is gone"), "{}", ends[0].said());
        let mut again = Running::start(&[env!("CARGO_BIN_EXE_preau"), "wireguard", "near0"]);
        until("it is there again", || succeeds("wg show near0"));
        run(&format!("kill {}", again.0.id()));
        assert_eq!(again.wait().code(), Some(0));
        assert!(fails("ip link show near0").contains("does not exist"));
        run("test ! -e /run/wireguard/near0.sock");
    });
}

/// Says to the interface's socket what comes in.
const TELL: &str = "import socket, sys
talk = socket.socket(socket.AF_UNIX); talk.connect(\"/run/wireguard/near0.sock\")
talk.sendall(sys.stdin.buffer.read()); talk.shutdown(socket.SHUT_WR); talk.recv(65536)";

/// This program's interface `near0` here and wireguard-go's `far0` on the other machine, which is at `outside`.
fn meet(outside: &str) -> [Running; 2] {
    let ends = [
        Running::start(&[env!("CARGO_BIN_EXE_preau"), "wireguard", "near0"]),
        Running::start(&["ip", "netns", "exec", "far", "wireguard-go", "--foreground", "far0"]),
    ];
    until("both interfaces are there", || succeeds("wg show near0 && wg show far0"));
    let output = Command::new("sh").args(["-c", MEET, outside]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    ends
}

/// Runs `test` again in namespaces of its own, where it comes here again and tells `story`.
fn play(test: &str, story: impl FnOnce()) {
    if env::var_os(STAGE).is_some() {
        run(WIRE);
        return story();
    }
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--net", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]);
    command.arg(env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]);
    let status = command.env(STAGE, "").status().expect("`unshare` (util-linux) is needed");
    assert!(
        status.success(),
        "the story failed (above), or there are no namespaces: run this test as root, or allow user namespaces \
         (sysctl kernel.unprivileged_userns_clone=1)"
    );
}

/// Runs `script` in a shell, which must succeed, and returns what it says.
fn run(script: &str) -> String {
    let output = Command::new("sh").args(["-e", "-c", script]).output().unwrap();
    assert!(output.status.success(), "`{script}`: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What `script` complains of; nothing where it succeeds.
fn fails(script: &str) -> String {
    let output = Command::new("sh").args(["-c", script]).output().unwrap();
    String::from_utf8(output.stderr).unwrap()
}

fn succeeds(script: &str) -> bool {
    Command::new("sh").args(["-c", script]).output().unwrap().status.success()
}

/// Waits until `is` is so.
fn until(what: &str, mut is: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is() {
        assert!(begin.elapsed() < PATIENCE, "it never came to this: {what}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// A program that is killed when dropped.
struct Running(Child);

impl Running {
    fn start(command: &[&str]) -> Self {
        let (program, arguments) = command.split_first().unwrap();
        let mut command = Command::new(program);
        Self(command.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    fn wait(&mut self) -> ExitStatus {
        until("the program ends", || self.has_ended());
        self.0.wait().unwrap()
    }

    /// What it said, once it has ended.
    fn said(&mut self) -> String {
        let mut said = String::new();
        self.0.stderr.as_mut().unwrap().read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
