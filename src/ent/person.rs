//! The keys by which the cache and the waiting writes know persons: nobody reads a name in them, on the disk or in memory.

use std::{
    fmt,
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use anyhow::{Context as _, anyhow};

use crate::model::AccountId;

/// The key of one person.
pub type PersonKey = [u8; 32];

/// Makes persons' keys, with a secret of this box.
#[derive(Clone)]
pub struct PersonKeys([u8; 32]);

impl PersonKeys {
    /// Reads the secret at `path`; makes it where it is missing. What was kept under another secret is nobody's.
    ///
    /// # Errors
    /// When the file cannot be read or made, or is no secret.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        match fs::read(path) {
            Ok(secret) => Ok(Self(secret.try_into().map_err(|_| {
                anyhow!("`{shown}` is not 32 bytes; remove it, and with it what is kept for single persons")
            })?)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let mut secret = [0; 32];
                getrandom::fill(&mut secret).context("no randomness")?;
                let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
                let written = file.as_mut().map_err(|error| anyhow!("{error}")).and_then(|file| {
                    file.write_all(&secret)?;
                    Ok(file.sync_all()?)
                });
                written.with_context(|| format!("cannot write `{shown}`"))?;
                Ok(Self(secret))
            }
            Err(error) => Err(error).with_context(|| format!("cannot read `{shown}`")),
        }
    }

    /// The key of the person with this account.
    #[must_use]
    pub fn of(&self, account: &AccountId) -> PersonKey {
        *blake3::keyed_hash(&self.0, account.as_str().as_bytes()).as_bytes()
    }
}

impl fmt::Debug for PersonKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonKeys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_one_key_on_one_box_and_another_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (dir.path().join("a.key"), dir.path().join("b.key"));
        let keys = PersonKeys::open(&path).unwrap();
        let (one, other) = (AccountId::new("1"), AccountId::new("2"));
        assert_eq!(keys.of(&one), PersonKeys::open(&path).unwrap().of(&one));
        assert_ne!(keys.of(&one), keys.of(&other));
        assert_ne!(keys.of(&one), PersonKeys::open(&elsewhere).unwrap().of(&one));
    }

    #[test]
    fn a_file_that_is_no_secret_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.key");
        fs::write(&path, b"short").unwrap();
        assert!(PersonKeys::open(&path).unwrap_err().to_string().contains("32 bytes"));
    }
}
