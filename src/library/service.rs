//! What is wanted, what there is room for, and who brings it: one package after the other.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use tokio::{sync::watch, task::spawn_blocking, time};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    Held, Settings, Supply, Use, kiwix,
    shelf::{self, Shelf},
    transfer,
    uses::Uses,
    wishes::Wishes,
};
use crate::{
    protocol::{
        content::{Catalogue, Package},
        line::{SHELVED_MAX, Shelved},
    },
    system::clock::Clock,
};

/// When what failed is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

/// How often uses are written down: at most so much of them is forgotten by a power cut.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// The library, as pages ask it. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Library {
    house: Arc<House>,
}

/// What the pages and the service share.
#[derive(Debug)]
struct House {
    settings: Settings,
    shelf: watch::Sender<Arc<Shelf>>,
    wishes: watch::Sender<Wishes>,
    supply: watch::Sender<Option<Supply>>,
    /// The bytes that are here of the package that is coming.
    progress: watch::Sender<u64>,
    standings: Mutex<BTreeMap<String, Standing>>,
    uses: Uses,
    clock: Clock,
    kiwix: SocketAddr,
}

/// How far a package is that is not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    Coming,
    NoRoom(NoRoom),
    Failed,
}

/// Why there is no room for a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// What the library may take.
    Quota {
        /// What it would take with the package, in bytes.
        wanted_bytes: u64,
    },
    /// What the disk has left.
    Disk,
}

/// A package as the pages show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What the catalogue says of it.
    pub package: Package,
    /// Whether some version of it can be read here.
    pub is_here: bool,
    /// How its latest version stands.
    pub state: State,
}

/// How the latest version of a package stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is here.
    Whole,
    /// It waits for its turn.
    Waiting,
    /// It is coming; so many bytes of it are here.
    Coming(u64),
    /// The referent stopped the fetching.
    Paused,
    /// The referent does not want it here.
    Unwanted,
    /// There is no room for it.
    NoRoom(NoRoom),
    /// It could not be fetched; that is tried again.
    Failed,
}

/// Brings packages, and runs what reads archives.
#[derive(Debug)]
pub struct Service {
    house: Arc<House>,
}

impl Library {
    /// Below this path of the portal kiwix-serve thinks it is.
    pub const ARCHIVES_ROOT: &str = "/bibliotheque/zim";

    /// The library of what lies in the directory of `settings`, and what looks after it.
    ///
    /// # Errors
    /// When the directory cannot be made or read.
    pub fn open(settings: Settings, clock: Clock) -> anyhow::Result<(Self, Service)> {
        let dir = &settings.dir;
        let context = || format!("cannot open the library in `{}`", dir.display());
        let shelf = shelf::read(dir).with_context(context)?;
        let wishes = Wishes::read(dir).with_context(context)?;
        let uses = Uses::open(dir);
        let house = Arc::new(House {
            shelf: watch::Sender::new(Arc::new(shelf)),
            wishes: watch::Sender::new(wishes),
            supply: watch::Sender::new(None),
            progress: watch::Sender::new(0),
            standings: Mutex::default(),
            uses,
            clock,
            kiwix: kiwix::free_port()?,
            settings,
        });
        Ok((Self { house: Arc::clone(&house) }, Service { house }))
    }

    /// Where packages come from is put in here; nothing is fetched before.
    #[must_use]
    pub fn supply(&self) -> watch::Sender<Option<Supply>> {
        self.house.supply.clone()
    }

