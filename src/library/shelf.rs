//! The packages that are whole, and how one comes among them.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, ensure};
use tracing::warn;

use super::web::Table;
use crate::protocol::content::{Kind, Package, is_id};

/// The longest description of a package on disk, in bytes.
const PACKAGE_BYTES_MAX: u64 = 64 << 10;

/// The packages that are whole, by their identifiers.
pub(super) type Shelf = BTreeMap<String, Arc<Held>>;

/// A package that is whole.
#[derive(Debug)]
pub struct Held {
    /// What the catalogue said of it when it came.
    pub package: Package,
    /// The package itself.
    pub content_path: PathBuf,
    /// The list of its pieces.
    pub(super) chunks_path: PathBuf,
    /// What is in it, where it is a site of files.
    pub web: Option<Table>,
}

/// The directory of whole packages.
pub(super) fn packages_dir(dir: &Path) -> PathBuf {
    dir.join("packages")
}

/// The directory of what is coming.
pub(super) fn arriving_dir(dir: &Path) -> PathBuf {
    dir.join("arriving")
}

/// The directory of a package in a version, below one of these.
pub(super) fn dir_of(package: &Package) -> String {
    format!("{}-{}", package.id, package.version)
}

/// The file of the package itself.
pub(super) fn content_name(package: &Package) -> String {
    match package.kind {
        Kind::Zim => format!("{}.zim", package.id),
        Kind::Web | Kind::File { .. } => "content".to_owned(),
    }
}

/// Reads what is on the shelf. Of a package in several versions, which a power cut can leave behind, the latest counts and
/// the others go; what cannot be read is left where it is and told.
pub(super) fn read(dir: &Path) -> anyhow::Result<Shelf> {
    let packages = packages_dir(dir);
    for made in [&packages, &arriving_dir(dir)] {
        fs::create_dir_all(made).with_context(|| format!("cannot make `{}`", made.display()))?;
    }
    let mut shelf = Shelf::new();
    for entry in fs::read_dir(&packages).with_context(|| format!("cannot read `{}`", packages.display()))? {
        let path = entry?.path();
        match open(&path) {
            Ok(held) => {
                let known = shelf.get(&held.package.id);
                let is_newer = known.is_none_or(|known| known.package.version < held.package.version);
                if is_newer {
                    let before = shelf.insert(held.package.id.clone(), Arc::new(held));
                    before.iter().for_each(|before| forget(before));
                } else {
                    forget(&held);
                }
            }
            Err(cause) => warn!(cause = format!("{cause:#}"), "a package of the library cannot be read"),
        }
    }
    Ok(shelf)
}

/// Opens the package in `dir`.
pub(super) fn open(dir: &Path) -> anyhow::Result<Held> {
    let path = dir.join("package.json");
    let context = || format!("cannot read `{}`", path.display());
    ensure!(
        fs::metadata(&path).with_context(context)?.len() <= PACKAGE_BYTES_MAX,
        "`{}` is too long",
        path.display()
    );
    let package: Package =
        serde_json::from_slice(&fs::read(&path).with_context(context)?).with_context(context)?;
    if let Some(fault) = package.fault() {
        anyhow::bail!("`{}`: {fault}", path.display());
    }
    let content_path = dir.join(content_name(&package));
    let length = fs::metadata(&content_path).map(|found| found.len()).unwrap_or(0);
    ensure!(length == package.bytes, "`{}` is not as long as it was signed for", content_path.display());
    let web = match package.kind {
        Kind::Web => {
            let context = || format!("cannot read `{}`", content_path.display());
            let mut content = io::BufReader::new(File::open(&content_path).with_context(context)?);
            Some(Table::read(&mut content, length).with_context(context)?)
        }
        Kind::Zim | Kind::File { .. } => None,
    };
    Ok(Held { package, content_path, chunks_path: dir.join("chunks"), web })
}

/// Puts what arrived whole on the shelf, in one step, beside the version before: [`forget`] that once nobody is led there.
pub(super) fn put(dir: &Path, package: &Package) -> anyhow::Result<Arc<Held>> {
    let arrived = arriving_dir(dir).join(dir_of(package));
    // What cannot be opened must not take the place of what can.
    open(&arrived)?;
    let placed = packages_dir(dir).join(dir_of(package));
    fs::rename(&arrived, &placed).with_context(|| format!("cannot put `{}` in place", placed.display()))?;
    for changed in [packages_dir(dir), arriving_dir(dir)] {
        File::open(&changed)?.sync_all()?;
    }
    open(&placed).map(Arc::new)
}

/// Removes a package from the disk. Whoever reads in it goes on reading it.
pub(super) fn forget(held: &Held) {
    let Some(dir) = held.content_path.parent() else { return };
    if let Err(error) = fs::remove_dir_all(dir) {
        warn!(%error, "a package that is no longer wanted cannot be removed; it only takes room");
    }
}

/// Removes everything that was coming, but for the packages `kept`.
pub(super) fn clear_arriving(dir: &Path, kept: &[&Package]) {
    let names: Vec<String> = kept.iter().map(|package| dir_of(package)).collect();
    for entry in fs::read_dir(arriving_dir(dir)).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_ours =
            name.rsplit_once('-').is_some_and(|(id, version)| is_id(id) && version.parse::<u64>().is_ok());
        if is_ours && !names.contains(&name) {
            // It only takes room, and is tried again with the next change.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
