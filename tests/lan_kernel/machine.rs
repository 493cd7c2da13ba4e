//! A machine of the school: a network namespace behind a cable, with a real DHCP client in it.

use std::{
    collections::HashMap,
    env, fs,
    io::Read as _,
    net::{Ipv6Addr, SocketAddrV6, UdpSocket},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use preau::model::Mac;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::time::Instant;

use crate::stage::{PATIENCE, ROLE, output_of, run};

/// A machine in a network namespace of its own, with one network card `eth0`.
pub(crate) struct Machine {
    /// A process that does nothing but keep the namespace.
    keeper: Child,
    /// The hardware address of its card.
    pub(crate) mac: Mac,
}

impl Machine {
    /// A machine whose cable leads to `port` on the box's side. Its card is off.
    pub(crate) fn behind(port: &str) -> Self {
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

    pub(crate) fn run(&self, script: &str) -> String {
        output_of(self.enter().args(["sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap())
    }

    pub(crate) fn switch_on(&self) {
        self.run("ip link set lo up && ip link set eth0 up");
    }

    /// This test again, to play `name` on the machine.
    pub(crate) fn role(&self, name: &str) -> Child {
        let mut command = self.enter();
        command.arg(env::current_exe().unwrap()).args(env::args().skip(1)).env(ROLE, name);
        command.stdout(Stdio::piped()).spawn().unwrap()
    }

    /// Sends a packet that needs the neighbour's hardware address and nobody's answer.
    pub(crate) fn send_something_to(&self, address: &str) {
        output_of(self.enter().args(["bash", "-c", "echo > /dev/udp/$0/9", address]).spawn().unwrap());
    }

    /// What a real DHCP client is given, by the client's names of the options. Nothing is set.
    pub(crate) fn ask_for_lease(&self, arguments: &[&str]) -> HashMap<String, String> {
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
    pub(crate) fn address_by_advertisement(&self) -> Ipv6Addr {
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
pub(crate) fn print_advertisement() {
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

/// Asks by DHCPv6 (RFC 8415 section 18.2.6) for the portal's address (RFC 8910 section 2.2) and who tells the time (RFC
/// 4075, RFC 5908), and prints the answer as text, then in hexadecimal.
pub(crate) fn print_information() {
    // `/sys` shows another namespace's interfaces; `ip` asks in this one.
    let index = run("ip -o link show eth0").split(':').next().unwrap().parse().unwrap();
    let socket = UdpSocket::bind("[::]:546").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    // INFORMATION-REQUEST, a transaction id, a client id (DUID-LL), and the option request for 103, 31 and 56.
    let question =
        [11, 1, 2, 3, 0, 1, 0, 10, 0, 3, 0, 1, 2, 0, 0x5e, 0x10, 0, 1, 0, 6, 0, 6, 0, 103, 0, 31, 0, 56];
    let servers = SocketAddrV6::new("ff02::1:2".parse().unwrap(), 547, 0, index);
    let mut answer = [0; 1500];
    for _ in 0..5 {
        socket.send_to(&question, servers).unwrap();
        if let Ok(length) = socket.recv(&mut answer) {
            println!("{}", String::from_utf8_lossy(&answer[..length]));
            println!("{}", crate::hexadecimal(&answer[..length]));
            return;
        }
    }
}
