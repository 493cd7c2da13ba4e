//! A site of files as one package: a table of its files, and then the files, one after the other.
//!
//! ```text
//! "PREAUWB1"
//! u32   how many files, little endian
//! u32   how long the table is, in bytes
//! the table, one entry a file, in the order of the paths:
//!   u16   how long the path is
//!   the path, UTF-8, such as "cours/index.html"
//!   u64   where the file begins in the package
//!   u64   how long it is
//! the files
//! ```
//!
//! Nothing of it is ever unpacked: the box opens the package, looks a path up in the table and sends that span. So there
//! are no links to follow, no names that lead out of a folder and nothing that grows when it is opened. The académie makes
//! it of an archive when the package is added, and whatever is odd in the archive is refused there. Files lie plain, not
//! compressed: the whole is cut into pieces which are compressed on their way, and a page that changed changes one of them.

use std::{
    io::{self, Read, Write},
    ops::Range,
};

use thiserror::Error;

/// What a package begins with.
const MAGIC: &[u8; 8] = b"PREAUWB1";

/// How long magic, count and length of the table are, in bytes.
const HEAD_BYTES: usize = 16;

/// What an entry has beside its path, in bytes.
const ENTRY_BYTES: usize = 18;

/// Files of one package: a large site has some tens of thousands.
pub const FILES_MAX: usize = 200_000;

/// The longest path, in bytes.
pub const PATH_BYTES_MAX: usize = 512;

/// The longest table, in bytes: what a box keeps in memory of one package.
pub const TABLE_BYTES_MAX: usize = 16 << 20;

/// The page of a folder.
const FOLDER_PAGE: &str = "index.html";

/// The table of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// In the order of the paths.
    files: Vec<(Box<str>, Range<u64>)>,
}

/// A package that cannot be read or made.
#[derive(Debug, Error)]
pub enum WebError {
    /// It does not begin as a package does, or its table ends too early.
    #[error("it is no package of web pages")]
    Another,
    /// Too many files, or too long a table.
    #[error("it has more than {FILES_MAX} files, or paths of more than {TABLE_BYTES_MAX} bytes in all")]
    TooLarge,
    /// A path that leads elsewhere, or that no browser could ask for.
    #[error("file {0} has no path that can be asked for")]
    Path(usize),
    /// A path twice, or out of order.
    #[error("file {0} is named twice or out of order")]
    Order(usize),
    /// A file that does not lie in the package.
    #[error("file {0} does not lie in the package")]
    Place(usize),
    /// Nothing to begin with.
    #[error("there is no `index.html` to begin with")]
    NoBeginning,
    /// The disk refused.
    #[error("it cannot be read")]
    Disk(#[from] io::Error),
}

impl Table {
    /// Reads the table of a package that is `length` bytes long.
    ///
    /// # Errors
    /// When it is none, or names what it must not.
    pub fn read(package: &mut impl Read, length: u64) -> Result<Self, WebError> {
        let mut head = [0; HEAD_BYTES];
        package.read_exact(&mut head).map_err(cut)?;
        let rest = head.strip_prefix(MAGIC).ok_or(WebError::Another)?;
        let (count, rest) = rest.split_first_chunk::<4>().ok_or(WebError::Another)?;
        let (bytes, _) = rest.split_first_chunk::<4>().ok_or(WebError::Another)?;
        let fits =
            |number: [u8; 4], most| usize::try_from(u32::from_le_bytes(number)).ok().filter(|n| *n <= most);
        let count = fits(*count, FILES_MAX).ok_or(WebError::TooLarge)?;
        let bytes = fits(*bytes, TABLE_BYTES_MAX).ok_or(WebError::TooLarge)?;
        let mut table = vec![0; bytes];
        package.read_exact(&mut table).map_err(cut)?;
        let begins = u64::try_from(HEAD_BYTES + bytes).map_err(|_| WebError::TooLarge)?;
        let table = Self::of(&table, count, begins..length)?;
        // A package without a first page could be listed and not opened.
        table.find("").map(|_| ()).ok_or(WebError::NoBeginning)?;
        Ok(table)
    }

