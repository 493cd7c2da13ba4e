//! Other programs run as children: started, watched, started again when they end, and never left behind.
//!
//! A thread of its own starts each child and waits for it. The kernel kills the child when that thread dies, which it
//! only does with the whole daemon (`PR_SET_PDEATHSIG` is about threads, not processes), so that even a daemon killed
//! by SIGKILL leaves no orphan.

use std::{
    ffi::OsString,
    io,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::process::CommandExt as _,
    },
    process::{Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use anyhow::Context as _;
use rustix::process::{PidfdFlags, Signal};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    net::unix::pipe,
    sync::oneshot,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

/// How long a child may take to end after SIGTERM, before SIGKILL.
const STOP_WAIT_MAX: Duration = Duration::from_secs(3);

/// How long the output of a child that ended is read on.
const LAST_WORDS_WAIT: Duration = Duration::from_millis(100);

/// Bytes of one line of a child's output; the rest of a longer line counts as another line.
const LINE_BYTES_MAX: u64 = 1024;

/// A program to keep running.
#[derive(Clone, Debug)]
pub struct Child {
    /// What the log calls it.
    pub name: &'static str,
    /// The program, looked for in `PATH` unless it is a path.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Whether a line of its output is about the machine and may go to the log; lines about people may not.
    pub is_about_the_machine: fn(&str) -> bool,
    /// What of the daemon's rights over the network it has.
    pub rights: Rights,
}

/// What of the daemon's rights over the network (its ambient capabilities) a child has. A daemon run by root gives root's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// All of them: it serves the network itself.
    Kept,
    /// None: it reads what strangers wrote.
    None,
}

impl Child {
    /// Keeps the program running until `stop`: whenever it ends it is started again, after a wait that grows. After
    /// `stop` it gets SIGTERM, and SIGKILL after three seconds. Dropping this future kills it at once.
    pub async fn run(&self, stop: &CancellationToken) {
        let mut back_off = BackOff::default();
        while !stop.is_cancelled() {
            let started_at = Instant::now();
            match self.run_once(stop).await {
                Ok(_) if stop.is_cancelled() => break,
                Ok(end) => {
                    let last_line = end.last_line.unwrap_or_default();
                    warn!(child = self.name, status = %end.status, last_line, "child ended");
                }
                Err(cause) => warn!(child = self.name, cause = format!("{cause:#}"), "child cannot be run"),
            }
            let wait = back_off.wait_after(started_at.elapsed());
            tokio::select! {
                () = stop.cancelled() => break,
                () = time::sleep(wait) => {}
            }
        }
        debug!(child = self.name, "child is not run any more");
    }

    /// Runs the program until it ends, by itself or because of `stop`.
    async fn run_once(&self, stop: &CancellationToken) -> anyhow::Result<End> {
        let mut running = Running::start(self).await?;
        info!(child = self.name, "child runs");
        let mut last_line = None;
        let mut asked_to_stop_at = None;
        let mut output_is_open = true;
        loop {
            tokio::select! {
                ended = &mut running.ended => {
                    let status = ended.context("the thread of the child is gone")?;
                    let status = status.with_context(|| format!("cannot wait for `{}`", self.name))?;
                    // What it said last is still in the pipe; a grandchild may hold the pipe open.
                    let deadline = Instant::now() + LAST_WORDS_WAIT;
                    while output_is_open && let Ok(Some(line)) =
                        time::timeout_at(deadline, running.output.line()).await
                    {
                        self.keep(line, &mut last_line);
                    }
                    return Ok(End { status, last_line });
                }
                line = running.output.line(), if output_is_open => match line {
                    Some(line) => self.keep(line, &mut last_line),
                    None => output_is_open = false,
                },
                () = stop.cancelled(), if asked_to_stop_at.is_none() => {
                    running.process.signal(Signal::TERM);
                    asked_to_stop_at = Some(Instant::now());
                }
                () = time::sleep_until(asked_to_stop_at.unwrap_or_else(Instant::now) + STOP_WAIT_MAX),
                    if asked_to_stop_at.is_some() =>
                {
                    warn!(child = self.name, "child does not end and is killed");
                    running.process.signal(Signal::KILL);
                    asked_to_stop_at = Some(Instant::now());
                }
            }
        }
    }

    fn keep(&self, line: String, last_line: &mut Option<String>) {
        if (self.is_about_the_machine)(&line) {
            debug!(child = self.name, line, "child says");
            *last_line = Some(line);
        }
    }
}

