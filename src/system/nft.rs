//! Runs the `nft` command: one script, one transaction, and its complaint kept for whoever reads the log.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::program::Program;

/// A ruleset of 1,000 rules with 50,000 elements takes it 0.6 s. In a complaint it repeats the script's lines.
const NFT: Program = Program {
    name: "nft",
    package: "nftables",
    wait_max: Duration::from_secs(30),
    complaint_bytes_max: 2000,
};

/// Hands `script` to the kernel as one transaction: all of it holds afterwards, or nothing changed.
///
/// # Errors
/// When `nft` cannot be started, takes longer than 30 s, or refuses the script; its complaint is in the message.
pub async fn run(script: &str) -> anyhow::Result<()> {
    NFT.run(&["-f", "-"], script).await.map(drop)
}

/// What the kernel holds of `table`, such as `inet preau`, as `nft`'s JSON: a list of objects, each with one key that
/// says what it is (`set`, `chain`, `rule`). The elements of sets are left out.
///
/// # Errors
/// As [`run`]; also when there is no such table or the answer is not JSON.
pub async fn list(table: &str) -> anyhow::Result<Vec<Value>> {
    let output = NFT.run(&["--json", "--terse", "list", "table", table], "").await?;
    let mut whole: Value = serde_json::from_slice(&output).context("cannot read the answer of nft")?;
    match whole.get_mut("nftables").map(Value::take) {
        Some(Value::Array(objects)) => Ok(objects),
        _ => bail!("the answer of nft lacks the list `nftables`"),
    }
}
