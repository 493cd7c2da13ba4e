//! The secret that the keys which a box and a concentrator share beforehand are made of.
//!
//! ```text
//! <keys_dir>/tunnel.secret     32 bytes in hexadecimal, mode 0600; made by the first `tunnel set`
//! ```
//!
//! WireGuard agrees on its keys by X25519, which a quantum computer would undo for whoever kept what passed. A key of 256 bits
//! that both ends have beforehand goes into every handshake and is undone by none. Each (school, concentrator, key of the box)
//! has its own, and none of them is kept: it is the BLAKE3, keyed with the secret, of what it is for. So every instance of
//! central with the same folder gives the same, a backup of the database holds none, and a box that changes its key changes
//! this one with it.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use preau::model::Uai;

use super::certificate::hexadecimal;

/// What begins everything that is hashed here, so that it is never mistaken for another thing.
const DOMAIN: &str = "préau-central tunnel preshared 1";

/// The secret.
pub(super) struct Secret([u8; 32]);

impl Secret {
    /// The one in `keys_dir`, if there is one.
    pub(super) fn read(keys_dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = path(keys_dir);
        let shown = path.display();
        let mode = match fs::metadata(&path) {
            Ok(metadata) => metadata.permissions().mode(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read `{shown}`")),
        };
        ensure!(mode & 0o077 == 0, "others can read `{shown}`: run `chmod 600 {shown}`");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{shown}`"))?;
        let secret = blake3::Hash::from_hex(text.trim());
        let secret = secret.with_context(|| format!("`{shown}` does not hold 32 bytes in hexadecimal"))?;
        Ok(Some(Self(*secret.as_bytes())))
    }

    /// Makes one in `keys_dir`, where there is none.
    pub(super) fn make(keys_dir: &Path) -> anyhow::Result<Self> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        let path = path(keys_dir);
        let write = || {
            let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(hexadecimal(&secret).as_bytes())?;
            file.sync_all()
        };
        write().with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(Self(secret))
    }

    /// What the database has of it, so that an instance with another folder is told instead of giving other keys.
    pub(super) fn digest(&self) -> String {
        blake3::keyed_hash(&self.0, b"digest").to_hex().to_string()
    }

    /// What the box of `school` with the key `of_box` and the concentrator with the key `of_concentrator` share, in base64.
    pub(super) fn preshared(&self, school: &Uai, of_concentrator: &str, of_box: &str) -> String {
        // No field can hold the line's end that parts them.
        let named = [DOMAIN, school.as_str(), of_concentrator, of_box].join("\n");
        STANDARD.encode(blake3::keyed_hash(&self.0, named.as_bytes()).as_bytes())
    }
}

fn path(keys_dir: &Path) -> PathBuf {
    keys_dir.join("tunnel.secret")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_school_concentrator_and_key_shares_another_one_and_every_instance_the_same() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Secret::read(dir.path()).unwrap().is_none());
        let made = Secret::make(dir.path()).unwrap();
        assert!(Secret::make(dir.path()).is_err(), "it is never written over");
        let read = Secret::read(dir.path()).unwrap().unwrap();
        assert_eq!(made.digest(), read.digest());
        let (one, other) = (Uai::new("0809999Z").unwrap(), Uai::new("0800001A").unwrap());
        let keys: Vec<String> = [(&one, "a", "x"), (&other, "a", "x"), (&one, "b", "x"), (&one, "a", "y")]
            .into_iter()
            .map(|(school, concentrator, key)| made.preshared(school, concentrator, key))
            .collect();
        assert_eq!(keys[0], read.preshared(&one, "a", "x"));
        assert_eq!(keys[0].len(), 44);
        for (index, key) in keys.iter().enumerate() {
            assert!(!keys[..index].contains(key), "{index}");
        }
    }

    #[test]
    fn a_secret_that_others_can_read_or_that_is_cut_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        Secret::make(dir.path()).unwrap();
        fs::set_permissions(path(dir.path()), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(format!("{:#}", Secret::read(dir.path()).err().unwrap()).contains("chmod 600"));
        fs::set_permissions(path(dir.path()), fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(path(dir.path()), "abcd").unwrap();
        assert!(Secret::read(dir.path()).is_err());
    }
}
