//! The académie's end of the tunnel: two concentrators on the Internet, each a wireguard-go that knows nothing of the box but
//! its key, and behind them a network with an application and a DNS server that exist nowhere else.

use std::{fmt::Write as _, fs, time::Duration};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::{
    enclosure::Door,
    lab::Lab,
    plan::{APPLICATION, APPLICATION_ADDRESSES, APPLICATION_NAME, CONCENTRATORS, TUNNEL_ADDRESSES},
    process::{Output, Running, run, wait_for},
    wiring::behind_the_internet,
};

/// How long a concentrator may take to be there.
const READY_WAIT_MAX: Duration = Duration::from_secs(15);

/// The port that concentrators listen on.
const PORT: u16 = 51820;

/// What the application's page says.
const PAGE: &str = "Application de gestion : secret-de-l-academie";

/// The Internet's ends of the concentrators' cables.
const WAYS: [[&str; 2]; 2] = [["198.51.100.81", "2001:db8:c1::1"], ["198.51.100.85", "2001:db8:c2::1"]];

/// The application and its DNS server.
const SERVE: &str = "mkdir -p site; echo \"$0\" > site/index.html; head -c 2000000 /dev/urandom > site/long
    python3 -m http.server --bind :: --directory site 80 &
    exec dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --port=53 --user=root --group= --pid-file= \
      --edns-packet-max=4096 --log-facility=- --address=/$1/$2 --address=/$1/$3";

/// Makes a concentrator of the interface `$0`: its key, the school's key, the shared one, the school's addresses.
const SET: &str = "umask 077; test -e wg.key || wg genkey > wg.key; echo \"$2\" > wg.shared
    for i in $(seq 100); do wg show \"$0\" > /dev/null 2>&1 && break; sleep 0.1; done
    wg set \"$0\" private-key wg.key listen-port 51820 peer \"$1\" preshared-key wg.shared allowed-ips \"$3\"
    ip link set \"$0\" up mtu 1420
    ip route replace \"$4\" dev \"$0\"; ip -6 route replace \"$5\" dev \"$0\"
    wg pubkey < wg.key";

/// The concentrators of a lab, and what is behind them.
#[derive(Debug)]
pub struct Concentrators {
    door: Door,
    devices: [Option<Running>; 2],
    _application: Running,
    box_key: String,
    shared_key: String,
}

impl Concentrators {
    /// What the application's page says, and nothing else in the lab.
    pub const SECRET: &str = "secret-de-l-academie";

    /// Wires and starts them, and tells the box of `lab`, which is enrolled, as central would.
    ///
    /// # Errors
    /// When a program is missing or does not start, or the box is not enrolled.
    pub fn open(lab: &Lab) -> anyhow::Result<Self> {
        let door = lab.door().clone();
        let application = wire(&door)?;
        let [v4, _] = APPLICATION_ADDRESSES;
        let path = door.file_path("box/state/central/enrolment.json");
        let text = fs::read_to_string(&path).context("the box is not enrolled")?;
        let mut enrolment: Value = serde_json::from_str(&text).context("cannot read the enrolment")?;
        let key = enrolment["tunnel_key"].as_str().context("the enrolment has no key")?.to_owned();
        let box_key = said(&door, "conc1", &["sh", "-c", "echo \"$0\" | wg pubkey", &key])?;
        let shared_key = said(&door, "conc1", &["wg", "genpsk"])?;
        let mut opened = Self { door, devices: [None, None], _application: application, box_key, shared_key };
        let keys = [opened.start(0)?, opened.start(1)?];
        let concentrators: Vec<Value> = CONCENTRATORS
            .iter()
            .zip(&keys)
            .map(|((_, name, _), key)| {
                json!({
                    "key": key,
                    "endpoint": format!("{name}:{PORT}"),
                    "networks": ["10.200.0.0/16", "fd00:200::/48"],
                    "preshared": opened.shared_key,
                })
            })
            .collect();
        enrolment["tunnel"] = json!({
            "addresses": [format!("{}/32", TUNNEL_ADDRESSES[0]), format!("{}/128", TUNNEL_ADDRESSES[1])],
            "concentrators": concentrators,
            "names": ["intra.ac-exemple.fr"],
            "resolvers": [v4],
        });
        fs::write(&path, enrolment.to_string()).context("cannot tell the box of the tunnel")?;
        Ok(opened)
    }

