//! dnsmasq as a service of the daemon: configured, checked, run, started again when it ends, its leases followed.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use tokio::{
    process::Command,
    sync::watch,
    task::spawn_blocking,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    Leases, Settings,
    dnsmasq::{dnsmasq_conf, leases_path},
    leases::{Limits, mended},
};
use crate::system::{
    child::{Child, Rights},
    files,
    watch::file_changes,
};

/// How long dnsmasq may take to check a configuration.
const CHECK_WAIT_MAX: Duration = Duration::from_secs(10);

/// How often a lease file is read again that dnsmasq seems to be writing, and how long to wait in between.
const REREADS_MAX: u32 = 5;
const REREAD_WAIT: Duration = Duration::from_millis(50);

/// DHCP and router advertisements in all zones.
#[derive(Debug)]
pub struct Dhcp {
    conf: String,
    conf_path: PathBuf,
    leases_path: PathBuf,
    /// The last good content of the lease file. dnsmasq empties and rewrites its own in place, so that a power failure
    /// can take all of it.
    kept_path: PathBuf,
}

impl Dhcp {
    /// The service for `settings`; nothing is touched before [`Dhcp::serve`].
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            conf: dnsmasq_conf(settings),
            conf_path: settings.state_dir.join("dnsmasq.conf"),
            leases_path: leases_path(&settings.state_dir),
            kept_path: settings.state_dir.join("leases.kept"),
        }
    }

    /// Runs dnsmasq until `stop`, for ever again when it ends, and sends each change of the leases to `leases`.
    ///
    /// # Errors
    /// When the state directory cannot be written, dnsmasq is not installed, or it refuses the configuration.
    pub async fn serve(
        self,
        leases: watch::Sender<Arc<Leases>>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        files::replace(&self.conf_path, self.conf.as_bytes())
            .with_context(|| format!("cannot write `{}`", self.conf_path.display()))?;
        self.check().await?;
        self.mend().with_context(|| format!("cannot mend `{}`", self.leases_path.display()))?;
        let child = Child {
            name: "dnsmasq",
            program: "dnsmasq".into(),
            arguments: vec!["-C".into(), self.conf_path.clone().into()],
            is_about_the_machine,
            rights: Rights::Kept,
        };
        let ((), followed) = tokio::join!(child.run(&stop), self.follow(&leases, &stop));
        followed
    }

    /// Lets dnsmasq read the configuration without acting on it.
    async fn check(&self) -> anyhow::Result<()> {
        let check = Command::new("dnsmasq")
            .args(["--test", "-C"])
            .arg(&self.conf_path)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = timeout(CHECK_WAIT_MAX, check)
            .await
            .context("`dnsmasq --test` does not end")?
            .context("cannot run `dnsmasq` (package dnsmasq-base)")?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            bail!("dnsmasq refuses `{}`: {}", self.conf_path.display(), complaint.trim());
        }
        Ok(())
    }

    /// Puts back what a power failure took from the lease file.
    fn mend(&self) -> io::Result<()> {
        let Some(good) = mended(&read_bounded(&self.leases_path)?, &read_bounded(&self.kept_path)?) else {
            return Ok(());
        };
        let (leases, _) = Leases::parse(&good);
        warn!(leases = leases.len(), "the lease file was damaged and is mended from its last good copy");
        files::replace(&self.leases_path, &good)
    }

    /// Tells of the leases now and at each change, until `stop`.
    async fn follow(
        &self,
        leases: &watch::Sender<Arc<Leases>>,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let mut changes = file_changes(vec![self.leases_path.clone()])?;
        loop {
            self.tell(leases).await;
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = changes.next() => {}
            }
        }
    }

    /// Reads the lease file and tells what it says. On failure the leases told before stand.
    async fn tell(&self, leases: &watch::Sender<Arc<Leases>>) {
        let mut rereads = 0;
        loop {
            let (leases_path, kept_path) = (self.leases_path.clone(), self.kept_path.clone());
            let read = spawn_blocking(move || read_and_keep(&leases_path, &kept_path)).await;
            let (now, damages) = match read {
                Ok(Ok(pair)) => pair,
                Ok(Err(cause)) => return warn!(%cause, "the leases cannot be read"),
                Err(cause) => return warn!(%cause, "the reading of the leases was cut short"),
            };
            if damages > 0 && rereads < REREADS_MAX {
                rereads += 1;
                sleep(REREAD_WAIT).await;
                continue;
            }
            if damages > 0 {
                warn!(lines = damages, "lines of the lease file are damaged and not counted");
            }
            let count = now.len();
            let changed = leases.send_if_modified(|told| {
                let differs = **told != now;
                if differs {
                    *told = Arc::new(now);
                }
                differs
            });
            if changed {
                debug!(leases = count, "the leases changed");
            }
            return;
        }
    }
}

