//! The claim of one daemon on a state directory.
//!
//! It is taken before anything of the kernel is touched: a second daemon started by mistake would otherwise load the
//! closed ruleset over that of the first, and cut everybody before it finds the ports taken.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use anyhow::{Context as _, bail};

/// Holds a state directory. The kernel takes it back when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Claim {
    _lock: File,
}

impl Claim {
    /// Takes the directory at `path`, which is made where it is missing; only the daemon's user may then look inside.
    ///
    /// # Errors
    /// When another daemon holds it, or the disk refuses.
    pub(super) fn on(path: &Path) -> anyhow::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("cannot make the state directory `{}`", path.display()))?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .with_context(|| format!("cannot open `{}`", lock_path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!("another preau runs with the state directory `{}`; stop it first", path.display())
            }
            Err(TryLockError::Error(cause)) => {
                Err(cause).with_context(|| format!("cannot lock `{}`", lock_path.display()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_directory_has_one_daemon_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        let held = Claim::on(&path).unwrap();
        let error = Claim::on(&path).unwrap_err();
        assert!(error.to_string().contains("another preau runs"), "{error:#}");
        drop(held);
        assert!(Claim::on(&path).is_ok());
    }
}
