//! What the fuzz targets call: any bytes are read to their end, or refused, without a panic.

use super::{
    CsvDescription, Extent, Format, Head, Item, Totals,
    delivery::{Out, read_xml},
    onde,
    schools::Schools,
    seen::Seen,
    table,
};
use crate::model::Uai;

/// Reads `bytes` as a file of an XML delivery, complete and delta.
pub fn exercise_xml(bytes: &[u8]) {
    for extent in [Extent::Complete, Extent::Delta] {
        let head = Head { format: Format::Aaf, extent, date: None, source: String::new() };
        run(|out| read_xml(bytes, "", &head, &mut Schools::default(), &mut Seen::default(), out));
    }
}

/// Reads `bytes` as lists of people: as an export of ONDE, and as a CSV whose description stands before the first line
/// `---`.
pub fn exercise_csv(bytes: &[u8]) {
    let here = Uai::new("0809999Z").expect("a code of seven digits and a letter");
    run(|out| onde::read(bytes, "", &here, &std::collections::HashSet::new(), &mut Seen::default(), out));
    let text = String::from_utf8_lossy(bytes);
    let Some((description, list)) = text.split_once("\n---\n") else { return };
    if let Ok(description) = CsvDescription::parse(description) {
        run(|out| table::read(list.as_bytes(), "", &description, Some(&here), &mut Seen::default(), out));
    }
}

/// Every person who comes out has a name, an identifier and a school, whatever went in.
fn run(read: impl FnOnce(&mut Out<'_>) -> anyhow::Result<()>) {
    let mut take = |item: Item| {
        if let Item::Person(record) = &item {
            let person = &record.person;
            assert!(!person.id.as_str().is_empty() && !person.schools.is_empty());
            assert!(!person.family_name.is_empty() && !person.given_name.is_empty());
        }
        Ok(())
    };
    let mut out = Out { take: &mut take, totals: Totals::default() };
    read(&mut out).expect("bytes in memory can be read, and nothing here fails");
}
