//! The interface: the kernel's WireGuard where the kernel has one, wireguard-go as a watched child where it has none. Both are
//! told what to have by wg(8), within a time limit: a device that hangs hangs nobody.

use std::{process::Stdio, time::Duration};

use anyhow::{Context as _, bail};
use preau::system::child::{Child, Rights};
use tokio::{
    io::AsyncWriteExt as _,
    process::Command,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{dump::Dump, limits::COMMAND_WAIT_MAX};

/// The tunnel's MTU: what is left of 1,500 bytes under IPv6, UDP and WireGuard.
const MTU: &str = "1420";

/// How often it is looked whether the child has made its interface.
const MADE_EVERY: Duration = Duration::from_millis(50);

/// How much of a complaint is kept, in bytes.
const COMPLAINT_BYTES_MAX: usize = 500;

/// The interface.
#[derive(Clone, Debug)]
pub(super) struct Device {
    name: String,
}

impl Device {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    /// Keeps the interface there until `stop`; it goes with its end, and with it all that was routed into it.
    pub(super) async fn serve(&self, stop: &CancellationToken) {
        let name = self.name.as_str();
        // What an instance before this one left is used on.
        let is_there = command("ip", &["link", "show", "dev", name], "").await.is_ok();
        if is_there || command("ip", &["link", "add", "dev", name, "type", "wireguard"], "").await.is_ok() {
            info!("the kernel's own WireGuard is used");
            stop.cancelled().await;
            // It may have been removed by hand.
            let _ = command("ip", &["link", "delete", "dev", name], "").await;
            return;
        }
        info!("the kernel has no WireGuard; wireguard-go is run");
        let child = Child {
            name: "wireguard-go",
            program: "wireguard-go".into(),
            arguments: vec!["-f".into(), name.into()],
            is_about_the_machine: |_| true,
            rights: Rights::Kept,
        };
        child.run(stop).await;
    }

    /// What WireGuard has at the moment.
    pub(super) async fn dump(&self) -> anyhow::Result<Dump> {
        Dump::read(&command("wg", &["show", &self.name, "dump"], "").await?)
    }

    /// Waits until there is something to be told.
    pub(super) async fn made(&self) -> Dump {
        loop {
            if let Ok(dump) = self.dump().await {
                return dump;
            }
            sleep(MADE_EVERY).await;
        }
    }

    /// Has WireGuard hold what `text` says, and touch nothing that it says already.
    pub(super) async fn hold(&self, text: &str) -> anyhow::Result<()> {
        command("wg", &["syncconf", &self.name, "/dev/stdin"], text).await.map(drop)
    }

    /// Gives the interface its addresses, opens it, and routes the schools' networks into it.
    pub(super) async fn open(&self, addresses: &[String], prefixes: &[String]) -> anyhow::Result<()> {
        let name = self.name.as_str();
        for address in addresses {
            command("ip", &["address", "replace", address, "dev", name], "").await?;
        }
        command("ip", &["link", "set", "dev", name, "mtu", MTU, "up"], "").await?;
        for prefix in prefixes {
            let family = if prefix.contains('.') { "-4" } else { "-6" };
            command("ip", &[family, "route", "replace", prefix, "dev", name], "").await?;
        }
        Ok(())
    }
}

/// Runs a command with `input` on its standard input and gives what it said.
async fn command(program: &str, arguments: &[&str], input: &str) -> anyhow::Result<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start `{program}`"))?;
    let mut stdin = child.stdin.take().context("a command has no standard input")?;
    let feed = async move {
        // A broken pipe means that it ended early; its status and complaint say why.
        let _ = stdin.write_all(input.as_bytes()).await;
    };
    let done = timeout(COMMAND_WAIT_MAX, async { tokio::join!(child.wait_with_output(), feed) }).await;
    let (output, ()) = done.with_context(|| format!("`{program}` took too long"))?;
    let output = output.with_context(|| format!("cannot wait for `{program}`"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = output.stderr.get(..COMPLAINT_BYTES_MAX).unwrap_or(&output.stderr);
    let act = arguments.get(..2).unwrap_or_default().join(" ");
    bail!("`{program} {act}` refused: {}", String::from_utf8_lossy(complaint).trim_end())
}
