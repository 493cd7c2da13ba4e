//! The order in which everything is measured: once what grows, then several rounds of what is compared, in which the box
//! and the floors take turns.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use serde::Serialize;

use super::{
    crowd,
    gauge::Gauge,
    load::Done,
    report::Report,
    sites::{self, FORWARDED_PORT, Sites, WEB_PORT},
};
use crate::{
    Gateway, Lab, Progress,
    gateway::program_path,
    plan::{BOX, PEDAGOGIQUE},
    process::wait_for,
};

/// The pupil's machine, where all loads run.
const CLIENT: &str = "eleve";

/// Questions a second at a steady pace: three times the busiest minute of a school of 600.
const PACE: u32 = 2000;

/// Over how many seconds the machines of the crowd sign in.
const MORNING_SECONDS: u32 = 60;

/// Questions a second meanwhile: a busy school.
const MORNING_PACE: u32 = 500;

/// Connections at once where as many as possible are opened.
const PARALLEL: u32 = 32;

/// Connections that stay open while memory is read: three for each machine of a school of 600.
const HELD: u32 = 2000;

/// How long to let things settle before memory is read, and between loads.
const REST: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(300);

/// How long after the last sign-in the memory of passwords' verification is given back.
const CALM: Duration = Duration::from_secs(125);

/// How long a load may take beyond its own duration.
const LOAD_WAIT_MAX: Duration = Duration::from_secs(60);

/// How long to measure.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Length {
    /// How many rounds.
    pub rounds: u32,
    /// Seconds of each load, at most 60.
    pub seconds: u32,
    /// What is carried in bulk each time, in MiB.
    pub mebibytes: u32,
}

/// Starts a school, measures in it, and ends it; `tell` hears of each step.
///
/// # Errors
/// When the school does not start or a load fails; a figure is never left out silently.
pub fn measure(length: Length, tell: &mut dyn FnMut(&str)) -> anyhow::Result<Report> {
    let mut report = Report::of_this_machine();
    let lab = Lab::start_with(Gateway::Box, &mut |step: &Progress| tell(step.what))?;
    let sites = Sites::start(&lab)?;
    forget_connections_soon(&lab)?;
    let mut course = Course { lab, sites, length, report: &mut report };
    tell("memory, and 500 machines that sign in within a minute");
    course.memory(tell)?;
    for round in 1..=length.rounds {
        tell(&format!("round {round} of {}", length.rounds));
        course.report.note_load();
        course.questions()?;
        course.connections()?;
        course.bulk()?;
        course.floor_and_start()?;
    }
    course.lab.stop_box()?;
    Ok(report)
}

/// Lets the box's connection tracking forget a closed connection after seconds instead of two minutes: in two minutes
/// the loads can close more of them than its table holds.
fn forget_connections_soon(lab: &Lab) -> anyhow::Result<()> {
    let setting = "net.netfilter.nf_conntrack_tcp_timeout_time_wait=5";
    lab.run(BOX, &["sysctl", "-qw", setting])?.checked()?;
    Ok(())
}

struct Course<'a> {
    lab: Lab,
    sites: Sites,
    length: Length,
    report: &'a mut Report,
}

/// What a load did, and what the box used meanwhile.
struct Loaded {
    done: Done,
    box_seconds: f64,
    /// The load and the sites: with them goes the kernel's work on packets that is nobody's.
    ends_seconds: f64,
}

