//! Tells when a file changes, however it is changed: written in place, replaced by a rename, made or deleted.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};
use tokio::{sync::mpsc, time};

/// How long changes are gathered before they are told: an editor makes several for one save.
const GATHER: Duration = Duration::from_millis(500);

/// Changes of some files, from the moment it is made. Dropping it ends the watch.
#[derive(Debug)]
pub struct FileChanges {
    _watcher: RecommendedWatcher,
    changes: mpsc::Receiver<()>,
}

/// Watches the files at `paths`, which need not exist; their directories must. The directories are watched, for a
/// watched file is lost as soon as an editor renames a new one over it.
///
/// # Errors
/// When a directory does not exist or the kernel's watches are used up.
pub fn file_changes(paths: Vec<PathBuf>) -> anyhow::Result<FileChanges> {
    let dirs: HashSet<PathBuf> = paths.iter().map(|path| dir_of(path).to_path_buf()).collect();
    let watched: HashSet<PathBuf> =
        paths.iter().filter_map(|path| Some(dir_of(path).join(path.file_name()?))).collect();
    // One place: a change that is not yet told covers all that come before it is.
    let (sender, changes) = mpsc::channel(1);
    let handler = move |event: notify::Result<Event>| {
        let concerns_us = match event {
            Ok(event) => {
                event.need_rescan()
                    || (may_change_content(event.kind)
                        && event.paths.iter().any(|path| watched.contains(path)))
            }
            // Something was missed: better to look once too often.
            Err(_) => true,
        };
        if concerns_us {
            let _ = sender.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(handler).context("cannot watch files")?;
    for dir in &dirs {
        let watching = watcher.watch(dir, RecursiveMode::NonRecursive);
        watching.with_context(|| format!("cannot watch the directory `{}`", dir.display()))?;
    }
    Ok(FileChanges { _watcher: watcher, changes })
}

impl FileChanges {
    /// Waits for a change, gathers what follows it within half a second, and returns. Dropping this future loses nothing
    /// but the gathering.
    pub async fn next(&mut self) {
        if self.changes.recv().await.is_none() {
            // The watcher lives as long as this does, so its end of the channel cannot close.
            return std::future::pending().await;
        }
        time::sleep(GATHER).await;
        let _ = self.changes.try_recv();
    }
}

fn dir_of(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Reading a file is an event too, and telling of it would have a reader wake itself for ever.
fn may_change_content(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Whether a change is told within two seconds.
    async fn tells(changes: &mut FileChanges) -> bool {
        time::timeout(Duration::from_secs(2), changes.next()).await.is_ok()
    }

    #[tokio::test]
    async fn writing_replacing_and_deleting_a_file_are_told_and_reading_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("preau.toml");
        let mut changes = file_changes(vec![path.clone()]).unwrap();
        fs::write(&path, "version = 1").unwrap();
        assert!(tells(&mut changes).await, "made");
        let _ = fs::read(&path).unwrap();
        assert!(!tells(&mut changes).await, "read");
        let draft_path = dir.path().join("draft");
        fs::write(&draft_path, "version = 2").unwrap();
        assert!(!tells(&mut changes).await, "another file");
        fs::rename(&draft_path, &path).unwrap();
        assert!(tells(&mut changes).await, "replaced");
        fs::remove_file(&path).unwrap();
        assert!(tells(&mut changes).await, "deleted");
    }

    #[tokio::test]
    async fn many_changes_within_half_a_second_are_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("accounts.csv");
        let mut changes = file_changes(vec![path.clone()]).unwrap();
        for line in 0..50 {
            fs::write(&path, format!("{line}")).unwrap();
        }
        assert!(tells(&mut changes).await);
        assert!(!tells(&mut changes).await);
    }

    #[test]
    fn a_missing_directory_is_an_error_that_names_it() {
        let failure = file_changes(vec![PathBuf::from("/no/such/place/file")]).unwrap_err();
        assert!(format!("{failure:#}").contains("`/no/such/place`"), "{failure:#}");
    }
}
