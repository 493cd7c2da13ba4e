//! A room of its own on this machine: one process that holds fresh namespaces of the kernel, and the door into them.
//!
//! The first process inside reads a pipe whose other end the opener holds. When the opener ends, however it ends, the
//! pipe closes, the first process ends, and the kernel ends every process, network and mount of the room. Files live on
//! a filesystem in memory that goes the same way, so nothing can be left behind.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};

use crate::process::wait_for;

/// How long the kernel may take to end everything in a room; then it is asked again, harder.
const END_WAIT_MAX: Duration = Duration::from_secs(5);

/// Where the lab's files are, seen from inside.
pub const LAB_DIR: &str = "/run/preau-lab";

/// The first process inside. `/run` becomes private, so that names of networks, resolver sockets and the like of the
/// host are out of sight; orphans are reaped by the kernel because their end is ignored.
const FIRST_PROCESS: &str = r#"
set -e
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir -p /run/netns /run/lock /run/preau-lab
resolver=$(readlink -m /etc/resolv.conf)
[ -e "$resolver" ] || { mkdir -p "${resolver%/*}"; : > "$resolver"; }
ip link set lo up
echo ready
exec env --ignore-signal=CHLD cat > /dev/null
"#;

/// Leads from a machine's network into its view of the disk, then runs the command: `enter WHO COMMAND…`.
const ENTER: &str = include_str!("../data/enter.sh");

/// The programs of Debian's usual places; the caller's own are out of reach.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Whether the room needs a user namespace of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// The opener is root.
    Root,
    /// The opener is an ordinary user and is root inside only.
    UserNamespace,
}

impl Power {
    /// What this process has.
    #[must_use]
    pub fn of_this_process() -> Self {
        if rustix::process::geteuid().is_root() { Self::Root } else { Self::UserNamespace }
    }
}

/// The door into a room: enough to run commands inside from any process of the same user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// The process whose namespaces the room is, by the number it has outside.
    pub pid: u32,
    /// How the room was opened.
    pub power: Power,
}

impl Door {
    /// A command that runs `program` inside, in no machine in particular, with the room's own processes in sight.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid.to_string(), "--mount", "--net"]);
        command.arg(format!("--pid=/proc/{}/ns/pid_for_children", self.pid));
        if self.power == Power::UserNamespace {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.args(["--wd=/", "--", program]).env("PATH", PATH);
        command
    }

    /// A command that runs `arguments` on the machine `who`. With `pid_file` (a path inside), its process number inside
    /// is written there first.
    #[must_use]
    pub fn command_on(&self, who: &str, pid_file: Option<&str>, arguments: &[&str]) -> Command {
        let mut command = self.command("ip");
        command.args(["netns", "exec", who, "sh", "/run/preau-lab/enter", who]).args(arguments);
        match pid_file {
            Some(path) => command.env("PREAU_LAB_PID_FILE", path),
            None => command.env_remove("PREAU_LAB_PID_FILE"),
        };
        command
    }

    /// The path outside of the lab's file `path`, which is relative to the lab's directory.
    #[must_use]
    pub fn file_path(&self, path: &str) -> PathBuf {
        Path::new("/proc").join(self.pid.to_string()).join("root/run/preau-lab").join(path)
    }

    /// The path outside of `/proc/PID/FILE` inside, for the process that is number `pid` there.
    pub(crate) fn process_path(&self, pid: u32, file: &str) -> PathBuf {
        let root = Path::new("/proc").join(self.pid.to_string()).join("root/proc");
        root.join(pid.to_string()).join(file)
    }

    /// Runs a shell script inside, in no machine in particular.
    ///
    /// # Errors
    /// When a command of it fails, with what it said.
    pub fn script(&self, text: &str) -> anyhow::Result<()> {
        let output = self
            .command("sh")
            .args(["-e", "-c", text])
            .stdin(Stdio::null())
            .output()
            .context("cannot run `nsenter` (package util-linux)")?;
        if !output.status.success() {
            bail!("a command failed inside the lab: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }
}

/// The room itself. Dropping it ends everything inside.
#[derive(Debug)]
pub struct Enclosure {
    door: Door,
    holder: Child,
    lifeline: Option<ChildStdin>,
}

impl Enclosure {
    /// Opens a room.
    ///
    /// # Errors
    /// When the kernel refuses namespaces to this user; the message says what to do.
    pub fn open() -> anyhow::Result<Self> {
        let power = Power::of_this_process();
        let mut command = Command::new("unshare");
        if power == Power::UserNamespace {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
        command.args(["sh", "-c", FIRST_PROCESS]).env("PATH", PATH);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: Ctrl-C reaches the opener only, which then ends the room in order.
        command.process_group(0);
        let mut holder = command.spawn().context("cannot run `unshare` (package util-linux)")?;
        let lifeline = holder.stdin.take().context("the room has no lifeline")?;
        let mut word = String::new();
        let stdout = holder.stdout.take().context("the room does not speak")?;
        BufReader::new(stdout).read_line(&mut word).context("cannot hear the room")?;
        if word != "ready\n" {
            let mut said = String::new();
            if let Some(mut stderr) = holder.stderr.take() {
                stderr.read_to_string(&mut said).context("cannot hear the room")?;
            }
            holder.wait().context("cannot wait for `unshare`")?;
            bail!("{}", refusal(power, said.trim()));
        }
        let door = Door { pid: holder.id(), power };
        let enclosure = Self { door, holder, lifeline: Some(lifeline) };
        enclosure.door.script("mkdir -p /run/preau-lab/log")?;
        std::fs::write(enclosure.door.file_path("enter"), ENTER).context("cannot write inside the room")?;
        Ok(enclosure)
    }

    /// The door into the room.
    #[must_use]
    pub fn door(&self) -> &Door {
        &self.door
    }
}

impl Drop for Enclosure {
    fn drop(&mut self) {
        // With the pipe ends the first process; the kernel lets it end only after all the others.
        drop(self.lifeline.take());
        let ended = wait_for(END_WAIT_MAX, || self.holder.try_wait().ok().flatten());
        if ended.is_none() && self.holder.kill().is_ok() {
            self.holder.wait().ok();
        }
    }
}

/// The sentence for a person whose kernel gives no room.
fn refusal(power: Power, said: &str) -> String {
    match power {
        Power::Root => format!(
            "the kernel refuses namespaces even to root (inside a container, give it `--privileged`): {said}"
        ),
        Power::UserNamespace => format!(
            "the kernel refuses namespaces to ordinary users: run the same command with `sudo`, or allow them with \
             `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0 user.max_user_namespaces=15000`: {said}"
        ),
    }
}
