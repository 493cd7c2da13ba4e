//! What another process of this machine costs: central's processor time and memory.

use std::fs;

use anyhow::Context as _;
use tokio::time::Instant;

/// A process that is watched.
#[derive(Debug)]
pub(super) struct Watched {
    pid: u32,
    began: Instant,
    cpu_began: f64,
    cpu: f64,
    resident_max: f64,
}

impl Watched {
    pub(super) fn begin(pid: u32) -> anyhow::Result<Self> {
        let cpu = cpu_seconds(pid)?;
        let mut watched = Self { pid, began: Instant::now(), cpu_began: cpu, cpu, resident_max: 0.0 };
        watched.look()?;
        Ok(watched)
    }

    pub(super) fn look(&mut self) -> anyhow::Result<()> {
        self.cpu = cpu_seconds(self.pid)?;
        self.resident_max = self.resident_max.max(resident_mebibytes(self.pid)?);
        Ok(())
    }

    /// Which part of one core it used since it is watched.
    pub(super) fn cores(&self) -> f64 {
        (self.cpu - self.cpu_began) / self.began.elapsed().as_secs_f64().max(0.001)
    }

    /// The most memory it had since, in MiB.
    pub(super) fn resident_max(&self) -> f64 {
        self.resident_max
    }
}

fn read(pid: u32, file: &str) -> anyhow::Result<String> {
    let path = format!("/proc/{pid}/{file}");
    fs::read_to_string(&path).with_context(|| format!("cannot read `{path}`"))
}

/// User and system time, fields 14 and 15 of `stat`. The second field is a name that may hold anything.
fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = read(pid, "stat")?;
    let (_, fields) = stat.rsplit_once(')').context("cannot read the kernel's account of a process")?;
    let ticks: f64 =
        fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    let ticks_per_second = u32::try_from(rustix::param::clock_ticks_per_second())?;
    Ok(ticks / f64::from(ticks_per_second))
}

fn resident_mebibytes(pid: u32) -> anyhow::Result<f64> {
    let status = read(pid, "status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kibibytes.context("the kernel does not say how much memory a process has")? / 1024.0)
}
