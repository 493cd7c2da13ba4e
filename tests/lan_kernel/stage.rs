//! The stage of the stories: namespaces, parts played by this test's own program, and small tools.

use std::{
    env, fs, io,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tokio::time::Instant;
use tracing::Level;

/// The variable that says which part the program plays.
pub(crate) const ROLE: &str = "PREAU_LAN_KERNEL_ROLE";

/// What may take long on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Runs `test` again in namespaces of its own, where it comes here again and tells `story`; a program started as a
/// [`role`] comes here too and plays its one of `parts`.
pub(crate) fn play(test: &str, parts: &[(&str, fn())], story: impl FnOnce()) {
    let Ok(role) = env::var(ROLE) else { return play_in_namespaces(test) };
    tracing_subscriber::fmt().with_max_level(Level::DEBUG).with_writer(io::stderr).init();
    match parts.iter().find(|(name, _)| *name == role) {
        Some((_, part)) => part(),
        None => {
            run("ip link set lo up");
            story();
        }
    }
}

fn play_in_namespaces(test: &str) {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--net", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]);
    command.arg(env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]);
    let status = command.env(ROLE, "story").status().expect("`unshare` (util-linux) is needed");
    assert!(
        status.success(),
        "the story failed (above), or there are no namespaces: run this test as root, or allow user namespaces \
         (sysctl kernel.unprivileged_userns_clone=1)"
    );
}

/// This test again, to play `name`.
pub(crate) fn role(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(env::args().skip(1)).env(ROLE, name);
    command
}

/// Runs `script` in a shell; it must succeed.
pub(crate) fn run(script: &str) -> String {
    output_of(Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap())
}

pub(crate) fn output_of(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "a program of the story failed: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// The processes called dnsmasq, once there are `count` of them. Ended ones that nobody waited for do not count.
pub(crate) fn wait_for_dnsmasq(count: usize) -> Vec<u32> {
    let begin = Instant::now();
    loop {
        let pids: Vec<u32> = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
            .filter(|pid| {
                let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                state.contains("(dnsmasq) ") && !state.contains("(dnsmasq) Z")
            })
            .collect();
        if pids.len() == count {
            return pids;
        }
        assert!(begin.elapsed() < PATIENCE, "{} dnsmasq run instead of {count}", pids.len());
        thread::sleep(Duration::from_millis(20));
    }
}
