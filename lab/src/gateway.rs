//! What stands between the school and its line: the box, or a plain router to compare it with.

use std::{fs, os::unix::net::UnixDatagram, path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};

use crate::{
    authority::Authority,
    enclosure::{Door, LAB_DIR},
    plan::{BOX, PORTAL, RESOLVERS},
    process::{Running, read_log, run},
};

/// What stands between the school and its line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gateway {
    /// The box: the real `preau`, with the configuration in `lab/data/box`.
    #[default]
    Box,
    /// A router without a filter: dnsmasq, forwarding and address translation. What figures are compared with, and what
    /// shows that a test measures the box and not the lab.
    PlainRouter,
}

/// How long the box may take from its start to its ready notice.
const READY_WAIT_MAX: Duration = Duration::from_secs(30);

/// The box's files, by name in its directory.
const FILES: [(&str, &str); 4] = [
    ("box.toml", include_str!("../data/box/box.toml")),
    ("academie.toml", include_str!("../data/box/academie.toml")),
    ("etablissement.toml", include_str!("../data/box/etablissement.toml")),
    ("accounts.csv", include_str!("../data/box/accounts.csv")),
];

/// The lists the categories are built from, by category.
const LISTS: [(&str, &str); 4] = [
    ("adult", include_str!("../data/lists/adult/domains")),
    ("gambling", include_str!("../data/lists/gambling/domains")),
    ("games", include_str!("../data/lists/games/domains")),
    ("videos", include_str!("../data/lists/videos/domains")),
];

/// The plain router's program and packet filter.
const ROUTER_SCRIPT: &str = include_str!("../data/router.sh");

/// The name of the process in logs.
const NAME: &str = "box";

/// The path, inside, of the file called `name` in the box's directory.
fn inside_path(name: &str) -> String {
    format!("{LAB_DIR}/{BOX}/{name}")
}

/// The real programs, beside the one that runs or, for tests, in the directory above it.
pub(crate) fn program_path(name: &str) -> anyhow::Result<PathBuf> {
    let own_path = std::env::current_exe().context("cannot tell where this program is")?;
    let found = own_path.ancestors().skip(1).take(2).map(|dir| dir.join(name)).find(|path| path.is_file());
    found.with_context(|| {
        format!("`{name}` is not beside `{}`: run `cargo build --workspace` first", own_path.display())
    })
}

/// Writes everything the box reads, and builds its table of categories.
pub(crate) fn prepare(door: &Door, authority: &Authority) -> anyhow::Result<()> {
    let dir = door.file_path(BOX);
    let lists_dir = dir.join("lists");
    fs::create_dir_all(dir.join("state")).context("cannot make the box's state directory")?;
    for (category, names) in LISTS {
        fs::create_dir_all(lists_dir.join(category)).context("cannot make a directory inside the lab")?;
        fs::write(lists_dir.join(category).join("domains"), names).context("cannot write a list")?;
    }
    for (name, text) in FILES {
        write(door, name, text)?;
    }
    let portal = authority.certify(PORTAL)?;
    write(door, "portal.pem", &portal.certificate_pem)?;
    write(door, "portal.key", &portal.key_pem)?;
    // The machine's own programs, such as `preau enrol`, ask the provider.
    write(door, "resolv.conf", &RESOLVERS.map(|address| format!("nameserver {address}\n")).concat())?;
    let program = program_path("preau")?;
    let program = program.to_str().context("the path of `preau` is not UTF-8")?;
    let (lists, table) = (inside_path("lists"), inside_path("categories.table"));
    let built =
        run(door, BOX, &[program, "lists", "build", &lists, "--out", &table], Duration::from_secs(30))?;
    built.checked().context("cannot build the categories")?;
    Ok(())
}

/// Replaces the file called `name` in the box's directory.
pub(crate) fn write(door: &Door, name: &str, text: &str) -> anyhow::Result<()> {
    let dir = door.file_path(BOX);
    let draft_path = dir.join(format!(".{name}.draft"));
    fs::write(&draft_path, text)
        .and_then(|()| fs::rename(&draft_path, dir.join(name)))
        .with_context(|| format!("cannot write the box's file `{name}`"))
}

/// Starts the box and waits for its ready notice, as systemd would.
pub(crate) fn start_box(door: &Door) -> anyhow::Result<Running> {
    let program = program_path("preau")?;
    let program = program.to_str().context("the path of `preau` is not UTF-8")?;
    let notice_path = door.file_path("box/notice");
    fs::remove_file(&notice_path).ok();
    let notices = UnixDatagram::bind(&notice_path).context("cannot listen for the box's notice")?;
    notices.set_read_timeout(Some(Duration::from_millis(100))).context("cannot set a time limit")?;
    let setting = format!("NOTIFY_SOCKET={}", inside_path("notice"));
    let configuration = inside_path("box.toml");
    let arguments = ["env", &setting, program, "run", "--config", &configuration];
    let mut running = Running::start(door, BOX, NAME, &arguments)?;
    fs::write(door.file_path("box/pid"), running.pid()?.to_string())
        .context("cannot note the box's number")?;
    let mut notice = [0; 4096];
    let attempts = READY_WAIT_MAX.as_millis() / 100;
    for _ in 0..attempts {
        if let Ok(length) = notices.recv(&mut notice)
            && notice
                .get(..length)
                .unwrap_or_default()
                .split(|byte| *byte == b'\n')
                .any(|line| line == b"READY=1")
        {
            return Ok(running);
        }
        if !running.is_running() {
            bail!("the box ended instead of being ready; it says:\n{}", running.log());
        }
    }
    bail!("the box is not ready after {} s; it says:\n{}", READY_WAIT_MAX.as_secs(), running.log())
}

/// The box's process number inside the lab, if it runs.
pub(crate) fn box_pid(door: &Door) -> Option<u32> {
    let number: u32 = fs::read_to_string(door.file_path("box/pid")).ok()?.parse().ok()?;
    door.script(&format!("grep -q '^State:.[^Z]' /proc/{number}/status")).ok().map(|()| number)
}

/// What the box said last.
pub(crate) fn box_log(door: &Door) -> String {
    read_log(door, NAME)
}

/// Starts the plain router; it needs no waiting, because DHCP clients ask again.
pub(crate) fn start_router(door: &Door) -> anyhow::Result<Running> {
    fs::create_dir_all(door.file_path(BOX)).context("cannot make a directory inside the lab")?;
    write(door, "router.sh", ROUTER_SCRIPT)?;
    Running::start(door, BOX, "router", &["sh", &inside_path("router.sh")])
}
