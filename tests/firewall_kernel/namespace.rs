//! A machine for a test: a network namespace that is gone with the value, even when the test is killed.

use std::{
    env,
    fs::File,
    os::fd::AsFd as _,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Set in a process that already runs in a user namespace of its own.
const INSIDE: &str = "PREAU_TEST_INSIDE";

/// Runs `test` with the rights to make network namespaces: as root, or again in a user namespace where the kernel has
/// them. `name` is the test's own.
pub(crate) fn with_rights(name: &str, test: impl FnOnce()) {
    if env::var_os(INSIDE).is_some() || succeeds(&["--net", "true"]) {
        return test();
    }
    assert!(
        succeeds(&["--user", "--map-root-user", "--net", "true"]),
        "this test makes network namespaces: run it as root, or allow user namespaces \
         (sysctl kernel.apparmor_restrict_unprivileged_userns=0, kernel.unprivileged_userns_clone=1)"
    );
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net"])
        .arg(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(status.success(), "failed in its user namespace");
}

fn succeeds(arguments: &[&str]) -> bool {
    let status = Command::new("unshare").args(arguments).stderr(Stdio::null()).status();
    status.expect("`unshare` of util-linux is needed").success()
}

/// A network namespace.
#[derive(Debug)]
pub(crate) struct Namespace {
    /// Sleeps in the namespace until its standard input closes, which the end of this process does.
    holder: Child,
    link: File,
}

impl Namespace {
    pub(crate) fn new() -> Self {
        let mut command = Command::new("unshare");
        command.args(["--net", "cat"]).stdin(Stdio::piped()).stdout(Stdio::null());
        #[expect(clippy::zombie_processes, reason = "the drop waits; a panic before it ends the process")]
        let holder = command.spawn().unwrap();
        let path = format!("/proc/{}/ns/net", holder.id());
        let ours = std::fs::read_link("/proc/thread-self/ns/net").unwrap();
        for _ in 0..500 {
            if std::fs::read_link(&path).is_ok_and(|theirs| theirs != ours) {
                let link = File::open(&path).unwrap();
                let namespace = Self { holder, link };
                namespace.command("ip link set lo up");
                return namespace;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the namespace did not come up");
    }

    /// The process to name where a link is to be moved here.
    pub(crate) fn id(&self) -> u32 {
        self.holder.id()
    }

    /// Runs `act` on a thread that lives in the namespace; sockets it opens stay there.
    pub(crate) fn run<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                move_into_link_name_space(self.link.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                act()
            });
            inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Runs an asynchronous `act` in the namespace.
    pub(crate) fn run_async<T: Send>(&self, act: impl AsyncFnOnce() -> T + Send) -> T {
        self.run(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(act())
        })
    }

    /// Runs a command in the namespace and returns what it printed.
    pub(crate) fn command(&self, line: &str) -> String {
        let output = self.run(|| {
            let mut words = line.split(' ');
            Command::new(words.next().unwrap()).args(words).output().unwrap()
        });
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{line}: {complaint}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Sets a kernel variable of the namespace, such as `net/ipv4/ip_forward`.
    pub(crate) fn sysctl(&self, name: &str, value: &str) {
        self.run(|| std::fs::write(format!("/proc/sys/{name}"), value).unwrap());
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
