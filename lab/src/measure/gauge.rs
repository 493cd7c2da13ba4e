//! What the kernel says that a process of the lab has used: processor time and memory.

use std::fs;

use anyhow::Context as _;

use crate::enclosure::Door;

/// A process of the lab, by its number inside.
#[derive(Clone, Debug)]
pub(super) struct Gauge {
    door: Door,
    pid: u32,
}

/// Memory of a process, in MiB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Memory {
    /// Everything it has in memory, its program and mapped files included.
    pub(super) resident: f64,
    /// What is its own and would need swap space.
    pub(super) anonymous: f64,
}

impl Gauge {
    pub(super) fn new(door: &Door, pid: u32) -> Self {
        Self { door: door.clone(), pid }
    }

    /// Processor time used so far by all threads, in seconds, with the resolution of the kernel's ticks (10 ms).
    pub(super) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let ticks_per_second = f64::from(u32::try_from(rustix::param::clock_ticks_per_second())?);
        let ticks =
            ticks_used(&self.read("stat")?).context("cannot read the kernel's account of a process")?;
        Ok(f64::from(ticks) / ticks_per_second)
    }

    /// Memory in use at this moment.
    pub(super) fn memory(&self) -> anyhow::Result<Memory> {
        let text = self.read("smaps_rollup")?;
        let field =
            |name| mebibytes(&text, name).with_context(|| format!("the kernel does not say `{name}`"));
        Ok(Memory { resident: field("Rss:")?, anonymous: field("Anonymous:")? })
    }

    fn read(&self, file: &str) -> anyhow::Result<String> {
        let path = self.door.process_path(self.pid, file);
        fs::read_to_string(path)
            .with_context(|| format!("cannot read `{file}` of process {} of the lab", self.pid))
    }
}

/// User and system time in `/proc/PID/stat`, fields 14 and 15. The second field is a name that may hold anything.
fn ticks_used(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map(|field| field.parse::<u32>().ok());
    times.next()??.checked_add(times.next()??)
}

fn mebibytes(rollup: &str, name: &str) -> Option<f64> {
    let line = rollup.lines().find(|line| line.starts_with(name))?;
    let kibibytes: u32 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(f64::from(kibibytes) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_an_odd_name_has_its_time_read() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194560 1 0 0 0 17 25 0 0 20 0 4 0 100 1000 100";
        assert_eq!(ticks_used(stat), Some(42));
        assert_eq!(ticks_used("42 (a) S 1"), None);
    }

    #[test]
    fn memory_is_read_in_mebibytes() {
        let rollup = "00400000-7fff ---p 00000000 00:00 0 [rollup]\nRss:               10240 kB\nAnonymous:          1536 kB\n";
        assert_eq!(mebibytes(rollup, "Rss:"), Some(10.0));
        assert_eq!(mebibytes(rollup, "Anonymous:"), Some(1.5));
        assert_eq!(mebibytes(rollup, "Swap:"), None);
    }
}