/// How a child ended.
#[derive(Debug)]
struct End {
    status: ExitStatus,
    last_line: Option<String>,
}

/// A started child.
struct Running {
    process: Process,
    output: Output,
    ended: oneshot::Receiver<io::Result<ExitStatus>>,
}

impl Running {
    async fn start(child: &Child) -> anyhow::Result<Self> {
        let (reader, writer) = io::pipe().context("cannot make a pipe")?;
        let mut command = Command::new(&child.program);
        command.args(&child.arguments).stdin(Stdio::null());
        command.stdout(writer.try_clone().context("cannot copy a pipe")?).stderr(writer);
        die_with_this_thread(&mut command, child.rights);
        let (started_sender, started) = oneshot::channel();
        let (ended_sender, ended) = oneshot::channel();
        let work = move || {
            let (process, mut spawned) = match spawn(command) {
                Ok(pair) => pair,
                Err(cause) => return drop(started_sender.send(Err(cause))),
            };
            // Where nobody waits for it any more, the dropped `process` is killed.
            let _ = started_sender.send(Ok(process));
            let _ = ended_sender.send(spawned.wait());
        };
        thread::Builder::new()
            .name(format!("run {}", child.name))
            .spawn(work)
            .context("cannot start a thread")?;
        let process = started.await.context("the thread of the child is gone")?;
        let process =
            process.with_context(|| format!("cannot start `{}`", child.program.to_string_lossy()))?;
        let output = pipe::Receiver::from_owned_fd(OwnedFd::from(reader)).context("cannot read a pipe")?;
        Ok(Self { process, output: Output { pipe: BufReader::new(output), begun: Vec::new() }, ended })
    }
}

/// A process itself, not its number: a signal can never reach another one that got the number. Dropping it kills it.
struct Process(OwnedFd);

