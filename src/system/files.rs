//! Files that are replaced whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// Replaces the file at `path` by `bytes`: a reader sees the old content or the new, even after a power cut.
///
/// # Errors
/// When the directory or the disk refuses; the old content then stands.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = Draft::create(path)?;
    draft.write_all(bytes)?;
    draft.publish()
}

/// As [`replace`], for nobody else's eyes: mode 0600.
///
/// # Errors
/// When the directory or the disk refuses.
pub fn replace_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = Draft::create(path)?;
    // Before the first byte is in it.
    fs::set_permissions(draft.draft_path(), fs::Permissions::from_mode(0o600))?;
    draft.write_all(bytes)?;
    draft.publish()
}

/// A long file, written piece by piece: a draft beside the file it shall become. Dropped before [`Draft::publish`], it is removed and the old file stands.
#[derive(Debug)]
pub struct Draft {
    file: File,
    draft_path: PathBuf,
    path: PathBuf,
}

impl Draft {
    /// An empty draft of the file at `path`.
    ///
    /// # Errors
    /// When `path` names no file, or the directory refuses.
    pub fn create(path: &Path) -> io::Result<Self> {
        let name =
            path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no file name"))?;
        let mut draft_name = name.to_os_string();
        draft_name.push(".draft");
        let draft_path = path.with_file_name(draft_name);
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&draft_path)?;
        Ok(Self { file, draft_path, path: path.to_owned() })
    }

    /// Where the draft lies until it is published.
    #[must_use]
    pub fn draft_path(&self) -> &Path {
        &self.draft_path
    }

    /// Puts the draft in place of the file, safe against a power cut.
    ///
    /// # Errors
    /// When the disk refuses; the old file then stands.
    pub fn publish(self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.draft_path, &self.path)?;
        let dir = self.path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(dir)?.sync_all()
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Once published there is no draft to remove.
        let _ = fs::remove_file(&self.draft_path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_holds_the_new_content_and_no_draft_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("liste");
        replace(&path, b"ancienne").unwrap();
        replace(&path, b"nouvelle").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"nouvelle");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_published_draft_replaces_the_file_and_a_dropped_one_leaves_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("liste");
        let mut draft = Draft::create(&path).unwrap();
        draft.write_all(b"ancienne").unwrap();
        draft.publish().unwrap();
        let mut draft = Draft::create(&path).unwrap();
        draft.write_all(b"nouv").unwrap();
        drop(draft);
        assert_eq!(fs::read(&path).unwrap(), b"ancienne");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
