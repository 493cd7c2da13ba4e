//! `preau check`: the configuration, checked and shown as it would be run.

use std::path::Path;

use preau::config::Config;

/// Checks the file at `path` and prints what it comes to.
pub(super) fn check(path: &Path) -> anyhow::Result<()> {
    let config = Config::load(path)?;
    print!("{config}");
    println!("the configuration is sound");
    Ok(())
}