/// Reads the lease file and, where it is whole, keeps a copy. Also says how many lines are damaged.
fn read_and_keep(leases_path: &Path, kept_path: &Path) -> io::Result<(Leases, usize)> {
    let file = read_bounded(leases_path)?;
    let (leases, damages) = Leases::parse(&file);
    if damages.is_empty() && !leases.is_empty() && read_bounded(kept_path)? != file {
        files::replace(kept_path, &file)?;
    }
    Ok((leases, damages.len()))
}

/// The content of a file up to the bound; nothing where there is no such file.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(cause),
    };
    let mut content = Vec::new();
    let bytes_max = u64::try_from(Limits::FILE_BYTES).unwrap_or(u64::MAX);
    file.take(bytes_max).read_to_end(&mut content)?;
    Ok(content)
}

/// Whether a line of dnsmasq may go to the log: its start, its ranges and what it fails at. All other lines may hold
/// names and addresses of machines.
fn is_about_the_machine(line: &str) -> bool {
    const KNOWN: [&str; 12] = [
        "started, version",
        "DHCP, IP range",
        "DHCP, sockets bound",
        "DHCPv6 stateless on",
        "router advertisement on",
        "IPv6 router advertisement enabled",
        "exiting on receipt",
        "cannot ",
        "failed to ",
        "setting capabilities failed",
        "process is missing required capability",
        "FAILED to start up",
    ];
    // `dnsmasq: cannot …` before its log is open, then `dnsmasq-dhcp[812]: DHCP, IP range …`.
    let Some((from, said)) = line.split_once(": ") else { return false };
    from == "dnsmasq" || from.starts_with("dnsmasq") && KNOWN.iter().any(|start| said.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_about_people_do_not_reach_the_log() {
        for (line, may) in [
            ("dnsmasq: failed to bind DHCP server socket: Address already in use", true),
            ("dnsmasq[7]: started, version 2.90 DNS disabled", true),
            ("dnsmasq-dhcp[7]: DHCP, IP range 10.10.0.17 -- 10.10.3.254, lease time 4h", true),
            ("dnsmasq-dhcp[7]: DHCPACK(ped0) 10.10.2.87 ca:e6:f8:c5:bb:94 tablette", false),
            ("dnsmasq-dhcp[7]: not giving name tablette to the DHCP lease of 10.10.2.87", false),
            ("anything else", false),
        ] {
            assert_eq!(is_about_the_machine(line), may, "{line}");
        }
    }

    #[test]
    fn a_whole_lease_file_is_kept_and_a_damaged_one_does_not_replace_the_copy() {
        let dir = tempfile::tempdir().unwrap();
        let (leases_path, kept_path) = (dir.path().join("leases"), dir.path().join("leases.kept"));
        assert_eq!(read_and_keep(&leases_path, &kept_path).unwrap(), (Leases::default(), 0));
        let whole = b"1 02:00:5e:10:00:01 10.0.0.1 * *\n";
        fs::write(&leases_path, whole).unwrap();
        let (leases, damages) = read_and_keep(&leases_path, &kept_path).unwrap();
        assert_eq!((leases.len(), damages), (1, 0));
        fs::write(&leases_path, b"1 02:00:5e:10:00:01 10.0").unwrap();
        let (leases, damages) = read_and_keep(&leases_path, &kept_path).unwrap();
        assert_eq!((leases.len(), damages), (0, 1));
        assert_eq!(fs::read(&kept_path).unwrap(), whole);
    }
}
