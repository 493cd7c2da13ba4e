//! What there is to read: all of it, or what fits words, a subject and a cycle; and a page for each package.

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use axum::{
    Extension,
    extract::{Path, Query, State},
    http::{StatusCode, Uri},
    response::Response,
};
use serde::Deserialize;

use super::roads::{House, Reader};
use crate::{
    library::{Entry, Library, State as Stage},
    portal::{
        asked::Asked,
        language::Language,
        navigation::Place,
        page::{Frame, written},
        secure::{Secure, html},
        visitor::{Standing, Visitor},
        wanted::query_value,
        words::LibraryWords,
    },
    protocol::content::{Kind, Package},
};

/// Packages that one page shows; who looks for something searches.
const SHOWN_MAX: usize = 200;

/// What is looked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sought {
    q: String,
    matiere: String,
    cycle: String,
}

/// The catalogue.
#[derive(Template)]
#[template(path = "portal/library/catalogue.html")]
struct CataloguePage<'a> {
    frame: Frame<'a>,
    words: &'static LibraryWords,
    sought: &'a Sought,
    subjects: Vec<String>,
    rows: Vec<Row>,
    /// Whether there is anything at all.
    is_empty: bool,
    /// Whether some fit that are not shown.
    more: bool,
}

/// The page of a package.
#[derive(Template)]
#[template(path = "portal/library/package.html")]
struct PackagePage<'a> {
    frame: Frame<'a>,
    words: &'static LibraryWords,
    row: Row,
}

/// A package as it is shown.
struct Row {
    id: String,
    title: String,
    description: String,
    subjects: String,
    cycles: String,
    licence: String,
    size: String,
    approved: String,
    /// Where to begin to read; none while it is not here.
    read: Option<String>,
    /// How far it is, where it is not here.
    coming: Option<String>,
}

/// The catalogue.
pub(super) async fn page(
    State(secure): House,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    uri: Uri,
) -> Response {
    let Reader { library, standing } = match secure.reader(&visitor, &asked) {
        Ok(reader) => reader,
        Err(answer) => return *answer,
    };
    let sought = Query::<Sought>::try_from_uri(&uri).map(|Query(sought)| sought).unwrap_or_default();
    let entries: Vec<_> =
        library.entries().into_iter().filter(|entry| entry.state != Stage::Unwanted).collect();
    let subjects: BTreeSet<_> =
        entries.iter().flat_map(|entry| entry.package.subjects.iter().cloned()).collect();
    let is_empty = entries.is_empty();
    let fitting = entries.iter().filter(|entry| sought.fits(&entry.package));
    let mut rows: Vec<_> = fitting.map(|entry| row(asked.language, entry)).collect();
    let more = rows.len() > SHOWN_MAX;
    rows.truncate(SHOWN_MAX);
    let switch = format!(
        "/bibliotheque?q={}&matiere={}&cycle={}&lang={}",
        query_value(&sought.q),
        query_value(&sought.matiere),
        query_value(&sought.cycle),
        asked.language.other().tag()
    );
    let page = CataloguePage {
        frame: frame(&secure, &asked, &standing, switch),
        words: LibraryWords::of(asked.language),
        sought: &sought,
        subjects: subjects.into_iter().collect(),
        rows,
        is_empty,
        more,
    };
    html(StatusCode::OK, written(&page))
}

/// A package's page.
pub(super) async fn package_page(
    State(secure): House,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    Path(id): Path<String>,
) -> Response {
    let Reader { library, standing } = match secure.reader(&visitor, &asked) {
        Ok(reader) => reader,
        Err(answer) => return *answer,
    };
    let entries = library.entries();
    let entry = entries.iter().find(|entry| entry.package.id == id && entry.state != Stage::Unwanted);
    let Some(entry) = entry else { return secure.nothing_there(&asked) };
    let switch = format!("/bibliotheque/paquet/{id}?lang={}", asked.language.other().tag());
    let frame = frame(&secure, &asked, &standing, switch);
    let page =
        PackagePage { frame, words: LibraryWords::of(asked.language), row: row(asked.language, entry) };
    html(StatusCode::OK, written(&page))
}

fn frame<'a>(secure: &'a Arc<Secure>, asked: &Asked, standing: &Standing, switch: String) -> Frame<'a> {
    let frame = secure.house.frame(asked.language, switch);
    match standing {
        Standing::SignedIn(session) => frame.at(session.account.role, Place::Library),
        Standing::Registered(_) | Standing::Unknown => frame,
    }
}

impl Sought {
    /// Whether each word is somewhere in title, description or subjects, and subject and cycle are the package's.
    fn fits(&self, package: &Package) -> bool {
        let text =
            folded(&format!("{} {} {}", package.title, package.description, package.subjects.join(" ")));
        let of_cycle =
            self.cycle.is_empty() || package.cycles.iter().any(|cycle| cycle.to_string() == self.cycle);
        let of_subject = self.matiere.is_empty() || package.subjects.contains(&self.matiere);
        of_cycle && of_subject && folded(&self.q).split_whitespace().all(|word| text.contains(word))
    }
}

