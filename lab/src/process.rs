//! Commands run on the lab's machines: what came out, or a handle while they run.

use std::{
    fs::{self, File},
    io::Read as _,
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail};
use tokio::time::Instant;

use crate::enclosure::{Door, LAB_DIR};

/// How long a command may take before it is killed, unless told otherwise.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

/// What a command did.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its exit status; 124 when it took too long, nothing when a signal ended it.
    pub status: Option<i32>,
    /// What it wrote, invalid UTF-8 replaced.
    pub stdout: String,
    /// What it wrote to the error output, invalid UTF-8 replaced.
    pub stderr: String,
    /// How long it took, with the way into the machine (about 20 ms).
    pub elapsed: Duration,
}

impl Output {
    /// Whether it ended with status 0.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.status == Some(0)
    }

    /// Its output, when it succeeded.
    ///
    /// # Errors
    /// When it failed, with what it said.
    pub fn checked(self) -> anyhow::Result<String> {
        if self.succeeded() {
            return Ok(self.stdout);
        }
        let said = if self.stderr.trim().is_empty() { &self.stdout } else { &self.stderr };
        match self.status {
            Some(status) => bail!("the command ended with status {status}: {}", said.trim()),
            None => bail!("the command was ended by a signal: {}", said.trim()),
        }
    }
}

/// Runs `arguments` on the machine `who` and waits for it, at most `wait_max`.
pub(crate) fn run(door: &Door, who: &str, arguments: &[&str], wait_max: Duration) -> anyhow::Result<Output> {
    let started = Instant::now();
    let seconds = wait_max.as_secs_f64().to_string();
    let limited = [&["timeout", "--kill-after=2", &seconds], arguments].concat();
    let output = door
        .command_on(who, None, &limited)
        .stdin(Stdio::null())
        .process_group(0)
        .output()
        .context("cannot enter the lab")?;
    Ok(Output {
        status: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        elapsed: started.elapsed(),
    })
}

/// A command that goes on by itself on one machine. Dropping it kills the command.
#[derive(Debug)]
pub struct Running {
    door: Door,
    name: String,
    pid_path: String,
    way_in: Child,
}

/// Tells apart the running commands of one process of the host.
static NEXT: AtomicU32 = AtomicU32::new(0);

impl Running {
    /// Starts `arguments` on the machine `who`; what it says goes to the lab's file `log/NAME.log`.
    pub(crate) fn start(door: &Door, who: &str, name: &str, arguments: &[&str]) -> anyhow::Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let pid_path = format!("log/{name}.{}.{number}.pid", std::process::id());
        let log = File::options()
            .create(true)
            .append(true)
            .open(door.file_path(&format!("log/{name}.log")))
            .context("cannot write a log inside the lab")?;
        let mut command: Command = door.command_on(who, Some(&format!("{LAB_DIR}/{pid_path}")), arguments);
        command.stdin(Stdio::null()).process_group(0);
        command.stdout(log.try_clone().context("cannot share a log")?).stderr(log);
        let way_in = command.spawn().context("cannot enter the lab")?;
        Ok(Self { door: door.clone(), name: name.to_owned(), pid_path, way_in })
    }

    /// The command's process number inside the lab.
    ///
    /// # Errors
    /// When it did not start within five seconds.
    pub fn pid(&self) -> anyhow::Result<u32> {
        let path = self.door.file_path(&self.pid_path);
        let number = wait_for(Duration::from_secs(5), || {
            fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n'))
        });
        let number = number.with_context(|| format!("`{}` did not start: {}", self.name, self.log()))?;
        number.trim().parse().context("the lab's process number is not a number")
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.way_in.try_wait(), Ok(None))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it goes on after `wait_max`.
    pub fn wait(&mut self, wait_max: Duration) -> anyhow::Result<Option<i32>> {
        let ended = wait_for(wait_max, || self.way_in.try_wait().ok().flatten());
        Ok(ended.with_context(|| format!("`{}` does not end", self.name))?.code())
    }

    /// Sends it a signal by its name, such as `TERM`.
    ///
    /// # Errors
    /// When it never started, or has ended.
    pub fn signal(&self, signal: &str) -> anyhow::Result<()> {
        self.door.script(&format!("kill -{signal} {}", self.pid()?))
    }

    /// Kills it and what it started, down to the last child; waits for its end.
    pub(crate) fn kill_with_children(&mut self) {
        // The way in leads a process group of its own that all of them are in; seen from inside it has no number. Once it
        // has ended, its number may be another's.
        if self.is_running()
            && let Some(group) = i32::try_from(self.way_in.id()).ok().and_then(rustix::process::Pid::from_raw)
        {
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        }
        self.way_in.wait().ok();
    }

    /// Lets it go on after this handle, until the lab ends.
    pub(crate) fn leave(self) {
        // The handle is forgotten, not dropped: dropping kills.
        std::mem::forget(self);
    }

    /// What it and its predecessors of the same name said so far.
    #[must_use]
    pub fn log(&self) -> String {
        read_log(&self.door, &self.name)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.is_running() && self.signal("KILL").is_ok() {
            self.way_in.wait().ok();
        }
    }
}

/// The last 20 lines of the lab's file `log/NAME.log`.
pub(crate) fn read_log(door: &Door, name: &str) -> String {
    let mut text = String::new();
    if let Ok(mut file) = File::open(door.file_path(&format!("log/{name}.log"))) {
        file.read_to_string(&mut text).ok();
    }
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
}

/// Asks `look` every 20 ms until it sees something, at most `wait_max`.
pub fn wait_for<T>(wait_max: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        if let Some(seen) = look() {
            return Some(seen);
        }
        if started.elapsed() >= wait_max {
            return None;
        }
        thread::sleep(Duration::from_millis(20));
    }
}
