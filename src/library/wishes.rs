//! What the digital referent wants of the library, kept over restarts.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::system::files;

/// The longest file of wishes, in bytes: every package of a full catalogue fits.
const BYTES_MAX: u64 = 1 << 20;

/// What the referent wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wishes {
    /// Nothing is fetched for now.
    pub(super) paused: bool,
    /// Packages that this school does not want.
    pub(super) unwanted: BTreeSet<String>,
}

impl Wishes {
    pub(super) fn read(dir: &Path) -> anyhow::Result<Self> {
        let path = path(dir);
        let context = || format!("cannot read `{}`", path.display());
        match fs::metadata(&path) {
            Ok(found) => anyhow::ensure!(found.len() <= BYTES_MAX, "`{}` is too long", path.display()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(context),
        }
        serde_json::from_slice(&fs::read(&path).with_context(context)?).with_context(context)
    }

    pub(super) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let path = path(dir);
        let written = files::replace(&path, &serde_json::to_vec(self)?);
        written.with_context(|| format!("cannot write `{}`", path.display()))
    }
}

fn path(dir: &Path) -> PathBuf {
    dir.join("wishes.json")
}
