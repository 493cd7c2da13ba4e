//! The files of a delivery on disk: found in their folder, told apart by name and content, and put in order.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use jiff::civil::Date;
use rustix::fs::{Mode, OFlags};

use super::{Extent, FeedError, Format, NoteKind, onde, text::Text, value};

/// The most files of one delivery.
const FILES_MAX: usize = 10_000;

/// Folders inside folders that are looked into.
const FOLDERS_DEPTH: usize = 4;

/// How much of a file is looked at to tell what it is, in bytes.
const HEAD_BYTES: u64 = 1 << 16;

/// What endings archives have.
const ARCHIVES: &[&str] = &["zip", "gz", "tgz", "tar", "7z", "bz2", "xz", "rar", "zst"];

/// What a file of a delivery holds, in the order it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Contents {
    /// Schools, which persons name.
    Schools,
    /// Persons, or everything.
    Persons,
}

/// A file of a delivery.
#[derive(Clone, Debug)]
pub(super) struct DeliveredFile {
    pub(super) path: PathBuf,
    pub(super) contents: Contents,
    pub(super) format: Format,
    /// None where the name and the head do not say it.
    pub(super) extent: Option<Extent>,
    pub(super) date: Option<Date>,
}

/// A file that is not read, and why.
#[derive(Clone, Debug)]
pub(super) struct PassedOver {
    pub(super) path: PathBuf,
    pub(super) kind: NoteKind,
}

/// What the given paths hold.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub(super) files: Vec<DeliveredFile>,
    pub(super) passed_over: Vec<PassedOver>,
}

/// What a file turned out to be.
enum Kind {
    Delivered(DeliveredFile),
    PassedOver(NoteKind),
    /// Neither to be read nor worth a word.
    Silent,
    Archive,
    Unknown,
}

impl Sorted {
    /// Sorts the files of `paths`; `is_described` where a description of CSV files was given.
    ///
    /// # Errors
    /// When a path cannot be read, is an archive, or was named and is of no format known.
    pub(super) fn of(paths: &[PathBuf], is_described: bool) -> Result<Self, FeedError> {
        let mut found = Vec::new();
        for path in paths {
            let is_folder = fs::metadata(path).map_err(unreadable(path))?.is_dir();
            if is_folder {
                walk(path, FOLDERS_DEPTH, &mut found)?;
            } else {
                found.push((path.clone(), true));
            }
        }
        found.sort();
        found.dedup_by(|next, last| next.0 == last.0);
        let mut sorted = Self::default();
        let mut archive = None;
        for (path, was_named) in found {
            match kind(&path, is_described)? {
                Kind::Delivered(file) => sorted.files.push(file),
                Kind::PassedOver(kind) => sorted.passed_over.push(PassedOver { path, kind }),
                Kind::Silent => {}
                Kind::Archive if was_named => return Err(FeedError::Archive(path)),
                Kind::Archive => {
                    archive.get_or_insert_with(|| path.clone());
                    sorted.passed_over.push(PassedOver { path, kind: NoteKind::UnknownFile });
                }
                Kind::Unknown if was_named => return Err(FeedError::UnknownFile(path)),
                Kind::Unknown => sorted.passed_over.push(PassedOver { path, kind: NoteKind::UnknownFile }),
            }
        }
        // Beside what it was unpacked to, an archive is no matter.
        match archive {
            Some(archive) if sorted.files.is_empty() => Err(FeedError::Archive(archive)),
            _ => Ok(sorted),
        }
    }
}

/// Opens a plain file: no pipe that would keep the reader waiting, no device.
///
/// # Errors
/// When it is something else, or cannot be opened.
pub(super) fn open_file(path: &Path) -> Result<BufReader<File>, FeedError> {
    let open = || {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"));
        }
        Ok(BufReader::new(file))
    };
    open().map_err(unreadable(path))
}

/// The name of a file, for people.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> FeedError {
    move |source| FeedError::Unreadable { path: path.to_owned(), source }
}

/// The files below `folder`, not those that are hidden and not what links lead to.
fn walk(folder: &Path, depth: usize, found: &mut Vec<(PathBuf, bool)>) -> Result<(), FeedError> {
    for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
        let entry = entry.map_err(unreadable(folder))?;
        let kind = entry.file_type().map_err(unreadable(folder))?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() && depth > 0 {
            walk(&entry.path(), depth - 1, found)?;
        } else if kind.is_file() {
            if found.len() == FILES_MAX {
                return Err(FeedError::TooManyFiles(FILES_MAX));
            }
            found.push((entry.path(), false));
        }
    }
    Ok(())
}

fn kind(path: &Path, is_described: bool) -> Result<Kind, FeedError> {
    let ending =
        path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "md5" => return Ok(Kind::PassedOver(NoteKind::Checksum)),
        "dtd" => return Ok(Kind::Silent),
        _ => {}
    }
    let name = file_name(path);
    let mut head = Vec::new();
    open_file(path)?.take(HEAD_BYTES).read_to_end(&mut head).map_err(unreadable(path))?;
    if ARCHIVES.contains(&ending.as_str()) || head.starts_with(b"PK\x03\x04") || head.starts_with(b"\x1f\x8b")
    {
        return Ok(Kind::Archive);
    }
    if ending == "csv" || (is_described && ending != "xml") {
        return Ok(csv_kind(path, &head, is_described));
    }
    let mut text = String::new();
    let read = Text::of_xml(&head[..], usize::MAX).and_then(|mut decoded| decoded.read_to_string(&mut text));
    if read.is_err() {
        return Ok(Kind::Unknown);
    }
    Ok(xml_kind(path, &name, &ending, &text))
}

