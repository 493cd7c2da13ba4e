//! Where a row is played: the school, the subject's machine, the far end, and the ways to look.

use std::time::Duration;

use anyhow::{Context as _, bail};

use super::{Seen, Subject, program::Program};
use crate::{
    internet::names::addresses,
    lab::Lab,
    plan::PORTAL,
    process::{Output, run, wait_for},
};

/// How long one command of a row may take.
const COMMAND_WAIT_MAX: Duration = Duration::from_secs(15);
/// How long a program of a row may take to listen.
const LISTEN_WAIT_MAX: Duration = Duration::from_secs(10);

/// A site that pupils may not read and teachers may.
pub(super) const FORBIDDEN: &str = "jeux-en-ligne.example";
/// What stands on its page and nowhere else.
pub(super) const SECRET: &str = "Cent jeux gratuits";
/// A site everybody may read.
pub(super) const ALLOWED: &str = "fr.vikidia.example";
/// What stands on its page and nowhere else.
pub(super) const ALLOWED_SECRET: &str = "la partie couverte d’une cour";

/// The school of one subject, while a row is played in it.
pub struct Scene<'a> {
    pub(super) lab: &'a mut Lab,
    pub(super) subject: Subject,
}

impl Scene<'_> {
    /// Runs a command on the subject's machine.
    pub(super) fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        self.lab.run_for(self.subject.machine(), arguments, COMMAND_WAIT_MAX)
    }

    /// Runs a shell script on the subject's machine; `$0`, `$1`… are `words`.
    pub(super) fn script(&self, text: &str, words: &[&str]) -> anyhow::Result<Output> {
        self.run(&[&["bash", "-c", text], words].concat())
    }

    /// A page by curl on the subject's machine, 6 s at most unless `more` says otherwise.
    pub(super) fn get(&self, url: &str, more: &[&str]) -> anyhow::Result<Output> {
        let usual = ["curl", "--silent", "--show-error", "--connect-timeout", "4", "--max-time", "6"];
        self.run(&[&usual, more, &[url]].concat())
    }

    /// Starts a program on the subject's machine; it is killed when the value is dropped.
    pub(super) fn start(&self, name: &str, arguments: &[&str]) -> anyhow::Result<Program> {
        Ok(Program::new(self.lab.spawn(self.subject.machine(), name, arguments)?))
    }

    /// Starts a program on the subject's machine and waits until it listens on `port` (`tcp` or `udp`); when it ends or
    /// stays silent, that is how far the attempt got.
    pub(super) fn start_listening(
        &self,
        name: &str,
        arguments: &[&str],
        protocol: &str,
        port: u16,
    ) -> anyhow::Result<Program> {
        let running = self.start(name, arguments)?;
        self.wait_until_listening(self.subject.machine(), running, protocol, port)
    }

    pub(super) fn wait_until_listening(
        &self,
        who: &str,
        mut running: Program,
        protocol: &str,
        port: u16,
    ) -> anyhow::Result<Program> {
        let query = format!("ss -Hln --{protocol} 'sport = :{port}' | grep -q .");
        let listens = wait_for(LISTEN_WAIT_MAX, || {
            let look = run(self.lab.door(), who, &["sh", "-c", &query], COMMAND_WAIT_MAX);
            (look.is_ok_and(|look| look.succeeded()) || !running.is_running()).then_some(())
        });
        if listens.is_none() || !running.is_running() {
            bail!("nothing listens on {protocol} port {port}: {}", running.log());
        }
        Ok(running)
    }

    /// Ends the subject's session, if the box has one.
    pub(super) fn sign_out(&self) -> anyhow::Result<()> {
        if self.subject.is_behind_the_box() {
            let url = format!("https://{PORTAL}/deconnexion");
            self.get(&url, &["--request", "POST"])?.checked()?;
        }
        Ok(())
    }

    /// Begins another one.
    pub(super) fn sign_in(&self) -> anyhow::Result<()> {
        if self.subject.is_behind_the_box() {
            self.lab.sign_in_user(self.subject.machine())?;
        }
        Ok(())
    }

    /// Writes a file into the home of the machine `who`.
    pub(super) fn write(&self, who: &str, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.lab.door().file_path(who).join(name);
        std::fs::write(path, text).with_context(|| format!("cannot write `{name}` for `{who}`"))
    }
}

/// Reached when the output holds `secret`; else stopped, with the program's last line.
pub(super) fn shows(output: &Output, secret: &str) -> Seen {
    if output.stdout.contains(secret) {
        return Seen::Reached(format!("« {secret} »"));
    }
    let said = if output.stderr.trim().is_empty() { &output.stdout } else { &output.stderr };
    let last = said.trim().lines().last().unwrap_or_default().trim();
    let short: String = last.chars().take(100).collect();
    match (short.is_empty(), output.status) {
        (false, _) => Seen::Stopped(short),
        (true, Some(124)) => Seen::Stopped("silence".to_owned()),
        (true, Some(status)) => Seen::Stopped(format!("nothing; status {status}")),
        (true, None) => Seen::Stopped("ended by a signal".to_owned()),
    }
}

/// Reached when the output, of a program that resolves names, holds a true address of `name`.
pub(super) fn shows_address_of(output: &Output, name: &str) -> Seen {
    let (v4, v6) = addresses(name);
    match shows(output, &v4.to_string()) {
        Seen::Stopped(_) => shows(output, &v6.to_string()),
        reached @ Seen::Reached(_) => reached,
    }
}

/// The IPv4 address of `name` on the lab's Internet, as text.
pub(super) fn v4(name: &str) -> String {
    addresses(name).0.to_string()
}

/// The IPv6 address of `name` on the lab's Internet, as text.
pub(super) fn v6(name: &str) -> String {
    addresses(name).1.to_string()
}
