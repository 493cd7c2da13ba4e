//! The catalogue of the library, `content/index.json`: what packages there are, and how each is put together.
//!
//! A package is one file. It is cut where its content says (FastCDC, see [`super::chunks`]), and each piece is kept under the
//! digest of what is sent. **Only the list of pieces is a target of the channel.** The pieces lie beside the targets, under
//! names that nobody signs for ([`chunk_path`]): a Wikipédia of 30 GB has half a million of them, and as many names in the
//! metadata of a view would be tens of megabytes that each box fetches with every change. Nothing is lost by it. The list is
//! signed for by the role `content`, it holds length and digest of every piece, and no byte of a piece is looked at before
//! its digest is. Whoever keeps the pieces, a mirror or a stick, can withhold them and do nothing else.

use serde::{Deserialize, Serialize};

/// The version of this form.
pub const VERSION: u32 = 1;

/// The target with the [`Catalogue`].
pub const CATALOGUE: &str = "content/index.json";

/// The directory of all pieces, below the repository and beside its targets.
pub const CHUNKS_DIR: &str = "content-chunks";

/// Packages a catalogue may name: more than a teacher could look through.
pub const PACKAGES_MAX: usize = 2000;

/// The longest title, in characters.
pub const TITLE_CHARACTERS_MAX: usize = 200;

/// The longest description, in characters.
pub const DESCRIPTION_CHARACTERS_MAX: usize = 2000;

/// The longest identifier of a package, in bytes.
const ID_BYTES_MAX: usize = 64;

/// What packages there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// [`VERSION`].
    pub version: u32,
    /// The packages, each once.
    pub packages: Vec<Package>,
}

/// One package in one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// What it is called in addresses and on disk, see [`is_id`].
    pub id: String,
    /// Counts up with every version.
    pub version: u64,
    /// What people call it.
    pub title: String,
    /// What is in it, in some sentences.
    pub description: String,
    /// School subjects, such as `Histoire-géographie`.
    pub subjects: Vec<String>,
    /// Cycles of schooling it is for, 1 to 4.
    pub cycles: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Under what terms it may be read, such as `CC BY-SA 4.0`.
    pub licence: String,
    /// How long it is, in bytes.
    pub bytes: u64,
    /// BLAKE3 of it, in hexadecimal.
    pub digest: String,
    /// The target with the list of its pieces, see [`super::chunks`].
    pub chunks: String,
    /// Who looked at it and found it fit for schools. Without it, a package is neither shown nor fetched.
    pub approved: Option<Approval>,
}

/// What a package is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Kind {
    /// An archive of openZIM, read by kiwix-serve.
    Zim,
    /// A site of files, put one after the other behind a table of them.
    Web,
    /// One file.
    File {
        /// Its name, which says by its ending what it is.
        name: String,
    },
}

/// That the ethics committee found a package fit for schools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The committee.
    pub by: String,
    /// The day, such as `2026-11-20`.
    pub date: String,
}

impl Catalogue {
    /// The packages that may be shown and fetched: approved, and each of a form that can be kept.
    pub fn offered(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.approved.is_some() && package.fault().is_none())
    }
}

impl Package {
    /// What is wrong with its form, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        let Self {
            id,
            version,
            title,
            description,
            subjects,
            cycles,
            kind,
            licence,
            bytes,
            digest,
            chunks,
            approved: _,
        } = self;
        if !is_id(id) {
            return Some("the identifier has other than small letters, digits and single `-`");
        }
        if *version == 0 || *bytes == 0 {
            return Some("a version or a length is 0");
        }
        let short = |text: &str, characters_max| {
            !text.trim().is_empty()
                && text.chars().count() <= characters_max
                && !text.chars().any(char::is_control)
        };
        if !short(title, TITLE_CHARACTERS_MAX) || !short(licence, TITLE_CHARACTERS_MAX) {
            return Some("the title or the licence is empty or too long");
        }
        if description.chars().count() > DESCRIPTION_CHARACTERS_MAX {
            return Some("the description is too long");
        }
        if subjects.len() > 20 || !subjects.iter().all(|subject| short(subject, TITLE_CHARACTERS_MAX)) {
            return Some("there are too many subjects, or one is empty or too long");
        }
        if cycles.is_empty() || cycles.len() > 4 || !cycles.iter().all(|cycle| (1..=4).contains(cycle)) {
            return Some("the cycles are other than 1 to 4");
        }
        if digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Some("the digest is none");
        }
        if !chunks.starts_with("content/") {
            return Some("the list of pieces is no target of the role");
        }
        match kind {
            Kind::File { name } if !is_file_name(name) => Some("the file has no plain name"),
            Kind::File { .. } | Kind::Zim | Kind::Web => None,
        }
    }
}

