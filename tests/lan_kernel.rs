//! The zones in a real kernel, with the real dnsmasq and real DHCP clients.
//!
//! Each test runs itself again in network and process namespaces of its own, which the kernel takes down with it, so
//! that nothing leaves the machine and nothing stays behind. It needs root, or user namespaces.

#![expect(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

use std::{
    collections::{HashMap, HashSet},
    env, fs,
    io::{self, Read as _},
    net::{IpAddr, Ipv6Addr, SocketAddrV6, UdpSocket},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use preau::{
    lan::{Bridge, Dhcp, Holder, Leases, Settings, raise},
    model::{DefaultVerdict, Mac, SignIn, Zone, ZoneKind},
    system::neighbours::{self, Neighbour},
};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    runtime::Runtime,
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::Level;

const ROLE: &str = "PREAU_LAN_KERNEL_ROLE";
const STATE_DIR: &str = "PREAU_LAN_KERNEL_STATE_DIR";
const API: &str = "https://portail.college.exemple/api/captive";

/// What may take long on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_machine_gets_its_addresses_and_is_known_by_them() {
    stage("a_machine_gets_its_addresses_and_is_known_by_them", |runtime| {
        runtime.block_on(async {
            let state_dir = tempfile::tempdir().unwrap();
            let settings = bridged_zone(state_dir.path());
            let client = Machine::behind("port1");
            raise(&settings).await.unwrap();
            let school = School::open(&settings);
            let advertised = client.role("advertisement");
            client.switch_on();

            // DHCPv4, and the portal's address in option 114.
            let lease = client.ask_for_lease(&["-O", "114", "-x", "hostname:tablette"]);
            let address: IpAddr = lease["ip"].parse().unwrap();
            assert_eq!(lease["router"], "10.10.0.1");
            assert_eq!(lease["dns"], "10.10.0.1");
            assert_eq!(lease["lease"], "14400");
            assert_eq!(lease["opt114"], hexadecimal(API.as_bytes()));
            assert!(!lease.contains_key("domain"), "{lease:?}");

            // The lease is told live.
            let mut leases = school.leases.clone();
            let told = timeout(PATIENCE, leases.wait_for(|leases| leases.get(address).is_some()));
            let told = Arc::clone(&*told.await.unwrap().unwrap());
            assert_eq!(told.get(address).unwrap().holder, Holder::Machine(client.mac));
            assert_eq!(told.get(address).unwrap().host_name.as_deref(), Some("tablette"));

            // The router advertisement, and the address that the machine's kernel makes of it.
            let advertised = output_of(advertised);
            assert!(advertised.contains("lifetime 1800 preference high other true"), "{advertised}");
            assert!(advertised.contains("resolver fd00:10::1"), "{advertised}");
            assert!(advertised.contains("prefix fd00:10::/64"), "{advertised}");
            let address_v6 = client.address_by_advertisement();
            let captive = output_of(client.role("dhcpv6"));
            assert!(captive.contains(API), "{captive}");

            // The neighbour table tells which machine it is, by either address.
            client.run(&format!("ip addr add {address}/22 dev eth0"));
            client.send_something_to("10.10.0.1");
            client.send_something_to("fd00:10::1");
            let mut known = school.neighbours;
            for address in [address, IpAddr::V6(address_v6)] {
                let neighbour = hear(&mut known, |heard| heard.address == address).await;
                assert_eq!((&*neighbour.interface, neighbour.mac), ("ped0", Some(client.mac)));
            }
            run("ip neigh flush all");
            let gone = hear(&mut known, |heard| heard.address == address).await;
            assert_eq!(gone.mac, None);
        });
    });
}