impl Course<'_> {
    /// Memory of the box before anybody has signed in and after the crowd has.
    fn memory(&mut self, tell: &mut dyn FnMut(&str)) -> anyhow::Result<()> {
        let accounts = self.lab.read_box_file("accounts.csv")?;
        self.lab.write_box_file("accounts.csv", &crowd::accounts(&accounts))?;
        self.lab.stop_box()?;
        self.start_box()?;
        self.add_memory("nobody signed in")?;
        crowd::plug_in(&self.lab)?;
        self.lab.sign_in_user(CLIENT)?;
        self.morning()?;
        self.add_memory("500 sessions")?;
        tell("memory again, when nobody has signed in for a while");
        std::thread::sleep(CALM);
        self.add_memory("500 sessions, two minutes later")?;
        self.held()?;
        crowd::unplug(&self.lab)
    }

    /// Memory while connections stand that carry nothing.
    fn held(&mut self) -> anyhow::Result<()> {
        let (machines, connections) = (crowd::MACHINES_WITH_ROUTE.to_string(), HELD.to_string());
        let program = program_path("preau-lab")?;
        let program = program.to_string_lossy().into_owned();
        let target = self.to_sites("held", WEB_PORT);
        let rest = ["--machines", &machines, "--connections", &connections, "--seconds", "30"];
        let words: Vec<_> = [program.as_str(), "load"]
            .into_iter()
            .chain(target.iter().map(String::as_str))
            .chain(rest)
            .collect();
        let mut load = self.lab.spawn(CLIENT, "held", &words)?;
        let stand =
            wait_for(LOAD_WAIT_MAX, || (load.log().contains("stand") || !load.is_running()).then_some(()));
        if stand.is_none() || !load.is_running() {
            bail!("the connections do not stand: {}", load.log());
        }
        self.add_memory(&format!("{HELD} connections open"))
    }

    /// The crowd signs in, while a pupil who already has goes on asking names.
    fn morning(&mut self) -> anyhow::Result<()> {
        let ([zone, _], machines, seconds) = (PEDAGOGIQUE, crowd::MACHINES, MORNING_SECONDS);
        let (portal, server) = (format!("{zone}:443"), format!("{zone}:53"));
        let (machines, seconds, pace) = (machines.to_string(), seconds.to_string(), MORNING_PACE.to_string());
        let program = program_path("preau-lab")?;
        let program = program.to_string_lossy();
        let sign_ins = [
            &*program,
            "load",
            "sign-ins",
            "--portal",
            &portal,
            "--machines",
            &machines,
            "--seconds",
            &seconds,
        ];
        let questions = [
            &*program,
            "load",
            "questions",
            "--server",
            &server,
            "--before",
            "matin.n",
            "--behind",
            ".mesure.example",
            "--seconds",
            &seconds,
            "--per-second",
            &pace,
        ];
        let gauge = self.gauge()?;
        let before = gauge.cpu_seconds()?;
        let wait_max = LOAD_WAIT_MAX * 3;
        let (signed_in, asked) = std::thread::scope(|scope| {
            let asked = scope.spawn(|| self.lab.run_for(CLIENT, &questions, wait_max));
            (self.lab.run_for(CLIENT, &sign_ins, wait_max), asked.join())
        });
        let used = gauge.cpu_seconds()? - before;
        let asked = asked.map_err(|_| anyhow!("the questions were cut short"))?;
        let done = told(&signed_in?.checked()?)?;
        let asked = told(&asked?.checked()?)?;
        if done.failed > 0 {
            bail!("{} of {machines} machines were not let in", done.failed);
        }
        let what = format!("{machines} sign-ins within {seconds} s");
        self.report.add(&format!("{what}: half within"), "ms", done.p50_us / 1e3);
        self.report.add(&format!("{what}: 99 % within"), "ms", done.p99_us / 1e3);
        let each = used / f64::from(done.count) * 1e3;
        self.report.add(&format!("{what}: processor time of the daemon for each"), "ms", each);
        self.report.add(&format!("dns meanwhile, {pace}/s: 99 % within"), "ms", asked.p99_us / 1e3);
        self.report.add(&format!("dns meanwhile, {pace}/s: lost"), "", f64::from(asked.failed));
        Ok(())
    }

    fn add_memory(&mut self, when: &str) -> anyhow::Result<()> {
        std::thread::sleep(REST);
        let memory = self.gauge()?.memory()?;
        self.report.add(&format!("memory of the daemon, {when}: resident"), "MiB", memory.resident);
        self.report.add(&format!("memory of the daemon, {when}: anonymous"), "MiB", memory.anonymous);
        Ok(())
    }

    fn start_box(&mut self) -> anyhow::Result<()> {
        let elapsed = self.lab.restart_box()?;
        self.report.add("start of the daemon to gate open", "s", elapsed.as_secs_f64());
        Ok(())
    }

    fn questions(&mut self) -> anyhow::Result<()> {
        for (what, name) in [("blocked", ".jeux-en-ligne.example"), ("cached", ".mesure.example")] {
            let gauge = self.gauge()?;
            self.ask(&format!("dns, {what}"), name, &gauge)?;
        }
        Ok(())
    }

    /// Questions without pause, then at a pace, to whoever answers at the box's address and is on `gauge`.
    fn ask(&mut self, what: &str, behind: &str, gauge: &Gauge) -> anyhow::Result<()> {
        let [zone, _] = PEDAGOGIQUE;
        let server = format!("{zone}:53");
        // `long` is a name whose answers may be kept for a day.
        let arguments =
            ["questions", "--server", &server, "--before", "long.n", "--behind", behind].map(str::to_owned);
        let before = gauge.cpu_seconds()?;
        let done = self.load(&arguments)?;
        let used = gauge.cpu_seconds()? - before;
        let count = f64::from(done.count);
        self.report.add(&format!("{what}: answers"), "1/s", count / done.seconds);
        self.report.add(&format!("{what}: processor time of the server for each"), "µs", used / count * 1e6);
        let pace = ["--per-second".to_owned(), PACE.to_string()];
        let done = self.load(&[arguments.as_slice(), &pace].concat())?;
        self.report.add(&format!("{what}, {PACE}/s: half within"), "µs", done.p50_us);
        self.report.add(&format!("{what}, {PACE}/s: 99 % within"), "µs", done.p99_us);
        Ok(())
    }

    fn connections(&mut self) -> anyhow::Result<()> {
        for (what, port) in [("through the proxy", WEB_PORT), ("forwarded", FORWARDED_PORT)] {
            let Loaded { done, box_seconds, ends_seconds } = self.connect(port, PARALLEL)?;
            let count = f64::from(done.count);
            self.report.add(&format!("connections, {what}"), "1/s", count / done.seconds);
            if port == WEB_PORT {
                let what = format!("connections, {what}: processor time of the daemon for each");
                self.report.add(&what, "µs", box_seconds / count * 1e6);
            }
            let what_ends = format!("connections, {what}: processor time of both ends for each");
            self.report.add(&what_ends, "µs", ends_seconds / count * 1e6);
            let Loaded { done, .. } = self.connect(port, 1)?;
            self.report.add(&format!("connections, {what}, one at a time: half within"), "µs", done.p50_us);
            self.report.add(&format!("connections, {what}, one at a time: 99 % within"), "µs", done.p99_us);
        }
        Ok(())
    }

    fn connect(&self, port: u16, parallel: u32) -> anyhow::Result<Loaded> {
        let arguments = self.to_sites("connections", port);
        self.through_box(&[arguments.as_slice(), &["--parallel".to_owned(), parallel.to_string()]].concat())
    }

    fn bulk(&mut self) -> anyhow::Result<()> {
        for streams in [1_u32, 8] {
            for (what, port) in [("through the proxy", WEB_PORT), ("forwarded", FORWARDED_PORT)] {
                let amount = self.length.mebibytes;
                let words = [
                    "--streams".to_owned(),
                    streams.to_string(),
                    "--mebibytes".to_owned(),
                    amount.to_string(),
                ];
                let arguments = [self.to_sites("bulk", port).as_slice(), &words].concat();
                let Loaded { done, box_seconds, ends_seconds } = self.through_box(&arguments)?;
                let gigabytes = f64::from(done.count) * f64::from(1_u32 << 20) / 1e9;
                let what = format!("bulk, {streams} at once, {what}");
                self.report.add(&what, "GB/s", gigabytes / done.seconds);
                if port == WEB_PORT {
                    let what = format!("{what}: processor time of the daemon");
                    self.report.add(&what, "s/GB", box_seconds / gigabytes);
                }
                self.report.add(
                    &format!("{what}: processor time of both ends"),
                    "s/GB",
                    ends_seconds / gigabytes,
                );
            }
        }
        Ok(())
    }

    /// Stops the box, lets a bare echo answer at its address and port behind the same packet filter, and starts the box.
    fn floor_and_start(&mut self) -> anyhow::Result<()> {
        self.lab.stop_box()?;
        let [zone, _] = PEDAGOGIQUE;
        let program = program_path("preau-lab")?;
        let program = program.to_string_lossy();
        let address = format!("{zone}:53");
        let mut echo = self.lab.spawn(BOX, "echo", &[&*program, "load", "echo", "--address", &address])?;
        let listens =
            wait_for(REST, || (echo.log().contains("listening") || !echo.is_running()).then_some(()));
        if listens.is_none() || !echo.is_running() {
            bail!("the echo does not start: {}", echo.log());
        }
        let gauge = Gauge::new(self.lab.door(), echo.pid()?);
        self.ask("dns, floor (bare echo)", ".mesure.example", &gauge)?;
        drop(echo);
        self.start_box()
    }

    fn to_sites(&self, kind: &str, port: u16) -> Vec<String> {
        let ([zone, _], port) = (PEDAGOGIQUE, port.to_string());
        let resolver = format!("{zone}:53");
        [kind, "--sites", &sites::names(), "--port", &port, "--resolver", &resolver]
            .map(str::to_owned)
            .to_vec()
    }

    fn through_box(&self, arguments: &[String]) -> anyhow::Result<Loaded> {
        let (the_box, sites) = (self.gauge()?, self.sites.gauge()?);
        let before = (the_box.cpu_seconds()?, sites.cpu_seconds()?);
        let done = self.load(arguments)?;
        let used = (the_box.cpu_seconds()? - before.0, sites.cpu_seconds()? - before.1);
        Ok(Loaded { box_seconds: used.0, ends_seconds: used.1 + done.cpu_seconds, done })
    }

    /// Runs a load on the pupil's machine.
    fn load(&self, arguments: &[String]) -> anyhow::Result<Done> {
        std::thread::sleep(PAUSE);
        let program = program_path("preau-lab")?;
        let program = program.to_string_lossy();
        let seconds = self.length.seconds.to_string();
        let mut words = vec![&*program, "load"];
        words.extend(arguments.iter().map(String::as_str));
        words.extend(["--seconds", &seconds]);
        let wait_max = LOAD_WAIT_MAX + Duration::from_secs(self.length.seconds.into());
        let said = self.lab.run_for(CLIENT, &words, wait_max)?.checked()?;
        let done = told(&said)?;
        if done.count == 0 || done.failed > done.count / 20 {
            bail!("{} of {} failed in `{}`", done.failed, done.failed + done.count, arguments.join(" "));
        }
        Ok(done)
    }

    fn gauge(&self) -> anyhow::Result<Gauge> {
        Ok(Gauge::new(self.lab.door(), self.lab.box_pid().context("the box does not run")?))
    }
}

/// What a load said of itself.
fn told(said: &str) -> anyhow::Result<Done> {
    serde_json::from_str(said.trim()).context("cannot read what a load did")
}
