//! The concentrator that central runs: WireGuard held to the schools that are enrolled, within seconds.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use preau::system::{clock::Clock, nft};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    device::Device,
    door::Door,
    key,
    limits::{GATHER, LOOK_EVERY, LOOK_OFTEN},
    rules::ruleset,
    wanted::{Wanted, seen_by_next},
};
use crate::{
    authority::{Authority, Concentrating},
    database::Database,
};

/// The concentrator that this machine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Its name, as `preau-central tunnel set` has it.
    pub name: String,
    /// The interface that is made, such as `preau0`; 15 bytes at most.
    pub interface: String,
    /// The UDP port.
    pub port: u16,
    /// Where the way through TCP listens, if anywhere.
    pub tcp: Option<SocketAddr>,
}

/// The concentrator, with its door bound.
#[derive(Debug)]
pub struct Service {
    settings: Settings,
    database: Database,
    authority: Authority,
    private: String,
    device: Device,
    door: Option<Door>,
}

/// What the interface and the ruleset were last told.
#[derive(Debug, PartialEq, Eq)]
struct Opened {
    prefixes: Vec<String>,
    networks: Vec<String>,
}

impl Service {
    /// Sees that everything is there, and binds the door. `clock` is the authority's.
    ///
    /// # Errors
    /// When the fleet knows no such concentrator, its key is missing or another one, the kernel does not forward, or the
    /// door's address is taken.
    pub async fn bind(
        settings: Settings,
        database: Database,
        authority: Authority,
        keys_dir: &Path,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let Concentrating { concentrator, prefixes, .. } = authority.concentrating(&settings.name).await?;
        let private = key::read(keys_dir, &settings.name)?;
        let public = key::public_of(&private).context("the concentrator's key cannot be used")?;
        ensure!(
            public == concentrator.key,
            "the key of `{}` here is {public}, but boxes were told {}: correct it by `preau-central tunnel set`",
            settings.name,
            concentrator.key
        );
        forwards(&prefixes)?;
        let door = match (settings.tcp, &concentrator.tls) {
            (None, _) => None,
            (Some(_), None) => {
                bail!("`concentrator.tcp`: boxes are told of no `tls` for `{}`", settings.name)
            }
            (Some(listen), Some(place)) => {
                let name = place.rsplit_once(':').map_or(place.as_str(), |(name, _)| name);
                Some(Door::bind(listen, name, settings.port, authority.clone(), clock).await?)
            }
        };
        let device = Device::new(&settings.interface);
        Ok(Self { settings, database, authority, private, device, door })
    }

    /// Serves until `stop`. With its end the interface goes.
    ///
    /// # Errors
    /// When the door fails; what goes wrong with WireGuard is tried again.
    pub async fn serve(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let door = self.door.take();
        let at_door = async {
            match door {
                Some(door) => door.serve(stop.clone()).await,
                None => Ok(()),
            }
        };
        let (at_door, (), _) =
            tokio::join!(at_door, self.device.serve(&stop), stop.run_until_cancelled(self.follow()));
        at_door
    }

    /// Holds WireGuard to what is wanted, for ever.
    async fn follow(&self) {
        let mut signals = self.database.signals().listen();
        let mut opened = None;
        loop {
            let held = self.hold(&mut opened).await;
            let wait = if matches!(held, Ok(Changing::Some)) { LOOK_OFTEN } else { LOOK_EVERY };
            if let Err(error) = held {
                warn!(cause = format!("{error:#}"), "WireGuard goes on by what it was told");
            }
            let _ = timeout(wait, news(&mut signals)).await;
        }
    }

    /// Holds WireGuard to what is wanted at the moment; whether any box is changing its key.
    async fn hold(&self, opened: &mut Option<Opened>) -> anyhow::Result<Changing> {
        let concentrating = self.authority.concentrating(&self.settings.name).await?;
        let dump = self.device.made().await;
        let Concentrating { concentrator, prefixes, addresses, peers } = &concentrating;
        let (interface, port) = (self.settings.interface.as_str(), self.settings.port);
        let wish = Opened { prefixes: prefixes.clone(), networks: concentrator.networks.clone() };
        // An interface without a key was made just now.
        if dump.public.is_none() || opened.as_ref() != Some(&wish) {
            // Closed before anything is routed.
            nft::run(&ruleset(interface, prefixes, &concentrator.networks)).await?;
            self.device.open(addresses, prefixes).await?;
            *opened = Some(wish);
        }
        let wanted = Wanted::of(peers, &dump);
        if dump.public.as_ref() != Some(&concentrator.key) || dump.port != port || !wanted.is_held(&dump) {
            self.device.hold(&wanted.text(&self.private, port)).await?;
            info!(schools = peers.len(), "WireGuard has the schools' keys");
        }
        for (school, key) in seen_by_next(peers, &dump) {
            // Only once the address is its own: until then the old one still counts.
            if wanted.is_held(&dump) {
                self.authority.tunnel_key_seen(school, key).await?;
            }
        }
        let is_changing = peers.iter().any(|peer| peer.next.is_some());
        Ok(if is_changing { Changing::Some } else { Changing::None })
    }
}

/// Whether any box is changing its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Changing {
    Some,
    None,
}

/// Returns when something of boxes may have changed.
async fn news(signals: &mut Receiver<String>) {
    loop {
        match signals.recv().await {
            Ok(topic) if topic == "*" || topic == "authority" || topic.starts_with("school/") => break,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => break,
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
    sleep(GATHER).await;
}

/// Sees that the kernel forwards in the families that schools have addresses of.
fn forwards(prefixes: &[String]) -> anyhow::Result<()> {
    let four = ("/proc/sys/net/ipv4/ip_forward", "net.ipv4.ip_forward", true);
    let six = ("/proc/sys/net/ipv6/conf/all/forwarding", "net.ipv6.conf.all.forwarding", false);
    for (path, name, is_v4) in [four, six] {
        let is_wanted = prefixes.iter().any(|prefix| prefix.contains('.') == is_v4);
        let path = PathBuf::from(path);
        let said = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()));
        ensure!(
            !is_wanted || said?.trim() == "1",
            "this machine forwards nothing: run `sysctl -w {name}=1`, and keep it in /etc/sysctl.d"
        );
    }
    Ok(())
}
