//! Runs the `nft` command: one script, one transaction, and its complaint kept for whoever reads the log.

use std::{process::Stdio, time::Duration};

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};

/// How long one `nft` may take. A ruleset of 1,000 rules with 50,000 elements takes 0.6 s.
const RUN_TIME_MAX: Duration = Duration::from_secs(30);

/// How much of a complaint is kept, in bytes; `nft` repeats the script's lines in it.
const COMPLAINT_BYTES_MAX: usize = 2000;

/// Hands `script` to the kernel as one transaction: all of it holds afterwards, or nothing changed.
///
/// # Errors
/// When `nft` cannot be started, takes longer than 30 s, or refuses the script; its complaint is in the message.
pub async fn run(script: &str) -> anyhow::Result<()> {
    nft(&["-f", "-"], script).await.map(drop)
}

/// What the kernel holds of `table`, such as `inet preau`, as `nft`'s JSON: a list of objects, each with one key that
/// says what it is (`set`, `chain`, `rule`). The elements of sets are left out.
///
/// # Errors
/// As [`run`]; also when there is no such table or the answer is not JSON.
pub async fn list(table: &str) -> anyhow::Result<Vec<Value>> {
    let output = nft(&["--json", "--terse", "list", "table", table], "").await?;
    let mut whole: Value = serde_json::from_slice(&output).context("cannot read the answer of nft")?;
    match whole.get_mut("nftables").map(Value::take) {
        Some(Value::Array(objects)) => Ok(objects),
        _ => bail!("the answer of nft lacks the list `nftables`"),
    }
}

/// Runs `nft` with `script` on its standard input and returns its standard output.
async fn nft(arguments: &[&str], script: &str) -> anyhow::Result<Vec<u8>> {
    let mut child = Command::new("nft")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start `nft`")?;
    let mut stdin = child.stdin.take().context("nft has no standard input")?;
    let feed = async move {
        // A broken pipe means that nft ended early; its status and complaint say why.
        let _ = stdin.write_all(script.as_bytes()).await;
    };
    let (output, ()) = timeout(RUN_TIME_MAX, async { tokio::join!(child.wait_with_output(), feed) })
        .await
        .context("nft took too long")?;
    let output = output.context("cannot wait for nft")?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let complaint = output.stderr.get(..COMPLAINT_BYTES_MAX).unwrap_or(&output.stderr);
    bail!("nft refused ({}): {}", output.status, String::from_utf8_lossy(complaint).trim_end())
}
