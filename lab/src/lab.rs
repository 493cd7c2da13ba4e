//! A running school: start it, act in it, and let it go.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context as _, bail};
use tokio::time::Instant;

use crate::{
    authority::Authority,
    central,
    enclosure::{Door, Enclosure, LAB_DIR},
    ent::{self, EntProtocol},
    gateway::{self, Gateway},
    people,
    plan::{
        ACADEMIE, BOX, CENTRAL, INTERNET, LESSONS_NAME, PASSWORD, PORTAL, POSTS, SIGN_IN_FIELDS, UAI,
        machines, post,
    },
    process::{self, Output, Running, WAIT_MAX, read_log, wait_for},
    wiring,
};

/// How long the servers of the Internet may take to listen.
const SERVERS_WAIT_MAX: Duration = Duration::from_secs(20);

/// How long the box may take to end in order.
const BOX_END_WAIT_MAX: Duration = Duration::from_secs(12);

/// A step of the start that is done.
#[derive(Clone, Debug)]
pub struct Progress {
    /// What was done.
    pub what: &'static str,
    /// What there is to say of it, for people to read.
    pub detail: String,
    /// How long it took.
    pub elapsed: Duration,
}

/// A school. The process that started it owns it: dropping the value ends every process, network and file of it.
#[derive(Debug)]
pub struct Lab {
    door: Door,
    // Dropped in this order: the services first, in peace, then the room they are in.
    the_box: Option<Running>,
    ent: Option<Running>,
    central: Option<Running>,
    services: Vec<Running>,
    room: Option<Enclosure>,
}

impl Lab {
    /// Starts a school behind the real box and waits until every machine has its addresses.
    ///
    /// # Errors
    /// When the kernel gives no namespaces, a program is missing, or the box does not become ready; the message says
    /// which, with what the program said.
    pub fn start() -> anyhow::Result<Self> {
        Self::start_with(Gateway::Box, &mut |_| {})
    }

    /// As [`Lab::start`], behind the gateway of your choice; `tell` hears of each step when it is done.
    ///
    /// # Errors
    /// As [`Lab::start`].
    pub fn start_with(gateway: Gateway, tell: &mut dyn FnMut(&Progress)) -> anyhow::Result<Self> {
        let mut steps = Steps { tell, started: Instant::now() };
        let room = Enclosure::open()?;
        let door = room.door().clone();
        let mut lab =
            Self { door, the_box: None, ent: None, central: None, services: Vec::new(), room: Some(room) };
        let door = lab.door.clone();
        let authority = Authority::create()?;
        authority.write(&door.file_path("authority"))?;
        steps.done("room", "namespaces and certificate authority".to_owned());
        door.script(&wiring::script()).context("cannot wire the school")?;
        steps.done("wires", format!("{} machines", machines().count()));
        for who in [INTERNET, ACADEMIE] {
            lab.services.push(start_servers(&door, who)?);
        }
        steps.done("internet", "resolvers, any web site, the académie".to_owned());
        people::furnish(&door)?;
        steps.done("machines", "homes and trusted authorities".to_owned());
        match gateway {
            Gateway::Box => {
                gateway::prepare(&door, &authority)?;
                lab.the_box = Some(gateway::start_box(&door)?);
            }
            Gateway::PlainRouter => lab.services.push(gateway::start_router(&door)?),
        }
        steps.done("box", lab.box_pid().map_or("a plain router".to_owned(), |pid| format!("process {pid}")));
        lab.services.extend(people::connect(&door)?);
        for post in &POSTS {
            let addresses = people::wait_for_addresses(&door, post.name)?;
            steps.done(post.name, addresses.join(", "));
        }
        Ok(lab)
    }

    /// A handle on a school that another process owns. Dropping it ends nothing.
    #[must_use]
    pub fn attach(door: Door) -> Self {
        Self { door, the_box: None, ent: None, central: None, services: Vec::new(), room: None }
    }

    /// The way into the school, for programs that enter it themselves.
    #[must_use]
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// Whether this process owns the school.
    #[must_use]
    pub fn is_owned(&self) -> bool {
        self.room.is_some()
    }

    /// Runs a command on the machine `who` and waits for it, at most [`WAIT_MAX`].
    ///
    /// # Errors
    /// When there is no such machine or no way in. A command that fails is an [`Output`].
    pub fn run(&self, who: &str, arguments: &[&str]) -> anyhow::Result<Output> {
        self.run_for(who, arguments, WAIT_MAX)
    }