    fn of(mut table: &[u8], count: usize, inside: Range<u64>) -> Result<Self, WebError> {
        let mut files: Vec<(Box<str>, Range<u64>)> = Vec::new();
        for at in 0..count {
            let (path, begin, length);
            (path, begin, length, table) = entry(table).ok_or(WebError::Another)?;
            let path = str::from_utf8(path).ok().filter(|path| is_path(path)).ok_or(WebError::Path(at))?;
            if files.last().is_some_and(|(before, _)| **before >= *path) {
                return Err(WebError::Order(at));
            }
            let end = begin.checked_add(length).filter(|end| begin >= inside.start && *end <= inside.end);
            files.push((path.into(), begin..end.ok_or(WebError::Place(at))?));
        }
        if table.is_empty() { Ok(Self { files }) } else { Err(WebError::Another) }
    }

    /// Where the file at `path` lies and its own path; a folder's path stands for its `index.html`.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<(&str, Range<u64>)> {
        if path.is_empty() || path.ends_with('/') {
            return self.exactly(&format!("{path}{FOLDER_PAGE}"));
        }
        self.exactly(path)
    }

    /// Whether there is a folder at `path`, which has no `/` at its end, with a page of its own.
    #[must_use]
    pub fn is_folder(&self, path: &str) -> bool {
        self.exactly(&format!("{path}/{FOLDER_PAGE}")).is_some()
    }

    fn exactly(&self, path: &str) -> Option<(&str, Range<u64>)> {
        let at = self.files.binary_search_by(|(known, _)| (**known).cmp(path)).ok()?;
        self.files.get(at).map(|(path, place)| (&**path, place.clone()))
    }
}

/// Writes the head and the table of a package whose files, with these paths and lengths, follow in the order that comes back:
/// that of the paths.
///
/// # Errors
/// When a path cannot be asked for or comes twice, or there are too many.
pub fn write_table(files: &[(String, u64)], package: &mut impl Write) -> Result<Vec<usize>, WebError> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|at| files.get(*at).map(|(path, _)| path));
    let bytes: usize = files.iter().map(|(path, _)| path.len() + ENTRY_BYTES).sum();
    if files.len() > FILES_MAX || bytes > TABLE_BYTES_MAX {
        return Err(WebError::TooLarge);
    }
    let number = |number: usize| u32::try_from(number).map_err(|_| WebError::TooLarge);
    package.write_all(MAGIC)?;
    package.write_all(&number(files.len())?.to_le_bytes())?;
    package.write_all(&number(bytes)?.to_le_bytes())?;
    let mut begin = u64::try_from(HEAD_BYTES + bytes).map_err(|_| WebError::TooLarge)?;
    let mut before = "";
    for at in &order {
        let Some((path, length)) = files.get(*at) else { continue };
        let path_length =
            u16::try_from(path.len()).ok().filter(|_| is_path(path)).ok_or(WebError::Path(*at))?;
        if before == path {
            return Err(WebError::Order(*at));
        }
        before = path;
        package.write_all(&path_length.to_le_bytes())?;
        package.write_all(path.as_bytes())?;
        package.write_all(&begin.to_le_bytes())?;
        package.write_all(&length.to_le_bytes())?;
        begin = begin.saturating_add(*length);
    }
    Ok(order)
}

/// Whether a path is relative, made of plain steps, and one that a browser can ask for as it is.
#[must_use]
pub fn is_path(path: &str) -> bool {
    (1..=PATH_BYTES_MAX).contains(&path.len())
        && path.split('/').all(|step| !step.is_empty() && step != "." && step != "..")
        && !path.chars().any(|character| character.is_control() || character == '\\')
}

