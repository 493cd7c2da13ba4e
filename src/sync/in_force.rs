//! What of the channel is in force, on disk.
//!
//! ```text
//! <state_dir>/central/policy/<number>/policy.json      the index, as it was signed
//!                                     00.toml 01.toml  its documents, in order
//!                                     calendrier.csv   where it names a calendar
//!                            current                   the number in force, as text
//! <state_dir>/central/lists/categories.table           made of the edition in force
//! ```
//!
//! `current` is replaced in one step once everything it names is whole on disk and was accepted by the judge; who watches it
//! sees the change. The number before stays beside it until the next one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::{protocol::index, system::files};

/// The largest index, in bytes.
const INDEX_BYTES_MAX: u64 = 1 << 20;

/// Rules files a policy may have: académie, département, some groups, the school.
pub const DOCUMENTS_MAX: usize = 32;

/// A policy that was taken from the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its index.
    pub index: index::Policy,
    /// Its rules files, in the order they are judged.
    pub documents: Vec<PathBuf>,
    /// Its calendar, where it has one.
    pub calendar: Option<PathBuf>,
}

/// Everything of central on the box.
#[must_use]
pub fn central_dir(state_dir: &Path) -> PathBuf {
    state_dir.join("central")
}

/// The file that says which policy is in force; there only once there was one.
#[must_use]
pub fn policy_current_path(state_dir: &Path) -> PathBuf {
    central_dir(state_dir).join("policy/current")
}

/// The category table that the channel's lists came to; there only once there was one.
#[must_use]
pub fn categories_path(state_dir: &Path) -> PathBuf {
    central_dir(state_dir).join("lists/categories.table")
}

/// The directory of the policy of that number.
#[must_use]
pub fn policy_dir(state_dir: &Path, number: u64) -> PathBuf {
    central_dir(state_dir).join(format!("policy/{number}"))
}

/// The policy of that number, whether in force or not.
///
/// # Errors
/// When a file is missing or cannot be read.
pub fn read_policy(state_dir: &Path, number: u64) -> anyhow::Result<Policy> {
    let dir = policy_dir(state_dir, number);
    let path = dir.join("policy.json");
    let context = || format!("cannot read `{}`", path.display());
    anyhow::ensure!(
        fs::metadata(&path).with_context(context)?.len() <= INDEX_BYTES_MAX,
        "the index is too large"
    );
    let index: index::Policy =
        serde_json::from_slice(&fs::read(&path).with_context(context)?).with_context(context)?;
    anyhow::ensure!(index.documents.len() <= DOCUMENTS_MAX, "the index names too many documents");
    let documents = (0..index.documents.len()).map(|place| dir.join(format!("{place:02}.toml"))).collect();
    let calendar = index.calendar.as_ref().map(|_| dir.join("calendrier.csv"));
    Ok(Policy { index, documents, calendar })
}

/// The numbers of the policy in force and of those before it that are still there, the newest first; none before the first.
/// What is newer than the one in force was never put into force.
///
/// # Errors
/// When `current` cannot be read; what is there is then not known.
pub fn numbers(state_dir: &Path) -> anyhow::Result<Vec<u64>> {
    let path = policy_current_path(state_dir);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    };
    let current: u64 =
        text.trim().parse().with_context(|| format!("`{}` holds no number", path.display()))?;
    let mut numbers = vec![current];
    if let Some(dir) = path.parent() {
        let names = fs::read_dir(dir)?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        numbers.extend(names.filter_map(|name| name.parse::<u64>().ok()).filter(|number| *number < current));
    }
    numbers.sort_unstable_by(|one, other| other.cmp(one));
    Ok(numbers)
}

/// The policy in force; none before the first.
///
/// # Errors
/// When `current` is there but what it names is not.
pub fn policy(state_dir: &Path) -> anyhow::Result<Option<Policy>> {
    let number = numbers(state_dir)?.first().copied();
    number.map(|number| read_policy(state_dir, number)).transpose()
}

/// Puts the policy of that number into force.
///
/// # Errors
/// When the disk refuses: then the one before stays.
pub fn set_policy(state_dir: &Path, number: u64) -> io::Result<()> {
    files::replace(&policy_current_path(state_dir), format!("{number}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_in_force_before_the_first_and_then_what_current_names() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(policy(dir.path()).unwrap(), None);
        let of = policy_dir(dir.path(), 7);
        fs::create_dir_all(&of).unwrap();
        let text = r#"{"version":1,"school":"0809999Z","number":7,
            "documents":[{"target":"policy/a.toml","place":"academie","version":3}]}"#;
        fs::write(of.join("policy.json"), text).unwrap();
        assert_eq!(policy(dir.path()).unwrap(), None, "it was not put into force");
        set_policy(dir.path(), 7).unwrap();
        let taken = policy(dir.path()).unwrap().unwrap();
        assert_eq!((taken.index.number, taken.documents), (7, vec![of.join("00.toml")]));
        fs::write(policy_current_path(dir.path()), "8\n").unwrap();
        assert!(policy(dir.path()).is_err());
    }
}