#[test]
fn a_killed_dnsmasq_is_started_again_with_its_leases() {
    stage("a_killed_dnsmasq_is_started_again_with_its_leases", |runtime| {
        runtime.block_on(async {
            let state_dir = tempfile::tempdir().unwrap();
            let settings = bridged_zone(state_dir.path());
            let client = Machine::behind("port1");
            raise(&settings).await.unwrap();
            let school = School::open(&settings);
            client.switch_on();
            let first = client.ask_for_lease(&[]);
            let address: IpAddr = first["ip"].parse().unwrap();

            let pid = wait_for_dnsmasq(1)[0];
            run(&format!("kill -KILL {pid}"));
            let begin = Instant::now();
            while wait_for_dnsmasq(1)[0] == pid {
                assert!(begin.elapsed() < PATIENCE);
                thread::sleep(Duration::from_millis(50));
            }
            assert!(fs::read_to_string(state_dir.path().join("leases")).unwrap().contains(&first["ip"]));
            assert_eq!(client.ask_for_lease(&[])["ip"], first["ip"]);
            assert!(school.leases.borrow().get(address).is_some());

            school.close().await;
            wait_for_dnsmasq(0);

            // As a power failure leaves it while dnsmasq writes: the end of the line is lost.
            let leases_path = state_dir.path().join("leases");
            let whole = fs::read_to_string(&leases_path).unwrap();
            fs::write(&leases_path, &whole[..30]).unwrap();
            let school = School::open(&settings);
            assert_eq!(client.ask_for_lease(&[])["ip"], first["ip"]);
            assert_eq!(school.leases.borrow().machine_at(address), Some(client.mac));
            school.close().await;
        });
    });
}

#[test]
fn a_killed_daemon_leaves_no_dnsmasq_behind() {
    stage("a_killed_daemon_leaves_no_dnsmasq_behind", |_| {
        let state_dir = tempfile::tempdir().unwrap();
        let _client = Machine::behind("port1");
        let mut daemon = role("daemon").env(STATE_DIR, state_dir.path()).spawn().unwrap();
        wait_for_dnsmasq(1);
        daemon.kill().unwrap();
        daemon.wait().unwrap();
        wait_for_dnsmasq(0);
    });
}