/// One entry, and the table behind it.
fn entry(table: &[u8]) -> Option<(&[u8], u64, u64, &[u8])> {
    let (length, table) = table.split_first_chunk::<2>()?;
    let (path, table) = table.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let (begin, table) = table.split_first_chunk::<8>()?;
    let (length, table) = table.split_first_chunk::<8>()?;
    Some((path, u64::from_le_bytes(*begin), u64::from_le_bytes(*length), table))
}

fn cut(error: io::Error) -> WebError {
    if error.kind() == io::ErrorKind::UnexpectedEof { WebError::Another } else { WebError::Disk(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(files: &[(&str, &str)]) -> Vec<u8> {
        let sizes: Vec<_> = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), u64::try_from(text.len()).unwrap()))
            .collect();
        let mut bytes = Vec::new();
        for at in write_table(&sizes, &mut bytes).unwrap() {
            bytes.extend_from_slice(files[at].1.as_bytes());
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Table, WebError> {
        Table::read(&mut &bytes[..], u64::try_from(bytes.len()).unwrap())
    }

    #[test]
    fn every_file_is_found_where_it_lies_and_a_folder_by_its_page() {
        let bytes = package(&[("index.html", "accueil"), ("a/index.html", "A"), ("a/b.css", "c")]);
        let table = read(&bytes).unwrap();
        let text = |path| {
            let (_, place) = table.find(path)?;
            let place = usize::try_from(place.start).unwrap()..usize::try_from(place.end).unwrap();
            Some(str::from_utf8(&bytes[place]).unwrap())
        };
        assert_eq!(text(""), Some("accueil"));
        assert_eq!(text("a/"), Some("A"));
        assert_eq!(text("a/b.css"), Some("c"));
        assert!(table.is_folder("a") && !table.is_folder("b"));
        for other in ["a", "b", "/", "../index.html", "a//b.css", "A/b.css"] {
            assert_eq!(text(other), None, "{other}");
        }
    }

    #[test]
    fn every_cut_of_a_package_is_refused() {
        let bytes = package(&[("index.html", "accueil"), ("z", "fin")]);
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "{length}");
        }
        assert!(read(&bytes).is_ok());
    }

    #[test]
    fn paths_that_lead_elsewhere_are_neither_written_nor_read() {
        for path in
            ["", "/a", "../a", "a/../b", "a//b", "a/", "./a", "a\\b", "a\nb", "a\0b", &"a".repeat(513)]
        {
            assert!(!is_path(path), "{path:?}");
            assert!(write_table(&[(path.to_owned(), 0)], &mut Vec::new()).is_err(), "{path:?}");
        }
        let honest = package(&[("index.html", ""), ("y.html", "")]);
        let text = honest.windows(6).position(|window| window == b"y.html").unwrap();
        let mut crooked = honest.clone();
        crooked[text..text + 6].copy_from_slice(b"../abc");
        assert!(matches!(read(&crooked), Err(WebError::Path(1))));
    }

    #[test]
    fn a_name_twice_and_a_file_outside_the_package_are_refused() {
        let twice = [("a".to_owned(), 1), ("a".to_owned(), 1)];
        assert!(matches!(write_table(&twice, &mut Vec::new()), Err(WebError::Order(_))));
        let honest = package(&[("index.html", "accueil")]);
        let mut crooked = honest.clone();
        let begin = HEAD_BYTES + 2 + "index.html".len();
        for far in [0_u64, 7, u64::MAX] {
            crooked[begin..begin + 8].copy_from_slice(&far.to_le_bytes());
            assert!(matches!(read(&crooked), Err(WebError::Place(0))), "{far}");
        }
        let mut long = honest.clone();
        long[begin + 8..begin + 16].copy_from_slice(&8_u64.to_le_bytes());
        assert!(matches!(read(&long), Err(WebError::Place(0))));
    }

    #[test]
    fn a_package_with_nothing_to_begin_with_is_refused() {
        assert!(matches!(read(&package(&[("a.html", "A")])), Err(WebError::NoBeginning)));
    }
}
