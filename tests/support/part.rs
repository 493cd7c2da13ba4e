//! Parts of a test that are played in a process of its own: one that is killed, or whose disk is small and full.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// The directory in which a part is played; nothing is done without it.
const DIR_VARIABLE: &str = "PREAU_TEST_PART_DIR";

/// The directory of the part that this process plays, if it plays one.
pub(crate) fn child_dir() -> Option<PathBuf> {
    std::env::var_os(DIR_VARIABLE).map(PathBuf::from)
}

/// A process that plays the part of the test called `role` in `dir`.
pub(crate) fn child(role: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", role, "--nocapture", "--test-threads=1"]).env(DIR_VARIABLE, dir);
    command
}

/// Plays `role` on a disk of `size`, such as `512k`, and sees that it ended well and said `last`.
pub(crate) fn play_on_small_disk(role: &str, size: &str, last: &str) {
    let dir = tempfile::tempdir().unwrap();
    let child = child(role, dir.path());
    let mut command = Command::new("unshare");
    command.arg("--mount");
    if fs::metadata("/proc/self").is_ok_and(|own| own.uid() != 0) {
        command.arg("--map-root-user");
    }
    let mount = format!(r#"mount -t tmpfs -o size={size} tmpfs "$0" || exit 77; exec "$@""#);
    command.args(["sh", "-c", &mount]).arg(dir.path()).arg(child.get_program()).args(child.get_args());
    let output = command
        .env(DIR_VARIABLE, dir.path())
        .output()
        .expect("this test needs `unshare` (util-linux) to make a small disk; install it");
    let said = String::from_utf8_lossy(&output.stdout);
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(
        !why.contains("unshare:") && output.status.code() != Some(77),
        "this test needs a small disk in a mount namespace: run it as root, or allow user namespaces \
         (`sysctl kernel.unprivileged_userns_clone=1`): {why}"
    );
    assert!(output.status.success(), "{said}\n{why}");
    assert!(said.contains(last), "{said}\n{why}");
}
