//! The interface: the kernel's WireGuard where the kernel has one, this program's as a watched child where it has none. Both are
//! told what to have by wg(8), within a time limit: a device that hangs hangs nobody.

use std::time::Duration;

use preau::system::{program::Program, wireguard};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{dump::Dump, limits::COMMAND_WAIT_MAX};

/// The tunnel's MTU: what is left of 1,500 bytes under IPv6, UDP and WireGuard.
const MTU: &str = "1420";

/// How often it is looked whether the child has made its interface.
const MADE_EVERY: Duration = Duration::from_millis(50);

const IP: Program =
    Program { name: "ip", package: "iproute2", wait_max: COMMAND_WAIT_MAX, complaint_bytes_max: 500 };
const WG: Program = Program { name: "wg", package: "wireguard-tools", ..IP };

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
        let before = IP.run(&["link", "show", "dev", name, "type", "wireguard"], "").await;
        let is_there = before.is_ok_and(|said| !said.is_empty());
        if is_there || IP.run(&["link", "add", "dev", name, "type", "wireguard"], "").await.is_ok() {
            info!("the kernel's own WireGuard is used");
            stop.cancelled().await;
            // It may have been removed by hand.
            let _ = IP.run(&["link", "delete", "dev", name], "").await;
            return;
        }
        info!("the kernel has no WireGuard; a child of this program is");
        wireguard::child(name).run(stop).await;
    }

    /// What WireGuard has at the moment.
    pub(super) async fn dump(&self) -> anyhow::Result<Dump> {
        Dump::read(&String::from_utf8_lossy(&WG.run(&["show", &self.name, "dump"], "").await?))
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
        WG.run(&["syncconf", &self.name, "/dev/stdin"], text).await.map(drop)
    }

    /// Gives the interface its addresses, opens it, and routes the schools' networks into it.
    pub(super) async fn open(&self, addresses: &[String], prefixes: &[String]) -> anyhow::Result<()> {
        let name = self.name.as_str();
        for address in addresses {
            IP.run(&["address", "replace", address, "dev", name], "").await?;
        }
        IP.run(&["link", "set", "dev", name, "mtu", MTU, "up"], "").await?;
        for prefix in prefixes {
            let family = if prefix.contains('.') { "-4" } else { "-6" };
            IP.run(&[family, "route", "replace", prefix, "dev", name], "").await?;
        }
        Ok(())
    }
}