    /// As [`Lab::run`], waiting at most `wait_max`.
    ///
    /// # Errors
    /// As [`Lab::run`].
    pub fn run_for(&self, who: &str, arguments: &[&str], wait_max: Duration) -> anyhow::Result<Output> {
        process::run(&self.door, self.machine(who)?, arguments, wait_max)
    }

    /// Starts a command on the machine `who`; what it says goes to the log called `name`.
    ///
    /// # Errors
    /// As [`Lab::run`].
    pub fn spawn(&self, who: &str, name: &str, arguments: &[&str]) -> anyhow::Result<Running> {
        Running::start(&self.door, self.machine(who)?, name, arguments)
    }

    /// A command on the machine `who` that is the caller's to run: its input, output and time are free.
    ///
    /// # Errors
    /// As [`Lab::run`].
    pub fn command(&self, who: &str, arguments: &[&str]) -> anyhow::Result<Command> {
        Ok(self.door.command_on(self.machine(who)?, None, arguments))
    }

    /// The global addresses of the machine `who`, IPv4 first.
    ///
    /// # Errors
    /// As [`Lab::run`].
    pub fn addresses(&self, who: &str) -> anyhow::Result<Vec<String>> {
        people::addresses(&self.door, self.machine(who)?)
    }

    /// The machine `who` sends the portal's sign-in form, as a browser does. Returns the portal's answer.
    ///
    /// # Errors
    /// When the portal cannot be reached or does not let the person in.
    pub fn sign_in(&self, who: &str, login: &str, password: &str) -> anyhow::Result<Output> {
        let [login_field, password_field] = SIGN_IN_FIELDS;
        let form = [format!("{login_field}={login}"), format!("{password_field}={password}")];
        let [login, password] = &form;
        let (portal, jar) = (format!("https://{PORTAL}/connexion"), "cookies");
        let output = self.run(
            who,
            &[
                "curl",
                "--silent",
                "--show-error",
                "--max-time",
                "20",
                "--include",
                "--cookie-jar",
                jar,
                "--cookie",
                jar,
                "--data-urlencode",
                login,
                "--data-urlencode",
                password,
                &portal,
            ],
        )?;
        let status: u16 = output.stdout.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        if !output.succeeded() || !(200..400).contains(&status) {
            bail!("`{who}` cannot sign in (HTTP status {status}): {}", output.stderr.trim());
        }
        Ok(output)
    }

    /// The usual user of the machine `who` signs in.
    ///
    /// # Errors
    /// As [`Lab::sign_in`]; also when the machine has no usual user.
    pub fn sign_in_user(&self, who: &str) -> anyhow::Result<Output> {
        let login = post(who).and_then(|post| post.login).with_context(|| format!("`{who}` has no user"))?;
        self.sign_in(who, login, PASSWORD)
    }

    /// Starts the ENT, a real LemonLDAP::NG, unless this handle started it already.
    ///
    /// # Errors
    /// When it is not installed or does not answer, with what it says.
    pub fn start_ent(&mut self) -> anyhow::Result<()> {
        if self.ent.is_none() {
            self.ent = Some(ent::start(&self.door)?);
        }
        Ok(())
    }

    /// Ends the ENT at once; its host stays, and refuses connections.
    pub fn stop_ent(&mut self) {
        if let Some(mut running) = self.ent.take() {
            running.kill_with_children();
        }
    }

    /// Tells the box of the ENT, to be spoken to by `protocol`, and starts it again.
    ///
    /// # Errors
    /// When the box does not start with it.
    pub fn tell_box_of_ent(&mut self, protocol: EntProtocol) -> anyhow::Result<()> {
        let (table, secret) = ent::box_table(protocol);
        let usual = self.read_box_file("box.toml")?;
        let usual = usual.split("\n[accounts.ent]").next().unwrap_or_default();
        self.write_box_file("ent.secret", secret)?;
        self.write_box_file("box.toml", &format!("{usual}{table}"))?;
        self.stop_box()?;
        self.restart_box().map(drop)
    }