/// Whether `text` can name a package: small letters, digits and single `-`, as kiwix-serve, URLs and disks all keep them.
#[must_use]
pub fn is_id(text: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&text.len())
        && text.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

/// Whether `text` can be the name of a file that is handed out: one step of a path, of letters, digits, `.`, `_` and `-`.
#[must_use]
pub fn is_file_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && !text.starts_with('.')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// The target with the list of pieces of a package in a version.
#[must_use]
pub fn chunk_list(id: &str, version: u64) -> String {
    format!("content/{id}-{version}.chunks")
}

/// Where a piece lies below the repository, by the digest of what is sent.
#[must_use]
pub fn chunk_path(digest: &blake3::Hash) -> String {
    let hex = digest.to_hex();
    format!("{CHUNKS_DIR}/{}/{hex}", &hex[..2])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package() -> Package {
        Package {
            id: "vikidia".to_owned(),
            version: 3,
            title: "Vikidia".to_owned(),
            description: String::new(),
            subjects: vec!["Histoire-géographie".to_owned()],
            cycles: vec![3, 4],
            kind: Kind::Zim,
            licence: "CC BY-SA 4.0".to_owned(),
            bytes: 7,
            digest: "ab".repeat(32),
            chunks: chunk_list("vikidia", 3),
            approved: Some(Approval { by: "Comité".to_owned(), date: "2026-11-20".to_owned() }),
        }
    }

    #[test]
    fn a_package_without_an_approval_is_not_offered() {
        let unseen = Package { id: "autre".to_owned(), approved: None, ..package() };
        let catalogue = Catalogue { version: VERSION, packages: vec![package(), unseen] };
        let offered: Vec<_> = catalogue.offered().map(|package| package.id.as_str()).collect();
        assert_eq!(offered, ["vikidia"]);
    }

    #[test]
    fn what_no_disk_or_address_could_keep_is_not_offered() {
        for (fault, odd) in [
            ("id", Package { id: "../x".to_owned(), ..package() }),
            ("capital", Package { id: "Vikidia".to_owned(), ..package() }),
            ("version", Package { version: 0, ..package() }),
            ("empty", Package { bytes: 0, ..package() }),
            ("title", Package { title: " ".to_owned(), ..package() }),
            ("control", Package { title: "a\nb".to_owned(), ..package() }),
            ("cycle", Package { cycles: vec![5], ..package() }),
            ("no cycle", Package { cycles: Vec::new(), ..package() }),
            ("digest", Package { digest: "xy".repeat(32), ..package() }),
            ("chunks", Package { chunks: "lists/a".to_owned(), ..package() }),
            ("name", Package { kind: Kind::File { name: "../a.pdf".to_owned() }, ..package() }),
        ] {
            assert!(odd.fault().is_some(), "{fault}");
        }
        assert_eq!(package().fault(), None);
    }

    #[test]
    fn the_form_is_read_as_it_is_written() {
        let file = Package { kind: Kind::File { name: "atlas.pdf".to_owned() }, ..package() };
        let catalogue = Catalogue { version: VERSION, packages: vec![package(), file] };
        let text = serde_json::to_string(&catalogue).unwrap();
        assert!(
            text.contains(r#""kind":"zim""#) && text.contains(r#""kind":{"file":{"name":"atlas.pdf"}}"#),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Catalogue>(&text).unwrap(), catalogue);
    }
}
