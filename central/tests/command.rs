//! The command as somebody runs it who has never run it.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

use std::process::Command;

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_preau-central"))
        .args(["--config", "/nowhere/central.toml", "check"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cannot read `/nowhere/central.toml`"), "{said}");
}
