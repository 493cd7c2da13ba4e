//! How much of the line the channel may take, and when.
//!
//! All of it is about what is large, more than [`LARGE_BYTES`]: rules and accounts are small and are fetched at once.

use std::{fmt, num::NonZeroU64, path::PathBuf, str::FromStr};

use thiserror::Error;

/// What is longer than this, in bytes, waits for its window, and goes by the rate and the budget.
pub const LARGE_BYTES: u64 = 1 << 20;

/// Minutes in a day.
const DAY_MINUTES: u16 = 24 * 60;

/// How much of the line the channel may take, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The most that is taken of the line, in bytes a second; as much as there is where none is given.
    pub rate_bytes: Option<NonZeroU64>,
    /// The most that is fetched in a day of Europe/Paris, in bytes; no end where none is given.
    pub budget_bytes: Option<NonZeroU64>,
    /// When large things are fetched; at any hour where there is none.
    pub windows: Vec<Window>,
    /// The directory below which sticks and disks are mounted. The box reads a folder `preau` on them.
    pub media_dir: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rate_bytes: None, budget_bytes: None, windows: Vec::new(), media_dir: PathBuf::from("/media") }
    }
}

/// A span of each day in Europe/Paris, `[from, to)`; over midnight where `to` comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    from: u16,
    to: u16,
}

impl Window {
    /// Whether the minute of the day lies in it.
    #[must_use]
    pub fn holds(self, minute: u16) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

/// A text that is no window.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no span of a day; write such as `18:00-07:00`")]
pub struct WindowError(String);

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let span = || {
            let (from, to) = text.split_once('-')?;
            Some((minute(from)?, minute(to)?))
        };
        match span() {
            Some((from, to)) if from != to && from < DAY_MINUTES => Ok(Self { from, to }),
            _ => Err(WindowError(text.to_owned())),
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

/// The minute of the day that `text`, such as `18:00`, names; up to `24:00`.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two = |digits: &str| {
        let fits = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| digits.parse::<u16>().ok())?
    };
    let (hour, minute) = (two(hour)?, two(minute)?);
    let of_day = hour * 60 + minute;
    (minute < 60 && of_day <= DAY_MINUTES).then_some(of_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_over_midnight_holds_the_night_and_not_the_day() {
        let night: Window = "18:00-07:00".parse().unwrap();
        for (minute, holds) in
            [(0, true), (419, true), (420, false), (1079, false), (1080, true), (1439, true)]
        {
            assert_eq!(night.holds(minute), holds, "{minute}");
        }
        let noon: Window = "12:00-13:30".parse().unwrap();
        assert!(noon.holds(720) && noon.holds(809) && !noon.holds(810) && !noon.holds(0));
        let whole: Window = "00:00-24:00".parse().unwrap();
        assert!(whole.holds(0) && whole.holds(1439));
    }

    #[test]
    fn a_window_is_shown_as_it_is_written_and_what_is_none_is_refused() {
        for text in ["18:00-07:00", "00:00-24:00", "12:05-12:06"] {
            assert_eq!(text.parse::<Window>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "-",
            "18:00",
            "18h-7h",
            "18:00-18:00",
            "24:00-07:00",
            "18:00-25:00",
            "18:60-19:00",
            "+8:00-09:00",
        ] {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
    }
}
