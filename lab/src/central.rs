//! The académie's central: the real `preau-central` on a host of its own, founded anew for each school that asks for it.

use std::{fs, time::Duration};

use anyhow::{Context as _, bail};

use crate::{
    authority::Authority,
    enclosure::{Door, LAB_DIR},
    gateway::program_path,
    plan::{CENTRAL, CENTRAL_NAMES},
    process::{Output, Running, WAIT_MAX, run, wait_for},
};

/// How long central may take until boxes and people can come in.
const READY_WAIT_MAX: Duration = Duration::from_secs(30);

/// Its configuration.
pub(crate) const CONFIGURATION: &str = include_str!("../data/central/central.toml");

/// Where its files lie, seen from inside.
pub(crate) fn inside_path(name: &str) -> String {
    format!("{LAB_DIR}/{CENTRAL}/{name}")
}

/// Runs `preau-central ARGUMENTS` on its host.
pub(crate) fn command(door: &Door, arguments: &[&str]) -> anyhow::Result<Output> {
    let program = program_path("preau-central")?;
    let program = program.to_str().context("the path of `preau-central` is not UTF-8")?;
    let configuration = inside_path("central.toml");
    let arguments = [&[program], arguments, &["--config", &configuration]].concat();
    run(door, CENTRAL, &arguments, WAIT_MAX)
}

/// Founds central where that was not done, starts it, and waits until both its doors are open.
pub(crate) fn start(door: &Door) -> anyhow::Result<Running> {
    let dir = door.file_path(CENTRAL);
    if !dir.join("central.toml").exists() {
        fs::create_dir_all(&dir).context("cannot make a directory inside the lab")?;
        let console = Authority::read(&door.file_path("authority"))?.certify(CENTRAL_NAMES[1])?;
        fs::write(dir.join("console.pem"), console.certificate_pem)
            .and_then(|()| fs::write(dir.join("console.key"), console.key_pem))
            .and_then(|()| fs::write(dir.join("central.toml"), CONFIGURATION))
            .context("cannot write what central reads")?;
        let offline = inside_path("offline");
        command(door, &["init", "--folder", &offline])?.checked().context("central cannot be founded")?;
    }
    let program = program_path("preau-central")?;
    let program = program.to_str().context("the path of `preau-central` is not UTF-8")?;
    let configuration = inside_path("central.toml");
    let mut running = Running::start(door, CENTRAL, CENTRAL, &[program, "--config", &configuration, "run"])?;
    let listens = ["sh", "-c", "test $(ss -Hltn 'sport = :8443 or sport = :443' | wc -l) -ge 2"];
    let ready = wait_for(READY_WAIT_MAX, || {
        let listens =
            run(door, CENTRAL, &listens, Duration::from_secs(5)).is_ok_and(|output| output.succeeded());
        (listens || !running.is_running()).then_some(listens)
    });
    if ready != Some(true) {
        bail!("central does not start; it says:\n{}", running.log());
    }
    Ok(running)
}

/// Writes a file into central's directory.
pub(crate) fn write(door: &Door, name: &str, text: &str) -> anyhow::Result<()> {
    let path = door.file_path(CENTRAL).join(name);
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).context("cannot make a directory inside the lab")?;
    }
    fs::write(path, text).with_context(|| format!("cannot write central's file `{name}`"))
}
