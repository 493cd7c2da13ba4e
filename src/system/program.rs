//! Programs of the machine that do one thing and end: within a limit of time, their complaint kept for whoever reads the log.

use std::{process::Stdio, time::Duration};

use anyhow::{Context as _, bail};
use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};

/// A program, and how far it is waited for and listened to.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// What it is called in the path.
    pub name: &'static str,
    /// Debian's package that has it.
    pub package: &'static str,
    /// How long one call may take.
    pub wait_max: Duration,
    /// How much of a complaint is kept, in bytes.
    pub complaint_bytes_max: usize,
}

impl Program {
    /// Runs it with `input` on its standard input, where secrets go that nobody shall see among its arguments, and gives what it
    /// said.
    ///
    /// # Errors
    /// When it cannot be started, takes too long (it is then killed), or refuses, with its complaint.
    pub async fn run(&self, arguments: &[&str], input: &str) -> anyhow::Result<Vec<u8>> {
        let Self { name, package, wait_max, complaint_bytes_max } = *self;
        let mut child = Command::new(name)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start `{name}` (package {package})"))?;
        let mut stdin = child.stdin.take().context("a program has no standard input")?;
        let feed = async move {
            // A broken pipe means that it ended early; its status and complaint say why.
            let _ = stdin.write_all(input.as_bytes()).await;
        };
        let done = timeout(wait_max, async { tokio::join!(child.wait_with_output(), feed) }).await;
        let (output, ()) = done.with_context(|| format!("`{name}` took too long"))?;
        let output = output.with_context(|| format!("cannot wait for `{name}`"))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let complaint = output.stderr.get(..complaint_bytes_max).unwrap_or(&output.stderr);
        let act = arguments.get(..2).unwrap_or_default().join(" ");
        let complaint = String::from_utf8_lossy(complaint);
        bail!("`{name} {act}` refused ({}): {}", output.status, complaint.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SH: Program = Program {
        name: "sh",
        package: "dash",
        wait_max: Duration::from_millis(500),
        complaint_bytes_max: 10,
    };

    #[tokio::test]
    async fn what_goes_in_comes_out_and_a_refusal_says_why_no_longer_than_it_may() {
        assert_eq!(SH.run(&["-c", "cat"], "secret").await.unwrap(), b"secret");
        let refused = SH.run(&["-c", "echo 0123456789more >&2; exit 3", "x"], "").await.unwrap_err();
        let act = "sh -c echo 0123456789more >&2; exit 3";
        assert_eq!(refused.to_string(), format!("`{act}` refused (exit status: 3): 0123456789"));
    }

    #[tokio::test]
    async fn a_program_that_hangs_or_is_not_there_is_told_as_such() {
        let hangs = SH.run(&["-c", "exec sleep 60"], "").await.unwrap_err();
        assert_eq!(hangs.to_string(), "`sh` took too long");
        let missing = Program { name: "preau-no-such-program", ..SH };
        let missing = missing.run(&[], "").await.unwrap_err();
        assert_eq!(missing.to_string(), "cannot start `preau-no-such-program` (package dash)");
    }
}
