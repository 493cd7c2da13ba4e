//! Names that no black list may hold, because a school cannot do without them.

use std::{collections::HashMap, io::Read as _, path::Path, sync::Arc};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use toml::Spanned;

use super::{Limits, list_file};
use crate::model::{Domain, Site};

/// The set every build starts from.
const BUILT_IN: &str = include_str!("protected.toml");

/// Bytes at the end of a name by which most names are told to be none of these.
const END_BYTES: usize = 6;

/// Bits of the set of ends: a thousandth of them is in use.
const END_BITS: u32 = 16;

/// The protected names: each with everything below it and with its parents.
#[derive(Debug)]
pub(super) struct Protected {
    names: HashMap<Domain, Arc<str>>,
    /// The parents, each with one of the names it covers.
    parents: HashMap<Arc<str>, Domain>,
    /// Which hashes of ends occur, a bit each.
    ends: Vec<bool>,
}

/// A protected name that a site of a list is, covers, or lies below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectedName {
    /// The name.
    pub name: Domain,
    /// Why it is protected.
    pub reason: Arc<str>,
}

/// A file of protected names, version 1.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: Spanned<u32>,
    /// Whether these names stand in place of the built-in ones.
    #[serde(default)]
    replace: bool,
    #[serde(default)]
    name: Vec<FileName>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileName {
    name: Spanned<String>,
    reason: Spanned<String>,
}

impl Protected {
    /// The built-in names, and those of the file at `path` beside them or, if it says so, in place of them.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else than names with reasons.
    pub(super) fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        let (_, mut names) = read(BUILT_IN).context("the built-in protected names cannot be read")?;
        if let Some(path) = path {
            let failed = || format!("cannot read the protected names in `{}`", path.display());
            let mut text = String::new();
            let file = list_file::open(path).with_context(failed)?;
            file.take(Limits::PROTECTED_BYTES_MAX + 1).read_to_string(&mut text).with_context(failed)?;
            if u64::try_from(text.len())? > Limits::PROTECTED_BYTES_MAX {
                return Err(anyhow::anyhow!("it is longer than {} bytes", Limits::PROTECTED_BYTES_MAX))
                    .with_context(failed);
            }
            let (replaces, own) = read(&text).with_context(failed)?;
            if replaces {
                names.clear();
            }
            names.extend(own);
        }
        Ok(Self::of(names))
    }

    fn of(names: HashMap<Domain, Arc<str>>) -> Self {
        let mut parents = HashMap::new();
        let mut ends = vec![false; 1 << END_BITS];
        for name in names.keys() {
            for parent in name.ancestry() {
                parents.insert(Arc::from(parent), name.clone());
                ends[end_index(parent)] = true;
            }
        }
        Self { names, parents, ends }
    }

    /// The protected name that listing `site` would block; none for most sites, at the cost of one glance.
    pub(super) fn blocked_by(&self, site: &Site) -> Option<ProtectedName> {
        let Site::Name(site) = site else { return None };
        if !self.ends[end_index(site.as_str())] {
            return None;
        }
        let above = site.ancestry().find_map(|parent| self.names.get_key_value(parent));
        let (name, reason) = match above {
            Some(found) => found,
            None => self.names.get_key_value(self.parents.get(site.as_str())?)?,
        };
        Some(ProtectedName { name: name.clone(), reason: Arc::clone(reason) })
    }
}

/// Where the end of a name has its bit. A name and everything below it of [`END_BYTES`] and more share one.
fn end_index(name: &str) -> usize {
    let bytes = name.as_bytes();
    let end = bytes.last_chunk::<END_BYTES>().map_or(bytes, |end| end);
    let number = end.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    // Fibonacci hashing: the upper bits of the product depend on every byte.
    usize::try_from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - END_BITS)).unwrap_or(0)
}

