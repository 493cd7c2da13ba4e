//! Files read where they lie, by mapping them into memory.

use std::{fs, io, ops::Deref, path::Path};

use memmap2::Mmap;

/// A file mapped for reading. Its pages are the kernel's: read when asked for, given back when memory is short.
///
/// The file must never be written to or cut while it is mapped: reading a page that is gone ends the program. Whoever
/// makes such files writes a draft and renames it over the old one; the mapping then keeps the old content.
#[derive(Debug)]
pub struct Mapped(Mmap);

impl Mapped {
    /// Maps the file at `path`, whole.
    ///
    /// # Errors
    /// When the file cannot be opened or mapped, or is no plain file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = fs::File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"));
        }
        #[expect(unsafe_code, reason = "a mapping changes when its file does, which no type can forbid")]
        // SAFETY: the files opened here are only ever replaced by rename (`system::files`), so the mapped one stays as
        // it is for as long as it is mapped.
        let mapping = unsafe { Mmap::map(&file) }?;
        Ok(Self(mapping))
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_keeps_its_content_when_the_file_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("liste");
        crate::system::files::replace(&path, b"ancienne").unwrap();
        let mapped = Mapped::open(&path).unwrap();
        crate::system::files::replace(&path, b"nouvelle").unwrap();
        assert_eq!(&*mapped, b"ancienne");
        assert_eq!(&*Mapped::open(&path).unwrap(), b"nouvelle");
    }

    #[test]
    fn a_directory_and_a_missing_file_are_refused_and_an_empty_file_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Mapped::open(dir.path()).is_err());
        assert!(Mapped::open(&dir.path().join("rien")).is_err());
        fs::write(dir.path().join("vide"), b"").unwrap();
        assert!(Mapped::open(&dir.path().join("vide")).unwrap().is_empty());
    }
}