/// The text in small letters without the accents of French: who looks for `geographie` means `Géographie`.
fn folded(text: &str) -> String {
    let plain = |letter: char| match letter {
        'à' | 'â' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' => 'i',
        'ô' | 'ö' => 'o',
        'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        '’' | '-' => ' ',
        other => other,
    };
    text.chars().flat_map(char::to_lowercase).map(plain).collect::<String>().replace('œ', "oe")
}

fn row(language: Language, entry: &Entry) -> Row {
    let Entry { package, is_here, state } = entry;
    let words = LibraryWords::of(language);
    let cycles: Vec<_> = package.cycles.iter().map(u8::to_string).collect();
    let coming = match state {
        _ if *is_here => None,
        Stage::Coming(bytes) => Some(format!("{} {} %", words.coming, percent(*bytes, package.bytes))),
        _ => Some(words.waiting.to_owned()),
    };
    Row {
        id: package.id.clone(),
        title: package.title.clone(),
        description: package.description.clone(),
        subjects: package.subjects.join(", "),
        cycles: cycles.join(", "),
        licence: package.licence.clone(),
        size: size(language, package.bytes),
        approved: package
            .approved
            .as_ref()
            .map(|given| format!("{}, {}", given.by, given.date))
            .unwrap_or_default(),
        read: is_here.then(|| beginning(package)),
        coming,
    }
}

/// Where a package begins.
fn beginning(package: &Package) -> String {
    match &package.kind {
        Kind::Zim => format!("{}/{}/", Library::ARCHIVES_ROOT, package.id),
        Kind::Web => format!("/bibliotheque/lire/{}/", package.id),
        Kind::File { name } => format!("/bibliotheque/lire/{}/{name}", package.id),
    }
}

/// How much of `all` is here, from 0 to 100.
pub(in crate::portal) fn percent(here: u64, all: u64) -> u64 {
    let whole = u128::from(all.max(1));
    u64::try_from(u128::from(here.min(all)) * 100 / whole).unwrap_or(100)
}

/// A length in the unit that people say, such as `1,5 Go`.
pub(in crate::portal) fn size(language: Language, bytes: u64) -> String {
    let (unit, one) = match bytes {
        1_000_000_000.. => (1_000_000_000, ["Go", "GB"]),
        1_000_000.. => (1_000_000, ["Mo", "MB"]),
        _ => (1000, ["ko", "kB"]),
    };
    let tenths = bytes.saturating_mul(10) / unit;
    let (whole, tenth) = (tenths / 10, tenths % 10);
    match (language, tenth) {
        (Language::French, 0) => format!("{whole} {}", one[0]),
        (Language::French, _) => format!("{whole},{tenth} {}", one[0]),
        (Language::English, 0) => format!("{whole} {}", one[1]),
        (Language::English, _) => format!("{whole}.{tenth} {}", one[1]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_without_their_accents() {
        let package = Package {
            id: "volcans".to_owned(),
            version: 1,
            title: "Les volcans d’Europe".to_owned(),
            description: "Éruptions et cœur de la Terre".to_owned(),
            subjects: vec!["Histoire-géographie".to_owned()],
            cycles: vec![3, 4],
            kind: Kind::Zim,
            licence: "CC0".to_owned(),
            bytes: 1,
            digest: "00".repeat(32),
            chunks: "content/a".to_owned(),
            approved: None,
        };
        for (q, matiere, cycle, fits) in [
            ("", "", "", true),
            ("EUROPE volcan", "", "", true),
            ("eruption coeur", "", "4", true),
            ("geographie", "Histoire-géographie", "3", true),
            ("volcan", "Sciences", "", false),
            ("volcan", "", "2", false),
            ("ocean", "", "", false),
        ] {
            let sought = Sought { q: q.to_owned(), matiere: matiere.to_owned(), cycle: cycle.to_owned() };
            assert_eq!(sought.fits(&package), fits, "{q} {matiere} {cycle}");
        }
    }

    #[test]
    fn lengths_are_told_as_people_say_them() {
        for (bytes, told) in [
            (0, "0 ko"),
            (999, "0,9 ko"),
            (12_000, "12 ko"),
            (1_550_000, "1,5 Mo"),
            (30_000_000_000, "30 Go"),
        ] {
            assert_eq!(size(Language::French, bytes), told);
        }
        assert_eq!(
            (percent(0, 0), percent(1, 3), percent(9, 3), percent(u64::MAX, u64::MAX)),
            (0, 33, 100, 100)
        );
    }
}