/// Reads a file of protected names: whether it replaces the built-in ones, and its own with their reasons.
fn read(text: &str) -> anyhow::Result<(bool, HashMap<Domain, Arc<str>>)> {
    let file: File = toml::from_str(text).context("it is no file of protected names")?;
    let line = |at: usize| text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
    if *file.version.get_ref() != 1 {
        bail!("line {}: version: this program reads version 1", line(file.version.span().start));
    }
    let mut names = HashMap::new();
    for FileName { name, reason } in file.name {
        let place = line(name.span().start);
        let parsed: Domain = name
            .get_ref()
            .parse()
            .with_context(|| format!("line {place}: name: cannot read `{}`", name.get_ref()))?;
        if parsed.as_str().len() < END_BYTES {
            bail!(
                "line {place}: name: `{parsed}` is shorter than {END_BYTES} bytes; protect longer names below it"
            );
        }
        if reason.get_ref().trim().is_empty() {
            bail!(
                "line {}: reason: it is empty; say why the school needs `{parsed}`",
                line(reason.span().start)
            );
        }
        names.insert(parsed, Arc::from(reason.get_ref().trim()));
    }
    Ok((file.replace, names))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn blocked(protected: &Protected, site: &str) -> Option<String> {
        protected.blocked_by(&site.parse().unwrap()).map(|found| found.name.to_string())
    }

    #[test]
    fn a_protected_name_its_parents_and_its_children_are_found() {
        let protected = Protected::load(None).unwrap();
        for (site, expected) in [
            ("education.gouv.fr", Some("education.gouv.fr")),
            ("educonnect.education.gouv.fr", Some("education.gouv.fr")),
            ("ac-toulouse.fr", Some("ac-toulouse.fr")),
            ("gstatic.com", Some("connectivitycheck.gstatic.com")),
            ("fausse-education.gouv.fr", None),
            ("cdn.gstatic.com", None),
            ("jeux.example", None),
            ("a.fr", None),
            ("203.0.113.9", None),
        ] {
            assert_eq!(blocked(&protected, site).as_deref(), expected, "{site}");
        }
        for parent in ["gouv.fr", "fr", "com", "net", "org"] {
            assert!(blocked(&protected, parent).is_some(), "{parent}");
        }
    }

    #[test]
    fn a_file_adds_names_or_stands_in_place_of_the_built_in_ones() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("protected.toml");
        let own = "version = 1\n[[name]]\nname = \"ent.example\"\nreason = \"our ENT\"\n";
        fs::write(&path, own).unwrap();
        let both = Protected::load(Some(&path)).unwrap();
        assert_eq!(blocked(&both, "a.ent.example").as_deref(), Some("ent.example"));
        assert!(blocked(&both, "education.fr").is_some());
        fs::write(&path, own.replace("version = 1\n", "version = 1\nreplace = true\n")).unwrap();
        let alone = Protected::load(Some(&path)).unwrap();
        assert!(blocked(&alone, "ent.example").is_some());
        assert!(blocked(&alone, "education.fr").is_none());
    }

    #[test]
    fn a_wrong_file_is_refused_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("protected.toml");
        for (text, said) in [
            ("version = 2\n", "line 1: version: this program reads version 1"),
            ("version = 1\nreplaces = true\n", "unknown field `replaces`"),
            ("version = 1\n[[name]]\nname = \"a b\"\nreason = \"x\"\n", "line 3: name: cannot read `a b`"),
            ("version = 1\n[[name]]\nname = \"fr\"\nreason = \"x\"\n", "line 3: name: `fr` is shorter"),
            (
                "version = 1\n[[name]]\nname = \"ent.example\"\nreason = \" \"\n",
                "line 4: reason: it is empty",
            ),
            ("version = 1\n[[name]]\nname = \"ent.example\"\n", "missing field `reason`"),
        ] {
            fs::write(&path, text).unwrap();
            let error = format!("{:#}", Protected::load(Some(&path)).unwrap_err());
            assert!(error.contains(said), "{text}: {error}");
        }
        fs::write(&path, b"\xff\xfe").unwrap();
        assert!(Protected::load(Some(&path)).is_err());
        assert!(Protected::load(Some(dir.path())).is_err());
    }
}
