//! What a load says of itself, as one line of JSON.

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::measure::statistics::percentile;

/// What a load did.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// Answers, connections or MiB.
    pub count: u32,
    /// How many failed.
    pub failed: u32,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Processor time of the load itself, in seconds.
    pub cpu_seconds: f64,
    /// Half of them took no longer, in microseconds; zero where times were not taken.
    pub p50_us: f64,
    /// 99 of 100 took no longer, in microseconds; zero where times were not taken.
    pub p99_us: f64,
}

impl Done {
    pub(super) fn new(count: u32, failed: u32, seconds: f64, times_us: &[f64]) -> Self {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        let nanoseconds = u32::try_from(time.tv_nsec).map_or(0.0, f64::from);
        let cpu_seconds = u32::try_from(time.tv_sec).map_or(0.0, f64::from) + nanoseconds / 1e9;
        let at = |per_mille| percentile(times_us, per_mille).unwrap_or_default();
        Self { count, failed, seconds, cpu_seconds, p50_us: at(500), p99_us: at(990) }
    }
}
