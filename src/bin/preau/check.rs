//! `preau check`: the configuration, checked and shown as it would be run.

use std::path::Path;

use preau::{config::Config, portal, system::clock::Clock};

/// Checks the file at `path` and prints what it comes to.
pub(super) fn check(path: &Path) -> anyhow::Result<()> {
    let config = Config::load(path)?;
    print!("{config}");
    let now = Clock::of_the_machine().now();
    if let Err(fault) = portal::check_dates(&config.portal.certificate_path, &config.portal.key_path, now) {
        println!("warning: portal: {fault:#}");
    }
    println!("the configuration is sound");
    Ok(())
}
