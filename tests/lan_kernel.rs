//! The zones in a real kernel, with the real dnsmasq and real DHCP clients.
//!
//! Each test runs itself again in network and process namespaces of its own, which the kernel takes down with it, so
//! that nothing leaves the machine and nothing stays behind. It needs root, or user namespaces.

#![expect(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

#[path = "lan_kernel/machine.rs"]
mod machine;
#[path = "lan_kernel/stage.rs"]
mod stage;

use std::{
    collections::HashSet, env, fs, net::IpAddr, path::Path, process::Command, sync::Arc, thread,
    time::Duration,
};

use machine::Machine;
use preau::{
    lan::{Bridge, Dhcp, Holder, Leases, Settings, raise},
    model::{DefaultVerdict, Quic, SignIn, Zone, ZoneKind},
    system::neighbours::{self, Neighbour},
};
use stage::{PATIENCE, ROLE, output_of, role, run, wait_for_dnsmasq};
use tokio::{
    runtime::Runtime,
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

const STATE_DIR: &str = "PREAU_LAN_KERNEL_STATE_DIR";
const API: &str = "https://portail.college.exemple/api/captive";

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
            let lease = client.ask_for_lease(&["-O", "114", "-O", "ntpsrv", "-x", "hostname:tablette"]);
            let address: IpAddr = lease["ip"].parse().unwrap();
            assert_eq!(lease["router"], "10.10.0.1");
            assert_eq!(lease["dns"], "10.10.0.1");
            assert_eq!(lease["ntpsrv"], "10.10.0.1");
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
            let captive = output_of(client.role("information"));
            assert!(captive.contains(API), "{captive}");
            // The time, as a bare address and as a suboption.
            let box_v6 = "fd000010000000000000000000000001";
            for option in ["001f0010", "0038001400010010"] {
                assert!(captive.contains(&format!("{option}{box_v6}")), "{option}: {captive}");
            }

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
fn dnsmasq_accepts_the_golden_file_and_names_the_line_it_refuses() {
    stage("dnsmasq_accepts_the_golden_file_and_names_the_line_it_refuses", |runtime| {
        run(&format!("dnsmasq --test -C {}/src/lan/golden/dnsmasq.conf", env!("CARGO_MANIFEST_DIR")));
        let state_dir = tempfile::tempdir().unwrap();
        let mut settings = bridged_zone(state_dir.path());
        let mut zone = Zone::clone(&settings.zones[0]);
        zone.interface = Arc::from("ped0\nnonsense");
        settings.zones = vec![Arc::new(zone)];
        let (sender, _leases) = watch::channel(Arc::default());
        let serving = Dhcp::new(&settings).serve(sender, CancellationToken::new());
        let failure = format!("{:#}", runtime.block_on(serving).unwrap_err());
        assert!(
            failure.starts_with("dnsmasq refuses `") && failure.contains("bad option at line"),
            "{failure}"
        );
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

// What the stories are made of.

/// Runs `story` in namespaces of its own, or plays the part that the environment asks for.
fn stage(test: &str, story: impl FnOnce(&Runtime)) {
    let parts: [(&str, fn()); 3] = [
        ("daemon", play_daemon),
        ("advertisement", machine::print_advertisement),
        ("information", machine::print_information),
    ];
    stage::play(test, &parts, || story(&Runtime::new().unwrap()));
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
        quic: Quic::Reject,
        tunnel: preau::model::TunnelAccess::None,
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
