//! Trust: one cycle of the TUF client (specification 5) over one source, by tough.
//!
//! What the box has seen lies in `trust/`: the timestamp and the snapshot, behind which nothing goes back. tough works on
//! a copy of it, file by file, in a directory that is the cycle's own; what it came to is put back in whole files, whether the cycle ended well or not, for each
//! step was proved by itself. So a box that has once seen a root is never led back behind it.
//!
//! Off-spec: tough does not check expiry here. It would go by the machine's clock, which may be doubted, and remembers the
//! latest time it saw for ever. [`Trust::load`] checks the same four files, and [`View`] each role, against the time given.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use tough::{
    ExpirationEnforcement, Limits, Repository, RepositoryLoader,
    schema::{Role as _, RoleType, Root},
};
use url::Url;

use super::{
    metadata::{BASE, Copies, MetadataTransport, read_small},
    refusal::{Refusal, Why},
    source::Source,
    view::View,
};
use crate::{
    model::{Moment, Uai},
    protocol::names,
    system::files,
};

/// How the directories begin that tough works in.
const WORK: &str = "trust.work";

/// How many cycles there were since the program started.
static CYCLES: AtomicU64 = AtomicU64::new(0);

/// The longest root, in bytes.
const ROOT_BYTES_MAX: u64 = 64 << 10;

/// The bounds of the metadata.
const LIMITS: Limits = Limits {
    // Endless data in place of a root that nobody has seen yet: it is fetched before anything is known of its length.
    max_root_size: ROOT_BYTES_MAX,
    // The same for the timestamp, which is asked for all day.
    max_timestamp_size: 16 << 10,
    // Where the timestamp does not say how long the snapshot is.
    max_snapshot_size: 64 << 10,
    // Where the snapshot does not say how long a role is.
    max_targets_size: 1 << 20,
    // An endless row of roots, each signed by the one before: thirty years of one a year, and some to spare.
    max_root_updates: 64,
};

/// What a box that is the school's trusts.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    dir: PathBuf,
    school: Uai,
}

impl Trust {
    /// The trust that lies in `central_dir`.
    pub(super) fn in_dir(central_dir: &Path, school: &Uai) -> Self {
        Self { dir: central_dir.to_owned(), school: school.clone() }
    }

    /// The view that the source shows, proved as of `now`.
    pub(super) async fn load(&self, source: &Source, now: Moment) -> Result<View, Refusal> {
        match self.cycle(source, true).await {
            Ok(repository) => check_dates(repository, now),
            // A copy may be damaged: then the source is asked for all of it. What is old or cannot be had stays so.
            Err(refusal)
                if matches!(refusal.why, Why::Rollback | Why::Unreachable | Why::Missing | Why::NotForUs) =>
            {
                Err(refusal)
            }
            Err(_) => check_dates(self.cycle(source, false).await?, now),
        }
    }

    async fn cycle(&self, source: &Source, use_copies: bool) -> Result<Repository, Refusal> {
        let root = self.root()?;
        let work = self.begin_work()?;
        let copies = Copies::in_dir(self.dir.join("metadata"));
        let transport =
            MetadataTransport::new(source.clone(), names::metadata_dir(&self.school), copies, use_copies);
        let base = Url::parse(BASE).expect("a constant that is a URL");
        let loaded = RepositoryLoader::new(&root, base.clone(), base)
            .transport(transport.clone())
            .limits(LIMITS)
            .datastore(&work.0)
            .expiration_enforcement(ExpirationEnforcement::Unsafe)
            .load()
            .await;
        self.end_work(&work.0)?;
        drop(work);
        let repository = loaded?;
        transport.keep()?;
        Ok(repository)
    }

