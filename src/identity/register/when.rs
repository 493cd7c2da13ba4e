//! When a delivery takes effect: at once, on a day, or on the first day of the next school holidays.

use std::str::FromStr;

use jiff::civil::Date;

/// When a delivery is to take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// As soon as the daemon sees it.
    AtOnce,
    /// On the first day of the next holidays, as the Somme convention asks: accounts change while nobody is at school.
    /// In the holidays that is at once.
    Calendar,
    /// On a day.
    On(Date),
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "now" => Ok(Self::AtOnce),
            "calendar" => Ok(Self::Calendar),
            _ => text.parse().map(Self::On).map_err(|_| {
                format!("`{text}` is no day; write `now`, `calendar` or a day such as `2026-12-19`")
            }),
        }
    }
}

/// The day as the register needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Today {
    /// The date in France.
    pub date: Date,
    /// Whether it lies in the summer holidays, in which a third of a school leaves.
    pub is_summer: bool,
    /// Whether the clock is believed. If not, nothing happens by date: nobody is deleted, no waiting delivery comes due.
    pub is_sure: bool,
}
