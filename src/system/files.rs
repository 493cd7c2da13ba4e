//! Files that are replaced whole or not at all.

use std::{fs, io, io::Write as _, path::Path};

/// Replaces the file at `path` by `bytes`: a reader sees the old content or the new, even after a power cut.
///
/// # Errors
/// When the directory or the disk refuses; the old content then stands.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no file name"))?;
    let mut draft_name = name.to_os_string();
    draft_name.push(".draft");
    let draft_path = dir.join(draft_name);
    let mut draft = fs::File::create(&draft_path)?;
    draft.write_all(bytes)?;
    draft.sync_all()?;
    fs::rename(&draft_path, path)?;
    fs::File::open(dir)?.sync_all()
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
}
