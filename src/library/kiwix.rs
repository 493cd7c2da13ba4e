//! kiwix-serve, which reads archives of openZIM: run as a child on loopback, and started anew when the archives on the shelf
//! are others. Only the portal reaches it, and hands on what it says to people who may read.

use std::{
    ffi::OsString,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
};

use anyhow::Context as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::shelf::Shelf;
use crate::{
    protocol::content::Kind,
    system::child::{Child, Rights},
};

/// Threads that read archives: a class opens as many pages in a second.
const THREADS: &str = "4";

/// A port of loopback that is free just now. It is given back before kiwix-serve takes it: where another program is faster,
/// archives are out of reach until the daemon is started again, and nothing else is.
pub(super) fn free_port() -> anyhow::Result<SocketAddr> {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot find a port for kiwix-serve")?;
    taken.local_addr().context("cannot find a port for kiwix-serve")
}

/// Runs kiwix-serve on `address` with the archives on the shelf, below the path `root`, until the stop signal.
pub(super) async fn serve(
    address: SocketAddr,
    root: &str,
    mut shelf: watch::Receiver<std::sync::Arc<Shelf>>,
    stop: &CancellationToken,
) {
    loop {
        let archives = archives(&shelf.borrow_and_update());
        let ended = stop.child_token();
        let others = async {
            // The channel is as old as the library, which outlives this.
            let _ = shelf.wait_for(|shelf| self::archives(shelf) != archives).await;
            ended.cancel();
        };
        let runs = async {
            if archives.is_empty() {
                ended.cancelled().await;
            } else {
                child(address, root, &archives).run(&ended).await;
            }
        };
        tokio::join!(runs, async {
            ended.run_until_cancelled(others).await;
        });
        if stop.is_cancelled() {
            return;
        }
    }
}

fn archives(shelf: &Shelf) -> Vec<PathBuf> {
    let archives = shelf.values().filter(|held| held.package.kind == Kind::Zim);
    archives.map(|held| held.content_path.clone()).collect()
}

fn child(address: SocketAddr, root: &str, archives: &[PathBuf]) -> Child {
    let (ip, port) = (address.ip().to_string(), address.port().to_string());
    // Its own front page lists what the catalogue lists; links out of an archive lead to a page that says so.
    let fixed = ["-i", &ip, "-p", &port, "-r", root, "-t", THREADS, "--nolibrarybutton", "--blockexternal"];
    let mut arguments: Vec<OsString> = fixed.iter().map(OsString::from).collect();
    arguments.extend(archives.iter().map(|path| path.clone().into_os_string()));
    Child {
        name: "kiwix-serve",
        program: OsString::from("kiwix-serve"),
        arguments,
        // What it says of requests is about people; what it cannot do is about the machine.
        is_about_the_machine: |line| line.starts_with("Unable to"),
        // Archives are strangers' work, and so is what they are read by.
        rights: Rights::None,
    }
}
