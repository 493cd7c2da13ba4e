//! Asks a table made of any bytes everything, for the fuzzer and the replay of its corpus.

use super::{
    layout::{CHECKED_BYTES, HEADER_BYTES, head_sum, padding},
    names::Names,
    set::CategorySet,
    table::Table,
};
use crate::model::{Domain, Site, UrlPath};

/// What is asked; a corpus lists some of it.
const ASKED: [(&str, &str); 4] = [
    ("x.adultes.jeux.example", "/a/b?c=d&e"),
    ("www.blog.example", "/jeux/echecs?partie=3&coup=1"),
    ("203.0.113.7", "/search?q=12"),
    ("2001:db8::7", "/"),
];

/// Opens `bytes` as they are, and once more with a head checksum that holds; asks what opens and reads it to its end.
/// Nothing may panic or take long; a damaged table may answer wrongly, but what verifies must be whole.
///
/// # Panics
/// When a table that verifies cannot be read back.
pub fn exercise(bytes: &[u8]) {
    for bytes in [Some(bytes.to_vec()), with_true_head(bytes)].into_iter().flatten() {
        let Ok(table) = Table::open(bytes.clone()) else {
            continue;
        };
        let is_whole = table.verify().is_ok();
        let count = table.keys().count();
        assert!(!is_whole || count == table.names_count(), "a whole table has all its entries");
        for (host, path) in ASKED {
            let Ok(host) = host.parse::<Site>() else { continue };
            let _ = table.categories_of_site(&host);
            let _ = table.url_categories(&host, &UrlPath::from(path));
            if let Site::Name(name) = &host {
                ask_names(&bytes, &table, name);
            }
        }
    }
}

/// Takes the same bytes for a names file: nearly always it is none, or another table's.
fn ask_names(bytes: &[u8], table: &Table, name: &Domain) {
    let Ok(names) = Names::open(bytes.to_vec(), table) else {
        return;
    };
    for listed in table.listed(name) {
        let _ = (names.name_of(&listed), names.since(&listed));
    }
}

/// The bytes with the checksum that their head would have, so that what is behind it is reached.
fn with_true_head(bytes: &[u8]) -> Option<Vec<u8>> {
    let length = |place: usize| {
        let number = bytes.get(place..)?.first_chunk().map(|number| u32::from_le_bytes(*number))?;
        usize::try_from(number).ok()
    };
    let sets = length(40)?.checked_mul(CategorySet::BYTES)?;
    let end = [length(32)?, length(36)?, sets, length(44)?];
    let end = end.into_iter().try_fold(HEADER_BYTES, usize::checked_add)?;
    let end = end.checked_add(padding(end))?;
    let sum = head_sum(bytes.get(..CHECKED_BYTES)?, bytes.get(HEADER_BYTES..end)?);
    let mut bytes = bytes.to_vec();
    bytes.get_mut(CHECKED_BYTES..HEADER_BYTES)?.copy_from_slice(&sum.to_le_bytes());
    Some(bytes)
}