#[test]
fn three_capabilities_are_enough() {
    stage("three_capabilities_are_enough", |_| {
        let state_dir = tempfile::tempdir().unwrap();
        let client = Machine::behind("port1");
        client.switch_on();
        let mut drop_the_rest = vec![
            "--bounding-set=-all,+net_admin,+net_raw,+net_bind_service",
            "--inh-caps=-all,+net_admin,+net_raw,+net_bind_service",
            "--ambient-caps=-all,+net_admin,+net_raw,+net_bind_service",
        ];
        // A user namespace without subordinate users knows one user only: there, user 0 without its privileges.
        let only_one_user = fs::read_to_string("/proc/self/uid_map").unwrap().trim_end().ends_with(" 1");
        if only_one_user {
            drop_the_rest.push("--securebits=+noroot,+noroot_locked");
        } else {
            run(&format!("chown 65534:65534 {}", state_dir.path().display()));
            drop_the_rest.extend(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        }
        // Where others may run it.
        let program = state_dir.path().join("program");
        fs::copy(env::current_exe().unwrap(), &program).unwrap();
        let mut daemon = Command::new("setpriv");
        daemon.args(drop_the_rest).arg(program).args(env::args().skip(1));
        let mut daemon = daemon.env(ROLE, "daemon").env(STATE_DIR, state_dir.path()).spawn().unwrap();
        let pid = wait_for_dnsmasq(1)[0];
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        assert!(status.contains("CapEff:\t0000000000003400"), "{status}");
        assert!(client.ask_for_lease(&[]).contains_key("ip"));
        // Its death takes dnsmasq along here too.
        daemon.kill().unwrap();
        daemon.wait().unwrap();
        wait_for_dnsmasq(0);
    });
}

#[test]
fn a_missing_interface_is_named_with_its_zone() {
    stage("a_missing_interface_is_named_with_its_zone", |runtime| {
        let failure_of = |settings: &Settings| {
            let failure = runtime.block_on(raise(settings)).unwrap_err();
            format!("{failure:#}")
        };
        let mut settings = bridged_zone(Path::new("/nowhere"));
        assert_eq!(
            failure_of(&settings),
            "cannot raise zone `pedagogique`: interface `port1`, a port of bridge `ped0`, does not exist"
        );
        settings.bridges.clear();
        assert_eq!(failure_of(&settings), "cannot raise zone `pedagogique`: interface `ped0` does not exist");
        run("ip link add ped0 type veth peer name eth0");
        let settings =
            Settings { bridges: vec![Bridge { name: Arc::from("ped0"), ports: Vec::new() }], ..settings };
        assert_eq!(
            failure_of(&settings),
            "cannot raise zone `pedagogique`: interface `ped0` exists and is not a bridge"
        );
    });
}

#[test]
fn raising_again_changes_nothing_and_clears_what_left_the_configuration() {
    stage("raising_again_changes_nothing_and_clears_what_left_the_configuration", |runtime| {
        let _client = Machine::behind("port1");
        let _other = Machine::behind("port2");
        let settings = bridged_zone(Path::new("/nowhere"));
        runtime.block_on(raise(&settings)).unwrap();
        let raised = state_of_the_network();
        for (setting, value) in [
            ("ipv4/ip_forward", "1"),
            ("ipv6/conf/all/forwarding", "1"),
            ("ipv6/conf/ped0/accept_ra", "0"),
            ("ipv4/conf/ped0/rp_filter", "1"),
            ("ipv4/conf/ped0/send_redirects", "0"),
        ] {
            let found = fs::read_to_string(Path::new("/proc/sys/net").join(setting)).unwrap();
            assert_eq!(found.trim(), value, "{setting}");
        }
        assert!(raised.contains("inet6 fd00:10::1/64") && !raised.contains("tentative"), "{raised}");
        runtime.block_on(raise(&settings)).unwrap();
        assert_eq!(state_of_the_network(), raised);

        // The zone had another address of the same network and another port before.
        run("ip addr flush dev ped0 scope global");
        run("ip addr add 10.10.0.2/22 dev ped0 && ip addr add 10.10.0.1/22 dev ped0");
        run("ip addr add fd00:99::1/64 dev ped0 && ip link set port2 master ped0");
        runtime.block_on(raise(&settings)).unwrap();
        let state = state_of_the_network();
        assert!(state.contains("inet 10.10.0.1/22") && state.contains("inet6 fd00:10::1/64"), "{state}");
        assert!(!state.contains("10.10.0.2") && !state.contains("fd00:99"), "{state}");
        assert_eq!(state.matches("master ped0").count(), 1, "{state}");
    });
}

#[test]
fn no_neighbour_is_lost_when_more_come_than_the_kernel_can_tell() {
    stage("no_neighbour_is_lost_when_more_come_than_the_kernel_can_tell", |runtime| {
        const MACHINES: u32 = 6000;
        run("ip link add ped0 type veth peer name eth0 && ip link set ped0 up");
        let (heard, mut told) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let mut is_first = true;
        let slow_at_first = move |neighbour| {
            // Long enough for the kernel's buffer to run over.
            if std::mem::take(&mut is_first) {
                thread::sleep(Duration::from_secs(2));
            }
            let _ = heard.send(neighbour);
        };
        tasks.spawn_on(neighbours::follow(stop.clone(), slow_at_first), runtime.handle());
        thread::sleep(Duration::from_millis(300));
        let batch: String = (0..MACHINES)
            .map(|n| {
                let (a, b) = (n / 250, n % 250 + 1);
                format!("neigh add 10.1.{a}.{b} lladdr 02:00:00:01:{a:02x}:{b:02x} nud permanent dev ped0\n")
            })
            .collect();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("batch");
        fs::write(&path, batch).unwrap();
        run(&format!("ip -batch {}", path.display()));
        let count = |told: &mut mpsc::UnboundedReceiver<Neighbour>, present: bool| {
            runtime.block_on(async {
                let mut addresses = HashSet::new();
                while addresses.len() < usize::try_from(MACHINES).unwrap() {
                    let neighbour = hear(told, |heard| heard.mac.is_some() == present).await;
                    addresses.insert(neighbour.address);
                }
            });
        };
        count(&mut told, true);
        run("ip link del ped0");
        count(&mut told, false);
        stop.cancel();
    });
}

// The stage: namespaces, roles, machines.

/// Runs `story` in namespaces of its own, or plays the part that the environment asks for.
fn stage(test: &str, story: impl FnOnce(&Runtime)) {
    if env::var_os(ROLE).is_some() {
        tracing_subscriber::fmt().with_max_level(Level::DEBUG).with_writer(io::stderr).init();
    }
    match env::var(ROLE).as_deref() {
        Ok("story") => {
            run("ip link set lo up");
            story(&Runtime::new().unwrap());
        }
        Ok("daemon") => play_daemon(),
        Ok("advertisement") => print_advertisement(),
        Ok("dhcpv6") => print_information(),
        Ok(other) => panic!("nobody plays `{other}`"),
        Err(_) => {
            let mut command = Command::new("unshare");
            if !rustix::process::geteuid().is_root() {
                command.args(["--user", "--map-root-user"]);
            }
            command.args(["--net", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]);
            command.arg(env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]);
            let status = command.env(ROLE, "story").status().expect("`unshare` (util-linux) is needed");
            assert!(
                status.success(),
                "the story failed (above), or there are no namespaces: run this test as root, or allow user \
                 namespaces (sysctl kernel.unprivileged_userns_clone=1)"
            );
        }
    }
}