    /// Puts the box in front of the ENT's lessons, has it fetch ahead what they list and keep updates, and starts it again.
    ///
    /// # Errors
    /// When the box does not start with them.
    pub fn tell_box_of_lessons(&mut self) -> anyhow::Result<()> {
        let authority = Authority::read(&self.door.file_path("authority"))?;
        let server = authority.certify(LESSONS_NAME)?;
        self.write_box_file("lecons.pem", &server.certificate_pem)?;
        self.write_box_file("lecons.key", &server.key_pem)?;
        // Whatever the hour is, it is one for what is large.
        let usual = self.read_box_file("box.toml")?;
        let usual = usual.replace("[central]\n", "[central]\nwindows = [\"00:00-24:00\"]\n");
        self.write_box_file("box.toml", &format!("{usual}{}", include_str!("../data/box/cache.toml")))?;
        self.stop_box()?;
        self.restart_box().map(drop)
    }

    /// Whether the box stands in front of the ENT's lessons.
    #[must_use]
    pub fn fronts_lessons(&self) -> bool {
        self.read_box_file("box.toml").is_ok_and(|text| text.contains(LESSONS_NAME))
    }

    /// Starts the académie's central, founded with keys of its own the first time, unless this handle started it already.
    ///
    /// # Errors
    /// When it does not start, with what it says.
    pub fn start_central(&mut self) -> anyhow::Result<()> {
        if self.central.is_none() {
            self.central = Some(central::start(&self.door)?);
        }
        Ok(())
    }

    /// Ends central at once, as a crash would; its host stays, and refuses connections.
    pub fn stop_central(&mut self) {
        if let Some(mut running) = self.central.take() {
            running.kill_with_children();
        }
    }

    /// What central said last.
    #[must_use]
    pub fn central_log(&self) -> String {
        read_log(&self.door, CENTRAL)
    }

    /// Runs `preau-central ARGUMENTS` on central's host.
    ///
    /// # Errors
    /// When `preau-central` is not built.
    pub fn central(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        central::command(&self.door, arguments)
    }

    /// Writes a file into central's directory, such as `rules/academie.toml`.
    ///
    /// # Errors
    /// When the school is gone.
    pub fn write_central_file(&self, name: &str, text: &str) -> anyhow::Result<()> {
        central::write(&self.door, name, text)
    }

    /// Enters the school at central and enrols the box with a token of its own, as an integrator does.
    ///
    /// # Errors
    /// When central refuses, or the box, with what they say.
    pub fn enrol_box(&self) -> anyhow::Result<()> {
        let school = ["school", "enter", UAI, "--name", "Collège d'Exemple", "--departement", "80"];
        self.central(&school)?.checked().context("central does not take the school")?;
        let token = self.central(&["token", "give", UAI])?.checked().context("central gives no token")?;
        let token = token.split_whitespace().find(|word| word.starts_with("preau1."));
        let token = token.context("central shows no token")?;
        self.preau(&["enrol", token])?.checked().context("the box cannot be enrolled")?;
        Ok(())
    }

    /// Unplugs the school's line at the provider's end.
    ///
    /// # Errors
    /// When the school is gone.
    pub fn cut_line(&self) -> anyhow::Result<()> {
        self.door.script(&wiring::cut_line())
    }

    /// Plugs the line in again.
    ///
    /// # Errors
    /// When the school is gone.
    pub fn restore_line(&self) -> anyhow::Result<()> {
        self.door.script(&wiring::restore_line())
    }

    /// The box's process number inside the lab (see [`Lab::run`] for its `/proc`), if it runs.
    #[must_use]
    pub fn box_pid(&self) -> Option<u32> {
        gateway::box_pid(&self.door)
    }