    /// Everything that is here or may come, by title.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let shelf = self.house.shelf.borrow().clone();
        let mut packages: BTreeMap<&str, &Package> =
            shelf.values().map(|held| (held.package.id.as_str(), &held.package)).collect();
        let supply = self.house.supply.borrow().clone();
        let offered = supply.as_ref().map(|supply| Arc::clone(&supply.catalogue));
        packages.extend(
            offered.iter().flat_map(|known| known.offered()).map(|package| (package.id.as_str(), package)),
        );
        let mut entries: Vec<_> =
            packages.into_values().map(|package| self.house.entry(&shelf, package)).collect();
        entries.sort_by(|one, other| {
            (one.package.title.to_lowercase(), &one.package.id)
                .cmp(&(other.package.title.to_lowercase(), &other.package.id))
        });
        entries
    }

    /// How each package stands, as the académie is told; what the school does not want is not named.
    #[must_use]
    pub fn shelved(&self) -> Vec<Shelved> {
        let wanted = self.entries().into_iter().filter(|entry| entry.state != State::Unwanted);
        wanted
            .take(SHELVED_MAX)
            .map(|Entry { package, state, is_here: _ }| Shelved {
                version: self.held(&package.id).map_or(0, |held| held.package.version),
                missing_bytes: match state {
                    State::Whole | State::Unwanted => 0,
                    State::Coming(here) => package.bytes.saturating_sub(here),
                    State::Waiting | State::Paused | State::NoRoom(_) | State::Failed => package.bytes,
                },
                id: package.id,
            })
            .collect()
    }

    /// The package that can be read under this identifier.
    #[must_use]
    pub fn held(&self, id: &str) -> Option<Arc<Held>> {
        self.house.shelf.borrow().get(id).cloned()
    }

    /// What the packages take of the disk and may take, in bytes; what is coming is not counted.
    #[must_use]
    pub fn room(&self) -> (u64, u64) {
        (bytes_on(&self.house.shelf.borrow()), self.house.settings.quota_bytes)
    }

    /// Whether the referent stopped the fetching.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.house.wishes.borrow().paused
    }

    /// Stops the fetching, or goes on with it.
    ///
    /// # Errors
    /// When the disk refuses: then it is as it was.
    pub async fn pause(&self, paused: bool) -> anyhow::Result<()> {
        self.wish(move |wishes| wishes.paused = paused).await
    }

    /// Removes a package from here for as long as it is not wanted again, or wants it again.
    ///
    /// # Errors
    /// When the disk refuses: then it is as it was.
    pub async fn want(&self, id: &str, wanted: bool) -> anyhow::Result<()> {
        let id = id.to_owned();
        self.wish(move |wishes| {
            if wanted {
                wishes.unwanted.remove(&id);
            } else {
                wishes.unwanted.insert(id);
            }
        })
        .await
    }

    /// Counts one use of the package.
    pub fn count(&self, held: &Held) {
        self.house.uses.count(&held.package.id, self.house.clock.now());
    }

    /// How often each package was used.
    #[must_use]
    pub fn uses(&self) -> Vec<Use> {
        self.house.uses.all(self.house.clock.now())
    }

    /// Where kiwix-serve listens on loopback.
    #[must_use]
    pub fn kiwix(&self) -> SocketAddr {
        self.house.kiwix
    }

    async fn wish(&self, change: impl FnOnce(&mut Wishes)) -> anyhow::Result<()> {
        let mut wishes = self.house.wishes.borrow().clone();
        change(&mut wishes);
        let (dir, written) = (self.house.settings.dir.clone(), wishes.clone());
        spawn_blocking(move || written.write(&dir)).await??;
        self.house.wishes.send_replace(wishes);
        Ok(())
    }
}

impl House {
    fn entry(&self, shelf: &Shelf, package: &Package) -> Entry {
        let held = shelf.get(&package.id);
        let wishes = self.wishes.borrow();
        let standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        let state = match standings.get(&package.id) {
            _ if wishes.unwanted.contains(&package.id) => State::Unwanted,
            _ if held.is_some_and(|held| held.package.version >= package.version) => State::Whole,
            _ if wishes.paused => State::Paused,
            Some(Standing::Coming) => State::Coming(*self.progress.borrow()),
            Some(Standing::NoRoom(why)) => State::NoRoom(*why),
            Some(Standing::Failed) => State::Failed,
            None => State::Waiting,
        };
        Entry { package: package.clone(), is_here: held.is_some(), state }
    }

    fn tell(&self, id: &str, standing: Option<Standing>) {
        let mut standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        match standing {
            Some(standing) => standings.insert(id.to_owned(), standing),
            None => standings.remove(id),
        };
    }

    fn dir(&self) -> &Path {
        &self.settings.dir
    }
}

