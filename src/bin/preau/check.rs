//! `preau check`: the configuration, checked and shown as it would be run.

use std::path::Path;

use preau::{config::Config, system::clock::Clock};

use super::output::print;

/// Checks the file at `path` and prints what it comes to.
pub(super) fn check(path: &Path) -> anyhow::Result<()> {
    let config = Config::load(path)?;
    let warnings = config.warnings(Clock::of_the_machine().now());
    let lines: String = warnings.iter().map(|warning| format!("{:<9} {warning}\n", "warning")).collect();
    let conclusion = match warnings.len() {
        0 => "the configuration is sound".to_owned(),
        count => format!("the configuration is sound, with {count} warnings"),
    };
    print(format!("{config}{lines}{conclusion}"))
}
