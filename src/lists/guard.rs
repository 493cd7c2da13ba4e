//! Guards against lists that would do harm: they let a table through, or say why the one before it should stand.
//!
//! A list cut short in transit opens the web; one that swallowed another closes it; one that holds the ministry's own
//! name closes school. At seven in the morning nobody reads five million lines, so these are looked at every time, and
//! each refusal names the flag by which somebody who did look can say yes.

use std::{collections::BTreeSet, fmt, path::PathBuf};

use super::{CategoryReport, ProtectedName, report::counted};
use crate::policy::category::Table;

/// Names a list must lose before half of it missing is noticed: small lists are edited by hand.
const LOSS_MIN: u64 = 100;

/// Names a list must gain before its growth is noticed: small lists may well double or triple.
const GAIN_MIN: u64 = 1_000;

/// How many times its former size a list can have.
const GROWTH_MAX: u64 = 3;

/// Lines a list must hold that cannot be read before they are compared with those that can.
const UNREADABLE_MIN: u64 = 100;

/// Why a table is not built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A category of the table before is no longer there, or empty.
    Vanished {
        /// The category.
        category: String,
        /// Names it listed.
        before: u64,
    },
    /// A category lists less than half of what it did.
    Shrank {
        /// The category.
        category: String,
        /// Names it listed.
        before: u64,
        /// Names it lists.
        after: u64,
    },
    /// A category lists more than three times what it did.
    Grew {
        /// The category.
        category: String,
        /// Names it listed.
        before: u64,
        /// Names it lists.
        after: u64,
    },
    /// A category most lines of which cannot be read.
    Unreadable {
        /// The category.
        category: String,
        /// Lines that were taken.
        taken: u64,
        /// Lines that were left out.
        left_out: u64,
    },
    /// A black list that blocks something the school cannot do without.
    Protected {
        /// The category.
        category: String,
        /// The list, below the folder.
        file: PathBuf,
        /// Its line, counted from 1.
        line: u64,
        /// What stands there.
        listed: String,
        /// What it would block.
        blocks: ProtectedName,
    },
    /// A category that was to be accepted and is nowhere.
    Unknown {
        /// What was accepted.
        category: String,
    },
}

/// Compares the categories read with those of the table before, and with themselves.
///
/// Categories in `accepted` are taken as they are.
pub(super) fn compare(
    categories: &[CategoryReport],
    before: Option<&Table>,
    accepted: &BTreeSet<String>,
) -> Vec<Refusal> {
    let mut refusals: Vec<Refusal> = Vec::new();
    for old in before.into_iter().flat_map(Table::categories).filter(|old| !accepted.contains(&*old.name)) {
        let category = old.name.to_string();
        let after = categories.iter().find(|new| new.name == category).map_or(0, |new| new.names);
        refusals.extend(changed(category, old.names, after));
    }
    for category in categories.iter().filter(|category| !accepted.contains(&category.name)) {
        let taken = category.names + category.urls + category.expressions;
        let left_out = category.left_out;
        if left_out > taken && (left_out >= UNREADABLE_MIN || taken == 0) {
            refusals.push(Refusal::Unreadable { category: category.name.clone(), taken, left_out });
        }
    }
    let is_known = |name: &str| {
        categories.iter().any(|new| new.name == name)
            || before.is_some_and(|table| table.category(name).is_some())
    };
    let unknown = accepted.iter().filter(|name| !is_known(name));
    refusals.extend(unknown.map(|name| Refusal::Unknown { category: name.clone() }));
    refusals
}

fn changed(category: String, before: u64, after: u64) -> Option<Refusal> {
    if before > 0 && after == 0 {
        Some(Refusal::Vanished { category, before })
    } else if after < before.div_ceil(2) && before - after >= LOSS_MIN {
        Some(Refusal::Shrank { category, before, after })
    } else if before > 0 && after > before.saturating_mul(GROWTH_MAX) && after - before >= GAIN_MIN {
        Some(Refusal::Grew { category, before, after })
    } else {
        None
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vanished { category, before } => write!(
                f,
                "category `{category}` listed {} and lists none; get the lists again, or take it so with --accept \
                 {category}",
                counted(*before, "name")
            ),
            Self::Shrank { category, before, after } => write!(
                f,
                "category `{category}` shrank from {before} names to {after}, less than half; get the lists again, or \
                 take it so with --accept {category}"
            ),
            Self::Grew { category, before, after } => write!(
                f,
                "category `{category}` grew from {before} names to {after}, more than {GROWTH_MAX} times as many; look \
                 into it, then take it so with --accept {category}"
            ),
            Self::Unreadable { category, taken, left_out } => write!(
                f,
                "category `{category}`: {} cannot be read, {taken} can; is it the right file? take what can be read \
                 with --accept {category}",
                counted(*left_out, "line")
            ),
            Self::Protected { category, file, line, listed, blocks } => write!(
                f,
                "category `{category}` would block `{}` ({}): `{listed}` in {}, line {line}; leave such lines out with \
                 --leave-out-protected",
                blocks.name,
                blocks.reason,
                file.display()
            ),
            Self::Unknown { category } => {
                write!(
                    f,
                    "--accept {category}: there is no such category, neither in the folder nor in the table"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_may_change_but_not_absurdly() {
        for (before, after, is_refused) in [
            (1000, 1000, false),
            (1000, 500, false),
            (1000, 499, true),
            (1, 0, true),
            (0, 0, false),
            (0, 999, false),
            (0, 5000, false),
            (150, 60, false),
            (150, 50, true),
            (80, 400, false),
            (500, 1500, false),
            (500, 1501, true),
            (1_000_000, 3_000_000, false),
            (1_000_000, 3_000_001, true),
        ] {
            let refusal = changed("games".to_owned(), before, after);
            assert_eq!(refusal.is_some(), is_refused, "{before} {after}: {refusal:?}");
        }
    }
}
