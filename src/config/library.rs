//! Where the library lies and what it may take of the disk.

use std::path::{Path, PathBuf};

use super::{file, problem::Collector};
use crate::library::Settings;

/// The usual quota, in gigabytes: Vikidia, a dozen of courses and manuals.
const QUOTA_GB_USUAL: u64 = 20;

/// The largest quota that can be meant, in gigabytes.
const QUOTA_GB_MAX: u64 = 100_000;

/// The settings of the library as the file says them, its directory not yet below the state's.
#[derive(Debug)]
pub(super) struct Library {
    dir: Option<PathBuf>,
    quota_bytes: u64,
}

impl Library {
    /// What is written; none where the school has no library.
    pub(super) fn of(written: Option<&file::Library>, problems: &mut Collector<'_>) -> Option<Self> {
        let file::Library { dir, quota_gb } = written?;
        if let Some(written) = dir.as_ref().filter(|dir| !Path::new(dir.get_ref()).is_absolute()) {
            let what = format!(
                "library.dir: `{}` is no directory from the root; write such as `/srv/bibliotheque`, or leave it out",
                written.get_ref()
            );
            problems.at(&written.span(), what);
        }
        let quota = quota_gb.as_ref().map_or(QUOTA_GB_USUAL, |written| *written.get_ref());
        if let Some(written) = quota_gb.as_ref().filter(|_| !(1..=QUOTA_GB_MAX).contains(&quota)) {
            let what = format!("library.quota_gb: {quota}; write a number from 1 to {QUOTA_GB_MAX}");
            problems.at(&written.span(), what);
        }
        let dir = dir.as_ref().map(|dir| PathBuf::from(dir.get_ref()));
        Some(Self { dir, quota_bytes: quota.saturating_mul(1_000_000_000) })
    }

    /// The settings of a daemon that keeps its state in `state_dir`.
    pub(super) fn settings(self, state_dir: &Path) -> Settings {
        let dir = self.dir.unwrap_or_else(|| state_dir.join("library"));
        Settings { dir, quota_bytes: self.quota_bytes }
    }
}