impl Process {
    fn signal(&self, signal: Signal) {
        // The one failure is that the process is already gone.
        let _ = rustix::process::pidfd_send_signal(self.0.as_fd(), signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// What a child writes, line by line.
struct Output {
    pipe: BufReader<pipe::Receiver>,
    /// What was read of a line when the reading of it was dropped.
    begun: Vec<u8>,
}

impl Output {
    /// The next line without its end; `None` at the end of the output. Dropping this future loses nothing.
    async fn line(&mut self) -> Option<String> {
        let room = LINE_BYTES_MAX.saturating_sub(u64::try_from(self.begun.len()).unwrap_or(LINE_BYTES_MAX));
        let read = (&mut self.pipe).take(room).read_until(b'\n', &mut self.begun).await;
        let line = std::mem::take(&mut self.begun);
        if read.is_err() || line.is_empty() {
            return None;
        }
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

/// Starts `command`, naming the process before anything can wait for it.
fn spawn(mut command: Command) -> io::Result<(Process, std::process::Child)> {
    let mut child = command.spawn()?;
    let process = rustix::process::pidfd_open(rustix::process::Pid::from_child(&child), PidfdFlags::empty());
    match process {
        Ok(process) => Ok((Process(process), child)),
        Err(cause) => {
            child.kill()?;
            child.wait()?;
            Err(io::Error::from(cause))
        }
    }
}

/// Lets the kernel kill the child of `command` when the thread that starts it dies, and takes from it what rights it must
/// not have.
#[expect(unsafe_code, reason = "only code between fork and exec can ask for the death signal")]
fn die_with_this_thread(command: &mut Command, rights: Rights) {
    let parent = rustix::process::getpid();
    let ask = move || {
        if rights == Rights::None {
            rustix::thread::clear_ambient_capability_set()?;
        }
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before the request; then nobody would send the signal.
        match rustix::process::getppid() {
            Some(now) if now == parent => Ok(()),
            _ => Err(io::Error::from(io::ErrorKind::BrokenPipe)),
        }
    };
    // SAFETY: between fork and exec `ask` makes three system calls at most and touches neither memory of others, locks nor the
    // allocator (an `io::Error` made from a kind or a number does not allocate).
    unsafe {
        command.pre_exec(ask);
    }
}

/// How long to wait before a child is started again: 1 s, doubled each time up to 30 s, 1 s again after a good minute.
#[derive(Debug, Default)]
struct BackOff {
    last_wait: Option<Duration>,
}

impl BackOff {
    const SHORTEST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(30);
    const GOOD_RUN: Duration = Duration::from_secs(60);

    /// The wait after a run that lasted `ran_for`.
    fn wait_after(&mut self, ran_for: Duration) -> Duration {
        let wait = match self.last_wait {
            Some(last) if ran_for < Self::GOOD_RUN => (last * 2).min(Self::LONGEST),
            _ => Self::SHORTEST,
        };
        self.last_wait = Some(wait);
        wait
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn shell(script: &str) -> Child {
        Child {
            name: "script",
            program: "sh".into(),
            arguments: vec!["-c".into(), script.into()],
            is_about_the_machine: |line| line.starts_with("machine"),
            rights: Rights::None,
        }
    }

    /// Waits until `path` holds something, at most ten seconds.
    async fn content_of(path: &Path) -> String {
        for _ in 0..200 {
            if let Ok(text) = std::fs::read_to_string(path)
                && text.ends_with('\n')
            {
                return text;
            }
            time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} stays empty", path.display());
    }

    #[test]
    fn the_wait_grows_to_thirty_seconds_and_starts_over_after_a_good_minute() {
        let mut back_off = BackOff::default();
        let waits: Vec<u64> = (0..7).map(|_| back_off.wait_after(Duration::from_secs(2)).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(back_off.wait_after(Duration::from_secs(61)), BackOff::SHORTEST);
    }

    #[tokio::test]
    async fn a_child_that_ends_is_started_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("starts");
        let child = shell(&format!("echo start >> {}; exit 1", path.display()));
        let stop = CancellationToken::new();
        let watch = async {
            while content_of(&path).await.lines().count() < 2 {
                time::sleep(Duration::from_millis(50)).await;
            }
            stop.cancel();
        };
        tokio::join!(child.run(&stop), watch);
    }

    #[tokio::test]
    async fn only_lines_about_the_machine_are_kept() {
        let child = shell("echo machine is warm; echo somebody is here >&2; exit 3");
        let end = child.run_once(&CancellationToken::new()).await.unwrap();
        assert_eq!(end.status.code(), Some(3));
        assert_eq!(end.last_line.as_deref(), Some("machine is warm"));
    }

    #[tokio::test]
    async fn a_missing_program_is_an_error_that_names_it() {
        let child = Child { program: "no-such-program".into(), ..shell("") };
        let failure = child.run_once(&CancellationToken::new()).await.unwrap_err();
        assert!(format!("{failure:#}").starts_with("cannot start `no-such-program`"), "{failure:#}");
    }

    #[tokio::test]
    async fn a_child_that_ignores_sigterm_is_killed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid");
        let child = shell(&format!("trap '' TERM; echo $$ > {}; while :; do sleep 1; done", path.display()));
        let stop = CancellationToken::new();
        let ask = async {
            let pid = content_of(&path).await;
            stop.cancel();
            pid
        };
        let begin = Instant::now();
        let ((), pid) = tokio::join!(child.run(&stop), ask);
        assert!(begin.elapsed() >= STOP_WAIT_MAX);
        assert!(!Path::new("/proc").join(pid.trim()).exists());
    }

    #[tokio::test]
    async fn dropping_the_run_kills_the_child() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid");
        let child = shell(&format!("echo $$ > {}; exec sleep 60", path.display()));
        let stop = CancellationToken::new();
        let pid = tokio::select! {
            () = child.run(&stop) => unreachable!("it runs for ever"),
            pid = content_of(&path) => pid,
        };
        for _ in 0..100 {
            if !Path::new("/proc").join(pid.trim()).exists() {
                return;
            }
            time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the child survived");
    }

    #[tokio::test]
    async fn a_run_dropped_while_its_child_starts_leaves_nothing() {
        let mark = format!("dropped-early-by-{}", std::process::id());
        let mut child = shell("while :; do sleep 1; done");
        child.arguments.push(OsString::from(&mark));
        for microseconds in [0, 100, 300, 600, 1000, 2000, 4000] {
            let stop = CancellationToken::new();
            let run = child.run(&stop);
            let _ = time::timeout(Duration::from_micros(microseconds), run).await;
        }
        let survivors = || {
            let processes = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
            let has_mark = |process: &std::path::PathBuf| {
                std::fs::read_to_string(process.join("cmdline")).is_ok_and(|line| line.contains(&mark))
            };
            processes.filter(has_mark).count()
        };
        for _ in 0..100 {
            time::sleep(Duration::from_millis(50)).await;
            if survivors() == 0 {
                return;
            }
        }
        panic!("{} children survived", survivors());
    }
}
