//! The category table that rules are judged by in central, where it has one.
//!
//! A school's box has the names of millions of sites in it. Central may have the same table; where it has none, a rule about
//! a category says nothing to any question here, and whoever asks is told so.

use std::{collections::BTreeSet, fmt, io};

use anyhow::Context as _;
use preau::policy::{
    RuleFile, Sites,
    category::{Builder, Description, ListDay, Since, Table},
};

/// The lists that central knows. Cloning is cheap.
#[derive(Clone)]
pub struct Lists(Option<Table>);

impl Lists {
    /// Those of a table.
    #[must_use]
    pub fn of(table: Table) -> Self {
        Self(Some(table))
    }

    /// None: names of categories are believed, and no site is in any.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Whether there is a table.
    #[must_use]
    pub fn are_known(&self) -> bool {
        self.0.is_some()
    }

    /// The categories, by their names; none where there is no table.
    #[must_use]
    pub fn categories(&self) -> Vec<String> {
        let of =
            |table: &Table| table.categories().iter().map(|category| category.name.to_string()).collect();
        self.0.as_ref().map(of).unwrap_or_default()
    }

    /// The table that `files` are judged by: where there is none, one of the categories they name, all of them empty.
    ///
    /// # Errors
    /// When the files name more categories than a table has.
    pub(super) fn table_for(&self, files: &[RuleFile]) -> anyhow::Result<Table> {
        match &self.0 {
            Some(table) => Ok(table.clone()),
            None => table_of(&names_in(files), |_, _| Ok(())),
        }
    }
}

impl fmt::Debug for Lists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.are_known() { "Lists(known)" } else { "Lists(none)" })
    }
}

/// The categories that `files` name.
pub(super) fn names_in(files: &[RuleFile]) -> BTreeSet<String> {
    let rules = files.iter().flat_map(|file| &file.rules);
    let named = rules.filter_map(|rule| match &rule.sites {
        Sites::Listed { categories, .. } => Some(categories),
        Sites::Everything | Sites::EnginesWithoutSafeForm => None,
    });
    named.flatten().map(ToString::to_string).collect()
}

/// A table of these categories, with what `fill` puts into it.
pub(super) fn table_of(
    names: &BTreeSet<String>,
    fill: impl FnOnce(
        &mut Builder<io::Sink>,
        &[preau::policy::category::CategoryId],
    ) -> Result<(), preau::policy::category::BuildError>,
) -> anyhow::Result<Table> {
    let mut builder = Builder::new(1, io::sink())?;
    let ids = names.iter().map(|name| builder.category(name)).collect::<Result<Vec<_>, _>>()?;
    fill(&mut builder, &ids)?;
    let mut bytes = Vec::new();
    let day: ListDay = "1970-01-01".parse().context("the first day is no day")?;
    builder.finish(&Description::default(), &Since::first(day), &mut bytes)?;
    Ok(Table::open(bytes)?)
}