fn csv_kind(path: &Path, head: &[u8], is_described: bool) -> Kind {
    let format = if is_described {
        Format::Csv
    } else {
        match onde::table(head) {
            Some(onde::Table::Guardians) => return Kind::PassedOver(NoteKind::Guardians),
            Some(onde::Table::Pupils | onde::Table::Teachers) => Format::Onde,
            None => Format::Csv,
        }
    };
    let path = path.to_owned();
    let extent = Some(Extent::Complete);
    Kind::Delivered(DeliveredFile { path, contents: Contents::Persons, format, extent, date: None })
}

fn xml_kind(path: &Path, name: &str, ending: &str, text: &str) -> Kind {
    let root = root(text);
    let is_delivery = root.is_some_and(|root| root.starts_with("ficAlim"));
    // A file cut before its root is still one of the delivery: that it is cut must be told.
    if !is_delivery && (root.is_some() || ending != "xml") {
        return Kind::Unknown;
    }
    let category = category(name).or_else(|| {
        let (_, behind) = text.split_once("name=\"categorie")?;
        let (_, behind) = behind.split_once("<value>")?;
        category(behind.split('<').next()?)
    });
    let contents = match category {
        Some("PersRelEleve") => return Kind::PassedOver(NoteKind::Guardians),
        Some("MefEducNat" | "MatEducNat" | "MatiereEducNat") => {
            return Kind::PassedOver(NoteKind::Subjects);
        }
        Some("EtabEducNat") => Contents::Schools,
        _ => Contents::Persons,
    };
    let is_gpei = name.contains("GPEI") || text.contains("name=\"GPEI");
    let is_first_degree = name.contains("1D")
        || ["degre=\"1D\"", "name=\"ENTPersonNom\"", "name=\"ENTPersonClasses\"", "name=\"ENTEcole"]
            .iter()
            .any(|sign| text.contains(sign));
    let format = match (is_gpei, is_first_degree) {
        (true, _) => Format::Gpei,
        (false, true) => Format::Aaf1d,
        (false, false) => Format::Aaf,
    };
    let (extent, date) = said_by(name, text);
    Kind::Delivered(DeliveredFile { path: path.to_owned(), contents, format, extent, date })
}

/// What a name or a value says of the kind of records.
fn category(text: &str) -> Option<&'static str> {
    const CATEGORIES: [&str; 7] =
        ["PersRelEleve", "PersEducNat", "EtabEducNat", "MefEducNat", "MatiereEducNat", "MatEducNat", "Eleve"];
    CATEGORIES.into_iter().find(|category| text.contains(category))
}

/// The name of the root element of an XML text, behind declarations and comments.
fn root(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        let (_, behind) = rest.split_once('<')?;
        if let Some(comment) = behind.strip_prefix("!--") {
            (_, rest) = comment.split_once("-->")?;
        } else if behind.starts_with(['!', '?']) {
            rest = behind;
        } else {
            let end = behind.find(|letter: char| letter.is_whitespace() || matches!(letter, '>' | '/'));
            return behind.get(..end?);
        }
    }
}

/// The extent and the day of a delivery: `…_Complet_20240916_…` in its name, else what its head says.
fn said_by(name: &str, text: &str) -> (Option<Extent>, Option<Date>) {
    let parts = || name.split(['_', '.']);
    let is = |word: &str| parts().any(|part| part.eq_ignore_ascii_case(word));
    let extent = if is("Delta") {
        Some(Extent::Delta)
    } else if is("Complet") {
        Some(Extent::Complete)
    } else {
        let changes = ["<modifyRequest", "<deleteRequest"].iter().any(|request| text.contains(request));
        changes.then_some(Extent::Delta)
    };
    let by_name = parts()
        .filter(|part| part.len() == 8 && part.is_ascii())
        .find_map(|part| value::date(&format!("{}-{}-{}", part.get(..4)?, part.get(4..6)?, part.get(6..)?)));
    let by_head = || {
        let (_, behind) = text.split_once("dateGenerationExport=\"")?;
        value::date(behind.split('"').next()?)
    };
    (extent, by_name.or_else(by_head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_extent_and_day() {
        let date = |year, month, day| Some(Date::new(year, month, day).unwrap());
        for (name, extent, day) in [
            (
                "ENT2DVA-ENT16_Complet_20240916_PersEducNat_0000.xml",
                Some(Extent::Complete),
                date(2024, 9, 16),
            ),
            ("ENT_0809999Z_Delta_20240917_Eleve_0000.xml", Some(Extent::Delta), date(2024, 9, 17)),
            ("CLG95_GPEI_Complet_20251024_Eleve_0001.xml", Some(Extent::Complete), date(2025, 10, 24)),
            ("eleves.xml", None, None),
            ("ENT_Complet_20241332_Eleve.xml", Some(Extent::Complete), None),
        ] {
            assert_eq!(said_by(name, ""), (extent, day), "{name}");
        }
        assert_eq!(said_by("a.xml", "<!-- dateGenerationExport=\"16/09/2024\" -->").1, date(2024, 9, 16));
        assert_eq!(said_by("a.xml", "<modifyRequest>").0, Some(Extent::Delta));
    }

    #[test]
    fn the_root_is_found_behind_what_may_stand_before_it() {
        for (text, expected) in [
            (
                "<?xml version=\"1.0\"?>\n<!DOCTYPE ficAlimMENESR SYSTEM \"x.dtd\">\n<ficAlimMENESR>",
                Some("ficAlimMENESR"),
            ),
            ("<!-- <b> --><a/>", Some("a")),
            ("<!DOCTYPE x [<!ENTITY a \"b\">]><c d=\"e\">", Some("c")),
            ("", None),
            ("<?xml", None),
            ("<ficAlim", None),
        ] {
            assert_eq!(root(text), expected, "{text}");
        }
    }
}
