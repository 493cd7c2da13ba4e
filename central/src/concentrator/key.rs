//! A concentrator's own key.
//!
//! ```text
//! <keys_dir>/concentrator-NAME.key     32 bytes in base64, as wg(8) has it; mode 0600
//! ```

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow, ensure};
use aws_lc_rs::agreement::{PrivateKey, X25519};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Where the key of the concentrator called `name` is.
pub(super) fn path(keys_dir: &Path, name: &str) -> PathBuf {
    keys_dir.join(format!("concentrator-{name}.key"))
}

/// Makes the key of the concentrator called `name` where there is none, and gives its public half.
///
/// # Errors
/// When the folder refuses, or what is there is no key.
pub fn make_key(keys_dir: &Path, name: &str) -> anyhow::Result<String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    ensure!(
        !name.is_empty() && name.bytes().all(plain),
        "`{name}` is no name of a concentrator: small letters, digits and hyphens"
    );
    let path = path(keys_dir, name);
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    let write = || {
        let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(format!("{}\n", STANDARD.encode(bytes)).as_bytes())?;
        file.sync_all()
    };
    match write() {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("cannot write `{}`", path.display()))
        }
        Ok(()) | Err(_) => public_of(&read(keys_dir, name)?),
    }
}

/// The private key of the concentrator called `name`, in base64. Secret.
pub(super) fn read(keys_dir: &Path, name: &str) -> anyhow::Result<String> {
    let path = path(keys_dir, name);
    let shown = path.display();
    let missing = || format!("cannot read `{shown}`; `preau-central concentrator key {name}` makes it");
    let mode = fs::metadata(&path).with_context(missing)?.permissions().mode();
    ensure!(mode & 0o077 == 0, "others can read `{shown}`: run `chmod 600 {shown}`");
    Ok(fs::read_to_string(&path).with_context(missing)?.trim().to_owned())
}

/// The public half of a private key of WireGuard, both in base64.
///
/// # Errors
/// When it is no key.
pub fn public_of(private: &str) -> anyhow::Result<String> {
    let wrong = || anyhow!("it is no key of WireGuard");
    let bytes = STANDARD.decode(private).map_err(|_| wrong())?;
    let key = PrivateKey::from_private_key(&X25519, &bytes).map_err(|_| wrong())?;
    Ok(STANDARD.encode(key.compute_public_key().map_err(|_| wrong())?))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_key_is_made_once_for_nobody_elses_eyes() {
        let dir = tempfile::tempdir().unwrap();
        assert!(format!("{:#}", read(dir.path(), "amiens").unwrap_err()).contains("concentrator key amiens"));
        let public = make_key(dir.path(), "amiens").unwrap();
        assert_eq!(make_key(dir.path(), "amiens").unwrap(), public);
        assert_eq!(public.len(), 44);
        assert!(make_key(dir.path(), "../amiens").is_err());
        let path = path(dir.path(), "amiens");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(format!("{:#}", read(dir.path(), "amiens").unwrap_err()).contains("chmod 600"));
    }

    #[test]
    fn the_public_half_is_what_wg_says() {
        let private = STANDARD.encode([7; 32]);
        let mut wg = Command::new("wg");
        let mut child = wg.arg("pubkey").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(private.as_bytes()).unwrap();
        let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        assert_eq!(public_of(&private).unwrap(), said.trim());
        assert!(public_of("AAAA").is_err() && public_of("?").is_err());
    }
}