    /// Gives the box another key, as central would: the concentrators know it, and no longer the one before.
    ///
    /// # Errors
    /// When the box is not enrolled, or a concentrator does not run.
    pub fn change_box_key(&mut self) -> anyhow::Result<()> {
        let path = self.door.file_path("box/state/central/enrolment.json");
        let text = fs::read_to_string(&path).context("the box is not enrolled")?;
        let mut enrolment: Value = serde_json::from_str(&text).context("cannot read the enrolment")?;
        let key = said(&self.door, "conc1", &["wg", "genkey"])?;
        let before = std::mem::replace(
            &mut self.box_key,
            said(&self.door, "conc1", &["sh", "-c", "echo \"$0\" | wg pubkey", &key])?,
        );
        let [v4, v6] = TUNNEL_ADDRESSES;
        let allowed = format!("{v4}/32,{v6}/128");
        for (machine, ..) in CONCENTRATORS {
            let device = format!("{machine}wg");
            let set = ["wg", "set", &device, "peer", &before, "remove", "peer", &self.box_key];
            said(
                &self.door,
                machine,
                &[&set[..], &["preshared-key", "wg.shared", "allowed-ips", &allowed]].concat(),
            )?;
        }
        enrolment["tunnel_key"] = json!(key);
        fs::write(&path, enrolment.to_string()).context("cannot tell the box of its key")
    }

    /// Kills a concentrator, counted from 0.
    pub fn kill(&mut self, place: usize) {
        if let Some(mut running) = self.devices.get_mut(place).and_then(Option::take) {
            running.kill_with_children();
        }
    }

    /// Starts a concentrator, with the key it had, and says its public half.
    ///
    /// # Errors
    /// When wireguard-go does not start.
    pub fn start(&mut self, place: usize) -> anyhow::Result<String> {
        let (machine, ..) = CONCENTRATORS.get(place).context("there is no such concentrator")?;
        let device = format!("{machine}wg");
        let running =
            Running::start(&self.door, machine, &device, &["wireguard-go", "--foreground", &device])?;
        let [v4, v6] = TUNNEL_ADDRESSES;
        let allowed = format!("{v4}/32,{v6}/128");
        let arguments = ["sh", "-c", SET, &device, &self.box_key, &self.shared_key, &allowed, v4, v6];
        let key = wait_for(READY_WAIT_MAX, || said(&self.door, machine, &arguments).ok());
        let Some(key) = key.filter(|key| key.len() == 44) else {
            bail!("the concentrator does not start: {}", running.log());
        };
        if let Some(kept) = self.devices.get_mut(place) {
            *kept = Some(running);
        }
        Ok(key)
    }
}

/// Wires the concentrators' machines and the network behind them, and starts the application there.
pub(crate) fn wire(door: &Door) -> anyhow::Result<Running> {
    door.script(&script()).context("cannot wire the concentrators")?;
    let [v4, v6] = APPLICATION_ADDRESSES;
    let arguments = ["sh", "-c", SERVE, PAGE, APPLICATION_NAME, v4, v6];
    Running::start(door, APPLICATION, APPLICATION, &arguments)
}

/// What a command on the machine says, without its line's end.
pub(crate) fn said(door: &Door, who: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = run(door, who, arguments, Duration::from_secs(15)).and_then(Output::checked)?;
    Ok(output.trim().to_owned())
}

/// The shell script that makes their networks. Concentrators hide the school behind an address of their own, so that
/// answers find the one that asked.
fn script() -> String {
    let mut script = String::new();
    let mut line = |text: String| writeln!(script, "{text}").expect("writing to a string cannot fail");
    let [v4, v6] = APPLICATION_ADDRESSES;
    line(format!("ip netns add {APPLICATION}; ip -n {APPLICATION} link set lo up"));
    line(format!("ip -n {APPLICATION} link add br0 type bridge; ip -n {APPLICATION} link set br0 up"));
    line(format!("ip -n {APPLICATION} addr add {v4}/24 dev br0"));
    line(format!("ip -n {APPLICATION} addr add {v6}/64 dev br0 nodad"));
    for (number, (machine, _, _)) in (1..).zip(&CONCENTRATORS) {
        line(format!("ip netns add {machine}; ip -n {machine} link set lo up"));
        line(format!("ip link add inner0 netns {machine} type veth peer name {machine} netns {APPLICATION}"));
        line(format!("ip -n {APPLICATION} link set {machine} master br0 up"));
        line(format!("ip -n {machine} addr add 10.200.0.{number}/24 dev inner0"));
        line(format!("ip -n {machine} addr add fd00:200::{number}/64 dev inner0 nodad"));
        line(format!("ip -n {machine} link set inner0 up"));
        line(format!(
            "ip netns exec {machine} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"
        ));
        line(format!(
            "ip netns exec {machine} nft 'table inet hide {{ chain out {{ type nat hook postrouting priority 100; oifname \
             inner0 masquerade; }}; }}'"
        ));
    }
    for ((machine, _, [v4, v6]), [way_v4, way_v6]) in CONCENTRATORS.into_iter().zip(WAYS) {
        behind_the_internet(&mut script, machine, &format!("{machine}p"), [(way_v4, way_v6), (v4, v6)]);
    }
    script
}