    /// The root of trust: the file, or its double where the file was damaged.
    fn root(&self) -> Result<Vec<u8>, Refusal> {
        let (path, double_path) = (self.dir.join("root.json"), self.trust_dir().join("root.json"));
        let sound = |path: &Path| {
            let root = read_small(path, ROOT_BYTES_MAX).ok().flatten()?;
            version_of(&root).map(|version| (version, root))
        };
        match (sound(&path), sound(&double_path)) {
            // The double is written after the file.
            (Some((version, root)), double) if double.as_ref().is_none_or(|(other, _)| *other <= version) => {
                Ok(root)
            }
            (_, Some((_, root))) => {
                files::replace(&path, &root)?;
                Ok(root)
            }
            _ => Err(Refusal::new(
                Why::Signature,
                "the root of trust on the box is missing or damaged; enrol the box again",
            )),
        }
    }

    fn trust_dir(&self) -> PathBuf {
        self.dir.join("trust")
    }

    fn begin_work(&self) -> io::Result<Work> {
        fs::create_dir_all(self.trust_dir())?;
        self.remove_left_work()?;
        let work = Work(self.dir.join(format!("{WORK}.{}", CYCLES.fetch_add(1, Ordering::Relaxed))));
        fs::create_dir_all(&work.0)?;
        for name in ["timestamp.json", "snapshot.json"] {
            if let Ok(Some(bytes)) = read_small(&self.trust_dir().join(name), LIMITS.max_targets_size) {
                fs::write(work.0.join(name), bytes)?;
            }
        }
        Ok(work)
    }

    /// Removes what cycles left that were broken off. What one of them still writes to goes the next time.
    fn remove_left_work(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(WORK)) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(())
    }

    /// Takes over what tough wrote, each file of which it had proved.
    fn end_work(&self, work: &Path) -> io::Result<()> {
        for name in ["timestamp.json", "snapshot.json"] {
            let path = self.trust_dir().join(name);
            match read_small(&work.join(name), LIMITS.max_targets_size)? {
                Some(bytes) => replace_changed(&path, &bytes)?,
                // Its keys were changed by a newer root (5.3.11): what they signed may be a fast-forward, and is forgotten.
                None => remove_file(&path)?,
            }
        }
        if let Some(root) = read_small(&work.join("root.json"), ROOT_BYTES_MAX)?
            && version_of(&root).is_some()
        {
            replace_changed(&self.dir.join("root.json"), &root)?;
            replace_changed(&self.trust_dir().join("root.json"), &root)?;
        }
        Ok(())
    }
}

/// The directory of one cycle, and of no other: what tough gave to the disk when a cycle was broken off is still written
/// after that, and must not meet what the next one writes.
struct Work(PathBuf);

impl Drop for Work {
    fn drop(&mut self) {
        // What stays is removed when the next cycle begins.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Checks the dates of what speaks for the whole view (5.3.10, 5.4.4, 5.5.6, 5.6.6).
fn check_dates(repository: Repository, now: Moment) -> Result<View, Refusal> {
    let ends = [
        (RoleType::Root, repository.root().signed.expires()),
        (RoleType::Timestamp, repository.timestamp().signed.expires()),
        (RoleType::Snapshot, repository.snapshot().signed.expires()),
        (RoleType::Targets, repository.targets().signed.expires()),
    ];
    for (role, end) in ends {
        if now.unix_milliseconds() > end.as_millisecond() {
            let sentence = format!(
                "the signature of the {role} ran out on {end}: the repository has not been renewed, or somebody shows an old one"
            );
            return Err(Refusal::new(Why::Expired, sentence));
        }
    }
    Ok(View::of(&repository))
}

/// The version of a root that is signed as it asks for itself.
fn version_of(root: &[u8]) -> Option<u64> {
    let root: tough::schema::Signed<Root> = serde_json::from_slice(root).ok()?;
    root.signed.verify_role(&root).ok()?;
    Some(root.signed.version.get())
}

fn replace_changed(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::read(path) {
        Ok(known) if known == bytes => Ok(()),
        _ => files::replace(path, bytes),
    }
}

/// Removes a directory with all that is in it, if it is there.
pub(super) fn remove_dir(path: &Path) -> io::Result<()> {
    gone(fs::remove_dir_all(path))
}

/// Removes a file, if it is there.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    gone(fs::remove_file(path))
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
