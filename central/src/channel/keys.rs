//! Files of keys: Ed25519 in PKCS#8, PEM, for the owner's eyes alone.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use aws_lc_rs::{rand::SystemRandom, signature::Ed25519KeyPair};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};

use super::metadata::Signer;

/// The roles whose keys are on line, as their files are named.
pub(super) const ON_LINE: [&str; 6] = ["snapshot", "timestamp", "policy", "lists", "content", "accounts"];

/// The keys that are on line.
#[derive(Debug)]
pub(super) struct OnLine(BTreeMap<&'static str, Signer>);

impl OnLine {
    /// Reads them from `keys_dir`.
    pub(super) fn read(keys_dir: &Path) -> anyhow::Result<Self> {
        let key = |role| Ok((role, read(&path(keys_dir, role))?));
        Ok(Self(ON_LINE.into_iter().map(key).collect::<anyhow::Result<_>>()?))
    }

    /// The key of `role`.
    pub(super) fn of(&self, role: &str) -> anyhow::Result<&Signer> {
        self.0.get(role).with_context(|| format!("the key of `{role}` is not on line"))
    }
}

/// Where the key of that name lies in `dir`.
pub(super) fn path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.pem"))
}

/// Reads the key at `path`.
pub(super) fn read(path: &Path) -> anyhow::Result<Signer> {
    let shown = path.display();
    let pem = fs::read(path).with_context(|| format!("cannot read the key `{shown}`"))?;
    let der =
        PrivatePkcs8KeyDer::from_pem_slice(&pem).with_context(|| format!("`{shown}` is no PEM file"))?;
    Signer::new(der.secret_pkcs8_der()).with_context(|| format!("cannot use `{shown}`"))
}

/// A secret for `purpose`, derived from the key of that name in `dir` by BLAKE3; it says nothing of the key.
pub(super) fn derived(dir: &Path, name: &str, purpose: &str) -> anyhow::Result<[u8; 32]> {
    let path = path(dir, name);
    let shown = path.display();
    let pem = fs::read(&path).with_context(|| format!("cannot read the key `{shown}`"))?;
    let der =
        PrivatePkcs8KeyDer::from_pem_slice(&pem).with_context(|| format!("`{shown}` is no PEM file"))?;
    Ok(blake3::derive_key(purpose, der.secret_pkcs8_der()))
}

/// Makes a key and writes it to `path`, which must not be there.
pub(super) fn make(path: &Path) -> anyhow::Result<Signer> {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).ok().context("cannot make a key")?;
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    let text = STANDARD.encode(pkcs8.as_ref());
    for line in text.as_bytes().chunks(64) {
        pem.extend(line.iter().copied().map(char::from));
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    write_new(path, pem.as_bytes(), 0o600)?;
    Signer::new(pkcs8.as_ref())
}

/// Writes a file that must not be there, and waits until the disk has it.
pub(super) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let context = || format!("cannot write `{}`", path.display());
    let mut file =
        fs::File::options().write(true).create_new(true).mode(mode).open(path).with_context(context)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(context)
}

/// Makes a folder for the owner alone where there is none.
pub(super) fn make_dir(dir: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("cannot make the folder `{}`", dir.display()))
}

/// Those keys of `names` that lie in any of `dirs`.
pub(super) fn brought(dirs: &[PathBuf], names: &[&str]) -> anyhow::Result<Vec<Signer>> {
    let paths = names.iter().flat_map(|name| dirs.iter().map(|dir| path(dir, name)));
    paths.filter(|path| path.exists()).map(|path| read(&path)).collect()
}