/// This test again, to play `name`.
fn role(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(env::args().skip(1)).env(ROLE, name);
    command
}

/// The zone `pedagogique` on a bridge `ped0` of the one port `port1`.
fn bridged_zone(state_dir: &Path) -> Settings {
    let zone = Zone {
        name: "pedagogique".parse().unwrap(),
        kind: ZoneKind::Pedagogique,
        interface: Arc::from("ped0"),
        ipv4: "10.10.0.1/22".parse().unwrap(),
        ipv6: "fd00:10::1/64".parse().unwrap(),
        sign_in: SignIn::Required,
        default: DefaultVerdict::Allow,
        services: Vec::new(),
    };
    Settings {
        zones: vec![Arc::new(zone)],
        bridges: vec![Bridge { name: Arc::from("ped0"), ports: vec![Arc::from("port1")] }],
        state_dir: state_dir.to_path_buf(),
        portal_api: Some(API.to_owned()),
    }
}

/// DHCP and the neighbour table at work.
struct School {
    leases: watch::Receiver<Arc<Leases>>,
    neighbours: mpsc::UnboundedReceiver<Neighbour>,
    stop: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl School {
    fn open(settings: &Settings) -> Self {
        let stop = CancellationToken::new();
        let (sender, leases) = watch::channel(Arc::default());
        let (heard, neighbours) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(Dhcp::new(settings).serve(sender, stop.clone()));
        tasks.spawn(neighbours::follow(stop.clone(), move |neighbour| drop(heard.send(neighbour))));
        wait_for_dnsmasq(1);
        Self { leases, neighbours, stop, tasks }
    }

    async fn close(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap().unwrap();
        }
    }
}

fn play_daemon() {
    let settings = bridged_zone(Path::new(&env::var_os(STATE_DIR).unwrap()));
    let (sender, _leases) = watch::channel(Arc::default());
    Runtime::new().unwrap().block_on(async {
        raise(&settings).await.unwrap();
        Dhcp::new(&settings).serve(sender, CancellationToken::new()).await.unwrap();
    });
}

/// A machine in a network namespace of its own, with one network card `eth0`.
struct Machine {
    /// A process that does nothing but keep the namespace.
    keeper: Child,
    mac: Mac,
}

impl Machine {
    /// A machine whose cable leads to `port` on the box's side. Its card is off.
    fn behind(port: &str) -> Self {
        let keeper = Command::new("unshare").args(["--net", "sleep", "300"]).spawn().unwrap();
        let pid = keeper.id();
        let own = fs::read_link("/proc/self/ns/net").unwrap();
        while fs::read_link(format!("/proc/{pid}/ns/net")).unwrap() == own {
            thread::sleep(Duration::from_millis(10));
        }
        run(&format!("ip link add {port} type veth peer name eth0 netns {pid}"));
        let mut machine = Self { keeper, mac: Mac::new([0; 6]) };
        let shown = machine.run("ip -o link show eth0");
        let mut words = shown.split_whitespace().skip_while(|word| *word != "link/ether");
        machine.mac = words.nth(1).unwrap().parse().unwrap();
        machine
    }

