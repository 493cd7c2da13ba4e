//! What is told of a night: how much was fetched ahead, and what was not and why. No name and no address.

use std::fmt;

use super::warmer::Hindrance;

/// Why an address of a list is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is on another site.
    Elsewhere,
    /// It cannot be read, or the list is too long.
    LeftOut,
    /// It is somebody's, or may not be kept for all.
    NotForAll,
    /// There is nothing, or it leads elsewhere.
    NotThere,
    /// The site fails.
    Failing,
}

impl Why {
    const ALL: [Self; 5] = [Self::Elsewhere, Self::LeftOut, Self::NotForAll, Self::NotThere, Self::Failing];

    const fn place(self) -> usize {
        match self {
            Self::Elsewhere => 0,
            Self::LeftOut => 1,
            Self::NotForAll => 2,
            Self::NotThere => 3,
            Self::Failing => 4,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Elsewhere => "of another site",
            Self::LeftOut => "unreadable or too many",
            Self::NotForAll => "not for all",
            Self::NotThere => "not there",
            Self::Failing => "failing",
        }
    }
}

/// The last night.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The day on whose evening it began; empty before the first.
    pub night: String,
    /// Addresses that are kept.
    pub kept: u64,
    /// Bytes that came over the line.
    pub bytes: u64,
    /// Lists that could not be read.
    pub lists_unread: u64,
    /// Whether a site's budget was spent.
    pub is_spent: bool,
    /// What it waits for; none while it works, or when it is through.
    pub waits: Option<Hindrance>,
    refused: [u64; Why::ALL.len()],
}

impl Told {
    pub(super) fn of_night(night: String) -> Self {
        Self { night, ..Self::default() }
    }

    /// Addresses that are not kept.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.iter().sum()
    }

    pub(super) fn refuse(&mut self, why: Why, count: u64) {
        if let Some(known) = self.refused.get_mut(why.place()) {
            *known += count;
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.night.is_empty() {
            return f.write_str("nothing yet");
        }
        write!(f, "night of {}: {} kept, {} MB", self.night, self.kept, self.bytes.div_ceil(1_000_000))?;
        for why in Why::ALL {
            match self.refused.get(why.place()) {
                None | Some(0) => {}
                Some(count) => write!(f, ", {count} {}", why.words())?,
            }
        }
        if self.lists_unread > 0 {
            write!(f, ", {} LISTS UNREADABLE", self.lists_unread)?;
        }
        if self.is_spent {
            f.write_str(", budget spent")?;
        }
        match self.waits {
            None => Ok(()),
            Some(Hindrance::Window) => f.write_str("; waits for its hours"),
            Some(Hindrance::Line) => f.write_str("; waits for the line"),
            Some(Hindrance::People) => f.write_str("; waits for people to be done"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_is_told_in_one_line() {
        assert_eq!(Told::default().to_string(), "nothing yet");
        let mut told =
            Told { night: "2026-11-22".to_owned(), kept: 312, bytes: 44_100_000, ..Told::default() };
        told.refuse(Why::NotForAll, 2);
        told.refuse(Why::Elsewhere, 1);
        told.waits = Some(Hindrance::Line);
        let text =
            "night of 2026-11-22: 312 kept, 45 MB, 1 of another site, 2 not for all; waits for the line";
        assert_eq!(told.to_string(), text);
        assert_eq!(told.refused(), 3);
    }
}
