//! The académie's end of the tunnel as central runs it: `preau-central concentrator run` on two machines, by the keys of the
//! boxes that central has enrolled, with its way through TCP.

use std::{fmt::Write as _, time::Duration};

use anyhow::Context as _;

use crate::{
    central::{self, CONFIGURATION, inside_path},
    concentrator::{said, wire},
    enclosure::Door,
    gateway::program_path,
    lab::Lab,
    plan::{APPLICATION, APPLICATION_ADDRESSES, CONCENTRATORS},
    process::{Output, Running, wait_for},
};

/// How long a concentrator may take to be there.
const READY_WAIT_MAX: Duration = Duration::from_secs(30);

/// The plan, up to its concentrators.
const PLAN: &str = "prefixes = [\"10.128.0.0/14\", \"fd00:80::/48\"]\nnames = [\"intra.ac-exemple.fr\"]\n";

/// The concentrators of a lab's central, and what is behind them.
#[derive(Debug)]
pub struct CentralConcentrators {
    door: Door,
    running: [Option<Running>; 2],
    _application: Running,
}

impl CentralConcentrators {
    /// Has the central of `lab` plan them, and starts them. Boxes that are enrolled afterwards know them at once.
    ///
    /// # Errors
    /// When central does not run or refuses, or a concentrator does not start, with what it says.
    pub fn open(lab: &Lab) -> anyhow::Result<Self> {
        let door = lab.door().clone();
        let application = wire(&door)?;
        let [resolver, _] = APPLICATION_ADDRESSES;
        let mut plan = format!("{PLAN}resolvers = [\"{resolver}\"]\n");
        for (machine, name, _) in CONCENTRATORS {
            let key = lab.central(&["concentrator", "key", machine]).and_then(Output::checked)?;
            let key = key.trim();
            writeln!(
                plan,
                "[[concentrator]]\nname = \"{machine}\"\nkey = \"{key}\"\nendpoint = \"{name}:51820\"\n\
                networks = [\"10.200.0.0/16\", \"fd00:200::/48\"]\ntls = \"{name}:443\""
            )?;
            // Every machine of the lab sees the same files: the interfaces' control sockets as well, so each has a name of its
            // own.
            let own = format!(
                "{CONFIGURATION}\n[concentrator]\nname = \"{machine}\"\ninterface = \"{machine}wg\"\ntcp = \"[::]:443\"\n"
            );
            central::write(&door, &format!("{machine}.toml"), &own)?;
        }
        central::write(&door, "tunnel.toml", &plan)?;
        let set = lab.central(&["tunnel", "set", &inside_path("tunnel.toml")])?;
        set.checked().context("central refuses the plan of the tunnel")?;
        let mut opened = Self { door, running: [None, None], _application: application };
        opened.start(0)?;
        opened.start(1)?;
        Ok(opened)
    }

    /// Starts a concentrator, counted from 0, and waits until it has its key.
    ///
    /// # Errors
    /// When it does not start, with what it says.
    pub fn start(&mut self, place: usize) -> anyhow::Result<()> {
        let (machine, ..) = CONCENTRATORS.get(place).context("there is no such concentrator")?;
        let program = program_path("preau-central")?;
        let program = program.to_str().context("the path of `preau-central` is not UTF-8")?;
        let configuration = inside_path(&format!("{machine}.toml"));
        let arguments = [program, "--config", &configuration, "concentrator", "run"];
        let running = Running::start(&self.door, machine, machine, &arguments)?;
        let device = format!("{machine}wg");
        let listens = || {
            let port = said(&self.door, machine, &["wg", "show", &device, "listen-port"]);
            port.is_ok_and(|port| port == "51820").then_some(())
        };
        let ready = wait_for(READY_WAIT_MAX, listens);
        ready.with_context(|| format!("the concentrator does not start: {}", running.log()))?;
        if let Some(kept) = self.running.get_mut(place) {
            *kept = Some(running);
        }
        Ok(())
    }

    /// Starts a command on the machine behind them, that of the application; what it says goes to the log called `name`.
    ///
    /// # Errors
    /// When the way into the lab cannot be taken.
    pub fn spawn_behind(&self, name: &str, arguments: &[&str]) -> anyhow::Result<Running> {
        Running::start(&self.door, APPLICATION, name, arguments)
    }

    /// Kills a concentrator, counted from 0, with its interface.
    pub fn kill(&mut self, place: usize) {
        if let Some(mut running) = self.running.get_mut(place).and_then(Option::take) {
            running.kill_with_children();
        }
    }

    /// The public keys that a concentrator, counted from 0, lets in.
    ///
    /// # Errors
    /// When it does not run.
    pub fn peers(&self, place: usize) -> anyhow::Result<Vec<String>> {
        Ok(self.shown(place, "peers")?.lines().map(str::to_owned).collect())
    }

    /// The public key of a concentrator, counted from 0.
    ///
    /// # Errors
    /// When it does not run.
    pub fn public_key(&self, place: usize) -> anyhow::Result<String> {
        self.shown(place, "public-key")
    }

    fn shown(&self, place: usize, what: &str) -> anyhow::Result<String> {
        let (machine, ..) = CONCENTRATORS.get(place).context("there is no such concentrator")?;
        said(&self.door, machine, &["wg", "show", &format!("{machine}wg"), what])
    }

    /// What a concentrator, counted from 0, said last.
    #[must_use]
    pub fn log(&self, place: usize) -> String {
        self.running.get(place).and_then(Option::as_ref).map(Running::log).unwrap_or_default()
    }
}