impl Service {
    /// Brings what is offered and wanted, and runs kiwix-serve, until the stop signal.
    ///
    /// # Errors
    /// None that is known: whatever fails is told, and tried again.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let archives =
            kiwix::serve(self.house.kiwix, Library::ARCHIVES_ROOT, self.house.shelf.subscribe(), &stop);
        tokio::join!(archives, self.bring(&stop), self.note(&stop));
        Ok(())
    }

    /// Brings packages, anew whenever the catalogue or the referent's wishes are others; what came so far is kept.
    async fn bring(&self, stop: &CancellationToken) {
        let (mut supply, mut wishes) = (self.house.supply.subscribe(), self.house.wishes.subscribe());
        loop {
            let (from, wished) = (supply.borrow_and_update().clone(), wishes.borrow_and_update().clone());
            let round = async {
                let failed = self.round(from.as_ref(), &wished).await;
                if !failed {
                    return std::future::pending().await;
                }
                time::sleep(RETRY_AFTER).await;
            };
            tokio::select! {
                () = stop.cancelled() => return,
                // The senders are as old as the library, which this holds.
                _ = supply.changed() => {}
                _ = wishes.changed() => {}
                () = round => {}
            }
        }
    }

    /// One look at everything: whether something failed that may be tried again.
    async fn round(&self, supply: Option<&Supply>, wishes: &Wishes) -> bool {
        self.house.standings.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.clear_shelf(supply.map(|supply| &*supply.catalogue), wishes).await;
        let Some(supply) = supply.filter(|_| !wishes.paused) else { return false };
        let mut failed = false;
        for package in supply.catalogue.offered().filter(|package| !wishes.unwanted.contains(&package.id)) {
            let before = self.house.shelf.borrow().get(&package.id).cloned();
            if before.as_ref().is_some_and(|held| held.package.version >= package.version) {
                continue;
            }
            if let Err(why) = self.check_room(package) {
                self.house.tell(&package.id, Some(Standing::NoRoom(why)));
                warn!(?why, "there is no room for a package of the library");
                failed = true;
                continue;
            }
            self.house.tell(&package.id, Some(Standing::Coming));
            let taken = self.take(package, before, supply).await;
            let standing = taken.as_ref().err().map(|_| Standing::Failed);
            failed |= standing.is_some();
            self.house.tell(&package.id, standing);
            match taken {
                Ok(brought) => {
                    let transfer::Brought { fetched_bytes, reused_bytes } = brought;
                    info!(fetched_bytes, reused_bytes, "a package of the library is in place");
                }
                Err(cause) => warn!(cause = format!("{cause:#}"), "a package of the library was not taken"),
            }
        }
        failed
    }

    /// Brings one package and puts it on the shelf.
    async fn take(
        &self,
        package: &Package,
        before: Option<Arc<Held>>,
        supply: &Supply,
    ) -> anyhow::Result<transfer::Brought> {
        self.house.progress.send_replace(0);
        let brought =
            transfer::bring(self.house.dir(), package, before.clone(), supply, &self.house.progress).await?;
        let (dir, package) = (self.house.dir().to_owned(), package.clone());
        let held = spawn_blocking(move || {
            let held = shelf::put(&dir, &package);
            if held.is_err() {
                // Every piece was right, and the whole cannot be read: going on from there would come to the same.
                shelf::clear_arriving(&dir, &[]);
            }
            held
        });
        let held = held.await??;
        let version = held.package.version;
        self.house.shelf.send_modify(|shelf| {
            let mut next = Shelf::clone(shelf);
            next.insert(held.package.id.clone(), held);
            *shelf = Arc::new(next);
        });
        if let Some(before) = before.filter(|before| before.package.version != version) {
            spawn_blocking(move || shelf::forget(&before)).await?;
        }
        Ok(brought)
    }

    /// Takes from the shelf what the referent does not want and what the académie withdrew. Without a catalogue nothing was
    /// withdrawn.
    async fn clear_shelf(&self, catalogue: Option<&Catalogue>, wishes: &Wishes) {
        let offered: Option<BTreeMap<&str, &Package>> =
            catalogue.map(|known| known.offered().map(|package| (package.id.as_str(), package)).collect());
        let shelf = self.house.shelf.borrow().clone();
        let (kept, gone): (Shelf, Shelf) =
            shelf.iter().map(|(id, held)| (id.clone(), Arc::clone(held))).partition(|(id, _)| {
                !wishes.unwanted.contains(id)
                    && offered.as_ref().is_none_or(|known| known.contains_key(id.as_str()))
            });
        if !gone.is_empty() {
            info!(packages = gone.len(), "packages are taken out of the library");
            self.house.shelf.send_replace(Arc::new(kept));
        }
        let arriving: Option<Vec<Package>> =
            offered.map(|known| known.values().map(|package| (*package).clone()).collect());
        let (dir, unwanted) = (self.house.dir().to_owned(), wishes.unwanted.clone());
        let cleared = spawn_blocking(move || {
            gone.values().for_each(|held| shelf::forget(held));
            if let Some(arriving) = arriving {
                let kept: Vec<_> =
                    arriving.iter().filter(|package| !unwanted.contains(&package.id)).collect();
                shelf::clear_arriving(&dir, &kept);
            }
        });
        if let Err(error) = cleared.await {
            warn!(%error, "the library could not be tidied");
        }
    }

    /// Whether the quota and the disk have room for the package beside everything that is here, its version before included.
    fn check_room(&self, package: &Package) -> Result<(), NoRoom> {
        let wanted_bytes = bytes_on(&self.house.shelf.borrow()).saturating_add(package.bytes);
        if wanted_bytes > self.house.settings.quota_bytes {
            return Err(NoRoom::Quota { wanted_bytes });
        }
        let part: PathBuf = shelf::arriving_dir(self.house.dir()).join(shelf::dir_of(package));
        let have = std::fs::metadata(part.join(shelf::content_name(package))).map_or(0, |found| found.len());
        let rest = package.bytes.saturating_sub(have);
        transfer::check_room(self.house.dir(), rest).map_err(|_| NoRoom::Disk)
    }

    async fn note(&self, stop: &CancellationToken) {
        loop {
            let ended = stop.run_until_cancelled(time::sleep(NOTE_EVERY)).await.is_none();
            let house = Arc::clone(&self.house);
            let noted = spawn_blocking(move || house.uses.note()).await;
            if let Ok(Err(error)) = noted {
                warn!(%error, "cannot write down how often packages are used");
            }
            if ended {
                return;
            }
        }
    }
}

fn bytes_on(shelf: &Shelf) -> u64 {
    shelf.values().map(|held| held.package.bytes).fold(0, u64::saturating_add)
}
