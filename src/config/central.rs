//! How much of the line the académie's channel may take, and where sticks are mounted.

use std::{
    num::NonZeroU64,
    path::{Path, PathBuf},
};

use toml::Spanned;

use super::{fields::parsed, file, problem::Collector};
use crate::sync::{Settings, Window};

/// The slowest that large things may be fetched, in kbit/s: slower, a night does not bring a list.
const RATE_KBIT_MIN: u64 = 16;

/// The fastest that can be meant, in kbit/s: ten Gbit/s.
const RATE_KBIT_MAX: u64 = 10_000_000;

/// The largest budget of a day that can be meant, in megabytes.
const BUDGET_MB_MAX: u64 = 10_000_000;

/// Spans of a day: more are a mistake.
const WINDOWS_MAX: usize = 16;

/// The settings of the channel; the usual ones where nothing is written.
pub(super) fn settings(written: Option<&file::Central>, problems: &mut Collector<'_>) -> Settings {
    let usual = Settings::default();
    let Some(written) = written else { return usual };
    let file::Central { rate_kbit, budget_mb_a_day, windows, media_dir } = written;
    let rate = number("central.rate_kbit", rate_kbit.as_ref(), RATE_KBIT_MIN, RATE_KBIT_MAX, problems);
    let budget = number("central.budget_mb_a_day", budget_mb_a_day.as_ref(), 1, BUDGET_MB_MAX, problems);
    if let Some(extra) = windows.get(WINDOWS_MAX) {
        problems.at(&extra.span(), format!("central.windows: at most {WINDOWS_MAX} are kept; remove some"));
    }
    Settings {
        rate_bytes: rate.and_then(|kbit| NonZeroU64::new(kbit.saturating_mul(125))),
        budget_bytes: budget.and_then(|megabytes| NonZeroU64::new(megabytes.saturating_mul(1_000_000))),
        windows: windows
            .iter()
            .filter_map(|window| parsed::<Window>("central.windows", window, problems))
            .collect(),
        media_dir: media_dir.as_ref().map_or(usual.media_dir, |dir| media(dir, problems)),
    }
}

fn number(
    field: &str,
    written: Option<&Spanned<u64>>,
    least: u64,
    most: u64,
    problems: &mut Collector<'_>,
) -> Option<u64> {
    let written = written?;
    let number = *written.get_ref();
    if !(least..=most).contains(&number) {
        let what =
            format!("{field}: {number}; write a number from {least} to {most}, or leave it out for no limit");
        problems.at(&written.span(), what);
    }
    Some(number)
}

fn media(written: &Spanned<String>, problems: &mut Collector<'_>) -> PathBuf {
    let dir = Path::new(written.get_ref());
    if !dir.is_absolute() || dir == Path::new("/") {
        let what = format!(
            "central.media_dir: `{}` is no directory that sticks are mounted below; write such as `/media`",
            dir.display()
        );
        problems.at(&written.span(), what);
    }
    dir.to_owned()
}