    fn enter(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.keeper.id().to_string(), "--net"]);
        command
    }

    fn run(&self, script: &str) -> String {
        output_of(self.enter().args(["sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap())
    }

    fn switch_on(&self) {
        self.run("ip link set lo up && ip link set eth0 up");
    }

    /// This test again, to play `name` on the machine.
    fn role(&self, name: &str) -> Child {
        let mut command = self.enter();
        command.arg(env::current_exe().unwrap()).args(env::args().skip(1)).env(ROLE, name);
        command.stdout(Stdio::piped()).spawn().unwrap()
    }

    /// Sends a packet that needs the neighbour's hardware address and nobody's answer.
    fn send_something_to(&self, address: &str) {
        output_of(self.enter().args(["bash", "-c", "echo > /dev/udp/$0/9", address]).spawn().unwrap());
    }

    /// What a real DHCP client is given, by the client's names of the options. Nothing is set.
    fn ask_for_lease(&self, arguments: &[&str]) -> HashMap<String, String> {
        let dir = tempfile::tempdir().unwrap();
        let script_path = dir.path().join("script");
        fs::write(&script_path, "#!/bin/sh\n[ \"$1\" = bound ] && env\nexit 0\n").unwrap();
        run(&format!("chmod +x {}", script_path.display()));
        let mut command = self.enter();
        command.args(["udhcpc", "-i", "eth0", "-f", "-n", "-q", "-t", "10", "-T", "1", "-s"]);
        let client = command.arg(&script_path).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        output_of(client)
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// The address of the zone that the machine's kernel made itself.
    fn address_by_advertisement(&self) -> Ipv6Addr {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            let shown = self.run("ip -6 -o addr show dev eth0 scope global -tentative");
            let address = shown.split_whitespace().find_map(|word| word.strip_suffix("/64"));
            if let Some(address) = address {
                assert!(address.starts_with("fd00:10::"), "{shown}");
                return address.parse().unwrap();
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("the machine made no address of the router advertisement");
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// Waits for a router advertisement and prints what it says (RFC 4861 section 4.2, RFC 4191, RFC 8106).
fn print_advertisement() {
    let mut socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut packet = [0; 1500];
    loop {
        let length = socket.read(&mut packet).unwrap();
        let packet = &packet[..length];
        if packet.first() != Some(&134) {
            continue;
        }
        let lifetime = u16::from_be_bytes([packet[6], packet[7]]);
        let preference = if packet[5] & 0b0001_1000 == 0b0000_1000 { "high" } else { "not high" };
        let other = packet[5] & 0b0100_0000 != 0;
        println!("lifetime {lifetime} preference {preference} other {other}");
        let mut options = &packet[16..];
        while let [kind, eights, ..] = *options {
            let (option, rest) = options.split_at(usize::from(eights) * 8);
            let address = |at: usize| Ipv6Addr::from(<[u8; 16]>::try_from(&option[at..at + 16]).unwrap());
            match kind {
                3 => println!("prefix {}/{}", address(16), option[2]),
                25 => println!("resolver {}", address(8)),
                _ => {}
            }
            options = rest;
        }
        return;
    }
}

/// Asks for the portal's address by DHCPv6 (RFC 8415 section 18.2.6, RFC 8910 section 2.2) and prints the answer as text.
fn print_information() {
    // `/sys` shows another namespace's interfaces; `ip` asks in this one.
    let index = run("ip -o link show eth0").split(':').next().unwrap().parse().unwrap();
    let socket = UdpSocket::bind("[::]:546").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    // INFORMATION-REQUEST, a transaction id, a client id (DUID-LL), and the option request for 103.
    let question = [11, 1, 2, 3, 0, 1, 0, 10, 0, 3, 0, 1, 2, 0, 0x5e, 0x10, 0, 1, 0, 6, 0, 2, 0, 103];
    let servers = SocketAddrV6::new("ff02::1:2".parse().unwrap(), 547, 0, index);
    let mut answer = [0; 1500];
    for _ in 0..5 {
        socket.send_to(&question, servers).unwrap();
        if let Ok(length) = socket.recv(&mut answer) {
            println!("{}", String::from_utf8_lossy(&answer[..length]));
            return;
        }
    }
}

// Small tools.

/// Runs `script` in a shell; it must succeed.
fn run(script: &str) -> String {
    output_of(Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap())
}

fn output_of(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "a program of the story failed: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// The processes called dnsmasq, once there are `count` of them. Ended ones that nobody waited for do not count.
fn wait_for_dnsmasq(count: usize) -> Vec<u32> {
    let begin = Instant::now();
    loop {
        let pids: Vec<u32> = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
            .filter(|pid| {
                let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                state.contains("(dnsmasq) ") && !state.contains("(dnsmasq) Z")
            })
            .collect();
        if pids.len() == count {
            return pids;
        }
        assert!(begin.elapsed() < PATIENCE, "{} dnsmasq run instead of {count}", pids.len());
        thread::sleep(Duration::from_millis(20));
    }
}

/// The first change that `fits`.
async fn hear(
    changes: &mut mpsc::UnboundedReceiver<Neighbour>,
    fits: impl Fn(&Neighbour) -> bool,
) -> Neighbour {
    let listen = async {
        loop {
            let neighbour = changes.recv().await.expect("the table is followed");
            if fits(&neighbour) {
                return neighbour;
            }
        }
    };
    timeout(PATIENCE, listen).await.expect("the change is told")
}

/// Interfaces, their ports and their lasting addresses.
fn state_of_the_network() -> String {
    // Link-local addresses come by themselves, and ports need a moment to carry.
    run("ip -o link show | sed 's/<[^>]*>//; s/state [A-Z]*//'; ip -o addr show scope global")
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