    /// Sends the box a signal by its name, such as `KILL` or `HUP`.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal_box(&self, signal: &str) -> anyhow::Result<()> {
        let pid = self.box_pid().context("the box does not run")?;
        self.door.script(&format!("kill -{signal} {pid}"))
    }

    /// Kills the box without a warning, as a crash would, and waits until it is gone.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill_box(&self) -> anyhow::Result<()> {
        let pid = self.box_pid().context("the box does not run")?;
        self.signal_box("KILL")?;
        // Until its last thread has ended it still holds its files, though it no longer counts as running.
        let is_gone = format!("test ! -e /proc/{pid}");
        let gone = wait_for(Duration::from_secs(5), || self.door.script(&is_gone).ok());
        gone.context("the box does not die")
    }

    /// Asks the box to end in order and waits until it is gone; returns its exit status, which only the owner of the
    /// school hears.
    ///
    /// # Errors
    /// When it does not run, or goes on after 12 s; the message holds what it said last.
    pub fn stop_box(&mut self) -> anyhow::Result<Option<i32>> {
        self.signal_box("TERM")?;
        let gone = wait_for(BOX_END_WAIT_MAX, || self.box_pid().is_none().then_some(()));
        gone.with_context(|| format!("the box does not end; it says:\n{}", self.box_log()))?;
        match self.the_box.take() {
            Some(mut ended) => ended.wait(Duration::from_secs(10)),
            None => Ok(None),
        }
    }

    /// Starts the box again, unless it runs, and waits until it is ready; returns how long that took.
    ///
    /// # Errors
    /// When it ends instead, or is not ready after 30 s, with what it says.
    pub fn restart_box(&mut self) -> anyhow::Result<Duration> {
        let started = Instant::now();
        if self.box_pid().is_none() {
            let running = gateway::start_box(&self.door)?;
            if self.is_owned() {
                self.the_box = Some(running);
            } else {
                running.leave();
            }
        }
        Ok(started.elapsed())
    }

    /// Replaces a file of the box's directory, such as `etablissement.toml`, whole.
    ///
    /// # Errors
    /// When the school is gone.
    pub fn write_box_file(&self, name: &str, text: &str) -> anyhow::Result<()> {
        gateway::write(&self.door, name, text)
    }

    /// A file of the box's directory.
    ///
    /// # Errors
    /// When there is none.
    pub fn read_box_file(&self, name: &str) -> anyhow::Result<String> {
        let path = self.door.file_path(BOX).join(name);
        fs::read_to_string(path).with_context(|| format!("cannot read the box's file `{name}`"))
    }

    /// Asks the box to read its configuration again (`SIGHUP`); it says in its log when it did.
    ///
    /// # Errors
    /// When it does not run.
    pub fn reload_box(&self) -> anyhow::Result<()> {
        self.signal_box("HUP")
    }

    /// What the box said last: 20 lines.
    #[must_use]
    pub fn box_log(&self) -> String {
        gateway::box_log(&self.door)
    }

    /// Runs the box's own command, `preau ARGUMENTS --config …`, on the box.
    ///
    /// # Errors
    /// When `preau` is not built.
    pub fn preau(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let program = gateway::program_path("preau")?;
        let program = program.to_str().context("the path of `preau` is not UTF-8")?;
        let configuration = format!("{LAB_DIR}/{BOX}/box.toml");
        let arguments = [&[program], arguments, &["--config", &configuration]].concat();
        self.run(BOX, &arguments)
    }

    /// The questions the Internet's resolvers have got so far, such as `udp www.exemple.fr AAAA`.
    ///
    /// # Errors
    /// When the school is gone.
    pub fn upstream_questions(&self) -> anyhow::Result<Vec<String>> {
        let text = fs::read_to_string(self.door.file_path("internet/questions"));
        let text = text.context("cannot read the Internet's questions")?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Whether this machine has a Chromium that can be driven.
    ///
    /// # Errors
    /// When the school is gone.
    pub fn has_browser(&self) -> anyhow::Result<bool> {
        Ok(self.run(INTERNET, &["sh", "-c", "command -v chromium && command -v chromedriver"])?.succeeded())
    }

    /// The machine's name as the plan writes it.
    fn machine(&self, who: &str) -> anyhow::Result<&'static str> {
        machines().find(|machine| *machine == who).with_context(|| {
            format!("there is no machine `{who}`; there are {}", machines().collect::<Vec<_>>().join(", "))
        })
    }
}

/// Starts the servers of the Internet or the académie and waits until they listen.
fn start_servers(door: &Door, who: &str) -> anyhow::Result<Running> {
    let program = gateway::program_path("preau-lab")?;
    let program = program.to_str().context("the path of `preau-lab` is not UTF-8")?;
    let ready_path = door.file_path(&format!("log/{who}.ready"));
    let mut running = Running::start(door, who, who, &[program, "serve", who])?;
    let ready = wait_for(SERVERS_WAIT_MAX, || (ready_path.exists() || !running.is_running()).then_some(()));
    if ready.is_none() || !ready_path.exists() {
        bail!("the servers of `{who}` do not start: {}", running.log());
    }
    Ok(running)
}

/// Tells of the steps of the start.
struct Steps<'a> {
    tell: &'a mut dyn FnMut(&Progress),
    started: Instant,
}

impl Steps<'_> {
    fn done(&mut self, what: &'static str, detail: String) {
        (self.tell)(&Progress { what, detail, elapsed: self.started.elapsed() });
        self.started = Instant::now();
    }
}
